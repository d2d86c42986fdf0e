//! The section `terms`: which files say by which terms the scanner, admission and audit-ingest judge, for each tenant.

use std::collections::BTreeMap;
use std::path::PathBuf;

use airside_types::{Tenant, TermFiles, TermFilesOfTenants};
use anyhow::Context;
use serde::{Deserialize, Serialize};

/// By which terms objects are judged: the files that `airside scan` reads, for the services. They are read at
/// the start; a file that cannot be used keeps the node from starting.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TermOptions {
    /// Settings of a project in the form of `.airside.toml`: profile, severities, checks. Its `fail_on` goes before
    /// `scanner.failing_severity`. Default: none; every check counts.
    pub project: Option<PathBuf>,
    /// Files and folders of own policies: ValidatingAdmissionPolicies, their bindings and parameters. Default:
    /// none.
    pub policies: Vec<PathBuf>,
    /// A file of exceptions, a line each, in the form of `.airside-exceptions`. Default: none.
    pub exceptions: Option<PathBuf>,
    /// What is known of vulnerabilities, as `airside data update` writes it; in force while it is newer than what is
    /// built in. Default: none.
    pub vulnerability_data: Option<PathBuf>,
    /// Files and folders of own rules for audit events, in Sigma. Default: none.
    pub rules: Vec<PathBuf>,
    /// Files and folders of what is authorised administration. Default: none.
    pub authorised: Vec<PathBuf>,
    /// The same for single tenants, by name. What a tenant's table leaves out is as above, and nothing in it holds
    /// for another tenant. Default: none.
    pub tenants: BTreeMap<String, TenantTermOptions>,
}

/// What is different for one tenant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantTermOptions {
    /// As `terms.project`.
    pub project: Option<PathBuf>,
    /// As `terms.policies`; an empty list is none.
    pub policies: Option<Vec<PathBuf>>,
    /// As `terms.exceptions`.
    pub exceptions: Option<PathBuf>,
    /// As `terms.vulnerability_data`.
    pub vulnerability_data: Option<PathBuf>,
    /// As `terms.rules`; an empty list is none.
    pub rules: Option<Vec<PathBuf>>,
    /// As `terms.authorised`; an empty list is none.
    pub authorised: Option<Vec<PathBuf>>,
}

impl TermOptions {
    /// The files of every tenant.
    ///
    /// # Errors
    /// A tenant's name is none.
    pub(crate) fn files(self) -> anyhow::Result<TermFilesOfTenants> {
        let Self { project, policies, exceptions, vulnerability_data, rules, authorised, tenants } =
            self;
        let default =
            TermFiles { project, policies, exceptions, vulnerability_data, rules, authorised };
        let of_tenant = |(name, own): (String, TenantTermOptions)| {
            let tenant = Tenant::new(&name).context("`terms.tenants` is not usable")?;
            let all = default.clone();
            let files = TermFiles {
                project: own.project.or(all.project),
                policies: own.policies.unwrap_or(all.policies),
                exceptions: own.exceptions.or(all.exceptions),
                vulnerability_data: own.vulnerability_data.or(all.vulnerability_data),
                rules: own.rules.unwrap_or(all.rules),
                authorised: own.authorised.unwrap_or(all.authorised),
            };
            Ok((tenant, files))
        };
        let tenants = tenants.into_iter().map(of_tenant).collect::<anyhow::Result<_>>()?;
        Ok(TermFilesOfTenants { default, tenants })
    }
}
