//! Putting streamed scans and reports together: the order of their parts, and how much may come. Pure.
//!
//! Who may stream, and for how long, is `streams`'.

use airside_types::Cluster;
use airside_wire::scan::stream::{Part, PublicationPart, ScanHeader, ScanPart};
use airside_wire::scan::{Publication, ScanReport, ScanRequest, SourceFile};
use airside_wire::{ApiError, ErrorCode};
use bytes::{Bytes, BytesMut};

use crate::options::Options;

/// How much one stream may bring.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) bytes: usize,
    pub(crate) files: usize,
    pub(crate) entries: usize,
}

impl Bounds {
    pub(crate) fn of(options: &Options) -> Self {
        let bytes = usize::try_from(options.max_stream.as_u64()).unwrap_or(usize::MAX);
        Self { bytes, files: options.max_files, entries: options.max_entries }
    }
}

/// What is put together from parts.
pub(crate) trait Gather {
    /// A part.
    type Part: Part;
    /// All parts together.
    type Whole;

    /// Takes the next part, of so many bytes on the wire.
    fn take(&mut self, part: Self::Part, wire_bytes: usize) -> Result<(), ApiError>;

    /// The whole, when the caller has sent everything.
    fn finish(self) -> Result<Self::Whole, ApiError>;
}

/// A scan that is being sent.
#[derive(Debug)]
pub(crate) struct GatheredScan {
    bounds: Bounds,
    bytes: usize,
    header: Option<ScanHeader>,
    files: Vec<SourceFile>,
    /// The file that is still growing.
    growing: Option<(String, Content)>,
}

/// The content of a file: one piece as it came, or several put together.
#[derive(Debug)]
enum Content {
    One(Bytes),
    Several(BytesMut),
}

impl GatheredScan {
    pub(crate) const fn new(bounds: Bounds) -> Self {
        Self { bounds, bytes: 0, header: None, files: Vec::new(), growing: None }
    }

    fn close_file(&mut self) {
        if let Some((path, content)) = self.growing.take() {
            let content = match content {
                Content::One(content) => content,
                Content::Several(content) => content.freeze(),
            };
            self.files.push(SourceFile { path, content });
        }
    }
}

impl Gather for GatheredScan {
    type Part = ScanPart;
    type Whole = ScanRequest;

    fn take(&mut self, part: ScanPart, wire_bytes: usize) -> Result<(), ApiError> {
        count_bytes(&mut self.bytes, wire_bytes, self.bounds.bytes)?;
        match part {
            ScanPart::Header(_) if self.header.is_some() => Err(disorder("a second header")),
            ScanPart::Header(header) => {
                self.header = Some(header);
                Ok(())
            }
            ScanPart::File { .. } if self.header.is_none() => {
                Err(disorder("a file before the header"))
            }
            ScanPart::File { begins: Some(path), content } => {
                self.close_file();
                if self.files.len() >= self.bounds.files {
                    return Err(exceeded("scanner.max_files", self.bounds.files, "files"));
                }
                self.growing = Some((path, Content::One(content)));
                Ok(())
            }
            ScanPart::File { begins: None, content: more } => {
                let Some((_, content)) = &mut self.growing else {
                    return Err(disorder("a piece without path before any file"));
                };
                if let Content::One(first) = content {
                    *content = Content::Several(BytesMut::from(&first[..]));
                }
                if let Content::Several(content) = content {
                    content.extend_from_slice(&more);
                }
                Ok(())
            }
        }
    }

    fn finish(mut self) -> Result<ScanRequest, ApiError> {
        self.close_file();
        let ScanHeader { cluster, publish, failing_severity } =
            self.header.ok_or_else(|| disorder("no header"))?;
        if self.files.is_empty() {
            return Err(disorder("no file"));
        }
        Ok(ScanRequest { files: self.files, cluster, publish, failing_severity })
    }
}

/// A report that is being sent.
#[derive(Debug)]
pub(crate) struct GatheredPublication {
    bounds: Bounds,
    bytes: usize,
    cluster: Option<Cluster>,
    report: ScanReport,
    scanned_paths: Vec<String>,
}

impl GatheredPublication {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            bytes: 0,
            cluster: None,
            report: ScanReport::default(),
            scanned_paths: Vec::new(),
        }
    }
}

impl Gather for GatheredPublication {
    type Part = PublicationPart;
    type Whole = Publication;

    fn take(&mut self, part: PublicationPart, wire_bytes: usize) -> Result<(), ApiError> {
        count_bytes(&mut self.bytes, wire_bytes, self.bounds.bytes)?;
        match part {
            PublicationPart::Header(_) if self.cluster.is_some() => {
                return Err(disorder("a second header"));
            }
            PublicationPart::Header(cluster) => self.cluster = Some(cluster),
            PublicationPart::Report(_) | PublicationPart::Scanned(_) if self.cluster.is_none() => {
                return Err(disorder("a report before the header"));
            }
            PublicationPart::Report(part) => self.report.append(part),
            PublicationPart::Scanned(paths) => self.scanned_paths.extend(paths),
        }
        let entries = self.report.entries() + self.scanned_paths.len();
        if entries > self.bounds.entries {
            return Err(exceeded("scanner.max_entries", self.bounds.entries, "entries"));
        }
        Ok(())
    }

    fn finish(self) -> Result<Publication, ApiError> {
        let cluster = self.cluster.ok_or_else(|| disorder("no header"))?;
        Ok(Publication { cluster, report: self.report, scanned_paths: self.scanned_paths })
    }
}

fn count_bytes(bytes: &mut usize, more: usize, most: usize) -> Result<(), ApiError> {
    *bytes = bytes.saturating_add(more);
    if *bytes > most { Err(exceeded("scanner.max_stream", most, "bytes")) } else { Ok(()) }
}

fn exceeded(setting: &str, most: usize, what: &str) -> ApiError {
    ApiError::new(
        ErrorCode::ResourceExhausted,
        format!("more than {most} {what} were sent: raise `{setting}` or send less at once"),
    )
}

fn disorder(what: &str) -> ApiError {
    ApiError::new(
        ErrorCode::InvalidArgument,
        format!("the stream has {what}: send the header first, then the rest"),
    )
}

#[cfg(test)]
mod tests;
