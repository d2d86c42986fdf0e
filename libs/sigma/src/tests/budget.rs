//! Short texts that mean a lot: what they cost is found out before anything is compiled.

use super::problems::problems;
use super::rule;
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
    error own.yaml:6:1: with the rules before it takes more than 64 MiB for regular expressions: write smaller ones, with fewer repetitions such as `{1,99}`
    error own.yaml:6:1: with the rules before it has more than 1000 regular expressions, which texts with `*` or `?` within are, too: use `contains`, `startswith` or `endswith`
    error own.yaml:6:1: with the rules before it takes 62515625 bytes for its texts in all the ways in which modifiers such as `windash` write them, of at most 33554432: leave modifiers out, or write shorter texts
    error own.yaml:6:1: with the rules before it has more than 1000 regular expressions, which texts with `*` or `?` within are, too: use `contains`, `startswith` or `endswith`
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
    insta::assert_snapshot!(told[0], @"error own.yaml:551:3: with the rules before it takes 201250 comparisons with one event, of at most 200000: set fewer rules");
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
