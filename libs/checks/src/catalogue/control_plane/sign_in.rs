//! Checks on names that an identity provider gives: that they cannot pass for names of the cluster.

use airside_k8s::component::{Answer, Component};
use airside_k8s::fields::{maps, text};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::api_server_files::AUTHENTICATION;
use crate::check::{Category, Check, Judge};
use crate::component::Configured;
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "sign-in-without-prefix",
        title: "Names from an identity provider can pass for names of the cluster",
        why: "Without a prefix, and without a rule that refuses names that start with system:, whoever runs or tricks the provider can claim to be system:masters.",
        fix: "Give username and groups a prefix, or add userValidationRules that refuse system: in them.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1078"), technique("T1098.006")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(AUTHENTICATION, unprefixed),
        fails: r#"apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- claimMappings: {username: {claim: sub, prefix: "oidc:"}, groups: {claim: groups, prefix: ""}}
"#,
        passes: r#"apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- claimMappings: {username: {claim: sub, prefix: "oidc:"}, groups: {claim: groups, prefix: "oidc:"}}
"#,
    },
    Check {
        id: "oidc-names-without-prefix",
        title: "API server takes names of an identity provider for names of the cluster",
        why: "Without a prefix whoever runs or tricks the provider can claim to be in any group that a binding names, or to be any user.",
        fix: "Give --oidc-username-prefix and --oidc-groups-prefix a text such as oidc:.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1078"), technique("T1098.006")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Component(Component::ApiServer, unprefixed_flags),
        fails: r#"apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
apiServer:
  extraArgs:
  - {name: oidc-issuer-url, value: "https://idp.example.com"}
  - {name: oidc-groups-claim, value: groups}
"#,
        passes: r#"apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
apiServer:
  extraArgs:
  - {name: oidc-issuer-url, value: "https://idp.example.com"}
  - {name: oidc-groups-claim, value: groups}
  - {name: oidc-groups-prefix, value: "oidc:"}
"#,
    },
];

fn unprefixed(whole: &Whole<'_>, report: &mut Report<'_>) {
    for (index, issuer) in maps(whole.object.fields(), "jwt") {
        for mapping in ["username", "groups"] {
            let given = issuer.get("claimMappings").and_then(|it| it.get(mapping)?.as_object());
            let Some(field) = given.and_then(unprefixed_by) else { continue };
            if !refuses_system(issuer, mapping) {
                let path = FieldPath::of(&["jwt"]).index(index);
                let path = path.keys(&["claimMappings", mapping, field]);
                report.fail(path, format!("{mapping} may be any, those of the system included"));
            }
        }
    }
}

/// The field by which a mapping takes names as they come: an empty prefix, or an expression that neither puts a
/// text before them nor leaves those of the system out.
fn unprefixed_by(mapping: &Map) -> Option<&'static str> {
    if let Some(expression) = text(mapping, "expression") {
        let puts_text = expression.contains(['"', '\'']) && expression.contains('+');
        let is_safe = puts_text || expression.contains("system:");
        return (!is_safe).then_some("expression");
    }
    (mapping.get("prefix") == Some(&Value::from(""))).then_some("prefix")
}

/// Whether a rule of an issuer looks at how the names of a mapping begin.
fn refuses_system(issuer: &Map, mapping: &str) -> bool {
    let field = format!("user.{mapping}");
    maps(issuer, "userValidationRules").filter_map(|(_, rule)| text(rule, "expression")).any(
        |rule| {
            let asks =
                ["system:", "startsWith(", "matches("].iter().any(|part| rule.contains(part));
            rule.contains(&field) && asks
        },
    )
}

/// Names of users get the issuer as prefix where nobody says otherwise, but for addresses of mail; `-` says
/// otherwise. Groups get none.
fn unprefixed_flags(it: &Configured<'_>, report: &mut Report<'_>) {
    let is_signing_in = it.known("oidc-issuer-url").is_some_and(|issuer| !issuer.is_empty());
    if !is_signing_in {
        return;
    }
    const USERS: &str = "oidc-username-prefix";
    const GROUPS: &str = "oidc-groups-prefix";
    if it.known(USERS) == Some("-") {
        it.fail(USERS, "users of the provider may have any name of the cluster's", report);
    }
    let takes_groups = it.known("oidc-groups-claim").is_some_and(|claim| !claim.is_empty());
    let has_prefix = match it.configuration.answer(GROUPS) {
        Answer::Given(given) => !given.value.is_empty(),
        Answer::Default(_) | Answer::Unset => false,
        Answer::Unknown => return report.undecided("the prefix of groups is set elsewhere"),
    };
    if takes_groups && !has_prefix {
        it.fail(GROUPS, "groups of the provider are taken for groups of the cluster", report);
    }
}
