//! What checks met: which parts of objects the input has, and so which checks had something to look at.

use std::collections::BTreeSet;

use airside_k8s::component::Component;

use crate::catalogue;
use crate::check::{Check, Judge};

/// The parts of objects that an input has.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Met {
    pub(super) workloads: bool,
    pub(super) pods: bool,
    pub(super) containers: bool,
    pub(super) rules: bool,
    pub(super) bindings: bool,
    pub(super) components: BTreeSet<Component>,
    kinds: BTreeSet<(&'static str, &'static str)>,
    any: bool,
}

impl Met {
    /// Notes an object of a kind, at which these checks look.
    pub(super) fn object(&mut self, kind: (&str, &str), checks: &[&'static Check]) {
        self.any = true;
        if let Some(Judge::Object(kinds, _)) = checks.first().map(|check| check.judge) {
            self.kinds.extend(kinds.iter().find(|it| **it == kind));
        }
    }

    /// Adds what others met.
    pub(crate) fn add(&mut self, other: &Self) {
        self.workloads |= other.workloads;
        self.pods |= other.pods;
        self.containers |= other.containers;
        self.rules |= other.rules;
        self.bindings |= other.bindings;
        self.any |= other.any;
        self.components.extend(&other.components);
        self.kinds.extend(&other.kinds);
    }

    /// The checks that look at one of these parts.
    pub(crate) fn checks(&self) -> BTreeSet<&'static str> {
        catalogue::all().filter(|check| self.has_met(check)).map(|check| check.id).collect()
    }

    fn has_met(&self, check: &Check) -> bool {
        match check.judge {
            Judge::Pod(_) => self.pods,
            Judge::Container(_) => self.containers,
            Judge::Workload(_) => self.workloads,
            Judge::Rule(_) => self.rules,
            Judge::Binding(_) => self.bindings,
            Judge::Component(component, _) => self.components.contains(&component),
            Judge::Object(kinds, _) => kinds.iter().any(|kind| self.kinds.contains(kind)),
            Judge::Any(_) => self.any,
            Judge::Reported => false,
        }
    }
}
