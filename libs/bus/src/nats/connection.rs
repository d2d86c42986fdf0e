//! The connection that a process's log and queue share.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::options::{NatsAuth, NatsError, NatsOptions};

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long an acknowledgement may take once the connection is there again.
const AFTER_RECONNECT: Duration = Duration::from_millis(500);

/// A connection to NATS. It is kept up: when the server goes, it is sought again, for as long as this lives.
#[derive(Debug, Clone)]
pub struct NatsConnection {
    link: Link,
}

/// What log and queue use of the connection.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) context: Context,
    pub(super) prefix: Arc<str>,
    /// Counts connections. What waited for an answer of an earlier one need not wait any more.
    pub(super) connections: watch::Receiver<u64>,
    pub(super) start_within: Duration,
}

impl Link {
    /// Publishes a message and waits until it is stored.
    pub(super) async fn publish(
        &self,
        subject: String,
        message: PublishMessage,
    ) -> Result<(), PublishError> {
        let mut connections = self.connections.clone();
        connections.mark_unchanged();
        let acknowledged = self.context.send_publish(subject, message).await?.into_future();
        let mut acknowledged = std::pin::pin!(acknowledged);
        let result = tokio::select! {
            biased;
            result = &mut acknowledged => result,
            // What was sent on the connection before has no answer on this one; what waited for a connection
            // is sent now and soon has.
            Ok(()) = connections.changed() => match timeout(AFTER_RECONNECT, acknowledged).await {
                Ok(result) => result,
                Err(_elapsed) => Err(PublishErrorKind::TimedOut.into()),
            },
        };
        result.map(|_stored| ())
    }
}

impl NatsConnection {
    /// Connects, trying again while no server answers, as when both are started together.
    pub async fn connect(options: &NatsOptions) -> Result<Self, NatsError> {
        if !options.has_valid_prefix() {
            return Err(NatsError::Prefix { prefix: options.prefix.clone() });
        }
        let ends = Instant::now() + options.start_within;
        let (connected, connections) = watch::channel(0);
        let connected = Arc::new(connected);
        let mut attempt = 0;
        let client = loop {
            let connect = connect_options(options, &connected).await?;
            let error = match connect.connect(&options.servers).await {
                Ok(client) => break client,
                Err(error) => error,
            };
            let final_error = matches!(
                error.kind(),
                ConnectErrorKind::ServerParse
                    | ConnectErrorKind::Authentication
                    | ConnectErrorKind::AuthorizationViolation
                    | ConnectErrorKind::Tls
            );
            if final_error || Instant::now() >= ends {
                let servers = options.servers.join(", ");
                return Err(NatsError::Connect { servers, source: Box::new(error) });
            }
            sleep(pause(attempt)).await;
            attempt += 1;
        };
        let context =
            jetstream::ContextBuilder::new().timeout(options.request_timeout).build(client.clone());
        let link = Link {
            client,
            context,
            prefix: Arc::from(options.prefix.as_str()),
            connections,
            start_within: options.start_within,
        };
        Ok(Self { link })
    }

    /// Sends what waits to be sent and closes the connection, for everybody who shares it.
    pub async fn close(&self) {
        if let Err(error) = self.link.client.drain().await {
            tracing::warn!(%error, "connection to nats was not closed in order");
        }
    }

    pub(super) const fn link(&self) -> &Link {
        &self.link
    }
}

async fn connect_options(
    options: &NatsOptions,
    connected: &Arc<watch::Sender<u64>>,
) -> Result<ConnectOptions, NatsError> {
    let connected = Arc::clone(connected);
    let mut connect = ConnectOptions::new()
        .name(&options.name)
        .request_timeout(Some(options.request_timeout))
        .connection_timeout(options.request_timeout)
        .reconnect_delay_callback(pause)
        .event_callback(move |event| {
            observe(&event, &connected);
            std::future::ready(())
        });
    connect = match &options.auth {
        NatsAuth::None => connect,
        NatsAuth::Token(token) => connect.token(token.clone()),
        NatsAuth::UserPassword { user, password } => {
            connect.user_and_password(user.clone(), password.clone())
        }
        NatsAuth::CredentialsFile(path) => {
            let read = connect.credentials_file(path).await;
            read.map_err(|source| NatsError::Credentials { path: path.clone(), source })?
        }
    };
    connect = connect.require_tls(options.tls.required);
    if let Some(authority) = &options.tls.authority {
        connect = connect.add_root_certificates(authority.clone());
    }
    if let Some((certificate, key)) = &options.tls.client {
        connect = connect.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(connect)
}

fn observe(event: &Event, connected: &watch::Sender<u64>) {
    match event {
        Event::Connected => {
            tracing::info!("connected to nats");
            connected.send_modify(|count| *count += 1);
        }
        Event::Closed | Event::Draining => tracing::debug!(%event, "nats connection"),
        event => tracing::warn!(%event, "nats connection"),
    }
}

/// The pause after so many attempts that failed.
pub(super) fn pause(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt).unwrap_or(u32::MAX).min(10);
    (Duration::from_millis(20) * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}
