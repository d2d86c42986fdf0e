//! What objects give besides rights, counted while they come and go: pods and what of them leads on, tokens in
//! Secrets, nodes of the control plane, identities of the cloud.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Standing;
use super::super::clouds::CloudIdentity;
use super::super::control_plane::{Placement, is_node};
use super::super::powers::{account_of, is_token};
use super::super::standing::{secrets_of, writes_logs};
use super::owned::{Account, Owned, key_of};
use crate::object::Object;
use crate::workload::{Breakout, PodSpec, pod_specs};

/// Whether an object comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Comes,
    Goes,
}

type Namespace = Option<Box<str>>;

/// How many objects say each of these things.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// What starts pods with an account.
    accounts: BTreeMap<Account, Starters>,
    /// Pods from which a way leads to their node.
    open: BTreeMap<Namespace, usize>,
    /// The same of those that come onto nodes of the control plane.
    placed: BTreeMap<(Namespace, Placement), usize>,
    /// Nodes of the control plane.
    nodes: BTreeMap<Box<str>, usize>,
    /// Accounts whose pods write the logs of their node.
    linking: BTreeMap<Account, usize>,
    /// Secrets that pods refer to.
    mounted: BTreeMap<(Namespace, Box<str>), usize>,
    /// The accounts whose token is in a Secret, with its name.
    tokens: BTreeMap<(Account, Box<str>), usize>,
    /// The accounts of an identity of the cloud.
    identities: BTreeMap<(Owned, Account), usize>,
    /// Accounts of which the pods have changed since they were last asked for, and what they had then.
    moved: BTreeMap<Account, Had>,
}

/// How many pods (templates) run with an account, and how many of them may hold its token.
#[derive(Debug, Clone, Copy, Default)]
struct Starters {
    all: usize,
    with_token: usize,
}

/// Whether an account has pods, and pods that may hold its token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Had {
    pub(super) pods: bool,
    pub(super) tokens: bool,
}

impl Starters {
    const fn had(self) -> Had {
        Had { pods: self.all > 0, tokens: self.with_token > 0 }
    }
}

impl Given {
    /// Counts what an object says, or no longer. Returns whether it is heard for the first time, or no more:
    /// ways may be other ones then. What accounts have is told by [`Self::moved`].
    pub(super) fn change(&mut self, object: &Object<'_>, change: Change) -> bool {
        let mut is_new = false;
        for pod in pod_specs(object) {
            self.change_starters(object, &pod, change);
            is_new |= self.change_pod(object, &pod, change);
        }
        let namespace = object.namespace();
        if is_node(object) {
            is_new |= count(&mut self.nodes, &object.name().into(), change);
        }
        if (object.group(), object.kind()) == ("", "Secret")
            && is_token(object)
            && let Some(account) = account_of(object)
        {
            let token = (key_of(namespace, account), object.name().into());
            is_new |= count(&mut self.tokens, &token, change);
        }
        if let Some(identity) = CloudIdentity::of(object) {
            let account = key_of(namespace, object.name());
            let known = (Owned::of(&Standing::Cloud(identity)), account);
            // Which accounts there are changes who is in a group.
            count(&mut self.identities, &known, change);
            is_new = true;
        }
        is_new
    }

    fn change_starters(&mut self, object: &Object<'_>, pod: &PodSpec<'_>, change: Change) {
        let key = key_of(object.namespace(), pod.service_account());
        let starters = self.accounts.entry(key.clone()).or_default();
        self.moved.entry(key.clone()).or_insert_with(|| starters.had());
        let tokens = usize::from(pod.holds_token() != Some(false));
        match change {
            Change::Comes => {
                starters.all += 1;
                starters.with_token += tokens;
            }
            Change::Goes => {
                starters.all = starters.all.saturating_sub(1);
                starters.with_token = starters.with_token.saturating_sub(tokens);
            }
        }
        if !starters.had().pods {
            self.accounts.remove(&key);
        }
    }

