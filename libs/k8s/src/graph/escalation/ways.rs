//! The ways to all goals, kept up to date while bindings, roles, pods and service accounts change.
//!
//! Holds the steps of each bearer as [`Graph::steps_of`] gives them, and what objects give besides rights
//! (`given.rs`). The search is the one of `escalation.rs` with the same order among ways of one length; the
//! steps that need no right are not kept but found when they are walked.
//!
//! [`Graph::steps_of`]: crate::graph::Graph::steps_of

mod given;
mod owned;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use given::{Change, Given};
pub use owned::Who;
use owned::{Account, Owned, Where, key_of};

use super::standing::{CONTROL_PLANE, POD_STARTERS, ROLE_WRITER, controller, holds};
use super::steps::needs_pod;
use super::{Goal, How, Reach, Standing, Step};
use crate::object::Object;
use crate::rbac::Bearer;

/// The next step of a standing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Next<B> {
    how: How,
    to: Owned,
    binding: Option<B>,
}

/// Where a step leads, and whether it gives an account's rights alone.
type To = (Owned, bool);

/// The steps of one bearer by where they lead: the first of those that lead to one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSteps<B>(BTreeMap<To, (How, Option<B>)>);

impl<B> OwnSteps<B> {
    /// Keeps the steps of a bearer.
    pub fn of(steps: &[Step<'_>], binding: impl Fn(&Object<'_>) -> Option<B>) -> Self {
        let mut found = BTreeMap::new();
        for step in steps {
            let own = || (step.how, step.binding.as_ref().and_then(&binding));
            let to = (Owned::of(&step.to), step.how.is_for_api_only());
            found.entry(to).or_insert_with(own);
        }
        Self(found)
    }
}

/// Whose step it is, with whether it gives an account's rights alone, and how he takes it.
type Steps<B> = BTreeMap<(Who, bool), (How, Option<B>)>;

/// The ways of everybody; `B` tells which binding lets somebody take a step.
#[derive(Debug)]
pub struct Ways<B> {
    /// By where a step leads, then by whose it is: the first of his steps there.
    into: BTreeMap<Owned, Steps<B>>,
    /// Where the steps of a bearer lead.
    bearers: BTreeMap<Who, BTreeSet<To>>,
    /// What objects give besides rights.
    given: Given,
    next: BTreeMap<(Goal, Owned), Next<B>>,
    /// Whether steps have changed since the last search.
    is_stale: bool,
}

