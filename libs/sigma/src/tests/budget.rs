//! Short texts that mean a lot: what they cost is found out before anything is compiled.

use airside_types::{CorrelationCandidate, Payload, Record};

use super::problems::problems;
use super::{EXEC, detections, judged, read, rule};
use crate::set::RuleSet;

/// So many of something, one after the other.
fn many(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect()
}

#[test]
fn what_costs_too_much_is_refused_before_it_is_compiled() {
    let selections = many(200, |number| format!("s{number}: {{verb: get}}\n"));
    let each = "1 of s* or ".repeat(50);
    let told: Vec<_> = [
        // Every selection, fifty times.
        rule("Squared", &format!("{selections}condition: {each} s1")),
        rule(
            "Dashes",
            "a: {user.username|windash|contains: ' -a -b -c -d -e -f -g -h'}\ncondition: a",
        ),
        rule(
            "Lists",
            &format!(
                "a:\n  user.groups|windash|base64offset|contains:\n{}condition: a",
                many(30, |number| format!("  - -{number}-{number}-{number}\n"))
            ),
        ),
        rule(
            "Repeated",
            &format!(
                "a:\n  user.username|re:\n{}condition: a",
                many(40, |number| format!("  - '{number}([a-z]{{1,999}}){{1,90}}'\n"))
            ),
        ),
        rule(
            "Many",
            &format!(
                "a:\n  user.username:\n{}condition: a",
                many(1_001, |number| format!("  - 'a*{number}'\n"))
            ),
        ),
        rule(
            "Long",
            &format!("a: {{user.username|windash: '{}-----'}}\ncondition: a", "x".repeat(20_000)),
        ),
        rule(
            "Keywords",
            &format!("a:\n{}condition: a", many(1_001, |number| format!("- 'a*{number}'\n"))),
        ),
        rule(
            "Deep",
            &format!("a: {{verb: get}}\ncondition: {}a{}", "(".repeat(70), ")".repeat(70)),
        ),
    ]
    .iter()
    .flat_map(|text| problems(text))
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    error own.yaml:207:3: it may take 20001 comparisons with one event, of at most 10000: name fewer selections and values, or write several rules
    error own.yaml:8:3: it may take 390625 comparisons with one event, of at most 10000: name fewer selections and values, or write several rules
    error own.yaml:39:3: it may take 11250 comparisons with one event, of at most 10000: name fewer selections and values, or write several rules
    error own.yaml:6:1: with the rules before it, it takes more than 64 MiB for regular expressions: write smaller ones, with fewer repetitions such as `{1,99}`
    error own.yaml:6:1: with the rules before it, it has more than 1000 regular expressions, which texts with `*` or `?` within are, too: use `contains`, `startswith` or `endswith`
    error own.yaml:6:1: with the rules before it, it takes 62515625 bytes for its texts in all the ways in which modifiers such as `windash` write them, of at most 33554432: leave modifiers out, or write shorter texts
    error own.yaml:6:1: with the rules before it, it has more than 1000 regular expressions, which texts with `*` or `?` within are, too: use `contains`, `startswith` or `endswith`
    error own.yaml:8:3: the condition is not understood at its character 66: condition nesting exceeds maximum depth (64)
    ");
}

/// One by one they would be in force.
#[test]
fn all_rules_together_have_their_bound_and_those_before_it_are_in_force() {
    let values = many(14, |number| format!("  - '{number} -a -b -c -d'\n"));
    let item = format!("a:\n  user.username|windash|contains:\n{values}condition: a");
    let rules = many(24, |number| rule(&format!("Rule {number}"), &item) + "---\n");
    let (set, _) = RuleSet::read([("own.yaml", rules.as_str())]);
    assert_eq!(set.listed().count(), 22);
    let told = problems(&rules);
    assert_eq!(told.len(), 2);
    insta::assert_snapshot!(told[0], @"error own.yaml:551:3: with the rules before it, it takes 201250 comparisons with one event, of at most 200000: set fewer rules");
}

