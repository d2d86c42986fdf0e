//! Hides what looks like a credential before it leaves the process that read it.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

mod programs;
mod tokens;

use programs::{Flag, Program};

/// What stands in for a hidden value.
pub const REDACTED: &str = "«redacted»";

/// Words before `=`, `:` or a space after which a value is a secret.
const SECRET_WORDS: [&str; 22] = [
    "password",
    "passwd",
    "passphrase",
    "_pass",
    "-pass",
    "_pwd",
    "secret",
    "secret_key",
    "secretkey",
    "token",
    "apikey",
    "api-key",
    "api_key",
    "authorization",
    "bearer",
    "private-key",
    "private_key",
    "access-key",
    "access_key",
    "accesskey",
    "account_key",
    "accountkey",
];

/// Replaces values that look like credentials: what follows a word such as `--password`, user information in a URL, what
/// programs take as a password after flags of theirs (`mysql -p…`, `curl -u`), and tokens whose shape is known. Words and
/// flags stay, so that a reader sees what was done.
pub fn redact(text: &str) -> String {
    if may_hide(text) { Words::default().text(text) } else { text.to_owned() }
}

/// The words of one command or text, read in their order: what a word is may follow from those before.
#[derive(Debug, Default)]
pub struct Words {
    next: Next,
    program: Option<&'static Program>,
}

/// What the words before say of the next one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Next {
    #[default]
    Nothing,
    /// It is a credential.
    Hidden,
    /// It is a credential, or the scheme of an `Authorization` header with one behind it.
    HiddenBehindScheme,
    /// It is a name and a credential, with a colon between them.
    HiddenBehindColon,
    /// It is part of a credential, up to a word that ends with this quote.
    HiddenUpTo(char),
}

/// Schemes of `Authorization` headers.
const SCHEMES: [&str; 6] = ["apikey", "basic", "bearer", "digest", "negotiate", "token"];

impl Words {
    /// One element of a list, such as a command's: it may have spaces, and is one word to the program all the same.
    pub fn element(&mut self, element: &str) -> String {
        let is_whole = element.contains(char::is_whitespace) && !element.starts_with('-');
        match self.next {
            Next::Hidden if is_whole => {
                self.next = Next::Nothing;
                REDACTED.to_owned()
            }
            Next::HiddenBehindColon if is_whole => {
                self.next = Next::Nothing;
                behind_colon(element).into_owned()
            }
            _ => self.text(element),
        }
    }

    /// Words with white space between them.
    fn text(&mut self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for part in text.split_inclusive(char::is_whitespace) {
            let word = part.trim_end_matches(char::is_whitespace);
            shown.push_str(&self.word(word));
            let space = part.get(word.len()..).unwrap_or_default();
            shown.push_str(space);
            if space.contains('\n') {
                // Another command, unless a backslash says that it goes on.
                self.program = self.program.filter(|_| word.ends_with('\\'));
            }
        }
        shown
    }

    fn word<'w>(&mut self, word: &'w str) -> Cow<'w, str> {
        if word.is_empty() {
            return Cow::Borrowed(word);
        }
        let next = std::mem::take(&mut self.next);
        self.program = programs::at(word, self.program);
        let flag = self.program.map_or(Flag::None, |program| program.flag(word));
        self.next = match flag {
            Flag::BeforeHidden => Next::Hidden,
            Flag::BeforeHiddenBehindColon => Next::HiddenBehindColon,
            _ => announced_by(word),
        };
        let is_value = !word.starts_with('-');
        match next {
            Next::HiddenUpTo(quote) => {
                self.next = if word.ends_with(quote) { Next::Nothing } else { next };
                Cow::Borrowed(REDACTED)
            }
            Next::HiddenBehindScheme if is_scheme(word) => {
                self.next = Next::Hidden;
                Cow::Borrowed(word)
            }
            Next::Hidden | Next::HiddenBehindScheme if is_value => {
                // `--token Bearer …`, or a header behind another.
                if self.next != Next::Nothing {
                    return Cow::Borrowed(word);
                }
                let quote = word.chars().next().filter(|first| matches!(first, '"' | '\''));
                let is_open = quote.filter(|quote| word.len() == 1 || !word.ends_with(*quote));
                self.next = is_open.map_or(Next::Nothing, Next::HiddenUpTo);
                Cow::Borrowed(REDACTED)
            }
            Next::HiddenBehindColon if is_value => behind_colon(word),
            _ => match flag {
                Flag::WithHidden(flag) => Cow::Owned(format!("{flag}{REDACTED}")),
                Flag::WithHiddenBehindColon => behind_colon(word),
                _ => redact_word(word),
            },
        }
    }
}

