//! The bounds of every message: how long a text and how full a list may be.
//!
//! Conversions from the wire refuse what is beyond them; conversions to the wire never produce it. They
//! are far above what Kubernetes and the field's tools produce, and low enough that one message cannot
//! exhaust a service. How many messages a service holds at once is the service's own setting.

/// The largest message of the log or queue, the largest stored value and the largest gRPC message, in
/// bytes: what a NATS server can be told to take without hurting itself.
pub const MAX_MESSAGE_BYTES: usize = 8 << 20;

/// The longest identity (name, uid, rule, check, image reference), in bytes. Kubernetes stops at 253.
pub const MAX_IDENTITY_BYTES: usize = 1024;

/// The longest file path, in bytes: Linux' `PATH_MAX`.
pub const MAX_PATH_BYTES: usize = 4096;

/// The longest path to a field of an object, in bytes.
pub const MAX_FIELD_PATH_BYTES: usize = 4096;

/// The longest text for people (message, title, reason, value, fix, advice), in bytes.
pub const MAX_TEXT_BYTES: usize = 8192;

/// The longest page or resume token, in bytes: room for a position in each of a thousand partitions.
pub const MAX_TOKEN_BYTES: usize = 16 << 10;

/// The longest W3C `traceparent`, in bytes: version 00 has 55, later ones may be longer.
pub const MAX_TRACE_PARENT_BYTES: usize = 128;

/// The most files of rules that a tenant sets.
pub const MAX_RULE_FILES: usize = 1_000;

/// How many bytes they have together at most: they travel in one message, and NATS takes one of 1 MiB.
pub const MAX_RULE_FILE_BYTES: usize = 512 << 10;

/// The most records in one batch of the log and in one `IngestRequest`.
pub const MAX_RECORDS: usize = 10_000;

/// The most sightings, and the most quiet events of a kind, in one batch of the log.
pub const MAX_SIGHTINGS: usize = 20_000;

/// The most texts of a batch of sightings.
pub const MAX_SIGHTING_TEXTS: usize = 400_000;

pub use airside_types::MAX_TEXTS_OF_REQUEST;

/// The most techniques of a finding, detection or stage.
pub const MAX_TECHNIQUES: usize = 32;

/// The most entities linked to a detection or decision.
pub const MAX_LINKS: usize = 256;

/// The most values shown for a detection.
pub const MAX_VALUES: usize = 256;

/// The most violations of a decision.
pub const MAX_VIOLATIONS: usize = 256;

/// The most drifted fields of a decision.
pub const MAX_DRIFTED_FIELDS: usize = 512;

/// The most findings of a boarding pass.
pub const MAX_PASS_FINDINGS: usize = 65_536;

/// The most fields of a boarding pass.
pub const MAX_PASS_FIELDS: usize = 131_072;

/// The most accepted failures of a boarding pass.
pub const MAX_PASS_ACCEPTED: usize = 4096;

/// The longest signed statement of a boarding pass, in bytes: room for all of its accepted failures as they
/// are in practice.
pub const MAX_STATEMENT_BYTES: usize = 256 << 10;

/// The longest signature, in bytes; Ed25519's has 64.
pub const MAX_SIGNATURE_BYTES: usize = 1024;

/// The most values that a template's line takes.
pub const MAX_CHART_VALUES: usize = 32;

/// The most files of values of a chart.
pub const MAX_VALUES_FILES: usize = 256;

/// The most ids that one incident has had.
pub const MAX_ALIASES: usize = 65_536;

/// The most clusters of an incident.
pub const MAX_CLUSTERS: usize = 1024;

/// The most terms of a score.
pub const MAX_SCORE_TERMS: usize = 256;

/// The most stages of an incident.
pub const MAX_STAGES: usize = 64;

/// The most entities of an incident.
pub const MAX_INCIDENT_ENTITIES: usize = 4096;

/// The most signals that an incident shows as evidence.
pub const MAX_EVIDENCE: usize = 8192;

/// The most root causes of an incident.
pub const MAX_ROOT_CAUSES: usize = 512;

/// The most steps from an incident to a root cause.
pub const MAX_LINEAGE_STEPS: usize = 64;

/// The most pieces of advice of an incident.
pub const MAX_ADVICE: usize = 128;

/// The most gaps of an incident.
pub const MAX_GAPS: usize = 1024;

/// The most files in one `ScanRequest`.
pub const MAX_SCAN_FILES: usize = 10_000;

/// The most bytes in all files of one `ScanRequest`; with their paths they fit a message of the queue.
pub const MAX_SCAN_CONTENT_BYTES: usize = 6 << 20;

/// The most findings, passes, unjudged checks, unreadable inputs and so on (each) of one scan's report.
pub const MAX_REPORT_ENTRIES: usize = 50_000;

/// The most checks that a scan leaves out, and that it gives other severities (each).
pub const MAX_LEFT_OUT: usize = 10_000;

/// How large a part of a streamed scan or report is made, in bytes: what follows is in the next part. Far
/// below the 4 MiB that gRPC clients take by default.
pub const PART_BYTES: usize = 1 << 20;

/// The most paths that one message of a published report covers.
pub const MAX_SCANNED_PATHS: usize = 50_000;

/// How many entries a page has when the caller does not say.
pub const DEFAULT_PAGE_SIZE: usize = 100;

/// The most entries of a page; asking for more gives this many.
pub const MAX_PAGE_SIZE: usize = 1000;
