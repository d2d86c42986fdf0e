//! Audit events of GKE, as Cloud Logging's log entries carry them.
//!
//! A log entry has no stage, no groups and no URI: the method's name has verb and resource, the resource's
//! name has namespace and object, and the status is gRPC's. What an entry says was denied stays denied.
//! What had to be concluded or is not told is named in the event ([`Content::inferred`]); without a URI the
//! command of an exec is not known.

use std::borrow::Cow;

use super::Unreadable;
use crate::audit::event::{
    Annotations, Content, Event, Field, Inferred, ObjectReference, ResponseStatus, User,
};
use crate::json::{Cursor, RawJson};

/// A log entry whose payload is an audit log of a Kubernetes API server.
#[derive(Debug, Default)]
pub(super) struct LogEntry<'a> {
    insert_id: Cow<'a, str>,
    timestamp: Cow<'a, str>,
    receive_timestamp: Cow<'a, str>,
    operation: Operation<'a>,
    labels: Annotations<'a>,
    enrichment: Option<RawJson<'a>>,
    payload: Payload<'a>,
    method: Method<'a>,
}

#[derive(Debug, Default)]
struct Operation<'a> {
    id: Cow<'a, str>,
    is_first: bool,
    is_last: bool,
}

#[derive(Debug, Default)]
struct Payload<'a> {
    method_name: Cow<'a, str>,
    resource_name: Cow<'a, str>,
    service_name: Cow<'a, str>,
    principal: Cow<'a, str>,
    permissions: Vec<Cow<'a, str>>,
    is_denied: bool,
    caller_ip: Cow<'a, str>,
    user_agent: Cow<'a, str>,
    /// The code of gRPC; 0 if the entry has none.
    status: i64,
    request_uri: Cow<'a, str>,
    request: Option<RawJson<'a>>,
    response: Option<RawJson<'a>>,
}

/// What a method's name says, such as `io.k8s.core.v1.pods.exec.create`.
#[derive(Debug, Clone, Copy, Default)]
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
        if rest.iter().any(|part| part.is_empty()) {
            return None;
        }
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
    /// Reads an entry, unless another service wrote it.
    pub(super) fn read(text: &'a str) -> Result<Self, Unreadable> {
        let mut entry = Self::default();
        let mut cursor = Cursor::new(text);
        cursor.object();
        while let Some(key) = cursor.key() {
            match &*key {
                "insertId" => entry.insert_id = cursor.text(),
                "timestamp" => entry.timestamp = cursor.text(),
                "receiveTimestamp" => entry.receive_timestamp = cursor.text(),
                "operation" => entry.operation = Operation::read(&mut cursor),
                "labels" => entry.labels = Annotations::read(&mut cursor),
                "p_enrichment" => entry.enrichment = cursor.raw(),
                "protoPayload" => entry.payload = Payload::read(&mut cursor),
                _ => cursor.skip(),
            }
        }
        // Where another Google service acts on the cluster, only the permission names what it did.
        let payload = &entry.payload;
        let method = std::iter::once(&payload.method_name).chain(&payload.permissions).find_map(
            // A name that had to be copied has escapes, which no method's name has.
            |name| if let Cow::Borrowed(name) = name { Method::parse(name) } else { None },
        );
        let Some(method) = method else {
            let what = [&payload.service_name, &payload.method_name];
            let what = what.into_iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
            return Err(Unreadable::OtherLog { what: what.into_owned() });
        };
        Ok(Self { method, ..entry })
    }

    /// The event that the entry stands for.
    pub(super) fn event(&self) -> Event<'_> {
        let payload = &self.payload;
        let stage = match (self.operation.is_first, self.operation.is_last) {
            (true, false) => "ResponseStarted",
            _ => "ResponseComplete",
        };
        let id = [&self.operation.id, &self.insert_id];
        let time = [&self.timestamp, &self.receive_timestamp];
        let time = time.into_iter().find(|text| !text.is_empty()).map_or("", |text| text);
        let (code, is_told) = self.code();
        let mut inferred = Inferred::of(&[
            Field::AuditId,
            Field::Stage,
            Field::Level,
            Field::Groups,
            Field::StageTimestamp,
        ]);
        if !is_told {
            inferred.insert(Field::ResponseCode);
        }
        if payload.request_uri.is_empty() {
            inferred.insert(Field::RequestUri);
        }
        let content = Content {
            stage: stage.into(),
            level: if payload.request.is_some() { "RequestResponse" } else { "Metadata" }.into(),
            request_uri: Cow::Borrowed(&payload.request_uri),
            verb: self.method.verb.into(),
            user: User { username: Cow::Borrowed(&payload.principal), ..User::default() },
            source_ips: vec![Cow::Borrowed(&*payload.caller_ip)],
            user_agent: Cow::Borrowed(&payload.user_agent),
            object_ref: Some(self.object()),
            response_status: ResponseStatus { code: Some(code), ..ResponseStatus::default() },
            request_object: payload.request,
            response_object: payload.response,
            annotations: self.labels.clone(),
            enrichment: self.enrichment,
            truncated: self.labels.truncated,
            inferred,
            ..Content::default()
        };
        Event {
            audit_id: id.into_iter().find(|id| !id.is_empty()).map_or("", |id| id).into(),
            request_received: time.into(),
            stage_reached: time.into(),
            ..Event::saying(content)
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

    /// The HTTP code, and whether the entry tells it: in a body that is a `Status`. Otherwise it is what
    /// authorization or the code of gRPC come to.
    fn code(&self) -> (u16, bool) {
        if let Some(code) = self.payload.response.and_then(code_of_status) {
            return (code, true);
        }
        let code = match self.payload.status {
            0 if self.payload.is_denied => 403,
            0 => 200,
            3 => 400,
            5 => 404,
            6 | 10 => 409,
            7 => 403,
            8 => 429,
            16 => 401,
            _ => 500,
        };
        (code, false)
    }
}

