"""Stands in for the kubelets: no container ever runs, but the API server sees what a kubelet would tell it.

Owns: node objects and leases, marking pods Running (with an address and container ids), tokens for pods, finishing
deletions, and a server that accepts `exec` and answers `logs`.
Leaves to others: what happens "inside" a container (falco.py tells of it, the scenarios decide it).
"""
import http.client
import http.server
import json
import ssl
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from hashlib import sha256
from secrets import token_hex

from clients import Client, MERGE
from control_plane import certificate

AGENT = "kubelet/v1.20.15 (linux/amd64) kubernetes/8f1e5bf"
TOKEN_SECONDS = 3607
LEASE_SECONDS = 10


def now(microseconds=False):
    """The time as Kubernetes writes it."""
    form = "%Y-%m-%dT%H:%M:%S.%fZ" if microseconds else "%Y-%m-%dT%H:%M:%SZ"
    return datetime.now(timezone.utc).strftime(form)


@dataclass
class RunningPod:
    """What the node knows of a pod that it runs."""

    namespace: str
    name: str
    uid: str
    node: str
    address: str
    token: str | None
    images: dict = field(default_factory=dict)
    containers: dict = field(default_factory=dict)

    def container(self):
        """Name, full container id and image of the first container."""
        name = next(iter(self.containers))
        return name, self.containers[name], self.images[name]


class _Streams(http.server.BaseHTTPRequestHandler):
    """The kubelet's own server: lets exec sessions in and holds them until the caller leaves."""

    def _serve(self):
        if self.path.startswith("/exec/"):
            wanted = self.headers.get("Upgrade", "SPDY/3.1")
            self.wfile.write(f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {wanted}\r\n"
                             "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n".encode())
            while self.connection.recv(4096):
                pass
        else:
            body = b"ready\n"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        self.close_connection = True

    do_GET = do_POST = _serve

    def log_message(self, *_):
        pass


