//! What fixing does to whole files.

use std::collections::BTreeSet;

use airside_types::{Cluster, Severity, Tenant};

use super::*;
use crate::{catalogue, remedy};

fn fix_with(files: &[(&str, &str)], risk: Risk, is_ours: bool) -> Outcome {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let terms = Terms::new(&tenant, &cluster, Severity::High);
    let limits = Limits::default();
    let sources: Vec<_> = files.iter().map(|(path, text)| Source { path, text, is_ours }).collect();
    fix(&sources, &Order { risk, terms: &terms, limits: &limits })
}

fn fixed(text: &str, risk: Risk) -> Outcome {
    fix_with(&[("web.yaml", text)], risk, true)
}

/// The new text; the old one where nothing changed.
fn text_of(outcome: &Outcome, old: &str) -> String {
    outcome.files.first().map_or_else(|| old.to_owned(), |file| file.text.clone())
}

/// The account as a user reads it.
fn shown(outcome: &Outcome) -> String {
    let fixed = outcome.fixed.iter().map(|Fixed { finding, edits }| {
        let edits: Vec<String> = edits.iter().map(ToString::to_string).collect();
        let edits =
            if edits.is_empty() { "by another change".to_owned() } else { edits.join(", ") };
        format!("fixed {}: {edits}", finding.check)
    });
    // Checks of severity Info are many, and hardly any has a remedy.
    let unfixed = outcome
        .unfixed
        .iter()
        .filter(|it| it.finding.severity > Severity::Info)
        .map(|Unfixed { finding, reason }| format!("not fixed {}: {reason}", finding.check));
    let new = outcome.introduced.iter().map(|finding| format!("new {}", finding.check));
    fixed.chain(unfixed).chain(new).collect::<Vec<_>>().join("\n")
}

const WEB: &str = "\
# The shop's front.
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
      containers:
        - name: web   # the program
          image: registry.example/web@sha256:0000000000000000000000000000000000000000000000000000000000000000
          livenessProbe: &probe {tcpSocket: {port: 80}}
          readinessProbe: *probe
          resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {cpu: 1, memory: 128Mi}}
          securityContext:
            privileged: true   # it was easier
        - name: side
          image: registry.example/side@sha256:0000000000000000000000000000000000000000000000000000000000000000
          livenessProbe: *probe
          readinessProbe: *probe
          resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
";

