//! What a check is: its text, its mapping, its examples and its code, in one value.

use std::borrow::Cow;

use airside_k8s::component::Component;
use airside_k8s::rbac::Rule;
use airside_types::{Severity, Technique};

use crate::component::{Configured, carriers};
use crate::evaluate::Report;
use crate::subject::{Binding, ContainerOf, Pod, Whole};

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// How containers are confined.
    WorkloadHardening,
    /// Credentials that lie where they should not.
    Secrets,
    /// Who may do what (RBAC) and with which token.
    AccessControl,
    /// Who can reach whom.
    Network,
    /// Istio and its like: encryption and authorisation between workloads.
    ServiceMesh,
    /// What brings traffic in: Ingresses, gateways, their controllers.
    Ingress,
    /// API server, etcd, kubelet and their configuration.
    ControlPlane,
    /// Operators, their webhooks and custom resources.
    Operators,
    /// Where images come from.
    SupplyChain,
    /// Whether workloads stay up.
    Reliability,
    /// Order and conventions.
    Conformance,
}

impl Category {
    /// All categories.
    pub const ALL: [Self; 11] = [
        Self::WorkloadHardening,
        Self::Secrets,
        Self::AccessControl,
        Self::Network,
        Self::ServiceMesh,
        Self::Ingress,
        Self::ControlPlane,
        Self::Operators,
        Self::SupplyChain,
        Self::Reliability,
        Self::Conformance,
    ];

    /// The name, as in outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WorkloadHardening => "workload-hardening",
            Self::Secrets => "secrets",
            Self::AccessControl => "access-control",
            Self::Network => "network",
            Self::ServiceMesh => "service-mesh",
            Self::Ingress => "ingress",
            Self::ControlPlane => "control-plane",
            Self::Operators => "operators",
            Self::SupplyChain => "supply-chain",
            Self::Reliability => "reliability",
            Self::Conformance => "conformance",
        }
    }
}

/// The code of a check, by what it looks at. An object meets only the checks of the parts that it has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Judge {
    /// Each pod or pod template, in whatever kind.
    Pod(fn(&Pod<'_>, &mut Report<'_>)),
    /// Each container of a pod: main, init and ephemeral.
    Container(fn(&ContainerOf<'_>, &mut Report<'_>)),
    /// Each object that starts pods, as a whole.
    Workload(fn(&Whole<'_>, &mut Report<'_>)),
    /// Each rule of a Role or ClusterRole.
    Rule(fn(&Rule<'_>, &mut Report<'_>)),
    /// Each RoleBinding or ClusterRoleBinding.
    Binding(fn(&Binding<'_>, &mut Report<'_>)),
    /// Each configuration of one of Kubernetes' components, whatever carries it.
    Component(Component, fn(&Configured<'_>, &mut Report<'_>)),
    /// Each object of these kinds (API group, kind), as a whole.
    Object(&'static [(&'static str, &'static str)], fn(&Whole<'_>, &mut Report<'_>)),
    /// Nothing of its own: reports that are read beside the manifests tell it.
    Reported,
    /// Each object of whatever kind.
    Any(fn(&Whole<'_>, &mut Report<'_>)),
}

/// A check of the catalogue.
#[derive(Debug)]
pub struct Check {
    /// What people type and see: a stable slug, such as `privileged-container`.
    pub id: &'static str,
    /// What is wrong, as a headline.
    pub title: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to change.
    pub fix: &'static str,
    /// How bad a failure is.
    pub severity: Severity,
    /// What it is about.
    pub category: Category,
    /// ATT&CK techniques that the weakness enables; none for hygiene.
    pub techniques: &'static [Technique],
    /// Sections of benchmarks and standards, as `framework:section`.
    pub controls: &'static [&'static str],
    /// Other tools' names for the same, as `tool:id`. Several checks may share one: together they mean it.
    pub equivalents: &'static [&'static str],
    pub(crate) judge: Judge,
    /// A configuration that fails.
    pub fails: &'static str,
    /// The same after the fix.
    pub passes: &'static str,
}

impl Check {
    /// The kinds of objects that the check looks at, for people.
    pub fn applies_to(&self) -> Cow<'static, str> {
        let text = match self.judge {
            Judge::Pod(_) | Judge::Container(_) | Judge::Workload(_) => {
                "Pod, and every kind with a pod template"
            }
            Judge::Rule(_) => "Role, ClusterRole",
            Judge::Binding(_) => "RoleBinding, ClusterRoleBinding",
            Judge::Component(component, _) => carriers(component),
            Judge::Object([(_, kind)], _) => kind,
            Judge::Object(kinds, _) => {
                let mut names: Vec<_> = kinds.iter().map(|(_, kind)| *kind).collect();
                names.dedup();
                return Cow::Owned(names.join(", "));
            }
            Judge::Any(_) => "every kind",
            Judge::Reported => "what reports and policies are about",
        };
        Cow::Borrowed(text)
    }
}

impl PartialEq for Check {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Check {}
