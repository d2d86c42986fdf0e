//! What a user gets of a stream of events, and what must hold of the fold whatever happens.

use airside_detect::audit::own::Found;
use airside_detect::audit::{Event, Request, Telling, sight};
use airside_detect::authorised::Authorised;
use airside_detect::intake::{Clock, Intake};
use airside_types::{Detection, Payload, Reason};
use proptest::prelude::*;

use super::*;

mod overlap;
mod sharing;
mod times;

const SECOND: i64 = 1_000_000_000;

/// Events of one cluster, as the API server writes them.
pub(crate) struct Events {
    pub(crate) batch: SightingBatch,
    pub(crate) now: i64,
}

impl Events {
    pub(crate) fn new() -> Self {
        let start = Timestamp::parse_rfc3339("2026-03-02T09:00:00Z").unwrap();
        let batch = SightingBatch::new(Tenant::default(), Cluster::default(), start);
        Self { batch, now: start.as_nanos() }
    }

    /// An event of a user some seconds after the one before. A `verb` may be followed by its answer's code.
    fn add(
        &mut self,
        seconds: i64,
        user: &str,
        verb: &str,
        resource: &str,
        name: &str,
    ) -> &mut Self {
        self.now += seconds * SECOND;
        let (verb, code) = verb.split_once(' ').unwrap_or((verb, "200"));
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let namespace = "shop";
        let (now, number) = (Timestamp::from_nanos(self.now), self.batch.events());
        let text = format!(
            r#"{{"auditID":"{number}","stage":"ResponseComplete","verb":"{verb}","requestURI":"/x","user":{{"username":"{user}","groups":["system:authenticated"]}},"userAgent":"kubectl/v1.31.0","sourceIPs":["10.0.0.7"],"objectRef":{{"resource":"{resource}","subresource":"{subresource}","namespace":"{namespace}","name":"{name}"}},"responseStatus":{{"code":{code}}},"requestReceivedTimestamp":"{now}"}}"#
        );
        self.read(&text)
    }

    pub(crate) fn read(&mut self, text: &str) -> &mut Self {
        let event = Event::parse(text).unwrap();
        let (tenant, cluster) = (self.batch.tenant.clone(), self.batch.cluster.clone());
        let intake = Intake {
            tenant: &tenant,
            cluster: &cluster,
            clock: Clock::Recorded,
            profile: ClusterProfile::unknown(),
            origin: None,
        };
        let bytes = text.len();
        let judging = (Telling::ToCorrelate, &Authorised::default());
        let request = Request::new(&event, intake.profile);
        sight((&request, bytes), &intake, judging, Found::default(), &mut self.batch);
        self.batch.ingest_time = Timestamp::from_nanos(self.now);
        self
    }
}

pub(crate) fn sift(batch: &SightingBatch, sift: &mut Sift) -> Sifted {
    sift.take(&mut batch.clone(), ClusterProfile::unknown())
}

pub(crate) fn detections(records: &[Record]) -> Vec<&Detection> {
    let found = records.iter().filter_map(|record| match &record.payload {
        Payload::Detection(detection) => Some(detection),
        _ => None,
    });
    found.collect()
}

pub(crate) fn told(records: &[Record]) -> String {
    let lines = detections(records).into_iter().map(|it| match it.repeats {
        Some(repeats) => format!("{} {} × {}", it.rule, repeats.count, it.message),
        None => format!("{} {}", it.rule, it.message),
    });
    lines.collect::<Vec<_>>().join("\n")
}

pub(crate) fn ledger(of: &Sift) -> String {
    let lines = of.clusters().flat_map(|key| of.ledger(key));
    lines
        .map(|it| format!("{} {} {}", it.reason.as_str(), it.rule, it.count))
        .collect::<Vec<_>>()
        .join("\n")
}

