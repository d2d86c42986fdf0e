//! People's own rules as they use them: `rules check`, `rules test`, `detect --rules` and `replay --rules`.
#![allow(clippy::expect_used, reason = "a test fails by panicking, in its harness too")]

use std::process::Command;

use insta::assert_snapshot;

const RULES: &str = "title: Shell in a pod
logsource: {product: kubernetes, service: audit}
level: high
tags: [attack.execution, attack.t1609]
detection:
  exec: {verb: [create, get], objectRef.resource: pods, objectRef.subresource: exec}
  machinery: {user.username|startswith: 'system:'}
  condition: exec and not machinery
---
title: Secret read
logsource: {product: kubernetes, service: audit}
level: low
tags: [attack.t1552.007]
detection: {read: {verb: get, objectRef.resource: secrets}, condition: read}
---
title: Many secrets
level: medium
tags: [attack.t1552.007]
correlation:
  type: value_count
  rules: [Secret read]
  group-by: [user.username]
  timespan: 10m
  condition: {gte: 3, field: objectRef.name}
";

const BROKEN: &str = "title: Host path
logsource: {product: kubernetes, service: audit}
level: high
tags: [attack.t1611]
detection:
  pod:
    verb: create
    hostPath: '*'
  condition: pod
---
title: Shell by POST only
logsource: {product: kubernetes, service: audit}
level: high
tags: [attack.t1609]
detection: {exec: {verb: create, objectRef.subresource: exec}, condition: exec}
";

const CASES: &str = "rule: Shell in a pod
cases:
- name: somebody goes in
  event: {verb: get, user: {username: alice}, objectRef: {resource: pods, subresource: exec, name: web}}
  expect: fires
  message: 'User alice'
- name: the machinery may
  event: {verb: get, user: {username: 'system:node:a'}, objectRef: {resource: pods, subresource: exec, name: web}}
  expect: quiet
---
rule: Many secrets
cases:
- name: three of them
  eventsFile: secrets.jsonl
  expect: fires
  times: 1
- name: one of them
  event: {verb: get, user: {username: alice}, objectRef: {resource: secrets, name: a}}
  expect: fires
";

const EVENTS: &str = r#"{"auditID":"1","stage":"ResponseComplete","verb":"get","user":{"username":"alice"},"objectRef":{"resource":"secrets","namespace":"shop","name":"a"},"requestReceivedTimestamp":"2026-11-26T08:00:00Z","stageTimestamp":"2026-11-26T08:00:00Z","responseStatus":{"code":200}}
{"auditID":"2","stage":"ResponseComplete","verb":"get","user":{"username":"alice"},"objectRef":{"resource":"secrets","namespace":"shop","name":"b"},"requestReceivedTimestamp":"2026-11-26T08:01:00Z","stageTimestamp":"2026-11-26T08:01:00Z","responseStatus":{"code":200}}
{"auditID":"3","stage":"ResponseComplete","verb":"get","user":{"username":"alice"},"objectRef":{"resource":"secrets","namespace":"shop","name":"c"},"requestReceivedTimestamp":"2026-11-26T08:02:00Z","stageTimestamp":"2026-11-26T08:02:00Z","responseStatus":{"code":200}}
"#;

/// Runs the program in a folder with the rules: its exit status, what it printed, what it remarked.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("rules/own.yaml", RULES),
        ("rules/own.test.yaml", CASES),
        ("rules/secrets.jsonl", EVENTS),
        ("broken/broken.yaml", BROKEN),
        ("recording/audit.jsonl", EVENTS),
        ("empty/none.yaml", ""),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_airside"));
    let output = command.args(arguments).current_dir(folder.path()).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The own rules that fired, each with its line.
fn own(told: &str) -> Vec<String> {
    let lines = told.lines().map(|line| {
        let told: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let at = |pointer| told.pointer(pointer).map(ToString::to_string).unwrap_or_default();
        format!("{} {}", at("/rule").trim_matches('"'), at("/input/line"))
    });
    lines.filter(|it| it.starts_with("SIGMA-")).collect()
}

