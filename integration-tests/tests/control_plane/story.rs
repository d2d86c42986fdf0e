//! The story: two teams deploy, one workload is broken into, and one incident tells of it.
//!
//! Owns who does what, when, and what has to come of it. How a cluster and Airside are reached is the other
//! modules'.

use std::time::Duration;

use airside::recording::RecordedFile;
use airside_ports::Clock;
use airside_service::SystemClock;
use airside_types::{Incident, Severity};
use serde_json::{Value, json};

use crate::binaries::ControlPlaneBinaries;
use crate::cluster::{Caller, Cluster, SETUP};
use crate::expected;
use crate::kubectl::Kubectl;
use crate::kubelet::{KUBELET, Kubelet, NODE, RunningPod};
use crate::platform::Airside;
use crate::say;
use crate::waiting::eventually;

/// The team that sets up namespaces and grants rights.
const PLATFORM_TEAM: Caller = Caller::new("platform-team", "system:masters", [127, 0, 0, 41]);
/// The pipeline that deploys.
const PIPELINE: Caller = Caller::new("pipeline", "delivery", [127, 0, 0, 42]);
/// A developer at work.
const DEVELOPER: Caller = Caller::new("ilse.brandt", "rental-developers", [127, 0, 0, 61]);
/// A colleague whose credentials somebody else has.
const STOLEN: Caller = Caller::new("tom.okafor", "rental-developers", [127, 0, 0, 199]);

/// How long the API server may take to learn of a webhook.
const REGISTERED_WITHIN: Duration = Duration::from_secs(20);
/// How long an answered request may take to be in the API server's audit log.
const LOGGED_WITHIN: Duration = Duration::from_secs(5);
/// From the last step to the incident: a second of batching in the API server, and Airside's work.
const TOLD_WITHIN: Duration = Duration::from_secs(30);

const PLATFORM: &str = include_str!("manifests/platform.yaml");
const INTRUDER: &str = include_str!("manifests/intruder.yaml");

/// A manifest by the path under which its repository has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manifest {
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
}

pub(crate) const ACCESS: Manifest =
    Manifest { path: "rental/access.yaml", text: include_str!("manifests/access.yaml") };
pub(crate) const RENTAL: Manifest =
    Manifest { path: "rental/rental.yaml", text: include_str!("manifests/rental.yaml") };
const TIMETABLE: Manifest =
    Manifest { path: "timetable/board.yaml", text: include_str!("manifests/timetable.yaml") };

/// Plays the story and holds Airside to what it has to tell.
pub(crate) async fn play(binaries: &ControlPlaneBinaries) {
    let folder = tempfile::tempdir().unwrap();
    let airside = Airside::start(folder.path()).await;
    let callers = [PLATFORM_TEAM, PIPELINE, DEVELOPER, STOLEN, KUBELET];
    let kubeconfig = airside.connection.audit_kubeconfig();
    let cluster = Cluster::start(binaries, folder.path(), Some(&kubeconfig), &callers).await;
    say("the control plane is ready");
    let mut kubelet = Kubelet::join(&cluster).await;
    register_admission(&cluster, &airside).await;

    check_in(&airside).await;
    let pod = take_off(&cluster, &mut kubelet).await;
    the_gate_knows_what_was_checked_in(&cluster).await;
    a_change_by_hand_is_drift(&cluster).await;
    say(&format!("{} runs; the attack begins", pod.name));

    break_in(&cluster, &airside, &pod).await;
    let missing = |incidents: &[&Incident]| expected::missing(incidents, &pod);
    airside.incidents_until(TOLD_WITHIN, missing).await;
    let incidents = airside.incidents(Severity::Info).await;
    expected::nothing_else(&incidents);
    for Incident { severity, title, .. } in &incidents {
        say(&format!("told: {severity}: {title}"));
    }

    drop(cluster);
    airside.stop().await;
}

/// Applies the webhook configuration that Airside prints, and waits until the API server asks it.
async fn register_admission(cluster: &Cluster, airside: &Airside) {
    let setup = cluster.kubectl(&SETUP).await;
    setup.must(&["apply", "-f", "-"], &airside.connection.webhook_configuration()).await;
    // A dry run leaves no trace; a warning about the privileged pod can only be the gate's.
    let arguments = ["create", "--dry-run=server", "--validate=false", "-f", "-"];
    let probe = INTRUDER.replace("namespace: rental", "namespace: default");
    let probe = probe.replace("docking-update-7", "probe");
    eventually("the API server asks the admission webhook", REGISTERED_WITHIN, async || {
        let answer = setup.run(&arguments, &probe).await;
        let asked = answer.stderr.contains("(privileged-container)");
        if asked { Ok(()) } else { Err(answer.stderr) }
    })
    .await;
}

/// What `airside scan --publish` does in each team's pipeline.
async fn check_in(airside: &Airside) {
    for manifests in [&[ACCESS, RENTAL][..], &[TIMETABLE]] {
        let files: Vec<_> = manifests
            .iter()
            .map(|it| RecordedFile { path: it.path.to_owned(), content: it.text.into() })
            .collect();
        airside.check_in(&files).await;
    }
}

