//! What is known of a cluster's bindings being used, and what follows from it: which were granted and never used.
//!
//! Owns when a binding is accused: never where its use is unknown, or was looked at for less than [`MONTH`]. Which requests
//! a binding allowed is learnt from the audit log, by others; the text of the check is the catalogue's.

use std::collections::BTreeMap;
use std::time::Duration;

use airside_k8s::rbac::{Bearer, GROUP, names, role_of, subjects};
use airside_k8s::{Object, Value};
use airside_types::{Cluster, Entity, EntityKey, FieldPath, ObjectRef, Timestamp, UsedGrant};

use crate::catalogue::UNUSED_BINDING;
use crate::check_in::Terms;
use crate::evaluate::Failure;

/// For how long use has to be looked at, and a binding to be there unused, before it is accused: what happens once a
/// month is seen then.
pub const MONTH: Duration = Duration::from_hours(30 * 24);

const BOOTSTRAPPING: &str = "kubernetes.io/bootstrapping";
const UNKNOWN_AGE: &str =
    "since when a binding is granted is not known: name the cluster's bindings to `airside access`";
const INCOMPLETE: &str = "more bindings were used than are remembered";

/// Which bindings of a cluster allowed requests, as far as its audit log was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantUse {
    /// What people call the cluster, where that does not follow from what is judged.
    cluster: Option<Cluster>,
    since: Timestamp,
    until: Timestamp,
    incomplete: bool,
    used: BTreeMap<EntityKey, Timestamp>,
    granted: BTreeMap<EntityKey, Timestamp>,
}

/// What is to be said of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is no binding that people grant.
    NotGranted,
    /// Requests need it, or it is not there for long.
    Needed,
    /// No request needed it, as the sentence says.
    Idle(String),
    /// Nobody knows.
    Unknown(&'static str),
}

impl GrantUse {
    /// What was used since a time. Until when that is known is the last use of whatever binding: a cluster of which
    /// events arrive uses some all the time, so that a log that ended accuses nobody.
    pub fn new(since: Timestamp, grants: &[UsedGrant], incomplete: bool) -> Self {
        let mut used = BTreeMap::new();
        for grant in grants {
            let last = used.entry(key(&grant.binding)).or_insert(grant.last);
            *last = grant.last.max(*last);
        }
        let until = used.values().copied().max().unwrap_or(since).max(since);
        Self { cluster: None, since, until, incomplete, used, granted: BTreeMap::new() }
    }

    /// Names the cluster in what is said: manifests do not tell which one they are held against.
    pub fn of_cluster(self, cluster: Cluster) -> Self {
        Self { cluster: Some(cluster), ..self }
    }

    /// Notes since when a binding is granted, which objects in files do not say.
    pub fn note_granted(&mut self, binding: &ObjectRef, since: Timestamp) {
        self.granted.insert(key(binding), since);
    }

    /// For how long use was looked at.
    pub const fn looked_at(&self) -> Duration {
        self.until.distance(self.since)
    }

    /// Whether that is long enough to accuse a binding.
    pub fn is_long_enough(&self) -> bool {
        self.looked_at() >= MONTH
    }

    /// Whether it is known if an object is needed. What is no binding that people grant needs no knowledge.
    fn tells_of(&self, object: &Object<'_>) -> bool {
        !matches!(self.of(object), Use::Unknown(_))
    }

    /// What is to be said of an object.
    pub(crate) fn of(&self, object: &Object<'_>) -> Use {
        let is_binding = matches!(object.kind(), "ClusterRoleBinding" | "RoleBinding");
        if object.group() != GROUP || !is_binding || is_own(object) {
            return Use::NotGranted;
        }
        if !self.is_long_enough() {
            return Use::Unknown("use of bindings was looked at for less than 30 days");
        }
        let key = key(&object.object_ref());
        let used = self.used.get(&key).copied();
        let Some(granted) = object.created().or_else(|| self.granted.get(&key).copied()) else {
            return used
                .map_or(Use::Unknown(UNKNOWN_AGE), |last| self.idle(last, Some(last), object));
        };
        if used.is_none() && self.incomplete {
            return Use::Unknown(INCOMPLETE);
        }
        // What one of its name allowed before it was there is not its use.
        let last = used.filter(|last| *last >= granted);
        self.idle(granted, last, object)
    }

