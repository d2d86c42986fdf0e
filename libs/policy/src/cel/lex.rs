//! The words of an expression: names, literals and signs, each with its place.
//!
//! Owns what a word is, by the language's specification. What the words mean together is `parse`'s.

use airside_k8s::Position;

use super::SyntaxError;
use super::literal;
use super::syntax::Literal;

/// A word with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub(super) at: Position,
    pub(super) token: Token,
}

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    /// A name in backticks, which may hold `.`, `-`, `/` and spaces.
    Quoted(String),
    Literal(Literal),
    /// Digits that are an `int`, without their sign: `-9223372036854775808` is one, its digits are not.
    Digits {
        text: String,
        radix: u32,
    },
    Sign(&'static str),
    End,
}

/// Longer ones first: `<=` before `<`.
const SIGNS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",",
    "(", ")", "[", "]", "{", "}",
];

/// The words of a text, the end last.
pub(super) fn words(text: &str) -> Result<Vec<Word>, SyntaxError> {
    let mut lexer = Lexer { rest: text, at: Position { line: 1, column: 1 } };
    let mut words = Vec::new();
    loop {
        let word = lexer.word()?;
        let is_end = word.token == Token::End;
        words.push(word);
        if is_end {
            return Ok(words);
        }
    }
}

struct Lexer<'t> {
    rest: &'t str,
    at: Position,
}

impl<'t> Lexer<'t> {
    fn word(&mut self) -> Result<Word, SyntaxError> {
        self.skip_blanks();
        let at = self.at;
        let token = match self.rest.chars().next() {
            None => Token::End,
            Some('`') => self.quoted_name()?,
            Some(first) if first.is_ascii_digit() => self.number()?,
            Some('.') if self.rest.chars().nth(1).is_some_and(|it| it.is_ascii_digit()) => {
                self.number()?
            }
            Some('"' | '\'') => self.string("")?,
            Some(first) if first.is_ascii_alphabetic() || first == '_' => self.name()?,
            Some(first) => {
                let sign = SIGNS.iter().find(|sign| self.rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| {
                    SyntaxError::new(at, format!("`{first}` has no meaning here"))
                })?;
                self.take(sign.len());
                Token::Sign(sign)
            }
        };
        Ok(Word { at, token })
    }

    /// Takes bytes off the rest, which end at a letter's border.
    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        for letter in taken.chars() {
            if letter == '\n' {
                self.at = Position { line: self.at.line.saturating_add(1), column: 1 };
            } else {
                self.at.column = self.at.column.saturating_add(1);
            }
        }
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|letter| !is_part(letter)).unwrap_or(self.rest.len());
        self.take(end)
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(|letter| matches!(letter, ' ' | '\t' | '\n' | '\r' | '\x0c'));
            if !self.rest.starts_with("//") {
                return;
            }
            self.take_while(|letter| letter != '\n');
        }
    }

    fn name(&mut self) -> Result<Token, SyntaxError> {
        let end = self.rest.find(|it: char| !(it.is_ascii_alphanumeric() || it == '_'));
        let (name, after) =
            self.rest.split_at_checked(end.unwrap_or(self.rest.len())).unwrap_or_default();
        let is_prefix = matches!(
            name,
            "r" | "R" | "b" | "B" | "rb" | "rB" | "Rb" | "RB" | "br" | "bR" | "Br" | "BR"
        );
        if is_prefix && after.starts_with(['"', '\'']) {
            return self.string(name);
        }
        self.take(name.len());
        Ok(match name {
            "true" => Token::Literal(Literal::Bool(true)),
            "false" => Token::Literal(Literal::Bool(false)),
            "null" => Token::Literal(Literal::Null),
            "in" => Token::Sign("in"),
            _ => Token::Name(name.to_owned()),
        })
    }

    fn quoted_name(&mut self) -> Result<Token, SyntaxError> {
        let at = self.at;
        self.take(1);
        let is_part =
            |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | '-' | '/' | ' ');
        let name = self.take_while(is_part);
        if name.is_empty() || !self.rest.starts_with('`') {
            let problem = "a name in backticks holds letters, digits, `_`, `.`, `-`, `/` or spaces";
            return Err(SyntaxError::new(at, problem.to_owned()));
        }
        self.take(1);
        Ok(Token::Quoted(name.to_owned()))
    }

    fn string(&mut self, prefix: &'t str) -> Result<Token, SyntaxError> {
        let at = self.at;
        self.take(prefix.len());
        let (is_raw, is_bytes) = (prefix.contains(['r', 'R']), prefix.contains(['b', 'B']));
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|it| self.rest.starts_with(it));
        let quote = quote.unwrap_or("'");
        self.take(quote.len());
        let inner = self.inner(quote, is_raw).ok_or_else(|| {
            SyntaxError::new(at, format!("the text has no end: `{quote}` is missing"))
        })?;
        self.take(quote.len());
        let value = literal::text(inner, is_raw, is_bytes);
        Ok(Token::Literal(value.map_err(|problem| SyntaxError::new(at, problem))?))
    }

    /// What stands up to the closing quote; none where there is no such quote.
    fn inner(&mut self, quote: &str, is_raw: bool) -> Option<&'t str> {
        let mut is_escaped = false;
        for (at, letter) in self.rest.char_indices() {
            if is_escaped {
                is_escaped = false;
            } else if letter == '\\' && !is_raw {
                is_escaped = true;
            } else if self.rest.get(at..).is_some_and(|rest| rest.starts_with(quote)) {
                return Some(self.take(at));
            } else if quote.len() == 1 && matches!(letter, '\n' | '\r') {
                return None;
            }
        }
        None
    }

    fn number(&mut self) -> Result<Token, SyntaxError> {
        let at = self.at;
        let wrong = |text: &str| SyntaxError::new(at, format!("`{text}` is no number that fits"));
        let token = if self.rest.starts_with("0x") || self.rest.starts_with("0X") {
            self.take(2);
            let digits = self.take_while(|letter| letter.is_ascii_hexdigit());
            self.whole(digits, 16).ok_or_else(|| wrong(digits))?
        } else {
            let end = literal::end_of_decimal(self.rest);
            let text = self.take(end);
            if text.contains(['.', 'e', 'E']) {
                let value: f64 = text.parse().map_err(|_| wrong(text))?;
                Token::Literal(Literal::Double(value))
            } else {
                self.whole(text, 10).ok_or_else(|| wrong(text))?
            }
        };
        if self.rest.starts_with(|it: char| it.is_ascii_alphanumeric() || it == '_') {
            return Err(SyntaxError::new(
                self.at,
                "a number ends here, and a name begins".to_owned(),
            ));
        }
        Ok(token)
    }

    fn whole(&mut self, digits: &str, radix: u32) -> Option<Token> {
        if self.rest.starts_with(['u', 'U']) {
            self.take(1);
            return u64::from_str_radix(digits, radix)
                .ok()
                .map(|it| Token::Literal(Literal::Uint(it)));
        }
        (!digits.is_empty()).then(|| Token::Digits { text: digits.to_owned(), radix })
    }
}
