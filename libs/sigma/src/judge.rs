//! Whether an event can ever satisfy what a rule asks, as far as the rule alone tells.
//!
//! A rule that waits for what no event has looks like protection and is none. [`Judge`] walks a rule's condition,
//! collects what can never hold, and what the rule demands ([`Demand`]).

use std::collections::{HashMap, HashSet};

use airside_k8s::fields::at as value_at;
use airside_k8s::{Document, Map, Value};
use airside_types::FieldPath;
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Detections, Modifier, Quantifier, SigmaValue,
};

use crate::demand::{Demand, Dimension};
use crate::fields::kind_of;
use crate::values::impossible;

/// Something that no event satisfies, or hardly as meant.
#[derive(Debug)]
pub(crate) struct Remark {
    pub(crate) at: FieldPath,
    pub(crate) text: String,
}

/// What became of a rule's condition.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) demand: Demand,
    pub(crate) remarks: Vec<Remark>,
}

/// Judges the detection of a rule that stands in a document.
pub(crate) fn judge(detections: &Detections, document: &Document) -> Judgement {
    let mut judge = Judge { detections, document, remarks: Vec::new(), fields: Vec::new() };
    let demands: Vec<_> = detections.conditions.iter().map(|it| judge.condition(it)).collect();
    let demand = demands.into_iter().reduce(Demand::or).unwrap_or(Demand::Never);
    // A selection that stands in the condition twice is judged twice.
    let mut told = HashSet::new();
    let mut remarks = judge.remarks;
    remarks.retain(|it| told.insert((it.at.clone(), it.text.clone())));
    if matches!(demand, Demand::Never) && remarks.is_empty() {
        let text =
            "its parts demand different values of one field, so that no event can meet them all"
                .to_owned();
        remarks.push(Remark { at: FieldPath::of(&["detection", "condition"]), text });
    }
    for (at, field) in &judge.fields {
        let text = of_template(&demand, field);
        remarks.extend(text.map(|text| Remark { at: at.clone(), text }));
    }
    remarks.extend(habits(&demand));
    Judgement { demand, remarks }
}

struct Judge<'r> {
    detections: &'r Detections,
    document: &'r Document,
    remarks: Vec<Remark>,
    /// The fields asked for, each with its place.
    fields: Vec<(FieldPath, String)>,
}

impl Judge<'_> {
    fn condition(&mut self, condition: &ConditionExpr) -> Demand {
        match condition {
            ConditionExpr::And(parts) => {
                let parts: Vec<_> = parts.iter().map(|it| self.condition(it)).collect();
                parts.into_iter().fold(Demand::anything(), Demand::and)
            }
            ConditionExpr::Or(parts) => {
                let parts: Vec<_> = parts.iter().map(|it| self.condition(it)).collect();
                parts.into_iter().fold(Demand::Never, Demand::or)
            }
            ConditionExpr::Not(part) => {
                self.condition(part);
                Demand::anything()
            }
            ConditionExpr::Identifier(name) => self.selection(name),
            ConditionExpr::Selector { quantifier, pattern } => {
                let mut names: Vec<_> = self.detections.named.keys().collect();
                names.retain(|name| pattern.matches_detection_name(name));
                names.sort();
                let parts: Vec<_> = names.into_iter().map(|name| self.selection(name)).collect();
                match quantifier {
                    Quantifier::All => parts.into_iter().fold(Demand::anything(), Demand::and),
                    Quantifier::Count(0) => Demand::anything(),
                    _ => parts.into_iter().fold(Demand::Never, Demand::or),
                }
            }
        }
    }

    fn selection(&mut self, name: &str) -> Demand {
        let detections = self.detections;
        match detections.named.get(name) {
            Some(detection) => self.detection(detection, &FieldPath::of(&["detection", name])),
            None => {
                let text = format!("there is no selection `{name}`");
                let at = FieldPath::of(&["detection", "condition"]);
                self.remarks.push(Remark { at, text });
                Demand::Never
            }
        }
    }

    fn detection(&mut self, detection: &Detection, at: &FieldPath) -> Demand {
        match detection {
            Detection::AllOf(items) => {
                let keys = Keys::of(self.document, at);
                let parts: Vec<_> = items.iter().map(|it| self.item(it, &keys)).collect();
                parts.into_iter().fold(Demand::anything(), Demand::and)
            }
            Detection::And(parts) => {
                let parts: Vec<_> = parts.iter().map(|it| self.detection(it, at)).collect();
                parts.into_iter().fold(Demand::anything(), Demand::and)
            }
            Detection::AnyOf(parts) => {
                let parts = parts.iter().enumerate();
                let parts: Vec<_> =
                    parts.map(|(index, it)| self.detection(it, &at.index(index))).collect();
                parts.into_iter().fold(Demand::Never, Demand::or)
            }
            Detection::ArrayMatch { field, .. } => match kind_of(field) {
                Ok(_) => Demand::anything(),
                Err(text) => {
                    self.remarks.push(Remark { at: at.clone(), text });
                    Demand::Never
                }
            },
            Detection::Keywords(_) | Detection::Conditional { .. } => Demand::anything(),
        }
    }

    fn item(&mut self, item: &DetectionItem, keys: &Keys<'_>) -> Demand {
        let Some(field) = item.field.name.as_deref() else { return Demand::anything() };
        let at = keys.place(field);
        self.fields.push((at.clone(), field.to_owned()));
        let absent = asks_for_absence(item);
        match kind_of(field) {
            Err(text) if absent => {
                self.remarks.push(Remark { at, text: format!("this always holds: {text}") });
                Demand::anything()
            }
            Err(text) => {
                self.remarks.push(Remark { at, text });
                Demand::Never
            }
            Ok(kind) => match impossible(item, field, kind) {
                Some(found) => {
                    self.remarks.push(Remark { at, text: found.text });
                    if found.whole { Demand::Never } else { Demand::of_item(item) }
                }
                None => Demand::of_item(item),
            },
        }
    }
}

