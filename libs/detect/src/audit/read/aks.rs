//! Audit events of AKS, as rows of Azure Monitor's own tables `AKSAudit` and `AKSAuditAdmin`.
//!
//! The columns are the event's fields under other names. What Azure calls dynamic is JSON, or JSON as text.
//! A body that Azure found too big is replaced by a word, so that the event is a cut one; so is one of which a column breaks
//! off.

use crate::json::Cursor;

/// Columns, and the event's fields that they are. Source: Azure Monitor's reference of the table.
const COLUMNS: [(&str, &str, Holds); 16] = [
    ("Annotations", "annotations", Holds::Dynamic),
    ("AuditId", "auditID", Holds::Text),
    ("ImpersonatedUser", "impersonatedUser", Holds::Dynamic),
    ("Level", "level", Holds::Text),
    ("ObjectRef", "objectRef", Holds::Dynamic),
    ("RequestObject", "requestObject", Holds::Dynamic),
    ("RequestReceivedTime", "requestReceivedTimestamp", Holds::Text),
    ("RequestUri", "requestURI", Holds::Text),
    ("ResponseObject", "responseObject", Holds::Dynamic),
    ("ResponseStatus", "responseStatus", Holds::Dynamic),
    ("SourceIps", "sourceIPs", Holds::Dynamic),
    ("Stage", "stage", Holds::Text),
    ("StageReceivedTime", "stageTimestamp", Holds::Text),
    ("User", "user", Holds::Dynamic),
    ("UserAgent", "userAgent", Holds::Text),
    ("Verb", "verb", Holds::Text),
];

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A text, which a client may have chosen, and which may look like anything.
    Text,
    /// JSON, or JSON as text.
    Dynamic,
}

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
        let column = COLUMNS.iter().find(|(column, _, _)| *column == key);
        let Some((_, field, holds)) = column else {
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
        let is_packed = *holds == Holds::Dynamic && text.starts_with(['{', '[']);
        if is_packed && !is_one_value(&text) {
            // Azure may cut a long text: half a value would take the columns behind it along.
            renamed.is_cut = true;
            continue;
        }
        let json = if is_packed { &*text } else { value.get() };
        if renamed.event.len() > 1 {
            renamed.event.push(',');
        }
        renamed.event.push_str(&format!("\"{field}\":{json}"));
    }
    renamed.is_cut |= cursor.broken().is_some();
    renamed.event.push('}');
    renamed
}

/// Whether a text is one value and nothing else.
fn is_one_value(text: &str) -> bool {
    let mut cursor = Cursor::new(text);
    cursor.skip();
    cursor.broken().is_none() && cursor.peek().is_none()
}
