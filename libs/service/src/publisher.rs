//! Publishing records: which stream, which partition, how many in one entry.

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_ports::{Entry, Headers, Log, LogError, Partition, Partitioner, Stream};
use airside_types::{Id, Payload, Record, RuleFiles, SightingBatch};
use airside_wire::{EncodeError, MessageType, encode_batches, encode_rule_files, encode_sightings};

/// Publishes records onto the log. What it returns for is durable.
#[derive(Debug, Clone)]
pub struct Publisher {
    log: Arc<dyn Log>,
    partitioner: Partitioner,
}

/// Why records were not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The log did not take them; trying again may help.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A record cannot be encoded within the bounds of the wire; trying again will not help.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl Publisher {
    /// A publisher onto a log with this many partitions.
    pub fn new(log: Arc<dyn Log>, partitioner: Partitioner) -> Self {
        Self { log, partitioner }
    }

    /// Publishes records with the trace of the current span; they are durable when this returns.
    pub async fn publish(&self, records: Vec<Record>) -> Result<(), PublishError> {
        for (stream, entries) in self.entries(records)? {
            self.log.append(stream, entries).await?;
        }
        Ok(())
    }

    /// The entries that publish these records, for callers that append them later.
    pub fn entries(&self, records: Vec<Record>) -> Result<Vec<(Stream, Vec<Entry>)>, EncodeError> {
        let headers = Headers {
            message: MessageType::RecordBatch.as_str().to_owned(),
            trace_parent: airside_telemetry::trace::parent_of_current(),
        };
        let preferred = self.log.preferred_entry_bytes();
        let mut streams: BTreeMap<Stream, Vec<Entry>> = BTreeMap::new();
        for ((stream, partition), records) in self.group(records) {
            let entries = streams.entry(stream).or_default();
            for payload in encode_batches(&records, preferred)? {
                entries.push(Entry { partition, headers: headers.clone(), payload });
            }
        }
        Ok(streams.into_iter().collect())
    }

    /// Publishes sightings with the trace of the current span; they are durable when this returns, which tells how many
    /// bytes they are.
    pub async fn publish_sightings(&self, batches: &[SightingBatch]) -> Result<u64, PublishError> {
        let headers = Headers {
            message: MessageType::SightingBatch.as_str().to_owned(),
            trace_parent: airside_telemetry::trace::parent_of_current(),
        };
        let mut entries = Vec::with_capacity(batches.len());
        let mut bytes = 0_u64;
        for batch in batches {
            let partition = self.partitioner.partition(&batch.tenant, &batch.cluster, "");
            let payload = encode_sightings(batch)?;
            bytes = bytes.saturating_add(payload.len() as u64);
            entries.push(Entry { partition, headers: headers.clone(), payload });
        }
        if !entries.is_empty() {
            self.log.append(Stream::Sightings, entries).await?;
        }
        Ok(bytes)
    }

    /// Publishes the rules that a tenant has set, in the place of those that it had; they are durable when this returns.
    pub async fn publish_rules(&self, files: &RuleFiles) -> Result<(), PublishError> {
        let headers = Headers {
            message: MessageType::RuleFiles.as_str().to_owned(),
            trace_parent: airside_telemetry::trace::parent_of_current(),
        };
        let payload = encode_rule_files(files)?;
        let entry = Entry { partition: Partition::default(), headers, payload };
        let key = Id::builder("rules-of-tenant").text(files.tenant.as_str()).finish();
        self.log.replace(Stream::Rules, key, entry).await?;
        Ok(())
    }

    fn group(&self, records: Vec<Record>) -> BTreeMap<(Stream, Partition), Vec<Record>> {
        let mut groups: BTreeMap<(Stream, Partition), Vec<Record>> = BTreeMap::new();
        for record in records {
            let partition = self.partitioner.partition(&record.tenant, &record.cluster, "");
            groups.entry((stream_of(&record.payload), partition)).or_default().push(record);
        }
        groups
    }
}

/// The stream that carries a kind of record.
pub const fn stream_of(payload: &Payload) -> Stream {
    match payload {
        Payload::Finding(_) | Payload::BoardingPass(_) => Stream::Configuration,
        Payload::Decision(_) | Payload::Detection(_) | Payload::Fact(_) | Payload::Gap(_) => {
            Stream::Activity
        }
    }
}
