//! Exceptions: failures that somebody has accepted, with a reason and perhaps until a day.
//!
//! Written where they belong: in a comment on the line, in an annotation of the object or of its pod
//! template, or in a file for many. One line says the same in all three:
//!
//! ```text
//! privileged-container container=agent until=2027-01-31: loads the driver at start
//! ```
//!
//! What is accepted stays visible, with its reason and place; what has expired stands open again.

mod annotation;
mod comment;
mod peer;
mod scope;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use airside_types::{Finding, Place, Timestamp};

use crate::catalogue;

pub(crate) use annotation::{Annotated, annotated};
pub use comment::{Comment, comments};
pub use peer::{PeerException, peer_exceptions};
pub use scope::Scope;

/// The annotation that holds exceptions, one a line.
pub const ANNOTATION: &str = "airside.dev/ignore";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a comment begins with.
pub const COMMENT: &str = "airside:ignore";

/// A failure that is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The ids of the checks: one, or all that together mean another tool's check.
    pub checks: Vec<&'static str>,
    /// What stands behind the check's id: of a report's findings the vulnerability, and perhaps the
    /// package, as in `image-vulnerability/CVE-2025-1`.
    pub part: Option<String>,
    /// What it is limited to.
    pub scope: Scope,
    /// From when on it holds no longer.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Where it is written.
    pub place: Place,
}

/// A finding that an exception covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The finding.
    pub finding: Finding,
    /// Why it is accepted.
    pub reason: String,
    /// From when on it no longer is.
    pub until: Option<Timestamp>,
    /// Where the exception is written.
    pub place: Place,
}

/// An exception that has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ineffective {
    /// Where it is written.
    pub place: Place,
    /// Why it has none, and what to do.
    pub problem: Problem,
}

/// Why an exception has no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no reason.
    #[error("an exception needs a reason: write `{check}: why it is accepted`")]
    NoReason {
        /// The check as written.
        check: String,
    },
    /// There is no such check.
    #[error("there is no check `{name}`: `airside checks` lists them")]
    UnknownCheck {
        /// The name as written.
        name: String,
    },
    /// A word that is no limit of an exception.
    #[error(
        "`{word}` is not understood: an exception is `CHECK [KEY=VALUE]…: REASON`, with the keys {keys}"
    )]
    UnknownWord {
        /// The word.
        word: String,
        /// The keys that are possible.
        keys: &'static str,
    },
    /// The day is none.
    #[error("`until={day}` is no day: write it as 2027-01-31")]
    NotADay {
        /// The text.
        day: String,
    },
    /// The day has passed.
    #[error("the exception for {check} has expired on {day}: decide again, or mend what it covers")]
    Expired {
        /// The check.
        check: String,
        /// The day.
        day: String,
    },
    /// Another program says why.
    #[error("{0}")]
    Told(String),
    /// It is limited to a file, and none is called so.
    #[error(
        "the exception for {check} covers no file that was scanned: `path={path}` starts in the folder of this file"
    )]
    NoFile {
        /// The check.
        check: String,
        /// The path as written.
        path: String,
    },
    /// Nothing that it covers fails.
    #[error("the exception for {check} covers nothing that fails: remove it")]
    Unused {
        /// The check.
        check: String,
    },
}

/// Reads exceptions from the text of a file: one a line, empty lines and comments (`#`) left out.
pub fn parse_file(path: &str, text: &str) -> (Vec<Exception>, Vec<Ineffective>) {
    let (mut exceptions, mut ineffective) = (Vec::new(), Vec::new());
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = Place { path: path.into(), line: number, column: 1 };
        match Exception::parse(line, place.clone()) {
            Ok(exception) => exceptions.push(exception),
            Err(problem) => ineffective.push(Ineffective { place, problem }),
        }
    }
    (exceptions, ineffective)
}

impl Exception {
    /// Reads one exception: `CHECK [KEY=VALUE]…: REASON`.
    pub fn parse(text: &str, place: Place) -> Result<Self, Problem> {
        let (head, reason) = split_reason(text);
        let mut words = head.split_whitespace();
        let name = words.next().unwrap_or_default();
        let checks: Vec<_> = catalogue::meant(name).into_iter().map(|check| check.id).collect();
        if checks.is_empty() {
            return Err(Problem::UnknownCheck { name: name.to_owned() });
        }
        let (mut scope, mut until) = (Scope::default(), None);
        for word in words {
            match word.split_once('=') {
                Some(("until", day)) => until = Some(parse_day(day)?),
                Some((key, value)) if scope.set(key, value) => {}
                _ => {
                    return Err(Problem::UnknownWord { word: word.to_owned(), keys: scope::KEYS });
                }
            }
        }
        if reason.is_empty() {
            return Err(Problem::NoReason { check: name.to_owned() });
        }
        let part = checks.iter().find_map(|id| name.strip_prefix(id)?.strip_prefix('/'));
        let part = part.map(str::to_owned);
        Ok(Self { checks, part, scope, until, reason: reason.to_owned(), place })
    }

    /// Whether it is about a finding, whatever the day.
    pub fn covers(&self, finding: &Finding, container: Option<&str>) -> bool {
        let (id, part) = finding.check.split_once('/').unwrap_or((&finding.check, ""));
        let is_about_part = self.part.as_deref().is_none_or(|wanted| {
            let rest = part.strip_prefix(wanted);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        self.checks.contains(&id) && is_about_part && self.scope.holds(finding, container)
    }

    /// The last day on which it holds.
    pub(crate) fn last_day(&self) -> Option<String> {
        let within = self.until?.minus(Duration::from_secs(1)).to_string();
        Some(within.split('T').next().unwrap_or_default().to_owned())
    }

    /// Whether it has expired.
    pub fn is_expired(&self, today: Option<Timestamp>) -> bool {
        self.until.zip(today).is_some_and(|(until, today)| today >= until)
    }

    /// Accepts a finding.
    pub(crate) fn accept(self, finding: Finding) -> Accepted {
        let Self { reason, until, place, .. } = self;
        Accepted { finding, reason, until, place }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.checks.join(", "))?;
        self.part.iter().try_for_each(|part| write!(f, "/{part}"))
    }
}

/// The head and the reason: they are parted by a colon and a space. Other tools' names for checks hold a
/// colon too, without the space.
fn split_reason(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.split_once(": ") {
        Some((head, reason)) => (head.trim(), reason.trim()),
        None => (text.strip_suffix(':').unwrap_or(text), ""),
    }
}

/// The end of a day (UTC): an exception holds on the whole of its last day.
fn parse_day(day: &str) -> Result<Timestamp, Problem> {
    let start = Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z"));
    start.map(|start| start.plus(DAY)).map_err(|_| Problem::NotADay { day: day.to_owned() })
}