/// A name, without the credential behind its colon.
fn behind_colon(word: &str) -> Cow<'_, str> {
    match word.split_once(':') {
        Some((name, _)) => Cow::Owned(format!("{name}:{REDACTED}")),
        None => redact_word(word),
    }
}

fn is_scheme(word: &str) -> bool {
    SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// What each text with something to hide holds: the word before it, what stands before user information, how a token
/// begins, or a program that takes a password. None if it cannot be searched for.
static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let marks = SECRET_WORDS.iter().copied().chain(["://"]);
    let marks = marks.chain(tokens::prefixes()).chain(programs::names());
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
    let is_short = ["pass", "pwd"].iter().any(|short| word.eq_ignore_ascii_case(short));
    is_short
        || SECRET_WORDS.iter().any(|secret| {
            let start = word.len().checked_sub(secret.len());
            let end = start.and_then(|start| word.get(start..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(secret))
        })
}

/// What a flag or header name announces: `--token`, `Authorization:`, `Bearer`, and the setting that AWS's command line is
/// told. A path that happens to hold the word does not.
fn announced_by(word: &str) -> Next {
    let bare = word.trim_matches(['-', ':', '"', '\'']);
    let is_one_of = |names: &[&str]| names.iter().any(|name| bare.eq_ignore_ascii_case(name));
    let is_flag = word.starts_with('-')
        || word.ends_with(':')
        || is_one_of(&["bearer", "aws_secret_access_key"]);
    match is_flag && ends_as_secret(bare) {
        false => Next::Nothing,
        true if is_one_of(&["authorization", "proxy-authorization"]) => Next::HiddenBehindScheme,
        true => Next::Hidden,
    }
}

fn redact_word(word: &str) -> Cow<'_, str> {
    let word = without_user(word);
    match value_of_secret(&word) {
        Some(at) => Cow::Owned(format!("{}{REDACTED}", word.get(..at).unwrap_or_default())),
        None => word,
    }
}

/// An address without its user information.
fn without_user(word: &str) -> Cow<'_, str> {
    if let Some((scheme, rest)) = word.split_once("://")
        && let Some((userinfo, host)) = rest.split_once('@')
        && !userinfo.contains('/')
        && userinfo.contains(':')
    {
        return Cow::Owned(format!("{scheme}://{REDACTED}@{host}"));
    }
    Cow::Borrowed(word)
}

/// Where in a word something begins that is a credential, for its name or its shape. It is taken to reach to the end of the
/// word: any character may be part of it. Each part is looked at once.
fn value_of_secret(word: &str) -> Option<usize> {
    const ENDS: [char; 12] = ['?', '&', ';', ',', '{', '}', '/', '@', '"', '\'', '=', ':'];
    let mut start = 0;
    let ends = word.match_indices(ENDS).map(|(at, end)| (at, end.len()));
    for (at, length) in ends.chain([(word.len(), 0)]) {
        let part = word.get(start..at)?;
        if tokens::is_token(part) {
            return Some(start);
        }
        let behind = word.get(at + length..).unwrap_or_default();
        let is_named = word.get(at..).is_some_and(|rest| rest.starts_with(['=', ':']));
        // The name may stand in quotes, of which the second is an end of its own.
        let name = if part.is_empty() { quoted_before(word, at) } else { part };
        let is_value =
            !behind.is_empty() && !behind.starts_with("//") && !behind.starts_with(REDACTED);
        if is_named && is_value && ends_as_secret(name) {
            return Some(at + length);
        }
        start = at + length;
    }
    None
}

