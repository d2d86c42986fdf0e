//! The rules as a table, and what one start of a program becomes.

use std::collections::BTreeSet;

use airside_types::{Cluster, Detection, Link, Payload, Record, Tenant};

use super::{read, rules};
use crate::runtime::Unreadable;
use crate::{Clock, ClusterProfile, Intake};

fn told(line: &str) -> Result<Vec<Record>, Unreadable> {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let clock = Clock::Recorded;
    read(
        line.as_bytes(),
        &Intake {
            tenant: &tenant,
            cluster: &cluster,
            clock,
            profile: ClusterProfile::unknown(),
            origin: None,
        },
    )
}

fn detections(line: &str) -> Vec<Detection> {
    let detection = |record: Record| match record.payload {
        Payload::Detection(detection) => Some(detection),
        _ => None,
    };
    told(line).unwrap().into_iter().filter_map(detection).collect()
}

fn facts(line: &str) -> Vec<String> {
    let fact = |record: Record| match record.payload {
        Payload::Fact(fact) => Some(format!("{} {} {}", fact.subject, fact.relation, fact.object)),
        _ => None,
    };
    told(line).unwrap().into_iter().filter_map(fact).collect()
}

#[test]
fn every_rule_fires_on_its_example_and_not_on_the_one_beside_it() {
    let fired = |line| -> BTreeSet<String> {
        detections(line).into_iter().map(|detection| detection.rule).collect()
    };
    for rule in rules() {
        let examples = rule.examples.unwrap();
        assert!(fired(examples.fires).contains(rule.id), "{} should fire", rule.id);
        assert!(!fired(examples.quiet).contains(rule.id), "{} should be quiet", rule.id);
    }
}

/// A start as Tetragon exports it.
fn start(binary: &str, arguments: &str, pid: u32) -> String {
    format!(
        r#"{{"process_exec":{{"process":{{"exec_id":"bm9kZS0xOjE6NDE=","pid":6841,"uid":0,"cwd":"/","binary":"{binary}","arguments":"{arguments}",
        "flags":"execve clone","start_time":"2026-11-22T10:00:00.5Z","auid":4294967295,
        "pod":{{"namespace":"shop","name":"web-0","uid":"p1","container":{{"id":"containerd://0123456789abcdef","name":"web",
          "image":{{"id":"registry.example/web@sha256:aa","name":"registry.example/web:4"}},"start_time":"2026-11-22T09:00:00Z","pid":{pid}}}}},
        "docker":"0123456789abcdef","parent_exec_id":"x"}},"parent":{{"exec_id":"x","binary":"/usr/bin/runc"}}}},
        "node_name":"node-1","time":"2026-11-22T10:00:00.5Z"}}"#
    )
}

#[test]
fn a_start_tells_pod_container_node_and_image() {
    let found = detections(&start("/bin/sh", "-c mysql --password hunter2", 41));
    let [found] = found.as_slice() else { panic!("one detection: {found:?}") };
    let shown = |link: &Link| format!("{}: {}", link.role.as_str(), link.entity);
    assert_eq!(
        found.links.iter().map(shown).collect::<Vec<_>>(),
        [
            "actor: Pod shop/web-0",
            "actor: Container web",
            "context: Node node-1",
            "context: Image registry.example/web:4",
        ]
    );
    assert_eq!(
        found.message,
        "Shell started in a container from outside: `/bin/sh -c mysql --password «redacted»` in Pod \
         shop/web-0, started by runc."
    );
    assert!(!format!("{found:?}").contains("hunter2"));
}

#[test]
fn a_container_is_told_once_when_it_starts() {
    let expected = [
        "Pod shop/web-0 exists Pod shop/web-0",
        "Container web part-of Pod shop/web-0",
        "Container web runs-image Image registry.example/web:4",
        "Pod shop/web-0 runs-on Node node-1",
    ];
    assert_eq!(facts(&start("/app/web", "", 1)), expected);
    assert!(facts(&start("/app/web", "", 30)).is_empty());
}

#[test]
fn a_program_of_the_host_is_the_nodes() {
    let line = r#"{"process_exec":{"process":{"binary":"/usr/bin/xmrig"}},"node_name":"node-1","time":"2026-11-22T10:00:00Z"}"#;
    let found = detections(line);
    assert_eq!(found[0].links.len(), 1);
    assert_eq!(found[0].links[0].entity.to_string(), "Node node-1");
}

#[test]
fn limits_of_the_export_are_gaps() {
    let line = r#"{"rate_limit_info":{"number_of_dropped_process_events":"312"},"node_name":"node-1","time":"2026-11-22T10:01:00Z"}"#;
    let records = told(line).unwrap();
    let [Record { payload: Payload::Gap(gap), .. }] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!((gap.lost, gap.origin.as_str()), (Some(312), "node-1"));
}

#[test]
fn other_events_are_named_and_no_events_refused() {
    let kprobe =
        r#"{"process_kprobe":{"process":{}},"node_name":"n","time":"2026-11-22T10:01:00Z"}"#;
    assert!(
        matches!(told(kprobe), Err(Unreadable::NotUnderstood { kind, .. }) if kind == "process_kprobe")
    );
    for text in ["", "{}", "[1]", "{\"process_exec\":3}"] {
        assert!(matches!(told(text), Err(Unreadable::Malformed { .. })), "{text}");
    }
}
