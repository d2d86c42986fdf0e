//! What a publication covers: whose absence from it means something.

use std::collections::BTreeSet;

use airside_k8s::live;
use airside_types::{Finding, ObjectRef};
use airside_wire::scan::Publication;

/// The files, folders and objects of a publication.
pub(super) struct Scanned<'a> {
    files: BTreeSet<&'a str>,
    /// Paths that end in `/`.
    folders: BTreeSet<&'a str>,
    objects: BTreeSet<(&'a str, &'a ObjectRef)>,
}

impl<'a> Scanned<'a> {
    pub(super) fn of(publication: &'a Publication) -> Self {
        let paths = publication.scanned_paths.iter().map(String::as_str);
        let (folders, files) = paths.partition(|path| path.ends_with('/'));
        let passes = publication.report.passes.iter();
        let objects = passes.map(|pass| (pass.place.path.as_str(), &pass.object)).collect();
        Self { files, folders, objects }
    }

    /// Whether what stands at a path would have been found.
    pub(super) fn covers(&self, path: &str) -> bool {
        let mut above = path.match_indices('/').filter_map(|(end, _)| path.get(..=end));
        self.files.contains(path) || above.any(|folder| self.folders.contains(folder))
    }

    /// Whether the object of a finding is still there. A live object has no pass, but a path of its own.
    pub(super) fn has(&self, finding: &Finding) -> bool {
        let path = finding.place.path.as_str();
        self.objects.contains(&(path, &finding.object))
            || path.starts_with(live::ROOT) && self.files.contains(path)
    }
}