impl<'a> Operation<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut operation = Self::default();
        if cursor.object() {
            while let Some(key) = cursor.key() {
                match &*key {
                    "id" => operation.id = cursor.text(),
                    "first" => operation.is_first = cursor.text() == "true",
                    "last" => operation.is_last = cursor.text() == "true",
                    _ => cursor.skip(),
                }
            }
        }
        operation
    }
}

impl<'a> Payload<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut payload = Self::default();
        if !cursor.object() {
            return payload;
        }
        while let Some(key) = cursor.key() {
            match &*key {
                "methodName" => payload.method_name = cursor.text(),
                "resourceName" => payload.resource_name = cursor.text(),
                "serviceName" => payload.service_name = cursor.text(),
                "requestURI" => payload.request_uri = cursor.text(),
                "request" => payload.request = cursor.raw(),
                "response" => payload.response = cursor.raw(),
                "authenticationInfo" | "requestMetadata" | "status" => payload.read_part(cursor),
                "authorizationInfo" => payload.read_authorization(cursor),
                _ => cursor.skip(),
            }
        }
        payload
    }

    /// Who asked, from where, and how it ended.
    fn read_part(&mut self, cursor: &mut Cursor<'a>) {
        if cursor.object() {
            while let Some(key) = cursor.key() {
                match &*key {
                    "principalEmail" => self.principal = cursor.text(),
                    "callerIp" | "callerIP" => self.caller_ip = cursor.text(),
                    "callerSuppliedUserAgent" => self.user_agent = cursor.text(),
                    "code" => self.status = cursor.text().parse().unwrap_or_default(),
                    _ => cursor.skip(),
                }
            }
        }
    }

    fn read_authorization(&mut self, cursor: &mut Cursor<'a>) {
        if !cursor.list() {
            return;
        }
        while cursor.element() {
            let (mut permission, mut is_denied) = (Cow::default(), false);
            if cursor.object() {
                while let Some(key) = cursor.key() {
                    match &*key {
                        "granted" => is_denied = cursor.text() == "false",
                        "permission" => permission = cursor.text(),
                        _ => cursor.skip(),
                    }
                }
            }
            self.is_denied |= is_denied && permission.starts_with("io.k8s.");
            self.permissions.push(permission);
        }
    }
}

/// The HTTP code of a body that is a `Status` of Kubernetes.
fn code_of_status(body: RawJson<'_>) -> Option<u16> {
    let mut cursor = Cursor::new(body.get());
    let (mut is_status, mut code) = (false, None);
    if cursor.object() {
        while let Some(key) = cursor.key() {
            match &*key {
                "kind" => is_status = cursor.text() == "Status",
                "code" => code = cursor.text().parse().ok(),
                _ => cursor.skip(),
            }
        }
    }
    code.filter(|_| is_status)
}
