//! Base64 and gzip, in which the clouds' services pack records.

use std::ops::ControlFlow;

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

/// Why something cannot be unpacked.
#[derive(Debug)]
pub(super) enum NotUnpacked {
    /// It is broken, or more than may be; so many bytes of it were unpacked.
    Broken { reason: String, bytes: usize },
    /// Whoever was asked has no room for it.
    NoRoom,
}

/// What unpacking takes, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unpacking {
    /// All memory, while it goes on.
    pub(super) memory: usize,
    /// What is packed, unpacked: about twice as much at most.
    pub(super) plain: usize,
}

/// Asked for room before it is taken.
type AskRoom<'r> = &'r mut dyn FnMut(Unpacking) -> ControlFlow<()>;

/// What was packed, of at most so many bytes; what is left of it where the end is missing.
pub(super) fn unpack(data: &str, most: usize, room: AskRoom<'_>) -> Result<Vec<u8>, NotUnpacked> {
    let refuse = |reason: String| NotUnpacked::Broken { reason, bytes: 0 };
    let data = data.trim_ascii();
    let decoded = base64::decoded_len_estimate(data.len());
    granted(room(Unpacking { memory: decoded, plain: 0 }))?;
    let packed = STANDARD.decode(data);
    let packed = packed.map_err(|error| refuse(format!("base64: {error}")))?;
    if packed.is_empty() {
        return Err(refuse("it is empty".to_owned()));
    }
    if !packed.starts_with(&MEMBER) {
        return Ok(packed);
    }
    let mut plain = Plain { bytes: Vec::new(), written: 0, most, beside: packed.capacity() };
    plain.grow(packed.len().saturating_mul(2), room)?;
    members(&packed, &mut plain, room)?;
    plain.bytes.truncate(plain.written);
    Ok(plain.bytes)
}

/// Unpacks all members: whoever appends what is packed to what is packed has several.
fn members(packed: &[u8], plain: &mut Plain, room: AskRoom<'_>) -> Result<(), NotUnpacked> {
    let mut state = Box::<DecompressorOxide>::default();
    let mut rest = packed;
    while let Some(member) = rest.strip_prefix(&MEMBER) {
        let Some(deflated) = after_header(member) else {
            return Err(plain.refuse("its header breaks off"));
        };
        state.init();
        let (used, status) = inflate(deflated, &mut state, plain, room)?;
        match status {
            TINFLStatus::Done => rest = deflated.get(used + TRAILER..).unwrap_or_default(),
            TINFLStatus::HasMoreOutput => {
                let reason = format!("the record's envelopes hold more than {MOST_UNPACKED} bytes");
                return Err(plain.refuse(&reason));
            }
            // What could be unpacked is read.
            broken if plain.written == 0 => return Err(plain.refuse(&format!("{broken:?}"))),
            _ => return Ok(()),
        }
    }
    Ok(())
}

/// What has been unpacked: the first bytes of a buffer that grows.
struct Plain {
    bytes: Vec<u8>,
    written: usize,
    /// How many bytes it may be.
    most: usize,
    /// How many bytes lie beside it.
    beside: usize,
}

impl Plain {
    /// Makes room for so many bytes in all, or for as many as there may be.
    fn grow(&mut self, length: usize, room: AskRoom<'_>) -> Result<(), NotUnpacked> {
        let length = length.min(self.most);
        // What was there may be moved.
        let memory = self.beside.saturating_add(self.bytes.len()).saturating_add(length);
        granted(room(Unpacking { memory, plain: length }))?;
        self.bytes.reserve_exact(length.saturating_sub(self.bytes.len()));
        self.bytes.resize(length, 0);
        Ok(())
    }

    fn refuse(&self, reason: &str) -> NotUnpacked {
        NotUnpacked::Broken { reason: format!("gzip: {reason}"), bytes: self.written }
    }
}

fn granted(answer: ControlFlow<()>) -> Result<(), NotUnpacked> {
    if answer.is_break() { Err(NotUnpacked::NoRoom) } else { Ok(()) }
}

/// Appends what deflated bytes hold, as far as it can be read; how many of them it was, and how it ended.
fn inflate(
    deflated: &[u8],
    state: &mut DecompressorOxide,
    plain: &mut Plain,
    room: AskRoom<'_>,
) -> Result<(usize, TINFLStatus), NotUnpacked> {
    // A member knows nothing of those before it.
    let start = plain.written;
    let mut read = 0;
    loop {
        let input = deflated.get(read..).unwrap_or_default();
        let output = plain.bytes.get_mut(start..).unwrap_or_default();
        let written = plain.written - start;
        let (status, taken, given) = decompress(state, input, output, written, IN_ONE_BUFFER);
        read += taken;
        plain.written += given;
        if status != TINFLStatus::HasMoreOutput || plain.bytes.len() >= plain.most {
            return Ok((read, status));
        }
        plain.grow(plain.bytes.len().saturating_mul(2), room)?;
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
