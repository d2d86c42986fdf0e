//! The ways in which one command line can be read: as it is written, as the shell reads it, and what is
//! encoded in it. A pattern that fits one reading fits the command.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// How often encodings within encodings are opened.
const MAX_DEPTH: usize = 2;
/// The most readings of one command line.
const MAX_READINGS: usize = 24;
/// Shorter words are too often base64 by chance.
const MIN_ENCODED: usize = 12;

/// The readings of a command line, in lower case; the first is the line itself.
pub(super) fn of(line: &str) -> Vec<String> {
    let mut readings = Vec::new();
    read(line, 0, &mut readings);
    readings
}

fn read(line: &str, depth: usize, readings: &mut Vec<String>) {
    for reading in [line.to_owned(), unquoted(line)] {
        let lower = reading.to_ascii_lowercase();
        if readings.len() < MAX_READINGS && !readings.contains(&lower) {
            readings.push(lower);
        }
    }
    if depth == MAX_DEPTH {
        return;
    }
    for text in words(line).filter_map(decoded) {
        if readings.len() < MAX_READINGS {
            read(&text, depth + 1, readings);
        }
    }
}

/// The line as a shell takes it: without quotes and backslashes, `${IFS}` a blank, pieces put together.
fn unquoted(line: &str) -> String {
    let spaced = line.replace("${IFS}", " ").replace("$IFS", " ");
    spaced.chars().filter(|c| !matches!(c, '\'' | '"' | '\\' | '`')).collect()
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_')))
}

/// What a word of base64 holds, where it is text.
fn decoded(word: &str) -> Option<String> {
    if word.len() < MIN_ENCODED {
        return None;
    }
    let bytes = STANDARD.decode(word).or_else(|_| STANDARD_NO_PAD.decode(word)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let is_text = text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace());
    is_text.then_some(text)
}

/// The addresses that stand in a command line, in whatever notation: programs that connect take one number,
/// hexadecimal and octal parts, and IPv4 within IPv6.
pub(super) fn addresses(line: &str) -> impl Iterator<Item = IpAddr> {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, 'x' | '.' | ':');
    line.split(move |c: char| !is_part(c)).filter(|word| !word.is_empty()).filter_map(address)
}

fn address(word: &str) -> Option<IpAddr> {
    if let Ok(ip) = word.parse::<Ipv6Addr>() {
        return Some(IpAddr::V6(ip).to_canonical());
    }
    // A port, or the colon of a URL's scheme, may stand beside it.
    word.split(':').find_map(as_numbers).map(IpAddr::V4)
}

/// An IPv4 address as `inet_aton` reads it: up to four numbers, the last of which fills the rest.
fn as_numbers(word: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = word.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    // A single small number is a port, or just a number.
    if first.len() > 3
        || first.iter().any(|part| *part > 255)
        || first.is_empty() && *last < 1 << 24
    {
        return None;
    }
    let mut value = u64::from(*last);
    if value >> (8 * (4 - first.len())) != 0 {
        return None;
    }
    for (part, shift) in first.iter().zip([24, 16, 8]) {
        value |= u64::from(*part) << shift;
    }
    u32::try_from(value).ok().map(Ipv4Addr::from)
}

fn number(text: &str) -> Option<u32> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(digits) if !digits.is_empty() => u32::from_str_radix(digits, 8).ok(),
        _ => text.parse().ok(),
    }
}

/// Whether a word with the shell's wildcards means a path, given that it spells out enough of it.
pub(super) fn glob_means(word: &str, path: &str) -> bool {
    const SPELT_OUT: usize = 5;
    let letters = word.chars().filter(char::is_ascii_alphanumeric).count();
    let is_glob = word.contains(['*', '?', '[']);
    is_glob && word.contains('/') && letters >= SPELT_OUT && fits(word.as_bytes(), path.as_bytes())
}

/// Matches `*`, `?` and `[…]`, none of which goes over a slash. Each star is tried once, from where the one
/// before it left off, so that no word costs more than its length times the path's.
fn fits(pattern: &[u8], path: &[u8]) -> bool {
    let (pattern, path) = (pattern.split(|b| *b == b'/'), path.split(|b| *b == b'/'));
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.collect(), path.collect());
    pattern.len() == path.len()
        && pattern.iter().zip(&path).all(|(part, name)| part_fits(part, name))
}

fn part_fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut pos) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while pos < name.len() {
        let class_end = || {
            let rest = pattern.get(at + 1..)?;
            rest.iter().position(|b| *b == b']').map(|end| at + 1 + end)
        };
        match (pattern.get(at), name.get(pos)) {
            (Some(b'*'), _) => {
                star = Some((at, pos));
                at += 1;
                continue;
            }
            (Some(b'?'), Some(_)) => {
                (at, pos) = (at + 1, pos + 1);
                continue;
            }
            (Some(b'['), Some(_)) if let Some(end) = class_end() => {
                // Which letters a class has is not asked: it was written to have the one.
                (at, pos) = (end + 1, pos + 1);
                continue;
            }
            (Some(wanted), Some(found)) if wanted.eq_ignore_ascii_case(found) => {
                (at, pos) = (at + 1, pos + 1);
                continue;
            }
            _ => {}
        }
        let Some((star_at, star_pos)) = star else { return false };
        (at, pos) = (star_at + 1, star_pos + 1);
        star = Some((star_at, star_pos + 1));
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|b| *b == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_shells_read_it() {
        let readings =
            of(r#"sh -c 'c"a"t${IFS}/etc/sha\dow'; echo Y2F0IC9ldGMvc2hhZG93 | base64 -d"#);
        assert!(readings.iter().any(|it| it.starts_with("sh -c cat /etc/shadow;")), "{readings:?}");
        assert!(readings.contains(&"cat /etc/shadow".to_owned()), "{readings:?}");
        let twice = STANDARD.encode(STANDARD.encode("curl http://198.51.100.7"));
        assert!(of(&twice).contains(&"curl http://198.51.100.7".to_owned()));
        assert_eq!(of("ls -l"), ["ls -l"]);
    }

    #[test]
    fn addresses_are_found_in_every_notation() {
        let wanted: IpAddr = "169.254.169.254".parse().unwrap();
        for line in [
            "curl http://169.254.169.254/latest",
            "curl 2852039166",
            "curl http://0xa9fea9fe:80/",
            "curl 0251.0376.0251.0376",
            "curl 169.254.43518",
            "curl 0xa9.0xfe.0xa9.0xfe",
            "curl http://[::ffff:a9fe:a9fe]/",
            "curl http://[::ffff:169.254.169.254]/",
        ] {
            assert!(addresses(line).any(|ip| ip == wanted), "{line}");
        }
        for line in ["sleep 3600", "ls -l 1.2.3", "curl 10.0.0.1:8080", "date 20261122"] {
            assert!(!addresses(line).any(|ip| ip == wanted), "{line}");
        }
    }

    #[test]
    fn wildcards_mean_the_paths_that_they_fit() {
        let token = "/var/run/secrets/kubernetes.io/serviceaccount/token";
        for word in [
            "/var/run/secrets/*/*/tok*",
            "/v?r/run/secret?/kub*/serv*/t[o]ken",
            "/*/run/sec*s/*/s*t/token",
        ] {
            assert!(glob_means(word, token), "{word}");
        }
        for word in ["/*/*/*/*/*/*", "/var/run/*", "token*", token, "/var/run/secrets/*/*/key"] {
            assert!(!glob_means(word, token), "{word}");
        }
    }
}