impl<B> Default for Ways<B> {
    fn default() -> Self {
        Self {
            into: BTreeMap::new(),
            bearers: BTreeMap::new(),
            given: Given::default(),
            next: BTreeMap::new(),
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
            && found.iter().all(|((to, kind), step)| {
                let into = self.into.get(to);
                into.and_then(|into| into.get(&(who.clone(), *kind))) == Some(step)
            });
        if is_same {
            return;
        }
        self.is_stale = true;
        for (to, kind) in self.bearers.remove(who).unwrap_or_default() {
            if let Some(into) = self.into.get_mut(&to) {
                into.remove(&(who.clone(), kind));
                if into.is_empty() {
                    self.into.remove(&to);
                }
            }
        }
        if is_bound {
            self.bearers.insert(who.clone(), found.keys().cloned().collect());
            for ((to, kind), step) in found {
                self.into.entry(to).or_default().insert((who.clone(), kind), step);
            }
        }
    }

    /// Takes up what an object gives besides rights: pods, tokens, and an identity of the cloud.
    pub fn add(&mut self, object: &Object<'_>) {
        self.is_stale |= self.given.change(object, Change::Comes);
    }

    /// Gives up what an object gave that is there no longer.
    pub fn remove(&mut self, object: &Object<'_>) {
        self.is_stale |= self.given.change(object, Change::Goes);
    }

    /// Searches again where anything has changed, and hands out each standing whose next step did.
    pub fn refresh(&mut self, changed: &mut dyn FnMut(Goal, Standing<'_>)) {
        let moved = self.given.moved();
        let is_stale =
            std::mem::take(&mut self.is_stale) || moved.iter().any(|account| self.reaches(account));
        if !is_stale {
            return;
        }
        for goal in Goal::ALL {
            self.renew(goal, changed);
        }
    }

    fn renew(&mut self, goal: Goal, changed: &mut dyn FnMut(Goal, Standing<'_>)) {
        let found = self.search(goal);
        let mut updates = Vec::new();
        for (from, (how, to, binding)) in &found {
            let is_same = self.next.get(&(goal, Owned::of(from))).is_some_and(|next| {
                next.how == *how && next.binding == *binding && next.to.seen() == *to
            });
            if !is_same {
                let next = Next { how: *how, to: Owned::of(to), binding: *binding };
                updates.push((Owned::of(from), Some(next)));
            }
        }
        let known = self.next.keys().filter(|(of, _)| *of == goal);
        let gone = known.filter(|(_, from)| !found.contains_key(&from.seen()));
        updates.extend(gone.map(|(_, from)| (from.clone(), None)));
        drop(found);
        for (from, next) in updates {
            changed(goal, from.seen());
            match next {
                Some(next) => self.next.insert((goal, from), next),
                None => self.next.remove(&(goal, from)),
            };
        }
    }

    /// Whether a way leads from an account, or from a group that holds it. From others none does, whether they
    /// have pods or not.
    fn reaches(&self, (namespace, name): &Account) -> bool {
        let leads = |who: &Who| {
            let standing = Owned::Bearer(who.clone());
            Goal::ALL.into_iter().any(|goal| self.next.contains_key(&(goal, standing.clone())))
        };
        let first = Who::Group(Box::from(""));
        let bound = self.bearers.range(first..).map(|(who, _)| who);
        let groups = bound
            .take_while(|who| matches!(who, Who::Group(_)))
            .filter(|who| matches!(who, Who::Group(group) if holds(group, namespace.as_deref())));
        leads(&Who::Account(namespace.clone(), name.clone())) || groups.into_iter().any(leads)
    }

    /// The next step of a standing towards a goal, and the binding that lets him take it.
    pub fn next(&self, goal: Goal, standing: &Standing<'_>) -> Option<(Step<'_>, Option<B>)> {
        let ((_, from), next) = self.next.get_key_value(&(goal, Owned::of(standing)))?;
        let step = Step { from: from.seen(), how: next.how, to: next.to.seen(), binding: None };
        Some((step, next.binding))
    }

    /// The first account of a name, in whatever namespace, from which there is a way.
    pub fn first_account(&self, goal: Goal, name: &str) -> Option<Standing<'_>> {
        let mut all = self.next.keys().filter(|(of, _)| *of == goal).map(|(_, from)| from.seen());
        all.find(
            |it| matches!(it, Standing::Bearer(Bearer::ServiceAccount(_, other)) if *other == name),
        )
    }

    /// The shortest ways, backwards from a goal.
    fn search(&self, goal: Goal) -> BTreeMap<Standing<'_>, Found<'_, B>> {
        let mut next: BTreeMap<Standing<'_>, Found<'_, B>> = BTreeMap::new();
        let mut reached: VecDeque<Standing<'_>> = match goal {
            Goal::Administrator => [Standing::Administrator].into(),
            Goal::Cloud => self.given.identities().collect(),
        };
        while let Some(to) = reached.pop_front() {
            let own = self.into.get(&Owned::of(&to)).into_iter().flatten();
            let own = own
                .map(|((who, _), (how, binding))| (Standing::Bearer(who.seen()), *how, *binding));
            let all: Vec<_> = own.chain(self.standing_into(to)).collect();
            let needs_pod = needs_pod(to, |at| next.get(at).map(|(how, to, _)| (*how, *to)));
            for (from, how, binding) in all {
                let is_way = !(needs_pod && how.is_for_api_only());
                if is_way && from != Standing::Administrator && !next.contains_key(&from) {
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
        let pods = |namespace| Standing::PodsOf(Reach::Namespace(namespace));
        match to {
            Standing::Administrator => {
                let places = [Reach::Cluster, Reach::Namespace(Some(CONTROL_PLANE))];
                let take = |place| (Standing::AccountsOf(place), How::TakesController, None);
                let mut steps = places.map(take).to_vec();
                steps.push((controller(ROLE_WRITER), How::Escalates, None));
                steps.push((Standing::ControlPlane, How::HoldsKeys, None));
                steps
            }
            Standing::AccountsOf(Reach::Cluster) => {
                POD_STARTERS.map(|name| (controller(name), How::StartsPods, None)).to_vec()
            }
            Standing::Bearer(Bearer::ServiceAccount(namespace, name)) => {
                let place = Reach::Namespace(namespace);
                let own = key_of(namespace, name);
                let has = self.given.had(&own);
                let is_bound =
                    self.bearers.contains_key(&Who::of(Bearer::ServiceAccount(namespace, name)));
                let mut steps = Vec::new();
                if has.tokens {
                    steps.extend([
                        is(Standing::PodsOf(place)),
                        is(Standing::PodsOf(Reach::Cluster)),
                    ]);
                }
                if self.given.is_token_mounted(&own) {
                    let holders = [Standing::PodsOf(place), Standing::PodsOf(Reach::Cluster)];
                    steps.extend(holders.map(|pods| (pods, How::HasToken, None)));
                }
                if has.pods || is_bound || self.given.is_known_to_cloud(&own) {
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
            Standing::PodsOf(Reach::Cluster) => {
                vec![(Standing::Nodes, How::ReadsTokensOfNode, None)]
            }
            Standing::Nodes => {
                let open = self.given.open().map(|it| (pods(it), How::BreaksOut, None));
                let linking = self.given.linking().filter_map(|account| {
                    let binding = self.reads_logs(account)?;
                    Some((pods(account.0.as_deref()), How::LinksLogs, binding))
                });
                open.chain(linking).collect()
            }
            Standing::ControlPlane => {
                let open = self.given.open_on_control_plane().into_iter();
                open.map(|it| (pods(it), How::BreaksOut, None)).collect()
            }
            Standing::Cloud(_) => {
                let account = |(namespace, name): &'w Account| {
                    Standing::Bearer(Bearer::ServiceAccount(namespace.as_deref(), name))
                };
                self.given.trusted_as(to).map(|it| (account(it), How::Assumes, None)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The binding by which an account reads the logs of its own namespace; none within where the whole does
    /// not know the binding.
    fn reads_logs(&self, (namespace, name): &Account) -> Option<Option<B>> {
        let who = (Who::Account(namespace.clone(), name.clone()), false);
        let of = |place| Some(self.into.get(&Owned::LogsOf(place))?.get(&who)?.1);
        of(Where::Cluster).or_else(|| of(Where::Namespace(namespace.clone())))
    }

    /// Every account that has pods, that a binding names, or that the cloud knows.
    fn all_accounts(&self) -> BTreeSet<(Option<&str>, &str)> {
        let bound = self.bearers.keys().filter_map(|who| match who {
            Who::Account(namespace, name) => Some((namespace.as_deref(), &**name)),
            Who::User(_) | Who::Group(_) => None,
        });
        self.given.accounts().chain(bound).collect()
    }
}

/// How, where to, and by which binding.
type Found<'w, B> = (How, Standing<'w>, Option<B>);