/// What stands in quotes right before a place.
fn quoted_before(word: &str, at: usize) -> &str {
    let inside = word.get(..at).and_then(|before| before.strip_suffix(['"', '\'']));
    // No name is longer.
    let inside = inside.map(|inside| {
        let from = inside.len().saturating_sub(64);
        let from =
            (from..=inside.len()).find(|at| inside.is_char_boundary(*at)).unwrap_or_default();
        inside.get(from..).unwrap_or_default()
    });
    inside.and_then(|inside| inside.rsplit(['"', '\'']).next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_not_looked_at_has_nothing_to_hide(
            text in r#"[a-z"'./-]{0,9}|--token|token|Bearer|(--)?(password|token)[=: ][a-z]{1,4}|[a-z]://[a-z]:[a-z]@[a-z]|"?eyJ[a-z]{20}\.[a-z]{20}\.[a-z]{0,5}"?|(mysql|redis-cli|curl|login|git) -[aupw] ?[a-z]:?[a-z]|(hvs\.|ghp_|x)[a-z]{30}"#,
        ) {
            prop_assert_eq!(redact(&text), Words::default().text(&text));
        }

        /// A list of words is shown as the text that they make.
        #[test]
        fn elements_are_words(
            words in prop::collection::vec(
                r#"[a-z"'.:=?&/-]{0,6}|--token|Bearer|Authorization:|Basic|mysql|-p[a-z]?|-u|curl|token=[a-z]"#, 0..6,
            ),
        ) {
            let mut elements = Words::default();
            let shown: Vec<_> = words.iter().map(|word| elements.element(word)).collect();
            prop_assert_eq!(shown.join(" "), Words::default().text(&words.join(" ")));
        }

        /// What is hidden stays so, however often it is shown.
        #[test]
        fn what_is_shown_has_nothing_more_to_hide(
            words in prop::collection::vec(
                r#"[a-z"'.:=?&/-]{0,6}|--token|Bearer|mysql|-p[a-z]?|-u|curl|login|token=[a-z]|://[a-z]:[a-z]@"#, 0..6,
            ),
        ) {
            let shown = redact(&words.join(" "));
            prop_assert_eq!(redact(&shown), shown);
        }
    }

    #[test]
    fn a_long_text_is_read_once() {
        let begun = std::time::Instant::now();
        for part in ["&", ",a=eyJ", "{a:", "'\":", "=x", "/"] {
            let text = format!("/x?secret{}", part.repeat(50_000));
            assert!(redact(&text).len() <= text.len() + REDACTED.len());
        }
        let taken = begun.elapsed();
        assert!(
            taken.as_secs() < 20,
            "{taken:?}: twice as long a text would take four times as long"
        );
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
            ("mysql -uroot -phunter2 shop", "mysql -uroot -p«redacted» shop"),
            ("sh -c /usr/bin/mysqldump -phunter2|gzip", "sh -c /usr/bin/mysqldump -p«redacted»"),
            ("sshpass -p hunter2 ssh root@db", "sshpass -p «redacted» ssh root@db"),
            ("redis-cli -h cache -a hunter2 keys", "redis-cli -h cache -a «redacted» keys"),
            ("mongosh -u root -p hunter2", "mongosh -u root -p «redacted»"),
            ("ldapsearch -D cn=admin -w hunter2 -x", "ldapsearch -D cn=admin -w «redacted» -x"),
            ("curl -u bob:hunter2 https://x", "curl -u bob:«redacted» https://x"),
            ("curl -ubob:hunter2 https://x", "curl -ubob:«redacted» https://x"),
            ("curl --user bob:hunter2 https://x", "curl --user bob:«redacted» https://x"),
            (
                "docker login -u bob -p hunter2 r.example",
                "docker login -u bob -p «redacted» r.example",
            ),
            (
                "aws configure set aws_secret_access_key wJalrXUtnFEMI",
                "aws configure set aws_secret_access_key «redacted»",
            ),
            ("vault login hvs.CAESIJ0123456789abcdef", "vault login «redacted»"),
            ("X=ghp_0123456789abcdefghijABCDEFGHIJ012345", "X=«redacted»"),
            ("curl https://x/y?api_key=zzz&a=b", "curl https://x/y?api_key=«redacted»"),
            ("http://a:b@h/x?token=zzz", "http://«redacted»@h/x?token=«redacted»"),
            (
                "Protocol=https;AccountName=x;AccountKey=zzz",
                "Protocol=https;AccountName=x;AccountKey=«redacted»",
            ),
            (
                r#"curl -d {"user":"a","password":"b"}"#,
                r#"curl -d {"user":"a","password":«redacted»"#,
            ),
            (
                "DB_PASS=x AWS_SECRET_ACCESS_KEY=y",
                "DB_PASS=«redacted» AWS_SECRET_ACCESS_KEY=«redacted»",
            ),
        ] {
            assert_eq!(redact(text), shown);
        }
        for harmless in [
            "cat /var/run/secrets/kubernetes.io/serviceaccount/token",
            "curl -sk https://10.96.0.1/api",
            "sh -c id; uname -a",
            "/tmp/.x -o stratum+tcp://pool.example.net:3333",
            "docker run -p 8080:80 -u 1000:1000 web",
            "mysql -u root -p shop",
            "mkdir -p /data; curl -s http://web:8080/",
            "tar -p x | mysql -h db",
            "kubectl get secret my_token -o yaml",
            "registry.example/app:1.2@sha256:0123",
            "git clone git@github.com:org/repo",
            "user:dana@example.com",
            "pypi-server-6d4cf56db6-x2x5k",
            "sk-build-runner-6d4cf56db6-x2x5k-and-some-more",
            "mongo x\nmkdir -p /data/evil",
            "https://a.example/token/refresh",
        ] {
            assert_eq!(redact(harmless), harmless);
        }
    }
}