    fn change_pod(&mut self, object: &Object<'_>, pod: &PodSpec<'_>, change: Change) -> bool {
        let namespace = || object.namespace().map(Box::from);
        let mut is_new = false;
        if Breakout::of(pod).is_some() {
            is_new |= count(&mut self.open, &namespace(), change);
            if let Some(placement) = Placement::of(pod) {
                let is_there = self.is_on_control_plane(&placement);
                is_new |= count(&mut self.placed, &(namespace(), placement), change) && is_there;
            }
        }
        if writes_logs(pod) {
            let account = key_of(object.namespace(), pod.service_account());
            is_new |= count(&mut self.linking, &account, change);
        }
        for secret in secrets_of(pod) {
            let mounted = (namespace(), Box::from(secret));
            let own = (object.namespace(), secret);
            let is_token =
                self.tokens.keys().any(|((of, _), name)| (of.as_deref(), &**name) == own);
            is_new |= count(&mut self.mounted, &mounted, change) && is_token;
        }
        is_new
    }

    /// Accounts of which the pods have changed since the last call.
    pub(super) fn moved(&mut self) -> Vec<Account> {
        let moved = std::mem::take(&mut self.moved).into_iter();
        moved
            .filter(|(account, had)| self.had(account) != *had)
            .map(|(account, _)| account)
            .collect()
    }

    /// Whether an account has pods.
    pub(super) fn had(&self, account: &Account) -> Had {
        self.accounts.get(account).map(|starters| starters.had()).unwrap_or_default()
    }

    /// Every account that has pods, or that the cloud knows.
    pub(super) fn accounts(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let known = self.identities.keys().map(|(_, account)| account);
        let all = self.accounts.keys().chain(known);
        all.map(|(namespace, name)| (namespace.as_deref(), &**name))
    }

    /// The namespaces that have pods from which a way leads to their node.
    pub(super) fn open(&self) -> impl Iterator<Item = Option<&str>> {
        self.open.keys().map(Option::as_deref)
    }

    /// The namespaces of such pods that come onto nodes of the control plane.
    pub(super) fn open_on_control_plane(&self) -> BTreeSet<Option<&str>> {
        let placed = self.placed.keys().filter(|(_, it)| self.is_on_control_plane(it));
        placed.map(|(namespace, _)| namespace.as_deref()).collect()
    }

    fn is_on_control_plane(&self, placement: &Placement) -> bool {
        match placement {
            Placement::Chosen => true,
            Placement::Tolerated => !self.nodes.is_empty(),
            Placement::Named(node) => self.nodes.contains_key(node),
        }
    }

    /// The accounts whose pods write the logs of their node.
    pub(super) fn linking(&self) -> impl Iterator<Item = &Account> {
        self.linking.keys()
    }

    /// Whether a pod has a Secret with the token of an account.
    pub(super) fn is_token_mounted(&self, account: &Account) -> bool {
        let of_account = self.tokens.range((account.clone(), Box::from(""))..);
        let mut secrets = of_account.map(|(token, _)| token).take_while(|(of, _)| of == account);
        secrets.any(|((namespace, _), name)| {
            self.mounted.contains_key(&(namespace.clone(), name.clone()))
        })
    }

    /// The identities of the cloud.
    pub(super) fn identities(&self) -> impl Iterator<Item = Standing<'_>> {
        let all: BTreeSet<_> = self.identities.keys().map(|(it, _)| it.seen()).collect();
        all.into_iter()
    }

    /// Whether an account stands for an identity of the cloud.
    pub(super) fn is_known_to_cloud(&self, account: &Account) -> bool {
        self.identities.keys().any(|(_, known)| known == account)
    }

    /// The accounts that stand for an identity of the cloud.
    pub(super) fn trusted_as<'w>(
        &'w self,
        identity: Standing<'w>,
    ) -> impl Iterator<Item = &'w Account> {
        let known = self.identities.keys().filter(move |(it, _)| it.seen() == identity);
        known.map(|(_, account)| account)
    }
}

/// Counts one more or one less. Returns whether the key has come or gone by it.
fn count<K: Ord + Clone>(counts: &mut BTreeMap<K, usize>, key: &K, change: Change) -> bool {
    match (counts.get_mut(key), change) {
        (None, Change::Comes) => {
            counts.insert(key.clone(), 1);
            true
        }
        (Some(number), Change::Comes) => {
            *number += 1;
            false
        }
        (Some(number), Change::Goes) if *number > 1 => {
            *number -= 1;
            false
        }
        (_, Change::Goes) => counts.remove(key).is_some(),
    }
}
