//! Which files of a repository stand for the paths of a report: what was rendered is in none.

use std::path::{Path, PathBuf};

use airside_checks::Rendered as Origin;
use airside_report::{Sources, WorkTree};

use super::inputs::{Inputs, Made};
use super::paths::shown;
use super::render::{KUSTOMIZATIONS, RENDERED};
use super::work_tree::root_around;

/// The files behind what was read, in the work tree of the first path.
pub(super) fn of(inputs: &Inputs, paths: &[PathBuf]) -> Sources {
    let rendered = inputs.made.iter().filter_map(|(path, made)| {
        Some((path.clone(), shown(&file_behind(path.strip_suffix(RENDERED)?, made)?)))
    });
    let first = paths.first().and_then(|path| path.canonicalize().ok());
    Sources { rendered: rendered.collect(), work_tree: first.and_then(|path| work_tree(&path)) }
}

/// The template, where it is a file, or what makes the folder a chart or a kustomization.
fn file_behind(path: &str, made: &Made) -> Option<PathBuf> {
    let path = Path::new(path);
    match &made.origin {
        Origin::Chart(_) if path.is_file() => Some(path.to_owned()),
        Origin::Chart(_) => Some(made.folder.join("Chart.yaml")),
        Origin::Kustomization(_) => {
            let files = KUSTOMIZATIONS.iter().map(|name| made.folder.join(name));
            files.into_iter().find(|path| path.is_file())
        }
    }
}

fn work_tree(path: &Path) -> Option<WorkTree> {
    let absolute = |path: &Path| path.to_string_lossy().replace('\\', "/");
    let root = root_around(path).ok()?;
    let working = std::env::current_dir().and_then(|path| path.canonicalize()).ok()?;
    Some(WorkTree { root: absolute(&root), working: absolute(&working) })
}
