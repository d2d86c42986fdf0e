//! The layout of a JSON text that is known to be valid.

use super::{Assembly, Content, Form, Key, Layout, Node, Style, after_colon};

/// The layout of all values of a text; none where it is no JSON.
pub(super) fn read(text: &str) -> Option<Layout> {
    let mut assembly = Assembly::default();
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        at += rest.len() - rest.trim_start().len();
        let Some(first) = text.as_bytes().get(at) else { return Some(assembly.layout) };
        match first {
            b'{' | b'[' => {
                let empty = Vec::new;
                let content = if *first == b'{' {
                    Content::Map(Style::Flow, empty())
                } else {
                    Content::List(Style::Flow, Vec::new())
                };
                at += 1;
                assembly.begin(node(at - 1, at, content));
            }
            b'}' | b']' => {
                at += 1;
                assembly.end(Some(at))?;
                close_document(&mut assembly);
            }
            b',' | b':' => at += 1,
            _ => {
                let end = at + token_length(text.get(at..)?)?;
                if assembly.expects_key() {
                    let name = serde_json::from_str(text.get(at..end)?).ok();
                    // In JSON the colon may stand on another line; nobody writes that.
                    let after_colon = after_colon(text, end);
                    assembly.key(Key { name, is_merge: false, bytes: at..end, after_colon });
                } else {
                    let form = match text.get(at..end)? {
                        "null" => Form::Null,
                        token if token.starts_with('"') => Form::Double,
                        _ => Form::Plain,
                    };
                    assembly.value(node(at, end, Content::Scalar(form)))?;
                    close_document(&mut assembly);
                }
                at = end;
            }
        }
    }
}

const fn node(start: usize, end: usize, content: Content) -> Node {
    Node { start, end, anchor: 0, is_tagged: false, content }
}

fn close_document(assembly: &mut Assembly) {
    if assembly.open.is_empty() {
        assembly.finish_document();
    }
}

/// The length of the text, number or word that a text starts with.
fn token_length(text: &str) -> Option<usize> {
    let Some(body) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c.is_whitespace() || ",:]}".contains(c));
        return Some(end.unwrap_or(text.len())).filter(|length| *length > 0);
    };
    let mut escaped = false;
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 2),
            _ => {}
        }
    }
    None
}
