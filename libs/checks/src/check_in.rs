//! The check-in: from documents of files to findings and boarding passes.
//!
//! Pure: the caller reads the files and keeps the results. All files are judged as one set, so that a
//! network policy in one counts for a workload in another, and each finding keeps its file and line.

mod acceptance;
mod named_field;
mod origin;
mod pass;
mod unknown_kind;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use airside_k8s::graph::PodNode;
use airside_k8s::object::NotAnObject;
use airside_k8s::{Completeness, Document, Graph, Located, Object, Position, Value};
use airside_types::{
    BoardingPass, Cluster, FieldPath, Finding, FindingState, ObjectRef, Place, Severity, Tenant,
    Timestamp,
};

use airside_policy::{PolicyFailure, PolicySet};
use airside_vulnerability::join::ImageFinding;
use airside_vulnerability::{Components, Document as ImageReport};

use self::acceptance::Acceptance;
pub use self::acceptance::accepted_by;
use self::named_field::named_field;
pub use self::origin::{
    BuiltKustomization, FileOrigin, Origins, Rendered, RenderedChart, attribute,
};
pub use self::pass::Passes;
use self::pass::rules_of;
pub use self::unknown_kind::UnknownKind;
use self::unknown_kind::unknown_kind;
use crate::catalogue::{IMAGE_VULNERABILITY, POLICY, UNUSED_BINDING};
use crate::evaluate::{Failure, NotEvaluated, evaluate_with};
use crate::exception::{Accepted, Comment, Exception, Ineffective};
use crate::grant_use::{self, GrantUse, Use};
use crate::owner::{FileOwners, Owners};
use crate::selection::Selection;

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
    /// Which checks count, and how severe their findings are.
    pub selection: &'a Selection,
    /// Whose files are, where objects do not say it.
    pub owners: &'a FileOwners,
    /// What is known of vulnerabilities of components.
    pub components: &'a Components,
    /// Which bindings of the cluster are needed; none where nobody knows.
    pub grant_use: Option<&'a GrantUse>,
    /// How much is made of boarding passes.
    pub passes: Passes,
}

