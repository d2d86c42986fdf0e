//! Runs the catalogue over objects.
//!
//! Three answers exist for a check: it failed, it passed, or it could not be decided from what was given.
//! The last is reported with its reason and never counts as passed.

mod chosen;
mod met;
mod of_pods;
mod within;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use airside_k8s::component::configurations;
use airside_k8s::embedded::{self, Embedded};
use airside_k8s::rbac::{GROUP, names, rules};
use airside_k8s::{Completeness, Graph, Object, Value, workload};
use airside_types::{FieldPath, Step};
use airside_vulnerability::Components;

use crate::catalogue::{self, Index};
use crate::check::{Category, Check, Judge};
use crate::component::Configured;
use crate::subject::{Binding, Pod, Whole};
use crate::template::is_filled_in_later;

pub use self::chosen::ObjectChecks;
pub(crate) use self::met::Met;
pub use self::of_pods::PodChecks;
use self::within::Within;

/// A check that failed at a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The check.
    pub check: &'static Check,
    /// The index of the object in the input.
    pub object: usize,
    /// The field; it may be missing, then it is the one to add.
    pub field: FieldPath,
    /// What is wrong, in one sentence that names the value.
    pub message: String,
}

/// A check that could not be decided for at least one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotEvaluated {
    /// The check.
    pub check: &'static Check,
    /// What is missing to decide it.
    pub reason: &'static str,
}

/// What the catalogue says about objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// The failures, by object, then in the order of the catalogue.
    pub failures: Vec<Failure>,
    /// The checks that could not be decided, each reason once, by check and reason.
    pub not_evaluated: Vec<NotEvaluated>,
    /// The checks that met something to look at, by id. A check that is not here neither passed nor failed.
    pub applied: BTreeSet<&'static str>,
}

/// Takes what a check has to say about one object.
#[derive(Debug)]
pub(crate) struct Report<'r> {
    check: &'static Check,
    object: usize,
    failures: &'r mut Vec<Failure>,
    undecided: &'r mut BTreeMap<(&'static str, &'static str), &'static Check>,
}

/// How far back a failure is looked for that says the same: one object can have tens of thousands.
const REPEATED: usize = 64;

impl Report<'_> {
    /// The check fails at a field. What several pods of an object take over from one place is said once.
    pub(crate) fn fail(&mut self, field: FieldPath, message: String) {
        let Self { check, object, .. } = *self;
        let failure = Failure { check, object, field, message };
        let own = self.failures.iter().rev().take(REPEATED);
        let mut own = own.take_while(|other| other.object == object && other.check == check);
        if !own.any(|other| *other == failure) {
            self.failures.push(failure);
        }
    }

    /// What a field names is not there: the check fails, unless the name is filled in later.
    pub(crate) fn missing(&mut self, field: FieldPath, name: &str, message: String) {
        if is_filled_in_later(name) {
            self.undecided("a name is a placeholder, which is filled in later");
        } else {
            self.fail(field, message);
        }
    }

    /// Judges parts of pods: of what fails there, only what the part says itself counts, since its operator
    /// fills in the rest. Its credentials are found with the others of a custom resource.
    fn written_in<'a>(
        &mut self,
        parts: &'a [Pod<'a>],
        judge: &dyn Fn(&'a Pod<'a>, &mut Report<'_>),
    ) {
        if self.check.category == Category::Secrets {
            return;
        }
        for part in parts {
            let Self { check, object, undecided, .. } = self;
            let mut failures = Vec::new();
            let mut report = Report { check, object: *object, failures: &mut failures, undecided };
            judge(part, &mut report);
            // A map or the containers that are there say nothing of what they lack, but for the files of a
            // node.
            let says = |field: &FieldPath| {
                let mut steps = field.steps();
                let is_within = part.spec.path.steps().all(|own| steps.next() == Some(own));
                let is_below = is_within && steps.next().is_some();
                let is_told = |value: &Value| match value {
                    Value::Null => false,
                    Value::Object(_) => field.steps().last() == Some(Step::key("hostPath")),
                    Value::Array(_) => field.steps().last() != Some(Step::key("containers")),
                    _ => true,
                };
                is_below && part.object.at(field).is_some_and(is_told)
            };
            for failure in failures.into_iter().filter(|failure| says(&failure.field)) {
                self.fail(failure.field, failure.message);
            }
        }
    }

    /// Judges what lies within the object: failures are told at their place in it.
    fn within(&mut self, embedded: &Embedded<'_>, judge: impl FnOnce(&mut Report<'_>)) {
        let Self { check, object, undecided, .. } = self;
        let mut failures = Vec::new();
        judge(&mut Report { check, object: *object, failures: &mut failures, undecided });
        for failure in failures {
            self.fail(embedded.place(&failure.field), failure.message);
        }
    }

    /// The check cannot be decided.
    pub(crate) fn undecided(&mut self, reason: &'static str) {
        self.undecided.insert((self.check.id, reason), self.check);
    }
}

