//! Files read in pieces of whole lines, in a thread of its own, while what came before is looked at.
//!
//! Memory is bounded by a few pieces, however long a file is. A document over several lines (an `EventList` that was
//! printed for people) has to be one piece; how long that and a line may be is bounded too.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use airside_detect::audit;

use super::files::open;

/// How much is read before it is looked at.
const PIECE: usize = 4 << 20;
/// How much one read may give.
const READ: usize = 256 << 10;
/// How long a line, or a document over several lines, may be.
const LONGEST: usize = 1 << 30;
/// How many pieces may wait.
const WAITING: usize = 2;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Whole lines of the file with this index.
    Lines {
        file: usize,
        /// The number of the first line.
        first: u32,
        bytes: Vec<u8>,
    },
    /// A whole file that is one document.
    Document { file: usize, bytes: Vec<u8> },
    /// A file that cannot be read, or not further.
    Problem { file: usize, line: u32, problem: String },
}

impl Piece {
    /// The index of its file.
    pub(super) const fn file(&self) -> usize {
        match self {
            Self::Lines { file, .. } | Self::Document { file, .. } | Self::Problem { file, .. } => {
                *file
            }
        }
    }
}

/// Begins to read files one after the other. The thread ends with the last file, or when nobody receives.
pub(super) fn read(
    paths: Vec<PathBuf>,
    has_documents: bool,
    taken: Arc<AtomicU64>,
) -> io::Result<Receiver<Piece>> {
    let (sender, receiver) = sync_channel(WAITING);
    std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
        for (file, path) in paths.iter().enumerate() {
            let mut pieces =
                Pieces { file, line: 1, has_documents, longest: LONGEST, sender: &sender };
            match pieces.file(path, &taken) {
                Ok(()) => {}
                Err(Stopped::Unread(problem)) => {
                    let line = pieces.line;
                    if sender.send(Piece::Problem { file, line, problem }).is_err() {
                        return;
                    }
                }
                Err(Stopped::Unwanted) => return,
            }
        }
    })?;
    Ok(receiver)
}

/// Why a file is not read to its end.
enum Stopped {
    Unread(String),
    /// Nobody receives any more.
    Unwanted,
}

struct Pieces<'s> {
    file: usize,
    /// The line at which the next piece begins.
    line: u32,
    has_documents: bool,
    longest: usize,
    sender: &'s SyncSender<Piece>,
}

