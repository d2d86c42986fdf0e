//! `airside policy test`: the cases beside policies.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use airside_k8s::Value;
use airside_k8s::yaml::{Limits, parse_bytes};
use airside_policy::case::{Ending, read};
use airside_report::cases::Subject;
use airside_terms::policies::has_cases;

use super::read_policies;
use crate::cli::TestFormat;
use crate::command::Outcome;
use crate::command::cases::{self, Told};
use crate::command::replay;

pub(super) fn run(paths: &[PathBuf], output: TestFormat) -> anyhow::Result<Outcome> {
    let policies = read_policies(&with_neighbours(paths));
    let mut problems = policies.problems.clone();
    let mut told = Vec::new();
    for file in &policies.cases {
        let folder = Path::new(&file.path).parent().unwrap_or_else(|| Path::new("."));
        let (cases, wrong) = read(&file.path, &file.documents, &mut |name| load(folder, name));
        problems.extend(wrong.iter().map(|it| format!("{}: {}", it.place, it.problem)));
        told.extend(cases.into_iter().map(|case| {
            let ending = match case.run(&policies.set) {
                Ending::AsExpected(messages) => Ok(messages.join("; ")),
                Ending::Otherwise(problem) => Err(problem),
            };
            let expected = case.expected.as_str().to_owned();
            Told { place: case.place, subject: case.policy, name: case.name, expected, ending }
        }));
    }
    anyhow::ensure!(
        !told.is_empty() || !problems.is_empty(),
        "there are no cases: put them beside the policies, in a file such as replicas.test.yaml:\n\
         \n  policy: NAME\n  cases:\n  - name: what it shows\n    object: {{…}}\n    expect: deny\n"
    );
    let tested: BTreeSet<&str> = told.iter().map(|it| it.subject.as_str()).collect();
    let names = policies.set.policies.iter().map(|policy| policy.name.as_str());
    let untested: Vec<&str> = names.filter(|name| !tested.contains(name)).collect();
    cases::tell(Subject::Policy, &told, &problems, &untested, output)
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
