//! Workloads where they are not expected, or under a name that is not theirs: among the cluster's own pods, as one
//! of its components, as a static pod of a node.

use airside_k8s::workload::is_custom;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, text};
use super::super::pod_spec::{self, TEMPLATES};
use super::super::request::Request;
use super::judged::wrote;
use super::{CREATE, Definition, Ended, Firing, On};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE, WEAK};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R46",
            version: 2,
            title: "Pod created in a namespace of the cluster itself",
            why: "Among the cluster's own pods a foreign one is hard to see, and policies often exempt them.",
            next: "Whether an add-on of yours is deployed there by this identity; else what the pod is, which image it runs and which service account it has.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1036.005"), technique("T1610")],
            equivalents: &[
                "falco:Pod Created in Kube Namespace",
                "panther:Kubernetes.Pod.SystemNamespace",
                "sigma:Creation Of Pod In System Namespace",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"kube-system","name":"kube-proxy-x7z"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:daemon-set-controller"},"objectRef":{"resource":"pods","namespace":"kube-system"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["pods"]),
        ended: Ended::Done,
        when: foreign_pod,
    },
    Definition {
        rule: Rule {
            id: "AUD-R46-controller",
            version: 1,
            title: "Pod made by a controller in a namespace of the cluster itself",
            why: "What a controller makes was asked for by a template: an add-on, or something that was put among them.",
            next: "Which template the pod comes from, and who wrote that.",
            severity: Severity::Info,
            confidence: WEAK,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1036.005"), technique("T1610")],
            equivalents: &["falco:Pod Created in Kube Namespace"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:replicaset-controller"},"objectRef":{"resource":"pods","namespace":"kube-system"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:replicaset-controller"},"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["pods"]),
        ended: Ended::Done,
        when: made_pod,
    },
    Definition {
        rule: Rule {
            id: "AUD-R46-workload",
            version: 1,
            title: "Workload created in a namespace of the cluster itself",
            why: "Its pods will stand among the cluster's own, where policies often exempt them.",
            next: "Whether an add-on of yours is deployed there by this identity; else what the pod is, which image it runs and which service account it has.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1036.005"), technique("T1610")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"kube-system","name":"kube-controller"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:deployment-controller"},"objectRef":{"resource":"replicasets","apiGroup":"apps","namespace":"kube-system","name":"coredns-5d78c9869d"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(CREATE, TEMPLATES),
        ended: Ended::Done,
        when: foreign_workload,
    },
    Definition {
        rule: Rule {
            id: "AUD-R47",
            version: 1,
            title: "Workload named like a component of the cluster",
            why: "A name that differs by a letter or two from a component's is read as the component's.",
            next: "Which image it runs and whether the component that it is named after is there as well; who wrote it.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1036.005")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"kube-system","name":"kube-proxi"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web-proxy"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(
            CREATE,
            &[
                "pods",
                "deployments.apps",
                "daemonsets.apps",
                "statefulsets.apps",
                "replicasets.apps",
                "replicationcontrollers",
                "jobs.batch",
                "cronjobs.batch",
            ],
        ),
        ended: Ended::Done,
        when: imitation,
    },
    Definition {
        rule: Rule {
            id: "AUD-R58",
            version: 1,
            title: "Mirror pod created by somebody else than a kubelet",
            why: "The annotation makes a pod look like a static one of a node, which no controller explains.",
            next: "Which node the pod claims to be of and whether a manifest lies there; who wrote it and what it runs.",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1610"), technique("T1036.005")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:node:node-1"},"objectRef":{"resource":"pods","namespace":"kube-system","name":"p"},"requestObject":{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["pods"]),
        ended: Ended::Done,
        when: mirror,
    },
];

fn foreign_pod(request: &Request<'_>) -> Option<Firing> {
    let counts = request.is_in_system_namespace() && !request.is_by_trusted_system();
    counts.then(|| Firing::new(wrote(request)).with("objectRef.namespace", request.namespace()))
}

