//! The audit rules: how one is written, and the list of all.
//!
//! A rule is one entry of one list below: its metadata, the requests that it looks at, and a function that
//! says what such a request gives away. Adding a rule is adding an entry; the listing, the documentation
//! and the tests of its examples follow from it.

use airside_types::{Entity, NamedValue, Severity};

use super::request::{Outcome, Request};
use super::sign::Sign;
use crate::command;
use crate::rule::Rule;

mod access;
mod addresses;
mod admission_policies;
mod audit_log;
mod bindings;
mod carriers;
mod clouds;
mod confinement;
mod credentials;
mod delivery;
mod devices;
mod disguise;
mod diversions;
mod execution;
mod exposure;
mod guards;
mod hands;
mod host_paths;
mod identity;
mod inventory;
mod judged;
mod mesh;
mod network;
mod nodes;
mod objects;
mod openshift;
mod persistence;
mod platforms;
mod pods;
mod policy;
mod roles;
mod secret_stores;
mod secrets;
mod sidecars;
mod under_a_name;
mod unread;
mod upkeep;
mod words;
mod workloads;

/// All rules for audit events, by theme.
pub(super) static ALL: &[&[Definition]] = &[
    access::RULES,
    identity::RULES,
    addresses::RULES,
    secrets::RULES,
    secret_stores::RULES,
    credentials::RULES,
    execution::RULES,
    pods::RULES,
    host_paths::RULES,
    confinement::RULES,
    workloads::RULES,
    disguise::RULES,
    sidecars::RULES,
    persistence::RULES,
    nodes::RULES,
    upkeep::RULES,
    devices::RULES,
    policy::RULES,
    guards::RULES,
    platforms::RULES,
    carriers::RULES,
    clouds::RULES,
    delivery::RULES,
    diversions::RULES,
    mesh::RULES,
    openshift::RULES,
    admission_policies::RULES,
    roles::RULES,
    bindings::RULES,
    network::RULES,
    exposure::RULES,
    objects::RULES,
    audit_log::RULES,
    inventory::RULES,
    unread::RULES,
    under_a_name::RULES,
];

pub(super) use judged::{STANDS_FOR, pod_checks};
pub(crate) use nodes::UNSCHEDULABLE;
pub(crate) use secrets::READ as SECRET_READ;
pub(super) use under_a_name::told_under_a_name;

/// Whether a rule says what is no part of any attack by itself: that an ordinary object was made or deleted, or an
/// image named without its digest, as most are.
pub(super) fn is_ordinary(id: &str) -> bool {
    id == workloads::NO_DIGEST || inventory::RULES.iter().any(|definition| definition.rule.id == id)
}

/// A rule with its code.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) rule: Rule,
    /// The requests that it looks at.
    pub(super) on: On,
    /// The answers that it looks at.
    pub(super) ended: Ended,
    /// What a request gives away, if anything.
    pub(super) when: fn(&Request<'_>) -> Option<Firing>,
}

/// The requests that a rule looks at.
#[derive(Debug)]
pub(super) enum On {
    /// Requests with one of the verbs for one of the resources, written `pods`, `pods/exec`,
    /// `deployments.apps` or `deployments.apps/scale`: plural, API group where it is not the core group,
    /// subresource. Other groups may have resources of the same name, which are other things.
    Resources(&'static [&'static str], &'static [&'static str]),
    /// The same, and whatever writes an object of a custom resource: it may hold pods as well.
    Workloads(&'static [&'static str], &'static [&'static str]),
    /// Requests that other rules have left alone because of a name that nothing proves.
    LeftAlone,
    /// Requests of which a part is not known, after all other rules have looked.
    Unread,
    /// Requests that have all of these signs, whatever they are for: for rules about who asks.
    Signs(&'static [Sign]),
}

/// The answers that a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// What was asked for was done.
    Done,
    /// The API server refused.
    Refused,
    /// Either.
    Either,
}

impl Ended {
    pub(super) fn allows(self, outcome: Outcome) -> bool {
        match self {
            Self::Done => outcome == Outcome::Done,
            Self::Refused => matches!(outcome, Outcome::Forbidden | Outcome::Unauthenticated),
            Self::Either => true,
        }
    }
}

/// Verbs that read.
const READS: &[&str] = &["get", "list", "watch"];
/// Verbs that bring an object into being.
const CREATE: &[&str] = &["create"];
/// Verbs that write an object's fields.
const WRITE: &[&str] = &["create", "update", "patch"];
/// Verbs that change an object that is there.
const MODIFY: &[&str] = &["update", "patch"];
/// Verbs that take objects away.
const DELETE: &[&str] = &["delete", "deletecollection"];

/// The longest value that is kept with a detection, in characters.
const MAX_VALUE_CHARS: usize = 400;
/// How many values and targets a detection may have.
const MAX_VALUES: usize = 12;

/// What a rule has to say about a request.
#[derive(Debug)]
pub(crate) struct Firing {
    pub(crate) deed: String,
    pub(crate) severity: Option<Severity>,
    pub(crate) values: Vec<NamedValue>,
    pub(crate) targets: Vec<Entity>,
}

impl Firing {
    /// The rule fires, because the actor did this: `listed the secrets of all namespaces`.
    pub(crate) fn new(deed: impl Into<String>) -> Self {
        Self { deed: deed.into(), severity: None, values: Vec::new(), targets: Vec::new() }
    }

    /// With another severity than the rule's usual one.
    pub(crate) fn at(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// With a value that made it fire; credentials in it are hidden.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if self.values.len() < MAX_VALUES {
            let value = command::shown(value, MAX_VALUE_CHARS);
            self.values.push(NamedValue { name: name.to_owned(), value });
        }
        self
    }

    /// Acting upon another entity than the one that the path names.
    fn on(mut self, target: Entity) -> Self {
        if self.targets.len() < MAX_VALUES {
            self.targets.push(target);
        }
        self
    }
}

/// The kind of the object that a request is about; of a custom resource, as its body says.
fn kind_of<'r>(request: &'r Request<'_>) -> &'r str {
    let resource = request.resource();
    let own = || request.body().get("kind").and_then(airside_k8s::Value::as_str);
    match super::kind::of(resource) {
        kind if kind != resource => kind,
        plural => own().unwrap_or(plural),
    }
}
