//! Checks on etcd: who is let in by clients' and peers' ports, and what crosses the network.

use airside_k8s::component::{Answer, Component, Source, configurations};
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::component::{Configured, is_loopback};
use crate::evaluate::Report;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "etcd-serving-certificate",
        title: "etcd serves its clients without TLS",
        why: "Every object of the cluster, secrets included, crosses the network in the clear, and clients cannot check with whom they talk.",
        fix: "Set both --cert-file and --key-file, and https:// in --listen-client-urls.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1040"), technique("T1552.007")],
        controls: &["cis-v1.12.0:2.1"],
        equivalents: &[
            "trivy:KCV-0042",
            "kubescape:C-0153",
            "checkov:CKV_K8S_116",
            "kube-bench:2.1",
        ],
        judge: Judge::Component(Component::Etcd, |it, report| {
            clients_must_have(it, &["cert-file", "key-file"], report)
        }),
        fails: runs!(
            "etcd",
            "--listen-client-urls=https://10.0.0.7:2379",
            "--cert-file=/pki/server.crt"
        ),
        passes: runs!(
            "etcd",
            "--listen-client-urls=https://10.0.0.7:2379",
            "--cert-file=/pki/server.crt",
            "--key-file=/pki/server.key"
        ),
    },
    Check {
        id: "etcd-client-authentication",
        title: "etcd does not ask its clients for a certificate",
        why: "Whoever reaches the port reads and writes every object of the cluster past the API server: no authentication, no RBAC, no audit log.",
        fix: "Set --client-cert-auth=true with --trusted-ca-file.",
        severity: Severity::Critical,
        category: Category::ControlPlane,
        techniques: &[technique("T1190"), technique("T1552.007")],
        controls: &["cis-v1.12.0:2.2"],
        equivalents: &[
            "trivy:KCV-0043",
            "kubescape:C-0154",
            "checkov:CKV_K8S_117",
            "kube-bench:2.2",
        ],
        judge: Judge::Component(Component::Etcd, client_authentication),
        fails: runs!(
            "etcd",
            "--listen-client-urls=https://10.0.0.7:2379",
            "--client-cert-auth=false"
        ),
        passes: runs!(
            "etcd",
            "--listen-client-urls=https://10.0.0.7:2379",
            "--client-cert-auth=true"
        ),
    },
    Check {
        id: "etcd-self-made-certificate",
        title: "etcd makes its serving certificate itself",
        why: "No authority has signed it, so no client can tell etcd from somebody in its place.",
        fix: "Remove --auto-tls and set --cert-file and --key-file.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:2.3"],
        equivalents: &[
            "trivy:KCV-0044",
            "kubescape:C-0155",
            "checkov:CKV_K8S_118",
            "kube-bench:2.3",
        ],
        judge: Judge::Component(Component::Etcd, |it, report| {
            it.must_be("auto-tls", false, "no client can check its certificate", report)
        }),
        fails: runs!("etcd", "--auto-tls=true"),
        passes: runs!("etcd", "--auto-tls=false"),
    },
    Check {
        id: "etcd-peer-certificate",
        title: "etcd talks to its peers without TLS",
        why: "All changes of the cluster, secrets included, cross the network between the members in the clear.",
        fix: "Set both --peer-cert-file and --peer-key-file, and https:// in --listen-peer-urls.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1040")],
        controls: &["cis-v1.12.0:2.4"],
        equivalents: &[
            "trivy:KCV-0045",
            "kubescape:C-0156",
            "checkov:CKV_K8S_119",
            "kube-bench:2.4",
        ],
        judge: Judge::Component(Component::Etcd, |it, report| {
            peers_must_have(it, &["peer-cert-file", "peer-key-file"], report)
        }),
        fails: runs!(
            "etcd",
            "--listen-peer-urls=https://10.0.0.7:2380",
            "--peer-cert-file=/pki/peer.crt"
        ),
        passes: runs!(
            "etcd",
            "--listen-peer-urls=https://10.0.0.7:2380",
            "--peer-cert-file=/pki/peer.crt",
            "--peer-key-file=/pki/peer.key"
        ),
    },
    Check {
        id: "etcd-peer-authentication",
        title: "etcd does not ask its peers for a certificate",
        why: "Whoever reaches the port can pose as a member and then holds a copy of every object, or changes it.",
        fix: "Set --peer-client-cert-auth=true with --peer-trusted-ca-file.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:2.5"],
        equivalents: &[
            "trivy:KCV-0046",
            "kubescape:C-0157",
            "checkov:CKV_K8S_121",
            "kube-bench:2.5",
        ],
        judge: Judge::Component(Component::Etcd, peer_authentication),
        fails: runs!(
            "etcd",
            "--listen-peer-urls=https://10.0.0.7:2380",
            "--peer-client-cert-auth=false"
        ),
        passes: runs!(
            "etcd",
            "--listen-peer-urls=https://10.0.0.7:2380",
            "--peer-client-cert-auth=true"
        ),
    },
    Check {
        id: "etcd-self-made-peer-certificate",
        title: "etcd makes its certificate for peers itself",
        why: "No authority has signed it, so members cannot tell each other from somebody in their place.",
        fix: "Remove --peer-auto-tls and set --peer-cert-file and --peer-key-file.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:2.6"],
        equivalents: &["trivy:KCV-0047", "kubescape:C-0158", "kube-bench:2.6"],
        judge: Judge::Component(Component::Etcd, |it, report| {
            it.must_be("peer-auto-tls", false, "members cannot check each other", report)
        }),
        fails: runs!("etcd", "--peer-auto-tls=true"),
        passes: runs!("etcd", "--peer-auto-tls=false"),
    },
    Check {
        id: "etcd-plain-http",
        title: "etcd listens without TLS on the network",
        why: "An http:// address beyond the loopback takes requests in the clear and asks nobody for a certificate, whatever the other flags say.",
        fix: "Use https:// in --listen-client-urls and --listen-peer-urls.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1040"), technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Component(Component::Etcd, plain_http),
        fails: runs!("etcd", "--listen-client-urls=http://10.0.0.7:2379"),
        passes: runs!("etcd", "--listen-client-urls=https://10.0.0.7:2379"),
    },
    Check {
        id: "etcd-shared-ca",
        title: "etcd trusts the same authority as the API server",
        why: "Every client of the cluster has a certificate of that authority, each user and each kubelet: all of them are let into etcd and read and write everything.",
        fix: "Give etcd an authority of its own in --trusted-ca-file, which signs nothing but clients of etcd.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.007"), technique("T1078")],
        controls: &["cis-v1.12.0:2.7"],
        equivalents: &["kubescape:C-0159", "kube-bench:2.7"],
        judge: Judge::Component(Component::Etcd, shared_ca),
        fails: concat!(
            runs!("etcd", "--trusted-ca-file=/pki/ca.crt"),
            "---\n",
            runs!("kube-apiserver", "--client-ca-file=/pki/ca.crt"),
        ),
        passes: concat!(
            runs!("etcd", "--trusted-ca-file=/pki/etcd/ca.crt"),
            "---\n",
            runs!("kube-apiserver", "--client-ca-file=/pki/ca.crt"),
        ),
    },
];

