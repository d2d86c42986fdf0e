//! What an exception is limited to.

use std::collections::{BTreeMap, BTreeSet};

use airside_types::Finding;

/// The keys that limit an exception.
pub(super) const KEYS: &str = "until, container, kind, namespace, name, path";

/// Limits of an exception; each that is absent limits nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// The container's name.
    pub container: Option<String>,
    /// The object's kind.
    pub kind: Option<String>,
    /// The object's namespace.
    pub namespace: Option<String>,
    /// The object's name; `*` stands for any characters.
    pub name: Option<String>,
    /// The file; `*` stands for any characters.
    pub path: Option<String>,
    /// The files that the path means, as findings name them, where somebody has resolved it.
    files: Option<BTreeSet<String>>,
}

impl Scope {
    /// Sets a limit; false if there is none of that name.
    pub(super) fn set(&mut self, key: &str, value: &str) -> bool {
        let limit = match key {
            "container" => &mut self.container,
            "kind" => &mut self.kind,
            "namespace" => &mut self.namespace,
            "name" => &mut self.name,
            "path" => &mut self.path,
            _ => return false,
        };
        // Paths are shown without it.
        *limit = Some(value.strip_prefix("./").unwrap_or(value).to_owned());
        true
    }

    /// Takes the path for that of these files: as findings name them, and as they are seen from where the path
    /// starts.
    pub fn resolve(&mut self, files: &BTreeMap<&str, String>) {
        let Some(path) = &self.path else { return };
        let meant = files.iter().filter(|(_, seen)| matches(path, seen));
        self.files = Some(meant.map(|(file, _)| (*file).to_owned()).collect());
    }

    /// The path, where it has been resolved and means no file.
    pub(crate) fn path_without_file(&self) -> Option<&str> {
        self.files.as_ref().filter(|files| files.is_empty()).and(self.path.as_deref())
    }

    /// Whether a finding, of a container where it is about one, is within the limits.
    pub(super) fn holds(&self, finding: &Finding, container: Option<&str>) -> bool {
        let equal = |limit: &Option<String>, actual: Option<&str>| {
            limit.as_deref().is_none_or(|limit| Some(limit) == actual)
        };
        let alike = |limit: &Option<String>, actual: &str| {
            limit.as_deref().is_none_or(|limit| matches(limit, actual))
        };
        equal(&self.container, container)
            && equal(&self.kind, Some(&finding.object.kind))
            && equal(&self.namespace, finding.object.namespace.as_deref())
            && alike(&self.name, &finding.object.name)
            && match &self.files {
                Some(files) => files.contains(&*finding.place.path),
                None => alike(&self.path, &finding.place.path),
            }
    }
}

/// Whether a text is as a pattern says, in which `*` stands for any characters. Linear for each star.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part).and_then(|at| text.get(at + part.len()..)) {
            Some(after) => text = after,
            None => return false,
        }
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, matched) in [
            ("web", "web", true),
            ("web", "web-1", false),
            ("web-*", "web-1", true),
            ("*", "", true),
            ("*-1", "web-1", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
            ("deploy/*/app.yaml", "deploy/prod/app.yaml", true),
        ] {
            assert_eq!(matches(pattern, text), matched, "{pattern} {text}");
        }
    }
}