#[test]
fn a_correlation_rule_names_a_few_rules_and_fields() {
    let base = rule("Base", "a: {verb: create}\ncondition: a");
    let told = |fields: &str, rules: &str| {
        problems(&format!(
            "title: C\nlevel: low\ntags: [attack.impact]\ncorrelation:\n  type: event_count\n  rules: [{rules}]\n  group-by: [{fields}]\n  timespan: 1m\n  condition: {{gte: 2}}\n---\n{base}"
        ))
    };
    assert_eq!(told("verb", "Base"), [""; 0]);
    let many = [told(&"verb,".repeat(51), "Base"), told("verb", &"Base,".repeat(51))].concat();
    insta::assert_snapshot!(many.join("\n"), @r"
    error own.yaml:7:3: it names 51, and may name 50
    error own.yaml:6:3: it names 51, and may name 50
    ");
}

/// All pairs of a resource and a verb would be 24 million.
#[test]
fn a_rule_of_many_resources_and_many_verbs_fires_as_if_it_were_filed_by_both() {
    let list = |first: &str, other: &str| {
        format!("[{first}{}]", many(4_900, |number| format!(", {other}{number}")))
    };
    let (resources, verbs) = (list("pods", "r"), list("create", "v"));
    let detection = format!("a:\n  objectRef.resource: {resources}\n  verb: {verbs}\ncondition: a");
    let (rules, _) = RuleSet::read([("own.yaml", rule("Wide", &detection).as_str())]);
    assert_eq!(rules.listed().count(), 1);
    for (resource, verb, fires) in [
        ("pods", "create", 1),
        ("R4899", "V0", 1),
        ("pods", "get", 0),
        ("secrets", "create", 0),
        ("", "create", 0),
    ] {
        let event = format!(
            r#"{{"auditID":"1","verb":"{verb}","user":{{"username":"a"}},"objectRef":{{"resource":"{resource}"}}}}"#
        );
        assert_eq!(detections(&rules, &event).len(), fires, "{verb} {resource}");
    }
}

/// A field of so many steps.
fn deep(steps: usize) -> String {
    format!("requestObject{}", ".a".repeat(steps - 1))
}

#[test]
fn a_field_has_a_few_steps_wherever_a_rule_names_it() {
    let version_3 = |detection: &str| format!("sigma-version: 3\n{}", rule("One", detection));
    let (most, one_more) = (deep(64), deep(65));
    for within in [
        rule("One", &format!("a:\n  {most}: x\ncondition: a")),
        rule("One", &format!("a:\n  user.username|fieldref: {most}\ncondition: a")),
        version_3(&format!("a:\n  {}[any]:\n    a.a: x\ncondition: a", deep(60))),
    ] {
        assert_eq!(problems(&within), [""; 0], "{within}");
    }
    let told: Vec<_> = [
        rule("One", &format!("a:\n  {one_more}|contains: x\ncondition: a")),
        rule("One", &format!("a:\n- verb: get\n- {one_more}: x\ncondition: a")),
        rule("One", &format!("a:\n  user.username|fieldref: {one_more}\ncondition: a")),
        rule("One", &format!("a:\n  user.username|fieldref: [verb, {one_more}]\ncondition: a")),
        rule("One", &format!("a:\n  requestObject.{}: x\ncondition: a", "a".repeat(990))),
        version_3(&format!("a:\n  {one_more}[any]: x\ncondition: a")),
        // The parser makes one field of keys that stand below each other.
        version_3(&format!("a:\n  {}[0]:\n    a.a.a: x\ncondition: a", deep(61))),
    ]
    .iter()
    .flat_map(|text| problems(text))
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    error own.yaml:8:5: a field has 64 steps and 1000 bytes at most: name one that is less deep
    error own.yaml:9:5: a field has 64 steps and 1000 bytes at most: name one that is less deep
    error own.yaml:8:5: a field has 64 steps and 1000 bytes at most: name one that is less deep
    error own.yaml:8:5: a field has 64 steps and 1000 bytes at most: name one that is less deep
    error own.yaml:8:5: a field has 64 steps and 1000 bytes at most: name one that is less deep
    error own.yaml:9:5: a field has 64 steps and 1000 bytes at most: name one that is less deep
    error own.yaml:10:7: a field has 64 steps and 1000 bytes at most: name one that is less deep
    ");
}

/// The parser calls itself for each `[any]`, and would end the process.
#[test]
fn keys_that_are_one_very_deep_field_together_are_refused_before_the_parser_sees_them() {
    let key = format!("'{}'", ["a[any]"; 140].join("."));
    let nested = format!("{}x{}", format!("{{{key}: ").repeat(100), "}".repeat(100));
    let text = format!(
        "sigma-version: 3\n{}",
        rule("One", &format!("a:\n  requestObject.a[any]: {nested}\ncondition: a"))
    );
    let told = problems(&text);
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("64 steps"), "{told:?}");
}

