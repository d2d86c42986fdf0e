//! Which files say by which terms objects and audit events are judged, for all tenants and for single ones.
//!
//! Only names: reading the files is `airside-terms`', and they come from a node's settings.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::tenancy::Tenant;

/// The files of one set of terms; whatever is not named is as it is built in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TermFiles {
    /// Settings of a project: which checks count, and how severe they are.
    pub project: Option<PathBuf>,
    /// Files and folders of people's own policies, with their bindings and parameters.
    pub policies: Vec<PathBuf>,
    /// Exceptions, a line each.
    pub exceptions: Option<PathBuf>,
    /// What is known of vulnerabilities of components.
    pub vulnerability_data: Option<PathBuf>,
    /// Files and folders of people's own rules for audit events.
    pub rules: Vec<PathBuf>,
    /// Files and folders of what people declare as authorised administration.
    pub authorised: Vec<PathBuf>,
}

/// The files for every tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TermFilesOfTenants {
    /// For tenants that have none of their own.
    pub default: TermFiles,
    /// For single tenants; what is in here holds for no other.
    pub tenants: BTreeMap<Tenant, TermFiles>,
}
