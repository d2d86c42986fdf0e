//! Paths as findings show them, and by which they are known again.
//!
//! However a path is spelled, `a.yaml`, `./a.yaml` or with all folders from the root on, a finding in it is the
//! same one: paths start where the program runs, where the file is below it.

use std::path::{Component, Path, PathBuf};

/// A path as findings show it.
pub(in crate::command) fn shown(path: &Path) -> String {
    from(path, std::env::current_dir().ok().as_deref())
}

/// A path as it is seen from a folder, which is absolute.
fn from(path: &Path, folder: Option<&Path>) -> String {
    let path = normalised(path);
    let below = folder.and_then(|folder| path.strip_prefix(folder).ok()).unwrap_or(&path);
    match below.to_string_lossy().replace('\\', "/") {
        shown if shown.is_empty() => ".".to_owned(),
        shown => shown,
    }
}

/// A path without `.` and, as far as it can be, without `..`.
pub(super) fn normalised(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_alike_however_it_is_spelled() {
        let here = Path::new("/srv/shop");
        for (path, expected) in [
            ("a.yaml", "a.yaml"),
            ("./a.yaml", "a.yaml"),
            ("b/./../a.yaml", "a.yaml"),
            ("/srv/shop/a.yaml", "a.yaml"),
            ("/srv/shop", "."),
            (".", "."),
            ("./", "."),
            ("../other/a.yaml", "../other/a.yaml"),
            ("/srv/other/a.yaml", "/srv/other/a.yaml"),
        ] {
            assert_eq!(from(Path::new(path), Some(here)), expected, "{path}");
        }
    }
}
