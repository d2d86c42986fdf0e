//! What a project leaves out of its scans: `--exclude`, and `exclude` of its settings.

use anyhow::Context;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// The files and folders that patterns leave out, by the paths that findings show. A pattern without `/` is a
/// name at any depth; a folder is left out with all that is below.
///
/// # Errors
/// A pattern is none.
pub(super) fn excluded<'p>(patterns: impl Iterator<Item = &'p String>) -> anyhow::Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        let anywhere = if pattern.contains('/') { "" } else { "**/" };
        for glob in [format!("{anywhere}{pattern}"), format!("{anywhere}{pattern}/**")] {
            let glob = GlobBuilder::new(&glob).literal_separator(true).build();
            set.add(glob.with_context(|| format!("`{pattern}` is no pattern to exclude by"))?);
        }
    }
    Ok(set.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_left_out_anywhere_and_a_path_where_it_is() {
        let patterns = ["node_modules", "*.test.yaml", "./deploy/old/", "vendor/*/x.yaml"];
        let excluded = excluded(patterns.map(str::to_owned).iter()).unwrap();
        for (path, expected) in [
            ("node_modules", true),
            ("a/node_modules/b/c.yaml", true),
            ("a/b.test.yaml", true),
            ("deploy/old/a/b.yaml", true),
            ("other/deploy/old/a.yaml", false),
            ("vendor/a/x.yaml", true),
            ("vendor/a/b/x.yaml", false),
            ("a.yaml", false),
        ] {
            assert_eq!(excluded.is_match(path), expected, "{path}");
        }
        assert!(super::excluded(["[".to_owned()].iter()).is_err());
    }
}
