//! What watchers are told, over an embedded log of which a part is gone.

use airside_bus::embedded::TrimBefore;
use airside_bus::{EmbeddedLog, embedded::EmbeddedLogOptions};
use airside_ports::testsuite::SetClock;
use airside_ports::{Entry, Headers, LogBatch, LostRange, StoredEntry};
use airside_store::MemoryStore;
use airside_types::{Cluster, Incident, Severity, Timestamp};
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

/// A watch that nobody listens to.
fn watching(kept: &Kept) -> Watching {
    Watching {
        tenant: Tenant::default(),
        query: WatchQuery::default(),
        caught_up_at: Offset::START,
        is_behind: false,
        sender: mpsc::channel(1).0,
        draining: CancellationToken::new(),
        view: Arc::clone(&kept.view),
        told: BTreeMap::new(),
        most_told: FEW_TOLD,
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

    // What an earlier watch told nobody knows: rather too much than too little.
    let mut resumed = kept.watch(Some(resume)).await.unwrap();
    assert_eq!(told(&mut resumed).await.0, ["noise 2 info", "theft 2 low"]);
    kept.revise("other", 1, Severity::Low).await;
    kept.revise("other", 2, Severity::Low).await;
    assert_eq!(told(&mut resumed).await.0, [""; 0], "it has caught up");
}

#[tokio::test(start_paused = true)]
async fn who_resumes_at_the_end_is_told_what_falls_below_then() {
    let kept = Kept::new().await;
    kept.revise("theft", 1, Severity::High).await;
    let (_, resume) = told(&mut kept.watch(None).await.unwrap()).await;
    let mut resumed = kept.watch(Some(resume)).await.unwrap();
    assert_eq!(told(&mut resumed).await.0, [""; 0]);
    kept.revise("theft", 2, Severity::Low).await;
    assert_eq!(told(&mut resumed).await.0, ["theft 2 low"]);
}

#[tokio::test(start_paused = true)]
async fn an_incident_that_was_forgotten_and_came_back_is_told_by_its_new_numbers() {
    let kept = Kept::new().await;
    kept.revise("theft", 1, Severity::High).await;
    kept.revise("theft", 7, Severity::High).await;
    let mut watch = kept.watch(None).await.unwrap();
    assert_eq!(told(&mut watch).await.0, ["theft 7 high"]);
    let tenant = Tenant::default();
    kept.view.change([ViewChange::Forgotten { tenant, id: id("theft") }]);
    kept.revise("theft", 1, Severity::Medium).await;
    assert_eq!(told(&mut watch).await.0, ["theft 1 medium"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_of_other_tenants_or_clusters() {
    let kept = Kept::new().await;
    kept.view.change([]);
    let of = |tenant: &str, cluster: &str| Incident {
        tenant: Tenant::new(tenant).unwrap(),
        clusters: vec![Cluster::new(cluster).unwrap()],
        ..incident(&format!("{tenant} {cluster}"), Severity::High)
    };
    let open_watch = || {
        let query = WatchQuery { cluster: Cluster::new("blue").ok(), ..WatchQuery::default() };
        let tenant = Tenant::new("acme").unwrap();
        open(&kept.log, &kept.view, tenant, query, CancellationToken::new())
    };
    let mut before = open_watch().await.unwrap();
    assert_eq!(told(&mut before).await.0, [""; 0]);
    for incident in [of("acme", "blue"), of("acme", "red"), of("other", "blue")] {
        let revision = Revision { incident, revision: 1, trace_parent: None };
        kept.view.change([ViewChange::Revised(Arc::new(revision.clone()))]);
        kept.publish(&IncidentEvent::Revision(Box::new(revision))).await;
    }
    let merge = Merge { tenant: Tenant::new("other").unwrap(), old: id("a"), into: id("b") };
    kept.publish(&IncidentEvent::Merged(merge)).await;
    assert_eq!(told(&mut before).await.0, ["acme blue 1 high"]);
    assert_eq!(told(&mut open_watch().await.unwrap()).await.0, ["acme blue 1 high"]);
}

/// A log whose reader returns what it is given, whenever it is ready.
struct Scripted(mpsc::Receiver<LogBatch>);

#[async_trait::async_trait]
impl LogReader for Scripted {
    async fn next(&mut self, _: ReadLimit, wait: Duration) -> Result<LogBatch, LogError> {
        let nothing = LogBatch { entries: Vec::new(), next: Offset(9), lost: None };
        let read = async { self.0.recv().await.ok_or(LogError::Closed) };
        tokio::time::timeout(wait, read).await.unwrap_or(Ok(nothing))
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_reads_too_slowly_ends_and_a_quiet_tenant_is_told_that_it_lives() {
    let (script, batches) = mpsc::channel(1);
    let (sender, receiver) = mpsc::channel(8);
    let mut watching = Watching { sender, ..watching(&Kept::new().await) };
    let following = tokio::spawn(async move { watching.follow(Box::new(Scripted(batches))).await });
    let mut watch = ReceiverStream::new(receiver);
    assert_eq!(told(&mut watch).await.1, "9", "it has caught up");

    // Every second something comes of another tenant.
    let other = Incident { tenant: Tenant::new("other").unwrap(), ..incident("x", Severity::High) };
    let revision = Revision { incident: other, revision: 1, trace_parent: None };
    let payload = encode_incident_event(&IncidentEvent::Revision(Box::new(revision))).unwrap();
    for second in 0..11 {
        let headers = Headers { message: String::new(), trace_parent: None };
        let entry = Entry { partition: INCIDENTS_PARTITION, headers, payload: payload.clone() };
        let stored = StoredEntry { offset: Offset(20 + second), entry };
        let next = stored.offset.after();
        script.send(LogBatch { entries: vec![stored], next, lost: None }).await.unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let (nothing, token) = told(&mut watch).await;
    assert_eq!(nothing, [""; 0]);
    assert!(token.parse::<u64>().unwrap() > 20, "{token}");

    let lost = Some(LostRange { from: Offset(31), until: Offset(90) });
    script.send(LogBatch { entries: Vec::new(), next: Offset(90), lost }).await.unwrap();
    let ended = following.await.unwrap().unwrap();
    assert_eq!(ended.code(), tonic::Code::FailedPrecondition);
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
    let mut watching = watching(&kept);
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
