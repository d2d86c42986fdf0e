//! The ways to the administrator, kept up to date while bindings, roles and pods change.
//!
//! Holds the steps of each bearer as [`Graph::steps_of`] gives them, and who has pods. The search is the one
//! of `escalation.rs` with the same order among ways of one length; the steps that need no right are not
//! kept but found when they are walked.
//!
//! [`Graph::steps_of`]: crate::graph::Graph::steps_of

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::powers::{CONTROL_PLANE, holds};
use super::{How, Reach, Standing, Step};
use crate::object::Object;
use crate::rbac::Bearer;

/// A standing that owns its names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Owned {
    Bearer(Who),
    AccountsOf(Where),
    PodsOf(Where),
    Administrator,
}

/// A bearer that owns its name, in the order of [`Bearer`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A user.
    User(Box<str>),
    /// Everybody of a group.
    Group(Box<str>),
    /// A service account: namespace and name.
    Account(Option<Box<str>>, Box<str>),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Where {
    Cluster,
    Namespace(Option<Box<str>>),
}

/// The next step of a standing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Next<B> {
    how: How,
    to: Owned,
    binding: Option<B>,
}

/// The steps of one bearer by where they lead: the first of those that lead to one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSteps<B>(BTreeMap<Owned, (How, Option<B>)>);

impl<B> OwnSteps<B> {
    /// Keeps the steps of a bearer.
    pub fn of(steps: &[Step<'_>], binding: impl Fn(&Object<'_>) -> Option<B>) -> Self {
        let mut found = BTreeMap::new();
        for step in steps {
            let own = || (step.how, step.binding.as_ref().and_then(&binding));
            found.entry(Owned::of(&step.to)).or_insert_with(own);
        }
        Self(found)
    }
}

/// How many pods (templates) run with an account, and how many of them may hold its token.
#[derive(Debug, Clone, Copy, Default)]
struct Starters {
    all: usize,
    with_token: usize,
}

/// Whether an account has pods, and pods that may hold its token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Had {
    pods: bool,
    tokens: bool,
}

impl Starters {
    const fn had(self) -> Had {
        Had { pods: self.all > 0, tokens: self.with_token > 0 }
    }
}

/// The ways of everybody; `B` tells which binding lets somebody take a step.
#[derive(Debug)]
pub struct Ways<B> {
    /// By where a step leads, then by whose it is: the first of his steps there.
    into: BTreeMap<Owned, BTreeMap<Who, (How, Option<B>)>>,
    /// Where the steps of a bearer lead.
    bearers: BTreeMap<Who, BTreeSet<Owned>>,
    /// What starts pods with an account.
    accounts: BTreeMap<(Option<Box<str>>, Box<str>), Starters>,
    next: BTreeMap<Owned, Next<B>>,
    /// Accounts of which the pods have changed since the last search, and what they had then.
    moved: BTreeMap<(Option<Box<str>>, Box<str>), Had>,
    /// Whether steps have changed since then.
    is_stale: bool,
}

impl<B> Default for Ways<B> {
    fn default() -> Self {
        Self {
            into: BTreeMap::new(),
            bearers: BTreeMap::new(),
            accounts: BTreeMap::new(),
            next: BTreeMap::new(),
            moved: BTreeMap::new(),
            is_stale: false,
        }
    }
}

impl<B: Copy + Eq> Ways<B> {
    /// Sets the steps of a bearer; `None` where no binding names him any more.
    pub fn set(&mut self, who: &Who, steps: Option<OwnSteps<B>>) {
        let is_bound = steps.is_some();
        let found = steps.map(|steps| steps.0).unwrap_or_default();
        let before = self.bearers.get(who);
        let is_same = before.is_some() == is_bound
            && before.is_none_or(|before| before.iter().eq(found.keys()))
            && found
                .iter()
                .all(|(to, step)| self.into.get(to).and_then(|into| into.get(who)) == Some(step));
        if is_same {
            return;
        }
        self.is_stale = true;
        for to in self.bearers.remove(who).unwrap_or_default() {
            if let Some(into) = self.into.get_mut(&to) {
                into.remove(who);
                if into.is_empty() {
                    self.into.remove(&to);
                }
            }
        }
        if is_bound {
            self.bearers.insert(who.clone(), found.keys().cloned().collect());
            for (to, step) in found {
                self.into.entry(to).or_default().insert(who.clone(), step);
            }
        }
    }

