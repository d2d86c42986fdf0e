//! `airside scan --reach` as its users see it: what may be asked for, and what the answers say.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "harness/folder.rs"]
mod folder;

use folder::Folder;

const SHOP: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: db, ports: [{name: pg, containerPort: 5432}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: edge, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{name: web, port: 80, targetPort: http}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: pg}]}]
";

#[test]
fn a_target_is_a_workload_or_a_service_and_its_port_a_number_or_a_name() {
    let folder = Folder::with(&[("shop.yaml", SHOP)]);
    for (from, to, expected, told) in [
        ("internet", "shop/web:8080", 1, "internet → Deployment shop/web: can connect"),
        ("internet", "shop/web:http", 1, "a way in: Service shop/edge"),
        ("internet", "shop/web:9999", 0, "Service shop/edge leads to port 8080/TCP of it only"),
        ("internet", "shop/web:8080/UDP", 0, "Service shop/edge leads to port 8080/TCP of it only"),
        ("internet", "shop/edge:80", 1, "internet → Service shop/edge → Deployment shop/web: can"),
        ("internet", "shop/Service/edge:web", 1, "can connect"),
        ("internet", "shop/svc/edge:8080", 0, "Service shop/edge has no such port, but 80/TCP"),
        ("web", "db:pg", 1, "Deployment shop/web → Pod shop/db: can connect"),
        ("web", "db:5433", 0, "cannot connect"),
        ("shop/db", "shop/edge", 1, "can connect"),
    ] {
        let (status, text, problem) = folder.scan(&["shop.yaml", "--reach", from, to]);
        assert_eq!(status, expected, "{from} {to}: {text}{problem}");
        assert!(text.contains(told), "{from} {to}: {text}");
    }
}

#[test]
fn what_is_no_target_is_told_with_what_one_looks_like() {
    let folder = Folder::with(&[("shop.yaml", SHOP)]);
    for (to, told) in [
        ("shop/web:pg", "no container of Deployment shop/web (`shop/web`) gives a port this name"),
        ("shop/web:0", "`0` is no port: a port is a number from 1 to 65535 or a name; write"),
        ("shop/web:80/tcp", "`tcp` is no protocol: TCP, UDP or SCTP"),
        ("shop/cache:80", "the input has no pods of `shop/cache`, and no such Service: write"),
        ("10.0.0.1:http", "a port of `10.0.0.1` must be a number"),
        ("internet", "TO must be an address, or a workload or Service of the input: write"),
    ] {
        let (status, _, problem) = folder.scan(&["shop.yaml", "--reach", "web", to]);
        assert_eq!(status, 2, "{to}: {problem}");
        assert!(problem.contains(told), "{to}: {problem}");
        assert!(!problem.contains("invalid digit"), "{to}: {problem}");
    }
}
