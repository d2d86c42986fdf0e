//! Audit events of GKE, as Cloud Logging's log entries carry them.
//!
//! A log entry has no stage, no groups and no URI: the method's name has verb and resource, the resource's
//! name has namespace and object, and the status is gRPC's. What an entry says was denied stays denied.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Unreadable;
use crate::audit::event::{Annotations, Event, ObjectReference, ResponseStatus, User};

/// A log entry whose payload is an audit log of a Kubernetes API server.
#[derive(Debug)]
pub(super) struct LogEntry<'a> {
    entry: Entry<'a>,
    payload: Payload<'a>,
    method: Method<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow)]
    insert_id: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    receive_timestamp: Cow<'a, str>,
    operation: Operation,
    #[serde(borrow)]
    labels: Annotations<'a>,
    #[serde(borrow, rename = "p_enrichment")]
    enrichment: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Operation {
    id: String,
    first: bool,
    last: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Payload<'a> {
    #[serde(borrow)]
    method_name: Cow<'a, str>,
    #[serde(borrow)]
    resource_name: Cow<'a, str>,
    #[serde(borrow)]
    service_name: Cow<'a, str>,
    authentication_info: Authentication,
    #[serde(borrow)]
    authorization_info: Vec<Authorization<'a>>,
    request_metadata: Metadata,
    status: Status,
    #[serde(borrow, rename = "requestURI")]
    request_uri: Cow<'a, str>,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Authentication {
    principal_email: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Authorization<'a> {
    granted: Option<bool>,
    #[serde(borrow)]
    permission: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    #[serde(alias = "callerIP")]
    caller_ip: String,
    caller_supplied_user_agent: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    code: i64,
}

/// What a method's name says, such as `io.k8s.core.v1.pods.exec.create`.
#[derive(Debug, Clone, Copy)]
struct Method<'a> {
    resource: &'a str,
    subresource: &'a str,
    verb: &'a str,
}

impl<'a> Method<'a> {
    /// The parts follow the version, because groups have dots too.
    fn parse(name: &'a str) -> Option<Self> {
        let mut parts = name.strip_prefix("io.k8s.")?.split('.');
        parts.by_ref().find(|part| is_version(part))?;
        let rest: Vec<&str> = parts.collect();
        match rest.as_slice() {
            [resource, verb] => Some(Self { resource, subresource: "", verb }),
            [resource, subresource, verb] => Some(Self { resource, subresource, verb }),
            _ => None,
        }
    }
}

/// `v1`, `v1beta2`, `v2alpha1`.
fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

impl<'a> LogEntry<'a> {
    pub(super) fn parse(entry: &'a str, payload: &'a RawValue) -> Result<Self, Unreadable> {
        let not_an_event =
            |error: serde_json::Error| Unreadable::NotAnEvent { reason: error.to_string() };
        let entry: Entry<'a> = serde_json::from_str(entry).map_err(not_an_event)?;
        let payload: Payload<'a> = serde_json::from_str(payload.get()).map_err(not_an_event)?;
        // Where another Google service acts on the cluster, only the permission names what it did.
        let permissions = payload.authorization_info.iter().map(|info| &info.permission);
        let method = std::iter::once(&payload.method_name).chain(permissions).find_map(|name| {
            // A name that had to be copied has escapes, which no method's name has.
            if let Cow::Borrowed(name) = name { Method::parse(name) } else { None }
        });
        let Some(method) = method else {
            let what = [&payload.service_name, &payload.method_name];
            let what = what.into_iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
            return Err(Unreadable::OtherLog { what: what.into_owned() });
        };
        Ok(Self { method, entry, payload })
    }

    /// The event that the entry stands for.
    pub(super) fn event(&self) -> Event<'_> {
        let stage = match (self.entry.operation.first, self.entry.operation.last) {
            (true, false) => "ResponseStarted",
            _ => "ResponseComplete",
        };
        let id = [&self.entry.operation.id, &*self.entry.insert_id];
        let time = [&self.entry.timestamp, &self.entry.receive_timestamp];
        let time = time.into_iter().find(|text| !text.is_empty()).map_or("", |text| text);
        Event {
            audit_id: id.into_iter().find(|id| !id.is_empty()).map_or("", |id| id).into(),
            stage: stage.into(),
            level: if self.payload.request.is_some() { "RequestResponse" } else { "Metadata" }
                .into(),
            request_uri: Cow::Borrowed(&self.payload.request_uri),
            verb: self.method.verb.into(),
            user: User {
                username: Cow::Borrowed(&self.payload.authentication_info.principal_email),
                ..User::default()
            },
            source_ips: vec![Cow::Borrowed(&self.payload.request_metadata.caller_ip)],
            user_agent: Cow::Borrowed(&self.payload.request_metadata.caller_supplied_user_agent),
            object_ref: Some(self.object()),
            response_status: ResponseStatus {
                code: Some(self.code()),
                ..ResponseStatus::default()
            },
            request_object: self.payload.request,
            response_object: self.payload.response,
            request_received: time.into(),
            stage_reached: time.into(),
            annotations: self.entry.labels.clone(),
            enrichment: self.entry.enrichment,
            ..Event::default()
        }
    }

    /// From a name such as `rbac.authorization.k8s.io/v1/namespaces/shop/roles/dev`.
    fn object(&self) -> ObjectReference<'_> {
        let name = &*self.payload.resource_name;
        let mut parts = name.split('/').skip_while(|part| !is_version(part)).skip(1).peekable();
        let group = name.split('/').next().filter(|group| *group != "core").unwrap_or_default();
        let mut namespace = "";
        if self.method.resource != "namespaces" && parts.peek() == Some(&"namespaces") {
            parts.next();
            namespace = parts.next().unwrap_or_default();
        }
        ObjectReference {
            resource: self.method.resource.into(),
            namespace: namespace.into(),
            name: parts.nth(1).unwrap_or_default().into(),
            api_group: group.into(),
            subresource: self.method.subresource.into(),
            ..ObjectReference::default()
        }
    }

    /// The HTTP code: from a body that is a `Status`, from authorization, or from the gRPC code.
    fn code(&self) -> u16 {
        #[derive(Deserialize)]
        struct Answer {
            kind: String,
            code: u16,
        }
        let answer = self.payload.response.and_then(|body| serde_json::from_str(body.get()).ok());
        if let Some(Answer { kind, code }) = answer
            && kind == "Status"
        {
            return code;
        }
        let denied = self
            .payload
            .authorization_info
            .iter()
            .any(|info| info.granted == Some(false) && info.permission.starts_with("io.k8s."));
        match self.payload.status.code {
            0 if denied => 403,
            0 => 200,
            3 => 400,
            5 => 404,
            6 | 10 => 409,
            7 => 403,
            8 => 429,
            16 => 401,
            _ => 500,
        }
    }
}
