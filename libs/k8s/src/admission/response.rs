//! Builds an `AdmissionReview` response within the API server's bounds.

use std::collections::BTreeMap;

use super::review::ReviewVersion;
use crate::json;
use crate::value::Value;

/// The longest warning that clients are sure to show, in characters.
pub const MAX_WARNING_CHARS: usize = 256;
/// The most that all warnings together may take, in bytes: the API server drops what goes beyond.
pub const MAX_WARNINGS_BYTES: usize = 4096;

/// An answer to a review.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The request's uid; an answer with another is an error to the API server.
    pub uid: String,
    /// Whether the request may go on.
    pub allowed: bool,
    /// The HTTP code of a refusal, 403 as a rule; ignored when allowed.
    pub code: u16,
    /// What the client is told on a refusal; ignored when allowed.
    pub message: String,
    /// What the client is told besides. The client puts `Warning:` before each. Too long ones are cut;
    /// when all are too long together, the last ones give way to a note that says how many.
    pub warnings: Vec<String>,
    /// Annotations for the audit event; the API server puts the webhook's name before each key.
    pub audit_annotations: BTreeMap<String, String>,
}

impl Response {
    /// Lets a request through.
    pub fn allow(uid: &str) -> Self {
        Self { uid: uid.to_owned(), allowed: true, ..Self::default() }
    }

    /// Refuses a request.
    pub fn deny(uid: &str, message: String) -> Self {
        Self { uid: uid.to_owned(), allowed: false, code: 403, message, ..Self::default() }
    }

    /// The message to send, in the version of the request.
    pub fn to_json(&self, version: ReviewVersion) -> Value {
        let mut response = json!({ "uid": self.uid, "allowed": self.allowed });
        if let Value::Object(fields) = &mut response {
            if !self.allowed {
                let status = json!({ "code": self.code, "message": self.message });
                fields.insert("status".to_owned(), status);
            }
            if !self.warnings.is_empty() {
                fields.insert("warnings".to_owned(), json!(bounded(&self.warnings)));
            }
            if !self.audit_annotations.is_empty() {
                fields.insert("auditAnnotations".to_owned(), json!(self.audit_annotations));
            }
        }
        json!({
            "apiVersion": version.api_version(),
            "kind": "AdmissionReview",
            "response": response,
        })
    }
}

/// The warnings within both bounds.
fn bounded(warnings: &[String]) -> Vec<String> {
    // What the note about left-out warnings takes at most.
    const NOTE_BYTES: usize = 64;
    let mut kept: Vec<String> = Vec::new();
    let mut bytes = 0;
    for (index, warning) in warnings.iter().enumerate() {
        let warning = shortened(warning);
        let is_last = index + 1 == warnings.len();
        let reserve = if is_last { 0 } else { NOTE_BYTES };
        if bytes + warning.len() + reserve > MAX_WARNINGS_BYTES {
            kept.push(format!("{} more warnings are not shown", warnings.len() - index));
            break;
        }
        bytes += warning.len();
        kept.push(warning);
    }
    kept
}

/// A warning in one line of at most 256 characters: the header that carries it takes no line break.
fn shortened(warning: &str) -> String {
    let mut text: String = warning
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_WARNING_CHARS)
        .collect();
    if warning.chars().count() > MAX_WARNING_CHARS {
        text.pop();
        text.push('…');
    }
    text
}
