//! The project's own recordings as load: copied as often as it takes, each copy with identities of its own.
//!
//! A copy's UUIDs (audit ids, uids, credential ids) differ from those of every other copy, so that no copy
//! is a repeat. Names, users and addresses stay: it is the same cluster, day after day.

use airside::recording::{RecordedFile, Recording};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../services/airside/recordings"]
#[exclude = "*/truth.json"]
struct Recordings;

/// The length of a UUID as text.
const UUID: usize = 36;
/// How many hexadecimal digits at a UUID's end differ from copy to copy.
const TAIL: usize = 8;

/// All recordings, by the names of their folders.
pub(crate) fn recordings() -> Vec<Recording> {
    let mut folders = std::collections::BTreeMap::<String, Vec<RecordedFile>>::new();
    for path in Recordings::iter() {
        let Some((folder, inner)) = path.split_once('/') else { continue };
        let Some(file) = Recordings::get(&path) else { continue };
        let recorded = RecordedFile { path: inner.to_owned(), content: file.data.into_owned() };
        folders.entry(folder.to_owned()).or_default().push(recorded);
    }
    folders.into_values().map(Recording::of).collect()
}

/// Copies of lines, as many as it takes to have this many, in the order of the copies.
pub(crate) fn copies(lines: &[String], count: usize) -> Vec<String> {
    let numbered = (0_u32..).flat_map(|number| lines.iter().map(move |line| (number, line)));
    if lines.is_empty() {
        return Vec::new();
    }
    numbered.take(count).map(|(number, line)| copy(line, number)).collect()
}

/// A copy of a line: copy 0 is the line itself.
pub(crate) fn copy(line: &str, number: u32) -> String {
    let mut bytes = line.as_bytes().to_vec();
    let mut at = 0;
    while let Some(window) = bytes.get_mut(at..at.saturating_add(UUID)) {
        at += if is_uuid(window) {
            change_tail(window, number);
            UUID
        } else {
            1
        };
    }
    // Hexadecimal digits were replaced by others, so it is text still.
    String::from_utf8(bytes).unwrap_or_else(|_| line.to_owned())
}

fn is_uuid(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(byte),
    })
}

fn change_tail(uuid: &mut [u8], number: u32) {
    let Some(tail) = uuid.last_chunk_mut::<TAIL>() else { return };
    let digits = std::str::from_utf8(tail.as_slice()).unwrap_or_default();
    let Ok(value) = u32::from_str_radix(digits, 16) else { return };
    let changed = format!("{:08x}", value ^ number);
    tail.copy_from_slice(changed.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn copies_differ_in_uuids_only_and_no_two_are_alike() {
        let line = r#"{"uid":"01234567-89ab-cdef-0123-456789abcdef","x":"é JTI=ffffffff-ffff-ffff-ffff-ffffffffffff"}"#;
        assert_eq!(copy(line, 0), line);
        assert_eq!(
            copy(line, 1),
            r#"{"uid":"01234567-89ab-cdef-0123-456789abcdee","x":"é JTI=ffffffff-ffff-ffff-ffff-fffffffffffe"}"#
        );
        let short = "not 01234567-89ab-cdef-0123-456789abcde";
        assert_eq!(copy(short, 7), short);
        let all = copies(&[line.to_owned()], 500);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 500);
        assert!(copies(&[], 3).is_empty());
    }

    #[test]
    fn the_recordings_have_something_for_every_area() {
        let recordings = recordings();
        assert!(recordings.len() >= 3);
        for recording in recordings {
            assert!(recording.remarks.is_empty(), "{:?}", recording.remarks);
            assert!(recording.admission.is_some() && recording.audit.is_some());
            assert!(!recording.manifests.is_empty() && !recording.runtime.is_empty());
        }
    }
}
