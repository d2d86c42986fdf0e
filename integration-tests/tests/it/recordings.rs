//! Recorded scenarios through a whole platform: an attack becomes its own incident, another attack another
//! one, and an ordinary afternoon none. What the recordings mean is in their `truth.json`, which no code of
//! the platform reads.

use airside_types::{Incident, Phase};
use serde_json::{Value, json};

use crate::platform::{TestPlatform, recording, recording_folder};

fn truth(name: &str) -> Value {
    let text = std::fs::read(recording_folder(name).join("truth.json")).expect("a truth");
    serde_json::from_slice(&text).expect("JSON")
}

/// The files and fields of the root causes that the truth names.
fn true_causes(truth: &Value) -> Vec<(String, String)> {
    let causes = truth["incidents"][0]["root_causes"].as_array().expect("root causes");
    let text = |cause: &Value, key: &str| cause[key].as_str().expect("text").to_owned();
    causes.iter().map(|cause| (text(cause, "path"), text(cause, "field"))).collect()
}

fn told_causes(incident: &Incident) -> Vec<(String, String)> {
    incident
        .root_causes
        .iter()
        .map(|cause| (cause.place.path.to_string(), cause.field.to_string()))
        .collect()
}

fn has_phase(incident: &Incident, phase: Phase) -> bool {
    incident.evidence.iter().any(|evidence| evidence.phase == phase)
}

fn is_whole(incident: &Incident) -> bool {
    [Phase::Admission, Phase::Audit, Phase::Runtime]
        .into_iter()
        .all(|phase| has_phase(incident, phase))
}

/// Plays an attack and demands one incident with evidence from all phases and the true root causes.
async fn an_attack_is_told(name: &str, platform: &TestPlatform) -> Incident {
    platform.play(&recording(name)).await;
    let causes = true_causes(&truth(name));
    let incidents = platform
        .incidents_when(|incidents| {
            incidents.len() == 1
                && is_whole(&incidents[0])
                && causes.iter().all(|cause| told_causes(&incidents[0]).contains(cause))
        })
        .await;
    assert_eq!(incidents.len(), 1, "{name}: {:?}", titles(&incidents));
    let incident = incidents.into_iter().next().expect("one incident");
    assert!(is_whole(&incident), "{name}: phases of {:#?}", incident.evidence);
    for cause in &causes {
        let told = told_causes(&incident);
        assert!(told.contains(cause), "{name}: {cause:?} is not among {told:?}");
    }
    incident
}

fn titles(incidents: &[Incident]) -> Vec<&str> {
    incidents.iter().map(|incident| incident.title.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_attacks_give_an_incident_of_their_own_each() {
    let storefront = TestPlatform::start().await;
    let ledger = TestPlatform::start().await;
    let first = an_attack_is_told("attack-storefront", &storefront).await;
    let second = an_attack_is_told("attack-ledger", &ledger).await;
    assert_ne!(first.id, second.id);
    assert_ne!(first.title, second.title);
    storefront.stop().await;
    ledger.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_afternoon_gives_no_incident() {
    let platform = TestPlatform::start().await;
    platform.play(&recording("benign-release")).await;
    // Something that does give an incident, so that everything before it has been correlated.
    let incident = an_attack_is_told("attack-ledger", &platform).await;
    let benign = truth("benign-release");
    assert_eq!(benign["incidents"], json!([]), "the recording is benign");
    assert!(
        !incident.root_causes.iter().any(|cause| cause.place.path.contains("website")),
        "{:?}",
        told_causes(&incident)
    );
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_changes_nothing_in_what_is_told() {
    let platform =
        TestPlatform::start_with(json!({ "node": { "store": "sled", "store_cache": "4MiB" } }))
            .await;
    an_attack_is_told("attack-storefront", &platform).await;
    let platform = platform.settled().await;
    let before = platform.list().await;
    let platform = platform.restart().await;
    assert_same(&before, &platform.list().await);
    platform.stop().await;
}

/// The same incidents, without printing all of both when they are not.
fn assert_same(left: &[Incident], right: &[Incident]) {
    let shown = |incidents: &[Incident]| {
        let line = |it: &Incident| format!("{} {} {}", it.id, it.content_hash, it.title);
        incidents.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(shown(left), shown(right));
}
