//! What fires is what `rsigma`'s own engine says of the same JSON: neither the index nor the view of an event changes
//! what a rule means.

use airside_detect::audit::Event;
use proptest::prelude::*;
use rsigma_eval::{Engine, JsonEvent};
use rsigma_parser::parse_sigma_yaml;
use serde_json::{Value, json};

use super::rule;
use crate::set::RuleSet;
use crate::view::View;

const ITEMS: [&str; 16] = [
    "verb: create",
    "verb: [get, Delete]",
    "verb|startswith: c",
    "objectRef.resource: pods",
    "objectRef.resource: [secrets, pods]",
    "objectRef.subresource: exec",
    "objectRef.subresource: null",
    "objectRef.subresource|exists: false",
    "objectRef.namespace: Kube-System",
    "objectRef.name|contains: e",
    "objectRef.name: web",
    "user.username: alice",
    "user.groups: ops",
    "stage: ResponseComplete",
    "requestObject.spec.containers.image|endswith: latest",
    "responseStatus.code|gte: 400",
];

fn detection() -> impl Strategy<Value = String> {
    let item = prop::sample::select(&ITEMS[..]);
    let selection = prop::collection::vec(item, 1..4);
    let condition = prop::sample::select(
        &["a", "a and b", "a or b", "a and not b", "not a", "1 of them", "all of them"][..],
    );
    (selection.clone(), selection, condition).prop_map(|(a, b, condition)| {
        let section = |name: &str, items: &[&str]| {
            let mut keys: Vec<&str> = Vec::new();
            let mut text = format!("{name}:\n");
            for item in items {
                let key = item.split(':').next().unwrap_or_default();
                if !keys.contains(&key) {
                    keys.push(key);
                    text.push_str(&format!("  {item}\n"));
                }
            }
            text
        };
        format!("{}{}condition: {condition}", section("a", &a), section("b", &b))
    })
}

fn event() -> impl Strategy<Value = Value> {
    let of = |values: &'static [&'static str]| prop::sample::select(values);
    (
        of(&["create", "get", "delete", "list"]),
        of(&["pods", "secrets", "nodes", ""]),
        of(&["", "exec", "status"]),
        of(&["", "kube-system", "shop"]),
        of(&["", "web", "Etcd"]),
        of(&["alice", "bob", ""]),
        of(&["dev", "ops"]),
        of(&["a:latest", "a:1"]),
        prop::sample::select(&[200, 403][..]),
    )
        .prop_map(|(verb, resource, sub, namespace, name, user, group, image, code)| {
            let mut target = serde_json::Map::new();
            for (key, value) in
                [("resource", resource), ("subresource", sub), ("namespace", namespace), ("name", name)]
            {
                if !value.is_empty() {
                    target.insert(key.to_owned(), json!(value));
                }
            }
            let mut event = json!({
                "kind": "Event", "apiVersion": "audit.k8s.io/v1", "stage": "ResponseComplete", "verb": verb,
                "requestURI": "/api/v1/x", "objectRef": target, "user": {"groups": [group, "all"]},
                "responseStatus": {"code": code},
                "requestObject": {"spec": {"containers": [{"image": "b"}, {"image": image}]}},
            });
            if !user.is_empty() {
                event["user"]["username"] = json!(user);
            }
            event
        })
}

proptest! {
    #[test]
    fn what_fires_is_what_rsigma_says(
        detections in prop::collection::vec(detection(), 1..12),
        events in prop::collection::vec(event(), 1..12),
    ) {
        let texts: Vec<String> =
            detections.iter().enumerate().map(|(n, it)| rule(&format!("Rule {n}"), it)).collect();
        let text = texts.join("---\n");
        // Rules that can never fire are refused: they must not fire there either.
        let (rules, problems) = RuleSet::read([("own.yaml", text.as_str())]);
        let mut engine = Engine::new();
        engine.add_collection(&parse_sigma_yaml(&text).unwrap()).unwrap();
        for event in &events {
            let text = event.to_string();
            let parsed = Event::parse(&text).unwrap();
            let mut ours: Vec<String> =
                rules.matches(&View::new(&parsed)).map(|it| it.rule.info.id.clone()).collect();
            let mut theirs: Vec<String> = engine
                .evaluate(&JsonEvent::borrow(event))
                .into_iter()
                .map(|it| format!("SIGMA-{}", crate::rule::slug(&it.header.rule_title)))
                .collect();
            ours.sort();
            theirs.sort();
            prop_assert_eq!(ours, theirs, "{} {:?}", event, problems);
        }
    }
}
