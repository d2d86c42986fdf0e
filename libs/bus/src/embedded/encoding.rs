//! How log entries and jobs lie in the store: a version, fixed fields, headers, payload. Numbers are
//! big-endian.

use airside_ports::{Entry, Headers, Job, Partition};
use airside_types::{Id, Timestamp};
use bytes::Bytes;

const VERSION: u8 = 1;

/// Why stored bytes are no entry or job.
pub(super) type Damage = String;

/// What an entry or job takes beside its headers' texts and its payload, at most, in bytes.
const FIXED_BYTES: usize = 32;

/// The bytes that an entry or a job takes in the store.
pub(super) fn stored_bytes(headers: &Headers, payload: &Bytes) -> usize {
    let trace_parent = headers.trace_parent.as_ref().map_or(0, String::len);
    FIXED_BYTES + headers.message.len() + trace_parent + payload.len()
}

/// A log entry with the time at which it was appended.
pub(super) fn encode_entry(entry: &Entry, appended: Timestamp) -> Vec<u8> {
    let mut stored = Vec::with_capacity(stored_bytes(&entry.headers, &entry.payload));
    stored.push(VERSION);
    stored.extend_from_slice(&appended.as_nanos().to_be_bytes());
    stored.extend_from_slice(&entry.partition.0.to_be_bytes());
    put_message(&mut stored, &entry.headers, &entry.payload);
    stored
}

/// Reads what [`encode_entry`] wrote.
pub(super) fn decode_entry(stored: &Bytes) -> Result<(Entry, Timestamp), Damage> {
    let mut rest = Reader::new(stored)?;
    let appended = Timestamp::from_nanos(i64::from_be_bytes(rest.array("its time")?));
    let partition = Partition(u16::from_be_bytes(rest.array("its partition")?));
    let (headers, payload) = rest.message()?;
    Ok((Entry { partition, headers, payload }, appended))
}

/// A job.
pub(super) fn encode_job(job: &Job) -> Vec<u8> {
    let mut stored = Vec::with_capacity(stored_bytes(&job.headers, &job.payload));
    stored.push(VERSION);
    stored.extend_from_slice(job.id.as_bytes());
    put_message(&mut stored, &job.headers, &job.payload);
    stored
}

/// Reads what [`encode_job`] wrote.
pub(super) fn decode_job(stored: &Bytes) -> Result<Job, Damage> {
    let mut rest = Reader::new(stored)?;
    let id = Id::from_bytes(rest.array("its id")?);
    let (headers, payload) = rest.message()?;
    Ok(Job { id, headers, payload })
}

fn put_message(stored: &mut Vec<u8>, headers: &Headers, payload: &Bytes) {
    put_text(stored, &headers.message);
    // An absent trace context and an empty one are the same.
    put_text(stored, headers.trace_parent.as_deref().unwrap_or_default());
    stored.extend_from_slice(payload);
}

fn put_text(stored: &mut Vec<u8>, text: &str) {
    // Longer headers than this are refused by the size of the whole.
    let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
    stored.extend_from_slice(&bytes.to_be_bytes());
    stored.extend_from_slice(text.as_bytes());
}

struct Reader {
    rest: Bytes,
}

impl Reader {
    fn new(stored: &Bytes) -> Result<Self, Damage> {
        let mut reader = Self { rest: stored.clone() };
        match reader.array("its version")? {
            [VERSION] => Ok(reader),
            [other] => Err(format!("its version is {other}, this build reads {VERSION}")),
        }
    }

    fn bytes(&mut self, count: usize, what: &str) -> Result<Bytes, Damage> {
        if count > self.rest.len() {
            return Err(format!("it ends within {what}"));
        }
        Ok(self.rest.split_to(count))
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Damage> {
        let bytes = self.bytes(N, what)?;
        (*bytes).try_into().map_err(|_| format!("it ends within {what}"))
    }

    fn text(&mut self, what: &str) -> Result<String, Damage> {
        let count = u32::from_be_bytes(self.array(what)?);
        let bytes = self.bytes(usize::try_from(count).unwrap_or(usize::MAX), what)?;
        std::str::from_utf8(&bytes).map(str::to_owned).map_err(|_| format!("{what} is no UTF-8"))
    }

    fn message(mut self) -> Result<(Headers, Bytes), Damage> {
        let message = self.text("its message header")?;
        let trace_parent = self.text("its trace header")?;
        let trace_parent = (!trace_parent.is_empty()).then_some(trace_parent);
        Ok((Headers { message, trace_parent }, self.rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_truncation_is_told_and_none_panics() {
        let headers = Headers { message: "m.v1".into(), trace_parent: Some("00-ab".into()) };
        let payload = Bytes::from_static(b"payload");
        let entry =
            Entry { partition: Partition(7), headers: headers.clone(), payload: payload.clone() };
        let stored = Bytes::from(encode_entry(&entry, Timestamp::from_nanos(5)));
        assert_eq!(decode_entry(&stored), Ok((entry, Timestamp::from_nanos(5))));
        let job = Job { id: Id::from_bytes([3; 16]), headers, payload: payload.clone() };
        let stored_job = Bytes::from(encode_job(&job));
        assert_eq!(decode_job(&stored_job), Ok(job));
        for end in 0..stored.len() - payload.len() {
            assert!(decode_entry(&stored.slice(..end)).is_err(), "{end}");
        }
        for end in 0..stored_job.len() - payload.len() {
            assert!(decode_job(&stored_job.slice(..end)).is_err(), "{end}");
        }
        assert_eq!(
            decode_entry(&Bytes::from_static(&[9])).unwrap_err(),
            "its version is 9, this build reads 1"
        );
    }
}
