//! The two open maps of an audit event, of which Airside wants a few keys: `user.extra` and
//! `annotations`. Other keys are skipped without being kept.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::text::{List, Text};

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

struct ExtraVisitor;

impl<'de> Visitor<'de> for ExtraVisitor {
    type Value = Extra<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a user's extra fields")
    }

    fn visit_unit<E>(self) -> Result<Extra<'de>, E> {
        Ok(Extra::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Extra<'de>, A::Error> {
        let mut extra = Extra::default();
        while let Some(Text(key)) = map.next_key()? {
            let Some(field) = extra.field(&key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            *field = map.next_value::<List<'_>>()?.0.into_iter().next().unwrap_or_default();
        }
        Ok(extra)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Extra<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExtraVisitor)
    }
}

struct AnnotationsVisitor;

impl<'de> Visitor<'de> for AnnotationsVisitor {
    type Value = Annotations<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("annotations")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations<'de>, A::Error> {
        let mut notes = Annotations::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "authorization.k8s.io/decision" => notes.decision = map.next_value::<Text<'_>>()?.0,
                "authorization.k8s.io/reason" => notes.reason = map.next_value::<Text<'_>>()?.0,
                "authentication.kubernetes.io/issued-credential-id" => {
                    notes.issued_credential_id = map.next_value::<Text<'_>>()?.0;
                }
                "pod-security.kubernetes.io/audit-violations" => {
                    notes.pod_security_violations = map.next_value::<Text<'_>>()?.0;
                }
                "validation.policy.admission.k8s.io/validation_failure" => {
                    notes.policy_failures = map.next_value::<Text<'_>>()?.0;
                }
                "audit.k8s.io/truncated" => {
                    notes.truncated = map.next_value::<Text<'_>>()?.0 == "true";
                }
                webhook if webhook.ends_with("/decision-id") => {
                    let Text(id) = map.next_value()?;
                    if notes.decision_ids.len() < MAX_DECISION_IDS {
                        notes.decision_ids.push(id);
                    }
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(notes)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Annotations<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnnotationsVisitor)
    }
}
