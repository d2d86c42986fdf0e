//! The ways in which a command line can be read: as it is written, as a shell reads it, and what is decoded in it.
//!
//! A shell takes quotes, backslashes and `${IFS}` away before it runs anything, and encoded text is decoded by the
//! command itself. What is hidden so is found by reading the line again, not by more patterns.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// How often what was decoded is decoded again.
const MAX_LAYERS: usize = 3;
/// The shortest run of letters that is taken for encoded text.
const MIN_ENCODED: usize = 12;

/// The readings of a line, the line itself first.
pub(super) fn readings(line: &str) -> Vec<String> {
    let mut readings = vec![line.to_owned()];
    let mut layer = Cow::Borrowed(line);
    for _ in 0..=MAX_LAYERS {
        let plain = as_shell(&layer);
        let below = decoded(&plain);
        if readings.iter().all(|known| *known != *plain) {
            readings.push(plain.into_owned());
        }
        let Some(below) = below else { break };
        layer = Cow::Owned(below);
    }
    readings
}

/// The line as a shell reads it.
fn as_shell(line: &str) -> Cow<'_, str> {
    if !line.contains(['\'', '"', '\\', '$', '`']) {
        return Cow::Borrowed(line);
    }
    let spaced = line.replace("${IFS}", " ").replace("$IFS$9", " ").replace("$IFS", " ");
    let mut plain = String::with_capacity(spaced.len());
    let mut letters = spaced.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' | '"' | '`' => {}
            // `$'…'` holds escapes; the quote behind it falls to the arm above.
            '$' if letters.peek() == Some(&'\'') => {}
            '\\' => plain.extend(escaped(&mut letters)),
            other => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

/// The character that an escape stands for: `\x63` and `\143` by their number, others themselves.
fn escaped(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    let first = letters.next()?;
    let (radix, most, mut number) = match first {
        'x' => (16, 2, None),
        '0'..='7' => (8, 2, first.to_digit(8)),
        'n' | 't' | '\n' => return Some(' '),
        other => return Some(other),
    };
    for _ in 0..most {
        let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(radix)) else { break };
        letters.next();
        number = Some(number.unwrap_or(0) * radix + digit);
    }
    number.map_or(Some(first), char::from_u32)
}

/// The line with what a command in it decodes; none where none does.
fn decoded(line: &str) -> Option<String> {
    const DECODERS: [&str; 5] = ["base64", "b64", "-enc", "openssl enc", "xxd"];
    let lower = line.to_ascii_lowercase();
    if !DECODERS.iter().any(|decoder| lower.contains(decoder)) {
        return None;
    }
    let is_encoded = |letter: char| letter.is_ascii_alphanumeric() || "+/-_=".contains(letter);
    let mut found = String::new();
    for run in line.split(|letter| !is_encoded(letter)).filter(|run| run.len() >= MIN_ENCODED) {
        if let Some(text) = from_base64(run).or_else(|| from_hex(run)) {
            found.push(' ');
            found.push_str(&text);
        }
    }
    (!found.is_empty()).then_some(found)
}

fn from_base64(run: &str) -> Option<String> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engines = [&STANDARD, &URL_SAFE].map(|alphabet| GeneralPurpose::new(alphabet, LENIENT));
    let bytes = engines.iter().find_map(|engine| engine.decode(run).ok())?;
    text_of(bytes)
}

fn from_hex(run: &str) -> Option<String> {
    let digits = run.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text_of(digits.chunks(2).map(byte).collect::<Option<Vec<_>>>()?)
}

/// Bytes as text, if they are one: in UTF-8, or in the UTF-16 of Windows' shell.
fn text_of(bytes: Vec<u8>) -> Option<String> {
    let is_wide = bytes.iter().skip(1).step_by(2).all(|byte| *byte == 0);
    let bytes = if is_wide { bytes.into_iter().step_by(2).collect() } else { bytes };
    let text = String::from_utf8(bytes).ok()?;
    let is_text = text.chars().all(|letter| !letter.is_control() || letter.is_whitespace());
    is_text.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_is_written_as_a_shell_does_and_decoded() {
        for (line, last) in [
            ("cat /etc/hostname", "cat /etc/hostname"),
            (r#"c'a't "/etc"/sha\dow"#, "cat /etc/shadow"),
            ("cat${IFS}/etc/shadow", "cat /etc/shadow"),
            (r"$'\x63\141t' /etc/shadow", "cat /etc/shadow"),
            ("echo Y2F0IC9ldGMvc2hhZG93 | base64 -d | sh", " cat /etc/shadow"),
            ("echo Y2F0IC9ldGMvc2hhZG93Cg== | base64 -d", " cat /etc/shadow\n"),
            ("powershell -enc YwBhAHQAIAAvAGUAdABjAA==", " cat /etc"),
            ("echo 636174202f6574632f736861646f77 | xxd -r -p", " cat /etc/shadow"),
        ] {
            assert_eq!(readings(line).last().unwrap(), last, "{line}");
            assert_eq!(readings(line).first().unwrap(), line);
        }
        // Twice encoded, and without a decoder.
        let twice = "echo ZWNobyBZMkYwSUM5bGRHTXZjMmhoWkc5MyB8IGJhc2U2NCAtZA== | base64 -d | sh";
        assert_eq!(readings(twice).last().unwrap(), " cat /etc/shadow");
        assert_eq!(readings("echo Y2F0IC9ldGMvc2hhZG93").len(), 1);
        assert_eq!(readings("\\").len(), 2);
    }
}
