//! Used grants: bindings of RBAC that allowed requests.

use crate::entity::ObjectRef;
use crate::time::Timestamp;

/// A binding that allowed requests, by one of its subjects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsedGrant {
    /// The ClusterRoleBinding or RoleBinding.
    pub binding: ObjectRef,
    /// The ClusterRole, or the Role in the binding's namespace.
    pub role: ObjectRef,
    /// `User`, `Group` or `ServiceAccount`: the subject by which it allowed them.
    pub subject_kind: String,
    /// The subject's name; a service account's with its namespace, as `namespace/name`.
    pub subject: String,
    /// The first use.
    pub first: Timestamp,
    /// The last use, to the hour.
    pub last: Timestamp,
}
