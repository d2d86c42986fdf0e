//! An audit event as rules see it: who, with what, did what to which object, and how it ended.
//!
//! Bodies are decoded, and pods in them judged, when the first rule asks, and then kept for the next one. Everything here is
//! derived from one event; what several events say together is [`crate::counting`]'s.

use std::cell::{Cell, OnceCell};
use std::net::IpAddr;
use std::sync::Arc;

use airside_checks::Failure;
use airside_k8s::Value;
use airside_types::{Id, Link, NamedValue, Source, Timestamp};

use percent_encoding::percent_decode_str;

use super::actor::{self, Actor};
use super::body;
use super::change::Change;
use super::client::Client;
use super::event::{Event, ObjectReference};
use super::exec;
use super::known::{KnownBy, Lookup};
use super::links;
use super::machinery::Standing;
use super::object::ObjectMeta;
use super::pod_spec::{self, Program};
use crate::command;
use crate::intake::Intake;
use crate::profile::ClusterProfile;
use crate::split::split_once;

mod outcome;

pub(crate) use outcome::Outcome;

/// The longest name of a client's program that a sentence has, in characters.
const MAX_PRODUCT_CHARS: usize = 60;
/// The longest user agent that is kept, in characters.
const MAX_AGENT_CHARS: usize = 120;
/// The group that no authorizer is asked about.
const MASTERS: &str = "system:masters";

/// One request to an API server. Whatever several ask of it is derived once: its identity, its client, its bodies.
#[derive(Debug)]
pub struct Request<'e> {
    event: &'e Event<'e>,
    known: Option<KnownBy<'e>>,
    lookup: OnceCell<Lookup>,
    id: OnceCell<Id>,
    actor: OnceCell<Actor<'e>>,
    client: OnceCell<Client>,
    outcome: OnceCell<Outcome>,
    profile: &'e ClusterProfile,
    standing: OnceCell<Standing>,
    belief: Cell<Belief>,
    change: OnceCell<Change<'e>>,
    failures: OnceCell<Vec<Failure>>,
    programs: OnceCell<Vec<Program>>,
    time: OnceCell<Option<Timestamp>>,
    answered: OnceCell<Option<ObjectMeta<'e>>>,
    uri: OnceCell<(&'e str, &'e str)>,
    links: OnceCell<Vec<Link>>,
    address: OnceCell<Option<IpAddr>>,
    told: OnceCell<(String, String)>,
    values: OnceCell<Vec<NamedValue>>,
}

/// Whether a name is believed that nothing proves and nothing refutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belief {
    /// It would be, and no rule has asked.
    Unasked,
    /// It was, so that a rule may have left the request alone.
    Believed,
    /// It is not.
    Doubted,
}

impl<'e> Request<'e> {
    /// The request that an event reports, to a cluster of which this is known.
    pub const fn new(event: &'e Event<'e>, profile: &'e ClusterProfile) -> Self {
        Self {
            event,
            known: None,
            lookup: OnceCell::new(),
            id: OnceCell::new(),
            actor: OnceCell::new(),
            client: OnceCell::new(),
            outcome: OnceCell::new(),
            profile,
            standing: OnceCell::new(),
            belief: Cell::new(Belief::Unasked),
            change: OnceCell::new(),
            failures: OnceCell::new(),
            programs: OnceCell::new(),
            time: OnceCell::new(),
            answered: OnceCell::new(),
            uri: OnceCell::new(),
            links: OnceCell::new(),
            address: OnceCell::new(),
            told: OnceCell::new(),
            values: OnceCell::new(),
        }
    }

    /// The same, where what is known of others like it need not be worked out again.
    #[must_use]
    pub const fn among(mut self, known: KnownBy<'e>) -> Self {
        self.known = Some(known);
        self
    }

