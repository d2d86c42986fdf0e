//! What the cluster's own machinery is known to do, so that it is quiet when it does that, and only then.
//!
//! A username is not trust: whoever gets a controller's token, or a certificate with a component's name, has
//! the name. What an identity is not known to do is judged as anybody's deed. No user agent is believed;
//! one of a person's tool ends all trust.

use airside_k8s::rbac::names;

use super::actor::Actor;
use super::request::Request;
use crate::profile::{ClusterProfile, Provider};

mod deeds;

use deeds::{ADD_ONS, COMPONENTS, CONTROLLERS, Deed, NODE, PROVIDERS};

/// What a request is, by who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Of somebody who has to account for it.
    Anybodys,
    /// Of the cluster's own machinery, which is known to do this.
    Machinery,
    /// The same, if the cluster is run by the provider whose component has this name. Nobody said so.
    PerhapsMachinery,
    /// Of somebody with a name of the machinery, who does what the machinery is not known to do; and the
    /// event has no groups that would prove or refute the name.
    NameAlone,
}

impl Standing {
    /// The standing of a request.
    pub(super) fn of(request: &Request<'_>) -> Self {
        match Self::by_deed(request) {
            Self::Anybodys if is_name_alone(request) => Self::NameAlone,
            standing => standing,
        }
    }

    fn by_deed(request: &Request<'_>) -> Self {
        let event = request.event();
        if request.client().is_by_hand() || event.impersonated_user.is_some() {
            return Self::Anybodys;
        }
        let any = |deeds: &[Deed]| deeds.iter().any(|deed| deed.is(request));
        let known = match request.actor() {
            Actor::Node(_) => any(NODE),
            Actor::ServiceAccount { namespace: "kube-system", name } => {
                CONTROLLERS.iter().any(|(controller, deeds)| *controller == name && any(deeds))
            }
            Actor::Component(name) => return Self::of_component(name, request),
            _ => false,
        };
        if known { Self::Machinery } else { Self::Anybodys }
    }

    fn of_component(name: &str, request: &Request<'_>) -> Self {
        let any = |deeds: &[Deed]| deeds.iter().any(|deed| deed.is(request));
        // Controllers that have no credential of their own act as their manager.
        let as_manager = name == "system:kube-controller-manager"
            && CONTROLLERS.iter().any(|(_, deeds)| any(deeds));
        let own = COMPONENTS.iter().any(|(component, deeds)| *component == name && any(deeds));
        if as_manager || own {
            return Self::Machinery;
        }
        let of_provider = PROVIDERS.iter().any(|(provider, component, deeds)| {
            provider_of(name) == Some(*provider) && named(component, name) && any(deeds)
        });
        let provider = provider_of(name).filter(|_| of_provider || any_add_on(name, request));
        match (provider, request.profile().provider) {
            (None, _) => Self::Anybodys,
            (Some(_), Provider::Unknown) => Self::PerhapsMachinery,
            (Some(own), said) if own == said => Self::Machinery,
            (Some(_), _) => Self::Anybodys,
        }
    }
}

/// Whether all that speaks for the machinery is the name.
fn is_name_alone(request: &Request<'_>) -> bool {
    let event = request.event();
    let is_named_so = match request.actor() {
        Actor::Component(_) | Actor::Node(_) => true,
        Actor::ServiceAccount { namespace, .. } => namespace == "kube-system",
        // What people took for the name of Google's agents before theirs had a project of its own.
        Actor::User(name) => {
            name.starts_with("container-engine-robot@")
                && name.ends_with(".iam.gserviceaccount.com")
        }
        Actor::Unauthenticated | Actor::Anonymous => false,
    };
    is_named_so
        && event.user.groups.is_empty()
        && event.impersonated_user.is_none()
        && !request.client().is_by_hand()
}

/// Components that keep a provider's add-ons up to date.
fn any_add_on(name: &str, request: &Request<'_>) -> bool {
    const KEEPERS: [&str; 6] = [
        "eks:addon-manager",
        "eks:cluster-bootstrap",
        "system:addon-manager",
        "aksService",
        "masterclient",
        "aks-",
    ];
    KEEPERS.iter().any(|keeper| named(keeper, name)) && ADD_ONS.iter().any(|deed| deed.is(request))
}

/// Whether a name is meant by one that may be the beginning of it.
fn named(known: &str, name: &str) -> bool {
    if known.ends_with([':', '-']) { name.starts_with(known) } else { name == known }
}

/// Beginnings of the names that a provider's components have.
const PROVIDER_NAMES: [(&str, Provider); 10] = [
    ("eks:", Provider::Eks),
    ("system:gke-", Provider::Gke),
    ("system:gcp-controller-manager", Provider::Gke),
    ("system:addon-manager", Provider::Gke),
    ("system:glbc", Provider::Gke),
    ("system:l7-lb-controller", Provider::Gke),
    ("aks-", Provider::Aks),
    ("aksService", Provider::Aks),
    ("masterclient", Provider::Aks),
    ("nodeclient", Provider::Aks),
];

/// The project that Google's own service agents for GKE belong to; nobody else can make accounts in it.
const GKE_AGENTS: &str = "@container-engine-robot.iam.gserviceaccount.com";

/// The provider whose component has a name.
pub(super) fn provider_of(name: &str) -> Option<Provider> {
    if name.ends_with(GKE_AGENTS) {
        return Some(Provider::Gke);
    }
    PROVIDER_NAMES.iter().find(|(known, _)| named(known, name)).map(|(_, provider)| *provider)
}

/// Whether a name is that of a component, of Kubernetes or of a provider that may run the cluster.
pub(super) fn is_component(name: &str, profile: Option<&ClusterProfile>) -> bool {
    let may_run = |provider| {
        let said = profile.map_or(Provider::Unknown, |profile| profile.provider);
        said == Provider::Unknown || said == provider
    };
    COMPONENTS.iter().any(|(component, _)| *component == name)
        || provider_of(name).is_some_and(may_run)
}

/// Whether a service account is one of kube-controller-manager's controllers.
pub(super) fn is_controller(namespace: &str, name: &str) -> bool {
    namespace == "kube-system" && names::is_controller(name)
}

#[cfg(test)]
mod tests;
