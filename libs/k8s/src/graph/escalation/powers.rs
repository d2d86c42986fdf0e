//! Which rights lead to which other identity.

use super::azure;
use super::privileged::starts_privileged;
use super::standing::CONTROL_PLANE;
use super::starters::{WRITE, starts_pods};
use super::{How, Reach, Standing, Step};
use crate::fields::text;
use crate::graph::Graph;
use crate::graph::part::{Key, Place, Topic};
use crate::object::Object;
use crate::rbac::{Bearer, GROUP as RBAC, Rule, role_of};

/// The group whose members the API server asks for no right.
const MASTERS: &str = "system:masters";

/// What a bearer was given in one namespace or in the whole cluster, by one binding.
#[derive(Debug)]
pub(super) struct Held<'a> {
    binding: Object<'a>,
    pub(super) reach: Reach<'a>,
    rules: Vec<Rule<'a>>,
}

/// All that a bearer was given.
#[derive(Debug, Default)]
pub(super) struct Holding<'a> {
    held: Vec<Held<'a>>,
}

impl<'a> Holding<'a> {
    pub(super) fn add(&mut self, binding: &Object<'a>, reach: Reach<'a>, rules: Vec<Rule<'a>>) {
        self.held.push(Held { binding: *binding, reach, rules });
    }

    /// Whether another binding gives a right where this one holds: some powers need two rights.
    pub(super) fn has_as_well(&self, held: &Held<'a>, right: impl Fn(&Rule<'a>) -> bool) -> bool {
        self.held.iter().any(|other| {
            let reaches = other.reach == Reach::Cluster || other.reach == held.reach;
            reaches && other.rules.iter().any(&right)
        })
    }

    /// How a rule with `escalate` on roles of a kind lets the bearer raise his own rights, and where: over any
    /// role, or over one that he has. He must be able to change it, too.
    fn raises(&self, held: &Held<'a>, rule: &Rule<'a>, kind: &str) -> Vec<(How, Reach<'a>)> {
        let resource = if kind == "Role" { "roles" } else { "clusterroles" };
        let may = |rule: &Rule<'_>, verbs: &[&str], name: Option<&str>| {
            rule.allows_verb(verbs) && rule.reaches(RBAC, resource) && covers(rule, name)
        };
        if !(rule.allows_verb(&["escalate"]) && rule.reaches(RBAC, resource)) {
            return Vec::new();
        }
        let raises = |name: Option<&str>| {
            may(rule, &["escalate"], name)
                && self.has_as_well(held, |it| may(it, &["update", "patch"], name))
        };
        if raises(None) {
            return vec![(How::Escalates, held.reach)];
        }
        let own = self.held.iter().filter(|other| {
            let is_within = held.reach == Reach::Cluster || held.reach == other.reach;
            is_within
                && role_of(&other.binding)
                    .is_some_and(|(own, name)| own == kind && raises(Some(name)))
        });
        own.map(|other| (How::EscalatesOwn, other.reach)).collect()
    }
}

/// Whether a rule is over the object of a name; over any, where none is given.
pub(super) fn covers(rule: &Rule<'_>, name: Option<&str>) -> bool {
    !rule.names_its_objects() || name.is_some_and(|name| rule.has("resourceNames", &[name]))
}

impl Holding<'_> {
    /// Whether they let him claim a volume and start a pod that mounts it, in one namespace.
    fn mounts_claims(&self) -> bool {
        let claims = |rule: &Rule<'_>| {
            rule.allows_verb(&["create"]) && rule.reaches("", "persistentvolumeclaims")
        };
        self.held.iter().any(|held| {
            held.rules.iter().any(starts_pods)
                && (held.rules.iter().any(claims) || self.has_as_well(held, claims))
        })
    }
}

