//! What exceptions cover, and what is said of those that cover nothing.

use airside_k8s::{Limits, yaml};
use airside_types::{Cluster, Severity, Tenant};

use super::*;
use crate::check_in::{CheckIn, InputFile, Terms, check_in};

const NOW: &str = "2026-11-25T00:00:00Z";

fn check(text: &str, exceptions: &[Exception]) -> CheckIn {
    let parsed = yaml::parse(text, &Limits::default());
    assert_eq!(parsed.errors, []);
    let comments = comments("pod.yaml", text);
    let files = [InputFile { path: "pod.yaml", documents: &parsed.documents, comments: &comments }];
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let terms = Terms {
        today: Timestamp::parse_rfc3339(NOW).ok(),
        exceptions,
        ..Terms::new(&tenant, &cluster, Severity::High)
    };
    check_in(&files, &terms)
}

/// What was accepted, what of the same checks stands open, and what had no effect.
fn told(text: &str, exceptions: &[Exception]) -> String {
    let checked = check(text, exceptions);
    let mut lines = Vec::new();
    for it in &checked.accepted {
        lines.push(format!("accepted {} {} ({})", it.finding.check, it.finding.field, it.reason));
    }
    for it in checked.findings.iter().filter(|it| it.check.starts_with("privileged-c")) {
        lines.push(format!("open {} {}", it.check, it.field));
    }
    for it in &checked.ineffective {
        lines.push(format!("{}: {}", it.place, it.problem));
    }
    lines.join("\n")
}

fn pod(annotations: &str, comment: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n{annotations}spec:\n  containers:\n  \
         - name: web\n    securityContext: {{privileged: true}} {comment}\n  \
         - name: agent\n    securityContext: {{privileged: true}}\n"
    )
}

