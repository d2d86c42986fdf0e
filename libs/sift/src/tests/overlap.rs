//! Where a rule over several requests and an anomaly would say the same, one of them does.

use airside_types::Reason;

use super::{Events, detections, ledger, sift, told};
use crate::{Limits, Sift};

/// A client that guesses tokens and paths, from inside.
fn guesses(events: &mut Events, paths: usize, tool: &str) {
    for n in 0..20 {
        events.now += super::SECOND;
        let (path, time) = (n % paths, airside_types::Timestamp::from_nanos(events.now));
        let text = format!(
            r#"{{"auditID":"guess-{n}","stage":"ResponseComplete","verb":"get","requestURI":"/path/{path}","user":{{}},"userAgent":"{tool}","sourceIPs":["10.0.0.9"],"responseStatus":{{"code":401}},"requestReceivedTimestamp":"{time}"}}"#
        );
        events.read(&text);
    }
}

fn of(rules: &[&str], said: &str) -> Vec<String> {
    let lines = said.lines().filter(|line| rules.iter().any(|rule| line.starts_with(rule)));
    lines.map(str::to_owned).collect()
}

#[test]
fn what_a_rule_has_told_an_anomaly_does_not_tell_again() {
    let (mut events, mut state) = (Events::new(), Sift::new(Limits::default()));
    guesses(&mut events, 20, "curl/8.5.0");
    let sifted = sift(&events.batch, &mut state);
    insta::assert_snapshot!(of(&["AUD-R04", "AUD-B05"], &told(&sifted.told)).join("\n"), @"AUD-R04 A client without a valid credential was refused 5 different requests: get /path/0, get /path/1, get /path/2, get /path/3, get /path/4, from 10.0.0.9 with curl/8.5.0.");
    assert!(detections(&sifted.rolled_up).iter().any(|it| it.rule == "AUD-B05"));
    assert!(ledger(&state).contains("rolled-up AUD-B05 1"), "{}", ledger(&state));
}

#[test]
fn what_no_rule_has_told_an_anomaly_tells() {
    let (mut events, mut state) = (Events::new(), Sift::new(Limits::default()));
    guesses(&mut events, 1, "curl/8.5.0");
    let sifted = sift(&events.batch, &mut state);
    insta::assert_snapshot!(of(&["AUD-R04", "AUD-B05"], &told(&sifted.told)).join("\n"), @"AUD-B05 A client without a valid credential failed to log in 15 times from 10.0.0.9: whoever has a credential fails once, if at all, from 10.0.0.9 with curl/8.5.0.");
    assert!(!ledger(&state).contains("AUD-B05"));
}

/// A pod with an image, made an hour after what came before.
fn runs(events: &mut Events, tool: &str, namespace: &str, image: &str) {
    events.now += 3600 * super::SECOND;
    let (number, time) = (events.batch.events(), airside_types::Timestamp::from_nanos(events.now));
    let text = format!(
        r#"{{"auditID":"run-{number}","stage":"ResponseComplete","verb":"create","requestURI":"/x","user":{{"username":"dana","groups":["system:authenticated"]}},"userAgent":"{tool}","sourceIPs":["10.0.0.9"],"objectRef":{{"resource":"pods","namespace":"{namespace}","name":"p{number}"}},"responseStatus":{{"code":201}},"requestObject":{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"p{number}"}},"spec":{{"containers":[{{"name":"c","image":"{image}"}}]}}}},"requestReceivedTimestamp":"{time}"}}"#
    );
    events.read(&text);
}

#[test]
fn an_image_away_from_home_is_told_by_the_rule_or_the_anomaly_whichever_says_more() {
    let expected = [
        // The pipeline's new image is nothing much by itself.
        ("Helm/3.16.2", "AUD-R50-namespace info, AUD-B17 low"),
        ("kubectl/v1.33.1", "AUD-R50-namespace low"),
    ];
    for (tool, expected) in expected {
        let (mut events, mut state) = (Events::new(), Sift::new(Limits::default()));
        for _ in 0..220 {
            runs(&mut events, "Helm/3.16.2", "vault", "vault/backup:1");
            runs(&mut events, "Helm/3.16.2", "shop", "shop/web:7");
        }
        runs(&mut events, tool, "shop", "vault/backup:2");
        let sifted = sift(&events.batch, &mut state);
        let told = detections(&sifted.told).into_iter();
        let told = told.filter(|it| ["AUD-R50-namespace", "AUD-B17"].contains(&it.rule.as_str()));
        let told: Vec<_> = told.map(|it| format!("{} {}", it.rule, it.severity)).collect();
        assert_eq!(told.join(", "), expected, "{tool}");
        let stood = detections(&sifted.rolled_up).into_iter().any(|it| it.rule == "AUD-B17");
        assert_eq!(stood, !expected.contains("AUD-B17"));
    }
}

#[test]
fn what_an_actor_raises_beyond_so_many_of_a_model_in_an_hour_is_in_the_ledger() {
    let (mut events, mut state) = (Events::new(), Sift::new(Limits::default()));
    for _ in 0..300 {
        events.add(3600, "ada", "get", "configmaps", "web");
    }
    for number in 0..8 {
        events.add(1, "ada", "create", &format!("kinds{number}"), "x");
    }
    let sifted = sift(&events.batch, &mut state);
    let told = detections(&sifted.told).into_iter().filter(|it| it.rule == "AUD-B01").count();
    assert_eq!((told, sifted.beyond), (5, 3));
    let key = (events.batch.tenant, events.batch.cluster);
    let lines: Vec<_> = state.ledger(&key).filter(|line| line.rule == "AUD-B01").collect();
    let [line] = lines[..] else { panic!("{lines:?}") };
    assert_eq!((line.reason, line.count), (Reason::RolledUp, 3));
    insta::assert_snapshot!(line.example, @"User ada did `create kinds5 in shop` for the first time: on 299 occasions it has not done it, nor has any other of its kind, from 10.0.0.7 with kubectl/v1.31.0.");
}
