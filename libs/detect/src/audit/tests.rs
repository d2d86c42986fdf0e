//! The rules as a table, and what a whole event becomes.

mod checks;
mod evasions;
mod example;
mod examples;
mod ordinary_work;
mod profiles;
mod ways_around;
mod weak_spots;
mod workloads;

use std::collections::BTreeSet;

use airside_types::{Cluster, Detection, Entity, Link, Payload, Record, Severity, Tenant};

use super::event::Event;
use super::{read, records, rules};
use crate::profile::AddressFeed;
use crate::{Clock, ClusterProfile, Intake, Origin, Provider};

fn intake_of<'a>(tenant: &'a Tenant, cluster: &'a Cluster) -> Intake<'a> {
    Intake {
        tenant,
        cluster,
        clock: Clock::Recorded,
        profile: ClusterProfile::unknown(),
        origin: Some(Origin { path: "audit.jsonl", line: 7 }),
    }
}

fn told(text: &str) -> Vec<Record> {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    records(&Event::parse(text).unwrap(), &intake_of(&tenant, &cluster))
}

fn detections(text: &str) -> Vec<Detection> {
    detections_in(ClusterProfile::unknown(), text)
}

fn detections_in(profile: &ClusterProfile, text: &str) -> Vec<Detection> {
    let detection = |record: Record| match record.payload {
        Payload::Detection(detection) => Some(detection),
        _ => None,
    };
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let intake = Intake { profile, ..intake_of(&tenant, &cluster) };
    records(&Event::parse(text).unwrap(), &intake).into_iter().filter_map(detection).collect()
}

fn fired(text: &str) -> BTreeSet<String> {
    detections(text).into_iter().map(|detection| detection.rule).collect()
}

#[test]
fn every_rule_fires_on_its_example_and_not_on_the_one_beside_it() {
    for rule in rules() {
        let examples = rule.examples.unwrap_or_else(|| panic!("{} has no examples", rule.id));
        assert!(fired(examples.fires).contains(rule.id), "{} should fire", rule.id);
        assert!(!fired(examples.quiet).contains(rule.id), "{} should be quiet", rule.id);
    }
}

#[test]
fn the_inventory_is_no_part_of_any_incident() {
    let text = r#"{"verb":"create","requestURI":"/x","user":{"username":"ada"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"a"},"responseStatus":{"code":201}}"#;
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let event = Event::parse(text).unwrap();
    assert!(fired(text).iter().any(|rule| rule.starts_with("AUD-R97")), "it is detected");
    let travelling = super::records_to_correlate(&event, &intake_of(&tenant, &cluster));
    assert!(travelling.iter().all(|it| !matches!(it.payload, Payload::Detection(_))));
}

