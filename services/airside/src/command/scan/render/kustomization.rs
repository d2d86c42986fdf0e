//! Kustomizations, rendered by `kustomize`, beside the files that they take.
//!
//! Kustomize notes where each object comes from when a kustomization asks for it. So that nothing changes in
//! what is scanned, it is built a second time for the notes, by a kustomization of our own that asks.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use airside_checks::exception::comments;
use airside_checks::{BuiltKustomization, Rendered as Origin};
use airside_k8s::kustomization::{ORIGIN, RenderedKustomization, notes};

use super::{RENDERED, Rendered, is_not_installed, run};
use crate::command::replay::read;
use crate::command::scan::paths::{self, normalised};
use crate::command::scan::work_tree::without_credentials;

/// How many files are read for origins, at most.
const MAX_FILES: usize = 10_000;

pub(super) fn render(folder: &Path) -> anyhow::Result<Vec<Rendered>> {
    let content = build(folder).map_err(|error| {
        let folder = folder.display();
        let elsewhere = match is_not_installed(&error) {
            true => format!(
                "; where kustomize or kubectl is: kustomize build {folder} | airside scan -"
            ),
            false => String::new(),
        };
        error.context(format!("the kustomization `{folder}` is not rendered{elsewhere}"))
    })?;
    let path = format!("{}{RENDERED}", paths::shown(folder));
    let origin = Origin::Kustomization(Arc::new(origin(folder, &content)));
    Ok(vec![Rendered { path, content, origin }])
}

/// `kustomize`, or the one within `kubectl`.
fn build(folder: &Path) -> anyhow::Result<String> {
    match run(Command::new("kustomize").arg("build").arg(folder)) {
        Err(error) if is_not_installed(&error) => {
            run(Command::new("kubectl").arg("kustomize").arg(folder))
        }
        other => other,
    }
}

/// Where the objects come from, as far as kustomize tells: older ones do not.
fn origin(folder: &Path, content: &str) -> BuiltKustomization {
    let rendered = RenderedKustomization::new(&folder.to_string_lossy().replace('\\', "/"));
    let mut built = BuiltKustomization { rendered, comments: Vec::new() };
    let Ok(root) = folder.canonicalize() else { return built };
    let noted = if content.contains(ORIGIN) {
        Some((content.to_owned(), root.clone()))
    } else {
        with_notes(&root).ok()
    };
    let Some((noted, base)) = noted else { return built };
    for (object, mut note) in notes(&noted) {
        match &note.repository {
            Some(repository) => note.repository = Some(without_credentials(repository)),
            None => note.path = shown(folder, &root, &base.join(&note.path)),
        }
        built.rendered.add_note(object, note);
    }
    let files: BTreeSet<String> =
        built.rendered.noted_files().take(MAX_FILES).map(str::to_owned).collect();
    for file in files {
        if let Some(text) = read(Path::new(&file)).ok().and_then(|it| String::from_utf8(it).ok()) {
            built.rendered.add_file(&file, &text);
            built.comments.extend(comments(&file, &text));
        }
    }
    built
}

/// What the kustomization renders with notes, and the folder that their paths start from.
fn with_notes(root: &Path) -> anyhow::Result<(String, PathBuf)> {
    let asking = tempfile::tempdir()?;
    let folder = asking.path().canonicalize()?;
    let resource = serde_json::to_string(&relative(&folder, root).to_string_lossy())?;
    std::fs::write(
        folder.join("kustomization.yaml"),
        format!("buildMetadata: [originAnnotations]\nresources: [{resource}]\n"),
    )?;
    Ok((build(&folder)?, folder))
}

/// A file as it is to be shown: seen from where the folder was named.
fn shown(folder: &Path, root: &Path, file: &Path) -> String {
    let file = normalised(file);
    paths::shown(&folder.join(relative(root, &file)))
}

/// The way from a folder to a file, both absolute.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(one, other)| one == other);
    let shared = shared.count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_shown_as_seen_from_where_the_folder_was_named() {
        let root = Path::new("/srv/shop/overlay");
        for (folder, file, expected) in [
            ("overlay", "/srv/shop/overlay/web.yaml", "overlay/web.yaml"),
            ("overlay", "/run/x/../../srv/shop/base/web.yaml", "base/web.yaml"),
            (".", "/srv/shop/base/web.yaml", "../base/web.yaml"),
            ("/srv/shop/overlay", "/srv/shop/base/web.yaml", "/srv/shop/base/web.yaml"),
        ] {
            assert_eq!(shown(Path::new(folder), root, Path::new(file)), expected, "{file}");
        }
    }
}
