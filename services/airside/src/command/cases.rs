//! The cases beside policies, rules and declarations, told as a test runner does: how each went, and what has none.
//!
//! What cases are, and how one is run, is left to whoever has them.

use airside_report::cases::{self, CaseResult, Subject};
use airside_types::Place;

use crate::cli::TestFormat;
use crate::command::Outcome;
use crate::show::{self, FAINT, PLACE, RESET, STRONG};

/// A case, and how it went.
#[derive(Debug)]
pub(super) struct Told {
    /// Where it is written.
    pub(super) place: Place,
    /// The policy or rule that it is about.
    pub(super) subject: String,
    /// What it shows.
    pub(super) name: String,
    /// What it expects.
    pub(super) expected: String,
    /// What was said, as expected; else what to know about it.
    pub(super) ending: Result<String, String>,
}

/// How a command ends that ran cases: what could not be read comes first.
pub(super) fn tell(
    about: Subject,
    told: &[Told],
    problems: &[String],
    untested: &[&str],
    output: TestFormat,
) -> anyhow::Result<Outcome> {
    for problem in problems {
        show::error(problem);
    }
    let results: Vec<CaseResult<'_>> = told.iter().map(Told::result).collect();
    show::print(&match output {
        TestFormat::Text => text(told, untested),
        TestFormat::Json => serde_json::to_string_pretty(&cases::json(about, &results))? + "\n",
        TestFormat::Junit => cases::junit(about, &results)?,
    })?;
    Ok(if !problems.is_empty() {
        Outcome::Unreadable
    } else if told.iter().all(|it| it.ending.is_ok()) {
        Outcome::Good
    } else {
        Outcome::Findings
    })
}

impl Told {
    fn result(&self) -> CaseResult<'_> {
        CaseResult {
            place: &self.place,
            subject: &self.subject,
            name: &self.name,
            ending: self.ending.as_deref().map_err(String::as_str),
        }
    }

    fn line(&self) -> String {
        let Self { place, subject, name, expected, ending } = self;
        let colon = if subject.is_empty() { "" } else { ": " };
        match ending {
            Ok(said) => {
                let said = if said.is_empty() { String::new() } else { format!(": {said}") };
                format!(
                    "{}ok{RESET}      {subject}{colon}{name} {FAINT}({expected}{said}){RESET}\n",
                    show::GOOD
                )
            }
            Err(said) => format!(
                "{}FAILED{RESET}  {subject}{colon}{name}\n        {PLACE}{place}{RESET}  {said}\n",
                show::ERROR
            ),
        }
    }
}

fn text(told: &[Told], untested: &[&str]) -> String {
    let mut text: String = told.iter().map(Told::line).collect();
    let failed = told.iter().filter(|it| it.ending.is_err()).count();
    let passed = told.len() - failed;
    text.push_str(&format!("\n{STRONG}{passed} ok, {failed} failed{RESET}\n"));
    if !untested.is_empty() {
        text.push_str(&format!("{FAINT}without a case: {}{RESET}\n", untested.join(", ")));
    }
    text
}
