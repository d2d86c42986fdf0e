//! What a request is known by: all of its event that decides what rules find in it, and nothing that differs each time.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::quality::RandomState;

use super::super::event::{Annotations, Event, Extra, ObjectReference, ResponseStatus, User};
use super::bodies::SECRET;
use crate::json::RawJson;

/// The longest request that is kept, in bytes of its texts.
const MAX_BYTES: usize = 4 << 10;
/// How many bytes of texts a request has as a rule.
const USUAL_BYTES: usize = 1_024;

/// All that decides what rules find in a request: its event but for ids and times, and the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::audit) struct Key {
    hash: u64,
    texts: Vec<u8>,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Key {
    pub(super) fn of(event: &Event<'_>, profile: u64, hashes: &RandomState) -> Option<Self> {
        let texts = texts_of(event, profile)?;
        Some(Self { hash: hashes.hash_one(&*texts), texts })
    }

    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }

    /// How many bytes it has in memory.
    pub(super) const fn bytes(&self) -> usize {
        self.texts.capacity()
    }
}

/// The texts of a key. None for a request that is too long, or whose body is nobody's to keep.
fn texts_of(event: &Event<'_>, profile: u64) -> Option<Vec<u8>> {
    // Whatever an event gets is a part of it: no `..` here.
    let Event {
        audit_id: _,
        stage,
        level,
        request_uri,
        verb,
        user,
        impersonated_user,
        impersonation_constraint,
        source_ips,
        user_agent,
        object_ref,
        response_status,
        request_object,
        response_object,
        request_received: _,
        stage_reached: _,
        annotations,
        enrichment,
        truncated,
        inferred,
    } = event;
    let bodies = [request_object, response_object, enrichment];
    let bytes: usize = bodies.iter().filter_map(|it| it.as_ref()).map(|it| it.get().len()).sum();
    let has_body = request_object.is_some() || response_object.is_some();
    let is_secret = object_ref.as_ref().is_some_and(|it| SECRET.contains(&&*it.resource));
    if bytes > MAX_BYTES || has_body && is_secret {
        return None;
    }
    let mut key = Writer::default();
    key.number(profile);
    for text in [stage, level, request_uri, verb, impersonation_constraint, user_agent] {
        key.text(text);
    }
    key.user(user);
    key.optional(impersonated_user.as_ref(), Writer::user);
    key.texts(source_ips);
    key.optional(object_ref.as_ref(), Writer::target);
    key.status(response_status);
    for body in bodies {
        key.optional(body.as_ref(), Writer::body);
    }
    key.notes(annotations);
    key.flag(*truncated);
    inferred.iter().for_each(|field| key.text(field.as_str()));
    (key.0.len() <= MAX_BYTES).then_some(key.0)
}

/// Writes parts so that two different sequences of them never read the same: each text with its length before it.
struct Writer(Vec<u8>);

impl Default for Writer {
    fn default() -> Self {
        Self(Vec::with_capacity(USUAL_BYTES))
    }
}

impl Writer {
    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn flag(&mut self, is_so: bool) {
        self.0.push(u8::from(is_so));
    }

