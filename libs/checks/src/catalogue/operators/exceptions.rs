//! Checks on the policies of policy engines: whether they refuse, and what they leave out.

use airside_k8s::fields::{elements, list, maps, text, texts};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const NATIVE: &str = "admissionregistration.k8s.io";

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "policy-exception-wide",
        title: "Exception takes whole kinds of objects out of a policy",
        why: "Whatever is of the kind passes, made by whoever: an exception that was meant for one workload becomes a way past the policy.",
        fix: "Name the objects and namespaces in match, and the rules in ruleNames.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &["kyverno:other/policy-for-exceptions:require-match-name"],
        judge: Judge::Object(&[("kyverno.io", "PolicyException")], exception_wide),
        fails: r"apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: agent}
spec:
  exceptions: [{policyName: no-host-path, ruleNames: [host-path]}]
  match: {any: [{resources: {kinds: [Pod]}}]}
",
        passes: r"apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: agent}
spec:
  exceptions: [{policyName: no-host-path, ruleNames: [host-path]}]
  match: {any: [{resources: {kinds: [Pod], namespaces: [agents], names: [agent-*]}}]}
",
    },
    Check {
        id: "policy-exception-from-all",
        title: "Exception takes objects out of every rule",
        why: "What matches is looked at by no rule of the policy, those that will be added later included.",
        fix: "Name the policy and the rules that do not fit.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("kyverno.io", "PolicyException")], exception_from_all),
        fails: r"apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: agent}
spec: {exceptions: [{policyName: no-host-path, ruleNames: ['*']}]}
",
        passes: r"apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: agent}
spec: {exceptions: [{policyName: no-host-path, ruleNames: [host-path]}]}
",
    },
    Check {
        id: "policy-does-not-refuse",
        title: "Policy reports and refuses nothing",
        why: "What breaks the policy is let in; that somebody reads the report is all that protects the cluster.",
        fix: "Once its findings are dealt with, let the policy enforce: Enforce (Kyverno), deny (Gatekeeper), Deny (Kubernetes).",
        severity: Severity::Info,
        category: Category::Operators,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Any(does_not_refuse),
        fails: r"apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sNoHostPath
metadata: {name: no-host-path}
spec: {enforcementAction: dryrun}
",
        passes: r"apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sNoHostPath
metadata: {name: no-host-path}
spec: {enforcementAction: deny}
",
    },
    Check {
        id: "gatekeeper-leaves-all-out",
        title: "Gatekeeper is told to leave every namespace out",
        why: "With `*` among the excluded namespaces no constraint is applied to anything.",
        fix: "List the namespaces of the platform that must stay out.",
        severity: Severity::High,
        category: Category::Operators,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("config.gatekeeper.sh", "Config")], gatekeeper_leaves_all_out),
        fails: r"apiVersion: config.gatekeeper.sh/v1alpha1
kind: Config
metadata: {name: config}
spec: {match: [{excludedNamespaces: ['*'], processes: ['*']}]}
",
        passes: r"apiVersion: config.gatekeeper.sh/v1alpha1
kind: Config
metadata: {name: config}
spec: {match: [{excludedNamespaces: [kube-system], processes: ['*']}]}
",
    },
    Check {
        id: "admission-policy-fails-open",
        title: "Admission policy lets through what it cannot evaluate",
        why: "With failurePolicy Ignore, an object that makes an expression fail, by a missing field for instance, is let in as it is.",
        fix: "Set failurePolicy to Fail, and let expressions test for fields that may be missing.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[(NATIVE, "ValidatingAdmissionPolicy"), (NATIVE, "MutatingAdmissionPolicy")],
            fails_open,
        ),
        fails: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-host-path}
spec: {failurePolicy: Ignore}
",
        passes: r"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-host-path}
spec: {failurePolicy: Fail}
",
    },
];

fn exception_wide(exception: &Whole<'_>, report: &mut Report<'_>) {
    let Some(matches) = exception.spec("match").and_then(Value::as_object) else { return };
    for how in ["any", "all"] {
        for (index, one) in maps(matches, how) {
            let resources = one.get("resources").and_then(Value::as_object);
            if resources.is_some_and(|resources| !is_narrow(resources)) {
                let path = FieldPath::of(&["spec", "match", how]).index(index).key("resources");
                report.fail(path, "whole kinds are excepted: no name limits them".to_owned());
            }
        }
    }
}

