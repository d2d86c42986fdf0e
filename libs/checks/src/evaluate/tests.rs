//! Which checks fail, at which field, and what stays undecided.

mod properties;

use airside_k8s::{Document, Limits, yaml};

use super::*;

pub(super) fn documents(text: &str) -> Vec<Document> {
    let parsed = yaml::parse(text, &Limits::default());
    assert_eq!(parsed.errors, [], "{text}");
    parsed.documents
}

fn run(text: &str, completeness: Completeness) -> Evaluation {
    let documents = documents(text);
    let contents: Vec<_> = documents.iter().map(Document::contents).collect();
    let objects: Vec<_> =
        contents.iter().flat_map(|contents| &contents.objects).map(|o| o.object).collect();
    evaluate(&objects, completeness)
}

/// The fields at which a check fails.
fn fields(text: &str, check: &str) -> Vec<String> {
    let evaluation = run(text, Completeness::WholeInput);
    let of_check = evaluation.failures.iter().filter(|failure| failure.check.id == check);
    of_check.map(|failure| failure.field.to_string()).collect()
}

/// A Deployment with this pod specification (YAML of one line).
fn deployment(spec: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\n\
         spec: {{template: {{metadata: {{labels: {{app: web}}}}, spec: {spec}}}}}\n"
    )
}

fn role(rules: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: r}}\nrules: {rules}\n"
    )
}

#[test]
fn a_failure_names_the_exact_field() {
    let container = "spec.template.spec.containers[0]";
    for (spec, check, expected) in [
        ("{hostPID: true}", "host-pid", "spec.template.spec.hostPID"),
        (
            "{containers: [{name: a}, {name: b, securityContext: {privileged: true}}]}",
            "privileged-container",
            "spec.template.spec.containers[1].securityContext.privileged",
        ),
        (
            "{initContainers: [{name: a, securityContext: {privileged: true}}]}",
            "privileged-container",
            "spec.template.spec.initContainers[0].securityContext.privileged",
        ),
        (
            "{volumes: [{name: a}, {name: b, hostPath: {path: /etc}}]}",
            "sensitive-host-path",
            "spec.template.spec.volumes[1].hostPath",
        ),
        (
            "{containers: [{name: a, ports: [{containerPort: 1}, {hostPort: 2}]}]}",
            "host-port",
            &format!("{container}.ports[1].hostPort"),
        ),
        (
            "{containers: [{name: a}]}",
            "service-account-token-automount",
            "spec.template.spec.automountServiceAccountToken",
        ),
        (
            "{containers: [{name: a}]}",
            "memory-limit-missing",
            &format!("{container}.resources.limits.memory"),
        ),
        (
            "{containers: [{name: a, securityContext: {capabilities: {add: [CHOWN, cap_sys_admin]}}}]}",
            "dangerous-capability",
            &format!("{container}.securityContext.capabilities.add[1]"),
        ),
    ] {
        assert_eq!(fields(&deployment(spec), check), [expected], "{spec}");
    }
}

#[test]
fn rules_of_roles_are_named_by_their_entries() {
    for (rules, check, expected) in [
        (
            "[{apiGroups: [\"\"], resources: [secrets], verbs: [get]}]",
            "read-secrets",
            "rules[0].resources[0]",
        ),
        (
            "[{apiGroups: [\"\"], resources: [pods], verbs: [get]}, {apiGroups: [\"\"], resources: [pods/exec], verbs: [create]}]",
            "pods-exec",
            "rules[1].resources[0]",
        ),
        (
            "[{apiGroups: [\"\"], resources: [pods/exec], verbs: [get]}]",
            "pods-exec",
            "rules[0].resources[0]",
        ),
        (
            "[{apiGroups: [\"\"], resources: [a, \"*\"], verbs: [get]}]",
            "wildcard-core-resources",
            "rules[0].resources[1]",
        ),
        (
            "[{apiGroups: [apps], resources: [\"*\"], verbs: [get]}]",
            "wildcard-resources",
            "rules[0].resources[0]",
        ),
        (
            "[{apiGroups: [apps], resources: [a], verbs: [get, \"*\"]}]",
            "wildcard-verbs",
            "rules[0].verbs[1]",
        ),
        (
            "[{apiGroups: [\"*\"], resources: [a], verbs: [get]}]",
            "wildcard-api-groups",
            "rules[0].apiGroups[0]",
        ),
        (
            "[{apiGroups: [\"*\"], resources: [\"*\"], verbs: [get, list, watch, create, update, patch, delete]}]",
            "role-allows-everything",
            "rules[0].resources[0]",
        ),
    ] {
        assert_eq!(fields(&role(rules), check), [expected], "{rules}");
    }
}

