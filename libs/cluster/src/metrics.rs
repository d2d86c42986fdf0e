//! What an API server counts of itself: samples in the text form of Prometheus, read line by line.
//!
//! Of tens of megabytes a few lines are wanted, in which nothing is escaped that matters here: a parser of the whole form
//! would build all of it.

use std::pin::pin;

use airside_ports::{ClusterError, Sample};
use futures::{AsyncBufReadExt, AsyncReadExt, TryStreamExt};

use crate::connect::Connection;

/// The most that is read of an answer, in bytes: the largest clusters have tens of megabytes.
const MOST_BYTES: u64 = 256 << 20;
/// The most samples that are taken.
const MOST_SAMPLES: usize = 1_000;

/// The samples of some metrics.
pub(crate) async fn samples(
    connection: &Connection,
    names: &[&str],
) -> Result<Vec<Sample>, ClusterError> {
    let failed =
        |reason: String| ClusterError::NoMetrics { server: connection.server.clone(), reason };
    let request = http::Request::get("/metrics").body(Vec::new());
    let request = request.map_err(|error| failed(error.to_string()))?;
    let answer = connection.client.request_stream(request).await;
    let answer = answer.map_err(|error| failed(error.to_string()))?;
    let mut lines = pin!(answer.take(MOST_BYTES).lines());
    let mut samples = Vec::new();
    while let Some(line) = lines.try_next().await.map_err(|error| failed(error.to_string()))? {
        samples.extend(sample(&line).filter(|it| names.contains(&it.name.as_str())));
        if samples.len() >= MOST_SAMPLES {
            break;
        }
    }
    Ok(samples)
}

/// What a line says: a name, perhaps labels, and a value. Remarks say nothing.
fn sample(line: &str) -> Option<Sample> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (metric, value) = match line.rfind('}') {
        Some(end) => line.split_at_checked(end + 1)?,
        None => line.split_once(' ')?,
    };
    let (name, labels) = metric.find('{').map_or((metric, ""), |at| metric.split_at(at));
    // A time may follow.
    let value = value.split_whitespace().next()?.parse().ok()?;
    Some(Sample { name: name.to_owned(), labels: labels.to_owned(), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_name_with_labels_and_a_value() {
        let read = |line| sample(line).map(|it| (it.name, it.labels, it.value));
        let is = |name: &str, labels: &str, value| Some((name.into(), labels.into(), value));
        assert_eq!(read("up 1"), is("up", "", 1.0));
        assert_eq!(read("started 1.7e+09 1234"), is("started", "", 1.7e9));
        assert_eq!(read("lost{plugin=\"a } b\"} 3"), is("lost", "{plugin=\"a } b\"}", 3.0));
        for nothing in ["", "# HELP up it is", "up", "up{", "up{a=\"b\"}", "up one"] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }
}
