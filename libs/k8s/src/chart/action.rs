//! The actions of a template, `{{ … }}`, as far as they say which values they take.
//!
//! Owns the words of an action and what it does: open or close a block, set a variable, or write
//! something. Functions are not computed: what matters is which paths are their arguments.

/// A word of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word<'t> {
    /// A path, such as `.Values.image.tag`, `$.Values.a`, `$port.name` or a lone `.`.
    Path(&'t str),
    /// A function or keyword.
    Name(&'t str),
    /// A text between quotes, without them.
    Text(&'t str),
    /// A number.
    Number(&'t str),
    /// What follows a closing parenthesis directly, as `.b` in `(f .a).b`.
    Continued,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `|`
    Pipe,
    /// `:=` or `=`
    Assign,
    /// `,`
    Comma,
}

/// The words of an action's text, without its braces; none where something in it is unknown.
pub(super) fn words(text: &str) -> Option<Vec<Word<'_>>> {
    let mut words = Vec::new();
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start();
        let is_continued = trimmed.len() == rest.len() && words.last() == Some(&Word::Close);
        let Some(first) = trimmed.chars().next() else { return Some(words) };
        let (word, length) = match first {
            '"' | '`' | '\'' => quoted(trimmed, first)?,
            '(' => (Word::Open, 1),
            ')' => (Word::Close, 1),
            '|' => (Word::Pipe, 1),
            ',' => (Word::Comma, 1),
            ':' if trimmed.starts_with(":=") => (Word::Assign, 2),
            '=' => (Word::Assign, 1),
            _ => plain(trimmed, first, is_continued)?,
        };
        words.push(word);
        rest = trimmed.get(length..)?;
    }
}

fn quoted(text: &str, quote: char) -> Option<(Word<'_>, usize)> {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if letter == '\\' && quote != '`' {
            is_escaped = true;
        } else if letter == quote {
            return Some((Word::Text(text.get(1..at)?), at + 1));
        }
    }
    None
}

fn plain(text: &str, first: char, is_continued: bool) -> Option<(Word<'_>, usize)> {
    let ends = |letter: char| {
        letter.is_whitespace() || matches!(letter, '(' | ')' | '|' | ',' | ':' | '=' | '"' | '`')
    };
    let length = text.find(ends).unwrap_or(text.len());
    let word = text.get(..length).filter(|word| !word.is_empty())?;
    let word = match first {
        '.' if is_continued => Word::Continued,
        '.' | '$' => Word::Path(word),
        '0'..='9' | '-' | '+' => Word::Number(word),
        letter if letter.is_alphabetic() || letter == '_' => Word::Name(word),
        _ => return None,
    };
    Some((word, length))
}

/// What an action does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action<'t> {
    /// A comment, `break`, `continue`.
    Nothing,
    /// `if`: the block is rendered or not.
    If,
    /// `with`: `.` is something else in the block.
    With(Vec<Word<'t>>),
    /// `range`: the block is rendered for each element.
    Range(Vec<Word<'t>>),
    /// `define`, `block`: the block is rendered elsewhere.
    Define,
    /// `else`, with what follows it.
    Else(Vec<Word<'t>>),
    /// `end`
    End,
    /// `$name := …` or `$name = …`
    Assign(&'t str, Vec<Word<'t>>),
    /// Writes what the words give.
    Write(Vec<Word<'t>>),
}

impl<'t> Action<'t> {
    /// Reads an action's text, without braces and trim marks.
    pub(super) fn read(text: &'t str) -> Option<Self> {
        if text.starts_with("/*") {
            return Some(Self::Nothing);
        }
        let words = words(text)?;
        let rest = || words.get(1..).unwrap_or_default().to_vec();
        Some(match words.first()? {
            Word::Name("if") => Self::If,
            Word::Name("with") => Self::With(rest()),
            Word::Name("range") => Self::Range(rest()),
            Word::Name("define" | "block") => Self::Define,
            Word::Name("else") => Self::Else(rest()),
            Word::Name("end") => Self::End,
            Word::Name("break" | "continue") => Self::Nothing,
            Word::Path(name) if words.get(1) == Some(&Word::Assign) => {
                Self::Assign(name, words.get(2..).unwrap_or_default().to_vec())
            }
            _ => Self::Write(words),
        })
    }
}

/// The paths that words take as arguments. What `include` and `template` are given is where a named
/// template starts from, and no value of its own.
pub(super) fn arguments<'t>(words: &[Word<'t>]) -> Vec<&'t str> {
    let mut paths = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        match word {
            Word::Path(path) => paths.push(*path),
            Word::Name("include" | "template") => at = behind_arguments(words, at),
            _ => {}
        }
    }
    paths
}

/// The position behind all arguments of a function that begin at a position.
fn behind_arguments(words: &[Word<'_>], from: usize) -> usize {
    let mut depth = 0_usize;
    let rest = words.get(from..).unwrap_or_default();
    for (offset, word) in rest.iter().enumerate() {
        match word {
            Word::Open => depth += 1,
            Word::Close if depth == 0 => return from + offset,
            Word::Close => depth -= 1,
            Word::Pipe if depth == 0 => return from + offset,
            _ => {}
        }
    }
    words.len()
}