#[test]
fn a_role_that_allows_everything_is_told_once() {
    let everything = role("[{apiGroups: [\"*\"], resources: [\"*\"], verbs: [\"*\"]}]");
    let evaluation = run(&everything, Completeness::SingleObject);
    let ids: Vec<_> = evaluation.failures.iter().map(|failure| failure.check.id).collect();
    assert_eq!(ids, ["role-allows-everything"]);
}

#[test]
fn secrets_that_a_rule_names_are_meant() {
    let named = |verbs: &str| {
        role(&format!(
            "[{{apiGroups: [\"\"], resources: [secrets], resourceNames: [tls], verbs: {verbs}}}]"
        ))
    };
    assert_eq!(fields(&named("[get, update]"), "read-secrets"), [""; 0]);
    assert_eq!(fields(&named("[get, update]"), "write-secrets"), [""; 0]);
    // A request to create has no name yet, so that the rule does not fit it.
    assert_eq!(fields(&named("[create]"), "write-secrets"), [""; 0]);
    let elsewhere = role("[{apiGroups: [vault.example], resources: [secrets], verbs: [get]}]");
    assert_eq!(fields(&elsewhere, "read-secrets"), [""; 0]);
}

#[test]
fn the_service_account_decides_where_the_pod_does_not() {
    let account = |automount: &str| {
        format!("---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: web}}\n{automount}")
    };
    let pod = |automount: &str| {
        deployment(&format!("{{serviceAccountName: web, {automount} containers: [{{name: a}}]}}"))
    };
    let off = "automountServiceAccountToken: false\n";
    for (text, fails) in [
        (pod(""), true),
        (pod("") + &account(""), true),
        (pod("") + &account(off), false),
        (pod("automountServiceAccountToken: false,"), false),
        (pod("automountServiceAccountToken: true,") + &account(off), true),
        (pod("automountServiceAccountToken: null,") + &account(off), false),
        // Another account than the pod's.
        (deployment("{containers: [{name: a}]}") + &account(off), true),
    ] {
        let found = !fields(&text, "service-account-token-automount").is_empty();
        assert_eq!(found, fails, "{text}");
    }
}

#[test]
fn network_policies_count_where_they_apply() {
    let policy = |head: &str, spec: &str| {
        format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p{head}}}\nspec: {spec}\n"
        )
    };
    let web = deployment("{containers: [{name: a}]}");
    let in_shop = web.replace("name: web}\n", "name: web, namespace: shop}\n");
    let all_pods = "{podSelector: {}}";
    for (text, ingress_fails, egress_fails) in [
        (web.clone(), true, true),
        (web.clone() + &policy("", all_pods), false, true),
        (web.clone() + &policy("", "{podSelector: {}, policyTypes: [Egress]}"), true, false),
        (web.clone() + &policy("", "{podSelector: {}, egress: [{}]}"), false, false),
        (web.clone() + &policy("", "{podSelector: {matchLabels: {app: web}}}"), false, true),
        (web + &policy("", "{podSelector: {matchLabels: {app: db}}}"), true, true),
        (in_shop.clone() + &policy(", namespace: shop", all_pods), false, true),
        (in_shop.clone() + &policy(", namespace: ops", all_pods), true, true),
        // A manifest without namespace may be meant for any.
        (in_shop + &policy("", all_pods), false, true),
        (deployment("{hostNetwork: true, containers: [{name: a}]}"), false, false),
    ] {
        assert_eq!(!fields(&text, "no-ingress-policy").is_empty(), ingress_fails, "{text}");
        assert_eq!(!fields(&text, "no-egress-policy").is_empty(), egress_fails, "{text}");
    }
}

