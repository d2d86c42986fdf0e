//! Checks on the files that the API server reads: authentication, authorisation and admission.

use airside_k8s::Value;
use airside_k8s::fields::{down, elements, field, maps, text};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "anonymous-requests-everywhere",
        title: "Authentication configuration lets anonymous requests in everywhere",
        why: "Without conditions system:anonymous may ask for any path; one careless binding to system:unauthenticated is then open to the network.",
        fix: "Set anonymous.enabled to false, or add conditions with the paths of health checks (/livez, /readyz, /healthz).",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1133")],
        controls: &["cis-v1.12.0:1.2.1"],
        equivalents: &[],
        judge: Judge::Object(AUTHENTICATION, anonymous),
        fails: r"apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
anonymous: {enabled: true}
",
        passes: r"apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
anonymous: {enabled: true, conditions: [{path: /livez}, {path: /readyz}]}
",
    },
    Check {
        id: "authorizer-allows-all",
        title: "Authorization configuration allows every request",
        why: "The authorizer AlwaysAllow asks nothing: whoever is authenticated is an administrator.",
        fix: "Remove the authorizer of type AlwaysAllow; name Node and RBAC.",
        severity: Severity::Critical,
        category: Category::ControlPlane,
        techniques: &[technique("T1078")],
        controls: &["cis-v1.12.0:1.2.6"],
        equivalents: &[],
        judge: Judge::Object(AUTHORIZATION, allows_all),
        fails: r"apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers: [{type: Node, name: node}, {type: RBAC, name: rbac}, {type: AlwaysAllow, name: all}]
",
        passes: r"apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers: [{type: Node, name: node}, {type: RBAC, name: rbac}]
",
    },
    Check {
        id: "authorizer-fails-open",
        title: "Authorization webhook is passed over when it does not answer",
        why: "A webhook that is there to refuse requests refuses nothing while it is down, and who can bring it down chooses when.",
        fix: "Set failurePolicy to Deny, with matchConditions that leave out what the cluster needs to recover.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(AUTHORIZATION, fails_open),
        fails: r"apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers: [{type: Webhook, name: gate, webhook: {failurePolicy: NoOpinion}}]
",
        passes: r"apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers: [{type: Webhook, name: gate, webhook: {failurePolicy: Deny}}]
",
    },
    Check {
        id: "pod-security-default-privileged",
        title: "Namespaces without labels may run privileged pods",
        why: "The defaults of Pod Security Admission hold where nobody has set a label; at privileged a new namespace is open to everything.",
        fix: "Set defaults.enforce to baseline or restricted, and exempt the namespaces of the system by name.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1610")],
        controls: &["cis-v1.12.0:5.2.1"],
        equivalents: &[],
        judge: Judge::Object(ADMISSION, default_privileged),
        fails: r"apiVersion: pod-security.admission.config.k8s.io/v1
kind: PodSecurityConfiguration
defaults: {enforce: privileged}
",
        passes: r"apiVersion: pod-security.admission.config.k8s.io/v1
kind: PodSecurityConfiguration
defaults: {enforce: baseline}
",
    },
    Check {
        id: "image-policy-fails-open",
        title: "Images are admitted when their policy cannot be asked",
        why: "With defaultAllow each image is admitted while the webhook is down, and who can bring it down chooses when.",
        fix: "Set imagePolicy.defaultAllow to false.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1610")],
        controls: &["cis-v1.12.0:5.5.1"],
        equivalents: &[],
        judge: Judge::Object(ADMISSION, image_policy_fails_open),
        fails: r"apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: ImagePolicyWebhook
  configuration: {imagePolicy: {defaultAllow: true}}
",
        passes: r"apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: ImagePolicyWebhook
  configuration: {imagePolicy: {defaultAllow: false}}
",
    },
];

