//! A weak spot that is known of published rules: conditions that no audit event can meet. Each is refused with what to
//! write instead, and what is written instead finds the deed.

use super::{detections, read, rule};
use crate::set::RuleSet;

fn of(item: &str) -> String {
    rule("One", &format!("selection:\n  {item}\ncondition: selection"))
}

/// A pod of somebody who mounts the node's files and adds a capability, and a deployment that is refused.
const POD: &str = r#"{"auditID":"1","stage":"ResponseComplete","verb":"create","user":{"username":"dana"},
    "objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":201},
    "annotations":{"authorization.k8s.io/decision":"allow"},
    "requestObject":{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/etc"}}],
    "containers":[{"name":"a","securityContext":{"capabilities":{"add":["SYS_ADMIN"]}}}]}}}"#;
const DEPLOYMENT: &str = r#"{"auditID":"2","stage":"ResponseComplete","verb":"create","user":{"username":"dana"},
    "objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"d"},"responseStatus":{"code":403},
    "annotations":{"authorization.k8s.io/decision":"forbid"},"requestObject":{"spec":{}}}"#;

#[test]
fn a_condition_that_no_event_meets_is_refused_and_its_mended_form_finds_the_deed() {
    for (written, mended, meets_pod, meets_deployment) in [
        ("hostPath: '*'", "requestObject.spec.volumes.hostPath.path: '*'", true, false),
        (
            "capabilities: '*'",
            "requestObject.spec.containers.securityContext.capabilities.add: '*'",
            true,
            false,
        ),
        ("apiGroup: apps", "objectRef.apiGroup: apps", false, true),
        (
            "responseStatus.code: ALLOW",
            "annotations.authorization.k8s.io/decision: allow",
            true,
            false,
        ),
    ] {
        let (_, problems) = RuleSet::read([("own.yaml", of(written).as_str())]);
        let is_refused = problems.iter().any(|problem| problem.is_error());
        assert!(is_refused, "{written}: {problems:?}");
        let field = mended.split(": ").next().unwrap();
        assert!(problems.iter().any(|it| it.to_string().contains(field)), "{field}: {problems:?}");
        let rules = read(&of(mended));
        for (event, is_met) in [(POD, meets_pod), (DEPLOYMENT, meets_deployment)] {
            assert_eq!(!detections(&rules, event).is_empty(), is_met, "{mended}: {event}");
        }
    }
}
