//! JSON text to documents with places.
//!
//! JSON is nearly YAML, but not quite: surrogate pairs, tabs and keys of any length are fine here and not
//! there. Several values may follow each other, as in the output of many tools.

use std::borrow::Cow;

use super::build::Builder;
use super::error::{Problem, YamlError, position};
use super::limits::Limits;
use super::scalar;
use super::{Document, Parsed};
use crate::places::Position;
use crate::value::Value;

/// Whether a text starts as a JSON object does: a brace, then a quoted key or the end of the object.
pub(super) fn looks_like_json(text: &str) -> bool {
    text.trim_start()
        .strip_prefix('{')
        .is_some_and(|rest| rest.trim_start().starts_with(['"', '}']))
}

/// Reads the values of a text; stops at the first that is broken.
pub(super) fn parse(text: &str, limits: &Limits) -> Parsed {
    let mut parsed = Parsed::default();
    let mut builder = Builder::new(limits);
    let mut reader = Reader { rest: text, line: 1, column: 1 };
    loop {
        reader.skip_space();
        if reader.rest.is_empty() {
            break;
        }
        if parsed.documents.len() + parsed.errors.len() >= limits.max_documents {
            let problem = Problem::TooManyDocuments(limits.max_documents);
            parsed.errors.push(YamlError::new(reader.position(), problem));
            break;
        }
        builder.reset();
        if let Err(error) = reader.value(&mut builder) {
            parsed.errors.push(error);
            break;
        }
        parsed.errors.extend(builder.duplicates());
        parsed.documents.extend(builder.finish().map(|(value, places)| Document {
            line: places.root().value_position().line,
            value,
            places,
            template: None,
        }));
    }
    parsed
}

/// What an open list or map waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    List,
    Map,
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

impl<'a> Reader<'a> {
    const fn skip(&mut self, text: &'a str, columns: usize) {
        self.rest = text;
        self.column += columns;
    }

    fn position(&self) -> Position {
        position(self.line, self.column)
    }

    fn error(&self, what: &'static str) -> YamlError {
        YamlError::new(self.position(), Problem::JsonSyntax(what))
    }

    fn skip_space(&mut self) {
        loop {
            let Some(byte) = self.rest.bytes().next() else { return };
            let after = self.rest.get(1..);
            match (byte, after) {
                (b'\n', Some(after)) => {
                    self.rest = after;
                    self.line += 1;
                    self.column = 1;
                }
                (b' ' | b'\t' | b'\r', Some(after)) => self.skip(after, 1),
                _ => return,
            }
        }
    }

    /// Takes one of JSON's punctuation marks, if it is next.
    fn take(&mut self, mark: char) -> bool {
        match self.rest.strip_prefix(mark) {
            Some(after) => {
                self.skip(after, 1);
                true
            }
            None => false,
        }
    }

    /// One value with all that is in it. A loop over a stack, so that depth is bounded by the builder.
    fn value(&mut self, builder: &mut Builder<'_>) -> Result<(), YamlError> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.skip_space();
            let at = self.position();
            if self.take('{') {
                builder.begin_map(0, at)?;
                open.push(Open::Map);
                self.skip_space();
                if !self.take('}') {
                    self.key(builder)?;
                    continue;
                }
                builder.end()?;
                open.pop();
            } else if self.take('[') {
                builder.begin_list(0, at)?;
                open.push(Open::List);
                self.skip_space();
                if !self.take(']') {
                    continue;
                }
                builder.end()?;
                open.pop();
            } else {
                let value = self.scalar()?;
                builder.scalar(value, 0, at)?;
            }
            if !self.close_or_continue(&mut open, builder)? {
                return Ok(());
            }
        }
    }

    /// After a value: closes what ends here. False when the outermost value has ended.
    fn close_or_continue(
        &mut self,
        open: &mut Vec<Open>,
        builder: &mut Builder<'_>,
    ) -> Result<bool, YamlError> {
        while let Some(innermost) = open.last().copied() {
            self.skip_space();
            if self.take(',') {
                self.skip_space();
                if innermost == Open::Map {
                    self.key(builder)?;
                }
                return Ok(true);
            }
            let (mark, wanted) = match innermost {
                Open::Map => ('}', "expected `,` or `}`"),
                Open::List => (']', "expected `,` or `]`"),
            };
            if !self.take(mark) {
                return Err(self.error(wanted));
            }
            builder.end()?;
            open.pop();
        }
        Ok(false)
    }

    /// A key and its colon.
    fn key(&mut self, builder: &mut Builder<'_>) -> Result<(), YamlError> {
        let at = self.position();
        let name = self.string().ok_or_else(|| self.error("expected a key in double quotes"))?;
        builder.key(&name, at);
        self.skip_space();
        if self.take(':') { Ok(()) } else { Err(self.error("expected `:` after the key")) }
    }

    fn scalar(&mut self) -> Result<Value, YamlError> {
        if self.rest.starts_with('"') {
            let text =
                self.string().ok_or_else(|| self.error("a text is not closed or not valid"))?;
            return Ok(Value::from(text.into_owned()));
        }
        for (word, value) in
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
        {
            if let Some(after) = self.rest.strip_prefix(word) {
                self.skip(after, word.len());
                return Ok(value);
            }
        }
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E')))
            .unwrap_or(self.rest.len());
        let (number, after) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        if !is_json_number(number) {
            return Err(self.error("expected a value"));
        }
        let value = scalar::json_number(number)
            .map_err(|problem| YamlError::new(self.position(), problem))?;
        self.skip(after, number.len());
        Ok(value)
    }

    /// A text in double quotes, with its escapes resolved.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        let body = self.rest.strip_prefix('"')?;
        let mut has_escape = false;
        let mut from = 0;
        let end = loop {
            let at = from + memchr::memchr2(b'"', b'\\', body.as_bytes().get(from..)?)?;
            if body.as_bytes().get(at) == Some(&b'"') {
                break at;
            }
            has_escape = true;
            from = at + 2;
        };
        let content = body.get(..end)?;
        if content.bytes().any(|byte| byte < 0x20) {
            return None;
        }
        let text = if has_escape {
            Cow::Owned(serde_json::from_str(self.rest.get(..end + 2)?).ok()?)
        } else {
            Cow::Borrowed(content)
        };
        self.skip(body.get(end + 1..)?, content.chars().count() + 2);
        Some(text)
    }
}

/// JSON's grammar of numbers, which is narrower than what Rust reads.
fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|part| digits(part.strip_prefix(['+', '-']).unwrap_or(part)))
}
