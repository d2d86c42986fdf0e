//! The inner loops of reading: where a string ends, where brackets close, what escapes mean.

use wide::u8x16;

/// Where something ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// Behind its last byte, without the quote.
    pub(super) end: usize,
    /// Where the next thing begins; where it broke, if it is not closed.
    pub(super) next: usize,
    /// Whether it ended at all.
    pub(super) is_closed: bool,
    /// Whether there is an escape within.
    pub(super) is_escaped: bool,
}

const QUOTES: u8x16 = u8x16::splat(b'"');
const BACKSLASHES: u8x16 = u8x16::splat(b'\\');

/// How many bytes come before the first quote or backslash.
#[inline]
pub(crate) fn plain(bytes: &[u8]) -> usize {
    let (blocks, rest) = bytes.as_chunks();
    for (count, block) in (0..).step_by(16).zip(blocks) {
        let block = u8x16::new(*block);
        let found = (block.simd_eq(QUOTES) | block.simd_eq(BACKSLASHES)).to_bitmask();
        if found != 0 {
            return count + found.trailing_zeros() as usize;
        }
    }
    let ends = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
    bytes.len() - rest.len() + ends.unwrap_or(rest.len())
}

/// The end of a string that begins at a byte, behind its opening quote.
#[inline]
pub(super) fn string(bytes: &[u8], start: usize) -> End {
    let mut at = start;
    let mut is_escaped = false;
    loop {
        at += plain(bytes.get(at..).unwrap_or_default());
        match bytes.get(at) {
            Some(b'"') => return End { end: at, next: at + 1, is_closed: true, is_escaped },
            Some(_) => {
                is_escaped = true;
                at += 2;
            }
            None => {
                let end = bytes.len();
                return End { end, next: end, is_closed: false, is_escaped };
            }
        }
    }
}

/// The end of the object or list that begins at a byte. What stands between is not looked at but for the
/// kinds of brackets, of the outer 128 levels.
pub(super) fn brackets(bytes: &[u8], start: usize) -> End {
    let mut at = start;
    let (mut depth, mut are_objects) = (0_usize, 0_u128);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let found = string(bytes, at);
                at = found.next;
            }
            b'{' | b'[' => {
                if depth < 128 {
                    are_objects = are_objects << 1 | u128::from(*byte == b'{');
                }
                depth += 1;
            }
            b'}' | b']' => {
                depth -= 1;
                if depth < 128 {
                    if (are_objects & 1 == 1) != (*byte == b'}') {
                        return End { end: at, next: at - 1, is_closed: false, is_escaped: false };
                    }
                    are_objects >>= 1;
                }
                if depth == 0 {
                    return End { end: at, next: at, is_closed: true, is_escaped: false };
                }
            }
            _ => {}
        }
    }
    End { end: bytes.len(), next: bytes.len(), is_closed: false, is_escaped: false }
}

/// Whether a word is a number or one of the three words of JSON.
pub(super) fn is_scalar(word: &str) -> bool {
    let begins = word.as_bytes().first().is_some_and(|byte| *byte == b'-' || byte.is_ascii_digit());
    matches!(word, "null" | "true" | "false")
        || begins && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// A string's text with its escapes resolved. What means nothing, such as half a surrogate pair or a
/// backslash at the end, reads as U+FFFD.
pub(super) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (meaning, length) = escape(after);
        out.push(meaning);
        rest = after.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// What the escape means whose backslash stands before, and how many bytes it has.
fn escape(text: &str) -> (char, usize) {
    let Some(first) = text.chars().next() else { return (char::REPLACEMENT_CHARACTER, 0) };
    let plain = match first {
        '"' | '\\' | '/' => first,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode(text),
        _ => return (char::REPLACEMENT_CHARACTER, first.len_utf8()),
    };
    (plain, 1)
}

/// `uXXXX`, or a pair of them with a backslash between.
fn unicode(text: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 4).filter(|it| it.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(1) else { return (char::REPLACEMENT_CHARACTER, 1) };
    if let Some(letter) = char::from_u32(first) {
        return (letter, 5);
    }
    let is_pair = first < 0xdc00 && text.get(5..7) == Some("\\u");
    let second = unit(7).filter(|second| is_pair && (0xdc00..0xe000).contains(second));
    let pair = second.map(|second| 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
    pair.and_then(char::from_u32).map_or((char::REPLACEMENT_CHARACTER, 5), |letter| (letter, 11))
}
