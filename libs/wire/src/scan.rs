//! Scans on the wire: what is to be scanned, what the answer is, and what publishing it changed. What a
//! scan saw is in [`report`], and what does not fit into one message in [`stream`].

use airside_types::{Cluster, Severity};
use bytes::Bytes;

use crate::closed_list;
use crate::invalid::{InvalidField, Problem};
use crate::limits::{MAX_SCAN_CONTENT_BYTES, MAX_SCAN_FILES, MAX_SCANNED_PATHS};
use crate::{bounded, field, v1};

pub mod report;
pub mod stream;

pub use report::{
    AcceptedFailure, IneffectiveException, JudgedObject, NotEvaluated, ScanReport, ScanTerms,
    Unreadable,
};

/// One file as its author has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as it is to be shown, with `/` between folders; never empty.
    pub path: String,
    /// YAML or JSON, of one or more documents.
    pub content: Bytes,
}

impl From<&SourceFile> for v1::SourceFile {
    fn from(file: &SourceFile) -> Self {
        Self { path: bounded::file_path(&file.path), content: file.content.clone() }
    }
}

impl TryFrom<v1::SourceFile> for SourceFile {
    type Error = InvalidField;

    fn try_from(file: v1::SourceFile) -> Result<Self, Self::Error> {
        if file.path.is_empty() {
            return Err(InvalidField::new("path", Problem::Missing));
        }
        Ok(Self { path: field::file_path("path", file.path)?, content: file.content })
    }
}

/// Manifests to scan, and what to do with the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRequest {
    /// The files: at least one. At most [`MAX_SCAN_FILES`] and [`MAX_SCAN_CONTENT_BYTES`] in all where they
    /// come in one message.
    pub files: Vec<SourceFile>,
    /// The cluster that the manifests are meant for.
    pub cluster: Cluster,
    /// Whether findings and boarding passes are to be kept and used by the other services.
    pub publish: bool,
    /// From which severity on a failed check fails its object; none means the service's setting.
    pub failing_severity: Option<Severity>,
}

impl From<&ScanRequest> for v1::ScanRequest {
    fn from(request: &ScanRequest) -> Self {
        Self {
            files: request.files.iter().map(Into::into).collect(),
            cluster: request.cluster.as_str().to_owned(),
            publish: request.publish,
            failing_severity: closed_list::filter(request.failing_severity),
        }
    }
}

impl TryFrom<v1::ScanRequest> for ScanRequest {
    type Error = InvalidField;

    fn try_from(request: v1::ScanRequest) -> Result<Self, Self::Error> {
        let bytes: usize = request.files.iter().map(|file| file.content.len()).sum();
        if bytes > MAX_SCAN_CONTENT_BYTES {
            let problem = Problem::TooLong { bytes, most: MAX_SCAN_CONTENT_BYTES };
            return Err(InvalidField::new("files", problem));
        }
        if request.files.is_empty() {
            return Err(InvalidField::new("files", Problem::Missing));
        }
        Ok(Self {
            files: field::list("files", request.files, MAX_SCAN_FILES)?,
            cluster: field::cluster_or_default("cluster", &request.cluster)?,
            publish: request.publish,
            failing_severity: field::optional_listed("failing_severity", request.failing_severity)?,
        })
    }
}

/// What a published report changed, in numbers of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PublishOutcome {
    /// Not known or not open before.
    pub opened: u64,
    /// Open before, and the check passes now.
    pub fixed: u64,
    /// Open before, and the object is no longer there.
    pub gone: u64,
    /// Open before, and still.
    pub unchanged: u64,
    /// How many of the opened ones had been fixed or gone before.
    pub reappeared: u64,
}

impl From<&PublishOutcome> for v1::PublishOutcome {
    fn from(outcome: &PublishOutcome) -> Self {
        let PublishOutcome { opened, fixed, gone, unchanged, reappeared } = *outcome;
        Self { opened, fixed, gone, unchanged, reappeared }
    }
}

impl TryFrom<v1::PublishOutcome> for PublishOutcome {
    type Error = InvalidField;

    fn try_from(outcome: v1::PublishOutcome) -> Result<Self, Self::Error> {
        let v1::PublishOutcome { opened, fixed, gone, unchanged, reappeared } = outcome;
        Ok(Self { opened, fixed, gone, unchanged, reappeared })
    }
}

/// What a scan saw and, where it was asked for, what publishing that changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanAnswer {
    /// The report.
    pub report: ScanReport,
    /// What publishing it changed.
    pub published: Option<PublishOutcome>,
    /// By which terms it was carried out.
    pub terms: Option<ScanTerms>,
}

impl From<&ScanAnswer> for v1::ScanResponse {
    fn from(answer: &ScanAnswer) -> Self {
        Self {
            report: Some((&answer.report).into()),
            published: answer.published.as_ref().map(Into::into),
            terms: answer.terms.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<v1::ScanResponse> for ScanAnswer {
    type Error = InvalidField;

    fn try_from(response: v1::ScanResponse) -> Result<Self, Self::Error> {
        Ok(Self {
            report: field::required("report", response.report)?,
            published: field::optional("published", response.published)?,
            terms: field::optional("terms", response.terms)?,
        })
    }
}

/// The report of a scan that ran elsewhere, to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Publication {
    /// The cluster that the manifests are meant for.
    pub cluster: Cluster,
    /// What the scan saw.
    pub report: ScanReport,
    /// Files and folders that the scan covered completely; `.` is everything. A known finding at or below
    /// one of them that the report does not repeat is fixed or gone.
    pub scanned_paths: Vec<String>,
}

impl From<&Publication> for v1::PublishRequest {
    fn from(publication: &Publication) -> Self {
        Self {
            cluster: publication.cluster.as_str().to_owned(),
            report: Some((&publication.report).into()),
            scanned_paths: publication
                .scanned_paths
                .iter()
                .map(|path| bounded::file_path(path))
                .collect(),
        }
    }
}

impl TryFrom<v1::PublishRequest> for Publication {
    type Error = InvalidField;

    fn try_from(request: v1::PublishRequest) -> Result<Self, Self::Error> {
        Ok(Self {
            cluster: field::cluster_or_default("cluster", &request.cluster)?,
            report: field::required("report", request.report)?,
            scanned_paths: field::each(
                "scanned_paths",
                request.scanned_paths,
                MAX_SCANNED_PATHS,
                |path| field::file_path("", path),
            )?,
        })
    }
}
