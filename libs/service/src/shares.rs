//! What each tenant may add to a stream whose reader is behind.
//!
//! A stream that refuses when it is full is everybody's: one tenant that sends faster than the reader reads would fill it, and
//! then the others are refused as well. So from half full on each tenant has a share of what is free. Who has added its share is
//! refused, and comes to add what the reader takes away and others leave; who sends less than that is not refused. What
//! part of the stream is whose is not known, and need not be: any number of processes may publish to it, each with shares of
//! its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use airside_ports::{Log, Stream, StreamRoom};
use airside_types::Tenant;
use tokio::time::Instant;

/// How long what was seen of the stream holds; a twentieth of that where much was added.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Which part of what was free is much.
const MUCH: u64 = 4;

/// How long a tenant of which nothing is heard is remembered.
const HEARD_FOR: Duration = Duration::from_mins(1);

/// The shares of one stream, as one publisher gives them. Clones are the same.
#[derive(Debug, Clone)]
pub struct Shares {
    log: Arc<dyn Log>,
    stream: Stream,
    accounts: Arc<Mutex<Accounts>>,
}

/// A tenant has added its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "stream `{stream}` is {percent} % full, and this tenant has added its share of what is free: the stream's reader is \
     behind, and others need room as well"
)]
pub struct NoShare {
    stream: Stream,
    percent: u64,
}

impl Shares {
    /// Nothing was added yet.
    pub fn new(log: Arc<dyn Log>, stream: Stream) -> Self {
        Self { log, stream, accounts: Arc::default() }
    }

    /// Whether a tenant may add something, however large it is.
    ///
    /// # Errors
    ///
    /// It is to come again in a second or two.
    pub async fn admit(&self, tenant: &Tenant) -> Result<(), NoShare> {
        if self.with(|accounts| accounts.tight().is_some()) {
            self.look().await;
        }
        let admitted = self.with(|accounts| accounts.admit(tenant, Instant::now()));
        admitted.map_err(|percent| NoShare { stream: self.stream, percent })
    }

    /// Notes that a tenant has added so many bytes.
    pub async fn added(&self, tenant: &Tenant, bytes: u64) {
        self.with(|accounts| accounts.charge(tenant, bytes, Instant::now()));
        self.look().await;
    }