#[test]
fn a_comment_is_about_its_line_or_the_next() {
    let text = pod("", "# airside:ignore privileged-container: loads a driver");
    insta::assert_snapshot!(told(&text, &[]), @"
    accepted privileged-container spec.containers[0].securityContext.privileged (loads a driver)
    open privileged-container spec.containers[1].securityContext.privileged
    ");
    let above = text.replace(
        "  - name: agent\n    securityContext",
        "  - name: agent\n    # airside:ignore trivy:KSV-0017: as agreed\n    # and more\n\n    securityContext",
    );
    insta::assert_snapshot!(told(&above, &[]), @"
    accepted privileged-container spec.containers[0].securityContext.privileged (loads a driver)
    accepted privileged-container spec.containers[1].securityContext.privileged (as agreed)
    ");
}

#[test]
fn an_annotation_is_about_its_object_or_a_container_of_it() {
    let annotations =
        |line: &str| format!("  annotations:\n    airside.dev/ignore: |\n      {line}\n");
    let whole = pod(&annotations("privileged-container: both need it"), "");
    insta::assert_snapshot!(told(&whole, &[]), @"
    accepted privileged-container spec.containers[0].securityContext.privileged (both need it)
    accepted privileged-container spec.containers[1].securityContext.privileged (both need it)
    ");
    let one =
        pod(&annotations("privileged-container container=agent until=2026-11-25: the agent"), "");
    insta::assert_snapshot!(told(&one, &[]), @"
    accepted privileged-container spec.containers[1].securityContext.privileged (the agent)
    open privileged-container spec.containers[0].securityContext.privileged
    ");
}

#[test]
fn an_annotation_of_a_template_is_about_its_pods() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    \
                metadata:\n      annotations: {airside.dev/ignore: 'privileged-container: yes'}\n    \
                spec:\n      containers:\n      - {name: web, securityContext: {privileged: true}}\n";
    insta::assert_snapshot!(told(text, &[]), @"accepted privileged-container spec.template.spec.containers[0].securityContext.privileged (yes)");
}

#[test]
fn exceptions_of_a_file_are_limited_by_what_they_name() {
    let file = "# of the platform team\n\nprivileged-container path=*.yaml name=w* kind=Pod container=web: a\n\
                privileged-container namespace=other: b\nhost-path: c\n";
    let (exceptions, problems) = parse_file("exceptions", file);
    assert_eq!(problems, []);
    insta::assert_snapshot!(told(&pod("", ""), &exceptions), @"
    accepted privileged-container spec.containers[0].securityContext.privileged (a)
    open privileged-container spec.containers[1].securityContext.privileged
    exceptions:4:1: the exception for privileged-container covers nothing that fails: remove it
    exceptions:5:1: the exception for host-path covers nothing that fails: remove it
    ");
}

#[test]
fn what_has_expired_stands_open_again() {
    let (exceptions, _) =
        parse_file("exceptions", "privileged-container until=2026-11-24: until the move");
    insta::assert_snapshot!(told(&pod("", ""), &exceptions), @"
    open privileged-container spec.containers[0].securityContext.privileged
    open privileged-container spec.containers[1].securityContext.privileged
    exceptions:1:1: the exception for privileged-container has expired on 2026-11-24: decide again, or mend what it covers
    ");
}

#[test]
fn what_is_no_exception_is_told_with_its_place() {
    let file =
        "privileged-container\nno-such-check: r\nhost-path size=1: r\nhost-path until=soon: r\n";
    let (exceptions, problems) = parse_file("exceptions", file);
    assert_eq!(exceptions, []);
    let shown: Vec<_> = problems.iter().map(|it| format!("{}: {}", it.place, it.problem)).collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    exceptions:1:1: an exception needs a reason: write `privileged-container: why it is accepted`
    exceptions:2:1: there is no check `no-such-check`: `airside checks` lists them
    exceptions:3:1: `size=1` is not understood: an exception is `CHECK [KEY=VALUE]…: REASON`, with the keys until, container, kind, namespace, name, path
    exceptions:4:1: `until=soon` is no day: write it as 2027-01-31
    ");
}

#[test]
fn other_tools_names_need_not_say_whose_they_are() {
    for name in ["KSV-0017", "AVD-KSV-0017", "CKV_K8S_16", "trivy:KSV-0017"] {
        let (exceptions, problems) = parse_file("exceptions", &format!("{name}: it must\n"));
        assert_eq!(problems, [], "{name}");
        assert!(exceptions[0].checks.contains(&"privileged-container"), "{name}");
    }
}

#[test]
fn text_that_only_looks_like_a_comment_is_none() {
    for text in [
        "a: 'x#airside:ignore host-path: r'",
        "a: airside:ignore host-path: r",
        "a: |\n  # airside:ignore host-path: r\n\n  b # airside:ignore host-path: r\n",
        "- a: >-2 # why\n    # airside:ignore host-path: r\n  b: c\n",
        "- !!str |\n  # airside:ignore host-path: r\n",
    ] {
        assert_eq!(comments("f", text), [], "{text}");
    }
}

#[test]
fn one_vulnerability_is_accepted_and_not_the_others() {
    let place = || Place { path: "exceptions".into(), line: 1, column: 1 };
    let finding = |check: &str| {
        let text = pod("", "");
        let mut finding = check_of(&text);
        finding.check = check.to_owned().into();
        finding
    };
    for (name, covered, other) in [
        ("image-vulnerability/CVE-2099-1", true, false),
        ("image-vulnerability/CVE-2099-1/parser", true, false),
        ("image-vulnerability/CVE-2099", false, false),
        ("image-vulnerability", true, true),
    ] {
        let exception = Exception::parse(&format!("{name}: as agreed"), place()).unwrap();
        let one = finding("image-vulnerability/CVE-2099-1/parser");
        let two = finding("image-vulnerability/CVE-2099-2/parser");
        assert_eq!(exception.covers(&one, None), covered, "{name}");
        assert_eq!(exception.covers(&two, None), other, "{name}");
    }
}

/// Any finding of a text.
fn check_of(text: &str) -> Finding {
    check(text, &[]).findings.remove(0)
}

#[test]
fn exceptions_for_other_tools_are_known_by_tool_and_check() {
    for (text, expected) in [
        ("# checkov:skip=CKV_K8S_16:it must", Some(("checkov", "CKV_K8S_16"))),
        ("    checkov.io/skip1: CKV_K8S_16=it must", Some(("checkov", "CKV_K8S_16"))),
        ("privileged: true # trivy:ignore:AVD-KSV-0017", Some(("trivy", "AVD-KSV-0017"))),
        ("  ignore-check.kube-linter.io/host-pid: 'why'", Some(("kube-linter", "host-pid"))),
        ("  kube-score/ignore: pod-probes,pod-networkpolicy", Some(("kube-score", "pod-probes"))),
        ("  polaris.fairwinds.com/hostPIDSet-exempt: \"true\"", Some(("polaris", "hostPIDSet"))),
        ("  polaris.fairwinds.com/exempt: \"true\"", Some(("polaris", ""))),
        ("  polaris.fairwinds.com/owner: shop", None),
        ("text: trivy:ignore:KSV017", None),
        ("# airside:ignore host-pid: it must", None),
    ] {
        let found = peer_exceptions(text).next().map(|it| (it.tool, it.check));
        assert_eq!(found, expected, "{text}");
    }
}
