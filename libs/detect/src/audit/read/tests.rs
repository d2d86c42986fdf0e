//! Reading as a table: what an input holds, event by event.

mod broken;
mod envelopes;
mod takers;

use proptest::prelude::*;

use super::{Unreadable, input};

const EVENT: &str =
    r#"{"kind":"Event","verb":"list","user":{"username":"dana"},"objectRef":{"resource":"pods"}}"#;

/// What was read, one item a line: the line, and verb with object or the beginning of the reason.
fn read(bytes: &[u8]) -> Vec<String> {
    let mut items = Vec::new();
    input(bytes, &mut |item| {
        items.push(match item.event {
            Ok(event) => {
                let object = event.object_ref.clone().unwrap_or_default();
                let cut = if event.truncated { " cut" } else { "" };
                format!(
                    "{} {} {} {}{cut}",
                    item.line, event.verb, object.resource, event.user.username
                )
            }
            Err(why) => format!("{} {}", item.line, name(why)),
        });
    });
    items
}

fn name(why: &Unreadable) -> String {
    match why {
        Unreadable::NotJson { .. } => "no JSON".to_owned(),
        Unreadable::NotAnEvent { .. } => "no event".to_owned(),
        Unreadable::OtherLog { what } => format!("other log: {what}"),
        Unreadable::Packed { reason } => format!("packed: {reason}"),
        Unreadable::BrokenDocument { events, .. } => format!("broken after {events}"),
    }
}