    /// What is known of others like it.
    pub(super) const fn known(&self) -> Option<KnownBy<'e>> {
        self.known
    }

    /// What is known of the same request, asked before.
    pub(super) fn lookup(&self) -> &Lookup {
        let look = || self.known.map_or(Lookup::New, |known| known.look(self.event));
        self.lookup.get_or_init(look)
    }

    /// The same, with a change of an object that is known.
    #[cfg(test)]
    pub(super) fn knowing(
        event: &'e Event<'e>,
        profile: &'e ClusterProfile,
        change: Change<'e>,
    ) -> Self {
        Self { change: OnceCell::from(change), ..Self::new(event, profile) }
    }

    /// The event.
    pub const fn event(&self) -> &'e Event<'e> {
        self.event
    }

    /// The identity of its event. A client can choose its auditID, so what was asked, by whom, from where and when is part
    /// of it, all as the API server noted it. The two events of a long-running request have one identity: its start and
    /// its end are one deed; that it arrived, before any answer, is none yet. A request belongs to one intake, whose tenant and cluster are part of it too.
    pub(crate) fn id(&self, intake: &Intake<'_>) -> Id {
        *self.id.get_or_init(|| {
            let event = self.event;
            let received = intake
                .event_id(Source::Audit)
                .id(self.digest())
                .text(&event.audit_id)
                .text(&event.request_received);
            if self.is_one_deed() { received } else { received.text(&event.stage_reached) }.finish()
        })
    }

    /// What was asked and answered, without when and under which number.
    pub(super) fn digest(&self) -> Id {
        if let Lookup::Known(asked) = self.lookup() {
            return asked.digest;
        }
        let event = self.event;
        let asked = Id::builder("asked")
            .text(&event.user.username)
            .text(&event.verb)
            .text(&event.request_uri)
            .text(&event.user_agent)
            .number(i64::try_from(event.source_ips.len()).unwrap_or(i64::MAX));
        let asked = event.source_ips.iter().fold(asked, |id, address| id.text(address));
        if self.is_one_deed() {
            asked.finish()
        } else {
            let code = event.response_status.code.unwrap_or_default();
            asked.text(&event.stage).number(code.into()).finish()
        }
    }

    /// Whether its events after the first answer are one deed.
    fn is_one_deed(&self) -> bool {
        self.is_long_running() && self.is_answered()
    }

    /// What is known of the cluster.
    pub(crate) fn profile(&self) -> &'e ClusterProfile {
        self.profile
    }

    /// When the request was received.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        *self.time.get_or_init(|| self.event.time())
    }

    /// Who authenticated, as far as it is certain. Impersonation does not hide them.
    pub(crate) fn actor(&self) -> Actor<'e> {
        *self.actor.get_or_init(|| Actor::verified(&self.event.user, self.profile))
    }

    /// With what kind of client.
    pub(crate) fn client(&self) -> Client {
        *self.client.get_or_init(|| Client::of(&self.event.user_agent))
    }

    /// Whose deed it is.
    pub(super) fn standing(&self) -> Standing {
        *self.standing.get_or_init(|| Standing::of(self))
    }

    /// The cluster's own machinery, doing what it is known to do; and whoever has the name of it, until
    /// [`Self::doubt`] is called.
    pub(crate) fn is_by_trusted_system(&self) -> bool {
        match self.standing() {
            Standing::Machinery => true,
            Standing::NameAlone if self.belief.get() != Belief::Doubted => {
                self.belief.set(Belief::Believed);
                true
            }
            Standing::NameAlone | Standing::PerhapsMachinery | Standing::Anybodys => false,
        }
    }

    /// Stops to believe a name that nothing proves. Whether it mattered so far.
    pub(crate) fn doubt(&self) -> bool {
        self.belief.replace(Belief::Doubted) == Belief::Believed
    }

    /// A program writes the whole of an object that is there, as one does all day that keeps what a repository declares. What
    /// the object was before is not known, and mostly the same.
    pub(crate) fn keeps_as_declared(&self) -> bool {
        self.is_by_program() && !self.is_of_new_object() && self.applies_whole()
    }

    /// The whole of an object is applied by a patch, whatever it changes.
    pub(crate) fn applies_whole(&self) -> bool {
        let is_whole = || ["apiVersion", "kind"].iter().all(|key| self.body().get(*key).is_some());
        self.verb() == "patch" && is_whole()
    }

    /// The object was not there before.
    pub(crate) fn is_of_new_object(&self) -> bool {
        self.verb() == "create" || self.event.response_status.code == Some(201)
    }

    /// The address of the client, as far as it is certain.
    pub(crate) fn source_address(&self) -> Option<IpAddr> {
        *self.address.get_or_init(|| self.profile.client_address(&self.event.source_ips))
    }

    /// A service account in the hands of somebody: its token is used through a person's tool.
    pub(crate) fn is_workload_by_hand(&self) -> bool {
        self.actor().is_workload() && self.client().is_by_hand() && !self.is_passed_on()
    }

    /// A gateway passes on what a person asks for.
    pub(crate) fn is_passed_on(&self) -> bool {
        self.event.impersonated_user.is_some() && self.actor().is_gateway()
    }

    /// A service account in the hands of a program that names itself, as operators and delivery tools do.
    pub(crate) fn is_by_program(&self) -> bool {
        self.actor().is_workload() && !self.client().is_by_hand()
    }

    /// The verb.
    pub(crate) fn verb(&self) -> &'e str {
        &self.event.verb
    }

    /// The object or collection, if the path is one of resources: a reference without a resource names none.
    pub(crate) fn target(&self) -> Option<&'e ObjectReference<'e>> {
        self.event.object_ref.as_ref().filter(|target| !target.resource.is_empty())
    }

    /// The resource's plural; empty for other paths.
    pub(crate) fn resource(&self) -> &'e str {
        self.target().map_or("", |target| &target.resource)
    }

    /// The API group; empty for the core group.
    pub(crate) fn group(&self) -> &'e str {
        self.target().map_or("", |target| &target.api_group)
    }

    /// The subresource, or empty.
    pub(crate) fn subresource(&self) -> &'e str {
        self.target().map_or("", |target| &target.subresource)
    }

    /// The namespace; empty across namespaces and for cluster-scoped resources.
    pub(crate) fn namespace(&self) -> &'e str {
        self.target().map_or("", |target| &target.namespace)
    }

    /// The object's name; for a creation that names it only in the body, from there.
    pub(crate) fn name(&self) -> &str {
        let named = self.target().map_or("", |target| &*target.name);
        if named.is_empty() && self.verb() == "create" {
            body::text(body::at(self.body(), &["metadata"]), "name")
        } else {
            named
        }
    }

    /// The namespace that the object is in belongs to the cluster itself.
    pub(crate) fn is_in_system_namespace(&self) -> bool {
        self.profile.is_system_namespace(self.namespace())
    }

    /// A service account's request in its own namespace.
    pub(crate) fn is_in_own_namespace(&self) -> bool {
        matches!(self.actor(), Actor::ServiceAccount { namespace, .. } if namespace == self.namespace())
    }

    /// The path without the query.
    pub(crate) fn path(&self) -> &'e str {
        self.uri().0
    }

    /// The query, still encoded.
    pub(crate) fn query(&self) -> &'e str {
        self.uri().1
    }

    /// The values of a parameter of the query. Its name may be written with escapes as well.
    pub(crate) fn parameters(&self, name: &'static str) -> impl Iterator<Item = String> + 'e {
        let decoded = |text: &str| {
            percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
        };
        self.query().split('&').filter_map(move |pair| {
            let (key, value) = pair.split_once('=')?;
            (decoded(key) == name).then(|| decoded(value))
        })
    }

    /// Path and query.
    fn uri(&self) -> (&'e str, &'e str) {
        *self.uri.get_or_init(|| {
            let uri: &'e str = &self.event.request_uri;
            split_once(uri, b'?').unwrap_or((uri, ""))
        })
    }

    /// What the request changes of its object.
    pub(super) fn change(&self) -> &Change<'e> {
        self.change.get_or_init(|| Change::of(self.event, self.known.map(KnownBy::bodies)))
    }

    /// The part of the object that the request's body sets; `Null` if the event has no body.
    pub(crate) fn body(&self) -> &Value {
        self.change().set()
    }

    /// The metadata of the object that the answer shows.
    pub(super) fn answered(&self) -> Option<&ObjectMeta<'e>> {
        let read = || self.event.response_object.and_then(ObjectMeta::of);
        self.answered.get_or_init(read).as_ref()
    }

    /// What the sentence of every detection about the request says before the deed, and behind it.
    pub(crate) fn told(&self) -> (&str, &str) {
        let told = || (self.actor().to_string(), self.circumstances());
        let (by, circumstances) = self.told.get_or_init(told);
        (by, circumstances)
    }

    /// The values that every detection about the request has: a group that no authorizer is asked about, the client, what
    /// admission webhooks decided, and an error with which it may be done all the same.
    pub(super) fn values(&self) -> &[NamedValue] {
        self.values.get_or_init(|| {
            let event = self.event;
            let value = |name: &str, value: String| NamedValue { name: name.to_owned(), value };
            let is_master = actor::is_member(&event.user, MASTERS);
            let master = is_master.then(|| value("user.groups", MASTERS.to_owned()));
            let agent = Some(&event.user_agent).filter(|agent| !agent.is_empty());
            let agent =
                agent.map(|agent| value("userAgent", command::shown(agent, MAX_AGENT_CHARS)));
            let ids = event.annotations.decision_ids.iter();
            let decided = ids.map(|id| value("decision-id", id.clone().into_owned()));
            let code = event.response_status.code.filter(|code| *code >= 400);
            let error = code.filter(|_| self.outcome() == Outcome::Done);
            let error = error.map(|code| value("responseStatus.code", code.to_string()));
            master.into_iter().chain(agent).chain(error).chain(decided).collect()
        })
    }

    /// As whom, from where, with what.
    fn circumstances(&self) -> String {
        let mut text = String::new();
        if let Some(user) = &self.event.impersonated_user {
            text.push_str(&format!(", acting as {}", user.username));
        }
        if let Some(ip) = self.source_address() {
            text.push_str(&format!(", from {ip}"));
        }
        let agent = &self.event.user_agent;
        if let Some(product) = agent.split(' ').next().filter(|product| !product.is_empty()) {
            text.push_str(&format!(" with {}", command::shown(product, MAX_PRODUCT_CHARS)));
        }
        text.push('.');
        text
    }

    /// The links that every detection about the request has.
    pub(crate) fn links(&self) -> &[Link] {
        self.links.get_or_init(|| links::of_request(self))
    }

    /// What the scanner's checks on pods say about the pods that the request writes.
    pub(crate) fn failures(&self) -> &[Failure] {
        let change = self.change();
        let of_body = change.of_body_alone();
        let of_body = of_body.and_then(|it| it.failures(|| pod_spec::failures_of_body(self)));
        let Some(failures) = of_body else {
            return self.failures.get_or_init(|| pod_spec::failures(self));
        };
        // The answer is read only where something would be told.
        if failures.is_empty() || !change.is_without_effect() { failures } else { &[] }
    }

    /// What some checks say of the object that the body alone makes, with the request's name.
    pub(super) fn judged_by_name(
        &self,
        checks: &'static str,
        judge: impl Fn() -> Vec<Failure>,
    ) -> Arc<[Failure]> {
        match self.change().of_body_alone() {
            Some(written) => written.named(checks, self, judge),
            None => judge().into(),
        }
    }

    /// What the containers run that the request writes.
    pub(super) fn programs(&self) -> &[Program] {
        let look = || pod_spec::programs(self);
        let of_body = self.change().of_body_alone();
        of_body.and_then(|it| it.programs(look)).unwrap_or_else(|| self.programs.get_or_init(look))
    }

    /// Whether the event does not tell all of the request, or a rule has asked for a part of it that cannot be
    /// read.
    pub(crate) fn is_unread(&self) -> bool {
        let change = || self.change.get().is_some_and(|change| change.unread().is_some());
        self.event.truncated || change() || exec::is_too_long(self)
    }

    /// How it ended. An event that does not say counts as done.
    pub(crate) fn outcome(&self) -> Outcome {
        *self.outcome.get_or_init(|| self.ended())
    }

    /// Authorization refused it; refusals by admission do not count.
    pub(crate) fn is_denied_by_authorization(&self) -> bool {
        self.outcome() == Outcome::Forbidden && self.event.annotations.decision != "allow"
    }

    /// The stage after which nothing new is told about the request: rules look at these only, so that a
    /// request is told once, and a long-running one when it starts.
    pub(crate) fn is_answered(&self) -> bool {
        self.event.stage != "RequestReceived"
    }

    /// Requests that stay open report twice, when they start and when they end.
    pub(crate) fn is_long_running(&self) -> bool {
        self.verb() == "watch"
            || matches!(self.subresource(), "exec" | "attach" | "portforward" | "proxy" | "log")
    }
}
