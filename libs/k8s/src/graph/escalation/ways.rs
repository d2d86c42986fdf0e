//! The ways to all goals, kept up to date while bindings, roles, pods and service accounts change.
//!
//! Holds the steps of each bearer as [`Graph::steps_of`] gives them, who has pods, from which pods a way
//! leads to their node, and which accounts the cloud knows. The search is the one
//! of `escalation.rs` with the same order among ways of one length; the steps that need no right are not
//! kept but found when they are walked.
//!
//! [`Graph::steps_of`]: crate::graph::Graph::steps_of

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::clouds::{Cloud, CloudIdentity};
use super::standing::{CONTROL_PLANE, POD_STARTERS, ROLE_WRITER, controller, holds};
use super::steps::needs_pod;
use super::{Goal, How, Reach, Standing, Step};
use crate::object::Object;
use crate::rbac::Bearer;
use crate::workload::{Breakout, PodSpec, pod_specs};

/// A standing that owns its names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Owned {
    Bearer(Who),
    AccountsOf(Where),
    PodsOf(Where),
    Nodes,
    Administrator,
    Cloud(Cloud, Box<str>),
}

/// A service account: namespace and name.
type Account = (Option<Box<str>>, Box<str>);

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

/// Whose step it is, with whether it gives an account's rights alone, and how he takes it.
type Steps<B> = BTreeMap<(Who, bool), (How, Option<B>)>;

/// The ways of everybody; `B` tells which binding lets somebody take a step.
#[derive(Debug)]
pub struct Ways<B> {
    /// By where a step leads, then by whose it is: the first of his steps there.
    into: BTreeMap<Owned, Steps<B>>,
    /// Where the steps of a bearer lead.
    bearers: BTreeMap<Who, BTreeSet<To>>,
    /// What starts pods with an account.
    accounts: BTreeMap<Account, Starters>,
    /// By namespace, how many objects start pods from which a way leads to their node.
    open: BTreeMap<Option<Box<str>>, usize>,
    /// The accounts of an identity of the cloud, with how many objects say so.
    identities: BTreeMap<(Owned, Account), usize>,
    next: BTreeMap<(Goal, Owned), Next<B>>,
    /// Accounts of which the pods have changed since the last search, and what they had then.
    moved: BTreeMap<Account, Had>,
    /// Whether steps have changed since then.
    is_stale: bool,
}

