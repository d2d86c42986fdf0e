//! Checks on clusters that a cloud provider runs, as eksctl, Cluster API, Google's Config Connector and the
//! Azure Service Operator declare them.

use airside_k8s::Value;
use airside_k8s::fields::{down, elements, maps, text};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "managed-api-server-public",
        title: "API server of a managed cluster is open to the whole internet",
        why: "Everybody can try stolen tokens there, and the next hole in the API server before there is a patch.",
        fix: "Switch the public endpoint off, or name the networks that may reach it.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1133"), technique("T1190")],
        controls: &["cis-eks-t1.8.0:5.4.1", "cis-aks-t1.8.0:5.4.1", "cis-gke-v1.9.0:5.6.3"],
        equivalents: &[],
        judge: Judge::Object(CLUSTERS, public_endpoint),
        fails: r"apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: shop, region: eu-central-1}
vpc: {clusterEndpoints: {publicAccess: true, privateAccess: true}}
",
        passes: r"apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: shop, region: eu-central-1}
vpc: {clusterEndpoints: {publicAccess: true, privateAccess: true}, publicAccessCIDRs: [198.51.100.0/24]}
",
    },
    Check {
        id: "managed-secrets-key",
        title: "Managed cluster encrypts secrets with no key of its owner",
        why: "Whoever gets at the store or a backup of the provider reads the secrets; with a key of your own you can see each use of it and take it away.",
        fix: "Name a key of the key management service: secretsEncryption.keyARN (eksctl), encryptionConfig, databaseEncryption or azureKeyVaultKms.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.007")],
        controls: &["cis-eks-t1.8.0:5.3.1", "cis-gke-v1.9.0:5.3.1"],
        equivalents: &[],
        judge: Judge::Object(CLUSTERS, secrets_key),
        fails: r"apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: shop, region: eu-central-1}
",
        passes: r#"apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: shop, region: eu-central-1}
secretsEncryption: {keyARN: "arn:aws:kms:eu-central-1:111122223333:key/shop"}
"#,
    },
    Check {
        id: "managed-audit-off",
        title: "Managed cluster sends its audit log nowhere",
        why: "Who did what in the cluster cannot be found out afterwards, and nothing can be detected from it.",
        fix: "Add audit to cloudWatch.clusterLogging.enableTypes (eksctl), or set logging.audit.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1562.008")],
        controls: &["cis-eks-t1.8.0:2.1.1"],
        equivalents: &[],
        judge: Judge::Object(CLUSTERS, audit_off),
        fails: r"apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: shop, region: eu-central-1}
cloudWatch: {clusterLogging: {enableTypes: [api]}}
",
        passes: r"apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: shop, region: eu-central-1}
cloudWatch: {clusterLogging: {enableTypes: [api, audit]}}
",
    },
    Check {
        id: "managed-legacy-authorisation",
        title: "Managed cluster authorises past RBAC",
        why: "Legacy rules give every service account wide rights, whatever roles and bindings say; without RBAC there are no rules at all.",
        fix: "Set enableLegacyAbac to false (Google), enableRBAC to true (Azure).",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1078")],
        controls: &["cis-gke-v1.9.0:5.8.3"],
        equivalents: &[],
        judge: Judge::Object(CLUSTERS, legacy_authorisation),
        fails: r"apiVersion: container.cnrm.cloud.google.com/v1beta1
kind: ContainerCluster
metadata: {name: shop}
spec: {enableLegacyAbac: true}
",
        passes: r"apiVersion: container.cnrm.cloud.google.com/v1beta1
kind: ContainerCluster
metadata: {name: shop}
spec: {enableLegacyAbac: false}
",
    },
    Check {
        id: "managed-node-ssh",
        title: "Nodes of a managed cluster take SSH from anywhere",
        why: "Each node is then a door to the cluster that opens with a stolen key or a hole in the SSH server.",
        fix: "Remove ssh.allow and use a session manager, or name the security groups that may connect.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1021.004"), technique("T1133")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CLUSTERS, node_ssh),
        fails: r"apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: shop, region: eu-central-1}
managedNodeGroups: [{name: a, ssh: {allow: true, publicKeyName: ops}}]
",
        passes: r"apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: shop, region: eu-central-1}
managedNodeGroups: [{name: a, ssh: {allow: false}}]
",
    },
];

const EKSCTL: (&str, &str) = ("eksctl.io", "ClusterConfig");
const CLUSTER_API: (&str, &str) = ("controlplane.cluster.x-k8s.io", "AWSManagedControlPlane");
const GOOGLE: (&str, &str) = ("container.cnrm.cloud.google.com", "ContainerCluster");
const AZURE: (&str, &str) = ("containerservice.azure.com", "ManagedCluster");
const CLUSTERS: &[(&str, &str)] = &[EKSCTL, CLUSTER_API, GOOGLE, AZURE];

/// Who declares the cluster: its group and kind.
fn declared_by<'a>(cluster: &Whole<'a>) -> (&'a str, &'a str) {
    (cluster.object.group(), cluster.object.kind())
}

fn is(value: &Value, keys: &[&str], wanted: bool) -> bool {
    down(value, keys) == Some(&Value::Bool(wanted))
}