    #[inline]
    fn text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(short) if short < u8::MAX => self.0.push(short),
            _ => {
                self.0.push(u8::MAX);
                self.number(text.len() as u64);
            }
        }
        self.0.extend_from_slice(text.as_bytes());
    }

    fn texts(&mut self, texts: &[Cow<'_, str>]) {
        self.number(texts.len() as u64);
        texts.iter().for_each(|text| self.text(text));
    }

    fn optional<T>(&mut self, part: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.flag(part.is_some());
        if let Some(part) = part {
            write(self, part);
        }
    }

    fn user(&mut self, user: &User<'_>) {
        let User { username, uid, groups, extra } = user;
        let Extra { credential_id, pod_name, pod_uid, node_name, node_uid } = extra;
        for text in [username, uid, credential_id, pod_name, pod_uid, node_name, node_uid] {
            self.text(text);
        }
        self.texts(groups);
    }

    fn target(&mut self, target: &ObjectReference<'_>) {
        let ObjectReference { resource, namespace, name, uid, api_group, subresource } = target;
        for text in [resource, namespace, name, uid, api_group, subresource] {
            self.text(text);
        }
    }

    fn status(&mut self, answer: &ResponseStatus<'_>) {
        let ResponseStatus { code, status, reason, message } = answer;
        self.number(code.map_or(u64::MAX, u64::from));
        [status, reason, message].into_iter().for_each(|text| self.text(text));
    }

    fn body(&mut self, body: &RawJson<'_>) {
        self.flag(body.is_whole());
        self.text(body.get());
    }

    fn notes(&mut self, notes: &Annotations<'_>) {
        let Annotations {
            decision,
            reason,
            issued_credential_id,
            decision_ids,
            pod_security_violations,
            policy_failures,
            truncated,
        } = notes;
        let texts =
            [decision, reason, issued_credential_id, pod_security_violations, policy_failures];
        texts.into_iter().for_each(|text| self.text(text));
        self.texts(decision_ids);
        self.flag(*truncated);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// An event that has everything.
    const WHOLE: &str = r#"{"level":"RequestResponse","auditID":"1","stage":"ResponseComplete","requestURI":"/api/v1/a","verb":"create","user":{"username":"ada","uid":"u","groups":["g","h"],"extra":{"authentication.kubernetes.io/credential-id":["JTI=1"],"authentication.kubernetes.io/pod-name":["p"],"authentication.kubernetes.io/pod-uid":["pu"],"authentication.kubernetes.io/node-name":["n"],"authentication.kubernetes.io/node-uid":["nu"]}},"impersonatedUser":{"username":"bob","groups":["i"]},"authenticationMetadata":{"impersonationConstraint":"impersonate:user-info"},"sourceIPs":["10.0.0.1","10.0.0.2"],"userAgent":"kubectl/v1","objectRef":{"resource":"pods","namespace":"shop","name":"web","uid":"ou","apiGroup":"x","subresource":"exec"},"responseStatus":{"code":201,"status":"Failure","reason":"r","message":"m"},"requestObject":{"a":"b"},"responseObject":{"c":"d"},"requestReceivedTimestamp":"2026-11-20T10:00:00Z","stageTimestamp":"2026-11-20T10:00:01Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"why","authentication.kubernetes.io/issued-credential-id":"JTI=2","pod-security.kubernetes.io/audit-violations":"v","validation.policy.admission.k8s.io/validation_failure":"f","w/decision-id":"d"},"p_enrichment":{"e":"f"}}"#;

    fn key(text: &str) -> Vec<u8> {
        let event = Event::parse(text).unwrap();
        texts_of(&event, 0).unwrap()
    }

    /// Every text and number of a document changed, one at a time, with where it stands.
    fn changed(value: &Value, at: &str) -> Vec<(String, Value)> {
        let within = |key: &str, part: &Value| changed(part, &format!("{at}/{key}"));
        match value {
            Value::Object(members) => members
                .iter()
                .flat_map(|(key, part)| {
                    within(key, part).into_iter().map(move |(at, part)| {
                        let mut members = members.clone();
                        members.insert(key.clone(), part);
                        (at, Value::Object(members))
                    })
                })
                .collect(),
            Value::Array(parts) => (0..parts.len())
                .flat_map(|index| {
                    within(&index.to_string(), &parts[index]).into_iter().map(move |(at, part)| {
                        let mut parts = parts.clone();
                        parts[index] = part;
                        (at, Value::Array(parts))
                    })
                })
                .collect(),
            Value::String(text) => vec![(at.to_owned(), Value::String(format!("{text}+")))],
            _ => vec![(at.to_owned(), Value::from(299))],
        }
    }

    #[test]
    fn whatever_of_an_event_differs_makes_it_another_request_but_ids_and_times() {
        let whole: Value = serde_json::from_str(WHOLE).unwrap();
        let known = key(&whole.to_string());
        let variants = changed(&whole, "");
        let same: Vec<_> = variants
            .iter()
            .filter(|(_, event)| key(&event.to_string()) == known)
            .map(|(at, _)| at.as_str())
            .collect();
        assert_eq!(same, ["/auditID", "/requestReceivedTimestamp", "/stageTimestamp"]);
        // No two of the others are the same either.
        let keys: BTreeSet<_> = variants.iter().map(|(_, event)| key(&event.to_string())).collect();
        assert_eq!(keys.len(), variants.len() - same.len() + 1);
    }

    #[test]
    fn the_profile_is_a_part_of_a_request() {
        let event = Event::parse(WHOLE).unwrap();
        assert_ne!(texts_of(&event, 0), texts_of(&event, 1));
    }

    #[test]
    fn long_requests_and_bodies_of_secrets_are_not_kept() {
        let long = WHOLE.replace("/api/v1/a", &"a".repeat(MAX_BYTES));
        let body = WHOLE.replace(r#"{"a":"b"}"#, &format!(r#""{}""#, "a".repeat(MAX_BYTES)));
        let secret = WHOLE.replace(r#""resource":"pods""#, r#""resource":"secrets""#);
        for text in [long, body, secret] {
            let event = Event::parse(&text).unwrap();
            assert_eq!(texts_of(&event, 0), None, "{text}");
        }
    }
}
