//! The terms of every tenant.

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_types::{Tenant, TermFilesOfTenants};

use crate::error::TermsError;
use crate::in_force::TermsInForce;

/// The terms of every tenant. Those of one are never another's: a tenant has its own, or the default.
#[derive(Debug, Clone)]
pub struct TermsOfTenants {
    default: Arc<TermsInForce>,
    tenants: BTreeMap<Tenant, Arc<TermsInForce>>,
}

impl TermsOfTenants {
    /// The terms that are built in, for all.
    pub fn built_in() -> Self {
        Self { default: Arc::new(TermsInForce::built_in()), tenants: BTreeMap::new() }
    }

    /// Reads the files of all tenants.
    ///
    /// # Errors
    /// The first file that cannot be used, with the line and what to do.
    pub fn read(files: &TermFilesOfTenants) -> Result<Self, TermsError> {
        let default = Arc::new(TermsInForce::read(&files.default)?);
        let mut tenants = BTreeMap::new();
        for (tenant, files) in &files.tenants {
            tenants.insert(tenant.clone(), Arc::new(TermsInForce::read(files)?));
        }
        Ok(Self { default, tenants })
    }

    /// The terms of a tenant.
    pub fn of(&self, tenant: &Tenant) -> &Arc<TermsInForce> {
        self.tenants.get(tenant).unwrap_or(&self.default)
    }
}
