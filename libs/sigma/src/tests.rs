//! Rules as people write them: what they find, what is told of them, and what is refused.

use airside_detect::audit::Event;
use airside_detect::audit::own::Found;
use airside_detect::{Clock, ClusterProfile, Intake};
use airside_types::{Cluster, Detection, Payload, Tenant};

use crate::set::RuleSet;

mod any_text;
mod bodies;
mod budget;
mod hostile;
mod oracle;
mod problems;
mod weak_spots;

/// A rule with this detection section.
pub(crate) fn rule(title: &str, detection: &str) -> String {
    let indented: String = detection.lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "title: {title}\nlogsource: {{product: kubernetes, service: audit}}\nlevel: high\nstatus: stable\n\
         tags: [attack.execution, attack.t1609]\ndetection:\n{indented}"
    )
}

/// A rule set without any problem.
pub(crate) fn read(text: &str) -> RuleSet {
    let (rules, problems) = RuleSet::read([("rules/own.yaml", text)]);
    assert_eq!(problems, [], "{text}");
    rules
}

/// All that an event tells.
fn judged(rules: &RuleSet, event: &str) -> Found {
    let event = Event::parse(event).unwrap();
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let intake = Intake {
        tenant: &tenant,
        cluster: &cluster,
        clock: Clock::Recorded,
        profile: ClusterProfile::unknown(),
        origin: None,
    };
    rules.judge(&event, &intake)
}

pub(crate) fn detections(rules: &RuleSet, event: &str) -> Vec<Detection> {
    let records = judged(rules, event).records.into_iter();
    records
        .filter_map(|record| match record.payload {
            Payload::Detection(detection) => Some(detection),
            _ => None,
        })
        .collect()
}

const EXEC: &str = r#"{"auditID":"1","stage":"ResponseStarted","verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web/exec?command=sh",
    "user":{"username":"alice","groups":["dev","system:authenticated"]},"sourceIPs":["10.0.0.1","203.0.113.9"],
    "userAgent":"kubectl/v1.31.0","objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"web"},
    "responseStatus":{"code":101},"annotations":{"authorization.k8s.io/decision":"allow"},
    "requestReceivedTimestamp":"2026-11-26T08:00:00Z","stageTimestamp":"2026-11-26T08:00:01Z"}"#;

const POD: &str = r#"{"auditID":"2","stage":"ResponseComplete","verb":"create","requestURI":"/api/v1/namespaces/shop/pods",
    "user":{"username":"system:serviceaccount:ci:deployer"},"objectRef":{"resource":"pods","namespace":"shop"},
    "responseStatus":{"code":201},"requestObject":{"metadata":{"name":"miner","labels":{"app.kubernetes.io/name":"x"}},
    "spec":{"hostPID":true,"containers":[
      {"name":"a","image":"docker.io/a:1","command":["sh","-c","echo aGFja2Vy | base64 -d"],"env":[{"name":"PASSWORD","value":"hunter2"}],
       "securityContext":{"privileged":false,"runAsUser":1000}},
      {"name":"b","image":"docker.io/b:1","securityContext":{"privileged":true,"capabilities":{"add":["SYS_ADMIN","NET_RAW"]}}}],
      "volumes":[{"name":"host","hostPath":{"path":"/var/run/docker.sock"}},{"name":"e","emptyDir":{}}]}}}"#;