#[test]
fn safe_changes_are_made_and_all_else_is_accounted_for() {
    let outcome = fixed(WEB, Risk::Safe);
    insta::assert_snapshot!(text_of(&outcome, WEB), @r"
    # The shop's front.
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
          containers:
            - name: web   # the program
              image: registry.example/web@sha256:0000000000000000000000000000000000000000000000000000000000000000
              livenessProbe: &probe {tcpSocket: {port: 80}}
              readinessProbe: *probe
              resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {cpu: 1, memory: 128Mi}}
              securityContext:
                privileged: true   # it was easier
            - name: side
              image: registry.example/side@sha256:0000000000000000000000000000000000000000000000000000000000000000
              livenessProbe: *probe
              readinessProbe: *probe
              resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
              securityContext:
                allowPrivilegeEscalation: false
          securityContext:
            seccompProfile:
              type: RuntimeDefault
    ");
    insta::assert_snapshot!(shown(&outcome), @r#"
    fixed privilege-escalation: set spec.template.spec.containers[1].securityContext.allowPrivilegeEscalation to false
    fixed seccomp-profile-missing: set spec.template.spec.securityContext.seccompProfile.type to "RuntimeDefault"
    fixed seccomp-profile-missing: by another change
    fixed pod-security-context-missing: by another change
    fixed container-security-context-missing: by another change
    fixed no-kernel-confinement: by another change
    fixed no-kernel-confinement: by another change
    not fixed privileged-container: may break the program, so it is done with --may-break only: set spec.template.spec.containers[0].securityContext.privileged to false
    not fixed privilege-escalation: needs the container to be unprivileged first: Kubernetes refuses both together
    not fixed writable-root-filesystem: may break the program, so it is done with --may-break only: set spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem to true
    not fixed writable-root-filesystem: may break the program, so it is done with --may-break only: set spec.template.spec.containers[1].securityContext.readOnlyRootFilesystem to true
    not fixed capabilities-not-dropped: may break the program, so it is done with --may-break only: add "ALL" to spec.template.spec.containers[0].securityContext.capabilities.drop
    not fixed capabilities-not-dropped: may break the program, so it is done with --may-break only: add "ALL" to spec.template.spec.containers[1].securityContext.capabilities.drop
    not fixed run-as-non-root: may break the program, so it is done with --may-break only: set spec.template.spec.containers[0].securityContext.runAsNonRoot to true
    not fixed run-as-non-root: may break the program, so it is done with --may-break only: set spec.template.spec.containers[1].securityContext.runAsNonRoot to true
    not fixed service-account-token-automount: may break the program, so it is done with --may-break only: set spec.template.spec.automountServiceAccountToken to false
    not fixed no-ingress-policy: needs a NetworkPolicy that lists who may connect to whom
    not fixed no-egress-policy: needs a NetworkPolicy that lists who may connect to whom
    not fixed cpu-limit-missing: needs a number from you: what the container uses
    "#);
}

#[test]
fn what_may_break_is_done_when_asked_for() {
    let outcome = fixed(WEB, Risk::MayBreak);
    insta::assert_snapshot!(text_of(&outcome, WEB), @r"
    # The shop's front.
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
          containers:
            - name: web   # the program
              image: registry.example/web@sha256:0000000000000000000000000000000000000000000000000000000000000000
              livenessProbe: &probe {tcpSocket: {port: 80}}
              readinessProbe: *probe
              resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {cpu: 1, memory: 128Mi}}
              securityContext:
                privileged: false   # it was easier
                readOnlyRootFilesystem: true
                capabilities:
                  drop:
                    - ALL
                runAsNonRoot: true
                allowPrivilegeEscalation: false
            - name: side
              image: registry.example/side@sha256:0000000000000000000000000000000000000000000000000000000000000000
              livenessProbe: *probe
              readinessProbe: *probe
              resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
              securityContext:
                allowPrivilegeEscalation: false
                readOnlyRootFilesystem: true
                capabilities:
                  drop:
                    - ALL
                runAsNonRoot: true
          securityContext:
            seccompProfile:
              type: RuntimeDefault
          automountServiceAccountToken: false
    ");
    insta::assert_snapshot!(shown(&outcome), @r#"
    fixed privileged-container: set spec.template.spec.containers[0].securityContext.privileged to false
    fixed privilege-escalation: set spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation to false
    fixed privilege-escalation: set spec.template.spec.containers[1].securityContext.allowPrivilegeEscalation to false
    fixed writable-root-filesystem: set spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem to true
    fixed writable-root-filesystem: set spec.template.spec.containers[1].securityContext.readOnlyRootFilesystem to true
    fixed seccomp-profile-missing: set spec.template.spec.securityContext.seccompProfile.type to "RuntimeDefault"
    fixed seccomp-profile-missing: by another change
    fixed capabilities-not-dropped: add "ALL" to spec.template.spec.containers[0].securityContext.capabilities.drop
    fixed capabilities-not-dropped: add "ALL" to spec.template.spec.containers[1].securityContext.capabilities.drop
    fixed run-as-non-root: set spec.template.spec.containers[0].securityContext.runAsNonRoot to true
    fixed run-as-non-root: set spec.template.spec.containers[1].securityContext.runAsNonRoot to true
    fixed pod-security-context-missing: by another change
    fixed container-security-context-missing: by another change
    fixed no-kernel-confinement: by another change
    fixed no-kernel-confinement: by another change
    fixed service-account-token-automount: set spec.template.spec.automountServiceAccountToken to false
    fixed default-service-account: by another change
    not fixed no-ingress-policy: needs a NetworkPolicy that lists who may connect to whom
    not fixed no-egress-policy: needs a NetworkPolicy that lists who may connect to whom
    not fixed cpu-limit-missing: needs a number from you: what the container uses
    "#);
}

#[test]
fn each_example_that_has_a_remedy_passes_after_it() {
    let mut repaired = Vec::new();
    for check in catalogue::all().filter(|check| remedy::checks().any(|id| id == check.id)) {
        let outcome = fixed(check.fails, Risk::MayBreak);
        let still = outcome.unfixed.iter().find(|unfixed| unfixed.finding.check == check.id);
        match still.map(|unfixed| &unfixed.reason) {
            None => repaired.push(check.id),
            Some(Reason::NotMechanical(_)) => {}
            Some(reason) => panic!("{}: {reason}\n{}", check.id, check.fails),
        }
    }
    let missing: Vec<_> = remedy::checks().filter(|id| !repaired.contains(id)).collect();
    // Its example has settings beside the mode.
    assert_eq!(missing, ["destination-rule-conflicts-with-strict"]);
}

#[test]
fn fixing_again_changes_nothing() {
    for check in catalogue::all() {
        for (example, risk) in [check.fails, check.passes]
            .into_iter()
            .flat_map(|example| [(example, Risk::Safe), (example, Risk::MayBreak)])
        {
            let outcome = fixed(example, risk);
            let again = fixed(&text_of(&outcome, example), risk);
            assert_eq!((again.files.len(), again.fixed.len()), (0, 0), "{}", check.id);
            let remaining = outcome.unfixed.len() + outcome.introduced.len();
            assert_eq!(again.unfixed.len(), remaining, "{}", check.id);
        }
    }
}

#[test]
fn texts_of_others_are_judged_and_left_alone() {
    let outcome = fix_with(&[("chart/web.yaml", WEB)], Risk::Safe, false);
    assert_eq!((outcome.files.len(), outcome.fixed.len()), (0, 0));
    assert!(outcome.unfixed.iter().any(|unfixed| unfixed.reason == Reason::NotOurs));
}

#[test]
fn accepted_findings_stay_as_they_are() {
    let text = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    securityContext:
      # airside:ignore privileged-container: loads the driver
      privileged: true
";
    let outcome = fixed(text, Risk::MayBreak);
    let new = text_of(&outcome, text);
    assert!(new.contains("      privileged: true\n") && new != text, "{new}");
    let escalation = outcome.unfixed.iter().find(|one| one.finding.check == "privilege-escalation");
    let reason = escalation.map(|one| one.reason.to_string()).unwrap_or_default();
    assert_eq!(
        reason,
        "needs the container to be unprivileged first: Kubernetes refuses both together"
    );
}

#[test]
fn several_elements_of_one_list_are_removed_together() {
    let text = "\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: web, namespace: shop}
  spec:
    containers:
    - name: web
      securityContext:
        capabilities:
          add: [CHOWN, NET_BIND_SERVICE, SYS_ADMIN, NET_RAW] # all of them
";
    let outcome = fixed(text, Risk::MayBreak);
    let new = text_of(&outcome, text);
    assert!(new.contains("          add: [NET_BIND_SERVICE] # all of them\n"), "{new}");
}

#[test]
fn a_file_that_cannot_be_read_as_a_whole_is_not_changed() {
    let text = format!("{WEB}---\nbroken: [\n");
    let outcome = fixed(&text, Risk::Safe);
    assert_eq!(outcome.files, []);
    let refused = |unfixed: &Unfixed| matches!(unfixed.reason, Reason::Refused(_));
    assert!(outcome.unfixed.iter().any(refused), "{}", shown(&outcome));
}

#[test]
fn a_change_that_brings_a_finding_as_bad_is_taken_back() {
    let text = "\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: PERMISSIVE}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, trafficPolicy: {tls: {mode: SIMPLE, caCertificates: /ca.pem}}}
";
    let outcome = fixed(text, Risk::MayBreak);
    let new = text_of(&outcome, text);
    assert!(new.contains("mode: PERMISSIVE"), "{new}");
    assert!(new.contains("runAsNonRoot: true"), "what is innocent stays: {new}");
    assert_eq!(outcome.introduced, []);
    let reason = |check: &str| {
        let found = outcome.unfixed.iter().find(|unfixed| unfixed.finding.check == check);
        found.map(|unfixed| unfixed.reason.to_string()).unwrap_or_default()
    };
    assert_eq!(
        reason("peer-authentication-permissive"),
        "the change would make other checks fail: destination-rule-conflicts-with-strict"
    );
}

#[test]
fn what_an_alias_repeats_is_refused_and_the_rest_is_fixed() {
    let text = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: one
    securityContext: &shared
      privileged: true
  - name: two
    securityContext: *shared
  - name: three
";
    let outcome = fixed(text, Risk::Safe);
    let expected = format!(
        "{text}    securityContext:\n      allowPrivilegeEscalation: false\n  securityContext:\n    seccompProfile:\n      type: RuntimeDefault\n"
    );
    assert_eq!(text_of(&outcome, text), expected);
    let outcome = fixed(text, Risk::MayBreak);
    let refused = outcome.unfixed.iter().filter(|one| one.finding.check == "privileged-container");
    for unfixed in refused {
        assert!(matches!(unfixed.reason, Reason::Refused(Refusal::Aliased(_))), "{unfixed:?}");
    }
}

#[test]
fn what_moves_up_in_a_list_is_neither_fixed_nor_new() {
    let text = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    securityContext:
      capabilities:
        add:
        - SYS_ADMIN
        - NET_BIND_SERVICE
        drop: [ALL]
";
    let outcome = fixed(text, Risk::MayBreak);
    assert!(!text_of(&outcome, text).contains("SYS_ADMIN"));
    assert_eq!(outcome.introduced, []);
    let own = "net-bind-service-capability";
    assert!(outcome.fixed.iter().all(|it| it.finding.check != own), "{}", shown(&outcome));
    let left = outcome.unfixed.iter().find(|it| it.finding.check == own);
    let field = left.map(|it| it.finding.field.to_string());
    assert_eq!(
        field.as_deref(),
        Some("spec.containers[0].securityContext.capabilities.add[1]"),
        "its place is that of the old text"
    );
}

/// What a finding is told by: its file, object, check and field.
fn names<'a>(findings: impl Iterator<Item = &'a Finding>) -> BTreeSet<String> {
    let name = |it: &Finding| format!("{} {} {} {}", it.place.path, it.object, it.check, it.field);
    findings.map(name).collect()
}

#[test]
fn what_takes_long_in_one_object_takes_nothing_from_the_others() {
    let pod = |name: &str, of_host: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n{of_host}  containers:\n  - {{name: a, image: \"a:1\"}}\n"
        )
    };
    let agent = pod("agent", "  hostNetwork: true\n  hostIPC: true\n");
    let web: Vec<String> = (0..12).map(|number| pod(&format!("web{number}"), "")).collect();
    let together = format!("{agent}---\n{}", web.join("---\n"));
    let outcome = fixed(&together, Risk::MayBreak);
    let count = |outcome: &Outcome| outcome.fixed.len();
    let alone: usize = web.iter().map(|text| count(&fixed(text, Risk::MayBreak))).sum();
    assert_eq!(count(&outcome), alone + count(&fixed(&agent, Risk::MayBreak)));
    let blamed = |it: &&Unfixed| matches!(it.reason, Reason::Introduces(_));
    let blamed: Vec<_> = outcome.unfixed.iter().filter(blamed).collect();
    assert_eq!(blamed, Vec::<&Unfixed>::new());
}

#[test]
fn more_permission_fixes_more() {
    let with_remedy = catalogue::all().filter(|check| remedy::checks().any(|id| id == check.id));
    let examples: Vec<(String, &str)> =
        with_remedy.map(|check| (format!("{}.yaml", check.id), check.fails)).collect();
    let files: Vec<(&str, &str)> =
        examples.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let safe = fix_with(&files, Risk::Safe, true);
    let all = fix_with(&files, Risk::MayBreak, true);
    let of = |outcome: &Outcome| names(outcome.fixed.iter().map(|it| &it.finding));
    let lost: Vec<_> = of(&safe).difference(&of(&all)).cloned().collect();
    assert_eq!(lost, Vec::<String>::new());
    let wholesale = Reason::Introduces(Vec::new());
    assert!(all.unfixed.iter().all(|it| it.reason != wholesale), "{}", shown(&all));
}

/// By `kubernetes.podspec-*` in Knative's config-features as it comes: no security context of pods, no namespaces
/// and aliases of the host.
#[test]
fn a_service_of_knative_gets_what_knative_takes_by_default() {
    let text = "\
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
      - image: registry.example/web:1
";
    insta::assert_snapshot!(text_of(&fixed(text, Risk::MayBreak), text), @r"
    apiVersion: serving.knative.dev/v1
    kind: Service
    metadata: {name: web, namespace: shop}
    spec:
      template:
        spec:
          containers:
          - image: registry.example/web:1
            securityContext:
              allowPrivilegeEscalation: false
              readOnlyRootFilesystem: true
              seccompProfile:
                type: RuntimeDefault
              capabilities:
                drop:
                - ALL
              runAsNonRoot: true
            imagePullPolicy: Always
          automountServiceAccountToken: false
    ");
}
