//! Charts and kustomizations, rendered by `helm` and `kustomize` where they are installed.
//!
//! What is rendered stands under the name of what it comes from: the template of a chart, the folder of a
//! kustomization.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

/// What stands behind the path of what was rendered.
pub(super) const RENDERED: &str = " (rendered)";

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
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) path: String,
    pub(super) content: String,
}

impl Renderer {
    /// What renders a folder, where it is a chart or a kustomization.
    pub(super) fn of(folder: &Path) -> Option<Self> {
        const KUSTOMIZATIONS: [&str; 3] =
            ["kustomization.yaml", "kustomization.yml", "Kustomization"];
        if folder.join("Chart.yaml").is_file() {
            return Some(Self::Helm);
        }
        let is_one = KUSTOMIZATIONS.iter().any(|name| folder.join(name).is_file());
        is_one.then_some(Self::Kustomize)
    }

    /// Renders a folder.
    ///
    /// # Errors
    /// The program is not installed, or refuses the folder: what it says, and what to do.
    pub(super) fn render(self, folder: &Path, how: &Rendering) -> anyhow::Result<Vec<Rendered>> {
        match self {
            Self::Helm => helm(folder, how),
            Self::Kustomize => kustomize(folder),
        }
    }
}

fn helm(folder: &Path, how: &Rendering) -> anyhow::Result<Vec<Rendered>> {
    let mut command = Command::new("helm");
    command.args(["template", "release", "--include-crds"]).arg(folder);
    how.values.iter().for_each(|file| _ = command.arg("--values").arg(file));
    how.namespace.iter().for_each(|namespace| _ = command.arg("--namespace").arg(namespace));
    let text = run(&mut command).with_context(|| {
        format!(
            "the chart `{folder}` is not rendered and its templates are not scanned; where helm is: \
             helm template {folder} | airside scan -",
            folder = folder.display()
        )
    })?;
    Ok(by_template(&text, folder))
}

/// `kustomize`, or the one within `kubectl`.
fn kustomize(folder: &Path) -> anyhow::Result<Vec<Rendered>> {
    let alone = run(Command::new("kustomize").arg("build").arg(folder));
    let content = match alone {
        Err(error) if is_not_installed(&error) => {
            run(Command::new("kubectl").arg("kustomize").arg(folder))
        }
        other => other,
    };
    let content = content.with_context(|| {
        format!(
            "the kustomization `{folder}` is not rendered; where kustomize or kubectl is: \
             kustomize build {folder} | airside scan -",
            folder = folder.display()
        )
    })?;
    let path = format!("{}{RENDERED}", folder.display());
    Ok(vec![Rendered { path, content }])
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

/// The documents of a rendered chart by the template that they come from: helm writes it above each. A
/// path in it begins with the chart's name, which need not be the folder's.
fn by_template(text: &str, folder: &Path) -> Vec<Rendered> {
    let mut rendered: Vec<Rendered> = Vec::new();
    for document in documents(text) {
        let source = document.lines().find_map(|line| line.strip_prefix("# Source: "));
        let path = match source.and_then(|source| source.trim().split_once('/')) {
            Some((_, template)) => format!("{}/{template}{RENDERED}", folder.display()),
            None => format!("{}{RENDERED}", folder.display()),
        };
        match rendered.last_mut() {
            Some(last) if last.path == path => {
                last.content.push_str("---\n");
                last.content.push_str(document);
            }
            _ => rendered.push(Rendered { path, content: document.to_owned() }),
        }
    }
    rendered
}

fn documents(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n---\n")
        .map(|document| document.strip_prefix("---\n").unwrap_or(document))
        .filter(|document| !document.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helm_renders_stands_under_its_templates() {
        let text = "---\n# Source: web/templates/a.yaml\nkind: A\n---\n# Source: web/templates/a.yaml\nkind: B\n---\n# Source: web/charts/db/templates/c.yaml\nkind: C\n";
        let rendered = by_template(text, Path::new("charts/shop"));
        let shown: Vec<_> = rendered.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(
            shown,
            [
                "charts/shop/templates/a.yaml (rendered)",
                "charts/shop/charts/db/templates/c.yaml (rendered)"
            ]
        );
        let first = rendered.first().map(|it| it.content.as_str());
        assert!(first.is_some_and(|text| text.contains("kind: A") && text.contains("kind: B")));
    }

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
