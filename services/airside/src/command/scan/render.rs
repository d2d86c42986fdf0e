//! Charts and kustomizations, rendered by `helm` and `kustomize` where they are installed.
//!
//! What is rendered stands under the name of what it comes from: the template of a chart, the folder of a
//! kustomization. [`chart`] and [`kustomization`] read the files that it was rendered from.

mod chart;
mod kustomization;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use airside_checks::Rendered as Origin;
use anyhow::Context;

/// What stands behind the path of what was rendered.
pub(super) const RENDERED: &str = " (rendered)";

/// The names of a kustomization's file.
pub(super) const KUSTOMIZATIONS: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What a folder is rendered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renderer {
    Helm,
    Kustomize,
}

/// How charts are rendered.
#[derive(Debug, Clone, Default)]
pub(in crate::command) struct Rendering {
    /// Files of values, the last one in force.
    pub(super) values: Vec<PathBuf>,
    /// The namespace of the release.
    pub(super) namespace: Option<String>,
}

/// A file that was rendered.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) path: String,
    pub(super) content: String,
    /// The files that it was rendered from.
    pub(super) origin: Origin,
}

impl Renderer {
    /// What renders a folder, where it is a chart or a kustomization.
    pub(super) fn of(folder: &Path) -> Option<Self> {
        if folder.join("Chart.yaml").is_file() {
            return Some(Self::Helm);
        }
        let is_one = KUSTOMIZATIONS.iter().any(|name| folder.join(name).is_file());
        is_one.then_some(Self::Kustomize)
    }

    /// Whether there is nothing in the folder to render: a chart that only other charts use.
    pub(super) fn has_nothing(self, folder: &Path) -> bool {
        self == Self::Helm && chart::is_library(folder)
    }

    /// Renders a folder.
    ///
    /// # Errors
    /// The program is not installed, or refuses the folder: what it says, and what to do.
    pub(super) fn render(self, folder: &Path, how: &Rendering) -> anyhow::Result<Vec<Rendered>> {
        match self {
            Self::Helm => chart::render(folder, how),
            Self::Kustomize => kustomization::render(folder),
        }
    }
}

fn run(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} cannot be run"))?;
    anyhow::ensure!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).with_context(|| format!("{program} prints no UTF-8"))
}

fn is_not_installed(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<std::io::Error>();
    cause.is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_tells_what_renders_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Renderer::of(folder.path()), None);
        std::fs::write(folder.path().join("kustomization.yaml"), "").unwrap();
        assert_eq!(Renderer::of(folder.path()), Some(Renderer::Kustomize));
        std::fs::write(folder.path().join("Chart.yaml"), "").unwrap();
        assert_eq!(Renderer::of(folder.path()), Some(Renderer::Helm));
    }
}
