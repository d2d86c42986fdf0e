//! `airside config`: the settings in force, as the file that would give them.

use airside_node::{environment, load_settings};

use crate::cli::ConfigArguments;
use crate::command::Outcome;
use crate::command::node::overrides;
use crate::{SERVICES, show};

pub(super) fn run(arguments: &ConfigArguments) -> anyhow::Result<Outcome> {
    let overrides = overrides(&arguments.settings.set)?;
    let file = arguments.settings.config.clone();
    let settings = load_settings(&SERVICES, file, environment(), overrides)?;
    show::print(&settings.to_toml())?;
    Ok(Outcome::Good)
}