#[test]
fn no_rule_looks_at_a_request_that_is_not_answered() {
    for rule in rules() {
        let fires = rule.examples.unwrap().fires.replacen('{', r#"{"stage":"RequestReceived","#, 1);
        let fires = fires.replace(r#""stage":"ResponseStarted","#, "");
        assert!(fired(&fires).is_empty(), "{}", rule.id);
    }
}

#[test]
fn a_resource_of_another_group_is_another_thing() {
    let fires = |verb: &str, resource: &str, group: &str, body: &str| {
        let text = format!(
            r#"{{"verb":"{verb}","user":{{"username":"dana"}},"userAgent":"kubectl/v1.33.1","objectRef":{{"resource":"{resource}","apiGroup":"{group}"}},"requestObject":{body},"responseStatus":{{"code":200}}}}"#
        );
        !fired(&text).is_empty()
    };
    for (verb, resource, own, body) in [
        ("list", "secrets", &[""][..], "null"),
        ("create", "services", &[""], r#"{"spec":{"type":"NodePort"}}"#),
        ("create", "daemonsets", &["apps", "extensions", ""], "null"),
        ("delete", "networkpolicies", &["networking.k8s.io", ""], "null"),
        ("deletecollection", "events", &["", "events.k8s.io"], "null"),
    ] {
        for group in own {
            assert!(fires(verb, resource, group, body), "{resource} of {group}");
        }
        assert!(!fires(verb, resource, "example.com", body), "{resource} of another group");
    }
}

#[test]
fn an_empty_reference_names_no_object() {
    let health =
        r#"{"verb":"get","user":{"username":"dana"},"requestURI":"/livez","objectRef":{}}"#;
    assert!(Event::parse(health).unwrap().object_ref.is_none());
    let cut = r#"{"verb":"get","user":{"username":"dana"},"objectRef":{"resource":"pods","na"#;
    assert_eq!(Event::recover(cut).unwrap().object_ref.as_ref().unwrap().resource, "pods");
}

#[test]
fn the_machinery_of_a_cluster_is_quiet() {
    for text in [
        r#"{"verb":"update","user":{"username":"system:kube-scheduler"},"objectRef":{"resource":"leases","namespace":"kube-system","name":"kube-scheduler"},"responseStatus":{"code":200}}"#,
        r#"{"verb":"list","user":{"username":"system:serviceaccount:kube-system:generic-garbage-collector"},"objectRef":{"resource":"secrets"},"responseStatus":{"code":200}}"#,
        r#"{"verb":"get","user":{"username":"system:node:n1","groups":["system:nodes"]},"userAgent":"kubelet/v1.36.2","objectRef":{"resource":"secrets","namespace":"shop","name":"db"},"responseStatus":{"code":200}}"#,
        r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:daemon-set-controller"},"objectRef":{"resource":"pods","namespace":"kube-system"},"requestObject":{"metadata":{"ownerReferences":[{"kind":"DaemonSet","name":"d","controller":true}]},"spec":{"hostNetwork":true,"containers":[{"name":"a","securityContext":{"privileged":true}}]}},"responseStatus":{"code":201}}"#,
        r#"{"verb":"get","requestURI":"/livez?verbose","user":{"username":"system:anonymous"},"responseStatus":{"code":200}}"#,
    ] {
        let is_noticed = |found: &Detection| found.severity > Severity::Info;
        assert!(!detections(text).iter().any(is_noticed), "{text}");
    }
}

#[test]
fn a_name_of_the_machinery_is_not_enough_in_a_shell() {
    let text = |agent: &str| {
        format!(
            r#"{{"verb":"list","user":{{"username":"system:serviceaccount:kube-system:resourcequota-controller"}},"userAgent":"{agent}","objectRef":{{"resource":"secrets"}},"responseStatus":{{"code":200}}}}"#
        )
    };
    assert!(fired(&text("kube-controller-manager/v1.36.2")).is_empty());
    assert!(fired(&text("curl/8.5.0")).contains("AUD-R12"));
}

#[test]
fn what_a_controller_makes_of_a_template_weighs_less_than_the_template() {
    let severity = |user: &str| {
        let text = format!(
            r#"{{"verb":"create","user":{{"username":"{user}"}},"objectRef":{{"resource":"pods","namespace":"shop","name":"p"}},"requestObject":{{"spec":{{"containers":[{{"name":"a","securityContext":{{"privileged":true}}}}]}}}},"responseStatus":{{"code":201}}}}"#
        );
        detections(&text)
            .into_iter()
            .find(|found| found.rule == "AUD-R37")
            .map(|found| found.severity)
    };
    assert_eq!(severity("dana"), Some(Severity::High));
    let controller = "system:serviceaccount:kube-system:replicaset-controller";
    assert_eq!(severity(controller), Some(Severity::Low));
}

/// An exec as a recent API server tells it, once for each of its two stages.
fn exec(stage: &str, at: &str) -> String {
    format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a-1","stage":"{stage}",
        "requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=mysql&command=--password%3Dhunter2&container=web",
        "verb":"get","user":{{"username":"system:serviceaccount:ops:deployer","uid":"sa-1","groups":["system:serviceaccounts","system:serviceaccounts:ops"],
          "extra":{{"authentication.kubernetes.io/credential-id":["JTI=c1"],
                   "authentication.kubernetes.io/pod-name":["deployer-0"],"authentication.kubernetes.io/pod-uid":["pod-1"],
                   "authentication.kubernetes.io/node-name":["node-1"],"authentication.kubernetes.io/node-uid":["node-uid-1"]}}}},
        "sourceIPs":["203.0.113.1","10.1.2.3"],"userAgent":"kubectl/v1.33.1 (linux/amd64) kubernetes/0",
        "objectRef":{{"resource":"pods","namespace":"shop","name":"web-0","apiVersion":"v1","subresource":"exec"}},
        "responseStatus":{{"metadata":{{}},"code":101}},
        "requestReceivedTimestamp":"2026-11-22T10:00:00.000001Z","stageTimestamp":"{at}",
        "annotations":{{"authorization.k8s.io/decision":"allow",
          "authorization.k8s.io/reason":"RBAC: allowed by RoleBinding \"deployers/shop\" of Role \"deployer\" to ServiceAccount \"deployer/ops\"",
          "gate.airside.example/decision-id":"0123"}}}}"#
    )
}

