//! Checks on Kubernetes' own components, their configuration files, and nodes.
//!
//! A check on a flag is an entry that names the component and says what the flag has to be; where the flag
//! stands (a pod's command line, kubeadm's arguments, a file) is `airside-k8s`' to find.

/// A static pod that runs a component with these flags.
macro_rules! runs {
    ($program:literal $(, $flag:literal)* $(,)?) => {
        concat!(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: ", $program, ", namespace: kube-system}\n",
            "spec:\n  containers:\n  - name: ", $program, "\n    command:\n    - ", $program, "\n",
            $("    - ", $flag, "\n",)*
        )
    };
}

/// A kubelet's configuration file with these lines.
macro_rules! kubelet {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n",
            $($line, "\n",)*
        )
    };
}

/// Facts that were gathered on a node.
macro_rules! node_facts {
    ($fact:literal) => {
        concat!(
            "apiVersion: v1\nkind: NodeInfo\nmetadata: {name: node-7}\ntype: worker\ninfo:\n  ",
            $fact,
            "\n"
        )
    };
}

mod api_server_access;
mod api_server_admission;
mod api_server_audit;
mod api_server_files;
mod api_server_tls;
mod audit_policy;
mod audit_rules;
mod controllers;
mod durations;
mod encryption;
mod etcd;
mod joining;
mod kubelet;
mod kubelet_certificates;
mod managed;
mod node_facts;
mod node_files_control_plane;
mod node_files_worker;
mod nodes;
mod sign_in;
mod tls;

use crate::check::Check;

/// The families, in the order in which people read them.
pub(super) static FAMILIES: &[&[Check]] = &[
    api_server_access::CHECKS,
    api_server_admission::CHECKS,
    api_server_tls::CHECKS,
    api_server_audit::CHECKS,
    api_server_files::CHECKS,
    sign_in::CHECKS,
    audit_policy::CHECKS,
    encryption::CHECKS,
    controllers::CHECKS,
    etcd::CHECKS,
    joining::CHECKS,
    kubelet::CHECKS,
    kubelet_certificates::CHECKS,
    node_files_control_plane::CHECKS,
    node_files_worker::CHECKS,
    nodes::CHECKS,
    managed::CHECKS,
];

#[cfg(test)]
mod tests;
