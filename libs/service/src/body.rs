//! Reading request bodies within bounds, also when they are compressed.

use std::io::Read;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::http_error::HttpError;

/// Reads a body of at most `limit` bytes, and decompresses it if it is gzip, to at most `limit` bytes.
/// `setting` names the bound in error messages.
pub async fn read_bounded(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    setting: &str,
) -> Result<Bytes, HttpError> {
    let too_large = || {
        HttpError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "the body is larger than {limit} bytes: raise `{setting}` or send less at once"
            ),
        )
    };
    let collected = Limited::new(body, limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            too_large()
        } else {
            HttpError::bad_request(format!("the body ended early: {error}"))
        }
    })?;
    let bytes = collected.to_bytes();
    match headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes()) {
        None | Some(b"identity" | b"") => Ok(bytes),
        Some(b"gzip" | b"x-gzip") => gunzip(&bytes, limit).map_err(|error| match error {
            GunzipError::TooLarge => too_large(),
            GunzipError::Damaged(error) => {
                HttpError::bad_request(format!("the gzip body is damaged or cut off: {error}"))
            }
        }),
        Some(other) => Err(HttpError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "content-encoding `{}` is not understood: send gzip or nothing",
                String::from_utf8_lossy(other)
            ),
        )),
    }
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
enum GunzipError {
    TooLarge,
    Damaged(std::io::Error),
}

/// The only use of a gzip decoder: it stops at `limit`, since a small body can hold gigabytes.
#[expect(clippy::disallowed_methods, reason = "this is the bounded decoder")]
fn gunzip(compressed: &[u8], limit: usize) -> Result<Bytes, GunzipError> {
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(compressed)
        .take(bound)
        .read_to_end(&mut plain)
        .map_err(GunzipError::Damaged)?;
    if plain.len() > limit { Err(GunzipError::TooLarge) } else { Ok(plain.into()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

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
        read_bounded(&headers, body.into(), limit, "max_body").await.map_err(|error| error.status)
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
