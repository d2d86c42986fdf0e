//! The audit-ingest service: Kubernetes audit events become detections and entity facts.
//!
//! Owns the API server's audit webhook, and follows audit logs on the same machine. A batch is answered when what it says is durable; an event that is
//! none is set aside and the batch is still answered with 200, since the API server would send it again
//! and again. What an event tells is `airside-detect`'s.

mod files;
mod follow;
mod options;

use airside_detect::audit::read::{self, Unreadable};
use airside_detect::audit::records_to_correlate;
use airside_detect::intake::{Clock, Intake as EventIntake};
use airside_detect::profile::ClusterProfile;
use airside_service::intake::{Bound, Intake, Received, Understood};
use airside_service::{Deps, HttpError, Mounts, Service, ServiceContext};
use airside_telemetry::metrics::Counter;
use airside_types::DeadLetter;
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::post;

use files::Followed;
pub use options::{FileOptions, Options};

/// The audit-ingest service.
#[derive(Debug)]
pub struct AuditIngest {
    webhook: Webhook,
    files: Vec<Followed>,
    deps: Deps,
}

#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) intake: Intake,
    events: Counter,
    records: Counter,
}

impl Webhook {
    /// Makes durable what was understood, and counts it.
    pub(crate) async fn keep(&self, understood: Understood) -> Result<(), HttpError> {
        let (records, events) = (understood.records.len(), understood.inputs);
        self.intake.keep(understood).await?;
        self.events.add(events);
        self.records.add(records as u64);
        Ok(())
    }
}

#[async_trait]
impl Service for AuditIngest {
    const NAME: &'static str = "audit-ingest";
    const ABOUT: &'static str = "takes in Kubernetes audit events";
    type Options = Options;

    async fn build(options: Options, deps: Deps, mounts: &mut Mounts) -> anyhow::Result<Self> {
        let bound = Bound {
            max_body: usize::try_from(options.max_body.as_u64())?,
            setting: "audit-ingest.max_body",
            in_flight: usize::try_from(options.max_in_flight.as_u64())?,
        };
        let webhook = Webhook {
            intake: Intake::new(Self::NAME, &deps, bound),
            events: deps
                .metrics
                .counter("airside_audit_ingest_events_total", "Audit events that were taken in"),
            records: deps.metrics.counter(
                "airside_audit_ingest_records_total",
                "Detections and facts that audit events told",
            ),
        };
        let route = Router::new().route("/v1/audit/{cluster}", post(receive));
        mounts.webhook(route.with_state(webhook.clone()));
        let files = options.files.into_iter();
        let poll = options.poll.as_duration();
        let files = files.map(|file| Followed::new(file, bound.max_body, poll));
        Ok(Self { webhook, files: files.collect::<anyhow::Result<_>>()?, deps })
    }

    async fn run(self, context: ServiceContext) -> anyhow::Result<()> {
        let mut following = tokio::task::JoinSet::new();
        for file in self.files {
            let (webhook, deps) = (self.webhook.clone(), self.deps.clone());
            following.spawn(file.run(webhook, deps, context.shutdown.clone()));
        }
        context.ready.ready();
        context.shutdown.cancelled().await;
        while let Some(ended) = following.join_next().await {
            ended?;
        }
        Ok(())
    }
}

async fn receive(
    State(webhook): State<Webhook>,
    Path(cluster): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<(), HttpError> {
    let (received, _held) = webhook.intake.receive(&cluster, &headers, body).await?;
    let understood = webhook.intake.understand(received, understand).await?;
    webhook.keep(understood).await
}

/// The records of a batch, and the letters about what is no event. A body that is no batch at all is
/// refused: the API server has it and will send it again.
pub fn understand(received: &Received) -> Result<Understood, HttpError> {
    let intake = EventIntake {
        tenant: &received.tenant,
        cluster: &received.cluster,
        clock: Clock::Live(received.time),
        profile: ClusterProfile::unknown(),
        origin: None,
    };
    let mut understood = Understood::default();
    let mut broken = None;
    read::record(1, &received.body, &mut |item| {
        understood.inputs += 1;
        match item.event {
            Ok(event) => understood.records.extend(records_to_correlate(event, &intake)),
            Err(why @ Unreadable::BrokenDocument { .. }) => broken = Some(why.to_string()),
            Err(why) => understood.letters.push(letter(received, &why.to_string(), item.bytes)),
        }
    });
    match broken {
        Some(why) => Err(HttpError::bad_request(why)),
        None if has_no_event(&understood) && is_no_batch(&received.body) => Err(
            HttpError::bad_request("the body is no EventList: send what an audit webhook sends"),
        ),
        None => Ok(understood),
    }
}

/// A letter about what is no event.
pub(crate) fn letter(received: &Received, why: &str, bytes: &[u8]) -> DeadLetter {
    let letter = DeadLetter::new(AuditIngest::NAME, why, bytes, received.time);
    letter.of(&received.tenant, &received.cluster)
}

fn has_no_event(understood: &Understood) -> bool {
    understood.letters.len() as u64 == understood.inputs
}

/// Whether a body is not even JSON: the sender has something to mend, and sends it again.
fn is_no_batch(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err()
}

#[cfg(test)]
mod tests {
    use airside_types::{Cluster, Tenant, Timestamp};
    use axum::body::Bytes;

    use super::*;

    fn received(body: &str) -> Received {
        Received {
            tenant: Tenant::default(),
            cluster: Cluster::default(),
            time: Timestamp::EPOCH,
            body: Bytes::from(body.to_owned()),
        }
    }

    #[test]
    fn what_is_set_aside_is_the_event_and_not_its_batch() {
        let exec = r#"{"kind":"Event","verb":"create","user":{"username":"ada"},"objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"web"}}"#;
        let body = format!(r#"{{"kind":"EventList","items":[{{"no":"event"}},{exec},"text"]}}"#);
        let understood = understand(&received(&body)).unwrap();
        assert_eq!(understood.inputs, 3);
        assert_eq!(understood.records.len(), 1);
        let excerpts: Vec<_> = understood.letters.iter().map(|it| it.excerpt.as_str()).collect();
        assert_eq!(excerpts, [r#"{"no":"event"}"#, r#""text""#]);
    }
}
