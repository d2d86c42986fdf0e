//! Names that other tools have for checks, as these tools print them: without the tool before them, and
//! spelt in more than one way.

use std::collections::BTreeMap;

use super::listed;
use crate::check::Check;

/// The names of other tools (`checkov:CKV_K8S_16`) that a text means which leaves the tool out, each with the
/// checks that answer it. Case does not matter; nor do the ways in which Trivy writes its ids (`KSV017`,
/// `KSV-0017`, `AVD-KSV-0017`), nor the folder of a policy of Kyverno's or Gatekeeper's library.
pub fn named_by_peers(text: &str) -> BTreeMap<&'static str, Vec<&'static Check>> {
    let mut found: BTreeMap<&'static str, Vec<&'static Check>> = BTreeMap::new();
    for check in listed() {
        let meant = check.equivalents.iter().filter(|equivalent| is_meant(equivalent, text));
        meant.for_each(|equivalent| found.entry(equivalent).or_default().push(check));
    }
    found
}

/// Whether a name with its tool is what a text without one says.
pub fn is_meant(equivalent: &str, text: &str) -> bool {
    let Some((tool, name)) = equivalent.split_once(':') else { return false };
    let last = |name| str::rsplit(name, '/').next().unwrap_or_default();
    name.eq_ignore_ascii_case(text)
        || match tool {
            "trivy" => numbered(name).is_some_and(|own| Some(own) == numbered(text)),
            "kyverno" | "gatekeeper-library" => last(name).eq_ignore_ascii_case(text),
            _ => false,
        }
}

/// The letters and the number of an id of Trivy's.
fn numbered(id: &str) -> Option<(String, u32)> {
    let id = id.to_ascii_uppercase();
    let id = id.strip_prefix("AVD-").unwrap_or(&id);
    let digits = id.find(|letter: char| letter.is_ascii_digit())?;
    let (letters, number) = id.split_at_checked(digits)?;
    Some((letters.trim_end_matches('-').to_owned(), number.parse().ok()?))
}
