//! Which bindings are accused of being needed by nobody, and which never are.

use airside_k8s::{Limits, yaml};
use airside_types::{Cluster, Severity, Tenant};

use super::*;
use crate::{InputFile, Terms, check_in};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// A cluster whose log is looked at from January 1st to the last of these uses.
fn known(uses: &[(&str, &str)]) -> GrantUse {
    let grants: Vec<_> = uses
        .iter()
        .map(|(name, last)| UsedGrant {
            binding: ObjectRef::named(GROUP, "ClusterRoleBinding", None, name),
            role: ObjectRef::named(GROUP, "ClusterRole", None, "edit"),
            subject_kind: "User".to_owned(),
            subject: "ada".to_owned(),
            first: at("2026-01-01T00:00:00Z"),
            last: at(last),
        })
        .collect();
    GrantUse::new(at("2026-01-01T00:00:00Z"), &grants, false)
}

/// What is said of a ClusterRoleBinding with this metadata and subject.
fn said(known: &GrantUse, metadata: &str, subject: &str) -> String {
    let text = format!(
        "apiVersion: {GROUP}/v1\nkind: ClusterRoleBinding\nmetadata: {{{metadata}}}\n\
         roleRef: {{apiGroup: {GROUP}, kind: ClusterRole, name: edit}}\nsubjects: [{{{subject}}}]\n"
    );
    let parsed = yaml::parse(&text, &Limits::default());
    let contents = parsed.documents.first().unwrap().contents();
    match known.of(&contents.objects.first().unwrap().object) {
        Use::NotGranted => "not granted by people".to_owned(),
        Use::Needed => "needed".to_owned(),
        Use::Idle(message) => message,
        Use::Unknown(reason) => format!("unknown: {reason}"),
    }
}

const CI: &str = "kind: ServiceAccount, name: ci, namespace: ci";
const OLD: &str = "creationTimestamp: 2025-05-01T00:00:00Z";

#[test]
fn a_binding_is_accused_when_no_request_needed_it_for_a_month() {
    let known = known(&[
        ("alive", "2026-03-01T00:00:00Z"),
        ("left", "2026-01-15T00:00:00Z"),
        ("of-late", "2026-02-20T00:00:00Z"),
    ]);
    let said = |name: &str, age: &str| said(&known, &format!("name: {name}, {age}"), CI);
    assert_eq!(
        said("never", OLD),
        "binding `never` grants ClusterRole `edit`, and no request needed it since 2026-01-01, when the audit log was first looked at"
    );
    assert_eq!(
        said("left", OLD),
        "binding `left` grants ClusterRole `edit`, and no request needed it since 2026-01-15, its last use"
    );
    assert_eq!(said("alive", OLD), "needed");
    assert_eq!(said("of-late", OLD), "needed");
    assert_eq!(said("new", "creationTimestamp: 2026-02-10T00:00:00Z"), "needed");
    // It was deleted and made again after it was used.
    assert!(
        said("left", "creationTimestamp: 2026-01-20T00:00:00Z")
            .contains("since 2026-01-20, when it was granted")
    );
}

#[test]
fn what_is_said_stays_the_same_from_day_to_day_while_nothing_is_used() {
    let on = |day: &str| known(&[("alive", day), ("left", "2026-01-15T00:00:00Z")]);
    let (then, later) = (on("2026-03-01T00:00:00Z"), on("2026-04-17T08:00:00Z"));
    let recent = "creationTimestamp: 2026-01-20T00:00:00Z";
    for (name, age) in [("never", OLD), ("left", OLD), ("left", recent)] {
        let metadata = format!("name: {name}, {age}");
        assert_eq!(said(&then, &metadata, CI), said(&later, &metadata, CI));
    }
}

#[test]
fn where_it_does_not_follow_from_what_is_judged_the_cluster_is_named() {
    let known = known(&[("alive", "2026-03-01T00:00:00Z")]);
    let known = known.of_cluster(Cluster::new("prod").unwrap());
    let said = said(&known, &format!("name: never, {OLD}"), CI);
    assert!(said.contains("no request in cluster `prod` needed it since 2026-01-01"), "{said}");
}

