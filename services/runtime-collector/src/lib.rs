//! The runtime-collector service: alerts and events of runtime sensors become detections, facts and gaps.
//!
//! Owns the HTTP intake of sensors: `POST /v1/runtime/{source}/{cluster}`, one JSON object or JSON lines, as
//! the sensor sends them. What a sensor's records tell is `airside-detect`'s; a sensor that is added there has
//! its route here without a change.

use airside_config::ByteSize;
use airside_detect::intake::{Clock, Intake as EventIntake};
use airside_detect::profile::ClusterProfile;
use airside_detect::runtime::RuntimeSource;
use airside_service::budget::Held;
use airside_service::intake::{
    Bound, Intake, Letters, PIECE_BYTES, Pieces, Received, Stopped, Understood, Weighed,
};
use airside_service::{Credentials, Deps, HttpError, Mounts, Service, ServiceContext};
use airside_telemetry::metrics::CounterFamily;
use airside_types::DeadLetter;
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde::{Deserialize, Serialize};

/// The settings of the section `runtime-collector`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The largest request, decompressed. Default: 8MiB.
    pub max_body: ByteSize,
    /// The bytes of all bodies that are in memory at a time, decompressed, with what is made of them; beyond, senders are
    /// asked to come again. A tenant may have three quarters of it with several bodies; one alone is always taken. At least twice
    /// the largest. Default: 256MiB.
    pub max_in_flight: ByteSize,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_body: ByteSize::mib(8), max_in_flight: ByteSize::mib(256) }
    }
}

/// The runtime-collector service.
#[derive(Debug)]
pub struct RuntimeCollector;

#[derive(Debug, Clone)]
struct Collector {
    intake: Intake,
    events: CounterFamily<1>,
}

#[async_trait]
impl Service for RuntimeCollector {
    const NAME: &'static str = "runtime-collector";
    const ABOUT: &'static str = "takes in alerts and events of runtime sensors";
    type Options = Options;

    async fn build(options: Options, deps: Deps, mounts: &mut Mounts) -> anyhow::Result<Self> {
        let bound = Bound {
            max_body: usize::try_from(options.max_body.as_u64())?,
            setting: "runtime-collector.max_body",
            in_flight: usize::try_from(options.max_in_flight.as_u64())?,
        };
        let collector = Collector {
            intake: Intake::new(Self::NAME, &deps, bound),
            events: deps.metrics.counter_by(
                "airside_runtime_collector_events_total",
                "Records of sensors that were taken in, by source",
                &["source"],
            ),
        };
        let route = "/v1/runtime/{source}/{cluster}";
        mounts.webhook(Router::new().route(route, post(receive)).with_state(collector));
        Ok(Self)
    }

    async fn run(self, context: ServiceContext) -> anyhow::Result<()> {
        context.ready.ready();
        context.shutdown.cancelled().await;
        Ok(())
    }
}

async fn receive(
    State(collector): State<Collector>,
    Path((source, cluster)): Path<(String, String)>,
    credentials: Credentials,
    headers: HeaderMap,
    body: Body,
) -> Result<(), HttpError> {
    let source = sensor(&source)?;
    let (received, held) = collector.intake.receive(&cluster, &credentials, &headers, body).await?;
    collector.understand(source, received, held).await
}

impl Collector {
    /// Makes durable what a request tells. Of one that tells nothing all is set aside and counted all the same; its sensor is
    /// told.
    async fn understand(
        &self,
        source: RuntimeSource,
        received: Received,
        held: Held,
    ) -> Result<(), HttpError> {
        let decode = move |received: &Received, pieces: &mut Pieces<Piece>| {
            understand(source, received, &mut |piece| pieces.hand_over(piece))
        };
        let keep = |Piece { understood, refused }: Piece| async move {
            let inputs = understood.inputs;
            self.intake.keep(understood).await?;
            self.events.with(&[source.source().as_str()]).add(inputs);
            refused.map_or(Ok(()), |why| Err(HttpError::bad_request(why)))
        };
        self.intake.take(received, held, decode, keep).await
    }
}

fn sensor(name: &str) -> Result<RuntimeSource, HttpError> {
    let known = RuntimeSource::ALL.into_iter().find(|source| source.source().as_str() == name);
    known.ok_or_else(|| {
        let names: Vec<_> = RuntimeSource::ALL.iter().map(|it| it.source().as_str()).collect();
        let message = format!("there is no sensor `{name}`: known are {}", names.join(", "));
        HttpError::new(StatusCode::NOT_FOUND, message)
    })
}

