//! An audit event as Sigma rules see it: by the names that `audit.k8s.io` gives its fields.
//!
//! Fields are those of the raw event, with what the reader keeps of them. Bodies are decoded when the first rule asks,
//! once for all rules; of an object in them a rule sees that it is there, unless it asks for the [`whole`] of it. A text
//! that the event does not have is absent.

use std::borrow::Cow;
use std::cell::OnceCell;

use airside_detect::audit::Event;
use airside_detect::audit::event::{ObjectReference, User};
use airside_detect::json::RawJson;
use airside_k8s::Value;
use rsigma_eval::EventValue;

use crate::fields::in_body;
use crate::path::{self, Depth};

/// Stands before a field of a body of which all is asked for. No rule can name such a field
/// ([`crate::budget::of_fields`]).
pub(crate) const WHOLE: char = '\0';

/// The field that is asked for with all that is below it.
pub(crate) fn whole(field: &str) -> String {
    if in_body(field).is_some() { format!("{WHOLE}{field}") } else { field.to_owned() }
}

/// An event, ready to be asked by many rules.
#[derive(Debug)]
pub(crate) struct View<'e> {
    event: &'e Event<'e>,
    request: OnceCell<Value>,
    response: OnceCell<Value>,
}

impl<'e> View<'e> {
    pub(crate) fn new(event: &'e Event<'e>) -> Self {
        Self { event, request: OnceCell::new(), response: OnceCell::new() }
    }

    pub(crate) fn event(&self) -> &'e Event<'e> {
        self.event
    }

    fn request(&self) -> Option<&Value> {
        body(self.event.request_object, &self.request)
    }

    fn response(&self) -> Option<&Value> {
        body(self.event.response_object, &self.response)
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let event = self.event;
        let users = [Some(&event.user), event.impersonated_user.as_deref()].into_iter().flatten();
        let of_users = users.flat_map(|user| {
            let extra = &user.extra;
            let known = [
                &user.username,
                &user.uid,
                &extra.credential_id,
                &extra.pod_name,
                &extra.pod_uid,
                &extra.node_name,
                &extra.node_uid,
            ];
            known.into_iter().chain(&user.groups)
        });
        let target = event.object_ref.iter().flat_map(|it| {
            [&it.resource, &it.namespace, &it.name, &it.uid, &it.api_group, &it.subresource]
        });
        let notes = &event.annotations;
        let own = [
            &event.audit_id,
            &event.stage,
            &event.level,
            &event.request_uri,
            &event.verb,
            &event.user_agent,
            &event.response_status.status,
            &event.response_status.reason,
            &notes.decision,
            &notes.reason,
            &notes.issued_credential_id,
            &notes.pod_security_violations,
        ];
        let lists = event.source_ips.iter().chain(&notes.decision_ids);
        own.into_iter().chain(of_users).chain(target).chain(lists).map(AsRef::as_ref)
    }
}

