//! No bytes make a reader panic, and whatever it accepts it can write again.

use proptest::collection::vec;
use proptest::prelude::*;

use super::arbitrary::{self as any_of, Scale::Ordinary};
use crate::dead_letter::{decode_dead_letter, encode_dead_letter};
use crate::incident::{
    decode_incident_event, decode_revision, encode_incident_event, encode_revision,
};
use crate::job::{decode_job, decode_scan_job, encode_job, encode_scan_job};
use crate::record::{decode_record, decode_records, encode_record, encode_records};
use crate::sighting::{decode_sightings, encode_sightings};

/// Reads the bytes as everything that they could be; what is accepted must be the same once written and
/// read again.
fn read_as_everything(bytes: &[u8]) {
    macro_rules! assert_stable {
        ($($decode:ident, $encode:ident;)+) => {
            $(if let Ok(read) = $decode(bytes) {
                assert_eq!($decode(&$encode(&read).unwrap()).unwrap(), read);
            })+
        };
    }
    assert_stable! {
        decode_records, encode_records;
        decode_record, encode_record;
        decode_incident_event, encode_incident_event;
        decode_revision, encode_revision;
        decode_job, encode_job;
        decode_scan_job, encode_scan_job;
        decode_dead_letter, encode_dead_letter;
        decode_sightings, encode_sightings;
    }
}

/// Changes single bytes and cuts the end off.
fn mutate(
    bytes: &[u8],
    changes: &[(prop::sample::Index, u8)],
    keep: prop::sample::Index,
) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, value) in changes {
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
    }
    bytes.truncate(keep.index(2 * bytes.len() + 1));
    bytes
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..400)) {
        read_as_everything(&bytes);
    }

    #[test]
    fn mutated_messages_never_panic(
        records in vec(any_of::record(Ordinary), 1..3),
        event in any_of::incident_event(Ordinary),
        job in any_of::job(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        keep in any::<prop::sample::Index>(),
    ) {
        for message in [
            encode_records(&records).unwrap(),
            encode_record(&records[0]).unwrap(),
            encode_incident_event(&event).unwrap(),
            encode_job(&job).unwrap(),
        ] {
            read_as_everything(&mutate(&message, &changes, keep));
        }
    }
}
