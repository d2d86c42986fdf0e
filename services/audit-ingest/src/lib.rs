//! The audit-ingest service: Kubernetes audit events become detections and entity facts.
//!
//! Owns the API server's audit webhook and its like of the clouds (`push.rs`), and follows audit logs on the same machine. A batch is answered when what it says is durable; an event that is
//! none is set aside and the batch is still answered with 200, since the API server would send it again
//! and again. What an event tells by itself is `airside-detect`'s; it travels as a sighting to the owner of its
//! cluster (`owner.rs`), who publishes what is to be told.

mod api;
mod files;
mod follow;
mod judging;
mod lost;
mod options;
mod own_rules;
mod owner;
mod push;
mod raw;
mod rules_api;
mod state;
mod ticks;

use std::sync::Arc;

use airside_archive::Housekeeping;
use airside_detect::audit::read::{self, Unreadable};
use airside_detect::audit::{Request, Telling, sight};
use airside_detect::intake::{Clock as EventClock, Intake as EventIntake};
use airside_ports::{Clock, Keyspace, PartitionSet, ReadLimit, Stream};
use airside_service::intake::{Bound, Intake, Received, Understood};
use airside_service::owner::{OwnerPorts, run_owner};
use airside_service::{
    Credentials, Deps, HttpError, Mounts, OwnerSettings, Service, ServiceContext,
};
use airside_telemetry::metrics::Counter;
use airside_types::{DeadLetter, SightingBatch};
use airside_wire::v1::raw_records_service_server::RawRecordsServiceServer;
use airside_wire::v1::rules_service_server::RulesServiceServer;
use airside_wire::v1::suppressions_service_server::SuppressionsServiceServer;
use airside_wire::v1::used_grants_service_server::UsedGrantsServiceServer;
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use api::{SuppressionsApi, UsedGrantsApi};
use files::Followed;
pub use judging::Judging;
pub use options::{ClusterOptions, FeedOptions, FileOptions, Options, ProviderOption};
use owner::{AuditOwner, LedgerView};
pub use raw::{
    ArchiveOptions, AwsOptions, CredentialsKind, ObjectStoreOptions, raw_entry, raw_query,
    shown_to_people,
};
use raw::{AtWork, RawKeeper, RawRecordsApi, Raws};
use rules_api::RulesApi;
use tokio::sync::watch;

/// The audit-ingest service.
#[derive(Debug)]
pub struct AuditIngest {
    webhook: Webhook,
    files: Vec<Followed>,
    archiving: Option<Housekeeping>,
    judging: Arc<Judging>,
    ledger: Arc<LedgerView>,
    rules_known: watch::Sender<bool>,
    options: Options,
    deps: Deps,
}

#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) intake: Intake,
    pub(crate) raw: RawKeeper,
    pub(crate) judging: Arc<Judging>,
    clock: Arc<dyn Clock>,
    /// Whether the rules are known that tenants have set: no event is judged before.
    rules_known: watch::Receiver<bool>,
    events: Counter,
    sightings: Counter,
}

impl Webhook {
    /// Waits until the rules are known that tenants have set, which is as soon as the log can be read.
    async fn rules_known(&self) -> Result<(), HttpError> {
        let known = self.rules_known.clone().wait_for(|known| *known).await.is_ok();
        let stopping = "the node stops: send it again";
        known.then_some(()).ok_or_else(|| HttpError::new(StatusCode::SERVICE_UNAVAILABLE, stopping))
    }

