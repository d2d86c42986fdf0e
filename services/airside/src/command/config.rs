//! `airside config`: the settings in force, as the file that would give them.

use airside_node::{check, environment, load_settings};
use anyhow::Context;

use crate::cli::ConfigArguments;
use crate::command::Outcome;
use crate::command::node::overrides;
use crate::{SERVICES, show};

pub(super) fn run(arguments: &ConfigArguments) -> anyhow::Result<Outcome> {
    let overrides = overrides(&arguments.settings.set)?;
    let file = arguments.settings.config.clone();
    let settings = load_settings(&SERVICES, file, environment(), overrides)?;
    show::print(&settings.to_toml())?;
    // Who looks for a mistake wants to see both.
    check(&SERVICES, &settings).context("no node could start with these settings")?;
    Ok(Outcome::Good)
}
