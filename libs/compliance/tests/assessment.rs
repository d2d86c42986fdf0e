//! What a check-in of a few objects says of frameworks, and the forms of that.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use airside_checks::exception::comments;
use airside_checks::{CheckIn, InputFile, Terms, check_in};
use airside_compliance::{Assessment, Framework, Status, assess, html, json, text};
use airside_k8s::yaml::{self, Limits};
use airside_types::{Cluster, Severity, Tenant};

const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  hostPID: true
  hostNetwork: true # airside:ignore host-network: it is a node agent
  containers:
  - name: \"<b>\"
    image: registry.example/web:1
    securityContext: {privileged: true}
";

const KUBELET: &str = "apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}}
";

fn checked(contents: &str) -> CheckIn {
    let documents = yaml::parse(contents, &Limits::default()).documents;
    let comments = comments("a.yaml", contents);
    let file = InputFile { path: "a.yaml", documents: &documents, comments: &comments };
    check_in(&[file], &Terms::new(&Tenant::default(), &Cluster::default(), Severity::High))
}

fn framework(id: &str) -> &'static Framework {
    Framework::find(id).unwrap_or_else(|| panic!("no framework {id}"))
}

fn status(assessment: &Assessment<'_>, control: &str) -> String {
    let result = assessment.controls.iter().find(|it| it.control.id == control).unwrap();
    let Status::NotEvaluated(reason) = &result.status else {
        return result.status.as_str().to_owned();
    };
    format!("not-evaluated: {reason}")
}

#[test]
fn a_control_passes_only_where_its_checks_had_something_to_look_at() {
    const NOTHING: &str =
        "not-evaluated: the input has no object of a kind that its checks look at";
    let pod = checked(POD);
    let pods = assess(framework("cis-v1.12.0"), &pod);
    assert_eq!(status(&pods, "5.2.3"), "fail");
    assert_eq!(status(&pods, "5.2.4"), "pass");
    assert_eq!(status(&pods, "5.1.9"), NOTHING);
    assert_eq!(status(&pods, "4.2.1"), NOTHING);
    assert_eq!(status(&pods, "5.3.1"), "manual");
    let kubelet = checked(KUBELET);
    let kubelets = assess(framework("cis-v1.12.0"), &kubelet);
    assert_eq!(status(&kubelets, "4.2.1"), "pass");
    assert_eq!(status(&kubelets, "5.2.4"), NOTHING);
    assert!(pods.fails());
    assert_eq!(assess(framework("cis-v1.10.0"), &CheckIn::default()).counts().pass, 0);
}

#[test]
fn a_failure_that_is_accepted_is_told_and_does_not_fail() {
    let pod = checked(POD);
    let assessment = assess(framework("cis-v1.12.0"), &pod);
    let network = assessment.controls.iter().find(|it| it.control.id == "5.2.5").unwrap();
    assert_eq!(network.status, Status::Pass);
    assert_eq!(network.accepted.len(), 1);
}

#[test]
fn a_control_that_manifests_show_in_part_can_fail_and_never_passes() {
    let server = |flag: &str| {
        checked(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: kube-apiserver, namespace: kube-system}}\n\
             spec:\n  containers:\n  - name: kube-apiserver\n    image: a/kube-apiserver:v1.34.0\n    \
             command: [kube-apiserver{flag}]\n"
        ))
    };
    let clean = server("");
    let assessment = assess(framework("soc-2"), &clean);
    assert_eq!(status(&assessment, "CC6.2"), "manual");
    let result = assessment.controls.iter().find(|it| it.control.id == "CC6.2").unwrap();
    assert!(result.is_judged_in_part() && result.open_part().is_none());
    let tokens = server(", --token-auth-file=/tokens");
    let assessment = assess(framework("soc-2"), &tokens);
    assert_eq!(status(&assessment, "CC6.2"), "fail");
    let result = assessment.controls.iter().find(|it| it.control.id == "CC6.2").unwrap();
    assert!(result.open_part().is_some());
}

#[test]
fn what_cannot_be_decided_is_not_evaluated() {
    let server = "apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.34.0
    command: [kube-apiserver, --authorization-mode=$(MODES)]
    env: [{name: MODES, valueFrom: {configMapKeyRef: {name: m, key: k}}}]
";
    let checked = checked(server);
    assert!(checked.not_evaluated.iter().any(|it| it.check.id == "api-server-without-rbac"));
    let status = status(&assess(framework("cis-v1.12.0"), &checked), "1.2.8");
    assert!(status.starts_with("not-evaluated: api-server-without-rbac: "), "{status}");
}

