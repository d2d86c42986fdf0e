//! The floor: the JSON library alone reads from the bytes what the product reads, field for field, borrowed
//! where the product borrows, bodies left as they stand. No tolerance, no rules.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads all batches; returns what keeps the compiler from leaving something out.
pub(super) fn read(batches: &[Bytes]) -> anyhow::Result<usize> {
    let mut length = 0;
    for body in batches {
        let list: List<'_> = serde_json::from_slice(body)?;
        length += std::hint::black_box(&list).items.len();
    }
    Ok(length)
}

#[derive(Debug, Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    items: Vec<Event<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow, rename = "auditID")]
    audit_id: Cow<'a, str>,
    #[serde(borrow)]
    stage: Cow<'a, str>,
    #[serde(borrow)]
    level: Cow<'a, str>,
    #[serde(borrow, rename = "requestURI")]
    request_uri: Cow<'a, str>,
    #[serde(borrow)]
    verb: Cow<'a, str>,
    #[serde(borrow)]
    user: User<'a>,
    #[serde(borrow)]
    impersonated_user: Option<User<'a>>,
    #[serde(borrow, rename = "sourceIPs")]
    source_ips: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    user_agent: Cow<'a, str>,
    #[serde(borrow)]
    object_ref: Option<ObjectReference<'a>>,
    #[serde(borrow)]
    response_status: ResponseStatus<'a>,
    #[serde(borrow)]
    request_object: Option<&'a RawValue>,
    #[serde(borrow)]
    response_object: Option<&'a RawValue>,
    #[serde(borrow)]
    request_received_timestamp: Cow<'a, str>,
    #[serde(borrow)]
    stage_timestamp: Cow<'a, str>,
    #[serde(borrow)]
    annotations: Annotations<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct User<'a> {
    #[serde(borrow)]
    username: Cow<'a, str>,
    #[serde(borrow)]
    uid: Cow<'a, str>,
    #[serde(borrow)]
    groups: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    extra: Extra<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Extra<'a> {
    #[serde(borrow, rename = "authentication.kubernetes.io/credential-id")]
    credential_id: Vec<Cow<'a, str>>,
    #[serde(borrow, rename = "authentication.kubernetes.io/pod-name")]
    pod_name: Vec<Cow<'a, str>>,
    #[serde(borrow, rename = "authentication.kubernetes.io/pod-uid")]
    pod_uid: Vec<Cow<'a, str>>,
    #[serde(borrow, rename = "authentication.kubernetes.io/node-name")]
    node_name: Vec<Cow<'a, str>>,
    #[serde(borrow, rename = "authentication.kubernetes.io/node-uid")]
    node_uid: Vec<Cow<'a, str>>,
    #[serde(borrow, rename = "accessKeyId")]
    access_key_id: Vec<Cow<'a, str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ObjectReference<'a> {
    #[serde(borrow)]
    resource: Cow<'a, str>,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    uid: Cow<'a, str>,
    #[serde(borrow)]
    api_group: Cow<'a, str>,
    #[serde(borrow)]
    subresource: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ResponseStatus<'a> {
    code: Option<u16>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    reason: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Annotations<'a> {
    #[serde(borrow, rename = "authorization.k8s.io/decision")]
    decision: Cow<'a, str>,
    #[serde(borrow, rename = "authorization.k8s.io/reason")]
    reason: Cow<'a, str>,
    #[serde(borrow, rename = "authentication.kubernetes.io/issued-credential-id")]
    issued_credential_id: Cow<'a, str>,
    #[serde(borrow, rename = "pod-security.kubernetes.io/audit-violations")]
    pod_security_violations: Cow<'a, str>,
    #[serde(borrow, rename = "audit.k8s.io/truncated")]
    truncated: Cow<'a, str>,
}
