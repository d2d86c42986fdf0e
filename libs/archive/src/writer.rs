//! The one thread that appends to segments: whoever waits at the same time shares one write to the disk.
//!
//! An append is answered when its frame is durable. A segment that is full, or that could not be written
//! to, is closed and the next append begins another one.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use airside_types::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::error::ArchiveError;
use crate::segment::{HEAD, Segment};
use crate::shelf::Shelf;

/// The bytes that are written together at most, a batch more.
const TOGETHER: usize = 16 << 20;

/// What the writer is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// Append a frame.
    Append(Append),
    /// Close the segment that is being filled, so that it is sealed.
    Close,
    /// End; appends that come later are refused.
    Stop,
}

/// A frame, and who waits for it.
#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) head: [u8; HEAD],
    pub(crate) batch: Vec<u8>,
    pub(crate) times: Option<(Timestamp, Timestamp)>,
    pub(crate) done: oneshot::Sender<Result<(), ArchiveError>>,
}

/// Writes segments in a folder.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) folder: PathBuf,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) next: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) max_unsealed: u64,
    pub(crate) open: Option<(File, Segment)>,
}

impl Writer {
    /// Works until it is told to stop, or nobody is left to tell it anything.
    pub(crate) fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(order) = orders.blocking_recv() {
            let mut appends = Vec::new();
            let mut after = None;
            match order {
                Order::Append(append) => {
                    let mut bytes = append.batch.len();
                    appends.push(append);
                    while bytes < TOGETHER {
                        match orders.try_recv() {
                            Ok(Order::Append(append)) => {
                                bytes += append.batch.len();
                                appends.push(append);
                            }
                            Ok(other) => {
                                after = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                }
                other => after = Some(other),
            }
            self.append(appends);
            match after {
                Some(Order::Close) => self.close(),
                Some(Order::Stop) => return,
                Some(Order::Append(_)) | None => {}
            }
        }
    }

    fn append(&mut self, appends: Vec<Append>) {
        if appends.is_empty() {
            return;
        }
        let written = self.write(&appends);
        if written.is_err() {
            // What lies behind the durable part of this segment is not known.
            self.close();
        }
        for append in appends {
            // Whoever does not wait any more sends its events again.
            let _gone = append.done.send(written.clone()).is_err();
        }
    }

    fn write(&mut self, appends: &[Append]) -> Result<(), ArchiveError> {
        let unsealed = self.shelf.unsealed_bytes();
        if unsealed > self.max_unsealed {
            return Err(ArchiveError::Behind { unsealed });
        }
        let (file, segment) = match &mut self.open {
            Some(open) => open,
            None => {
                let open = create(&self.folder, self.next)?;
                self.next += 1;
                self.open.insert(open)
            }
        };
        let failed = |error| ArchiveError::file("written", &segment.path, error);
        for append in appends {
            file.write_all(&append.head).map_err(failed)?;
            file.write_all(&append.batch).map_err(failed)?;
        }
        file.sync_data().map_err(failed)?;
        for append in appends {
            segment.owners.add(segment.length, &append.batch);
            segment.length += (HEAD + append.batch.len()) as u64;
            segment.times = union(segment.times, append.times);
        }
        self.shelf.grown(segment.clone());
        if segment.length >= self.segment_bytes {
            self.close();
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some((_, segment)) = self.open.take() {
            self.shelf.close(segment.number);
        }
    }
}

fn create(folder: &Path, number: u64) -> Result<(File, Segment), ArchiveError> {
    let path = Segment::path_of(folder, number);
    let failed = |error| ArchiveError::file("made", &path, error);
    let new = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path);
    let file = new.map_err(failed)?;
    let readable = File::open(&path).map_err(failed)?;
    // The name is durable too.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    let (path, readable) = (Arc::from(path), Arc::new(readable));
    let owners = Arc::default();
    Ok((file, Segment { number, path, file: readable, length: 0, times: None, owners }))
}

fn union(
    a: Option<(Timestamp, Timestamp)>,
    b: Option<(Timestamp, Timestamp)>,
) -> Option<(Timestamp, Timestamp)> {
    match (a, b) {
        (Some((first, last)), Some((begin, end))) => Some((first.min(begin), last.max(end))),
        (one, other) => one.or(other),
    }
}
