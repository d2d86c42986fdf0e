//! Exceptions in comments of a manifest: behind what they are about, or on a line of their own above it.

use airside_types::Place;

use super::{COMMENT, Exception, Problem};

/// A comment that holds an exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The line that it is about, from 1.
    pub line: u32,
    /// Where it stands.
    pub place: Place,
    /// The exception, or why it is none.
    pub exception: Result<Exception, Problem>,
}

/// The comments of a text that hold exceptions.
pub fn comments(path: &str, text: &str) -> Vec<Comment> {
    let mut found = Vec::new();
    // Hardly any file has one.
    if memchr::memmem::find(text.as_bytes(), COMMENT.as_bytes()).is_none() {
        return found;
    }
    // Those that stand above the line that is looked at, with nothing but comments between.
    let mut waiting: Vec<(Place, &str)> = Vec::new();
    let about = |line, place: Place, text| Comment {
        line,
        exception: Exception::parse(text, place.clone()),
        place,
    };
    let mut block = None;
    for (line, number) in text.lines().zip(1_u32..) {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if block.is_some_and(|least| code.is_empty() || indent >= least) {
            continue;
        }
        block = block_below(line);
        let exception = exception_of(line)
            .map(|(column, text)| (Place { path: path.into(), line: number, column }, text));
        if code.starts_with('#') {
            waiting.extend(exception);
        } else if !code.is_empty() {
            let here = waiting.drain(..).chain(exception);
            found.extend(here.map(|(place, text)| about(number, place, text)));
        }
    }
    // About nothing: nothing follows.
    found.extend(waiting.into_iter().map(|(place, text)| about(place.line, place, text)));
    found
}

/// The least indentation of the text that follows a line as a block scalar (`key: |`); none where none follows.
fn block_below(line: &str) -> Option<usize> {
    let mut code = line.trim_start();
    // What stands behind dashes is as if it stood on a line of its own.
    while let Some(rest) = code.strip_prefix("- ") {
        code = rest.trim_start();
    }
    let code_alone = code.split_once(" #").map_or(code, |(code, _)| code).trim_end();
    let value = match code_alone.split_once(": ") {
        Some((key, value)) if !key.starts_with('#') => value.trim_start(),
        _ if code.len() < line.trim_start().len() => code_alone,
        _ => return None,
    };
    let is_property = |word: &&str| word.starts_with(['!', '&']);
    let rest: Vec<&str> = value.split_whitespace().skip_while(is_property).collect();
    let [header] = rest.as_slice() else { return None };
    let indicators = header.strip_prefix(['|', '>'])?;
    let is_header = indicators.chars().all(|it| matches!(it, '+' | '-' | '1'..='9'));
    // A list of its own may stand where its key does: an item's text is right of the dash.
    let is_item = !code_alone.contains(": ");
    let column = line.len() - if is_item { line.trim_start().len() } else { code.len() };
    is_header.then_some(column + 1)
}

/// The exception in a line's comment, with the column where it starts.
fn exception_of(line: &str) -> Option<(u32, &str)> {
    let at = line.find(COMMENT)?;
    let (before, rest) = line.split_at_checked(at)?;
    let hash = before.trim_end().strip_suffix('#')?;
    let is_comment = hash.is_empty() || hash.ends_with([' ', '\t']);
    let text = rest.strip_prefix(COMMENT)?;
    let column = u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX);
    is_comment.then_some((column, text.trim()))
}
