//! How one delivery of a JetStream job is settled.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use airside_ports::QueueError;
use airside_ports::queue::Settle;
use async_nats::Client;
use async_nats::jetstream::message::Acker;
use async_nats::jetstream::stream::{DeleteMessageErrorKind, Stream as JetStream};
use async_nats::jetstream::{AckKind, ErrorCode};
use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// A delivery: dropped within its time limit, it hands the job back.
pub(super) struct Settlement {
    client: Client,
    stream: JetStream,
    sequence: u64,
    acker: Arc<Acker>,
    visibility: Duration,
    /// Until when the job is surely this delivery's; none once it is settled. The server does not tell a late
    /// word of one delivery from that of the next: so after this, none is said.
    until: Mutex<Option<Instant>>,
}

impl Settlement {
    pub(super) fn new(
        client: Client,
        stream: JetStream,
        sequence: u64,
        acker: Acker,
        visibility: Duration,
    ) -> Self {
        // The server's clock for it started a little earlier.
        let visibility = visibility - visibility / 10;
        let until = Mutex::new(Some(Instant::now() + visibility));
        Self { client, stream, sequence, acker: Arc::new(acker), visibility, until }
    }

    /// Ends the claim on the job, and says whether there was one.
    fn end(&self) -> bool {
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner).take();
        until.is_some_and(|until| Instant::now() < until)
    }

    /// Tells the server, and sees that it was sent: it does not answer.
    async fn say(&self, kind: AckKind) -> Result<(), QueueError> {
        let said = self.acker.ack_with(kind).await;
        said.map_err(|source| QueueError::Unavailable { action: "settle a job", source })?;
        self.client.flush().await.map_err(unavailable("settle a job"))
    }
}

#[async_trait]
impl Settle for Settlement {
    async fn done(self: Box<Self>) -> Result<(), QueueError> {
        if let Err(error) = self.stream.delete_message(self.sequence).await {
            let gone = matches!(
                error.kind(),
                DeleteMessageErrorKind::JetStream(refusal)
                    if refusal.error_code() == ErrorCode::SEQUENCE_NOT_FOUND
            );
            if !gone {
                return Err(unavailable("remove a job that is done")(error));
            }
        }
        self.end();
        self.say(AckKind::Ack).await
    }

    async fn retry(self: Box<Self>, after: Duration) -> Result<(), QueueError> {
        if !self.end() {
            return Ok(());
        }
        // Without a span, the server would take its own.
        let after = Some(after).filter(|after| !after.is_zero());
        self.say(AckKind::Nak(after)).await
    }

    async fn extend(&self) -> Result<(), QueueError> {
        if let Some(until) = &mut *self.until.lock().unwrap_or_else(PoisonError::into_inner) {
            if Instant::now() >= *until {
                return Ok(());
            }
            *until = Instant::now() + self.visibility;
        }
        self.say(AckKind::Progress).await
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        // Without a runtime the process is ending: the server will see the time limit pass.
        if let (true, Ok(runtime)) = (self.end(), Handle::try_current()) {
            let acker = Arc::clone(&self.acker);
            runtime.spawn(async move {
                if let Err(error) = acker.ack_with(AckKind::Nak(None)).await {
                    tracing::debug!(%error, "job was not handed back and comes after its time limit");
                }
            });
        }
    }
}

fn unavailable<E: Error + Send + Sync + 'static>(
    action: &'static str,
) -> impl FnOnce(E) -> QueueError {
    move |source| QueueError::Unavailable { action, source: Box::new(source) }
}
