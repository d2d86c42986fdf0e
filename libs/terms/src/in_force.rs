//! The terms that are in force for a tenant: everything that its files say, read.

use airside_checks::exception::Exception;
use airside_checks::{Selection, Terms, catalogue};
use airside_policy::PolicySet;
use airside_types::{Cluster, Knowledge, Severity, Tenant, TermFiles, Timestamp};

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
    /// The catalogue, and of when the vulnerability data is.
    pub knowledge: Knowledge,
}

impl TermsInForce {
    /// The terms that are built in: every check, and nothing of people's own.
    pub fn built_in() -> Self {
        Self {
            selection: Selection::EVERYTHING.clone(),
            fail_on: None,
            exceptions: Vec::new(),
            policies: None,
            knowledge: knowledge(&VulnerabilityData::built_in()),
            data: VulnerabilityData::built_in(),
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
        if !files.policies.is_empty() {
            terms.policies = Some(Policies::read_all(&files.policies)?);
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
        terms.knowledge = knowledge(&terms.data);
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
}

fn knowledge(data: &VulnerabilityData) -> Knowledge {
    Knowledge {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        catalogue: catalogue::digest(),
        vulnerability_data: data.components.date().map(ToString::to_string),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_data_adds_to_what_is_known_and_older_data_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let knowledge = |date: &str| {
            let path = folder.path().join(date);
            let data = format!(
                r#"{{"format": 1, "date": "{date}", "note": "", "components": [], "advisories": []}}"#
            );
            std::fs::write(&path, data).unwrap();
            let files = TermFiles { vulnerability_data: Some(path), ..TermFiles::default() };
            TermsInForce::read(&files).unwrap().knowledge
        };
        let built_in = TermsInForce::built_in().knowledge;
        let (old, new, newer) =
            (knowledge("2001-01-01"), knowledge("2099-01"), knowledge("2099-01-02"));
        assert_eq!(old, built_in);
        for (now, then, adds) in [
            (&new, &built_in, true),
            (&newer, &new, true),
            (&new, &newer, false),
            (&new, &new, false),
        ] {
            assert_eq!(now.adds_to(then), adds, "{now:?} {then:?}");
        }
        let other = Knowledge { catalogue: airside_types::Id::default(), ..new.clone() };
        assert!(new.adds_to(&other) && other.adds_to(&new));
    }
}
