//! Audit events of AKS, as rows of Azure Monitor's own tables `AKSAudit` and `AKSAuditAdmin`.
//!
//! The columns are the event's fields under other names. What Azure calls dynamic is JSON, or JSON as text.
//! A body that Azure found too big is replaced by a word, so that the event is a cut one.

use crate::json::Cursor;

/// Columns, and the event's fields that they are. Source: Azure Monitor's reference of the table.
const COLUMNS: [(&str, &str); 16] = [
    ("Annotations", "annotations"),
    ("AuditId", "auditID"),
    ("ImpersonatedUser", "impersonatedUser"),
    ("Level", "level"),
    ("ObjectRef", "objectRef"),
    ("RequestObject", "requestObject"),
    ("RequestReceivedTime", "requestReceivedTimestamp"),
    ("RequestUri", "requestURI"),
    ("ResponseObject", "responseObject"),
    ("ResponseStatus", "responseStatus"),
    ("SourceIps", "sourceIPs"),
    ("Stage", "stage"),
    ("StageReceivedTime", "stageTimestamp"),
    ("User", "user"),
    ("UserAgent", "userAgent"),
    ("Verb", "verb"),
];

/// What Azure writes in place of a body.
const TOO_BIG: &str = "skipped-too-big-size-object";

/// A row as an event of Kubernetes.
pub(super) struct Renamed {
    /// The event, as JSON.
    pub(super) event: String,
    /// A body was left out.
    pub(super) is_cut: bool,
}

/// The event that a row is.
pub(super) fn renamed(row: &str) -> Renamed {
    let mut renamed = Renamed { event: String::from("{"), is_cut: false };
    let mut cursor = Cursor::new(row);
    cursor.object();
    while let Some(key) = cursor.key() {
        let Some((_, field)) = COLUMNS.iter().find(|(column, _)| *column == key) else {
            cursor.skip();
            continue;
        };
        let start = cursor.clone();
        let Some(value) = cursor.raw() else { continue };
        let text = { start }.text();
        if text == TOO_BIG {
            renamed.is_cut = true;
            continue;
        }
        let json = if text.starts_with(['{', '[']) { &*text } else { value.get() };
        if renamed.event.len() > 1 {
            renamed.event.push(',');
        }
        renamed.event.push_str(&format!("\"{field}\":{json}"));
    }
    renamed.event.push('}');
    renamed
}