#[test]
fn the_two_stages_of_an_exec_are_one_detection() {
    let started = told(&exec("ResponseStarted", "2026-11-22T10:00:00.1Z"));
    let ended = told(&exec("ResponseComplete", "2026-11-22T11:00:00Z"));
    assert_eq!(started, ended);
    assert!(!started.is_empty());
}

#[test]
fn a_detection_tells_who_what_where_and_by_which_right() {
    let found = detections(&exec("ResponseComplete", "2026-11-22T11:00:00Z"));
    let exec = found.iter().find(|found| found.rule == "AUD-R24").unwrap();
    insta::assert_snapshot!(exec.message, @"ServiceAccount ops/deployer ran `mysql --password=«redacted»` in pod shop/web-0, container web, from 10.1.2.3 with kubectl/v1.33.1.");
    insta::assert_snapshot!(links(exec), @"
    actor: ServiceAccount ops/deployer (sa-1)
    actor: Pod ops/deployer-0 (pod-1)
    means: Credential JTI=c1
    means: Address 10.1.2.3
    target: Pod shop/web-0
    grant: RoleBinding shop/deployers
    grant: Role shop/deployer
    context: Node node-1 (node-uid-1)
    ");
    insta::assert_snapshot!(values(exec), @"
    objectRef.subresource: exec
    command: mysql --password=«redacted»
    userAgent: kubectl/v1.33.1 (linux/amd64) kubernetes/0
    decision-id: 0123
    ");
    assert_eq!(exec.severity, Severity::Medium, "a service account's exec weighs more");
    assert_eq!(exec.native_id, "a-1");
    assert_eq!(exec.origin.as_ref().unwrap().to_string(), "audit.jsonl:7");
}

/// The links of a detection, one a line, with uids.
fn links(detection: &Detection) -> String {
    let line = |link: &Link| {
        let role = link.role.as_str();
        format!("{role}: {}{}\n", link.entity, uid(&link.entity))
    };
    detection.links.iter().map(line).collect()
}

fn values(detection: &Detection) -> String {
    detection.values.iter().map(|value| format!("{}: {}\n", value.name, value.value)).collect()
}

fn uid(entity: &Entity) -> String {
    let uid = entity.as_object().and_then(|object| object.uid.clone());
    uid.map_or_else(String::new, |uid| format!(" ({uid})"))
}

#[test]
fn a_chosen_audit_id_does_not_hide_another_request() {
    let list = |user: &str, at: &str| {
        format!(
            r#"{{"auditID":"chosen","verb":"list","user":{{"username":"{user}"}},"userAgent":"kubectl/v1","objectRef":{{"resource":"secrets"}},"requestReceivedTimestamp":"{at}"}}"#
        )
    };
    let ids: BTreeSet<_> = [
        list("dana", "2026-11-22T10:00:00Z"),
        list("dana", "2026-11-22T10:00:01Z"),
        list("erin", "2026-11-22T10:00:00Z"),
    ]
    .iter()
    .flat_map(|text| told(text))
    .map(|record| record.id)
    .collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn ids_do_not_depend_on_when_or_from_where_an_event_is_read() {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let text = exec("ResponseComplete", "2026-11-22T11:00:00Z");
    let ids = |clock, origin| {
        let profile = ClusterProfile::unknown();
        let intake = Intake { tenant: &tenant, cluster: &cluster, clock, profile, origin };
        let records = records(&Event::parse(&text).unwrap(), &intake);
        records.into_iter().map(|record| record.id).collect::<Vec<_>>()
    };
    let now = airside_types::Timestamp::parse_rfc3339("2026-11-22T10:00:05Z").unwrap();
    let early = airside_types::Timestamp::parse_rfc3339("2025-01-01T00:00:00Z").unwrap();
    let recorded = ids(Clock::Recorded, Some(Origin { path: "a", line: 1 }));
    assert_eq!(recorded, ids(Clock::Live(now), None));
    assert_eq!(recorded, ids(Clock::Live(early), None), "even where the clock is not believed");
}

#[test]
fn what_a_client_may_choose_freely_is_cut() {
    let long = "x".repeat(100_000);
    let text = format!(
        r#"{{"auditID":"{long}","verb":"get","requestURI":"/debug/{long}","userAgent":"curl/{long}","user":{{"username":"dana"}},"sourceIPs":["198.51.100.9"]}}"#
    );
    let found = detections(&text);
    assert!(!found.is_empty());
    assert!(format!("{found:?}").len() < 4000);
}

#[test]
fn secrets_in_commands_are_not_shown() {
    let text = format!("{:?}", told(&exec("ResponseComplete", "2026-11-22T11:00:00Z")));
    assert!(!text.contains("hunter2"), "{text}");
}

/// Rules read secrets by the names of their keys.
#[test]
fn what_stands_in_a_secret_is_not_shown_whatever_is_told_of_it() {
    let mut told_of = BTreeSet::new();
    for (namespace, name, key) in [
        ("shop", "env", "LD_PRELOAD"),
        ("shop", "env", "NODE_OPTIONS"),
        ("argocd", "argocd-secret", "admin.password"),
        ("openshift-config", "htpass", "htpasswd"),
    ] {
        for field in ["data", "stringData"] {
            let text = format!(
                r#"{{"verb":"patch","user":{{"username":"dana"}},"userAgent":"kubectl/v1.33.1","objectRef":{{"resource":"secrets","namespace":"{namespace}","name":"{name}"}},"requestObject":{{"{field}":{{"{key}":"--require=MARKER"}}}},"responseStatus":{{"code":200}}}}"#
            );
            let found = detections(&text);
            told_of.extend(found.iter().map(|detection| detection.rule.to_string()));
            assert!(!format!("{found:?}").contains("MARKER"), "{key}: {found:?}");
        }
    }
    let rules = ["AUD-R50-settings", "AUD-R71-delivery", "AUD-R71-login"];
    assert!(rules.iter().all(|rule| told_of.contains(*rule)), "{told_of:?}");
}

#[test]
fn objects_become_facts() {
    let facts = facts(&[
        r#"{"verb":"patch","user":{"username":"system:node:n1"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"status"},"requestObject":{"status":{"podIP":"10.244.1.7"}},"responseObject":{"metadata":{"name":"web-0","namespace":"shop","uid":"p1","creationTimestamp":"2026-11-22T10:00:00Z","ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"r1","controller":true}]},"spec":{"serviceAccountName":"web","nodeName":"n1","containers":[{"image":"shop/web:1"}]},"status":{"podIP":"10.244.1.7","podIPs":[{"ip":"10.244.1.7"}],"startTime":"2026-11-22T10:00:02Z","containerStatuses":[{"name":"web","image":"shop/web:1","imageID":"shop/web@sha256:aa","containerID":"containerd://0123456789abcdef"}]}},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-11-22T10:00:03Z"}"#,
        r#"{"verb":"create","user":{"username":"system:kube-scheduler"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-1","subresource":"binding"},"requestObject":{"metadata":{"uid":"p2"},"target":{"kind":"Node","name":"n2"}},"responseStatus":{"code":201},"requestReceivedTimestamp":"2026-11-22T10:01:00Z"}"#,
        r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:deployment-controller","uid":"d"},"objectRef":{"resource":"replicasets","namespace":"shop","name":"web","apiGroup":"apps"},"responseObject":{"metadata":{"name":"web","namespace":"shop","uid":"r1","creationTimestamp":"2026-11-22T09:00:00Z","ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"d1","controller":true}]}},"responseStatus":{"code":201},"requestReceivedTimestamp":"2026-11-22T09:00:00.5Z"}"#,
        r#"{"verb":"create","user":{"username":"system:node:n1"},"userAgent":"kubelet/v1","objectRef":{"resource":"serviceaccounts","namespace":"shop","name":"web","subresource":"token"},"requestObject":{"spec":{"boundObjectRef":{"kind":"Pod","name":"web-0","uid":"p1"}}},"responseStatus":{"code":201},"annotations":{"authentication.kubernetes.io/issued-credential-id":"JTI=7"},"requestReceivedTimestamp":"2026-11-22T10:00:01Z"}"#,
        r#"{"verb":"delete","user":{"username":"system:node:n1"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0"},"responseObject":{"metadata":{"name":"web-0","namespace":"shop","uid":"p1","creationTimestamp":"2026-11-22T10:00:00Z","deletionTimestamp":"2026-11-22T10:09:00Z","deletionGracePeriodSeconds":0}},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-11-22T10:09:30Z"}"#,
    ]);
    insta::assert_snapshot!(facts, @"
    Pod shop/web-0 (p1) exists Pod shop/web-0 (p1) from 2026-11-22T10:00:00Z
    Pod shop/web-0 (p1) owned-by ReplicaSet shop/web (r1) from 2026-11-22T10:00:00Z
    Pod shop/web-0 (p1) runs-as ServiceAccount shop/web from 2026-11-22T10:00:00Z
    Pod shop/web-0 (p1) runs-on Node n1 from 2026-11-22T10:00:02Z
    Pod shop/web-0 (p1) has-address Address 10.244.1.7 from 2026-11-22T10:00:02Z
    Container web part-of Pod shop/web-0 (p1) from 2026-11-22T10:00:00Z
    Container web runs-image Image shop/web:1 from 2026-11-22T10:00:00Z
    Pod shop/web-1 (p2) runs-on Node n2 from 2026-11-22T10:01:00Z
    ReplicaSet shop/web (r1) exists ReplicaSet shop/web (r1) from 2026-11-22T09:00:00Z
    ReplicaSet shop/web (r1) owned-by Deployment shop/web (d1) from 2026-11-22T09:00:00Z
    Credential JTI=7 issued-for ServiceAccount shop/web from 2026-11-22T10:00:01Z
    Credential JTI=7 issued-for Pod shop/web-0 (p1) from 2026-11-22T10:00:01Z
    Credential JTI=7 issued-to User system:node:n1 from 2026-11-22T10:00:01Z
    Credential JTI=7 issued-to Node n1 from 2026-11-22T10:00:01Z
    Pod shop/web-0 (p1) exists Pod shop/web-0 (p1) from 2026-11-22T10:00:00Z until 2026-11-22T10:09:30Z
    ");
}

