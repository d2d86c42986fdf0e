//! Judges what lies within an object: whole objects that are created from it, and parts of pods in texts.
//!
//! They are judged as they would be alone, by the checks of their kind, and each failure is told at its place in
//! the object around them. Left to others: pods in fields (`workload`'s), what goes for every kind, and
//! credentials, which are searched for in the whole object.

use std::cell::OnceCell;

use airside_k8s::component::{Configuration, configurations};
use airside_k8s::embedded::{Embedded, Found};
use airside_k8s::rbac::rules;
use airside_k8s::{Graph, Object, workload};
use airside_vulnerability::Components;

use super::{Met, Report, is_judged_by_name, is_kind};
use crate::catalogue::{self, Index};
use crate::check::{Category, Check, Judge};
use crate::component::Configured;
use crate::subject::{Binding, Pod, Whole};

/// What lies within an object, with a graph of its own: what surrounds it in a cluster is not known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Within<'a> {
    pub(super) found: &'a Found<'a>,
    /// Of each that was found, its object; none where nothing was.
    pub(super) graph: Option<&'a Graph<'a>>,
    pub(super) components: &'a Components,
}

/// Why a text leaves the checks on pods without an answer.
const UNREADABLE: &str = "a text that should hold a pod or a part of one is no YAML";

impl<'a> Within<'a> {
    /// Notes what checks meet here.
    pub(super) fn meet(&self, checks: &Index, met: &mut Met) {
        for (_, object) in self.each() {
            met.rules |= is_role(object) && rules(object).next().is_some();
            met.bindings |= is_binding(object);
            let kind = (object.group(), object.kind());
            let of_kind = checks.kinds.get(&kind);
            met.object(kind, of_kind.map(Vec::as_slice).unwrap_or_default());
        }
    }

    /// The checks of an index that look at objects of the kinds that lie here.
    pub(super) fn checks_of_kinds(&self, checks: &Index) -> Vec<&'static Check> {
        let kinds = self.each().map(|(_, object)| (object.group(), object.kind()));
        kinds.filter_map(|kind| checks.kinds.get(&kind)).flatten().copied().collect()
    }

    /// Whether roles or bindings lie here, for each.
    pub(super) fn has_rights(&self) -> (bool, bool) {
        let any = |is: fn(&Object<'_>) -> bool| self.each().any(|(_, object)| is(object));
        (any(is_role), any(is_binding))
    }

    /// Whether texts lie here that hold pods, or should.
    pub(super) fn has_pods(&self) -> bool {
        let holds = |(index, embedded): (usize, &Embedded<'_>)| {
            let has_pods = |graph: &Graph<'_>| !graph.pods_of(index).is_empty();
            let has_whole = || embedded.is_text() && self.graph.is_some_and(has_pods);
            embedded.pod_part().is_some() || has_whole()
        };
        self.found.has_unreadable_text || self.found.embedded.iter().enumerate().any(holds)
    }

    /// Runs a check on rules, bindings, pods or kinds over what it looks at here.
    pub(super) fn judge(&self, report: &mut Report<'_>) {
        if report.check.category == Category::Secrets {
            return;
        }
        let is_of_pods = matches!(report.check.judge, Judge::Pod(_) | Judge::Container(_));
        if is_of_pods && self.found.has_unreadable_text {
            report.undecided(UNREADABLE);
        }
        for (index, (embedded, object)) in self.each().enumerate() {
            report.within(embedded, |report| self.judge_one(index, embedded, object, report));
        }
    }

    fn judge_one(
        &self,
        index: usize,
        embedded: &Embedded<'a>,
        object: &'a Object<'a>,
        report: &mut Report<'_>,
    ) {
        let Self { graph: Some(graph), components, .. } = *self else { return };
        let check = report.check;
        match check.judge {
            Judge::Rule(_)
                if is_judged_by_name(object) && catalogue::JUDGED_BY_NAME.contains(&check.id) => {}
            Judge::Rule(judge) if is_role(object) => {
                rules(object).for_each(|rule| judge(&rule, report));
            }
            Judge::Binding(judge) if is_binding(object) => {
                if let Some(binding) = Binding::new(object, graph) {
                    judge(&binding, report);
                }
            }
            Judge::Pod(_) | Judge::Container(_) if embedded.is_text() => {
                self.judge_pods(index, embedded, object, report);
            }
            // Most of these ask what an object lacks, which a patch cannot tell.
            Judge::Object(..) if embedded.is_patch() => {}
            Judge::Object(kinds, judge) if kinds.contains(&(object.group(), object.kind())) => {
                let searched = OnceCell::new();
                judge(&Whole { object, graph, components, searched: &searched }, report);
            }
            _ => {}
        }
    }

    /// The pods of a text: those that its object starts, or the part that is laid over one.
    fn judge_pods(
        &self,
        index: usize,
        embedded: &Embedded<'a>,
        object: &'a Object<'a>,
        report: &mut Report<'_>,
    ) {
        let Self { graph: Some(graph), components, .. } = *self else { return };
        let judge = |pod: &Pod<'_>, report: &mut Report<'_>| match report.check.judge {
            Judge::Pod(judge) => judge(pod, report),
            Judge::Container(judge) => pod.containers().for_each(|it| judge(&it, report)),
            _ => {}
        };
        if let Some(spec) = embedded.pod_part() {
            let part = [Pod { object, spec: &spec, graph, components }];
            return report.written_in(&part, &|part, report| judge(part, report));
        }
        for node in graph.pods_of(index) {
            let pod = Pod { object, spec: &node.spec, graph, components };
            if embedded.is_patch() {
                report.written_in(&[pod], &|part, report| judge(part, report));
            } else {
                judge(&pod, report);
            }
        }
        let parts = workload::pod_parts(object);
        for spec in &parts {
            let part = [Pod { object, spec, graph, components }];
            report.written_in(&part, &|part, report| judge(part, report));
        }
    }

    /// How components are configured by what lies in texts here.
    pub(super) fn configurations(&self) -> Vec<(usize, Configuration)> {
        let texts = self.each().enumerate().filter(|(_, (embedded, _))| embedded.is_text());
        let found = texts.flat_map(|(index, _)| {
            let found = self.graph.map(|graph| configurations(graph, index));
            found.into_iter().flatten().map(move |it| (index, it))
        });
        found.collect()
    }

    /// Runs a check on a component over a configuration that lies here.
    pub(super) fn judge_configured(
        &self,
        (index, configuration): &(usize, Configuration),
        judge: fn(&Configured<'_>, &mut Report<'_>),
        report: &mut Report<'_>,
    ) {
        if let (Some((embedded, object)), Some(graph)) = (self.each().nth(*index), self.graph) {
            let configured = Configured { object, graph, configuration };
            report.within(embedded, |report| judge(&configured, report));
        }
    }

    fn each(&self) -> impl Iterator<Item = (&'a Embedded<'a>, &'a Object<'a>)> {
        self.found.embedded.iter().zip(self.graph.map(Graph::objects).unwrap_or_default())
    }
}

fn is_role(object: &Object<'_>) -> bool {
    is_kind(object, ["Role", "ClusterRole"])
}

fn is_binding(object: &Object<'_>) -> bool {
    is_kind(object, ["RoleBinding", "ClusterRoleBinding"])
}
