//! Checks on operators that come as bundles of the Operator Lifecycle Manager.

use airside_k8s::Value;
use airside_k8s::fields::{down, elements, maps, text};
use airside_k8s::rbac::Rule;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const BUNDLE: &[(&str, &str)] = &[("operators.coreos.com", "ClusterServiceVersion")];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "bundle-with-all-rights",
        title: "Operator bundle asks for all rights in the cluster",
        why: "Whoever installs it hands the cluster to its author, and to whoever takes the operator over.",
        fix: "List in clusterPermissions the groups, resources and verbs that the operator uses.",
        severity: Severity::High,
        category: Category::Operators,
        techniques: &[technique("T1098.006"), technique("T1195.002")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(BUNDLE, all_rights),
        fails: r"apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
metadata: {name: shop.v1}
spec:
  install:
    spec:
      clusterPermissions:
      - serviceAccountName: op
        rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]
",
        passes: r"apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
metadata: {name: shop.v1}
spec:
  install:
    spec:
      clusterPermissions:
      - serviceAccountName: op
        rules: [{apiGroups: [example.com], resources: [shops], verbs: ['*']}]
",
    },
    Check {
        id: "bundle-reads-all-secrets",
        title: "Operator bundle asks for the secrets of every namespace",
        why: "Its token is then worth every credential of the cluster.",
        fix: "Move the rule to permissions (of its own namespace), or name the secrets in resourceNames.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1552.007")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(BUNDLE, all_secrets),
        fails: r"apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
metadata: {name: shop.v1}
spec:
  install:
    spec:
      clusterPermissions:
      - serviceAccountName: op
        rules: [{apiGroups: [''], resources: [secrets], verbs: [get, list, watch]}]
",
        passes: r"apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
metadata: {name: shop.v1}
spec:
  install:
    spec:
      permissions:
      - serviceAccountName: op
        rules: [{apiGroups: [''], resources: [secrets], verbs: [get, list, watch]}]
",
    },
    Check {
        id: "bundle-for-all-namespaces-only",
        title: "Operator bundle cannot be limited to some namespaces",
        why: "It can only be installed for the whole cluster: its rights cannot be kept to the teams that use it.",
        fix: "Support the install modes OwnNamespace or SingleNamespace.",
        severity: Severity::Info,
        category: Category::Operators,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(BUNDLE, all_namespaces_only),
        fails: r"apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
metadata: {name: shop.v1}
spec:
  installModes:
  - {type: OwnNamespace, supported: false}
  - {type: AllNamespaces, supported: true}
",
        passes: r"apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
metadata: {name: shop.v1}
spec:
  installModes:
  - {type: OwnNamespace, supported: true}
  - {type: AllNamespaces, supported: true}
",
    },
    Check {
        id: "operator-updated-unseen",
        title: "Operator is updated without anybody's approval",
        why: "A new version, with new code and perhaps new rights, is installed as soon as its catalogue has it: a catalogue that is taken over reaches the cluster at once.",
        fix: "Set installPlanApproval to Manual, and approve install plans after a look at them.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1195.002")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("operators.coreos.com", "Subscription")], updated_unseen),
        fails: r"apiVersion: operators.coreos.com/v1alpha1
kind: Subscription
metadata: {name: shop}
spec: {installPlanApproval: Automatic}
",
        passes: r"apiVersion: operators.coreos.com/v1alpha1
kind: Subscription
metadata: {name: shop}
spec: {installPlanApproval: Manual}
",
    },
];

/// The rules that a bundle asks for in the whole cluster, with their paths.
fn cluster_rules<'a>(bundle: &Whole<'a>) -> Vec<(FieldPath, Rule<'a>)> {
    const PLACE: [&str; 4] = ["spec", "install", "spec", "clusterPermissions"];
    let path = FieldPath::of(&PLACE);
    let permissions = elements(down(bundle.object.value(), &PLACE)).iter().enumerate();
    let maps_of = |value: &'a Value| value.as_object();
    permissions
        .filter_map(|(index, permission)| Some((index, maps_of(permission)?)))
        .flat_map(|(index, permission)| {
            let path = path.index(index).key("rules");
            maps(permission, "rules").map(move |(place, fields)| {
                (path.index(place), Rule { index: place, fields, is_of_namespace: false })
            })
        })
        .collect()
}

fn all_rights(bundle: &Whole<'_>, report: &mut Report<'_>) {
    for (path, rule) in cluster_rules(bundle) {
        if rule.allows_everything() {
            report.fail(path, "the rule allows everything".to_owned());
        }
    }
}

fn all_secrets(bundle: &Whole<'_>, report: &mut Report<'_>) {
    for (path, rule) in cluster_rules(bundle) {
        let reads = rule.allows_verb(&["get", "list", "watch"]) && rule.reaches("", "secrets");
        if reads && !rule.names_its_objects() && !rule.allows_everything() {
            report.fail(path, format!("the rule allows {} on all secrets", rule.verbs()));
        }
    }
}

fn all_namespaces_only(bundle: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = bundle.spec_fields() else { return };
    let supported: Vec<&str> = maps(spec, "installModes")
        .filter(|(_, mode)| mode.get("supported") == Some(&Value::Bool(true)))
        .filter_map(|(_, mode)| text(mode, "type"))
        .collect();
    if supported == ["AllNamespaces"] {
        let message = "AllNamespaces is the only install mode".to_owned();
        report.fail(FieldPath::of(&["spec", "installModes"]), message);
    }
}

fn updated_unseen(subscription: &Whole<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "installPlanApproval";
    let Some(spec) = subscription.spec_fields() else { return };
    if text(spec, FIELD) != Some("Manual") {
        let given = text(spec, FIELD).unwrap_or("not set, which means Automatic");
        report.fail(FieldPath::of(&["spec", FIELD]), format!("{FIELD} is {given}"));
    }
}
