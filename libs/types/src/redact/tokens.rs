//! Tokens that their makers gave a beginning of their own. What exactly they are is the scanner's to say
//! (`libs/checks/src/secrets/providers.rs`); to hide one word too many costs nothing.

const PREFIXES: [&str; 22] = [
    "AIza",
    "dckr_pat_",
    "doo_v1_",
    "dop_v1_",
    "dor_v1_",
    "gho_",
    "ghp_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "hvb.",
    "hvs.",
    "npm_",
    "pypi-AgE",
    "rk_live_",
    "sk-",
    "sk_live_",
    "xoxb-",
    "xoxp-",
    "ya29.",
    "eyJ",
];

/// Shorter words are none.
const LEAST: usize = 20;

/// How tokens begin.
pub(super) fn prefixes() -> impl Iterator<Item = &'static str> {
    PREFIXES.into_iter()
}

/// Whether a word is a token: one with a known beginning, or a JSON Web Token.
pub(super) fn is_token(word: &str) -> bool {
    let begins = PREFIXES.into_iter().find(|prefix| word.starts_with(prefix));
    match begins {
        // Three base64url parts, of which the first is a JSON object.
        Some("eyJ") => word.len() > 40 && word.matches('.').count() == 2,
        Some(prefix) => {
            let is_part =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            // Objects may be called so as well, in small letters.
            let is_name = prefix.ends_with('-') && !word.bytes().any(|it| it.is_ascii_uppercase());
            word.len() >= LEAST && word.bytes().all(is_part) && !is_name
        }
        None => false,
    }
}
