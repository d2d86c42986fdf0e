//! Where the files of a check-in come from, and with them each object and finding.
//!
//! The caller reads repositories, charts and kustomizations; what follows for an object is told here.

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_k8s::Located;
use airside_k8s::chart::{ChartName, RenderedTemplate};
use airside_k8s::kustomization::RenderedKustomization;
use airside_types::{ChartRendering, FieldPath, Origin, Rendering, Revision, SourceLine};

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
    Kustomization(Arc<RenderedKustomization>),
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

impl FileOrigin {
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
                Rendering::Kustomization(kustomization.origin(&located.object))
            }
        });
        Origin { revision: self.revision.clone(), rendering }
    }

    /// The line that was rendered into the line of a field.
    pub(super) fn of_field(&self, located: &Located<'_>, field: &FieldPath) -> Option<SourceLine> {
        match self.rendered.as_ref()? {
            Rendered::Chart(chart) => chart.lines.as_ref()?.source(located.places, field),
            Rendered::Kustomization(kustomization) => kustomization.source(&located.object, field),
        }
    }
}
