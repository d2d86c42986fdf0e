//! Names and values in texts without a format: scripts, commands, configuration of whatever sort.

use memchr::{memchr2_iter, memmem};

/// A name and the value that a text gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Assignment<'t> {
    pub(super) name: &'t str,
    pub(super) value: &'t str,
    /// Where the name starts, in bytes.
    pub(super) at: usize,
    /// Whether it is plain that the value is written out: a flag, a quoted text, a line of its own. In
    /// `f(token=token)` it may be a variable.
    pub(super) is_literal: bool,
}

/// How far a name reaches back and a value ahead: bounds that keep the scan linear.
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 512;
/// How many assignments of one text are looked at.
pub(super) const MAX_ASSIGNMENTS: usize = 20_000;

/// `name=value`, `name: value` and `"name": "value"`.
pub(super) fn assignments(text: &str) -> Vec<Assignment<'_>> {
    let signs = memchr2_iter(b'=', b':', text.as_bytes());
    signs.filter_map(|at| assignment(text, at)).take(MAX_ASSIGNMENTS).collect()
}

fn assignment(text: &str, sign: usize) -> Option<Assignment<'_>> {
    let (before, after) = (near_end(text.get(..sign)?), text.get(sign + 1..)?);
    // `password => "foo"` of Ruby and Logstash.
    let after = after.strip_prefix('>').filter(|rest| is_quoted_next(rest)).unwrap_or(after);
    let skipped = sign - before.len();
    let is_equal = text.as_bytes().get(sign) == Some(&b'=');
    if after.starts_with(['=', '~', ':']) || (!is_equal && !after.starts_with([' ', '"', '\t'])) {
        return None;
    }
    let bare = before.trim_end_matches([' ', ':', '"', '\'', '\\', '\t', ']']);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
    let length = bare.bytes().rev().take(LONGEST_NAME).take_while(|byte| is_part(byte)).count();
    let at = bare.len() - length;
    let name = bare.get(at..).filter(|name| !name.is_empty())?;
    let (value, is_quoted) = value_at(after.trim_start_matches([' ', '\t']))?;
    let is_upper = !name.bytes().any(|byte| byte.is_ascii_lowercase());
    let is_literal =
        is_quoted || name.starts_with('-') || is_upper || is_set_off(before.get(..at)?, after);
    // `password = get("password")` of a program; what a comment shows.
    let is_query = is_equal && after.starts_with(['"', '\\']) && is_in_braces(before.get(..at)?);
    let is_literal =
        is_literal && (is_quoted || !value.contains('(')) && !is_comment(before) && !is_query;
    Some(Assignment { name, value, at: skipped + at, is_literal })
}

fn is_quoted_next(rest: &str) -> bool {
    rest.trim_start_matches(' ').starts_with(['"', '\''])
}

/// Whether a brace is open, as before the labels of a query: `requests{token="abc"}`.
fn is_in_braces(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.rfind('{') > line.rfind('}') && line.trim_end().ends_with(['{', ','])
}

/// Whether the last line of a text is a comment.
fn is_comment(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
    ["#", "//", ";", "--", "<!--", "*"].iter().any(|mark| line.starts_with(mark)) && !is_flag(line)
}

/// `--password=foo` begins with what is a comment in SQL.
fn is_flag(line: &str) -> bool {
    let name = line.strip_prefix("--").unwrap_or_default();
    name.starts_with(|letter: char| letter.is_ascii_alphabetic())
}

/// The end of a text: what a name and its line can take.
fn near_end(text: &str) -> &str {
    let from = text.len().saturating_sub(LONGEST_VALUE);
    (from..text.len()).find_map(|from| text.get(from..)).unwrap_or_default()
}

