//! An audit event of a Kubernetes API server, decoded without copying.
//!
//! Owns the fields and how tolerant their reading is: `audit.k8s.io/v1` and `v1beta1`, missing fields,
//! `null`s, other types and unknown keys are all fine, and an event that breaks off has what came before.
//! Bodies stay undecoded until a rule asks for them. What an event means is left to the rules.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::LazyLock;

use airside_types::Timestamp;

mod decode;
mod inferred;
mod keyed;

pub use inferred::{Field, Inferred};
pub use keyed::{Annotations, Extra};

use super::known::KnownText;
use crate::json::{Break, Cursor, RawJson};

/// One audit event. Text that an event does not have is empty.
///
/// What differs where the same request comes again stands here; all else is its [`Content`], which it may share with an event
/// that came before.
#[derive(Clone)]
pub struct Event<'a> {
    /// The request's id. A client can choose it.
    pub audit_id: Cow<'a, str>,
    /// When the API server received the request, RFC 3339.
    pub request_received: Cow<'a, str>,
    /// When it reached the stage, RFC 3339.
    pub stage_reached: Cow<'a, str>,
    /// As what its text is known to those who read it, if it came before.
    pub known_text: Option<KnownText>,
    pub(super) content: Option<Content<'a>>,
    /// What it says if it has no content of its own.
    pub(super) like: &'a Content<'a>,
}

/// What an event says of which nothing is read yet.
static NOTHING: LazyLock<Content<'static>> = LazyLock::new(Content::default);

impl Default for Event<'_> {
    fn default() -> Self {
        Self {
            audit_id: Cow::Borrowed(""),
            request_received: Cow::Borrowed(""),
            stage_reached: Cow::Borrowed(""),
            known_text: None,
            content: None,
            like: &NOTHING,
        }
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { audit_id, request_received, stage_reached, known_text, .. } = self;
        formatter
            .debug_struct("Event")
            .field("audit_id", audit_id)
            .field("request_received", request_received)
            .field("stage_reached", stage_reached)
            .field("known_text", known_text)
            .field("content", &**self)
            .finish()
    }
}

impl<'a> Deref for Event<'a> {
    type Target = Content<'a>;

    #[inline]
    fn deref(&self) -> &Content<'a> {
        self.content.as_ref().unwrap_or(self.like)
    }
}

/// What an event says, but for its request's number and its times.
#[derive(Debug, Clone, Default)]
pub struct Content<'a> {
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
    pub impersonated_user: Option<Box<User<'a>>>,
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
    pub request_object: Option<RawJson<'a>>,
    /// The body of the response.
    pub response_object: Option<RawJson<'a>>,
    /// What the API server's plugins noted.
    pub annotations: Annotations<'a>,
    /// What a log platform that passed the event on knows of its addresses.
    pub enrichment: Option<RawJson<'a>>,
    /// The event was cut on its way, so bodies or later fields are missing.
    pub truncated: bool,
    /// The fields that the source did not tell.
    pub inferred: Inferred,
}

/// An authenticated user.
#[derive(Debug, Clone, Default)]
pub struct User<'a> {
    /// The username.
    pub username: Cow<'a, str>,
    /// The uid; of a service account, the object's uid.
    pub uid: Cow<'a, str>,
    /// The groups.
    pub groups: Vec<Cow<'a, str>>,
    /// What the authenticator added.
    pub extra: Extra<'a>,
}

/// What a request is about, by the names that its path has.
#[derive(Debug, Clone, Default)]
pub struct ObjectReference<'a> {
    /// The plural, such as `pods`.
    pub resource: Cow<'a, str>,
    /// The namespace; empty across namespaces and for cluster-scoped resources.
    pub namespace: Cow<'a, str>,
    /// The object's name; empty for collections and names that the server makes.
    pub name: Cow<'a, str>,
    /// The object's uid, where the request named it.
    pub uid: Cow<'a, str>,
    /// The API group; empty for the core group.
    pub api_group: Cow<'a, str>,
    /// Such as `exec` or `status`.
    pub subresource: Cow<'a, str>,
}

impl ObjectReference<'_> {
    /// Whether it says nothing.
    fn is_empty(&self) -> bool {
        let Self { resource, namespace, name, uid, api_group, subresource } = self;
        [resource, namespace, name, uid, api_group, subresource].iter().all(|text| text.is_empty())
    }
}

/// The status of an answer.
#[derive(Debug, Clone, Default)]
pub struct ResponseStatus<'a> {
    /// The HTTP code, where the event has one.
    pub code: Option<u16>,
    /// `Failure` or empty.
    pub status: Cow<'a, str>,
    /// Such as `Forbidden`.
    pub reason: Cow<'a, str>,
    /// What the API server says to people.
    pub message: Cow<'a, str>,
}

impl<'a> Event<'a> {
    /// An event that says this, without number or time.
    pub(crate) fn saying(content: Content<'a>) -> Self {
        Self { content: Some(content), ..Self::default() }
    }

    /// An event that says what another one says, without number or time.
    pub(crate) fn like(other: &'a Self) -> Self {
        Self { like: other, ..Self::default() }
    }

    /// What it says, to be changed.
    pub(crate) fn content_mut(&mut self) -> &mut Content<'a> {
        let like = self.like;
        self.content.get_or_insert_with(|| like.clone())
    }

    /// Reads one event.
    pub fn parse(text: &'a str) -> Result<Self, Break> {
        let mut cursor = Cursor::new(text);
        let event = Self::read(&mut cursor);
        if cursor.peek().is_some() {
            cursor.fail();
        }
        cursor.broken().map_or(Ok(event), Err)
    }

    /// Reads what came before the cut of a truncated event, if that tells what the request was.
    ///
    /// The API server writes user, verb and object before the bodies, so that padding a body hides the
    /// body but not the deed.
    pub fn recover(text: &'a str) -> Option<Self> {
        let mut cursor = Cursor::new(text);
        let mut event = Self::read(&mut cursor);
        event.content_mut().truncated = true;
        (cursor.broken() == Some(Break::Cut) && event.is_event()).then_some(event)
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