#[test]
fn what_cannot_be_decided_says_why() {
    let undecided = |text: &str, completeness| -> Vec<&'static str> {
        run(text, completeness).not_evaluated.iter().map(|n| n.check.id).collect()
    };
    let web = deployment("{containers: [{name: a}]}");
    let open = undecided(&web, Completeness::SingleObject);
    for check in [
        "no-egress-policy",
        "service-account-token-automount",
        "single-replica",
        "exposed-workload",
        "workload-reads-secrets",
    ] {
        assert!(open.contains(&check), "{check}");
    }
    assert_eq!(undecided(&web, Completeness::WholeInput), [""; 0]);
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b}\n\
                   roleRef: {kind: Role, name: x}\n";
    let open = undecided(binding, Completeness::SingleObject);
    assert!(open.contains(&"all-powerful-role-binding") && !open.contains(&"no-egress-policy"));
    let antrea =
        web + "---\napiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\nmetadata: {name: a}\n";
    assert_eq!(
        undecided(&antrea, Completeness::WholeInput),
        ["no-egress-policy", "no-ingress-policy"]
    );
    let explicit = deployment("{automountServiceAccountToken: true, containers: [{name: a}]}");
    let failures = run(&explicit, Completeness::SingleObject).failures;
    assert!(failures.iter().any(|failure| failure.check.id == "service-account-token-automount"));
}

#[test]
fn settings_of_the_pod_count_for_its_containers() {
    let spec = |pod: &str, own: &str| {
        deployment(&format!(
            "{{securityContext: {pod}, containers: [{{name: a, securityContext: {own}}}, {{name: b}}]}}"
        ))
    };
    let second = "spec.template.spec.containers[1].securityContext";
    let pod = "spec.template.spec.securityContext";
    assert_eq!(fields(&spec("{runAsNonRoot: true}", "{}"), "run-as-non-root"), [""; 0]);
    assert_eq!(
        fields(&spec("{}", "{runAsUser: 5}"), "run-as-non-root"),
        [format!("{second}.runAsNonRoot")]
    );
    // Written once, told once.
    assert_eq!(fields(&spec("{runAsUser: 0}", "{}"), "run-as-root"), [format!("{pod}.runAsUser")]);
    assert_eq!(fields(&spec("{runAsUser: 0}", "{}"), "run-as-non-root"), [""; 0]);
    let unconfined = "{seccompProfile: {type: Unconfined}}";
    let confined = "{seccompProfile: {type: RuntimeDefault}}";
    assert_eq!(
        fields(&spec(unconfined, confined), "seccomp-unconfined"),
        [format!("{pod}.seccompProfile.type")]
    );
    assert_eq!(fields(&spec(confined, "{}"), "seccomp-profile-missing"), [""; 0]);
    assert_eq!(
        fields(&spec("{}", "{seccompProfile: {type: Custom}}"), "seccomp-profile-missing").len(),
        2
    );
}

