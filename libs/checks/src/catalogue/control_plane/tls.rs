//! What API server and kubelet share in their checks on TLS.

use crate::component::Configured;
use crate::evaluate::Report;

/// Only suites with authenticated encryption may be listed, and some have to be: what the built-in choice
/// allows depends on the release. TLS 1.3 knows no others.
pub(super) fn must_have_strong_ciphers(it: &Configured<'_>, report: &mut Report<'_>) {
    if it.known("tls-min-version") == Some("VersionTLS13") {
        return;
    }
    let flag = "tls-cipher-suites";
    let Some(suites) = it.items(flag, report) else { return };
    if suites.is_empty() {
        return it.fail(flag, "the release decides which ciphers it takes", report);
    }
    let weak: Vec<_> = suites.into_iter().filter(|suite| !is_strong(suite)).collect();
    if !weak.is_empty() {
        it.fail(flag, &format!("{} is not strong", weak.join(", ")), report);
    }
}

/// TLS 1.2 at least.
pub(super) fn must_have_current_version(it: &Configured<'_>, report: &mut Report<'_>) {
    let flag = "tls-min-version";
    if matches!(it.text(flag, report), Some("VersionTLS10" | "VersionTLS11")) {
        it.fail(flag, "these versions of TLS are broken", report);
    }
}

fn is_strong(suite: &str) -> bool {
    let is_authenticated = suite.contains("_GCM_") || suite.contains("CHACHA20_POLY1305");
    suite.starts_with("TLS_") && is_authenticated
}