#[test]
fn text_has_a_line_for_each_control_with_the_evidence_below() {
    let pod = checked(POD);
    insta::assert_snapshot!(text::text(&assess(framework("pod-security-baseline"), &pod)), @r#"
    Pod Security Standards: baseline 1.34 (pod-security-baseline)

    pass           baseline.host-process           Windows containers are no processes of the node
    fail           baseline.host-namespaces        No namespaces of the node
                   a.yaml:5:3 Pod shop/web: hostPID is true: the pod shares the node's process namespace (host-pid)
                   accepted: 1
    fail           baseline.privileged-containers  No privileged containers
                   a.yaml:10:23 Pod shop/web: container `<b>` runs privileged (privileged-container)
    pass           baseline.capabilities           No capabilities beyond the runtime's
    pass           baseline.host-path-volumes      No folders of the node
    pass           baseline.host-ports             No ports of the node
    pass           baseline.app-armor              AppArmor stays on
    pass           baseline.se-linux               No SELinux identity of its own
    pass           baseline.proc-mount             The usual mask over /proc
    pass           baseline.seccomp                The system call filter is not switched off
    pass           baseline.sysctls                Only kernel parameters that are safe
    pass           baseline.host-of-probes         No other host in probes and hooks

    10 of 12 controls that could be judged pass, 2 fail; 0 not evaluated, 0 to be looked at by a person
    "#);
}

#[test]
fn json_has_every_control_with_its_evidence() {
    let pod = checked(POD);
    let told = json::json(&assess(framework("pod-security-baseline"), &pod));
    let controls = told["controls"].as_array().unwrap();
    assert_eq!(controls.len(), framework("pod-security-baseline").controls.len());
    insta::assert_json_snapshot!(
        serde_json::json!({"summary": told["summary"], "namespaces": controls[1]}), @r#"
    {
      "namespaces": {
        "accepted": [
          {
            "check": "host-network",
            "field": "spec.hostNetwork",
            "location": {
              "column": 3,
              "line": 6,
              "path": "a.yaml"
            },
            "message": "hostNetwork is true: the pod shares the node's network namespace",
            "reason": "it is a node agent",
            "resource": {
              "kind": "Pod",
              "name": "web",
              "namespace": "shop"
            },
            "severity": "high"
          }
        ],
        "applied_checks": [
          "host-pid",
          "host-ipc",
          "host-network"
        ],
        "checks": [
          "host-pid",
          "host-ipc",
          "host-network"
        ],
        "failures": [
          {
            "check": "host-pid",
            "field": "spec.hostPID",
            "location": {
              "column": 3,
              "line": 5,
              "path": "a.yaml"
            },
            "message": "hostPID is true: the pod shares the node's process namespace",
            "resource": {
              "kind": "Pod",
              "name": "web",
              "namespace": "shop"
            },
            "severity": "high"
          }
        ],
        "id": "baseline.host-namespaces",
        "open_part": null,
        "reason": null,
        "status": "fail",
        "title": "No namespaces of the node"
      },
      "summary": {
        "fail": 2,
        "manual": 0,
        "not_evaluated": 0,
        "pass": 10
      }
    }
    "#);
}

#[test]
fn html_shows_all_and_escapes_what_it_was_given() {
    let pod = checked(POD);
    let assessment = assess(framework("pod-security-baseline"), &pod);
    let page = html::html(&assessment);
    for result in &assessment.controls {
        assert!(page.contains(&result.control.title), "{}", result.control.id);
    }
    assert!(!page.contains("<b>\""), "a name became a tag");
    let (_, rest) = page.split_once("<details id=\"baseline.privileged-containers\">").unwrap();
    let (section, _) = rest.split_once("</details>").unwrap();
    insta::assert_snapshot!(section, @r#"
    <summary><b class="fail">fail</b> <code>baseline.privileged-containers</code> No privileged containers<span class="faint"> × 1</span></summary><table><tr><th>Where</th><th>Object</th><th>What</th><th>Check</th></tr><tr><td><code>a.yaml:10:23</code></td><td>Pod shop/web</td><td>container `&lt;b&gt;` runs privileged</td><td><code>privileged-container</code></td></tr></table><p class="faint">1 of 1 checks had something to look at: <code>privileged-container</code> </p>
    "#);
}
