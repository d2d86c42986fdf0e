//! The life of findings: what a scan opens, fixes, loses and sees again, for each cluster by itself.

use std::collections::{BTreeMap, BTreeSet};

use airside_types::{Finding, FindingState, Payload, Tenant};
use airside_wire::finding::FindingQuery;
use airside_wire::page::Page;
use airside_wire::scan::{NotEvaluated, Publication, PublishOutcome, Unreadable};
use proptest::prelude::*;

use super::*;
use crate::options::Options;
use crate::testing::{ORDINARY, PRIVILEGED, TestScanner, at, in_state, publication, sled};

const CHECK: &str = "privileged-container";
const DAY: i64 = 86_400;

#[tokio::test]
async fn a_finding_that_comes_back_is_the_same_finding() {
    let scanner = TestScanner::in_memory().await;
    scanner.publish("default", &[("web.yaml", PRIVILEGED)]).await;
    let opened = scanner.finding_of(CHECK).await;
    assert_eq!((opened.first_seen, opened.state_since, opened.reappeared), (at(0), at(0), 0));

    scanner.clock.pass_seconds(DAY);
    let outcome = scanner.publish("default", &[("web.yaml", ORDINARY)]).await;
    assert!(outcome.fixed > 0 && outcome.reappeared == 0, "{outcome:?}");
    let fixed = scanner.finding_of(CHECK).await;
    assert_eq!(fixed.finding.state, FindingState::Fixed);
    assert_eq!((fixed.last_seen, fixed.closed_at), (at(0), Some(at(DAY))));

    scanner.clock.pass_seconds(DAY);
    let outcome = scanner.publish("default", &[("web.yaml", PRIVILEGED)]).await;
    assert!(outcome.reappeared > 0 && outcome.opened >= outcome.reappeared, "{outcome:?}");
    let back = scanner.finding_of(CHECK).await;
    let expected = FindingEntry {
        state_since: at(2 * DAY),
        last_seen: at(2 * DAY),
        reappeared: 1,
        reappeared_at: Some(at(2 * DAY)),
        closed_at: Some(at(DAY)),
        ..opened
    };
    assert_eq!(back, expected);

    let query = FindingQuery { reappeared: true, ..FindingQuery::default() };
    let (listed, _) = scanner.ledger.list(&Tenant::default(), &query).await.unwrap();
    assert!(listed.iter().all(|entry| entry.reappeared > 0));
    assert!(listed.contains(&expected));
    scanner.stop().await;
}

#[tokio::test]
async fn with_its_object_a_finding_is_gone_and_may_reappear_too() {
    let scanner = TestScanner::in_memory().await;
    let other = ORDINARY.replace("name: web,", "name: other,");
    scanner.publish("default", &[("web.yaml", PRIVILEGED)]).await;
    let outcome = scanner.publish("default", &[("web.yaml", &other)]).await;
    assert!(outcome.gone > 0 && outcome.fixed == 0, "{outcome:?}");
    assert_eq!(scanner.finding_of(CHECK).await.finding.state, FindingState::Gone);
    let outcome = scanner.publish("default", &[("web.yaml", PRIVILEGED)]).await;
    assert!(outcome.reappeared > 0, "{outcome:?}");
    assert_eq!(scanner.finding_of(CHECK).await.finding.state, FindingState::Open);
    scanner.stop().await;
}

#[tokio::test]
async fn publishing_the_same_report_twice_changes_nothing() {
    let scanner = TestScanner::in_memory().await;
    let first = scanner.publish("default", &[("web.yaml", PRIVILEGED)]).await;
    let (findings, told) = (scanner.findings("default").await, scanner.told().await);
    scanner.clock.pass_seconds(60);
    let second = scanner.publish("default", &[("web.yaml", PRIVILEGED)]).await;
    assert_eq!(second, PublishOutcome { unchanged: first.opened, ..PublishOutcome::default() });
    assert_eq!(scanner.findings("default").await, findings);
    assert_eq!(scanner.told().await, told);

    // Later it was seen later, which nobody else has to know.
    scanner.clock.pass_seconds(DAY);
    assert_eq!(scanner.publish("default", &[("web.yaml", PRIVILEGED)]).await, second);
    assert_eq!(scanner.finding_of(CHECK).await.last_seen, at(60 + DAY));
    assert_eq!(scanner.told().await, told);
    scanner.stop().await;
}

