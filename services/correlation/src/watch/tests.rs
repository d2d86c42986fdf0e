//! What watchers are told, over an embedded log of which a part is gone.

use airside_bus::embedded::TrimBefore;
use airside_bus::{EmbeddedLog, embedded::EmbeddedLogOptions};
use airside_ports::testsuite::SetClock;
use airside_ports::{Entry, Headers};
use airside_store::MemoryStore;
use airside_types::{Incident, Severity, Timestamp};
use airside_wire::MessageType;
use airside_wire::incident::{Merge, encode_incident_event};
use futures::StreamExt;

use super::*;
use crate::api::INCIDENTS_PARTITION;
use crate::view::ViewChange;

/// A log and a view, as the owner of incidents keeps them.
struct Kept {
    log: Arc<dyn Log>,
    trimmed: Arc<EmbeddedLog>,
    view: Arc<View>,
}

impl Kept {
    async fn new() -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::<SetClock>::default());
        let log = EmbeddedLog::open(store, clock, EmbeddedLogOptions::default()).await.unwrap();
        let trimmed = Arc::new(log);
        let log: Arc<dyn Log> = trimmed.clone();
        Self { log, trimmed, view: Arc::default() }
    }

    /// Commits a revision and publishes it, as the owner does.
    async fn revise(&self, name: &str, revision: u64, severity: Severity) {
        let revision =
            Revision { incident: incident(name, severity), revision, trace_parent: None };
        self.view.change([ViewChange::Revised(Arc::new(revision.clone()))]);
        self.publish(&IncidentEvent::Revision(Box::new(revision))).await;
    }

    async fn merge(&self, old: &str, into: &str) {
        let (tenant, old, into) = (Tenant::default(), id(old), id(into));
        self.view.change([ViewChange::Merged { tenant: tenant.clone(), old, into }]);
        self.publish(&IncidentEvent::Merged(Merge { tenant, old, into })).await;
    }

    async fn publish(&self, event: &IncidentEvent) {
        let message = MessageType::IncidentEvent.as_str().to_owned();
        let headers = Headers { message, trace_parent: None };
        let payload = encode_incident_event(event).unwrap();
        let entry = Entry { partition: INCIDENTS_PARTITION, headers, payload };
        self.log.append(Stream::Incidents, vec![entry]).await.unwrap();
    }

    /// What is old is gone from the log.
    async fn forget_all(&self) {
        let end = self.log.end(Stream::Incidents).await.unwrap();
        self.trimmed.trim(Stream::Incidents, TrimBefore::Offset(end)).await.unwrap();
    }

    async fn watch(&self, resume_token: Option<String>) -> Result<Updates, ApiError> {
        let query =
            WatchQuery { resume_token, min_severity: Some(Severity::Medium), cluster: None };
        let draining = CancellationToken::new();
        open(&self.log, &self.view, Tenant::default(), query, draining).await
    }
}

fn id(name: &str) -> Id {
    Id::builder("test").text(name).finish()
}

fn incident(name: &str, severity: Severity) -> Incident {
    Incident {
        id: id(name),
        aliases: vec![id(name)],
        tenant: Tenant::default(),
        clusters: Vec::new(),
        content_hash: Id::default(),
        severity,
        score: 0,
        terms: Vec::new(),
        title: name.to_owned(),
        first_seen: Timestamp::EPOCH,
        last_seen: Timestamp::EPOCH,
        stages: Vec::new(),
        entities: Vec::new(),
        evidence: Vec::new(),
        root_causes: Vec::new(),
        advice: Vec::new(),
        gaps: Vec::new(),
    }
}

