//! What a timeline is about: an actor or an object, as people name it.

use airside_detect::Intake;
use airside_detect::audit::{self, Event};
use airside_types::{Detection, Entity, ObjectRef};

/// An actor or an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    /// The usernames that are meant.
    users: Vec<String>,
    object: Option<Object>,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Object {
    kind: String,
    namespace: Option<String>,
    name: String,
}

impl Subject {
    /// What a text names: `alice`, `system:serviceaccount:shop:web`, `shop/web`, `Pod shop/web-0`, `Node worker-1`.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        let name = text.to_owned();
        anyhow::ensure!(!text.is_empty(), "--timeline of whom or what? {HINT}");
        let Some((kind, rest)) = text.split_once(' ') else {
            let account = text.split_once('/').map(|(namespace, name)| account(namespace, name));
            let users = std::iter::once(text.to_owned()).chain(account).collect();
            return Ok(Self { users, object: None, name });
        };
        let rest = rest.trim();
        anyhow::ensure!(
            kind.bytes().all(|it| it.is_ascii_alphanumeric()) && !rest.contains(' '),
            "--timeline: `{text}` is neither an actor nor an object: {HINT}"
        );
        if kind.eq_ignore_ascii_case("user") {
            return Ok(Self { users: vec![rest.to_owned()], object: None, name });
        }
        let (namespace, named) = match rest.split_once('/') {
            Some((namespace, named)) => (Some(namespace), named),
            None => (None, rest),
        };
        let is_account = kind.eq_ignore_ascii_case("serviceaccount");
        let users = namespace.filter(|_| is_account).map(|namespace| account(namespace, named));
        let object = Object {
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: named.to_owned(),
        };
        Ok(Self { users: users.into_iter().collect(), object: Some(object), name })
    }

    /// As people named it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether an event is by or about it.
    pub(super) fn has(&self, event: &Event<'_>, intake: &Intake<'_>) -> bool {
        let others = event.impersonated_user.as_deref();
        let names = std::iter::once(&event.user).chain(others).map(|user| &*user.username);
        if names.clone().any(|name| self.users.iter().any(|it| it == name)) {
            return true;
        }
        let Some(object) = &self.object else { return false };
        // What a token is bound to acts too.
        let extra = &event.user.extra;
        if object.is_kind("Pod", "pods") && extra.pod_name == object.name {
            let namespace = event.user.username.split(':').nth(2);
            return object.namespace.is_none() || object.namespace.as_deref() == namespace;
        }
        let Some(target) = &event.object_ref else { return false };
        // A creation may name its object in the body only.
        if target.name != object.name && !(target.name.is_empty() && event.verb == "create") {
            return false;
        }
        let entity = audit::target(event, intake);
        entity.is_some_and(|entity| object.is(&entity, &target.resource))
    }

    /// Whether a detection links to it.
    pub(super) fn is_linked_to(&self, detection: &Detection) -> bool {
        detection.links.iter().any(|link| {
            let is_object = self.object.as_ref().is_some_and(|object| object.is(&link.entity, ""));
            is_object || self.users.iter().any(|user| *user == username(&link.entity))
        })
    }
}

const HINT: &str = "name an actor as `alice`, `system:serviceaccount:shop:web` or `shop/web`, an object as `Pod shop/web-0` or `Node worker-1`";

impl Object {
    fn is(&self, entity: &Entity, resource: &str) -> bool {
        let Entity::Object(ObjectRef { kind, namespace, name, .. }) = entity else { return false };
        *name == self.name && *namespace == self.namespace && self.is_kind(kind, resource)
    }

    /// Kinds are named as manifests do, or as kubectl does; of custom resources an event has only the plural.
    fn is_kind(&self, kind: &str, resource: &str) -> bool {
        let own = self.kind.as_str();
        let is_plural = |plural: &str| {
            let singular = plural.strip_suffix("es").into_iter().chain(plural.strip_suffix('s'));
            own.eq_ignore_ascii_case(plural)
                || singular.into_iter().any(|it| own.eq_ignore_ascii_case(it))
        };
        own.eq_ignore_ascii_case(kind) || is_plural(kind) || is_plural(resource)
    }
}

fn account(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

fn username(entity: &Entity) -> String {
    match entity {
        Entity::User { name } => name.clone(),
        Entity::Object(ObjectRef { kind, namespace: Some(namespace), name, .. })
            if kind == "ServiceAccount" =>
        {
            account(namespace, name)
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use airside_detect::intake::Clock;
    use airside_detect::profile::ClusterProfile;
    use airside_types::{Cluster, Tenant};

    use super::*;

    #[test]
    fn actors_and_objects_are_told_as_people_name_them() {
        let by_account = r#"{"verb":"get","user":{"username":"system:serviceaccount:shop:web","extra":{"authentication.kubernetes.io/pod-name":["web-0"]}},"objectRef":{"resource":"secrets","namespace":"shop","name":"key"}}"#;
        let as_ada = r#"{"verb":"delete","user":{"username":"bob"},"impersonatedUser":{"username":"ada"},"objectRef":{"resource":"nodes","name":"n"}}"#;
        let made = r#"{"verb":"create","user":{"username":"bob"},"objectRef":{"resource":"jobs","apiGroup":"batch","namespace":"shop"},"responseObject":{"metadata":{"name":"j-x7","namespace":"shop"}},"responseStatus":{"code":201}}"#;
        let custom = r#"{"verb":"patch","user":{"username":"bob"},"objectRef":{"resource":"certificates","apiGroup":"cert-manager.io","namespace":"shop","name":"tls"}}"#;
        for (subject, event, expected) in [
            ("shop/web", by_account, true),
            ("system:serviceaccount:shop:web", by_account, true),
            ("ServiceAccount shop/web", by_account, true),
            ("Pod shop/web-0", by_account, true),
            ("Pod bank/web-0", by_account, false),
            ("Secret shop/key", by_account, true),
            ("secrets shop/key", by_account, true),
            ("Secret key", by_account, false),
            ("ConfigMap shop/key", by_account, false),
            ("bank/web", by_account, false),
            ("ada", as_ada, true),
            ("User bob", as_ada, true),
            ("Node n", as_ada, true),
            ("Job shop/j-x7", made, true),
            ("Certificate shop/tls", custom, true),
        ] {
            let (tenant, cluster) = (Tenant::default(), Cluster::default());
            let (clock, profile) = (Clock::Recorded, ClusterProfile::unknown());
            let intake =
                Intake { tenant: &tenant, cluster: &cluster, clock, profile, origin: None };
            let event = Event::parse(event).unwrap();
            assert_eq!(
                Subject::parse(subject).unwrap().has(&event, &intake),
                expected,
                "{subject}"
            );
        }
        for wrong in ["", " ", "Pod a b", "kind: x"] {
            assert!(Subject::parse(wrong).is_err(), "{wrong}");
        }
    }
}
