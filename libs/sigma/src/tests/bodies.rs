//! Whole bodies and parts of them: what rules find in them and show of them, and that it takes little to know that one is there.

use airside_types::Detection;

use super::problems::problems;
use super::{detections, read, rule};

/// A change of which a part of the answer is as it was asked for, and a part is not.
const CHANGE: &str = r#"{"auditID":"1","stage":"ResponseComplete","verb":"update","user":{"username":"ada"},
    "objectRef":{"resource":"deployments","namespace":"shop","name":"web"},"responseStatus":{"code":200},
    "requestObject":{"metadata":{"labels":{"app":"web","tier":"a"},"annotations":{}},"spec":{"ports":[{"port":1},{"port":2}],"replicas":3},"status":{"a":{"b":1}}},
    "responseObject":{"metadata":{"labels":{"app":"web","tier":"b"},"annotations":{}},"status":{"a":{"b":2}},"spec":{"ports":[{"port":1},{"port":2}],"replicas":3}}}"#;

fn found(items: &str) -> Vec<Detection> {
    let text = rule("One", &format!("a:\n  {items}\ncondition: a"));
    detections(&read(&format!("sigma-version: 3\n{text}")), CHANGE)
}

#[test]
fn parts_of_bodies_are_there_and_are_compared_with_others_as_wholes() {
    for (item, fires) in [
        ("requestObject|exists: true", true),
        ("requestObject.metadata|exists: true", true),
        ("requestObject.metadata|exists: false", false),
        ("requestObject.metadata.annotations|exists: true", true),
        ("requestObject.spec.ports|exists: true", true),
        ("requestObject.spec.nothing|exists: true", false),
        ("requestObject.spec.replicas|fieldref: responseObject.spec.replicas", true),
        ("requestObject.status|fieldref: responseObject.status", false),
        ("requestObject.status.a|fieldref: responseObject.status.a", false),
        ("requestObject.spec|fieldref: responseObject.spec", true),
        ("requestObject.spec.ports|fieldref: responseObject.spec.ports", true),
        ("requestObject.spec.ports[any]:\n    port: 2", true),
        ("requestObject.spec.ports[any]:\n    port: 3", false),
        ("requestObject.spec.ports[all]:\n    port|lt: 3", true),
    ] {
        assert_eq!(found(item).len(), usize::from(fires), "{item}");
    }
}

#[test]
fn what_is_shown_of_a_part_of_a_body_is_the_whole_of_it() {
    for (item, field, value) in [
        (
            "requestObject.metadata.labels|exists: true",
            "requestObject.metadata.labels",
            r#"{"app":"web","tier":"a"}"#,
        ),
        (
            "requestObject.spec.ports|exists: true",
            "requestObject.spec.ports",
            r#"[{"port":1},{"port":2}]"#,
        ),
        (
            "requestObject.spec|fieldref: responseObject.spec",
            "requestObject.spec",
            r#"{"ports":[{"port":1},{"port":2}],"replicas":3}"#,
        ),
        ("requestObject.spec.ports[any]:\n    port: 2", "requestObject.spec.ports[1].port", "2"),
    ] {
        let found = found(item);
        assert_eq!(found.len(), 1, "{item}");
        let values = &found[0].values;
        let shown: Vec<_> = values.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
        assert_eq!(shown, [(field, value)], "{item}");
    }
}

/// A body of very many parts.
fn wide() -> String {
    let parts: Vec<_> = (0..20_000).map(|n| format!(r#""k{n}":{{"a":"{n}","b":[1,2]}}"#)).collect();
    let change =
        r#"{"auditID":"1","verb":"get","user":{"username":"ada"},"objectRef":{"resource":"pods"}"#;
    format!(r#"{change},"requestObject":{{"spec":{{{}}}}}}}"#, parts.join(","))
}

/// A tree of the body for each of them takes minutes.
#[test]
fn thousands_of_comparisons_with_a_large_body_take_no_copy_of_it() {
    let one = "- {requestObject|exists: false}\n- {requestObject.spec|exists: false}\n";
    let alternatives = one.repeat(2_000);
    let rules = read(&rule("One", &format!("a:\n{alternatives}- {{verb: get}}\ncondition: a")));
    assert_eq!(detections(&rules, &wide()).len(), 1);
}

/// The text was copied as often as the rule compares with it, and all copies were there at once.
#[test]
fn a_rule_that_compares_with_one_long_text_very_often_shows_it_once() {
    let selections: String =
        (0..5_000).map(|n| format!("s{n}: {{requestObject.data.x|contains: x}}\n")).collect();
    let rules = read(&rule("One", &format!("{selections}condition: all of s*")));
    let event = format!(
        r#"{{"auditID":"1","verb":"get","user":{{"username":"ada"}},"objectRef":{{"resource":"pods"}},"requestObject":{{"data":{{"x":"{}"}}}}}}"#,
        "x".repeat(10_000)
    );
    let found = detections(&rules, &event);
    let shown: Vec<_> = found[0].values.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(shown, ["requestObject.data.x"]);
}

#[test]
fn what_takes_a_body_whole_counts_as_many_comparisons() {
    let list = |item: &str, count: usize| {
        let text = rule("One", &format!("a:\n{}condition: a", format!("- {item}\n").repeat(count)));
        problems(&format!("sigma-version: 3\n{text}"))
    };
    let any = "requestObject.spec.containers[any]: {name: x}";
    let compared = "user.username|fieldref: requestObject.metadata.name";
    let both = "responseObject.metadata.name|fieldref: requestObject.metadata.name";
    for (item, most) in [(any, 46), (compared, 49), (both, 24)] {
        assert_eq!(list(item, most), [""; 0], "{item}");
        let told = list(item, most + 1);
        assert!(told.len() == 1 && told[0].contains("it may take 10"), "{item}: {told:?}");
    }
    let keywords: String = (0..50).map(|n| format!("s{n}: [x]\n")).collect();
    let told = problems(&rule("One", &format!("{keywords}condition: 1 of s*")));
    assert!(told.len() == 1 && told[0].contains("it may take 10100 comparisons"), "{told:?}");
    // Within the process a NUL stands for all that is below a field.
    let told = list(r#"{"requestObject.spec": x, "verb|fieldref": "\0requestObject.spec"}"#, 1);
    assert_eq!(told, ["error own.yaml:9:31: no field has a NUL in its name"]);
}
