//! Raw events as people read them on a terminal: a line each, or one with what was sent.

use airside_wire::raw::{RawEntry, Shown};

use super::{FAINT, PLACE, RESET, STRONG, clean};

/// One line for lists.
pub fn line(entry: &RawEntry) -> String {
    let RawEntry { event, time, code, actor, verb, address, .. } = entry;
    let code = if *code == 0 { "-".to_owned() } else { code.to_string() };
    let impersonated = match entry.impersonated.as_str() {
        "" => String::new(),
        other => format!(" as {}", clean(other)),
    };
    let from = if address.is_empty() { String::new() } else { format!(" from {}", clean(address)) };
    format!(
        "{FAINT}{time}{RESET}  {code:<3}  {STRONG}{}{RESET}{impersonated}  {} {PLACE}{}{RESET}{from}  {FAINT}{event}{RESET}\n",
        clean(actor),
        clean(verb),
        clean(&object(entry)),
    )
}

/// The whole record: its line, what else is known of it, and what was sent.
pub fn whole(entry: &RawEntry) -> String {
    let mut text = line(entry);
    let RawEntry { cluster, taken, stage, audit_id, raw_bytes, .. } = entry;
    text += &format!(
        "{FAINT}cluster {cluster}, {}, auditID {}, taken in {taken}, {raw_bytes} bytes{}{RESET}\n",
        clean(stage),
        clean(audit_id),
        standing(&entry.raw),
    );
    if !entry.raw.bytes().is_empty() {
        text += &clean(&String::from_utf8_lossy(entry.raw.bytes()));
        text.push('\n');
    }
    text
}

/// What is to be said of the bytes that are shown.
pub const fn standing(raw: &Shown) -> &'static str {
    match raw {
        Shown::AsItCame(_) => ", as it came",
        Shown::Redacted(_) => ", without what looks like a credential",
        Shown::Unreadable => ", which cannot be read: nobody can tell what in it is a credential",
        Shown::LeftOut => ", left out",
    }
}

/// The object, as `resource.group/subresource namespace/name`.
fn object(entry: &RawEntry) -> String {
    let mut object = entry.resource.clone();
    for (before, part) in [
        (".", &entry.group),
        ("/", &entry.subresource),
        (" ", &entry.namespace),
        (if entry.namespace.is_empty() { " " } else { "/" }, &entry.name),
    ] {
        if !part.is_empty() {
            object += before;
            object += part;
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use airside_types::{Cluster, Id, Timestamp};
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_record_says_who_did_what_and_what_is_hidden() {
        let text = str::to_owned;
        let entry = RawEntry {
            event: Id::from_bytes([7; 16]),
            cluster: Cluster::default(),
            time: Timestamp::EPOCH,
            taken: Timestamp::EPOCH,
            code: 201,
            audit_id: text("a-1"),
            stage: text("ResponseComplete"),
            actor: text("ada"),
            impersonated: text("root"),
            verb: text("create"),
            group: text("apps"),
            resource: text("deployments"),
            subresource: String::new(),
            namespace: text("shop"),
            name: text("web\u{1b}[31m"),
            address: text("10.0.0.7"),
            user_agent: String::new(),
            raw_bytes: 2,
            raw: Shown::Redacted(Bytes::from_static(b"{}")),
        };
        let shown = anstream::adapter::strip_str(&whole(&entry)).to_string();
        insta::assert_snapshot!(shown, @r"
        1970-01-01T00:00:00Z  201  ada as root  create deployments.apps shop/web [31m from 10.0.0.7  07070707070707070707070707070707
        cluster default, ResponseComplete, auditID a-1, taken in 1970-01-01T00:00:00Z, 2 bytes, without what looks like a credential
        {}
        ");
    }
}
