//! `airside scan --live`: a live cluster as what is checked, or as what is compared with manifests.

mod told;

use std::collections::BTreeSet;

use airside_checks::{CheckedObject, Terms};
use airside_k8s::boarding_pass::{LiveComparison, Standing, compare_live};
use airside_k8s::{Document, Located, Object};
use airside_ports::{ClusterSnapshot, ListScope, ObjectKind, Unlisted};
use airside_scanner::{LiveObjects, scan_files_within};
use airside_types::{BoardingPass, ObjectRef};

use self::told::Told;
use super::inputs::Inputs;
use super::work_tree;
use crate::cli::{ReportFormat, ScanArguments};
use crate::command::Outcome;
use crate::show::{self, ERROR, FAINT, RESET};

/// The objects of the cluster, as what is checked.
pub(super) fn inputs(arguments: &ScanArguments) -> anyhow::Result<Inputs> {
    let snapshot = snapshot(arguments, &[])?;
    tell_refused(&snapshot.unlisted);
    let mut problems: Vec<String> = broken(&snapshot.unlisted).collect();
    if snapshot.objects.is_empty() {
        problems.push(nothing_to_read(&arguments.namespace));
    }
    Ok(Inputs { problems, live: Some(LiveObjects::of(snapshot)), ..Inputs::default() })
}

/// Says where each live object stands towards manifests. Exits with 1 when one has drifted, or was never
/// checked in.
pub(super) fn compare(
    arguments: &ScanArguments,
    inputs: &Inputs,
    terms: &Terms<'_>,
) -> anyhow::Result<Outcome> {
    let other_tasks = arguments.publish
        || arguments.compliance.is_some()
        || arguments.baseline.is_some()
        || !arguments.reach.is_empty()
        || !arguments.reports.is_empty();
    anyhow::ensure!(
        !other_tasks,
        "--live with PATH compares; --publish, --compliance, --baseline, --reach and --report are for \
         --live alone, or for PATH alone"
    );
    let origins = work_tree::origins(inputs, &arguments.paths, true);
    let terms = Terms { origins: Some(&origins), ..terms.clone() };
    let scan = scan_files_within(&inputs.limits, &inputs.files, &terms);
    let snapshot = snapshot(arguments, &versions(&scan.objects))?;
    tell_refused(&snapshot.unlisted);
    for problem in broken(&snapshot.unlisted) {
        show::remark(&format!("{ERROR}error:{RESET} {problem}"));
    }
    let passes = &scan.report.passes;
    let live: Vec<Object<'_>> =
        snapshot.objects.iter().filter_map(|value| Object::new(value).ok()).collect();
    let is_covered = |object: &ObjectRef| is_covered(&snapshot.listed, object);
    let comparison = compare_live(passes, &live, is_covered);
    let manifests = Manifests::of(inputs, passes);
    let told = Told { comparison: &comparison, live: &live, passes, manifests: &manifests };
    match arguments.output {
        ReportFormat::Text => show::print(&told.text())?,
        ReportFormat::Json => {
            show::print(&format!("{}\n", serde_json::to_string_pretty(&told.json())?))?;
        }
        _ => anyhow::bail!("--live with PATH prints text or JSON: give --output text or json"),
    }
    Ok(outcome(arguments, inputs, &snapshot, &comparison))
}

/// The versions that the manifests are written in: another one has other fields.
fn versions(objects: &[CheckedObject]) -> Vec<ObjectKind> {
    let kind = |it: &CheckedObject| {
        let version = it.api_version.rsplit('/').next().unwrap_or_default().to_owned();
        ObjectKind { group: it.object.group.clone(), version, kind: it.object.kind.clone() }
    };
    objects.iter().map(kind).collect::<BTreeSet<_>>().into_iter().collect()
}