const GROUP: &str = "apiserver.config.k8s.io";
pub(super) const AUTHENTICATION: &[(&str, &str)] = &[(GROUP, "AuthenticationConfiguration")];
const AUTHORIZATION: &[(&str, &str)] = &[(GROUP, "AuthorizationConfiguration")];
const ADMISSION: &[(&str, &str)] = &[
    (GROUP, "AdmissionConfiguration"),
    ("pod-security.admission.config.k8s.io", "PodSecurityConfiguration"),
];

fn anonymous(whole: &Whole<'_>, report: &mut Report<'_>) {
    const HEALTH: [&str; 3] = ["/healthz", "/livez", "/readyz"];
    let value = whole.object.value();
    if down(value, &["anonymous", "enabled"]) != Some(&Value::Bool(true)) {
        return;
    }
    let path = FieldPath::of(&["anonymous"]);
    let conditions = elements(down(value, &["anonymous", "conditions"]));
    if conditions.is_empty() {
        let message = "anonymous requests are let in, whatever they ask for";
        return report.fail(path.key("enabled"), message.to_owned());
    }
    for (index, condition) in conditions.iter().enumerate() {
        let asked = condition.get("path").and_then(Value::as_str).unwrap_or_default();
        let is_health = |start: &&str| {
            asked.strip_prefix(*start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if !HEALTH.iter().any(is_health) {
            let message = format!("anonymous requests to {asked} are let in");
            report.fail(path.key("conditions").index(index), message);
        }
    }
}

fn allows_all(whole: &Whole<'_>, report: &mut Report<'_>) {
    for (index, authorizer) in maps(whole.object.fields(), "authorizers") {
        if text(authorizer, "type") == Some("AlwaysAllow") {
            let path = FieldPath::of(&["authorizers"]).index(index).key("type");
            report.fail(path, "AlwaysAllow allows every request".to_owned());
        }
    }
}

fn fails_open(whole: &Whole<'_>, report: &mut Report<'_>) {
    for (index, authorizer) in maps(whole.object.fields(), "authorizers") {
        let policy = authorizer.get("webhook").and_then(|webhook| webhook.get("failurePolicy"));
        if policy == Some(&Value::from("NoOpinion")) {
            let path = FieldPath::of(&["authorizers"]).index(index);
            let name = text(authorizer, "name").unwrap_or("without a name");
            let message = format!("the webhook `{name}` has no say while it does not answer");
            report.fail(path.keys(&["webhook", "failurePolicy"]), message);
        }
    }
}

/// The configuration of a plugin that stands in the file itself, with its path.
fn plugin<'a>(whole: &Whole<'a>, name: &str) -> Option<(FieldPath, &'a Value)> {
    let (index, plugin) = maps(whole.object.fields(), "plugins")
        .find(|(_, plugin)| text(plugin, "name") == Some(name))?;
    let path = FieldPath::of(&["plugins"]).index(index).key("configuration");
    Some((path, field(plugin, "configuration")?))
}

fn default_privileged(whole: &Whole<'_>, report: &mut Report<'_>) {
    let own = || {
        let is_own = whole.object.kind() == "PodSecurityConfiguration";
        is_own.then(|| (FieldPath::root(), whole.object.value()))
    };
    let Some((path, configuration)) = own().or_else(|| plugin(whole, "PodSecurity")) else {
        return;
    };
    let enforce = down(configuration, &["defaults", "enforce"]).and_then(Value::as_str);
    if matches!(enforce, None | Some("" | "privileged")) {
        let message = "namespaces without labels may run privileged pods";
        report.fail(path.keys(&["defaults", "enforce"]), message.to_owned());
    }
}

fn image_policy_fails_open(whole: &Whole<'_>, report: &mut Report<'_>) {
    let Some((path, configuration)) = plugin(whole, "ImagePolicyWebhook") else { return };
    let keys = ["imagePolicy", "defaultAllow"];
    if down(configuration, &keys) == Some(&Value::Bool(true)) {
        let message = "images are admitted while the webhook does not answer";
        report.fail(path.keys(&keys), message.to_owned());
    }
}
