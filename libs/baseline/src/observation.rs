//! What one request shows, as far as behaviour goes.

use std::net::IpAddr;

use airside_types::{Id, Timestamp};

/// One answered request to an API server. Texts that it does not have are empty.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// The event, by the identity that a client cannot choose.
    pub event: Id,
    /// When the request was received.
    pub time: Timestamp,
    /// Who authenticated.
    pub actor: Actor<'a>,
    /// The credential's id, where the API server tells it.
    pub credential: Option<&'a str>,
    /// The pod that the actor's token is bound to.
    pub pod: Option<BoundPod<'a>>,
    /// The program that asked.
    pub client: Client<'a>,
    /// The address that is certain.
    pub address: Option<IpAddr>,
    /// What was asked for.
    pub request: Request<'a>,
    /// How it ended.
    pub outcome: Outcome,
    /// How many bytes the event has.
    pub bytes: u32,
    /// A credential that the request had issued.
    pub issued: Option<&'a str>,
    /// The binding that allowed it, as the API server names it.
    pub grant: Option<&'a str>,
    /// The images of the pods that it writes, without tags and digests, as far as its body is known.
    pub images: &'a [&'a str],
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor<'a> {
    /// The username.
    pub name: &'a str,
    /// What it is.
    pub class: Class,
}

/// The kinds of actors. Those of one kind have more in common with each other than with others.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Class {
    /// A person, or a program with a person's kind of account.
    Person,
    /// A service account.
    Account,
    /// A node's kubelet.
    Node,
    /// A component of the control plane.
    Component,
    /// Nobody that authenticated.
    Anonymous,
}

impl Class {
    /// The class in a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Account => "account",
            Self::Node => "node",
            Self::Component => "component",
            Self::Anonymous => "anonymous",
        }
    }
}

/// The pod that a token is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundPod<'a> {
    /// Its uid.
    pub uid: &'a str,
    /// The node that the token says.
    pub node: &'a str,
}

/// A program, as it calls itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client<'a> {
    /// The tool, without its version: `kubectl`.
    pub tool: &'a str,
    /// The version.
    pub version: &'a str,
    /// Whether it is a tool that people type into.
    pub is_by_hand: bool,
}

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The verb of RBAC.
    pub verb: &'a str,
    /// The API group; empty for the core group.
    pub group: &'a str,
    /// The plural; empty for paths that are none of resources.
    pub resource: &'a str,
    /// Such as `exec`.
    pub subresource: &'a str,
    /// The namespace; empty across namespaces.
    pub namespace: &'a str,
    /// The object's name; empty for collections.
    pub name: &'a str,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// Authentication failed.
    Unauthenticated,
    /// Authorization or admission refused it.
    Refused,
    /// It failed for another reason, or was only tried out.
    Failed,
}

/// How much a request can do, whoever makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It reads what holds no credentials.
    Reads,
    /// It writes.
    Writes,
    /// It gives or takes access, runs commands, or reads credentials.
    Dangerous,
}

/// Resources whose writing gives access, by group.
const GIVING_ACCESS: [(&str, &[&str]); 5] = [
    (
        "rbac.authorization.k8s.io",
        &["roles", "clusterroles", "rolebindings", "clusterrolebindings"],
    ),
    (
        "admissionregistration.k8s.io",
        &[
            "mutatingwebhookconfigurations",
            "validatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
        ],
    ),
    ("certificates.k8s.io", &["certificatesigningrequests"]),
    ("apiregistration.k8s.io", &["apiservices"]),
    ("", &["secrets", "serviceaccounts"]),
];

impl Request<'_> {
    /// How much it can do.
    pub fn weight(&self) -> Weight {
        let reads = matches!(self.verb, "get" | "list" | "watch" | "head");
        let is_core = self.group.is_empty();
        let enters = matches!(
            (self.resource, self.subresource),
            ("pods", "exec" | "attach" | "portforward" | "ephemeralcontainers")
                | ("nodes" | "pods" | "services", "proxy")
                | ("serviceaccounts", "token")
        );
        let reads_secrets = is_core && self.resource == "secrets" && reads;
        let gives = !reads
            && GIVING_ACCESS.iter().any(|(group, resources)| {
                *group == self.group && resources.contains(&self.resource)
            });
        let is_dangerous = is_core && enters
            || reads_secrets
            || gives
            || matches!(self.verb, "impersonate" | "escalate" | "bind" | "deletecollection");
        match (is_dangerous, reads) {
            (true, _) => Weight::Dangerous,
            (false, true) => Weight::Reads,
            (false, false) => Weight::Writes,
        }
    }

    /// In words: `get secrets in shop`.
    pub fn told(&self) -> String {
        let mut text = format!("{} {}", self.verb, self.resource);
        if !self.subresource.is_empty() {
            text.push('/');
            text.push_str(self.subresource);
        }
        if !self.group.is_empty() {
            text.push('.');
            text.push_str(self.group);
        }
        if !self.namespace.is_empty() {
            text.push_str(" in ");
            text.push_str(self.namespace);
        }
        text
    }
}

impl Observation<'_> {
    /// Whether it is about a Secret, and succeeded.
    pub(crate) fn reads_secret(&self) -> bool {
        self.request.group.is_empty()
            && self.request.resource == "secrets"
            && self.request.verb == "get"
            && self.outcome == Outcome::Done
            && !self.request.name.is_empty()
    }
}
