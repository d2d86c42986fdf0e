//! What a value looks like: random, a placeholder, a template, a reference, an identifier.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::fingerprint::fingerprint;
use super::names::{Sense, sense, words};
use super::{Confidence, Hit, Sort, Style, Verdict};

/// Longer values are texts, not passwords.
const MAX_VALUE: usize = 1024;

/// What a value is, by the name that it stands under.
pub(super) fn by_name(name: &str, value: &str, style: Style) -> Option<Verdict> {
    let sense = sense(name)?;
    let value = unquoted(value.trim());
    if value.is_empty() || value.len() > MAX_VALUE || is_indirect(value) {
        return None;
    }
    let is_counted = sense != Sense::Password && has_run(value.as_bytes());
    if is_placeholder(value) || is_counted {
        return Some(Verdict::Placeholder);
    }
    if value.len() < 3 || value.chars().any(char::is_whitespace) || is_setting(value) {
        return None;
    }
    let is_shaped = is_random(value) || is_mixed(value);
    let is_credential = match sense {
        Sense::Password => is_password(name, value),
        Sense::Secret => {
            is_shaped || (style == Style::Values && !is_name(value) && !is_echo(name, value))
        }
        Sense::Short => is_shaped && is_password(name, value),
        Sense::Account => is_random(value),
    };
    is_credential.then(|| {
        Verdict::Credential(Hit {
            what: match sense {
                Sense::Password | Sense::Short => "a password",
                Sense::Secret | Sense::Account => "a secret, token or key",
            },
            sort: Sort::Credential,
            confidence: if is_shaped { Confidence::Shaped } else { Confidence::Named },
            fingerprint: fingerprint(value),
        })
    })
}

/// Whether a value that is called a password is none: a number that configures, a file, code.
fn is_password(name: &str, value: &str) -> bool {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let is_call = value.ends_with(')') && value.contains('(');
    !(is_call
        || is_echo(name, value)
        || (is_number && value.len() < 4)
        || is_file(value)
        || is_type(value))
}

/// The label of an input field, or a variable that is handed on: `password: Password`, `args.token`. Those
/// who take the word itself for a password write it small.
fn is_echo(name: &str, value: &str) -> bool {
    let (value_words, name_words) = (words(value), words(name));
    let is_last = value_words.last() == name_words.last();
    let is_word = value_words.len() == 1 && value.starts_with(|letter: char| letter.is_uppercase());
    is_last
        && (is_word || value.contains('.') || (value != "password" && value_words == name_words))
}

/// Without one pair of quotes around it.
pub(super) fn unquoted(value: &str) -> &str {
    let inner = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

/// Whether a value is filled in by something else: a template, a variable, a reference to a store, or
/// ciphertext.
pub(crate) fn is_indirect(value: &str) -> bool {
    const MARKS: [&str; 13] =
        ["${", "$(", "{{", "}}", "{%", "<%", "%{", "#{", "$[", "%(", "`", "@@", "$__"];
    let is_variable = |mark: char, end: &str| {
        value.strip_prefix(mark).and_then(|rest| rest.strip_suffix(end)).is_some_and(|name| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    MARKS.iter().any(|mark| value.contains(mark))
        || is_variable('$', "")
        || is_variable('%', "%")
        || is_variable('@', "@")
        || (value.starts_with('<') && value.ends_with('>'))
        || (value.starts_with("__") && value.ends_with("__"))
        || is_store_reference(value)
        || is_ciphertext(value)
}

/// Whether a value names its place in a store of secrets.
fn is_store_reference(value: &str) -> bool {
    const STORES: [&str; 18] = [
        "vault:",
        "ref+",
        "op://",
        "arn:",
        "projects/",
        "env:",
        "file:",
        "secret:",
        "secretref:",
        "gcpsm:",
        "awssm:",
        "awssm/",
        "azkv:",
        "akv:",
        "keyvault:",
        "kms:",
        "ssm:",
        "bao:",
    ];
    let lower = value.get(..16).unwrap_or(value).to_ascii_lowercase();
    STORES.iter().any(|store| lower.starts_with(store)) || value.starts_with("@Microsoft.KeyVault")
}

/// Whether a value is encrypted: SOPS, Ansible Vault, PGP, age, AWS KMS.
pub(crate) fn is_ciphertext(value: &str) -> bool {
    const STARTS: [&str; 7] = [
        "{cipher}",
        "ENC[",
        "ENC(",
        "$ANSIBLE_VAULT",
        "-----BEGIN PGP MESSAGE",
        "-----BEGIN AGE ENCRYPTED",
        "AQICAH",
    ];
    STARTS.iter().any(|start| value.trim_start().starts_with(start))
}

/// Whether a literal stands for a value that is to be filled in.
pub(crate) fn is_placeholder(value: &str) -> bool {
    const HOLDS: [&str; 16] = [
        "changeme",
        "changeit",
        "changethis",
        "replaceme",
        "replacethis",
        "replacewith",
        "placeholder",
        "redacted",
        "example",
        "dummy",
        "goeshere",
        "todo",
        "fixme",
        "insecure",
        "notasecret",
        "notused",
    ];
    const STARTS: [&str; 8] =
        ["your", "insert", "enter", "fillin", "putyour", "myown", "somesecret", "xxxx"];
    let bare: String = value
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(MAX_VALUE)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    is_monotonous(value)
        || is_shouted_name(value)
        || HOLDS.iter().any(|word| bare.contains(word))
        || STARTS.iter().any(|word| bare.starts_with(word))
        || matches!(bare.as_str(), "tbd" | "unset" | "notset" | "undefined")
}

/// `SECRET`, `MY_TOKEN`: the name of a credential in capitals, for somebody to replace.
fn is_shouted_name(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') && sense(value).is_some()
}

/// One character again and again, as in `xxxxx`, `***` and `...`.
pub(super) fn is_monotonous(value: &str) -> bool {
    let first = value.chars().next();
    value.len() >= 3
        && value.chars().all(|letter| Some(letter) == first)
        && first.is_some_and(|letter| !letter.is_ascii_digit() || letter == '0')
}

/// What a switch is set to.
static SETTINGS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    "
    always auto aws azure basic bearer bool boolean disable disabled enable enabled env false
    file gcp hidden input int integer jwt kubernetes ldap md5 never nil none null oauth oauth2
    off oidc opaque optional plain refresh required scram sha256 ssl static str string tls true
    vault
    argon2 asc bcrypt desc pbkdf2 scrypt sha1 sha512
"
    .split_ascii_whitespace()
    .collect()
});

/// Whether a value sets something: a switch, a kind of authentication, a duration, an address.
pub(crate) fn is_setting(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    SETTINGS.contains(lower.as_str())
        || is_duration(&lower)
        || (value.contains("://") && !value.contains('@'))
        || lower.starts_with("sha256:")
        || lower.starts_with("scram-sha")
}

fn is_duration(value: &str) -> bool {
    let unit = value.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    unit.len() < value.len()
        && matches!(unit, "ms" | "s" | "m" | "h" | "d" | "mi" | "gi" | "kb" | "mb")
}

/// A path, or a name with the ending of a file.
fn is_file(value: &str) -> bool {
    const ENDINGS: [&str; 12] = [
        ".cfg",
        ".conf",
        ".crt",
        ".env",
        ".ini",
        ".json",
        ".key",
        ".pem",
        ".properties",
        ".txt",
        ".yaml",
        ".yml",
    ];
    let is_path =
        ["/", "./", "../", "~/", "c:\\", "C:\\"].iter().any(|start| value.starts_with(start));
    ((is_path || is_relative_path(value)) && !is_random(value))
        || ENDINGS.iter().any(|ending| value.ends_with(ending))
}

/// Three words or more between slashes: `team/shop/db`, the place of a secret in a store.
fn is_relative_path(value: &str) -> bool {
    let is_word = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase())
            && part.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
            })
    };
    value.split('/').count() >= 3 && value.split('/').all(is_word)
}