class Kubelet:
    """One node. Its pods get addresses below `pods_network`, such as 127.0.1., in the order in which they arrive."""

    def __init__(self, plane, setup, name, token, address, pods_network):
        self.name, self.address, self.pods_network = name, address, pods_network
        self.client = Client(plane.port, token, address, AGENT)
        self.pods, self.changed = {}, threading.Condition()
        self._next_host, self._finished, self._stopping = 10, set(), threading.Event()
        cert, key = certificate(plane.folder, name, address)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cert, key)
        self.server = http.server.ThreadingHTTPServer((address, 0), _Streams)
        self.server.daemon_threads = True
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self._register(setup)
        for task in (self.server.serve_forever, self._renew_lease, self._run_pods):
            threading.Thread(target=task, daemon=True).start()

    def _register(self, setup):
        setup.ask("POST", "/api/v1/nodes", {
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": self.name, "labels": {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux"}}},
            expect=201)
        room = {"cpu": "8", "memory": "32Gi", "pods": "110"}
        setup.ask("PATCH", f"/api/v1/nodes/{self.name}/status", {"status": {
            "capacity": room, "allocatable": room,
            "addresses": [{"type": "InternalIP", "address": self.address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.server.server_port}},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                            "lastHeartbeatTime": now(), "lastTransitionTime": now()}]}}, expect=200, content=MERGE)
        # the admission plugin that taints new nodes expects a node controller to lift the taint
        setup.ask("PATCH", f"/api/v1/nodes/{self.name}", {"spec": {"taints": None}}, expect=200, content=MERGE)

    def _renew_lease(self):
        path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": self.name},
                 "spec": {"holderIdentity": self.name, "leaseDurationSeconds": 40, "renewTime": now(microseconds=True)}}
        lease = self.client.ask("POST", path, lease).body
        while not self._stopping.wait(LEASE_SECONDS):
            lease["spec"]["renewTime"] = now(microseconds=True)
            lease = self.client.ask("PUT", f"{path}/{self.name}", lease).body

    def _run_pods(self):
        try:
            for event in self.client.watch(f"/api/v1/pods?fieldSelector=spec.nodeName%3D{self.name}&watch=true"):
                pod = event["object"]
                key = pod.get("metadata", {}).get("uid")
                if event["type"] == "DELETED":
                    self._forget(key)
                elif pod["metadata"].get("deletionTimestamp"):
                    if key not in self._finished:
                        self._finished.add(key)
                        self._finish(pod)
                elif key not in self.pods and pod["status"].get("phase") == "Pending":
                    self._start(pod)
        except (OSError, ValueError, KeyError, http.client.HTTPException):
            if not self._stopping.is_set():
                raise

    def _start(self, pod):
        time.sleep(0.4)  # images are there already; the node authorizer learns of the pod meanwhile
        meta, spec = pod["metadata"], pod["spec"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        running = RunningPod(meta["namespace"], meta["name"], meta["uid"], self.name,
                             f"{self.pods_network}{self._next_host}", self._token(meta, spec))
        self._next_host += 1
        statuses = []
        for container in spec["containers"]:
            name, image = container["name"], container["image"]
            running.containers[name], running.images[name] = token_hex(32), image
            digest = sha256(image.encode()).hexdigest()
            statuses.append({"name": name, "image": image, "ready": True, "started": True, "restartCount": 0,
                             "imageID": f"{image.rsplit(':', 1)[0]}@sha256:{digest}",
                             "containerID": f"containerd://{running.containers[name]}",
                             "state": {"running": {"startedAt": now()}}})
        ready = [{"type": kind, "status": "True", "lastTransitionTime": now()}
                 for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")]
        self.client.ask("PATCH", f"{path}/status", {"metadata": {"uid": meta["uid"]}, "status": {
            "phase": "Running", "hostIP": self.address, "podIP": running.address, "podIPs": [{"ip": running.address}],
            "startTime": now(), "conditions": ready, "containerStatuses": statuses}},
            expect=200, content="application/strategic-merge-patch+json")
        with self.changed:
            self.pods[running.uid] = running
            self.changed.notify_all()

    def _token(self, meta, spec):
        """The pod's own token, bound to it, as the kubelet fetches it for the projected volume."""
        if not any("serviceAccountToken" in source for volume in spec.get("volumes", [])
                   for source in volume.get("projected", {}).get("sources", [])):
            return None
        wanted = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {
            "expirationSeconds": TOKEN_SECONDS,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}}}
        path = f"/api/v1/namespaces/{meta['namespace']}/serviceaccounts/{spec['serviceAccountName']}/token"
        return self.client.ask("POST", path, wanted, expect=201).body["status"]["token"]

    def _finish(self, pod):
        meta = pod["metadata"]
        self.client.ask("DELETE", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}",
                        {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0,
                         "preconditions": {"uid": meta["uid"]}})

    def _forget(self, uid):
        with self.changed:
            self.pods.pop(uid, None)
            self.changed.notify_all()

    def stop(self):
        """Stops renewing and serving; the watch ends with the API server."""
        self._stopping.set()
        self.server.shutdown()
        self.server.server_close()


class Nodes:
    """The cluster's nodes together."""

    def __init__(self, kubelets):
        self.kubelets = kubelets

    def running(self, namespace, prefix):
        """The running pods of a namespace whose names begin so, by name."""
        return sorted((pod for kubelet in self.kubelets for pod in list(kubelet.pods.values())
                       if pod.namespace == namespace and pod.name.startswith(prefix)), key=lambda pod: pod.name)

    def wait_running(self, namespace, prefix, count=1, image=None, seconds=60):
        """Waits until exactly so many such pods run, all of the image where one is given."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pods = self.running(namespace, prefix)
            if len(pods) == count and all(image in (None, *pod.images.values()) for pod in pods):
                return pods
            time.sleep(0.1)
        found = [pod.name for pod in self.running(namespace, prefix)]
        raise TimeoutError(f"{namespace}/{prefix}*: {found} run after {seconds} s, not {count}")

    def stop(self):
        for kubelet in self.kubelets:
            kubelet.stop()