#[test]
fn a_binding_tells_who_has_which_role() {
    let facts = facts(&[
        r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"act"},"responseObject":{"metadata":{"name":"act","uid":"b1","creationTimestamp":"2026-11-22T10:00:00Z"},"roleRef":{"kind":"ClusterRole","name":"act-as"},"subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"web"},{"kind":"User","name":"erin"},{"kind":"Group","name":"devs"}]},"responseStatus":{"code":201},"requestReceivedTimestamp":"2026-11-22T10:00:00.5Z"}"#,
        r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"rolebindings","apiGroup":"rbac.authorization.k8s.io","namespace":"shop","name":"read"},"requestObject":{"subjects":[]},"responseObject":{"metadata":{"name":"read","namespace":"shop","uid":"b2","creationTimestamp":"2026-11-22T08:00:00Z"},"roleRef":{"kind":"Role","name":"reader"},"subjects":[{"kind":"ServiceAccount","name":"web"}]},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-11-22T11:00:00Z"}"#,
        // A policy of level Request keeps no answer.
        r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"rolebindings","apiGroup":"rbac.authorization.k8s.io","namespace":"shop","name":"r"},"requestObject":{"metadata":{"name":"r"},"roleRef":{"kind":"ClusterRole","name":"view"},"subjects":[{"kind":"User","name":"erin"}]},"responseStatus":{"code":201},"requestReceivedTimestamp":"2026-11-22T12:00:00Z"}"#,
    ]);
    insta::assert_snapshot!(facts, @"
    ClusterRoleBinding act (b1) exists ClusterRoleBinding act (b1) from 2026-11-22T10:00:00Z
    ServiceAccount shop/web granted-by ClusterRole act-as from 2026-11-22T10:00:00Z
    User erin granted-by ClusterRole act-as from 2026-11-22T10:00:00Z
    RoleBinding shop/read (b2) exists RoleBinding shop/read (b2) from 2026-11-22T08:00:00Z
    ServiceAccount shop/web granted-by Role shop/reader from 2026-11-22T11:00:00Z
    User erin granted-by ClusterRole view from 2026-11-22T12:00:00Z
    ");
}

