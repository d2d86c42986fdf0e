//! Authorised administration: who may do what, where, from which addresses, when, and with which ticket.
//!
//! A declaration of people's own, not a guess: a deed that a rule covers is recorded as authorised, and what an
//! administrator does outside of every rule is told. Nothing that a client chooses (its user agent, an
//! annotation) authorises anything; a ticket is asked for besides.
//!
//! ```yaml
//! administrators:            # of whom everything dangerous is told that no rule covers
//!   groups: [platform]
//! authorised:
//! - name: on-call restarts
//!   who: {users: ["oncall-*"], groups: [platform], serviceAccounts: [ci/deployer]}
//!   does: {verbs: [patch], resources: [deployments.apps, pods/exec]}
//!   where: {namespaces: ["shop", "team-*"]}
//!   from: [10.0.0.0/8]
//!   when: {days: [Mon-Fri], hours: "08:00-18:00", zone: Europe/Berlin, until: 2027-01-31}
//!   ticket: {annotation: example.com/change, like: "CHG-*"}
//! ```
//!
//! `who` and `does` must be given; what else is left out does not limit.

mod case;
mod read;
#[cfg(test)]
mod tests;
mod when;

use std::fmt;
use std::net::IpAddr;

use airside_types::{Place, Timestamp};

pub use case::{Case, Ending, read_cases};
pub use read::{Problem, read};
use when::When;

/// All that is authorised in a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorised {
    /// Whose dangerous deeds are told where no rule covers them.
    administrators: Who,
    rules: Vec<Rule>,
}

/// One thing that is authorised.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    name: String,
    place: Place,
    who: Who,
    verbs: Vec<Pattern>,
    resources: Vec<Pattern>,
    namespaces: Vec<Pattern>,
    names: Vec<Pattern>,
    from: Vec<Network>,
    when: Option<When>,
    ticket: Option<Ticket>,
}

/// Identities, as the API server authenticated them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Who {
    users: Vec<Pattern>,
    groups: Vec<Pattern>,
    accounts: Vec<Pattern>,
}

/// A ticket that the object names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ticket {
    annotation: String,
    like: Pattern,
}

/// A text with `*` for any number of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern(String);

/// A network in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

/// What somebody does, as far as authorisation goes. Texts that it does not have are empty.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// The username.
    pub user: &'a str,
    /// The groups.
    pub groups: &'a [&'a str],
    /// The verb of RBAC.
    pub verb: &'a str,
    /// The API group; empty for the core group.
    pub group: &'a str,
    /// The plural.
    pub resource: &'a str,
    /// Such as `exec`.
    pub subresource: &'a str,
    /// The namespace; empty across namespaces.
    pub namespace: &'a str,
    /// The object's name.
    pub name: &'a str,
    /// The address that is certain.
    pub address: Option<IpAddr>,
    /// When.
    pub time: Timestamp,
    /// The object's annotations, as the request or its answer has them.
    pub annotations: &'a [(&'a str, &'a str)],
}

/// What the declaration says of a deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing<'r> {
    /// A rule covers it.
    Authorised {
        /// The rule's name.
        rule: &'r str,
        /// Where it is written.
        place: &'r Place,
        /// The ticket that the object names, where the rule asks for one.
        ticket: Option<String>,
    },
    /// No rule covers it, and who did it is an administrator.
    Outside {
        /// The rule that comes nearest, and what of it does not hold.
        nearest: Option<Nearest<'r>>,
    },
    /// No rule covers it, and the declaration is not about who did it.
    Unknown,
}

/// A rule that would have covered a deed, but for one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nearest<'r> {
    /// The rule's name.
    pub rule: &'r str,
    /// What does not hold.
    pub but: Miss,
}

/// What of a rule does not hold, in the order in which it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Miss {
    /// It is for others.
    Who,
    /// It is for other deeds.
    What,
    /// It is for other places.
    Where,
    /// It is for other addresses.
    From,
    /// It is for other times.
    When,
    /// The object names no such ticket.
    Ticket,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Who => "it is for others",
            Self::What => "it is for other verbs or resources",
            Self::Where => "it is for other namespaces or names",
            Self::From => "it is for other addresses",
            Self::When => "it is for other times",
            Self::Ticket => "it asks for a ticket that the object does not name",
        })
    }
}

