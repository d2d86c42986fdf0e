//! Names that somebody can come by, and deeds that are told whoever has such a name.

use airside_types::{Cluster, Payload, Record, Severity, Tenant};

use crate::audit::{Event, records};
use crate::profile::{ClusterProfile, Provider};
use crate::{Clock, Intake};

/// The worst that is said about an event.
fn worst(text: &str, profile: &ClusterProfile) -> Option<Severity> {
    let (tenant, cluster, clock) = (Tenant::default(), Cluster::default(), Clock::Recorded);
    let intake = Intake { tenant: &tenant, cluster: &cluster, clock, profile, origin: None };
    let severity = |record: Record| match record.payload {
        Payload::Detection(detection) => Some(detection.severity),
        _ => None,
    };
    records(&Event::parse(text).unwrap(), &intake).into_iter().filter_map(severity).max()
}

/// A username as an event has it, with the groups that come with it.
fn user(name: &str) -> String {
    let groups = match name.strip_prefix("system:serviceaccount:").and_then(|it| it.split_once(':'))
    {
        Some((namespace, _)) => {
            format!(r#""system:serviceaccounts","system:serviceaccounts:{namespace}","#)
        }
        None if name.starts_with("system:node:") => r#""system:nodes","#.to_owned(),
        None => String::new(),
    };
    format!(r#"{{"username":"{name}","groups":[{groups}"system:authenticated"]}}"#)
}

fn event(name: &str, deed: &str) -> String {
    let user = user(name);
    format!(r#"{{"user":{user},"userAgent":"kube-controller-manager/v1.36.2",{deed}}}"#)
}

const NAMES: &[&str] = &[
    "aks-x",
    "aksService",
    "container-engine-robot@shop.iam.gserviceaccount.com",
    "eks:addon-manager",
    "eks:certificate-controller",
    "eks:node-manager",
    "eks:x",
    "masterclient",
    "nodeclient",
    "service-7@container-engine-robot.iam.gserviceaccount.com",
    "system:addon-manager",
    "system:aggregator",
    "system:apiserver",
    "system:cloud-controller-manager",
    "system:gcp-controller-manager",
    "system:gke-x",
    "system:kube-controller-manager",
    "system:kube-proxy",
    "system:kube-scheduler",
    "system:node:node-1",
    "system:serviceaccount:kube-system:cilium-operator",
    "system:serviceaccount:kube-system:clusterrole-aggregation-controller",
    "system:serviceaccount:kube-system:coredns",
    "system:serviceaccount:kube-system:daemon-set-controller",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:my-controller",
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:kube-system:replicaset-controller",
    "system:serviceaccount:kube-system:x",
];

/// A deed, and who is known to do it.
const DEEDS: &[(&str, &str, &[&str])] = &[
    (
        "cluster-admin bound",
        r#""verb":"create","objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"User","name":"m"}]},"responseStatus":{"code":201}"#,
        &[],
    ),
    (
        "webhook deleted",
        r#""verb":"delete","objectRef":{"resource":"validatingwebhookconfigurations","apiGroup":"admissionregistration.k8s.io","name":"gate"},"responseStatus":{"code":200}"#,
        &[],
    ),
    (
        "secrets of all namespaces listed",
        r#""verb":"list","requestURI":"/api/v1/secrets","objectRef":{"resource":"secrets"},"responseStatus":{"code":200}"#,
        &[
            "system:apiserver",
            "system:kube-controller-manager",
            "system:serviceaccount:kube-system:generic-garbage-collector",
        ],
    ),
    (
        "command run in kube-system",
        r#""verb":"create","requestURI":"/api/v1/namespaces/kube-system/pods/etcd-0/exec?command=sh","objectRef":{"resource":"pods","subresource":"exec","namespace":"kube-system","name":"etcd-0"},"responseStatus":{"code":101}"#,
        &[],
    ),
    (
        "privileged pod in kube-system",
        r#""verb":"create","objectRef":{"resource":"pods","namespace":"kube-system","name":"p"},"requestObject":{"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","securityContext":{"privileged":true}}]}},"responseStatus":{"code":201}"#,
        &[],
    ),
    (
        "masters impersonated",
        r#""verb":"get","impersonatedUser":{"username":"m","groups":["system:masters"]},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":200}"#,
        &[],
    ),
    (
        "name service changed",
        r#""verb":"patch","objectRef":{"resource":"configmaps","namespace":"kube-system","name":"coredns"},"responseStatus":{"code":200}"#,
        &[],
    ),
    (
        "certificate approved",
        r#""verb":"update","objectRef":{"resource":"certificatesigningrequests","apiGroup":"certificates.k8s.io","subresource":"approval","name":"c"},"responseStatus":{"code":200}"#,
        &["system:kube-controller-manager"],
    ),
    (
        "pod security lowered",
        r#""verb":"patch","objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"},"requestObject":{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":null}}},"responseStatus":{"code":200}"#,
        &[],
    ),
    (
        "token of a system account requested",
        r#""verb":"create","objectRef":{"resource":"serviceaccounts","subresource":"token","namespace":"kube-system","name":"namespace-controller"},"responseStatus":{"code":201}"#,
        &["system:kube-controller-manager", "system:node:node-1"],
    ),
    (
        "events deleted",
        r#""verb":"deletecollection","objectRef":{"resource":"events","namespace":"shop"},"responseStatus":{"code":200}"#,
        &[
            "system:kube-controller-manager",
            "system:serviceaccount:kube-system:namespace-controller",
        ],
    ),
];

#[test]
fn no_name_hides_a_dangerous_deed() {
    let unknown = ClusterProfile::unknown();
    for (what, deed, known) in DEEDS {
        for name in NAMES {
            let severity = worst(&event(name, deed), unknown);
            let told = severity >= Some(Severity::Low);
            assert_eq!(told, !known.contains(name), "{what} by {name}: {severity:?}");
        }
    }
}

#[test]
fn no_name_hides_one_where_the_log_has_no_groups() {
    for (what, deed, known) in DEEDS {
        for name in NAMES.iter().filter(|name| !known.contains(name)) {
            let text = format!(
                r#"{{"user":{{"username":"{name}"}},"userAgent":"kube-controller-manager/v1.36.2",{deed}}}"#
            );
            let severity = worst(&text, ClusterProfile::unknown());
            assert!(severity >= Some(Severity::Low), "{what} by {name}: {severity:?}");
        }
    }
}

#[test]
fn no_name_hides_one_from_the_provider_either() {
    for provider in [Provider::OwnOperators, Provider::Eks, Provider::Gke, Provider::Aks] {
        let profile = ClusterProfile { provider, ..ClusterProfile::default() };
        for (what, deed, known) in DEEDS.iter().take(6) {
            for name in NAMES.iter().filter(|name| !known.contains(name)) {
                let severity = worst(&event(name, deed), &profile);
                assert!(severity >= Some(Severity::Low), "{what} by {name}, {provider:?}");
            }
        }
    }
}

#[test]
fn a_provider_s_component_is_quiet_where_the_provider_runs_the_cluster() {
    let deed = r#""verb":"patch","objectRef":{"resource":"configmaps","namespace":"kube-system","name":"coredns"},"responseStatus":{"code":200}"#;
    let approval = r#""verb":"update","objectRef":{"resource":"certificatesigningrequests","apiGroup":"certificates.k8s.io","subresource":"approval","name":"c"},"responseStatus":{"code":200}"#;
    for (name, deed) in [("eks:addon-manager", deed), ("eks:certificate-controller", approval)] {
        for (provider, severity) in [
            (Provider::Eks, None),
            // Told, so that the name hides nothing, and not loud, so that an upgrade is no alarm.
            (Provider::Unknown, Some(Severity::Low)),
            (Provider::Gke, Some(Severity::Medium)),
            (Provider::OwnOperators, Some(Severity::Medium)),
        ] {
            let profile = ClusterProfile { provider, ..ClusterProfile::default() };
            assert_eq!(worst(&event(name, deed), &profile), severity, "{name}, {provider:?}");
        }
    }
}

#[test]
fn the_machinery_at_work_is_quiet() {
    for (name, deed) in [
        (
            "system:serviceaccount:kube-system:daemon-set-controller",
            r#""verb":"create","objectRef":{"resource":"pods","namespace":"kube-system"},"requestObject":{"metadata":{"generateName":"kube-proxy-","ownerReferences":[{"kind":"DaemonSet","name":"kube-proxy","controller":true}]},"spec":{"hostNetwork":true,"containers":[{"name":"a","securityContext":{"privileged":true}}]}},"responseStatus":{"code":201}"#,
        ),
        (
            "system:node:node-1",
            r#""verb":"create","objectRef":{"resource":"pods","namespace":"kube-system","name":"etcd-node-1"},"requestObject":{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}},"spec":{"nodeName":"node-1","hostNetwork":true}},"responseStatus":{"code":201}"#,
        ),
        (
            "system:node:node-1",
            r#""verb":"patch","objectRef":{"resource":"nodes","name":"node-1"},"responseStatus":{"code":200}"#,
        ),
        (
            "system:apiserver",
            r#""verb":"create","objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"cluster-admin"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"Group","name":"system:masters"}]},"responseStatus":{"code":201}"#,
        ),
        (
            "system:serviceaccount:kube-system:clusterrole-aggregation-controller",
            r#""verb":"patch","objectRef":{"resource":"clusterroles","apiGroup":"rbac.authorization.k8s.io","name":"admin"},"requestObject":{"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]},"responseStatus":{"code":200}"#,
        ),
    ] {
        let severity = worst(&event(name, deed), ClusterProfile::unknown());
        assert!(severity <= Some(Severity::Info), "{name} {deed}: {severity:?}");
    }
}

#[test]
fn a_name_without_its_groups_is_told_by_itself() {
    for (user, told) in [
        (r#"{"username":"system:node:n","groups":["system:nodes","system:authenticated"]}"#, false),
        (r#"{"username":"system:node:n"}"#, false),
        (r#"{"username":"system:node:n","groups":["system:authenticated"]}"#, true),
        (r#"{"username":"system:serviceaccount:a:b","groups":["system:serviceaccounts:c"]}"#, true),
        (
            r#"{"username":"system:serviceaccount:a:b","groups":["system:serviceaccounts:a","system:masters"]}"#,
            true,
        ),
        (
            r#"{"username":"system:serviceaccount:a:b","groups":["system:serviceaccounts:a"],"extra":{"authentication.kubernetes.io/credential-id":["X509SHA256=ab"]}}"#,
            true,
        ),
        (
            r#"{"username":"system:serviceaccount:a:b","groups":["system:serviceaccounts:a"],"extra":{"authentication.kubernetes.io/credential-id":["JTI=ab"]}}"#,
            false,
        ),
        (r#"{"username":"dana","groups":["system:masters"]}"#, false),
    ] {
        let text = format!(
            r#"{{"user":{user},"verb":"get","objectRef":{{"resource":"pods","namespace":"a","name":"p"}},"responseStatus":{{"code":200}}}}"#
        );
        let severity = worst(&text, ClusterProfile::unknown());
        assert_eq!(severity == Some(Severity::High), told, "{user} {severity:?}");
    }
}