#[test]
fn every_modifier_finds_what_it_should_and_nothing_else() {
    let pod = "requestObject.spec.containers";
    let table: &[(&str, &str, bool)] = &[
        // Fields of the event.
        (EXEC, "verb: create", true),
        (EXEC, "verb: CREATE", true),
        (EXEC, "verb|cased: create", true),
        (EXEC, "objectRef.subresource: [exec, attach]", true),
        (EXEC, "objectRef.apiGroup: null", true),
        (EXEC, "objectRef.apiGroup|exists: false", true),
        (EXEC, "objectRef.apiGroup|exists: true", false),
        (EXEC, "objectRef.apiVersion: v1", true),
        (EXEC, "user.groups: dev", true),
        (EXEC, "user.groups|all: [dev, ops]", false),
        (EXEC, "sourceIPs|cidr: 203.0.113.0/24", true),
        (EXEC, "sourceIPs|cidr: 198.51.100.0/24", false),
        (EXEC, "userAgent|startswith: kubectl/", true),
        (EXEC, "userAgent|endswith: .1", false),
        (EXEC, "requestURI|contains|all: [/exec, command=sh]", true),
        (EXEC, r"requestURI|re: 'command=(ba)?sh$'", true),
        (EXEC, "responseStatus.code: 101", true),
        (EXEC, "responseStatus.code|gte: 400", false),
        (EXEC, "responseStatus.code|lt: 400", true),
        (EXEC, "annotations.authorization.k8s.io/decision: allow", true),
        (EXEC, "user.username: 'a?ic*'", true),
        (EXEC, "user.username|neq: alice", false),
        (EXEC, "user.username|fieldref: objectRef.name", false),
        (EXEC, "impersonatedUser|exists: false", true),
        (EXEC, "stageTimestamp|hour: 8", true),
        // Bodies.
        (POD, &format!("{pod}.securityContext.privileged: true"), true),
        (POD, &format!("{pod}.securityContext.runAsUser: 0"), false),
        (POD, &format!("{pod}.securityContext.runAsUser|gt: 999"), true),
        (POD, &format!("{pod}.securityContext.capabilities.add|contains: ADMIN"), true),
        (POD, &format!("{pod}.image|startswith: quay.io/"), false),
        (POD, &format!("{pod}.command|base64offset|contains: hacker"), true),
        (POD, &format!("{pod}.command|windash|contains: ' /d'"), false),
        (POD, &format!("{pod}.command|windash|contains: ' -d'"), true),
        (POD, "requestObject.spec.volumes.hostPath.path|contains: docker.sock", true),
        (POD, "requestObject.spec.volumes.hostPath|exists: true", true),
        (POD, "requestObject.spec.hostPID: 'true'", true),
        (POD, r"requestObject.metadata.labels.app\.kubernetes\.io/name: x", true),
        (POD, "requestObject.metadata.labels.app.kubernetes.io/name: x", true),
        (POD, "requestObject.spec.hostIPC: null", true),
        (POD, "responseObject|exists: true", false),
    ];
    for (event, item, fires) in table {
        let rules = read(&rule("One", &format!("selection:\n  {item}\ncondition: selection")));
        assert_eq!(detections(&rules, event).len(), usize::from(*fires), "{item}");
    }
}

#[test]
fn conditions_keywords_and_lists() {
    let table: &[(&str, bool)] = &[
        ("a: {verb: create}\nb: {user.username: bob}\ncondition: a and not b", true),
        ("a: {verb: create}\nb: {user.username: bob}\ncondition: all of them", false),
        ("sel_a: {verb: get}\nsel_b: {user.username: alice}\ncondition: 1 of sel_*", true),
        ("a:\n- verb: get\n- user.username: alice\n  objectRef.name: web\ncondition: a", true),
        ("a: [hello, WEB]\ncondition: a", true),
        ("a: [nothing of the kind]\ncondition: a", false),
        ("a: {verb: create}\ncondition:\n- a and not a\n- a", true),
    ];
    for (detection, fires) in table {
        let rules = read(&rule("One", detection));
        assert_eq!(detections(&rules, EXEC).len(), usize::from(*fires), "{detection}");
    }
    let one_container = "selection:\n  requestObject.spec.containers[any]:\n    name: a\n    securityContext.privileged: true\n\
                         condition: selection";
    let with_version = format!("sigma-version: 3\n{}", rule("One", one_container));
    assert!(detections(&read(&with_version), POD).is_empty(), "no container is both");
    let b = with_version.replace("name: a", "name: b");
    assert_eq!(detections(&read(&b), POD).len(), 1);
}