impl Authorised {
    /// What the declaration says of a deed.
    pub fn of(&self, deed: &Deed<'_>) -> Standing<'_> {
        let mut nearest: Option<Nearest<'_>> = None;
        for rule in &self.rules {
            match rule.covers(deed) {
                Ok(ticket) => {
                    let (rule, place) = (rule.name.as_str(), &rule.place);
                    return Standing::Authorised { rule, place, ticket };
                }
                Err(but) if nearest.is_none_or(|it| it.but < but) => {
                    nearest = Some(Nearest { rule: &rule.name, but });
                }
                Err(_) => {}
            }
        }
        let nearest = nearest.filter(|it| it.but > Miss::What);
        if self.administrators.has(deed) || nearest.is_some() {
            Standing::Outside { nearest }
        } else {
            Standing::Unknown
        }
    }

    /// Adds what another declaration says.
    pub fn extend(&mut self, other: Self) {
        let Who { users, groups, accounts } = other.administrators;
        self.administrators.users.extend(users);
        self.administrators.groups.extend(groups);
        self.administrators.accounts.extend(accounts);
        self.rules.extend(other.rules);
    }

    /// The rules: name, and where each is written.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.rules.iter().map(|rule| (rule.name.as_str(), &rule.place))
    }

    /// Where rules are written whose last day is over, with that day: they authorise nothing any more.
    pub fn over(&self, now: Timestamp) -> impl Iterator<Item = (&Place, String)> {
        self.rules.iter().filter_map(move |rule| {
            let last = rule.when.as_ref()?.over_since(now)?;
            Some((&rule.place, last.to_string()))
        })
    }

    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.administrators == Who::default()
    }
}

impl Rule {
    /// Whether it covers a deed: with the ticket, or what of it does not hold.
    fn covers(&self, deed: &Deed<'_>) -> Result<Option<String>, Miss> {
        let any = |patterns: &[Pattern], text: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(text))
        };
        if !self.who.has(deed) {
            return Err(Miss::Who);
        }
        if !any(&self.verbs, deed.verb) || !any(&self.resources, &deed.resource_told()) {
            return Err(Miss::What);
        }
        if !any(&self.namespaces, deed.namespace) || !any(&self.names, deed.name) {
            return Err(Miss::Where);
        }
        let is_near = |address| self.from.iter().any(|network| network.holds(address));
        if !self.from.is_empty() && !deed.address.is_some_and(is_near) {
            return Err(Miss::From);
        }
        if self.when.as_ref().is_some_and(|when| !when.holds(deed.time)) {
            return Err(Miss::When);
        }
        let Some(ticket) = &self.ticket else { return Ok(None) };
        let named = deed.annotations.iter().find(|(key, _)| *key == ticket.annotation);
        match named {
            Some((_, value)) if ticket.like.fits(value) => Ok(Some((*value).to_owned())),
            _ => Err(Miss::Ticket),
        }
    }
}

impl Who {
    fn has(&self, deed: &Deed<'_>) -> bool {
        let account = deed.user.strip_prefix("system:serviceaccount:");
        let account = account.map(|name| name.replacen(':', "/", 1));
        let fits = |patterns: &[Pattern], text: &str| patterns.iter().any(|it| it.fits(text));
        // A pattern for users is not one for service accounts, whatever it looks like.
        let is_named = match account {
            Some(account) => fits(&self.accounts, &account),
            None => fits(&self.users, deed.user),
        };
        is_named || deed.groups.iter().any(|group| fits(&self.groups, group))
    }

    const fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty() && self.accounts.is_empty()
    }
}

impl Deed<'_> {
    /// The resource as rules write it: `pods/exec`, `deployments.apps`.
    fn resource_told(&self) -> String {
        let mut text = self.resource.to_owned();
        if !self.group.is_empty() {
            text.push('.');
            text.push_str(self.group);
        }
        if !self.subresource.is_empty() {
            text.push('/');
            text.push_str(self.subresource);
        }
        text
    }
}

impl Pattern {
    /// Whether a text is as the pattern says.
    fn fits(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            let Some(at) = rest.find(part) else { return false };
            rest = rest.split_at(at + part.len()).1;
        }
        false
    }
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        let (own, other, length) = match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (u128::from(u32::from(own)), u128::from(u32::from(other)), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.into(), other.into(), 128),
            _ => return false,
        };
        let shift = length - u32::from(self.bits);
        own.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
    }
}
