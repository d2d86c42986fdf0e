//! Runs a few checks on pods over one object alone, as often as requests write one.
//!
//! For detections about workloads: they ask of what is sent to an API server what the catalogue asks of a
//! manifest, so nothing is judged twice. The rest of the catalogue is not run, and nothing else than the object is known.

use std::collections::BTreeMap;

use airside_k8s::embedded::{self, Embedded};
use airside_k8s::{Completeness, Graph, Object, workload};
use airside_vulnerability::Components;

use super::within::Within;
use super::{Failure, Report, judge_pods};
use crate::catalogue;
use crate::check::{Check, Judge};
use crate::subject::Pod;

/// Some checks of the catalogue on pods and containers.
#[derive(Debug)]
pub struct PodChecks(Vec<&'static Check>);

impl PodChecks {
    /// The checks with these ids. What is no check on pods or containers is left out.
    pub fn of(ids: &[&str]) -> Self {
        let is_chosen = |check: &&&Check| {
            matches!(check.judge, Judge::Pod(_) | Judge::Container(_)) && ids.contains(&check.id)
        };
        Self(catalogue::index().workloads.iter().filter(is_chosen).copied().collect())
    }

    /// The ids of the checks, in the order of the catalogue.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|check| check.id)
    }

    /// What fails in the pods that an object would start, in parts of pods and in pods in its texts. The index of the
    /// object is 0. A check that asks for other objects has no place here: it would find none.
    pub fn failures(&self, object: &Object<'_>) -> Vec<Failure> {
        let specs = workload::pod_specs(object);
        let parts = workload::pod_parts(object);
        let found = embedded::find(object);
        if specs.is_empty() && parts.is_empty() && found.embedded.is_empty() {
            return Vec::new();
        }
        let components = Components::embedded();
        let inner: Vec<_> = found.embedded.iter().filter_map(Embedded::object).collect();
        let inner = (!inner.is_empty()).then(|| Graph::new(&inner, Completeness::SingleObject));
        let within = Within { found: &found, graph: inner.as_ref(), components };
        // The checks ask nothing of it.
        Graph::with_nothing(|graph| {
            let pod = |spec| Pod { object, spec, graph, components };
            let (pods, parts) = (specs.iter().map(pod), parts.iter().map(pod));
            self.failures_of(&pods.collect::<Vec<_>>(), &parts.collect::<Vec<_>>(), &within)
        })
    }

    fn failures_of(
        &self,
        pods: &[Pod<'_>],
        parts: &[Pod<'_>],
        within: &Within<'_>,
    ) -> Vec<Failure> {
        let (mut failures, mut undecided) = (Vec::new(), BTreeMap::new());
        for check in &self.0 {
            let (failures, undecided) = (&mut failures, &mut undecided);
            let mut report = Report { check, object: 0, failures, undecided };
            judge_pods(pods, parts, within, &mut report);
        }
        failures
    }
}

#[cfg(test)]
mod tests {
    use airside_k8s::json;

    use super::*;

    #[test]
    fn the_chosen_checks_say_what_the_catalogue_says_and_the_others_nothing() {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web" },
            "spec": {
                "hostPID": true, "hostIPC": true,
                "containers": [{ "name": "web", "securityContext": { "privileged": true } }],
            },
        });
        let object = Object::new(&pod).unwrap();
        let checks = PodChecks::of(&["host-pid", "privileged-container", "cluster-admin-binding"]);
        let ids: Vec<_> = checks.ids().collect();
        assert_eq!(ids, ["host-pid", "privileged-container"]);
        let whole = crate::evaluate(&[object], Completeness::SingleObject).failures;
        let expected: Vec<_> = whole.into_iter().filter(|it| ids.contains(&it.check.id)).collect();
        assert_eq!(checks.failures(&object), expected);
        assert_eq!(expected.len(), 2);
    }
}
