//! Waiting for what will be true in a moment: by asking again, at most for so long.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::Instant;

/// How long to wait between two questions.
const PAUSE: Duration = Duration::from_millis(100);

/// Asks until there is an answer, and returns it. An `Err` says what is still missing.
///
/// # Panics
/// When there is no answer in time: with what was missing last.
pub(crate) async fn eventually<T, E: Display>(
    what: &str,
    within: Duration,
    mut ask: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let end = Instant::now() + within;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(missing) if Instant::now() >= end => {
                panic!("{what}: not within {} s: {missing}", within.as_secs())
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
