//! Names and values that somebody fills in before a manifest is applied.
//!
//! Owns what gives them away. Placeholders for credentials, which must not stay, are `secrets`'.

/// Whether a name or value is to be filled in by somebody: it holds a template, such as `$(HOST)` or
/// `<name>`, or a word in capitals.
pub(crate) fn is_filled_in_later(value: &str) -> bool {
    let is_word =
        |word: &str| word.len() > 3 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let mut words = value.split(|c: char| !c.is_ascii_alphabetic() && c != '_');
    value.contains(['$', '{', '<']) || words.any(is_word)
}
