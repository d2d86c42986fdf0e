//! Further examples of the audit rules, beside the two of every entry.
//!
//! They lie in `libs/detect/examples`, a file for each family, a line for each example:
//! `{"fires": [rules], "quiet": [rules], "says": {rule: words}, "weighs": {rule: severity}, "profile": {…},
//! "why": "…", "event": {…}}`. What a line means is [`Example`]'s.

use std::collections::BTreeSet;

use airside_types::Severity;
use serde_json::{Value, json};

use super::example::{Example, says};
use super::{detections_in, rules};

impl Example<'_> {
    /// What the rules say otherwise than the example.
    fn faults(&self) -> Vec<String> {
        let found = detections_in(&self.profile.profile(), self.event.get());
        let of_rule = |id: &str| found.iter().filter(|it| it.rule == id).collect::<Vec<_>>();
        let fires = |id: &str| !of_rule(id).is_empty();
        let known = |id: &&str| rules().any(|rule| rule.id == *id);
        let named = || self.fires.iter().chain(&self.quiet).copied();
        let unknown = named().filter(|id| !known(id)).map(|id| format!("{id} is no rule"));
        let silent = self.fires.iter().filter(|id| !fires(id)).map(|id| format!("{id} is silent"));
        let loud = self.quiet.iter().filter(|id| fires(id)).map(|id| format!("{id} fires"));
        let is_other = |id: &str, words: &str| !of_rule(id).iter().any(|it| says(it, words));
        let other = self.says.iter().filter(|(id, words)| is_other(id, words));
        let other = other.map(|(id, words)| format!("{id} does not say `{words}`"));
        let weighs = |id: &str, severity: &str| {
            of_rule(id).iter().any(|detection| detection.severity.as_str() == severity)
        };
        let heavier = self.weighs.iter().filter(|(id, severity)| !weighs(id, severity));
        let heavier = heavier.map(|(id, severity)| format!("{id} is not {severity}"));
        unknown.chain(silent).chain(loud).chain(other).chain(heavier).collect()
    }
}

/// The examples, with where each stands.
fn each(mut look: impl FnMut(String, Example<'_>)) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (line, number) in text.lines().zip(1..) {
            let at = format!("{}:{number}", file.file_name().unwrap().to_string_lossy());
            let example = serde_json::from_str(line);
            let example = example.unwrap_or_else(|error| panic!("{at}: {error}"));
            look(at, example);
        }
    }
}

#[test]
fn further_examples_fire_what_they_name_and_nothing_that_they_exclude() {
    let mut wrong = Vec::new();
    each(|at, example| {
        wrong.extend(example.faults().into_iter().map(|fault| format!("{at}: {fault}")));
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whoever has an account's token may call their client whatever they like: it never makes what is told at low or above a
/// note. What an account does with a client that nobody knows counts as a program's, which makes notes of what programs do
/// all day; a person's counts as done by hand.
#[test]
fn no_name_of_a_client_makes_less_of_a_deed_than_an_unknown_one() {
    const AGENT: &str = "system:serviceaccount:tools:agent";
    let accounts = [
        (AGENT, ["system:serviceaccounts", "system:serviceaccounts:tools"].as_slice()),
        ("dana", &[]),
    ];
    let mut wrong = Vec::new();
    each(|at, example| {
        let Ok(event) = serde_json::from_str::<Value>(example.event.get()) else { return };
        for (username, groups) in accounts {
            let told = |agent: &str| {
                let mut event = event.clone();
                event["user"] = json!({"username": username, "groups": groups});
                event["userAgent"] = agent.into();
                let found = detections_in(&example.profile.profile(), &event.to_string());
                let heavy = found.into_iter().filter(|it| it.severity >= Severity::Low);
                heavy.map(|it| it.rule).collect::<BTreeSet<_>>()
            };
            let unknown = told("some client");
            for agent in ["agent-controller/v1.2", "Helm/3.16", "kube-controller-manager/v1.33"] {
                let untold: Vec<_> = unknown.difference(&told(agent)).cloned().collect();
                if !untold.is_empty() {
                    wrong.push(format!("{at}: {untold:?} of {username} with {agent}"));
                }
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