#[test]
fn nobody_is_accused_of_what_is_not_known() {
    let a_month = known(&[("alive", "2026-01-31T00:00:00Z")]);
    assert!(
        said(&a_month, &format!("name: never, {OLD}"), CI)
            .contains("no request needed it since 2026-01-01")
    );
    let less = known(&[("alive", "2026-01-30T23:00:00Z")]);
    let too_short = "unknown: use of bindings was looked at for less than 30 days";
    assert_eq!(said(&less, &format!("name: never, {OLD}"), CI), too_short);
    let silent = known(&[]);
    assert_eq!(said(&silent, &format!("name: never, {OLD}"), CI), too_short);
    let incomplete = GrantUse { incomplete: true, ..a_month.clone() };
    let forgotten = said(&incomplete, &format!("name: never, {OLD}"), CI);
    assert_eq!(forgotten, format!("unknown: {INCOMPLETE}"));
    // A manifest does not say since when it is in force; the cluster's own bindings do.
    assert_eq!(said(&a_month, "name: never", CI), format!("unknown: {UNKNOWN_AGE}"));
    let mut listed = a_month;
    let never = ObjectRef::named(GROUP, "ClusterRoleBinding", None, "never");
    listed.note_granted(&never, at("2025-05-01T00:00:00Z"));
    assert!(said(&listed, "name: never", CI).contains("no request needed it since 2026-01-01"));
}

#[test]
fn what_kubernetes_grants_itself_is_not_accused() {
    let known = known(&[("alive", "2026-03-01T00:00:00Z")]);
    for (name, subject, is_own) in [
        ("system:monitoring", CI, true),
        ("kubeadm:get-nodes", CI, true),
        ("cluster-admin", "kind: Group, name: 'system:masters'", true),
        ("nodes", "kind: Group, name: 'system:nodes'", true),
        ("scheduler", "kind: User, name: 'system:kube-scheduler'", true),
        ("gc", "kind: ServiceAccount, name: job-controller, namespace: kube-system", true),
        ("app", "kind: ServiceAccount, name: job-controller, namespace: shop", false),
        ("dashboard", "kind: ServiceAccount, name: dashboard, namespace: kube-system", false),
        ("all", "kind: Group, name: 'system:authenticated'", false),
        ("accounts", "kind: Group, name: 'system:serviceaccounts:shop'", false),
        ("ada", "kind: User, name: ada", false),
        ("anybody", "kind: User, name: 'system:anonymous'", false),
    ] {
        let said = said(&known, &format!("name: '{name}', {OLD}"), subject);
        assert_eq!(said == "not granted by people", is_own, "{name}: {said}");
    }
    let label = format!("name: x, {OLD}, labels: {{kubernetes.io/bootstrapping: rbac-defaults}}");
    assert_eq!(said(&known, &label, CI), "not granted by people");
}

#[test]
fn the_examples_of_the_check_are_what_it_says() {
    let known = known(&[("deployer", "2026-03-01T00:00:00Z")]);
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let found = |text: &str, grant_use: Option<&GrantUse>| {
        let parsed = yaml::parse(text, &Limits::default());
        let file = InputFile { path: "rbac.yaml", documents: &parsed.documents, comments: &[] };
        let terms = Terms { grant_use, ..Terms::new(&tenant, &cluster, Severity::High) };
        let said = check_in(&[file], &terms);
        let own = said.findings.iter().filter(|it| it.check == UNUSED_BINDING.id);
        (own.count(), said.applied.contains(UNUSED_BINDING.id))
    };
    assert_eq!(found(UNUSED_BINDING.fails, Some(&known)), (1, true));
    assert_eq!(found(UNUSED_BINDING.passes, Some(&known)), (0, true));
    assert_eq!(found(UNUSED_BINDING.fails, None), (0, false));
}
