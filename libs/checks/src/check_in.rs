//! The check-in: from documents of files to findings and boarding passes.
//!
//! Pure: the caller reads the files and keeps the results. All files are judged as one set, so that a
//! network policy in one counts for a workload in another, and each finding keeps its file and line.

mod acceptance;
mod origin;

use std::collections::BTreeSet;
use std::ops::Range;

use airside_k8s::boarding_pass::{digest_of, fields};
use airside_k8s::object::NotAnObject;
use airside_k8s::{Completeness, Document, Graph, Located, Object};
use airside_types::{
    AcceptedFinding, BoardingPass, Cluster, Finding, FindingState, Id, ObjectRef, PassVerdict,
    Place, Rules, Severity, Tenant, Timestamp,
};

use serde_json::Value;

use airside_policy::{PolicyFailure, PolicySet};
use airside_vulnerability::Document as ImageReport;
use airside_vulnerability::join::ImageFinding;

use self::acceptance::Acceptance;
pub use self::origin::{FileOrigin, Origins, Rendered, RenderedChart};
use crate::catalogue::{self, IMAGE_VULNERABILITY, POLICY};
use crate::evaluate::{Failure, NotEvaluated, evaluate_graph};
use crate::exception::{Accepted, Comment, Exception, Ineffective};

/// By which terms objects are checked in.
#[derive(Debug, Clone)]
pub struct Terms<'a> {
    /// Whose they are.
    pub tenant: &'a Tenant,
    /// The cluster that they are meant for.
    pub cluster: &'a Cluster,
    /// An object fails its boarding pass with a finding of this severity or worse.
    pub failing: Severity,
    /// The day by which exceptions expire; none expires without it.
    pub today: Option<Timestamp>,
    /// Exceptions beside those in comments and annotations.
    pub exceptions: &'a [Exception],
    /// Reports, SBOMs and VEX about the images.
    pub reports: &'a [ImageReport],
    /// Where the files come from, as far as that is known.
    pub origins: Option<&'a Origins>,
    /// People's own policies.
    pub policies: Option<&'a PolicySet>,
}

impl<'a> Terms<'a> {
    /// Terms without exceptions of their own.
    pub const fn new(tenant: &'a Tenant, cluster: &'a Cluster, failing: Severity) -> Self {
        Self {
            tenant,
            cluster,
            failing,
            today: None,
            exceptions: &[],
            reports: &[],
            origins: None,
            policies: None,
        }
    }
}

/// A file as it was read.
#[derive(Debug, Clone, Copy)]
pub struct InputFile<'a> {
    /// The file as it was given, with `/` between folders.
    pub path: &'a str,
    /// What was read from it.
    pub documents: &'a [Document],
    /// The exceptions in its comments.
    pub comments: &'a [Comment],
}

/// An object that went through the check-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedObject {
    /// The object, by name.
    pub object: ObjectRef,
    /// Its API version as written, such as `apps/v1`.
    pub api_version: String,
    /// Where it starts.
    pub place: Place,
    /// Its findings, as a range of [`CheckIn::findings`].
    pub findings: Range<usize>,
}

/// Something in a file that was not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it starts.
    pub place: Place,
    /// Why.
    pub reason: SkipReason,
}

/// Why something was not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// It is no Kubernetes object.
    #[error(transparent)]
    NotAnObject(#[from] NotAnObject),
    /// `helm test` runs it, and nobody else.
    #[error("a test of a chart, no Kubernetes object that is deployed")]
    HelmTest,
}

/// What the check-in says about files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckIn {
    /// Every failure that nobody has accepted, by file, object and check.
    pub findings: Vec<Finding>,
    /// The failures that somebody has accepted, in the same order.
    pub accepted: Vec<Accepted>,
    /// Exceptions without an effect.
    pub ineffective: Vec<Ineffective>,
    /// A pass for each object that has a name, in the order of the objects.
    pub passes: Vec<BoardingPass>,
    /// The checks that could not be decided, with the reason.
    pub not_evaluated: Vec<NotEvaluated>,
    /// People's own policies that could not be decided, by name, with the reason.
    pub policies_not_evaluated: BTreeSet<(String, String)>,
    /// The checks that met something to look at, by id.
    pub applied: BTreeSet<&'static str>,
    /// Every object that was judged.
    pub objects: Vec<CheckedObject>,
    /// What was not judged.
    pub skipped: Vec<Skipped>,
}

/// An object, where it comes from.
struct Source<'a> {
    located: Located<'a>,
    path: &'a str,
    template: Option<&'a str>,
    origin: Option<&'a FileOrigin>,
}

