//! What is published of a cluster that changes is what a check of the whole cluster says, after every change.

mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_checks::{GrantUse, Passes, Terms};
use airside_k8s::{Value, json};
use airside_ports::ClusterChange;
use airside_terms::{Policies, TermsInForce};
use airside_types::{
    Cluster, Finding, FindingState, Id, ObjectRef, Severity, Tenant, Timestamp, UsedGrant,
};
use proptest::prelude::*;

use super::ToPublish;
use crate::testing::at;
use crate::watch::Picture;

/// A picture of a cluster, and what somebody knows who has read all that was published.
struct Scene {
    picture: Picture,
    settings: TermsInForce,
    used: Option<GrantUse>,
    open: BTreeMap<Id, Finding>,
    /// What was closed at last, by the path of its object.
    closed: Vec<(Arc<str>, FindingState)>,
}

impl Default for Scene {
    fn default() -> Self {
        let (picture, settings) = (Picture::default(), TermsInForce::built_in());
        Self { picture, settings, used: None, open: BTreeMap::new(), closed: Vec::new() }
    }
}

/// A policy that looks at another object than the one that it judges.
const POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: alike}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  validations:
  - {expression: "'team' in namespaceObject.metadata.?labels.orValue({})", message: whose is it}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: alike}
spec: {policyName: alike, validationActions: [Deny]}
"#;

/// A cluster that people's own policies judge as well.
fn with_policies() -> Scene {
    let policies = Policies::of_files([("policy.yaml", POLICY.as_bytes())]);
    assert_eq!(policies.problems, [""; 0]);
    let settings = TermsInForce { policies: Some(policies.set), ..TermsInForce::built_in() };
    Scene { settings, ..Scene::default() }
}

fn terms<'a>(
    settings: &'a TermsInForce,
    tenant: &'a Tenant,
    cluster: &'a Cluster,
    today: Timestamp,
) -> Terms<'a> {
    Terms { passes: Passes::None, ..settings.on(tenant, cluster, Severity::High, today) }
}

impl Scene {
    /// Checks on a day, and publishes. Tells how many findings a difference was about.
    fn check(&mut self, today: Timestamp) -> usize {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let terms = terms(&self.settings, &tenant, &cluster, today);
        let terms = Terms { grant_use: self.used.as_ref(), ..terms };
        match self.picture.check(&terms) {
            ToPublish::Everything(publication) => {
                let findings = publication.report.findings.into_iter();
                self.open = findings.map(|it| (it.id(&tenant, &cluster), it)).collect();
                self.open.len()
            }
            ToPublish::Difference(revision) => {
                let count = revision.open.len() + revision.closed.len();
                let was_open = |(id, state): (Id, FindingState)| {
                    (self.open.remove(&id).expect("what is closed was open").place.path, state)
                };
                self.closed = revision.closed.into_iter().map(was_open).collect();
                let findings = revision.open.into_iter();
                self.open.extend(findings.map(|it| (it.id(&tenant, &cluster), it)));
                count
            }
        }
    }

    /// What a check of the whole cluster says.
    fn full(&self, today: Timestamp) -> BTreeMap<Id, Finding> {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let terms = terms(&self.settings, &tenant, &cluster, today);
        let terms = Terms { grant_use: self.used.as_ref(), ..terms };
        let findings = self.picture.objects.scan(&terms).report.findings.into_iter();
        findings.map(|it| (it.id(&tenant, &cluster), it)).collect()
    }

    /// The objects that have an open finding of a check, with their owner.
    fn of_check(&self, check: &str) -> Vec<(&str, Option<&str>)> {
        let findings = self.open.values().filter(|it| it.check == check);
        let mut found: Vec<_> =
            findings.map(|it| (it.object.name.as_str(), it.owner.as_deref())).collect();
        found.sort_unstable();
        found
    }
}

fn difference(known: &BTreeMap<Id, Finding>, full: &BTreeMap<Id, Finding>) -> String {
    let mut text = String::new();
    for (side, of, other) in [("not published", full, known), ("still open", known, full)] {
        for (id, it) in of.iter().filter(|(id, it)| other.get(id) != Some(it)) {
            let known = other.get(id).map(|it| format!("; there: {} {:?}", it.message, it.owner));
            let known = known.unwrap_or_default();
            let Finding { check, object, message, owner, .. } = it;
            text.push_str(&format!("{side}: {check} of {object}: {message} ({owner:?}){known}\n"));
        }
    }
    text
}

