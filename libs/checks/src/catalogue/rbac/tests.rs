//! What rights, holders and chains are found in small inputs.

use airside_k8s::{Completeness, Document, Limits, yaml};

use crate::evaluate::{Evaluation, evaluate};

fn run(text: &str, completeness: Completeness) -> Evaluation {
    let parsed = yaml::parse(text, &Limits::default());
    assert_eq!(parsed.errors, [], "{text}");
    let contents: Vec<_> = parsed.documents.iter().map(Document::contents).collect();
    let objects: Vec<_> =
        contents.iter().flat_map(|contents| &contents.objects).map(|o| o.object).collect();
    evaluate(&objects, completeness)
}

/// The messages of a check.
fn messages(text: &str, check: &str) -> Vec<String> {
    let failures = run(text, Completeness::WholeInput).failures;
    let of_check = failures.into_iter().filter(|failure| failure.check.id == check);
    of_check.map(|failure| failure.message).collect()
}

fn fails(text: &str, check: &str) -> bool {
    !messages(text, check).is_empty()
}

fn object(kind: &str, metadata: &str, rest: &str) -> String {
    let version = match kind {
        "Pod" | "ServiceAccount" => "v1",
        _ => "rbac.authorization.k8s.io/v1",
    };
    format!("---\napiVersion: {version}\nkind: {kind}\nmetadata: {{{metadata}}}\n{rest}\n")
}

fn role(rules: &str) -> String {
    object("ClusterRole", "name: r", &format!("rules: {rules}"))
}

fn bound(role_name: &str, subject: &str) -> String {
    let rest = format!("roleRef: {{kind: ClusterRole, name: {role_name}}}\nsubjects: [{subject}]");
    object("ClusterRoleBinding", "name: b", &rest)
}

const WEB: &str = "{kind: ServiceAccount, name: web, namespace: shop}";
const SECRETS: &str = "[{apiGroups: [''], resources: [secrets], verbs: [get]}]";

fn pod(namespace: &str, spec: &str) -> String {
    let metadata = format!("name: p, {namespace}");
    object("Pod", &metadata, &format!("spec: {{{spec}, containers: [{{name: c}}]}}"))
}

#[test]
fn a_right_is_given_by_verbs_groups_and_resources_together() {
    for (rule, check, given) in [
        ("apiGroups: [''], resources: [pods], verbs: [create]", "create-pods", true),
        ("apiGroups: ['*'], resources: [pods], verbs: ['*']", "create-pods", true),
        ("apiGroups: [apps], resources: [pods], verbs: [create]", "create-pods", false),
        ("apiGroups: [''], resources: [pods], verbs: [get]", "create-pods", false),
        // A request to create names no object, so that one that is named gives nothing.
        (
            "apiGroups: [''], resources: [pods], resourceNames: [a], verbs: [create]",
            "create-pods",
            false,
        ),
        (
            "apiGroups: [''], resources: [pods], resourceNames: [a], verbs: [patch]",
            "change-pods",
            false,
        ),
        // The object of a subresource is named in the request.
        (
            "apiGroups: [''], resources: [serviceaccounts/token], resourceNames: [a], verbs: [create]",
            "create-service-account-tokens",
            false,
        ),
        (
            "apiGroups: [''], resources: ['*/token'], verbs: [create]",
            "create-service-account-tokens",
            true,
        ),
        (
            "apiGroups: [apps], resources: [deployments/scale], verbs: [patch]",
            "change-workloads",
            false,
        ),
        ("apiGroups: [''], resources: [users], verbs: [impersonate]", "verb-without-effect", false),
        ("apiGroups: [''], resources: [pods], verbs: [impersonate]", "verb-without-effect", true),
        (
            "apiGroups: [shop.example], resources: [carts], verbs: [bind]",
            "verb-without-effect",
            false,
        ),
    ] {
        assert_eq!(fails(&role(&format!("[{{{rule}}}]")), check), given, "{rule} {check}");
    }
}

#[test]
fn bind_counts_with_a_star_or_the_administrator_as_name_and_not_with_others() {
    let granting = |names: &str| {
        role(&format!(
            "[{{apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings], verbs: [create]}},\
             {{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], resourceNames: {names}, verbs: [bind]}}]"
        ))
    };
    for (names, given) in
        [("[]", true), ("['*']", true), ("[cluster-admin]", true), ("[view]", false)]
    {
        assert_eq!(fails(&granting(names), "grant-itself-any-role"), given, "{names}");
    }
}

