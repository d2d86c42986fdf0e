//! Every way of writing, as what it sets and removes.

use airside_k8s::json;

use super::*;

/// What an event sets and removes, and what of it is not known.
fn changed(verb: &str, body: &str, after: &str) -> (Value, Vec<String>, Option<Why>) {
    let text = format!(
        r#"{{"verb":"{verb}","user":{{"username":"dana"}},"objectRef":{{"resource":"deployments"}},"requestObject":{body},"responseObject":{after}}}"#
    );
    let event = Event::parse(&text).unwrap();
    let change = Change::of(&event, None);
    let removed = change.removed().iter().map(ToString::to_string).collect();
    (change.set().clone(), removed, change.unread())
}

fn patched(body: &str) -> (Value, Vec<String>, Option<Why>) {
    changed("patch", body, "null")
}

#[test]
fn operations_build_the_part_that_they_set() {
    for (patch, set, removed) in [
        (
            r#"[{"op":"test","path":"/metadata/name","value":"x"},
                {"op":"remove","path":"/metadata/labels/a~1b"},
                {"op":"add","path":"/spec/containers/0/securityContext","value":{"privileged":true}},
                {"op":"add","path":"/rules/-","value":{"verbs":["*"]}},
                {"op":"replace","path":"/metadata/labels/x.y~1z","value":"v"}]"#,
            json!({
                "spec": {"containers": [{"securityContext": {"privileged": true}}]},
                "rules": [{"verbs": ["*"]}],
                "metadata": {"labels": {"x.y/z": "v"}},
            }),
            vec!["metadata.labels.a/b"],
        ),
        // Operations on one element meet in it, and in their order.
        (
            r#"[{"op":"add","path":"/c/1/command","value":["sh"]},{"op":"add","path":"/c/1/command/-","value":"-c"},
                {"op":"add","path":"/c/1/command/0","value":"nice"},{"op":"replace","path":"/c/1/command/1","value":"bash"}]"#,
            json!({"c": [{"command": ["nice", "bash", "-c"]}]}),
            vec![],
        ),
        // An insertion moves what stands behind it; a removal moves it back.
        (
            r#"[{"op":"add","path":"/c/0/image","value":"a"},{"op":"add","path":"/c/0","value":{"image":"b"}},
                {"op":"add","path":"/c/1/name","value":"n"},{"op":"remove","path":"/c/0"},{"op":"add","path":"/c/0/tty","value":true}]"#,
            json!({"c": [{"image": "a", "name": "n", "tty": true}]}),
            vec!["c[0]"],
        ),
        // As the API server reads them, indices count from the end as well, and have signs.
        (
            r#"[{"op":"add","path":"/c/-1/securityContext","value":{}},{"op":"add","path":"/c/-1/securityContext/privileged","value":true},
                {"op":"add","path":"/c/+0/tty","value":true},{"op":"add","path":"/c/-2/stdin","value":true},{"op":"add","path":"/v/-1","value":{"hostPath":{"path":"/"}}}]"#,
            json!({
                "c": [{"tty": true}, {"stdin": true}, {"securityContext": {"privileged": true}}],
                "v": [{"hostPath": {"path": "/"}}],
            }),
            vec![],
        ),
        // What is added at the end, or before it, moves what was there; what is removed moves it back.
        (
            r#"[{"op":"add","path":"/c/-1/image","value":"a"},{"op":"add","path":"/c/-","value":{"image":"b"}},
                {"op":"add","path":"/c/-2","value":{"image":"c"}},{"op":"replace","path":"/c/-1/image","value":"d"},
                {"op":"remove","path":"/c/-2"},{"op":"add","path":"/c/-2/name","value":"a"}]"#,
            json!({"c": [{"image": "a", "name": "a"}, {"image": "d"}]}),
            vec!["c.-2"],
        ),
        (
            r#"[{"op":"add","path":"/c","value":[1,2,3]},{"op":"replace","path":"/c/-1","value":4},{"op":"add","path":"/c/-1","value":5},
                {"op":"add","path":"/c/-2","value":6},{"op":"remove","path":"/c/-5"}]"#,
            json!({"c": [2, 4, 6, 5]}),
            vec!["c.-5"],
        ),
        // What is emptied is gone.
        (
            r#"[{"op":"replace","path":"/metadata/labels","value":{}},{"op":"add","path":"/metadata/annotations","value":{}}]"#,
            json!({"metadata": {"labels": {}, "annotations": {}}}),
            vec!["metadata.labels"],
        ),
        // What the patch itself has brought may be moved and copied.
        (
            r#"[{"op":"add","path":"/x","value":{"privileged":true}},{"op":"copy","from":"/x","path":"/s/0/b"},
                {"op":"move","from":"/x","path":"/s/0/a"}]"#,
            json!({"s": [{"a": {"privileged": true}, "b": {"privileged": true}}]}),
            vec!["x"],
        ),
        (
            r#"[{"op":"replace","path":"","value":{"a":1}},{"op":"add","path":"/b","value":2}]"#,
            json!({"a": 1, "b": 2}),
            vec![],
        ),
        (r#"[{"op":"remove","path":"/spec/paused"}]"#, json!({}), vec!["spec.paused"]),
        (r#"[]"#, json!({}), vec![]),
    ] {
        assert_eq!(
            patched(patch),
            (set, removed.into_iter().map(str::to_owned).collect(), None),
            "{patch}"
        );
    }
}

