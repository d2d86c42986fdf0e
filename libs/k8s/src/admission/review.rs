//! Reads an `AdmissionReview` request.

use std::collections::BTreeMap;

use airside_types::{ObjectRef, Operation};

use crate::object::Object;
use crate::value::{Map, Value};

/// The version of the message; the response must have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReviewVersion {
    /// `admission.k8s.io/v1`.
    #[default]
    V1,
    /// `admission.k8s.io/v1beta1`.
    V1Beta1,
}

impl ReviewVersion {
    /// The `apiVersion` of the message.
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::V1 => "admission.k8s.io/v1",
            Self::V1Beta1 => "admission.k8s.io/v1beta1",
        }
    }
}

/// A kind with its API group and version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupVersionKind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The kind, such as `Pod`; `PodExecOptions` for an exec.
    pub kind: String,
}

/// A resource with its API group and version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupVersionResource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The plural name, such as `pods`.
    pub resource: String,
}

/// Who asks, as the API server authenticated it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    /// The username; `system:serviceaccount:<namespace>:<name>` for a service account.
    pub username: String,
    /// The authenticator's id of the user.
    pub uid: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// What the authenticator adds: the pod's name and uid, the credential's id.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// A request to admit something.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// The message's version.
    pub version: ReviewVersion,
    /// The API server's id of the request.
    pub uid: String,
    /// What the request does.
    pub operation: Operation,
    /// The kind of the object in the message.
    pub kind: GroupVersionKind,
    /// The resource that is asked for.
    pub resource: GroupVersionResource,
    /// The subresource, such as `exec`; none for the resource itself.
    pub subresource: Option<String>,
    /// The namespace; none for cluster-scoped resources.
    pub namespace: Option<String>,
    /// The name; none for a create that leaves it to the API server.
    pub name: Option<String>,
    /// Who asks.
    pub user: User,
    /// The new object; none on DELETE.
    pub object: Option<Value>,
    /// The present object, on UPDATE and DELETE.
    pub old_object: Option<Value>,
    /// Whether nothing will be persisted: have no side effects then.
    pub dry_run: bool,
}

