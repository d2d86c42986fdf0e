//! Hides what looks like a credential before it leaves the process that read it.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// What stands in for a hidden value.
pub const REDACTED: &str = "«redacted»";

/// Words before `=`, `:` or a space after which a value is a secret.
const SECRET_WORDS: [&str; 11] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api-key",
    "api_key",
    "authorization",
    "bearer",
    "private-key",
    "access-key",
];

/// Replaces values that look like credentials: what follows a word such as `--password`, user
/// information in a URL, bearer tokens and JSON Web Tokens. Words and flags stay, so that a reader sees
/// what was done.
pub fn redact(text: &str) -> String {
    if may_hide(text) { redact_words(text) } else { text.to_owned() }
}

fn redact_words(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut hide_next = false;
    for (number, word) in text.split(' ').enumerate() {
        if number > 0 {
            shown.push(' ');
        }
        let hide = hide_next && !word.is_empty() && !word.starts_with('-');
        hide_next = names_a_secret(word);
        match hide {
            true if hide_next => shown.push_str(word),
            true => shown.push_str(REDACTED),
            false => shown.push_str(&redact_word(word)),
        }
    }
    shown
}

/// What each text with something to hide holds: the word before it, what stands before user information, or how a token
/// begins. None if it cannot be searched for.
static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let marks = SECRET_WORDS.iter().chain(&["://", "eyJ"]);
    AhoCorasick::builder().ascii_case_insensitive(true).build(marks).ok()
});

/// Whether there can be anything to hide: in most texts there is nothing.
fn may_hide(text: &str) -> bool {
    MARKS.as_ref().is_none_or(|marks| marks.is_match(text))
}

/// Whether a text that stands under a name is redacted: for its own sake, or for the name's.
pub fn is_redacted(name: &str, text: &str) -> bool {
    !text.is_empty() && redact(&format!("{name}={text}")).contains(REDACTED)
}

/// Whether a word ends as the name of a secret does, in whatever case.
fn ends_as_secret(word: &str) -> bool {
    SECRET_WORDS.iter().any(|secret| {
        let start = word.len().checked_sub(secret.len());
        let end = start.and_then(|start| word.get(start..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(secret))
    })
}

/// Whether a flag or header name announces a secret as the next word: `--token`, `Authorization:`,
/// `Bearer`. A path that happens to hold the word does not.
fn names_a_secret(word: &str) -> bool {
    let bare = word.trim_matches(['-', ':', '"', '\'']);
    let is_flag =
        word.starts_with('-') || word.ends_with(':') || bare.eq_ignore_ascii_case("bearer");
    is_flag && ends_as_secret(bare)
}

fn redact_word(word: &str) -> Cow<'_, str> {
    if let Some(at) = word.find(['=', ':']) {
        let (name, rest) = word.split_at_checked(at).unwrap_or((word, ""));
        let value_follows = rest.len() > 1 && !rest.starts_with("://");
        if value_follows && ends_as_secret(name) {
            let separator = rest.chars().next().unwrap_or('=');
            return Cow::Owned(format!("{name}{separator}{REDACTED}"));
        }
    }
    if let Some((scheme, rest)) = word.split_once("://")
        && let Some((userinfo, host)) = rest.split_once('@')
        && !userinfo.contains('/')
        && userinfo.contains(':')
    {
        return Cow::Owned(format!("{scheme}://{REDACTED}@{host}"));
    }
    Cow::Borrowed(if is_json_web_token(word) { REDACTED } else { word })
}

/// Three base64url parts, of which the first is a JSON object (`eyJ`).
fn is_json_web_token(word: &str) -> bool {
    let bare = word.trim_matches(['"', '\'']);
    bare.starts_with("eyJ") && bare.len() > 40 && bare.matches('.').count() == 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_not_looked_at_has_nothing_to_hide(
            text in r#"[a-z"'./-]{0,9}|--token|token|Bearer|(--)?(password|token)[=: ][a-z]{1,4}|[a-z]://[a-z]:[a-z]@[a-z]|"?eyJ[a-z]{20}\.[a-z]{20}\.[a-z]{0,5}"?"#,
        ) {
            prop_assert_eq!(redact(&text), redact_words(&text));
        }
    }

    #[test]
    fn credentials_are_hidden_and_the_rest_stays() {
        let jwt = format!("eyJ{}.{}.{}", "a".repeat(20), "b".repeat(20), "c".repeat(20));
        for (text, shown) in [
            ("mysql --password=hunter2 -h db", "mysql --password=«redacted» -h db"),
            ("mysql --password hunter2 -h db", "mysql --password «redacted» -h db"),
            ("psql postgres://app:pw@db/x", "psql postgres://«redacted»@db/x"),
            ("curl -H Authorization: Bearer abc", "curl -H Authorization: Bearer «redacted»"),
            ("DB_PASSWORD=x env", "DB_PASSWORD=«redacted» env"),
            (jwt.as_str(), "«redacted»"),
        ] {
            assert_eq!(redact(text), shown);
        }
        for harmless in [
            "cat /var/run/secrets/kubernetes.io/serviceaccount/token",
            "curl -sk https://10.96.0.1/api",
            "sh -c id; uname -a",
            "/tmp/.x -o stratum+tcp://pool.example.net:3333",
        ] {
            assert_eq!(redact(harmless), harmless);
        }
    }
}