/// Whether only the pod itself, or its node, can reach a port: all its addresses are the loopback's, or it
/// is a store that some program keeps beside itself with nothing said about addresses and certificates.
fn is_local(it: &Configured<'_>, listen: &str, advertise: &str) -> bool {
    let all_local = |flag: &str| {
        let addresses = it.configuration.items(flag);
        !addresses.is_empty() && addresses.iter().all(|address| is_loopback(address))
    };
    match [listen, advertise].into_iter().find(|flag| it.may_have(flag)) {
        Some(flag) => all_local(flag),
        None => !is_the_clusters(it) && !SECURED.iter().any(|flag| it.may_have(flag)),
    }
}

/// Flags of those who mean to be reached by others.
const SECURED: [&str; 7] = [
    "cert-file",
    "client-cert-auth",
    "key-file",
    "peer-cert-file",
    "peer-client-cert-auth",
    "peer-key-file",
    "trusted-ca-file",
];

/// Whether it holds the objects of the cluster: a pod of the system, or kubeadm's.
fn is_the_clusters(it: &Configured<'_>) -> bool {
    it.object.namespace() == Some("kube-system") || it.configuration.source == Source::Kubeadm
}

fn is_local_to_clients(it: &Configured<'_>) -> bool {
    is_local(it, "listen-client-urls", "advertise-client-urls")
}

/// Members that say where clients find them, but not peers, may still have peers.
fn is_local_to_peers(it: &Configured<'_>) -> bool {
    let (listen, advertise) = ("listen-peer-urls", "initial-advertise-peer-urls");
    if it.may_have(listen) || it.may_have(advertise) {
        is_local(it, listen, advertise)
    } else {
        is_local_to_clients(it)
    }
}

fn clients_must_have(it: &Configured<'_>, flags: &[&str], report: &mut Report<'_>) {
    if !is_local_to_clients(it) {
        it.must_have(flags, "it cannot serve its clients with TLS", report);
    }
}

fn client_authentication(it: &Configured<'_>, report: &mut Report<'_>) {
    if !is_local_to_clients(it) {
        it.must_be("client-cert-auth", true, "whoever reaches it reads every secret", report);
    }
}

fn peers_must_have(it: &Configured<'_>, flags: &[&str], report: &mut Report<'_>) {
    if !is_local_to_peers(it) {
        it.must_have(flags, "it cannot talk to its peers with TLS", report);
    }
}

fn peer_authentication(it: &Configured<'_>, report: &mut Report<'_>) {
    if !is_local_to_peers(it) {
        let consequence = "whoever reaches it may pose as a member";
        it.must_be("peer-client-cert-auth", true, consequence, report);
    }
}

fn plain_http(it: &Configured<'_>, report: &mut Report<'_>) {
    for flag in ["listen-client-urls", "listen-peer-urls"] {
        let Some(addresses) = it.items(flag, report) else { continue };
        let is_plain = |address: &&str| address.starts_with("http://") && !is_loopback(address);
        if addresses.iter().any(is_plain) {
            it.fail(flag, "requests cross the network in the clear, from whomever", report);
        }
    }
}

/// The API server beside an etcd is the static pod of the same node, by kubeadm's way of naming them.
fn shared_ca(it: &Configured<'_>, report: &mut Report<'_>) {
    let Some(trusted) = it.known("trusted-ca-file").filter(|file| !file.is_empty()) else { return };
    let Some(node) = it.object.name().strip_prefix("etcd") else { return };
    if it.graph.is_single_object() {
        return report.undecided("the API server is another object");
    }
    let name = format!("kube-apiserver{node}");
    let namespace = it.object.namespace().unwrap_or("kube-system");
    let Some(at) = it.graph.index_of("", "Pod", Some(namespace), &name) else { return };
    let clients = configurations(it.graph, at).into_iter().find_map(|other| {
        let is_api_server = other.component == Component::ApiServer;
        match other.answer("client-ca-file") {
            Answer::Given(given) if is_api_server => Some(given.value.clone()),
            _ => None,
        }
    });
    if clients.as_deref() == Some(trusted) {
        let consequence = "each client of the API server is let in";
        it.fail("trusted-ca-file", consequence, report);
    }
}