/// The message is no review that can be answered.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The body is no JSON.
    #[error("the body is no JSON: send an AdmissionReview as application/json")]
    NotJson(#[source] serde_json::Error),
    /// A field is missing.
    #[error("`{field}` is missing: an AdmissionReview must have it")]
    Missing {
        /// The path of the field.
        field: &'static str,
    },
    /// A field has a value of another type.
    #[error("`{field}` must be {expected}")]
    WrongType {
        /// The path of the field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A field has a value that is not known.
    #[error("`{field}` is `{value}`: {expected} is needed")]
    WrongValue {
        /// The path of the field.
        field: &'static str,
        /// The start of the value.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
}

impl Review {
    /// Reads a request's body. The caller has bounded its size.
    pub fn parse(body: &[u8]) -> Result<Self, ReviewError> {
        Self::from_value(serde_json::from_slice(body).map_err(ReviewError::NotJson)?)
    }

    /// Reads a request that is already a value.
    pub fn from_value(message: Value) -> Result<Self, ReviewError> {
        let mut message = into_map(message, "the message")?;
        let version = version(&message)?;
        let request = message.remove("request").filter(|request| !request.is_null());
        let request = request.ok_or(ReviewError::Missing { field: "request" })?;
        let mut request = into_map(request, "request")?;
        let take_object =
            |request: &mut Map, key| request.remove(key).filter(|object| !object.is_null());
        Ok(Self {
            version,
            uid: required_text(&request, "uid", "request.uid")?.to_owned(),
            operation: operation(&request)?,
            kind: kind(&request)?,
            resource: resource(&request)?,
            subresource: optional_text(&request, "subResource", "request.subResource")?,
            namespace: optional_text(&request, "namespace", "request.namespace")?,
            name: optional_text(&request, "name", "request.name")?,
            user: user(&request)?,
            dry_run: flag(&request, "dryRun", "request.dryRun")?,
            object: take_object(&mut request, "object"),
            old_object: take_object(&mut request, "oldObject"),
        })
    }

    /// The object to judge: the new one, or on DELETE the present one.
    pub const fn subject(&self) -> Option<&Value> {
        match &self.object {
            Some(object) => Some(object),
            None => self.old_object.as_ref(),
        }
    }

    /// The object that the request is about. A connection, or another subresource whose message holds a
    /// kind of its own (`PodExecOptions`, `Scale`, `Binding`), is about the resource that it belongs to,
    /// known by name only; its kind is then the one of the resource, where that is a pod.
    pub fn object_ref(&self) -> ObjectRef {
        let subject = self.subject().and_then(|value| Object::new(value).ok());
        let is_pod_subresource = self.subresource.is_some() && self.resource.resource == "pods";
        let kind = if is_pod_subresource { "Pod" } else { self.kind.kind.as_str() };
        let own = subject.filter(|object| object.kind() == kind);
        let name =
            self.name.as_deref().or_else(|| own.map(|object| object.name())).unwrap_or_default();
        let group = if is_pod_subresource { "" } else { self.kind.group.as_str() };
        ObjectRef::named(group, kind, self.namespace.as_deref(), name)
            .with_uid(own.and_then(|object| object.uid()))
    }
}

fn version(message: &Map) -> Result<ReviewVersion, ReviewError> {
    let kind = required_text(message, "kind", "kind")?;
    if kind != "AdmissionReview" {
        return Err(wrong_value("kind", kind, "AdmissionReview"));
    }
    match required_text(message, "apiVersion", "apiVersion")? {
        "admission.k8s.io/v1" => Ok(ReviewVersion::V1),
        "admission.k8s.io/v1beta1" => Ok(ReviewVersion::V1Beta1),
        other => Err(wrong_value("apiVersion", other, "admission.k8s.io/v1")),
    }
}

fn operation(request: &Map) -> Result<Operation, ReviewError> {
    const FIELD: &str = "request.operation";
    let text = required_text(request, "operation", FIELD)?;
    text.parse().map_err(|_| wrong_value(FIELD, text, "CREATE, UPDATE, DELETE or CONNECT"))
}

fn kind(request: &Map) -> Result<GroupVersionKind, ReviewError> {
    let fields = required_map(request, "kind", "request.kind")?;
    Ok(GroupVersionKind {
        group: optional_text(fields, "group", "request.kind.group")?.unwrap_or_default(),
        version: optional_text(fields, "version", "request.kind.version")?.unwrap_or_default(),
        kind: required_text(fields, "kind", "request.kind.kind")?.to_owned(),
    })
}

fn resource(request: &Map) -> Result<GroupVersionResource, ReviewError> {
    let fields = required_map(request, "resource", "request.resource")?;
    Ok(GroupVersionResource {
        group: optional_text(fields, "group", "request.resource.group")?.unwrap_or_default(),
        version: optional_text(fields, "version", "request.resource.version")?.unwrap_or_default(),
        resource: required_text(fields, "resource", "request.resource.resource")?.to_owned(),
    })
}

fn user(request: &Map) -> Result<User, ReviewError> {
    let fields = required_map(request, "userInfo", "request.userInfo")?;
    let mut extra = BTreeMap::new();
    if let Some(value) = fields.get("extra").filter(|value| !value.is_null()) {
        const FIELD: &str = "request.userInfo.extra";
        let map =
            value.as_object().ok_or(ReviewError::WrongType { field: FIELD, expected: "a map" })?;
        for (key, values) in map {
            extra.insert(key.to_owned(), texts(values, FIELD)?);
        }
    }
    let groups = fields.get("groups").filter(|value| !value.is_null());
    Ok(User {
        username: optional_text(fields, "username", "request.userInfo.username")?
            .unwrap_or_default(),
        uid: optional_text(fields, "uid", "request.userInfo.uid")?,
        groups: groups
            .map(|value| texts(value, "request.userInfo.groups"))
            .transpose()?
            .unwrap_or_default(),
        extra,
    })
}

fn texts(value: &Value, field: &'static str) -> Result<Vec<String>, ReviewError> {
    let wrong = || ReviewError::WrongType { field, expected: "a list of texts" };
    value
        .as_array()
        .ok_or_else(wrong)?
        .iter()
        .map(|element| element.as_str().map(str::to_owned).ok_or_else(wrong))
        .collect()
}

fn into_map(value: Value, field: &'static str) -> Result<Map, ReviewError> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(ReviewError::WrongType { field, expected: "a map" }),
    }
}

fn required_map<'m>(map: &'m Map, key: &str, field: &'static str) -> Result<&'m Map, ReviewError> {
    let value = map.get(key).ok_or(ReviewError::Missing { field })?;
    value.as_object().ok_or(ReviewError::WrongType { field, expected: "a map" })
}

fn required_text<'m>(map: &'m Map, key: &str, field: &'static str) -> Result<&'m str, ReviewError> {
    match map.get(key) {
        None | Some(Value::Null) => Err(ReviewError::Missing { field }),
        Some(Value::String(text)) if text.is_empty() => Err(ReviewError::Missing { field }),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(ReviewError::WrongType { field, expected: "a text" }),
    }
}

/// A text; an empty one counts as absent, as in Go's messages.
fn optional_text(map: &Map, key: &str, field: &'static str) -> Result<Option<String>, ReviewError> {
    match required_text(map, key, field) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(ReviewError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn flag(map: &Map, key: &str, field: &'static str) -> Result<bool, ReviewError> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(ReviewError::WrongType { field, expected: "true or false" }),
    }
}

fn wrong_value(field: &'static str, value: &str, expected: &'static str) -> ReviewError {
    ReviewError::WrongValue { field, value: value.chars().take(60).collect(), expected }
}