#[tokio::test]
async fn clusters_and_tenants_do_not_see_each_other() {
    let scanner = TestScanner::in_memory().await;
    let stranger = Tenant::new("stranger").unwrap();
    scanner.publish("east", &[("web.yaml", PRIVILEGED)]).await;
    scanner.publish("west", &[("web.yaml", PRIVILEGED)]).await;
    let theirs = publication(&stranger, "east", &[("web.yaml", ORDINARY)]);
    scanner.ledger.publish(&stranger, theirs).await.unwrap();
    scanner.publish("west", &[("web.yaml", ORDINARY)]).await;
    let (east, west) = (scanner.findings("east").await, scanner.findings("west").await);
    assert_eq!(in_state(&east, FindingState::Open), east.len());
    assert!(in_state(&west, FindingState::Fixed) > 0);
    let own = east[0].id;
    assert_eq!(scanner.ledger.get(&stranger, own).await.unwrap(), None);
    scanner.stop().await;
}

#[tokio::test]
async fn the_life_of_a_finding_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let life = async |manifest: &str| {
        let store = sled(folder.path()).await;
        let scanner = TestScanner::over(store.clone(), &Options::default()).await;
        let outcome = scanner.publish("default", &[("web.yaml", manifest)]).await;
        let finding = scanner.finding_of(CHECK).await;
        scanner.stop().await;
        store.close().await;
        (outcome, finding)
    };
    let (_, opened) = life(PRIVILEGED).await;
    let (_, fixed) = life(ORDINARY).await;
    let (outcome, back) = life(PRIVILEGED).await;
    assert_eq!(
        [opened.finding.state, fixed.finding.state, back.finding.state],
        [FindingState::Open, FindingState::Fixed, FindingState::Open]
    );
    assert!(outcome.reappeared > 0);
    assert_eq!((back.id, back.reappeared), (opened.id, 1));
}

/// What a scan covers, by its name; a check that it could not judge; whether the file was unreadable; the
/// state of the finding afterwards.
type Coverage<'a> = (&'a str, &'a [&'a str], Option<NotEvaluated>, bool, FindingState);

/// What a scan that does not find a finding in `deploy/app/web.yaml` any more covers, and what becomes of it.
#[tokio::test]
async fn only_what_a_scan_covers_is_closed_by_it() {
    const PATH: &str = "deploy/app/web.yaml";
    let unjudged = |check: &str| NotEvaluated { check: check.to_owned(), reason: String::new() };
    let unreadable = || {
        let place = airside_types::Place { path: PATH.into(), line: 1, column: 1 };
        Unreadable { place, reason: String::new() }
    };
    let cases: [Coverage<'_>; 10] = [
        ("the file", &[PATH], None, false, FindingState::Gone),
        ("another file", &["deploy/app/web.yml"], None, false, FindingState::Open),
        ("its folder", &["deploy/app"], None, false, FindingState::Gone),
        ("its folder, written with a slash", &["deploy/app/"], None, false, FindingState::Gone),
        ("a folder above", &["deploy"], None, false, FindingState::Gone),
        ("a folder that begins alike", &["deploy/ap"], None, false, FindingState::Open),
        ("everything", &["."], None, false, FindingState::Gone),
        ("everything but this file", &["."], None, true, FindingState::Open),
        ("the file without this check", &[PATH], Some(unjudged(CHECK)), false, FindingState::Open),
        ("the file without another", &[PATH], Some(unjudged("other")), false, FindingState::Gone),
    ];
    for (what, paths, not_evaluated, broken, expected) in cases {
        let scanner = TestScanner::in_memory().await;
        scanner.publish("default", &[(PATH, PRIVILEGED)]).await;
        let mut later = Publication {
            scanned_paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            ..Publication::default()
        };
        later.report.not_evaluated.extend(not_evaluated);
        later.report.unreadable.extend(broken.then(unreadable));
        scanner.ledger.publish(&Tenant::default(), later).await.unwrap();
        assert_eq!(scanner.finding_of(CHECK).await.finding.state, expected, "{what}");
        scanner.stop().await;
    }
}

