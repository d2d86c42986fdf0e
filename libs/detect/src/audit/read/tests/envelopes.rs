//! Each envelope around the same event gives the same event, but for what it marks as inferred.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::super::input;
use crate::audit::event::{Event, Field};

const EVENT: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a-1","stage":"ResponseComplete","requestURI":"/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings?fieldManager=kubectl","verb":"create","user":{"username":"dana@example.net","groups":["devs","system:authenticated"]},"sourceIPs":["198.51.100.9"],"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"rolebindings","namespace":"shop","name":"b","apiGroup":"rbac.authorization.k8s.io","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":403},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"edit"}},"responseObject":{"kind":"Status","code":403},"requestReceivedTimestamp":"2026-11-22T10:00:00.000001Z","stageTimestamp":"2026-11-22T10:00:00.100000Z","annotations":{"authorization.k8s.io/decision":"forbid"}}"#;

/// The fields of an event, by name; bodies as values.
fn fields(event: &Event<'_>) -> Vec<(&'static str, String)> {
    let object = event.object_ref.clone().unwrap_or_default();
    let body = |raw: Option<crate::json::RawJson<'_>>| {
        raw.map_or_else(String::new, |raw| {
            serde_json::from_str::<serde_json::Value>(raw.get()).unwrap().to_string()
        })
    };
    vec![
        ("auditID", event.audit_id.to_string()),
        ("stage", event.stage.to_string()),
        ("level", event.level.to_string()),
        ("requestURI", event.request_uri.to_string()),
        ("verb", event.verb.to_string()),
        ("user.username", event.user.username.to_string()),
        ("user.groups", event.user.groups.join(",")),
        ("sourceIPs", event.source_ips.join(",")),
        ("userAgent", event.user_agent.to_string()),
        ("objectRef.resource", object.resource.to_string()),
        ("objectRef.namespace", object.namespace.to_string()),
        ("objectRef.name", object.name.to_string()),
        ("objectRef.apiGroup", object.api_group.to_string()),
        ("responseStatus.code", format!("{:?}", event.response_status.code)),
        ("requestObject", body(event.request_object)),
        ("responseObject", body(event.response_object)),
        ("requestReceivedTimestamp", event.request_received.to_string()),
        ("stageTimestamp", event.stage_reached.to_string()),
        ("annotations", event.annotations.decision.to_string()),
        ("truncated", event.truncated.to_string()),
    ]
}

fn gzip(text: &str) -> Vec<u8> {
    // A gzip member of one stored block.
    let mut bytes = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255];
    bytes.extend(b"name\0");
    let length = u16::try_from(text.len()).unwrap();
    bytes.push(1);
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend([0; 8]);
    bytes
}

fn gke(payload: &serde_json::Value) -> String {
    let mut entry = json!({
        "insertId": "i-1", "timestamp": "2026-11-22T10:00:00.000001Z", "receiveTimestamp": "2026-11-22T10:00:01Z",
        "labels": {"authorization.k8s.io/decision": "forbid"}, "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
        "operation": {"id": "a-1", "first": true, "last": true, "producer": "k8s.io"},
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": "k8s.io",
            "methodName": "io.k8s.authorization.rbac.v1.rolebindings.create",
            "resourceName": "rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings/b",
            "authenticationInfo": {"principalEmail": "dana@example.net"},
            "requestMetadata": {"callerSuppliedUserAgent": "kubectl/v1.33.1"},
            "status": {"code": 7, "message": "PERMISSION_DENIED"},
            "request": {"roleRef": {"kind": "ClusterRole", "name": "edit"}},
        },
    });
    for (path, value) in payload.as_object().unwrap() {
        *entry
            .pointer_mut("/protoPayload")
            .unwrap()
            .as_object_mut()
            .unwrap()
            .entry(path.clone())
            .or_insert(json!({})) = value.clone();
    }
    entry.to_string()
}

