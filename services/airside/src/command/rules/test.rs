//! `airside rules test`: the cases beside rules, told as a test runner does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use airside_report::cases::{self, CaseResult, Subject};
use airside_sigma::{Case, Ending, RuleSet, read_cases};

use super::OwnRules;
use crate::cli::TestFormat;
use crate::command::Outcome;
use crate::command::policy::test::with_neighbours;
use crate::command::replay;
use crate::show::{self, FAINT, PLACE, RESET, STRONG};

/// A case, how it went, and that in words.
struct Told {
    case: Case,
    is_ok: bool,
    said: String,
}

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
            let (is_ok, said) = match case.run(&own.set) {
                Ending::AsExpected(messages) => (true, messages.join("; ")),
                Ending::Otherwise(problem) => (false, problem),
            };
            Told { case, is_ok, said }
        }));
    }
    for problem in &problems {
        show::error(problem);
    }
    anyhow::ensure!(
        !told.is_empty() || !problems.is_empty(),
        "there are no cases: put them beside the rules, in a file such as shell.test.yaml:\n\
         \n  rule: TITLE\n  cases:\n  - name: what it shows\n    event: {{…}}\n    expect: fires\n"
    );
    let results: Vec<CaseResult<'_>> = told.iter().map(Told::result).collect();
    show::print(&match output {
        TestFormat::Text => text(&told, &own.set),
        TestFormat::Json => {
            serde_json::to_string_pretty(&cases::json(Subject::Rule, &results))? + "\n"
        }
        TestFormat::Junit => cases::junit(Subject::Rule, &results)?,
    })?;
    Ok(if !problems.is_empty() {
        Outcome::Unreadable
    } else if told.iter().all(|it| it.is_ok) {
        Outcome::Good
    } else {
        Outcome::Findings
    })
}

/// The text of a file that a case names, by its path from the case's folder.
fn load(folder: &Path, name: &str) -> Result<String, String> {
    replay::read_text(&folder.join(name)).map_err(|error| format!("{error:#}"))
}

impl Told {
    fn result(&self) -> CaseResult<'_> {
        CaseResult {
            place: &self.case.place,
            subject: &self.case.rule,
            name: &self.case.name,
            ending: if self.is_ok { Ok(&self.said) } else { Err(&self.said) },
        }
    }

    fn line(&self) -> String {
        let Self { case, is_ok, said } = self;
        let (rule, name) = (&case.rule, &case.name);
        if *is_ok {
            let expected = case.expected.as_str();
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            return format!(
                "{}ok{RESET}      {rule}: {name} {FAINT}({expected}{said}){RESET}\n",
                show::GOOD
            );
        }
        format!(
            "{}FAILED{RESET}  {rule}: {name}\n        {PLACE}{}{RESET}  {said}\n",
            show::ERROR,
            case.place
        )
    }
}

fn text(told: &[Told], rules: &RuleSet) -> String {
    let mut text: String = told.iter().map(Told::line).collect();
    let failed = told.iter().filter(|it| !it.is_ok).count();
    let passed = told.len() - failed;
    text.push_str(&format!("\n{STRONG}{passed} ok, {failed} failed{RESET}\n"));
    let meant = told.iter().filter_map(|it| rules.find(&it.case.rule));
    let tested: BTreeSet<&str> = meant.map(|rule| rule.id.as_str()).collect();
    let ids = rules.listed().map(|(rule, _)| rule.id.as_str());
    let untested: Vec<&str> = ids.filter(|id| !tested.contains(id)).collect();
    if !untested.is_empty() {
        text.push_str(&format!("{FAINT}without a case: {}{RESET}\n", untested.join(", ")));
    }
    text
}
