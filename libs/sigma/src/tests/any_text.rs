//! Whatever a file of rules or cases holds, it is read or refused: what is set over the API comes from anybody who may
//! configure a tenant.

use airside_k8s::yaml::{Limits, parse};
use proptest::prelude::*;

use super::judged;
use crate::read_cases;
use crate::set::RuleSet;

/// Rules of both kinds and a case, to be changed.
const WHOLE: &str = "title: A
name: a
level: high
tags: [attack.t1611, attack.impact]
logsource: {product: kubernetes, service: audit}
detection:
  a:
    verb: create
    user.username|startswith: 'system:'
    objectRef.name|re: 'a.*[b-d]{2,3}'
    requestObject.spec.containers[any]:
      image|endswith: ':latest'
  b: {responseStatus.code|gte: 400}
  condition: a and not b
---
title: B
level: low
correlation:
  type: event_count
  rules: [a]
  group-by: [user.username]
  timespan: 5m
  condition: {gte: 2}
---
rule: A
cases:
- name: c
  event: {verb: create}
  expect: fires
";

/// What is written over a part of it.
const PARTS: [&str; 24] = [
    "",
    "\n",
    "  ",
    "---\n",
    "a:\n",
    "- create\n",
    "null",
    "|all|contains: [x, y]\n",
    "|cidr: 10.0.0.0/8\n",
    "|re|i: 'a(b'\n",
    "|windash: '-x -y'\n",
    "|base64offset|contains: curl\n",
    "|exists: yes\n",
    "'*a?'",
    " and 1 of * or all of them",
    "((a",
    "temporal_ordered",
    "99999999999999999999",
    "\t",
    "&a [*a]",
    "\u{feff}",
    "'",
    "{[",
    "ä\u{0}\r\n",
];

/// A text in which a few parts are written over.
fn changed(changes: &[(prop::sample::Index, usize, &str)]) -> String {
    changes.iter().fold(WHOLE.to_owned(), |mut text, (at, length, part)| {
        let places: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let first = at.index(places.len());
        let last = (first + length).min(places.len() - 1);
        text.replace_range(places[first]..places[last], part);
        text
    })
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_problems_are_within_it(
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), 0usize..30, prop::sample::select(&PARTS[..])), 0..5,
        ),
    ) {
        let text = changed(&changes);
        let lines = u32::try_from(text.lines().count()).unwrap();
        let (rules, problems) = RuleSet::read([("own.yaml", text.as_str())]);
        for problem in &problems {
            prop_assert!((1..=lines + 1).contains(&problem.place.line), "{problem} of {lines} lines");
        }
        let event = r#"{"kind":"Event","verb":"create","user":{"username":"system:x"},"requestObject":{"spec":{"containers":[{"image":"a:latest"}]}}}"#;
        let found = judged(&rules, event);
        prop_assert!(found.records.len() <= rules.listed().count());
        let documents = parse(&text, &Limits::default()).documents;
        drop(read_cases("own.test.yaml", &documents, &mut |path| Err(format!("{path} is away"))));
    }
}