    /// Makes durable what was understood, and counts it.
    pub(crate) async fn keep(&self, understood: Understood, raws: Raws) -> Result<(), HttpError> {
        let sightings = understood.sightings.iter().map(|batch| batch.sightings.len() as u64).sum();
        let events = understood.inputs;
        let raws = async { self.intake.counted(self.raw.keep(raws).await) };
        tokio::try_join!(raws, self.intake.keep(understood))?;
        self.events.add(events);
        self.sightings.add(sightings);
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
        let judging = Arc::new(Judging::read(&deps.terms, &options.clusters)?);
        let rules = RulesApi::new(Arc::clone(&judging), deps.publisher());
        mounts.grpc(&deps, RulesServiceServer::new(rules));
        let (rules_known, known) = watch::channel(false);
        let (raw, archiving) = RawKeeper::open(&options.archive, &deps).await?;
        mounts.grpc(&deps, RawRecordsServiceServer::new(RawRecordsApi::new(raw.archive())));
        let webhook = Webhook {
            raw,
            judging: Arc::clone(&judging),
            rules_known: known,
            intake: Intake::new(Self::NAME, &deps, bound),
            clock: Arc::clone(&deps.clock),
            events: deps
                .metrics
                .counter("airside_audit_ingest_events_total", "Audit events that were taken in"),
            sightings: deps.metrics.counter(
                "airside_audit_ingest_sightings_total",
                "Audit events that went to the owner of their cluster, and were not only counted",
            ),
        };
        let route = Router::new().route("/v1/audit/{cluster}", post(receive));
        mounts.webhook(route.merge(push::routes()).with_state(webhook.clone()));
        let ledger = Arc::new(LedgerView::default());
        mounts
            .grpc(&deps, SuppressionsServiceServer::new(SuppressionsApi::new(Arc::clone(&ledger))));
        let grants = UsedGrantsApi::new(Arc::clone(&ledger));
        mounts.grpc(&deps, UsedGrantsServiceServer::new(grants));
        let files = options.files.clone().into_iter();
        let poll = options.poll.as_duration();
        let files = files.map(|file| Followed::new(file, bound.max_body, poll));
        let files = files.collect::<anyhow::Result<_>>()?;
        Ok(Self { webhook, files, archiving, judging, ledger, rules_known, options, deps })
    }

    async fn run(self, context: ServiceContext) -> anyhow::Result<()> {
        let stop = context.shutdown.child_token();
        let (judging, deps) = (Arc::clone(&self.judging), self.deps.clone());
        let learning = rules_api::learn(&judging, &deps, &stop, self.rules_known.clone());
        let working = async {
            let worked = self.work(context).await;
            stop.cancel();
            worked
        };
        let ((), worked) = tokio::join!(learning, working);
        worked
    }
}

impl AuditIngest {
    /// Works until the shutdown token is cancelled, once the rules are known.
    async fn work(self, context: ServiceContext) -> anyhow::Result<()> {
        let mut known = self.rules_known.subscribe();
        tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            _known = known.wait_for(|known| *known) => {}
        }
        let archiving = AtWork::begin(self.archiving, &self.webhook.raw, &self.deps);
        let mut following = tokio::task::JoinSet::new();
        for file in self.files {
            let (webhook, deps) = (self.webhook.clone(), self.deps.clone());
            following.spawn(file.run(webhook, deps, context.shutdown.clone()));
        }
        let owned = if self.options.owner {
            let owner =
                AuditOwner::open(&self.deps, &self.options, self.judging, Arc::clone(&self.ledger))
                    .await?;
            let (deps, ticking) = (self.deps.clone(), context.shutdown.child_token());
            following.spawn(ticks::tell(self.ledger, deps, ticking.clone()));
            if let Some(live) = self.deps.live.clone() {
                let deps = self.deps.clone();
                following.spawn(lost::watch(live, deps, ticking.clone()));
            }
            let owned = own(owner, &self.options, &self.deps, &context).await;
            ticking.cancel();
            owned
        } else {
            context.ready.ready();
            context.shutdown.cancelled().await;
            Ok(())
        };
        while let Some(ended) = following.join_next().await {
            ended?;
        }
        archiving.end().await?;
        owned
    }
}

/// Where the offsets of the log are kept.
const OFFSETS: Keyspace = Keyspace::new("audit-ingest.offsets");
/// Where detections and facts wait until they are published.
const OUTBOX: Keyspace = Keyspace::new("audit-ingest.outbox");

