//! The list of the rules over several requests, and how one is written.
//!
//! Adding a rule is adding an entry to one of the lists below, and a sequence that fires it and one that does not to
//! `libs/detect/sequences`.

use std::time::Duration;

use airside_types::{Id, IdBuilder, Rule, Severity};

use super::deed::{Deed, Marks};
use super::windows::Thing;

mod changes;
mod damage;
mod discovery;
mod refusals;

/// All, by theme.
static ALL: &[&[Counted]] = &[refusals::RULES, discovery::RULES, changes::RULES, damage::RULES];

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Counted> {
    ALL.iter().copied().flatten()
}

/// A rule over several requests.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) rule: Rule,
    /// The requests that it looks at: those with all of one of these marks.
    pub(super) on: &'static [Marks],
    /// Whose requests are put together; none where that is not known.
    pub(super) whose: fn(&Deed<'_, '_>, IdBuilder) -> Option<IdBuilder>,
    /// How they are put together.
    pub(super) over: Over,
    /// Within what time.
    pub(super) span: Duration,
    /// For how long it says nothing more of the same key once it was told.
    pub(super) again: Duration,
    /// The anomalies of the same key that would say the same again, and no more, after it was told.
    pub(super) stands_for: &'static [&'static str],
    /// How bad it is, by the request that completes it and all that it puts together.
    pub(super) severity: fn(&Deed<'_, '_>, &[Thing]) -> Severity,
    /// What the actor did: `looked through pods, nodes`.
    pub(super) deed: fn(&[&str]) -> String,
}

/// How requests are put together.
#[derive(Debug)]
pub(super) enum Over {
    /// So many different things, one of which has to be `among` them, if any is named.
    Different {
        thing: fn(&Deed<'_, '_>) -> Option<String>,
        at_least: usize,
        among: Option<&'static str>,
    },
    /// One thing, and then another.
    InOrder {
        first: fn(&Deed<'_, '_>) -> Option<String>,
        then: fn(&Deed<'_, '_>) -> Option<String>,
    },
}

impl Counted {
    /// The key of the row that a request belongs to.
    pub(super) fn key(&self, deed: &Deed<'_, '_>) -> Option<Id> {
        let key = Id::builder("counting").text(self.rule.id);
        Some((self.whose)(deed, key)?.finish())
    }
}

/// Requests of one address.
fn address(deed: &Deed<'_, '_>, key: IdBuilder) -> Option<IdBuilder> {
    Some(key.text(deed.address()?))
}

/// Requests of one identity.
fn user(deed: &Deed<'_, '_>, key: IdBuilder) -> Option<IdBuilder> {
    Some(key.text(deed.user()))
}

/// Requests of one identity from one address with one program.
fn client(deed: &Deed<'_, '_>, key: IdBuilder) -> Option<IdBuilder> {
    let agent = &deed.request.event().user_agent;
    Some(key.text(deed.user()).optional(deed.address()).text(agent))
}

/// Some texts as people list them, the first of many.
fn listed(texts: &[&str]) -> String {
    const MOST: usize = 6;
    let first = texts.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    match texts.len().checked_sub(MOST) {
        None | Some(0) => first,
        Some(more) => format!("{first} and {more} more"),
    }
}
