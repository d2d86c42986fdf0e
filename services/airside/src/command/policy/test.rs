//! `airside policy test`: the cases beside policies, told as a test runner does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use airside_k8s::Value;
use airside_k8s::yaml::{Limits, parse_bytes};
use airside_policy::case::{Case, Ending, read};
use airside_report::cases::{self, CaseResult, Subject};
use airside_terms::Policies;
use airside_terms::policies::has_cases;

use super::read_policies;
use crate::cli::TestFormat;
use crate::command::Outcome;
use crate::command::replay;
use crate::show::{self, FAINT, PLACE, RESET, STRONG};

/// A case, how it went, and that in words.
struct Told {
    case: Case,
    is_ok: bool,
    said: String,
}

pub(super) fn run(paths: &[PathBuf], output: TestFormat) -> anyhow::Result<Outcome> {
    let policies = read_policies(&with_neighbours(paths));
    let mut problems = policies.problems.clone();
    let mut told = Vec::new();
    for file in &policies.cases {
        let folder = Path::new(&file.path).parent().unwrap_or_else(|| Path::new("."));
        let (cases, wrong) = read(&file.path, &file.documents, &mut |name| load(folder, name));
        problems.extend(wrong.iter().map(|it| format!("{}: {}", it.place, it.problem)));
        told.extend(cases.into_iter().map(|case| {
            let (is_ok, said) = match case.run(&policies.set) {
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
        "there are no cases: put them beside the policies, in a file such as replicas.test.yaml:\n\
         \n  policy: NAME\n  cases:\n  - name: what it shows\n    object: {{…}}\n    expect: deny\n"
    );
    let results: Vec<CaseResult<'_>> = told.iter().map(Told::result).collect();
    show::print(&match output {
        TestFormat::Text => text(&told, &policies),
        TestFormat::Json => {
            serde_json::to_string_pretty(&cases::json(Subject::Policy, &results))? + "\n"
        }
        TestFormat::Junit => cases::junit(Subject::Policy, &results)?,
    })?;
    Ok(if !problems.is_empty() {
        Outcome::Unreadable
    } else if told.iter().all(|it| it.is_ok) {
        Outcome::Good
    } else {
        Outcome::Findings
    })
}

/// A file with cases is read with the folder that it is in: there its policies are.
pub(in crate::command) fn with_neighbours(paths: &[PathBuf]) -> Vec<PathBuf> {
    let folder = |path: &PathBuf| match path.parent() {
        Some(parent) if has_cases(&path.to_string_lossy()) && !path.is_dir() => {
            if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() }
        }
        _ => path.clone(),
    };
    let unique: BTreeSet<PathBuf> = paths.iter().map(folder).collect();
    unique.into_iter().collect()
}

/// The first document of a file that a case names, by its path from the case's folder.
fn load(folder: &Path, name: &str) -> Result<Value, String> {
    let path = folder.join(name);
    let content = replay::read(&path).map_err(|error| format!("{error:#}"))?;
    let parsed = parse_bytes(&content, &Limits::default());
    if let Some(error) = parsed.errors.first() {
        return Err(format!("{}:{}: {}", path.display(), error.position.line, error.problem));
    }
    let mut documents = parsed.documents.into_iter().map(|document| document.value);
    match (documents.next(), documents.next()) {
        (Some(value), None) => Ok(value),
        (None, _) => Err(format!("`{}` is empty", path.display())),
        (Some(_), Some(_)) => Err(format!("`{}` holds more than one document", path.display())),
    }
}

impl Told {
    fn result(&self) -> CaseResult<'_> {
        CaseResult {
            place: &self.case.place,
            subject: &self.case.policy,
            name: &self.case.name,
            ending: if self.is_ok { Ok(&self.said) } else { Err(&self.said) },
        }
    }

    fn line(&self) -> String {
        let Self { case, is_ok, said } = self;
        let (policy, name) = (&case.policy, &case.name);
        if *is_ok {
            let expected = case.expected.as_str();
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            return format!(
                "{}ok{RESET}      {policy}: {name} {FAINT}({expected}{said}){RESET}\n",
                show::GOOD
            );
        }
        format!(
            "{}FAILED{RESET}  {policy}: {name}\n        {PLACE}{}{RESET}  {said}\n",
            show::ERROR,
            case.place
        )
    }
}

fn text(told: &[Told], policies: &Policies) -> String {
    let mut text: String = told.iter().map(Told::line).collect();
    let failed = told.iter().filter(|it| !it.is_ok).count();
    let passed = told.len() - failed;
    text.push_str(&format!("\n{STRONG}{passed} ok, {failed} failed{RESET}\n"));
    let tested: BTreeSet<&str> = told.iter().map(|it| it.case.policy.as_str()).collect();
    let names = policies.set.policies.iter().map(|policy| policy.name.as_str());
    let untested: Vec<&str> = names.filter(|name| !tested.contains(name)).collect();
    if !untested.is_empty() {
        text.push_str(&format!("{FAINT}without a case: {}{RESET}\n", untested.join(", ")));
    }
    text
}
