//! Checks on which hosts and paths an Ingress takes.

use airside_k8s::Object;
use airside_k8s::fields::text;
use airside_k8s::graph::{hosts, same_namespace, taken};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::{INGRESS, class, paths, rule_path, rules};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "ingress-without-host",
        title: "Ingress takes requests for whatever host",
        why: "A rule without a host answers for every name that leads to the controller, those of other teams included, and for direct calls of its address.",
        fix: "Give each rule the host that it is meant for.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &[
            "kyverno:best-practices/disallow-empty-ingress-host",
            "gatekeeper-library:general/block-wildcard-ingress",
        ],
        judge: Judge::Object(INGRESS, without_host),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: shop}]
  rules:
  - http: {paths: [{path: /, backend: {service: {name: web}}}]}
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: shop}]
  rules:
  - host: shop.example.com
    http: {paths: [{path: /, backend: {service: {name: web}}}]}
",
    },
    Check {
        id: "ingress-wildcard-host",
        title: "Ingress takes every host below a domain",
        why: "Names that others mean to use, or forgot to give up, lead here: a step to taking over their cookies and links.",
        fix: "List the hosts one by one; leave wildcards to a platform team's Ingress.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[
            "kyverno:other/restrict-ingress-wildcard",
            "gatekeeper-library:general/block-wildcard-ingress",
        ],
        judge: Judge::Object(INGRESS, wildcard_host),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{hosts: ['*.example.com'], secretName: shop}]
  rules: [{host: '*.example.com'}]
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{hosts: ['*.example.com'], secretName: shop}]
  rules: [{host: shop.example.com}]
",
    },
    Check {
        id: "ingress-host-path-taken-twice",
        title: "Two Ingresses take the same host and path",
        why: "Which of them answers is up to the controller: traffic for one can go to the other, by accident or because somebody meant it to.",
        fix: "Give the host and path to one of them.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &["kyverno:other/unique-ingress-host-and-path"],
        judge: Judge::Object(INGRESS, taken_twice),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: shop}]
  rules:
  - host: shop.example.com
    http: {paths: [{path: /, backend: {service: {name: web}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: other}
spec:
  tls: [{secretName: shop}]
  rules:
  - host: shop.example.com
    http: {paths: [{path: /, backend: {service: {name: other}}}]}
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: shop}]
  rules:
  - host: shop.example.com
    http: {paths: [{path: /, backend: {service: {name: web}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: other}
spec:
  tls: [{secretName: shop}]
  rules:
  - host: shop.example.com
    http: {paths: [{path: /other, backend: {service: {name: other}}}]}
",
    },
    Check {
        id: "ingress-host-shared",
        title: "Two Ingresses serve the same host",
        why: "Paths of one host share cookies and origin: who may write one of the Ingresses can act for users of the other.",
        fix: "Keep a host in one Ingress, or make sure that its Ingresses have the same owners.",
        severity: Severity::Info,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &["gatekeeper-library:general/uniqueingresshost"],
        judge: Judge::Object(INGRESS, host_shared),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {tls: [{secretName: shop}], rules: [{host: shop.example.com}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: api}
spec: {tls: [{secretName: shop}], rules: [{host: shop.example.com}]}
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {tls: [{secretName: shop}], rules: [{host: shop.example.com}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: api}
spec: {tls: [{secretName: shop}], rules: [{host: api.example.com}]}
",
    },
    Check {
        id: "ingress-default-backend",
        title: "Ingress takes all requests that no rule takes",
        why: "A default backend receives requests for whatever host and path, so what was never meant to be published can be.",
        fix: "Remove the default backend; name hosts and paths in rules.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &["kyverno:other/restrict-ingress-defaultbackend"],
        judge: Judge::Object(INGRESS, default_backend),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: shop}]
  defaultBackend: {service: {name: web, port: {number: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: shop}]
  rules: [{host: shop.example.com}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
",
    },
    Check {
        id: "ingress-without-class",
        title: "Ingress does not say which controller serves it",
        why: "The default class, or every controller that is there, takes it: an internal host may so be served by the public one.",
        fix: "Set spec.ingressClassName.",
        severity: Severity::Info,
        category: Category::Ingress,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(INGRESS, without_class),
        fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: shop}]
  rules: [{host: shop.example.com}]
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: internal
  tls: [{secretName: shop}]
  rules: [{host: shop.example.com}]
",
    },
];

fn without_class(ingress: &Whole<'_>, report: &mut Report<'_>) {
    if class(ingress.object).is_none() {
        let message = "no ingressClassName is set".to_owned();
        report.fail(FieldPath::of(&["spec", "ingressClassName"]), message);
    }
}

fn without_host(ingress: &Whole<'_>, report: &mut Report<'_>) {
    for (index, rule) in rules(ingress).filter(|(_, rule)| text(rule, "host").is_none()) {
        let path = paths(rule).find_map(|(_, path)| text(path, "path"));
        let what = path.map(|path| format!(" for {path}")).unwrap_or_default();
        report.fail(rule_path(index).key("host"), format!("the rule{what} names no host"));
    }
}

fn wildcard_host(ingress: &Whole<'_>, report: &mut Report<'_>) {
    for (index, rule) in rules(ingress) {
        if let Some(host) = text(rule, "host").filter(|host| host.contains('*')) {
            let message = format!("host {host} is a wildcard");
            report.fail(rule_path(index).key("host"), message);
        }
    }
}

fn default_backend(ingress: &Whole<'_>, report: &mut Report<'_>) {
    let Some(field) =
        ["defaultBackend", "backend"].into_iter().find(|name| ingress.spec(name).is_some())
    else {
        return;
    };
    report.fail(
        FieldPath::of(&["spec", field]),
        format!("{field} takes every request that no rule takes"),
    );
}

fn taken_twice(ingress: &Whole<'_>, report: &mut Report<'_>) {
    if ingress.graph.is_single_object() {
        return report.undecided("other Ingresses are other objects");
    }
    if is_canary(ingress.object) {
        return;
    }
    for place in taken(ingress.object) {
        let mut others = ingress.graph.ingresses_taking(place.host, place.path);
        let Some(other) = others.find(|other| competes(ingress, other)) else { continue };
        let host = if place.host.is_empty() { "every host" } else { place.host };
        report.fail(
            rule_path(place.rule).keys(&["http", "paths"]).index(place.place).key("path"),
            format!("{other} takes {} of {host} too", place.path),
        );
    }
}

fn host_shared(ingress: &Whole<'_>, report: &mut Report<'_>) {
    if ingress.graph.is_single_object() {
        return report.undecided("other Ingresses are other objects");
    }
    if is_canary(ingress.object) {
        return;
    }
    for (rule, host) in hosts(ingress.object) {
        let mut others = ingress.graph.ingresses_of_host(host);
        if let Some(other) = others.find(|other| competes(ingress, other)) {
            report.fail(rule_path(rule).key("host"), format!("{other} serves {host} too"));
        }
    }
}

/// Whether another Ingress is served by the same controller and is no other version of the same one.
fn competes(ingress: &Whole<'_>, other: &Object<'_>) -> bool {
    let own = ingress.object;
    let is_itself =
        other.name() == own.name() && same_namespace(other.namespace(), own.namespace());
    !is_itself && !is_canary(other) && class(other) == class(own)
}

/// A canary shares host and path with what it tries out.
fn is_canary(ingress: &Object<'_>) -> bool {
    let annotation =
        ingress.annotations().and_then(|it| it.get("nginx.ingress.kubernetes.io/canary"));
    annotation.and_then(|value| value.as_str()) == Some("true")
}