/// Runs every check that applies over every object.
pub fn evaluate(objects: &[Object<'_>], completeness: Completeness) -> Evaluation {
    evaluate_graph(&Graph::new(objects, completeness))
}

/// Runs every check that applies over every object of a graph, with the vulnerabilities that are built in.
pub fn evaluate_graph(graph: &Graph<'_>) -> Evaluation {
    evaluate_with(graph, Components::embedded())
}

/// Runs every check that applies over every object of a graph.
pub fn evaluate_with(graph: &Graph<'_>, components: &Components) -> Evaluation {
    let mut judged = Judged::default();
    for index in 0..graph.objects().len() {
        judge(catalogue::index(), graph, components, index, &NoMemory, &mut judged);
    }
    let Judged { failures, undecided, met, .. } = judged;
    let not_evaluated = not_evaluated(&undecided);
    Evaluation { failures, not_evaluated, applied: met.checks() }
}

/// The checks that could not be decided, by check and reason.
pub(crate) type Undecided = BTreeMap<(&'static str, &'static str), &'static Check>;

pub(crate) fn not_evaluated(undecided: &Undecided) -> Vec<NotEvaluated> {
    let all = undecided.iter();
    all.map(|((_, reason), check)| NotEvaluated { check, reason }).collect()
}

/// What the catalogue says about objects so far.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) failures: Vec<Failure>,
    pub(crate) undecided: Undecided,
    pub(crate) met: Met,
    /// The checks that looked at more than the object, as far as somebody remembers, in the order of their run.
    pub(crate) looking: Vec<&'static Check>,
    /// The checks that were not run, since they say what they said before, each behind so many failures.
    pub(crate) recalled: Vec<(usize, &'static Check)>,
}

/// What is remembered of an object's last run, so that a check runs again only where it can say something else.
pub(crate) trait Memory {
    /// Whether a check says of the object what it said before: nothing that it has looked at has changed.
    fn recalls(&self, check: &'static Check) -> bool;

    /// Runs a check. Returns whether it looked at more than the object.
    fn watch(&self, check: &'static Check, run: &mut dyn FnMut()) -> bool;
}

/// Nothing is remembered.
struct NoMemory;

impl Memory for NoMemory {
    fn recalls(&self, _: &'static Check) -> bool {
        false
    }

    fn watch(&self, _: &'static Check, run: &mut dyn FnMut()) -> bool {
        run();
        false
    }
}

/// Runs every check of an index that applies over one object of a graph.
pub(crate) fn judge(
    checks: &Index,
    graph: &Graph<'_>,
    components: &Components,
    index: usize,
    memory: &dyn Memory,
    judged: &mut Judged,
) {
    let Some(object) = graph.objects().get(index) else { return };
    judge_object(checks, object, (graph, index), components, memory, judged);
}

/// The same over an object of which the graph need not know: then what its checks ask of the graph is not there.
fn judge_object<'a>(
    checks: &Index,
    object: &'a Object<'a>,
    (graph, index): (&'a Graph<'a>, usize),
    components: &'a Components,
    memory: &dyn Memory,
    judged: &mut Judged,
) {
    let Judged { failures, undecided, met, looking, recalled } = judged;
    let mut run = |check: &'static Check, judge: &dyn Fn(&mut Report<'_>)| {
        // One of these runs for each configuration that is found, so it is never recalled.
        if matches!(check.judge, Judge::Component(..)) {
            return judge(&mut Report { check, object: index, failures, undecided });
        }
        if memory.recalls(check) {
            return recalled.push((failures.len(), check));
        }
        let report = &mut Report { check, object: index, failures, undecided };
        if memory.watch(check, &mut || judge(report)) {
            looking.push(check);
        }
    };
    let found = embedded::find(object);
    let objects: Vec<_> = found.embedded.iter().filter_map(Embedded::object).collect();
    // Most objects hold no other.
    let graph_within =
        (!objects.is_empty()).then(|| Graph::new(&objects, Completeness::SingleObject));
    let within = Within { found: &found, graph: graph_within.as_ref(), components };
    within.meet(checks, met);
    if object.group() == GROUP {
        judge_rbac(checks, object, graph, met, &mut run);
    }
    judge_rights_within(checks, &within, &mut run);
    let searched = OnceCell::new();
    let whole = Whole { object, graph, components, searched: &searched };
    judge_workload(checks, index, &whole, &within, met, &mut run);
    judge_components(checks, index, object, graph, met, &mut run);
    judge_components_within(checks, &within, met, &mut run);
    judge_whole(checks, &whole, &within, met, &mut run);
}

/// Runs a check with a report of its own.
type Run<'r> = dyn FnMut(&'static Check, &dyn Fn(&mut Report<'_>)) + 'r;

fn judge_rbac<'a>(
    checks: &Index,
    object: &'a Object<'a>,
    graph: &'a Graph<'a>,
    met: &mut Met,
    run: &mut Run<'_>,
) {
    if is_kind(object, ["Role", "ClusterRole"]) {
        let rules: Vec<_> = rules(object).collect();
        let by_name = is_judged_by_name(object);
        met.rules |= !rules.is_empty();
        for check in &checks.rules {
            let Judge::Rule(judge) = check.judge else { continue };
            if by_name && catalogue::JUDGED_BY_NAME.contains(&check.id) {
                continue;
            }
            run(check, &|report| rules.iter().for_each(|rule| judge(rule, report)));
        }
    } else if is_kind(object, ["RoleBinding", "ClusterRoleBinding"])
        && let Some(binding) = Binding::new(object, graph)
    {
        met.bindings = true;
        for check in &checks.bindings {
            let Judge::Binding(judge) = check.judge else { continue };
            run(check, &|report| judge(&binding, report));
        }
    }
}

/// Whether an object is of one of two kinds of RBAC. The API server refuses a kind in the wrong case. That
/// mistake should not hide what else is wrong.
fn is_kind(object: &Object<'_>, kinds: [&str; 2]) -> bool {
    object.group() == GROUP && kinds.iter().any(|kind| kind.eq_ignore_ascii_case(object.kind()))
}

/// Roles and bindings lie in objects that are none.
fn judge_rights_within(checks: &Index, within: &Within<'_>, run: &mut Run<'_>) {
    let (has_roles, has_bindings) = within.has_rights();
    let of_rules = checks.rules.iter().filter(|_| has_roles);
    let of_bindings = checks.bindings.iter().filter(|_| has_bindings);
    for check in of_rules.chain(of_bindings) {
        run(check, &|report| within.judge(report));
    }
}

/// Whether the checks on reserved names stand in for those on the greatest powers. The roles for people that
/// come with every cluster have these powers by design.
fn is_judged_by_name(role: &Object<'_>) -> bool {
    let is_for_people = role.kind() == "ClusterRole" && names::is_powerful_default(role.name());
    is_for_people || names::is_reserved(role.name())
}

fn judge_workload<'a>(
    checks: &Index,
    index: usize,
    whole: &Whole<'a>,
    within: &Within<'_>,
    met: &mut Met,
    run: &mut Run<'_>,
) {
    let Whole { object, graph, components, .. } = *whole;
    let nodes = graph.pods_of(index);
    let found = workload::pod_parts(object);
    let is_none = nodes.is_empty() && found.is_empty() && !workload::is_workload(object);
    if is_none && !within.has_pods() {
        return;
    }
    let pods: Vec<Pod<'_>> =
        nodes.iter().map(|node| Pod { object, spec: &node.spec, graph, components }).collect();
    let parts: Vec<Pod<'_>> =
        found.iter().map(|spec| Pod { object, spec, graph, components }).collect();
    met.workloads |= !pods.is_empty() || workload::is_workload(object);
    met.pods |= !(pods.is_empty() && parts.is_empty()) || within.has_pods();
    met.containers |= pods.iter().chain(&parts).any(|pod| pod.containers().next().is_some());
    met.containers |= within.has_pods();
    for check in &checks.workloads {
        match check.judge {
            Judge::Pod(_) | Judge::Container(_) => run(check, &|report| {
                judge_pods(&pods, &parts, within, report);
            }),
            Judge::Workload(judge) if !pods.is_empty() || workload::is_workload(object) => {
                run(check, &|report| judge(whole, report));
            }
            _ => {}
        }
    }
}

