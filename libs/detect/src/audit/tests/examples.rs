//! Further examples of the audit rules, beside the two of every entry.
//!
//! They lie in `libs/detect/examples`, a file for each family, a line for each example:
//! `{"fires": [rules], "quiet": [rules], "says": {rule: words}, "weighs": {rule: severity}, "why": "…",
//! "event": {…}}`. All rules under `fires` fire on the event, none of those under `quiet` does, a message of the rule
//! has the words, and it has the severity.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{detections, rules};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Example<'a> {
    #[serde(default, borrow)]
    fires: Vec<&'a str>,
    #[serde(default, borrow)]
    quiet: Vec<&'a str>,
    #[serde(default)]
    says: BTreeMap<String, String>,
    #[serde(default)]
    weighs: BTreeMap<String, String>,
    /// Why it is worth an example.
    #[serde(rename = "why")]
    _why: String,
    #[serde(borrow)]
    event: &'a RawValue,
}

impl Example<'_> {
    /// What the rules say otherwise than the example.
    fn faults(&self) -> Vec<String> {
        let found = detections(self.event.get());
        let fires = |id: &str| found.iter().any(|detection| detection.rule == id);
        let says = |id: &str, words: &str| {
            let of_rule = found.iter().filter(|detection| detection.rule == id);
            of_rule.into_iter().any(|detection| detection.message.contains(words))
        };
        let known = |id: &&str| rules().any(|rule| rule.id == *id);
        let named = || self.fires.iter().chain(&self.quiet).copied();
        let unknown = named().filter(|id| !known(id)).map(|id| format!("{id} is no rule"));
        let silent = self.fires.iter().filter(|id| !fires(id)).map(|id| format!("{id} is silent"));
        let loud = self.quiet.iter().filter(|id| fires(id)).map(|id| format!("{id} fires"));
        let other = self.says.iter().filter(|(id, words)| !says(id, words));
        let other = other.map(|(id, words)| format!("{id} does not say `{words}`"));
        let weighs = |id: &str, severity: &str| {
            let mut of_rule = found.iter().filter(|detection| detection.rule == id);
            of_rule.any(|detection| detection.severity.as_str() == severity)
        };
        let heavier = self.weighs.iter().filter(|(id, severity)| !weighs(id, severity));
        let heavier = heavier.map(|(id, severity)| format!("{id} is not {severity}"));
        unknown.chain(silent).chain(loud).chain(other).chain(heavier).collect()
    }
}

#[test]
fn further_examples_fire_what_they_name_and_nothing_that_they_exclude() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (line, number) in text.lines().zip(1..) {
            let at = format!("{}:{number}", file.file_name().unwrap().to_string_lossy());
            let example: Example<'_> =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{at}: {error}"));
            wrong.extend(example.faults().into_iter().map(|fault| format!("{at}: {fault}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
