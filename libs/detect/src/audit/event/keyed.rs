//! The two open maps of an audit event, of which Airside wants a few keys: `user.extra` and
//! `annotations`. Other keys are skipped without being kept.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::decode::texts;
use crate::json::Cursor;

/// What authenticators add to a user. Source: `k8s.io/apiserver/pkg/authentication/serviceaccount` and,
/// for the access key, aws-iam-authenticator.
#[derive(Debug, Clone, Default)]
pub struct Extra<'a> {
    /// The credential's id, such as `JTI=…` or `X509SHA256=…`; on EKS the access key's id.
    pub credential_id: Cow<'a, str>,
    /// The pod that a token is bound to.
    pub pod_name: Cow<'a, str>,
    /// That pod's uid.
    pub pod_uid: Cow<'a, str>,
    /// The node that the pod ran on when the token was issued.
    pub node_name: Cow<'a, str>,
    /// That node's uid.
    pub node_uid: Cow<'a, str>,
}

/// What the API server and its webhooks noted about a request.
#[derive(Debug, Clone, Default)]
pub struct Annotations<'a> {
    /// `allow` or `forbid`.
    pub decision: Cow<'a, str>,
    /// Why, such as the binding and role that allowed it.
    pub reason: Cow<'a, str>,
    /// The credential that a TokenRequest issued.
    pub issued_credential_id: Cow<'a, str>,
    /// The ids of admission decisions, from annotations `<webhook>/decision-id`.
    pub decision_ids: Vec<Cow<'a, str>>,
    /// What Pod Security admission would have refused.
    pub pod_security_violations: Cow<'a, str>,
    /// Which validating admission policies failed and only say so, as a JSON list.
    pub policy_failures: Cow<'a, str>,
    /// The API server cut the event.
    pub truncated: bool,
}

impl<'a> Extra<'a> {
    /// The extra fields as a map has them, such as that of an AdmissionReview.
    pub fn of(fields: &'a BTreeMap<String, Vec<String>>) -> Self {
        let mut extra = Self::default();
        for (key, values) in fields {
            if let (Some(field), Some(value)) = (extra.field(key), values.first()) {
                *field = Cow::Borrowed(value);
            }
        }
        extra
    }

    /// Reads a user's extra fields, of each its first value.
    pub(super) fn fill(&mut self, cursor: &mut Cursor<'a>) {
        *self = Self::default();
        if cursor.object() {
            while let Some(key) = cursor.key() {
                match self.field(&key) {
                    Some(field) => *field = texts(cursor).into_iter().next().unwrap_or_default(),
                    None => cursor.skip(),
                }
            }
        }
    }

    /// Where the value of a key belongs; none for keys that say nothing about who asks.
    fn field(&mut self, key: &str) -> Option<&mut Cow<'a, str>> {
        Some(match key {
            "authentication.kubernetes.io/credential-id" => &mut self.credential_id,
            "authentication.kubernetes.io/pod-name" => &mut self.pod_name,
            "authentication.kubernetes.io/pod-uid" => &mut self.pod_uid,
            "authentication.kubernetes.io/node-name" => &mut self.node_name,
            "authentication.kubernetes.io/node-uid" => &mut self.node_uid,
            "accessKeyId" if self.credential_id.is_empty() => &mut self.credential_id,
            _ => return None,
        })
    }
}

/// A client chooses none of the annotations, but there may be many webhooks.
const MAX_DECISION_IDS: usize = 8;

impl<'a> Annotations<'a> {
    /// Reads annotations, of an event or of an envelope that has them as labels.
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut notes = Self::default();
        notes.fill(cursor);
        notes
    }

    /// The same, where they stay.
    pub(super) fn fill(&mut self, cursor: &mut Cursor<'a>) {
        *self = Self::default();
        let notes = self;
        if !cursor.object() {
            return;
        }
        while let Some(key) = cursor.key() {
            match &*key {
                "authorization.k8s.io/decision" => notes.decision = cursor.text(),
                "authorization.k8s.io/reason" => notes.reason = cursor.text(),
                "authentication.kubernetes.io/issued-credential-id" => {
                    notes.issued_credential_id = cursor.text();
                }
                "pod-security.kubernetes.io/audit-violations" => {
                    notes.pod_security_violations = cursor.text();
                }
                "validation.policy.admission.k8s.io/validation_failure" => {
                    notes.policy_failures = cursor.text();
                }
                "audit.k8s.io/truncated" => notes.truncated = cursor.text() == "true",
                webhook if webhook.ends_with("/decision-id") => {
                    let id = cursor.text();
                    if notes.decision_ids.len() < MAX_DECISION_IDS {
                        notes.decision_ids.push(id);
                    }
                }
                _ => cursor.skip(),
            }
        }
    }
}