fn pod(name: &str, annotations: &Value) -> Value {
    let container = json!({
        "name": "main", "image": "registry.example.com/app:1", "securityContext": { "privileged": true },
    });
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": "shop", "annotations": annotations },
        "spec": { "containers": [container] },
    })
}

fn namespace(owner: &str) -> ClusterChange {
    ClusterChange::Changed(json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": { "name": "shop", "labels": { "team": owner } },
    }))
}

const CHECK: &str = "privileged-container";

/// What was used for forty days: `alive` at their end, and others.
fn used(others: &[&str]) -> GrantUse {
    let day = |day: i64| at(day * 86_400);
    let grant = |name: &&str| UsedGrant {
        binding: ObjectRef::named(RBAC, "ClusterRoleBinding", None, name),
        role: ObjectRef::named(RBAC, "ClusterRole", None, "edit"),
        subject_kind: "User".to_owned(),
        subject: "ada".to_owned(),
        first: day(0),
        last: day(40),
    };
    let grants: Vec<_> = ["alive"].iter().chain(others).map(grant).collect();
    GrantUse::new(day(0), &grants, false)
}

const RBAC: &str = "rbac.authorization.k8s.io";

fn binding(name: &str, uid: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": { "name": name, "uid": uid, "creationTimestamp": "2020-01-01T00:00:00Z" },
        "roleRef": { "apiGroup": RBAC, "kind": "ClusterRole", "name": "edit" },
        "subjects": [{ "kind": "User", "name": "ada", "apiGroup": RBAC }],
    })
}

/// Checks by what is known of use, and tells which bindings have an open finding, and what the difference was about.
fn unused(scene: &mut Scene, known: Option<GrantUse>) -> (Vec<String>, usize) {
    scene.used = known;
    let different = scene.check(at(0));
    let found = scene.of_check("unused-binding").into_iter();
    (found.map(|(name, _)| name.to_owned()).collect(), different)
}

#[test]
fn what_is_learnt_of_use_opens_and_fixes_findings_of_bindings_that_stay_as_they_are() {
    for mut scene in [Scene::default(), with_policies()] {
        for name in ["alive", "left"] {
            scene.picture.apply(ClusterChange::Changed(binding(name, name)));
        }
        for (known, expected) in
            [(None, &[][..]), (Some(used(&[])), &["left"][..]), (Some(used(&["left"])), &[][..])]
        {
            assert_eq!(unused(&mut scene, known).0, expected);
            assert_eq!(difference(&scene.open, &scene.full(at(0))), "");
        }
    }
}

#[test]
fn what_nobody_knows_any_more_leaves_findings_of_bindings_as_they_were() {
    for mut scene in [Scene::default(), with_policies()] {
        for name in ["alive", "left", "old"] {
            scene.picture.apply(ClusterChange::Changed(binding(name, name)));
        }
        assert_eq!(unused(&mut scene, Some(used(&[]))).0, ["left", "old"]);
        // No word, and the word of somebody who has looked for too short a time.
        let of_late = GrantUse::new(at(0), &[], false);
        for unknown in [None, Some(of_late)] {
            assert_eq!(unused(&mut scene, unknown), (vec!["left".into(), "old".into()], 0));
        }
        scene.picture.apply(ClusterChange::Removed(binding("old", "old")));
        assert_eq!(unused(&mut scene, None).0, ["left"]);
        assert!(scene.closed.iter().all(|(_, state)| *state == FindingState::Gone));
        scene.picture.apply(ClusterChange::Changed(binding("left", "another")));
        assert_eq!(unused(&mut scene, None).0, [""; 0], "one of its name that was made anew");
    }
}

