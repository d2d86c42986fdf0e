//! Boarding passes: what is issued for an object that went through the check-in.

use airside_k8s::boarding_pass::{digest_of, fields};
use airside_types::{
    AcceptedFinding, BoardingPass, Cluster, Finding, Id, PassVerdict, Rules, Severity, Tenant,
};

use super::{Judged, Source, Terms, unknown_kind};
use crate::catalogue;
use crate::exception::Accepted;

/// How much is made of boarding passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passes {
    /// Nothing: what runs already gets none.
    None,
    /// All but the digests of fields, which take as much room as all findings.
    WithoutFields,
    /// All that is published, or compared with live objects.
    Whole,
}

impl Source<'_> {
    /// None where none are issued, for an object that will be named at creation, since nothing live could be
    /// led back to it, and for one of a kind that Kubernetes does not have: no check knew what it looked at.
    pub(super) fn pass(
        &self,
        judged: &Judged,
        rules: Option<&Rules>,
        terms: &Terms<'_>,
    ) -> Option<BoardingPass> {
        let (Judged { findings, accepted }, rules) = (judged, rules?);
        let object = &self.located.object;
        if object.name().is_empty() || unknown_kind(object).is_some() {
            return None;
        }
        let fields = fields(object);
        Some(BoardingPass {
            object: object.object_ref().without_uid(),
            digest: digest_of(object, &fields),
            place: self.place_of_object(),
            template: self.template.map(str::to_owned),
            verdict: verdict(findings, terms.failing),
            findings: fingerprints(findings, terms.tenant, terms.cluster),
            fields: if terms.passes == Passes::Whole { fields } else { Vec::new() },
            origin: self.origin.map(|it| Box::new(it.of_object(&self.located))),
            rules: Some(rules.clone()),
            accepted: accepted.iter().map(|it| accepted_finding(it, terms)).collect(),
            attestation: None,
        })
    }
}

/// By which rules passes are issued; none where none are.
pub(super) fn rules_of(terms: &Terms<'_>) -> Option<Rules> {
    (terms.passes != Passes::None).then(|| Rules {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        digest: catalogue::digest(),
        failing: terms.failing,
        vulnerability_data: terms.components.date().map(ToString::to_string),
    })
}

fn verdict(findings: &[Finding], failing: Severity) -> PassVerdict {
    match findings.iter().map(|finding| finding.severity).max() {
        Some(worst) if worst >= failing => PassVerdict::Failed,
        // What is mere advice applies to nearly every workload and would flag them all.
        None | Some(Severity::Info) => PassVerdict::Clean,
        Some(_) => PassVerdict::Flagged,
    }
}

fn accepted_finding(accepted: &Accepted, terms: &Terms<'_>) -> AcceptedFinding {
    AcceptedFinding {
        finding: accepted.finding.id(terms.tenant, terms.cluster),
        check: accepted.finding.check.to_string(),
        reason: accepted.reason.clone(),
        until: accepted.until,
    }
}

pub(super) fn fingerprints(findings: &[Finding], tenant: &Tenant, cluster: &Cluster) -> Vec<Id> {
    findings.iter().map(|finding| finding.id(tenant, cluster)).collect()
}
