//! Which file of a repository a path of a report names, for readers that know repositories only.

use std::collections::BTreeMap;

/// What is known of the files behind paths.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The files that stand for what was rendered and has no line of its own: templates, kustomizations.
    pub rendered: BTreeMap<String, String>,
    /// The work tree that was scanned, where it was in one.
    pub work_tree: Option<WorkTree>,
}

/// A work tree, and where paths start. Both absolute, with `/` between folders.
#[derive(Debug, Clone)]
pub struct WorkTree {
    /// Its root.
    pub root: String,
    /// The folder in which the program ran.
    pub working: String,
}

impl Sources {
    /// The file that stands for a path, where it is another one.
    pub(crate) fn instead_of(&self, path: &str) -> Option<&str> {
        self.rendered.get(path).map(String::as_str)
    }

    /// A path as it is seen from the root of the work tree; none where it is not below it.
    pub(crate) fn below_root(&self, path: &str) -> Option<String> {
        let tree = self.work_tree.as_ref()?;
        let mut parts = Vec::new();
        let before = if path.starts_with('/') { "" } else { tree.working.as_str() };
        for part in before.split('/').chain(path.split('/')) {
            match part {
                "" | "." => {}
                ".." => _ = parts.pop(),
                part => parts.push(part),
            }
        }
        let mut parts = parts.into_iter();
        let mut root = tree.root.split('/').filter(|part| !part.is_empty());
        let is_below = root.all(|part| parts.next() == Some(part));
        let below = parts.collect::<Vec<_>>().join("/");
        (is_below && !below.is_empty()).then_some(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_root_wherever_the_program_runs() {
        let tree =
            WorkTree { root: "/srv/shop".to_owned(), working: "/srv/shop/deploy".to_owned() };
        let sources = Sources { work_tree: Some(tree), ..Sources::default() };
        for (path, expected) in [
            ("a.yaml", Some("deploy/a.yaml")),
            ("../b/a.yaml", Some("b/a.yaml")),
            ("/srv/shop/c.yaml", Some("c.yaml")),
            ("../../other/a.yaml", None),
            ("/srv/shopping/a.yaml", None),
        ] {
            assert_eq!(sources.below_root(path).as_deref(), expected, "{path}");
        }
        assert_eq!(Sources::default().below_root("a.yaml"), None);
    }
}