    /// An object starts pods that run as an account, and that may hold its token.
    pub fn add_pods(&mut self, namespace: Option<&str>, account: &str, may_hold_token: bool) {
        let key = key_of(namespace, account);
        let starters = self.accounts.entry(key.clone()).or_default();
        let had = starters.had();
        self.moved.entry(key).or_insert(had);
        starters.all += 1;
        starters.with_token += usize::from(may_hold_token);
    }

    /// An object starts pods that run as an account no longer.
    pub fn remove_pods(&mut self, namespace: Option<&str>, account: &str, may_hold_token: bool) {
        let key = key_of(namespace, account);
        let Some(starters) = self.accounts.get_mut(&key) else { return };
        let had = starters.had();
        starters.all = starters.all.saturating_sub(1);
        starters.with_token = starters.with_token.saturating_sub(usize::from(may_hold_token));
        if !starters.had().pods {
            self.accounts.remove(&key);
        }
        self.moved.entry(key).or_insert(had);
    }

    /// Searches again where anything has changed, and hands out each standing whose next step did.
    pub fn refresh(&mut self, changed: &mut dyn FnMut(Standing<'_>)) {
        let mut moved = std::mem::take(&mut self.moved).into_iter();
        let is_stale = std::mem::take(&mut self.is_stale)
            || moved.any(|(account, had)| self.had(&account) != had && self.reaches(&account));
        if !is_stale {
            return;
        }
        let found = self.search();
        let mut updates = Vec::new();
        for (from, (how, to, binding)) in &found {
            let is_same = self.next.get(&Owned::of(from)).is_some_and(|next| {
                next.how == *how && next.binding == *binding && next.to.seen() == *to
            });
            if !is_same {
                let next = Next { how: *how, to: Owned::of(to), binding: *binding };
                updates.push((Owned::of(from), Some(next)));
            }
        }
        let gone = self.next.keys().filter(|from| !found.contains_key(&from.seen()));
        updates.extend(gone.map(|from| (from.clone(), None)));
        drop(found);
        for (from, next) in updates {
            changed(from.seen());
            match next {
                Some(next) => self.next.insert(from, next),
                None => self.next.remove(&from),
            };
        }
    }

    /// Whether a way leads from an account, or from a group that holds it. From others none does, whether they
    /// have pods or not.
    fn reaches(&self, (namespace, name): &(Option<Box<str>>, Box<str>)) -> bool {
        let leads = |who: &Who| self.next.contains_key(&Owned::Bearer(who.clone()));
        let first = Who::Group(Box::from(""));
        let bound = self.bearers.range(first..).map(|(who, _)| who);
        let groups = bound
            .take_while(|who| matches!(who, Who::Group(_)))
            .filter(|who| matches!(who, Who::Group(group) if holds(group, namespace.as_deref())));
        leads(&Who::Account(namespace.clone(), name.clone())) || groups.into_iter().any(leads)
    }

    /// The next step of a standing towards the administrator, and the binding that lets him take it.
    pub fn next(&self, standing: &Standing<'_>) -> Option<(Step<'_>, Option<B>)> {
        let (from, next) = self.next.get_key_value(&Owned::of(standing))?;
        let step = Step { from: from.seen(), how: next.how, to: next.to.seen(), binding: None };
        Some((step, next.binding))
    }

    /// The first account of a name, in whatever namespace, from which there is a way.
    pub fn first_account(&self, name: &str) -> Option<Standing<'_>> {
        let mut all = self.next.keys().map(Owned::seen);
        all.find(
            |it| matches!(it, Standing::Bearer(Bearer::ServiceAccount(_, other)) if *other == name),
        )
    }

