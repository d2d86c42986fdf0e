//! An audit event of a Kubernetes API server, decoded without copying.
//!
//! Owns the fields and how tolerant their reading is: `audit.k8s.io/v1` and `v1beta1`, missing fields,
//! `null`s and unknown keys are all fine. Bodies stay undecoded until a rule asks for them. What an event
//! means is left to the rules.

use std::borrow::Cow;
use std::fmt;

use airside_types::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

mod keyed;
mod text;

pub use keyed::{Annotations, Extra};
pub(crate) use text::Text;

/// One audit event. Text that an event does not have is empty.
#[derive(Debug, Clone, Default)]
pub struct Event<'a> {
    /// The request's id. A client can choose it.
    pub audit_id: Cow<'a, str>,
    /// `RequestReceived`, `ResponseStarted`, `ResponseComplete` or `Panic`.
    pub stage: Cow<'a, str>,
    /// `Metadata`, `Request` or `RequestResponse`: which bodies the policy keeps.
    pub level: Cow<'a, str>,
    /// Path and query.
    pub request_uri: Cow<'a, str>,
    /// The verb of RBAC, such as `list`; an HTTP method in lower case for other paths.
    pub verb: Cow<'a, str>,
    /// Who authenticated; empty after a failed authentication.
    pub user: User<'a>,
    /// Whom that user acts as.
    pub impersonated_user: Option<User<'a>>,
    /// The kind of constrained impersonation that allowed that, such as
    /// `impersonate:user-info`; empty for impersonation without constraint.
    pub impersonation_constraint: Cow<'a, str>,
    /// Addresses of the client and of proxies; only the last ones are certain: see [`crate::profile`].
    pub source_ips: Vec<Cow<'a, str>>,
    /// What the client calls itself.
    pub user_agent: Cow<'a, str>,
    /// What the request is about; none for paths such as `/healthz`.
    pub object_ref: Option<ObjectReference<'a>>,
    /// The answer's status.
    pub response_status: ResponseStatus<'a>,
    /// The body of the request.
    pub request_object: Option<&'a RawValue>,
    /// The body of the response.
    pub response_object: Option<&'a RawValue>,
    /// When the API server received the request, RFC 3339.
    pub request_received: Cow<'a, str>,
    /// When it reached the stage, RFC 3339.
    pub stage_reached: Cow<'a, str>,
    /// What the API server's plugins noted.
    pub annotations: Annotations<'a>,
    /// What a log platform that passed the event on knows of its addresses.
    pub enrichment: Option<&'a RawValue>,
    /// The event was cut on its way, so bodies or later fields are missing.
    pub truncated: bool,
}

/// An authenticated user.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct User<'a> {
    /// The username.
    #[serde(borrow, deserialize_with = "text::cow")]
    pub username: Cow<'a, str>,
    /// The uid; of a service account, the object's uid.
    #[serde(borrow, deserialize_with = "text::cow")]
    pub uid: Cow<'a, str>,
    /// The groups.
    #[serde(borrow, deserialize_with = "text::list")]
    pub groups: Vec<Cow<'a, str>>,
    /// What the authenticator added.
    #[serde(borrow)]
    pub extra: Extra<'a>,
}

/// What a request is about, by the names that its path has.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ObjectReference<'a> {
    /// The plural, such as `pods`.
    #[serde(borrow, deserialize_with = "text::cow")]
    pub resource: Cow<'a, str>,
    /// The namespace; empty across namespaces and for cluster-scoped resources.
    #[serde(borrow, deserialize_with = "text::cow")]
    pub namespace: Cow<'a, str>,
    /// The object's name; empty for collections and names that the server makes.
    #[serde(borrow, deserialize_with = "text::cow")]
    pub name: Cow<'a, str>,
    /// The object's uid, where the request named it.
    #[serde(borrow, deserialize_with = "text::cow")]
    pub uid: Cow<'a, str>,
    /// The API group; empty for the core group.
    #[serde(borrow, deserialize_with = "text::cow")]
    pub api_group: Cow<'a, str>,
    /// Such as `exec` or `status`.
    #[serde(borrow, deserialize_with = "text::cow")]
    pub subresource: Cow<'a, str>,
}

