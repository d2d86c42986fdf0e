//! What Istio's rules mean in small meshes.

use airside_k8s::{Completeness, Document, Limits, yaml};

use crate::evaluate::{Evaluation, evaluate};

fn run(text: &str, completeness: Completeness) -> Evaluation {
    let parsed = yaml::parse(text, &Limits::default());
    assert_eq!(parsed.errors, [], "{text}");
    let contents: Vec<_> = parsed.documents.iter().map(Document::contents).collect();
    let objects: Vec<_> =
        contents.iter().flat_map(|contents| &contents.objects).map(|o| o.object).collect();
    evaluate(&objects, completeness)
}

/// The fields at which a check fails.
fn fields(text: &str, check: &str) -> Vec<String> {
    let failures = run(text, Completeness::WholeInput).failures;
    let of_check = failures.iter().filter(|failure| failure.check.id == check);
    of_check.map(|failure| failure.field.to_string()).collect()
}

fn fails(text: &str, check: &str) -> bool {
    !fields(text, check).is_empty()
}

fn object(group: &str, kind: &str, namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: {group}.istio.io/v1\nkind: {kind}\n\
         metadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )
}

fn namespace(name: &str, labels: &str) -> String {
    format!("---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {labels}}}\n")
}

fn deployment(namespace: &str, labels: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: {namespace}}}\n\
         spec: {{template: {{metadata: {{labels: {labels}}}, spec: {{containers: [{{name: web}}]}}}}}}\n"
    )
}

fn service(namespace: &str, annotations: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\n\
         metadata: {{name: web, namespace: {namespace}, annotations: {annotations}}}\n\
         spec: {{selector: {{app: web}}, ports: [{{port: 80, name: http}}]}}\n"
    )
}

fn policy(spec: &str) -> String {
    object("security", "AuthorizationPolicy", "shop", "web", spec)
}

#[test]
fn a_workload_is_judged_by_the_mode_that_holds_for_it() {
    let pods = namespace("shop", "{istio-injection: enabled}") + &deployment("shop", "{app: web}");
    let peer = |namespace: &str, spec: &str| {
        object("security", "PeerAuthentication", namespace, "p", spec)
    };
    let strict_mesh = peer("istio-system", "{mtls: {mode: STRICT}}");
    for (policies, permissive, plaintext) in [
        (String::new(), true, false),
        (strict_mesh.clone(), false, false),
        (strict_mesh.clone() + &peer("shop", "{mtls: {mode: DISABLE}}"), false, true),
        (strict_mesh.clone() + &peer("bank", "{mtls: {mode: DISABLE}}"), false, false),
        (
            strict_mesh
                + &peer(
                    "shop",
                    "{selector: {matchLabels: {app: web}}, portLevelMtls: {8080: {mode: PERMISSIVE}}}",
                ),
            true,
            false,
        ),
    ] {
        let text = pods.clone() + &policies;
        assert_eq!(fails(&text, "mesh-workload-permissive"), permissive, "{text}");
        assert_eq!(fails(&text, "mesh-workload-plaintext"), plaintext, "{text}");
    }
}

#[test]
fn pods_outside_of_the_mesh_are_not_asked_for_mutual_tls() {
    for text in [
        deployment("shop", "{app: web}"),
        namespace("shop", "{istio-injection: disabled}") + &deployment("shop", "{app: web}"),
        namespace("shop", "{istio-injection: enabled}")
            + &deployment("shop", "{app: web, sidecar.istio.io/inject: 'false'}"),
        // Whether the namespace is in the mesh is not in the input.
        deployment("shop", "{app: web}") + &policy("{}"),
    ] {
        assert!(!fails(&text, "mesh-workload-permissive"), "{text}");
    }
}

#[test]
fn a_policy_without_rules_denies_and_one_with_an_empty_rule_allows() {
    for (spec, allows) in [
        ("{}", false),
        ("{rules: []}", false),
        ("{rules: [{}]}", true),
        ("{rules: [{from: [{source: {}}]}]}", true),
        ("{action: DENY, rules: [{}]}", false),
        ("{rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]}", false),
        ("{rules: [{when: [{key: source.ip, values: [10.0.0.1]}]}]}", false),
    ] {
        assert_eq!(fails(&policy(spec), "authorization-policy-allows-all"), allows, "{spec}");
    }
}

#[test]
fn identities_count_where_callers_must_have_one() {
    let by_principal = "from: [{source: {principals: [a]}}]";
    let by_others = "from: [{source: {notPrincipals: [a]}}]";
    for (mode, action, rule, expected) in [
        ("PERMISSIVE", "ALLOW", by_principal, false),
        ("PERMISSIVE", "ALLOW", by_others, true),
        ("PERMISSIVE", "DENY", by_principal, true),
        ("DISABLE", "ALLOW", by_principal, true),
        ("STRICT", "DENY", by_principal, false),
    ] {
        let text = deployment("shop", "{app: web}")
            + &object(
                "security",
                "PeerAuthentication",
                "shop",
                "p",
                &format!("{{mtls: {{mode: {mode}}}}}"),
            )
            + &policy(&format!("{{action: {action}, rules: [{{{rule}}}]}}"));
        assert_eq!(fails(&text, "authorization-policy-needs-mutual-tls"), expected, "{text}");
    }
}

