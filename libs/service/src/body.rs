//! Reading request bodies within bounds, also when they are compressed.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::buf::Reader;
use bytes::{Buf, Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::budget::{Exhausted, Held};
use crate::http_error::HttpError;

/// The bounds of a body.
#[derive(Debug)]
pub struct Bounds<'a> {
    /// The most bytes, before and after decompression.
    pub limit: usize,
    /// The setting that says so, for error messages.
    pub setting: &'a str,
    /// What it takes of the memory of all bodies.
    pub held: Held,
    /// How long it may take to arrive.
    pub patience: Duration,
}

/// How long a body may usually take to arrive: it has memory that others wait for.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Reads a body within its bounds, and decompresses it if it is gzip. The memory that it has is the caller's to
/// give back, by dropping it when the body is done with.
pub async fn read_bounded(
    headers: &HeaderMap,
    body: Body,
    bounds: Bounds<'_>,
) -> Result<(Bytes, Held), HttpError> {
    let Bounds { limit, setting, mut held, patience } = bounds;
    let too_large = || {
        HttpError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "the body is larger than {limit} bytes: raise `{setting}` or send less at once"
            ),
        )
    };
    // Who says how much comes is refused before any of it is read.
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced = announced.and_then(|text| text.parse::<usize>().ok()).unwrap_or_default();
    let room = announced.min(limit);
    held.cover(room).map_err(HttpError::overloaded)?;
    let collecting = collect(Limited::new(body, limit), room, &mut held);
    let collected = tokio::time::timeout(patience, collecting).await.map_err(|_| {
        let message =
            format!("the body did not arrive within {} s: send less at once", patience.as_secs());
        HttpError::new(StatusCode::REQUEST_TIMEOUT, message)
    })?;
    let bytes = collected.map_err(|error| match error {
        ReadError::TooLarge => too_large(),
        ReadError::Overloaded(error) => HttpError::overloaded(error),
        ReadError::Broken(error) => {
            HttpError::bad_request(format!("the body ended early: {error}"))
        }
    })?;
    match headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes()) {
        None | Some(b"identity" | b"") => Ok((bytes, held)),
        Some(b"gzip" | b"x-gzip") => {
            let plain = unpack(bytes, limit, held).await?;
            plain.map_err(|error| match error {
                ReadError::TooLarge => too_large(),
                ReadError::Overloaded(error) => HttpError::overloaded(error),
                ReadError::Broken(error) => {
                    HttpError::bad_request(format!("the gzip body is damaged or cut off: {error}"))
                }
            })
        }
        Some(other) => Err(HttpError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "content-encoding `{}` is not understood: send gzip or nothing",
                String::from_utf8_lossy(other)
            ),
        )),
    }
}

/// The whole body, its memory held piece by piece as it comes, beyond that for which there is room.
async fn collect(
    mut body: Limited<Body>,
    room: usize,
    held: &mut Held,
) -> Result<Bytes, ReadError> {
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if error.is::<LengthLimitError>() {
                ReadError::TooLarge
            } else {
                ReadError::Broken(error)
            }
        })?;
        let Ok(data) = frame.into_data() else { continue };
        held.cover(first.len() + whole.len() + data.len()).map_err(ReadError::Overloaded)?;
        // Most bodies are one piece, which needs no copy.
        if first.is_empty() && whole.is_empty() {
            first = data;
        } else {
            if whole.is_empty() {
                // Moved no further while it grows, where it is as long as was announced.
                whole.reserve(room.max(first.len() + data.len()));
            }
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// Refuses a body whose content type is another than JSON; a missing one is taken for JSON.
pub fn require_json(headers: &HeaderMap) -> Result<(), HttpError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let text = value.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") {
        return Ok(());
    }
    Err(HttpError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        format!("content-type `{text}` is not understood: send application/json"),
    ))
}

#[derive(Debug)]
enum ReadError {
    TooLarge,
    Overloaded(Exhausted),
    Broken(axum::BoxError),
}