/// An audit policy may leave the first stage in: what is told of a shell is told when it opens, and once, however long it
/// stays open.
#[test]
fn a_request_that_stays_open_is_told_when_it_is_answered_whether_or_not_its_arrival_was_logged() {
    let exec = |stage: &str, code: &str| {
        format!(
            r#"{{"auditID":"1","stage":"{stage}","verb":"get","requestURI":"/api/v1/namespaces/shop/pods/web/exec?command=sh","user":{{"username":"ada"}},"userAgent":"kubectl/v1.31.0","sourceIPs":["10.0.0.7"],"objectRef":{{"resource":"pods","subresource":"exec","namespace":"shop","name":"web"}}{code},"requestReceivedTimestamp":"2026-03-02T09:00:00Z"}}"#
        )
    };
    let code = r#","responseStatus":{"code":101}"#;
    for stages in [
        &["RequestReceived", "ResponseStarted", "ResponseComplete"][..],
        &["ResponseStarted", "ResponseComplete"],
    ] {
        let mut state = Sift::new(Limits::default());
        let mut each = Vec::new();
        for stage in stages {
            let code = if *stage == "RequestReceived" { "" } else { code };
            let mut batch = Events::new().read(&exec(stage, code)).batch.clone();
            if *stage == "ResponseComplete" {
                batch.ingest_time = batch.ingest_time.plus(Duration::from_hours(5));
                let mut meanwhile = Events::new();
                meanwhile.add(60, "ben", "get", "secrets", "b");
                meanwhile.batch.ingest_time = batch.ingest_time;
                sift(&meanwhile.batch, &mut state);
            }
            let sifted = sift(&batch, &mut state);
            let (now, later) = (detections(&sifted.told).len(), detections(&sifted.revised).len());
            each.push((*stage, now > 0, later > 0, sifted.events));
        }
        let shown = each.split_off(each.len() - 2);
        assert_eq!(
            shown,
            [("ResponseStarted", true, false, 1), ("ResponseComplete", false, true, 0)]
        );
        assert!(each.iter().all(|arrival| !arrival.1 && !arrival.2 && arrival.3 == 0));
    }
}