/// Folds the sightings of all partitions until the service stops.
async fn own(
    mut owner: AuditOwner,
    options: &Options,
    deps: &Deps,
    context: &ServiceContext,
) -> anyhow::Result<()> {
    let settings = OwnerSettings {
        name: AuditIngest::NAME,
        streams: vec![Stream::Sightings],
        partitions: PartitionSet::range(0, deps.partitioner.count()),
        offsets: OFFSETS,
        outbox: OUTBOX,
        attempts: options.attempts,
        limit: ReadLimit::default(),
        consumes: true,
    };
    let ports = OwnerPorts {
        log: Arc::clone(&deps.log),
        store: Arc::clone(&deps.store),
        clock: Arc::clone(&deps.clock),
        dead_letters: deps.dead_letters(AuditIngest::NAME),
    };
    run_owner(&mut owner, &settings, &ports, &context.shutdown, &context.ready).await
}

async fn receive(
    State(webhook): State<Webhook>,
    Path(cluster): Path<String>,
    credentials: Credentials,
    headers: HeaderMap,
    body: Body,
) -> Result<(), HttpError> {
    webhook.take(Sender::ApiServer, &cluster, &credentials, &headers, body).await
}

/// Who sends a body, and so what a refusal leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// It sends a batch again as it would have been; half of one is refused where nothing of it could be read.
    ApiServer,
    /// A cloud's service, which sends the same bytes again for days: what is within them is taken or set aside.
    Cloud,
}

impl Webhook {
    /// Takes what is sent, and returns once it is durable.
    pub(crate) async fn take(
        &self,
        sender: Sender,
        cluster: &str,
        credentials: &Credentials,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(), HttpError> {
        self.rules_known().await?;
        let (received, held) = self.intake.receive(cluster, credentials, headers, body).await?;
        let judging = Arc::clone(&self.judging);
        let mut raws = self.raw.room(&received);
        let decode = move |received: &Received| {
            let mut understood = Understood::default();
            add(received, &judging, sender, &mut understood, &mut raws)?;
            // Held by whoever works on the body: the sender may go away meanwhile.
            Ok::<_, HttpError>((understood, raws, held))
        };
        let (understood, raws, _held) = self.intake.understand(received, decode).await?;
        self.keep(understood, raws).await
    }
}

/// The sightings of a batch, and the letters about what is no event. A body that is no batch at all is
/// refused: the API server has it and will send it again.
pub fn understand(received: &Received, judging: &Judging) -> Result<Understood, HttpError> {
    let mut understood = Understood::default();
    add(received, judging, Sender::ApiServer, &mut understood, &mut Raws::nowhere())?;
    Ok(understood)
}

/// Adds what a body tells.
fn add(
    received: &Received,
    judging: &Judging,
    sender: Sender,
    all: &mut Understood,
    raws: &mut Raws,
) -> Result<(), HttpError> {
    let intake = EventIntake {
        tenant: &received.tenant,
        cluster: &received.cluster,
        clock: EventClock::Live(received.time),
        profile: judging.profile(&received.tenant, &received.cluster),
        origin: None,
    };
    let rules = judging.rules(&received.tenant);
    let authorised = judging.authorised(&received.tenant);
    let mut broken = None;
    let (mut items, mut letters, before) = (0_u64, 0_u64, all.letters.len());
    read::record(1, &received.body, &mut |item| {
        items += 1;
        match item.event {
            Ok(event) => {
                let request = Request::new(event, intake.profile);
                raws.take(&request, item.bytes, &intake, received);
                let batch = current(&mut all.sightings, received);
                let own = rules.judge(event, &intake);
                let by = (Telling::ToCorrelate, authorised);
                sight((&request, item.bytes.len()), &intake, by, own, batch);
            }
            Err(why) => {
                letters += 1;
                let broke_off = matches!(why, Unreadable::BrokenDocument { .. });
                broken = broken.take().or_else(|| broke_off.then(|| why.to_string()));
                if letters <= MAX_LETTERS {
                    all.letters.push(letter(received, &why.to_string(), item.bytes));
                }
            }
        }
    });
    all.inputs += items;
    if letters > MAX_LETTERS {
        let why =
            format!("{} more parts of the same body are no events either", letters - MAX_LETTERS);
        all.letters.push(letter(received, &why, &[]));
    }
    // What came before a break is kept: sent again, the batch would break at the same place.
    let may_be_refused = broken.is_some() && sender == Sender::ApiServer;
    if letters < items || !may_be_refused && !is_no_batch(&received.body) {
        return Ok(());
    }
    all.letters.truncate(before);
    let why = broken.unwrap_or_else(|| NO_BATCH.to_owned());
    Err(HttpError::bad_request(why))
}

/// The most letters about one body: a small one can hold millions of what is no event.
const MAX_LETTERS: u64 = 100;

const NO_BATCH: &str = "the body is no EventList: send what an audit webhook sends";

/// How large a batch on the log gets, in bytes: the cost of each hardly falls beyond.
const BATCH_BYTES: usize = 64 << 10;

/// The batch that the next sighting goes to.
fn current<'b>(batches: &'b mut Vec<SightingBatch>, received: &Received) -> &'b mut SightingBatch {
    let is_full = |batch: &SightingBatch| batch.weight() >= BATCH_BYTES;
    let last = batches.pop_if(|batch| !is_full(batch));
    let Received { tenant, cluster, time, .. } = received;
    let next = last.unwrap_or_else(|| SightingBatch::new(tenant.clone(), cluster.clone(), *time));
    batches.push_mut(next)
}

