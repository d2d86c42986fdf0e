//! A recorded scenario: a folder of manifests, admission reviews, audit events and sensors' records.
//!
//! Owns the form of such folders. `replay` turns one into records; `demo` sends one to a running platform.

use std::path::{Path, PathBuf};

use airside_admission::gate::{Policy, Seen, judge};
use airside_admission::passes::Passes;
use airside_auth::signature::TrustedKeys;
use airside_checks::Terms;
use airside_detect::audit::{self, Telling, own};
use airside_detect::authorised::Authorised;
use airside_detect::intake::{Clock, Intake, Origin};
use airside_detect::profile::ClusterProfile;
use airside_detect::runtime::RuntimeSource;
use airside_k8s::Value;
use airside_k8s::admission::Review;
use airside_sift::Recorded;
use airside_sigma::{Correlating, Limits, RuleSet};
use airside_terms::TermsInForce;
use airside_types::{Cluster, Place, Record, Severity, Source, Tenant, Timestamp};
use airside_wire::scan::SourceFile;
use anyhow::Context;

use crate::command::replay::read;

/// A file of a recording, by its path within the folder.
#[derive(Debug, Clone)]
pub struct RecordedFile {
    /// The path, with `/` between folders.
    pub path: String,
    /// The content.
    pub content: Vec<u8>,
}

impl RecordedFile {
    /// A file that ships with the program.
    pub fn embedded((path, content): &(&str, &[u8])) -> Self {
        Self { path: (*path).to_owned(), content: content.to_vec() }
    }
}

/// The files of a recording.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// What was deployed.
    pub manifests: Vec<RecordedFile>,
    /// AdmissionReviews, one a line.
    pub admission: Option<RecordedFile>,
    /// Audit events, one a line.
    pub audit: Option<RecordedFile>,
    /// Sensors' records, one a line.
    pub runtime: Vec<(RuntimeSource, RecordedFile)>,
    /// What was not understood, for people.
    pub remarks: Vec<String>,
}