fn made_pod(request: &Request<'_>) -> Option<Firing> {
    let counts = request.is_in_system_namespace() && request.is_by_trusted_system();
    (counts && request.actor().is_workload_controller())
        .then(|| Firing::new(wrote(request)).with("objectRef.namespace", request.namespace()))
}

fn foreign_workload(request: &Request<'_>) -> Option<Firing> {
    let counts = request.is_in_system_namespace() && !request.is_by_trusted_system();
    (counts && starts_pods(request)).then(|| {
        let severity = if request.is_workload_by_hand() { Severity::Medium } else { Severity::Low };
        Firing::new(wrote(request)).at(severity).with("objectRef.namespace", request.namespace())
    })
}

/// A custom resource is the operator's business unless it holds pods itself.
fn starts_pods(request: &Request<'_>) -> bool {
    !is_custom(request.group()) || !pod_spec::pods(request).is_empty()
}

fn mirror(request: &Request<'_>) -> Option<Firing> {
    const ANNOTATION: &str = "kubernetes.io/config.mirror";
    let annotations = at(request.body(), &["metadata", "annotations"]);
    let counts = annotations.get(ANNOTATION).is_some() && !request.is_by_trusted_system();
    counts.then(|| {
        Firing::new(format!("{} as a mirror pod", wrote(request)))
            .with("requestObject.metadata.annotations", ANNOTATION)
    })
}

/// Components of clusters and of their most common add-ons, by the names of their workloads.
const COMPONENTS: [&str; 23] = [
    "aws-node",
    "calico-kube-controllers",
    "calico-node",
    "cilium",
    "cilium-operator",
    "cloud-controller-manager",
    "cluster-autoscaler",
    "coredns",
    "etcd",
    "kindnet",
    "konnectivity-agent",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-dns",
    "kube-flannel-ds",
    "kube-proxy",
    "kube-scheduler",
    "local-path-provisioner",
    "metrics-server",
    "node-local-dns",
    "node-problem-detector",
    "nodelocaldns",
    "storage-provisioner",
];

/// Components that run nowhere but in the cluster's own namespaces.
const AT_HOME_ONLY: [&str; 4] =
    ["kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler"];

/// How a name imitates a component's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Imitates {
    /// It is the component's own.
    Exactly,
    /// It is the component's with a suffix, as a controller makes them for pods.
    AsItsPod,
    /// It is read as the component's.
    Nearly,
}

fn imitation(request: &Request<'_>) -> Option<Firing> {
    if request.is_by_trusted_system() {
        return None;
    }
    let given = text(at(request.body(), &["metadata"]), "generateName");
    let name = if request.name().is_empty() { given } else { request.name() };
    let (component, how) = imitated(name).filter(|_| starts_pods(request))?;
    let in_system = request.is_in_system_namespace();
    let is_pod = request.resource() == "pods";
    let counts = match how {
        Imitates::Nearly => true,
        // A pod of a component is made by a controller or a kubelet, which are no strangers.
        Imitates::AsItsPod => is_pod && (in_system || AT_HOME_ONLY.contains(&component)),
        Imitates::Exactly if in_system => is_pod,
        Imitates::Exactly => AT_HOME_ONLY.contains(&component),
    };
    counts.then(|| {
        Firing::new(format!("{}, named like {component}", wrote(request)))
            .at(if in_system { Severity::Medium } else { Severity::Low })
            .with("objectRef.name", name)
            .with("component", component)
    })
}

/// The component that a name is, or is read as.
fn imitated(name: &str) -> Option<(&'static str, Imitates)> {
    let base = without_suffixes(name);
    if let Some(component) = COMPONENTS.into_iter().find(|component| base == *component) {
        let how = if base == name { Imitates::Exactly } else { Imitates::AsItsPod };
        return Some((component, how));
    }
    let of_name = Letters::of(name);
    let of_base = (base != name).then(|| Letters::of(base));
    let is_read_as = |component: &str| {
        of_name.are_read_as(component)
            || of_base.as_ref().is_some_and(|it| it.are_read_as(component))
    };
    let component = COMPONENTS.into_iter().find(|component| is_read_as(component))?;
    Some((component, Imitates::Nearly))
}

