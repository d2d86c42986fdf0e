"""One recording: the window of time that is kept, its labels, and the folder that it becomes.

Owns: a cluster made ready for a story, the cut of the audit log, what is left out to keep files small, truth.json.
Leaves to others: the story (scenarios/), the cluster's parts (control_plane.py, kubelet.py, webhook.py, falco.py).
"""
import json
import re
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from clients import Client, Kubectl
from control_plane import ControlPlane, RecorderError
from falco import Falco
from kubelet import Kubelet, Nodes
from webhook import AdmissionRecorder

HERE = Path(__file__).resolve().parent
SIZE_LIMIT = 300 * 1024
# What must never be in a recording: JSON web tokens and private keys.
CREDENTIAL = re.compile(r"eyJ[\w-]{10,}\.eyJ|PRIVATE KEY")


def without_managed_fields(value):
    """The value without any `managedFields`: bulky, and nothing that a reader of events needs."""
    if isinstance(value, dict):
        return {key: without_managed_fields(item) for key, item in value.items() if key != "managedFields"}
    if isinstance(value, list):
        return [without_managed_fields(item) for item in value]
    return value


def position(text, marker):
    """The line, from 1, of the only line of a manifest that carries a `# <marker>` comment."""
    found = [number for number, line in enumerate(text.split("\n"), 1) if line.rstrip().endswith(f"# {marker}")]
    if len(found) != 1:
        raise RecorderError(f"{len(found)} manifest lines are marked {marker!r}, not one")
    return found[0]


