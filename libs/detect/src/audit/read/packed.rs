//! Base64 and gzip, in which the clouds' services pack records.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF as IN_ONE_BUFFER;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// How much the envelopes of one record may hold unpacked, in bytes, all together. CloudWatch packs at most
/// 6 MiB for one invocation.
pub(super) const MOST_UNPACKED: usize = 128 << 20;

/// How a gzip member begins (RFC 1952), and how many bytes end it: its checksum and its length.
const MEMBER: [u8; 3] = [0x1f, 0x8b, 8];
const TRAILER: usize = 8;

/// Why something cannot be unpacked, and how many bytes of it were.
#[derive(Debug)]
pub(super) struct NotUnpacked {
    pub(super) reason: String,
    pub(super) bytes: usize,
}

/// What was packed, of at most so many bytes; what is left of it where the end is missing.
pub(super) fn unpack(data: &str, most: usize) -> Result<Vec<u8>, NotUnpacked> {
    let refuse = |reason: String| NotUnpacked { reason, bytes: 0 };
    let packed = STANDARD.decode(data.trim_ascii());
    let packed = packed.map_err(|error| refuse(format!("base64: {error}")))?;
    if packed.is_empty() {
        return Err(refuse("it is empty".to_owned()));
    }
    if !packed.starts_with(&MEMBER) {
        return Ok(packed);
    }
    let (mut rest, mut all) = (&*packed, Vec::new());
    // Whoever appends what is packed to what is packed has several members.
    while let Some(member) = rest.strip_prefix(&MEMBER) {
        let refuse =
            |reason: String, bytes| NotUnpacked { reason: format!("gzip: {reason}"), bytes };
        let Some(deflated) = after_header(member) else {
            return Err(refuse("its header breaks off".to_owned(), all.len()));
        };
        let (plain, used, status) = inflate(deflated, most.saturating_sub(all.len()));
        all.extend_from_slice(&plain);
        match status {
            TINFLStatus::Done => rest = deflated.get(used + TRAILER..).unwrap_or_default(),
            TINFLStatus::HasMoreOutput => {
                let reason = format!("the record's envelopes hold more than {MOST_UNPACKED} bytes");
                return Err(refuse(reason, all.len()));
            }
            // What could be unpacked is read.
            broken if all.is_empty() => return Err(refuse(format!("{broken:?}"), 0)),
            _ => return Ok(all),
        }
    }
    Ok(all)
}
/// What deflated bytes hold, as far as it could be read and of at most so many bytes; how many of them it was, and how it
/// ended.
fn inflate(deflated: &[u8], most: usize) -> (Vec<u8>, usize, TINFLStatus) {
    let mut plain = vec![0; deflated.len().saturating_mul(2).clamp(1, most.max(1))];
    let mut state = Box::<DecompressorOxide>::default();
    let (mut read, mut written) = (0, 0);
    loop {
        let input = deflated.get(read..).unwrap_or_default();
        let (status, taken, given) =
            decompress(&mut state, input, &mut plain, written, IN_ONE_BUFFER);
        read += taken;
        written += given;
        if status != TINFLStatus::HasMoreOutput || plain.len() >= most {
            plain.truncate(written);
            return (plain, read, status);
        }
        plain.resize(plain.len().saturating_mul(2).min(most), 0);
    }
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
