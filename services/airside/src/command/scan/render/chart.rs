//! Charts, rendered by `helm`, beside their templates and values.

use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use airside_checks::{Rendered as Origin, RenderedChart};
use airside_k8s::chart::{ChartName, RenderedTemplate, Values, ValuesFile};

use super::{RENDERED, Rendered, Rendering, is_not_installed, run};
use crate::command::replay::read;
use crate::command::scan::paths::shown;

/// The largest template or file of values that is read for origins, in bytes.
const MAX_BYTES: u64 = 4 << 20;

pub(super) fn render(folder: &Path, how: &Rendering) -> anyhow::Result<Vec<Rendered>> {
    let mut command = Command::new("helm");
    command.args(["template", "release", "--include-crds"]).arg(folder);
    how.values.iter().for_each(|file| _ = command.arg("--values").arg(file));
    how.namespace.iter().for_each(|namespace| _ = command.arg("--namespace").arg(namespace));
    let text = run(&mut command).map_err(|error| {
        let elsewhere = match is_not_installed(&error) {
            true => format!("; where helm is: helm template {} | airside scan -", folder.display()),
            false => String::new(),
        };
        error.context(format!(
            "the chart `{}` is not rendered and its templates are not scanned{elsewhere}",
            folder.display()
        ))
    })?;
    let chart = Chart::of(folder, how);
    let rendered = by_template(&text).into_iter().map(|(template, content)| {
        let path = match &template {
            Some(template) => format!("{}{RENDERED}", shown(&folder.join(template))),
            None => format!("{}{RENDERED}", shown(folder)),
        };
        let origin = Origin::Chart(Arc::new(chart.origin(template.as_deref(), &content)));
        Rendered { path, content, origin }
    });
    Ok(rendered.collect())
}

/// Whether a folder is a chart that renders nothing itself: helm refuses to.
pub(super) fn is_library(folder: &Path) -> bool {
    let name = text_of(&folder.join("Chart.yaml")).and_then(|text| ChartName::read(&text));
    name.is_some_and(|it| it.is_library)
}

/// The documents of a rendered chart by the template that they come from, within the chart's folder: helm
/// writes it above each. A path in it begins with the chart's name, which need not be the folder's.
fn by_template(text: &str) -> Vec<(Option<String>, String)> {
    let mut rendered: Vec<(Option<String>, String)> = Vec::new();
    for document in documents(text) {
        let source = document.lines().find_map(|line| line.strip_prefix("# Source: "));
        let template = source.and_then(|source| source.trim().split_once('/'));
        let template = template.map(|(_, template)| template.to_owned());
        match rendered.last_mut() {
            Some((last, content)) if *last == template => {
                content.push_str("---\n");
                content.push_str(document);
                content.push('\n');
            }
            _ => rendered.push((template, format!("{document}\n"))),
        }
    }
    rendered
}

fn documents(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n---\n")
        .map(|document| document.strip_prefix("---\n").unwrap_or(document))
        .map(|document| document.strip_suffix('\n').unwrap_or(document))
        .filter(|document| !document.trim().is_empty())
}

/// A chart on this machine.
struct Chart<'a> {
    folder: &'a Path,
    name: ChartName,
    /// The files of values that are given, the last one in force.
    given: Vec<(String, String)>,
}

impl<'a> Chart<'a> {
    fn of(folder: &'a Path, how: &Rendering) -> Self {
        let name = text_of(&folder.join("Chart.yaml")).and_then(|text| ChartName::read(&text));
        let given = how.values.iter().filter_map(|path| Some((shown(path), text_of(path)?)));
        Self { folder, name: name.unwrap_or_default(), given: given.collect() }
    }

    /// Where the documents of a template come from.
    fn origin(&self, template: Option<&str>, content: &str) -> RenderedChart {
        let values = self.values(template.unwrap_or_default());
        let path = template.filter(|it| is_below(it)).map(|it| self.folder.join(it));
        let shown = path.as_deref().map_or_else(|| shown(self.folder), shown);
        let files = values.paths().map(str::to_owned).collect();
        let text = path.as_deref().and_then(text_of);
        let lines = text.and_then(|text| RenderedTemplate::new(&shown, &text, content, values));
        RenderedChart { chart: self.name.clone(), template: shown, lines, values: files }
    }

    /// The values of the chart that a template belongs to: its own defaults, those of the charts that
    /// contain it, and what is given.
    fn values(&self, template: &str) -> Values {
        let mut charts: Vec<(PathBuf, Option<&str>)> = vec![(self.folder.to_owned(), None)];
        let mut rest = template;
        while let Some((name, below)) =
            rest.strip_prefix("charts/").and_then(|rest| rest.split_once('/'))
        {
            let Some((folder, _)) = charts.last().filter(|_| is_below(name)) else { break };
            charts.push((folder.join("charts").join(name), Some(name)));
            rest = below;
        }
        let prefix = charts.iter().filter_map(|(_, name)| name.map(str::to_owned)).collect();
        let own = charts.iter().enumerate().rev().filter_map(|(depth, (folder, _))| {
            let path = folder.join("values.yaml");
            Some(ValuesFile::read(&shown(&path), &text_of(&path)?, depth))
        });
        let given = self.given.iter().map(|(path, text)| ValuesFile::read(path, text, 0));
        Values::new(own.chain(given).collect(), prefix)
    }
}

/// Whether a path that a chart's output names stays within the chart.
fn is_below(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

fn text_of(path: &Path) -> Option<String> {
    let size = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?.len();
    if size > MAX_BYTES {
        return None;
    }
    String::from_utf8(read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helm_renders_stands_under_its_templates() {
        let text = "---\n# Source: web/templates/a.yaml\nkind: A\n---\n# Source: web/templates/a.yaml\nkind: B\n---\n# Source: web/charts/db/templates/c.yaml\nkind: C\n";
        let rendered = by_template(text);
        let shown: Vec<_> = rendered.iter().map(|(path, _)| path.as_deref().unwrap()).collect();
        assert_eq!(shown, ["templates/a.yaml", "charts/db/templates/c.yaml"]);
        let first = rendered.first().map(|(_, content)| content.as_str());
        assert_eq!(
            first,
            Some(
                "# Source: web/templates/a.yaml\nkind: A\n---\n# Source: web/templates/a.yaml\nkind: B\n"
            )
        );
    }

    #[test]
    fn a_chart_within_a_chart_has_its_values_from_both() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("Chart.yaml", "name: shop\nversion: 1.0.0\n");
        write("values.yaml", "db:\n  tag: 2\n");
        write("charts/db/values.yaml", "tag: 1\nport: 3\n");
        write("charts/db/templates/c.yaml", "kind: C\ntag: {{ .Values.tag }}\n");
        let chart = Chart::of(folder.path(), &Rendering::default());
        let origin = chart.origin(Some("charts/db/templates/c.yaml"), "kind: C\ntag: 2\n");
        assert_eq!((origin.chart.name.as_str(), origin.values.len()), ("shop", 2));
        assert!(origin.template.ends_with("/charts/db/templates/c.yaml"));
        assert_eq!(origin.lines.and_then(|lines| lines.line(2)), Some(2));
        // What a chart prints of paths leads nowhere else.
        let origin = chart.origin(Some("../Chart.yaml"), "kind: C\n");
        assert!(origin.lines.is_none());
    }
}
