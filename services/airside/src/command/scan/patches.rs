//! Kustomizations among the plain files of a folder: their patches are no manifests, and are left out.

use std::collections::BTreeSet;
use std::path::Path;

use airside_k8s::kustomization::patch_files;

use super::inputs::Inputs;
use super::paths::shown;
use super::render::KUSTOMIZATIONS;
use crate::command::replay::read;

/// How many kustomizations are named; the rest is counted.
const SHOWN: usize = 3;

/// The kustomizations that were met, by their folders.
#[derive(Debug, Default)]
pub(super) struct Unrendered {
    folders: Vec<String>,
    patches: BTreeSet<String>,
}

impl Unrendered {
    /// Takes note of a folder with a kustomization.
    pub(super) fn note(&mut self, folder: &Path) {
        self.folders.push(shown(folder));
        let texts = KUSTOMIZATIONS.iter().filter_map(|name| read(&folder.join(name)).ok());
        for text in texts.filter_map(|text| String::from_utf8(text).ok()) {
            let patches = patch_files(&text);
            self.patches.extend(patches.iter().map(|patch| shown(&folder.join(patch))));
        }
    }

    /// Leaves their patches out of what was read, and says so.
    pub(super) fn leave_out(self, inputs: &mut Inputs) {
        if self.folders.is_empty() {
            return;
        }
        let before = inputs.files.len();
        inputs.files.retain(|file| !self.patches.contains(&file.path));
        let patches = match before - inputs.files.len() {
            0 => String::new(),
            1 => ", without a patch".to_owned(),
            patches => format!(", without {patches} patches"),
        };
        let mut named: Vec<String> =
            self.folders.iter().take(SHOWN).map(|folder| format!("`{folder}`")).collect();
        if let Some(more) = self.folders.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            named.push(format!("{more} more"));
        }
        let (what, one) = match self.folders.len() {
            1 => ("a kustomization was", "name it"),
            _ => ("kustomizations were", "name one"),
        };
        inputs.left_out.push(format!(
            "{what} read as plain files{patches}: {}; {one} as a PATH to have it rendered",
            named.join(", ")
        ));
    }
}