fn snapshot(arguments: &ScanArguments, versions: &[ObjectKind]) -> anyhow::Result<ClusterSnapshot> {
    let cluster = airside_node::live_cluster(
        arguments.kubeconfig.clone(),
        arguments.context.clone(),
        arguments.namespace.clone(),
    );
    Ok(airside_node::runtime()?.block_on(cluster.snapshot(versions))?)
}

/// What the API server refuses to list is told once for all: often it is one missing role.
fn tell_refused(unlisted: &[Unlisted]) {
    let refused: Vec<&Unlisted> = unlisted.iter().filter(|it| it.is_refused).collect();
    let Some(first) = refused.first() else { return };
    let scopes: Vec<String> = refused.iter().map(|it| it.scope.to_string()).collect();
    show::remark(&format!(
        "{FAINT}not read, since the API server refuses: {}\n  it says: {}\n  deploy/cluster-reader.yaml is \
         a role that allows it{RESET}",
        scopes.join(", "),
        first.reason
    ));
}

fn nothing_to_read(namespaces: &[String]) -> String {
    let nothing = "no object was read from the cluster";
    match namespaces {
        [] => format!("{nothing}: is it the right one, and may you list anything?"),
        names => format!(
            "{nothing} in {}: does it exist, and may you list anything there? `kubectl get namespaces` tells",
            names.join(", ")
        ),
    }
}

/// What could not be listed although nobody refused.
fn broken(unlisted: &[Unlisted]) -> impl Iterator<Item = String> {
    let broken = unlisted.iter().filter(|it| !it.is_refused);
    broken.map(|it| format!("{} cannot be listed: {}", it.scope, it.reason))
}

/// Whether an object would be among the live ones if it existed.
fn is_covered(listed: &[ListScope], object: &ObjectRef) -> bool {
    listed.iter().any(|scope| {
        let is_kind = (&scope.kind.group, &scope.kind.kind) == (&object.group, &object.kind);
        is_kind && (scope.namespace.is_none() || scope.namespace == object.namespace)
    })
}

fn outcome(
    arguments: &ScanArguments,
    inputs: &Inputs,
    snapshot: &ClusterSnapshot,
    comparison: &LiveComparison,
) -> Outcome {
    let is_authorised =
        |(_, standing): &(usize, _)| matches!(standing, Standing::<usize>::Authorised(..));
    if arguments.exit_zero {
        Outcome::Good
    } else if !inputs.problems.is_empty()
        || snapshot.listed.is_empty()
        || broken(&snapshot.unlisted).next().is_some()
    {
        Outcome::Unreadable
    } else if comparison.objects.iter().all(is_authorised) {
        Outcome::Good
    } else {
        Outcome::Findings
    }
}

/// The manifests that passes were made from.
struct Manifests {
    documents: Vec<(String, Document)>,
    /// For each pass its document, and which of the document's objects it is; none where that is not known.
    objects: Vec<Option<(usize, usize)>>,
}

impl Manifests {
    fn of(inputs: &Inputs, passes: &[BoardingPass]) -> Self {
        let documents = inputs.documents();
        let objects = passes.iter().map(|pass| object_of(&documents, pass)).collect();
        Self { documents, objects }
    }

    /// The object as the manifest has it.
    fn located(&self, pass: usize) -> Option<Located<'_>> {
        let (document, item) = (*self.objects.get(pass)?)?;
        self.documents.get(document)?.1.contents().objects.into_iter().nth(item)
    }
}

fn object_of(documents: &[(String, Document)], pass: &BoardingPass) -> Option<(usize, usize)> {
    let in_file = documents.iter().enumerate().filter(|(_, (path, _))| **path == *pass.place.path);
    in_file.into_iter().find_map(|(index, (_, document))| {
        let objects = document.contents().objects;
        let item = objects.iter().position(|it| {
            let position = it.places.value_position();
            (position.line, position.column) == (pass.place.line, pass.place.column)
        });
        item.map(|item| (index, item))
    })
}

#[cfg(test)]
mod tests;
