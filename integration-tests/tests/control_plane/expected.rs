//! What Airside has to tell of the story, told as what is still missing from it.

use airside_types::{Entity, Incident, LinkRole, Phase, Severity};

use crate::cluster::SETUP;
use crate::kubelet::RunningPod;
use crate::story::{ACCESS, Manifest, RENTAL};

/// Rules that fire on the attack's steps, in their order, and the gate's warning about the last one.
const RULES: [&str; 5] = [
    "AUD-R24",
    "FALCO-mount-launched-in-privileged-container",
    "AUD-R12",
    "AUD-R37",
    "admission/warn",
];

/// The weaknesses: the check that finds each, its manifest, and the comment on its line.
const CAUSES: [(&str, Manifest, &str); 2] = [
    ("privileged-container", RENTAL, "# talks to the radio module"),
    ("read-secrets", ACCESS, "# every station has a key of its own"),
];

/// What is missing until the attack on the pod is told as one incident, whole.
pub(crate) fn missing(incidents: &[&Incident], pod: &RunningPod) -> Result<(), String> {
    let incident = match alarming(incidents.iter().copied()).as_slice() {
        [incident] => *incident,
        several => return Err(format!("{} incidents of at least medium, not one", several.len())),
    };
    let evidence = &incident.evidence;
    for phase in [Phase::Admission, Phase::Audit, Phase::Runtime] {
        some(evidence.iter().any(|it| it.phase == phase), || format!("evidence of {phase}"))?;
    }
    for rule in RULES {
        some(evidence.iter().any(|it| it.rule == rule), || format!("evidence by {rule}"))?;
    }
    let acting = |entity: &Entity| {
        incident
            .entities
            .iter()
            .any(|link| link.role == LinkRole::Actor && link.entity.key() == entity.key())
    };
    let entity = Entity::pod(&pod.namespace, &pod.name, Some(&pod.uid));
    some(acting(&entity), || format!("{entity} among who acted"))?;
    let account = |link: &airside_types::Link| {
        let object = link.entity.as_object();
        object.is_some_and(|it| {
            it.kind == "ServiceAccount"
                && it.namespace.as_deref() == Some("rental")
                && it.name == "docking"
        })
    };
    some(incident.entities.iter().any(account), || "the service account".to_owned())?;
    for (check, manifest, comment) in CAUSES {
        let line = line_with(manifest.text, comment);
        let told = incident.root_causes.iter().any(|cause| {
            cause.check == check && *cause.place.path == *manifest.path && cause.place.line == line
        });
        some(told, || format!("the root cause {check} at {}:{line}", manifest.path))?;
    }
    Ok(())
}

/// Only the attack is an incident worth a look, and nothing at all is told of the other team.
pub(crate) fn nothing_else(incidents: &[Incident]) {
    assert_eq!(alarming(incidents.iter()).len(), 1, "incidents of at least medium");
    for incident in incidents {
        for evidence in &incident.evidence {
            assert!(!evidence.summary.contains("timetable"), "{incident:#?}");
        }
        for link in &incident.entities {
            let namespace = link.entity.as_object().and_then(|it| it.namespace.as_deref());
            assert_ne!(namespace, Some("timetable"), "{incident:#?}");
        }
    }
}

/// Incidents of weight, without that of the setup itself: who registers an admission webhook, be it
/// Airside's own, may see and change everything that is sent to the cluster from then on.
fn alarming<'a>(incidents: impl Iterator<Item = &'a Incident>) -> Vec<&'a Incident> {
    let setup = Entity::User { name: SETUP.user.to_owned() };
    let by_setup = |incident: &Incident| {
        let mut actors = incident.entities.iter().filter(|link| link.role == LinkRole::Actor);
        actors.all(|link| link.entity == setup)
    };
    incidents.filter(|it| it.severity >= Severity::Medium && !by_setup(it)).collect()
}

fn some(found: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if found { Ok(()) } else { Err(format!("{} is missing", what())) }
}

/// The number of the only line that ends so.
fn line_with(text: &str, end: &str) -> u32 {
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| line.ends_with(end));
    let (number, _) = lines.next().expect("a line is marked");
    assert!(lines.next().is_none(), "several lines are marked {end:?}");
    number
}
