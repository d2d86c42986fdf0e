//! Files that are large in one way: reading them takes about as long as they are, and not the square of it.

use airside_types::NamedValue;

use super::problems::problems;
use super::{EXEC, detections, judged, read, rule};
use crate::set::RuleSet;

/// So many of something, one after the other.
fn many(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect()
}

fn correlation(number: usize, correlation: &str) -> String {
    format!(
        "---\ntitle: Often {number}\nlevel: low\ntags: [attack.impact]\ncorrelation:\n  {{timespan: 1m, {correlation}}}\n"
    )
}

#[test]
fn a_rule_has_as_many_selections_as_anybody_likes() {
    let selections = many(20_000, |number| format!("s{number}: {{verb: create}}\n"));
    let rules = read(&rule("Many", &format!("{selections}condition: s7 and s19999")));
    assert_eq!(detections(&rules, EXEC).len(), 1);
}

#[test]
fn a_rule_names_very_many_values_and_fields() {
    let other = |number| format!("- {{objectRef.name: n{number}, user.username: u{number}}}\n");
    let others = many(4_900, other);
    let rules =
        read(&rule("Values", &format!("a:\n{others}- {{objectRef.name: web}}\ncondition: a")));
    assert_eq!(detections(&rules, EXEC).len(), 1);
    let fields = many(9_900, |number| format!("  requestObject.k{number}: null\n"));
    let rules = read(&rule("Fields", &format!("a:\n{fields}condition: a")));
    assert_eq!(detections(&rules, EXEC).len(), 1);
}

#[test]
fn of_one_rule_a_thousand_remarks_are_told_and_how_many_more_there_are() {
    let long = "n".repeat(380);
    let fields = many(9_900, |number| format!("  {long}{number}: x\n"));
    let told = problems(&rule("Unknown", &format!("a:\n{fields}condition: a")));
    assert_eq!(told.len(), 1_001);
    assert!(told.iter().any(|it| it.contains("and 8900 more about this rule")));
}

#[test]
fn a_condition_is_not_longer_than_it_can_be_parsed() {
    let condition = |count: usize| "a or ".repeat(count) + "a";
    let of_rule = |count| {
        problems(&rule("Long", &format!("a: {{verb: get}}\ncondition: {}", condition(count))))
    };
    assert_eq!(of_rule(1_600), [""; 0]);
    let within = |count: usize| {
        let list = format!(
            "a:\n  requestObject.spec.containers[any]:\n    a: {{name: x}}\n    condition: {}\ncondition: a",
            condition(count)
        );
        problems(&format!("sigma-version: 3\n{}", rule("Long", &list)))
    };
    let of_correlation = |count: usize| {
        let base = rule("a", "a: {verb: get}\ncondition: a");
        problems(
            &(base
                + &correlation(
                    1,
                    &format!("type: temporal, rules: [a], condition: {}", condition(count)),
                )),
        )
    };
    assert_eq!((within(200), of_correlation(1_600)), (vec![], vec![]));
    for told in [of_rule(1_700), within(1_700), of_correlation(1_700)] {
        assert!(
            told.len() == 1 && told[0].contains("a condition has 8192 bytes at most"),
            "{told:?}"
        );
    }
}