#[test]
fn a_pod_has_what_its_account_is_given_and_the_chain_is_told() {
    let text =
        pod("namespace: shop", "serviceAccountName: web") + &role(SECRETS) + &bound("r", WEB);
    assert_eq!(
        messages(&text, "workload-reads-secrets"),
        ["the pod runs as service account `web`, which can read secrets in the whole cluster: \
          ClusterRoleBinding `b` gives ClusterRole `r`, rule 0"]
    );
    assert_eq!(
        messages(&text, "service-account-reads-secrets"),
        ["service account `web` can read secrets: rule 0 of ClusterRole `r`"]
    );
}

#[test]
fn an_aggregated_rule_counts_for_the_role_that_takes_it_over() {
    let whole = object(
        "ClusterRole",
        "name: whole",
        "aggregationRule: {clusterRoleSelectors: [{matchLabels: {part: shop}}]}",
    );
    let part =
        object("ClusterRole", "name: part, labels: {part: shop}", &format!("rules: {SECRETS}"));
    let text =
        pod("namespace: shop", "serviceAccountName: web") + &whole + &part + &bound("whole", WEB);
    assert_eq!(
        messages(&text, "workload-reads-secrets"),
        ["the pod runs as service account `web`, which can read secrets in the whole cluster: \
          ClusterRoleBinding `b` gives ClusterRole `whole`, which takes over rule 0 of `part`"]
    );
    assert!(!fails(&text, "role-without-binding"), "the part is used");
}

#[test]
fn a_pod_without_a_token_has_no_rights() {
    let rights = role(SECRETS) + &bound("r", WEB);
    let account = |off: &str| object("ServiceAccount", "name: web, namespace: shop", off);
    let off = "automountServiceAccountToken: false";
    let projected = "automountServiceAccountToken: false, volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t}}]}}]";
    for (spec, account, given) in [
        ("", account(""), true),
        ("", account(off), false),
        (", automountServiceAccountToken: true", account(off), true),
        (", automountServiceAccountToken: false", account(""), false),
        (&format!(", {projected}"), account(""), true),
    ] {
        let pod = pod("namespace: shop", &format!("serviceAccountName: web{spec}"));
        assert_eq!(fails(&(pod + &account + &rights), "workload-reads-secrets"), given, "{spec}");
    }
}

#[test]
fn the_default_account_of_another_namespace_is_another_account() {
    let default = "{kind: ServiceAccount, name: default, namespace: shop}";
    let everybody = "{kind: Group, name: 'system:serviceaccounts'}";
    for (namespace, subject, given) in [
        ("namespace: shop", default, true),
        ("namespace: bank", default, false),
        ("labels: {}", default, false),
        ("labels: {}", everybody, true),
    ] {
        let text = pod(namespace, "restartPolicy: Always") + &bound("cluster-admin", subject);
        assert_eq!(fails(&text, "workload-is-administrator"), given, "{namespace} {subject}");
    }
}

#[test]
fn what_is_normally_elsewhere_is_not_called_missing() {
    for (binding, check, missing) in [
        (bound("view", WEB), "binding-without-role", false),
        (bound("system:auth-delegator", WEB), "binding-without-role", false),
        (bound("shop-view", WEB), "binding-without-role", true),
        // Nothing else of the input is in the namespace.
        (bound("view", WEB), "binding-without-service-account", false),
        (
            bound("view", WEB) + &pod("namespace: shop", "restartPolicy: Always"),
            "binding-without-service-account",
            true,
        ),
        (
            bound("view", "{kind: ServiceAccount, name: default, namespace: shop}")
                + &pod("namespace: shop", "restartPolicy: Always"),
            "binding-without-service-account",
            false,
        ),
    ] {
        assert_eq!(fails(&binding, check), missing, "{check} {binding}");
    }
}

#[test]
fn one_object_alone_leaves_joins_open() {
    let undecided = |text: &str| -> Vec<&'static str> {
        let evaluation = run(text, Completeness::SingleObject);
        evaluation.not_evaluated.iter().map(|open| open.check.id).collect()
    };
    let binding = undecided(&bound("r", WEB));
    for check in
        ["binding-without-role", "binding-without-service-account", "service-account-reads-secrets"]
    {
        assert!(binding.contains(&check), "{check}: {binding:?}");
    }
    assert_eq!(undecided(&role(SECRETS)), ["role-without-binding"]);
    let off = pod("namespace: shop", "automountServiceAccountToken: false");
    assert!(!undecided(&off).contains(&"workload-reads-secrets"), "without a token it is decided");
}
