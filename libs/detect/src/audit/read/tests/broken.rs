//! What breaks costs itself and nothing else.

use std::collections::BTreeSet;

use airside_types::{Cluster, Payload, Tenant};
use proptest::prelude::*;

use super::super::{input, record};
use super::read;
use crate::{Clock, ClusterProfile, Intake};

const POD: &str = r#"{"level":"RequestResponse","auditID":"a-1","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods","verb":"create","user":{"username":"dana","groups":["devs"]},"sourceIPs":["10.0.0.9"],"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":201},"requestObject":{"spec":{"containers":[{"name":"a","image":"x","securityContext":{"privileged":true}}],"volumes":[]}},"responseObject":{"metadata":{"name":"p"}},"requestReceivedTimestamp":"2026-11-22T10:00:00Z","stageTimestamp":"2026-11-22T10:00:00Z"}"#;

/// The rules that fire on an input, and how many events and letters it was.
fn fired(bytes: &[u8]) -> (BTreeSet<String>, usize, usize) {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let intake = Intake {
        tenant: &tenant,
        cluster: &cluster,
        clock: Clock::Recorded,
        profile: ClusterProfile::unknown(),
        origin: None,
    };
    let (mut rules, mut events, mut letters) = (BTreeSet::new(), 0, 0);
    input(bytes, &mut |item| match item.event {
        Ok(event) => {
            events += 1;
            for record in crate::audit::records(event, &intake) {
                if let Payload::Detection(detection) = record.payload {
                    rules.insert(detection.rule);
                }
            }
        }
        Err(_) => letters += 1,
    });
    (rules, events, letters)
}

#[test]
fn every_prefix_of_an_event_is_a_cut_event_or_a_letter() {
    let object = POD.find(r#""requestObject""#).unwrap();
    let privileged = POD.find(r#""privileged":true"#).unwrap() + r#""privileged":true"#.len();
    let told = POD.find(r#","responseStatus""#).unwrap();
    for end in 1..POD.len() {
        for mark in ["", "[Truncated...]"] {
            let (rules, events, letters) =
                fired(format!("{}{mark}", POD.get(..end).unwrap()).as_bytes());
            assert_eq!(events + letters, 1, "{end}");
            assert!(events == 1 || end < told, "the deed is known at {end}");
            assert!(!(events == 1 && end > object) || rules.contains("AUD-R86"), "{end}");
            assert_eq!(rules.contains("AUD-R37"), end >= privileged, "{end}{mark}");
        }
    }
}

/// A batch of 400 events, of which one is replaced.
fn batch(at: usize, poison: &[u8]) -> Vec<u8> {
    let mut bytes =
        br#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#.to_vec();
    for number in 0..400 {
        if number > 0 {
            bytes.push(b',');
        }
        bytes.extend(if number == at { poison } else { POD.as_bytes() });
    }
    bytes.extend(b"]}");
    bytes
}

#[test]
fn one_poison_among_four_hundred_costs_exactly_one() {
    let lone_quote = POD.replacen("\"shop\"", "\"shop", 1);
    let open_body = POD.replacen("\"volumes\":[]", "\"volumes\":[", 1);
    let wrong_body = POD.replacen("\"volumes\":[]", "\"volumes\":[}", 1);
    let poisons: [&[u8]; 9] = [
        b"{",
        b"nonsense",
        b"{\"level\":}",
        b"{\"level\":\"x\" \"verb\":3}",
        b"\"",
        lone_quote.as_bytes(),
        open_body.as_bytes(),
        wrong_body.as_bytes(),
        br#"{"level":"Metadata","requestObject":[{"level":1},{"level":{}}"#,
    ];
    for poison in poisons {
        for at in [0, 7, 398, 399] {
            let bytes = batch(at, poison);
            let (mut events, mut letters) = (0, 0);
            record(1, &bytes, &mut |item| match item.event {
                Ok(event) if !event.truncated => events += 1,
                _ => letters += 1,
            });
            let poison = String::from_utf8_lossy(poison);
            assert_eq!((events, letters), (399, 1), "{poison} at {at}");
        }
    }
}

#[test]
fn bytes_that_are_no_utf8_cost_only_the_text_that_they_stand_in() {
    let mut poison = POD.as_bytes().to_vec();
    let at = POD.find("\"image\":\"x").unwrap() + 9;
    poison[at] = 0xff;
    let (rules, events, letters) = fired(&batch(3, &poison));
    assert_eq!((events, letters), (400, 0));
    assert!(rules.contains("AUD-R37") && !rules.contains("AUD-R86"));
}

#[test]
fn a_body_that_nobody_can_decode_hides_nothing_and_is_told() {
    let deep = format!("{}{}", "[".repeat(3000), "]".repeat(3000));
    for extra in [deep.as_str(), "1e999", "[1}", r#""\ud800""#] {
        let text = POD.replacen("\"volumes\":[]", &format!("\"volumes\":[],\"x\":{extra}"), 1);
        let (rules, events, _) = fired(text.as_bytes());
        if extra == "[1}" {
            assert_eq!(events, 0, "this is no JSON: a letter");
        } else if extra.contains("ud800") {
            assert!(rules.contains("AUD-R37"), "read as the API server reads it: {rules:?}");
        } else {
            assert!(rules.contains("AUD-R37") && rules.contains("AUD-R86"), "{extra}: {rules:?}");
        }
    }
}

#[test]
fn odd_values_lose_no_event() {
    for (code, refused) in [("\"403\"", true), ("403", true), ("70000", false), ("null", false)] {
        let text = format!(
            r#"{{"verb":"create","user":{{"username":"dana"}},"userAgent":"\ud800","objectRef":{{"resource":"jobs","apiGroup":"batch"}},"responseStatus":{{"code":{code}}},"annotations":{{"authorization.k8s.io/decision":"forbid"}}}}"#
        );
        let (rules, events, _) = fired(text.as_bytes());
        assert_eq!((events, rules.contains("AUD-R08")), (1, refused || code == "null"), "{code}");
    }
}

#[test]
fn nothing_but_brackets_is_a_letter() {
    for text in ["]", "}", ",", "[}", "[,", "{\"items\":[]}]"] {
        let (_, events, letters) = fired(text.as_bytes());
        assert_eq!((events, letters), (0, 1), "{text}");
    }
}

#[test]
fn half_a_list_tells_its_last_event_as_far_as_it_goes() {
    let list =
        format!(r#"{{"kind":"EventList","items":[{POD},{}"#, POD.get(..POD.len() - 200).unwrap());
    assert_eq!(
        read(list.as_bytes()),
        ["1 create pods dana", "2 create pods dana cut", "3 broken after 2"]
    );
}

proptest! {
    /// Whatever a batch turns into on its way, each item is an event or a letter, and nothing panics.
    #[test]
    fn a_batch_with_changed_bytes_is_read(
        changes in prop::collection::vec((0usize..2_000, any::<u8>()), 0..6), end in 0usize..2_000,
    ) {
        let mut bytes = format!(r#"{{"kind":"EventList","items":[{POD},{POD},{POD}]}}"#).into_bytes();
        for (at, byte) in changes {
            let length = bytes.len();
            bytes[at % length] = byte;
        }
        if end < bytes.len() {
            bytes.truncate(end);
        }
        let mut items = 0;
        record(1, &bytes, &mut |item| {
            items += 1;
            if let Ok(event) = item.event {
                assert!(event.is_event());
            }
        });
        prop_assert!(items > 0);
    }
}
