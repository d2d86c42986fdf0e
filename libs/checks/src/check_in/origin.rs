//! Where the files of a check-in come from, and with them each object and finding.
//!
//! The caller reads repositories, charts and kustomizations; what follows for an object is told here.

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_k8s::Located;
use airside_k8s::chart::{ChartName, RenderedTemplate};
use airside_k8s::kustomization::RenderedKustomization;
use airside_types::{
    ChartRendering, FieldPath, Finding, ObjectRef, Origin, Place, Rendering, Revision, SourceLine,
};

use super::{CheckIn, InputFile, Source, sources};
use crate::exception::{Accepted, Comment};
use crate::owner::FileOwners;

/// The origins of files, by their paths as they are scanned.
pub type Origins = BTreeMap<String, FileOrigin>;

/// Where a file comes from.
#[derive(Debug, Clone, Default)]
pub struct FileOrigin {
    /// The commit, where it is in a work tree.
    pub revision: Option<Revision>,
    /// What rendered it; none for a plain file.
    pub rendered: Option<Rendered>,
}

/// What rendered a file.
#[derive(Debug, Clone)]
pub enum Rendered {
    /// A template of a chart.
    Chart(Arc<RenderedChart>),
    /// A kustomization.
    Kustomization(Arc<BuiltKustomization>),
}

/// What a kustomization rendered.
#[derive(Debug, Clone, Default)]
pub struct BuiltKustomization {
    /// What was rendered, beside the files that it took.
    pub rendered: RenderedKustomization,
    /// The exceptions in comments of these files: what is rendered has lost them.
    pub comments: Vec<Comment>,
}

/// A file that a template of a chart rendered.
#[derive(Debug, Clone)]
pub struct RenderedChart {
    /// The chart.
    pub chart: ChartName,
    /// The template's file.
    pub template: String,
    /// The template beside what it rendered, where it could be read.
    pub lines: Option<RenderedTemplate>,
    /// The files of values, the last one in force.
    pub values: Vec<String>,
}

/// Adds to what somebody else found in files what only whoever read them knows: where they come from, and whose they
/// are where objects do not say it.
pub fn attribute(
    files: &[InputFile<'_>],
    origins: &Origins,
    owners: &FileOwners,
    checked: &mut CheckIn,
) {
    let sources = sources(files, Some(origins), &mut Vec::new());
    let by_place: BTreeMap<Place, &Source<'_>> =
        sources.iter().map(|source| (source.place_of_object(), source)).collect();
    let by_object: BTreeMap<(&str, &ObjectRef), &Source<'_>> =
        sources.iter().map(|source| ((source.path, &*source.reference), source)).collect();
    let add = |finding: &mut Finding, source: Option<&&Source<'_>>| {
        let own = source.and_then(|it| it.origin.map(|origin| (origin, &it.located)));
        let line = own.and_then(|(origin, located)| origin.of_field(located, &finding.field));
        finding.origin = line.map(Box::new);
        if finding.owner.is_none() {
            finding.owner = owners.of(&finding.place.path).map(str::to_owned);
        }
    };
    for object in &checked.objects {
        let findings = checked.findings.get_mut(object.findings.clone()).unwrap_or_default();
        findings.iter_mut().for_each(|finding| add(finding, by_place.get(&object.place)));
    }
    for Accepted { finding, .. } in &mut checked.accepted {
        let source = by_object.get(&(&*finding.place.path, &*finding.object)).copied();
        add(finding, source.as_ref());
    }
    for pass in &mut checked.passes {
        let source = by_place.get(&pass.place);
        let own = source.and_then(|it| it.origin.map(|origin| (origin, &it.located)));
        pass.origin = own.map(|(origin, located)| Box::new(origin.of_object(located)));
    }
}

impl FileOrigin {
    /// The exceptions in comments that rendering has lost.
    pub(super) fn lost_comments(&self) -> &[Comment] {
        match &self.rendered {
            Some(Rendered::Kustomization(kustomization)) => &kustomization.comments,
            _ => &[],
        }
    }

    /// Where an object of the file comes from.
    pub(super) fn of_object(&self, located: &Located<'_>) -> Origin {
        let rendering = self.rendered.as_ref().map(|rendered| match rendered {
            Rendered::Chart(chart) => {
                let begins = located.places.value_position().line;
                let line = chart.lines.as_ref().and_then(|lines| lines.line(begins));
                Rendering::Chart(ChartRendering {
                    name: chart.chart.name.clone(),
                    version: chart.chart.version.clone(),
                    template: chart.template.clone(),
                    line,
                    values: chart.values.clone(),
                })
            }
            Rendered::Kustomization(kustomization) => {
                Rendering::Kustomization(kustomization.rendered.origin(&located.object))
            }
        });
        Origin { revision: self.revision.clone(), rendering }
    }

    /// The line that was rendered into the line of a field.
    pub(super) fn of_field(&self, located: &Located<'_>, field: &FieldPath) -> Option<SourceLine> {
        match self.rendered.as_ref()? {
            Rendered::Chart(chart) => chart.lines.as_ref()?.source(located.places, field),
            Rendered::Kustomization(kustomization) => {
                kustomization.rendered.source(&located.object, field)
            }
        }
    }
}