/// Decompresses: what is little where it is asked for, and what is more off the async threads.
async fn unpack(
    compressed: Bytes,
    limit: usize,
    held: Held,
) -> Result<Result<(Bytes, Held), ReadError>, HttpError> {
    let mut unpacking = Unpacking::new(compressed, limit, held);
    if unpacking.compressed <= BLOCKING_BYTES {
        // How much comes out nobody knows before.
        match unpacking.go_on(BLOCKING_BYTES) {
            Ok(true) => return Ok(Ok(unpacking.done())),
            Ok(false) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    let rest = move || unpacking.go_on(usize::MAX).map(|_| unpacking.done());
    tokio::task::spawn_blocking(rest).await.map_err(|_| {
        HttpError::new(StatusCode::INTERNAL_SERVER_ERROR, "decompressing ended unexpectedly")
    })
}

/// Bodies above this size are decompressed and decoded off the async threads.
pub const BLOCKING_BYTES: usize = 128 << 10;

/// How much is decompressed at a time.
const CHUNK: usize = 64 * 1024;

/// A gzip body that is being decompressed: it stops at its limit, since a small body can hold gigabytes.
struct Unpacking {
    decoder: MultiGzDecoder<Reader<Bytes>>,
    compressed: usize,
    plain: Vec<u8>,
    limit: usize,
    held: Held,
}

impl Unpacking {
    /// The only use of a gzip decoder.
    #[expect(clippy::disallowed_methods, reason = "this is the bounded decoder")]
    fn new(compressed: Bytes, limit: usize, held: Held) -> Self {
        let length = compressed.len();
        // Whoever appends what is compressed to what is compressed sends several members (RFC 1952).
        let decoder = MultiGzDecoder::new(compressed.reader());
        Self { decoder, compressed: length, plain: Vec::new(), limit, held }
    }

    /// Goes on until more than so many bytes have come out; whether all have.
    fn go_on(&mut self, until: usize) -> Result<bool, ReadError> {
        let mut chunk = vec![0; CHUNK];
        while self.plain.len() <= until {
            let read = self.decoder.read(&mut chunk);
            let read = read.map_err(|error| ReadError::Broken(error.into()))?;
            let Some(read) = chunk.get(..read).filter(|read| !read.is_empty()) else {
                return Ok(true);
            };
            let length = self.plain.len() + read.len();
            if length > self.limit {
                return Err(ReadError::TooLarge);
            }
            self.held.cover(self.compressed + length).map_err(ReadError::Overloaded)?;
            self.plain.extend_from_slice(read);
        }
        Ok(false)
    }

    fn done(self) -> (Bytes, Held) {
        (self.plain.into(), self.held)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::budget::Budget;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    async fn read(
        encoding: Option<&str>,
        body: Vec<u8>,
        limit: usize,
    ) -> Result<Bytes, StatusCode> {
        let mut headers = HeaderMap::new();
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
        }
        let held = Budget::new(1 << 20).hold();
        let bounds = Bounds { limit, setting: "max_body", held, patience: PATIENCE };
        let read = read_bounded(&headers, body.into(), bounds).await;
        read.map(|(bytes, _held)| bytes).map_err(|error| error.status)
    }

    /// The answer to a body while another has taken most of the budget, and its advice.
    async fn beside(taken: usize, encoding: Option<&str>, body: Vec<u8>) -> Option<HttpError> {
        let budget = Budget::new(256 << 10);
        let mut other = budget.hold();
        other.cover(taken).unwrap();
        let mut headers = HeaderMap::new();
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
        }
        let held = budget.hold();
        let bounds = Bounds { limit: 1 << 20, setting: "max_body", held, patience: PATIENCE };
        read_bounded(&headers, body.into(), bounds).await.err()
    }

    fn gzipped() -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_ENCODING, "gzip".parse().unwrap())])
    }

    fn in_bounds(budget: &Budget) -> Bounds<'_> {
        Bounds { limit: 4 << 20, setting: "max_body", held: budget.hold(), patience: PATIENCE }
    }

    /// One async thread, and one for what takes long, which is taken until the sender is dropped.
    fn busy() -> (tokio::runtime::Runtime, std::sync::mpsc::Sender<()>) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().max_blocking_threads(1).build().unwrap();
        let (release, released) = std::sync::mpsc::channel::<()>();
        drop(runtime.spawn_blocking(move || released.recv().is_ok()));
        (runtime, release)
    }

    #[test]
    fn a_small_body_is_unpacked_where_it_is_and_the_rest_of_a_large_one_off_the_async_threads() {
        let (runtime, release) = busy();
        let (headers, budget) = (gzipped(), Budget::new(8 << 20));
        runtime.block_on(async {
            for (plain, is_small) in [(BLOCKING_BYTES, true), (1 << 20, false)] {
                let body = gzip(&vec![b'0'; plain]);
                assert!(body.len() < BLOCKING_BYTES / 8, "{plain} bytes are few when packed");
                let reading = read_bounded(&headers, body.into(), in_bounds(&budget));
                let mut reading = std::pin::pin!(reading);
                let at_once = futures::future::poll_immediate(&mut reading).await;
                assert_eq!(at_once.is_some(), is_small, "{plain}");
                if !is_small {
                    release.send(()).unwrap();
                    assert_eq!(reading.await.unwrap().0.len(), plain);
                }
            }
        });
    }

    #[test]
    fn a_body_whose_sender_goes_away_has_its_memory_until_nobody_works_on_it() {
        let (runtime, release) = busy();
        let (headers, budget) = (gzipped(), Budget::new(8 << 20));
        runtime.block_on(async {
            let body = gzip(&vec![b'0'; 4 << 20]);
            let mut reading = Box::pin(read_bounded(&headers, body.into(), in_bounds(&budget)));
            assert!(futures::future::poll_immediate(&mut reading).await.is_none());
            drop(reading);
            assert!(budget.hold().cover(8 << 20).is_err(), "it is still unpacked");
            drop(release);
            budget.unused().await;
        });
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_gives_its_memory_back() {
        let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, 1_000.into())]);
        let budget = Budget::new(1_000);
        let (held, patience) = (budget.hold(), Duration::ZERO);
        let bounds = Bounds { limit: 1_000, setting: "max_body", held, patience };
        let silent = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let refused = read_bounded(&headers, silent, bounds).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::REQUEST_TIMEOUT);
        assert!(budget.hold().cover(1_000).is_ok());
    }

    #[tokio::test]
    async fn all_members_of_a_gzip_body_are_read_within_one_bound() {
        let members = [gzip(b"one,"), gzip(b"two,"), gzip(b"three")].concat();
        assert_eq!(read(Some("gzip"), members.clone(), 100).await.unwrap(), "one,two,three");
        assert_eq!(read(Some("gzip"), members, 10).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test]
    async fn bodies_share_a_memory_and_are_refused_beyond_it() {
        let zeros = vec![b'0'; 200 << 10];
        assert_eq!(beside(0, None, zeros.clone()).await, None);
        let refused = beside(100 << 10, None, zeros.clone()).await.unwrap();
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.retry_after, Some(2));
        assert_eq!(
            refused.message,
            "not all of it was taken: bodies of 262144 bytes are being taken already; send it again"
        );
        assert_eq!(beside(40 << 10, Some("gzip"), gzip(&zeros)).await, None);
        let refused = beside(100 << 10, Some("gzip"), gzip(&zeros)).await.unwrap();
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "counted when it is unpacked");
    }

    #[tokio::test]
    async fn bodies_are_bounded_before_and_after_decompression() {
        let zeros = vec![0; 100_000];
        assert_eq!(read(None, b"abc".to_vec(), 3).await.unwrap(), "abc");
        assert_eq!(read(None, b"abcd".to_vec(), 3).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(read(Some("gzip"), gzip(b"abc"), 100).await.unwrap(), "abc");
        let bomb = gzip(&zeros);
        assert!(bomb.len() < 1000);
        assert_eq!(read(Some("gzip"), bomb, 1000).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test]
    async fn damaged_and_unknown_encodings_are_refused() {
        let mut cut = gzip(b"a long enough text to be cut");
        cut.truncate(cut.len() - 9);
        assert_eq!(read(Some("gzip"), cut, 100).await, Err(StatusCode::BAD_REQUEST));
        let unknown = read(Some("br"), b"x".to_vec(), 100).await;
        assert_eq!(unknown, Err(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }

    #[test]
    fn only_json_is_taken_for_json() {
        for (value, taken) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("text/plain", false),
            ("application/xml", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(require_json(&headers).is_ok(), taken, "{value}");
        }
    }
}
