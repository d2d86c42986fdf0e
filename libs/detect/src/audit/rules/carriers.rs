//! Objects by which somebody else acts: platforms apply what stands in them and nodes run it, with rights of their own that
//! whoever writes the object need not have.

use airside_k8s::{Value, yaml};
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, text};
use super::super::pod_spec;
use super::super::request::Request;
use super::super::sign::Sign;
use super::bindings::{ADMIN, worth};
use super::hands::Hands;
use super::policy::changed;
use super::roles::leads_to_all;
use super::{Definition, Ended, Firing, On, WRITE};
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

/// Who applies what a repository declares, or keeps such an object, changes nothing.
fn carried_rights(request: &Request<'_>) -> Option<Firing> {
    if !pod_spec::mentions(request, &["ClusterRole"]) || request.is_by_trusted_system() {
        return None;
    }
    let (right, weight) = carried(request.body(), within_text)?;
    let program = match request.is_of_new_object() {
        true => weight.min(Severity::Medium),
        false => Severity::Low,
    };
    let severity = Hands { person: weight, program }.weigh(request);
    Some(changed(request).at(severity).with("requestObject", &right))
}

/// A right, as it is given, and what it weighs.
type Right = (String, Severity);

/// What an object carries that gives high rights, and what that weighs. How much there is to look through is bounded by what a
/// body may be.
fn carried(body: &Value, within_text: fn(&str) -> Option<Right>) -> Option<Right> {
    let mut left = vec![body];
    while let Some(value) = left.pop() {
        if let Some(found) = gives(value).or_else(|| within_text(value.as_str()?)) {
            return Some(found);
        }
        left.extend(value.as_array().unwrap_or_default());
        // What objects are called, and what was found about them, carries nothing.
        let fields = value.as_object().into_iter().flatten();
        let fields = fields.filter(|(key, _)| !matches!(&**key, "metadata" | "status"));
        left.extend(fields.map(|(_, below)| below));
    }
    None
}

/// Manifests that are kept as text, as Fleet does, or within a chart's values. Text within text is a script's or a policy's.
fn within_text(manifest: &str) -> Option<Right> {
    if !manifest.contains("ClusterRole") {
        return None;
    }
    // Aliases let a short text mean much, and an object may have many texts: no manifest has more values than letters.
    let limits = yaml::Limits { max_nodes: manifest.len(), ..yaml::Limits::default() };
    let parsed = yaml::parse(manifest, &limits);
    parsed.documents.iter().find_map(|document| carried(&document.value, |_| None))
}

fn gives(object: &Value) -> Option<Right> {
    let role = at(object, &["roleRef"]);
    let is_wide = text(object, "kind") == "ClusterRoleBinding";
    // A patch says no more than the name; no other kind of role is called so.
    let is_admin = text(role, "name") == ADMIN;
    let weight = if is_admin { Some(Severity::High) } else { worth(role, is_wide, false) };
    if let Some(weight) = weight {
        return Some((format!("roleRef.name: {}", text(role, "name")), weight));
    }
    let is_role = text(object, "kind") == "ClusterRole" && object.get("rules").is_some();
    (is_role && leads_to_all(object)).then(|| ("rules".to_owned(), Severity::High))
}

/// Objects of which nodes run a part.
const RUN_BY_NODES: &[&str] = &[
    "clusterclasses.cluster.x-k8s.io",
    "ec2nodeclasses.karpenter.k8s.aws",
    "eksconfigtemplates.bootstrap.cluster.x-k8s.io",
    "kubeadmconfigs.bootstrap.cluster.x-k8s.io",
    "kubeadmconfigtemplates.bootstrap.cluster.x-k8s.io",
    "kubeadmcontrolplanes.controlplane.cluster.x-k8s.io",
    "kubeadmcontrolplanetemplates.controlplane.cluster.x-k8s.io",
    "machineconfigs.machineconfiguration.openshift.io",
    "plans.upgrade.cattle.io",
    "rke2configs.bootstrap.cluster.x-k8s.io",
    "rke2configtemplates.bootstrap.cluster.x-k8s.io",
    "rke2controlplanes.controlplane.cluster.x-k8s.io",
    "talosconfigs.bootstrap.cluster.x-k8s.io",
    "talosconfigtemplates.bootstrap.cluster.x-k8s.io",
];

/// The fields that nodes run, or by which somebody gets onto them.
const RUN: [&str; 20] = [
    "additionalUserData",
    "amiSelectorTerms",
    "bootCommands",
    "configPatches",
    "data",
    "files",
    "osImageURL",
    "passwd",
    // Of a cluster's class: what is changed in the templates of its machines.
    "patches",
    "postKubeadmCommands",
    "postRKE2Commands",
    "preBootstrapCommands",
    "preKubeadmCommands",
    "preRKE2Commands",
    "prepare",
    "storage",
    "systemd",
    "upgrade",
    "userData",
    "users",
];

/// Controllers of clusters write such objects for each machine.
fn told_to_nodes(request: &Request<'_>) -> Option<Firing> {
    const WITHIN: [&[&str]; 8] = [
        &["spec"],
        &["spec", "agentConfig"],
        &["spec", "config"],
        &["spec", "kubeadmConfigSpec"],
        &["spec", "template", "spec"],
        &["spec", "template", "spec", "agentConfig"],
        &["spec", "template", "spec", "config"],
        &["spec", "template", "spec", "kubeadmConfigSpec"],
    ];
    let severity = Hands::for_changed(request).unless_usual(request)?;
    let body = request.body();
    let (place, field) = WITHIN.iter().find_map(|place| {
        let within = at(body, place);
        Some((place, RUN.into_iter().find(|field| within.get(*field).is_some())?))
    })?;
    let place = place.join(".");
    let firing = changed(request).at(severity).with(&format!("requestObject.{place}"), field);
    (!request.is_by_trusted_system()).then_some(firing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_means_no_more_than_it_has_letters() {
        let binding =
            "kind: ClusterRoleBinding\nroleRef: {kind: ClusterRole, name: cluster-admin}\n";
        assert!(within_text(binding).is_some());
        let doubled = (1..20).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1));
        let bomb: String = std::iter::once("a0: &a0 [x, x]\n".to_owned()).chain(doubled).collect();
        assert!(within_text(&format!("{bomb}{binding}")).is_none(), "it is not read to its end");
    }
}