/// Runs a check on pods or containers over the pods of an object, parts of pods, and pods in its texts.
fn judge_pods(pods: &[Pod<'_>], parts: &[Pod<'_>], within: &Within<'_>, report: &mut Report<'_>) {
    let judge = report.check.judge;
    let of = |pod: &Pod<'_>, report: &mut Report<'_>| match judge {
        Judge::Pod(judge) => judge(pod, report),
        Judge::Container(judge) => pod.containers().for_each(|it| judge(&it, report)),
        _ => {}
    };
    pods.iter().for_each(|pod| of(pod, report));
    report.written_in(parts, &of);
    within.judge(report);
}

fn judge_components<'a>(
    checks: &Index,
    index: usize,
    object: &'a Object<'a>,
    graph: &'a Graph<'a>,
    met: &mut Met,
    run: &mut Run<'_>,
) {
    for configuration in &configurations(graph, index) {
        met.components.insert(configuration.component);
        let of_it = checks.components.get(&configuration.component);
        for check in of_it.map(Vec::as_slice).unwrap_or_default() {
            let Judge::Component(_, judge) = check.judge else { continue };
            run(check, &|report| judge(&Configured { object, graph, configuration }, report));
        }
    }
}

fn judge_components_within(checks: &Index, within: &Within<'_>, met: &mut Met, run: &mut Run<'_>) {
    for found in &within.configurations() {
        let component = found.1.component;
        met.components.insert(component);
        let of_it = checks.components.get(&component);
        for check in of_it.map(Vec::as_slice).unwrap_or_default() {
            let Judge::Component(_, judge) = check.judge else { continue };
            run(check, &|report| within.judge_configured(found, judge, report));
        }
    }
}

fn judge_whole(
    checks: &Index,
    whole: &Whole<'_>,
    within: &Within<'_>,
    met: &mut Met,
    run: &mut Run<'_>,
) {
    let kind = (whole.object.group(), whole.object.kind());
    let of_kind = checks.kinds.get(&kind).map(Vec::as_slice).unwrap_or_default();
    met.object(kind, of_kind);
    for check in of_kind.iter().chain(&checks.any) {
        if let Judge::Object(_, judge) | Judge::Any(judge) = check.judge {
            run(check, &|report| {
                judge(whole, report);
                within.judge(report);
            });
        }
    }
    let of_kinds_within = within.checks_of_kinds(checks);
    if of_kinds_within.is_empty() {
        return;
    }
    // Each once, also where the object around has it and several objects within have.
    let mut done: BTreeSet<_> = of_kind.iter().map(|check| check.id).collect();
    for check in of_kinds_within {
        if done.insert(check.id) {
            run(check, &|report| within.judge(report));
        }
    }
}

#[cfg(test)]
mod tests;
