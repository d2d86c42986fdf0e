//! Credentials that a text shows by their shape alone, wherever they stand in it.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;

use super::providers::{is_no_example, starting_with};
use super::values::{is_indirect, is_placeholder, is_random};
use super::{Confidence, Sort, marked, urls};

/// A credential in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) what: &'static str,
    pub(super) sort: Sort,
    pub(super) confidence: Confidence,
    /// Where it starts, in bytes.
    pub(super) at: usize,
    pub(super) text: &'t str,
}

/// What a text shows by shape.
#[derive(Debug, Default)]
pub(super) struct Tokens<'t> {
    pub(super) found: Vec<Token<'t>>,
    /// Whether something has the shape of a credential and is filled with a placeholder.
    pub(super) has_placeholder: bool,
}

/// How many credentials of one text are told.
const MAX_TOKENS: usize = 64;
/// Shorter texts hold none.
const LEAST: usize = 12;

/// Base64 with or without padding, and with bits to spare: what people write is not always exact.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The credentials of a text, in the order of the text.
pub(super) fn tokens(text: &str) -> Tokens<'_> {
    let mut tokens = Tokens::default();
    if text.len() < LEAST {
        return tokens;
    }
    providers(text, &mut tokens);
    private_keys(text, &mut tokens);
    web_tokens(text, &mut tokens);
    authorisations(text, &mut tokens);
    if memchr::memchr(b'$', text.as_bytes()).is_some() {
        hashes(text, &mut tokens);
    }
    urls::passwords(text, &mut tokens);
    marked::tokens(text, &mut tokens);
    tokens.found.sort_by_key(|token| token.at);
    tokens
}

impl<'t> Tokens<'t> {
    pub(super) fn add(
        &mut self,
        what: &'static str,
        confidence: Confidence,
        at: usize,
        text: &'t str,
    ) {
        self.add_sort(what, Sort::Credential, confidence, at, text);
    }

    fn add_sort(
        &mut self,
        what: &'static str,
        sort: Sort,
        confidence: Confidence,
        at: usize,
        text: &'t str,
    ) {
        if self.found.len() < MAX_TOKENS {
            self.found.push(Token { what, sort, confidence, at, text });
        }
    }
}

/// Where a mark stands in a text, with the text after it.
fn marks<'t>(text: &'t str, mark: &'static str) -> impl Iterator<Item = (usize, &'t str)> {
    memmem::find_iter(text.as_bytes(), mark)
        .filter_map(move |at| Some((at, text.get(at + mark.len()..)?)))
}

/// Whether a word starts here.
fn starts_word(text: &str, at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
    !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Credentials of the table, in one pass over the text.
fn providers<'t>(text: &'t str, tokens: &mut Tokens<'t>) {
    for (at, first) in text.bytes().enumerate() {
        let shapes = starting_with(first);
        // Shapes with a mark in their middle begin with a dot.
        if shapes.is_empty() || (first != b'.' && !starts_word(text, at)) {
            continue;
        }
        let Some(here) = text.get(at..) else { continue };
        for shape in shapes {
            let length = here.strip_prefix(shape.prefix).and_then(|rest| shape.body(rest));
            let token = length.and_then(|length| here.get(..shape.prefix.len() + length));
            if let Some(token) = token {
                tokens.add(shape.what, shape.confidence, at, token);
            }
        }
    }
}

/// PEM blocks of private keys; certificates, public keys and parameters are none. `\n` may be written out,
/// as in JSON.
fn private_keys<'t>(text: &'t str, tokens: &mut Tokens<'t>) {
    const LONGEST_LABEL: usize = 40;
    const LONGEST: usize = 16 * 1024;
    for (at, rest) in marks(text, "---BEGIN ") {
        let head = rest.bytes().take(LONGEST_LABEL).take_while(|byte| *byte != b'-').count();
        let Some((label, body)) = rest.split_at_checked(head) else { continue };
        let is_private = label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK");
        if !is_private {
            continue;
        }
        let body = body.trim_start_matches('-');
        let near = body.as_bytes().get(..LONGEST).unwrap_or(body.as_bytes());
        let end = memmem::find(near, b"---").unwrap_or(near.len());
        let body = body.get(..end).unwrap_or_default();
        if is_key_material(body) {
            let what = "a private key";
            tokens.add_sort(what, Sort::PrivateKey, Confidence::Shaped, at, body);
        } else {
            tokens.has_placeholder |= !is_indirect(body);
        }
    }
}