impl Pieces<'_> {
    fn file(&mut self, path: &Path, taken: &Arc<AtomicU64>) -> Result<(), Stopped> {
        let (mut input, is_stream) =
            open(path, taken).map_err(|it| Stopped::Unread(it.to_string()))?;
        self.input(&mut input, is_stream)
    }

    fn input(&mut self, input: &mut dyn Read, is_stream: bool) -> Result<(), Stopped> {
        let mut buffer = Vec::new();
        // Whether this is one document, as far as it is known.
        let mut is_document = if self.has_documents { None } else { Some(false) };
        loop {
            let is_all = self.fill(input, &mut buffer, is_stream)?;
            is_document = is_document.or_else(|| audit::read::is_spread(&buffer));
            match is_document {
                _ if is_all => {
                    let bytes = std::mem::take(&mut buffer);
                    return if is_document == Some(true) {
                        self.send(Piece::Document { file: self.file, bytes })
                    } else {
                        self.lines(bytes)
                    };
                }
                Some(false) => {
                    let end = buffer.iter().rposition(|byte| *byte == b'\n');
                    if let Some(end) = end {
                        let rest = buffer.split_off(end + 1);
                        self.lines(std::mem::replace(&mut buffer, rest))?;
                    }
                }
                Some(true) | None => {}
            }
            if buffer.len() > self.longest {
                self.skip(input, &mut buffer, is_document == Some(true))?;
            }
        }
    }

    /// Reads on; whether that is all. Of a stream no more is waited for than one read gives.
    fn fill(
        &self,
        input: &mut dyn Read,
        buffer: &mut Vec<u8>,
        is_stream: bool,
    ) -> Result<bool, Stopped> {
        let wanted = buffer.len() + PIECE;
        while buffer.len() < wanted {
            let before = buffer.len();
            buffer.resize(before + READ, 0);
            let read = input.read(buffer.get_mut(before..).unwrap_or_default());
            buffer.truncate(before + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => return Ok(true),
                Ok(_) if is_stream => return Ok(false),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken_off(std::mem::take(buffer), &error)),
            }
        }
        Ok(false)
    }

    /// What came before an error is looked at.
    fn broken_off(&self, bytes: Vec<u8>, error: &io::Error) -> Stopped {
        let mut pieces = Pieces { ..*self };
        match pieces.lines(bytes) {
            Ok(()) => Stopped::Unread(format!("it cannot be read further: {error}")),
            Err(stopped) => stopped,
        }
    }

    /// Leaves out what is too long to be looked at.
    fn skip(
        &mut self,
        input: &mut dyn Read,
        buffer: &mut Vec<u8>,
        is_document: bool,
    ) -> Result<(), Stopped> {
        let what = if is_document { "this document" } else { "this line" };
        let problem = format!(
            "{what} is longer than {} MiB and is left out; write one event on each line, as `jq -c '.items[]'` does",
            self.longest >> 20
        );
        if is_document {
            return Err(Stopped::Unread(problem));
        }
        self.send(Piece::Problem { file: self.file, line: self.line, problem })?;
        loop {
            buffer.clear();
            let is_all = self.fill(input, buffer, true)?;
            if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                buffer.drain(..=end);
                self.line = self.line.saturating_add(1);
                return Ok(());
            }
            if is_all {
                return Ok(());
            }
        }
    }

    fn lines(&mut self, bytes: Vec<u8>) -> Result<(), Stopped> {
        let first = self.line;
        let count = bytes.iter().filter(|byte| **byte == b'\n').count();
        self.line = first.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        if bytes.is_empty() {
            return Ok(());
        }
        self.send(Piece::Lines { file: self.file, first, bytes })
    }

    fn send(&self, piece: Piece) -> Result<(), Stopped> {
        self.sender.send(piece).map_err(|_| Stopped::Unwanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, has_documents: bool, longest: usize, is_stream: bool) -> Vec<Piece> {
        let (sender, receiver) = sync_channel(100);
        let mut pieces = Pieces { file: 0, line: 1, has_documents, longest, sender: &sender };
        if let Err(Stopped::Unread(problem)) = pieces.input(&mut text.as_bytes(), is_stream) {
            sender.send(Piece::Problem { file: 0, line: pieces.line, problem }).unwrap();
        }
        drop(sender);
        receiver.iter().collect()
    }

    fn lines(first: u32, text: &str) -> Piece {
        Piece::Lines { file: 0, first, bytes: text.into() }
    }

    #[test]
    fn lines_stay_whole_and_keep_their_numbers() {
        let line = format!("{{\"x\":\"{}\"}}\n", "y".repeat(99_990));
        let text = line.repeat(100);
        let read = pieces(&text, true, LONGEST, false);
        assert!(read.len() > 1, "{}", read.len());
        let (mut next, mut all) = (1, Vec::new());
        for piece in read {
            let Piece::Lines { first, bytes, .. } = piece else { panic!("lines only") };
            assert_eq!((first, bytes.last()), (next, Some(&b'\n')));
            next += u32::try_from(bytes.len() / line.len()).unwrap();
            all.extend(bytes);
        }
        assert_eq!(all, text.as_bytes());
        assert_eq!(pieces("{}\n\n{}", true, LONGEST, true), [lines(1, "{}\n\n"), lines(3, "{}")]);
        assert_eq!(pieces("", true, LONGEST, false), []);
    }

    #[test]
    fn a_document_over_lines_is_one_piece_where_documents_may_come() {
        let text = "{\n \"items\": [\n ]\n}\n";
        let whole = Piece::Document { file: 0, bytes: text.into() };
        for is_stream in [false, true] {
            assert_eq!(
                pieces(text, true, LONGEST, is_stream),
                [Piece::Document { file: 0, bytes: text.into() }]
            );
        }
        assert_ne!(pieces(text, false, LONGEST, false), [whole]);
    }

    #[test]
    fn what_is_too_long_is_left_out_and_told() {
        let long = format!("{{\"x\":\"{}\"}}", "y".repeat(9 << 20));
        let text = format!("{{}}\n{long}\n{{}}\n");
        let read = pieces(&text, true, 1 << 20, true);
        let told = "this line is longer than 1 MiB and is left out; write one event on each line, as `jq -c '.items[]'` does";
        let problem = Piece::Problem { file: 0, line: 2, problem: told.to_owned() };
        assert_eq!(read, [lines(1, "{}\n"), problem, lines(3, "{}\n")]);
        let document = format!("{{\n \"x\": \"{}\"\n}}\n", "y".repeat(9 << 20));
        let read = pieces(&document, true, 1 << 20, true);
        assert!(
            matches!(read.as_slice(), [Piece::Problem { line: 1, problem, .. }] if problem.starts_with("this document")),
            "{}",
            read.len()
        );
    }
}