impl<B> Default for Ways<B> {
    fn default() -> Self {
        Self {
            into: BTreeMap::new(),
            bearers: BTreeMap::new(),
            accounts: BTreeMap::new(),
            open: BTreeMap::new(),
            identities: BTreeMap::new(),
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

    /// Takes up what an object gives besides rights: pods, and an identity of the cloud.
    pub fn add(&mut self, object: &Object<'_>) {
        for pod in pod_specs(object) {
            let key = key_of(object.namespace(), pod.service_account());
            let starters = self.accounts.entry(key.clone()).or_default();
            let had = starters.had();
            self.moved.entry(key).or_insert(had);
            starters.all += 1;
            starters.with_token += usize::from(may_hold_token(&pod));
            if Breakout::of(&pod).is_some() {
                let count = self.open.entry(object.namespace().map(Box::from)).or_default();
                *count += 1;
                self.is_stale |= *count == 1;
            }
        }
        if let Some(identity) = CloudIdentity::of(object) {
            let known =
                (Owned::of(&Standing::Cloud(identity)), key_of(object.namespace(), object.name()));
            *self.identities.entry(known).or_default() += 1;
            self.is_stale = true;
        }
    }

    /// Gives up what an object gave that is there no longer.
    pub fn remove(&mut self, object: &Object<'_>) {
        for pod in pod_specs(object) {
            let key = key_of(object.namespace(), pod.service_account());
            if let Some(starters) = self.accounts.get_mut(&key) {
                let had = starters.had();
                starters.all = starters.all.saturating_sub(1);
                let tokens = usize::from(may_hold_token(&pod));
                starters.with_token = starters.with_token.saturating_sub(tokens);
                if !starters.had().pods {
                    self.accounts.remove(&key);
                }
                self.moved.entry(key).or_insert(had);
            }
            if Breakout::of(&pod).is_some() {
                let left = lower(&mut self.open, &object.namespace().map(Box::from));
                self.is_stale |= left == Some(0);
            }
        }
        if let Some(identity) = CloudIdentity::of(object) {
            let known =
                (Owned::of(&Standing::Cloud(identity)), key_of(object.namespace(), object.name()));
            lower(&mut self.identities, &known);
            self.is_stale = true;
        }
    }

    /// Searches again where anything has changed, and hands out each standing whose next step did.
    pub fn refresh(&mut self, changed: &mut dyn FnMut(Goal, Standing<'_>)) {
        let mut moved = std::mem::take(&mut self.moved).into_iter();
        let is_stale = std::mem::take(&mut self.is_stale)
            || moved.any(|(account, had)| self.had(&account) != had && self.reaches(&account));
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
            Goal::Cloud => {
                let all: BTreeSet<_> = self.identities.keys().map(|(it, _)| it.seen()).collect();
                all.into_iter().collect()
            }
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
        match to {
            Standing::Administrator => {
                let places = [Reach::Cluster, Reach::Namespace(Some(CONTROL_PLANE))];
                let take = |place| (Standing::AccountsOf(place), How::TakesController, None);
                let mut steps = places.map(take).to_vec();
                steps.push((controller(ROLE_WRITER), How::Escalates, None));
                steps
            }
            Standing::AccountsOf(Reach::Cluster) => {
                POD_STARTERS.map(|name| (controller(name), How::StartsPods, None)).to_vec()
            }
            Standing::Bearer(Bearer::ServiceAccount(namespace, name)) => {
                let place = Reach::Namespace(namespace);
                let has = self.had(&key_of(namespace, name));
                let is_bound =
                    self.bearers.contains_key(&Who::of(Bearer::ServiceAccount(namespace, name)));
                let own = key_of(namespace, name);
                let is_known = self.identities.keys().any(|(_, account)| *account == own);
                let mut steps = Vec::new();
                if has.tokens {
                    steps.push(is(Standing::PodsOf(place)));
                    steps.push(is(Standing::PodsOf(Reach::Cluster)));
                }
                if has.pods || is_bound || is_known {
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
                let of = |namespace| Standing::PodsOf(Reach::Namespace(namespace));
                let open = self.open.keys().map(|namespace| of(namespace.as_deref()));
                open.map(|pods| (pods, How::BreaksOut, None)).collect()
            }
            Standing::Cloud(_) => {
                let known = self.identities.keys().filter(|(it, _)| it.seen() == to);
                let account = |(namespace, name): &'w Account| {
                    Standing::Bearer(Bearer::ServiceAccount(namespace.as_deref(), name))
                };
                known.map(|(_, it)| (account(it), How::Assumes, None)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn had(&self, account: &Account) -> Had {
        self.accounts.get(account).map(|starters| starters.had()).unwrap_or_default()
    }

    /// Every account that has pods, that a binding names, or that the cloud knows.
    fn all_accounts(&self) -> BTreeSet<(Option<&str>, &str)> {
        let with_pods =
            self.accounts.keys().map(|(namespace, name)| (namespace.as_deref(), &**name));
        let bound = self.bearers.keys().filter_map(|who| match who {
            Who::Account(namespace, name) => Some((namespace.as_deref(), &**name)),
            Who::User(_) | Who::Group(_) => None,
        });
        let known = self.identities.keys();
        let known = known.map(|(_, (namespace, name))| (namespace.as_deref(), &**name));
        with_pods.chain(bound).chain(known).collect()
    }
}

/// How, where to, and by which binding.
type Found<'w, B> = (How, Standing<'w>, Option<B>);

/// Counts one less. Returns what is left; none where nothing was counted.
fn lower<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) -> Option<usize> {
    let count = counts.get_mut(key)?;
    *count = count.saturating_sub(1);
    let left = *count;
    if left == 0 {
        counts.remove(key);
    }
    Some(left)
}

/// Whether a pod has, or may have, the token of its account.
fn may_hold_token(pod: &PodSpec<'_>) -> bool {
    pod.holds_token() != Some(false)
}

fn key_of(namespace: Option<&str>, name: &str) -> Account {
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
            Standing::Nodes => Self::Nodes,
            Standing::Administrator => Self::Administrator,
            Standing::Cloud(identity) => Self::Cloud(identity.cloud, identity.name.into()),
        }
    }

    fn seen(&self) -> Standing<'_> {
        match self {
            Self::Bearer(who) => Standing::Bearer(who.seen()),
            Self::AccountsOf(place) => Standing::AccountsOf(place.seen()),
            Self::PodsOf(place) => Standing::PodsOf(place.seen()),
            Self::Nodes => Standing::Nodes,
            Self::Administrator => Standing::Administrator,
            Self::Cloud(cloud, name) => Standing::Cloud(CloudIdentity { cloud: *cloud, name }),
        }
    }
}
