//! What a rule says of itself: id, severity, ATT&CK and confidence, by the words of the Sigma specification.

use airside_detect::RuleInfo;
use airside_types::{Confidence, FieldPath, Severity, Tactic, Technique};
use rsigma_parser::{Level, Status};

use crate::judge::Remark;

/// What every id of an own rule begins with.
pub const PREFIX: &str = "SIGMA-";
/// The longest id, without the prefix, in characters.
const MAX_SLUG: usize = 60;
/// The most techniques of a rule: as many travel with a detection.
const MAX_TECHNIQUES: usize = 32;

/// What detection and correlation rules say of themselves alike.
#[derive(Debug)]
pub(crate) struct Head<'r> {
    pub(crate) title: &'r str,
    pub(crate) name: Option<&'r str>,
    pub(crate) level: Option<Level>,
    /// Whether a level is written, known or not.
    pub(crate) has_level: bool,
    pub(crate) status: Option<Status>,
    pub(crate) tags: &'r [String],
    /// The day of the last change, else of the making.
    pub(crate) date: Option<&'r str>,
}

impl Head<'_> {
    /// The rule as detections name it, and what is missing or unknown.
    pub(crate) fn info(&self) -> (RuleInfo, Vec<Remark>) {
        let mut remarks = Vec::new();
        let mut remark = |key: &str, text: String| {
            remarks.push(Remark { at: FieldPath::of(&[key]), text });
        };
        if self.level.is_none() && !self.has_level {
            remark("title", "it gives no `level` and counts as medium".to_owned());
        }
        let techniques = self.techniques(&mut remark);
        let named = self.tags.iter().filter_map(|tag| tag.strip_prefix("attack."));
        let tactic = named
            .filter_map(|name| name.replace('_', "-").parse::<Tactic>().ok())
            .next()
            .or_else(|| techniques.first()?.tactics().first().copied());
        if tactic.is_none() {
            let text = "no tag names an ATT&CK tactic or technique, such as `attack.discovery`; it counts as execution";
            remark("tags", text.to_owned());
        }
        let info = RuleInfo {
            id: format!("{PREFIX}{}", slug(self.name.unwrap_or(self.title))),
            version: self.date.map_or(1, version),
            title: self.title.to_owned(),
            severity: severity(self.level),
            confidence: confidence(self.status),
            tactic: tactic.unwrap_or(Tactic::Execution),
            techniques,
        };
        (info, remarks)
    }

    fn techniques(&self, remark: &mut impl FnMut(&str, String)) -> Vec<Technique> {
        let mut techniques = Vec::new();
        for tag in self.tags {
            let Some(name) = tag.strip_prefix("attack.") else { continue };
            let is_id = name
                .strip_prefix(['t', 'T'])
                .is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit()));
            match Technique::find(&name.to_ascii_uppercase()) {
                Some(technique) => techniques.push(technique),
                None if is_id => {
                    remark("tags", format!("`{tag}` is no ATT&CK technique that Airside knows"));
                }
                None => {}
            }
        }
        // The most specific first.
        techniques.sort_by_key(|it| !it.id().contains('.'));
        techniques.truncate(MAX_TECHNIQUES);
        techniques
    }
}

const fn severity(level: Option<Level>) -> Severity {
    match level {
        Some(Level::Informational) => Severity::Info,
        Some(Level::Low) => Severity::Low,
        Some(Level::Medium) | None => Severity::Medium,
        Some(Level::High) => Severity::High,
        Some(Level::Critical) => Severity::Critical,
    }
}

/// How sure a rule is, by how long it has been in use.
const fn confidence(status: Option<Status>) -> Confidence {
    Confidence::per_mille(match status {
        Some(Status::Stable) => 800,
        Some(Status::Test) => 700,
        Some(Status::Experimental) | None => 600,
        Some(Status::Deprecated | Status::Unsupported) => 400,
    })
}

/// A day such as `2026-11-26` or `2026/11/26` as a number that grows.
fn version(date: &str) -> u32 {
    let digits: String = date.chars().filter(char::is_ascii_digit).take(8).collect();
    digits.parse().unwrap_or(1).max(1)
}

/// A title in lower case, with hyphens for all that is no letter or digit.
pub(crate) fn slug(title: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= MAX_SLUG {
            break;
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_says_of_itself() {
        let tags = ["attack.credential-access", "attack.t1552", "attack.t1552.007", "attack.t9999"];
        let tags = tags.map(str::to_owned);
        let head = Head {
            title: "Secrets read (by hand): twice!",
            name: None,
            level: Some(Level::High),
            has_level: true,
            status: Some(Status::Stable),
            tags: &tags,
            date: Some("2026-11-26"),
        };
        let (info, remarks) = head.info();
        assert_eq!(info.id, "SIGMA-secrets-read-by-hand-twice");
        assert_eq!((info.version, info.severity), (20_261_126, Severity::High));
        assert_eq!(
            (info.tactic, info.confidence),
            (Tactic::CredentialAccess, Confidence::per_mille(800))
        );
        let techniques: Vec<_> = info.techniques.iter().map(|it| it.id()).collect();
        assert_eq!(techniques, ["T1552.007", "T1552"]);
        let remarks: Vec<_> = remarks.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(remarks, ["`attack.t9999` is no ATT&CK technique that Airside knows"]);
    }
}
