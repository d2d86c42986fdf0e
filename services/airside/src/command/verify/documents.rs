//! The JSON documents of a file: one that fills it, or one on each line.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

/// Bytes of a file, at most: some eighty thousand passes.
const MAX_FILE_BYTES: u64 = 256 << 20;
/// Bytes of a document, at most. A pass has some three thousand.
const MAX_DOCUMENT_BYTES: usize = 8 << 20;
/// Lines of a file that are read, at most: what a file of tiny ones may hold in memory.
const MAX_DOCUMENTS: usize = 200_000;
/// How many problems of one file are told; the rest is counted.
const SHOWN: usize = 12;

/// What was found in a file.
#[derive(Debug, Default)]
pub(super) struct Documents {
    /// The documents, with where each begins.
    pub(super) found: Vec<(DocumentPlace, Value)>,
    /// What could not be read, with its place.
    pub(super) problems: Vec<String>,
}

/// Where a document begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DocumentPlace {
    pub(super) file: String,
    /// From 1.
    pub(super) line: usize,
}

impl fmt::Display for DocumentPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Reads a file; `-` is standard input.
pub(super) fn read(path: &Path) -> Documents {
    let is_input = path == Path::new("-");
    let content =
        if is_input { content(io::stdin().lock()) } else { File::open(path).and_then(content) };
    match content {
        Ok(content) => documents(&path.display().to_string(), &content),
        Err(error) => {
            let what = if is_input {
                "standard input".to_owned()
            } else {
                format!("`{}`", path.display())
            };
            problem(format!("{what} cannot be read: {error}"))
        }
    }
}

fn content(source: impl Read) -> io::Result<String> {
    let mut content = Vec::new();
    source.take(MAX_FILE_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE_BYTES {
        let most = MAX_FILE_BYTES >> 20;
        return Err(io::Error::other(format!("it has more than {most} MiB: split it by lines")));
    }
    String::from_utf8(content).map_err(|_| io::Error::other("it is no UTF-8"))
}

/// The problems of a file as they are told: the first ones, and how many more there are.
pub(super) fn told(path: &Path, mut problems: Vec<String>) -> Vec<String> {
    if let Some(more) = problems.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        problems.truncate(SHOWN);
        problems.push(format!("{}: and {more} more that cannot be read", path.display()));
    }
    problems
}

fn documents(file: &str, text: &str) -> Documents {
    if text.trim().is_empty() {
        return problem(format!(
            "{file}: nothing is in it: `airside scan PATH --sign-key KEY --bundles FILE` writes boarding passes"
        ));
    }
    let whole = (text.len() <= MAX_DOCUMENT_BYTES).then(|| serde_json::from_str(text));
    if let Some(Ok(document)) = whole {
        let line = 1 + text.lines().take_while(|line| line.trim().is_empty()).count();
        let place = DocumentPlace { file: file.to_owned(), line };
        return Documents { found: vec![(place, document)], problems: Vec::new() };
    }
    let documents = of_lines(file, text);
    if let Some(Err(error)) = whole
        && !documents.found.iter().any(|(_, document)| document.is_object())
    {
        // One document over several lines, of which each is none by itself.
        return problem(not_json(file, error.line(), error.column(), &error));
    }
    documents
}

fn of_lines(file: &str, text: &str) -> Documents {
    let mut documents = Documents::default();
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    for (text, line) in lines {
        if documents.found.len() + documents.problems.len() == MAX_DOCUMENTS {
            let problem = format!("{file}:{line}: from here on, nothing was read: split the file");
            documents.problems.insert(0, problem);
            break;
        }
        if text.len() > MAX_DOCUMENT_BYTES {
            let most = MAX_DOCUMENT_BYTES >> 20;
            let problem =
                format!("{file}:{line}: more than {most} MiB in a line is no boarding pass");
            documents.problems.push(problem);
            continue;
        }
        let place = DocumentPlace { file: file.to_owned(), line };
        match serde_json::from_str(text) {
            Ok(document) => documents.found.push((place, document)),
            Err(error) => documents.problems.push(not_json(file, line, error.column(), &error)),
        }
    }
    documents
}

fn not_json(file: &str, line: usize, column: usize, error: &serde_json::Error) -> String {
    let what = if error.is_eof() { "the JSON document is cut off" } else { "this is no JSON" };
    format!("{file}:{line}:{column}: {what}; boarding passes are JSON documents, one a line")
}

fn problem(problem: String) -> Documents {
    Documents { found: Vec::new(), problems: vec![problem] }
}