impl Source<'_> {
    fn place_of_object(&self) -> Place {
        let position = self.located.places.value_position();
        Place { path: self.path.to_owned(), line: position.line, column: position.column }
    }

    fn finding(&self, failure: Failure) -> Finding {
        let position = self.located.places.resolve(&failure.field);
        let check = failure.check;
        let origin =
            self.origin.and_then(|it| it.of_field(&self.located, &failure.field)).map(Box::new);
        Finding {
            check: check.id.to_owned(),
            severity: check.severity,
            state: FindingState::Open,
            object: self.located.object.object_ref(),
            field: failure.field,
            message: failure.message,
            fix: check.fix.to_owned(),
            place: Place {
                path: self.path.to_owned(),
                line: position.line,
                column: position.column,
            },
            techniques: check.techniques.to_vec(),
            origin,
        }
    }

    /// The finding of a report. Its check names the vulnerability and the package as well, so that each
    /// has a fingerprint of its own.
    fn reported(&self, reported: ImageFinding) -> Finding {
        let ImageFinding { object, field, severity, message, vulnerability, package, .. } =
            reported;
        let failure = Failure { check: &IMAGE_VULNERABILITY, object, field, message };
        let check = format!("{}/{vulnerability}/{package}", IMAGE_VULNERABILITY.id);
        Finding { check, severity, ..self.finding(failure) }
    }

    /// The finding of a policy, which stands behind the check's id with the number of its validation.
    fn refused(&self, refused: PolicyFailure) -> Finding {
        let PolicyFailure { object, field, name, severity, message, fix } = refused;
        let failure = Failure { check: &POLICY, object, field, message };
        let check = format!("{}/{name}", POLICY.id);
        Finding { check, severity, fix, ..self.finding(failure) }
    }

    /// None for an object that will be named at creation: nothing live could be led back to it.
    fn pass(
        &self,
        findings: &[Finding],
        accepted: &[Accepted],
        rules: &Rules,
        terms: &Terms<'_>,
    ) -> Option<BoardingPass> {
        let object = &self.located.object;
        if object.name().is_empty() {
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
            fields,
            origin: self.origin.map(|it| Box::new(it.of_object(&self.located))),
            rules: Some(rules.clone()),
            accepted: accepted.iter().map(|it| accepted_finding(it, terms)).collect(),
            attestation: None,
        })
    }
}

/// Judges files as one set.
pub fn check_in(files: &[InputFile<'_>], terms: &Terms<'_>) -> CheckIn {
    let mut checked = CheckIn::default();
    let sources = sources(files, terms.origins, &mut checked.skipped);
    let rules = Rules {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        digest: catalogue::digest(),
        failing: terms.failing,
    };
    let objects: Vec<Object<'_>> = sources.iter().map(|source| source.located.object).collect();
    let graph = Graph::new(&objects, Completeness::WholeInput);
    let evaluation = evaluate_graph(&graph);
    checked.not_evaluated = evaluation.not_evaluated;
    checked.applied = evaluation.applied;
    if !terms.reports.is_empty() {
        checked.applied.insert(IMAGE_VULNERABILITY.id);
    }
    let policies = terms.policies.map(|policies| policies.judge(&graph)).unwrap_or_default();
    if terms.policies.is_some() {
        checked.applied.insert(POLICY.id);
    }
    checked.policies_not_evaluated = policies.not_evaluated;
    let mut refused = policies.failures.into_iter().peekable();
    let mut acceptance = Acceptance::new(files, terms);
    let mut failures = evaluation.failures.into_iter().peekable();
    let mut reported = airside_vulnerability::join::findings(&graph, terms.reports);
    reported.sort_by_key(|it| it.object);
    let mut reported = reported.into_iter().peekable();
    for (index, source) in sources.iter().enumerate() {
        let start = checked.findings.len();
        let accepted_before = checked.accepted.len();
        let mut of_object = acceptance.of_object(source, graph.pods_of(index));
        let own = std::iter::from_fn(|| failures.next_if(|failure| failure.object == index))
            .map(|failure| source.finding(failure));
        let reported = std::iter::from_fn(|| reported.next_if(|it| it.object == index))
            .map(|it| source.reported(it));
        let refused = std::iter::from_fn(|| refused.next_if(|it| it.object == index))
            .map(|it| source.refused(it));
        for finding in own.chain(reported).chain(refused) {
            match of_object.accepting(&finding) {
                Some(exception) => checked.accepted.push(exception.accept(finding)),
                None => checked.findings.push(finding),
            }
        }
        of_object.finish();
        let findings = checked.findings.get(start..).unwrap_or_default();
        let accepted = checked.accepted.get(accepted_before..).unwrap_or_default();
        checked.passes.extend(source.pass(findings, accepted, &rules, terms));
        checked.objects.push(CheckedObject {
            object: source.located.object.object_ref(),
            api_version: source.located.object.api_version(),
            place: source.place_of_object(),
            findings: start..checked.findings.len(),
        });
    }
    checked.ineffective = acceptance.finish();
    checked
}

fn sources<'a>(
    files: &[InputFile<'a>],
    origins: Option<&'a Origins>,
    skipped: &mut Vec<Skipped>,
) -> Vec<Source<'a>> {
    let mut sources = Vec::new();
    for file in files {
        let origin = origins.and_then(|origins| origins.get(file.path));
        for document in file.documents {
            let contents = document.contents();
            let template = document.template.as_deref();
            for located in contents.objects {
                let source = Source { located, path: file.path, template, origin };
                if is_helm_test(&located.object) {
                    let place = source.place_of_object();
                    skipped.push(Skipped { place, reason: SkipReason::HelmTest });
                } else {
                    sources.push(source);
                }
            }
            skipped.extend(contents.foreign.into_iter().map(|foreign| Skipped {
                place: Place {
                    path: file.path.to_owned(),
                    line: foreign.position.line,
                    column: foreign.position.column,
                },
                reason: foreign.reason.into(),
            }));
        }
    }
    sources
}

/// Whether an object is one that only `helm test` creates. Other hooks run at every installation.
fn is_helm_test(object: &Object<'_>) -> bool {
    let hooks = object.annotations().and_then(|it| it.get("helm.sh/hook")).and_then(Value::as_str);
    hooks.is_some_and(|hooks| {
        hooks.split(',').all(|hook| matches!(hook.trim(), "test" | "test-success" | "test-failure"))
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
        check: accepted.finding.check.clone(),
        reason: accepted.reason.clone(),
        until: accepted.until,
    }
}

fn fingerprints(findings: &[Finding], tenant: &Tenant, cluster: &Cluster) -> Vec<Id> {
    findings.iter().map(|finding| finding.id(tenant, cluster)).collect()
}

#[cfg(test)]
mod tests;
