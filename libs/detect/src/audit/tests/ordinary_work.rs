//! What ordinary programs and installers do day by day: whatever is told of it, it is low.

use airside_types::Severity;

use super::detections;
use super::example::Example;

/// What is told of nobody, and what the event has beside `"responseStatus":{"code":200}`.
const QUIET: &[(&str, &str)] = &[
    (
        "Gatekeeper notes what it found in a constraint that only warns",
        r#""verb":"update","user":{"username":"system:serviceaccount:gatekeeper-system:gatekeeper-admin"},"userAgent":"gatekeeper/v3.18","objectRef":{"resource":"k8srequiredlabels","apiGroup":"constraints.gatekeeper.sh","subresource":"status","name":"c"},"requestObject":{"spec":{"enforcementAction":"dryrun","match":{"excludedNamespaces":["kube-system"]}},"status":{"totalViolations":3}}"#,
    ),
    (
        "a namespace of Gatekeeper's own is written as it was",
        r#""verb":"update","user":{"username":"system:serviceaccount:cattle-system:rancher"},"userAgent":"rancher/v2.11","objectRef":{"resource":"namespaces","namespace":"gatekeeper-system","name":"gatekeeper-system"},"requestObject":{"metadata":{"labels":{"admission.gatekeeper.sh/ignore":"no-self-managing"}}}"#,
    ),
    (
        "somebody refuses a certificate",
        r#""verb":"update","user":{"username":"dana"},"objectRef":{"resource":"certificatesigningrequests","apiGroup":"certificates.k8s.io","subresource":"approval","name":"csr-1"},"requestObject":{"status":{"conditions":[{"type":"Denied"}]}}"#,
    ),
    (
        "a cloud's controller renews the lease of all of its kind",
        r#""verb":"update","user":{"username":"system:serviceaccount:kube-system:hcloud-cloud-controller-manager"},"userAgent":"hcloud-cloud-controller-manager/1.2","objectRef":{"resource":"leases","apiGroup":"coordination.k8s.io","namespace":"kube-system","name":"cloud-controller-manager"}"#,
    ),
    (
        "monitoring reads the figures of a node whose name misleads",
        r#""verb":"get","requestURI":"/api/v1/nodes/proxy-1/proxy/metrics","user":{"username":"system:serviceaccount:monitoring:prometheus"},"userAgent":"Prometheus/3.1","objectRef":{"resource":"nodes","subresource":"proxy","name":"proxy-1"}"#,
    ),
    (
        "the controller of gathered roles gathers them",
        r#""verb":"patch","user":{"username":"system:serviceaccount:kube-system:clusterrole-aggregation-controller","groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"]},"objectRef":{"resource":"clusterroles","apiGroup":"rbac.authorization.k8s.io","name":"admin"},"requestObject":{"rules":[{"apiGroups":["x.example.net"],"resources":["*"],"verbs":["*"]}]},"responseObject":{"kind":"ClusterRole","aggregationRule":{"clusterRoleSelectors":[{}]}}"#,
    ),
    (
        "a kubelet asks for a pod's token",
        r#""verb":"create","user":{"username":"system:node:n1","groups":["system:nodes","system:authenticated"]},"userAgent":"kubelet/v1.36.2","objectRef":{"resource":"serviceaccounts","subresource":"token","namespace":"kube-system","name":"coredns"},"requestObject":{"spec":{"boundObjectRef":{"kind":"Pod","name":"p","uid":"u"}}}"#,
    ),
];

#[test]
fn some_of_it_is_not_told_at_all() {
    for (what, event) in QUIET {
        let told = detections(&format!(r#"{{{event},"responseStatus":{{"code":200}}}}"#));
        assert_eq!(told, [], "{what}");
    }
}

/// The examples say which rule notes it; here no other one makes more of it.
#[test]
fn ordinary_work_is_low_if_it_is_told() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ordinary_work.jsonl");
    let examples = std::fs::read_to_string(path).unwrap();
    assert!(examples.lines().count() > 10);
    for line in examples.lines() {
        let example: Example<'_> = serde_json::from_str(line).unwrap();
        for it in &detections(example.event.get()) {
            assert!(it.severity <= Severity::Low, "{} {}: {line}", it.rule, it.message);
        }
    }
}

#[test]
fn an_upgrade_of_the_kubelets_configuration_is_a_note() {
    let event = r#"{"verb":"update","user":{"username":"kubernetes-admin"},"userAgent":"kubeadm/v1.34.2","objectRef":{"resource":"configmaps","namespace":"kube-system","name":"kubelet-config"},"responseStatus":{"code":200}}"#;
    let told = detections(event);
    let found = told.iter().find(|it| it.rule == "AUD-R71-trust").map(|it| it.severity);
    assert_eq!(found, Some(Severity::Info));
}

#[test]
fn a_webhook_on_the_api_servers_own_machine_is_nobodys_elsewhere() {
    for (url, severity) in [
        ("https://127.0.0.1:23443/mutate", Severity::Medium),
        ("https://[::1]:23443/mutate", Severity::Medium),
        ("https://localhost/mutate", Severity::Medium),
        ("https://127.0.0.1.example.net/mutate", Severity::High),
        ("https://localhost@example.net/mutate", Severity::High),
    ] {
        let event = format!(
            r#"{{"verb":"create","user":{{"username":"dana"}},"objectRef":{{"resource":"mutatingwebhookconfigurations","apiGroup":"admissionregistration.k8s.io","name":"m"}},"requestObject":{{"webhooks":[{{"name":"m","clientConfig":{{"url":"{url}"}}}}]}},"responseStatus":{{"code":201}}}}"#
        );
        let told = detections(&event);
        let found = told.iter().find(|it| it.rule == "AUD-R54").map(|it| it.severity);
        assert_eq!(found, Some(severity), "{url}");
    }
}