#[test]
fn what_was_open_before_the_start_stays_until_somebody_knows() {
    for scene in [Scene::default as fn() -> Scene, with_policies] {
        let mut before = scene();
        before.picture.apply(ClusterChange::Changed(binding("left", "left")));
        before.picture.apply(ClusterChange::Changed(binding("gone", "gone")));
        assert_eq!(unused(&mut before, Some(used(&[]))).0, ["gone", "left"]);
        let mut after = scene();
        after.picture.apply(ClusterChange::Changed(binding("left", "left")));
        let open = before.open.into_values().filter(|it| it.check == "unused-binding");
        after.picture.unused = open.collect();
        assert_eq!(unused(&mut after, None).0, ["left"]);
        assert_eq!(unused(&mut after, Some(used(&[]))), (vec!["left".to_owned()], 0));
        assert_eq!(unused(&mut after, Some(used(&["left"]))).0, [""; 0]);
        let states: Vec<_> = after.closed.iter().map(|(_, state)| *state).collect();
        assert_eq!(states, [FindingState::Fixed]);
    }
}

#[test]
fn an_exception_that_expires_opens_its_finding_with_the_next_change() {
    let mut scene = Scene::default();
    let day = at(86_400).to_string();
    let day = day.split('T').next().unwrap();
    let until = format!("{CHECK} until={day}: loads the driver");
    let pods = [pod("a", &json!({ "airside.dev/ignore": until })), pod("b", &json!({}))];
    pods.into_iter().for_each(|pod| _ = scene.picture.apply(ClusterChange::Changed(pod)));
    scene.check(at(0));
    assert_eq!(scene.of_check(CHECK), [("b", None)]);
    scene.picture.apply(namespace("core"));
    scene.check(at(2 * 86_400));
    assert_eq!(scene.of_check(CHECK), [("a", Some("core")), ("b", Some("core"))]);
}

#[test]
fn another_owner_of_a_namespace_is_told_with_the_findings_in_it() {
    let mut scene = Scene::default();
    scene.picture.apply(namespace("core"));
    scene.picture.apply(ClusterChange::Changed(pod("a", &json!({}))));
    scene.picture.apply(ClusterChange::Changed(pod("b", &json!({ "owner": "own" }))));
    scene.check(at(0));
    assert_eq!(scene.of_check(CHECK), [("a", Some("core")), ("b", Some("own"))]);
    scene.picture.apply(namespace("web"));
    scene.check(at(0));
    assert_eq!(scene.of_check(CHECK), [("a", Some("web")), ("b", Some("own"))]);
    assert_eq!(scene.open, scene.full(at(0)));
}

#[test]
fn a_policy_that_looks_at_the_namespace_is_asked_again_when_only_that_changes() {
    let mut scene = with_policies();
    let nameless =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } });
    scene.picture.apply(ClusterChange::Changed(nameless));
    scene.picture.apply(ClusterChange::Changed(pod("a", &json!({}))));
    scene.check(at(0));
    assert_eq!(scene.of_check("policy/alike/1"), [("a", None)]);
    scene.picture.apply(namespace("core"));
    scene.check(at(0));
    assert_eq!(scene.of_check("policy/alike/1"), []);
    assert_eq!(scene.open, scene.full(at(0)));
}

#[test]
fn what_does_not_change_is_not_published_again() {
    let mut scene = Scene::default();
    scene.picture.apply(ClusterChange::Changed(pod("a", &json!({}))));
    scene.check(at(0));
    assert!(!scene.picture.apply(ClusterChange::Changed(pod("a", &json!({})))));
    assert!(scene.picture.apply(ClusterChange::Changed(pod("a", &json!({ "note": "other" })))));
    assert_eq!(scene.check(at(0)), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_was_published_is_what_a_check_of_the_whole_cluster_says(
        batches in prop::collection::vec(
            (prop::collection::vec(world::any_change(), 1..4), 0..40_i64), 1..24,
        ),
        has_policies in any::<bool>(),
    ) {
        let mut scene = if has_policies { with_policies() } else { Scene::default() };
        let mut today = 0;
        for (changes, hours) in batches {
            today += hours * 3_600;
            changes.into_iter().for_each(|change| _ = scene.picture.apply(change));
            scene.check(at(today));
            let full = scene.full(at(today));
            let difference = difference(&scene.open, &full);
            prop_assert!(difference.is_empty(), "{}", difference);
            let objects = &scene.picture.objects;
            for (path, state) in &scene.closed {
                let is_gone = objects.get(path).is_none();
                prop_assert_eq!(is_gone, *state == FindingState::Gone, "{}", path);
            }
        }
    }
}