#[tokio::test]
async fn a_large_report_is_published_whole_and_listed_page_by_page() {
    let scanner = TestScanner::in_memory().await;
    let mut large = publication(&Tenant::default(), "default", &[("web.yaml", PRIVILEGED)]);
    let finding = large.report.findings[0].clone();
    large.report.findings = (0..5000)
        .map(|file| Finding {
            place: airside_types::Place {
                path: format!("{file}.yaml").into(),
                ..finding.place.clone()
            },
            ..finding.clone()
        })
        .collect();
    let outcome = scanner.ledger.publish(&Tenant::default(), large).await.unwrap();
    assert_eq!(outcome.opened, 5000);
    let told = scanner.told().await;
    let findings = told.iter().filter(|it| matches!(it.payload, Payload::Finding(_))).count();
    assert_eq!(findings, 5000);

    // A page later, findings came that the first page would have had, or would not.
    let (mut listed, mut token) = (Vec::new(), None);
    loop {
        let page = Page::new(1000, token);
        let query = FindingQuery { page, ..FindingQuery::default() };
        let (page, next) = scanner.ledger.list(&Tenant::default(), &query).await.unwrap();
        listed.extend(page);
        let file = format!("late-{}.yaml", listed.len());
        scanner.publish("default", &[(&file, PRIVILEGED)]).await;
        let Some(next) = next else { break };
        token = Some(next);
    }
    let early = |entry: &&FindingEntry| !entry.finding.place.path.starts_with("late");
    let ids: BTreeSet<Id> = listed.iter().filter(early).map(|entry| entry.id).collect();
    assert_eq!(ids.len(), 5000, "none is skipped");
    assert_eq!(listed.iter().filter(early).count(), 5000, "none is repeated");
    scanner.stop().await;
}

/// What a publication says, by files of one letter: whether it is scanned, and whether its pod is
/// privileged.
fn publications() -> impl Strategy<Value = Vec<(&'static str, BTreeMap<char, bool>)>> {
    let scan =
        proptest::collection::btree_map(proptest::char::range('a', 'c'), any::<bool>(), 1..4);
    let cluster = prop_oneof![Just("east"), Just("west")];
    proptest::collection::vec((cluster, scan), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A naive ledger: the state of each file's finding is what the last scan of the file saw, and it
    /// reappeared as often as it was seen after it was not.
    #[test]
    fn the_ledger_is_what_the_last_scan_of_each_file_saw(publications in publications()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let scanner = TestScanner::in_memory().await;
            let mut expected: BTreeMap<(&str, char), (bool, u32)> = BTreeMap::new();
            for (cluster, files) in &publications {
                let named: Vec<_> = files
                    .iter()
                    .map(|(file, bad)| (file.to_string(), if *bad { PRIVILEGED } else { ORDINARY }))
                    .collect();
                let files_of: Vec<_> = named.iter().map(|(f, text)| (f.as_str(), *text)).collect();
                scanner.publish(cluster, &files_of).await;
                for (file, bad) in files {
                    match expected.get_mut(&(*cluster, *file)) {
                        Some((open, times)) => {
                            *times += u32::from(*bad && !*open);
                            *open = *bad;
                        }
                        None if *bad => drop(expected.insert((cluster, *file), (true, 0))),
                        None => {}
                    }
                }
            }
            for cluster in ["east", "west"] {
                let mut found = BTreeMap::new();
                for entry in scanner.findings(cluster).await {
                    if entry.finding.check == CHECK {
                        let file = entry.finding.place.path.chars().next().unwrap();
                        let open = entry.finding.state == FindingState::Open;
                        found.insert((cluster, file), (open, entry.reappeared));
                    }
                }
                let mut expected = expected.clone();
                expected.retain(|(of, _), _| *of == cluster);
                assert_eq!(found, expected);
            }
            scanner.stop().await;
        });
    }
}

#[tokio::test]
async fn what_was_judged_by_less_than_is_known_now_says_so_until_it_is_scanned_again() {
    let scanner = TestScanner::in_memory().await;
    let tenant = Tenant::default();
    let current = || publication(&tenant, "default", &[("web.yaml", PRIVILEGED)]);
    let judged = |change: fn(&mut airside_types::Rules)| {
        let mut publication = current();
        publication.report.passes.iter_mut().filter_map(|it| it.rules.as_mut()).for_each(change);
        publication
    };
    let older_data = || judged(|rules| rules.vulnerability_data = Some("2020-01".to_owned()));
    for (publication, outdated) in [
        (older_data(), true),
        (judged(|rules| rules.digest = Id::default()), true),
        (judged(|rules| rules.vulnerability_data = Some("2099-01".to_owned())), false),
        (older_data(), true),
        (current(), false),
    ] {
        scanner.ledger.publish(&tenant, publication).await.unwrap();
        assert_eq!(scanner.finding_of(CHECK).await.outdated, outdated);
        let id = scanner.finding_of(CHECK).await.id;
        assert_eq!(scanner.ledger.get(&tenant, id).await.unwrap().unwrap().outdated, outdated);
    }
    scanner.ledger.publish(&tenant, older_data()).await.unwrap();
    scanner.publish("default", &[("web.yaml", ORDINARY)]).await;
    assert!(!scanner.finding_of(CHECK).await.outdated, "what is fixed needs no scan");
    scanner.stop().await;
}
