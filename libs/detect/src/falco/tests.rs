//! Alerts as Falco writes them, and what becomes of each.

use std::collections::BTreeSet;

use airside_types::{
    Cluster, Detection, LinkRole, Payload, Record, Severity, Tactic, Tenant, Timestamp,
};

use super::{read, rules, slug};
use crate::runtime::Unreadable;
use crate::{Clock, ClusterProfile, Intake};

fn told(alert: &str) -> Result<Vec<Record>, Unreadable> {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let clock = Clock::Recorded;
    read(
        alert.as_bytes(),
        &Intake {
            tenant: &tenant,
            cluster: &cluster,
            clock,
            profile: ClusterProfile::unknown(),
            origin: None,
        },
    )
}

fn detection(alert: &str) -> Detection {
    let first = told(alert).unwrap().into_iter().next().unwrap();
    let Payload::Detection(detection) = first.payload else { panic!("a detection: {first:?}") };
    detection
}

fn shown(detection: &Detection) -> Vec<String> {
    let line = |link: &airside_types::Link| format!("{}: {}", link.role.as_str(), link.entity);
    detection.links.iter().map(line).collect()
}

/// An alert of Falco 0.44 about a process in a container.
const IN_CONTAINER: &str = r#"{"hostname":"node-1","output":"10:00:00.123456789: Notice Redirect stdout/stdin to network connection",
  "output_fields":{"container.id":"0123456789ab","container.image.repository":"registry.example/web","container.image.tag":"4",
    "container.name":"web","evt.time":1795341600123456789,"evt.time.iso8601":1795341600123456789,"evt.type":"connect",
    "fd.name":"10.244.1.7:47325->198.51.100.23:4444","fd.sip":"198.51.100.23","k8s.ns.name":"shop","k8s.pod.name":"web-0",
    "k8s.pod.uid":"p1","proc.cmdline":"bash -c curl --token hunter2","proc.pname":"httpd","user.loginuid":-1,"user.name":"www-data","user.uid":33},
  "priority":"Notice","rule":"Redirect STDOUT/STDIN to Network Connection in Container","source":"syscall",
  "tags":["mitre_execution","T1059"],"time":"2026-11-22T10:00:00.123456789Z"}"#;

