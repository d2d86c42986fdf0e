//! People's own policies as they use them: `policy test`, `policy check`, and `scan --policies`.
#![allow(clippy::expect_used, reason = "a test fails by panicking, in its harness too")]

use std::process::Command;

use insta::assert_snapshot;

const POLICY: &str = r#"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
  variables:
  - {name: most, expression: int(params.data.most)}
  validations:
  - expression: object.spec.replicas <= variables.most
    messageExpression: "'%d replicas are more than %d'.format([object.spec.replicas, variables.most])"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas}
spec:
  policyName: replicas
  validationActions: [Deny]
  paramRef: {name: limits, namespace: policies, parameterNotFoundAction: Deny}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: limits, namespace: policies}
data: {most: "5"}
"#;

const OWNER: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: owner}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  validations:
  - {expression: \"'owner' in object.metadata.labels\", message: a pod says who owns it}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: owner}
spec: {policyName: owner, validationActions: [Warn]}
";

const CASES: &str = "policy: replicas
cases:
- name: three are fine
  object: {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3}}
  expect: allow
- name: six are too many
  objectFile: six.yaml
  expect: deny
  message: more than 5
- name: two are too many where one is the limit
  object: {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2}}
  params: {data: {most: '1'}}
  expect: allow
- name: jobs are not judged
  object: {apiVersion: batch/v1, kind: Job, metadata: {name: web}}
  expect: skip
";

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 6
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
    spec: {containers: [{name: web, image: web}]}
";

/// Runs the program in a folder with these files: its exit status, what it printed, what it remarked.
fn run(files: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_airside"));
    let output = command.args(arguments).current_dir(folder.path()).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn with_cases() -> [(&'static str, &'static str); 4] {
    [
        ("policies/replicas.yaml", POLICY),
        ("policies/owner.yaml", OWNER),
        ("policies/replicas.test.yaml", CASES),
        ("policies/six.yaml", DEPLOYMENT),
    ]
}

#[test]
fn cases_are_told_as_by_a_test_runner() {
    let (status, told, remarks) = run(&with_cases(), &["policy", "test", "policies"]);
    assert_snapshot!(told, @r#"
    ok      replicas: three are fine (allow)
    ok      replicas: six are too many (deny: 6 replicas are more than 5)
    FAILED  replicas: two are too many where one is the limit
            policies/replicas.test.yaml:10:3  expected allow, got deny: 2 replicas are more than 1
    ok      replicas: jobs are not judged (skip: the policy does not apply: its rules are not for CREATE of jobs)

    3 ok, 1 failed
    without a case: owner
    "#);
    assert_eq!((status, remarks.as_str()), (Some(1), ""));
    // The file alone finds the policies beside it.
    let arguments = ["policy", "test", "policies/replicas.test.yaml", "--output", "junit"];
    let (status, told, _) = run(&with_cases(), &arguments);
    assert_eq!(status, Some(1));
    assert!(told.contains(r#"tests="4" skipped="0" failures="1""#), "{told}");
}

#[test]
fn a_program_gets_the_cases_as_json() {
    let arguments = ["policy", "test", "--output", "json"];
    let (_, told, _) = run(&with_cases(), &arguments);
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let oks: Vec<_> = told["cases"].as_array().expect("cases").iter().map(|it| &it["ok"]).collect();
    assert_eq!(oks, [true, true, false, true]);
    assert_eq!(told["cases"][2]["location"]["line"], 10);
}

#[test]
fn no_cases_are_no_success() {
    let (status, _, remarks) = run(&[("replicas.yaml", POLICY)], &["policy", "test"]);
    assert_eq!(status, Some(2));
    assert!(remarks.contains("there are no cases: put them beside the policies"), "{remarks}");
}

#[test]
fn a_policy_that_cannot_be_read_is_shown_with_the_place() {
    let broken = POLICY.replace("int(params.data.most)", "toInt(params.data.most)");
    let files = [("replicas.yaml", broken.as_str()), ("owner.yaml", OWNER)];
    let (status, told, remarks) = run(&files, &["policy", "check"]);
    assert_eq!(status, Some(2));
    assert_snapshot!(format!("{told}{remarks}"), @r#"
    ok      owner (1 validation; bound by owner)
    error: replicas.yaml:10:18: ValidatingAdmissionPolicy replicas: spec.variables[0].expression: line 1, column 1 of the expression: there is no function `toInt` here
        toInt(params.data.most)
        ^
    "#);
}

#[test]
fn what_policies_do_not_accept_is_found_where_it_stands() {
    let files = [&with_cases()[..2], &[("app.yaml", DEPLOYMENT)]].concat();
    let arguments = ["scan", "app.yaml", "--policies", "policies", "--output"];
    let (status, told, _) = run(&files, &[&arguments[..], &["json"]].concat());
    assert_eq!(status, Some(1));
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let own = told["findings"].as_array().expect("findings").iter();
    let own =
        own.filter(|it| it["check"].as_str().is_some_and(|check| check.starts_with("policy/")));
    let shown: Vec<_> = own
        .map(|it| {
            format!(
                "{} {} {} {}",
                it["severity"], it["check"], it["location"]["line"], it["message"]
            )
        })
        .collect();
    assert_snapshot!(shown.join("\n"), @r#"
    "medium" "policy/owner/1" 9 "owner: a pod says who owns it"
    "high" "policy/replicas/1" 5 "replicas: 6 replicas are more than 5"
    "#);
    let (_, told, _) = run(&files, &[&arguments[..], &["sarif"]].concat());
    assert!(told.contains(r#""ruleId": "policy/replicas/1""#), "{told}");
    let (_, told, _) = run(&files, &[&arguments[..], &["text"]].concat());
    assert!(told.contains("= replicas: 6 replicas are more than 5"), "{told}");
}

#[test]
fn policies_are_accepted_by_exceptions_and_asked_only_when_named() {
    let excepted = DEPLOYMENT
        .replace("  replicas: 6", "  replicas: 6 # airside:ignore policy/replicas: a sale");
    let files = [&with_cases()[..2], &[("app.yaml", excepted.as_str())]].concat();
    let arguments =
        ["scan", "app.yaml", "--output", "json", "--policies", "policies/replicas.yaml"];
    let (_, told, _) = run(&files, &arguments);
    assert!(told.contains(r#""reason": "a sale""#), "{told}");
    // Policies among the manifests are manifests.
    let (_, told, _) = run(&files, &["scan", ".", "--output", "json"]);
    assert!(!told.contains("more than 5"), "{told}");
    let (status, _, remarks) = run(&files, &["scan", ".", "--policies", "app.yaml"]);
    assert_eq!(status, Some(2));
    assert!(remarks.contains("--policies names no ValidatingAdmissionPolicy"), "{remarks}");
}

#[test]
fn what_is_not_known_here_is_told() {
    let asks =
        OWNER.replace("'owner' in object.metadata.labels", "request.userInfo.username == 'x'");
    let files = [("policy.yaml", asks.as_str()), ("app.yaml", DEPLOYMENT)];
    let (_, told, _) = run(&files, &["scan", "app.yaml", "--policies", "policy.yaml"]);
    let line = told.lines().find(|line| line.contains("policy/owner")).unwrap_or_default();
    assert_eq!(
        line,
        "not evaluated: policy/owner (it asks who makes the request (request.userInfo), which is not known here)"
    );
}
