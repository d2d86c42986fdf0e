//! What a review must have, and what an answer looks like.

use airside_types::{ObjectRef, Operation};

use super::*;
use crate::json;
use crate::value::Value;

fn request() -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "r-1",
            "kind": { "group": "apps", "version": "v1", "kind": "Deployment" },
            "resource": { "group": "apps", "version": "v1", "resource": "deployments" },
            "namespace": "shop",
            "name": "web",
            "operation": "UPDATE",
            "userInfo": {
                "username": "system:serviceaccount:ci:bot",
                "groups": ["system:authenticated"],
                "extra": { "authentication.kubernetes.io/pod-name": ["bot-1"] },
            },
            "object": { "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "uid": "u1" } },
            "oldObject": null,
            "dryRun": true,
            "unknownToUs": 1,
        },
    })
}

#[test]
fn a_review_is_read_whole() {
    let review = Review::parse(request().to_string().as_bytes()).unwrap();
    assert_eq!((review.uid.as_str(), review.operation), ("r-1", Operation::Update));
    assert_eq!((review.kind.group.as_str(), review.kind.kind.as_str()), ("apps", "Deployment"));
    assert_eq!((review.resource.resource.as_str(), &review.subresource), ("deployments", &None));
    assert_eq!(review.user.username, "system:serviceaccount:ci:bot");
    assert_eq!(review.user.groups, ["system:authenticated"]);
    assert_eq!(review.user.extra["authentication.kubernetes.io/pod-name"], ["bot-1"]);
    assert!(review.dry_run && review.object.is_some() && review.old_object.is_none());
    let named = ObjectRef::named("apps", "Deployment", Some("shop"), "web");
    assert_eq!(review.object_ref(), named.with_uid(Some("u1")));
}

#[test]
fn deletes_creates_and_connections_name_their_object() {
    let mut delete = request();
    delete["request"]["operation"] = json!("DELETE");
    delete["request"]["oldObject"] = delete["request"]["object"].take();
    let review = Review::from_value(delete).unwrap();
    assert_eq!(review.object_ref().uid.as_deref(), Some("u1"));
    assert!(review.subject().is_some());

    let mut exec = request();
    exec["apiVersion"] = json!("admission.k8s.io/v1beta1");
    exec["request"]["operation"] = json!("CONNECT");
    exec["request"]["kind"] = json!({ "group": "", "version": "v1", "kind": "PodExecOptions" });
    exec["request"]["resource"] = json!({ "version": "v1", "resource": "pods" });
    exec["request"]["subResource"] = json!("exec");
    exec["request"]["object"] =
        json!({ "apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh"] });
    let review = Review::from_value(exec).unwrap();
    assert_eq!(review.version, ReviewVersion::V1Beta1);
    assert_eq!(review.object_ref(), ObjectRef::named("", "Pod", Some("shop"), "web"));

    let mut create = request();
    create["request"]["name"] = json!("");
    create["request"]["object"]["metadata"] = json!({ "generateName": "web-" });
    assert_eq!(Review::from_value(create).unwrap().object_ref().name, "");
}

#[test]
fn errors_name_the_field() {
    let cases: [(&str, Value, &str); 13] = [
        ("/request/uid", json!(null), "`request.uid` is missing"),
        ("/request/uid", json!(""), "`request.uid` is missing"),
        ("/request/uid", json!(5), "`request.uid` must be a text"),
        ("/request/operation", json!(null), "`request.operation` is missing"),
        ("/request/operation", json!("PATCH"), "`request.operation` is `PATCH`: CREATE, UPDATE"),
        ("/request/kind", json!("Pod"), "`request.kind` must be a map"),
        ("/request/kind/kind", json!(null), "`request.kind.kind` is missing"),
        ("/request/userInfo/groups", json!("a"), "`request.userInfo.groups` must be a list"),
        ("/request/userInfo/extra", json!({ "a": 1 }), "`request.userInfo.extra` must be a list"),
        ("/request/dryRun", json!("yes"), "`request.dryRun` must be true or false"),
        ("/request", json!(null), "`request` is missing"),
        ("/kind", json!("Review"), "`kind` is `Review`: AdmissionReview is needed"),
        ("/apiVersion", json!("v1"), "`apiVersion` is `v1`: admission.k8s.io/v1 is needed"),
    ];
    for (pointer, value, expected) in cases {
        let mut message = request();
        *message.pointer_mut(pointer).unwrap() = value;
        let error = Review::from_value(message).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{pointer}: {error}");
    }
    for body in ["", "{", "[]", "null"] {
        assert!(Review::parse(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn answers_have_the_form_that_the_api_server_wants() {
    let mut allowed = Response::allow("r-1");
    assert_eq!(
        allowed.to_json(ReviewVersion::V1),
        json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": { "uid": "r-1", "allowed": true },
        })
    );
    allowed.warnings = vec!["first\nline".to_owned()];
    allowed.audit_annotations.insert("decision-id".to_owned(), "d".to_owned());
    assert_eq!(
        allowed.to_json(ReviewVersion::V1)["response"],
        json!({
            "uid": "r-1", "allowed": true,
            "warnings": ["first line"], "auditAnnotations": { "decision-id": "d" },
        })
    );
    let denied = Response::deny("r-1", "no".to_owned()).to_json(ReviewVersion::V1Beta1);
    assert_eq!(denied["apiVersion"], "admission.k8s.io/v1beta1");
    assert_eq!(denied["response"]["status"], json!({ "code": 403, "message": "no" }));
}

#[test]
fn warnings_stay_within_the_bounds_of_clients() {
    let shown = |warnings: Vec<String>| -> Vec<String> {
        let answer = Response { warnings, ..Response::allow("r-1") };
        let message = answer.to_json(ReviewVersion::V1);
        let listed = message["response"]["warnings"].as_array().unwrap();
        listed.iter().map(|warning| warning.as_str().unwrap().to_owned()).collect()
    };
    for (warning, count, kept) in [
        ("ä".repeat(300), 20, 7),
        // Full to the last byte, and one more than that: the note has to fit as well.
        ("w".repeat(MAX_WARNING_CHARS), 16, 16),
        ("w".repeat(MAX_WARNING_CHARS), 17, 15),
    ] {
        let shown = shown(vec![warning; count]);
        assert!(shown.iter().all(|warning| warning.chars().count() <= MAX_WARNING_CHARS));
        assert!(shown.iter().map(String::len).sum::<usize>() <= MAX_WARNINGS_BYTES, "{count}");
        let (left_out, note) = (count - kept, shown.last().unwrap());
        if left_out == 0 {
            assert_eq!(shown.len(), count);
        } else {
            assert_eq!(*note, format!("{left_out} more warnings are not shown"));
        }
    }
    assert!(shown(vec!["ä".repeat(300)])[0].ends_with('…'));
}
