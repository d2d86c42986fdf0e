//! What became of boarding passes, for people and for programs.

use airside_k8s::boarding_pass::NotCompared;
use airside_k8s::boarding_pass::statement::Claims;
use airside_types::{FieldPath, ObjectRef, PassVerdict, Place, Revision};
use serde_json::{Value, json};

use super::against::Content;
use super::{Verification, Verified};
use crate::show::{ERROR, FAINT, GOOD, PLACE, RESET, STRONG, clean};

/// How many changed fields of an object people are shown; the rest is counted.
const SHOWN_FIELDS: usize = 12;

/// For people: each pass with what it says, then what is wrong, then how many there are.
pub(super) fn text(verification: &Verification) -> String {
    let mut text = String::new();
    for (pass, content) in passes(verification) {
        text.push_str(&pass_text(pass, content));
    }
    for (place, reason) in &verification.refused {
        text.push_str(&format!(
            "{ERROR}not verified{RESET}  {PLACE}{}{RESET}: {}\n",
            clean(&place.to_string()),
            clean(reason)
        ));
    }
    for (object, place) in verification.comparison.iter().flat_map(|it| &it.unsigned) {
        text.push_str(&format!("{ERROR}not signed{RESET}  {}\n", unsigned(object, place)));
    }
    text + &summary(verification)
}

/// For programs.
pub(super) fn json(verification: &Verification) -> Value {
    let verified = passes(verification).map(|(pass, content)| {
        let Verified { place, claims, key } = pass;
        json!({
            "file": place.file, "line": place.line, "key": key,
            "resource": resource(&claims.object), "cluster": claims.cluster,
            "digest": claims.digest.to_string(), "location": location(&claims.place),
            "origin": Value::from(claims.origin.clone()), "verdict": claims.verdict.as_str(),
            "findings": claims.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "accepted": claims.accepted.iter().cloned().map(Value::from).collect::<Vec<_>>(),
            "against": content.map(content_json),
        })
    });
    let refused = verification.refused.iter();
    let refused = refused
        .map(|(place, reason)| json!({ "file": place.file, "line": place.line, "reason": reason }));
    let unsigned = verification.comparison.as_ref().map(|comparison| {
        let objects = comparison.unsigned.iter();
        let objects = objects.map(
            |(object, place)| json!({ "resource": resource(object), "location": location(place) }),
        );
        objects.collect::<Vec<_>>()
    });
    json!({
        "verified": verified.collect::<Vec<_>>(), "not_verified": refused.collect::<Vec<_>>(),
        "not_signed": unsigned, "unreadable": verification.problems,
    })
}

/// The verified passes, each with what became of its object where that is known.
fn passes(verification: &Verification) -> impl Iterator<Item = (&Verified, Option<&Content>)> {
    let contents = verification.comparison.as_ref().map(|it| it.passes.as_slice());
    let content = move |index| contents.and_then(|contents| contents.get(index));
    verification.verified.iter().enumerate().map(move |(index, pass)| (pass, content(index)))
}

fn pass_text(pass: &Verified, content: Option<&Content>) -> String {
    let Verified { place, claims, key } = pass;
    let object = claims.object.to_string();
    format!(
        "{GOOD}verified{RESET}  {STRONG}{}{RESET}  {PLACE}{}{RESET}  {}\n  {}\n{}  {FAINT}{}, signed by {key}{RESET}\n",
        clean(&object),
        clean(&claims.place.to_string()),
        judged(claims),
        origin(claims.revision.as_ref()),
        content.map(content_text).unwrap_or_default(),
        clean(&place.to_string()),
    )
}

fn judged(claims: &Claims) -> String {
    let Claims { verdict, findings, accepted, .. } = claims;
    let style = if *verdict == PassVerdict::Failed { ERROR } else { GOOD };
    format!(
        "{style}{}{RESET}: {} open, {} accepted",
        verdict.as_str(),
        counted(findings.len(), "finding"),
        accepted.len()
    )
}