/// The steps that a bearer's own rights allow.
pub(super) fn edges_of<'a>(
    graph: &Graph<'a>,
    bearer: Bearer<'a>,
    holding: &Holding<'a>,
    steps: &mut Vec<Step<'a>>,
) {
    if bearer == Bearer::Group(MASTERS) {
        let (from, to) = (Standing::Bearer(bearer), Standing::Administrator);
        return steps.push(Step { from, how: How::HasAllRights, to, binding: None });
    }
    for held in &holding.held {
        let mut add = |how, to| {
            steps.push(Step {
                from: Standing::Bearer(bearer),
                how,
                to,
                binding: Some(held.binding),
            });
        };
        for rule in &held.rules {
            of_rule(graph, holding, held, rule, &mut add);
        }
    }
}

/// The steps that one rule allows.
fn of_rule<'a>(
    graph: &Graph<'a>,
    holding: &Holding<'a>,
    held: &Held<'a>,
    rule: &Rule<'a>,
    add: &mut dyn FnMut(How, Standing<'a>),
) {
    let is_cluster_wide = held.reach == Reach::Cluster;
    let accounts = Standing::AccountsOf(held.reach);
    // Whoever may do everything in a namespace starts pods there.
    if rule.allows_everything() && is_cluster_wide {
        return add(How::HasAllRights, Standing::Administrator);
    }
    let all_objects = !rule.names_its_objects();
    let may = |verbs: &[&str], group: &str, resource: &str| {
        rule.allows_verb(verbs) && rule.reaches(group, resource)
    };
    if starts_pods(rule) {
        add(How::StartsPods, accounts);
        if let Some(how) = starts_privileged(graph, holding, held) {
            add_nodes(graph, how, add);
        }
    }
    if may(&["update", "patch"], "", "pods") {
        add(How::ReplacesImage, Standing::PodsOf(held.reach));
    }
    if reads_logs(rule, is_cluster_wide) {
        add(How::ReadsLogs, Standing::LogsOf(held.reach));
    }
    if may(&["create", "get"], "", "pods/exec")
        || may(&["create", "get"], "", "pods/attach")
        || may(&["update", "patch"], "", "pods/ephemeralcontainers")
    {
        add(How::EntersPods, Standing::PodsOf(held.reach));
    }
    if may(&["get", "list", "watch"], "", "secrets") {
        tokens_read(graph, held, rule, &mut |account| {
            add(How::ReadsToken, Standing::Bearer(account));
        });
    }
    if all_objects
        && may(&["create"], "", "secrets")
        && holding.has_as_well(held, |it| {
            // One that he names is there already, and of another type.
            let reads = it.allows_verb(&["get", "list", "watch"]) && it.reaches("", "secrets");
            reads && !it.names_its_objects()
        })
    {
        add(How::MakesToken, accounts);
    }
    if may(&["create"], "", "serviceaccounts/token") {
        match (all_objects, held.reach) {
            (false, Reach::Namespace(namespace)) => {
                rule.list("resourceNames").for_each(|(_, name)| {
                    let account = Bearer::ServiceAccount(namespace, name);
                    add(How::RequestsToken, Standing::Bearer(account));
                })
            }
            _ => add(How::RequestsToken, accounts),
        }
    }
    impersonation(held, rule, add);
    if maps_identities(graph, held, rule) {
        add(How::MapsIdentity, Standing::Administrator);
    }
    if azure::asks_for_node_identity(graph, holding, held, rule) {
        add(How::AsksForNodeIdentity, Standing::Administrator);
    }
    if is_cluster_wide {
        of_cluster_rule(graph, holding, held, rule, add);
    } else {
        of_namespaced_rule(graph, holding, held, rule, add);
    }
}

/// Whether a rule lets read what containers have logged, from the API server or from the kubelets.
pub(super) fn reads_logs(rule: &Rule<'_>, is_cluster_wide: bool) -> bool {
    let reads = |resource: &str| rule.allows_verb(&["get"]) && rule.reaches("", resource);
    reads("pods/log") || is_cluster_wide && reads("nodes/log")
}

/// Where root on nodes of one's own choice is: on one of the control plane too, where the input has one.
fn add_nodes<'a>(graph: &Graph<'a>, how: How, add: &mut dyn FnMut(How, Standing<'a>)) {
    add(how, Standing::Nodes);
    if graph.has_control_plane_nodes() {
        add(how, Standing::ControlPlane);
    }
}

