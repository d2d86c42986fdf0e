//! Turns the mutants of the copied catalogue on, one after the other, and tells which examples notice.
//!
//! `try-mutants EXAMPLES FROM TO` writes a line for each mutant from FROM up to TO: its number, `killed` or
//! `lives`, or `words` if the checks say the same in other words, and the checks that reach it. A mutant that loops or aborts leaves its line unfinished: who
//! started this program ends it and goes on with the next.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use airside_checks::example::{self, Example, Verdict};
use airside_checks::{catalogue, evaluate, mutant};
use airside_k8s::{Completeness, Limits, yaml};

/// An example of a check, and what it has to say.
struct Case {
    text: String,
    expected: Expected,
}

enum Expected {
    /// Of the two examples of each entry: fails, or not.
    Failing(bool),
    /// Of the further ones.
    Exactly(Verdict),
    /// A part of a failure, in field and words.
    Says(String),
}

impl Case {
    fn holds(&self, check: &str) -> bool {
        let (line, verdicts, words) = (0, BTreeMap::new(), Vec::new());
        let example = Example { line, verdicts, words, text: &self.text };
        match &self.expected {
            Expected::Failing(expected) => {
                let said = example::verdicts(&self.text, Completeness::WholeInput);
                said.is_ok_and(|said| {
                    matches!(said.get(check), Some(Verdict::Fails(_))) == *expected
                })
            }
            Expected::Exactly(expected) => example.holds(check, *expected).unwrap_or(false),
            Expected::Says(words) => example.says(check, words).unwrap_or(false),
        }
    }
}

/// The words in which failures are told.
fn words(manifests: &str) -> Vec<String> {
    let parsed = yaml::parse(manifests, &Limits::default());
    let contents: Vec<_> = parsed.documents.iter().map(yaml::Document::contents).collect();
    let objects: Vec<_> =
        contents.iter().flat_map(|contents| &contents.objects).map(|o| o.object).collect();
    let evaluation = evaluate(&objects, Completeness::WholeInput);
    evaluation.failures.into_iter().map(|failure| failure.message).collect()
}

/// Whether a mutant changes nothing but words, in as many failures.
fn changes_words(
    mutant: u32,
    checks: &[&'static str],
    cases: &BTreeMap<&'static str, Vec<Case>>,
) -> bool {
    let mut is_other = false;
    for check in checks {
        mutant::only(check);
        for case in cases.get(check).map(Vec::as_slice).unwrap_or_default() {
            mutant::turn_on(0);
            let before = words(&case.text);
            mutant::turn_on(mutant);
            let after = words(&case.text);
            if before.len() != after.len() {
                return false;
            }
            is_other |= before != after;
        }
    }
    is_other
}

fn cases(folder: &str) -> BTreeMap<&'static str, Vec<Case>> {
    let mut cases: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
    for check in catalogue::all() {
        let case =
            |text: &str, fails| Case { text: text.to_owned(), expected: Expected::Failing(fails) };
        cases.insert(check.id, vec![case(check.fails, true), case(check.passes, false)]);
    }
    let mut files: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("examples can be read");
        let examples =
            example::read(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for example in examples {
            let verdicts = example.verdicts.iter().map(|(id, it)| (*id, Expected::Exactly(*it)));
            let words =
                example.words.iter().map(|(id, it)| (*id, Expected::Says((*it).to_owned())));
            for (id, expected) in verdicts.chain(words) {
                let of_check = catalogue::all().find(|check| check.id == id).map(|check| check.id);
                let of_check = of_check.and_then(|id| cases.get_mut(id));
                let of_check =
                    of_check.unwrap_or_else(|| panic!("{}: no check {id}", file.display()));
                of_check.push(Case { text: example.text.to_owned(), expected });
            }
        }
    }
    cases
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, from, to] = arguments.as_slice() else { panic!("EXAMPLES FROM TO") };
    try_mutants(folder, from.parse().expect("FROM"), to.parse().expect("TO"));
}

/// Tries the mutants with these numbers, none if the second is that of the first.
pub(crate) fn try_mutants(folder: &str, from: u32, to: u32) {
    let cases = cases(folder);
    let mut reached: BTreeMap<u32, Vec<&'static str>> = BTreeMap::new();
    for (check, cases) in &cases {
        mutant::only(check);
        let mut unsound = 0;
        // All of them, so that what any one meets is recorded.
        let met: BTreeSet<u32> = mutant::recorded(|| {
            unsound = cases.iter().filter(|case| !case.holds(check)).count();
        });
        if unsound > 0 {
            eprintln!("the examples of {check} do not hold without any mutant");
            std::process::exit(2);
        }
        met.into_iter().for_each(|mutant| reached.entry(mutant).or_default().push(check));
    }
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = std::io::stdout();
    for mutant in from..to {
        write!(out, "{mutant} ").and_then(|()| out.flush()).expect("somebody reads");
        let checks = reached.get(&mutant).map(Vec::as_slice).unwrap_or_default();
        mutant::turn_on(mutant);
        let is_killed = checks.iter().any(|check| {
            mutant::only(check);
            let of_check = cases.get(check).map(Vec::as_slice).unwrap_or_default();
            !catch_unwind(AssertUnwindSafe(|| of_check.iter().all(|case| case.holds(check))))
                .unwrap_or(false)
        });
        let word = match is_killed {
            true => "killed",
            false if changes_words(mutant, checks, &cases) => "words",
            false => "lives",
        };
        mutant::turn_on(0);
        writeln!(out, "{word} {}", checks.join(" ")).expect("somebody reads");
    }
}
