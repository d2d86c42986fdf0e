//! What a user gets for files: findings with places, and boarding passes.

use std::sync::Arc;

use airside_k8s::chart::{ChartName, RenderedTemplate, Values, ValuesFile};
use airside_k8s::{Limits, yaml};
use airside_types::{PassVerdict, Revision};

use super::pass::fingerprints;
use super::*;
use crate::catalogue;
use crate::exception::parse_file;

const WEB: &str = "\
# Source: shop/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {app: web}
spec:
  template:
    metadata:
      labels: {app: web}
    spec:
      automountServiceAccountToken: false
      hostUsers: false
      securityContext:
        {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: web
        image: registry.example/web@sha256:0000000000000000000000000000000000000000000000000000000000000000
        livenessProbe: &probe {tcpSocket: {port: 80}}
        readinessProbe: *probe
        resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {cpu: 1, memory: 128Mi}}
        securityContext:
          privileged: true
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities: {drop: [ALL]}
";

const POLICY: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
";

fn check(files: &[(&str, &str)]) -> CheckIn {
    check_by(&Terms::new(&Tenant::default(), &Cluster::default(), Severity::High), files)
}

fn check_by(terms: &Terms<'_>, files: &[(&str, &str)]) -> CheckIn {
    let parsed: Vec<_> = files
        .iter()
        .map(|(path, text)| {
            let parsed = yaml::parse(text, &Limits::default());
            assert_eq!(parsed.errors, [], "{path}");
            (*path, parsed.documents)
        })
        .collect();
    let inputs: Vec<_> = parsed
        .iter()
        .map(|(path, documents)| InputFile { path, documents, comments: &[] })
        .collect();
    check_in(&inputs, terms)
}

/// The findings that are more than advice: what the examples are about.
fn told(checked: &CheckIn) -> Vec<&Finding> {
    checked.findings.iter().filter(|finding| finding.severity > Severity::Info).collect()
}

