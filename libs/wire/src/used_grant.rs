//! Used grants on the wire.

use airside_types::{Cluster, ObjectRef, Timestamp, UsedGrant};

use crate::invalid::InvalidField;
use crate::{bounded, field, v1};

/// The API group of roles and bindings.
const GROUP: &str = "rbac.authorization.k8s.io";

/// What was used in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsedGrants {
    /// One for each binding and subject of it.
    pub grants: Vec<UsedGrant>,
    /// Since when uses are counted; none where no request was allowed by RBAC yet.
    pub since: Option<Timestamp>,
    /// What is not here may have been used: there were more than can be remembered.
    pub incomplete: bool,
}

/// The cluster that a request is about.
pub fn cluster_of(request: &v1::ListUsedGrantsRequest) -> Result<Cluster, InvalidField> {
    field::cluster("cluster", &request.cluster)
}

impl From<&UsedGrants> for v1::ListUsedGrantsResponse {
    fn from(used: &UsedGrants) -> Self {
        Self {
            grants: used.grants.iter().map(Into::into).collect(),
            since_unix_nanos: used.since.map(Timestamp::as_nanos),
            incomplete: used.incomplete,
        }
    }
}

impl TryFrom<v1::ListUsedGrantsResponse> for UsedGrants {
    type Error = InvalidField;

    fn try_from(answer: v1::ListUsedGrantsResponse) -> Result<Self, Self::Error> {
        Ok(Self {
            grants: answer.grants.into_iter().map(UsedGrant::try_from).collect::<Result<_, _>>()?,
            since: answer.since_unix_nanos.map(field::moment),
            incomplete: answer.incomplete,
        })
    }
}

impl From<&UsedGrant> for v1::UsedGrant {
    fn from(used: &UsedGrant) -> Self {
        let UsedGrant { binding, role, subject_kind, subject, first, last } = used;
        Self {
            binding_kind: bounded::identity(&binding.kind),
            binding_namespace: bounded::identity(binding.namespace.as_deref().unwrap_or_default()),
            binding: bounded::identity(&binding.name),
            role_kind: bounded::identity(&role.kind),
            role: bounded::identity(&role.name),
            subject_kind: bounded::identity(subject_kind),
            subject: bounded::identity(subject),
            first_unix_nanos: first.as_nanos(),
            last_unix_nanos: last.as_nanos(),
        }
    }
}

impl TryFrom<v1::UsedGrant> for UsedGrant {
    type Error = InvalidField;

    fn try_from(used: v1::UsedGrant) -> Result<Self, Self::Error> {
        let namespace = field::identity("binding_namespace", used.binding_namespace)?;
        let role_kind = field::identity("role_kind", used.role_kind)?;
        let role_namespace = Some(&*namespace).filter(|_| role_kind == "Role");
        let role = field::identity("role", used.role)?;
        let binding_kind = field::identity("binding_kind", used.binding_kind)?;
        let binding = field::identity("binding", used.binding)?;
        Ok(Self {
            role: ObjectRef::named(GROUP, &role_kind, role_namespace, &role),
            binding: ObjectRef::named(GROUP, &binding_kind, Some(&namespace), &binding),
            subject_kind: field::identity("subject_kind", used.subject_kind)?,
            subject: field::identity("subject", used.subject)?,
            first: field::moment(used.first_unix_nanos),
            last: field::moment(used.last_unix_nanos),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_survives_the_way() {
        let used = |kind: &str, namespace: Option<&str>, role_kind: &str| UsedGrant {
            binding: ObjectRef::named(GROUP, kind, namespace, "devs"),
            role: ObjectRef::named(
                GROUP,
                role_kind,
                namespace.filter(|_| role_kind == "Role"),
                "dev",
            ),
            subject_kind: "ServiceAccount".to_owned(),
            subject: "shop/web".to_owned(),
            first: Timestamp::from_nanos(5),
            last: Timestamp::from_nanos(9),
        };
        let all = UsedGrants {
            grants: vec![
                used("ClusterRoleBinding", None, "ClusterRole"),
                used("RoleBinding", Some("shop"), "ClusterRole"),
                used("RoleBinding", Some("shop"), "Role"),
            ],
            since: Some(Timestamp::from_nanos(5)),
            incomplete: true,
        };
        assert_eq!(UsedGrants::try_from(v1::ListUsedGrantsResponse::from(&all)), Ok(all));
    }
}
