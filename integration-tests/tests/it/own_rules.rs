//! What people's own correlation rules count goes the way of every event: from any intake to the owner of the cluster,
//! and over a restart.

use std::time::Duration;

use airside_ports::Clock;
use airside_service::SystemClock;
use airside_types::Incident;
use airside_wire::v1::rules_service_client::RulesServiceClient;
use airside_wire::v1::{ListRulesRequest, RuleFile, SetRulesRequest, SetRulesResponse};
use http::StatusCode;
use serde_json::{Value, json};

use crate::platform::TestPlatform;
use crate::raw_records::send;

const RULES: &str = "\
title: A setting read
name: read
id: 0f2f6a0e-3d8e-4d5b-9d55-2f1f0a6c1c11
status: test
logsource: {product: kubernetes, service: audit}
tags: [attack.discovery, attack.t1613]
level: low
detection:
  reading: {verb: get, objectRef.resource: configmaps}
  condition: reading
---
title: Many settings read
id: 5b2dd0d2-3b0b-4c27-9d0f-8f6ea3cd6a22
status: test
tags: [attack.discovery, attack.t1613]
level: high
correlation:
  type: value_count
  rules: [read]
  group-by: [user.username]
  timespan: 5m
  condition: {field: objectRef.name, gte: 3}
";

/// Somebody reads a ConfigMap some time ago.
fn read(by: &str, name: &str, seconds_ago: u64) -> Value {
    let time = SystemClock.now().minus(Duration::from_secs(seconds_ago)).to_string();
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata",
        "auditID": format!("{by}-{name}"), "stage": "ResponseComplete", "verb": "get",
        "requestURI": format!("/api/v1/namespaces/shop/configmaps/{name}"),
        "user": { "username": by }, "sourceIPs": ["10.0.0.9"], "userAgent": "app/1",
        "objectRef": { "resource": "configmaps", "namespace": "shop", "name": name },
        "responseStatus": { "code": 200 },
        "requestReceivedTimestamp": time, "stageTimestamp": time,
    })
}

async fn post(platform: &TestPlatform, events: &[Value]) {
    let list = airside::delivery::event_list(events).to_string();
    assert_eq!(send(platform, "prod", list).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correlation_rule_counts_for_each_actor_over_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("rules.yml");
    std::fs::write(&rules, RULES).expect("the rules");
    let platform = TestPlatform::start_with(json!({
        "terms": { "rules": [rules] },
        "audit-ingest": { "clusters_in_memory": 1 },
    }))
    .await;
    let before =
        [("mallory", "a", 170), ("ada", "a", 169), ("mallory", "b", 168), ("ada", "b", 167)];
    post(&platform, &before.map(|(by, name, ago)| read(by, name, ago))).await;
    // What was counted waits in the store while another cluster has the memory.
    let elsewhere = airside::delivery::event_list(&[read("ada", "c", 166)]).to_string();
    assert_eq!(send(&platform, "other", elsewhere).await, StatusCode::OK);
    // What was counted twice would be enough for ada as well.
    post(&platform, &before.map(|(by, name, ago)| read(by, name, ago))).await;
    let platform = platform.restart().await;
    // A third one, out of order; and somebody by whom the time goes on, so that nothing older can still come.
    post(&platform, &[read("mallory", "c", 169), read("carl", "a", 5)]).await;
    let told = platform.incidents_when(|all| !all.is_empty()).await;
    let shown = |all: &[Incident]| all.iter().map(|it| it.title.clone()).collect::<Vec<_>>();
    assert_eq!(shown(&told), ["User mallory (from 10.0.0.9) looked around"]);
    platform.stop().await;
}

/// Sets rules over the API.
async fn set(platform: &TestPlatform, files: &[(&str, &str)], dry_run: bool) -> SetRulesResponse {
    let file =
        |(path, text): &(&str, &str)| RuleFile { path: (*path).into(), text: (*text).into() };
    let request = SetRulesRequest { files: files.iter().map(file).collect(), dry_run };
    let answer = RulesServiceClient::new(platform.api().await).set_rules(request).await;
    answer.expect("an answer").into_inner()
}

async fn in_force(platform: &TestPlatform) -> Vec<String> {
    let answer =
        RulesServiceClient::new(platform.api().await).list_rules(ListRulesRequest {}).await;
    let rules = answer.expect("a list").into_inner().rules.into_iter();
    rules.map(|rule| rule.title).collect()
}

/// A rule that uses one of the settings.
const MORE: &str = "\
title: A setting read twice
id: 7a1c2a44-58a7-4a8e-a7a5-0a86c7b1c733
status: test
tags: [attack.discovery, attack.t1613]
level: high
correlation:
  type: event_count
  rules: [read]
  group-by: [user.username]
  timespan: 5m
  condition: {gte: 2}
";

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_are_set_over_the_api_hold_from_the_next_event_on_and_survive() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("rules.yml");
    std::fs::write(&rules, RULES).expect("the rules");
    let platform = TestPlatform::start_with(json!({ "terms": { "rules": [rules] } })).await;

    let wrong = MORE.replace("[read]", "[write]").replace("read twice", "written twice");
    let answer = set(&platform, &[("more.yml", MORE), ("wrong.yml", &wrong)], false).await;
    let problems: Vec<_> = answer.problems.iter().map(|it| it.text.as_str()).collect();
    assert!(!answer.in_force && problems[0].contains("write"), "{problems:?}");
    let answer = set(&platform, &[("more.yml", MORE)], true).await;
    assert_eq!((answer.in_force, answer.rules.len(), answer.problems.len()), (false, 3, 0));
    assert_eq!(in_force(&platform).await, ["A setting read", "Many settings read"]);

    assert!(set(&platform, &[("more.yml", MORE)], false).await.in_force);
    let platform = platform.restart().await;
    let all = ["A setting read", "A setting read twice", "Many settings read"];
    let mut told = in_force(&platform).await;
    told.sort();
    assert_eq!(told, all);
    post(&platform, &[read("eve", "a", 170), read("eve", "b", 169), read("carl", "a", 5)]).await;
    let incidents = platform.incidents_when(|all| !all.is_empty()).await;
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert!(incidents[0].title.contains("eve"), "{}", incidents[0].title);

    assert!(set(&platform, &[], false).await.in_force);
    assert_eq!(in_force(&platform).await, ["A setting read", "Many settings read"]);
    platform.stop().await;
}