/// Whether what stands before and after a name shows that a value is written out, not handed on: a line or
/// a flag of its own, a part of a connection string.
fn is_set_off(before: &str, after: &str) -> bool {
    let head = before.rsplit('\n').next().unwrap_or_default().trim();
    let is_alone = matches!(head, "" | "export" | "ENV" | "-" | "set" | "env");
    // `--from-literal=password=foo`, `--set auth.password=foo`
    let is_of_flag = head.rsplit(' ').next().is_some_and(|word| word.starts_with('-'));
    let is_part = before.ends_with([';', '&', '?']);
    // `host=db user=shop password=foo`
    let length = after.bytes().take(LONGEST_VALUE).take_while(|byte| *byte != b'\n').count();
    let tail = after.get(..length).unwrap_or_default();
    let rest = || head.split(' ').chain(tail.split(' ').skip(1)).map(str::trim);
    let is_pairs = head.len() + tail.len() <= LONGEST_VALUE
        && rest().filter(|word| !word.is_empty()).all(|word| word.contains('='));
    is_alone || is_of_flag || is_part || is_pairs
}

/// The value at the start of a text, and whether it is quoted.
fn value_at(rest: &str) -> Option<(&str, bool)> {
    let rest = rest.strip_prefix('\\').unwrap_or(rest);
    let quote = rest.bytes().next().filter(|byte| matches!(byte, b'"' | b'\''));
    let start = usize::from(quote.is_some());
    let ends = |byte: u8| match quote {
        Some(quote) => byte == quote || matches!(byte, b'\\' | b'\n'),
        None => {
            byte.is_ascii_whitespace()
                || matches!(byte, b';' | b',' | b'&' | b'|' | b'"' | b'\'' | b'<' | b'>' | b'\\')
        }
    };
    let bytes = rest.bytes().skip(start).take(LONGEST_VALUE);
    let length = bytes.take_while(|byte| !ends(*byte)).count();
    let value = rest.get(start..start + length)?;
    (!value.is_empty()).then_some((value, quote.is_some()))
}

/// Flags whose value is the next word: `--password foo`, and those that a programme is known for.
pub(super) fn flags<'t>(words: &[(usize, &'t str)]) -> Vec<Assignment<'t>> {
    let mut found = Vec::new();
    let mut program = "";
    let mut since = 0;
    for (place, (at, word)) in words.iter().enumerate() {
        let base = word.rsplit('/').next().unwrap_or_default();
        if PROGRAMS.iter().any(|(known, _, _)| *known == base) {
            (program, since) = (base, place);
        } else if place - since > REACH {
            program = "";
        }
        let next = words.get(place + 1).map(|(_, next)| *next).unwrap_or_default();
        let known =
            PROGRAMS.iter().find(|(known, flag, _)| *known == program && word.starts_with(flag));
        let value = match known {
            Some((_, flag, _)) if word.len() > flag.len() && flag.len() == 2 => {
                word.get(flag.len()..)
            }
            Some((_, flag, _)) if word.len() == flag.len() => Some(next),
            _ if word.starts_with("--") && !word.contains('=') => Some(next),
            _ => None,
        };
        let value = value.filter(|value| !value.is_empty() && !value.starts_with('-'));
        let name = known.map_or(*word, |(_, _, name)| *name);
        let value = match (name, value) {
            // `user:password`
            ("userinfo", Some(pair)) => pair.split_once(':').map(|(_, password)| password),
            (_, value) => value,
        };
        if let Some(value) = value {
            let name = if name == "userinfo" { "password" } else { name };
            found.push(Assignment { name, value, at: *at, is_literal: true });
        }
    }
    found
}

/// How many words after a programme its flags are looked for: after them another one may have begun.
const REACH: usize = 8;

/// Programmes, their flags for a password, and what the value is.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("curl", "-u", "userinfo"),
    ("curl", "--user", "userinfo"),
    ("mysql", "-p", "password"),
    ("mysqladmin", "-p", "password"),
    ("mysqldump", "-p", "password"),
    ("mariadb", "-p", "password"),
    ("redis-cli", "-a", "password"),
    ("sshpass", "-p", "password"),
    ("mongosh", "-p", "password"),
    ("mongo", "-p", "password"),
    ("docker", "-p", "password"),
];

