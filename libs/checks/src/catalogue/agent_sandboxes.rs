//! Checks on templates for sandboxes of AI agents: whom the code in them can reach.

use airside_k8s::Value;
use airside_k8s::fields::{down, elements};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[Check {
    id: "agent-sandbox-egress-open",
    title: "Sandbox of an AI agent may connect to everywhere",
    why: "A sandbox runs code that nobody has read. Without a policy of its own it reaches the whole internet: data leaves, and instructions come in.",
    fix: "Set networkPolicy with egress rules that name whom the sandbox needs, and leave networkPolicyManagement at Managed.",
    severity: Severity::Medium,
    category: Category::Network,
    techniques: &[technique("T1048")],
    controls: &[],
    equivalents: &["kubescape:C-0301", "kubescape:agent-sandbox-egress-policy"],
    judge: Judge::Object(&[("extensions.agents.x-k8s.io", "SandboxTemplate")], egress_open),
    fails: r"apiVersion: extensions.agents.x-k8s.io/v1alpha1
kind: SandboxTemplate
metadata: {name: python}
spec:
  podTemplate: {spec: {runtimeClassName: gvisor}}
",
    passes: r"apiVersion: extensions.agents.x-k8s.io/v1alpha1
kind: SandboxTemplate
metadata: {name: python}
spec:
  podTemplate: {spec: {runtimeClassName: gvisor}}
  networkPolicy:
    egress:
    - to: [{podSelector: {matchLabels: {app: proxy}}}]
",
}];

/// The controller keeps a policy for each template unless told not to; its own lets out to the internet.
fn egress_open(template: &Whole<'_>, report: &mut Report<'_>) {
    const MANAGEMENT: &str = "networkPolicyManagement";
    const POLICY: &str = "networkPolicy";
    let path = |name: &str| FieldPath::of(&["spec", name]);
    let management = template.spec(MANAGEMENT).and_then(Value::as_str).unwrap_or("Managed");
    if management != "Managed" {
        return report.fail(path(MANAGEMENT), format!("{MANAGEMENT} is {management}"));
    }
    let Some(policy) = template.spec(POLICY) else {
        return report.fail(path(POLICY), format!("{POLICY} is not set"));
    };
    let rules = elements(policy.get("egress"));
    let open = rules.iter().position(|rule| {
        let peers = elements(rule.get("to"));
        peers.is_empty() || peers.iter().any(is_everybody)
    });
    if let Some(index) = open {
        let path = path(POLICY).key("egress").index(index).key("to");
        report.fail(path, format!("egress rule {index} lets out to everywhere"));
    }
}

/// A peer that names no part of the cluster or of the internet.
fn is_everybody(peer: &Value) -> bool {
    let selects = |name| {
        let selector = down(peer, &[name]).and_then(Value::as_object);
        selector.is_some_and(|selector| {
            selector.values().any(|value| match value {
                Value::Object(labels) => !labels.is_empty(),
                Value::Array(expressions) => !expressions.is_empty(),
                _ => false,
            })
        })
    };
    let block = down(peer, &["ipBlock", "cidr"]).and_then(Value::as_str).unwrap_or_default();
    let is_narrow_block = !matches!(block, "" | "0.0.0.0/0" | "::/0");
    !(is_narrow_block || selects("podSelector") || selects("namespaceSelector"))
}
