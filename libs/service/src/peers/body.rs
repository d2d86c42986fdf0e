//! What a call sends: small requests are gathered so that they can be sent again, all others are passed
//! through as they come, with what had come already.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use hyper::body::Frame;
use tonic::Status;
use tonic::body::Body;

/// The body of a call.
#[derive(Debug)]
pub(super) enum Sending {
    /// All of it: it can be sent again.
    Whole(Bytes),
    /// The beginning, and the rest as it comes: it can be sent once.
    Begun(Option<(Bytes, Body)>),
}

impl Sending {
    /// Gathers a body up to so many bytes and for so long.
    pub(super) async fn begin(
        mut body: Body,
        most_bytes: usize,
        longest: Duration,
    ) -> Result<Self, Status> {
        let mut begun = BytesMut::new();
        let gathering = async {
            while let Some(frame) = body.frame().await {
                if let Ok(data) = frame?.into_data() {
                    begun.extend_from_slice(&data);
                }
                if begun.len() > most_bytes {
                    return Ok(false);
                }
            }
            Ok::<_, Status>(true)
        };
        match tokio::time::timeout(longest, gathering).await {
            Ok(Ok(true)) => Ok(Self::Whole(begun.freeze())),
            Ok(Ok(false)) | Err(_) => Ok(Self::Begun(Some((begun.freeze(), body)))),
            Ok(Err(error)) => Err(error),
        }
    }

    /// The body for the next attempt; empty when it can be sent only once and was.
    pub(super) fn body(&mut self) -> Body {
        match self {
            Self::Whole(bytes) => Body::new(Full::new(bytes.clone())),
            Self::Begun(begun) => begun.take().map_or_else(Body::empty, |(first, rest)| {
                let first = stream::iter([Ok(Frame::data(first))]);
                Body::new(StreamBody::new(first.chain(BodyStream::new(rest))))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn chunks(chunks: &[&'static str], open: bool) -> Body {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|it| Ok::<_, Status>(Frame::data(Bytes::from_static(it.as_bytes()))))
            .collect();
        let chunks = stream::iter(chunks);
        if open {
            Body::new(StreamBody::new(chunks.chain(stream::pending())))
        } else {
            Body::new(StreamBody::new(chunks))
        }
    }

    async fn read(body: Body) -> Bytes {
        body.collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn a_small_request_can_be_sent_again_and_a_large_one_passes_through_whole() {
        let mut small = Sending::begin(chunks(&["ab", "cd"], false), 4, PATIENCE).await.unwrap();
        assert_eq!(read(small.body()).await, "abcd");
        assert_eq!(read(small.body()).await, "abcd");

        let mut large =
            Sending::begin(chunks(&["ab", "cd", "ef"], false), 3, PATIENCE).await.unwrap();
        assert!(matches!(large, Sending::Begun(_)));
        assert_eq!(read(large.body()).await, "abcdef");
        assert_eq!(read(large.body()).await, "");
    }

    #[tokio::test]
    async fn a_request_that_stays_open_passes_through_what_it_has() {
        let mut open =
            Sending::begin(chunks(&["ab"], true), 100, Duration::from_millis(1)).await.unwrap();
        let mut body = open.body();
        let first = body.frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "ab");
    }
}
