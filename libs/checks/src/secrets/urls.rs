//! Passwords in addresses: `scheme://user:password@host`, and drivers' forms of it.

use memchr::memmem;

use super::Confidence;
use super::shapes::{Tokens, is_literal};

/// No authority of an address is longer.
const LONGEST: usize = 512;

/// The passwords that addresses of a text hold.
pub(super) fn passwords<'t>(text: &'t str, tokens: &mut Tokens<'t>) {
    for at in memmem::find_iter(text.as_bytes(), "://") {
        let start = at + 3;
        let Some((user, password, host)) = text.get(start..).and_then(userinfo) else { continue };
        if !is_example(user, password, host) {
            let what = "an address with a password";
            tokens.add(what, Confidence::Shaped, start + user.len() + 1, password);
        }
    }
    // Oracle's driver for Java: `jdbc:oracle:thin:user/password@host`.
    for at in memmem::find_iter(text.as_bytes(), ":oracle:") {
        let given = text.get(at..).and_then(|rest| rest.split(['@', ' ', '\n', '"']).next());
        let pair = given.and_then(|given| given.rsplit(':').next()?.split_once('/'));
        if let Some((user, password)) = pair
            && !user.is_empty()
            && is_literal(password)
            && !is_variable(password)
        {
            tokens.add("an address with a password", Confidence::Shaped, at, password);
        }
    }
    // Go's MySQL driver: `user:password@tcp(host)/database`.
    for mark in ["@tcp(", "@unix("] {
        for at in memmem::find_iter(text.as_bytes(), mark) {
            let before = text.get(..at).unwrap_or_default();
            let ends = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '=');
            let start = before
                .char_indices()
                .rev()
                .take(LONGEST)
                .find(|(_, letter)| ends(*letter))
                .map_or(0, |(at, letter)| at + letter.len_utf8());
            let given = before.get(start..).and_then(|pair| pair.split_once(':'));
            if let Some((user, password)) = given
                && !user.contains('/')
                && is_literal(password)
            {
                tokens.add("an address with a password", Confidence::Shaped, start, password);
            }
        }
    }
}

/// User, password and host of what follows `://`.
fn userinfo(rest: &str) -> Option<(&str, &str, &str)> {
    let is_part = |byte: u8| {
        byte.is_ascii_graphic()
            && !matches!(
                byte,
                b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\' | b','
            )
    };
    let length = rest.bytes().take(LONGEST).take_while(|byte| is_part(*byte)).count();
    let (userinfo, host) = rest.get(..length)?.rsplit_once('@')?;
    let (user, password) = userinfo.split_once(':')?;
    (is_literal(password) && !is_variable(password) && !host.is_empty())
        .then_some((user, password, host))
}

/// `$PASSWORD` within an address.
fn is_variable(password: &str) -> bool {
    let name = password.strip_prefix('$').unwrap_or_default();
    name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
}

/// What documentation writes: `user:password@host`.
fn is_example(user: &str, password: &str, host: &str) -> bool {
    let is_one_of =
        |text: &str, words: &[&str]| words.contains(&text.to_ascii_lowercase().as_str());
    let name = host.split(':').next().unwrap_or_default();
    let is_anybody = is_one_of(user, &["user", "username", "usr"])
        && is_one_of(password, &["password", "pass", "passwd", "pwd", "secret"]);
    let is_anywhere = is_one_of(name, &["host", "hostname", "server", "domain", "address"]);
    is_anybody && (is_anywhere || name.contains("example."))
}
