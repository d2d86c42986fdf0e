//! Stands in for a kubelet: no container runs, but the API server sees what a kubelet would tell it.
//!
//! Owns the node object, marking pods Running, and their tokens. Exec sessions are `streams`', and what
//! happens "inside" a container is `story`'s.

mod streams;

use std::net::Ipv4Addr;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::api_client::ApiClient;
use crate::cluster::{Caller, Cluster, SETUP};
use crate::waiting::eventually;

/// How long controllers and scheduler may take to bring a pod to the node.
const POD_WITHIN: Duration = Duration::from_secs(40);
/// How long the node authorizer may take to learn that the pod is here.
const TOKEN_WITHIN: Duration = Duration::from_secs(10);
/// What it calls itself: a node's credential in another program's hands would be an attack.
const AGENT: &str = "kubelet/v1.20.2 (linux/amd64) kubernetes/faecb19";

/// The node's name.
pub(crate) const NODE: &str = "rack-1";
/// The kubelet as the API server knows it.
pub(crate) const KUBELET: Caller =
    Caller::new("system:node:rack-1", "system:nodes", [127, 0, 0, 11]);
/// The first address that a pod gets; the next ones follow.
const FIRST_POD: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 10);

/// The only node of the cluster.
#[derive(Debug)]
pub(crate) struct Kubelet {
    client: ApiClient,
    next_address: Ipv4Addr,
    _streams: JoinSet<()>,
}

/// A pod that the cluster believes to run.
#[derive(Debug)]
pub(crate) struct RunningPod {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) address: Ipv4Addr,
    /// The full container id, without the runtime's prefix.
    pub(crate) container_id: String,
    /// The token that lies in its projected volume, bound to the pod.
    pub(crate) token: String,
}

impl Kubelet {
    /// Makes the node ready.
    pub(crate) async fn join(cluster: &Cluster) -> Self {
        let (port, streams) = streams::serve(cluster).await;
        let mut setup = cluster.api_client(&SETUP, "setup").await;
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": { "name": NODE, "labels": { "kubernetes.io/hostname": NODE } },
        });
        let mut node = setup.send(Method::POST, "/api/v1/nodes", &node).await.unwrap();
        let room = json!({ "cpu": "8", "memory": "32Gi", "pods": "110" });
        node["status"] = json!({
            "capacity": room, "allocatable": room,
            "addresses": [{ "type": "InternalIP", "address": KUBELET.address.to_string() }],
            "daemonEndpoints": { "kubeletEndpoint": { "Port": port } },
            "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady" }],
        });
        let path = format!("/api/v1/nodes/{NODE}");
        let mut node = setup.send(Method::PUT, &format!("{path}/status"), &node).await.unwrap();
        // The API server taints new nodes, and the controller that would lift the taint is off.
        node["spec"]["taints"] = Value::Null;
        setup.send(Method::PUT, &path, &node).await.unwrap();
        let client = cluster.api_client(&KUBELET, AGENT).await;
        Self { client, next_address: FIRST_POD, _streams: streams }
    }

    /// Waits for the pod of a workload and runs it.
    pub(crate) async fn run_pod_of(&mut self, namespace: &str, app: &str) -> RunningPod {
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods?labelSelector=app%3D{app}&fieldSelector=spec.nodeName%3D{NODE}"
        );
        let what = format!("a pod of {namespace}/{app} comes to the node");
        let pod = eventually(&what, POD_WITHIN, async || {
            let pods = self.client.send(Method::GET, &path, &Value::Null).await?;
            let pod = pods["items"].get(0).cloned();
            pod.ok_or_else(|| "no pod yet".to_owned())
        })
        .await;
        self.run_pod(pod).await
    }

    async fn run_pod(&mut self, mut pod: Value) -> RunningPod {
        let text = |pointer: &str| pod.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let mut running = RunningPod {
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            uid: text("/metadata/uid"),
            address: self.next_address,
            container_id: text("/metadata/uid").replace('-', "").repeat(2),
            token: String::new(),
        };
        self.next_address = Ipv4Addr::from(u32::from(self.next_address) + 1);
        let (container, image) =
            (text("/spec/containers/0/name"), text("/spec/containers/0/image"));
        let account = text("/spec/serviceAccountName");
        let ready = ["Initialized", "Ready", "ContainersReady", "PodScheduled"];
        let ready = ready.map(|kind| json!({ "type": kind, "status": "True" }));
        pod["status"] = json!({
            "phase": "Running", "hostIP": KUBELET.address.to_string(),
            "podIP": running.address.to_string(), "podIPs": [{ "ip": running.address.to_string() }],
            "conditions": ready,
            "containerStatuses": [{
                "name": container, "image": image, "imageID": "", "ready": true, "restartCount": 0,
                "containerID": format!("containerd://{}", running.container_id),
                "state": { "running": {} },
            }],
        });
        let RunningPod { namespace, name, .. } = &running;
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/status");
        self.client.send(Method::PUT, &path, &pod).await.unwrap();
        running.token = self.token(&running, &account).await;
        running
    }

    /// Fetches the pod's own token, as for the projected volume.
    async fn token(&mut self, pod: &RunningPod, account: &str) -> String {
        let RunningPod { namespace, name, uid, .. } = pod;
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": { "expirationSeconds": 3607, "boundObjectRef": {
                "apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid,
            }},
        });
        let what = format!("the token of {namespace}/{name}");
        let answer = eventually(&what, TOKEN_WITHIN, async || {
            self.client.send(Method::POST, &path, &request).await
        });
        answer.await["status"]["token"].as_str().unwrap().to_owned()
    }
}