/// The name without what controllers add to it: `-x7zab`, `-5d78c9869d-x7zab`, the `-` of a generated name.
fn without_suffixes(name: &str) -> &str {
    let is_added = |suffix: &str| {
        matches!(suffix.len(), 3..=10) && suffix.bytes().any(|it| it.is_ascii_digit())
            || suffix.len() == 5 && !suffix.contains(['a', 'e', 'i', 'o', 'u'])
            || suffix.is_empty()
    };
    let mut base = name;
    while let Some((shorter, _)) = base.rsplit_once('-').filter(|(_, suffix)| is_added(suffix)) {
        base = shorter;
    }
    base
}

/// A name that is compared with others.
struct Letters<'n> {
    name: &'n str,
    count: usize,
    /// Which there are; some share a place.
    set: u64,
}

impl<'n> Letters<'n> {
    fn of(name: &'n str) -> Self {
        Self { name, count: name.chars().count(), set: letters_of(name) }
    }

    /// Whether the name is taken for another at a glance: a letter or two differ, a dash is missing or one too many, a
    /// digit stands for a letter.
    fn are_read_as(&self, component: &str) -> bool {
        // In short names a letter makes another word.
        let allowed = match component.len() {
            0..=5 => return false,
            6..=8 => 1,
            _ => 2,
        };
        self.are_near(component, allowed) || folded(self.name).eq(folded(component))
    }

    /// Whether so few letters differ.
    fn are_near(&self, component: &str, allowed: usize) -> bool {
        // Each letter that differs adds one to the letters that only one of the two has, and takes one away; letters in
        // another order change nothing. Most names have too many of their own, and need not be compared letter by letter.
        let own = || (self.set ^ letters_of(component)).count_ones() as usize;
        self.count.abs_diff(component.chars().count()) <= allowed
            && own() <= 2 * allowed
            && strsim::osa_distance(self.name, component) <= allowed
    }
}

/// A name's letters, also those that digits stand for.
fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|it| *it != '-').map(|it| match it {
        '0' => 'o',
        '1' => 'l',
        '3' => 'e',
        '5' => 's',
        other => other,
    })
}

/// The set of a name's letters, of which some share a place in it.
fn letters_of(name: &str) -> u64 {
    name.chars().fold(0, |letters, letter| letters | 1 << (u32::from(letter) % u64::BITS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_not_compared_letter_by_letter_is_not_near(
            name in "[abcé0-]{0,9}", other in "[abcodé-]{0,9}", allowed in 1_usize..3,
        ) {
            let expected = strsim::osa_distance(&name, &other) <= allowed;
            prop_assert_eq!(Letters::of(&name).are_near(&other, allowed), expected);
        }
    }

    #[test]
    fn names_are_read_as_components_at_a_glance() {
        for (name, component, how) in [
            ("kube-proxy", "kube-proxy", Imitates::Exactly),
            ("kube-proxy-x7zb2", "kube-proxy", Imitates::AsItsPod),
            ("coredns-5d78c9869d-hjkl2", "coredns", Imitates::AsItsPod),
            ("kube-proxy-", "kube-proxy", Imitates::AsItsPod),
            ("kube-proxi", "kube-proxy", Imitates::Nearly),
            ("kube-pr0xy", "kube-proxy", Imitates::Nearly),
            ("kubeproxy", "kube-proxy", Imitates::Nearly),
            ("kube-porxy-bcd2f", "kube-proxy", Imitates::Nearly),
            ("c0redns", "coredns", Imitates::Nearly),
            ("metric-server", "metrics-server", Imitates::Nearly),
        ] {
            assert_eq!(imitated(name), Some((component, how)), "{name}");
        }
        for name in [
            "web",
            "kube-state-metrics",
            "etcs",
            "external-dns",
            "node-exporter",
            "cert-manager",
            "proxy",
        ] {
            assert_eq!(imitated(name), None, "{name}");
        }
    }
}
