//! Conditions on a pod: its namespace, its labels, its service account, in the languages of each kind.

use super::super::part::bearing;
use super::super::selector::asked;
use super::super::selector::{Label, selected};
use super::super::{Graph, PodNode, same_namespace};
use super::calico::Expression;
use super::holds::{Doubt, Holds};
use super::{Answer, cilium};
use crate::object::Object;
use crate::value::{Map, Value};
use crate::workload::PodSpec;

/// The label that every namespace bears, with its own name.
pub(super) const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// One thing that is asked of a pod.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition<'a> {
    /// It is in the policy's own namespace; one that the manifest leaves open may be any.
    InNamespace(Option<&'a str>),
    /// A label selector selects its namespace.
    NamespaceLabels(&'a Value),
    /// A label selector selects it.
    PodLabels(&'a Value),
    /// A selector of Cilium selects it, whose keys name the label's origin.
    Cilium(&'a Value),
    /// An expression of Calico holds for its labels.
    Labels(Expression<'a>),
    /// An expression of Calico holds for its namespace.
    Namespace(Expression<'a>),
    /// Its service account has one of these names.
    Accounts(Vec<&'a str>),
    /// An expression of Calico holds for its service account.
    AccountLabels(Expression<'a>),
}

/// A pod, or what stands for one (a set of networks), as conditions see it.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct View<'g, 'a> {
    pub(super) graph: &'g Graph<'a>,
    pub(super) namespace: Option<&'g str>,
    /// Whether it belongs to no namespace at all.
    pub(super) is_global: bool,
    pub(super) labels: Option<&'g Map>,
    /// Of a pod.
    pub(super) spec: Option<&'g PodSpec<'a>>,
}

impl<'g, 'a> View<'g, 'a> {
    /// A pod of a namespace.
    pub(in crate::graph) fn of(
        graph: &'g Graph<'a>,
        namespace: Option<&'g str>,
        spec: &'g PodSpec<'a>,
    ) -> Self {
        Self { graph, namespace, is_global: false, labels: spec.labels(), spec: Some(spec) }
    }

    /// A pod of the graph.
    pub(in crate::graph) fn of_pod(graph: &'g Graph<'a>, pod: &'g PodNode<'a>) -> Self {
        Self::of(graph, graph.owner(pod).and_then(Object::namespace), &pod.spec)
    }

    /// The namespace; none where the manifest leaves it open.
    pub(in crate::graph) const fn namespace(&self) -> Option<&'g str> {
        self.namespace
    }

    /// The name of its service account.
    pub(super) fn account(&self) -> Option<&'g str> {
        self.spec.map(PodSpec::service_account)
    }

    /// Whether all conditions hold.
    pub(in crate::graph) fn meets(&self, conditions: &[Condition<'_>]) -> Holds {
        conditions.iter().fold(Holds::YES, |holds, condition| match holds.answer {
            Answer::No => holds,
            _ => holds.and(self.one(condition)),
        })
    }

    fn one(&self, condition: &Condition<'_>) -> Holds {
        match condition {
            Condition::InNamespace(own) => {
                (!self.is_global && same_namespace(*own, self.namespace)).into()
            }
            Condition::NamespaceLabels(selector) => {
                let answer = selected(selector, |key| self.namespace_label(key));
                Holds::or_doubt(answer, Doubt::NamespaceLabels)
            }
            Condition::PodLabels(selector) => {
                selected(selector, |key| Label::of(self.labels, key)).eq(&Answer::Yes).into()
            }
            Condition::Cilium(selector) => {
                let answer = selected(selector, |key| cilium::label(self, key));
                Holds::or_doubt(answer, Doubt::NamespaceLabels)
            }
            Condition::Labels(expression) => {
                let answer = expression.holds(true, &|key| self.calico_label(key));
                Holds::or_doubt(answer, Doubt::NamespaceLabels)
            }
            Condition::Namespace(expression) => {
                let answer = expression.holds(!self.is_global, &|key| self.namespace_label(key));
                Holds::or_doubt(answer, Doubt::NamespaceLabels)
            }
            Condition::Accounts(names) => {
                self.account().is_some_and(|account| names.contains(&account)).into()
            }
            Condition::AccountLabels(expression) => {
                let answer = expression.holds(true, &|key| self.account_label(key));
                Holds::or_doubt(answer.and(self.spec.is_some().into()), Doubt::AccountLabels)
            }
        }
    }

    /// A label of its namespace. They are known where the input holds it; its name always is.
    pub(super) fn namespace_label(&self, key: &str) -> Label<'g> {
        if self.is_global {
            return Label::Absent;
        }
        let Some(name) = self.namespace else { return Label::Unknown };
        if matches!(key, NAME_LABEL | "projectcalico.org/name") {
            return Label::Value(name);
        }
        match self.graph.find("", "Namespace", None, name) {
            Some(object) => Label::of(object.labels(), key),
            None => Label::Unknown,
        }
    }

    /// What Calico adds to the labels of a pod.
    fn calico_label(&self, key: &str) -> Label<'g> {
        match key {
            "projectcalico.org/namespace" if self.is_global => Label::Absent,
            "projectcalico.org/namespace" => self.namespace.map_or(Label::Unknown, Label::Value),
            "projectcalico.org/orchestrator" if self.spec.is_some() => Label::Value("k8s"),
            "projectcalico.org/serviceaccount" => {
                self.account().map_or(Label::Absent, Label::Value)
            }
            _ => Label::of(self.labels, key),
        }
    }

    fn account_label(&self, key: &str) -> Label<'g> {
        let Some(account) = self.account() else { return Label::Absent };
        if key == "projectcalico.org/name" {
            return Label::Value(account);
        }
        match self.graph.find("", "ServiceAccount", self.namespace, account) {
            Some(object) => Label::of(object.labels(), key),
            None => Label::Unknown,
        }
    }
}

impl<'a> Condition<'a> {
    /// Labels that a pod has to bear for it to hold.
    pub(super) fn labels(&self) -> Vec<(&'a str, &'a str)> {
        match self {
            Self::PodLabels(selector) | Self::Cilium(selector) => {
                let labels = selector.get("matchLabels").and_then(Value::as_object);
                let pairs = labels.into_iter().flatten();
                pairs
                    .filter_map(|(key, value)| Some((cilium::own_label(key)?, value.as_str()?)))
                    .collect()
            }
            Self::Labels(expression) => {
                let labels = expression.labels().into_iter();
                // What Calico adds is no label of the pod.
                labels.filter(|(key, _)| !key.starts_with("projectcalico.org/")).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl<'a> Condition<'a> {
    /// Lists of labels of the pod: it bears one of each list.
    fn asked(&self) -> Vec<Vec<(&'a str, &'a str)>> {
        match self {
            Self::PodLabels(selector) => asked(selector),
            _ => self.labels().into_iter().map(|label| vec![label]).collect(),
        }
    }
}

/// Whether there is a pod for which all conditions hold, or may hold.
pub fn selects_any(graph: &Graph<'_>, conditions: &[Condition<'_>]) -> bool {
    match conditions {
        // Kubernetes' own policies are many: of them the one who owns all objects knows it.
        [Condition::InNamespace(namespace), Condition::PodLabels(selector)] => {
            graph.has_pods_selected(*namespace, selector)
        }
        _ => select(graph, conditions).next().is_some(),
    }
}

/// The pods of the graph for which all conditions hold, or may hold.
pub fn select<'g, 'a>(
    graph: &'g Graph<'a>,
    conditions: &'g [Condition<'_>],
) -> impl Iterator<Item = (&'g PodNode<'a>, Answer)> + 'g {
    let own = conditions.iter().find_map(|condition| match condition {
        Condition::InNamespace(namespace) => *namespace,
        _ => None,
    });
    graph.note_selected(|| bearing(own, conditions.iter().flat_map(Condition::asked)));
    let wanted = conditions.iter().flat_map(Condition::labels);
    graph.pods_among(own, wanted).filter_map(move |pod| {
        let answer = View::of_pod(graph, pod).meets(conditions).answer;
        (answer != Answer::No).then_some((pod, answer))
    })
}
