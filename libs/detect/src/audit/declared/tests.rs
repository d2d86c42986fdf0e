//! What becomes of an administrator's deeds under a declaration: a table.

use airside_k8s::{Limits, yaml};
use airside_types::{Cluster, Tenant};

use super::*;
use crate::audit::Event;
use crate::authorised;
use crate::intake::Clock;
use crate::profile::ClusterProfile;

const DECLARED: &str = r#"
administrators: {groups: [platform]}
authorised:
- name: on-call
  who: {users: [ada]}
  does: {resources: [pods/exec, secrets]}
  where: {namespaces: [shop]}
- name: changes
  who: {users: [carl]}
  does: {resources: [deployments.apps]}
  ticket: {annotation: example.com/change, like: "CHG-*"}
- name: being the deployer
  who: {users: [ada]}
  does: {verbs: [impersonate], resources: [users]}
  where: {names: [deployer]}
"#;

fn told(event: &str) -> String {
    let documents = yaml::parse(DECLARED, &Limits::default()).documents;
    let (declared, problems) = authorised::read("authorised.yaml", &documents);
    assert_eq!(problems, []);
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let (clock, profile) = (Clock::Recorded, ClusterProfile::unknown());
    let intake = Intake { tenant: &tenant, cluster: &cluster, clock, profile, origin: None };
    let event = Event::parse(event).unwrap();
    let mut records = super::super::records_to_correlate(&event, &intake);
    let request = Request::new(&event, profile);
    judge(&declared, &request).apply(&request, &intake, &mut records);
    let mut told: Vec<String> = records
        .iter()
        .filter_map(|record| match &record.payload {
            Payload::Detection(it) => {
                let values = it.values.iter();
                let by =
                    values.filter(|it| [AUTHORISED_BY, TICKET, "nearest"].contains(&&*it.name));
                let by: Vec<_> = by.map(|it| format!(" {}={}", it.name, it.value)).collect();
                Some(format!("{} {}{}", it.rule, it.severity, by.concat()))
            }
            _ => None,
        })
        .collect();
    told.sort();
    told.join("; ")
}

fn event(user: &str, object: &str, more: &str) -> String {
    format!(
        r#"{{"verb":"create","stage":"ResponseComplete","user":{{"username":"{user}","groups":["platform"]}},"objectRef":{{{object}}},"responseStatus":{{"code":201}},"requestReceivedTimestamp":"2026-11-26T10:00:00Z"{more}}}"#
    )
}

#[test]
fn what_is_authorised_is_info_and_what_is_not_is_told() {
    let exec = |namespace: &str| {
        format!(r#""resource":"pods","subresource":"exec","namespace":"{namespace}","name":"web""#)
    };
    let deployment =
        r#""resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web""#;
    let ticket = |it: &str| {
        format!(
            r#","requestObject":{{"metadata":{{"annotations":{{"example.com/change":"{it}"}}}}}}"#
        )
    };
    let answer = r#","responseObject":{"metadata":{"annotations":{"example.com/change":"CHG-2"}}}"#;
    let as_user = |it: &str| format!(r#","impersonatedUser":{{"username":"{it}"}}"#);
    let review = r#""resource":"selfsubjectaccessreviews","apiGroup":"authorization.k8s.io""#;
    for (case, event, expected) in [
        ("a rule covers it", event("ada", &exec("shop"), ""), "AUD-R24 info authorised-by=on-call"),
        (
            "elsewhere",
            event("ada", &exec("bank"), ""),
            "AUD-R100 medium nearest=on-call; AUD-R24 low",
        ),
        ("no rule at all", event("zoe", deployment, ""), "AUD-R100 medium"),
        ("questions about oneself", event("zoe", review, ""), ""),
        ("with its ticket", event("carl", deployment, &ticket("CHG-1")), ""),
        ("with the ticket in the answer", event("carl", deployment, answer), ""),
        (
            "with another ticket",
            event("carl", deployment, &ticket("X")),
            "AUD-R100 medium nearest=changes",
        ),
        (
            "as somebody that one may be",
            event("ada", &exec("shop"), &as_user("deployer")),
            "AUD-R24 info authorised-by=on-call",
        ),
        (
            "as somebody else",
            event("ada", &exec("shop"), &as_user("root")),
            "AUD-R100 medium nearest=being the deployer; AUD-R24 low",
        ),
    ] {
        assert_eq!(told(&event), expected, "{case}");
    }
    let stranger = event("zoe", &exec("shop"), "").replace("platform", "guests");
    assert_eq!(told(&stranger), "AUD-R24 low");
    let refused = event("zoe", deployment, "").replace("201", "403");
    assert!(!told(&refused).contains("AUD-R100"));
}
