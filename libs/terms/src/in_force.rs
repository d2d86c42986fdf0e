//! The terms that are in force for a tenant: everything that its files say, read.

use airside_checks::exception::Exception;
use airside_checks::{Selection, Terms, catalogue};
use airside_policy::PolicySet;
use airside_types::{Cluster, Id, Severity, Tenant, TermFiles, Timestamp};

use crate::error::TermsError;
use crate::policies::Policies;
use crate::project::ProjectSettings;
use crate::read::read_exceptions;
use crate::vulnerabilities::VulnerabilityData;

/// By which terms the objects of a tenant are judged.
#[derive(Debug)]
pub struct TermsInForce {
    /// Which checks count, and how severe their findings are.
    pub selection: Selection,
    /// From which severity on a finding fails its object, where the settings of a project say it.
    pub fail_on: Option<Severity>,
    /// What people have accepted beside comments and annotations.
    pub exceptions: Vec<Exception>,
    /// People's own policies.
    pub policies: Option<PolicySet>,
    /// What is known of vulnerabilities.
    pub data: VulnerabilityData,
    /// Of everything that changes what is found: catalogue, checks that count, policies, vulnerability data.
    pub digest: Id,
}

impl TermsInForce {
    /// The terms that are built in: every check, and nothing of people's own.
    pub fn built_in() -> Self {
        Self {
            selection: Selection::EVERYTHING.clone(),
            fail_on: None,
            exceptions: Vec::new(),
            policies: None,
            data: VulnerabilityData::built_in(),
            digest: catalogue::digest(),
        }
    }

    /// Reads files.
    ///
    /// # Errors
    /// The first file that cannot be used, with the line and what to do.
    pub fn read(files: &TermFiles) -> Result<Self, TermsError> {
        let mut terms = Self::built_in();
        if let Some(path) = &files.project {
            let project = ProjectSettings::read(path, None)?;
            terms.selection = project.selection;
            terms.fail_on = Some(project.fail_on);
        }
        let mut of_policies = None;
        if !files.policies.is_empty() {
            let (policies, digest) = Policies::read_all(&files.policies)?;
            (terms.policies, of_policies) = (Some(policies), Some(digest));
        }
        if let Some(path) = &files.exceptions {
            let (exceptions, misread) = read_exceptions(path)?;
            if !misread.is_empty() {
                let problems = misread.iter().map(|it| format!("{}: {}", it.place, it.problem));
                let problems = problems.collect();
                return Err(TermsError::Problems { what: "exceptions", problems });
            }
            terms.exceptions = exceptions;
        }
        if let Some(path) = &files.vulnerability_data {
            terms.data = VulnerabilityData::of_file(path)?;
        }
        terms.digest = terms.digest(of_policies);
        Ok(terms)
    }

    /// The terms for objects of a tenant in a cluster, on a day.
    pub fn on<'a>(
        &'a self,
        tenant: &'a Tenant,
        cluster: &'a Cluster,
        failing: Severity,
        today: Timestamp,
    ) -> Terms<'a> {
        Terms {
            today: Some(today),
            exceptions: &self.exceptions,
            policies: self.policies.as_ref(),
            selection: &self.selection,
            components: &self.data.components,
            ..Terms::new(tenant, cluster, failing)
        }
    }

    /// Exceptions are not in it: they change whether a finding is accepted, and not whether there is one.
    fn digest(&self, of_policies: Option<Id>) -> Id {
        let (left_out, severities) = (self.selection.left_out(), self.selection.severities());
        let is_built_in = left_out.is_empty() && severities.is_empty() && self.data.file.is_none();
        if is_built_in && of_policies.is_none() {
            return catalogue::digest();
        }
        let mut digest = Id::builder("terms").id(catalogue::digest());
        for check in left_out {
            digest = digest.text(check);
        }
        for (check, severity) in severities {
            digest = digest.text(check).text(severity.as_str());
        }
        let own = self.data.file.as_ref().and_then(|_| self.data.components.to_json().ok());
        digest = digest.optional(own.as_deref());
        of_policies.into_iter().fold(digest, airside_types::IdBuilder::id).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: named}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations: [{expression: has(object.metadata.name)}]
"#;
    const DATA: &str =
        r#"{"format": 1, "date": "2099-01-01", "note": "", "components": [], "advisories": []}"#;

    #[test]
    fn the_digest_is_the_catalogues_until_something_else_changes_what_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
            Some(folder.path().join(name))
        };
        let digest = |files: TermFiles| TermsInForce::read(&files).unwrap().digest;
        let built_in = digest(TermFiles::default());
        assert_eq!(built_in, catalogue::digest());
        let project = write("project.toml", "[checks]\ndisable = [\"host-pid\"]\n");
        let exceptions = write("exceptions", "host-pid: it has to\n");
        let vulnerability_data = write("data.json", DATA);
        let old = write("old.json", &DATA.replace("2099", "2001"));
        let policies: Vec<_> = write("policy.yaml", POLICY).into_iter().collect();
        let digests = [
            digest(TermFiles { project, ..TermFiles::default() }),
            digest(TermFiles { vulnerability_data, ..TermFiles::default() }),
            digest(TermFiles { policies, ..TermFiles::default() }),
            built_in,
        ];
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
        // Neither of these changes what is found.
        let vulnerability_data = old;
        assert_eq!(digest(TermFiles { vulnerability_data, ..TermFiles::default() }), built_in);
        assert_eq!(digest(TermFiles { exceptions, ..TermFiles::default() }), built_in);
    }
}
