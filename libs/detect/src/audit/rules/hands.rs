//! In whose hands a request is: what programs do all day for a repository, people hardly ever do by hand.

use airside_types::Severity;

use super::super::actor::Actor;
use super::super::client;
use super::super::request::Request;
use super::guards::watches;

/// How much a deed weighs in whose hands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hands {
    /// A person's, with whatever tool but those that put up what a repository declares.
    pub(super) person: Severity,
    /// A platform's; low at least where it only says to be a program.
    pub(super) program: Severity,
}

impl Hands {
    /// What people do not do by hand, and what is no news of a program.
    pub(super) const RARE: Self = Self { person: Severity::Medium, program: Severity::Info };

    /// Of objects that people do make by hand now and then: one that is there and is changed weighs more than a new one, or
    /// one that is applied as a whole, of which it is not known what changes.
    pub(super) fn for_new_or_changed(request: &Request<'_>) -> Self {
        let is_usual = request.is_of_new_object() || request.applies_whole();
        let person = if is_usual { Severity::Low } else { Severity::Medium };
        Self { person, program: Severity::Info }
    }

    /// Of what people do by hand only by mistake. What is applied as a whole may be as it was.
    pub(super) fn for_changed(request: &Request<'_>) -> Self {
        let person = if request.applies_whole() { Severity::Low } else { Severity::Medium };
        Self { person, ..Self::RARE }
    }

    /// A workload's own token in somebody's hands is stolen, or a pipeline's that uses a person's tools: more than a person.
    /// With the client of a program it may be stolen as well, where it is no platform's; and a person may say that a tool does
    /// what they do.
    pub(super) fn weigh(self, request: &Request<'_>) -> Severity {
        match () {
            () if request.is_workload_by_hand() => raised(self.person),
            () if is_by_person(request) => self.person,
            () if is_by_platform(request) => self.program,
            () => self.program.max(Severity::Low),
        }
    }

    /// The same, and nothing where it is a note: of deeds that programs do too often to be told.
    pub(super) fn unless_usual(self, request: &Request<'_>) -> Option<Severity> {
        Some(self.weigh(request)).filter(|severity| *severity > Severity::Info)
    }
}

fn raised(severity: Severity) -> Severity {
    match severity {
        Severity::Info => Severity::Low,
        Severity::Low => Severity::Medium,
        Severity::Medium => Severity::High,
        Severity::High | Severity::Critical => Severity::Critical,
    }
}

/// A client that does not say what it is, or says something unknown, is a person's: it costs nothing to say something else.
fn is_by_person(request: &Request<'_>) -> bool {
    let is_somebody = match request.actor() {
        // The machinery's own credentials in a person's tool are somebody's.
        Actor::ServiceAccount { .. } | Actor::Component(_) => request.client().is_by_hand(),
        Actor::User(_) | Actor::Node(_) | Actor::Anonymous | Actor::Unauthenticated => {
            !client::is_deployer(&request.event().user_agent)
        }
    };
    is_as_person(request) || is_somebody
}

/// Whether whoever asked did so as a person, as consoles and gateways do for those who use them; delivery tools act as service
/// accounts.
fn is_as_person(request: &Request<'_>) -> bool {
    let user = request.event().impersonated_user.as_ref();
    user.is_some_and(|user| !user.username.starts_with("system:serviceaccount:"))
}

/// Whether it is the cluster's own machinery, or an account that is a platform's, or that writes where it lives.
fn is_by_platform(request: &Request<'_>) -> bool {
    let namespace = match request.actor() {
        Actor::ServiceAccount { namespace, .. } => namespace,
        Actor::Component(_) => return true,
        Actor::User(_) | Actor::Node(_) | Actor::Anonymous | Actor::Unauthenticated => {
            return false;
        }
    };
    let profile = request.profile();
    const FAMILIES: [&str; 4] = ["capi-", "cattle-", "kubevirt", "openshift-"];
    request.is_in_own_namespace()
        || FAMILIES.iter().any(|family| namespace.starts_with(family))
        || profile.is_sensitive_namespace(namespace)
        || watches(namespace, "")
}

/// Whether a request writes more of an object than what it is called and labelled: where the event has no body, it may.
pub(super) fn writes_content(request: &Request<'_>) -> bool {
    const NAMES: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];
    let change = request.change();
    let set = change.set().as_object();
    let sets = set.is_some_and(|fields| fields.iter().any(|(key, _)| !NAMES.contains(&key)));
    let mut removed = change.removed().iter().map(ToString::to_string);
    let removes = removed.any(|path| !path.starts_with("metadata"));
    request.event().request_object.is_none() || sets || removes
}