/// Whether a rule lets write the ConfigMap by which EKS knows its administrators. That the cluster is one of
/// EKS shows by the ConfigMap, or by a rule that names it.
fn maps_identities(graph: &Graph<'_>, held: &Held<'_>, rule: &Rule<'_>) -> bool {
    const NAME: &str = "aws-auth";
    let reaches = matches!(held.reach, Reach::Cluster | Reach::Namespace(Some(CONTROL_PLANE)));
    reaches
        && rule.allows_verb(&["update", "patch"])
        && rule.reaches("", "configmaps")
        && covers(rule, Some(NAME))
        && (rule.names_its_objects()
            || graph.find("", "ConfigMap", Some(CONTROL_PLANE), NAME).is_some())
}

/// Powers over what belongs to no namespace.
fn of_cluster_rule<'a>(
    graph: &Graph<'a>,
    holding: &Holding<'a>,
    held: &Held<'a>,
    rule: &Rule<'a>,
    add: &mut dyn FnMut(How, Standing<'a>),
) {
    const ADMISSION: &str = "admissionregistration.k8s.io";
    const CERTIFICATES: &str = "certificates.k8s.io";
    let may = |rule: &Rule<'_>, verbs: &[&str], group: &str, resource: &str| {
        rule.allows_verb(verbs) && rule.reaches(group, resource)
    };
    for (how, reach) in holding.raises(held, rule, "ClusterRole") {
        add(how, with_all_rights_in(reach));
    }
    if may(rule, &["bind"], RBAC, "clusterroles")
        && let Some(how) = binds_administrator(graph, rule)
        && holding.has_as_well(held, |it| may(it, &WRITE, RBAC, "clusterrolebindings"))
    {
        add(how, Standing::Administrator);
    }
    if may(rule, &["create"], "", "persistentvolumes") && holding.mounts_claims() {
        add_nodes(graph, How::MountsNode, add);
    }
    if may(rule, &["get", "create"], "", "nodes/proxy") {
        add(How::ProxiesToNodes, Standing::PodsOf(Reach::Cluster));
    }
    if may(rule, &["update", "patch"], CERTIFICATES, "certificatesigningrequests/approval")
        && holding.has_as_well(held, |it| may(it, &["approve"], CERTIFICATES, "signers"))
        && holding.has_as_well(held, |it| {
            may(it, &["create"], CERTIFICATES, "certificatesigningrequests")
        })
    {
        add(How::SignsCertificates, Standing::AccountsOf(Reach::Cluster));
    }
    if may(rule, &WRITE, ADMISSION, "mutatingwebhookconfigurations") {
        add(How::ChangesRequests, Standing::AccountsOf(Reach::Cluster));
    }
}

/// Powers over the roles of one namespace: who has every right in it has its service accounts.
fn of_namespaced_rule<'a>(
    graph: &Graph<'a>,
    holding: &Holding<'a>,
    held: &Held<'a>,
    rule: &Rule<'a>,
    add: &mut dyn FnMut(How, Standing<'a>),
) {
    let may = |rule: &Rule<'_>, verbs: &[&str], resource: &str| {
        rule.allows_verb(verbs) && rule.reaches(RBAC, resource)
    };
    for (how, reach) in holding.raises(held, rule, "Role") {
        add(how, with_all_rights_in(reach));
    }
    if may(rule, &["bind"], "clusterroles")
        && let Some(how) = binds_administrator(graph, rule)
        && holding.has_as_well(held, |it| may(it, &["create"], "rolebindings"))
    {
        add(how, with_all_rights_in(held.reach));
    }
}

