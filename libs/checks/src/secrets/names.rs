//! Names under which credentials stand, and those that only sound like it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// What a name says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    /// A password: whatever stands there is one.
    Password,
    /// A secret, token or key: may also be the name of one.
    Secret,
    /// `pass` or `pwd` alone: may as well be a verb or a folder, so its value has to look like a password.
    Short,
    /// An access key or the like: often only an account's name, so its value has to look random.
    Account,
}

/// Longer names are no names.
const MAX_NAME: usize = 128;

/// What a name says about its value; none where it speaks of something else.
pub(super) fn sense(name: &str) -> Option<Sense> {
    if name.len() > MAX_NAME || !has_stem(name) {
        return None;
    }
    let words = words(name);
    let (end, sense) = last_sensitive(name, &words)?;
    let (upto, after) = words.split_at_checked(end)?;
    let any_of = |words: &[String], listed: &BTreeSet<&str>| {
        words.iter().any(|word| listed.contains(word.as_str()))
    };
    // The hash of a secret watches it; the hash of a password can be searched.
    let is_hash = sense != Sense::Password && after.iter().any(|word| word == "hash");
    if is_hash || any_of(after, &AFTER) || any_of(upto, &BEFORE) {
        return None;
    }
    Some(sense)
}

/// Words after which a name speaks of a property of the credential or of where it is.
static AFTER: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    "
    address age alg algorithm annotation arn attribute audience auth authentication
    authenticator backend bits bucket bytes cache chars check class claim command complexity
    config configmap count dir directory disabled duration enabled encoding encryption endpoint
    engine exp expiration expire expires expiry ext field file filename files folder form format
    generation generator grace handler header host id ids index interval issuer keyname keyref
    kind label length level lifetime limit loc location lookup manager max method min minimum
    mode model mount name names namespace namespaces option options optional params path paths
    pattern period plugin policy port prefix projection provider reader ref reference refresh
    refs regex region reload renew request required requirements reset resolver resource
    retention reviewer role root rotate rotation scope scopes script seconds selector server
    service size source status storage store strategy strength suffix sync template text
    threshold timeout transform ttl type uri url usage user username valid validation validity
    verify version volume webhook
    attempts blacklist change changed cost dictionary encoder hasher hashing hint history input
    iterations link lockout page placeholder retries reuse rounds salt screen state title tooltip
    update updated view
    checksum digest md5 revision sha sha256 sum
    env envvar var variable
    at created date issued obtained time
"
    .split_ascii_whitespace()
    .collect()
});

/// Words before which a name speaks of something else than a credential.
static BEFORE: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    "
    allow allowed auto automount bos checksum completion continue create csrf default_token
    disable disallow enable enabled eos existing expired fingerprint forgot generate has hash
    ignore invalid is mask max min next no num pad page prompt public pull remove require
    required requires reset sha256 show skip sync unk use validate wrong xsrf
    change confirm enter error hint label message repeat tooltip translation unauthorized
"
    .split_ascii_whitespace()
    .collect()
});

/// Two words that are one credential, with what they say.
const PAIRS: &[(&str, &str, Sense)] = &[
    ("access", "key", Sense::Account),
    ("account", "key", Sense::Secret),
    ("api", "key", Sense::Secret),
    ("app", "key", Sense::Secret),
    ("application", "key", Sense::Secret),
    ("auth", "key", Sense::Secret),
    ("batch", "key", Sense::Secret),
    ("certificate", "key", Sense::Account),
    ("encryption", "key", Sense::Secret),
    ("erlang", "cookie", Sense::Secret),
    ("fernet", "key", Sense::Secret),
    ("license", "key", Sense::Account),
    ("master", "key", Sense::Secret),
    ("pass", "phrase", Sense::Password),
    ("pass", "word", Sense::Password),
    ("private", "key", Sense::Secret),
    ("secret", "key", Sense::Secret),
    ("session", "key", Sense::Account),
    ("shared", "key", Sense::Secret),
    ("signing", "key", Sense::Secret),
    ("storage", "key", Sense::Secret),
    ("key", "content", Sense::Secret),
];

/// Words that name a credential by themselves, and how longer words end that do.
const WORDS: &[(&str, Sense)] = &[
    ("apikey", Sense::Secret),
    ("authkey", Sense::Secret),
    ("bearer", Sense::Secret),
    ("credential", Sense::Account),
    ("credentials", Sense::Account),
    ("jwt", Sense::Account),
    ("masterauth", Sense::Password),
    ("passcode", Sense::Password),
    ("passphrase", Sense::Password),
    ("passwd", Sense::Password),
    ("password", Sense::Password),
    ("pwd", Sense::Password),
    ("requirepass", Sense::Password),
    ("secret", Sense::Secret),
    ("token", Sense::Secret),
];

const ENDINGS: &[(&str, Sense)] = &[
    ("accesskey", Sense::Account),
    ("accesstoken", Sense::Secret),
    ("apikey", Sense::Secret),
    ("apitoken", Sense::Secret),
    ("authtoken", Sense::Secret),
    ("clientsecret", Sense::Secret),
    ("passphrase", Sense::Password),
    ("passwd", Sense::Password),
    ("password", Sense::Password),
    ("privatekey", Sense::Secret),
    ("secretkey", Sense::Secret),
    ("userkey", Sense::Secret),
];

/// Each word, pair and ending has one of these in it. Most names have none, and need not be taken apart.
const STEMS: [&str; 10] =
    ["key", "pass", "pw", "secret", "token", "bearer", "credential", "cookie", "jwt", "masterauth"];

