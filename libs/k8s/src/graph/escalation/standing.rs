//! The steps that need no right: from a place to the accounts and pods in it, from an account to its groups
//! and to its identity of the cloud, from a pod to its node.

use std::collections::BTreeSet;

use super::clouds::CloudIdentity;
use super::powers::account_of;
use super::{How, Reach, Standing, Step};
use crate::graph::Graph;
use crate::graph::references::{Referent, references};
use crate::object::Object;
use crate::rbac::Bearer;
use crate::workload::{Breakout, PodSpec, path_on_node};

/// The namespace of the control plane's own accounts.
pub(super) const CONTROL_PLANE: &str = "kube-system";
/// The groups that every service account is in; with `:` and a namespace, those of the namespace.
const ACCOUNTS_GROUP: &str = "system:serviceaccounts";
const AUTHENTICATED: &str = "system:authenticated";

/// The control plane's own account that adds rights to ClusterRoles: those of `aggregationRule`.
pub(super) const ROLE_WRITER: &str = "clusterrole-aggregation-controller";
/// Its accounts that start pods in every namespace.
pub(super) const POD_STARTERS: [&str; 8] = [
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "job-controller",
    "persistent-volume-binder",
    "replicaset-controller",
    "replication-controller",
    "statefulset-controller",
];

/// Namespace and name of a service account.
type Account<'a> = (Option<&'a str>, &'a str);

/// All of them. `bearers` are those whom bindings name.
pub(super) fn edges<'a>(
    graph: &Graph<'a>,
    bearers: impl Iterator<Item = Bearer<'a>>,
    steps: &mut Vec<Step<'a>>,
) {
    let all = Standing::AccountsOf(Reach::Cluster);
    let control_plane = Standing::AccountsOf(Reach::Namespace(Some(CONTROL_PLANE)));
    steps.push(step(all, How::TakesController, Standing::Administrator));
    steps.push(step(control_plane, How::TakesController, Standing::Administrator));
    steps.push(step(controller(ROLE_WRITER), How::Escalates, Standing::Administrator));
    steps.push(step(Standing::ControlPlane, How::HoldsKeys, Standing::Administrator));
    steps.extend(POD_STARTERS.map(|name| step(controller(name), How::StartsPods, all)));
    let mut accounts = of_pods(graph, steps);
    accounts.extend(of_clouds(graph, steps));
    let groups: BTreeSet<&str> = bearers
        .filter_map(|bearer| match bearer {
            Bearer::ServiceAccount(namespace, name) => {
                accounts.insert((namespace, name));
                None
            }
            Bearer::Group(name) => Some(name),
            Bearer::User(_) => None,
        })
        .collect();
    for (namespace, name) in accounts {
        let account = Standing::Bearer(Bearer::ServiceAccount(namespace, name));
        steps.push(step(Standing::AccountsOf(Reach::Namespace(namespace)), How::Is, account));
        for group in groups.iter().filter(|group| holds(group, namespace)) {
            steps.push(step(account, How::BelongsTo, Standing::Bearer(Bearer::Group(group))));
        }
    }
}

/// From pods to their accounts and nodes, and to the accounts whose tokens they have. Returns their own.
fn of_pods<'a>(graph: &Graph<'a>, steps: &mut Vec<Step<'a>>) -> BTreeSet<Account<'a>> {
    let (mut accounts, mut open, mut ruling) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut linking, mut tokens) = (BTreeSet::new(), BTreeSet::new());
    for pod in graph.pods() {
        let Some(owner) = graph.owner(pod) else { continue };
        let (namespace, name) = (owner.namespace(), pod.spec.service_account());
        accounts.insert((namespace, name));
        let account = Standing::Bearer(Bearer::ServiceAccount(namespace, name));
        if pod.spec.holds_token() != Some(false) {
            for reach in [Reach::Namespace(namespace), Reach::Cluster] {
                steps.push(step(Standing::PodsOf(reach), How::Is, account));
            }
        }
        if Breakout::of(&pod.spec).is_some() {
            open.insert(namespace);
            if graph.is_on_control_plane(&pod.spec) {
                ruling.insert(namespace);
            }
        }
        if writes_logs(&pod.spec) {
            linking.insert((namespace, name));
        }
        tokens.extend(tokens_of(graph, namespace, &pod.spec));
    }
    for (namespace, name) in tokens {
        let account = Standing::Bearer(Bearer::ServiceAccount(namespace, name));
        for reach in [Reach::Namespace(namespace), Reach::Cluster] {
            steps.push(step(Standing::PodsOf(reach), How::HasToken, account));
        }
    }
    // Whoever enters all pods needs no node.
    let pods = |namespace| Standing::PodsOf(Reach::Namespace(namespace));
    steps.extend(open.into_iter().map(|it| step(pods(it), How::BreaksOut, Standing::Nodes)));
    steps.extend(
        ruling.into_iter().map(|it| step(pods(it), How::BreaksOut, Standing::ControlPlane)),
    );
    for account in linking {
        if let Some(binding) = reads_logs(steps, account) {
            let link = step(pods(account.0), How::LinksLogs, Standing::Nodes);
            steps.push(Step { binding, ..link });
        }
    }
    let all = Standing::PodsOf(Reach::Cluster);
    steps.push(step(Standing::Nodes, How::ReadsTokensOfNode, all));
    accounts
}