#[test]
fn each_envelope_around_an_event_gives_that_event() {
    let event: serde_json::Value = serde_json::from_str(EVENT).unwrap();
    let watch =
        json!({"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "/aws/eks/shop/cluster",
        "logStream": "kube-apiserver-audit-1", "subscriptionFilters": ["f"],
        "logEvents": [{"id": "1", "timestamp": 1_763_805_600_000_u64, "message": EVENT}]})
        .to_string();
    let packed = STANDARD.encode(gzip(&watch));
    let plain = STANDARD.encode(EVENT);
    let metadata =
        |ip: &str| json!({ip: "198.51.100.9", "callerSuppliedUserAgent": "kubectl/v1.33.1"});
    let entry = gke(
        &json!({"requestMetadata": metadata("callerIp"), "response": {"kind": "Status", "code": 403}}),
    );
    let row = |json: fn(&serde_json::Value) -> serde_json::Value| {
        json!({"TimeGenerated": "2026-11-22T10:00:02Z", "Type": "AKSAudit", "AuditId": "a-1", "Level": "RequestResponse",
            "Stage": "ResponseComplete", "RequestUri": event["requestURI"], "Verb": "create", "User": json(&event["user"]),
            "SourceIps": json(&event["sourceIPs"]), "UserAgent": "kubectl/v1.33.1", "ObjectRef": json(&event["objectRef"]),
            "ResponseStatus": json(&event["responseStatus"]), "RequestObject": json(&event["requestObject"]),
            "ResponseObject": json(&event["responseObject"]), "RequestReceivedTime": event["requestReceivedTimestamp"],
            "StageReceivedTime": event["stageTimestamp"], "Annotations": json(&event["annotations"]), "PodName": "kube-apiserver-1"})
    };
    let as_text = |value: &serde_json::Value| value.to_string().into();
    let hub = |log: &serde_json::Value| {
        json!({"records": [{"time": "t", "resourceId": "r", "category": "kube-audit", "operationName": "o",
            "properties": {"log": log, "stream": "stdout", "pod": "p", "containerID": "c"}}]})
        .to_string()
    };
    let items = |version: &str| {
        let mut item = event.clone();
        item.as_object_mut().unwrap().retain(|key, _| key != "kind" && key != "apiVersion");
        json!({"kind": "EventList", "apiVersion": version, "metadata": {}, "items": [item]})
            .to_string()
    };
    const OF_GKE: &[Field] = &[
        Field::AuditId,
        Field::Stage,
        Field::Level,
        Field::Groups,
        Field::StageTimestamp,
        Field::RequestUri,
    ];
    let table: Vec<(&str, String, &[Field])> = vec![
        ("line", EVENT.to_owned(), &[]),
        ("byte order mark", format!("\u{feff}{EVENT}"), &[]),
        ("EventList", items("audit.k8s.io/v1"), &[]),
        ("EventList of v1beta1", items("audit.k8s.io/v1beta1"), &[]),
        ("CloudWatch", watch, &[]),
        ("Lambda", json!({"awslogs": {"data": packed}}).to_string(), &[]),
        ("Kinesis", json!({"Records": [{"kinesis": {"data": packed}, "eventSource": "aws:kinesis"}]}).to_string(), &[]),
        ("Firehose", json!({"requestId": "r", "timestamp": 1, "records": [{"data": packed}]}).to_string(), &[]),
        ("Firehose, in two members", json!({"records": [{"data": STANDARD.encode([gzip(EVENT.split_at(300).0), gzip(EVENT.split_at(300).1)].concat())}]}).to_string(), &[]),
        ("Firehose, not packed", json!({"requestId": "r", "timestamp": 1, "records": [{"data": plain}]}).to_string(), &[]),
        ("Firehose's transformation", json!({"invocationId": "i", "deliveryStreamArn": "a", "region": "r", "records": [{"recordId": "1", "data": packed}]}).to_string(), &[]),
        ("GKE", entry.clone(), OF_GKE),
        ("GKE, older name of the address", gke(&json!({"requestMetadata": metadata("callerIP"), "response": {"kind": "Status", "code": 403}})), OF_GKE),
        ("Pub/Sub", json!({"message": {"data": STANDARD.encode(&entry), "messageId": "1"}, "subscription": "s"}).to_string(), OF_GKE),
        ("Event Hub, text", hub(&json!(EVENT)), &[]),
        ("Event Hub, object", hub(&event), &[]),
        ("AKSAudit, objects", row(Clone::clone).to_string(), &[]),
        ("AKSAudit, texts", json!({"records": [row(as_text)]}).to_string(), &[]),
    ];
    let expected = fields(&Event::parse(EVENT).unwrap());
    for (envelope, text, inferred) in table {
        let mut count = 0;
        input(text.as_bytes(), &mut |item| {
            count += 1;
            let event = item.event.unwrap_or_else(|why| panic!("{envelope}: {why}"));
            let marked: Vec<Field> = event.inferred.iter().collect();
            let told: std::collections::BTreeSet<_> = inferred.iter().copied().collect();
            assert_eq!(
                marked.iter().copied().collect::<std::collections::BTreeSet<_>>(),
                told,
                "{envelope}"
            );
            let differs: Vec<_> = fields(event)
                .into_iter()
                .zip(&expected)
                .filter(|(got, wanted)| {
                    got != *wanted && !marked.iter().any(|field| field.as_str() == got.0)
                })
                .collect();
            assert_eq!(differs, [], "{envelope}");
        });
        assert_eq!(count, 1, "{envelope}");
    }
}

