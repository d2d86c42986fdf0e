//! People's own policies, read from files: ValidatingAdmissionPolicies, their bindings and parameters.

use std::path::PathBuf;

use airside_k8s::Document;
use airside_k8s::yaml::{Limits, parse_bytes};
use airside_policy::PolicySet;

use crate::error::TermsError;
use crate::read::manifests;

/// What the names of files with cases end in.
const CASES: [&str; 2] = [".test.yaml", ".test.yml"];

/// Policies, and what was wrong with their files.
#[derive(Debug)]
pub struct Policies {
    /// What could be read.
    pub set: PolicySet,
    /// Each with its place, ready to be shown.
    pub problems: Vec<String>,
    /// The cases beside them.
    pub cases: Vec<CaseFile>,
}

/// A file of cases, and the documents that it holds.
#[derive(Debug)]
pub struct CaseFile {
    /// Its path.
    pub path: String,
    /// Its documents.
    pub documents: Vec<Document>,
}

/// Whether a file holds cases, by its name.
pub fn has_cases(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    CASES.iter().any(|ending| name.ends_with(ending))
}

impl Policies {
    /// Reads policies from the content of files, each with its path.
    pub fn of_files<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Self {
        let (mut cases, mut others, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for (path, content) in files {
            let parsed = parse_bytes(content, &Limits::default());
            let wrong = parsed.errors.iter();
            problems.extend(
                wrong.map(|error| format!("{path}:{}: {}", error.position.line, error.problem)),
            );
            let file = CaseFile { path: path.to_owned(), documents: parsed.documents };
            if has_cases(path) { cases.push(file) } else { others.push(file) }
        }
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
    pub const fn is_empty(&self) -> bool {
        self.set.policies.is_empty() && self.problems.is_empty()
    }

    /// Reads the policies of files and folders for a service, which uses all of them or none: a policy that is
    /// left out would let through what it is there to stop.
    ///
    /// # Errors
    /// A file cannot be read, a policy has a problem, or there is none.
    pub(crate) fn read_all(paths: &[PathBuf]) -> Result<PolicySet, TermsError> {
        let mut files = Vec::new();
        for path in paths {
            files.extend(manifests(path)?);
        }
        let views = files.iter().map(|(path, content)| (path.as_str(), content.as_slice()));
        let policies = Self::of_files(views);
        if policies.is_empty() {
            let paths: Vec<_> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
            return Err(TermsError::NoPolicies { paths: paths.join(", ") });
        }
        if !policies.problems.is_empty() {
            return Err(TermsError::Problems { what: "policies", problems: policies.problems });
        }
        Ok(policies.set)
    }
}