/// The findings as a user reads them.
fn shown(checked: &CheckIn) -> String {
    let lines = told(checked).into_iter().map(|finding| {
        let Finding { place, severity, check, object, field, message, .. } = finding;
        format!("{place} {severity} {check} {object} {field}: {message}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_finding_points_at_file_line_and_column() {
    let checked = check(&[("k8s/web.yaml", WEB), ("k8s/policy.yaml", POLICY)]);
    insta::assert_snapshot!(shown(&checked), @"k8s/web.yaml:24:11 high privileged-container Deployment shop/web spec.template.spec.containers[0].securityContext.privileged: container `web` runs privileged");
    assert_eq!(checked.objects.len(), 2);
    let count = checked.findings.len();
    assert_eq!(checked.objects[0].findings, 0..count);
    assert_eq!(checked.objects[1].findings, count..count);
    assert_eq!(checked.objects[0].api_version, "apps/v1");
    assert_eq!(checked.not_evaluated, []);
}

#[test]
fn files_are_judged_together_and_told_apart() {
    let without_policy = check(&[("k8s/web.yaml", WEB)]);
    let ids: Vec<&str> = told(&without_policy).iter().map(|f| f.check.as_ref()).collect();
    assert_eq!(ids, ["privileged-container", "no-ingress-policy", "no-egress-policy"]);
    // A missing field stands at the deepest step that exists.
    assert_eq!(told(&without_policy)[1].place.to_string(), "k8s/web.yaml:11:7");

    let two = check(&[("a.yaml", WEB), ("b.yaml", WEB), ("p.yaml", POLICY)]);
    let places: Vec<String> = told(&two).iter().map(|f| f.place.to_string()).collect();
    assert_eq!(places, ["a.yaml:24:11", "b.yaml:24:11"]);
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let told = told(&two);
    assert_ne!(told[0].id(&tenant, &cluster), told[1].id(&tenant, &cluster));
}

#[test]
fn the_digests_of_fields_are_left_out_where_nobody_needs_them() {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let terms =
        Terms { passes: Passes::WithoutFields, ..Terms::new(&tenant, &cluster, Severity::High) };
    let mut kept = check(&[("web.yaml", WEB)]);
    let left_out = check_by(&terms, &[("web.yaml", WEB)]);
    assert_ne!(left_out, kept);
    kept.passes.iter_mut().for_each(|pass| pass.fields.clear());
    assert_eq!(left_out, kept);
}

#[test]
fn a_boarding_pass_says_where_an_object_came_from_and_whether_it_passed() {
    let checked = check(&[("k8s/web.yaml", WEB), ("k8s/policy.yaml", POLICY)]);
    let [web, policy] = checked.passes.as_slice() else { panic!("{checked:?}") };
    assert_eq!(web.object, ObjectRef::named("apps", "Deployment", Some("shop"), "web"));
    assert_eq!(web.place.to_string(), "k8s/web.yaml:2:1");
    assert_eq!(web.template.as_deref(), Some("shop/templates/web.yaml"));
    assert_eq!((web.verdict, policy.verdict), (PassVerdict::Failed, PassVerdict::Clean));
    let fingerprint = told(&checked)[0].id(&Tenant::default(), &Cluster::default());
    assert!(web.findings.contains(&fingerprint) && web.findings.len() == checked.findings.len());
    let image =
        web.fields.iter().any(|leaf| leaf.field.to_string().ends_with("containers[0].image"));
    assert!(image && web.fields.len() > 15, "{:?}", web.fields);

    let fixed = WEB.replace("privileged: true", "privileged: false");
    let clean = check(&[("k8s/web.yaml", &fixed), ("k8s/policy.yaml", POLICY)]);
    assert_eq!(clean.passes[0].verdict, PassVerdict::Clean);
    assert_ne!(clean.passes[0].digest, web.digest);
    assert_eq!(clean.passes[1], *policy);

    let flagged = check(&[("k8s/web.yaml", &fixed)]);
    assert_eq!(flagged.passes[0].verdict, PassVerdict::Flagged);
}

#[test]
fn a_boarding_pass_says_by_which_rules_it_was_given_and_what_was_accepted() {
    let file = yaml::parse(WEB, &Limits::default());
    let input = InputFile { path: "web.yaml", documents: &file.documents, comments: &[] };
    let place = Place { path: "exceptions".into(), line: 1, column: 1 };
    let exceptions = ["privileged-container: loads the driver"]
        .map(|text| Exception::parse(text, place.clone()).unwrap());
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let terms =
        Terms { exceptions: &exceptions, ..Terms::new(&tenant, &cluster, Severity::Medium) };
    let checked = check_in(&[input], &terms);
    let [pass] = checked.passes.as_slice() else { panic!("{checked:?}") };
    let [accepted] = pass.accepted.as_slice() else { panic!("{pass:?}") };
    assert_eq!(accepted.reason, "loads the driver");
    assert_eq!(accepted.finding, checked.accepted[0].finding.id(&tenant, &cluster));
    assert!(!pass.findings.contains(&accepted.finding));
    let rules = pass.rules.as_ref().unwrap();
    assert_eq!((rules.digest, rules.failing), (catalogue::digest(), Severity::Medium));
    assert_eq!(rules.version, env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_moved_line_changes_no_fingerprint() {
    let moved = format!("# a comment\n\n{WEB}");
    let (one, other) = (check(&[("web.yaml", WEB)]), check(&[("web.yaml", &moved)]));
    let ids = |checked: &CheckIn| {
        fingerprints(&checked.findings, &Tenant::default(), &Cluster::default())
    };
    assert_eq!(ids(&one), ids(&other));
    assert_eq!(one.findings[0].place.line + 2, other.findings[0].place.line);
    assert_eq!(one.passes[0].digest, other.passes[0].digest);
}

#[test]
fn items_of_lists_and_objects_without_names() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n  spec:\n    hostPID: true\n\
                - apiVersion: batch/v1\n  kind: Job\n  metadata: {generateName: job-}\n---\nkey: value\n";
    let checked = check(&[("list.yaml", text)]);
    assert_eq!(checked.objects.len(), 2);
    let host_pid = checked.findings.iter().find(|finding| finding.check == "host-pid").unwrap();
    assert_eq!((host_pid.place.line, host_pid.field.to_string().as_str()), (8, "spec.hostPID"));
    let passes: Vec<&str> = checked.passes.iter().map(|pass| pass.object.name.as_str()).collect();
    assert_eq!(passes, ["a"], "nothing live could be led back to a name that is made at creation");
    let skipped: Vec<String> =
        checked.skipped.iter().map(|s| format!("{} {}", s.place, s.reason)).collect();
    assert_eq!(skipped, ["list.yaml:13:1 no `apiVersion`, so no Kubernetes object"]);
}

#[test]
fn a_kind_that_kubernetes_does_not_have_is_told_and_gets_no_pass() {
    let text = "apiVersion: v1\nkind: Pdo\nmetadata: {name: a}\n---\n\
                apiVersion: v1\nkind: Pod\nmetadata: {name: b}\n---\n\
                apiVersion: example.com/v1\nkind: Pdo\nmetadata: {name: c}\n";
    let checked = check(&[("pods.yaml", text)]);
    let passes: Vec<&str> = checked.passes.iter().map(|pass| pass.object.name.as_str()).collect();
    assert_eq!(passes, ["b", "c"], "nobody knows what to look for in a Pdo of Kubernetes");
    let [skipped] = checked.skipped.as_slice() else { panic!("{checked:?}") };
    assert!(matches!(skipped.reason, SkipReason::UnknownKind(_)), "{skipped:?}");
}

#[test]
fn what_only_a_charts_tests_create_is_not_judged() {
    let hook = |hooks: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, annotations: {{helm.sh/hook: '{hooks}'}}}}\nspec: {{}}\n"
        )
    };
    for (hooks, judged) in [
        ("test", 0),
        ("test-success, test-failure", 0),
        ("pre-install", 1),
        ("test, post-install", 1),
    ] {
        let checked = check(&[("pod.yaml", &hook(hooks))]);
        assert_eq!(checked.objects.len(), judged, "{hooks}");
        assert_eq!(checked.skipped.len(), 1 - judged, "{hooks}");
    }
}

