//! Where a rule over several requests and an anomaly would say the same, one of them does.

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
