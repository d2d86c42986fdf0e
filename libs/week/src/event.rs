//! Audit events as an API server writes them: who, what, how it ended, with the bodies that a sensible policy keeps.

use airside_types::Timestamp;
use serde_json::{Value, json};

/// Microseconds since the Unix epoch.
pub(crate) type Micros = i64;
pub(crate) const SECOND: Micros = 1_000_000;
pub(crate) const MINUTE: Micros = 60 * SECOND;
pub(crate) const HOUR: Micros = 60 * MINUTE;
pub(crate) const DAY: Micros = 24 * HOUR;

/// Who asks, from where, with what, and why it is allowed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
    /// `authentication.kubernetes.io/…`, without that.
    pub(crate) extra: Vec<(&'static str, String)>,
    pub(crate) address: String,
    pub(crate) agent: String,
    /// The authorizer's reason.
    pub(crate) reason: String,
}

impl Who {
    /// The same with another program.
    pub(crate) fn with(&self, agent: &str) -> Self {
        Self { agent: agent.to_owned(), ..self.clone() }
    }

    /// The same with another reason of the authorizer.
    pub(crate) fn allowed_by(&self, reason: &str) -> Self {
        Self { reason: reason.to_owned(), ..self.clone() }
    }

    /// The same from another address.
    pub(crate) fn from(&self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self.clone() }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Target {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) resource: String,
    pub(crate) subresource: &'static str,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// With its question mark.
    pub(crate) query: String,
    /// A path that is no resource's.
    pub(crate) path: String,
}

/// A resource, written `deployments.apps/v1`, `pods/v1`.
pub(crate) fn of(resource: &'static str, namespace: &str, name: &str) -> Target {
    let (plural, version) = resource.split_once('/').unwrap_or((resource, "v1"));
    let (plural, group) = plural.split_once('.').unwrap_or((plural, ""));
    Target {
        group,
        version,
        resource: plural.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..Target::default()
    }
}

/// A path that is no resource's.
pub(crate) fn path(path: &str) -> Target {
    Target { path: path.to_owned(), ..Target::default() }
}

impl Target {
    pub(crate) fn sub(self, subresource: &'static str) -> Self {
        Self { subresource, ..self }
    }

    pub(crate) fn query(self, query: &str) -> Self {
        Self { query: format!("?{query}"), ..self }
    }

    fn uri(&self, verb: &str) -> String {
        if !self.path.is_empty() {
            return format!("{}{}", self.path, self.query);
        }
        let mut uri = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        let is_namespace = self.resource == "namespaces";
        if !self.namespace.is_empty() && !is_namespace {
            uri.push_str("/namespaces/");
            uri.push_str(&self.namespace);
        }
        uri.push('/');
        uri.push_str(&self.resource);
        // An object is created in its collection, what belongs to one at the object.
        if !self.name.is_empty() && (verb != "create" || !self.subresource.is_empty()) {
            uri.push('/');
            uri.push_str(&self.name);
        }
        if !self.subresource.is_empty() {
            uri.push('/');
            uri.push_str(self.subresource);
        }
        uri.push_str(&self.query);
        uri
    }

    fn reference(&self) -> Option<Value> {
        if !self.path.is_empty() {
            return None;
        }
        let mut reference = json!({ "resource": self.resource, "apiVersion": self.version });
        for (key, value) in [
            ("namespace", &*self.namespace),
            ("name", &*self.name),
            ("apiGroup", self.group),
            ("subresource", self.subresource),
        ] {
            if !value.is_empty()
                && let Some(fields) = reference.as_object_mut()
            {
                fields.insert(key.to_owned(), json!(value));
            }
        }
        Some(reference)
    }

    /// The level at which the policy keeps it: of what may be secret no body, of reads none either.
    fn level(&self, verb: &str) -> &'static str {
        let is_private =
            matches!(&*self.resource, "secrets" | "configmaps" | "tokenreviews" | "leases")
                || self.subresource == "token";
        let is_noisy = self.subresource == "status" && self.resource != "pods";
        match verb {
            _ if is_private || is_noisy || !self.path.is_empty() => "Metadata",
            "get" | "list" | "watch" if self.subresource.is_empty() => "Request",
            _ => "RequestResponse",
        }
    }
}