fn origin(revision: Option<&Revision>) -> String {
    let Some(Revision { repository, commit, path, is_dirty }) = revision else {
        return "of no commit that is known".to_owned();
    };
    let of = repository.as_ref().map(|it| format!(" of {it}")).unwrap_or_default();
    let dirty = if *is_dirty { ", with changes that are not committed" } else { "" };
    clean(&format!("commit {commit}{of}, {path}{dirty}")).into_owned()
}

fn content_text(content: &Content) -> String {
    let told = match content {
        Content::Same(place, 0) => format!("{GOOD}same{RESET} at {}", at(place)),
        Content::Same(place, credentials) => {
            let not_compared = NotCompared { credentials: *credentials, ..NotCompared::default() };
            format!("{GOOD}same{RESET} at {}; not compared: {not_compared}", at(place))
        }
        Content::Changed(place, Some(fields)) => {
            format!("{ERROR}changed{RESET} at {}: {}", at(place), fields_text(fields))
        }
        Content::Changed(place, None) => format!(
            "{ERROR}changed{RESET} at {}; in which fields this pass does not tell",
            at(place)
        ),
        Content::Absent => format!("{ERROR}not there{RESET}"),
    };
    format!("  {told}\n")
}

fn at(place: &Place) -> String {
    format!("{PLACE}{}{RESET}", clean(&place.to_string()))
}

fn fields_text(fields: &[FieldPath]) -> String {
    let shown: Vec<_> = fields.iter().take(SHOWN_FIELDS).map(ToString::to_string).collect();
    let more = match fields.len().saturating_sub(SHOWN_FIELDS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", clean(&shown.join(", ")))
}

fn unsigned(object: &ObjectRef, place: &Place) -> String {
    let at = at(place);
    if object.name.is_empty() {
        return format!("{} without a name at {at}: passes are for names", clean(&object.kind));
    }
    format!("{} at {at}: no verified pass is for it as it is", clean(&object.to_string()))
}

fn summary(verification: &Verification) -> String {
    let mut parts = vec![
        format!("{} verified", counted(verification.verified.len(), "boarding pass")),
        format!("{} not verified", verification.refused.len()),
    ];
    if let Some(comparison) = &verification.comparison {
        let count = |is: fn(&Content) -> bool| comparison.passes.iter().filter(|it| is(it)).count();
        let same = count(|it| matches!(it, Content::Same(..)));
        let changed = count(|it| matches!(it, Content::Changed(..)));
        let absent = count(|it| matches!(it, Content::Absent));
        parts.push(format!("objects: {same} same, {changed} changed, {absent} not there"));
        parts.push(format!("{} not signed", comparison.unsigned.len()));
    }
    if !verification.problems.is_empty() {
        parts.push(format!("{} not readable", counted(verification.problems.len(), "input")));
    }
    format!("{STRONG}{}{RESET}\n", parts.join("; "))
}

fn counted(count: usize, what: &str) -> String {
    let ending = match (count, what.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {what}{ending}")
}

fn content_json(content: &Content) -> Value {
    let (state, place, fields, credentials) = match content {
        Content::Same(place, credentials) => ("same", Some(place), None, Some(credentials)),
        Content::Changed(place, fields) => ("changed", Some(place), fields.as_ref(), None),
        Content::Absent => ("absent", None, None, None),
    };
    let fields = fields.map(|fields| fields.iter().map(ToString::to_string).collect::<Vec<_>>());
    json!({
        "state": state, "location": place.map(location), "fields": fields,
        "credentials_not_compared": credentials,
    })
}

fn location(place: &Place) -> Value {
    json!({ "path": place.path, "line": place.line })
}

fn resource(object: &ObjectRef) -> Value {
    json!({
        "group": object.group, "kind": object.kind, "namespace": object.namespace,
        "name": object.name,
    })
}
