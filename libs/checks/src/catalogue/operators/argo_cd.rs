//! Checks on Argo CD and Argo Workflows: what projects allow, and who may use the servers.

use airside_k8s::fields::{maps, text, texts};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Whole};

const APPLICATION: &[(&str, &str)] = &[("argoproj.io", "Application")];
const PROJECT: &[(&str, &str)] = &[("argoproj.io", "AppProject")];
const CONFIG: &[(&str, &str)] = &[("", "ConfigMap")];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "argo-default-project",
        title: "Argo CD application is in the default project",
        why: "The default project takes every repository and every cluster: nothing limits what the application may change.",
        fix: "Make an AppProject with the team's repositories and namespaces, and name it in spec.project.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1072")],
        controls: &[],
        equivalents: &["kyverno:argo/application-prevent-default-project"],
        judge: Judge::Object(APPLICATION, default_project),
        fails: r"apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec: {project: default, source: {path: x}, destination: {name: prod}}
",
        passes: r"apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec: {project: shop, source: {path: x}, destination: {name: prod}}
",
    },
    Check {
        id: "argo-application-ambiguous",
        title: "Argo CD application does not say one source and one destination",
        why: "With both or neither of path and chart, or of server and name, Argo CD refuses the application or picks one.",
        fix: "Set either path or chart, and either destination.server or destination.name.",
        severity: Severity::Low,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["kyverno:argo/application-field-validation"],
        judge: Judge::Object(APPLICATION, ambiguous),
        fails: r"apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec: {project: shop, source: {path: x, chart: x}, destination: {name: prod}}
",
        passes: r"apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec: {project: shop, source: {path: x}, destination: {name: prod}}
",
    },
    Check {
        id: "argo-project-any-destination",
        title: "Argo CD project may deploy anywhere",
        why: "Whoever writes to a repository of the project writes to every namespace, kube-system and argocd included.",
        fix: "List the clusters and namespaces of the team in destinations.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1072")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(PROJECT, any_destination),
        fails: r"apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop}
spec: {destinations: [{server: '*', namespace: '*'}]}
",
        passes: r"apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop}
spec: {destinations: [{server: '*', namespace: shop-*}]}
",
    },
    Check {
        id: "argo-project-any-source",
        title: "Argo CD project takes manifests from any repository",
        why: "Whoever may write an application points it at a repository of their own: no review is left between them and the cluster.",
        fix: "List the repositories of the team in sourceRepos.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1195.002"), technique("T1072")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(PROJECT, any_source),
        fails: r"apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop}
spec: {sourceRepos: ['*']}
",
        passes: r"apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop}
spec: {sourceRepos: ['https://git.example.com/shop/*']}
",
    },
    Check {
        id: "argo-project-cluster-resources",
        title: "Argo CD project may change every resource of the cluster",
        why: "ClusterRoles, bindings and webhooks are cluster resources: whoever writes to a repository of the project can make themselves administrator.",
        fix: "List in clusterResourceWhitelist the kinds that the team needs, best only Namespace.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1098.006"), technique("T1072")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(PROJECT, cluster_resources),
        fails: r"apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop}
spec: {clusterResourceWhitelist: [{group: '*', kind: '*'}]}
",
        passes: r"apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop}
spec: {clusterResourceWhitelist: [{group: '', kind: Namespace}]}
",
    },
    Check {
        id: "argo-repository-unverified",
        title: "Argo CD reads a repository without checking whose it is",
        why: "Over plain HTTP, or with any certificate or host key taken, whoever is on the way decides what is deployed.",
        fix: "Use an https or ssh address, and remove insecure and insecureIgnoreHostKey.",
        severity: Severity::High,
        category: Category::Operators,
        techniques: &[technique("T1557"), technique("T1195.002")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("", "Secret")], repository_unverified),
        fails: r"apiVersion: v1
kind: Secret
metadata:
  name: shop
  labels: {argocd.argoproj.io/secret-type: repository}
stringData: {url: 'http://git.example.com/shop'}
",
        passes: r"apiVersion: v1
kind: Secret
metadata:
  name: shop
  labels: {argocd.argoproj.io/secret-type: repository}
