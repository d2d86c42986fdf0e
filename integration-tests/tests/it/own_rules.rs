//! What people's own correlation rules count goes the way of every event: from any intake to the owner of the cluster,
//! and over a restart.

use std::time::Duration;

use airside_ports::Clock;
use airside_service::SystemClock;
use airside_types::Incident;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_correlation_rule_counts_for_each_actor_over_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("rules.yml");
    std::fs::write(&rules, RULES).expect("the rules");
    let platform = TestPlatform::start_with(json!({ "terms": { "rules": [rules] } })).await;
    let post = async |platform: &TestPlatform, events: &[Value]| {
        let list = airside::delivery::event_list(events).to_string();
        assert_eq!(send(platform, "prod", list).await, StatusCode::OK);
    };
    let before =
        [("mallory", "a", 170), ("ada", "a", 169), ("mallory", "b", 168), ("ada", "b", 167)];
    post(&platform, &before.map(|(by, name, ago)| read(by, name, ago))).await;
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
