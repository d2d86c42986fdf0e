//! Who was given which role: what a binding tells.

use airside_types::{Entity, ObjectRef, Relation};

use super::{Facts, MAX_PARTS, named};
use crate::audit::grant::GROUP;
use crate::audit::object::{Binding, Subject};
use crate::audit::request::Request;

impl Facts<'_, '_> {
    /// The subjects of a binding have the rights of its role, from the binding's creation on, or from the
    /// request on that changed it.
    pub(super) fn of_role_binding(&mut self, request: &Request<'_>) {
        let event = request.event();
        // A patch holds only what it changes; the answer holds the whole binding.
        let asked = event.request_object.filter(|_| request.verb() != "patch");
        let Some(binding) = event.response_object.or(asked).and_then(Binding::of) else {
            return;
        };
        let namespace = request.namespace();
        let meta = &binding.metadata;
        let created = self.object(&named(GROUP, request.resource(), meta), meta);
        let from = if request.verb() == "create" { created } else { self.time };
        let role_namespace = Some(namespace).filter(|_| binding.role_kind == "Role");
        let role = ObjectRef::named(GROUP, &binding.role_kind, role_namespace, &binding.role_name);
        if role.name.is_empty() {
            return;
        }
        let role = Entity::Object(role);
        for subject in binding.subjects.iter().take(MAX_PARTS) {
            if let Some(subject) = bearer(subject, namespace) {
                self.add(&subject, Relation::GrantedBy, role.clone(), from);
            }
        }
    }
}

/// Who has the rights, where it is one identity: who belongs to a group is not in a binding.
fn bearer(subject: &Subject<'_>, namespace: &str) -> Option<Entity> {
    if subject.name.is_empty() {
        return None;
    }
    match &*subject.kind {
        "ServiceAccount" if subject.namespace.is_empty() => {
            Some(Entity::service_account(namespace, &subject.name))
        }
        "ServiceAccount" => Some(Entity::service_account(&subject.namespace, &subject.name)),
        "User" => Some(Entity::User { name: subject.name.clone().into_owned() }),
        _ => None,
    }
}