/// Whether one of the networks is the whole internet; none at all means that it is.
fn is_everywhere(networks: &[Value]) -> bool {
    let mut texts = networks.iter().filter_map(|network| {
        network.as_str().or_else(|| network.get("cidrBlock").and_then(Value::as_str))
    });
    networks.is_empty() || texts.any(|network| matches!(network, "0.0.0.0/0" | "::/0"))
}

fn public_endpoint(cluster: &Whole<'_>, report: &mut Report<'_>) {
    let value = cluster.object.value();
    let (is_private, networks): (bool, &[&str]) = match declared_by(cluster) {
        EKSCTL => (
            is(value, &["vpc", "clusterEndpoints", "publicAccess"], false)
                || is(value, &["privateCluster", "enabled"], true),
            &["vpc", "publicAccessCIDRs"],
        ),
        CLUSTER_API => (
            is(value, &["spec", "endpointAccess", "public"], false),
            &["spec", "endpointAccess", "publicCIDRs"],
        ),
        GOOGLE => (
            is(value, &["spec", "privateClusterConfig", "enablePrivateEndpoint"], true),
            &["spec", "masterAuthorizedNetworksConfig", "cidrBlocks"],
        ),
        _ => (
            is(value, &["spec", "apiServerAccessProfile", "enablePrivateCluster"], true),
            &["spec", "apiServerAccessProfile", "authorizedIPRanges"],
        ),
    };
    let listed = elements(down(value, networks));
    // Google: a configuration without networks lets nobody in from outside.
    let is_closed =
        listed.is_empty() && down(value, &["spec", "masterAuthorizedNetworksConfig"]).is_some();
    if !is_private && !is_closed && is_everywhere(listed) {
        let message = "its endpoint is public, and no network is ruled out";
        report.fail(FieldPath::of(networks), message.to_owned());
    }
}

fn secrets_key(cluster: &Whole<'_>, report: &mut Report<'_>) {
    let value = cluster.object.value();
    let (is_set, path): (bool, &[&str]) = match declared_by(cluster) {
        EKSCTL => {
            let path: &[&str] = &["secretsEncryption", "keyARN"];
            (down(value, path).is_some(), path)
        }
        CLUSTER_API => {
            let path: &[&str] = &["spec", "encryptionConfig"];
            (down(value, path).is_some(), path)
        }
        GOOGLE => {
            let path: &[&str] = &["spec", "databaseEncryption", "state"];
            (down(value, path) == Some(&Value::from("ENCRYPTED")), path)
        }
        _ => {
            let path: &[&str] = &["spec", "securityProfile", "azureKeyVaultKms", "enabled"];
            (is(value, path, true), path)
        }
    };
    if !is_set {
        report.fail(FieldPath::of(path), "no key of your own encrypts its secrets".to_owned());
    }
}

/// Google always keeps the log, and Azure is told where to by another object.
fn audit_off(cluster: &Whole<'_>, report: &mut Report<'_>) {
    let value = cluster.object.value();
    let (is_on, path): (bool, &[&str]) = match declared_by(cluster) {
        EKSCTL => {
            let path: &[&str] = &["cloudWatch", "clusterLogging", "enableTypes"];
            let types = elements(down(value, path)).iter().filter_map(Value::as_str);
            (types.into_iter().any(|kind| matches!(kind, "audit" | "all" | "*")), path)
        }
        CLUSTER_API => {
            let path: &[&str] = &["spec", "logging", "audit"];
            (is(value, path, true), path)
        }
        _ => return,
    };
    if !is_on {
        report.fail(FieldPath::of(path), "its audit log is not kept".to_owned());
    }
}

fn legacy_authorisation(cluster: &Whole<'_>, report: &mut Report<'_>) {
    let value = cluster.object.value();
    for (field, bad) in [("enableLegacyAbac", true), ("enableRBAC", false)] {
        if is(value, &["spec", field], bad) {
            report.fail(FieldPath::of(&["spec", field]), format!("{field} is {bad}"));
        }
    }
}

fn node_ssh(cluster: &Whole<'_>, report: &mut Report<'_>) {
    for field in ["managedNodeGroups", "nodeGroups"] {
        for (index, group) in maps(cluster.object.fields(), field) {
            let Some(ssh) = group.get("ssh") else { continue };
            let sources = elements(ssh.get("sourceSecurityGroupIds"));
            if is(ssh, &["allow"], true) && sources.is_empty() {
                let name = text(group, "name").unwrap_or("without a name");
                let path = FieldPath::of(&[field]).index(index).keys(&["ssh", "allow"]);
                report.fail(path, format!("nodes of the group `{name}` take SSH from anywhere"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use airside_k8s::json;

    use super::*;

    #[test]
    fn no_networks_are_all_networks() {
        for (networks, expected) in [
            (json!([]), true),
            (json!(["198.51.100.0/24"]), false),
            (json!(["198.51.100.0/24", "0.0.0.0/0"]), true),
            (json!([{ "cidrBlock": "::/0", "displayName": "all" }]), true),
            (json!([{ "cidrBlock": "198.51.100.0/24" }]), false),
        ] {
            assert_eq!(is_everywhere(networks.as_array().unwrap()), expected, "{networks}");
        }
    }
}