#[test]
fn every_way_to_carry_events_is_read() {
    let quoted = serde_json::to_string(EVENT).unwrap();
    let list = format!(r#"{{"kind":"EventList","items":[{EVENT},{{"x":1}},{EVENT}]}}"#);
    let pretty =
        format!("{{\n \"kind\": \"EventList\",\n \"items\": [\n {EVENT},\n {EVENT}\n ]\n}}\n");
    let azure = format!(r#"{{"category":"kube-audit","level":4,"properties":{{"log":{quoted}}}}}"#);
    let azure_object =
        format!(r#"{{"category":"kube-audit-admin","properties":{{"log":{EVENT}}}}}"#);
    let hub = format!(r#"{{"records":[{azure},{azure_object}]}}"#);
    let watch = format!(
        r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"id":"1","timestamp":2,"message":{quoted}}}]}}"#
    );
    let gke = r#"{"insertId":"i","timestamp":"2026-11-22T10:00:00Z","protoPayload":{"serviceName":"k8s.io",
        "methodName":"io.k8s.authorization.rbac.v1.rolebindings.create","authenticationInfo":{"principalEmail":"dana@example.net"},
        "resourceName":"rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings/b"}}"#.replace('\n', "");
    let one = "1 list pods dana";
    let table: &[(&str, String, &[&str])] = &[
        ("lines", format!("\n{EVENT}\n\n{EVENT}\n"), &["2 list pods dana", "4 list pods dana"]),
        ("lines without a break", format!("{EVENT}{EVENT}"), &[one, one]),
        ("list in one line", list, &[one, "2 no event", "3 list pods dana"]),
        ("list over lines", pretty, &[one, "2 list pods dana"]),
        ("array", format!("[{EVENT},{EVENT}]"), &[one, "2 list pods dana"]),
        ("Azure text", azure, &[one]),
        ("Azure object", azure_object, &[one]),
        ("Event Hub", hub, &[one, "2 list pods dana"]),
        ("CloudWatch", watch, &[one]),
        ("GKE", gke, &["1 create rolebindings dana@example.net"]),
        ("v1beta1", r#"{"apiVersion":"audit.k8s.io/v1beta1","metadata":{},"timestamp":"2018-10-26T14:11:51Z","user":{"username":"dana","groups":null},"verb":"get","requestURI":"/"}"#.to_owned(), &["1 get  dana"]),
        ("a failed authentication", r#"{"verb":"list","user":{},"requestURI":"/api/v1/pods","responseStatus":{"code":401}}"#.to_owned(), &["1 list  "]),
    ];
    for (form, text, expected) in table {
        assert_eq!(read(text.as_bytes()), *expected, "{form}");
    }
}

#[test]
fn what_is_no_event_is_told_and_loses_nothing_else() {
    let half = format!(r#"{{"kind":"EventList","items":[{EVENT},{EVENT},{{"kind":"Ev"#);
    let cut = r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods"},"requestObject":{"a":[Truncated...]"#;
    let table: &[(&str, Vec<u8>, &[&str])] = &[
        ("broken line", format!("{{\"a\n{EVENT}\n").into(), &["1 no JSON", "2 list pods dana"]),
        ("broken line within", format!("{EVENT}\n{{]\n{EVENT}").into(), &["1 list pods dana", "2 no JSON", "3 list pods dana"]),
        ("other JSON", format!("{{\"x\":1}}\n7\n\"s\"\n{EVENT}").into(), &["1 no event", "2 no event", "3 no event", "4 list pods dana"]),
        ("wrong types", br#"{"verb":3,"user":{"username":"dana"},"requestURI":"/"}"#.to_vec(), &["1 3  dana"]),
        ("half a list", half.into(), &["1 list pods dana", "2 list pods dana", "3 broken after 2"]),
        ("cut by CloudWatch", cut.into(), &["1 create pods dana cut"]),
        ("cut elsewhere", br#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods"},"requ"#.to_vec(), &["1 create pods dana cut"]),
        ("no text", b"\xff\xfe".to_vec(), &["1 no JSON"]),
        ("nothing", Vec::new(), &[]),
        ("control message", br#"{"messageType":"CONTROL_MESSAGE","logEvents":[]}"#.to_vec(), &["1 other log: CloudWatch control messages"]),
        ("other Azure log", br#"{"category":"kube-apiserver","properties":{"log":"I1122"}}"#.to_vec(), &["1 other log: kube-apiserver"]),
        ("other Google log", br#"{"protoPayload":{"serviceName":"compute.googleapis.com","methodName":"compute.instances.list"}}"#.to_vec(), &["1 other log: compute.googleapis.com"]),
    ];
    for (case, bytes, expected) in table {
        assert_eq!(read(bytes), *expected, "{case}");
    }
}

#[test]
fn a_denied_log_entry_of_gke_stays_denied() {
    let codes = |status: &str| {
        let text = format!(
            r#"{{"protoPayload":{{"methodName":"io.k8s.core.v1.pods.exec.create","resourceName":"core/v1/namespaces/shop/pods/web-0/exec",{status}}}}}"#
        );
        let mut found = Vec::new();
        input(text.as_bytes(), &mut |item| {
            let event = item.event.unwrap();
            let object = event.object_ref.as_ref().unwrap();
            assert_eq!(
                (&*object.namespace, &*object.name, &*object.subresource),
                ("shop", "web-0", "exec")
            );
            found.push(event.response_status.code.unwrap());
        });
        found
    };
    assert_eq!(codes(r#""status":{}"#), [200]);
    assert_eq!(codes(r#""status":{"code":7}"#), [403]);
    assert_eq!(codes(r#""response":{"kind":"Status","code":409}"#), [409]);
    assert_eq!(
        codes(
            r#""authorizationInfo":[{"granted":false,"permission":"io.k8s.core.v1.pods.exec.create"}]"#
        ),
        [403]
    );
}

proptest! {
    /// No input makes the reader panic, and every line is accounted for.
    #[test]
    fn any_bytes_are_read(lines in prop::collection::vec("\\PC{0,60}", 0..8), cut in 0usize..400) {
        let mut text = format!(r#"{{"kind":"EventList","items":[{EVENT},{EVENT}]}}"#);
        text.truncate(cut);
        text.push_str(&lines.join("\n"));
        let filled = text.lines().filter(|line| !line.trim().is_empty()).count();
        let items = read(text.as_bytes());
        prop_assert!(filled == 0 || !items.is_empty());
    }
}
