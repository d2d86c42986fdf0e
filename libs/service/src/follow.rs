//! A read model of the log: what a service learns from entries that it owns no state for.
//!
//! Owns the reading from the start, trying again, and when what was there is known. What is learnt is the caller's, and
//! is learnt anew after a restart.

use airside_ports::{Log, LogError, Offset, PartitionSet, ReadLimit, StoredEntry, Stream};
use tokio_util::sync::CancellationToken;

use crate::owner::READ_WAIT;
use crate::retry::Backoff;

/// Shows `take` every entry of some partitions, in order, until the token is cancelled; calls `known` once those that
/// were there in the beginning were shown.
pub async fn follow(
    log: &dyn Log,
    (stream, partitions): (Stream, PartitionSet),
    shutdown: &CancellationToken,
    mut known: impl FnMut() + Send,
    mut take: impl FnMut(&StoredEntry) + Send,
) {
    let mut backoff = Backoff::default();
    let mut from = Offset::START;
    loop {
        let followed = async {
            let end = log.end(stream).await?;
            let mut reader = log.reader(stream, partitions, from).await?;
            if from >= end {
                known();
            }
            loop {
                let batch = reader.next(ReadLimit::default(), READ_WAIT).await?;
                batch.entries.iter().for_each(&mut take);
                from = batch.next;
                if from >= end {
                    known();
                }
            }
        };
        let result: Result<(), LogError> = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            result = followed => result,
        };
        if let Err(error) = result {
            tracing::warn!(%stream, error = %error, "a stream cannot be read, trying again");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(backoff.wait()) => {}
        }
    }
}