impl rsigma_eval::Event for View<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        match path.strip_prefix(WHOLE) {
            Some(path) => self.of_body(path, Depth::Whole),
            None => self.of_event(path).or_else(|| self.of_body(path, Depth::Shallow)),
        }
    }

    fn any_string_value(&self, ask: &dyn Fn(&str) -> bool) -> bool {
        let bodies = || [self.request(), self.response()].into_iter().flatten();
        self.texts().any(ask) || bodies().any(|body| path::any_text(body, ask))
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        self.texts().map(Cow::Borrowed).collect()
    }

    /// Nobody asks for the whole event: what a rule is shown are the values that it names.
    fn to_json(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

impl View<'_> {
    /// A field that is in no body.
    fn of_event(&self, path: &str) -> Option<EventValue<'_>> {
        let event = self.event;
        match path {
            "verb" => text(&event.verb),
            "stage" => text(&event.stage),
            "level" => text(&event.level),
            "auditID" => text(&event.audit_id),
            "requestURI" => text(&event.request_uri),
            "userAgent" => text(&event.user_agent),
            "requestReceivedTimestamp" => text(&event.request_received),
            "stageTimestamp" => text(&event.stage_reached),
            "sourceIPs" => texts(&event.source_ips),
            "kind" => text("Event"),
            "apiVersion" => text("audit.k8s.io/v1"),
            "user" => Some(EventValue::Map(Vec::new())),
            "impersonatedUser" => {
                event.impersonated_user.as_ref().map(|_| EventValue::Map(Vec::new()))
            }
            "objectRef" => event.object_ref.as_ref().map(|_| EventValue::Map(Vec::new())),
            _ => match path.split_once('.')? {
                ("objectRef", field) => self.of_target(event.object_ref.as_ref()?, field),
                ("user", field) => of_user(&event.user, field),
                ("impersonatedUser", field) => of_user(event.impersonated_user.as_deref()?, field),
                ("responseStatus", field) => self.of_status(field),
                ("annotations", key) => self.of_annotations(&key.replace("\\.", ".")),
                _ => None,
            },
        }
    }

    /// A body, or what is below it.
    fn of_body(&self, path: &str, depth: Depth) -> Option<EventValue<'_>> {
        let (root, below) = in_body(path)?;
        let body = if root == "requestObject" { self.request() } else { self.response() }?;
        match below {
            Some(below) => path::at(body, below, depth),
            None => Some(path::value(body, depth)),
        }
    }

    fn of_target<'t>(&self, target: &'t ObjectReference<'_>, field: &str) -> Option<EventValue<'t>>
    where
        Self: 't,
    {
        match field {
            "resource" => text(&target.resource),
            "subresource" => text(&target.subresource),
            "namespace" => text(&target.namespace),
            "name" => text(&target.name),
            "uid" => text(&target.uid),
            "apiGroup" => text(&target.api_group),
            "apiVersion" => {
                let version = api_version(&self.event.request_uri)?;
                Some(EventValue::Str(version.to_owned().into()))
            }
            _ => None,
        }
    }

    fn of_status(&self, field: &str) -> Option<EventValue<'_>> {
        let status = &self.event.response_status;
        match field {
            "code" => status.code.map(|code| EventValue::Int(code.into())),
            "status" => text(&status.status),
            "reason" => text(&status.reason),
            _ => None,
        }
    }

    fn of_annotations(&self, key: &str) -> Option<EventValue<'_>> {
        let notes = &self.event.annotations;
        match key {
            "authorization.k8s.io/decision" => text(&notes.decision),
            "authorization.k8s.io/reason" => text(&notes.reason),
            "authentication.kubernetes.io/issued-credential-id" => {
                text(&notes.issued_credential_id)
            }
            "pod-security.kubernetes.io/audit-violations" => text(&notes.pod_security_violations),
            _ => None,
        }
    }
}

fn of_user<'u>(user: &'u User<'_>, field: &str) -> Option<EventValue<'u>> {
    match field {
        "username" => text(&user.username),
        "uid" => text(&user.uid),
        "groups" => texts(&user.groups),
        _ => {
            let key = field.strip_prefix("extra.")?.replace("\\.", ".");
            let extra = &user.extra;
            text(match key.strip_prefix("authentication.kubernetes.io/")? {
                "credential-id" => &extra.credential_id,
                "pod-name" => &extra.pod_name,
                "pod-uid" => &extra.pod_uid,
                "node-name" => &extra.node_name,
                "node-uid" => &extra.node_uid,
                _ => return None,
            })
        }
    }
}

/// The version of an API, by the path: events keep it beside the group.
fn api_version(uri: &str) -> Option<&str> {
    let mut steps = uri.split(['/', '?']).skip(1);
    match steps.next()? {
        "api" => steps.next(),
        "apis" => steps.nth(1),
        _ => None,
    }
}

fn body<'v>(raw: Option<RawJson<'_>>, decoded: &'v OnceCell<Value>) -> Option<&'v Value> {
    let raw = raw?;
    Some(decoded.get_or_init(|| serde_json::from_str(raw.get()).unwrap_or_default()))
}

fn text(text: &str) -> Option<EventValue<'_>> {
    (!text.is_empty()).then_some(EventValue::Str(Cow::Borrowed(text)))
}

fn texts<'t>(texts: &'t [Cow<'_, str>]) -> Option<EventValue<'t>> {
    let list = || texts.iter().map(|it| EventValue::Str(Cow::Borrowed(it))).collect();
    (!texts.is_empty()).then(|| EventValue::Array(list()))
}
