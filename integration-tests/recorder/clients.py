"""Who talks to the API server: people, pipelines, programs in pods; each from a loopback address of its own.

Owns: requests with a token from a chosen source address, exec sessions, and kubectl by way of a relay.
Leaves to others: what is asked for, and when (the scenarios).
"""
import base64
import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from control_plane import SERVER, RecorderError

# The control plane is a throwaway on loopback with a certificate that it made for itself.
TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE
MERGE = "application/merge-patch+json"


@dataclass(frozen=True)
class Answer:
    """What the API server answered, and the id under which its audit log tells of it."""

    status: int
    body: dict
    audit_id: str


class Client:
    """One identity at one address with one program's user agent. Every request is a connection of its own."""

    def __init__(self, port, token, address, agent):
        self.port, self.token, self.address, self.agent = port, token, address, agent

    def at(self, address, agent=None):
        """The same token from elsewhere."""
        return Client(self.port, self.token, address, agent or self.agent)

    def _headers(self, extra):
        return {"Authorization": f"Bearer {self.token}", "User-Agent": self.agent, "Accept": "application/json"} | extra

    def connection(self, timeout=30):
        """A connection from the client's address, not yet opened."""
        return http.client.HTTPSConnection(SERVER, self.port, timeout=timeout, context=TLS,
                                           source_address=(self.address, 0))

    def ask(self, method, path, body=None, expect=None, content="application/json", **headers):
        """Sends one request. `expect` is the status that the story needs; none takes any."""
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None
        if body is not None:
            data, extra["Content-Type"] = json.dumps(body).encode(), content
        connection = self.connection()
        try:
            connection.request(method, path, data, self._headers(extra))
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        kind = response.headers.get("Content-Type", "")
        answer = Answer(response.status, json.loads(text) if "json" in kind and text else {},
                        response.headers.get("Audit-Id", ""))
        if expect is not None and answer.status != expect:
            raise RecorderError(f"{method} {path} gave {answer.status}, not {expect}: {text[:300]!r}")
        return answer

    def watch(self, path):
        """Yields the events of a watch until the server closes it."""
        connection = self.connection(timeout=None)
        connection.request("GET", path, None, self._headers({}))
        response = connection.getresponse()
        for line in response:
            if line.strip():
                yield json.loads(line)

    @contextmanager
    def exec(self, namespace, pod, container, *command, websocket=False):
        """Opens an exec session as kubectl does, open as long as the `with` block; its value is the audit id.

        kubectl before 1.31 asks with POST and SPDY, which the audit log calls `create`; newer ones with GET and
        WebSocket, which it calls `get`.
        """
        query = urlencode([("command", part) for part in command]
                          + [("container", container), ("stdin", "true"), ("stdout", "true"), ("tty", "true")])
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/exec?{query}"
        # the answer is the kubelet's own and does not tell the audit id, so it is chosen here
        extra = {"Connection": "Upgrade", "Audit-ID": str(uuid.uuid4())}
        if websocket:
            method = "GET"
            extra |= {"Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                      "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
                      "Sec-WebSocket-Protocol": "v4.channel.k8s.io"}
        else:
            method = "POST"
            extra |= {"Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": "v4.channel.k8s.io", "Content-Length": "0"}
        connection = self.connection()
        try:
            connection.request(method, path, None, self._headers(extra))
            response = connection.getresponse()
            if response.status != 101:
                raise RecorderError(f"exec in {pod} gave {response.status}: {response.read()[:300]!r}")
            yield extra["Audit-ID"]
        finally:
            connection.close()


class Relay:
    """Lets a program that cannot choose its source address (kubectl) speak from one: it passes bytes on, no more."""

    def __init__(self, port, address):
        self.target, self.address = (SERVER, port), address
        self.listener = socket.create_server((SERVER, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return  # closed
            try:
                far = socket.create_connection(self.target, source_address=(self.address, 0))
            except OSError:
                near.close()
                continue
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pass_on(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other side hung up

    def close(self):
        self.listener.close()


class Kubectl:
    """The real kubectl, with one identity, from one address."""

    def __init__(self, plane, token, address):
        self.relay = Relay(plane.port, address)
        self.command = ["kubectl", f"--kubeconfig={plane.kubeconfig(token, self.relay.port)}",
                        f"--cache-dir={plane.folder / 'kubectl-cache'}"]

    def __call__(self, *arguments, stdin=None):
        done = subprocess.run([*self.command, *map(str, arguments)], input=stdin, capture_output=True, text=True)
        if done.returncode:
            raise RecorderError(f"kubectl {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, text):
        """Applies manifests, without asking the server for its schema first."""
        return self("apply", "--validate=false", "-f", "-", stdin=text)

    def close(self):
        self.relay.close()