#[test]
fn what_is_added_to_the_findings_of_others_is_what_a_check_in_here_tells() {
    let template = WEB.replace("privileged: true", "privileged: {{ .Values.privileged }}");
    let file = ValuesFile::read("shop/values.yaml", "privileged: true\n", 0);
    let values = Values::new(vec![file], Vec::new());
    let lines = RenderedTemplate::new("shop/templates/web.yaml", &template, WEB, values);
    let chart = ChartName::read("name: shop\nversion: 1.2.3\n").unwrap();
    let template = "shop/templates/web.yaml".to_owned();
    let values = vec!["shop/values.yaml".to_owned()];
    let rendered = RenderedChart { chart, template, lines, values };
    let revision = Revision {
        repository: Some("https://git.example/shop".to_owned()),
        commit: "1".repeat(40),
        path: "shop".to_owned(),
        is_dirty: false,
    };
    let rendered = Some(Rendered::Chart(Arc::new(rendered)));
    let origin = FileOrigin { revision: Some(revision), rendered };
    let origins = Origins::from([("web.yaml".to_owned(), origin)]);
    let owners = [("web.yaml".to_owned(), "@org/shop".to_owned())].into_iter().collect();

    let exception = "cpu-limit-high kind=Deployment: it computes";
    let (exceptions, _) =
        parse_file("exceptions", &format!("{exception}\nprivileged-container: driver\n"));
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let elsewhere =
        Terms { exceptions: &exceptions, ..Terms::new(&tenant, &cluster, Severity::High) };
    let here = Terms { origins: Some(&origins), owners: &owners, ..elsewhere.clone() };
    for terms in [&elsewhere, &Terms { exceptions: &[], ..elsewhere.clone() }] {
        let here = Terms { exceptions: terms.exceptions, ..here.clone() };
        let documents = [WEB, POLICY].map(|text| yaml::parse(text, &Limits::default()).documents);
        let input = |path, at: usize| InputFile { path, documents: &documents[at], comments: &[] };
        let inputs = [input("web.yaml", 0), input("policy.yaml", 1)];
        let mut checked = check_in(&inputs, terms);
        let expected = check_in(&inputs, &here);
        assert_ne!(checked, expected);
        attribute(&inputs, &origins, &owners, &mut checked);
        assert_eq!(checked, expected);
    }
}
