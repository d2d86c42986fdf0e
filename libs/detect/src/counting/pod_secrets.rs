//! Secrets that a service account reads although none of its pods uses them, learnt from the pods and templates that were
//! written while Airside looked. Of an account of which nothing was written nothing is said.
//!
//! Kubelets are not looked at: the node authorizer refuses them what their pods do not use, which is AUD-R15.

use std::collections::BTreeSet;
use std::time::Duration;

use airside_types::attack::technique;
use airside_types::{Id, Rule, Severity, Source, Tactic, Timestamp};
use serde::{Deserialize, Serialize};

use super::deed::{Deed, Marks};
use super::rows::{Aged, Rows};
use crate::audit::{Actor, Firing};
use crate::rule::PLAUSIBLE;

pub(super) static RULE: Rule = Rule {
    id: "AUD-R16-unused",
    version: 1,
    title: "Service account reads a secret that none of its pods uses",
    why: "What a workload needs it mounts, or reads all its life; a Secret that another workload uses is of no use to it.",
    next: "Ask the owner of the workload whether it reads the Secret by itself; look into its pods, and at what the Secret opens.",
    severity: Severity::Low,
    confidence: PLAUSIBLE,
    tactic: Tactic::CredentialAccess,
    techniques: &[technique("T1552.007")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// The Secrets that the pods of a service account use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    namespace: Box<str>,
    name: Box<str>,
    secrets: BTreeSet<Box<str>>,
    /// In nanoseconds since the Unix epoch.
    last: i64,
}

/// The most Secrets of an account. Those beyond are taken for used.
const MOST: usize = 64;
/// Nothing was written of it for so long that it is forgotten.
const HORIZON: Duration = Duration::from_hours(60 * 24);

impl Aged for Account {
    fn last(&self) -> Timestamp {
        Timestamp::from_nanos(self.last)
    }
}

fn key(namespace: &str, name: &str) -> Id {
    Id::builder("pod-secrets").text(namespace).text(name).finish()
}

/// Takes a request in: what it writes of pods, or what it reads of Secrets.
pub(super) fn look(
    accounts: &mut Rows<Account>,
    deed: &Deed<'_, '_>,
    most: usize,
) -> Option<Firing> {
    let namespace = deed.request.namespace();
    if let Some(account) = deed.runs_as() {
        let key = key(namespace, account);
        let known = accounts.get(key);
        let of = |it: &Account| {
            deed.secrets().all(|secret| it.secrets.contains(secret)) || it.secrets.len() >= MOST
        };
        let time = deed.sighting.time;
        // Pods come and go; a row is written when it says something new, or once a day.
        let is_known =
            known.is_some_and(|it| of(it) && time < it.last().plus(Duration::from_hours(24)));
        if !is_known {
            let mut row = known.cloned().unwrap_or_else(|| Account {
                namespace: namespace.into(),
                name: account.into(),
                secrets: BTreeSet::new(),
                last: 0,
            });
            let room = MOST.saturating_sub(row.secrets.len());
            row.secrets.extend(deed.secrets().take(room).map(Box::from));
            row.last = row.last.max(time.as_nanos());
            accounts.put(key, row, HORIZON, most);
        }
        return None;
    }
    if deed.is(Marks::READS.and(Marks::SECRETS).and(Marks::DONE)) {
        read(accounts, deed)
    } else {
        None
    }
}

fn read(accounts: &Rows<Account>, deed: &Deed<'_, '_>) -> Option<Firing> {
    let request = deed.request;
    let Actor::ServiceAccount { namespace, name } = request.actor() else { return None };
    let secret = Some(request.name()).filter(|name| !name.is_empty())?;
    // Those of other namespaces are AUD-R16.
    if !request.is_in_own_namespace() {
        return None;
    }
    let own = accounts.get(key(namespace, name))?;
    if own.secrets.contains(secret) || own.secrets.len() >= MOST {
        return None;
    }
    let users = accounts.values().filter(|it| &*it.namespace == namespace);
    let another = users.into_iter().find(|it| it.secrets.contains(secret));
    let severity = match (request.client().is_by_hand(), another.is_some()) {
        (true, true) => Severity::Medium,
        // A job that fetches the one Secret it needs is often a shell script.
        (true, false) => Severity::Low,
        // Operators read what they make for others.
        (false, true) => Severity::Info,
        (false, false) => return None,
    };
    let of = another.map(|it| format!(", as pods of {} do", it.name)).unwrap_or_default();
    let deed = format!("read Secret {namespace}/{secret}, which none of its own pods uses{of}");
    Some(Firing::new(deed).at(severity).with("objectRef.name", secret))
}