/// Whether a line of a PEM block holds key material: the shortest keys (Ed25519) have 64 characters.
fn is_key_material(body: &str) -> bool {
    const LEAST_LINE: usize = 40;
    const LINES: usize = 12;
    let lines = body.split(['\n', ' ']).flat_map(|line| line.split("\\n"));
    lines
        .map(|line| line.trim().trim_matches('\\'))
        .filter(|line| !line.is_empty())
        .take(LINES)
        .any(|line| {
            line.len() >= LEAST_LINE
                && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
                && is_no_example(line)
        })
}

/// JSON Web Tokens: three parts, of which the first decodes to a header.
fn web_tokens<'t>(text: &'t str, tokens: &mut Tokens<'t>) {
    const LONGEST: usize = 8192;
    let mut end = 0;
    for (at, _) in marks(text, "eyJ") {
        if at < end || !starts_word(text, at) {
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        let length = rest.bytes().take(LONGEST).take_while(|byte| is_part(byte)).count();
        end = at + length;
        let token = rest.get(..length).unwrap_or_default();
        if let Some(what) = web_token(token) {
            tokens.add(what, Confidence::Proven, at, token);
        }
    }
}

fn web_token(token: &str) -> Option<&'static str> {
    let mut parts = token.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let json = |part: &str| -> Option<serde_json::Value> {
        serde_json::from_slice(&URL_SAFE.decode(part).ok()?).ok()
    };
    json(header)?.get("alg")?.as_str().filter(|algorithm| *algorithm != "none")?;
    let claims = json(claims);
    let claim = |name: &str| claims.as_ref()?.get(name)?.as_str();
    // The token of jwt.io, which every documentation shows.
    let is_example = claim("sub") == Some("1234567890") || claim("name") == Some("John Doe");
    let is_account = claim("sub").is_some_and(|sub| sub.starts_with("system:serviceaccount:"));
    match signature.len() {
        20.. if is_account => Some("a service account's token"),
        20.. if !is_example => Some("a JSON Web Token"),
        _ => None,
    }
}

/// `Basic` with a user and a password in base64, and `Bearer` with a token.
fn authorisations<'t>(text: &'t str, tokens: &mut Tokens<'t>) {
    const LONGEST: usize = 1024;
    let word = |rest: &'t str| {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-.~".contains(byte);
        let length = rest.bytes().take(LONGEST).take_while(|byte| is_part(byte)).count();
        rest.get(..length).unwrap_or_default()
    };
    for (at, rest) in marks(text, "asic ") {
        let given = word(rest);
        if given.len() >= 6 && pair_of(given).is_some_and(|(_, password)| is_literal(&password)) {
            tokens.add("basic authentication with a password", Confidence::Proven, at, given);
        }
    }
    for (at, rest) in marks(text, "earer ") {
        let given = word(rest);
        if is_random(given) && !given.starts_with("eyJ") {
            tokens.add("a bearer token", Confidence::Shaped, at, given);
        }
    }
}

/// The user and the password that a text in base64 holds.
pub(super) fn pair_of(encoded: &str) -> Option<(String, String)> {
    let text = decoded(encoded)?;
    let (user, password) = text.split_once(':')?;
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    (!user.is_empty() && is_plain(user) && is_plain(password))
        .then(|| (user.to_owned(), password.to_owned()))
}

pub(super) fn is_literal(password: &str) -> bool {
    !password.is_empty() && !is_indirect(password) && !is_placeholder(password)
}

/// Hashes of passwords, which can be tried out at leisure: bcrypt, htpasswd's MD5, crypt, Argon2.
fn hashes<'t>(text: &'t str, tokens: &mut Tokens<'t>) {
    const FORMS: [(&str, usize); 8] = [
        ("$2a$", 56),
        ("$2b$", 56),
        ("$2y$", 56),
        ("$apr1$", 25),
        ("$argon2id$", 60),
        ("$argon2i$", 60),
        ("$6$", 88),
        ("$5$", 45),
    ];
    const LONGEST: usize = 200;
    for (form, least) in FORMS {
        for (at, rest) in marks(text, form) {
            let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"./$,=+".contains(byte);
            let length = rest.bytes().take(LONGEST).take_while(|byte| is_part(byte)).count();
            let token = rest.get(..length).unwrap_or_default();
            if length >= least && is_no_example(token) {
                tokens.add("a hash of a password", Confidence::Shaped, at, token);
            }
        }
    }
}

/// The text that base64 of a bounded size holds, when it is text.
pub(super) fn decoded(encoded: &str) -> Option<String> {
    const MAX_ENCODED: usize = 256 * 1024;
    if encoded.len() > MAX_ENCODED {
        return None;
    }
    let compact: String = encoded.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(&compact).or_else(|_| URL_SAFE.decode(&compact)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let is_text = text.chars().all(|letter| !letter.is_control() || letter.is_ascii_whitespace());
    is_text.then_some(text)
}