#[test]
fn objects_that_show_nothing_new_are_no_facts() {
    for text in [
        // A heartbeat, a pod that is asked to end, a failure, an event without bodies.
        r#"{"verb":"patch","user":{"username":"system:node:n1"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"status"},"requestObject":{"status":{"conditions":[]}},"responseObject":{"metadata":{"name":"web-0","namespace":"shop","uid":"p1"}},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-11-22T10:00:03Z"}"#,
        r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0"},"responseObject":{"metadata":{"name":"web-0","namespace":"shop","uid":"p1","deletionTimestamp":"2026-11-22T10:09:00Z","deletionGracePeriodSeconds":30}},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-11-22T10:09:30Z"}"#,
        r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0"},"responseObject":{"kind":"Status","metadata":{}},"responseStatus":{"code":409},"requestReceivedTimestamp":"2026-11-22T10:09:30Z"}"#,
        r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0"},"responseStatus":{"code":201},"requestReceivedTimestamp":"2026-11-22T10:09:30Z"}"#,
    ] {
        assert_eq!(facts(&[text]), "", "{text}");
    }
}

/// The facts of events, one a line.
fn facts(texts: &[&str]) -> String {
    let mut lines = String::new();
    for record in texts.iter().flat_map(|text| told(text)) {
        if let Payload::Fact(fact) = record.payload {
            let until = fact.until.map_or_else(String::new, |until| format!(" until {until}"));
            lines.push_str(&format!(
                "{}{} {} {}{} from {}{until}\n",
                fact.subject,
                uid(&fact.subject),
                fact.relation,
                fact.object,
                uid(&fact.object),
                fact.from
            ));
        }
    }
    lines
}

