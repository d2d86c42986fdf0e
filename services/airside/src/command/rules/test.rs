//! `airside rules test`: the cases beside rules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use airside_report::cases::Subject;
use airside_sigma::{Ending, RuleSet, read_cases};

use super::OwnRules;
use crate::cli::TestFormat;
use crate::command::Outcome;
use crate::command::cases::{self, Told};
use crate::command::policy::test::with_neighbours;
use crate::command::replay;

pub(super) fn run(paths: &[PathBuf], output: TestFormat) -> anyhow::Result<Outcome> {
    let own = OwnRules::read(&with_neighbours(paths));
    let mut problems: Vec<String> = own.errors().collect();
    let mut told = Vec::new();
    for file in &own.cases {
        let folder = Path::new(&file.path).parent().unwrap_or_else(|| Path::new("."));
        let (cases, wrong) =
            read_cases(&file.path, &file.documents, &mut |name| load(folder, name));
        problems.extend(wrong.iter().map(|it| format!("{}: {}", it.place, it.problem)));
        told.extend(cases.into_iter().map(|case| {
            let ending = match case.run(&own.set) {
                Ending::AsExpected(messages) => Ok(messages.join("; ")),
                Ending::Otherwise(problem) => Err(problem),
            };
            let expected = case.expected.as_str().to_owned();
            Told { place: case.place, subject: case.rule, name: case.name, expected, ending }
        }));
    }
    anyhow::ensure!(
        !told.is_empty() || !problems.is_empty(),
        "there are no cases: put them beside the rules, in a file such as shell.test.yaml:\n\
         \n  rule: TITLE\n  cases:\n  - name: what it shows\n    event: {{…}}\n    expect: fires\n"
    );
    cases::tell(Subject::Rule, &told, &problems, &untested(&told, &own.set), output)
}

/// The text of a file that a case names, by its path from the case's folder.
fn load(folder: &Path, name: &str) -> Result<String, String> {
    replay::read_text(&folder.join(name)).map_err(|error| format!("{error:#}"))
}

fn untested<'r>(told: &[Told], rules: &'r RuleSet) -> Vec<&'r str> {
    let meant = told.iter().filter_map(|it| rules.find(&it.subject));
    let tested: BTreeSet<&str> = meant.map(|rule| rule.id.as_str()).collect();
    let ids = rules.listed().map(|(rule, _)| rule.id.as_str());
    ids.filter(|id| !tested.contains(id)).collect()
}