impl<'a> Terms<'a> {
    /// Terms without exceptions of their own, on every check, with the vulnerabilities that are built in.
    pub fn new(tenant: &'a Tenant, cluster: &'a Cluster, failing: Severity) -> Self {
        Self {
            tenant,
            cluster,
            failing,
            today: None,
            exceptions: &[],
            reports: &[],
            origins: None,
            policies: None,
            selection: Selection::EVERYTHING,
            owners: FileOwners::NONE,
            components: Components::embedded(),
            grant_use: None,
            passes: Passes::Whole,
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
    pub object: Arc<ObjectRef>,
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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// It is no Kubernetes object.
    #[error(transparent)]
    NotAnObject(#[from] NotAnObject),
    /// `helm test` runs it, and nobody else.
    #[error("a test of a chart, no Kubernetes object that is deployed: it was left out")]
    HelmTest,
    /// It has a kind that Kubernetes does not know. What goes for every kind was judged.
    #[error(transparent)]
    UnknownKind(#[from] UnknownKind),
}

/// What the check-in says about files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckIn {
    /// Every failure that nobody has accepted, by file, object and check.
    pub findings: Vec<Finding>,
    /// The failures that somebody has accepted, in the same order; of vulnerabilities also what their makers or
    /// the report say are none.
    pub accepted: Vec<Accepted>,
    /// Exceptions without an effect.
    pub ineffective: Vec<Ineffective>,
    /// A pass for each object that has a name and a kind that is known, in the order of the objects, where
    /// passes are issued.
    pub passes: Vec<BoardingPass>,
    /// The checks that could not be decided, with the reason.
    pub not_evaluated: Vec<NotEvaluated>,
    /// People's own policies that could not be decided, by name, with the reason.
    pub policies_not_evaluated: BTreeSet<(String, String)>,
    /// Reports that say nothing about the files, by format and image, with the reason.
    pub reports_unused: Vec<(String, String)>,
    /// The checks that met something to look at, by id.
    pub applied: BTreeSet<&'static str>,
    /// Every object that was judged.
    pub objects: Vec<CheckedObject>,
    /// What was not judged.
    pub skipped: Vec<Skipped>,
}

impl CheckIn {
    /// Notes for which bindings it is known whether they are needed.
    fn judge_use(&mut self, objects: &[Object<'_>], terms: &Terms<'_>) {
        let Some(known) = terms.grant_use.filter(|_| terms.selection.takes(&UNUSED_BINDING)) else {
            return;
        };
        let mut unknown = BTreeSet::new();
        for object in objects {
            match known.of(object) {
                Use::NotGranted => {}
                Use::Needed | Use::Idle(_) => _ = self.applied.insert(UNUSED_BINDING.id),
                Use::Unknown(reason) => _ = unknown.insert(reason),
            }
        }
        let unknown = unknown.into_iter();
        self.not_evaluated
            .extend(unknown.map(|reason| NotEvaluated { check: &UNUSED_BINDING, reason }));
    }
}

/// An object, where it comes from.
pub(crate) struct Source<'a> {
    pub(crate) located: Located<'a>,
    pub(crate) path: &'a str,
    /// The path once more, as places share it.
    pub(crate) file: Arc<str>,
    /// The object's name, as findings share it.
    pub(crate) reference: Arc<ObjectRef>,
    pub(crate) template: Option<&'a str>,
    pub(crate) origin: Option<&'a FileOrigin>,
    /// Whose the object is, as far as objects and files say.
    pub(crate) owner: Option<String>,
}

/// The findings of one object.
struct Judged {
    findings: Vec<Finding>,
    accepted: Vec<Accepted>,
}

impl<'a> Source<'a> {
    /// An object of the document that stands in a file.
    pub(crate) fn new(
        located: Located<'a>,
        document: &'a Document,
        (path, file): (&'a str, &Arc<str>),
        origins: Option<&'a Origins>,
    ) -> Self {
        Self {
            located,
            path,
            file: Arc::clone(file),
            reference: Arc::new(located.object.object_ref()),
            template: document.template.as_deref(),
            origin: origins.and_then(|origins| origins.get(path)),
            owner: None,
        }
    }

    fn place_of_object(&self) -> Place {
        self.at(self.located.places.value_position())
    }

    fn place_of(&self, field: &FieldPath) -> Place {
        self.at(self.located.places.resolve(field))
    }

    fn at(&self, Position { line, column }: Position) -> Place {
        Place { path: Arc::clone(&self.file), line, column }
    }

    fn finding(&self, failure: Failure, selection: &Selection) -> Finding {
        let place = self.place_of(&failure.field);
        let check = failure.check;
        let origin =
            self.origin.and_then(|it| it.of_field(&self.located, &failure.field)).map(Box::new);
        Finding {
            check: check.id.into(),
            severity: selection.severity(check).unwrap_or(check.severity),
            state: FindingState::Open,
            object: Arc::clone(&self.reference),
            named_field: named_field(self.located.object.value(), &failure.field),
            field: failure.field,
            message: failure.message,
            fix: check.fix.into(),
            place,
            techniques: check.techniques.to_vec(),
            origin,
            owner: self.owner.clone(),
        }
    }

    /// The finding of a report. Its check names the vulnerability and the package as well, so that each
    /// has a fingerprint of its own.
    fn reported(&self, reported: ImageFinding, selection: &Selection) -> Finding {
        let ImageFinding { object, field, severity, message, vulnerability, package, .. } =
            reported;
        let failure = Failure { check: &IMAGE_VULNERABILITY, object, field, message };
        let check = format!("{}/{vulnerability}/{package}", IMAGE_VULNERABILITY.id);
        let severity = selection.severity(&IMAGE_VULNERABILITY).unwrap_or(severity);
        Finding { check: check.into(), severity, ..self.finding(failure, selection) }
    }

    /// What a statement or the report itself says is nothing to do: accepted, with who says so.
    fn suppressed(&self, reported: ImageFinding, selection: &Selection) -> Option<Accepted> {
        let reason = reported.suppressed.clone()?;
        let finding = self.reported(reported, selection);
        let place = finding.place.clone();
        Some(Accepted { finding, reason, until: None, place })
    }

    /// The finding of a policy, which stands behind the check's id with the number of its validation.
    fn refused(&self, refused: PolicyFailure, selection: &Selection) -> Finding {
        let PolicyFailure { object, field, name, severity, message, fix } = refused;
        let failure = Failure { check: &POLICY, object, field, message };
        let check = format!("{}/{name}", POLICY.id);
        Finding {
            check: check.into(),
            severity,
            fix: fix.into(),
            ..self.finding(failure, selection)
        }
    }

    /// What the catalogue, reports and policies say of the object, each with whether it counts.
    fn said(
        &self,
        failures: impl Iterator<Item = Failure>,
        reported: impl Iterator<Item = ImageFinding>,
        refused: impl Iterator<Item = PolicyFailure>,
        selection: &Selection,
    ) -> impl Iterator<Item = (bool, Finding)> {
        let takes_reports = selection.takes(&IMAGE_VULNERABILITY);
        let own = failures.map(move |it| (selection.takes(it.check), self.finding(it, selection)));
        let reported = reported.map(move |it| (takes_reports, self.reported(it, selection)));
        let refused = refused.map(move |it| (true, self.refused(it, selection)));
        own.chain(reported).chain(refused)
    }

    /// The findings that count, parted by whether an exception accepts them.
    fn findings(
        &self,
        said: impl Iterator<Item = (bool, Finding)>,
        pods: &[PodNode<'a>],
        acceptance: &mut Acceptance<'a>,
    ) -> Judged {
        let (mut findings, mut accepted) = (Vec::new(), Vec::new());
        let mut of_object = acceptance.of_object(self, pods);
        for (counts, finding) in said {
            // An exception has its effect on what does not count, too: it is not to be told as idle.
            match of_object.accepting(&finding) {
                _ if !counts => {}
                Some(exception) => accepted.push(exception.accept(finding)),
                None => findings.push(finding),
            }
        }
        of_object.finish();
        Judged { findings, accepted }
    }
}

/// What the check-in says about one object, of which the failures are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckInOfOne {
    /// The failures that nobody has accepted, by check.
    pub findings: Vec<Finding>,
    /// The failures that somebody has accepted.
    pub accepted: Vec<Accepted>,
    /// Exceptions of the object and of the comments without an effect, and given ones that cover nothing
    /// here.
    pub ineffective: Vec<Ineffective>,
    /// Its pass; none where none are issued, it has no name yet, or its kind is not known.
    pub pass: Option<BoardingPass>,
    /// People's own policies that could not be decided, by name, with the reason: those that look at other
    /// objects, such as its namespace.
    pub policies_not_evaluated: BTreeSet<(String, String)>,
}

/// Checks in one object by itself, with its failures as somebody knows them who has judged it among all.
/// People's own policies see it alone.
pub(crate) fn check_in_one<'a>(
    source: &Source<'a>,
    failures: impl Iterator<Item = Failure>,
    comments: &'a [Comment],
    terms: &'a Terms<'a>,
) -> CheckInOfOne {
    let object = source.located.object;
    let graph = Graph::new(&[object], Completeness::SingleObject);
    let mut reported = airside_vulnerability::join::findings(&graph, terms.reports);
    reported.retain(|it| it.suppressed.is_none());
    reported.sort_by_key(|it| it.object);
    let policies = terms.policies.map(|policies| policies.judge(&graph)).unwrap_or_default();
    let mut acceptance = Acceptance::new(comments.iter(), terms);
    let (reported, refused) = (reported.into_iter(), policies.failures.into_iter());
    let failures = failures.chain(grant_use::failure(terms.grant_use, &object, 0));
    let said = source.said(failures, reported, refused, terms.selection);
    let judged = source.findings(said, graph.pods_of(0), &mut acceptance);
    let pass = source.pass(&judged, rules_of(terms).as_ref(), terms);
    let Judged { findings, accepted } = judged;
    let policies_not_evaluated = policies.not_evaluated;
    let ineffective = acceptance.finish();
    CheckInOfOne { findings, accepted, ineffective, pass, policies_not_evaluated }
}

/// Judges files as one set.
pub fn check_in(files: &[InputFile<'_>], terms: &Terms<'_>) -> CheckIn {
    let mut checked = CheckIn::default();
    let mut sources = sources(files, terms.origins, &mut checked.skipped);
    let owners = Owners::new(sources.iter().map(|source| &source.located.object), terms.owners);
    for source in &mut sources {
        source.owner = owners.of(&source.located.object, source.path);
    }
    let rules = rules_of(terms);
    let objects: Vec<Object<'_>> = sources.iter().map(|source| source.located.object).collect();
    let graph = Graph::new(&objects, Completeness::WholeInput);
    let evaluation = evaluate_with(&graph, terms.components);
    let selection = terms.selection;
    let not_evaluated = evaluation.not_evaluated.into_iter();
    checked.not_evaluated = not_evaluated.filter(|it| selection.takes(it.check)).collect();
    checked.applied = evaluation.applied;
    checked.applied.retain(|check| !selection.left_out().contains(check));
    let takes_reports = selection.takes(&IMAGE_VULNERABILITY);
    if !terms.reports.is_empty() && takes_reports {
        checked.applied.insert(IMAGE_VULNERABILITY.id);
        checked.reports_unused = airside_vulnerability::join::unused(&graph, terms.reports);
    }
    checked.judge_use(&objects, terms);
    let policies = terms.policies.map(|policies| policies.judge(&graph)).unwrap_or_default();
    if terms.policies.is_some() {
        checked.applied.insert(POLICY.id);
    }
    checked.policies_not_evaluated = policies.not_evaluated;
    let mut refused = policies.failures.into_iter().peekable();
    let comments = files.iter().flat_map(|file| file.comments);
    let mut acceptance = Acceptance::new(comments, terms);
    let mut failures = evaluation.failures.into_iter().peekable();
    let mut reported = airside_vulnerability::join::findings(&graph, terms.reports);
    reported.sort_by_key(|it| it.object);
    let (reported, suppressed): (Vec<_>, Vec<_>) =
        reported.into_iter().partition(|it| it.suppressed.is_none());
    let mut suppressed = suppressed.into_iter().peekable();
    let mut reported = reported.into_iter().peekable();
    for (index, source) in sources.into_iter().enumerate() {
        let start = checked.findings.len();
        let own = std::iter::from_fn(|| failures.next_if(|failure| failure.object == index));
        let unused = grant_use::failure(terms.grant_use, &source.located.object, index);
        let own = own.chain(unused);
        let reported = std::iter::from_fn(|| reported.next_if(|it| it.object == index));
        let refused = std::iter::from_fn(|| refused.next_if(|it| it.object == index));
        let said = source.said(own, reported, refused, selection);
        let judged = source.findings(said, graph.pods_of(index), &mut acceptance);
        let pass = source.pass(&judged, rules.as_ref(), terms);
        checked.accepted.extend(judged.accepted);
        // Passes hold what people of the project accept; this its makers say, of any project.
        let suppressed = std::iter::from_fn(|| suppressed.next_if(|it| it.object == index));
        let suppressed = suppressed.filter_map(|it| source.suppressed(it, selection));
        checked.accepted.extend(suppressed.filter(|_| takes_reports));
        checked.findings.extend(judged.findings);
        checked.passes.extend(pass);
        let place = source.place_of_object();
        checked.objects.push(CheckedObject {
            object: source.reference,
            api_version: source.located.object.api_version(),
            place,
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
        let shared = Arc::from(file.path);
        for document in file.documents {
            let contents = document.contents();
            for located in contents.objects {
                let source = Source::new(located, document, (file.path, &shared), origins);
                if is_helm_test(&located.object) {
                    let place = source.place_of_object();
                    skipped.push(Skipped { place, reason: SkipReason::HelmTest });
                    continue;
                }
                if let Some(unknown) = unknown_kind(&source.located.object) {
                    let place = source.place_of(&FieldPath::of(&["kind"]));
                    skipped.push(Skipped { place, reason: unknown.into() });
                }
                sources.push(source);
            }
            skipped.extend(contents.foreign.into_iter().map(|foreign| Skipped {
                place: Place {
                    path: Arc::clone(&shared),
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
pub fn is_helm_test(object: &Object<'_>) -> bool {
    let hooks = object.annotations().and_then(|it| it.get("helm.sh/hook")).and_then(Value::as_str);
    hooks.is_some_and(|hooks| {
        hooks.split(',').all(|hook| matches!(hook.trim(), "test" | "test-success" | "test-failure"))
    })
}

#[cfg(test)]
mod tests;