#[test]
fn a_correlation_rule_names_fields_of_a_few_steps() {
    let base = rule("Base", "a: {verb: create}\ncondition: a");
    let told = |more: &str| {
        problems(&format!(
            "title: C\nlevel: low\ntags: [attack.impact]\ncorrelation:\n  type: value_count\n  rules: [Base]\n  timespan: 1m\n  {more}\n---\n{base}"
        ))
    };
    let all_of = |field: &str| {
        [
            format!("condition: {{gte: 2, field: verb}}\n  group-by: [verb, {field}]"),
            format!("condition: {{gte: 2, field: [verb, {field}]}}"),
            format!(
                "condition: {{gte: 2, field: verb}}\n  aliases: {{it: {{Base: {field}}}}}\n  group-by: [it]"
            ),
        ]
    };
    for within in all_of(&deep(64)) {
        assert_eq!(told(&within), [""; 0], "{within}");
    }
    let beyond = all_of(&deep(65)).map(|it| told(&it).join("\n"));
    let counted = told(&format!("condition: {{gte: 2, field: [{}]}}", "verb,".repeat(51)));
    insta::assert_snapshot!([&beyond[..], &counted[..]].concat().join("\n"), @r"
    error own.yaml:9:3: a field has 64 steps and 1000 bytes at most: name one that is less deep
    error own.yaml:8:3: a field has 64 steps and 1000 bytes at most: name one that is less deep
    error own.yaml:9:3: a field has 64 steps and 1000 bytes at most: name one that is less deep
    error own.yaml:8:3: it names 51, and may name 50
    ");
}

/// What a record says of rules that are left out.
fn left_out(record: &Record) -> Vec<String> {
    let Payload::Detection(detection) = &record.payload else { panic!("{record:?}") };
    let values = detection.values.iter();
    values
        .filter(|it| matches!(it.name.as_str(), "untold" | "uncounted"))
        .map(|it| format!("{}: {}", it.name, it.value))
        .collect()
}

#[test]
fn of_many_rules_that_one_event_meets_the_first_are_told_and_how_many_more_there_are() {
    let rules = |count: usize| {
        let one =
            |number: usize| rule(&format!("Rule {number}"), "a: {verb: create}\ncondition: a");
        read(&many(count, |number| one(number) + "---\n"))
    };
    let all = judged(&rules(100), EXEC).records;
    assert_eq!((all.len(), left_out(&all[99])), (100, vec![]));
    let some = judged(&rules(130), EXEC).records;
    let ids = |records: &[Record]| records.iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(ids(&some), ids(&all), "the first of the files");
    assert_eq!(left_out(&some[98]), [""; 0]);
    assert_eq!(left_out(&some[99]), ["untold: 30 more rules"]);
}

#[test]
fn of_many_correlation_rules_the_first_count_an_event_and_say_how_many_do_not() {
    let base = rule("Base", "a: {verb: create}\ncondition: a");
    let rules = |count: usize, more: &str| {
        let one = |number: usize| {
            format!(
                "---\ntitle: Often {number}\nlevel: low\ntags: [attack.impact]\n{more}correlation:\n  \
                 {{type: event_count, rules: [Base], timespan: 1m, condition: {{gte: 2}}}}\n"
            )
        };
        read(&(base.clone() + &many(count, one)))
    };
    let all = judged(&rules(100, ""), EXEC).candidates;
    assert_eq!(all.len(), 100);
    assert!(all.iter().all(|it| left_out(&it.record).is_empty()));
    let some = judged(&rules(130, ""), EXEC).candidates;
    let keys = |all: &[CorrelationCandidate]| all.iter().map(|it| it.rule).collect::<Vec<_>>();
    assert_eq!(keys(&some), keys(&all), "the first of the files");
    let told = ["uncounted: 30 more correlation rules"];
    assert!(some.iter().all(|it| left_out(&it.record) == told), "whichever of them fires");
    let both = judged(&rules(130, "generate: true\n"), EXEC);
    assert_eq!(left_out(&both.records[0]), told);
}

#[test]
fn of_many_problems_the_errors_are_told_first_and_how_many_are_left() {
    let habits = many(1_200, |number| {
        rule(&format!("No level {number}"), "a: {verb: create}\ncondition: a")
            .replace("level: high\n", "")
            + "---\n"
    });
    let broken = rule("Broken", "a: {verb: create}\ncondition: b");
    let told = problems(&(habits + &broken));
    assert_eq!(told.len(), 1_001);
    assert!(
        told.iter().any(|it| it.contains("no selection `b`")),
        "the error comes last, and is told"
    );
    insta::assert_snapshot!(told[1_000], @"warning own.yaml:7993:1: and 201 more, which are not told: put right what is above first");
}
