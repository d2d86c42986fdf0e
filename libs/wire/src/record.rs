//! Records on the wire: alone for stores, in batches for the log.

use airside_types::{Payload, Record};
use bytes::{Bytes, BytesMut};
use prost::encoding::message as submessage;

use crate::closed_list::ClosedList;
use crate::invalid::{InvalidField, Problem};
use crate::limits::{MAX_MESSAGE_BYTES, MAX_RECORDS};
use crate::message::{self, DecodeError, EncodeError};
use crate::v1::record::Payload as WirePayload;
use crate::{boarding_pass, bounded, field, v1};

/// The number of `RecordBatch.records` in `record.proto`.
const RECORDS_TAG: u32 = 1;

impl From<&Record> for v1::Record {
    fn from(record: &Record) -> Self {
        Self {
            tenant: record.tenant.as_str().to_owned(),
            cluster: record.cluster.as_str().to_owned(),
            id: bounded::id(record.id),
            source: record.source.to_wire(),
            event_time_unix_nanos: record.event_time.as_nanos(),
            ingest_time_unix_nanos: record.ingest_time.as_nanos(),
            payload: Some((&record.payload).into()),
        }
    }
}

impl TryFrom<v1::Record> for Record {
    type Error = InvalidField;

    fn try_from(record: v1::Record) -> Result<Self, Self::Error> {
        let payload =
            record.payload.ok_or_else(|| InvalidField::new("payload", Problem::Missing))?;
        Ok(Self {
            tenant: field::tenant("tenant", &record.tenant)?,
            cluster: field::cluster("cluster", &record.cluster)?,
            id: field::id("id", &record.id)?,
            source: field::listed("source", record.source)?,
            event_time: field::moment(record.event_time_unix_nanos),
            ingest_time: field::moment(record.ingest_time_unix_nanos),
            payload: payload.try_into()?,
        })
    }
}

impl From<&Payload> for WirePayload {
    fn from(payload: &Payload) -> Self {
        match payload {
            Payload::Finding(finding) => Self::Finding(Box::new(finding.into())),
            Payload::BoardingPass(pass) => Self::BoardingPass(Box::new(pass.into())),
            Payload::Decision(decision) => Self::Decision(Box::new(decision.into())),
            Payload::Detection(detection) => Self::Detection(Box::new(detection.into())),
            Payload::Fact(fact) => Self::Fact(Box::new(fact.into())),
            Payload::Gap(gap) => Self::Gap(Box::new(gap.into())),
        }
    }
}

impl TryFrom<WirePayload> for Payload {
    type Error = InvalidField;

    fn try_from(payload: WirePayload) -> Result<Self, Self::Error> {
        let (name, payload) = match payload {
            WirePayload::Finding(finding) => ("finding", (*finding).try_into().map(Self::Finding)),
            WirePayload::BoardingPass(pass) => {
                ("boarding_pass", (*pass).try_into().map(Self::BoardingPass))
            }
            WirePayload::Decision(decision) => {
                ("decision", (*decision).try_into().map(Self::Decision))
            }
            WirePayload::Detection(detection) => {
                ("detection", (*detection).try_into().map(Self::Detection))
            }
            WirePayload::Fact(fact) => ("fact", (*fact).try_into().map(Self::Fact)),
            WirePayload::Gap(gap) => ("gap", (*gap).try_into().map(Self::Gap)),
        };
        payload.map_err(|error: InvalidField| error.within(name))
    }
}

/// The record as a wire message, if the wire can carry it whole.
fn to_wire(record: &Record) -> Result<v1::Record, EncodeError> {
    if let Payload::BoardingPass(pass) = &record.payload {
        boarding_pass::fits(pass)
            .map_err(|error| EncodeError::Unbounded { what: "boarding pass", error })?;
    }
    Ok(record.into())
}

/// Encodes one record, for a store.
pub fn encode_record(record: &Record) -> Result<Bytes, EncodeError> {
    message::encode("record", &to_wire(record)?)
}

/// Decodes what [`encode_record`] wrote.
pub fn decode_record(payload: &[u8]) -> Result<Record, DecodeError> {
    message::decode::<v1::Record, _>("record", payload)
}

/// Encodes records into one message of type [`crate::MessageType::RecordBatch`]: at least one record, at
/// most [`MAX_RECORDS`] and [`MAX_MESSAGE_BYTES`].
pub fn encode_records(records: &[Record]) -> Result<Bytes, EncodeError> {
    if records.is_empty() {
        return Err(EncodeError::NoRecords);
    }
    if records.len() > MAX_RECORDS {
        return Err(EncodeError::TooManyRecords { records: records.len(), most: MAX_RECORDS });
    }
    let mut batch = BytesMut::new();
    for record in records {
        submessage::encode(RECORDS_TAG, &to_wire(record)?, &mut batch);
    }
    match batch.len() {
        bytes if bytes > MAX_MESSAGE_BYTES => {
            Err(EncodeError::TooLarge { what: "batch of records", bytes, most: MAX_MESSAGE_BYTES })
        }
        _ => Ok(batch.freeze()),
    }
}

/// Encodes records into as many messages as it takes, in order: none is larger than `most_bytes` unless
/// one record alone is, none larger than what [`decode_records`] reads. No records give no message.
pub fn encode_batches(records: &[Record], most_bytes: usize) -> Result<Vec<Bytes>, EncodeError> {
    let mut batches = Vec::new();
    let (mut batch, mut count) = (BytesMut::new(), 0_usize);
    for record in records {
        let record = to_wire(record)?;
        let bytes = submessage::encoded_len(RECORDS_TAG, &record);
        if bytes > MAX_MESSAGE_BYTES {
            return Err(EncodeError::TooLarge { what: "record", bytes, most: MAX_MESSAGE_BYTES });
        }
        let full = count == MAX_RECORDS || batch.len() + bytes > most_bytes.min(MAX_MESSAGE_BYTES);
        if full && count > 0 {
            batches.push(batch.split().freeze());
            count = 0;
        }
        submessage::encode(RECORDS_TAG, &record, &mut batch);
        count += 1;
    }
    if count > 0 {
        batches.push(batch.freeze());
    }
    Ok(batches)
}

/// Decodes what [`encode_records`] or [`encode_batches`] wrote.
pub fn decode_records(payload: &[u8]) -> Result<Vec<Record>, DecodeError> {
    let batch: v1::RecordBatch = message::decode_wire("batch of records", payload)?;
    let records = field::list("records", batch.records, MAX_RECORDS).and_then(|records| {
        if records.is_empty() {
            return Err(InvalidField::new("records", Problem::Missing));
        }
        Ok(records)
    });
    records.map_err(|error| DecodeError::Invalid { what: "batch of records", error })
}