#[test]
fn what_repeats_itself_is_told_a_few_times_and_then_counted() {
    let mut events = Events::new();
    for _ in 0..15 {
        events.add(30, "ada", "list", "secrets", "");
    }
    events.add(30, "ben", "list", "secrets", "");
    let mut state = Sift::new(Limits::default());
    let sifted = sift(&events.batch, &mut state);
    assert_eq!((sifted.events, sifted.rolled_up.len()), (16, 10));
    insta::assert_snapshot!(told(&sifted.revised), @"
    AUD-R13 2 × User ada listed the secrets of namespace shop, from 10.0.0.7 with kubectl/v1.31.0.
    AUD-R13 4 × User ada listed the secrets of namespace shop, from 10.0.0.7 with kubectl/v1.31.0.
    AUD-R13 8 × User ada listed the secrets of namespace shop, from 10.0.0.7 with kubectl/v1.31.0.
    ");
    insta::assert_snapshot!(told(&sifted.told), @"
    AUD-R13 User ada listed the secrets of namespace shop, from 10.0.0.7 with kubectl/v1.31.0.
    AUD-R13 User ada listed the secrets of namespace shop, from 10.0.0.7 with kubectl/v1.31.0.
    AUD-R13 User ada listed the secrets of namespace shop, from 10.0.0.7 with kubectl/v1.31.0.
    AUD-R13 User ada listed the secrets of namespace shop, from 10.0.0.7 with kubectl/v1.31.0.
    AUD-R13 User ada listed the secrets of namespace shop, from 10.0.0.7 with kubectl/v1.31.0.
    AUD-R13 User ben listed the secrets of namespace shop, from 10.0.0.7 with kubectl/v1.31.0.
    ");
    insta::assert_snapshot!(told(&state.finish()), @"AUD-R13 11 × User ada listed the secrets of namespace shop, from 10.0.0.7 with kubectl/v1.31.0.");
    insta::assert_snapshot!(ledger(&state), @"rolled-up AUD-R13 10");
}

#[test]
fn what_comes_twice_counts_once() {
    let mut events = Events::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        events.add(10, "ada", "get", "secrets", name);
    }
    events.read(r#"{"auditID":"q","stage":"ResponseComplete","verb":"get","requestURI":"/apis","user":{"username":"ada","groups":["system:authenticated"]},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-03-02T09:00:30Z"}"#);
    let mut state = Sift::new(Limits::default());
    let once = sift(&events.batch, &mut state);
    let again = sift(&events.batch, &mut state);
    assert_eq!((once.events, once.left_out), (6, 1));
    assert_eq!((again.events, again.left_out, again.told.len()), (0, 7, 0));
    insta::assert_snapshot!(ledger(&state), @"
    discovery  1
    seen-before  7
    ");
}

#[test]
fn an_event_is_known_for_a_day_unless_there_is_no_room_for_so_many() {
    let folded = |limits: Limits, hours: u64| {
        let mut events = Events::new();
        events.add(1, "ada", "get", "secrets", "a");
        let first = events.batch.clone();
        let mut state = Sift::new(limits);
        sift(&first, &mut state);
        let at = |batch: &SightingBatch, hours: u64| {
            let mut batch = batch.clone();
            batch.ingest_time = first.ingest_time.plus(Duration::from_hours(hours));
            batch
        };
        // Others come meanwhile.
        for number in 0..3 {
            let mut other = Events::new();
            other.add(60 + number, "ben", "get", "secrets", "b");
            sift(&at(&other.batch, hours), &mut state);
        }
        sift(&at(&first, hours), &mut state).events
    };
    let few = SharedLimits { seen: 2, ..SharedLimits::default() };
    assert_eq!(folded(Limits::default(), 0), 0);
    assert_eq!(folded(Limits::default(), 23), 0);
    assert_eq!(folded(Limits::default(), 25), 1);
    assert_eq!(folded(Limits { shared: few, ..Limits::default() }, 1), 1);
}

#[test]
fn quiet_events_are_counted_and_what_rules_see_is_not_quiet() {
    let mut events = Events::new();
    let get = |user: &str, groups: &str, path: &str, code: u16, stage: &str| {
        format!(
            r#"{{"auditID":"{path}{user}{stage}{code}","stage":"{stage}","verb":"get","requestURI":"{path}","user":{{"username":"{user}","groups":["{groups}"]}},"responseStatus":{{"code":{code}}},"requestReceivedTimestamp":"2026-03-02T09:00:30Z"}}"#
        )
    };
    let done = "ResponseComplete";
    for path in ["/apis", "/api/v1?timeout=32s", "/openapi/v3", "/healthz", "/readyz/etcd"] {
        events.read(&get("ada", "system:authenticated", path, 200, done));
    }
    events.read(&get("ada", "system:authenticated", "/apis", 403, done));
    events.read(&get("ada", "system:authenticated", "/apis-mine", 200, done));
    events.read(&get("system:anonymous", "system:unauthenticated", "/api/v1", 200, done));
    events.read(&get("ada", "system:authenticated", "/metrics", 200, "RequestReceived"));
    let mut state = Sift::new(Limits::default());
    let sifted = sift(&events.batch, &mut state);
    assert_eq!((sifted.events, sifted.left_out), (3, 6));
    insta::assert_snapshot!(ledger(&state), @"
    unanswered  1
    discovery  3
    health  2
    ");
}

#[test]
fn what_is_only_counted_uses_its_grant_too() {
    let mut events = Events::new();
    events.read(
        r#"{"auditID":"1","stage":"ResponseComplete","verb":"update","requestURI":"/x","user":{"username":"system:serviceaccount:shop:operator"},"objectRef":{"resource":"leases","apiGroup":"coordination.k8s.io","namespace":"shop","name":"operator"},"responseStatus":{"code":200},"annotations":{"authorization.k8s.io/reason":"RBAC: allowed by RoleBinding \"leader/shop\" of Role \"leader\" to ServiceAccount \"operator/shop\""},"requestReceivedTimestamp":"2026-03-02T09:30:30Z"}"#,
    );
    let mut state = Sift::new(Limits::default());
    let sifted = sift(&events.batch, &mut state);
    assert_eq!((sifted.left_out, sifted.told.len()), (1, 0), "{:?}", events.batch);
    let (used, _) = state.used_grants(&(Tenant::default(), Cluster::default()));
    let used: Vec<_> = used.iter().map(|it| format!("{} by {}", it.binding, it.subject)).collect();
    assert_eq!(used, ["RoleBinding shop/leader by shop/operator"]);
}

#[test]
fn a_cluster_from_which_nothing_arrives_any_more_is_told() {
    let mut events = Events::new();
    let mut state = Sift::new(Limits::default());
    let tick = |state: &mut Sift, now: i64| {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let mut batch = SightingBatch::new(tenant, cluster, Timestamp::from_nanos(now));
        told(&state.take(&mut batch, ClusterProfile::unknown()).told)
    };
    // Also what is only counted is heard.
    let lease = r#"{"auditID":"AT","stage":"ResponseComplete","verb":"get","requestURI":"/apis","user":{"username":"ada","groups":["system:authenticated"]},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-03-02T09:00:30Z"}"#;
    for number in 0..100 {
        events.batch.quiet.clear();
        for each in 0..100 {
            events.now += SECOND / 10;
            events.read(&lease.replace("AT", &format!("{number}-{each}")));
        }
        sift(&events.batch, &mut state);
    }
    let minutes = (1..=15).map(|minute| tick(&mut state, events.now + minute * 60 * SECOND));
    let all: Vec<_> = minutes.filter(|told| !told.is_empty()).collect();
    insta::assert_snapshot!(all.join("\n"), @"AUD-B25 The API server of cluster default has told nothing for 6 minutes: in 10000 events the longest pause was 10 seconds.");
}

#[test]
fn what_is_authorised_completes_nothing() {
    let told_of = |is_authorised: bool| {
        let mut events = Events::new();
        for namespace in 0..6 {
            events.add(5, "ada", "delete", "persistentvolumeclaims", &format!("data-{namespace}"));
        }
        if is_authorised {
            let rule = events.batch.texts.add("clean-up");
            events.batch.sightings.iter_mut().for_each(|it| it.request.authorised = rule);
        }
        told(&sift(&events.batch, &mut Sift::new(Limits::default())).told)
    };
    assert!(told_of(false).contains("AUD-R80-data"));
    assert!(!told_of(true).contains("AUD-R80"));
}

const USERS: [&str; 3] = ["ada", "ben", "system:serviceaccount:shop:web"];
const DEEDS: [(&str, &str); 6] = [
    ("get", "secrets"),
    ("list", "secrets"),
    ("create", "pods/exec"),
    ("get 403", "nodes"),
    ("delete", "deployments"),
    ("get", "configmaps"),
];

/// Batches of up to five events each, some of which come again.
fn batches(choices: &[[u8; 4]]) -> Vec<SightingBatch> {
    let mut events = Events::new();
    let mut all = Vec::new();
    for [seconds, user, deed, name] in choices {
        let (verb, resource) = DEEDS[usize::from(*deed) % DEEDS.len()];
        let name = ["a", "b", "c", "d", "e", "f"][usize::from(*name) % 6];
        let user = USERS[usize::from(*user) % USERS.len()];
        events.add(i64::from(*seconds % 120), user, verb, resource, name);
        if events.batch.events().is_multiple_of(5) {
            all.push(events.batch.clone());
        }
    }
    all.push(events.batch);
    all
}

/// Keeps the rows that have changed.
pub(crate) fn keep(state: &mut Sift, kept: &mut BTreeMap<String, Change>) {
    let clusters: Vec<_> = state.clusters().cloned().collect();
    for change in clusters.iter().flat_map(|key| state.take_changes(key)) {
        let (key, is_gone) = match &change {
            Change::Behaviour(key, it) => (format!("b{key:?}"), it.is_none()),
            Change::Seen(key, it) => (format!("s{key}"), it.is_none()),
            Change::Counted(key, it) => (format!("c{key}"), it.is_none()),
            Change::Window(key, it) => (format!("w{key}"), it.is_none()),
            Change::Rolled(key, it) => (format!("r{key}"), it.is_none()),
            Change::Cascade(key, it) => (format!("k{key}"), it.is_none()),
            Change::Grant(key, it) => (format!("g{key}"), it.is_none()),
            Change::Folded(_) => ("f".to_owned(), false),
            Change::Ledger(it) => (format!("l{} {}", it.reason.as_str(), it.rule), false),
        };
        if is_gone {
            kept.remove(&key);
        } else {
            kept.insert(key, change);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_event_is_folded_or_in_the_ledger(choices in prop::collection::vec(any::<[u8; 4]>(), 1..60)) {
        let limits = Limits { seen_for: Duration::from_hours(24), ..Limits::default() };
        let mut state = Sift::new(limits);
        let (mut events, mut sifted, mut detected, mut ended) = (0, 0, 0, 0);
        for batch in batches(&choices) {
            events += batch.events() as u64;
            let out = sift(&batch, &mut state);
            sifted += out.events + out.left_out;
            let new = |records: &[Record]| detections(records).len() as u64;
            detected += new(&out.told);
            ended += new(&out.rolled_up) + out.beyond;
        }
        prop_assert_eq!(events, sifted);
        let lines: Vec<_> = state.clusters().flat_map(|key| state.ledger(key)).collect();
        let number = |reason: Reason| -> u64 {
            lines.iter().filter(|it| it.reason == reason).map(|it| it.count).sum()
        };
        prop_assert_eq!(number(Reason::RolledUp), ended);
        // Each event of which a batch was sent again came before.
        let folded = events - number(Reason::SeenBefore);
        prop_assert_eq!(folded, choices.len() as u64);
        prop_assert!(detected + ended >= 1 || choices.len() < 60);
    }

    #[test]
    fn whoever_takes_over_what_was_kept_tells_the_same(
        choices in prop::collection::vec(any::<[u8; 4]>(), 1..60), at in 0_usize..12,
    ) {
        let (mut one, mut other) = (Sift::new(Limits::default()), Sift::new(Limits::default()));
        let mut kept = BTreeMap::new();
        for (index, batch) in batches(&choices).iter().enumerate() {
            keep(&mut other, &mut kept);
            if index == at {
                other = Sift::new(Limits::default());
                for row in kept.values() {
                    let key = (Tenant::default(), Cluster::default());
                    prop_assert_eq!(other.restore(key, row.clone()), Ok(()));
                }
            }
            let (from_one, from_other) = (sift(batch, &mut one), sift(batch, &mut other));
            prop_assert_eq!(from_one.told, from_other.told);
            prop_assert_eq!(from_one.revised, from_other.revised);
            prop_assert_eq!(from_one.rolled_up, from_other.rolled_up);
        }
        prop_assert_eq!(ledger(&one), ledger(&other));
        let folded = |of: &Sift| of.clusters().map(|key| of.folded(key)).sum::<u64>();
        prop_assert_eq!(folded(&one), folded(&other));
        prop_assert_eq!(one.finish(), other.finish());
    }

    #[test]
    fn clusters_and_tenants_tell_each_other_nothing(choices in prop::collection::vec(any::<[u8; 4]>(), 1..40)) {
        let (mut alone, mut beside) = (Sift::new(Limits::default()), Sift::new(Limits::default()));
        for batch in batches(&choices) {
            let mut others = batch.clone();
            others.tenant = Tenant::new("other").unwrap();
            sift(&others, &mut beside);
            let mut elsewhere = batch.clone();
            elsewhere.cluster = Cluster::new("elsewhere").unwrap();
            sift(&elsewhere, &mut beside);
            prop_assert_eq!(sift(&batch, &mut alone).told, sift(&batch, &mut beside).told);
        }
    }
}

/// Batches of some clusters with an event each, one after the other in time.
fn of_clusters(names: &[&str], first: i64) -> Vec<SightingBatch> {
    let numbered = names.iter().zip(first..);
    let batches = numbered.map(|(name, number)| {
        let mut events = Events::new();
        events.batch.cluster = Cluster::new(name).unwrap();
        events.add(60 * number, &format!("ada-{number}"), "create", "pods/exec", "web");
        events.batch
    });
    batches.collect()
}

#[test]
fn clusters_share_a_memory_and_the_one_that_has_most_gives_up_first() {
    let shared = SharedLimits {
        seen: 4,
        rolled: 4,
        actors: 4,
        cascades: 4,
        audit_ids: 4,
        counted: 4,
        clusters: 9,
    };
    let mut all = Sift::new(Limits { shared, ..Limits::default() });
    let quiet = of_clusters(&["quiet"], 0);
    let loud = of_clusters(&["loud"; 8], 0);
    let told = quiet.iter().chain(&loud).map(|batch| sift(batch, &mut all).events).sum::<u64>();
    assert_eq!(told, 9, "nothing is lost");
    let again = |batch: &SightingBatch, all: &mut Sift| sift(batch, all).left_out;
    assert_eq!(again(&quiet[0], &mut all), 1, "what the quiet one sent is still known");
    assert_eq!(again(&loud[7], &mut all), 1);
    assert_eq!(again(&loud[0], &mut all), 0, "the oldest of the loud one is not");
    let changed: Vec<_> = all.take_changed().into_iter().map(|(_, it)| it.to_string()).collect();
    assert_eq!(changed, ["loud", "quiet"]);
}

#[test]
fn no_part_of_the_memory_is_larger_than_all_clusters_may_have() {
    let shared = SharedLimits {
        seen: 20,
        rolled: 4,
        actors: 4,
        cascades: 4,
        audit_ids: 8,
        counted: 8,
        clusters: 9,
    };
    let mut all = Sift::new(Limits { shared, ..Limits::default() });
    let mut most = BTreeMap::new();
    for number in 0..12 {
        let mut events = Events::new();
        events.batch.cluster = Cluster::new(["one", "other"][number % 2]).unwrap();
        events.now += SECOND * i64::try_from(number).unwrap();
        let (user, name) = (format!("user-{number}"), format!("web-{number}"));
        events.add(60, &user, "create", "replicationcontrollers", &name);
        for _ in 0..5 {
            events.add(60, &user, "list", "secrets", "");
        }
        sift(&events.batch, &mut all);
        for part in Part::ALL {
            let held: usize = all.clusters.values().map(|cluster| cluster.size(part)).sum();
            assert!(held <= shared.most(part), "{part:?}: {held}");
            let known: &mut usize = most.entry(format!("{part:?}")).or_default();
            *known = held.max(*known);
        }
    }
    assert!(most.values().all(|held| *held > 0), "each part is filled: {most:?}");
}
