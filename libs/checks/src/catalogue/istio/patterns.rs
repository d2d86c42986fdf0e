//! The check on regular expressions of routes, which Istio hands on to Envoy as they are.

use airside_k8s::fields::{elements, maps};
use airside_k8s::{Map, Value};
use airside_types::{FieldPath, Severity};
use regex_syntax::ast::{ErrorKind, parse::Parser};

use super::{NETWORKING, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[Check {
    id: "virtual-service-invalid-pattern",
    title: "Route's regular expression cannot be read",
    why: "The proxies refuse the whole configuration of the route, so that none of its changes takes effect.",
    fix: "Correct the expression; the syntax is RE2's, which knows neither look-around nor references back.",
    severity: Severity::Low,
    category: Category::Conformance,
    techniques: &[],
    controls: &[],
    equivalents: &["istio:IST0122"],
    judge: Judge::Object(&[(NETWORKING, "VirtualService")], patterns),
    fails: r#"apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [shop.example.com]
  http: [{match: [{uri: {regex: "/(v1"}}], route: [{destination: {host: shop.example.com}}]}]
"#,
    passes: r#"apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [shop.example.com]
  http: [{match: [{uri: {regex: "/(v1)"}}], route: [{destination: {host: shop.example.com}}]}]
"#,
}];

/// What a match asks of one text, and of texts by name.
const TEXTS: [&str; 4] = ["authority", "method", "scheme", "uri"];
const NAMED: [&str; 3] = ["headers", "queryParams", "withoutHeaders"];

fn patterns(service: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = spec_map(service.object) else { return };
    for (index, route) in maps(spec, "http") {
        let path = FieldPath::of(&["spec", "http"]).index(index);
        for (at, one) in maps(route, "match") {
            let path = path.key("match").index(at);
            TEXTS.iter().for_each(|name| pattern(one.get(name), &path.key(name), report));
            for name in NAMED {
                let named = one.get(name).and_then(Value::as_object).into_iter().flatten();
                named.for_each(|(key, value)| {
                    pattern(Some(value), &path.keys(&[name, key]), report);
                });
            }
        }
        let origins = route.get("corsPolicy").and_then(|policy| policy.get("allowOrigins"));
        for (at, origin) in elements(origins).iter().enumerate() {
            let path = path.keys(&["corsPolicy", "allowOrigins"]).index(at);
            pattern(Some(origin), &path, report);
        }
        rewrite(route, &path, report);
    }
}

fn rewrite(route: &Map, path: &FieldPath, report: &mut Report<'_>) {
    let rewrite = route.get("rewrite").and_then(|rewrite| rewrite.get("uriRegexRewrite"));
    let path = path.keys(&["rewrite", "uriRegexRewrite", "match"]);
    if let Some(text) = rewrite.and_then(|rewrite| rewrite.get("match")?.as_str()) {
        judge(text, path, report);
    }
}

fn pattern(matcher: Option<&Value>, path: &FieldPath, report: &mut Report<'_>) {
    if let Some(text) = matcher.and_then(|matcher| matcher.get("regex")?.as_str()) {
        judge(text, path.key("regex"), report);
    }
}

/// Only what RE2 refuses as well counts: it takes some braces and escapes that this parser does not.
fn judge(text: &str, path: FieldPath, report: &mut Report<'_>) {
    const LONGEST: usize = 4096;
    if text.len() > LONGEST || text.contains(r"\Q") {
        return;
    }
    let Err(error) = Parser::new().parse(text) else { return };
    let what = match error.kind() {
        ErrorKind::ClassUnclosed => "a class of characters is not closed",
        ErrorKind::EscapeUnexpectedEof => "it ends in a backslash",
        ErrorKind::GroupUnclosed => "a group is not closed",
        ErrorKind::GroupUnopened => "a group is closed that was not opened",
        ErrorKind::UnsupportedBackreference => "RE2 knows no references back",
        ErrorKind::UnsupportedLookAround => "RE2 knows no look-around",
        ErrorKind::RepetitionMissing if !text.contains('{') => "nothing is there to repeat",
        _ => return,
    };
    report.fail(path, format!("{text} cannot be read: {what}"));
}