/// A part of what a request tells.
#[derive(Debug, Default)]
struct Piece {
    understood: Understood,
    /// Why the request is refused once this is kept: nothing of it was understood.
    refused: Option<String>,
}

impl Weighed for Piece {
    fn weight(&self) -> usize {
        self.understood.weight()
    }
}

/// The records of a request, and letters about what its sensor should not have sent: all pieces but the last one are handed
/// over.
fn understand(
    source: RuntimeSource,
    received: &Received,
    hand_over: &mut dyn FnMut(Piece) -> Result<(), Stopped>,
) -> Result<Piece, Stopped> {
    let intake = EventIntake {
        tenant: &received.tenant,
        cluster: &received.cluster,
        clock: Clock::Live(received.time),
        profile: ClusterProfile::unknown(),
        origin: None,
    };
    let letter = |why: &str, record: &[u8]| {
        let letter = DeadLetter::new("runtime-collector", why, record, received.time);
        letter.of(&received.tenant, &received.cluster)
    };
    let (mut piece, mut letters, mut inputs) = (Piece::default(), Letters::default(), 0);
    let mut first_reason = None;
    for record in records_of(&received.body) {
        inputs += 1;
        piece.understood.inputs += 1;
        match source.read(record, &intake) {
            Ok(records) => piece.understood.records.extend(records),
            Err(why) if letters.is_next_written() => {
                let why = why.to_string();
                piece.understood.letters.push(letter(&why, record));
                first_reason = first_reason.or(Some(why));
            }
            Err(_) => {}
        }
        if piece.weight() >= PIECE_BYTES {
            hand_over(std::mem::take(&mut piece))?;
        }
    }
    if let Some(why) = letters.of_the_rest() {
        piece.understood.letters.push(letter(&why, &[]));
    }
    piece.refused = first_reason.filter(|_| letters.parts() == inputs);
    Ok(piece)
}

/// One JSON object over however many lines, or JSON lines.
fn records_of(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_one = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    body.split(move |byte| *byte == b'\n' && !is_one)
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use airside_types::{Cluster, Tenant, Timestamp};

    use super::*;

    const ALERT: &str = r#"{"time":"2026-03-02T09:00:00Z","rule":"Terminal shell","priority":"Notice","output":"a shell","output_fields":{"k8s.ns.name":"shop","k8s.pod.name":"web"}}"#;

    /// What alerts tell, piece by piece.
    fn told(body: &str) -> Vec<Piece> {
        let received = Received {
            tenant: Tenant::default(),
            cluster: Cluster::default(),
            time: Timestamp::EPOCH,
            body: body.to_owned().into(),
        };
        let mut all = Vec::new();
        let last = understand(RuntimeSource::Falco, &received, &mut |piece| {
            all.push(piece);
            Ok(())
        });
        all.push(last.unwrap());
        all
    }

    #[test]
    fn of_many_lines_that_are_nothing_a_few_have_letters_and_all_are_counted() {
        for (alert, is_refused) in [("", true), (ALERT, false)] {
            let pieces = told(&format!("x\n{alert}\n{}", "x\n".repeat(5_000)));
            let [Piece { understood, refused }] = &*pieces else { panic!("{}", pieces.len()) };
            assert_eq!(understood.letters.len(), 101);
            assert_eq!(understood.inputs, 5_001 + u64::from(!is_refused));
            assert_eq!(refused.is_some(), is_refused, "{alert}");
            let last = &understood.letters[100].reason;
            assert_eq!(last, "4901 more parts of the same body are no events either");
        }
    }

    #[test]
    fn what_many_alerts_tell_is_handed_over_in_pieces() {
        let pieces = told(&format!("{ALERT}\n").repeat(5_000));
        assert!(pieces.len() > 2, "{}", pieces.len());
        let records: usize = pieces.iter().map(|it| it.understood.records.len()).sum();
        let inputs: u64 = pieces.iter().map(|it| it.understood.inputs).sum();
        assert!(records >= 5_000 && inputs == 5_000, "{records} of {inputs}");
        assert!(pieces.iter().all(|it| it.weight() < 2 * PIECE_BYTES && it.refused.is_none()));
        assert_eq!(told(ALERT).len(), 1);
    }
}