#[test]
fn what_is_moved_from_elsewhere_is_read_from_the_answer_or_told() {
    let copy = r#"[{"op":"add","path":"/c/-","value":{"name":"x"}},{"op":"copy","from":"/a/s","path":"/c/0/s"}]"#;
    let after = r#"{"kind":"Deployment","a":{"s":{"privileged":true}},"c":[{"s":{"privileged":true}},{"name":"x"}]}"#;
    let expected = json!({"c": [{"s": {"privileged": true}}, {"name": "x"}]});
    assert_eq!(changed("patch", copy, after), (expected, vec![], None));
    assert_eq!(patched(copy).2, Some(Why::Moved));
    let ends =
        r#"[{"op":"copy","from":"/c/0","path":"/c/-"},{"op":"copy","from":"/a","path":"/c/-"}]"#;
    let after = r#"{"c":[0,1,2]}"#;
    assert_eq!(changed("patch", ends, after).0, json!({"c": [1, 2]}));
    // Only a part of what is copied was set: the rest is not known.
    let partly = r#"[{"op":"add","path":"/a/x","value":1},{"op":"copy","from":"/a","path":"/b"}]"#;
    assert_eq!(patched(partly).2, Some(Why::Moved));
    let into = r#"[{"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/b/x","value":1}]"#;
    assert_eq!(changed("patch", into, r#"{"b":{"x":1,"y":2}}"#).2, Some(Why::Moved));
}

#[test]
fn bounds_are_those_of_an_api_server_and_reaching_them_is_told() {
    let add = r#"{"op":"add","path":"/l/-","value":1}"#;
    let many = |count| format!("[{}]", vec![add; count].join(","));
    let (set, _, why) = patched(&many(json_patch::MAX_OPERATIONS));
    assert_eq!((set["l"].as_array().unwrap().len(), why), (json_patch::MAX_OPERATIONS, None));
    assert_eq!(patched(&many(json_patch::MAX_OPERATIONS + 1)).2, Some(Why::Long));
    let deep = |steps| format!(r#"[{{"op":"add","path":"{}","value":1}}]"#, "/a".repeat(steps));
    assert_eq!(patched(&deep(decode::MAX_DEPTH)).2, None);
    assert_eq!(patched(&deep(decode::MAX_DEPTH + 1)).2, Some(Why::Deep));
}

/// Each of these would take gigabytes, a stack of thousands of calls, or minutes.
#[test]
fn a_short_patch_that_means_a_lot_is_read_as_far_as_it_goes() {
    let doubled: Vec<_> = (0..200)
        .map(|number| format!(r#"{{"op":"copy","from":"/a","path":"/a/k{number}"}}"#))
        .collect();
    let nested = vec![r#"{"op":"copy","from":"/a","path":"/a/k"}"#.to_owned(); 9_000];
    let moved: Vec<_> = (0..3_000)
        .flat_map(|_| {
            [
                r#"{"op":"move","from":"/a","path":"/b/c"}"#,
                r#"{"op":"move","from":"/b","path":"/a"}"#,
            ]
        })
        .map(str::to_owned)
        .collect();
    let zeros = format!("[{}0]", "0,".repeat(60_000));
    let pushed = [
        vec![format!(r#"{{"op":"add","path":"/a","value":{zeros}}}"#)],
        vec![r#"{"op":"add","path":"/a/0","value":0}"#.to_owned(); 9_000],
    ];
    for (operations, why) in [
        (doubled, Why::Long),
        (nested, Why::Deep),
        (moved, Why::Moved),
        (pushed.concat(), Why::Long),
    ] {
        let body =
            format!(r#"[{{"op":"add","path":"/a","value":{{"x":1}}}},{}]"#, operations.join(","));
        assert_eq!(patched(&body).2, Some(why), "{why:?}");
    }
}

#[test]
fn merge_strategic_and_apply_patches_set_what_they_say_and_remove_what_is_null() {
    for (patch, set, removed) in [
        (r#"{"spec":{"hostPID":true}}"#, json!({"spec": {"hostPID": true}}), vec![]),
        (
            r#"{"metadata":{"labels":{"a.b/c":null,"x":"y"}},"spec":null}"#,
            json!({"metadata": {"labels": {"x": "y"}}}),
            vec!["metadata.labels[\"a.b/c\"]", "spec"],
        ),
        (
            r#"{"c":[{"name":"a","$patch":"delete"},{"name":"b","x":null,"y":1},{"$patch":"delete"}],"$setElementOrder/c":[{"name":"b"}]}"#,
            json!({"c": [{"name": "b", "y": 1}]}),
            vec!["c.a", "c[0].x"],
        ),
        (
            r#"{"c":[{"$patch":"replace"},{"name":"b"}],"s":{"$patch":"replace","a":1},"t":{"$patch":"merge","a":1}}"#,
            json!({"c": [{"name": "b"}], "s": {"a": 1}, "t": {"a": 1}}),
            vec!["c", "s"],
        ),
        (
            r#"{"v":{"$retainKeys":["name"],"name":"v"},"d":{"$patch":"delete"},"$deleteFromPrimitiveList/f":["z"]}"#,
            json!({"v": {"name": "v"}, "d": {}}),
            vec!["f.z", "d", "v"],
        ),
        (r#"{"\u0024patch":"delete","a":1}"#, json!({"a": 1}), vec![""]),
    ] {
        let removed = removed.into_iter().map(str::to_owned).collect();
        assert_eq!(patched(patch), (set, removed, None), "{patch}");
    }
}

#[test]
fn a_whole_object_is_what_it_is() {
    let body = r#"{"spec":{"paused":null,"$patch":"delete"}}"#;
    let (set, removed, why) = changed("update", body, "null");
    assert_eq!(set, serde_json::from_str::<Value>(body).unwrap());
    assert_eq!((removed, why), (vec![], None));
}

#[test]
fn a_body_that_cannot_be_read_is_told_and_the_answer_stands_for_it() {
    let yaml = r#""spec:\n  hostPID: true\n""#;
    let after = r#"{"kind":"Deployment","spec":{"hostPID":true}}"#;
    let read: Value = serde_json::from_str(after).unwrap();
    assert_eq!(changed("patch", yaml, after), (read, vec![], Some(Why::NotJson)));
    assert_eq!(
        changed("patch", yaml, r#"{"kind":"Status"}"#),
        (Value::Null, vec![], Some(Why::NotJson))
    );
    assert_eq!(changed("delete", r#""x""#, after).2, None, "nothing is written");
}

#[test]
fn a_request_removes_a_field_with_what_it_lies_in() {
    let removes = |verb: &str, body: &str, before: Option<Value>, keys: &[&str]| {
        let text = format!(r#"{{"verb":"{verb}","requestObject":{body}}}"#);
        let event = Event::parse(&text).unwrap();
        let change = Change::of(&event, None);
        let change = match before {
            Some(before) => change.from(before),
            None => change,
        };
        change.removes(keys)
    };
    let label = ["metadata", "labels", "enforce"];
    for body in [
        r#"[{"op":"remove","path":"/metadata/labels/enforce"}]"#,
        r#"[{"op":"remove","path":"/metadata/labels"}]"#,
        r#"[{"op":"move","from":"/metadata/labels/enforce","path":"/metadata/labels/x"}]"#,
        r#"{"metadata":{"labels":{"enforce":null}}}"#,
        r#"{"metadata":{"labels":null}}"#,
        r#"{"metadata":{"labels":{"$patch":"replace","x":"y"}}}"#,
        r#"{"metadata":{"$retainKeys":["name"],"name":"x"}}"#,
    ] {
        assert!(removes("patch", body, None, &label), "{body}");
    }
    for body in [
        r#"[{"op":"remove","path":"/metadata/labels/enforcement"}]"#,
        r#"[{"op":"remove","path":"/metadata/labels/enforce"},{"op":"add","path":"/metadata/labels/enforce","value":"x"}]"#,
        r#"{"metadata":{"labels":{"$patch":"replace","enforce":"y"}}}"#,
        r#"{"metadata":{"labels":{"x":null}}}"#,
    ] {
        assert!(!removes("patch", body, None, &label), "{body}");
    }
    let before = json!({"metadata": {"labels": {"enforce": "restricted"}}});
    let without = r#"{"metadata":{"labels":{}}}"#;
    assert!(removes("update", without, Some(before.clone()), &label));
    assert!(!removes("update", without, None, &label), "nobody knows what was there");
    assert!(!removes("patch", without, Some(before.clone()), &label));
    assert!(!removes("update", r#"{"metadata":{"labels":{"enforce":"x"}}}"#, Some(before), &label));
}

#[test]
fn a_replacement_with_the_version_that_it_names_changed_nothing() {
    let effect = |verb: &str, body: &str, after: &str| {
        let text =
            format!(r#"{{"verb":"{verb}","requestObject":{body},"responseObject":{after}}}"#);
        let event = Event::parse(&text).unwrap();
        !Change::of(&event, None).is_without_effect()
    };
    let version = |version: &str| format!(r#"{{"metadata":{{"resourceVersion":"{version}"}}}}"#);
    assert!(!effect("update", &version("7"), &version("7")));
    assert!(effect("update", &version("7"), &version("8")));
    assert!(effect("update", &version(""), &version("")));
    assert!(effect("update", "{}", "{}"));
    assert!(effect("update", &version("7"), "null"));
    assert!(effect("patch", &version("7"), &version("7")));
}