#[test]
fn an_alert_tells_pod_container_and_remote_address() {
    let found = detection(IN_CONTAINER);
    assert_eq!(found.rule, "FALCO-redirect-stdout-stdin-to-network-connection-in-container");
    assert_eq!((found.severity, found.tactic), (Severity::High, Tactic::Execution));
    assert_eq!(
        shown(&found),
        [
            "actor: Pod shop/web-0",
            "actor: Container web",
            "means: Address 198.51.100.23",
            "context: Node node-1",
            "context: Image registry.example/web:4",
        ]
    );
    assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    let facts: Vec<String> = told(IN_CONTAINER)
        .unwrap()
        .into_iter()
        .filter_map(|record| match record.payload {
            Payload::Fact(fact) => {
                Some(format!("{} {} {}", fact.subject, fact.relation, fact.object))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        facts,
        [
            "Pod shop/web-0 exists Pod shop/web-0",
            "Container web part-of Pod shop/web-0",
            "Pod shop/web-0 runs-on Node node-1",
        ]
    );
}

#[test]
fn a_process_of_the_host_is_the_nodes() {
    let found = detection(
        r#"{"hostname":"node-2","priority":"Warning","rule":"Read sensitive file untrusted","time":"2026-11-22T10:00:00Z",
           "output_fields":{"container.id":"host","container.name":"host","k8s.pod.name":null,"k8s.ns.name":null,"proc.cmdline":"cat /etc/shadow"}}"#,
    );
    assert_eq!(shown(&found), ["actor: Node node-2"]);
}

#[test]
fn an_event_of_a_plugin_is_not_the_nodes() {
    let found = detection(
        r#"{"hostname":"falco-0","priority":"Notice","rule":"Own","source":"k8s_audit","time":"2026-11-22T10:00:00Z","output_fields":{"ka.verb":"get"}}"#,
    );
    assert_eq!(found.linked(LinkRole::Actor).count(), 0);
}

#[test]
fn addresses_that_every_pod_connects_to_are_not_linked() {
    for (rule, name) in [
        ("Contact K8S API Server From Container", "10.244.1.7:1->10.96.0.1:443"),
        (
            "Contact EC2 Instance Metadata Service From Container",
            "10.244.1.7:1->169.254.169.254:80",
        ),
        ("Own", "127.0.0.1:1->127.0.0.1:80"),
    ] {
        let found = detection(&format!(
            r#"{{"hostname":"n","priority":"Notice","rule":"{rule}","time":"2026-11-22T10:00:00Z","output_fields":{{"container.id":"0123456789ab","fd.name":"{name}"}}}}"#
        ));
        assert_eq!(found.linked(LinkRole::Means).count(), 0, "{rule}");
    }
}

#[test]
fn every_rule_of_falco_is_mapped_to_its_own_meaning() {
    let mut ids = BTreeSet::new();
    for rule in rules() {
        assert_eq!(rule.id, format!("FALCO-{}", slug(rule.title)));
        assert_eq!(rule.equivalents, [format!("falco:{}", rule.title)]);
        assert!(ids.insert(rule.id), "{} stands twice", rule.id);
        let serves =
            |technique: &airside_types::Technique| technique.tactics().contains(&rule.tactic);
        assert!(
            rule.techniques.iter().any(serves),
            "{}: no technique serves {}",
            rule.id,
            rule.tactic
        );
        let found = detection(&format!(
            r#"{{"rule":{:?},"priority":"Debug","tags":["T1565"]}}"#,
            rule.title
        ));
        assert_eq!((found.rule.as_str(), found.severity), (rule.id, rule.severity));
    }
    assert_eq!(ids.len(), 93);
}

#[test]
fn peoples_own_rules_are_mapped_by_priority_and_tags() {
    let found = |priority: &str, tags: &str| {
        detection(&format!(
            r#"{{"rule":"Our Own: Rule!","priority":"{priority}","tags":{tags},"time":"2026-11-22T10:00:00Z"}}"#
        ))
    };
    let tagged = found("Critical", r#"["custom","T1611","T0000","mitre_privilege_escalation"]"#);
    assert_eq!(tagged.rule, "FALCO-our-own-rule");
    assert_eq!((tagged.severity, tagged.tactic), (Severity::High, Tactic::PrivilegeEscalation));
    assert_eq!(tagged.techniques.iter().map(|found| found.id()).collect::<Vec<_>>(), ["T1611"]);
    assert_eq!(found("Notice", "[]").tactic, Tactic::Execution);
    assert_eq!(found("Warning", r#"["T1485"]"#).tactic, Tactic::Impact);
    for (priority, severity) in [
        ("Emergency", Severity::Critical),
        ("Alert", Severity::Critical),
        ("Error", Severity::Medium),
        ("Warning", Severity::Medium),
        ("Notice", Severity::Low),
        ("Informational", Severity::Info),
        ("Debug", Severity::Info),
    ] {
        assert_eq!(found(priority, "null").severity, severity, "{priority}");
    }
}

#[test]
fn drop_notices_of_every_version_are_gaps() {
    for fields in [
        r#""output_fields":{"n_drops":815508,"n_evts":2270350}"#,
        r#""output_fields":{"n_drops":"815508","n_evts":"2270350"}"#,
        r#""output_fields":{}"#,
    ] {
        let notice = format!(
            r#"{{"hostname":"node-1","output":"Falco internal: syscall event drop. 815508 system calls dropped in last second.",{fields},"priority":"Debug","rule":"Falco internal: syscall event drop","time":"2026-11-22T10:00:01Z"}}"#
        );
        let records = told(&notice).unwrap();
        let [Record { payload: Payload::Gap(gap), .. }] = records.as_slice() else {
            panic!("one gap: {records:?}")
        };
        let until = Timestamp::parse_rfc3339("2026-11-22T10:00:01Z").unwrap();
        assert_eq!((gap.origin.as_str(), gap.lost, gap.until), ("node-1", Some(815_508), until));
        assert!(gap.from < gap.until);
    }
    let other = r#"{"rule":"Falco internal: outputs timeout","time":"2026-11-22T10:00:01Z","output_fields":{}}"#;
    assert_eq!(told(other).unwrap(), []);
}

#[test]
fn the_same_alert_is_the_same_record_and_another_is_not() {
    let again = told(IN_CONTAINER).unwrap();
    assert_eq!(told(IN_CONTAINER).unwrap(), again);
    let forwarded = IN_CONTAINER.replacen('{', r#"{"uuid":"added on the way","#, 1);
    assert_eq!(told(&forwarded).unwrap(), again);
    for other in [
        IN_CONTAINER.replace("node-1", "node-2"),
        IN_CONTAINER.replace("httpd", "nginx"),
        IN_CONTAINER.replace("10:00:00.123456789Z", "10:00:00.123456790Z"),
    ] {
        assert_ne!(told(&other).unwrap()[0].id, again[0].id);
    }
}

#[test]
fn a_missing_or_broken_time_falls_back() {
    let time = |text: &str| told(text).unwrap()[0].event_time;
    let at = Timestamp::from_nanos(1_795_341_600_123_456_789);
    let fields = r#""output_fields":{"evt.time":1795341600123456789}"#;
    assert_eq!(time(&format!(r#"{{"rule":"R",{fields}}}"#)), at);
    assert_eq!(time(&format!(r#"{{"rule":"R","time":"now",{fields}}}"#)), at);
    assert_eq!(time(r#"{"rule":"R"}"#), Timestamp::EPOCH);
}

#[test]
fn what_is_no_alert_is_refused() {
    for text in ["", "{", "[]", "{}", r#"{"rule":7}"#, "not JSON"] {
        assert!(matches!(told(text), Err(Unreadable::Malformed { .. })), "{text}");
    }
}