#[test]
fn a_dry_run_is_no_deed_and_shows_no_object() {
    let privileged = |query: &str| {
        format!(
            r#"{{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods{query}","user":{{"username":"dana"}},"objectRef":{{"resource":"pods","namespace":"shop","name":"p"}},"requestObject":{{"spec":{{"containers":[{{"name":"a","securityContext":{{"privileged":true}}}}]}}}},"responseObject":{{"metadata":{{"name":"p","namespace":"shop","uid":"p1"}}}},"responseStatus":{{"code":201}},"requestReceivedTimestamp":"2026-11-22T10:00:00Z"}}"#
        )
    };
    assert!(fired(&privileged("?fieldManager=kubectl-create")).contains("AUD-R37"));
    assert_eq!(told(&privileged("?dryRun=All&fieldManager=kubectl-create")), []);
    let deletion = |options: &str| {
        format!(
            r#"{{"verb":"delete","user":{{"username":"dana"}},"objectRef":{{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"}},"requestObject":{options},"responseObject":{{"kind":"Status","details":{{"uid":"d1"}}}},"responseStatus":{{"code":200}},"requestReceivedTimestamp":"2026-11-22T10:00:00Z"}}"#
        )
    };
    assert!(!told(&deletion(r#"{"kind":"DeleteOptions"}"#)).is_empty());
    assert_eq!(told(&deletion(r#"{"kind":"DeleteOptions","dryRun":["All"]}"#)), []);
}

#[test]
fn a_cut_event_still_tells_the_deed() {
    let whole = r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":201},"requestObject":{"spec":{"pad":"xxxx[Truncated...]"#;
    let mut rules = BTreeSet::new();
    read::record(1, whole.as_bytes(), &mut |item| {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        for record in records(item.event.unwrap(), &intake_of(&tenant, &cluster)) {
            if let Payload::Detection(detection) = record.payload {
                rules.insert(detection.rule);
            }
        }
    });
    assert!(rules.contains("AUD-R86"), "{rules:?}");
}