#[test]
fn containers_that_end_need_neither_resources_nor_probes() {
    let text = deployment(
        "{initContainers: [{name: once}, {name: proxy, restartPolicy: Always}], ephemeralContainers: [{name: debug}], containers: [{name: a}]}",
    );
    let spec = "spec.template.spec";
    assert_eq!(
        fields(&text, "cpu-limit-missing"),
        [
            format!("{spec}.containers[0].resources.limits.cpu"),
            format!("{spec}.initContainers[1].resources.limits.cpu"),
        ]
    );
    assert_eq!(
        fields(&text, "liveness-probe-missing"),
        [format!("{spec}.containers[0].livenessProbe")]
    );
    let job = text.replace("apps/v1", "batch/v1").replace("Deployment", "Job");
    assert_eq!(fields(&job, "liveness-probe-missing"), [""; 0]);
    let guaranteed = deployment("{containers: [{name: a, resources: {limits: {cpu: 1}}}]}");
    assert_eq!(fields(&guaranteed, "cpu-request-missing"), [""; 0], "the limit is the request");
}

#[test]
fn windows_pods_are_not_asked_for_what_windows_lacks() {
    let text = deployment("{os: {name: windows}, containers: [{name: a}]}");
    for check in [
        "privilege-escalation",
        "capabilities-not-dropped",
        "seccomp-profile-missing",
        "run-as-non-root",
    ] {
        assert_eq!(fields(&text, check), [""; 0], "{check}");
    }
}

#[test]
fn pods_inside_custom_kinds_are_judged() {
    let text = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\n\
                spec: {template: {spec: {hostPID: true, containers: [{name: a, image: a:1}]}}}\n";
    assert_eq!(fields(text, "host-pid"), ["spec.template.spec.hostPID"]);
}

#[test]
fn messages_name_what_is_wrong() {
    let text = deployment(
        "{containers: [{name: web, image: \"registry.example:5000/web\", securityContext: {privileged: true}}]}",
    );
    let evaluation = run(&text, Completeness::WholeInput);
    let message = |id: &str| {
        let failure = evaluation.failures.iter().find(|failure| failure.check.id == id);
        failure.map(|failure| failure.message.as_str()).unwrap_or_default()
    };
    for (check, expected) in [
        ("privileged-container", "container `web` runs privileged"),
        ("floating-image-tag", "container `web`: image registry.example:5000/web has no tag"),
        (
            "service-account-token-automount",
            "the token of service account `default` is mounted: automountServiceAccountToken is not set, \
             and the service account does not turn it off",
        ),
    ] {
        assert_eq!(message(check), expected);
    }
}

#[test]
fn what_several_pods_take_over_from_one_place_is_told_once_and_there() {
    let workflow = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  \
                    volumes: [{name: v, hostPath: {path: /data}}]\n  templates:\n  \
                    - {name: a, container: {image: 'a:1'}}\n  - {name: b, script: {image: 'b:1'}}\n";
    assert_eq!(fields(workflow, "host-path"), ["spec.volumes[0].hostPath"]);
    let task = "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\nspec:\n  \
                stepTemplate: {securityContext: {privileged: true}}\n  \
                steps: [{name: a, image: 'a:1'}]\n";
    let found = fields(task, "privileged-container");
    assert_eq!(found, ["spec.steps[0].securityContext.privileged"]);
}

#[test]
fn a_check_applies_where_it_meets_its_part_of_an_object() {
    let applied =
        |text: &str, check: &str| run(text, Completeness::WholeInput).applied.contains(check);
    let pod = deployment("{containers: [{name: web, image: a}]}");
    assert!(applied(&pod, "privileged-container") && applied(&pod, "host-pid"));
    assert!(!applied(&pod, "read-secrets") && !applied(&pod, "kubelet-anonymous-auth"));
    let empty = deployment("{containers: []}");
    assert!(!applied(&empty, "privileged-container") && applied(&empty, "host-pid"));
    let reader = role("[{apiGroups: [''], resources: [pods], verbs: [get]}]");
    assert!(applied(&reader, "read-secrets") && !applied(&reader, "cluster-admin-binding"));
    assert!(!applied(&role("[]"), "read-secrets"));
    let kubelet = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
    assert!(applied(kubelet, "kubelet-anonymous-auth"));
    assert!(!applied(kubelet, "image-vulnerability"));
}
