//! An API server logs every stage of its requests: that they were received, began to be answered, and ended.
//!
//! Owns a session that stays open, and a watch that ends by itself. What is told of each, and when, must not depend on
//! how many stages there are.

use std::time::Duration;

use airside_types::{Evidence, Incident, Severity};
use serde_json::Value;

use crate::accounting::{Counted, sums_agree};
use crate::binaries::ControlPlaneBinaries;
use crate::cluster::{CONTROLLERS, Caller, Cluster, SETUP, Stages};
use crate::kubelet::{KUBELET, Kubelet, RunningPod};
use crate::platform::Airside;
use crate::say;
use crate::waiting::eventually;

/// Who opens a session.
const PERSON: Caller = Caller::new("noor.haddad", "system:masters", [127, 0, 0, 71]);
/// The rule about sessions.
const SESSION: &str = "AUD-R24";
/// How long a stage may take to be in the API server's audit log.
const LOGGED_WITHIN: Duration = Duration::from_secs(10);
/// A second of batching in the API server, and Airside's work.
const TOLD_WITHIN: Duration = Duration::from_secs(30);

const WORKLOAD: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {namespace: default, name: kiosk}
spec:
  selector: {matchLabels: {app: kiosk}}
  template:
    metadata: {labels: {app: kiosk}}
    spec: {containers: [{name: kiosk, image: 'registry.example/kiosk:1'}]}
";

/// Opens a session, looks at what is told of it, closes it, and counts.
pub(crate) async fn play(binaries: &ControlPlaneBinaries) {
    let folder = tempfile::tempdir().unwrap();
    let airside = Airside::start(folder.path()).await;
    let kubeconfig = airside.connection.audit_kubeconfig();
    let with = (&[PERSON, KUBELET][..], CONTROLLERS, Stages::All);
    let cluster = Cluster::start_with(binaries, folder.path(), Some(&kubeconfig), with).await;
    let mut kubelet = Kubelet::join(&cluster).await;
    cluster.kubectl(&SETUP).await.apply(WORKLOAD).await;
    let RunningPod { namespace, name, .. } = kubelet.run_pod_of("default", "kiosk").await;

    let person = cluster.kubectl(&PERSON).await;
    let session = person.open(&["exec", "-n", &namespace, &name, "--", "sh", "-c", "id"]);
    airside.incidents_until(TOLD_WITHIN, |all| told_once(all.iter().copied()).map(drop)).await;
    let incidents = airside.incidents(Severity::Info).await;
    let told = told_once(incidents.iter()).unwrap();
    let open = stages(&cluster, &told);
    assert_eq!(open, ["RequestReceived", "ResponseStarted"], "it is told while it is open");
    drop(session);
    until_closed(&cluster, &told).await;

    let path = "/api/v1/namespaces/default/pods?watch=true&timeoutSeconds=1";
    person.must(&["get", "--raw", path], "").await;
    let watch = eventually("the watch is logged", LOGGED_WITHIN, async || {
        let watch = cluster.audit_log().into_iter().find(is_watch).ok_or("no such event")?;
        Ok::<_, &str>(audit_id(&watch))
    })
    .await;
    until_closed(&cluster, &watch).await;

    let count = async || Counted::ask(airside.api()).await.unwrap();
    say(&sums_agree(&cluster, count).await);
    let incidents = airside.incidents(Severity::Info).await;
    assert_eq!(told_once(incidents.iter()), Ok(told), "its end tells nothing");
    airside.stop().await;
}

/// Which session is told, where exactly one is and it is told once: by the API server's id of the request.
fn told_once<'a>(incidents: impl Iterator<Item = &'a Incident>) -> Result<String, String> {
    let evidence = incidents.flat_map(|incident| &incident.evidence);
    let told: Vec<_> = evidence.filter(|it| it.rule == SESSION).collect();
    match told.as_slice() {
        [Evidence { repeats: None, native_id, .. }] => Ok(native_id.clone()),
        other => Err(format!("the session is told {} times: {other:#?}", other.len())),
    }
}

/// The stages of a request that the API server has logged, in their order.
fn stages(cluster: &Cluster, request: &str) -> Vec<String> {
    let log = cluster.audit_log().into_iter().filter(|event| audit_id(event) == request);
    log.map(|event| event["stage"].as_str().unwrap().to_owned()).collect()
}

/// Waits until the API server has logged all three.
async fn until_closed(cluster: &Cluster, request: &str) {
    eventually("the request has ended", LOGGED_WITHIN, async || {
        let stages = stages(cluster, request);
        let all = ["RequestReceived", "ResponseStarted", "ResponseComplete"];
        if stages == all { Ok(()) } else { Err(stages.join(", ")) }
    })
    .await;
}

fn audit_id(event: &Value) -> String {
    event["auditID"].as_str().unwrap().to_owned()
}

fn is_watch(event: &Value) -> bool {
    event["user"]["username"] == PERSON.user && event["verb"] == "watch"
}
