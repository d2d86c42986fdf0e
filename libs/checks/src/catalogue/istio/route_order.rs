//! Checks on the order of a VirtualService's rules: the first that matches is taken.

use airside_k8s::fields::{down, maps};
use airside_k8s::{Map, Value};
use airside_types::{FieldPath, Severity};

use super::{NETWORKING, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "virtual-service-unreachable-rule",
        title: "Rule of a VirtualService is never reached",
        why: "The rules before it match all of its requests, so what it says about them, such as a limit or a denial, never happens.",
        fix: "Put the narrower rule first, or delete the one that is never reached.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0130", "istio:IST0131"],
        judge: Judge::Object(&[(NETWORKING, "VirtualService")], |route, report| {
            compare(route, Shadowed::Rule, report);
        }),
        fails: r"apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.example.com]
  http:
  - redirect: {uri: /a}
  - match: [{uri: {prefix: /b}}]
    redirect: {uri: /b}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.example.com]
  http:
  - match: [{uri: {prefix: /b}}]
    redirect: {uri: /b}
  - redirect: {uri: /a}
",
    },
    Check {
        id: "virtual-service-ineffective-match",
        title: "Match of a VirtualService never decides",
        why: "An earlier match covers all of its requests: either it is superfluous, or the requests take another route than it was meant to give them.",
        fix: "Put the narrower match first, or delete the one that never decides.",
        severity: Severity::Info,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0131"],
        judge: Judge::Object(&[(NETWORKING, "VirtualService")], |route, report| {
            compare(route, Shadowed::Match, report);
        }),
        fails: r"apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.example.com]
  http:
  - match: [{uri: {prefix: /a}}, {uri: {prefix: /a/b}}]
    redirect: {uri: /b}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.example.com]
  http:
  - match: [{uri: {prefix: /a}}, {uri: {prefix: /b}}]
    redirect: {uri: /b}
",
    },
];

/// What is shadowed: a whole rule, or single matches of one that is reached.
#[derive(Clone, Copy, PartialEq)]
enum Shadowed {
    Rule,
    Match,
}

/// Rules of one list that are compared, at most: each is compared with all before it.
const MOST_RULES: usize = 300;

fn compare(route: &Whole<'_>, wanted: Shadowed, report: &mut Report<'_>) {
    let Some(spec) = spec_map(route.object) else { return };
    for list in ["http", "tls", "tcp"] {
        let mut earlier: Vec<(&Map, usize)> = Vec::new();
        let none = Map::new();
        for (index, rule) in maps(spec, list).take(MOST_RULES) {
            let path = FieldPath::of(&["spec", list]).index(index);
            let mut matches: Vec<_> = maps(rule, "match").map(|(_, entry)| entry).collect();
            let is_open = matches.is_empty();
            if is_open {
                matches.push(&none);
            }
            let mut shadowed = Vec::new();
            for (at, entry) in matches.iter().enumerate() {
                let by = earlier.iter().find(|(before, _)| covers(before, entry));
                shadowed.extend(by.map(|(_, rule)| (at, *rule)));
                if let Some(entry) = matches.get(at).filter(|_| by.is_none()) {
                    earlier.push((entry, index));
                }
            }
            let is_whole = shadowed.len() == matches.len();
            match (wanted, shadowed.first()) {
                (Shadowed::Rule, Some((_, by))) if is_whole => {
                    report.fail(path, format!("rule {by} of {list} matches all of its requests"));
                }
                (Shadowed::Match, Some(_)) if !is_whole => {
                    for (at, by) in shadowed {
                        report.fail(
                            path.key("match").index(at),
                            format!("an earlier match, in rule {by} of {list}, covers this one"),
                        );
                    }
                }
                _ => {}
            }
            // `none` is dropped with the list, so an open rule ends the comparison.
            if is_open {
                earlier.clear();
                report_rest(spec, list, index, wanted, report);
                break;
            }
        }
    }
}

/// Everything after a rule without a match is unreachable.
fn report_rest(spec: &Map, list: &str, open: usize, wanted: Shadowed, report: &mut Report<'_>) {
    if wanted == Shadowed::Rule {
        for (index, _) in maps(spec, list).filter(|(index, _)| *index > open) {
            report.fail(
                FieldPath::of(&["spec", list]).index(index),
                format!("rule {open} of {list} has no match, so it takes all requests"),
            );
        }
    }
}

/// Whether a match takes every request that another one takes.
fn covers(wide: &Map, narrow: &Map) -> bool {
    let ignores_case = |entry: &Map| entry.get("ignoreUriCase") == Some(&Value::Bool(true));
    if ignores_case(narrow) && !ignores_case(wide) {
        return false;
    }
    wide.iter().all(|(key, value)| match key {
        "name" | "statPrefix" | "ignoreUriCase" => true,
        "uri" => narrow.get("uri").is_some_and(|narrow| covers_path(value, narrow)),
        _ => narrow.get(key) == Some(value),
    })
}

fn covers_path(wide: &Value, narrow: &Value) -> bool {
    if wide == narrow {
        return true;
    }
    let text = |value: &Value, key| down(value, &[key]).and_then(Value::as_str).map(str::to_owned);
    let (Some(prefix), Some(path)) =
        (text(wide, "prefix"), text(narrow, "prefix").or_else(|| text(narrow, "exact")))
    else {
        return false;
    };
    path.starts_with(&prefix)
}
