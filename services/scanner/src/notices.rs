//! Notices: telling owners of findings that open, come back or get worse.
//!
//! A notice is committed with the change that it tells of, waits in the store, and is posted until its receiver takes
//! it. Which routes there are is `route`'s, what a notice says `notice`'s, posting and trying again `delivery`'s. The
//! ledger sends them, and not the gateway, since only the ledger knows what is new.

mod delivery;
mod notice;
mod route;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use airside_ports::{Batch, Clock, Keyspace, Store};
use airside_service::outbound::Outbound;
use airside_service::{DeadLetters, Deps};
use airside_telemetry::metrics::CounterFamily;
use airside_types::{Cluster, Id, Tenant, Timestamp};
use airside_wire::finding::FindingEntry;
use tokio::sync::Notify;

use crate::options::Options;

use self::notice::Notice;
use self::route::{Route, routes};

/// Notices that wait, by route, time and id.
const NOTICES: Keyspace = Keyspace::new("scanner.notices");

/// What is new about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum News {
    /// It was not known.
    Opened,
    /// It had been fixed or gone.
    Reappeared,
    /// It is open, and worse than it was, or other vulnerabilities are known.
    Changed,
}

impl News {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reappeared => "reappeared",
            Self::Changed => "changed",
        }
    }
}

/// Tells owners. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Notices {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    routes: Vec<Sending>,
    /// Present where there is a route.
    outbound: Option<Outbound>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    dead_letters: DeadLetters,
    longest: std::time::Duration,
    counted: CounterFamily<1>,
}

/// A route, and what waits for it.
#[derive(Debug)]
struct Sending {
    route: Route,
    waiting: AtomicUsize,
    wake: Notify,
}

impl Notices {
    /// Notices by the routes of the settings.
    ///
    /// # Errors
    /// A route that cannot be used, with its number and what is wrong.
    pub(crate) fn new(deps: &Deps, options: &Options) -> anyhow::Result<Self> {
        let routes: Vec<_> = routes(&options.routes)?.into_iter().map(Sending::new).collect();
        let outbound = if routes.is_empty() { None } else { Some(Outbound::new()?) };
        let inner = Inner {
            routes,
            outbound,
            store: Arc::clone(&deps.store),
            clock: Arc::clone(&deps.clock),
            dead_letters: deps.dead_letters("scanner"),
            longest: options.notice_age.as_duration(),
            counted: deps.metrics.counter_by(
                "airside_scanner_notices_total",
                "Notices to owners, by what became of them",
                &["outcome"],
            ),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Adds what is to be told of some findings to the batch that changes them.
    pub(crate) fn stage<'e>(
        &self,
        batch: &mut Batch,
        tenant: &Tenant,
        cluster: &Cluster,
        news: impl Iterator<Item = (News, &'e FindingEntry)>,
        now: Timestamp,
    ) {
        if self.inner.routes.is_empty() {
            return;
        }
        // One notice for each route and owner.
        let mut groups: BTreeMap<(usize, Option<&str>), Vec<_>> = BTreeMap::new();
        let routes = || self.inner.routes.iter().map(|sending| &sending.route);
        for (news, entry) in news {
            for (index, owner) in route::of_finding(routes(), tenant, &entry.finding) {
                groups.entry((index, owner)).or_default().push((news, entry));
            }
        }
        for ((index, owner), findings) in groups {
            let Some(sending) = self.inner.routes.get(index) else { continue };
            let notice = Notice::of(tenant, cluster, owner, findings);
            batch.put(NOTICES, key(sending.route.id, now, notice.id), notice.body());
            sending.waiting.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was staged is durable: it may be sent.
    pub(crate) fn wake(&self) {
        self.inner.routes.iter().for_each(|sending| sending.wake.notify_one());
    }
}

impl Sending {
    fn new(route: Route) -> Self {
        Self { route, waiting: AtomicUsize::new(0), wake: Notify::new() }
    }
}

/// The key of a notice: those of a route stand together, the oldest first.
fn key(route: Id, now: Timestamp, notice: Id) -> Vec<u8> {
    let time = u64::try_from(now.as_nanos()).unwrap_or_default();
    [&route.as_bytes()[..], &time.to_be_bytes()[..], &notice.as_bytes()[..]].concat()
}

#[cfg(test)]
mod tests;
