//! Literals: the escapes of texts and byte strings, and where a decimal number ends.

use std::str::Chars;

use super::syntax::Literal;

/// The value of a text between its quotes.
///
/// # Errors
/// An escape that the language does not have.
pub(super) fn text(inner: &str, is_raw: bool, is_bytes: bool) -> Result<Literal, String> {
    let mut bytes = Vec::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' && !is_raw {
            escape(&mut letters, is_bytes, &mut bytes)?;
        } else {
            push(letter, &mut bytes);
        }
    }
    if is_bytes {
        return Ok(Literal::Bytes(bytes));
    }
    String::from_utf8(bytes).map(Literal::Text).map_err(|_| "the text is no UTF-8".to_owned())
}

fn push(letter: char, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}

fn escape(letters: &mut Chars<'_>, is_bytes: bool, bytes: &mut Vec<u8>) -> Result<(), String> {
    let letter = letters.next().ok_or("a `\\` ends the text")?;
    let plain = match letter {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' | '?' | '"' | '\'' | '`' => letter,
        'x' | 'X' => return number(letters, "", 2, 16, is_bytes, bytes),
        '0'..='3' => {
            return number(letters, letter.encode_utf8(&mut [0; 4]), 2, 8, is_bytes, bytes);
        }
        'u' if !is_bytes => return number(letters, "", 4, 16, false, bytes),
        'U' if !is_bytes => return number(letters, "", 8, 16, false, bytes),
        _ => {
            return Err(format!(
                "`\\{letter}` is no escape: write `\\\\` for a backslash, or a raw text r'…'"
            ));
        }
    };
    push(plain, bytes);
    Ok(())
}

/// A byte or letter by its number.
fn number(
    letters: &mut Chars<'_>,
    first: &str,
    count: usize,
    radix: u32,
    is_bytes: bool,
    bytes: &mut Vec<u8>,
) -> Result<(), String> {
    let mut digits = first.to_owned();
    digits.extend(letters.by_ref().take(count));
    let wrong = || format!("`\\…{digits}` is no letter's number");
    if digits.chars().count() != first.len() + count || digits.starts_with('+') {
        return Err(wrong());
    }
    let number = u32::from_str_radix(&digits, radix).map_err(|_| wrong())?;
    if is_bytes {
        bytes.push(u8::try_from(number).map_err(|_| wrong())?);
    } else {
        push(char::from_u32(number).ok_or_else(wrong)?, bytes);
    }
    Ok(())
}

/// Where a decimal number ends that the text begins with: digits, perhaps a fraction, perhaps an exponent.
pub(super) fn end_of_decimal(text: &str) -> usize {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len())
    };
    let starts = |at: usize, with: &[char]| text.get(at..).is_some_and(|it| it.starts_with(with));
    let mut end = digits(0);
    if starts(end, &['.']) && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    if starts(end, &['e', 'E']) {
        let sign = usize::from(starts(end + 1, &['+', '-']));
        if digits(end + 1 + sign) > end + 1 + sign {
            end = digits(end + 1 + sign);
        }
    }
    end
}
