//! Questions about the catalogue on the wire. The answers are written by the catalogue's owner: its checks are no
//! part of the vocabulary.

use airside_types::Severity;

use crate::closed_list::{self, ClosedList};
use crate::invalid::InvalidField;
use crate::{field, v1};

/// Which checks to list. What is not set does not filter; what is set must all fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckQuery {
    /// Only those that count in this profile.
    pub profile: Option<String>,
    /// Only those that speak of a control of this framework.
    pub framework: Option<String>,
    /// Only those of this category.
    pub category: Option<String>,
    /// Only those at least this severe.
    pub min_severity: Option<Severity>,
    /// Only those that count by the terms of the caller's tenant.
    pub counting: bool,
}

impl From<&CheckQuery> for v1::ListChecksRequest {
    fn from(query: &CheckQuery) -> Self {
        Self {
            profile: query.profile.clone().unwrap_or_default(),
            framework: query.framework.clone().unwrap_or_default(),
            category: query.category.clone().unwrap_or_default(),
            min_severity: closed_list::filter(query.min_severity),
            counting: query.counting,
        }
    }
}

impl TryFrom<v1::ListChecksRequest> for CheckQuery {
    type Error = InvalidField;

    fn try_from(request: v1::ListChecksRequest) -> Result<Self, Self::Error> {
        let name = |field: &str, text: String| {
            Ok::<_, InvalidField>(Some(field::identity(field, text)?).filter(|it| !it.is_empty()))
        };
        Ok(Self {
            profile: name("profile", request.profile)?,
            framework: name("framework", request.framework)?,
            category: name("category", request.category)?,
            min_severity: field::optional_listed("min_severity", request.min_severity)?,
            counting: request.counting,
        })
    }
}

/// A severity's number on the wire.
pub fn severity_number(severity: Severity) -> i32 {
    severity.to_wire()
}

/// The name of a check or framework that a request gives; it may be empty.
///
/// # Errors
/// It is longer than names are.
pub fn read_name(field: &str, name: String) -> Result<String, InvalidField> {
    field::identity(field, name)
}
