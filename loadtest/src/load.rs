//! Sending requests over HTTPS: some connections that are kept alive, each with one request at a time.
//!
//! Without a pace each connection sends as soon as it has its answer (a closed loop: the server sets the
//! pace). With one, requests are due at fixed times and latency counts from when a request was due, so that
//! a server that stalls is not spared the requests that it held up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use airside::https::HttpsClient;
use anyhow::Context;

use crate::measure::Latencies;
use crate::serve::Announcement;

/// Makes the body of a request from its number.
pub(crate) type Bodies = Arc<dyn Fn(usize) -> Vec<u8> + Send + Sync>;

/// What to send, and how much.
#[derive(Clone)]
pub(crate) struct Load {
    /// The path. Every request presents the API key.
    pub(crate) path: &'static str,
    /// The bodies.
    pub(crate) bodies: Bodies,
    /// Connections.
    pub(crate) connections: usize,
    /// The number of the first request.
    pub(crate) first: usize,
    /// Requests at most.
    pub(crate) requests: usize,
    /// Time at most.
    pub(crate) time: Duration,
    /// The time from one request to the next, over all connections.
    pub(crate) pace: Option<Duration>,
}

impl Load {
    /// Sends, and returns the latencies of all answers. Any answer but a success is an error.
    pub(crate) async fn send(&self, to: &Announcement) -> anyhow::Result<Latencies> {
        let mut clients = Vec::new();
        for _ in 0..self.connections.max(1) {
            clients.push(HttpsClient::connect(to.webhook, &to.ca_pem).await?);
        }
        let key = &to.api_key;
        let sent = Arc::new(AtomicUsize::new(0));
        let started = Instant::now();
        let mut connections = tokio::task::JoinSet::new();
        for client in clients {
            let connection = Connection {
                client,
                load: self.clone(),
                key: key.clone(),
                sent: Arc::clone(&sent),
                started,
            };
            connections.spawn(connection.work());
        }
        let mut all = Latencies::new()?;
        while let Some(done) = connections.join_next().await {
            all.merge(&done.context("a connection's task ended")??)?;
        }
        anyhow::ensure!(all.count() > 0, "no request was answered within {:?}", self.time);
        Ok(all)
    }
}

struct Connection {
    client: HttpsClient,
    load: Load,
    key: String,
    sent: Arc<AtomicUsize>,
    started: Instant,
}

impl Connection {
    async fn work(mut self) -> anyhow::Result<Latencies> {
        let mut latencies = Latencies::new()?;
        loop {
            let number = self.sent.fetch_add(1, Ordering::Relaxed);
            if number >= self.load.requests || self.started.elapsed() >= self.load.time {
                return Ok(latencies);
            }
            let body = (self.load.bodies)(self.load.first + number);
            let due = self.due(number).await;
            let posted = self.client.post(self.load.path, Some(&self.key), None, body).await?;
            latencies.record(due.elapsed());
            anyhow::ensure!(
                posted.0.is_success(),
                "{} to {}: {}",
                posted.0,
                self.load.path,
                String::from_utf8_lossy(&posted.1)
            );
        }
    }

    /// When the request is due, after waiting for it.
    async fn due(&self, number: usize) -> Instant {
        let Some(pace) = self.load.pace else { return Instant::now() };
        let due = self.started + pace.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
        tokio::time::sleep_until(due.into()).await;
        due
    }
}
