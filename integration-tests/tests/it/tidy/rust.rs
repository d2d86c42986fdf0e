//! Rust sources as tokens: enough of the grammar to tell code from comments and texts.
//!
//! Owns the lexing and the search for paths such as `Instant::now`. Knows no rule. Input is code
//! that compiles, so broken code gives some tokens and no error.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, keyword, number or lifetime.
    Word,
    /// The inside of a string literal of any form, escapes as written.
    Text,
    /// One character of punctuation.
    Mark,
}

/// A piece of code. Comments and white space are no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Counted from 1.
    pub(super) line: usize,
}

impl Token<'_> {
    pub(super) fn is_word(&self, text: &str) -> bool {
        self.kind == Kind::Word && self.text == text
    }

    pub(super) fn is_mark(&self, text: &str) -> bool {
        self.kind == Kind::Mark && self.text == text
    }
}

/// Splits a source file.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < source.len() {
        let rest = &source[at..];
        let (length, token) = next(rest);
        if let Some((kind, text)) = token {
            found.push(Token { kind, text, line });
        }
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

/// The length of what comes next, and the token that it is, if any.
fn next(rest: &str) -> (usize, Option<(Kind, &str)>) {
    let first = rest.chars().next().expect("not at the end");
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), None);
    }
    if let Some((length, text)) = string(rest) {
        return (length, Some((Kind::Text, text)));
    }
    if first == '\'' {
        return quote(rest);
    }
    if is_word(first) {
        let length = rest.find(|char| !is_word(char)).unwrap_or(rest.len());
        return (length, Some((Kind::Word, &rest[..length])));
    }
    let length = first.len_utf8();
    let token = (!first.is_whitespace()).then_some((Kind::Mark, &rest[..length]));
    (length, token)
}

fn is_word(char: char) -> bool {
    char == '_' || char.is_alphanumeric()
}

/// The length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let here = &rest[at..];
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The length and the inside of a string literal: `""`, `b""`, `c""`, `r""`, `br#""#` …
fn string(rest: &str) -> Option<(usize, &str)> {
    let prefix = rest.find(|char: char| !matches!(char, 'b' | 'c' | 'r'))?;
    if prefix > 2 {
        return None;
    }
    let raw = rest[..prefix].contains('r');
    let hashes = rest[prefix..].find(|char| char != '#')?;
    if (hashes > 0 && !raw) || !rest[prefix + hashes..].starts_with('"') {
        return None;
    }
    let start = prefix + hashes + 1;
    let inside = &rest[start..];
    let length = if raw {
        let end = format!("\"{}", "#".repeat(hashes));
        inside.find(&end).unwrap_or(inside.len())
    } else {
        escaped_end(inside, '"')
    };
    Some(((start + length + 1 + hashes).min(rest.len()), &inside[..length]))
}

/// Where `end` stands without a backslash before it.
fn escaped_end(inside: &str, end: char) -> usize {
    let mut escaped = false;
    for (at, char) in inside.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == end => return at,
            _ => {}
        }
    }
    inside.len()
}

/// A character literal, which is no token here, or a lifetime.
fn quote(rest: &str) -> (usize, Option<(Kind, &str)>) {
    let inside = &rest[1..];
    let mut chars = inside.chars();
    let (first, second) = (chars.next(), chars.next());
    if first == Some('\\') || second == Some('\'') {
        return ((2 + escaped_end(inside, '\'')).min(rest.len()), None);
    }
    let length = 1 + inside.find(|char| !is_word(char)).unwrap_or(inside.len());
    (length, Some((Kind::Word, &rest[..length])))
}

/// The lines on which the code holds `pattern`, itself Rust code such as `Instant::now`. A path
/// with more before it counts too: `std::time::Instant::now`.
pub(super) fn lines_with(code: &[Token<'_>], pattern: &str) -> Vec<usize> {
    let pattern = tokens(pattern);
    let same = |(a, b): (&Token<'_>, &Token<'_>)| a.kind == b.kind && a.text == b.text;
    code.windows(pattern.len())
        .filter(|window| window.iter().zip(&pattern).all(same))
        .map(|window| window[0].line)
        .collect()
}

/// The code without items that only tests see: those under an attribute such as `#[cfg(test)]`,
/// `#[test]` or `#[cfg(any(test, feature = "testsuite"))]`.
pub(super) fn without_tests<'a>(code: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut kept = Vec::with_capacity(code.len());
    let mut at = 0;
    while at < code.len() {
        if is_attribute(&code[at..]) {
            let end = at + group(&code[at + 1..]) + 1;
            if for_tests(&code[at..end]) {
                at = end + item(&code[end..]);
                continue;
            }
        }
        kept.push(code[at]);
        at += 1;
    }
    kept
}

fn is_attribute(code: &[Token<'_>]) -> bool {
    matches!(code, [hash, bracket, ..] if hash.is_mark("#") && bracket.is_mark("["))
}

fn for_tests(attribute: &[Token<'_>]) -> bool {
    let word = |text| attribute.iter().any(|token| token.is_word(text));
    let testsuite =
        attribute.iter().any(|token| token.kind == Kind::Text && token.text == "testsuite");
    (word("test") || testsuite) && !word("not") && !word("cfg_attr")
}

/// The number of tokens of the bracketed group that starts here, brackets included.
pub(super) fn group(code: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in code.iter().enumerate().filter(|(_, token)| token.kind == Kind::Mark) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// The number of tokens of the item that starts here: up to its body, `;` or `,`.
fn item(code: &[Token<'_>]) -> usize {
    let mut at = 0;
    while at < code.len() {
        let token = code[at];
        if token.kind == Kind::Mark {
            match token.text {
                ";" | "," => return at + 1,
                "{" => return at + group(&code[at..]),
                "(" | "[" => {
                    at += group(&code[at..]);
                    continue;
                }
                "}" | ")" | "]" => return at,
                _ => {}
            }
        }
        at += 1;
    }
    at
}

#[test]
fn comments_and_texts_are_no_code() {
    let source = r####"
        // Instant::now
        /* Instant /* nested */ ::now */
        let a = "Instant::now \" Instant::now"; let b = r#"a " Instant::now"#; let c = br"Instant::now";
        let d = '"'; let e = '\''; let f: &'static str = "x"; let g = b'"';
        let h = std::time::Instant
            ::now();
    "####;
    assert_eq!(lines_with(&tokens(source), "Instant::now"), [6]);
    let texts: Vec<&str> = tokens(source)
        .into_iter()
        .filter(|token| token.kind == Kind::Text)
        .map(|token| token.text)
        .collect();
    assert_eq!(texts, ["Instant::now \\\" Instant::now", "a \" Instant::now", "Instant::now", "x"]);
}

#[test]
fn items_under_test_attributes_are_left_out() {
    let source = "
        use a::{b, c};
        #[cfg(test)] mod tests { fn f() { now(); } }
        #[cfg(test)] mod more;
        #[cfg(any(test, feature = \"testsuite\"))] #[must_use] pub fn g() -> [u8; 2] { now() }
        #[test] fn h() { now(); }
        #[cfg(not(test))] fn i() { now(); }
        struct S { #[cfg(test)] j: Now, k: u8 }
        fn l() { now(); }
    ";
    let code = without_tests(&tokens(source));
    assert_eq!(lines_with(&code, "now()"), [7, 9]);
    assert_eq!(lines_with(&code, "k: u8").len(), 1);
    assert_eq!(lines_with(&code, "Now"), [] as [usize; 0]);
    assert_eq!(lines_with(&code, "more").len(), 0);
}
