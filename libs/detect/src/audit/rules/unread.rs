//! Requests of which a part is not known: cut on the way into the log, or written so that nobody can read them.
//!
//! Asked after all other rules: what none of them needed to read hides nothing from them.

use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::exec;
use super::super::request::Request;
use super::{Definition, Ended, Firing, On, WRITE};
use crate::rule::{Examples, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[Definition {
    rule: Rule {
        id: "AUD-R86",
        version: 2,
        title: "Request that the log does not tell whole",
        why: "Padding a request, or writing it so that it cannot be read, hides what it asks for from everybody who reads the log.",
        next: "The object as it is now: what the request set is there. Then the client's other requests, and whether such sizes are usual for it.",
        severity: Severity::Medium,
        confidence: PLAUSIBLE,
        tactic: Tactic::DefenseEvasion,
        techniques: &[technique("T1562")],
        equivalents: &[],
        source: Source::Audit,
        examples: Some(Examples {
            fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":201},"annotations":{"audit.k8s.io/truncated":"true"}}"#,
            quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":201}}"#,
        }),
    },
    on: On::Unread,
    ended: Ended::Done,
    when: unread,
}];

fn unread(request: &Request<'_>) -> Option<Firing> {
    if request.is_by_trusted_system() || !asks_for_something(request) {
        return None;
    }
    let asked = super::words::asked(request);
    let firing = |what: &str| Firing::new(format!("sent a request that {what}: {asked}"));
    if let Some(why) = request.change().unread() {
        return Some(
            firing(&format!("cannot be read, as its body {}", why.as_str()))
                .with("requestObject", why.as_str()),
        );
    }
    if exec::is_too_long(request) {
        return Some(firing("is too long to be read").with("requestURI", "command"));
    }
    let severity = if is_big_by_nature(request) { Severity::Info } else { Severity::Medium };
    Some(firing("was cut").at(severity).with("audit.k8s.io/truncated", "true"))
}

/// Writes, and what runs something in a container; status and heartbeats ask for nothing.
fn asks_for_something(request: &Request<'_>) -> bool {
    let runs = matches!(request.subresource(), "exec" | "attach" | "portforward" | "proxy");
    let is_object =
        matches!(request.subresource(), "" | "ephemeralcontainers" | "binding" | "token");
    let is_noise = matches!(request.resource(), "events" | "leases" | "");
    runs || is_object && !is_noise && WRITE.contains(&request.verb())
}

/// Whole files, schemas and whatever operators keep are often longer than a line of a log may be.
fn is_big_by_nature(request: &Request<'_>) -> bool {
    const BIG: [&str; 7] = [
        "configmaps",
        "controllerrevisions",
        "customresourcedefinitions",
        "endpoints",
        "endpointslices",
        "nodes",
        "secrets",
    ];
    BIG.contains(&request.resource()) || airside_k8s::workload::is_custom(request.group())
}
