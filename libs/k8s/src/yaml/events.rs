//! YAML text to documents, from the event stream of granit-parser.
//!
//! Why that parser: it reads what libyaml and go-yaml read, such as a closing bracket that is not indented.
//! saphyr-parser, from which it stems, refuses 22 of 3,000 manifests that projects publish.

use granit_parser::{ErrorKind, Event, Marker, Options, Parser, ScalarStyle, ScanError};

use super::build::Builder;
use super::error::{Problem, YamlError, position};
use super::limits::Limits;
use super::scalar;
use super::split::{Part, parts};
use super::{Document, Parsed};
use crate::places::Position;
use crate::value::Value;

/// Reads all documents; a broken one costs only itself.
pub(super) fn parse(text: &str, limits: &Limits) -> Parsed {
    let mut parsed = Parsed::default();
    let mut builder = Builder::new(limits);
    let options = options(limits);
    for part in parts(text) {
        if part.is_blank() {
            continue;
        }
        if parsed.documents.len() + parsed.errors.len() >= limits.max_documents {
            let problem = Problem::TooManyDocuments(limits.max_documents);
            parsed.errors.push(YamlError::new(position(part.first_line, 1), problem));
            break;
        }
        builder.reset();
        if let Err(error) = read_part(part, &options, &mut builder, &mut parsed) {
            let fatal = matches!(error.problem, Problem::TooManyNodes(_));
            parsed.errors.push(cause_or(error, part));
            if fatal {
                break;
            }
        }
    }
    parsed
}

/// An unrendered template and a merge left half-way break in many ways; one answer helps with all of them.
fn cause_or(error: YamlError, part: Part<'_>) -> YamlError {
    if !matches!(error.problem, Problem::Syntax(_) | Problem::KeyIsNoText) {
        return error;
    }
    let conflict = part.conflict().map(|(line, mark)| (line, 1, Problem::Conflict(mark)));
    let template =
        || part.template_action().map(|(line, column)| (line, column, Problem::Template));
    match conflict.or_else(template) {
        Some((line, column, problem)) => YamlError::new(position(line, column), problem),
        None => error,
    }
}

/// The builder sets the bound of depth; the parser's own must not come first.
pub(super) fn options(limits: &Limits) -> Options {
    let mut options = Options::default();
    options.flow_nesting_limit = limits.max_depth + 1;
    options.block_nesting_limit = limits.max_depth + 1;
    // Whether the parser knows them depends on who else in the program uses it.
    options.emit_comments = false;
    options
}

fn read_part(
    part: Part<'_>,
    options: &Options,
    builder: &mut Builder<'_>,
    parsed: &mut Parsed,
) -> Result<(), YamlError> {
    let place = |marker: &Marker| position(marker.line() + part.first_line - 1, marker.col() + 1);
    let mut parser = Parser::new_from_str_with_options(part.text, options.clone());
    while let Some(event) = parser.next_event() {
        let (event, span) =
            event.map_err(|error| syntax(&error, place(error.marker()), options))?;
        let at = place(&span.start);
        match event {
            Event::DocumentStart(..) => builder.reset(),
            Event::DocumentEnd => {
                let template = part.template().map(str::to_owned);
                parsed.errors.extend(builder.duplicates());
                parsed.documents.extend(builder.finish().map(|(value, places)| Document {
                    line: places.root().value_position().line,
                    value,
                    places,
                    template,
                }));
            }
            Event::MappingStart(_, anchor, _) => builder.begin_map(anchor, at)?,
            Event::SequenceStart(_, anchor, _) => builder.begin_list(anchor, at)?,
            Event::MappingEnd | Event::SequenceEnd => builder.end()?,
            Event::Alias(anchor) => builder.alias(anchor, at)?,
            Event::Scalar(text, style, anchor, tag) => {
                let failed = |problem| YamlError::new(at, problem);
                let is_plain = style == ScalarStyle::Plain;
                if is_plain && text.contains('{') && is_helm_action(&text) {
                    return Err(failed(Problem::Template));
                }
                if is_plain && tag.is_none() && text == "<<" && builder.expects_key() {
                    builder.merge_key(at);
                    continue;
                }
                let value = match tag {
                    Some(tag) => scalar::tagged(&tag, text).map_err(failed)?,
                    None if is_plain => scalar::plain(text).map_err(failed)?,
                    None => Value::from(text.into_owned()),
                };
                if builder.expects_key() {
                    let key =
                        scalar::key_text(value).ok_or_else(|| failed(Problem::KeyIsNoText))?;
                    builder.key(&key, at);
                } else {
                    builder.scalar(value, anchor, at)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether an unquoted text has a value or a part that only Helm puts in. Other engines, such as those of
/// workflows, leave their `{{ … }}` in manifests for good.
fn is_helm_action(text: &str) -> bool {
    text.split("{{").skip(1).any(|action| {
        let action = action.trim_start_matches(['-', ' ', '(', '$']);
        [".Values.", ".Release.", ".Chart.", ".Capabilities.", "include \"", "template \""]
            .iter()
            .any(|start| action.starts_with(start))
    })
}

fn syntax(error: &ScanError, at: Position, options: &Options) -> YamlError {
    let problem = match error.kind() {
        ErrorKind::UnknownAnchor => Problem::UnknownAnchor,
        ErrorKind::RecursionLimitExceeded => {
            Problem::TooDeep(options.flow_nesting_limit.saturating_sub(1))
        }
        ErrorKind::UnexpectedCharacter { character: '\0' } => Problem::NotUtf8,
        ErrorKind::UnexpectedCharacter { character } => {
            Problem::Syntax(format!("`{}` is not expected", character.escape_default()))
        }
        ErrorKind::TabInBlockIndentation | ErrorKind::TabNotAllowed => {
            Problem::Syntax("a tab, which YAML does not take for indentation".to_owned())
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => Problem::Syntax(
            "no `:` after this key, or one of more than 1,024 characters".to_owned(),
        ),
        ErrorKind::MappingValueNotAllowed => Problem::Syntax(
            "a `:` where no key can be; quote the text that holds it, or move the line".to_owned(),
        ),
        _ => Problem::Syntax(error.info()),
    };
    YamlError::new(at, problem)
}
