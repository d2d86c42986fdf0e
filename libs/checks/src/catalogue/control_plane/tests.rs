//! What fails in whole configurations, and what does not.

use airside_k8s::{Completeness, Limits, yaml};
use airside_types::Severity;

use crate::check::Category;
use crate::evaluate::{Evaluation, evaluate};

fn run(text: &str) -> Evaluation {
    let parsed = yaml::parse(text, &Limits::default());
    assert_eq!(parsed.errors, [], "{text}");
    let contents: Vec<_> = parsed.documents.iter().map(yaml::Document::contents).collect();
    let objects: Vec<_> =
        contents.iter().flat_map(|contents| &contents.objects).map(|o| o.object).collect();
    evaluate(&objects, Completeness::WholeInput)
}

/// The ids of the checks of the control plane that fail.
fn failing(text: &str) -> Vec<&'static str> {
    let failures = run(text).failures.into_iter();
    let of_control_plane = failures.filter(|f| f.check.category == Category::ControlPlane);
    of_control_plane.map(|failure| failure.check.id).collect()
}

fn messages(text: &str, check: &str) -> Vec<String> {
    let failures = run(text).failures.into_iter().filter(|failure| failure.check.id == check);
    failures.map(|failure| format!("{}: {}", failure.field, failure.message)).collect()
}

fn undecided(text: &str) -> Vec<&'static str> {
    run(text).not_evaluated.iter().map(|not| not.check.id).collect()
}

fn pod(command: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: c, image: web, command: {command}}}]}}\n"
    )
}

#[test]
fn what_kubeadm_sets_up_unasked_is_sound_but_for_what_it_leaves_out() {
    let text = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n---\n\
                apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n\
                cgroupDriver: systemd\n";
    let evaluation = run(text);
    let worst = evaluation.failures.iter().map(|failure| failure.check.severity).max();
    assert_eq!(worst, Some(Severity::Medium));
    assert_eq!(
        failing(text),
        [
            "api-server-anonymous-auth",
            "api-server-kubelet-ca",
            "api-server-event-rate-limit",
            "api-server-always-pull-images",
            "api-server-external-ips",
            "api-server-tls-ciphers",
            "api-server-encryption-at-rest",
            "api-server-long-lived-tokens",
            "api-server-audit-policy",
            "api-server-audit-log",
            "api-server-audit-log-age",
            "api-server-audit-log-files",
            "api-server-audit-log-size",
            "api-server-profiling",
            "controller-manager-pod-garbage",
            "controller-manager-profiling",
            "scheduler-profiling",
            "kubelet-kernel-defaults",
            "kubelet-pid-limit",
            "kubelet-seccomp-default",
            "kubelet-serving-certificate",
            "kubelet-server-certificate-rotation",
            "kubelet-tls-ciphers",
        ]
    );
}

#[test]
fn messages_say_what_the_flag_is_where_and_what_follows() {
    let given = pod("[kube-apiserver, --profiling=true]");
    assert_eq!(
        messages(&given, "api-server-profiling"),
        [
            "spec.containers[0].command[1]: kube-apiserver has --profiling true: profiles show internals and cost time"
        ]
    );
    assert_eq!(
        messages(&pod("[kube-apiserver]"), "api-server-profiling"),
        [
            "spec.containers[0].command: kube-apiserver has no --profiling, which then is true: profiles show internals and cost time"
        ]
    );
    let file = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
    assert_eq!(
        messages(file, "kubelet-client-ca"),
        [
            "authentication.x509.clientCAFile: kubelet has no authentication.x509.clientCAFile: it cannot check who asks"
        ]
    );
}

#[test]
fn workloads_that_only_mention_a_component_are_left_alone() {
    for command in [
        "[web, --upstream=kube-apiserver]",
        "[sh, -c, '# kube-apiserver --profiling=true']",
        "[sh, -c, 'ps aux | grep kubelet; curl https://kube-apiserver']",
        "[kubectl, exec, etcd-0, --, etcd, --version]",
        "[kubelet, --version]",
        "[etcdctl, --endpoints=https://etcd:2379]",
    ] {
        assert!(failing(&pod(command)).is_empty(), "{command}: {:?}", failing(&pod(command)));
    }
}

