//! Exceptions that are written for other tools. They hold for those tools' checks and not here; who wrote
//! them is told how to write theirs.

use memchr::memmem;

/// An exception for another tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerException<'t> {
    /// The tool.
    pub tool: &'static str,
    /// The line, from 1.
    pub line: usize,
    /// The tool's check; empty where the exception is for all of them.
    pub check: &'t str,
}

/// What begins such an exception, and whose it is. The check stands behind it.
const MARKS: [(&str, &str); 6] = [
    ("checkov:skip=", "checkov"),
    ("checkov.io/skip", "checkov"),
    ("trivy:ignore:", "trivy"),
    ("ignore-check.kube-linter.io/", "kube-linter"),
    ("kube-score/ignore", "kube-score"),
    ("polaris.fairwinds.com/", "polaris"),
];

/// The exceptions for other tools in a text, one for a line.
pub fn peer_exceptions(text: &str) -> impl Iterator<Item = PeerException<'_>> {
    // Few texts have one: those are looked at line by line.
    let has_any =
        MARKS.iter().any(|(mark, _)| memmem::find(text.as_bytes(), mark.as_bytes()).is_some());
    let lines = has_any.then(|| (1..).zip(text.lines()));
    lines.into_iter().flatten().filter_map(|(line, content)| {
        let (mark, tool) = MARKS.iter().find(|(mark, _)| content.contains(mark))?;
        let (before, behind) = content.split_once(mark)?;
        let is_comment = mark.contains(['=']) || mark.ends_with(':');
        if is_comment && !before.contains('#') {
            return None;
        }
        // Of annotations with a number of their own the value names the check.
        let behind = match *mark {
            "checkov.io/skip" | "kube-score/ignore" => behind.split_once(':')?.1,
            _ => behind,
        };
        let check = behind.trim_start_matches([' ', '"', '\'']);
        let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let end = check.find(|letter| !is_of_name(letter));
        let check = check.get(..end.unwrap_or(check.len()))?;
        let check = match *mark {
            "polaris.fairwinds.com/" => check.strip_suffix("exempt")?.trim_end_matches('-'),
            _ => check,
        };
        Some(PeerException { tool, line, check })
    })
}
