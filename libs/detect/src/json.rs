//! Reading JSON that may be broken, cut or larger than anybody wants to look at: one walk over the text,
//! without a tree and without copies.
//!
//! Logs are what attackers write into, and they arrive cut. So a `Cursor` hands out what it has read up to
//! the break, and remembers the break (`Cursor::broken`); texts with escapes that mean nothing read with
//! U+FFFD. What a body of an event holds is left undecoded ([`RawJson`]); `mend` makes valid JSON of one that
//! is cut, too deep or otherwise undecodable. Well-formed JSON reads as serde_json reads it, which a property
//! test holds it to.

use std::borrow::Cow;

mod mend;
pub(crate) mod scan;
#[cfg(test)]
mod tests;

pub use mend::Defect;
pub(crate) use mend::mend;

/// A place in a JSON text.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    broken: Option<Break>,
}

/// Why a text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// It ends in the middle of a value.
    #[error("it ends in the middle of a value")]
    Cut,
    /// Something else stands where a part of a value should.
    #[error("byte {0} belongs to no JSON value")]
    Syntax(usize),
}

/// A value that is not decoded: its text, of which nothing is certain but where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawJson<'a> {
    text: &'a str,
    is_whole: bool,
}

impl<'a> RawJson<'a> {
    /// The text.
    pub const fn get(&self) -> &'a str {
        self.text
    }

    /// Whether the text goes on to the value's end.
    pub const fn is_whole(&self) -> bool {
        self.is_whole
    }
}

impl<'a> Cursor<'a> {
    /// At the beginning of a text.
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, broken: None }
    }

    /// The byte of the text at which it is.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// What made reading end, if anything did.
    pub(crate) const fn broken(&self) -> Option<Break> {
        self.broken
    }

    /// Goes to a byte of the text, and forgets a break.
    pub(crate) const fn go_to(&mut self, at: usize) {
        self.at = at;
        self.broken = None;
    }

    /// The text that it walks over.
    pub(crate) const fn whole(&self) -> &'a str {
        self.text
    }

    /// The text from here on, if anything but space is left.
    pub(crate) fn rest(&mut self) -> Option<&'a str> {
        self.peek()?;
        self.text.get(self.at..)
    }

    /// The text from a byte up to here.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The next byte that is no space; none at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// Steps over a byte if it is the next one.
    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Reading ends here.
    #[cold]
    pub(crate) fn fail(&mut self) {
        let why = if self.at < self.text.len() { Break::Syntax(self.at) } else { Break::Cut };
        self.broken.get_or_insert(why);
    }

    /// Whether the next value is an object, and if so enters it; another value is skipped.
    #[inline]
    pub(crate) fn object(&mut self) -> bool {
        self.enter(b'{')
    }

    /// Whether the next value is a list, and if so enters it; another value is skipped.
    #[inline]
    pub(crate) fn list(&mut self) -> bool {
        self.enter(b'[')
    }

    #[inline]
    fn enter(&mut self, open: u8) -> bool {
        let entered = self.eat(open);
        if !entered {
            self.skip();
        }
        entered
    }

    /// The next key of the object that was entered, with the cursor before its value; none after the last.
    #[inline]
    pub(crate) fn key(&mut self) -> Option<Cow<'a, str>> {
        if let Some(key) = self.close_key() {
            return Some(Cow::Borrowed(key));
        }
        if !self.goes_on(b'{', b'}') {
            return None;
        }
        if self.peek() != Some(b'"') {
            self.fail();
            return None;
        }
        let key = self.string();
        if self.broken.is_some() || !self.eat(b':') {
            self.fail();
            return None;
        }
        Some(key)
    }

    /// The next key where no space stands around it and no escape within, as programs write nearly all of them; where
    /// there is none the cursor stays.
    #[inline]
    fn close_key(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let before = bytes.get(self.at.checked_sub(1)?)?;
        let rest = bytes.get(self.at..).filter(|_| self.broken.is_none())?;
        let start = match (before, rest) {
            (b'{', [b'"', ..]) => self.at + 1,
            (b'{', _) => return None,
            (_, [b',', b'"', ..]) => self.at + 2,
            _ => return None,
        };
        let end = start + scan::plain(bytes.get(start..)?);
        let key = self.text.get(start..end)?;
        let [b'"', b':', ..] = bytes.get(end..)? else { return None };
        self.at = end + 2;
        Some(key)
    }

    /// Whether the list that was entered has a further element, with the cursor before it.
    #[inline]
    pub(crate) fn element(&mut self) -> bool {
        self.goes_on(b'[', b']')
    }

    /// Steps over the comma before the next member, or over the end.
    #[inline]
    fn goes_on(&mut self, open: u8, close: u8) -> bool {
        if self.broken.is_some() {
            return false;
        }
        let is_first =
            self.at.checked_sub(1).and_then(|at| self.text.as_bytes().get(at)) == Some(&open);
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                false
            }
            Some(b',') if !is_first => {
                self.at += 1;
                true
            }
            Some(_) if is_first => true,
            _ => {
                self.fail();
                false
            }
        }
    }

    /// A text; `null` and whatever is no single value is empty, a number or truth value its digits or word.
    #[inline]
    pub(crate) fn text(&mut self) -> Cow<'a, str> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{' | b'[') => {
                self.skip();
                Cow::Borrowed("")
            }
            _ => match self.word() {
                "null" => Cow::Borrowed(""),
                word => Cow::Borrowed(word),
            },
        }
    }

    /// The value as it stands there; none for `null`.
    pub(crate) fn raw(&mut self) -> Option<RawJson<'a>> {
        self.peek();
        let start = self.at;
        self.skip();
        let text = self.since(start);
        let is_whole = self.broken.is_none();
        (text != "null" && !text.is_empty()).then_some(RawJson { text, is_whole })
    }

    /// The string that begins here.
    #[inline]
    fn string(&mut self) -> Cow<'a, str> {
        let start = self.at + 1;
        let found = scan::string(self.text.as_bytes(), start);
        self.at = found.next;
        if !found.is_closed {
            self.fail();
        }
        let text = self.text.get(start..found.end).unwrap_or_default();
        if found.is_escaped { Cow::Owned(scan::unescaped(text)) } else { Cow::Borrowed(text) }
    }

    /// Steps over a value: a string, a number, a word, or whatever stands between matching brackets.
    #[inline]
    pub(crate) fn skip(&mut self) {
        match self.peek() {
            Some(b'"') => {
                let found = scan::string(self.text.as_bytes(), self.at + 1);
                self.at = found.next;
                if !found.is_closed {
                    self.fail();
                }
            }
            Some(b'{' | b'[') => {
                let found = scan::brackets(self.text.as_bytes(), self.at);
                self.at = found.next;
                if !found.is_closed {
                    self.fail();
                }
            }
            _ => {
                self.word();
            }
        }
    }

    /// A number or one of the three words.
    fn word(&mut self) -> &'a str {
        let start = self.at;
        let bytes = self.text.as_bytes().get(start..).unwrap_or_default();
        let is_part =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let length = bytes.iter().take_while(|byte| is_part(byte)).count();
        let word = self.text.get(start..start + length).unwrap_or_default();
        if length == bytes.len() {
            // A number may go on, and so may a word.
            self.at = start + length;
            if !matches!(word, "null" | "true" | "false") {
                self.fail();
            }
        } else if scan::is_scalar(word) {
            self.at = start + length;
        } else {
            self.fail();
        }
        word
    }
}