/// One request, and how it was answered.
#[derive(Debug, Clone)]
pub(crate) struct Asked<'w> {
    pub(crate) who: &'w Who,
    pub(crate) verb: &'static str,
    pub(crate) target: Target,
    pub(crate) code: u16,
    pub(crate) request: Option<Value>,
    pub(crate) response: Option<Value>,
    pub(crate) annotations: Vec<(&'static str, String)>,
}

impl<'w> Asked<'w> {
    pub(crate) fn new(who: &'w Who, verb: &'static str, target: Target) -> Self {
        let code = match (verb, target.subresource) {
            (_, "exec" | "portforward" | "attach") => 101,
            ("create", _) => 201,
            _ => 200,
        };
        Self { who, verb, target, code, request: None, response: None, annotations: Vec::new() }
    }

    pub(crate) fn code(self, code: u16) -> Self {
        Self { code, ..self }
    }

    pub(crate) fn sends(self, body: Value) -> Self {
        Self { request: Some(body), ..self }
    }

    /// The answer is what was sent, as the API server keeps it.
    pub(crate) fn keeps(self, body: Value) -> Self {
        Self { request: Some(body.clone()), response: Some(body), ..self }
    }

    pub(crate) fn answers(self, body: Value) -> Self {
        Self { response: Some(body), ..self }
    }

    pub(crate) fn noted(mut self, key: &'static str, value: String) -> Self {
        self.annotations.push((key, value));
        self
    }

    /// The line of the log, at a stage.
    pub(crate) fn line(&self, id: &str, stage: &str, received: Micros, reached: Micros) -> String {
        let Self { who, verb, target, code, .. } = self;
        let level = target.level(verb);
        let mut event = json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": level, "auditID": id, "stage": stage,
            "requestURI": target.uri(verb), "verb": verb, "user": user(who),
            "sourceIPs": [who.address], "userAgent": who.agent,
            "responseStatus": status(*code),
            "requestReceivedTimestamp": time(received), "stageTimestamp": time(reached),
        });
        let mut notes = match code {
            401 => json!({}),
            403 => {
                json!({ "authorization.k8s.io/decision": "forbid", "authorization.k8s.io/reason": "" })
            }
            _ => {
                json!({ "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": who.reason })
            }
        };
        if let Some(notes) = notes.as_object_mut() {
            notes.extend(
                self.annotations.iter().map(|(key, value)| ((*key).to_owned(), json!(value))),
            );
        }
        if let Some(fields) = event.as_object_mut() {
            fields.insert("annotations".to_owned(), notes);
            if let Some(reference) = target.reference() {
                fields.insert("objectRef".to_owned(), reference);
            }
            let is_whole = level == "RequestResponse" && *code < 300;
            for (key, body) in
                [("requestObject", &self.request), ("responseObject", &self.response)]
            {
                if let Some(body) = body.as_ref().filter(|_| is_whole) {
                    fields.insert(key.to_owned(), body.clone());
                }
            }
        }
        event.to_string()
    }
}

fn user(who: &Who) -> Value {
    if who.name.is_empty() {
        return json!({});
    }
    let mut user = json!({ "username": who.name, "groups": who.groups });
    if let Some(fields) = user.as_object_mut() {
        if !who.uid.is_empty() {
            fields.insert("uid".to_owned(), json!(who.uid));
        }
        let extra: serde_json::Map<String, Value> = who
            .extra
            .iter()
            .map(|(key, value)| (format!("authentication.kubernetes.io/{key}"), json!([value])))
            .collect();
        if !extra.is_empty() {
            fields.insert("extra".to_owned(), Value::Object(extra));
        }
    }
    user
}

fn status(code: u16) -> Value {
    match code {
        401 => {
            json!({ "metadata": {}, "status": "Failure", "message": "Unauthorized", "reason": "Unauthorized", "code": 401 })
        }
        403 => json!({ "metadata": {}, "status": "Failure", "reason": "Forbidden", "code": 403 }),
        404 => json!({ "metadata": {}, "status": "Failure", "reason": "NotFound", "code": 404 }),
        409 => json!({ "metadata": {}, "status": "Failure", "reason": "Conflict", "code": 409 }),
        _ => json!({ "metadata": {}, "code": code }),
    }
}

/// A time as the API server writes it.
fn time(at: Micros) -> String {
    let whole = Timestamp::from_nanos(at.div_euclid(SECOND) * 1_000_000_000).to_string();
    format!("{}.{:06}Z", whole.trim_end_matches('Z'), at.rem_euclid(SECOND))
}