/// The words of a text with their places.
pub(super) fn words(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let mut found = Vec::new();
    for piece in text.split_inclusive(char::is_whitespace).take(MAX_ASSIGNMENTS) {
        let word = unquoted_word(piece.trim_end());
        if !word.is_empty() {
            found.push((at, word));
        }
        at += piece.len();
    }
    found
}

fn unquoted_word(word: &str) -> &str {
    word.trim_matches(['"', '\'', ';', ')', ','])
}

/// Lines of two words, the first of which names the second: `requirepass foo` of Redis. And of three, of
/// which the first sets something: `proxy_set_header X-Token foo;` of nginx.
pub(super) fn directives(text: &str) -> Vec<Assignment<'_>> {
    const DIRECTIVES: [&str; 4] = ["requirepass", "masterauth", "password", "secret"];
    const SETTERS: [&str; 5] = ["proxy_set_header", "add_header", "fastcgi_param", "set", "setenv"];
    let mut at = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n').take(MAX_ASSIGNMENTS) {
        let mut words = line.split_ascii_whitespace().map(unquoted_word);
        let pair = match (words.next(), words.next(), words.next(), words.next()) {
            (Some(name), Some(value), None, None) if DIRECTIVES.contains(&name) => {
                Some((name, value))
            }
            (Some(set), Some(name), Some(value), None) if SETTERS.contains(&set) => {
                Some((name, value))
            }
            _ => None,
        };
        found.extend(pair.map(|(name, value)| Assignment { name, value, at, is_literal: true }));
        at += line.len();
    }
    found
}

/// Files of logins: `machine HOST login USER password WORD` of netrc, `host:port:database:user:word` of
/// PostgreSQL, which is known by the file's name.
pub(super) fn logins<'t>(file: &str, text: &'t str) -> Vec<Assignment<'t>> {
    let name = "password";
    let is_netrc = text.lines().any(|line| line.trim_start().starts_with("machine "));
    let words = if is_netrc { words(text) } else { Vec::new() };
    let follows = |four: &[(usize, &'t str)]| match four {
        [(_, "login"), _, (_, "password"), (at, value)] => Some((*at, *value)),
        _ => None,
    };
    let mut found: Vec<_> = words.windows(4).filter_map(follows).collect();
    if file.ends_with("pgpass") {
        let mut at = 0;
        for line in text.split_inclusive('\n').take(MAX_ASSIGNMENTS) {
            let value = line.trim().splitn(5, ':').nth(4);
            found.extend(value.filter(|_| !line.starts_with('#')).map(|value| (at, value)));
            at += line.len();
        }
    }
    let literal = |(at, value)| Assignment { name, value, at, is_literal: true };
    found.into_iter().map(literal).collect()
}

/// XML: `<password>foo</password>`, and pairs such as `<name>x.password</name><value>foo</value>` or
/// `key="password" value="foo"`.
pub(super) fn elements(text: &str) -> Vec<Assignment<'_>> {
    let mut found = Vec::new();
    let mut named: Option<&str> = None;
    for close in memmem::find_iter(text.as_bytes(), "</").take(MAX_ASSIGNMENTS) {
        let Some((before, after)) = text.split_at_checked(close) else { continue };
        let length =
            after.bytes().skip(2).take(LONGEST_NAME).take_while(|byte| *byte != b'>').count();
        let name = after.get(2..2 + length).unwrap_or_default();
        let bytes = before.bytes().rev().take(LONGEST_VALUE);
        let length = bytes.take_while(|byte| *byte != b'>').count();
        let at = close - length;
        let value = before.get(at..).unwrap_or_default().trim();
        match (name, named) {
            ("name" | "key", _) => named = Some(value),
            ("value", Some(name)) => {
                found.push(Assignment { name, value, at, is_literal: true });
                named = None;
            }
            _ => found.push(Assignment { name, value, at, is_literal: true }),
        }
    }
    found
}
