//! `airside data`: which knowledge of vulnerabilities is in force, and bringing it up to date.
//!
//! Owns the file that users keep beside what is built in, and its age. What it says is
//! `airside-vulnerability`'s.

mod affected;
mod update;

use std::path::PathBuf;
use std::time::Duration;

use airside_ports::Clock;
use airside_service::SystemClock;
use airside_terms::VulnerabilityData;
use airside_types::Timestamp;
use serde_json::json;

use crate::cli::{DataCommand, DataFileArguments, OutputFormat};
use crate::command::Outcome;
use crate::show::{self, RESET, STRONG};

/// From this age on a scan says how old the data is.
const OLD_DAYS: u64 = 90;
const DAY: Duration = Duration::from_hours(24);

/// Carries out a command about data.
pub(super) fn run(command: &DataCommand) -> anyhow::Result<Outcome> {
    match command {
        DataCommand::Show { output, data } => tell(&InForce::load(data)?, *output),
        DataCommand::Update { from, against, data } => update::run(from, against, data),
    }
}

/// The data that is in force.
#[derive(Debug)]
pub(super) struct InForce(VulnerabilityData);

impl std::ops::Deref for InForce {
    type Target = VulnerabilityData;

    fn deref(&self) -> &VulnerabilityData {
        &self.0
    }
}

impl InForce {
    /// The file's data where there is a file, and it is newer than what is built in.
    ///
    /// # Errors
    /// The file that is named is not there, or a file cannot be used.
    pub(super) fn load(arguments: &DataFileArguments) -> anyhow::Result<Self> {
        if let Some(path) = &arguments.data_file {
            return Ok(Self(VulnerabilityData::of_file(path)?));
        }
        Self::load_if_there(arguments)
    }

    /// The same for who is about to make the file: what is not there says nothing yet.
    fn load_if_there(arguments: &DataFileArguments) -> anyhow::Result<Self> {
        let file = file(arguments).filter(|path| path.is_file());
        let data = file.map_or_else(
            || Ok(VulnerabilityData::built_in()),
            |path| VulnerabilityData::of_file(&path),
        );
        Ok(Self(data?))
    }

    /// Of when it is, for people: the date of the latest of it.
    pub(super) fn date(&self) -> String {
        self.components.date().map_or_else(|| "unknown date".to_owned(), ToString::to_string)
    }

    /// How many days ago the latest of it was published.
    fn age(&self, now: Timestamp) -> Option<u64> {
        let date = self.components.date()?.as_str();
        let day =
            if date.len() == "2026-03".len() { format!("{date}-01") } else { date.to_owned() };
        let then = Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z")).ok()?;
        // A record may be of tomorrow where the clock is late.
        Some(now.max(then).distance(then).as_secs() / DAY.as_secs())
    }

    /// What to say of data that is old.
    pub(super) fn warning(&self) -> Option<String> {
        let age = self.age(SystemClock.now()).filter(|age| *age > OLD_DAYS)?;
        Some(format!(
            "what is known of vulnerabilities is {age} days old: `airside data update --help` says how to renew it"
        ))
    }
}

/// The file of users: the one that is named, or the usual one.
fn file(arguments: &DataFileArguments) -> Option<PathBuf> {
    let usual = || Some(std::env::home_dir()?.join(".local/share/airside/components.json"));
    arguments.data_file.clone().or_else(usual)
}

fn tell(data: &InForce, output: OutputFormat) -> anyhow::Result<Outcome> {
    let components = &data.components;
    let source =
        data.file.as_ref().map_or_else(|| "built in".to_owned(), |path| path.display().to_string());
    let date = components.date().map(ToString::to_string);
    let age = data.age(SystemClock.now());
    let advisories = components.advisories().len();
    let of = components.components().len();
    match output {
        OutputFormat::Json => {
            let value = json!({
                "source": source, "date": date, "age_days": age, "advisories": advisories,
                "components": of, "note": components.note(),
            });
            show::print(&format!("{}\n", serde_json::to_string_pretty(&value)?))?;
        }
        OutputFormat::Text => {
            let age = age.map(|age| format!(", {age} days old")).unwrap_or_default();
            show::print(&format!(
                "{STRONG}{advisories} advisories on {of} components{RESET}\nsource: {source}\nas of: {}{age}\n{}\n",
                date.as_deref().unwrap_or("unknown"),
                components.note()
            ))?;
        }
    }
    Ok(Outcome::Good)
}
