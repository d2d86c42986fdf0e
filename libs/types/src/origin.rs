//! Where a configuration comes from: repository and commit, and the files that it was rendered from.
//!
//! Owns what a boarding pass says of an object's origin, and what a finding says of the line that was
//! rendered. Reading repositories and templates is others'.

use crate::place::Place;

/// Where a checked object comes from, beyond its place in what was scanned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The commit, where the input is in a work tree.
    pub revision: Option<Revision>,
    /// What it was rendered from; none for a plain file.
    pub rendering: Option<Rendering>,
}

/// A commit that a configuration was checked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revision {
    /// The address of the remote repository, without credentials, where it is known.
    pub repository: Option<String>,
    /// The full hash of the commit, in hexadecimal.
    pub commit: String,
    /// The file or folder within the repository, with `/` between folders; empty for its root.
    pub path: String,
    /// Whether the file, or something in the folder, differs from the commit.
    pub is_dirty: bool,
}

/// What an object was rendered from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rendering {
    /// A chart, by Helm.
    Chart(ChartRendering),
    /// A folder, by kustomize.
    Kustomization(KustomizationRendering),
}

/// The chart that an object was rendered from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChartRendering {
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The template's file.
    pub template: String,
    /// The line of the template on which the object begins, from 1, where that is certain.
    pub line: Option<u32>,
    /// The files of values, the last one in force.
    pub values: Vec<String>,
}

/// The kustomization that an object was rendered from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KustomizationRendering {
    /// The folder of the kustomization.
    pub folder: String,
    /// The file that brought the object in, where kustomize tells: of this machine, or of `repository`.
    pub file: Option<String>,
    /// The line on which the object begins there, from 1, where that is certain.
    pub line: Option<u32>,
    /// The remote repository of the file, without credentials.
    pub repository: Option<String>,
    /// The branch, tag or commit of `repository`.
    pub reference: Option<String>,
}

/// The line that was rendered into the line of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceLine {
    /// In the template of a chart, or in a file of a kustomization.
    pub place: Place,
    /// The values of the chart that the line takes, in their order.
    pub values: Vec<ChartValue>,
}

/// A value of a chart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChartValue {
    /// The keys that lead to it, as `helm --set` takes them: `image.tag`.
    pub key: String,
    /// Where it is set; none where no file sets it.
    pub place: Option<Place>,
}
