//! Checks on operators that come as bundles of the Operator Lifecycle Manager. The rights that a bundle asks
//! for become roles, and are judged as roles.

use airside_k8s::Value;
use airside_k8s::fields::{maps, text};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const BUNDLE: &[(&str, &str)] = &[("operators.coreos.com", "ClusterServiceVersion")];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
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
