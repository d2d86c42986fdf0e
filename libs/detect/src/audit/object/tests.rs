//! What is read where it stands is what stands in the value that serde_json makes of the whole body.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::json::Cursor;

fn raw(text: &str) -> RawJson<'_> {
    Cursor::new(text).raw().unwrap()
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn meta_of(value: &Value) -> ObjectMeta<'static> {
    let owners = value.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let owner = |owner: &Value| OwnerReference {
        api_version: text(owner, "/apiVersion").into(),
        kind: text(owner, "/kind").into(),
        name: text(owner, "/name").into(),
        uid: text(owner, "/uid").into(),
        controller: owner["controller"] == true,
    };
    ObjectMeta {
        name: text(value, "/metadata/name").into(),
        namespace: text(value, "/metadata/namespace").into(),
        uid: text(value, "/metadata/uid").into(),
        creation_timestamp: text(value, "/metadata/creationTimestamp").into(),
        deletion_timestamp: text(value, "/metadata/deletionTimestamp").into(),
        deletion_grace_period_seconds: value["metadata"]["deletionGracePeriodSeconds"].as_i64(),
        owner_references: owners.into_iter().flatten().map(owner).collect(),
    }
}

/// A text, `null`, or nothing worth a text.
fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![any::<String>().prop_map(Value::from), Just(Value::Null), Just(json!({ "a": [1] }))]
}

prop_compose! {
    fn metadata()(
        texts in prop::collection::vec(leaf(), 9),
        seconds in any::<Option<i32>>(),
        controller in any::<bool>(),
    ) -> Value {
        json!({
            "managedFields": [{ "fieldsV1": { "f:metadata": { "f:name": {} } } }],
            "name": texts[0], "namespace": texts[1], "uid": texts[2], "creationTimestamp": texts[3],
            "deletionTimestamp": texts[4], "deletionGracePeriodSeconds": seconds,
            "labels": { "name": "another" },
            "ownerReferences": [
                { "apiVersion": texts[5], "kind": texts[6], "name": texts[7], "uid": texts[8], "controller": controller },
            ],
        })
    }
}

proptest! {
    #[test]
    fn metadata_is_what_the_whole_body_says(metadata in metadata(), spec in leaf()) {
        let body = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec });
        let json = body.to_string();
        prop_assert_eq!(ObjectMeta::of(raw(&json)), Some(meta_of(&body)));
        let deleted = Deleted { metadata: meta_of(&body), uid: None };
        prop_assert_eq!(Deleted::of(raw(&json)), Some(deleted));
        // What is cut shows nothing.
        for cut in (0..json.len()).filter(|at| json.is_char_boundary(*at)).step_by(37) {
            let cut = json.get(..cut).unwrap();
            prop_assert!(Cursor::new(cut).raw().is_none_or(|body| ObjectMeta::of(body).is_none()));
        }
    }

    #[test]
    fn pods_are_what_the_whole_body_says(
        metadata in metadata(), texts in prop::collection::vec(leaf(), 9), host in any::<bool>(),
    ) {
        let body = json!({
            "metadata": metadata,
            "spec": {
                "serviceAccountName": texts[0], "nodeName": texts[1], "hostNetwork": host,
                "volumes": [{ "name": "v", "image": "another" }],
                "containers": [{ "image": texts[2], "env": [{ "image": "another" }] }, { "name": "b" }],
            },
            "status": {
                "podIPs": [{ "ip": texts[3] }, {}], "podIP": texts[4], "startTime": texts[5],
                "containerStatuses": [
                    { "name": texts[6], "image": texts[7], "imageID": texts[8], "containerID": texts[0], "state": {} },
                ],
            },
        });
        let of = |pointer: &str| Cow::Owned(text(&body, pointer));
        let status = "/status/containerStatuses/0";
        let expected = Pod {
            metadata: meta_of(&body),
            service_account_name: of("/spec/serviceAccountName"),
            node_name: of("/spec/nodeName"),
            host_network: host,
            images: vec![of("/spec/containers/0/image"), "".into()],
            ips: vec![of("/status/podIP"), of("/status/podIPs/0/ip"), "".into()],
            start_time: of("/status/startTime"),
            container_statuses: vec![ContainerStatus {
                name: of(&format!("{status}/name")),
                image: of(&format!("{status}/image")),
                image_id: of(&format!("{status}/imageID")),
                container_id: of(&format!("{status}/containerID")),
            }],
        };
        let json = body.to_string();
        prop_assert_eq!(Pod::of(raw(&json)), Some(expected));
    }

    #[test]
    fn bindings_and_nodes_are_what_the_whole_body_says(
        metadata in metadata(), texts in prop::collection::vec(leaf(), 6),
    ) {
        let body = json!({
            "metadata": metadata,
            "roleRef": { "apiGroup": "x", "kind": texts[0], "name": texts[1] },
            "subjects": [{ "kind": texts[2], "name": texts[3], "namespace": texts[4] }],
            "status": { "addresses": [{ "type": "InternalIP", "address": texts[5] }] },
            "details": { "kind": "pods", "uid": texts[0] },
        });
        let json = body.to_string();
        let of = |pointer: &str| Cow::Owned(text(&body, pointer));
        let subject = Subject {
            kind: of("/subjects/0/kind"),
            name: of("/subjects/0/name"),
            namespace: of("/subjects/0/namespace"),
        };
        let (role_kind, role_name) = (of("/roleRef/kind"), of("/roleRef/name"));
        let binding = Binding { metadata: meta_of(&body), role_kind, role_name, subjects: vec![subject] };
        prop_assert_eq!(Binding::of(raw(&json)), Some(binding));
        let addresses = vec![of("/status/addresses/0/address")];
        prop_assert_eq!(Node::of(raw(&json)), Some(Node { metadata: meta_of(&body), addresses }));
        prop_assert_eq!(Deleted::of(raw(&json)).and_then(|it| it.uid), Some(of("/details/uid")));
    }
}
