//! The runtime-collector service: alerts and events of runtime sensors become detections, facts and gaps.
//!
//! Owns the HTTP intake of sensors: `POST /v1/runtime/{source}/{cluster}`, one JSON object or JSON lines, as
//! the sensor sends them. What a sensor's records tell is `airside-detect`'s; a sensor that is added there has
//! its route here without a change.

use airside_config::ByteSize;
use airside_detect::intake::{Clock, Intake as EventIntake};
use airside_detect::profile::ClusterProfile;
use airside_detect::runtime::RuntimeSource;
use airside_service::intake::{Bound, Intake, Received, Understood};
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
    /// The bytes of all bodies that are in memory at a time, decompressed; beyond, senders are asked to come
    /// again. At least twice the largest. Default: 256MiB.
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
    let (received, _held) =
        collector.intake.receive(&cluster, &credentials, &headers, body).await?;
    let decode = move |received: &Received| Ok::<_, HttpError>(understand(source, received));
    let understood = collector.intake.understand(received, decode).await?;
    let inputs = understood.inputs;
    let none_understood = understood.letters.len() as u64 == inputs && inputs > 0;
    let first_reason = understood.letters.first().map(|letter| letter.reason.clone());
    collector.intake.keep(understood).await?;
    collector.events.with(&[source.source().as_str()]).add(inputs);
    match first_reason {
        // Set aside and counted all the same; a sensor that sends nothing else should be told.
        Some(reason) if none_understood => {
            collector.intake.counted(Err(HttpError::bad_request(reason)))
        }
        _ => Ok(()),
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

/// The records of a request, and the letters about what its sensor should not have sent.
fn understand(source: RuntimeSource, received: &Received) -> Understood {
    let intake = EventIntake {
        tenant: &received.tenant,
        cluster: &received.cluster,
        clock: Clock::Live(received.time),
        profile: ClusterProfile::unknown(),
        origin: None,
    };
    let mut understood = Understood::default();
    for record in records_of(&received.body) {
        understood.inputs += 1;
        match source.read(record, &intake) {
            Ok(records) => understood.records.extend(records),
            Err(why) => understood.letters.push(
                DeadLetter::new("runtime-collector", &why.to_string(), record, received.time)
                    .of(&received.tenant, &received.cluster),
            ),
        }
    }
    understood
}

/// One JSON object over however many lines, or JSON lines.
fn records_of(body: &[u8]) -> Vec<&[u8]> {
    if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        return vec![body];
    }
    body.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
        .collect()
}