#[test]
fn a_path_is_denied_with_what_is_below_it() {
    for (paths, passes) in [
        ("[/admin]", false),
        ("[/admin, '/admin/*']", true),
        ("['/admin*']", true),
        ("[/admin/, '/admin/{**}']", true),
        ("[/config.json]", true),
        ("['*/admin']", true),
    ] {
        let text = policy(&format!(
            "{{action: DENY, rules: [{{to: [{{operation: {{paths: {paths}}}}}]}}]}}"
        ));
        assert_eq!(!fails(&text, "authorization-policy-exact-path"), passes, "{paths}");
    }
}

#[test]
fn a_destination_is_known_where_it_is_exported_to() {
    let route = |namespace: &str, host: &str, export: &str| {
        let spec = format!(
            "{{hosts: [a.example.com], exportTo: [{export}], http: [{{route: [{{destination: {{host: {host}}}}}]}}]}}"
        );
        object("networking", "VirtualService", namespace, "v", &spec)
    };
    let full = "web.shop.svc.cluster.local";
    let hidden = "{networking.istio.io/exportTo: bank}";
    for (text, unknown) in [
        (service("shop", "{}") + &route("shop", "web", "."), false),
        (service("shop", "{}") + &route("bank", "web", "."), true),
        (service("shop", "{}") + &route("bank", full, "."), false),
        (service("shop", hidden) + &route("bank", full, "."), false),
        (service("shop", hidden) + &route("edge", full, "."), true),
        (service("shop", hidden) + &route("bank", full, "edge"), true),
        // Nothing of the namespace is in the input.
        (route("shop", "web.other.svc.cluster.local", "."), false),
    ] {
        assert_eq!(fails(&text, "virtual-service-unknown-host"), unknown, "{text}");
    }
}

#[test]
fn what_kustomize_may_still_change_is_not_called_missing() {
    let text = policy("{selector: {matchLabels: {app: web}}}");
    assert!(fails(&text, "authorization-policy-selects-nothing"));
    let text = text + "---\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
    assert!(!fails(&text, "authorization-policy-selects-nothing"));
    let undecided = run(&text, Completeness::WholeInput).not_evaluated;
    assert!(undecided.iter().any(|not| not.check.id == "authorization-policy-selects-nothing"));
}

#[test]
fn the_first_rule_that_matches_hides_the_others() {
    let route = |http: &str| {
        let spec = format!("{{hosts: [a.example.com], http: {http}}}");
        object("networking", "VirtualService", "shop", "v", &spec)
    };
    let prefix = |path: &str| format!("{{match: [{{uri: {{prefix: {path}}}}}]}}");
    for (http, unreachable) in [
        (format!("[{}, {}]", prefix("/a"), prefix("/b")), vec![]),
        (format!("[{}, {}]", prefix("/a"), prefix("/a/b")), vec!["spec.http[1]"]),
        (format!("[{}, {}]", prefix("/a/b"), prefix("/a")), vec![]),
        (format!("[{}, {{}}]", prefix("/a")), vec![]),
        (format!("[{{}}, {}, {{}}]", prefix("/a")), vec!["spec.http[1]", "spec.http[2]"]),
        (
            "[{match: [{uri: {prefix: /a}, method: {exact: GET}}]}, {match: [{uri: {prefix: /a}}]}]"
                .to_owned(),
            vec![],
        ),
    ] {
        assert_eq!(fields(&route(&http), "virtual-service-unreachable-rule"), unreachable, "{http}");
    }
}

#[test]
fn plain_http_servers_share_a_port_in_peace() {
    let gateway = |name: &str, protocol: &str, hosts: &str| {
        let spec = format!(
            "{{selector: {{istio: ingressgateway}}, servers: [{{port: {{number: 80, name: p, protocol: {protocol}}}, hosts: {hosts}}}]}}"
        );
        object("networking", "Gateway", "edge", name, &spec)
    };
    for (left, right, conflict) in [
        (("HTTP", "['*']"), ("HTTP", "['*']"), false),
        (("HTTP", "[a.example.com]"), ("TCP", "[shop/a.example.com]"), true),
        (("HTTP", "[a.example.com]"), ("TCP", "[b.example.com]"), false),
    ] {
        let text = gateway("a", left.0, left.1) + &gateway("b", right.0, right.1);
        assert_eq!(fails(&text, "mesh-gateways-conflict"), conflict, "{text}");
    }
}

#[test]
fn one_object_alone_leaves_open_what_others_decide() {
    let undecided = |text: &str| -> Vec<&'static str> {
        let evaluation = run(text, Completeness::SingleObject);
        evaluation.not_evaluated.iter().map(|not| not.check.id).collect()
    };
    let web = deployment("shop", "{app: web, sidecar.istio.io/inject: 'true'}");
    for check in ["mesh-workload-permissive", "mesh-workload-plaintext"] {
        assert!(undecided(&web).contains(&check));
    }
    let entry = policy("{action: DENY, rules: [{from: [{source: {principals: [a]}}]}]}");
    assert!(undecided(&entry).contains(&"authorization-policy-needs-mutual-tls"));
    assert!(run(&policy("{}"), Completeness::SingleObject).failures.is_empty());
}