    /// What is to be said of a binding that is granted since a time, and was last used then. It says the same until that
    /// changes: a sentence with the count of days would be another one each day, and so a revision of the finding.
    fn idle(&self, granted: Timestamp, last: Option<Timestamp>, object: &Object<'_>) -> Use {
        let from = last.unwrap_or(granted).max(self.since);
        let idle = if self.until > from { self.until.distance(from) } else { Duration::ZERO };
        if idle < MONTH {
            return Use::Needed;
        }
        let role = role_of(object).map(|(kind, name)| format!("{kind} `{name}`"));
        let role = role.unwrap_or_else(|| "no role".to_owned());
        let what = match last {
            Some(_) => "its last use",
            None if granted > self.since => "when it was granted",
            None => "when the audit log was first looked at",
        };
        let (name, day) = (object.name(), day(from));
        let at = self.cluster.as_ref().map(|name| format!(" in cluster `{name}`"));
        let at = at.unwrap_or_default();
        Use::Idle(format!(
            "binding `{name}` grants {role}, and no request{at} needed it since {day}, {what}"
        ))
    }
}

/// The check that rests on this, by its id.
pub const CHECK: &str = UNUSED_BINDING.id;

/// Whether these terms say of an object if it is needed. Where not, an absent finding says nothing: one of before is
/// neither fixed nor new.
pub fn is_known(terms: &Terms<'_>, object: &Object<'_>) -> bool {
    !terms.selection.takes(&UNUSED_BINDING)
        || terms.grant_use.is_some_and(|known| known.tells_of(object))
}

/// The failure of the check on an object, where use is known.
pub(crate) fn failure(known: Option<&GrantUse>, object: &Object<'_>, at: usize) -> Option<Failure> {
    match known?.of(object) {
        Use::Idle(message) => {
            let field = FieldPath::of(&["roleRef", "name"]);
            Some(Failure { check: &UNUSED_BINDING, object: at, field, message })
        }
        _ => None,
    }
}

/// Whether Kubernetes makes a binding for itself, or it is for Kubernetes' own components alone. Some of these are
/// allowed before RBAC is asked (`system:masters`, nodes), some only act when something breaks.
fn is_own(binding: &Object<'_>) -> bool {
    let name = binding.name();
    let label = binding.labels().and_then(|labels| labels.get(BOOTSTRAPPING));
    let is_made = names::is_reserved(name)
        || name.starts_with("kubeadm:")
        || (binding.kind() == "ClusterRoleBinding" && name == "cluster-admin")
        || label.and_then(Value::as_str).is_some();
    let mut bearers = subjects(binding).map(|(_, bearer)| bearer).peekable();
    is_made || bearers.peek().is_some() && bearers.all(is_component)
}

fn is_component(bearer: Bearer<'_>) -> bool {
    match bearer {
        // Groups of everybody, or of all service accounts, are no component's.
        Bearer::Group(name) => {
            name.starts_with("system:")
                && !name.starts_with("system:serviceaccounts")
                && !matches!(name, "system:authenticated" | "system:unauthenticated")
        }
        Bearer::User(name) => name.starts_with("system:") && name != "system:anonymous",
        Bearer::ServiceAccount(namespace, name) => {
            namespace == Some("kube-system") && names::is_controller(name)
        }
    }
}

fn key(binding: &ObjectRef) -> EntityKey {
    Entity::Object(binding.clone()).name_key()
}

/// The day of a time, as `2026-03-02`.
fn day(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests;
