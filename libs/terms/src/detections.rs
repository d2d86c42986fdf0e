//! By which terms audit events are judged beside the built-in rules: people's own rules in Sigma, and what they declare
//! as authorised administration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use airside_detect::authorised::{Authorised, read as read_declaration};
use airside_k8s::yaml::{Limits, parse_bytes};
use airside_sigma::{Problem, RuleSet};
use airside_types::{RuleFile, Tenant, TermFiles, TermFilesOfTenants};

use crate::error::TermsError;
use crate::policies::has_cases;
use crate::read::manifests;

/// The terms of one tenant.
#[derive(Debug, Default)]
pub struct DetectionTerms {
    /// Own rules.
    pub rules: Arc<RuleSet>,
    /// The files that they are from.
    rule_files: Vec<RuleFile>,
    /// What is authorised.
    pub authorised: Authorised,
}

/// The terms of every tenant. Those of one are never another's: a tenant has its own, or the default.
#[derive(Debug, Clone, Default)]
pub struct DetectionTermsOfTenants {
    default: Arc<DetectionTerms>,
    tenants: BTreeMap<Tenant, Arc<DetectionTerms>>,
}

impl DetectionTerms {
    /// Reads files and folders for a service, which uses all of them or none: a rule that is left out would let pass
    /// what it is there to tell.
    ///
    /// # Errors
    /// A file cannot be read, something in it is wrong, or there is nothing in it.
    pub fn read(files: &TermFiles) -> Result<Self, TermsError> {
        let (rules, rule_files) = rules(&files.rules)?;
        Ok(Self { rules: Arc::new(rules), rule_files, authorised: authorised(&files.authorised)? })
    }

    /// The rules together with some that people have set besides, and what is wrong with those.
    pub fn rules_with(&self, files: &[RuleFile]) -> (RuleSet, Vec<Problem>) {
        let all = self.rule_files.iter().chain(files);
        let (rules, problems) = RuleSet::read(all.map(|file| (&*file.path, &*file.text)));
        let is_new = |problem: &Problem| files.iter().any(|file| *file.path == *problem.place.path);
        (rules, problems.into_iter().filter(is_new).collect())
    }
}

impl DetectionTermsOfTenants {
    /// Reads the files of all tenants.
    ///
    /// # Errors
    /// The first file that cannot be used, with the line and what to do.
    pub fn read(files: &TermFilesOfTenants) -> Result<Self, TermsError> {
        let default = Arc::new(DetectionTerms::read(&files.default)?);
        let mut tenants = BTreeMap::new();
        for (tenant, files) in &files.tenants {
            tenants.insert(tenant.clone(), Arc::new(DetectionTerms::read(files)?));
        }
        Ok(Self { default, tenants })
    }

    /// The terms of a tenant.
    pub fn of(&self, tenant: &Tenant) -> &Arc<DetectionTerms> {
        self.tenants.get(tenant).unwrap_or(&self.default)
    }
}

fn rules(paths: &[PathBuf]) -> Result<(RuleSet, Vec<RuleFile>), TermsError> {
    let mut texts = Vec::new();
    for (path, content) in files(paths)? {
        let text =
            String::from_utf8(content).map_err(|_| TermsError::NoText(path.clone().into()))?;
        texts.push(RuleFile { path, text });
    }
    let (set, problems) = RuleSet::read(texts.iter().map(|file| (&*file.path, &*file.text)));
    let problems = problems.iter().filter(|it| it.is_error()).map(ToString::to_string).collect();
    used(paths, set.is_empty(), "rules", problems)?;
    Ok((set, texts))
}

fn authorised(paths: &[PathBuf]) -> Result<Authorised, TermsError> {
    let (mut all, mut wrong) = (Authorised::default(), Vec::new());
    for (path, content) in files(paths)? {
        let parsed = parse_bytes(&content, &Limits::default());
        let broken = parsed.errors.iter();
        wrong.extend(broken.map(|it| format!("{path}:{}: {}", it.position.line, it.problem)));
        let (authorised, problems) = read_declaration(&path, &parsed.documents);
        wrong.extend(problems.iter().map(|it| format!("{}: {}", it.place, it.problem)));
        all.extend(authorised);
    }
    used(paths, all.is_empty(), "authorised administration", wrong)?;
    Ok(all)
}

/// The files but those with cases.
fn files(paths: &[PathBuf]) -> Result<Vec<(String, Vec<u8>)>, TermsError> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(manifests(path)?.into_iter().filter(|(path, _)| !has_cases(path)));
    }
    Ok(files)
}

/// Whether what was read can be used: it is something, and nothing in it is wrong.
fn used(
    paths: &[PathBuf],
    is_empty: bool,
    what: &'static str,
    problems: Vec<String>,
) -> Result<(), TermsError> {
    if !problems.is_empty() {
        return Err(TermsError::Problems { what, problems });
    }
    if is_empty && !paths.is_empty() {
        let paths: Vec<_> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        return Err(TermsError::Nothing { what, paths: paths.join(", ") });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "title: Secrets listed\nid: 6f3e2987-db24-4c78-a860-b4f4095a7095\nstatus: test\nlogsource: {product: kubernetes, service: audit}\ndetection:\n  listing: {verb: list, objectRef.resource: secrets}\n  condition: listing\nlevel: low\n";

    #[test]
    fn rules_and_declarations_are_read_for_each_tenant_and_mistakes_stop_the_service() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let rule = write("secrets.yml", RULE);
        write("secrets.test.yml", "cases: []\n");
        let declared = write(
            "authorised.yaml",
            "authorised:\n- name: on-call\n  who: {users: [ada]}\n  does: {verbs: [patch], resources: [deployments.apps]}\n",
        );
        let acme = Tenant::new("acme").unwrap();
        let own = TermFiles { rules: vec![rule], ..TermFiles::default() };
        let all = TermFilesOfTenants {
            default: TermFiles { authorised: vec![declared], ..TermFiles::default() },
            tenants: [(acme.clone(), own)].into(),
        };
        let terms = DetectionTermsOfTenants::read(&all).unwrap();
        let told = |tenant: &Tenant| {
            let terms = terms.of(tenant);
            (terms.rules.listed().count(), terms.authorised.is_empty())
        };
        assert_eq!((told(&acme), told(&Tenant::default())), ((1, true), (0, false)));

        let wrong = write("wrong.yml", &RULE.replace("condition: listing", "condition: nothing"));
        let files = TermFiles { rules: vec![wrong], ..TermFiles::default() };
        let error = DetectionTerms::read(&files).unwrap_err().to_string();
        assert!(error.contains("wrong.yml:"), "{error}");
        let empty = write("empty.yml", "");
        let files = TermFiles { rules: vec![empty], ..TermFiles::default() };
        let error = DetectionTerms::read(&files).unwrap_err().to_string();
        assert!(error.contains("no rules"), "{error}");
    }
}