/// Who has every right somewhere has all accounts there.
fn with_all_rights_in(reach: Reach<'_>) -> Standing<'_> {
    match reach {
        Reach::Cluster => Standing::Administrator,
        Reach::Namespace(_) => Standing::AccountsOf(reach),
    }
}

/// How a rule lets bind a ClusterRole that may do everything: among any, or by its name.
fn binds_administrator(graph: &Graph<'_>, rule: &Rule<'_>) -> Option<How> {
    if covers(rule, Some("cluster-admin")) {
        return Some(How::Binds);
    }
    let may_do_everything = |name: &str| {
        let role = graph.find(RBAC, "ClusterRole", None, name);
        let broad = role.map(|role| graph.rules_naming(role, "*")).unwrap_or_default();
        broad.iter().any(|(_, rule)| rule.allows_everything())
    };
    rule.list("resourceNames").any(|(_, name)| may_do_everything(name)).then_some(How::BindsNamed)
}

fn impersonation<'a>(held: &Held<'a>, rule: &Rule<'a>, add: &mut dyn FnMut(How, Standing<'a>)) {
    if !rule.allows_verb(&["impersonate"]) {
        return;
    }
    let is_cluster_wide = held.reach == Reach::Cluster;
    let names: Vec<&str> = rule.list("resourceNames").map(|(_, name)| name).collect();
    // Users and groups belong to no namespace: a RoleBinding gives no right over them.
    if is_cluster_wide && rule.reaches("", "groups") {
        match names.as_slice() {
            [] => add(How::Impersonates, Standing::Administrator),
            names => names.iter().for_each(|name| {
                add(How::Impersonates, Standing::Bearer(Bearer::Group(name)));
            }),
        }
    }
    if is_cluster_wide && rule.reaches("", "users") {
        match names.as_slice() {
            // Users of service accounts and of the controllers among them.
            [] => add(How::Impersonates, Standing::AccountsOf(Reach::Cluster)),
            names => names.iter().for_each(|name| {
                add(How::Impersonates, Standing::Bearer(Bearer::of_user(name)));
            }),
        }
    }
    if rule.reaches("", "serviceaccounts") {
        match (names.as_slice(), held.reach) {
            ([], reach) => add(How::Impersonates, Standing::AccountsOf(reach)),
            (names, Reach::Namespace(namespace)) => names.iter().for_each(|name| {
                let account = Bearer::ServiceAccount(namespace, name);
                add(How::Impersonates, Standing::Bearer(account));
            }),
            (_, Reach::Cluster) => {}
        }
    }
}

/// The accounts whose token lies in a Secret of the input that a rule lets read.
fn tokens_read<'a>(
    graph: &Graph<'a>,
    held: &Held<'a>,
    rule: &Rule<'a>,
    each: &mut dyn FnMut(Bearer<'a>),
) {
    graph.note_all(|| match held.reach {
        Reach::Cluster => Key::seen(Topic::TokenSecret, None, &[]),
        Reach::Namespace(namespace) => {
            vec![Key::of(Topic::TokenSecret, namespace.map_or(Place::Open, Place::In), &[])]
        }
    });
    let secrets = graph.token_secrets.iter().filter_map(|index| graph.objects.get(*index));
    for secret in secrets {
        let within = [Reach::Cluster, Reach::Namespace(secret.namespace())].contains(&held.reach);
        let named = !rule.names_its_objects() || rule.has("resourceNames", &[secret.name()]);
        if let (true, Some(name)) = (within && named, account_of(secret)) {
            each(Bearer::ServiceAccount(secret.namespace(), name));
        }
    }
}

/// The account whose token a Secret holds.
pub(super) fn account_of<'a>(secret: &Object<'a>) -> Option<&'a str> {
    text(secret.annotations()?, "kubernetes.io/service-account.name")
}

/// The indices of the Secrets that hold tokens of service accounts.
pub(in crate::graph) fn token_secrets(graph: &Graph<'_>) -> Vec<usize> {
    let secrets = graph.indices("", "Secret").iter().copied();
    secrets.filter(|index| graph.objects.get(*index).is_some_and(is_token)).collect()
}

/// Whether a Secret holds the token of a service account.
pub(in crate::graph) fn is_token(secret: &Object<'_>) -> bool {
    let kind = secret.fields().get("type").and_then(|it| it.as_str());
    kind == Some("kubernetes.io/service-account-token")
}