/// A letter about what is no event.
pub(crate) fn letter(received: &Received, why: &str, bytes: &[u8]) -> DeadLetter {
    let letter = DeadLetter::new(AuditIngest::NAME, why, bytes, received.time);
    letter.of(&received.tenant, &received.cluster)
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
        let understood = understand(&received(&body), &Judging::default()).unwrap();
        assert_eq!(understood.inputs, 3);
        let sightings: Vec<_> = understood.sightings.iter().flat_map(|it| &it.sightings).collect();
        assert_eq!(sightings.len(), 1);
        assert_eq!(sightings[0].records.len(), 1);
        let excerpts: Vec<_> = understood.letters.iter().map(|it| it.excerpt.as_str()).collect();
        assert_eq!(excerpts, [r#"{"no":"event"}"#, r#""text""#]);
    }

    /// An entry that the log does not take would be refused with all events of its batch.
    #[test]
    fn however_long_the_values_of_detections_are_a_batch_fits_the_log() {
        let path = format!("/etc/{}", "\u{10348}".repeat(400));
        let volumes = (0..20).map(|number| {
            format!(r#"{{"name":"v{number}","hostPath":{{"path":"{path}{number}"}}}}"#)
        });
        let volumes = volumes.collect::<Vec<_>>().join(",");
        let pod = |number: usize| {
            format!(
                r#"{{"verb":"create","auditID":"{number}","user":{{"username":"mallory"}},"objectRef":{{"resource":"pods","namespace":"shop","name":"p{number}"}},"responseStatus":{{"code":201}},"requestObject":{{"kind":"Pod","spec":{{"volumes":[{volumes}],"containers":[{{"name":"c","image":"i","securityContext":{{"privileged":true}}}}]}}}}}}"#
            )
        };
        let pods: Vec<_> = (0..60).map(pod).collect();
        let body = format!(r#"{{"kind":"EventList","items":[{}]}}"#, pods.join(","));
        let understood = understand(&received(&body), &Judging::default()).unwrap();
        let sizes: Vec<_> = understood
            .sightings
            .iter()
            .map(|batch| airside_wire::encode_sightings(batch).unwrap().len())
            .collect();
        // Of which a log takes at least eight times as many bytes.
        assert!(sizes.len() > 1 && sizes.iter().all(|size| *size < 2 * BATCH_BYTES), "{sizes:?}");
    }

    #[test]
    fn of_many_parts_that_are_no_events_a_few_are_set_aside_and_the_others_counted() {
        let body = format!(r#"{{"kind":"EventList","items":[{}1]}}"#, "1,".repeat(5_000));
        let received = received(&body);
        let mut understood = Understood::default();
        let (judging, mut raws) = (Judging::default(), Raws::nowhere());
        add(&received, &judging, Sender::Cloud, &mut understood, &mut raws).unwrap();
        assert_eq!((understood.inputs, understood.letters.len()), (5_001, 101));
        let last = &understood.letters.last().unwrap().reason;
        assert_eq!(last, "4901 more parts of the same body are no events either");
    }
}