stringData: {url: 'https://git.example.com/shop'}
",
    },
    Check {
        id: "argo-cd-anonymous",
        title: "Argo CD lets in everybody without a login",
        why: "Applications, manifests and logs can be seen, and whatever the default role allows be done, by whoever reaches the server.",
        fix: "Remove users.anonymous.enabled.",
        severity: Severity::High,
        category: Category::Operators,
        techniques: &[technique("T1133"), technique("T1078")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONFIG, |config, report| {
            setting(config, "argocd-cm", "users.anonymous.enabled", "true", report);
        }),
        fails: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data: {users.anonymous.enabled: "true"}
"#,
        passes: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data: {users.anonymous.enabled: "false"}
"#,
    },
    Check {
        id: "argo-cd-everybody-is-admin",
        title: "Argo CD makes everybody who is logged in an administrator",
        why: "policy.default is the role of users that no rule names: with role:admin a login of the company's is enough to deploy anything anywhere.",
        fix: "Set policy.default to role:readonly or leave it empty; give groups the roles that they need.",
        severity: Severity::High,
        category: Category::Operators,
        techniques: &[technique("T1078"), technique("T1072")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONFIG, |config, report| {
            setting(config, "argocd-rbac-cm", "policy.default", "role:admin", report);
        }),
        fails: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-rbac-cm}
data: {policy.default: "role:admin"}
"#,
        passes: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-rbac-cm}
data: {policy.default: "role:readonly"}
"#,
    },
    Check {
        id: "argo-cd-terminal",
        title: "Argo CD opens shells in containers from its web page",
        why: "A session in the browser is then a session in pods: a stolen one reads their files and tokens.",
        fix: "Remove exec.enabled; use kubectl exec, which the audit log shows with the user's own name.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1609")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONFIG, |config, report| {
            setting(config, "argocd-cm", "exec.enabled", "true", report);
        }),
        fails: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data: {exec.enabled: "true"}
"#,
        passes: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data: {exec.enabled: "false"}
"#,
    },
    Check {
        id: "argo-cd-in-the-clear",
        title: "Argo CD serves without encryption",
        why: "Logins and session tokens, each worth a deployment anywhere, pass in the clear between the ingress controller and the server.",
        fix: "Remove server.insecure, and let the ingress controller speak HTTPS to the server.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1040")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONFIG, |config, report| {
            setting(config, "argocd-cmd-params-cm", "server.insecure", "true", report);
        }),
        fails: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cmd-params-cm}
data: {server.insecure: "true"}
"#,
        passes: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cmd-params-cm}
data: {server.insecure: "false"}
"#,
    },
    Check {
        id: "argo-server-without-login",
        title: "Argo's server lets everybody act with its own rights",
        why: "Whoever reaches the server starts workflows, or deploys, as its service account: code execution in the cluster for the asking.",
        fix: "Remove --auth-mode=server (use client or sso) of Argo Workflows, and --disable-auth of Argo CD.",
        severity: Severity::High,
        category: Category::Operators,
        techniques: &[technique("T1133"), technique("T1610")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Container(server_without_login),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: argo}
spec:
  containers:
  - {name: argo, image: 'quay.io/argoproj/argocli:v3.7.4', args: [server, --auth-mode=server]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: argo}
spec:
  containers:
  - {name: argo, image: 'quay.io/argoproj/argocli:v3.7.4', args: [server, --auth-mode=client]}
",
    },
];

fn default_project(application: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = application.spec_fields() else { return };
    if matches!(text(spec, "project"), None | Some("default")) {
        let message = "the application is in the project default".to_owned();
        report.fail(FieldPath::of(&["spec", "project"]), message);
    }
}

fn ambiguous(application: &Whole<'_>, report: &mut Report<'_>) {
    let both_or_neither = |fields: &Map, one: &str, other: &str| {
        text(fields, one).is_some() == text(fields, other).is_some()
    };
    let source = application.spec("source").and_then(Value::as_object);
    if source.is_some_and(|source| both_or_neither(source, "path", "chart")) {
        let message = "either path or chart must be set, and not both".to_owned();
        report.fail(FieldPath::of(&["spec", "source"]), message);
    }
    let destination = application.spec("destination").and_then(Value::as_object);
    if destination.is_some_and(|place| both_or_neither(place, "server", "name")) {
        let message = "either server or name must be set, and not both".to_owned();
        report.fail(FieldPath::of(&["spec", "destination"]), message);
    }
}

