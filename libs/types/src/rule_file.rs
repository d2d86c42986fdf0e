//! Files of people's own rules, as they set them for their tenant while the platform runs.

use crate::tenancy::Tenant;

/// A file of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// Its name, for messages.
    pub path: String,
    /// Its content: YAML.
    pub text: String,
}

/// All files that a tenant has set. They replace those before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFiles {
    /// Whose they are.
    pub tenant: Tenant,
    /// The files; none where the tenant took them back.
    pub files: Vec<RuleFile>,
}
