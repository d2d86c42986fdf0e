//! What is refused or warned of, where, and with which words.

use super::rule;
use crate::set::RuleSet;

/// The problems of a text, each as people see it.
pub(super) fn problems(text: &str) -> Vec<String> {
    let (_, problems) = RuleSet::read([("own.yaml", text)]);
    let told = problems
        .iter()
        .map(|it| format!("{} {it}", if it.is_error() { "error" } else { "warning" }));
    told.collect()
}

#[test]
fn a_rule_that_no_event_can_meet_is_refused_with_what_to_write_instead() {
    let told: Vec<String> = [
        "apiGroup: apps",
        "hostPath: '*'",
        "capabilities: '*'",
        "responseStatus.code: ALLOW",
        "requestObject.spec.volumes.hostPath: '*'",
        "requestObject.spec.containers[*].image: x",
        "objectRef.resource: Pod",
        "objectRef.resource: pods/exec",
        "objectRef.apiGroup: ''",
        "objectRef.apiGroup: apps/v1",
        "objectRef.apiGroup: core",
        "objectref.resource: pods",
        "verb: read",
        "stage: Complete",
        "user: alice",
        "responseStatus.message: denied",
        "spec.hostPID: true",
        "objectRef.resouce: pods",
        "annotations.foo.example/bar: x",
        "user.name: alice",
        "impersonatedUser.name: alice",
        "whatever: x",
    ]
    .iter()
    .flat_map(|item| problems(&rule("One", &format!("selection:\n  {item}\ncondition: selection"))))
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    error own.yaml:8:5: audit events have no field `apiGroup`; write `objectRef.apiGroup`
    error own.yaml:8:5: audit events have no field `hostPath`; write `requestObject.spec.volumes.hostPath.path`
    error own.yaml:8:5: audit events have no field `capabilities`; write `requestObject.spec.containers.securityContext.capabilities.add`
    error own.yaml:8:5: `responseStatus.code` is a number, such as 403; `allow` is what `annotations.authorization.k8s.io/decision` says (allow, forbid)
    error own.yaml:8:5: `requestObject.spec.volumes.hostPath` holds fields, which no value equals: write a field below it, or `requestObject.spec.volumes.hostPath|exists: true`
    error own.yaml:8:5: `objectRef.resource` is the plural: write `pods`
    error own.yaml:8:5: write `objectRef.resource: pods` and `objectRef.subresource: exec`
    error own.yaml:8:5: a field without a value is absent: write `objectRef.apiGroup: null`
    error own.yaml:8:5: a group stands without its version: write `objectRef.apiGroup: apps`
    error own.yaml:8:5: the core group has no name: write `objectRef.apiGroup: null`
    error own.yaml:8:5: audit events have no field `objectref.resource`; write `objectRef.resource`
    error own.yaml:8:5: `verb` is never `read`: it is one of create, delete, deletecollection, get, list, patch, update, watch, head, options, post, put, trace
    error own.yaml:8:5: `stage` is never `complete`: it is one of RequestReceived, ResponseStarted, ResponseComplete, Panic
    error own.yaml:8:5: `user` holds fields, which no value equals: write a field below it, or `user|exists: true`
    error own.yaml:8:5: `responseStatus.message` is not kept of audit events; use `responseStatus.code`, `responseStatus.reason`, `responseStatus.status`
    error own.yaml:8:5: audit events have no field `spec.hostPID`; write `requestObject.spec.hostPID`
    error own.yaml:8:5: audit events have no field `objectRef.resouce`; write `objectRef.resource`
    error own.yaml:8:5: `annotations.foo.example/bar` is not kept of audit events; use `annotations.authentication.kubernetes.io/issued-credential-id`, `annotations.authorization.k8s.io/decision`, `annotations.authorization.k8s.io/reason`, `annotations.pod-security.kubernetes.io/audit-violations`
    error own.yaml:8:5: audit events have no field `user.name`; write `user.username`
    error own.yaml:8:5: audit events have no field `impersonatedUser.name`; write `impersonatedUser.username`
    error own.yaml:8:5: audit events have no field `whatever`; there are verb, objectRef.resource, objectRef.subresource, objectRef.apiGroup, objectRef.namespace, objectRef.name, user.username, user.groups, sourceIPs, userAgent, requestURI, responseStatus.code, requestObject.… and others of audit.k8s.io/v1
    ");
}