/// A type or a function of a programme, such as `com.example.Password` or `os.environ[x]`.
fn is_type(value: &str) -> bool {
    value.matches('.').count() >= 2
        && value.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'.' | b'_'))
}

/// Whether a value reads like the name of something: words with separators, a file, a number, an
/// identifier of a programme. Secrets, tokens and keys are mostly named, not written.
fn is_name(value: &str) -> bool {
    let parts = || value.split(['-', '_', '.', '/', ':', ',']);
    let is_wordy = |part: &str| {
        let digits = part.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
        part.len() <= 24 && digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_separated = parts().count() > 1 && parts().all(is_wordy);
    let is_camel = words(value).len() > 1 && value.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let is_code =
        value.contains(['(', ')', '[', ']', '{', '}', '<', '>', '|', '*', '$', '\\', '"']);
    is_separated || is_camel || is_number || is_code || is_file(value)
}

/// Whether a value looks made by a machine and cannot be guessed: 20 characters at least, of an alphabet
/// of encodings, with letters and digits that alternate as chance has it.
pub(super) fn is_random(value: &str) -> bool {
    const LEAST: usize = 20;
    let bytes = value.as_bytes();
    bytes.len() >= LEAST
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-.~".contains(byte))
        && changes(bytes) * 10
            >= bytes.iter().filter(|byte| byte.is_ascii_alphanumeric()).count() * 3
        && bytes.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2
        && distinct(bytes) >= 10
        && !has_run(bytes)
}

/// Like [`is_random`] for shorter values, which may be guessed after all: letters and digits mixed.
fn is_mixed(value: &str) -> bool {
    let bytes = value.as_bytes();
    (10..20).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_graphic())
        && changes(bytes) * 10 >= bytes.len() * 4
        && distinct(bytes) >= 7
        && bytes.iter().any(u8::is_ascii_digit)
        && !has_run(bytes)
}

/// How often the class (small, capital, digit) changes from one letter or digit to the next. At separators
/// nothing changes by chance: paths and compound names have many.
fn changes(bytes: &[u8]) -> usize {
    let class = |byte: u8| match byte {
        b'a'..=b'z' => Some(1),
        b'A'..=b'Z' => Some(2),
        b'0'..=b'9' => Some(3),
        _ => None,
    };
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    let classes = pairs.filter_map(|(left, right)| Some((class(*left)?, class(*right)?)));
    classes.filter(|(left, right)| left != right).count()
}

pub(super) fn distinct(bytes: &[u8]) -> usize {
    let seen = bytes.iter().fold(0_u128, |seen, byte| seen | (1 << (byte & 127)));
    seen.count_ones() as usize
}

/// Whether eight characters follow each other in the alphabet, or are the same: nobody's chance does that.
pub(super) fn has_run(bytes: &[u8]) -> bool {
    const RUN: usize = 7;
    let pairs = || bytes.iter().zip(bytes.iter().skip(1));
    let longest = |is_next: fn(u8, u8) -> bool| {
        let count = |(run, most): (usize, usize), (left, right): (&u8, &u8)| {
            let run = if is_next(*left, *right) { run + 1 } else { 0 };
            (run, most.max(run))
        };
        pairs().fold((0, 0), count).1
    };
    longest(|left, right| left.wrapping_add(1) == right) >= RUN || longest(|l, r| l == r) >= RUN - 2
}
