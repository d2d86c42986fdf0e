//! The project's own recordings as load: copied as often as it takes, each copy with identities of its own.
//!
//! A copy's UUIDs (audit ids, uids, credential ids) and generated names (those of pods) differ from those of
//! every other copy, so that no copy is a repeat. Other names, users and addresses stay: it is the same
//! cluster, day after day, deployed anew each time.

use airside::recording::{RecordedFile, Recording};

/// A file of the project's recordings: its path within the recording, and its content.
macro_rules! recorded {
    ($recording:literal, $($file:literal),+) => {
        &[$(($file, include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"), "/../services/airside/recordings/", $recording, "/", $file
        )))),+]
    };
}

const ATTACK_STOREFRONT: &[(&str, &[u8])] = recorded!(
    "attack-storefront",
    "manifests/platform.yaml",
    "manifests/storefront.yaml",
    "admission.jsonl",
    "audit.jsonl",
    "falco.jsonl"
);
const ATTACK_LEDGER: &[(&str, &[u8])] = recorded!(
    "attack-ledger",
    "manifests/ledger.yaml",
    "manifests/platform.yaml",
    "manifests/team-access.yaml",
    "admission.jsonl",
    "audit.jsonl",
    "falco.jsonl"
);
const BENIGN_RELEASE: &[(&str, &[u8])] = recorded!(
    "benign-release",
    "manifests/newsletter.yaml",
    "manifests/paywall.yaml",
    "manifests/platform.yaml",
    "manifests/website.yaml",
    "admission.jsonl",
    "audit.jsonl",
    "falco.jsonl"
);

/// The length of a UUID as text.
const UUID: usize = 36;
/// How many hexadecimal digits at a UUID's end differ from copy to copy.
const TAIL: usize = 8;

/// The length of what the API server puts behind `generateName`, and the characters that it takes for it.
const SUFFIX: usize = 5;
const GENERATED: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// All recordings: two attacks and an ordinary day.
pub(crate) fn recordings() -> Vec<Recording> {
    let file = |(path, content): &(&str, &[u8])| RecordedFile {
        path: (*path).to_owned(),
        content: content.to_vec(),
    };
    let all = [ATTACK_STOREFRONT, ATTACK_LEDGER, BENIGN_RELEASE];
    all.into_iter().map(|files| Recording::of(files.iter().map(file).collect())).collect()
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
    let mut at = 0_usize;
    while at < bytes.len() {
        at += if let Some(uuid) = bytes.get_mut(at..at + UUID).filter(|text| is_uuid(text)) {
            change_tail(uuid, number);
            UUID
        } else if is_generated_suffix(bytes.get(at..).unwrap_or_default()) {
            let suffix = bytes.get_mut(at + 1..at + 1 + SUFFIX).unwrap_or_default();
            change_suffix(suffix, number);
            1 + SUFFIX
        } else {
            1
        };
    }
    // Characters of ASCII were replaced by others, so it is text still.
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

/// Whether a text begins with the end of a generated name, such as `-t4bbk`.
fn is_generated_suffix(text: &[u8]) -> bool {
    let Some((b'-', rest)) = text.split_first() else { return false };
    let Some((suffix, after)) = rest.split_at_checked(SUFFIX) else { return false };
    let ends = after.first().is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-');
    ends && suffix.iter().all(|byte| GENERATED.contains(byte))
}

/// Turns each character on by a digit of the number.
fn change_suffix(suffix: &mut [u8], number: u32) {
    let mut left = usize::try_from(number).unwrap_or_default();
    for byte in suffix {
        let place = GENERATED.iter().position(|known| known == byte).unwrap_or_default();
        let turned = GENERATED.get((place + left % GENERATED.len()) % GENERATED.len());
        *byte = turned.copied().unwrap_or(*byte);
        left /= GENERATED.len();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn copies_differ_in_identities_only_and_no_two_are_alike() {
        let line = r#"{"uid":"01234567-89ab-cdef-0123-456789abcdef","x":"é JTI=ffffffff-ffff-ffff-ffff-ffffffffffff"}"#;
        assert_eq!(copy(line, 0), line);
        assert_eq!(
            copy(line, 1),
            r#"{"uid":"01234567-89ab-cdef-0123-456789abcdee","x":"é JTI=ffffffff-ffff-ffff-ffff-fffffffffffe"}"#
        );
        assert_eq!(copy(r#""web-75cb8dd64c-ddnmg""#, 28), r#""web-75cb8dd64c-ffnmg""#);
        for fixed in ["kube-system", "web-0", "x-ddnmgz", "node-pool"] {
            assert_eq!(copy(fixed, 28), fixed);
        }
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
