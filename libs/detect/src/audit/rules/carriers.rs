//! Objects by which somebody else acts: platforms apply what stands in them and nodes run it, with rights of their own that
//! whoever writes the object need not have.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text, texts};
use super::super::pod_spec;
use super::super::request::Request;
use super::super::sign::Sign;
use super::policy::changed;
use super::{Definition, Ended, Firing, Hands, On, WRITE};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R59-carried",
            version: 1,
            title: "Platform told to give high rights",
            why: "Crossplane, Fleet and their kin apply what stands in their objects: the binding that a person may not make is made for them.",
            next: "Look for the binding that the platform made and at what its subject did; take the object away, or the binding comes back.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"objects","apiGroup":"kubernetes.crossplane.io","name":"o"},"requestObject":{"spec":{"forProvider":{"manifest":{"kind":"ClusterRoleBinding","roleRef":{"kind":"ClusterRole","name":"cluster-admin"}}}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"objects","apiGroup":"kubernetes.crossplane.io","name":"o"},"requestObject":{"spec":{"forProvider":{"manifest":{"kind":"RoleBinding","roleRef":{"kind":"ClusterRole","name":"view"}}}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Signs(&[Sign::WritesCustom]),
        ended: Ended::Done,
        when: carried_rights,
    },
    Definition {
        rule: Rule {
            id: "AUD-R79-told",
            version: 1,
            title: "Nodes told what to run",
            why: "What stands in the object runs as root on the node when it starts, or at once: no admission policy sees it, and no pod shows it.",
            next: "Read what the object lets run; look which nodes came up or were updated since, and replace them.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1543"), technique("T1611")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"ec2nodeclasses","apiGroup":"karpenter.k8s.aws","name":"default"},"requestObject":{"spec":{"userData":"echo hello"}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"ec2nodeclasses","apiGroup":"karpenter.k8s.aws","name":"default"},"requestObject":{"spec":{"role":"nodes"}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(WRITE, RUN_BY_NODES),
        ended: Ended::Done,
        when: told_to_nodes,
    },
];

/// How many values of an object are looked through for what it carries.
const MAX_VALUES: usize = 10_000;

fn carried_rights(request: &Request<'_>) -> Option<Firing> {
    let may_carry = pod_spec::mentions(request, &["cluster-admin", "ClusterRole"]);
    if !may_carry || request.is_by_trusted_system() {
        return None;
    }
    let (kind, right) = carried(request.body())?;
    let severity = match () {
        () if request.is_workload_by_hand() => Severity::Critical,
        () if request.keeps_as_declared() => Severity::Medium,
        () => Severity::High,
    };
    Some(changed(request).at(severity).with(&format!("requestObject.{kind}"), right))
}

/// What an object carries that gives cluster-admin, or a role that may do as much: its kind, and what it gives.
fn carried(body: &Value) -> Option<(&'static str, &'static str)> {
    let mut left = vec![body];
    for _ in 0..MAX_VALUES {
        let value = left.pop()?;
        if let Some(found) = gives_all(value) {
            return Some(found);
        }
        left.extend(value.as_array().unwrap_or_default());
        left.extend(value.as_object().into_iter().flatten().map(|(_, below)| below));
    }
    None
}

fn gives_all(value: &Value) -> Option<(&'static str, &'static str)> {
    const BINDING: (&str, &str) = ("roleRef.name", "cluster-admin");
    // Fleet keeps its manifests as text.
    if let Some(manifest) = value.as_str() {
        let binds = ["Binding", "roleRef", "cluster-admin"].iter().all(|it| manifest.contains(it));
        return binds.then_some(BINDING);
    }
    if text(at(value, &["roleRef"]), "name") == BINDING.1 {
        return Some(BINDING);
    }
    let is_role = text(value, "kind") == "ClusterRole";
    let is_all = |rule: &Value| {
        let wild = |key| texts(rule, key).any(|name| name == "*");
        wild("apiGroups") && wild("resources") && wild("verbs")
    };
    (is_role && items(value, "rules").iter().any(is_all)).then_some(("rules", "*"))
}

/// Objects of which nodes run a part.
const RUN_BY_NODES: &[&str] = &[
    "awsmachinetemplates.infrastructure.cluster.x-k8s.io",
    "ec2nodeclasses.karpenter.k8s.aws",
    "kubeadmconfigs.bootstrap.cluster.x-k8s.io",
    "kubeadmconfigtemplates.bootstrap.cluster.x-k8s.io",
    "kubeadmcontrolplanes.controlplane.cluster.x-k8s.io",
    "machineconfigs.machineconfiguration.openshift.io",
    "plans.upgrade.cattle.io",
    "rke2configtemplates.bootstrap.cluster.x-k8s.io",
];

/// The fields that nodes run, wherever they stand in these objects.
const RUN: [&str; 9] = [
    "userData",
    "preKubeadmCommands",
    "postKubeadmCommands",
    "preRKE2Commands",
    "postRKE2Commands",
    "ignition",
    "files",
    "systemd",
    "upgrade",
];

/// Controllers of clusters write such objects for each machine, and a repository's are applied by programs.
fn told_to_nodes(request: &Request<'_>) -> Option<Firing> {
    if !request.client().is_by_hand() || request.is_by_trusted_system() {
        return None;
    }
    let spec = at(request.body(), &["spec"]);
    let places = [
        spec,
        at(spec, &["config"]),
        at(spec, &["kubeadmConfigSpec"]),
        at(spec, &["template", "spec"]),
    ];
    let field = RUN.into_iter().find(|field| places.iter().any(|it| it.get(*field).is_some()))?;
    let severity = Hands { person: Severity::Medium, program: Severity::Info }.weigh(request);
    Some(changed(request).at(severity).with("requestObject.spec", field))
}