#[test]
fn cases_are_told_as_by_a_test_runner() {
    let (status, told, remarks) = run(&["rules", "test", "rules"]);
    assert_snapshot!(told, @r"
    ok      Shell in a pod: somebody goes in (fires: User alice did what the rule “Shell in a pod” describes (objectRef.resource: pods, objectRef.subresource: exec, verb: get))
    ok      Shell in a pod: the machinery may (quiet)
    ok      Many secrets: three of them (fires: User alice did what the rule “Many secrets” describes (correlation: value_count of objectRef.name gte 3 within 10m, user.username: alice))
    FAILED  Many secrets: one of them
            rules/own.test.yaml:17:3  expected fires, got quiet

    3 ok, 1 failed
    without a case: SIGMA-secret-read
    ");
    assert_eq!((status, remarks.as_str()), (Some(1), ""));
    let (status, told, _) = run(&["rules", "test", "rules/own.test.yaml", "--output", "junit"]);
    assert_eq!(status, Some(1));
    assert!(told.contains(r#"<testsuites name="airside rules test" tests="4""#), "{told}");
    let (_, told, _) = run(&["rules", "test", "rules", "--output", "json"]);
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["cases"][3]["rule"], "Many secrets");
    assert_eq!(told["cases"][3]["ok"], false);
}

#[test]
fn what_is_wrong_is_told_as_by_a_compiler() {
    let (status, told, remarks) = run(&["rules", "check", "rules", "broken"]);
    assert_snapshot!(remarks, @r"
    error: broken/broken.yaml:8:5: audit events have no field `hostPath`; write `requestObject.spec.volumes.hostPath.path`
    warning: broken/broken.yaml:15:1: kubectl 1.31 and newer ask for exec, attach and portforward with the verb `get` (by WebSocket): write `verb: [create, get]`
    ");
    assert_snapshot!(told, @r"
    ok      SIGMA-shell-in-a-pod (high)  rules/own.yaml:1:1
    ok      SIGMA-secret-read (low; for correlation only)  rules/own.yaml:10:1
    ok      SIGMA-shell-by-post-only (high)  broken/broken.yaml:11:1
    ok      SIGMA-many-secrets (medium)  rules/own.yaml:16:1
    ");
    assert_eq!(status, Some(2));
    assert_eq!(run(&["rules", "check", "rules"]).0, Some(0));
}

#[test]
fn without_rules_and_without_cases_nothing_is_well() {
    let (status, _, remarks) = run(&["rules", "check", "empty"]);
    assert_eq!(status, Some(2));
    assert!(remarks.contains("there is no Sigma rule"), "{remarks}");
    let (status, _, remarks) = run(&["rules", "test", "empty"]);
    assert_eq!(status, Some(2));
    assert!(remarks.contains("there are no cases"), "{remarks}");
}

#[test]
fn own_rules_fire_beside_the_built_in_ones() {
    let log = "recording/audit.jsonl";
    let (status, told, _) = run(&["detect", "--rules", "rules", log, "--output", "json"]);
    assert_eq!(status, Some(0));
    assert_eq!(own(&told), ["SIGMA-many-secrets 3"]);
    let (_, without, _) = run(&["detect", log, "--output", "json"]);
    assert_eq!(told.lines().count(), without.lines().count() + 1);
    // A broken rule stops neither the others nor the built-in ones; the status tells.
    let arguments = ["detect", "--rules", "rules", "--rules", "broken", log, "--output", "json"];
    let (status, told, remarks) = run(&arguments);
    assert_eq!((status, own(&told).len()), (Some(2), 1));
    assert!(remarks.contains("broken/broken.yaml:8:5: audit events have no field"), "{remarks}");
}

#[test]
fn a_replay_takes_own_rules_in() {
    let detections = |arguments: &[&str]| {
        let (status, told, _) = run(arguments);
        assert_eq!(status, Some(0));
        let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        told["detections"].as_u64().expect("a number")
    };
    let without = detections(&["replay", "recording", "--output", "json"]);
    let with = detections(&["replay", "recording", "--rules", "rules", "--output", "json"]);
    assert_eq!(with, without + 1);
}
