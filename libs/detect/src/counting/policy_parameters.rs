//! Parameters of admission policies that somebody changes: the policy stands as it stood, and lets pass what it refused.
//!
//! Which objects these are is learnt from the policies and bindings that were written while Airside looked; of others nothing
//! is said. What is written to policies and bindings themselves is AUD-R55.

use std::collections::BTreeSet;
use std::time::Duration;

use airside_types::attack::technique;
use airside_types::{Id, Rule, Severity, Source, Tactic, Timestamp};
use serde::{Deserialize, Serialize};

use super::deed::{Deed, Marks};
use super::rows::{Aged, Rows};
use crate::audit::{Firing, Part, kind};
use crate::rule::PLAUSIBLE;

pub(super) static RULE: Rule = Rule {
    id: "AUD-R55-parameters",
    version: 1,
    title: "Parameters of an admission policy changed or deleted",
    why: "A policy compares with what its parameters say: who changes them changes what passes, and the policy looks as it did.",
    next: "Compare the object with the version in the repository, and list what was admitted since that the policy would have refused.",
    severity: Severity::Medium,
    confidence: PLAUSIBLE,
    tactic: Tactic::DefenseEvasion,
    techniques: &[technique("T1562.001")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// The most policies and bindings of a cluster that are remembered; beyond it those that were written longest ago are
/// forgotten.
const MOST: usize = 1_000;
/// A policy that nobody writes stays in force: only [`MOST`] ends what is remembered of it.
const HORIZON: Duration = Duration::from_hours(24 * 365 * 100);
/// The most policies that a detection names.
const MOST_NAMED: usize = 4;

/// What is known of parameters.
#[derive(Debug)]
pub(super) struct Parameters {
    rows: Rows<Said>,
    /// The names of what bindings name, and of some of before: most requests are about none of them.
    names: BTreeSet<Box<str>>,
}

/// What a policy or a binding says of parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    /// The kind of the policy.
    of: Box<str>,
    /// The policy.
    policy: Box<str>,
    says: Says,
    /// When it was written, in nanoseconds since the Unix epoch.
    last: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Says {
    /// A policy: of which group and kind its parameters are; an empty kind where it has none.
    Kind(Box<str>, Box<str>),
    /// A binding: which object; in each namespace where it names none. An empty name where there is none.
    Object { namespace: Box<str>, name: Box<str> },
}

impl Aged for Said {
    fn last(&self) -> Timestamp {
        Timestamp::from_nanos(self.last)
    }
}

impl Parameters {
    pub(super) const fn new() -> Self {
        Self { rows: Rows::new(), names: BTreeSet::new() }
    }

    /// Takes a request in: what it says of parameters, or does to them.
    pub(super) fn look(&mut self, deed: &Deed<'_, '_>, is_authorised: bool) -> Option<Firing> {
        let is_written = deed.is(Marks::CHANGES) || deed.is(Marks::DELETES);
        if !deed.is(Marks::DONE) || !(is_written || deed.is(Marks::CREATES)) {
            return None;
        }
        if let Some((part, of)) = Part::of(deed.request) {
            self.learn(part, of, deed);
            return None;
        }
        if !is_written || is_authorised {
            return None;
        }
        self.changed(deed)
    }

    fn learn(&mut self, part: Part, of: &'static str, deed: &Deed<'_, '_>) {
        let request = deed.request;
        let said: Vec<&str> = deed.parameters().collect();
        let is_deleted = deed.is(Marks::DELETES);
        let nothing = Says::Object { namespace: "".into(), name: "".into() };
        let key = Id::builder("policy-parameters").text(of);
        let key = key.number(i64::from(part == Part::Binding)).text(request.name()).finish();
        let known = self.rows.get(key);
        let before = known.map_or("", |known| &*known.policy);
        let (policy, says) = match (part, &said[..]) {
            // What is deleted says nothing any more. Of many at once the names are not told, and what was said of them stays.
            _ if is_deleted => (before, nothing),
            (Part::Policy, [group, kind]) => {
                (request.name(), Says::Kind((*group).into(), (*kind).into()))
            }
            (Part::Binding, [policy, namespace, name]) => {
                let policy = if policy.is_empty() { before } else { *policy };
                (policy, Says::Object { namespace: (*namespace).into(), name: (*name).into() })
            }
            _ => return,
        };
        let is_known = known.is_some_and(|known| known.says == says && *known.policy == *policy);
        if is_known || known.is_none() && says.is_nothing() {
            return;
        }
        let last = deed.sighting.time.as_nanos();
        let row = Said { of: of.into(), policy: policy.into(), says, last };
        self.rows.put(key, row, HORIZON, MOST);
        self.names =
            self.rows.values().filter_map(|row| row.says.object()).map(Into::into).collect();
    }

    fn changed(&self, deed: &Deed<'_, '_>) -> Option<Firing> {
        let request = deed.request;
        let is_one = !request.name().is_empty();
        if self.names.is_empty() || is_one && !self.names.contains(request.name()) {
            return None;
        }
        // The status, the scale: nothing that a policy reads is written there by people.
        if !request.subresource().is_empty() || request.is_by_trusted_system() {
            return None;
        }
        let policies: BTreeSet<(&str, &str)> = self
            .rows
            .values()
            .filter(|row| row.says.names(request.namespace(), request.name()))
            .filter(|row| self.is_kind_of(row, (request.group(), request.resource())))
            .map(|row| (&*row.of, &*row.policy))
            .collect();
        let named = policies.iter().take(MOST_NAMED).map(|(of, name)| format!("{of} {name}"));
        let named = named.collect::<Vec<_>>().join(", ");
        let does = if deed.is(Marks::DELETES) { "deleted" } else { "changed" };
        // What brings a repository's version into a cluster does so by itself.
        let upkeep = request.actor().is_workload() && !request.client().is_by_hand();
        let severity = if upkeep { Severity::Low } else { Severity::Medium };
        let says = format!("{does} {}, the parameters of {named}", deed.object());
        let firing = || Firing::new(says).at(severity).with("policy", &named);
        (!policies.is_empty()).then(firing)
    }

    /// Whether the policy of a binding has parameters of a resource.
    fn is_kind_of(&self, binding: &Said, (group, resource): (&str, &str)) -> bool {
        self.rows.values().any(|row| {
            let Says::Kind(of_group, kind) = &row.says else { return false };
            row.of == binding.of
                && row.policy == binding.policy
                && **of_group == *group
                && is_plural(resource, kind)
        })
    }

    pub(super) fn restore(&mut self, key: Id, row: Said) {
        self.names.extend(row.says.object().map(Box::from));
        self.rows.restore(key, row);
    }

    /// The rows, to be kept.
    pub(super) const fn rows(&mut self) -> &mut Rows<Said> {
        &mut self.rows
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

impl Says {
    fn object(&self) -> Option<&str> {
        match self {
            Self::Object { name, .. } if !name.is_empty() => Some(name),
            _ => None,
        }
    }

    fn is_nothing(&self) -> bool {
        match self {
            Self::Kind(_, kind) => kind.is_empty(),
            Self::Object { name, .. } => name.is_empty(),
        }
    }

    /// Whether a binding names an object; of many at once their names are not told.
    fn names(&self, in_namespace: &str, what: &str) -> bool {
        let Self::Object { namespace, name } = self else { return false };
        let is_there =
            namespace.is_empty() || in_namespace.is_empty() || **namespace == *in_namespace;
        !name.is_empty() && is_there && (what.is_empty() || **name == *what)
    }
}

/// Whether a resource is that of a kind: an event of a custom resource tells its plural alone, and a policy its kind.
fn is_plural(resource: &str, named: &str) -> bool {
    if kind::of(resource) == named {
        return true;
    }
    let singular = named.to_ascii_lowercase();
    let rest = resource.strip_prefix(singular.as_str());
    let with_y = singular.strip_suffix('y').and_then(|stem| resource.strip_prefix(stem));
    !singular.is_empty() && (matches!(rest, Some("" | "s" | "es")) || with_y == Some("ies"))
}
