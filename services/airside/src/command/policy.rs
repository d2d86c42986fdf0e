//! `airside policy`: people's own policies, read from files, judged and tested.

mod test;

use std::path::Path;

use airside_k8s::Document;
use airside_k8s::yaml::{Limits, parse_bytes};
use airside_policy::PolicySet;

use super::scan::inputs::Inputs;
use super::scan::render::Rendering;
use crate::cli::PolicyCommand;
use crate::command::Outcome;
use crate::show::{self, RESET};

pub(super) fn run(command: &PolicyCommand) -> anyhow::Result<Outcome> {
    match command {
        PolicyCommand::Test { paths, output } => test::run(paths, *output),
        PolicyCommand::Check { paths } => check(&Policies::read(paths)),
    }
}

/// Policies, and what was wrong with their files.
pub(super) struct Policies {
    pub(super) set: PolicySet,
    /// Each with its place, ready to be shown.
    pub(super) problems: Vec<String>,
    /// The cases beside them.
    cases: Vec<ReadFile>,
}

/// A file and the documents that it holds.
struct ReadFile {
    path: String,
    documents: Vec<Document>,
}

impl Policies {
    /// Reads files and folders.
    pub(super) fn read<P: AsRef<Path>>(paths: &[P]) -> Self {
        let inputs = Inputs::read(paths, &Rendering::default());
        let mut problems = inputs.problems;
        let mut files = Vec::new();
        for file in inputs.files {
            let parsed = parse_bytes(&file.content, &Limits::default());
            let wrong = parsed
                .errors
                .iter()
                .map(|error| format!("{}:{}: {}", file.path, error.position.line, error.problem));
            problems.extend(wrong);
            files.push(ReadFile { path: file.path, documents: parsed.documents });
        }
        let (cases, others): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| test::has_cases(&file.path));
        let views: Vec<_> =
            others.iter().map(|file| (file.path.as_str(), file.documents.as_slice())).collect();
        let set = PolicySet::read(&views);
        problems.extend(set.problems.iter().map(|problem| match &problem.excerpt {
            Some(excerpt) => format!("{problem}\n    {}", excerpt.replace('\n', "\n    ")),
            None => problem.to_string(),
        }));
        Self { set, problems, cases }
    }

    /// Whether there is nothing at all, not even something wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.set.policies.is_empty() && self.problems.is_empty()
    }

    fn tell_problems(&self) {
        for problem in &self.problems {
            show::error(problem);
        }
    }
}

/// Says what is wrong with policies, and what can be evaluated.
fn check(policies: &Policies) -> anyhow::Result<Outcome> {
    anyhow::ensure!(!policies.is_empty(), "there is no ValidatingAdmissionPolicy");
    policies.tell_problems();
    let set = &policies.set;
    for policy in &set.policies {
        let bindings: Vec<_> = set.bindings_of(policy).map(|it| it.name.as_str()).collect();
        let bound = match bindings.as_slice() {
            [] => "no binding: it has no effect".to_owned(),
            names => format!("bound by {}", names.join(", ")),
        };
        let count = policy.validations.len();
        let plural = if count == 1 { "" } else { "s" };
        show::print(&format!(
            "{}ok{RESET}      {} ({count} validation{plural}; {bound})\n",
            show::GOOD,
            policy.name
        ))?;
    }
    Ok(if policies.problems.is_empty() { Outcome::Good } else { Outcome::Unreadable })
}