/// The teams deploy what they checked in, and it runs.
async fn take_off(cluster: &Cluster, kubelet: &mut Kubelet) -> RunningPod {
    let platform_team = cluster.kubectl(&PLATFORM_TEAM).await;
    platform_team.apply(PLATFORM).await;
    platform_team.apply(ACCESS.text).await;
    let pipeline = cluster.kubectl(&PIPELINE).await;
    pipeline.apply(TIMETABLE.text).await;
    pipeline.apply(RENTAL.text).await;
    kubelet.run_pod_of("timetable", "board").await;
    kubelet.run_pod_of("rental", "docking").await
}

async fn the_gate_knows_what_was_checked_in(cluster: &Cluster) {
    for (namespace, name, verdict) in
        [("rental", "docking", "warn"), ("timetable", "board", "allow")]
    {
        let decision = decision_on(cluster, "create", namespace, name).await;
        assert_eq!(decision["authorisation"], "authorised", "{namespace}/{name}: {decision}");
        assert_eq!(decision["verdict"], verdict, "{namespace}/{name}: {decision}");
        assert_eq!(decision.get("drifted-fields"), None, "{namespace}/{name}: {decision}");
    }
}

/// A developer applies the team's manifest with another image, past the check-in.
async fn a_change_by_hand_is_drift(cluster: &Cluster) {
    let changed = RENTAL.text.replace("screen:1.9.2", "screen:1.9.3-ilse");
    cluster.kubectl(&DEVELOPER).await.apply(&changed).await;
    let decision = decision_on(cluster, "patch", "rental", "screen").await;
    assert_eq!(decision["authorisation"], "drifted", "{decision}");
    assert_eq!(decision["drifted-fields"], "spec.template.spec.containers[0].image", "{decision}");
}

/// What the gate had to say about a deployment, as the API server wrote it into its audit log: the
/// annotations of Airside's webhook by their own names.
async fn decision_on(cluster: &Cluster, verb: &str, namespace: &str, name: &str) -> Value {
    let what = format!("the decision on {verb} {namespace}/{name} is in the audit log");
    eventually(&what, LOGGED_WITHIN, async || {
        let about = |event: &Value| {
            let object = &event["objectRef"];
            event["verb"] == verb
                && object["resource"] == "deployments"
                && object.get("subresource").is_none()
                && object["namespace"] == namespace
                && object["name"] == name
                && event["stage"] == "ResponseComplete"
                // Controllers write the rollout's progress into the same object.
                && !event["user"]["username"].as_str().unwrap().starts_with("system:")
        };
        let event = cluster.audit_log().into_iter().find(about).ok_or("no such event")?;
        let annotations = event["annotations"].as_object().ok_or("no annotations")?;
        let ours = annotations.iter().filter_map(|(key, value)| {
            Some((key.strip_prefix("airside.airside.dev/")?.to_owned(), value.clone()))
        });
        Ok::<_, &str>(Value::Object(ours.collect()))
    })
    .await
}

/// Somebody with a developer's credentials opens a shell in the pod, reaches for its node, lists all
/// secrets with the pod's token, and makes a pod that owns the node.
async fn break_in(cluster: &Cluster, airside: &Airside, pod: &RunningPod) {
    let stolen = cluster.kubectl(&STOLEN).await;
    let RunningPod { namespace, name, .. } = pod;
    let _shell = stolen.open(&["exec", "-n", namespace, name, "--", "sh", "-c", "id"]);
    eventually("the shell is open", LOGGED_WITHIN, async || {
        let opened = |event: &Value| {
            event["objectRef"]["subresource"] == "exec" && event["stage"] == "ResponseStarted"
        };
        cluster.audit_log().iter().find(|event| opened(event)).map(drop).ok_or("no such event")
    })
    .await;
    airside.falco(&mount_alert(pod)).await;
    let inside = cluster.kubectl_with(&pod.token, pod.address).await;
    list_all_secrets(&inside).await;
    inside.must(&["create", "--validate=false", "-f", "-"], INTRUDER).await;
}

async fn list_all_secrets(inside: &Kubectl) {
    inside.must(&["get", "secrets", "--all-namespaces", "-o", "name"], "").await;
}

/// What Falco 0.40 posts when the node's disk is mounted in the pod.
fn mount_alert(pod: &RunningPod) -> Value {
    let now = SystemClock.now();
    let (short, _) = pod.container_id.split_at(12);
    json!({
        "hostname": NODE, "source": "syscall", "priority": "Warning",
        "rule": "Mount Launched in Privileged Container",
        "time": now.to_string(),
        "output": format!("A privileged container ran mount | container_id={short}"),
        "output_fields": {
            "evt.time": now.as_nanos(), "evt.type": "execve",
            "proc.name": "mount", "proc.pname": "sh", "proc.cmdline": "mount /dev/vda1 /mnt",
            "user.name": "root", "user.uid": 0, "container.id": short, "container.name": "docking",
            "container.image.repository": "registry.rental.example/docking",
            "container.image.tag": "4.2.0", "k8s.ns.name": pod.namespace,
            "k8s.pod.name": pod.name, "k8s.pod.uid": pod.uid,
        },
        "tags": ["T1611", "container", "maturity_incubating", "mitre_privilege_escalation"],
    })
}
