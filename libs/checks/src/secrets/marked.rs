//! Credentials that a mark before or within them gives away, in any text: signatures of addresses, and tokens that
//! begin with a number of no fixed length.

use memchr::memmem;

use super::Confidence;
use super::providers::is_no_example;
use super::shapes::Tokens;

/// No address is longer.
const LONGEST: usize = 1024;

/// The credentials of a text that are told by a mark.
pub(super) fn tokens<'t>(text: &'t str, tokens: &mut Tokens<'t>) {
    signatures(text, tokens);
    bots(text, tokens);
}

/// Azure's shared access signatures: 256 bits in base64, percent-encoded, beside what they allow and until when.
fn signatures<'t>(text: &'t str, tokens: &mut Tokens<'t>) {
    for at in memmem::find_iter(text.as_bytes(), "sig=") {
        let ends =
            |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '<' | '>');
        let (Some(before), Some(after)) = (text.get(..at), text.get(at + 4..)) else { continue };
        let start = before.char_indices().rev().take(LONGEST).find(|(_, letter)| ends(*letter));
        let query = before.get(start.map_or(0, |(at, letter)| at + letter.len_utf8())..);
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"%+/=_-".contains(byte);
        let length = after.bytes().take(LONGEST).take_while(is_part).count();
        let signature = after.get(..length).unwrap_or_default();
        let names = |name: &str| query.is_some_and(|query| query.contains(name));
        let is_signed = names("sv=") || names("se=") || after.contains("&se=");
        if (43..=60).contains(&length) && is_signed && is_no_example(signature) {
            let what = "an Azure shared access signature";
            tokens.add(what, Confidence::Shaped, at + 4, signature);
        }
    }
}

/// Telegram's tokens of bots: the bot's number, a colon, and 35 characters that begin with `AA`.
fn bots<'t>(text: &'t str, tokens: &mut Tokens<'t>) {
    const BODY: usize = 35;
    for colon in memmem::find_iter(text.as_bytes(), ":AA") {
        let before = text.as_bytes().get(..colon).unwrap_or_default();
        let digits = before.iter().rev().take(11).take_while(|byte| byte.is_ascii_digit()).count();
        let is_body = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
        let rest = text.get(colon + 1..).unwrap_or_default();
        let length = rest.bytes().take(BODY + 1).take_while(is_body).count();
        let body = rest.get(..length).unwrap_or_default();
        if (8..=10).contains(&digits) && length == BODY && is_no_example(body) {
            let at = colon - digits;
            let token = text.get(at..colon + 1 + length).unwrap_or_default();
            tokens.add("a Telegram bot's token", Confidence::Shaped, at, token);
        }
    }
}