class Stage:
    """A small cluster with two nodes on which a story plays."""

    def __init__(self, stack, kube_dir, name, users, nodes):
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recorder-")))
        tokens = [(f"{node}-token", f"system:node:{node}", "system:nodes") for node in nodes]
        self.name, self.manifests = name, HERE / "manifests" / name
        self.plane = stack.enter_context(ControlPlane(kube_dir, folder, users + tokens))
        self.setup = Client(self.plane.port, "setup-token", "127.0.0.1", "setup")
        self.falco, self.admission = Falco(), AdmissionRecorder(self.plane)
        stack.callback(self.admission.stop)
        self.nodes = Nodes([Kubelet(self.plane, self.setup, node, f"{node}-token", f"127.0.0.{10 + number}",
                                    f"127.0.{number}.") for number, node in enumerate(nodes, 1)])
        stack.callback(self.nodes.stop)
        self.stack, self._from = stack, 0

    def client(self, token, address, agent):
        return Client(self.plane.port, token, address, agent)

    def kubectl(self, token, address):
        made = Kubectl(self.plane, token, address)
        self.stack.callback(made.close)
        return made

    def prepare(self, kubectl, *names, change=lambda text: text):
        """Applies manifests that were there before the recording."""
        for name in names:
            kubectl.apply(change(self.manifest(name)))

    def manifest(self, name):
        """The text of a manifest, by its path in the scenario folder."""
        return (self.manifests / Path(name).relative_to("manifests")).read_text()

    def secrets(self, namespace, *names):
        """Secrets that somebody made long ago; what they hold is never read by anybody but the story."""
        for name in names:
            self.setup.ask("POST", f"/api/v1/namespaces/{namespace}/secrets", {
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
                "stringData": {"note": "nothing is kept here"}}, expect=201)

    def begin(self):
        """From here on everything is kept."""
        self.admission.register(self.setup)
        time.sleep(3)  # the API server learns of the webhook, and the bustle of the preparation ends
        self.admission.reviews.clear()
        self._from = self.plane.audit_log.stat().st_size

    def audit(self):
        """The audit events of the window, in the order of the log."""
        with self.plane.audit_log.open("rb") as log:
            log.seek(self._from)
            return [json.loads(line) for line in log]

    def write(self, folder, truth):
        """Ends the window and writes the scenario folder. `truth` makes truth.json's content from a Labels."""
        time.sleep(1)
        self.plane.check_alive()
        events, reviews = self.audit(), list(self.admission.reviews)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self.manifests, folder / "manifests", dirs_exist_ok=True)
        for name, items in (("audit", events), ("admission", reviews), ("falco", self.falco.alerts)):
            lines = [json.dumps(without_managed_fields(item), separators=(",", ":"), ensure_ascii=False) for item in items]
            (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
        (folder / "truth.json").write_text(json.dumps(truth(Labels(folder, events, reviews)), indent=1) + "\n")
        check(folder)


class Labels:
    """Finds the lines that a story made, for truth.json."""

    def __init__(self, folder, events, reviews):
        self.folder, self.events, self.reviews = folder, events, reviews

    def audit(self, *answers, stage="ResponseComplete"):
        """The lines of these requests: answers, or audit ids as `exec` gives them."""
        return [place for answer in answers for place in self.audit_where(
            lambda event: event["auditID"] == (answer if isinstance(answer, str) else answer.audit_id)
            and event["stage"] == stage)]

    def audit_where(self, test):
        """The lines of the events that a test picks; there must be some."""
        return self._where("audit", self.events, test)

    def admission(self, test):
        """The lines of the reviews whose request a test picks; there must be some."""
        return self._where("admission", [review["request"] for review in self.reviews], test)

    @staticmethod
    def _where(source, items, test):
        found = [{"path": f"{source}.jsonl", "line": number} for number, item in enumerate(items, 1) if test(item)]
        if not found:
            raise RecorderError(f"nothing of {source} is as the story expects")
        return found

    def release(self, user, workload):
        """A workload on its way in: its objects as the pipeline sends them, and its pods as the cluster makes them."""
        def name(reference):
            return reference.get("name") or ""

        def made(event):
            reference = event.get("objectRef", {})
            writes = event["verb"] in ("create", "update", "patch")
            known = event.get("responseObject", {}).get("metadata", {}).get("name", "")
            if not (name(reference).startswith(workload) or known.startswith(f"{workload}-")):
                return False
            return writes and (event["user"]["username"] == user
                               or reference["resource"] in ("deployments", "replicasets", "pods"))

        return self.audit_where(made) + self.admission(
            lambda request: name(request).startswith(workload)
            or request["object"]["metadata"].get("generateName", "").startswith(f"{workload}-"))

    @staticmethod
    def falco(*lines):
        return [{"path": "falco.jsonl", "line": line} for line in lines]

    def cause(self, path, marker, field):
        """A root cause: a field of a manifest, on the line that carries the marker as a comment."""
        line = position((self.folder / path).read_text(), marker)
        return {"path": path, "field": field, "line": line}


def incident(name, entities, root_causes, evidence, related):
    """An incident of truth.json: each line once and in order; what is evidence is not merely related."""
    def places(items, without=frozenset()):
        return sorted({(item["path"], item["line"]) for item in items} - without)

    proven = places(evidence)
    return {
        "name": name,
        "entities": [{"kind": kind, "namespace": namespace, "name": of} for kind, namespace, of in entities],
        "root_causes": root_causes,
        "evidence": [{"path": path, "line": line} for path, line in proven],
        "related": [{"path": path, "line": line} for path, line in places(related, frozenset(proven))],
    }


def check(folder):
    """Refuses a recording that is too large or that holds a credential."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    if size > SIZE_LIMIT:
        raise RecorderError(f"{folder} has {size} bytes, more than {SIZE_LIMIT}")
    for path in files:
        if found := CREDENTIAL.search(path.read_text()):
            raise RecorderError(f"{path} holds what looks like a credential: {found.group()[:20]}")


def record(kube_dir, folder, name, users, nodes, story):
    """Plays a story on a cluster of its own and writes its folder."""
    with ExitStack() as stack:
        stage = Stage(stack, kube_dir, name, users, nodes)
        truth = story(stage)
        stage.write(folder, truth)
