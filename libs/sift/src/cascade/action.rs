//! Actions: what somebody does in one go, such as a release or a command.
//!
//! One is told from the next by who asks, from where, with what, and in which namespace: several releases of one
//! pipeline run beside each other. What is in no namespace, or in the cluster's own, belongs to what the same client
//! does at that moment.

use std::time::Duration;

use airside_detect::audit::Deed;
use airside_types::{Id, Timestamp};

use super::rows::{Place, Root, Row, Session};
use super::{Cascades, kin};

/// How long somebody may wait within one action: for a hook of a release to end, as a rule.
const WAITS: Duration = Duration::from_mins(2);
/// How far what is in no namespace may be from what it belongs to.
const NEAR: Duration = Duration::from_secs(5);
/// How far it may lie before the first that is in a namespace: definitions have to be known before they are used.
const BEFORE: Duration = Duration::from_secs(10);

impl Cascades {
    /// The action of a request that others will carry out; begun if it belongs to none.
    pub(super) fn begin(&mut self, deed: &Deed<'_>) -> Id {
        let found = self.own_action(deed);
        let action = found.unwrap_or(deed.event);
        let home = home(deed);
        let is_at_home = match self.rows.get(session(deed, "")) {
            Some((_, Row::Session(known))) if Id::from_bytes(known.action) == action => {
                known.is_at_home || !home.is_empty()
            }
            _ => !home.is_empty(),
        };
        let places = if home.is_empty() { &[""][..] } else { &["", home][..] };
        for at in places {
            let new = || Session { action: *action.as_bytes(), is_at_home };
            let row = self.rows.entry(session(deed, at), deed.time, || Row::Session(new()));
            *row = Row::Session(new());
        }
        action
    }

    /// The action to which somebody's own request belongs.
    pub(super) fn own_action(&self, deed: &Deed<'_>) -> Option<Id> {
        let known = |at: &str, span: Duration| match self.rows.get(session(deed, at)) {
            Some((time, Row::Session(known))) if kin::within(deed.time, time, span) => Some(known),
            _ => None,
        };
        let home = home(deed);
        let found = if home.is_empty() {
            known("", NEAR)
        } else {
            known(home, WAITS).or_else(|| known("", BEFORE).filter(|it| !it.is_at_home))
        };
        found.map(|session| Id::from_bytes(session.action))
    }

    /// Keeps what was made in a namespace under a name that nothing tells.
    pub(super) fn place(&mut self, deed: &Deed<'_>, root: Root) {
        let key = place(deed.namespace);
        let new = Place { root, contested: i64::MIN };
        let row = self.rows.entry(key, deed.time, || Row::Place(Box::new(new.clone())));
        let contested = match row {
            Row::Place(known) if known.root.user != deed.user => known.root.time().as_nanos(),
            Row::Place(known) => known.contested,
            _ => i64::MIN,
        };
        *row = Row::Place(Box::new(Place { contested, ..new }));
    }

    /// The action that made something without a name in a request's namespace, if one alone can be meant.
    pub(super) fn action_in(&self, deed: &Deed<'_>) -> Option<Id> {
        match self.rows.get(place(deed.namespace)) {
            Some((time, Row::Place(known)))
                if kin::within(deed.time, time, WAITS)
                    && !kin::within(deed.time, Timestamp::from_nanos(known.contested), WAITS) =>
            {
                Some(known.root.action())
            }
            _ => None,
        }
    }
}

/// The namespace that an action serves; empty for what may serve any.
fn home<'d>(deed: &Deed<'d>) -> &'d str {
    match (deed.kind, deed.namespace) {
        ("Namespace", _) => deed.name,
        (_, "kube-system") => "",
        (_, namespace) => namespace,
    }
}

fn session(deed: &Deed<'_>, at: &str) -> Id {
    let (address, tool) = deed.client;
    let key = Id::builder("cascade/session").text(deed.user).text(address).text(tool);
    key.text(at).finish()
}

fn place(namespace: &str) -> Id {
    Id::builder("cascade/place").text(namespace).finish()
}