#[test]
fn a_rule_that_names_no_stage_looks_at_answers() {
    let received = EXEC.replace("ResponseStarted", "RequestReceived");
    let any = read(&rule("One", "a: {verb: create}\ncondition: a"));
    assert_eq!(detections(&any, &received).len(), 0);
    assert_eq!(detections(&any, EXEC).len(), 1);
    let named = read(&rule("One", "a: {verb: create, stage: RequestReceived}\ncondition: a"));
    assert_eq!(detections(&named, &received).len(), 1);
}

#[test]
fn a_detection_is_made_as_those_of_built_in_rules() {
    let detection = "a:\n  verb: create\n  objectRef.subresource: exec\nb:\n  userAgent|contains: kubectl\n\
                     condition: a and b";
    // The habit of newer clients is told of, and no error.
    let (rules, problems) =
        RuleSet::read([("own.yaml", rule("Shell, by hand", detection).as_str())]);
    assert_eq!(problems.iter().filter(|it| it.is_error()).count(), 0);
    let found = detections(&rules, EXEC);
    let [found] = found.as_slice() else { panic!("{found:?}") };
    let values: Vec<_> =
        found.values.iter().map(|it| format!("{}={}", it.name, it.value)).collect();
    let links: Vec<_> =
        found.links.iter().map(|it| format!("{:?} {}", it.role, it.entity.name())).collect();
    insta::assert_snapshot!(
        format!("{} v{} {} {}\n{}\n{}\n{}", found.rule, found.rule_version, found.severity, found.tactic, found.message,
            values.join("\n"), links.join("\n")),
        @r"
        SIGMA-shell-by-hand v1 high execution
        User alice did what the rule “Shell, by hand” describes, from 203.0.113.9 with kubectl/v1.31.0.
        objectRef.subresource=exec
        verb=create
        userAgent=kubectl/v1.31.0
        Actor alice
        Means 203.0.113.9
        Target web
        "
    );
}

#[test]
fn what_looks_like_a_credential_is_hidden() {
    let body = r#"{"auditID":"3","verb":"create","user":{"username":"a"},"objectRef":{"resource":"secrets","namespace":"shop"},
        "requestObject":{"metadata":{"name":"db"},"data":{"key":"aHVudGVyMg=="}}}"#;
    for (event, item, shown) in [
        (body, "requestObject.data.key|exists: true", "«redacted»"),
        (body, "requestObject.metadata.name: db", "db"),
        (body, "requestObject|exists: true", "«redacted»"),
        (POD, "requestObject.spec.containers.env.value: hunter2", "«redacted»"),
        (POD, "requestObject.spec.containers.env|exists: true", "«redacted»"),
    ] {
        let found = detections(&read(&rule("One", &format!("a:\n  {item}\ncondition: a"))), event);
        let value = found.first().and_then(|it| it.values.first()).map(|it| it.value.as_str());
        assert_eq!(value, Some(shown), "{item}");
        assert!(!format!("{found:?}").contains("hunter2"), "{item}");
    }
}

#[test]
fn a_rule_that_only_correlates_does_not_fire_by_itself() {
    let base = rule("Base", "a: {verb: create}\ncondition: a");
    let correlation = |more: &str| {
        format!(
            "{base}---\ntitle: Often\nlevel: high\ntags: [attack.execution]\n{more}\
             correlation: {{type: event_count, rules: [Base], timespan: 1m, condition: {{gte: 2}}}}\n"
        )
    };
    assert_eq!(detections(&read(&base), EXEC).len(), 1);
    assert_eq!(detections(&read(&correlation("")), EXEC).len(), 0);
    assert_eq!(detections(&read(&correlation("generate: true\n")), EXEC).len(), 1);
}
