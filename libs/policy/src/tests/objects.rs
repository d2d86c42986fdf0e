//! Policies over the objects of a scan.

use airside_k8s::{Completeness, Graph, Object};
use insta::assert_snapshot;

use super::{documents, policy, policy_for, set};

/// Failures and what was not evaluated, a line each.
fn judged(policies: &str, objects: &str) -> String {
    let set = set(policies);
    assert_eq!(set.problems, []);
    let documents = documents(objects);
    let objects: Vec<_> = documents.iter().map(|it| Object::new(&it.value).unwrap()).collect();
    let judged = set.judge(&Graph::new(&objects, Completeness::WholeInput));
    let mut lines: Vec<_> = judged
        .failures
        .iter()
        .map(|it| {
            format!("{} {} {} at {}: {}", it.object, it.severity, it.name, it.field, it.message)
        })
        .collect();
    lines.extend(
        judged.not_evaluated.iter().map(|(name, reason)| format!("not evaluated {name}: {reason}")),
    );
    lines.join("\n")
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 7
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}], hostNetwork: true}
";

#[test]
fn workloads_are_judged_by_policies_about_pods() {
    let pods = policy_for(
        "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}",
        "  validations:
  - {expression: '!has(object.spec.hostNetwork) || !object.spec.hostNetwork', message: no host network}
  - {expression: \"'owner' in object.metadata.labels\", message: nobody owns it}
  - {expression: \"request.namespace == 'default' && object.metadata.generateName == 'web-'\"}",
    );
    assert_snapshot!(judged(&pods, DEPLOYMENT), @r#"
    0 high p/1 at spec.template.spec.hostNetwork: p: no host network
    0 high p/2 at spec.template.metadata.labels: p: nobody owns it
    "#);
}

#[test]
fn the_severity_follows_from_the_action_or_an_annotation() {
    let text = policy("  validations: [{expression: object.spec.replicas < 5, message: too many}]");
    let deployments = text.replace("resources: ['*']", "resources: [deployments]");
    assert_snapshot!(judged(&deployments, DEPLOYMENT), @"0 high p/1 at spec.replicas: p: too many");
    assert_snapshot!(judged(&deployments.replace("[Deny]", "[Warn, Audit]"), DEPLOYMENT), @"0 medium p/1 at spec.replicas: p: too many");
    let annotated = deployments
        .replace("{name: p}", "{name: p, annotations: {airside.dev/severity: critical}}");
    assert_snapshot!(judged(&annotated, DEPLOYMENT), @"0 critical p/1 at spec.replicas: p: too many");
}

#[test]
fn what_is_open_is_told_once() {
    let text = policy("  validations: [{expression: \"request.userInfo.username == 'x'\"}]");
    assert_snapshot!(judged(&text, &[DEPLOYMENT, "---\n", DEPLOYMENT].concat()), @"not evaluated p: it asks who makes the request (request.userInfo), which is not known here");
    let alone = text.split("---").next().unwrap_or_default();
    assert_snapshot!(judged(alone, DEPLOYMENT), @"not evaluated p: no binding names it: it has no effect");
}

#[test]
fn namespaces_and_definitions_among_the_objects_count() {
    let text = policy_for(
        "{apiGroups: [x.test], apiVersions: [v1], operations: [CREATE], resources: [oxen]}",
        "  validations: [{expression: \"namespaceObject.metadata.labels.env == 'prod'\", message: only in production}]",
    );
    let objects = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: oxen.x.test}
spec: {group: x.test, scope: Namespaced, names: {kind: Ox, plural: oxen}}
---
apiVersion: v1
kind: Namespace
metadata: {name: farm, labels: {env: test}}
---
apiVersion: x.test/v1
kind: Ox
metadata: {name: one, namespace: farm}
";
    assert_snapshot!(judged(&text, objects), @"2 high p/1 at : p: only in production");
}