    /// The shortest ways, backwards from the administrator.
    fn search(&self) -> BTreeMap<Standing<'_>, (How, Standing<'_>, Option<B>)> {
        let mut next = BTreeMap::new();
        let mut reached = VecDeque::from([Standing::Administrator]);
        while let Some(to) = reached.pop_front() {
            let own = self.into.get(&Owned::of(&to)).into_iter().flatten();
            let own =
                own.map(|(who, (how, binding))| (Standing::Bearer(who.seen()), *how, *binding));
            let all: Vec<_> = own.chain(self.standing_into(to)).collect();
            for (from, how, binding) in all {
                if from != Standing::Administrator && !next.contains_key(&from) {
                    next.insert(from, (how, to, binding));
                    reached.push_back(from);
                }
            }
        }
        next
    }

    /// The steps to a standing that need no right.
    fn standing_into<'w>(&'w self, to: Standing<'w>) -> Vec<(Standing<'w>, How, Option<B>)> {
        let is = |from| (from, How::Is, None);
        match to {
            Standing::Administrator => {
                let places = [Reach::Cluster, Reach::Namespace(Some(CONTROL_PLANE))];
                let take = |place| (Standing::AccountsOf(place), How::TakesController, None);
                places.map(take).to_vec()
            }
            Standing::Bearer(Bearer::ServiceAccount(namespace, name)) => {
                let place = Reach::Namespace(namespace);
                let has = self.had(&key_of(namespace, name));
                let is_bound =
                    self.bearers.contains_key(&Who::of(Bearer::ServiceAccount(namespace, name)));
                let mut steps = Vec::new();
                if has.tokens {
                    steps.push(is(Standing::PodsOf(place)));
                    steps.push(is(Standing::PodsOf(Reach::Cluster)));
                }
                if has.pods || is_bound {
                    steps.push(is(Standing::AccountsOf(place)));
                }
                steps
            }
            Standing::Bearer(Bearer::Group(group)) => {
                let members = self.all_accounts();
                let members = members.into_iter().filter(|(namespace, _)| holds(group, *namespace));
                members
                    .map(|(namespace, name)| {
                        let account = Bearer::ServiceAccount(namespace, name);
                        (Standing::Bearer(account), How::BelongsTo, None)
                    })
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    fn had(&self, account: &(Option<Box<str>>, Box<str>)) -> Had {
        self.accounts.get(account).map(|starters| starters.had()).unwrap_or_default()
    }

    /// Every account that has pods or that a binding names.
    fn all_accounts(&self) -> BTreeSet<(Option<&str>, &str)> {
        let with_pods =
            self.accounts.keys().map(|(namespace, name)| (namespace.as_deref(), &**name));
        let bound = self.bearers.keys().filter_map(|who| match who {
            Who::Account(namespace, name) => Some((namespace.as_deref(), &**name)),
            Who::User(_) | Who::Group(_) => None,
        });
        with_pods.chain(bound).collect()
    }
}

fn key_of(namespace: Option<&str>, name: &str) -> (Option<Box<str>>, Box<str>) {
    (namespace.map(Box::from), Box::from(name))
}

impl Who {
    /// A bearer, with names of its own.
    pub fn of(bearer: Bearer<'_>) -> Self {
        match bearer {
            Bearer::User(name) => Self::User(name.into()),
            Bearer::Group(name) => Self::Group(name.into()),
            Bearer::ServiceAccount(namespace, name) => {
                Self::Account(namespace.map(Box::from), name.into())
            }
        }
    }

    /// The bearer, its names borrowed.
    pub fn seen(&self) -> Bearer<'_> {
        match self {
            Self::User(name) => Bearer::User(name),
            Self::Group(name) => Bearer::Group(name),
            Self::Account(namespace, name) => Bearer::ServiceAccount(namespace.as_deref(), name),
        }
    }
}

impl Where {
    fn of(reach: Reach<'_>) -> Self {
        match reach {
            Reach::Cluster => Self::Cluster,
            Reach::Namespace(namespace) => Self::Namespace(namespace.map(Box::from)),
        }
    }

    fn seen(&self) -> Reach<'_> {
        match self {
            Self::Cluster => Reach::Cluster,
            Self::Namespace(namespace) => Reach::Namespace(namespace.as_deref()),
        }
    }
}

impl Owned {
    fn of(standing: &Standing<'_>) -> Self {
        match standing {
            Standing::Bearer(bearer) => Self::Bearer(Who::of(*bearer)),
            Standing::AccountsOf(reach) => Self::AccountsOf(Where::of(*reach)),
            Standing::PodsOf(reach) => Self::PodsOf(Where::of(*reach)),
            Standing::Administrator => Self::Administrator,
        }
    }

    fn seen(&self) -> Standing<'_> {
        match self {
            Self::Bearer(who) => Standing::Bearer(who.seen()),
            Self::AccountsOf(place) => Standing::AccountsOf(place.seen()),
            Self::PodsOf(place) => Standing::PodsOf(place.seen()),
            Self::Administrator => Standing::Administrator,
        }
    }
}
