//! Cases beside policies: what they say, and what is wrong with them.

use insta::assert_snapshot;

use super::{documents, policy, set};
use crate::case::{Ending, read};

/// How the cases of a file go, and what is not understood, a line each.
fn run(policies: &str, cases: &str) -> String {
    let set = set(policies);
    let mut load = |name: &str| match name {
        "pod.yaml" => Ok(documents(super::POD).remove(0).value),
        _ => Err(format!("there is no `{name}`")),
    };
    let (cases, problems) = read("p.test.yaml", &documents(cases), &mut load);
    let mut lines: Vec<_> =
        problems.iter().map(|it| format!("{}: {}", it.place, it.problem)).collect();
    lines.extend(cases.iter().map(|case| match case.run(&set) {
        Ending::AsExpected(messages) => format!("ok {}: {}", case.name, messages.join("; ")),
        Ending::Otherwise(problem) => format!("FAILED {}: {problem}", case.name),
    }));
    lines.join("\n")
}

const POLICY: &str = "  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConditions: [{name: not-admin, expression: \"request.operation != 'DELETE'\"}]
  validations:
  - {expression: \"object.metadata.name != params.data.name\", message: a forbidden name}
  - {expression: \"object.metadata.name != 'who' || request.userInfo.username == 'me'\", message: not yours}
  - {expression: \"object.metadata.name != 'env' || namespaceObject.metadata.labels.env == 'prod'\"}
  - {expression: \"oldObject == null || object.metadata.name == oldObject.metadata.name\", message: renamed}";

#[test]
fn cases_say_what_is_expected_or_what_was_got() {
    let object =
        |name: &str| format!("object: {{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}}}");
    let cases = format!(
        "policy: p
cases:
- {{name: fine, objectFile: pod.yaml, params: {{data: {{name: x}}}}, expect: allow}}
- {{name: forbidden, {bad}, params: {{data: {{name: bad}}}}, expect: deny, message: forbidden}}
- {{name: other message, {bad}, params: {{data: {{name: bad}}}}, expect: deny, message: wrong}}
- {{name: unexpected, {bad}, params: {{data: {{name: bad}}}}, expect: allow}}
- {{name: no params, {bad}, expect: error, message: no such overload}}
- {{name: nobody asks, {who}, params: {{data: {{name: x}}}}, expect: allow}}
- {{name: I ask, {who}, params: {{data: {{name: x}}}}, request: {{userInfo: {{username: me}}}}, expect: allow}}
- {{name: no labels, {env}, params: {{data: {{name: x}}}}, expect: allow}}
- {{name: labels, {env}, namespace: {{labels: {{env: prod}}}}, params: {{data: {{name: x}}}}, expect: allow}}
- {{name: update, {a}, oldObject: {{apiVersion: v1, kind: Pod, metadata: {{name: b}}}}, params: {{data: {{name: x}}}}, expect: deny, message: renamed}}
- {{name: deletion, oldObject: {{apiVersion: v1, kind: Pod, metadata: {{name: b}}}}, expect: skip}}
- {{name: several params, {bad}, params: [{{data: {{name: x}}}}, {{data: {{name: bad}}}}], expect: deny}}
- {{name: no policy, policy: q, {a}, expect: allow}}
- {{name: no binding, binding: q, {a}, expect: allow}}
",
        bad = object("bad"),
        who = object("who"),
        env = object("env"),
        a = object("a"),
    );
    assert_snapshot!(run(&policy(POLICY), &cases), @r#"
    ok fine: 
    ok forbidden: a forbidden name
    FAILED other message: deny as expected, but `wrong` is not in: a forbidden name
    FAILED unexpected: expected allow, got deny: a forbidden name
    ok no params: no such overload: field `data` of null_type
    FAILED nobody asks: expected allow, got not evaluated: it asks who makes the request (request.userInfo), which is not known here
    ok I ask: 
    FAILED no labels: expected allow, got not evaluated: it asks for the namespace default, which is not given
    ok labels: 
    ok update: renamed
    ok deletion: the policy does not apply: its condition `not-admin` is not met
    ok several params: a forbidden name
    FAILED no policy: there is no policy `q` that can be read
    FAILED no binding: there is no binding `q` of `p`
    "#);
}

#[test]
fn warnings_are_told_apart() {
    let cases = "policy: p\ncases: [{name: a, objectFile: pod.yaml, expect: warn}]";
    let text = policy("  validations: [{expression: 'false', message: refused}]");
    assert_eq!(run(&text.replace("Deny", "Warn"), cases), "ok a: refused");
    assert_eq!(
        run(&text.replace("Deny", "Audit"), cases),
        "FAILED a: expected warn, got audit: refused"
    );
    let alone = text.split("---").next().unwrap_or_default();
    assert_eq!(run(alone, cases), "FAILED a: expected warn, got deny: refused");
}

#[test]
fn what_is_not_understood_is_told_with_its_place() {
    let cases = "policy: p
cases:
- {objectFile: nothing.yaml, expect: allow}
- {objectFile: pod.yaml, expect: fail}
- {objectFile: pod.yaml, expected: allow}
- {expect: allow, request: {operation: PATCH}}
- {expect: allow, name: nothing}
---
cases: [{expect: allow}]
---
policy: p
";
    assert_snapshot!(run(&policy("  validations: [{expression: 'true'}]"), cases), @r#"
    p.test.yaml:3:4: there is no `nothing.yaml`
    p.test.yaml:4:26: `fail` is none of allow, deny, warn, audit, error, skip
    p.test.yaml:5:26: there is no field `expected` here; there are binding, expect, message, name, namespace, object, objectFile, oldObject, oldObjectFile, params, paramsFile, policy, request
    p.test.yaml:5:3: `expect` is missing: one of allow, deny, warn, audit, error, skip
    p.test.yaml:6:29: `PATCH` is none of CREATE, UPDATE, DELETE, CONNECT
    p.test.yaml:9:9: neither the case nor its document names a `policy`
    p.test.yaml:11:1: it has no list `cases`
    FAILED nothing: it has neither `object` nor `oldObject`
    "#);
}
