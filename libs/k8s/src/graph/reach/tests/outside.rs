//! Whether the internet gets to a port of a pod: by which ways, on which ports, for whom.

use super::*;
use crate::yaml::{Limits, parse};

/// `shop/web` listens on `http` (8080), and on 9090, which the node passes on from its own 9090.
const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
  - {name: c, ports: [{name: http, containerPort: 8080}, {containerPort: 9090, hostPort: 9090, hostIP: HOST}]}
";

/// The answer for the pod among other objects, with the reasons.
fn reached(others: &str, host: &str, port: Option<(u16, &str)>) -> (Answer, String) {
    let text = format!("{}---\n{others}", POD.replace("HOST", host));
    let parsed = parse(&text, &Limits::default());
    assert_eq!(parsed.errors, [], "{others}");
    let contents: Vec<_> = parsed.documents.iter().map(|it| it.contents()).collect();
    let objects: Vec<_> =
        contents.iter().flat_map(|contents| &contents.objects).map(|it| it.object).collect();
    let graph = Graph::new(&objects, Completeness::WholeInput);
    let ports = port.map(|(number, protocol)| [Port { number, protocol }]);
    let ports = ports.as_ref().map(<[Port<'_>; 1]>::as_slice);
    let reached = graph.reach_from_outside(&graph.pods()[0], ports, None);
    let reasons: Vec<String> = reached.reasons.iter().map(ToString::to_string).collect();
    (reached.answer, reasons.join("; "))
}

fn service(metadata: &str, spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: s, namespace: shop, {metadata}}}\n\
         spec: {{selector: {{app: web}}, ports: [{{port: 80, targetPort: http}}], {spec}}}\n"
    )
}

#[test]
fn a_way_in_leads_to_its_ports_and_is_open_to_its_clients() {
    const LOOPBACK: &str = "127.0.0.1";
    let annotated = |name: &str, value: &str| {
        service(&format!("annotations: {{{name}: '{value}'}}"), "type: LoadBalancer")
    };
    let ranges = |list: &str| {
        service("", &format!("type: LoadBalancer, loadBalancerSourceRanges: [{list}]"))
    };
    let policy = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
        metadata: {name: p, namespace: shop}\n\
        spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}\n";
    let balancer = service("", "type: LoadBalancer");
    let web = Some((8080, "TCP"));
    for (others, port, expected, reason) in [
        (balancer.clone(), None, Answer::Yes, "a way in: Service shop/s"),
        (balancer.clone(), web, Answer::Yes, "a way in: Service shop/s"),
        (balancer.clone(), Some((9999, "TCP")), Answer::No, "leads to port 8080/TCP of it only"),
        (balancer, Some((8080, "UDP")), Answer::No, "leads to port 8080/TCP of it only"),
        (service("", "type: NodePort, externalTrafficPolicy: Local"), web, Answer::Yes, "a way in"),
        (service("", "type: ClusterIP"), web, Answer::No, "host port of Pod"),
        (ranges("10.0.0.0/8"), web, Answer::No, "open to private networks only"),
        (ranges("10.0.0.0/8, 192.168.1.0/24"), None, Answer::No, "private networks only"),
        (ranges("10.0.0.0/8, 0.0.0.0/0"), web, Answer::Yes, "a way in"),
        (ranges("10.0.0.0/8, 203.0.113.7/32") + policy, web, Answer::Yes, "lets ingress through"),
        (ranges("198.51.100.0/24") + policy, web, Answer::No, "no ingress rule"),
        (
            annotated("networking.gke.io/load-balancer-type", "Internal"),
            web,
            Answer::No,
            "private networks only",
        ),
        (
            annotated("service.beta.kubernetes.io/aws-load-balancer-internal", "true"),
            web,
            Answer::No,
            "private networks only",
        ),
        (
            annotated("service.beta.kubernetes.io/aws-load-balancer-scheme", "internet-facing"),
            web,
            Answer::Yes,
            "a way in",
        ),
        (
            annotated("service.beta.kubernetes.io/azure-load-balancer-internal", "true"),
            None,
            Answer::No,
            "private networks only",
        ),
    ] {
        let (answer, reasons) = reached(&others, LOOPBACK, port);
        assert_eq!(answer, expected, "{others} {port:?}: {reasons}");
        assert!(reasons.contains(reason), "{others}: {reasons}");
    }
    let node = Some((9090, "TCP"));
    assert_eq!(reached("", LOOPBACK, node).0, Answer::No);
    assert_eq!(reached("", "0.0.0.0", node).0, Answer::Yes);
    assert_eq!(reached("", "0.0.0.0", web).0, Answer::No);
}

#[test]
fn a_route_opens_the_port_of_its_backend_only() {
    let inner = service("", "type: ClusterIP").replace("name: s", "name: web");
    let cases = [
        "networking.k8s.io/v1\nkind: Ingress\nspec: {defaultBackend: {service: {name: web, port: {number: 80}}}}",
        "gateway.networking.k8s.io/v1\nkind: HTTPRoute\nspec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: web, port: 80}]}]}",
        "networking.istio.io/v1\nkind: VirtualService\nspec: {gateways: [edge], http: [{route: [{destination: {host: web, port: {number: 80}}}]}]}",
        "projectcontour.io/v1\nkind: HTTPProxy\nspec: {routes: [{services: [{name: web, port: 80}]}]}",
        "traefik.io/v1alpha1\nkind: IngressRoute\nspec: {routes: [{services: [{name: web, port: 80}]}]}",
        "route.openshift.io/v1\nkind: Route\nspec: {to: {name: web}, port: {targetPort: http}}",
    ];
    for case in cases {
        let metadata = "\nmetadata: {name: r, namespace: shop}";
        let others = format!("{inner}---\napiVersion: {case}{metadata}\n");
        let (answer, reasons) = reached(&others, "127.0.0.1", Some((8080, "TCP")));
        assert_eq!(answer, Answer::Yes, "{others}: {reasons}");
        assert_eq!(reached(&others, "127.0.0.1", Some((8081, "TCP"))).0, Answer::No, "{others}");
        let other = others.replace("port: 80}]", "port: 81}]").replace("number: 80", "number: 81");
        let other = other.replace("port: {targetPort: http}", "port: {targetPort: x}");
        assert_eq!(reached(&other, "127.0.0.1", None).0, Answer::No, "{other}");
    }
    let listed = "networking.k8s.io/v1\nkind: Ingress\nspec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n\
        metadata: {name: r, namespace: shop, annotations: {nginx.ingress.kubernetes.io/whitelist-source-range: '10.0.0.0/8'}}";
    let others = format!("{inner}---\napiVersion: {listed}\n");
    assert_eq!(reached(&others, "127.0.0.1", None).0, Answer::No);
}
