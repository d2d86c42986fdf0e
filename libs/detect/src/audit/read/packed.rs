//! Base64 and gzip, in which the clouds' services pack records.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};

/// How much the envelopes of one record may hold unpacked, in bytes, all together. CloudWatch packs at most
/// 6 MiB for one invocation.
pub(super) const MOST_UNPACKED: usize = 128 << 20;

/// What was packed, of at most so many bytes; what is left of it where the end is missing.
pub(super) fn unpack(data: &str, most: usize) -> Result<Vec<u8>, String> {
    let bytes = STANDARD.decode(data.trim_ascii()).map_err(|error| format!("base64: {error}"))?;
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    let Some(rest) = bytes.strip_prefix(&[0x1f, 0x8b, 8]) else { return Ok(bytes) };
    let deflated = after_header(rest).ok_or("gzip: its header breaks off")?;
    let mut error = match decompress_to_vec_with_limit(deflated, most) {
        Ok(bytes) => return Ok(bytes),
        Err(error) => error,
    };
    if error.status == TINFLStatus::HasMoreOutput {
        return Err(format!("gzip: the record's envelopes hold more than {MOST_UNPACKED} bytes"));
    }
    // Behind what could be unpacked, the output is zeros.
    let length = error.output.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    error.output.truncate(length);
    if error.output.is_empty() { Err(format!("gzip: {error}")) } else { Ok(error.output) }
}

/// What follows the header of a gzip member (RFC 1952), of which the first three bytes are read.
fn after_header(rest: &[u8]) -> Option<&[u8]> {
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const CHECKSUM: u8 = 2;
    let (flags, rest) = rest.split_first()?;
    // Time, extra flags, operating system.
    let mut rest = rest.get(6..)?;
    if flags & EXTRA != 0 {
        let (length, after) = rest.split_first_chunk()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for _ in 0..(flags & (NAME | COMMENT)).count_ones() {
        let end = rest.iter().position(|byte| *byte == 0)?;
        rest = rest.get(end + 1..)?;
    }
    if flags & CHECKSUM != 0 { rest.get(2..) } else { Some(rest) }
}