impl Recording {
    /// Reads a folder. Files of sources that are not understood are remarked upon.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        walk(folder, folder, &mut files)?;
        anyhow::ensure!(!files.is_empty(), "there is nothing to replay in `{}`", folder.display());
        Ok(Self::of(files))
    }

    /// Sorts files into what they are.
    pub fn of(mut files: Vec<RecordedFile>) -> Self {
        files.sort_by(|left, right| left.path.cmp(&right.path));
        let mut recording = Self::default();
        for file in files {
            let sensor = RuntimeSource::ALL
                .into_iter()
                .find(|source| file.path == format!("{}.jsonl", source.source()));
            match (file.path.as_str(), sensor) {
                (_, Some(source)) => recording.runtime.push((source, file)),
                ("admission.jsonl", _) => recording.admission = Some(file),
                ("audit.jsonl", _) => recording.audit = Some(file),
                (path, _) if path.starts_with("manifests/") => recording.manifests.push(file),
                (path, _) if path.ends_with(".jsonl") => {
                    let lines = lines(&file.content).count();
                    let remark =
                        format!("{path}: {lines} records of a source that is not understood");
                    recording.remarks.push(remark);
                }
                _ => {}
            }
        }
        recording
    }

    /// The records that the recording tells, in the order of event time. What is no record is remarked upon.
    pub fn records(&self) -> Vec<Record> {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let mut records = self.runtime_records(&tenant, &cluster);
        records.extend(self.audit_records(&tenant, &cluster));
        let reviews = self.reviews();
        let first = records
            .iter()
            .map(|record| record.event_time)
            .chain(reviews.iter().map(|(_, time, _)| *time))
            .min()
            .unwrap_or(Timestamp::EPOCH);
        let scanned = self.scan_records(&tenant, &cluster, first);
        let passes = Passes::new(usize::MAX, TrustedKeys::default());
        passes.learn(&scanned);
        let policy = Policy { warn_from: Some(Severity::Medium), deny_from: None };
        let terms = TermsInForce::built_in();
        for (line, time, review) in reviews {
            let origin = Place { path: "admission.jsonl".into(), line, column: 0 };
            let seen = Seen {
                tenant: tenant.clone(),
                cluster: cluster.clone(),
                time,
                origin: Some(origin),
            };
            records.push(judge(&review, &passes, &policy, &terms, &seen).record);
        }
        records.extend(scanned);
        records.sort_by_key(|record| (record.event_time, record.id));
        records
    }

    fn runtime_records(&self, tenant: &Tenant, cluster: &Cluster) -> Vec<Record> {
        let mut records = Vec::new();
        for (source, file) in &self.runtime {
            for (line, text) in lines(&file.content) {
                let intake = Intake {
                    tenant,
                    cluster,
                    clock: Clock::Recorded,
                    profile: ClusterProfile::unknown(),
                    origin: Some(Origin { path: &file.path, line }),
                };
                match source.read(text, &intake) {
                    Ok(told) => records.extend(told),
                    Err(why) => crate::show::remark(&format!("{}:{line}: {why}", file.path)),
                }
            }
        }
        records
    }

    fn audit_records(&self, tenant: &Tenant, cluster: &Cluster) -> Vec<Record> {
        let mut records = Vec::new();
        let authorised = Authorised::default();
        let mut recorded = Recorded::new(Telling::ToCorrelate, &authorised);
        let known = recorded.known();
        let refused = self.audit_events((tenant, cluster), &known, &mut |event, bytes, intake| {
            records.extend(recorded.take(event, bytes, intake, own::Found::default()).published());
        });
        records.extend(recorded.finish().published());
        refused.iter().for_each(|problem| crate::show::remark(problem));
        records
    }

    /// What people's own rules find in the audit events.
    pub fn found_by(&self, rules: &RuleSet, limits: Limits) -> Vec<Record> {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let mut correlating = Correlating::new(limits);
        let mut records = Vec::new();
        // What is no event was remarked upon when the built-in rules were asked.
        let known = audit::Known::default();
        let _refused =
            self.audit_events((&tenant, &cluster), &known, &mut |event, _bytes, intake| {
                records.extend(correlating.observe(rules, event, intake));
            });
        records.extend(correlating.finish(rules));
        records
    }

    /// Shows each audit event; the problems of what is none.
    fn audit_events(
        &self,
        (tenant, cluster): (&Tenant, &Cluster),
        known: &audit::Known,
        take: &mut dyn FnMut(&audit::Event<'_>, usize, &Intake<'_>),
    ) -> Vec<String> {
        let mut refused = Vec::new();
        let Some(file) = &self.audit else { return refused };
        audit::read::input_among(known, &file.content, &mut |item| {
            let intake = Intake {
                tenant,
                cluster,
                clock: Clock::Recorded,
                profile: ClusterProfile::unknown(),
                origin: Some(Origin { path: &file.path, line: item.line }),
            };
            match item.event {
                Ok(event) => take(event, item.bytes.len(), &intake),
                Err(why) => refused.push(format!("{}:{}: {why}", file.path, item.line)),
            }
        });
        refused
    }

    /// The reviews with line and time. The time is the recorder's `receivedAt`.
    fn reviews(&self) -> Vec<(u32, Timestamp, Review)> {
        let mut reviews = Vec::new();
        let Some(file) = &self.admission else { return reviews };
        for (line, text) in lines(&file.content) {
            let parsed =
                serde_json::from_slice::<Value>(text).context("no JSON").and_then(|value| {
                    let time =
                        value.get("receivedAt").and_then(Value::as_str).context("no receivedAt")?;
                    let time = Timestamp::parse_rfc3339(time)?;
                    Ok((line, time, Review::from_value(value)?))
                });
            match parsed {
                Ok(review) => reviews.push(review),
                Err(why) => crate::show::remark(&format!("{}:{line}: {why:#}", file.path)),
            }
        }
        reviews
    }

    fn scan_records(&self, tenant: &Tenant, cluster: &Cluster, time: Timestamp) -> Vec<Record> {
        let files: Vec<_> = self
            .manifests
            .iter()
            .map(|file| SourceFile {
                path: file.path.clone(),
                content: file.content.clone().into(),
            })
            .collect();
        let report =
            airside_scanner::scan_files(&files, &Terms::new(tenant, cluster, Severity::High))
                .report;
        let record = |id, payload| Record {
            tenant: tenant.clone(),
            cluster: cluster.clone(),
            id,
            source: Source::Scan,
            event_time: time,
            ingest_time: time,
            payload,
        };
        let findings = report.findings.into_iter().map(|finding| {
            record(finding.id(tenant, cluster), airside_types::Payload::Finding(finding))
        });
        let passes = report.passes.into_iter().map(|pass| {
            record(pass.id(tenant, cluster), airside_types::Payload::BoardingPass(pass))
        });
        findings.chain(passes).collect()
    }
}

/// The lines that hold something, with their numbers from 1.
pub(crate) fn lines(content: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    content
        .split(|byte| *byte == b'\n')
        .zip(1..)
        .map(|(line, number)| (number, line.trim_ascii()))
        .filter(|(_, line)| !line.is_empty())
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<RecordedFile>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("the folder `{}` cannot be read", folder.display()))?;
    for entry in entries {
        let path: PathBuf = entry?.path();
        if path.is_dir() {
            walk(root, &path, files)?;
        } else if let Ok(relative) = path.strip_prefix(root) {
            let relative = relative.to_string_lossy().replace('\\', "/");
            files.push(RecordedFile { path: relative, content: read(&path)? });
        }
    }
    Ok(())
}
