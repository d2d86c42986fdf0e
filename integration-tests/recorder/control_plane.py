"""Starts a real Kubernetes control plane on loopback and stops it again.

Owns: the processes (etcd, kube-apiserver, kube-controller-manager, kube-scheduler), their ports, keys and settings.
Leaves to others: who talks to the API server (clients.py), nodes (kubelet.py), admission reviews (webhook.py).
"""
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SERVER = "127.0.0.1"
# Endpoints of loopback addresses are refused by the API server, so the controllers that write them stay off.
CONTROLLERS = "clusterrole-aggregation,cronjob,deployment,job,replicaset,root-ca-cert-publisher,serviceaccount"
# Components of the cluster that authenticate by a static token: token, user, groups.
COMPONENTS = [
    ("setup-token", "setup", "system:masters"),
    ("controllers-token", "system:kube-controller-manager", ""),
    ("scheduler-token", "system:kube-scheduler", ""),
]
KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "https://{host}:{port}", insecure-skip-tls-verify: true}}}}]
users: [{{name: u, user: {{token: "{token}"}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""


class RecorderError(Exception):
    """What went wrong and what to do about it."""


def free_ports(count):
    """Ports that nobody listens on now; they are asked for together, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for item in sockets:
            item.bind((SERVER, 0))
        return [item.getsockname()[1] for item in sockets]
    finally:
        for item in sockets:
            item.close()


def binaries(kube_dir):
    """The folder of KUBE_DIR that holds the three binaries."""
    for folder in (Path(kube_dir) / "bin", Path(kube_dir)):
        if os.access(folder / "kube-apiserver", os.X_OK):
            return folder
    raise RecorderError(f"no kube-apiserver in {kube_dir} or {kube_dir}/bin: set KUBE_DIR to a control plane's binaries")


def certificate(folder, name, address):
    """A self-signed server certificate for a loopback address; returns the paths of certificate and key."""
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=IP:{address}", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return cert, key


class ControlPlane:
    """A running control plane. Use as a context manager: leaving it stops every process that it started."""

    def __init__(self, kube_dir, folder, users):
        self.bin, self.folder, self.users = binaries(kube_dir), Path(folder), users
        for tool in ("etcd", "openssl", "kubectl"):
            if shutil.which(tool) is None:
                raise RecorderError(f"{tool} is not installed")
        self.port, self.etcd_port, self.etcd_peer_port, self.controllers_port, self.scheduler_port = free_ports(5)
        self.audit_log = self.folder / "audit.log"
        self.processes = []

    def __enter__(self):
        try:
            self._start_all()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def kubeconfig(self, token, port=None):
        """A kubeconfig for one token, by way of another port of 127.0.0.1 where one is given."""
        path = self.folder / f"{token}-{port or self.port}.kubeconfig"
        path.write_text(KUBECONFIG.format(host=SERVER, port=port or self.port, token=token))
        return path

    def _start_all(self):
        signing_key = self.folder / "service-accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", signing_key, "2048"], check=True, capture_output=True)
        lines = [f'{token},{user},{user},"{groups}"' for token, user, groups in [*COMPONENTS, *self.users]]
        tokens = self.folder / "tokens.csv"
        tokens.write_text("\n".join(lines) + "\n")
        certs = self.folder / "certs"
        self._start("etcd", shutil.which("etcd"), f"--data-dir={self.folder / 'etcd'}",
                    f"--listen-client-urls=http://{SERVER}:{self.etcd_port}",
                    f"--advertise-client-urls=http://{SERVER}:{self.etcd_port}",
                    f"--listen-peer-urls=http://{SERVER}:{self.etcd_peer_port}")
        self._start("apiserver", self.bin / "kube-apiserver", f"--etcd-servers=http://{SERVER}:{self.etcd_port}",
                    f"--bind-address={SERVER}", f"--secure-port={self.port}", f"--cert-dir={certs}",
                    "--service-account-issuer=https://kubernetes.default.svc",
                    f"--service-account-key-file={signing_key}", f"--service-account-signing-key-file={signing_key}",
                    "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
                    "--feature-gates=BoundServiceAccountTokenVolume=true", f"--token-auth-file={tokens}",
                    f"--audit-policy-file={HERE / 'audit-policy.yaml'}", f"--audit-log-path={self.audit_log}",
                    "--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged=true")
        self._wait_ready()
        self._start("controllers", self.bin / "kube-controller-manager",
                    f"--kubeconfig={self.kubeconfig('controllers-token')}",
                    f"--service-account-private-key-file={signing_key}", f"--root-ca-file={certs / 'apiserver.crt'}",
                    "--leader-elect=false", "--use-service-account-credentials=true", f"--controllers={CONTROLLERS}",
                    "--feature-gates=BoundServiceAccountTokenVolume=true", "--port=0",
                    f"--bind-address={SERVER}", f"--secure-port={self.controllers_port}")
        self._start("scheduler", self.bin / "kube-scheduler", f"--kubeconfig={self.kubeconfig('scheduler-token')}",
                    "--leader-elect=false", "--port=0", f"--bind-address={SERVER}",
                    f"--secure-port={self.scheduler_port}")

    def _start(self, name, *command):
        log = (self.folder / f"{name}.log").open("wb")
        process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=subprocess.STDOUT)
        log.close()
        self.processes.append((name, process))

    def _wait_ready(self):
        config = self.kubeconfig("setup-token")
        for _ in range(240):
            asked = subprocess.run(["kubectl", f"--kubeconfig={config}", "get", "--raw", "/readyz"], capture_output=True)
            if asked.returncode == 0:
                return
            self.check_alive()
            time.sleep(0.5)
        raise RecorderError(f"the API server did not become ready: {self._tail('apiserver')}")

    def check_alive(self):
        """Raises with the end of its log when a process of the control plane has ended."""
        for name, process in self.processes:
            if process.poll() is not None:
                raise RecorderError(f"{name} ended with status {process.returncode}: {self._tail(name)}")

    def _tail(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]

    def stop(self):
        """Stops what was started, the last first, and waits for each."""
        while self.processes:
            _, process = self.processes.pop()
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