fn any_destination(project: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = project.spec_fields() else { return };
    for (index, destination) in maps(spec, "destinations") {
        if text(destination, "namespace") == Some("*") {
            let server = text(destination, "server").or_else(|| text(destination, "name"));
            let place = match server {
                Some("*") | None => "every cluster".to_owned(),
                Some(server) => server.to_owned(),
            };
            let path = FieldPath::of(&["spec", "destinations"]).index(index).key("namespace");
            report.fail(path, format!("every namespace of {place} may be deployed to"));
        }
    }
}

fn any_source(project: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = project.spec_fields() else { return };
    if let Some((index, _)) = texts(spec, "sourceRepos").find(|(_, source)| *source == "*") {
        let path = FieldPath::of(&["spec", "sourceRepos"]).index(index);
        report.fail(path, "`*` takes every repository".to_owned());
    }
}

fn cluster_resources(project: &Whole<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "clusterResourceWhitelist";
    let Some(spec) = project.spec_fields() else { return };
    for (index, allowed) in maps(spec, FIELD) {
        if allowed.get("kind").and_then(Value::as_str) == Some("*") {
            let group = allowed.get("group").and_then(Value::as_str).unwrap_or_default();
            if matches!(group, "*" | "rbac.authorization.k8s.io" | "admissionregistration.k8s.io") {
                let path = FieldPath::of(&["spec", FIELD]).index(index);
                report.fail(path, format!("every kind of the group {group} is allowed"));
            }
        }
    }
}

/// A field of a Secret: as text, or as what the text is in base64.
fn secret_holds(secret: &Whole<'_>, name: &str, value: &str, encoded: &str) -> bool {
    let given = |list: &str| secret.object.fields().get(list)?.get(name)?.as_str();
    given("stringData").is_some_and(|text| text.starts_with(value))
        || given("data").is_some_and(|text| text.starts_with(encoded))
}

fn repository_unverified(secret: &Whole<'_>, report: &mut Report<'_>) {
    const LABEL: &str = "argocd.argoproj.io/secret-type";
    let kind = secret.object.labels().and_then(|labels| labels.get(LABEL)).and_then(Value::as_str);
    if !matches!(kind, Some("repository" | "repo-creds" | "repository-write")) {
        return;
    }
    let list =
        if secret.object.fields().contains_key("stringData") { "stringData" } else { "data" };
    // The first letters of http://, and true, in base64.
    if secret_holds(secret, "url", "http://", "aHR0cDov") {
        report.fail(
            FieldPath::of(&[list, "url"]),
            "the repository is read over plain HTTP".to_owned(),
        );
    }
    for name in ["insecure", "insecureIgnoreHostKey"] {
        if secret_holds(secret, name, "true", "dHJ1Z") {
            report.fail(FieldPath::of(&[list, name]), format!("{name} is true"));
        }
    }
}

fn setting(config: &Whole<'_>, map: &str, name: &str, bad: &str, report: &mut Report<'_>) {
    let value = config.object.fields().get("data").and_then(|data| data.get(name));
    if config.object.name() == map && value.and_then(Value::as_str) == Some(bad) {
        report.fail(FieldPath::of(&["data", name]), format!("{name} is {bad}"));
    }
}

fn server_without_login(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let image = container.container.image().unwrap_or_default();
    if !image.contains("argo") {
        return;
    }
    for field in ["command", "args"] {
        let arguments: Vec<_> = texts(container.container.fields, field).collect();
        for (place, (index, argument)) in arguments.iter().enumerate() {
            let next = arguments.get(place + 1).map(|(_, next)| *next);
            let is_open = matches!(
                *argument,
                "--auth-mode=server" | "--disable-auth" | "--disable-auth=true"
            ) || (*argument == "--auth-mode" && next == Some("server"));
            if is_open {
                let message = format!("{} is given {argument}", container.label());
                report.fail(container.path(field).index(*index), message);
            }
        }
    }
}
