//! Checks on custom resources of operators for stores: of secrets, data and dashboards.

use airside_k8s::Value;
use airside_k8s::fields::{down, elements, list};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Whole, annotation_path};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "secret-store-for-all-namespaces",
        title: "Secrets of an outside store are open to every namespace",
        why: "Whoever may write an ExternalSecret in any namespace gets whatever the store's login can read, other teams' credentials included.",
        fix: "List the namespaces in spec.conditions, or use a SecretStore in each namespace with a login of its own.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1555")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("external-secrets.io", "ClusterSecretStore")], store_for_all),
        fails: r"apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: vault}
spec: {provider: {vault: {server: 'https://vault.example.com'}}}
",
        passes: r"apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: vault}
spec:
  conditions: [{namespaces: [shop]}]
  provider: {vault: {server: 'https://vault.example.com'}}
",
    },
    Check {
        id: "secret-store-in-the-clear",
        title: "Secrets are fetched over plain HTTP",
        why: "Whoever is on the way reads the store's login and every secret that is fetched.",
        fix: "Use an https address, with the authority in caBundle or caProvider.",
        severity: Severity::High,
        category: Category::Operators,
        techniques: &[technique("T1040"), technique("T1555")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[
                ("external-secrets.io", "ClusterSecretStore"),
                ("external-secrets.io", "SecretStore"),
            ],
            store_in_the_clear,
        ),
        fails: r"apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault}
spec: {provider: {vault: {server: 'http://vault.example.com'}}}
",
        passes: r"apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault}
spec: {provider: {vault: {server: 'https://vault.example.com'}}}
",
    },
    Check {
        id: "sealed-secret-for-all-namespaces",
        title: "Sealed secret can be opened in every namespace",
        why: "Whoever has the file, from the repository for instance, applies it in a namespace of their own and reads the secret there.",
        fix: "Seal it again with the scope strict, and remove the annotation.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1552.007")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("bitnami.com", "SealedSecret")], sealed_for_all),
        fails: r#"apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: shop, annotations: {sealedsecrets.bitnami.com/cluster-wide: "true"}}
"#,
        passes: r"apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: shop}
",
    },
    Check {
        id: "elasticsearch-without-tls",
        title: "Elasticsearch serves without encryption",
        why: "Logins and documents pass in the clear between clients and nodes.",
        fix: "Remove http.tls.selfSignedCertificate.disabled.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1040")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[
                ("elasticsearch.k8s.elastic.co", "Elasticsearch"),
                ("kibana.k8s.elastic.co", "Kibana"),
            ],
            elastic_without_tls,
        ),
        fails: r"apiVersion: elasticsearch.k8s.elastic.co/v1
kind: Elasticsearch
metadata: {name: logs}
spec: {http: {tls: {selfSignedCertificate: {disabled: true}}}}
",
        passes: r"apiVersion: elasticsearch.k8s.elastic.co/v1
kind: Elasticsearch
metadata: {name: logs}
spec: {http: {tls: {certificate: {secretName: logs}}}}
",
    },
    Check {
        id: "postgres-open-to-all",
        title: "PostgreSQL has a load balancer that takes everybody",
        why: "The database is on the internet: passwords can be tried, and each hole of the server used, from everywhere.",
        fix: "Remove enableMasterLoadBalancer and its like, or list the clients in allowedSourceRanges.",
        severity: Severity::High,
        category: Category::Operators,
        techniques: &[technique("T1133"), technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("acid.zalan.do", "postgresql")], postgres_open),
        fails: r"apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: shop}
spec: {enableMasterLoadBalancer: true}
",
        passes: r"apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: shop}
spec: {enableMasterLoadBalancer: true, allowedSourceRanges: [192.0.2.0/24]}
",
    },
    Check {
        id: "grafana-anonymous",
        title: "Grafana lets in everybody without a login",
        why: "Dashboards and, through its data sources, metrics and logs can be read by whoever reaches the page.",
        fix: "Remove auth.anonymous from spec.config.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1133")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(
            &[("grafana.integreatly.org", "Grafana"), ("integreatly.org", "Grafana")],
            grafana_anonymous,
        ),
        fails: r#"apiVersion: grafana.integreatly.org/v1beta1
kind: Grafana
metadata: {name: grafana}
spec: {config: {auth.anonymous: {enabled: "true"}}}
"#,
        passes: r#"apiVersion: grafana.integreatly.org/v1beta1
kind: Grafana
metadata: {name: grafana}
spec: {config: {auth.anonymous: {enabled: "false"}}}
"#,
    },
];

fn store_for_all(store: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = store.spec_fields() else { return };
    if list(spec, "conditions").is_empty() {
        let message = "no condition says which namespaces may use the store".to_owned();
        report.fail(FieldPath::of(&["spec", "conditions"]), message);
    }
}

fn store_in_the_clear(store: &Whole<'_>, report: &mut Report<'_>) {
    let Some(providers) = store.spec("provider").and_then(Value::as_object) else { return };
    for (provider, settings) in providers {
        for field in ["server", "url", "apiUrl", "serverURL"] {
            let address = settings.get(field).and_then(Value::as_str).unwrap_or_default();
            if address.starts_with("http://") {
                let path = FieldPath::of(&["spec", "provider", provider, field]);
                report.fail(path, format!("{provider} is spoken to over plain HTTP"));
            }
        }
    }
}

fn sealed_for_all(secret: &Whole<'_>, report: &mut Report<'_>) {
    const NAME: &str = "sealedsecrets.bitnami.com/cluster-wide";
    if secret.annotation(NAME) == Some("true") {
        report.fail(annotation_path(NAME), "the scope is the whole cluster".to_owned());
    }
}

fn elastic_without_tls(cluster: &Whole<'_>, report: &mut Report<'_>) {
    const PLACE: [&str; 5] = ["spec", "http", "tls", "selfSignedCertificate", "disabled"];
    let value = cluster.object.value();
    let has_own = down(value, &["spec", "http", "tls", "certificate", "secretName"]).is_some();
    if down(value, &PLACE) == Some(&Value::Bool(true)) && !has_own {
        report.fail(FieldPath::of(&PLACE), "TLS is turned off".to_owned());
    }
}

fn postgres_open(cluster: &Whole<'_>, report: &mut Report<'_>) {
    const BALANCERS: [&str; 4] = [
        "enableMasterLoadBalancer",
        "enableMasterPoolerLoadBalancer",
        "enableReplicaLoadBalancer",
        "enableReplicaPoolerLoadBalancer",
    ];
    let ranges = elements(cluster.spec("allowedSourceRanges"));
    let everybody = ranges.iter().any(|range| range.as_str() == Some("0.0.0.0/0"));
    if !ranges.is_empty() && !everybody {
        return;
    }
    for name in BALANCERS {
        if cluster.spec(name) == Some(&Value::Bool(true)) {
            let message = format!("{name} is true, and no list of client networks limits it");
            report.fail(FieldPath::of(&["spec", name]), message);
        }
    }
}

fn grafana_anonymous(grafana: &Whole<'_>, report: &mut Report<'_>) {
    const PLACE: [&str; 4] = ["spec", "config", "auth.anonymous", "enabled"];
    let enabled = down(grafana.object.value(), &PLACE);
    let is_on = enabled == Some(&Value::Bool(true))
        || enabled.and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    if is_on {
        report.fail(FieldPath::of(&PLACE), "auth.anonymous is enabled".to_owned());
    }
}
