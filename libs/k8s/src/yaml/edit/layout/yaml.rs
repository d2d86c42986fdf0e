//! The layout of a YAML text, from the event stream of granit-parser.

use std::borrow::Cow;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::super::super::limits::Limits;
use super::super::super::{events, scalar};
use super::{Assembly, Content, Form, Key, Layout, Node, Style, after_colon};
use crate::value::Value;

/// The layout of all documents of a text; none where it cannot be read.
pub(super) fn read(text: &str, limits: &Limits) -> Option<Layout> {
    let mut assembly = Assembly::default();
    let mut parser = Parser::new_from_str_with_options(text, events::options(limits));
    while let Some(event) = parser.next_event() {
        let (event, span) = event.ok()?;
        take(text, &mut assembly, event, span)?;
    }
    Some(assembly.layout)
}

fn take(text: &str, assembly: &mut Assembly, event: Event<'_>, span: Span) -> Option<()> {
    let bytes = span.byte_range()?;
    let node = |anchor, is_tagged, content| Node {
        start: bytes.start,
        end: bytes.end,
        anchor,
        is_tagged,
        content,
    };
    match event {
        Event::DocumentEnd => assembly.finish_document(),
        Event::MappingStart(style, anchor, tag) => {
            // A pair in a list has no brace of its own.
            let style = match style {
                StructureStyle::Block => Style::Block,
                StructureStyle::Flow if bytes.is_empty() => Style::Pair,
                StructureStyle::Flow => Style::Flow,
            };
            assembly.begin(node(anchor, tag.is_some(), Content::Map(style, Vec::new())));
        }
        Event::SequenceStart(style, anchor, tag) => {
            let style = match style {
                StructureStyle::Block => Style::Block,
                StructureStyle::Flow => Style::Flow,
            };
            assembly.begin(node(anchor, tag.is_some(), Content::List(style, Vec::new())));
        }
        Event::MappingEnd | Event::SequenceEnd => {
            assembly.end((!bytes.is_empty()).then_some(bytes.end))?;
        }
        Event::Alias(anchor) => {
            assembly.layout.used_anchors.insert(anchor);
            if assembly.expects_key() {
                let after_colon = after_colon(text, bytes.end);
                assembly.key(Key { name: None, is_merge: false, bytes, after_colon });
            } else {
                assembly.value(node(0, false, Content::Alias))?;
            }
        }
        Event::Scalar(content, style, anchor, tag) => {
            let is_plain = style == ScalarStyle::Plain;
            if assembly.expects_key() {
                let after_colon = after_colon(text, bytes.end);
                let is_merge = is_plain && tag.is_none() && content == "<<";
                let name = (tag.is_none() && !is_merge).then(|| key_name(content, is_plain));
                let key = Key { name: name.flatten(), is_merge, bytes, after_colon };
                assembly.key(key);
            } else {
                let form = form(&content, style, bytes.is_empty(), tag.is_some());
                let mut node = node(anchor, tag.is_some(), Content::Scalar(form));
                if form == Form::Block {
                    // Blank lines and the indentation of a comment after it are no part of it for editing.
                    node.end = text.get(..node.end)?.trim_end().len();
                    node.start = header(text, node.start).unwrap_or(node.start).min(node.end);
                }
                assembly.value(node)?;
            }
        }
        _ => {}
    }
    Some(())
}

fn key_name(content: Cow<'_, str>, is_plain: bool) -> Option<String> {
    if is_plain {
        scalar::key_text(scalar::plain(content).ok()?)
    } else {
        Some(content.into_owned())
    }
}

fn form(content: &str, style: ScalarStyle, is_absent: bool, is_tagged: bool) -> Form {
    match style {
        ScalarStyle::SingleQuoted => Form::Single,
        ScalarStyle::DoubleQuoted => Form::Double,
        ScalarStyle::Literal | ScalarStyle::Folded => Form::Block,
        ScalarStyle::Plain if is_tagged => Form::Plain,
        ScalarStyle::Plain if is_absent => Form::Absent,
        ScalarStyle::Plain => match scalar::plain(Cow::Borrowed(content)) {
            Ok(Value::Null) => Form::Null,
            _ => Form::Plain,
        },
    }
}

/// The byte of the `|` or `>` that opens the block scalar whose content starts at a byte.
fn header(text: &str, content: usize) -> Option<usize> {
    let before = text.get(..content)?.trim_end();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.get(line_start..)?;
    let opens = |(at, _): &(usize, &str)| {
        let rest = line.get(*at..).unwrap_or_default();
        let rest = rest.split_once(" #").map_or(rest, |(rest, _)| rest).trim_end();
        rest.bytes().skip(1).all(|byte| matches!(byte, b'+' | b'-' | b'0'..=b'9'))
    };
    line.match_indices(['|', '>']).find(opens).map(|(at, _)| line_start + at)
}