/// The status of an answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ResponseStatus<'a> {
    /// The HTTP code, where the event has one.
    pub code: Option<u16>,
    /// `Failure` or empty.
    #[serde(borrow, deserialize_with = "text::cow")]
    pub status: Cow<'a, str>,
    /// Such as `Forbidden`.
    #[serde(borrow, deserialize_with = "text::cow")]
    pub reason: Cow<'a, str>,
    /// What the API server says to people.
    #[serde(borrow, deserialize_with = "text::cow")]
    pub message: Cow<'a, str>,
}

/// How the user was authenticated.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AuthenticationMetadata<'a> {
    #[serde(borrow, deserialize_with = "text::cow")]
    impersonation_constraint: Cow<'a, str>,
}

impl<'a> Event<'a> {
    /// Reads one event.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        let mut event = Self::default();
        let mut json = serde_json::Deserializer::from_str(text);
        Fill(&mut event).deserialize(&mut json)?;
        json.end()?;
        Ok(event)
    }

    /// Reads what came before the cut of a truncated event, if that tells what the request was.
    ///
    /// The API server writes user, verb and object before the bodies, so that padding a body hides the
    /// body but not the deed.
    pub fn recover(text: &'a str) -> Option<Self> {
        let mut event = Self::default();
        let cut = Fill(&mut event).deserialize(&mut serde_json::Deserializer::from_str(text));
        event.truncated = true;
        (cut.is_err() && event.is_event()).then_some(event)
    }

    /// Whether this is an audit event at all, and not some other JSON object.
    pub fn is_event(&self) -> bool {
        let says_who_or_how = !self.user.username.is_empty() || !self.verb.is_empty();
        says_who_or_how && (self.object_ref.is_some() || !self.request_uri.is_empty())
    }

    /// When the request was received; the stage's time where that is missing.
    pub fn time(&self) -> Option<Timestamp> {
        [&self.request_received, &self.stage_reached]
            .into_iter()
            .find_map(|text| Timestamp::parse_rfc3339(text).ok())
    }
}

/// Fills an event field by field, so that a broken end does not lose what came before.
struct Fill<'e, 'a>(&'e mut Event<'a>);

impl<'de> DeserializeSeed<'de> for Fill<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fill<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an audit event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let event = self.0;
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "auditID" => event.audit_id = map.next_value::<Text<'_>>()?.0,
                "stage" => event.stage = map.next_value::<Text<'_>>()?.0,
                "level" => event.level = map.next_value::<Text<'_>>()?.0,
                "requestURI" => event.request_uri = map.next_value::<Text<'_>>()?.0,
                "verb" => event.verb = map.next_value::<Text<'_>>()?.0,
                "user" => event.user = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "impersonatedUser" => event.impersonated_user = map.next_value()?,
                "authenticationMetadata" => {
                    let metadata: Option<AuthenticationMetadata<'_>> = map.next_value()?;
                    event.impersonation_constraint =
                        metadata.unwrap_or_default().impersonation_constraint;
                }
                "sourceIPs" => event.source_ips = map.next_value::<text::List<'_>>()?.0,
                "userAgent" => event.user_agent = map.next_value::<Text<'_>>()?.0,
                "objectRef" => event.object_ref = map.next_value()?,
                "responseStatus" => {
                    event.response_status = map.next_value::<Option<_>>()?.unwrap_or_default();
                }
                "requestObject" => event.request_object = map.next_value()?,
                "responseObject" => event.response_object = map.next_value()?,
                "p_enrichment" => event.enrichment = map.next_value()?,
                "requestReceivedTimestamp" => {
                    event.request_received = map.next_value::<Text<'_>>()?.0;
                }
                // v1beta1 has `timestamp`, the time of the stage.
                "stageTimestamp" | "timestamp" => {
                    event.stage_reached = map.next_value::<Text<'_>>()?.0;
                }
                "annotations" => {
                    event.annotations = map.next_value::<Option<_>>()?.unwrap_or_default();
                    event.truncated |= event.annotations.truncated;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