#[test]
fn titles_and_names_of_selections_are_not_as_long_as_a_file() {
    let told = [
        problems(&rule(&"t".repeat(1_001), "a: {verb: get}\ncondition: a")),
        problems(&rule("One", &format!("{}: {{verb: get}}\ncondition: 1 of *", "a".repeat(1_001)))),
    ];
    insta::assert_snapshot!(told.concat().join("\n"), @r"
    error own.yaml:1:1: a title has 1000 bytes at most
    error own.yaml:7:3: the name of a selection has 1000 bytes at most
    ");
}

#[test]
fn correlation_rules_share_the_bounds_of_all_rules() {
    let base = rule("Base", "a: {verb: create}\ncondition: a");
    let told = |count: usize, of_each: &str| {
        let text = base.clone() + &many(count, |number| correlation(number, of_each));
        let (rules, problems) = RuleSet::read([("own.yaml", text.as_str())]);
        let first = problems.first().map(|it| it.text.clone()).unwrap_or_default();
        (rules.listed().count() - 1, first)
    };
    let list = |one: &str| vec![one; 50].join(", ");
    let (rules, fields) = (list("Base"), list("verb"));
    let heavy = format!("type: temporal, rules: [{rules}], group-by: [{fields}]");
    let bodies: Vec<_> = (0..50).map(|number| format!("requestObject.f{number}")).collect();
    let bodies = format!(
        "type: event_count, rules: [Base], group-by: [{}], condition: {{gte: 2}}",
        bodies.join(", ")
    );
    let counting = "type: event_count, rules: [Base], condition: {gte: 10000}";
    let plain = "type: event_count, rules: [Base], condition: {gte: 2}";
    let all = [told(90, &heavy), told(1, &bodies), told(60, counting), told(1_010, plain)];
    let all: Vec<_> = all.iter().map(|(count, text)| format!("{count} in force; {text}")).collect();
    insta::assert_snapshot!(all.join("\n"), @r"
    78 in force; with the rules before it, it takes 201451 comparisons with one event, of at most 200000: set fewer rules
    0 in force; it may take 10051 comparisons with one event, of at most 10000: name fewer rules and fields
    49 in force; with the rules before it, 500050 events or values may have to be remembered in one group of each correlation rule, of at most 500000: count to less, or set fewer rules
    1000 in force; with the rules before it, there are more than 1000 correlation rules: set fewer
    ");
}

/// Of each of the groups' fields the body was written out, for each rule that is referred to.
#[test]
fn a_body_that_events_are_grouped_by_is_written_out_once() {
    let base = rule("Base", "a: {verb: create}\ncondition: a");
    let list = |one: &str| vec![one; 50].join(", ");
    let by_body =
        format!("type: temporal, rules: [{}], group-by: [{}]", list("Base"), list("requestObject"));
    let rules = read(&(base + &many(40, |number| correlation(number, &by_body))));
    let event = |last: &str| {
        let parts = many(5_000, |number| format!(r#""k{number}":{{"a":[1,2]}},"#));
        EXEC.replacen('{', &format!(r#"{{"requestObject":{{{parts}"last":"{last}"}},"#), 1)
    };
    let groups = |last: &str| -> Vec<_> {
        let found = judged(&rules, &event(last)).candidates;
        found.iter().map(|it| (it.group, it.places.len())).collect()
    };
    let one = groups("a");
    assert_eq!((one.len(), one[0].1), (40, 50));
    assert_eq!(groups("a"), one);
    assert_ne!(groups("b"), one, "another body is another group");
}

#[test]
fn what_is_told_of_one_event_has_its_bound_in_bytes_and_correlation_rules_have_their_half() {
    let fields = many(12, |number| format!("  requestObject.data.v{number}|exists: true\n"));
    let detection = format!("a:\n{fields}condition: a");
    let base = many(40, |number| rule(&format!("Rule {number}"), &detection) + "---\n");
    let by = many(4, |number| format!("requestObject.data.v{number}, "));
    let often =
        format!("type: event_count, rules: [Rule 0], group-by: [{by}verb], condition: {{gte: 2}}");
    let text = base + &rule("Last", &detection) + &many(100, |number| correlation(number, &often));
    let text = text.replace(
        "level: low\ntags: [attack.impact]\n",
        "level: low\ntags: [attack.impact]\ngenerate: true\n",
    );
    let data = many(12, |number| format!(r#""v{number}":"{}","#, "\u{10348}".repeat(2_000)));
    let event = EXEC.replacen('{', &format!(r#"{{"requestObject":{{"data":{{{data}"z":1}}}},"#), 1);
    let found = judged(&read(&text), &event);
    let told = |values: &[NamedValue], name: &str| {
        let value = values.iter().find(|it| it.name == name).map(|it| it.value.as_str());
        let number = value.and_then(|it| it.split(' ').next()).and_then(|it| it.parse().ok());
        number.unwrap_or(0_usize)
    };
    let values = |record: &airside_types::Record| match &record.payload {
        airside_types::Payload::Detection(detection) => detection.values.clone(),
        _ => Vec::new().into(),
    };
    let bytes = |record: &airside_types::Record| -> usize {
        values(record).iter().map(|it| it.name.len() + it.value.len()).sum()
    };
    let detections: usize = found.records.iter().map(bytes).sum();
    let candidates: usize = found.candidates.iter().map(|it| bytes(&it.record)).sum();
    assert!((60_000..=128 << 10).contains(&detections), "{detections}");
    assert!(candidates > 60_000 && detections + candidates <= 256 << 10, "{candidates}");
    let last = values(found.records.last().unwrap());
    assert_eq!(found.records.len() + told(&last, "untold"), 41);
    for candidate in &found.candidates {
        let uncounted = told(&values(&candidate.record), "uncounted");
        assert_eq!(found.candidates.len() + uncounted, 100);
    }
}