#[test]
fn what_cannot_be_only_in_one_branch_is_warned_of() {
    let branch = "a:\n  verb: create\nb:\n  hostPath: '*'\ncondition: a or b";
    let excepted = "a:\n  verb: create\nb:\n  hostPath: '*'\ncondition: a and not b";
    let one_value = "a:\n  verb: [create, make]\ncondition: a";
    let told: Vec<_> =
        [branch, excepted, one_value].iter().flat_map(|it| problems(&rule("One", it))).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    warning own.yaml:10:5: audit events have no field `hostPath`; write `requestObject.spec.volumes.hostPath.path`
    warning own.yaml:10:5: audit events have no field `hostPath`; write `requestObject.spec.volumes.hostPath.path`
    warning own.yaml:8:5: `verb` is never `make`: it is one of create, delete, deletecollection, get, list, patch, update, watch, head, options, post, put, trace
    ");
}

#[test]
fn habits_of_kubernetes_are_told() {
    let exec = "a:\n  verb: create\n  objectRef.resource: pods\n  objectRef.subresource: exec\ncondition: a";
    let account = "a:\n  verb: create\n  objectRef.resource: serviceaccounts\ncondition: a";
    let both = [exec, account].into_iter().flat_map(|it| problems(&rule("One", it)));
    insta::assert_snapshot!(both.collect::<Vec<_>>().join("\n"), @r"
    warning own.yaml:6:1: kubectl 1.31 and newer ask for exec, attach and portforward with the verb `get` (by WebSocket): write `verb: [create, get]`
    warning own.yaml:6:1: creating `pods/exec`, `pods/eviction` or `serviceaccounts/token` counts as well: for the objects alone add `objectRef.subresource: null`
    ");
    let quiet = "a:\n  verb: [create, get]\n  objectRef.resource: pods\n  objectRef.subresource: exec\ncondition: a";
    assert!(problems(&rule("One", quiet)).is_empty());
}

#[test]
fn fields_of_pods_are_in_the_templates_of_workloads() {
    let asks = |resource: &str, field: &str| {
        let detection = format!(
            "a:\n  verb: update\n  objectRef.resource: {resource}\n  requestObject.spec.{field}: true\ncondition: a"
        );
        problems(&rule("One", &detection)).join("")
    };
    let privileged = "containers.securityContext.privileged";
    for (resource, meant) in [
        ("[deployments, daemonsets]", Some("template.spec")),
        ("cronjobs", Some("jobTemplate.spec.template.spec")),
        ("pods", None),
        ("[pods, deployments]", None),
    ] {
        let expected = meant.map(|template| {
            format!(
                "warning own.yaml:10:5: these objects hold their pods' fields in a template: write \
                 `requestObject.spec.{template}.{privileged}`"
            )
        });
        assert_eq!(asks(resource, privileged), expected.unwrap_or_default(), "{resource}");
        assert_eq!(asks(resource, &format!("template.spec.{privileged}")), "", "{resource}");
    }
}

#[test]
fn a_broken_rule_is_told_with_its_place_and_keeps_no_other_out() {
    let good = rule("Good", "a: {verb: create}\ncondition: a");
    let broken = [
        "title: No YAML\n  x: [".to_owned(),
        rule("No condition", "a: {verb: create}"),
        rule("No selection", "a: {verb: create}\ncondition: b"),
        rule("Bad condition", "a: {verb: create}\ncondition: a and and"),
        rule("Bad modifier", "a:\n  verb: create\n  user.username|start: x\ncondition: a"),
        rule("Bad regex", "a:\n  verb|re: '('\ncondition: a"),
        rule("Twice", "a:\n  verb: create\n  verb: get\ncondition: a"),
        rule("At odds", "a: {verb: create}\nb: {verb: get}\ncondition: a and b"),
        rule("Good", "a: {verb: get}\ncondition: a"),
        "title: No source\nlevel: low\ndetection: {a: {verb: get}, condition: a}\n".to_owned(),
        "title: Windows\nlogsource: {product: windows}\ndetection: {a: {b: c}, condition: a}\n"
            .to_owned(),
        "action: global\ntitle: Old\n".to_owned(),
        "- just a list\n".to_owned(),
        rule("Future", "a: {verb: create}\ncondition: a")
            .replace("title:", "sigma-version: 9\ntitle:"),
        rule("Bad level", "a: {verb: create}\ncondition: a")
            .replace("level: high", "level: urgent"),
    ];
    let mut text = good;
    for rule in broken {
        text.push_str("---\n");
        text.push_str(&rule);
    }
    text.push_str("---\n");
    text.push_str(&rule("Last", "a: {verb: delete}\ncondition: a"));
    insta::assert_snapshot!(problems(&text).join("\n"), @r"
    error own.yaml:11:4: not valid YAML (a `:` where no key can be; quote the text that holds it, or move the line): correct the syntax here or just above
    error own.yaml:27:3: there is no selection `b`
    error own.yaml:36:3: the condition is not understood at its character 7: expected quantifier, ident, or not_op
    error own.yaml:46:5: there is no modifier `start`; there are contains, startswith, endswith, all, re, cidr, exists, cased, base64, base64offset, wide, windash, fieldref, gt, gte, lt, lte, neq
    error own.yaml:56:5: invalid regex pattern: unclosed group
    error own.yaml:67:5: the key `verb` is given twice in this map: write two selections, or one list of values
    error own.yaml:78:3: its parts demand different values of one field, so that no event can meet them all
    error own.yaml:80:1: `SIGMA-good` is the rule at own.yaml:1:1 already: give one of them a `name` of its own
    error own.yaml:89:1: it gives no `logsource`: write `logsource: {product: kubernetes, service: audit}`
    warning own.yaml:94:1: not read: it is for another log than `product: kubernetes`, `service: audit`
    error own.yaml:97:1: `action` is of Sigma 1: write each rule out
    error own.yaml:100:1: a rule is a map with `title`, `logsource` and `detection`
    error own.yaml:102:1: there is no such version of Sigma; 3 is the newest
    warning own.yaml:114:1: `level` is never `urgent`: it is one of informational, low, medium, high, critical; the rule counts as medium
    ");
    let (rules, _) = RuleSet::read([("own.yaml", text.as_str())]);
    let ids: Vec<_> = rules.listed().map(|(info, place)| format!("{} {place}", info.id)).collect();
    insta::assert_snapshot!(ids.join("\n"), @r"
    SIGMA-good own.yaml:1:1
    SIGMA-bad-level own.yaml:112:1
    SIGMA-last own.yaml:121:1
    ");
}

#[test]
fn correlation_rules_are_read_as_strictly() {
    let base = rule("Base", "a: {verb: create}\ncondition: a");
    let broken = rule("Broken", "a: {hostPath: '*'}\ncondition: a");
    let told: Vec<_> = [
        "type: event_count\n  rules: [Nobody]\n  timespan: 1m\n  condition: {gte: 2}",
        "type: event_count\n  rules: [Broken]\n  timespan: 1m\n  condition: {gte: 2}",
        "type: event_count\n  rules: [Base]\n  timespan: 1m",
        "type: event_count\n  rules: [Base]\n  timespan: 1 minute\n  condition: {gte: 2}",
        "type: event_count\n  rules: [Base]\n  timespan: 30d\n  condition: {gte: 2}",
        "type: event_count\n  rules: [Base]\n  timespan: 1m\n  condition: {gte: 1000000}",
        "type: event_count\n  rules: [Base]\n  timespan: 1m\n  condition: {gt: 5, lt: 4}",
        "type: event_count\n  rules: [Base]\n  timespan: 1m\n  group-by: [username]\n  condition: {gte: 2}",
        "type: value_count\n  rules: [Base]\n  timespan: 1m\n  condition: {gte: 2}",
        "type: value_sum\n  rules: [Base]\n  timespan: 1m\n  condition: {gte: 2, field: verb}",
        "type: temporal\n  rules: [Base]\n  timespan: 1m\n  condition: Base and Other",
        "type: often\n  rules: [Base]\n  timespan: 1m\n  condition: {gte: 2}",
    ]
    .iter()
    .flat_map(|it| {
        let text =
            format!("title: C\nlevel: low\ntags: [attack.impact]\ncorrelation:\n  {it}\n---\n{base}---\n{broken}");
        problems(&text).into_iter().filter(|it| !it.contains("hostPath"))
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    error own.yaml:6:3: there is no detection rule `Nobody` (by id, name or title) among the files
    error own.yaml:6:3: the rule `Broken` is not in force: put it right first
    error own.yaml:4:1: Invalid correlation rule: Non-temporal correlation rule requires a condition
    error own.yaml:7:3: Invalid timespan '1 minute': write it as 30s, 5m, 1h or 7d
    error own.yaml:7:3: it spans from 1 second to 7 days
    error own.yaml:8:3: it counts to 10000 at most
    error own.yaml:8:3: no number of events meets this
    error own.yaml:8:3: audit events have no field `username`; write `user.username`
    error own.yaml:8:3: a value_count names the `field` whose values are counted
    error own.yaml:8:3: a value_sum counts nothing: leave the numbers out
    error own.yaml:8:3: `Other` is not among its `rules`
    error own.yaml:4:1: Invalid correlation rule: Unknown correlation type: often
    ");
}