/// Whether something besides the kind limits what matches; a single `*` does not.
fn is_narrow(resources: &Map) -> bool {
    let lists = ["names", "annotations"].iter().any(|name| match resources.get(name) {
        Some(Value::Array(all)) => {
            !all.is_empty() && all.iter().all(|one| one.as_str() != Some("*"))
        }
        Some(Value::Object(map)) => !map.is_empty(),
        _ => false,
    });
    lists
        || text(resources, "name").is_some_and(|name| name != "*")
        || resources.get("selector").is_some_and(Value::is_object)
}

fn exception_from_all(exception: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = exception.spec_fields() else { return };
    for (index, one) in maps(spec, "exceptions") {
        let path = FieldPath::of(&["spec", "exceptions"]).index(index);
        let policy = text(one, "policyName").unwrap_or_default();
        if policy == "*" {
            report.fail(path.key("policyName"), "every policy is left out".to_owned());
        }
        if let Some((place, _)) = texts(one, "ruleNames").find(|(_, rule)| *rule == "*") {
            let message = format!("every rule of {policy} is left out");
            report.fail(path.key("ruleNames").index(place), message);
        }
    }
}

fn does_not_refuse(policy: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = policy.spec_fields() else { return };
    let kind = (policy.object.group(), policy.object.kind());
    match kind {
        ("constraints.gatekeeper.sh", _) => {
            if let Some(action @ ("dryrun" | "warn")) = text(spec, "enforcementAction") {
                let path = FieldPath::of(&["spec", "enforcementAction"]);
                report.fail(path, format!("enforcementAction is {action}"));
            }
        }
        ("kyverno.io", "ClusterPolicy" | "Policy") => kyverno_does_not_refuse(spec, report),
        (NATIVE, "ValidatingAdmissionPolicyBinding") => {
            let refuses = texts(spec, "validationActions").any(|(_, action)| action == "Deny");
            if !refuses && !list(spec, "validationActions").is_empty() {
                let path = FieldPath::of(&["spec", "validationActions"]);
                report.fail(path, "validationActions does not have Deny".to_owned());
            }
        }
        _ => {}
    }
}

/// The default of Kyverno is to report only; rules may say otherwise for themselves.
fn kyverno_does_not_refuse(spec: &Map, report: &mut Report<'_>) {
    const FIELD: &str = "validationFailureAction";
    let validates: Vec<&Value> = elements(spec.get("rules"))
        .iter()
        .filter_map(|rule| rule.get("validate").or_else(|| rule.get("verifyImages")))
        .collect();
    let enforces =
        |action: Option<&str>| action.is_some_and(|action| action.eq_ignore_ascii_case("enforce"));
    let by_rule =
        validates.iter().any(|rule| enforces(rule.get("failureAction").and_then(Value::as_str)));
    if !validates.is_empty() && !by_rule && !enforces(text(spec, FIELD)) {
        let given = text(spec, FIELD).unwrap_or("not set, which means Audit");
        report.fail(FieldPath::of(&["spec", FIELD]), format!("{FIELD} is {given}"));
    }
}

fn gatekeeper_leaves_all_out(config: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = config.spec_fields() else { return };
    for (index, one) in maps(spec, "match") {
        let decides =
            texts(one, "processes").any(|(_, process)| matches!(process, "*" | "webhook"));
        let all = texts(one, "excludedNamespaces").find(|(_, namespace)| *namespace == "*");
        if let Some((place, _)) = all.filter(|_| decides) {
            let path = FieldPath::of(&["spec", "match"]).index(index);
            let message = "`*` leaves every namespace out".to_owned();
            report.fail(path.key("excludedNamespaces").index(place), message);
        }
    }
}

fn fails_open(policy: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = policy.spec_fields() else { return };
    if text(spec, "failurePolicy") == Some("Ignore") {
        let message = "failurePolicy is Ignore".to_owned();
        report.fail(FieldPath::of(&["spec", "failurePolicy"]), message);
    }
}
