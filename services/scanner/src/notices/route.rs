//! Where findings are told: routes by tenant and owner, from the settings. Pure.

use airside_checks::owner::is_owned_by;
use airside_types::{Finding, Id, Severity, Tenant};
use anyhow::Context;
use http::Uri;

use crate::options::RouteOptions;

/// Where the findings of one owner, or of all others, are told.
#[derive(Debug)]
pub(super) struct Route {
    /// Of tenant, owner and address.
    pub(super) id: Id,
    pub(super) tenant: Tenant,
    /// None for what no other route of the tenant takes.
    pub(super) owner: Option<String>,
    pub(super) address: Uri,
    min_severity: Severity,
}

/// Reads the routes of the settings.
pub(super) fn routes(options: &[RouteOptions]) -> anyhow::Result<Vec<Route>> {
    let numbered = options.iter().zip(1..);
    let read = |(options, number): (&RouteOptions, u32)| {
        let context = || format!("route {number} of `scanner.routes` is not usable");
        Route::of(options).with_context(context)
    };
    numbered.map(read).collect()
}

impl Route {
    fn of(options: &RouteOptions) -> anyhow::Result<Self> {
        let RouteOptions { url, owner, tenant, min_severity } = options;
        let address: Option<Uri> = url.expose().parse().ok();
        let is_web = |uri: &Uri| matches!(uri.scheme_str(), Some("https" | "http"));
        let address = address.filter(|uri| is_web(uri) && uri.host().is_some());
        let owner = owner.as_ref().map(|owner| owner.trim().to_owned());
        anyhow::ensure!(
            owner.as_deref() != Some(""),
            "`owner` is empty: leave it out for all others"
        );
        let tenant = Tenant::new(tenant)?;
        let id = Id::builder("notice-route").text(tenant.as_str()).optional(owner.as_deref());
        Ok(Self {
            id: id.text(url.expose()).finish(),
            tenant,
            owner,
            // What is wrong with it is not told: the address may be a secret.
            address: address.context("`url` is no address: write https://HOST/PATH")?,
            min_severity: min_severity.parse()?,
        })
    }

    /// Whose route it is, for logs.
    pub(super) fn name(&self) -> &str {
        self.owner.as_deref().unwrap_or("all others")
    }
}

/// The routes that tell of a finding, by index, each with the owner who is told: those of the finding's owners, or the
/// tenant's routes for all others. Severity is asked last: what is too slight for its owner's route is not told to
/// the others instead.
pub(super) fn of_finding<'r>(
    routes: impl Iterator<Item = &'r Route> + Clone,
    tenant: &Tenant,
    finding: &'r Finding,
) -> Vec<(usize, Option<&'r str>)> {
    let of_tenant = routes.enumerate().filter(|(_, route)| route.tenant == *tenant);
    let owner = finding.owner.as_deref();
    let is_of_owner = |route: &Route| {
        let wanted = route.owner.as_deref();
        owner.zip(wanted).is_some_and(|(owner, wanted)| is_owned_by(owner, wanted))
    };
    let mut chosen: Vec<_> = of_tenant.clone().filter(|(_, route)| is_of_owner(route)).collect();
    if chosen.is_empty() {
        chosen = of_tenant.filter(|(_, route)| route.owner.is_none()).collect();
    }
    chosen.retain(|(_, route)| finding.severity >= route.min_severity);
    chosen.into_iter().map(|(index, route)| (index, route.owner.as_deref().or(owner))).collect()
}
