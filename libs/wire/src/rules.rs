//! People's own rules on the wire: files that a tenant sets, and the rules in force.

use airside_types::{Place, RuleFile, RuleFiles, Severity};
use bytes::Bytes;

use crate::closed_list::ClosedList;
use crate::invalid::{InvalidField, Problem};
use crate::limits::{MAX_RULE_FILE_BYTES, MAX_RULE_FILES};
use crate::message::{self, DecodeError, EncodeError};
use crate::{bounded, field, v1};

const WHAT: &str = "set of rule files";

/// A rule in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRule {
    /// The id that its detections have.
    pub id: String,
    /// What it finds.
    pub title: String,
    /// How bad that is.
    pub severity: Severity,
    /// Where it stands.
    pub place: Place,
    /// Whether it only serves correlation rules.
    pub only_correlates: bool,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// Where.
    pub place: Place,
    /// What is wrong, and what to write.
    pub text: String,
    /// Whether it keeps the rules out of force.
    pub is_error: bool,
}

/// Encodes a tenant's files into one message of type [`crate::MessageType::RuleFiles`].
pub fn encode_rule_files(files: &RuleFiles) -> Result<Bytes, EncodeError> {
    message::encode::<v1::RuleFiles>(WHAT, &files.into())
}

/// Decodes what [`encode_rule_files`] wrote.
pub fn decode_rule_files(payload: &[u8]) -> Result<RuleFiles, DecodeError> {
    message::decode::<v1::RuleFiles, _>(WHAT, payload)
}

/// The files of a request: not more and not longer than one message of the log may hold.
pub fn files_of(request: v1::SetRulesRequest) -> Result<Vec<RuleFile>, InvalidField> {
    files(request.files)
}

fn files(files: Vec<v1::RuleFile>) -> Result<Vec<RuleFile>, InvalidField> {
    let bytes = files.iter().map(|file| file.text.len()).sum();
    if bytes > MAX_RULE_FILE_BYTES {
        return Err(InvalidField::new(
            "files",
            Problem::TooLong { bytes, most: MAX_RULE_FILE_BYTES },
        ));
    }
    field::list("files", files, MAX_RULE_FILES)
}

impl From<&RuleFile> for v1::RuleFile {
    fn from(file: &RuleFile) -> Self {
        Self { path: bounded::file_path(&file.path), text: file.text.clone() }
    }
}

impl TryFrom<v1::RuleFile> for RuleFile {
    type Error = InvalidField;

    fn try_from(file: v1::RuleFile) -> Result<Self, Self::Error> {
        Ok(Self { path: field::file_path("path", file.path)?, text: file.text })
    }
}

impl From<&RuleFiles> for v1::RuleFiles {
    fn from(set: &RuleFiles) -> Self {
        Self {
            tenant: set.tenant.as_str().to_owned(),
            files: set.files.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::RuleFiles> for RuleFiles {
    type Error = InvalidField;

    fn try_from(set: v1::RuleFiles) -> Result<Self, Self::Error> {
        Ok(Self { tenant: field::tenant("tenant", &set.tenant)?, files: files(set.files)? })
    }
}

impl From<&OwnRule> for v1::OwnRule {
    fn from(rule: &OwnRule) -> Self {
        Self {
            id: bounded::identity(&rule.id),
            title: bounded::text(&rule.title),
            severity: rule.severity.to_wire(),
            place: Some((&rule.place).into()),
            only_correlates: rule.only_correlates,
        }
    }
}

impl TryFrom<v1::OwnRule> for OwnRule {
    type Error = InvalidField;

    fn try_from(rule: v1::OwnRule) -> Result<Self, Self::Error> {
        Ok(Self {
            id: field::identity("id", rule.id)?,
            title: field::text("title", rule.title)?,
            severity: field::listed("severity", rule.severity)?,
            place: field::required("place", rule.place)?,
            only_correlates: rule.only_correlates,
        })
    }
}

impl From<&RuleProblem> for v1::RuleProblem {
    fn from(problem: &RuleProblem) -> Self {
        Self {
            place: Some((&problem.place).into()),
            text: bounded::text(&problem.text),
            is_error: problem.is_error,
        }
    }
}

impl TryFrom<v1::RuleProblem> for RuleProblem {
    type Error = InvalidField;

    fn try_from(problem: v1::RuleProblem) -> Result<Self, Self::Error> {
        Ok(Self {
            place: field::required("place", problem.place)?,
            text: field::text("text", problem.text)?,
            is_error: problem.is_error,
        })
    }
}