/// Finds any of them in one pass; none if they cannot be searched for.
static STEM: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(STEMS).ok());

/// Whether a name may have a sensitive word.
fn has_stem(name: &str) -> bool {
    // Letters of other alphabets may be one of these in another case.
    !name.is_ascii() || STEM.as_ref().is_none_or(|stem| stem.is_match(name))
}

/// What a Secret of Kubernetes is named for.
const HELD: &[&str] =
    &["ca", "cert", "certificate", "credential", "credentials", "password", "registry", "tls"];

/// The last sensitive word (or pair) of a name: the index after it, and its sense.
fn last_sensitive(name: &str, words: &[String]) -> Option<(usize, Sense)> {
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    // In capitals `PWD` is the working directory.
    if matches!(name, "pass" | "pwd") {
        return Some((1, Sense::Short));
    }
    (0..words.len()).rev().find_map(|at| {
        let pair =
            PAIRS.iter().find(|(first, second, _)| word(at) == *first && word(at + 1) == *second);
        if let Some((_, second, sense)) = pair {
            // A secret access key is no account's name.
            let is_secret = *second == "key" && at > 0 && word(at - 1) == "secret";
            return Some((at + 2, if is_secret { Sense::Secret } else { *sense }));
        }
        let single = WORDS.iter().find(|(known, _)| word(at) == *known);
        let ending = || ENDINGS.iter().find(|(ending, _)| word(at).ends_with(ending));
        if let Some((known, sense)) = single.or_else(ending) {
            // `PWD` alone is the working directory; `passwordKey` names a key of a Secret.
            let is_directory = *known == "pwd" && words.len() == 1;
            let names_a_key = word(at + 1) == "key" && *known != "secret";
            // `TLS_SECRET`, `passwordSecret`: the object that holds it.
            let names_an_object = *known == "secret"
                && at.checked_sub(1).is_some_and(|before| HELD.contains(&word(before)));
            let sense = if names_an_object { Sense::Account } else { *sense };
            return (!is_directory && !names_a_key).then_some((at + 1, sense));
        }
        // `DB_PASS`, `ADMIN_PW`; elsewhere `pass` is a verb.
        let is_short = at > 0 && at + 1 == words.len() && matches!(word(at), "pass" | "pw");
        is_short.then_some((at + 1, Sense::Password))
    })
}

/// The words of a name, in lower case: `dbPassword`, `DB_PASSWORD` and `db.password` are two each.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        let ends_acronym = letter.is_ascii_uppercase()
            && before.is_ascii_uppercase()
            && letters.peek().is_some_and(char::is_ascii_lowercase);
        let is_hump = letter.is_ascii_uppercase() && !before.is_ascii_uppercase();
        if !letter.is_alphanumeric() || is_hump || ends_acronym {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && letter.is_alphanumeric()
        {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_names_a_credential_has_a_stem() {
        let single = WORDS.iter().chain(ENDINGS).map(|(word, _)| (*word).to_owned());
        let pairs = PAIRS.iter().map(|(first, second, _)| format!("{first}-{second}"));
        let short = ["pass", "pwd", "db_pw"].map(str::to_owned);
        for name in single.chain(pairs).chain(short) {
            assert!(has_stem(&name) && has_stem(&name.to_uppercase()), "{name}");
        }
        assert!(has_stem("to\u{212a}en") && !has_stem("color.good"));
    }

    #[test]
    fn names_of_credentials_are_told_from_names_about_them() {
        for (name, expected) in [
            ("password", Sense::Password),
            ("MYSQL_ROOT_PASSWORD", Sense::Password),
            ("dbPassword", Sense::Password),
            ("PGPASSWORD", Sense::Password),
            ("spring.datasource.password", Sense::Password),
            ("DB_PASS", Sense::Password),
            ("db_pwd", Sense::Password),
            ("pass", Sense::Short),
            ("pwd", Sense::Short),
            ("restuserkey", Sense::Secret),
            ("AWS_SECRET_ACCESS_KEY", Sense::Secret),
            ("AWS_ACCESS_KEY", Sense::Account),
            ("AZURE_BATCH_KEY", Sense::Secret),
            ("OCI_CLI_KEY_CONTENT", Sense::Secret),
            ("SECRET_BLAH", Sense::Secret),
            ("SECRET_KEY", Sense::Secret),
            ("clientSecret", Sense::Secret),
            ("GITHUB_TOKEN", Sense::Secret),
            ("APIKey", Sense::Secret),
            ("--api-key", Sense::Secret),
        ] {
            assert_eq!(sense(name), Some(expected), "{name}");
        }
        for harmless in [
            "PASSWORD_FILE",
            "passwordPath",
            "SECRET_NAME",
            "secretName",
            "TOKEN_TTL",
            "PASSWORD_MIN_LENGTH",
            "AWS_ACCESS_KEY_ID",
            "automountServiceAccountToken",
            "imagePullSecret",
            "existingSecret",
            "passwordKey",
            "tokenKey",
            "csrfToken",
            "PWD",
            "Pass",
            "tokenizer",
            "max_tokens",
            "checksum/secret",
            "secretary",
            "eos_token",
            "secretHash",
            "secretEnv",
            "token.sha256",
            "public_key",
            "monkey",
        ] {
            assert_eq!(sense(harmless), None, "{harmless}");
        }
    }
}
