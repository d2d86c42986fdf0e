//! `correlate`: records as they come off the log, through the engine, to changed incidents.
//!
//! The records are those of whole recordings, again and again: each time with other identities, a day
//! later. So incidents arise, grow, and leave the horizon. The floor decodes the same entries and hashes
//! their bytes.

use std::time::Duration;

use airside::recording::{RecordedFile, Recording};
use airside_correlate::{Engine, Settings};
use airside_types::{Payload, Record, Severity, Tenant};
use airside_wire::{decode_records, encode_batches};
use bytes::Bytes;

use super::Run;
use crate::measure::{Process, measured};
use crate::report::Report;
use crate::{corpus, own};

/// About what the embedded log gathers into one entry.
const ENTRY_BYTES: usize = 16 << 10;
/// How many entries one read of the log returns at most; 4 MiB of them, which is less, counts too.
const READ_ENTRIES: usize = 256;
/// More than the longest span over which signals join.
const LATER: Duration = Duration::from_hours(25);

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let input = corpus::scenarios(run.corpus())?;
    let copies = u32::try_from(run.amount(4, 30))?;
    let mut entries = Vec::new();
    let (mut records, mut signals) = (0_u64, 0_u64);
    for copy in 0..copies {
        for recording in &input.items {
            let told = copied(recording, copy).records();
            let told: Vec<_> = told.into_iter().map(|record| later(record, copy)).collect();
            records += told.len() as u64;
            signals += told.iter().filter(|record| is_signal(record)).count() as u64;
            entries.extend(encode_batches(&told, ENTRY_BYTES)?);
        }
    }
    let bytes: usize = entries.iter().map(Bytes::len).sum();
    let (_, least) = measured(|| decode_and_hash(&entries))?;
    let (_, seldom) = measured(|| correlate(&entries, READ_ENTRIES))?;
    let (told, span) = measured(|| correlate(&entries, 1))?;
    let report = Report::of("correlate")
        .took(Process::This, "signals", signals, span)?
        .with("input", input.source)
        .with("copies", copies)
        .with("entries", entries.len())
        .with("bytes", bytes)
        .with("records", records)
        .with("records_per_cpu_second", span.rate(records).map(f64::round))
        .with("told_once_a_read_signals_per_cpu_second", seldom.rate(signals).map(f64::round))
        .with("changes", told.changes)
        .with("incidents_at_the_end", told.incidents)
        .with("incidents_from_medium_at_the_end", told.loud);
    Ok(report.above("decoding and hashing the same entries", signals, least))
}

/// The recording with identities of the copy's own.
fn copied(recording: &Recording, copy: u32) -> Recording {
    let other = |file: &RecordedFile| RecordedFile {
        path: file.path.clone(),
        content: own::copy(&String::from_utf8_lossy(&file.content), copy).into_bytes(),
    };
    Recording {
        manifests: recording.manifests.clone(),
        admission: recording.admission.as_ref().map(other),
        audit: recording.audit.as_ref().map(other),
        runtime: recording.runtime.iter().map(|(source, file)| (*source, other(file))).collect(),
        remarks: Vec::new(),
    }
}

fn later(mut record: Record, copy: u32) -> Record {
    let by = LATER.saturating_mul(copy);
    record.event_time = record.event_time.plus(by);
    record.ingest_time = record.ingest_time.plus(by);
    if let Payload::Fact(fact) = &mut record.payload {
        fact.from = fact.from.plus(by);
        fact.until = fact.until.map(|until| until.plus(by));
    }
    record
}

fn is_signal(record: &Record) -> bool {
    matches!(record.payload, Payload::Detection(_) | Payload::Decision(_))
}

struct Told {
    changes: usize,
    incidents: usize,
    loud: usize,
}

/// What the correlation service does with entries, without keeping anything. Incidents are brought up to
/// date after so many entries each.
fn correlate(entries: &[Bytes], together: usize) -> anyhow::Result<Told> {
    let mut engine = Engine::new(Settings::default());
    let mut changes = 0;
    for entries in entries.chunks(together) {
        for entry in entries {
            for record in decode_records(entry)? {
                engine.apply(&record);
            }
            std::hint::black_box(engine.expired());
        }
        changes += engine.take_changes().len();
    }
    let tenant = Tenant::default();
    let loud = engine.incidents(&tenant).filter(|it| it.severity >= Severity::Medium).count();
    Ok(Told { changes, incidents: engine.incidents(&tenant).count(), loud })
}

fn decode_and_hash(entries: &[Bytes]) -> anyhow::Result<()> {
    for entry in entries {
        std::hint::black_box((decode_records(entry)?.len(), blake3::hash(entry)));
    }
    Ok(())
}
