//! What a flag is that nobody gives: Kubernetes' own defaults, and what kubeadm sets unasked.
//!
//! Only flags that checks ask for. Kubernetes 1.37; where older releases differ, the newer counts.

use super::{Answer, Component, Source};

/// What a flag is that is not given.
pub(super) fn of(component: Component, source: Source, flag: &str) -> Answer<'static> {
    let by_source = match source {
        Source::Kubeadm => find(kubeadm(component), flag).or_else(|| match component {
            // kubeadm runs the kubelet with a file.
            Component::Kubelet => find(KUBELET_FILE, flag),
            _ => None,
        }),
        Source::File | Source::Gathered if component == Component::Kubelet => {
            find(KUBELET_FILE, flag)
        }
        // The scheduler's file knows little else.
        Source::File if component == Component::Scheduler && flag != "profiling" => {
            return Answer::Unknown;
        }
        // Only what was gathered is known of a node.
        Source::CommandLine | Source::File | Source::Gathered => None,
    };
    let default = by_source.or_else(|| find(own(component), flag));
    default.map_or(Answer::Unset, Answer::Default)
}

type Table = &'static [(&'static str, &'static str)];

fn find(table: Table, flag: &str) -> Option<&'static str> {
    table.iter().find(|(name, _)| *name == flag).map(|(_, value)| *value)
}

const fn own(component: Component) -> Table {
    match component {
        Component::ApiServer => API_SERVER,
        Component::ControllerManager | Component::Scheduler => LOOPS,
        Component::Etcd => ETCD,
        Component::Kubelet => KUBELET,
        Component::Proxy => PROXY,
    }
}

const fn kubeadm(component: Component) -> Table {
    match component {
        Component::ApiServer => KUBEADM_API_SERVER,
        Component::ControllerManager => KUBEADM_CONTROLLER_MANAGER,
        Component::Scheduler => KUBEADM_SCHEDULER,
        Component::Etcd => KUBEADM_ETCD,
        Component::Kubelet => KUBEADM_KUBELET,
        Component::Proxy => &[],
    }
}

const API_SERVER: Table = &[
    ("anonymous-auth", "true"),
    ("authorization-mode", "AlwaysAllow"),
    ("kubelet-https", "true"),
    ("profiling", "true"),
    ("request-timeout", "1m0s"),
    ("secure-port", "6443"),
    ("service-account-extend-token-expiration", "true"),
    ("service-account-lookup", "true"),
];

/// Controller manager and scheduler.
const LOOPS: Table = &[
    ("bind-address", "0.0.0.0"),
    ("profiling", "true"),
    ("terminated-pod-gc-threshold", "12500"),
    ("use-service-account-credentials", "false"),
];

const ETCD: Table = &[
    ("auto-tls", "false"),
    ("client-cert-auth", "false"),
    ("peer-auto-tls", "false"),
    ("peer-client-cert-auth", "false"),
];

/// A kubelet without a file keeps the defaults of long ago.
const KUBELET: Table = &[
    ("anonymous-auth", "true"),
    ("authorization-mode", "AlwaysAllow"),
    ("event-qps", "50"),
    ("make-iptables-util-chains", "true"),
    ("pod-max-pids", "-1"),
    ("protect-kernel-defaults", "false"),
    ("read-only-port", "10255"),
    ("rotate-certificates", "false"),
    ("rotate-server-certificates", "false"),
    ("seccomp-default", "false"),
    ("streaming-connection-idle-timeout", "4h0m0s"),
];

/// Where a file has another default than the flag.
const KUBELET_FILE: Table =
    &[("anonymous-auth", "false"), ("authorization-mode", "Webhook"), ("read-only-port", "0")];

const PROXY: Table = &[("metrics-bind-address", "127.0.0.1:10249"), ("profiling", "false")];

const KUBEADM_API_SERVER: Table = &[
    ("authorization-mode", "Node,RBAC"),
    ("client-ca-file", "/etc/kubernetes/pki/ca.crt"),
    ("enable-admission-plugins", "NodeRestriction"),
    ("etcd-cafile", "/etc/kubernetes/pki/etcd/ca.crt"),
    ("etcd-certfile", "/etc/kubernetes/pki/apiserver-etcd-client.crt"),
    ("etcd-keyfile", "/etc/kubernetes/pki/apiserver-etcd-client.key"),
    ("kubelet-client-certificate", "/etc/kubernetes/pki/apiserver-kubelet-client.crt"),
    ("kubelet-client-key", "/etc/kubernetes/pki/apiserver-kubelet-client.key"),
    ("service-account-key-file", "/etc/kubernetes/pki/sa.pub"),
    ("tls-cert-file", "/etc/kubernetes/pki/apiserver.crt"),
    ("tls-private-key-file", "/etc/kubernetes/pki/apiserver.key"),
];

const KUBEADM_CONTROLLER_MANAGER: Table = &[
    ("bind-address", "127.0.0.1"),
    ("root-ca-file", "/etc/kubernetes/pki/ca.crt"),
    ("service-account-private-key-file", "/etc/kubernetes/pki/sa.key"),
    ("use-service-account-credentials", "true"),
];

const KUBEADM_SCHEDULER: Table = &[("bind-address", "127.0.0.1")];

const KUBEADM_ETCD: Table = &[
    ("cert-file", "/etc/kubernetes/pki/etcd/server.crt"),
    ("client-cert-auth", "true"),
    ("key-file", "/etc/kubernetes/pki/etcd/server.key"),
    ("peer-cert-file", "/etc/kubernetes/pki/etcd/peer.crt"),
    ("peer-client-cert-auth", "true"),
    ("peer-key-file", "/etc/kubernetes/pki/etcd/peer.key"),
    ("trusted-ca-file", "/etc/kubernetes/pki/etcd/ca.crt"),
];

const KUBEADM_KUBELET: Table =
    &[("client-ca-file", "/etc/kubernetes/pki/ca.crt"), ("rotate-certificates", "true")];