#[test]
fn a_code_that_google_does_not_tell_is_marked_and_a_denial_stays_one() {
    let mut found = Vec::new();
    for status in [json!({}), json!({"code": 7}), json!({"code": "7"}), json!({"code": 5})] {
        input(gke(&json!({"status": status})).as_bytes(), &mut |item| {
            let event = item.event.unwrap();
            found.push((
                event.response_status.code.unwrap(),
                event.inferred.contains(Field::ResponseCode),
            ));
        });
    }
    assert_eq!(found, [(200, true), (403, true), (403, true), (404, true)]);
}

/// Brackets match, so that the whole is passed over as one value, and what is within is none.
#[test]
fn an_envelope_whose_inside_is_broken_is_a_letter() {
    let of_azure =
        |log: &str| format!(r#"{{"category":"kube-audit","properties":{{"log":{log}}}}}"#);
    for (inside, text) in [
        ("a quote of Azure's is escaped", of_azure(r#"\"{},":1"#)),
        ("nothing of Azure's", of_azure("null")),
        ("no value of Azure's", of_azure(":")),
        ("no event of Azure's", of_azure("[1]")),
        ("an event of Azure's, unread to its end", of_azure(r#"{"a":[]:}"#)),
        ("a form feed, packed", json!({"data": STANDARD.encode("\u{c}")}).to_string()),
        ("keys after a list", r#"{"who":1,"items":[],:}"#.to_owned()),
        ("keys before a list", r#"{"who":1,:"items":[]}"#.to_owned()),
    ] {
        for text in [text.clone(), format!(r#"{{"records":[{text}]}}"#)] {
            let mut letters = Vec::new();
            input(text.as_bytes(), &mut |item| {
                letters.push(item.event.map(|_| ()).unwrap_err().to_string());
                assert!(!item.bytes.is_empty(), "{inside}");
            });
            assert_eq!(letters.len(), 1, "{inside}: {letters:?}");
        }
    }
}

#[test]
fn one_poison_among_envelopes_costs_itself() {
    let azure = json!({"category": "kube-audit", "properties": {"log": EVENT}}).to_string();
    let watch = json!({"id": "1", "timestamp": 1, "message": EVENT}).to_string();
    let packed = json!({"data": STANDARD.encode(EVENT)}).to_string();
    let entry = gke(&json!({}));
    for (list, element) in
        [("records", &azure), ("logEvents", &watch), ("records", &packed), ("items", &entry)]
    {
        for poison in ["{\"a\":", "\"", "}", element.split_at(element.len() / 2).0] {
            let elements = [element.as_str(), element, poison, element, element].join(",");
            let text = format!(r#"{{"{list}":[{elements}]}}"#);
            let (mut events, mut letters) = (0, 0);
            input(text.as_bytes(), &mut |item| {
                events += usize::from(item.event.is_ok_and(|event| !event.truncated));
                letters += usize::from(item.event.is_err());
            });
            assert!(
                events == 4 && letters <= 1,
                "{list} {poison}: {events} events, {letters} letters"
            );
        }
    }
}

/// A client chooses its User-Agent and its Audit-ID, and Azure may cut what is long.
#[test]
fn no_text_of_a_row_is_taken_for_the_row() {
    let row = |audit_id: &str, agent: &str, annotations: &str| {
        json!({"AuditId": audit_id, "Verb": "get", "UserAgent": agent, "Annotations": annotations,
            "User": {"username": "mallory"}, "ObjectRef": r#"{"resource":"secrets","namespace":"shop"}"#,
            "ResponseStatus": r#"{"code":200}"#})
        .to_string()
    };
    let (open, forged) = ("[", r#"{},"objectRef":{"resource":"pods"},"user":{"username":"kube"}"#);
    for (text, is_cut) in [
        (row(open, open, "{}"), false),
        (row(forged, forged, "{}"), false),
        (row("a", "b", r#"{"authorization.k8s.io/reason":"RBAC: al"#), true),
        (row("a", "b", forged), true),
    ] {
        let mut count = 0;
        input(text.as_bytes(), &mut |item| {
            let event = item.event.unwrap();
            let resource = &*event.object_ref.as_ref().unwrap().resource;
            let code = event.response_status.code;
            assert_eq!((&*event.user.username, resource, code), ("mallory", "secrets", Some(200)));
            assert_eq!(event.truncated, is_cut, "{text}");
            count += 1;
        });
        assert_eq!(count, 1, "{text}");
    }
}

#[test]
fn a_body_that_azure_left_out_makes_a_cut_event() {
    let row = r#"{"AuditId":"a","Verb":"create","User":{"username":"dana"},"ObjectRef":{"resource":"pods"},"RequestObject":"skipped-too-big-size-object"}"#;
    input(row.as_bytes(), &mut |item| {
        let event = item.event.unwrap();
        assert!(event.truncated && event.request_object.is_none());
    });
}

#[test]
fn what_cannot_be_unpacked_is_refused_and_bounded() {
    let reason = |data: &str| {
        let mut reasons = Vec::new();
        input(json!({"awslogs": {"data": data}}).to_string().as_bytes(), &mut |item| {
            reasons.push(item.event.unwrap_err().to_string());
        });
        reasons.join("; ")
    };
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![b' '; (128 << 20) + 1], 1);
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0];
    assert!(reason(&STANDARD.encode([&header[..], &bomb].concat())).contains("more than"));
    let cut = [&header[..], &miniz_oxide::deflate::compress_to_vec(EVENT.as_bytes(), 6)].concat();
    let cut = STANDARD.encode(&cut[..cut.len() - 90]);
    // Whoever sends many of them has them unpacked once.
    let many =
        vec![json!({"kinesis": {"data": STANDARD.encode([&header[..], &bomb].concat())}}); 20];
    let mut letters = 0;
    input(json!({ "Records": many }).to_string().as_bytes(), &mut |item| {
        letters += usize::from(item.event.is_err());
    });
    assert_eq!(letters, 20);
    let mut events = 0;
    input(json!({"awslogs": {"data": cut}}).to_string().as_bytes(), &mut |item| {
        events += usize::from(item.event.unwrap().truncated);
    });
    assert_eq!(events, 1, "what could be unpacked is read as an event that is cut");
    assert!(reason("%%").contains("base64"));
    assert!(reason("").contains("empty"));
    assert!(reason(&STANDARD.encode([0x1f, 0x8b, 8, 0, 0])).contains("breaks off"));
    assert!(reason(&STANDARD.encode([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 7])).contains("gzip"));
    // Envelopes in envelopes end somewhere.
    let mut text = EVENT.to_owned();
    for _ in 0..9 {
        text = json!({"awslogs": {"data": STANDARD.encode(&text)}}).to_string();
    }
    let mut count = 0;
    input(text.as_bytes(), &mut |item| count += usize::from(item.event.is_err()));
    assert_eq!(count, 1);
}