#[test]
fn an_etcd_that_only_its_own_pod_reaches_needs_no_certificates() {
    for command in [
        "[etcd]",
        "[etcd, --data-dir=/data]",
        "[etcd, '--listen-client-urls=http://127.0.0.1:2379', '--advertise-client-urls=http://127.0.0.1:2379']",
    ] {
        assert!(failing(&pod(command)).is_empty(), "{command}: {:?}", failing(&pod(command)));
    }
    let open = pod("[etcd, '--listen-client-urls=http://0.0.0.0:2379']");
    assert!(failing(&open).contains(&"etcd-client-authentication"));
    assert!(failing(&open).contains(&"etcd-plain-http"));
    let of_the_cluster = pod("[etcd]").replace("name: p", "name: p, namespace: kube-system");
    assert!(failing(&of_the_cluster).contains(&"etcd-client-authentication"));
}

#[test]
fn what_another_file_decides_is_undecided() {
    for (command, check) in [
        ("[kubelet, --config=/k.yaml]", "kubelet-anonymous-auth"),
        ("[kube-apiserver, --authentication-config=/a.yaml]", "api-server-anonymous-auth"),
        ("[kube-apiserver, --authorization-config=/a.yaml]", "api-server-always-allow"),
        ("[kube-apiserver, $(FLAGS)]", "api-server-profiling"),
        ("[kube-scheduler, --config=/s.yaml]", "scheduler-profiling"),
    ] {
        let text = pod(command);
        assert!(undecided(&text).contains(&check), "{command}");
        assert!(!failing(&text).contains(&check), "{command}");
    }
}

#[test]
fn of_several_providers_the_first_for_secrets_counts() {
    let text = |resources: &str| {
        format!(
            "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: {resources}\n"
        )
    };
    for (resources, expected) in [
        ("[{resources: ['*.*'], providers: [{secretbox: {keys: []}}]}]", false),
        ("[{resources: ['*.'], providers: [{identity: {}}]}]", true),
        ("[{resources: [configmaps], providers: [{secretbox: {keys: []}}]}]", true),
        ("[{resources: [secrets], providers: []}]", true),
        ("[]", true),
        (
            "[{resources: [secrets], providers: [{identity: {}}]}, {resources: ['*.*'], providers: [{kms: {apiVersion: v2}}]}]",
            true,
        ),
    ] {
        let fails = failing(&text(resources)).contains(&"encryption-secrets-plain");
        assert_eq!(fails, expected, "{resources}");
    }
}

#[test]
fn an_audit_policy_is_judged_by_what_it_records() {
    let text = |rules: &str| format!("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: {rules}\n");
    let all =
        ["audit-policy-secrets-unrecorded", "audit-policy-exec-unrecorded", "audit-policy-gaps"];
    for (rules, expected) in [
        ("[]", all.as_slice()),
        ("[{level: None}, {level: Metadata}]", &all),
        ("[{level: Metadata}]", &[]),
        ("[{level: None, users: ['system:kube-proxy'], verbs: [watch]}, {level: Metadata}]", &[]),
        ("[{level: None, nonResourceURLs: ['/healthz*']}, {level: Metadata}]", &[]),
        ("[{level: None, verbs: [get, list, watch]}, {level: Metadata}]", &[all[0], all[1]]),
        ("[{level: Request}]", &["audit-policy-secret-values"]),
    ] {
        assert_eq!(failing(&text(rules)), expected, "{rules}");
    }
}

#[test]
fn a_release_is_read_wherever_it_stands() {
    for (text, field) in [
        (
            "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nkubernetesVersion: v1.27.3\n",
            "kubernetesVersion",
        ),
        (
            "apiVersion: cluster.x-k8s.io/v1beta1\nkind: Cluster\nspec: {topology: {version: v1.19.1}}\n",
            "spec.topology.version",
        ),
    ] {
        let found = messages(text, "end-of-life-cluster-version");
        assert!(!found.is_empty() && found.iter().all(|it| it.starts_with(field)), "{found:?}");
    }
    let new = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: 1.99.0\n";
    assert!(messages(new, "end-of-life-cluster-version").is_empty());
    assert!(messages(new, "vulnerable-cluster-version").is_empty());
}
