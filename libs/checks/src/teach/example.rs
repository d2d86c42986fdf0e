//! The manifests that a lesson shows: before the fix and after it.
//!
//! A check's own two examples differ in exactly this check, which makes them its specification. Where the
//! difference that isolates a check is not what a person should do (hand a right to somebody else rather than
//! narrow it), `libs/checks/lessons` has other manifests: an entry starts with `# teaches: CHECK`, and what it
//! becomes stands below `# becomes:`. An entry that has nothing before that line starts from the check's own
//! failing example. Owns which manifests are shown; what follows from them is its neighbours'.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::check::Check;

/// The manifests of a lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Fails the check.
    pub before: &'static str,
    /// Passes it.
    pub after: &'static str,
}

static FILES: [&str; 6] = [
    include_str!("../../lessons/access_control.yaml"),
    include_str!("../../lessons/control_plane.yaml"),
    include_str!("../../lessons/network.yaml"),
    include_str!("../../lessons/secrets.yaml"),
    include_str!("../../lessons/service_mesh.yaml"),
    include_str!("../../lessons/workloads.yaml"),
];

/// What the lesson of a check shows.
pub fn shown(check: &'static Check) -> Shown {
    static BY_CHECK: LazyLock<BTreeMap<&str, (&str, &str)>> = LazyLock::new(|| {
        entries().map(|(check, before, after)| (check, (before, after))).collect()
    });
    match BY_CHECK.get(check.id) {
        Some(("", after)) => Shown { before: check.fails, after },
        Some((before, after)) => Shown { before, after },
        None => Shown { before: check.fails, after: check.passes },
    }
}

/// Each entry of the files: its check, and the manifests before and after.
pub(super) fn entries() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let entries = FILES.iter().flat_map(|file| file.split("# teaches: ").skip(1));
    entries.filter_map(|entry| {
        let (check, manifests) = entry.split_once('\n')?;
        let (before, after) = manifests.split_once("# becomes:\n")?;
        // An empty line stands between entries.
        let after = after.strip_suffix('\n').filter(|it| it.ends_with('\n')).unwrap_or(after);
        Some((check, before, after))
    })
}
