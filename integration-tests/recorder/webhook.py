"""A validating admission webhook that stores every review that it is asked and allows everything.

Owns: the reviews in the order in which they arrived, each with the time of its arrival.
Leaves to others: judging them. It answers without audit annotations: who replays the reviews adds his own.
"""
import base64
import http.server
import json
import ssl
import threading
from datetime import datetime, timezone

from control_plane import SERVER, certificate

RULES = [
    ("", ["pods"]),
    ("apps", ["deployments", "daemonsets", "statefulsets"]),
    ("batch", ["jobs", "cronjobs"]),
    ("rbac.authorization.k8s.io", ["roles", "rolebindings", "clusterroles", "clusterrolebindings"]),
]


class AdmissionRecorder:
    """The webhook, listening on a free port once made."""

    def __init__(self, plane):
        self.reviews, self._lock = [], threading.Lock()
        self.certificate, key = certificate(plane.folder, "admission", SERVER)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate, key)
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = json.dumps(recorder.answer(json.loads(body))).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((SERVER, 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, review):
        """Stores a review and returns the answer to it."""
        moment = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        with self._lock:
            self.reviews.append(review | {"receivedAt": moment})
        return {"apiVersion": review["apiVersion"], "kind": "AdmissionReview",
                "response": {"uid": review["request"]["uid"], "allowed": True}}

    def register(self, setup):
        """Makes the API server ask this webhook."""
        rules = [{"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": resources}
                 for group, resources in RULES]
        setup.ask("POST", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "deployment-gate"},
            "webhooks": [{"name": "gate.deployment.example", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                          "failurePolicy": "Ignore", "timeoutSeconds": 5, "rules": rules,
                          "clientConfig": {"url": f"https://{SERVER}:{self.server.server_port}/review",
                                           "caBundle": base64.b64encode(self.certificate.read_bytes()).decode()}}]},
            expect=201)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