/// The keys of a selection, by the fields that they name: with their modifiers they are its places.
pub(crate) struct Keys<'d> {
    selection: &'d FieldPath,
    by_field: HashMap<&'d str, &'d str>,
}

impl<'d> Keys<'d> {
    pub(crate) fn of(document: &'d Document, selection: &'d FieldPath) -> Self {
        let mut by_field = HashMap::new();
        let map = value_at(&document.value, selection).and_then(Value::as_object);
        for key in map.into_iter().flat_map(Map::keys) {
            by_field.entry(key.split('|').next().unwrap_or(key)).or_insert(key);
        }
        Self { selection, by_field }
    }

    /// Where a field stands; the selection itself where it has no such key.
    pub(crate) fn place(&self, field: &str) -> FieldPath {
        let written = || self.by_field.get(&*field.replace("\\[", "[").replace("\\]", "]"));
        match self.by_field.get(field).or_else(written) {
            Some(key) => self.selection.key(key),
            None => self.selection.clone(),
        }
    }
}

fn asks_for_absence(item: &DetectionItem) -> bool {
    match item.field.modifiers.as_slice() {
        [Modifier::Exists] => matches!(item.values.as_slice(), [SigmaValue::Bool(false)]),
        [] => item.values.contains(&SigmaValue::Null),
        _ => false,
    }
}

/// What is wrong with a field of pods that is asked of objects which make pods.
fn of_template(demand: &Demand, field: &str) -> Option<String> {
    let resources = demand.on(Dimension::Resource)?;
    let below = field.strip_prefix("requestObject.spec.")?;
    let first = below.split(['.', '[']).next().unwrap_or(below);
    let is_of_pods = OF_PODS.contains(&first);
    let template = if resources.iter().all(|it| it == "cronjobs") {
        "jobTemplate.spec.template.spec"
    } else if resources.iter().all(|it| WORKLOADS.contains(&it.as_str())) {
        "template.spec"
    } else {
        return None;
    };
    is_of_pods.then(|| {
        format!("these objects hold their pods' fields in a template: write `requestObject.spec.{template}.{below}`")
    })
}

const WORKLOADS: [&str; 6] =
    ["daemonsets", "deployments", "jobs", "replicasets", "replicationcontrollers", "statefulsets"];
const OF_PODS: [&str; 9] = [
    "containers",
    "ephemeralContainers",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "initContainers",
    "securityContext",
    "serviceAccountName",
    "volumes",
];

/// What rules for Kubernetes often overlook.
fn habits(demand: &Demand) -> Vec<Remark> {
    let any_of = |dimension, values: &[&str]| {
        let demanded = demand.on(dimension);
        demanded.is_some_and(|it| values.iter().any(|value| it.contains(*value)))
    };
    let mut texts = Vec::new();
    let streams = any_of(Dimension::Subresource, &["exec", "attach", "portforward"]);
    if streams && any_of(Dimension::Verb, &["create"]) && !any_of(Dimension::Verb, &["get"]) {
        texts.push(
            "kubectl 1.31 and newer ask for exec, attach and portforward with the verb `get` (by WebSocket): write \
             `verb: [create, get]`",
        );
    }
    let has_subresources = any_of(Dimension::Resource, &["serviceaccounts", "pods"]);
    let creates = any_of(Dimension::Verb, &["create"]);
    if has_subresources && creates && demand.on(Dimension::Subresource).is_none() {
        texts.push(
            "creating `pods/exec`, `pods/eviction` or `serviceaccounts/token` counts as well: for the objects alone add \
             `objectRef.subresource: null`",
        );
    }
    let at = FieldPath::of(&["detection"]);
    texts.into_iter().map(|text| Remark { at: at.clone(), text: text.to_owned() }).collect()
}
