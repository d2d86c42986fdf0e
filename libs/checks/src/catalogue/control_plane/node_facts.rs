//! Modes and owners of files that were gathered on a node (`kind: NodeInfo`, as Trivy's node collector
//! writes them: modes as the digits that `stat` shows).

use airside_k8s::Value;
use airside_k8s::fields::{down, elements};
use airside_types::FieldPath;

use crate::evaluate::Report;
use crate::subject::Whole;

/// Who may own what belongs to the node.
pub(super) const ROOT: &[&str] = &["root:root"];
/// etcd runs as a user of its own, or as root.
pub(super) const ETCD_OR_ROOT: &[&str] = &["etcd:etcd", "root:root"];

/// Fails for each file whose mode gives more than this one.
pub(super) fn may_be(fact: &str, most: u32, node: &Whole<'_>, report: &mut Report<'_>) {
    for (path, value) in facts(fact, node) {
        let digits = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let Ok(mode) = u32::from_str_radix(&digits, 8) else { continue };
        if gives_more(mode, most) {
            report.fail(path, format!("a file has the mode {mode:o}, more than {most:o} gives"));
        }
    }
}

/// Fails for each file that belongs to somebody else.
pub(super) fn owned_by(fact: &str, owners: &[&str], node: &Whole<'_>, report: &mut Report<'_>) {
    for (path, value) in facts(fact, node) {
        let Some(owner) = value.as_str().filter(|owner| !owners.contains(owner)) else { continue };
        report.fail(path, format!("a file belongs to {owner}, not to {}", owners.join(" or ")));
    }
}

fn facts<'a>(
    fact: &str,
    node: &Whole<'a>,
) -> impl Iterator<Item = (FieldPath, &'a Value)> + use<'a> {
    let values = down(node.object.value(), &["info", fact, "values"]);
    let path = FieldPath::of(&["info", fact, "values"]);
    elements(values).iter().enumerate().map(move |(index, value)| (path.index(index), value))
}

/// Whether a mode gives others anything that the wanted one does not, or the owner more. `500` gives no more
/// than `600`: its owner lost one right for another.
fn gives_more(mode: u32, most: u32) -> bool {
    let for_others = mode & 0o077 & !most;
    let (owner, most_of_owner) = (mode & 0o700, most & 0o700);
    for_others != 0 || owner > most_of_owner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_compared_by_what_they_give_to_whom() {
        for (mode, most, expected) in [
            (0o600, 0o600, false),
            (0o400, 0o600, false),
            (0o500, 0o600, false),
            (0o644, 0o600, true),
            (0o477, 0o600, true),
            (0o700, 0o600, true),
            (0o700, 0o700, false),
            (0o755, 0o700, true),
        ] {
            assert_eq!(gives_more(mode, most), expected, "{mode:o} for {most:o}");
        }
    }
}