/// Whether a pod writes the logs of its node, and may ask for them with the token of its account.
pub(super) fn writes_logs(pod: &PodSpec<'_>) -> bool {
    pod.holds_token() != Some(false) && Breakout::by_logs(pod, &path_on_node).is_some()
}

/// The accounts of which a pod has a Secret with the token.
fn tokens_of<'a>(
    graph: &Graph<'a>,
    namespace: Option<&'a str>,
    pod: &PodSpec<'a>,
) -> Vec<Account<'a>> {
    if graph.token_secrets.is_empty() {
        return Vec::new();
    }
    let secrets = secrets_of(pod);
    let tokens = graph.token_secrets.iter().filter_map(|index| graph.objects.get(*index));
    let own = tokens.filter(|it| it.namespace() == namespace && secrets.contains(it.name()));
    own.filter_map(|secret| Some((namespace, account_of(secret)?))).collect()
}

/// The Secrets that a pod refers to.
pub(super) fn secrets_of<'a>(pod: &PodSpec<'a>) -> BTreeSet<&'a str> {
    let of_secrets = references(pod).into_iter().filter(|it| it.to == Referent::Secret);
    of_secrets.map(|reference| reference.name).collect()
}

/// The binding by which an account reads the logs of its own namespace; none within where the step needs none.
fn reads_logs<'a>(
    steps: &[Step<'a>],
    (namespace, name): Account<'a>,
) -> Option<Option<Object<'a>>> {
    let from = Standing::Bearer(Bearer::ServiceAccount(namespace, name));
    let of = |reach| {
        let mut own = steps.iter().filter(|it| it.from == from && it.to == Standing::LogsOf(reach));
        own.next().map(|step| step.binding)
    };
    of(Reach::Cluster).or_else(|| of(Reach::Namespace(namespace)))
}

/// From accounts to their identities of the cloud. Returns the accounts that have one.
fn of_clouds<'a>(graph: &Graph<'a>, steps: &mut Vec<Step<'a>>) -> BTreeSet<Account<'a>> {
    let known: BTreeSet<(Account<'a>, CloudIdentity<'a>)> = graph
        .of_kind("", "ServiceAccount")
        .filter_map(|it| Some(((it.namespace(), it.name()), CloudIdentity::of(it)?)))
        .collect();
    for ((namespace, name), identity) in &known {
        let account = Standing::Bearer(Bearer::ServiceAccount(*namespace, name));
        steps.push(step(account, How::Assumes, Standing::Cloud(*identity)));
    }
    known.into_iter().map(|(account, _)| account).collect()
}

/// Whether a group holds the service accounts of a namespace.
pub(super) fn holds(group: &str, namespace: Option<&str>) -> bool {
    match group.strip_prefix(ACCOUNTS_GROUP) {
        Some("") => true,
        Some(of) => namespace.is_some() && of.strip_prefix(':') == namespace,
        None => group == AUTHENTICATED,
    }
}

/// The account of a controller of the control plane.
pub(super) const fn controller(name: &str) -> Standing<'_> {
    Standing::Bearer(Bearer::ServiceAccount(Some(CONTROL_PLANE), name))
}

const fn step<'a>(from: Standing<'a>, how: How, to: Standing<'a>) -> Step<'a> {
    Step { from, how, to, binding: None }
}