    /// Looks how full the stream is, where that is not known any more.
    async fn look(&self) {
        if !self.with(|accounts| accounts.begin_look(Instant::now())) {
            return;
        }
        // Where the log does not answer, what was seen holds on: an append tells what is the matter.
        if let Ok(room) = self.log.room(self.stream).await {
            self.with(|accounts| accounts.see(room, Instant::now()));
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Accounts) -> T) -> T {
        look(&mut self.accounts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What tenants may still add.
#[derive(Debug, Default)]
struct Accounts {
    /// When the stream was looked at last, whether or not that has ended.
    looked: Option<Instant>,
    seen: Option<StreamRoom>,
    /// The bytes that were added since the stream was seen.
    added: u64,
    /// The bytes that were added in all, and how many of them when the stream was looked at last.
    added_in_all: u64,
    added_when_looked: u64,
    /// How many bytes were taken away in all, as far as that shows in what was added here and what the stream holds. An
    /// append that is in the stream and not noted yet makes it smaller for a while. None before the first look.
    taken_away: Option<i128>,
    /// Those who waited when the stream was seen, and those who came since.
    apart: usize,
    of: BTreeMap<Tenant, Account>,
}

/// Of one tenant.
#[derive(Debug, Clone, Copy)]
struct Account {
    /// The bytes that it may add; below zero where it added more than it might.
    left: i64,
    /// The bytes that it has added since the stream was seen.
    added: u64,
    /// It was refused since.
    was_refused: bool,
    heard: Instant,
}

impl Account {
    /// What it has added, or none where it would have added more.
    const fn content_with(&self) -> Option<u64> {
        if self.was_refused || self.left <= 0 { None } else { Some(self.added) }
    }
}

impl Accounts {
    /// The stream as it was seen, if half of it was full.
    fn tight(&self) -> Option<StreamRoom> {
        self.seen.filter(|room| room.free_bytes() < room.limit_bytes / 2)
    }

    /// Whether the stream is to be looked at now; whoever is told so looks.
    fn begin_look(&mut self, now: Instant) -> bool {
        let is_much = self.seen.is_some_and(|room| self.added > room.free_bytes() / MUCH);
        let every = if is_much { LOOK_EVERY / 20 } else { LOOK_EVERY };
        let is_due = self.looked.is_none_or(|looked| now.duration_since(looked) >= every);
        if is_due {
            self.looked = Some(now);
            self.added_when_looked = self.added_in_all;
        }
        is_due
    }

    /// Gives each tenant its part of what the reader has taken away since the stream was seen, up to what it may add at once.
    fn see(&mut self, room: StreamRoom, now: Instant) {
        let before = self.tight();
        self.of.retain(|_, account| now.duration_since(account.heard) < HEARD_FOR);
        let wanted: Vec<_> = self.of.values().map(Account::content_with).collect();
        self.seen = Some(room);
        self.apart = wanted.iter().filter(|wanted| wanted.is_none()).count();
        let share = self.share();
        self.added = 0;
        let taken_away = self.taken_away_until(room).max(before.map_or(0, |it| gone(it, room)));
        let earned = before.map(|_| fair_part(taken_away, &wanted));
        for account in self.of.values_mut() {
            let left = earned.map_or(share, |earned| account.left.saturating_add(earned));
            *account = Account { left: left.min(share), added: 0, was_refused: false, ..*account };
        }
    }

    /// How many bytes more were taken away than was known, by what is missing of what was added here.
    fn taken_away_until(&mut self, room: StreamRoom) -> u64 {
        let all = i128::from(self.added_when_looked) - i128::from(room.held_bytes);
        // What the stream held before the first look was added by others.
        let known = self.taken_away.unwrap_or(all);
        self.taken_away = Some(known.max(all));
        u64::try_from(all - known).unwrap_or_default()
    }

    /// What a tenant may add at once: a quarter of what is free, in parts for all who may add as much. Other processes give
    /// shares of the same.
    fn share(&self) -> i64 {
        let free = self.seen.map_or(0, StreamRoom::free_bytes);
        part(free / 4, self.apart + 1)
    }

    /// Whether a tenant may add something; how many hundredths of the stream are full where not.
    fn admit(&mut self, tenant: &Tenant, now: Instant) -> Result<(), u64> {
        let Some(room) = self.tight() else { return Ok(()) };
        let account = self.account(tenant, now);
        account.was_refused |= account.left <= 0;
        let percent = room.held_bytes.saturating_mul(100) / room.limit_bytes.max(1);
        if account.left > 0 { Ok(()) } else { Err(percent) }
    }

    fn charge(&mut self, tenant: &Tenant, bytes: u64, now: Instant) {
        self.added = self.added.saturating_add(bytes);
        self.added_in_all = self.added_in_all.saturating_add(bytes);
        let account = self.account(tenant, now);
        account.added = account.added.saturating_add(bytes);
        account.left = account.left.saturating_sub_unsigned(bytes);
    }

    fn account(&mut self, tenant: &Tenant, now: Instant) -> &mut Account {
        let left = self.share();
        let account = self.of.entry(tenant.clone()).or_insert_with(|| {
            self.apart += 1;
            Account { left, added: 0, was_refused: false, heard: now }
        });
        account.heard = now;
        account
    }
}

/// The largest part that bytes allow to give to each, where those who are content with less take no more than that.
fn fair_part(bytes: u64, wanted: &[Option<u64>]) -> i64 {
    let mut content: Vec<u64> = wanted.iter().copied().flatten().collect();
    content.sort_unstable();
    let (mut bytes, mut parts) = (bytes, wanted.len());
    for wanted in content {
        if bytes / (parts.max(1) as u64) < wanted {
            break;
        }
        bytes -= wanted;
        parts -= 1;
    }
    part(bytes, parts)
}

/// About how many bytes were taken away between two looks, by the entries that are gone: where others add to the stream as
/// well, nothing else tells.
fn gone(before: StreamRoom, now: StreamRoom) -> u64 {
    let entries = before.next.0.saturating_sub(before.first.0).max(1);
    let gone = now.first.0.saturating_sub(before.first.0);
    let by_entries = u128::from(before.held_bytes) * u128::from(gone) / u128::from(entries);
    u64::try_from(by_entries).unwrap_or(u64::MAX)
}

/// One of so many equal parts.
fn part(bytes: u64, parts: usize) -> i64 {
    let parts = u64::try_from(parts).unwrap_or(u64::MAX).max(1);
    i64::try_from(bytes / parts).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
