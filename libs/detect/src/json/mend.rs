//! Valid JSON out of what is none: for bodies that are cut or otherwise cannot be decoded.

use super::{Break, Cursor};

/// Why a body could not be decoded as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// It breaks off.
    #[error("it is cut")]
    Cut,
    /// It is no JSON from some byte on.
    #[error("it is no JSON")]
    Syntax,
    /// It is nested deeper than anything that Kubernetes has.
    #[error("it is nested too deeply")]
    TooDeep,
    /// It holds a text or number that cannot be kept, such as half of a surrogate pair.
    #[error("it holds texts or numbers that mean nothing")]
    Unmeaning,
}

/// What could be made of a body.
#[derive(Debug)]
pub(crate) struct Mended {
    /// Valid JSON: what was there up to the break, with everything closed that was open.
    pub(crate) json: String,
    /// What was wrong.
    pub(crate) defect: Defect,
}

/// How deep values are kept. Custom resources may nest deeper than Kubernetes' own types, which stay below 20.
const MOST_DEPTH: u32 = 100;

/// Makes valid JSON of a text that is not: of what is cut, the part that is there; `null` for what is
/// nested too deeply and for numbers that none can hold; U+FFFD for what is no letter.
pub(crate) fn mend(text: &str) -> Mended {
    let mut writer = Writer { out: String::with_capacity(text.len() + 16), is_too_deep: false };
    let mut cursor = Cursor::new(text);
    writer.value(&mut cursor, 0);
    let defect = match cursor.broken() {
        Some(Break::Cut) => Defect::Cut,
        Some(Break::Syntax(_)) => Defect::Syntax,
        None if writer.is_too_deep => Defect::TooDeep,
        None => Defect::Unmeaning,
    };
    Mended { json: writer.out, defect }
}

struct Writer {
    out: String,
    is_too_deep: bool,
}

impl Writer {
    /// Writes the value at the cursor, whole whether it is or not.
    fn value(&mut self, cursor: &mut Cursor<'_>, depth: u32) {
        match cursor.peek() {
            Some(b'{' | b'[') if depth == MOST_DEPTH => {
                self.is_too_deep = true;
                cursor.skip();
                self.out.push_str("null");
            }
            Some(b'{') => self.object(cursor, depth),
            Some(b'[') => self.list(cursor, depth),
            Some(b'"') => {
                let text = cursor.text();
                self.string(&text);
            }
            _ => {
                let word = cursor.text();
                let is_whole = cursor.broken().is_none();
                let number = serde_json::from_str::<serde_json::Value>(&word).ok();
                match number.filter(|_| is_whole) {
                    Some(_) => self.out.push_str(&word),
                    // What a cut number would have been is not known.
                    None => self.out.push_str("null"),
                }
            }
        }
    }

    fn object(&mut self, cursor: &mut Cursor<'_>, depth: u32) {
        self.out.push('{');
        cursor.object();
        let mut is_first = true;
        while let Some(key) = cursor.key() {
            if !std::mem::take(&mut is_first) {
                self.out.push(',');
            }
            self.string(&key);
            self.out.push(':');
            self.value(cursor, depth + 1);
        }
        self.out.push('}');
    }

    fn list(&mut self, cursor: &mut Cursor<'_>, depth: u32) {
        self.out.push('[');
        cursor.list();
        let mut is_first = true;
        while cursor.element() {
            if !std::mem::take(&mut is_first) {
                self.out.push(',');
            }
            self.value(cursor, depth + 1);
        }
        self.out.push(']');
    }

    fn string(&mut self, text: &str) {
        // Of a text, this cannot fail.
        self.out.push_str(&serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()));
    }
}