/// What a watcher is told up to the next heartbeat, sorted, and where it resumes then.
async fn told(watch: &mut Updates) -> (Vec<String>, String) {
    let mut told = Vec::new();
    loop {
        let item = watch.next().await.expect("the watch goes on").expect("an update");
        let item = WatchItem::try_from(item).unwrap();
        match item.update {
            WatchUpdate::Revision(it) => {
                told.push(format!(
                    "{} {} {}",
                    it.incident.title, it.revision, it.incident.severity
                ));
            }
            WatchUpdate::Merged(_) => told.push("merged".to_owned()),
            WatchUpdate::Heartbeat { .. } => {
                told.sort();
                return (told, item.resume_token);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_begins_is_told_of_all_incidents_that_there_are_whatever_the_log_has_kept() {
    let kept = Kept::new().await;
    kept.revise("theft", 1, Severity::Medium).await;
    kept.revise("theft", 2, Severity::High).await;
    kept.revise("miner", 1, Severity::Critical).await;
    kept.revise("noise", 1, Severity::Low).await;
    kept.revise("part", 1, Severity::High).await;
    kept.merge("part", "theft").await;
    kept.forget_all().await;
    let mut watch = kept.watch(None).await.unwrap();
    let (there, resume) = told(&mut watch).await;
    assert_eq!(there, ["miner 1 critical", "theft 2 high"]);

    kept.revise("theft", 3, Severity::High).await;
    assert_eq!(told(&mut watch).await.0, ["theft 3 high"]);
    let mut resumed = kept.watch(Some(resume)).await.unwrap();
    assert_eq!(told(&mut resumed).await.0, ["theft 3 high"]);
}

#[tokio::test(start_paused = true)]
async fn who_heard_a_part_of_the_incidents_that_there_are_hears_all_of_them_again() {
    let kept = Kept::new().await;
    kept.revise("theft", 1, Severity::High).await;
    kept.revise("miner", 1, Severity::High).await;
    let mut watch = kept.watch(None).await.unwrap();
    let first = WatchItem::try_from(watch.next().await.unwrap().unwrap()).unwrap();
    kept.forget_all().await;
    let mut again = kept.watch(Some(first.resume_token)).await.unwrap();
    assert_eq!(told(&mut again).await.0, ["miner 1 high", "theft 1 high"]);
}

#[tokio::test(start_paused = true)]
async fn who_resumes_behind_what_is_gone_is_told_so_instead_of_less() {
    let kept = Kept::new().await;
    kept.revise("theft", 1, Severity::High).await;
    let (_, resume) = told(&mut kept.watch(None).await.unwrap()).await;
    kept.revise("theft", 2, Severity::High).await;
    kept.forget_all().await;
    let mut watch = kept.watch(Some(resume)).await.unwrap();
    let status = watch.next().await.unwrap().unwrap_err();
    assert_eq!(status.code(), tonic::Code::FailedPrecondition);
    assert!(status.message().contains("without a resume token"), "{status}");
    assert!(watch.next().await.is_none(), "that was the end");

    let beyond = kept.watch(Some("900".to_owned())).await.unwrap_err();
    assert_eq!(beyond.code, ErrorCode::FailedPrecondition, "a token of another log");
}

#[tokio::test(start_paused = true)]
async fn an_incident_that_was_told_and_fell_below_is_told_once_more() {
    let kept = Kept::new().await;
    kept.revise("theft", 1, Severity::High).await;
    kept.revise("noise", 1, Severity::Low).await;
    let mut watch = kept.watch(None).await.unwrap();
    let (_, resume) = told(&mut watch).await;
    kept.revise("theft", 2, Severity::Low).await;
    kept.revise("noise", 2, Severity::Info).await;
    kept.revise("new", 1, Severity::Low).await;
    assert_eq!(told(&mut watch).await.0, ["theft 2 low"]);

    // Nobody knows what an earlier watch told: rather too much than too little.
    let mut resumed = kept.watch(Some(resume)).await.unwrap();
    assert_eq!(told(&mut resumed).await.0, ["noise 2 info", "theft 2 low"]);
    kept.revise("other", 1, Severity::Low).await;
    kept.revise("other", 2, Severity::Low).await;
    assert_eq!(told(&mut resumed).await.0, [""; 0], "it has caught up");
}

#[tokio::test(start_paused = true)]
async fn what_the_first_answer_told_is_not_told_again_when_the_log_has_it_later() {
    let kept = Kept::new().await;
    kept.view.change([]);
    let revision = |number| Revision {
        incident: incident("theft", Severity::High),
        revision: number,
        trace_parent: None,
    };
    // Committed, and not published yet.
    kept.view.change([ViewChange::Revised(Arc::new(revision(2)))]);
    let mut watch = kept.watch(None).await.unwrap();
    assert_eq!(told(&mut watch).await.0, ["theft 2 high"]);
    for number in 1..=3 {
        kept.publish(&IncidentEvent::Revision(Box::new(revision(number)))).await;
    }
    assert_eq!(told(&mut watch).await.0, ["theft 3 high"]);
}

#[tokio::test(start_paused = true)]
async fn until_the_incidents_are_read_back_nobody_is_told_that_there_are_none() {
    let kept = Kept::new().await;
    let refused = kept.watch(None).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unavailable);
    assert!(kept.view.all(&Tenant::default()).is_err());
    kept.view.change([]);
    assert_eq!(told(&mut kept.watch(None).await.unwrap()).await.0, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_told_incidents_is_bounded_by_those_that_there_are() {
    let kept = Kept::new().await;
    kept.view.change([]);
    let (sender, _receiver) = mpsc::channel(1);
    let mut watching = Watching {
        tenant: Tenant::default(),
        query: WatchQuery::default(),
        caught_up_at: Offset::START,
        sender,
        draining: CancellationToken::new(),
        view: Arc::clone(&kept.view),
        is_resumed: false,
        told: BTreeMap::new(),
        most_told: FEW_TOLD,
    };
    let there = incident("there", Severity::High);
    let revised = |incident, revision| Revision { incident, revision, trace_parent: None };
    kept.view.change([ViewChange::Revised(Arc::new(revised(there.clone(), 1)))]);
    let gone = (0..5000).map(|number| incident(&number.to_string(), Severity::High));
    for incident in std::iter::once(there).chain(gone) {
        let event = IncidentEvent::Revision(Box::new(revised(incident, 1)));
        assert!(watching.update(event).is_some());
        assert!(watching.told.len() < FEW_TOLD);
    }
    assert!(watching.told.contains_key(&id("there")));
}
