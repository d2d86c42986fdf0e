"""An ordinary afternoon: releases, an administrator's shell, delivery from Git, metrics. Nobody attacks.

Owns: the story of `benign-release`, and which of its lines look like an attack and are none.
Leaves to others: the cluster (recording.py) and what was deployed (manifests/benign-release).
"""
import time
from secrets import randbelow

from falco import Process

USERS = [("release-token", "release-train", "pipelines"), ("ines-token", "ines.cardoso", "on-call")]
NODES = ["press-1", "press-2"]
PIPELINE, HOME = "127.0.0.44", "127.0.0.71"
HELM = "Helm/3.16.2"
KUBECTL = "kubectl/v1.29.7 (linux/amd64) kubernetes/4e4a18f"
EDITORIAL = "/api/v1/namespaces/editorial"
# name, replicas, the version before, the version released, the revision that Helm counts
RELEASES = [
    ("website", 2, "5.11.4", "5.12.0", 31),
    ("paywall", 1, "1.9.2", "1.9.3", 12),
    ("newsletter", 1, "3.0.6", "3.0.7", 8),
]


def story(stage):
    _prepare(stage)
    stage.begin()
    git_sync, = stage.nodes.running("delivery", "git-sync-")
    scraper, = stage.nodes.running("observability", "scraper-")
    looks = _sync_from_git(stage, git_sync)
    alerts = [_scrape(stage, scraper)]
    kubectl = stage.kubectl("release-token", PIPELINE)
    helm = stage.client("release-token", PIPELINE, HELM)
    kept = []
    for release in RELEASES:
        kept += _release(stage, kubectl, helm, *release)
        time.sleep(1.5)
    denied, session, shell = _debug(stage)
    looks += _sync_from_git(stage, git_sync)
    alerts.append(_scrape(stage, scraper))
    time.sleep(2)

    def truth(labels):
        decoys = [(labels.audit(*looks), "the delivery controller lists secrets, as it does all day"),
                  (labels.audit(*kept), "Helm keeps its releases in secrets"),
                  (labels.audit(denied), "a slip: the administrator on call may not list nodes"),
                  (labels.audit(session), "the administrator on call opens a shell to look at a queue"),
                  (labels.falco(shell), "the administrator's shell, seen from inside"),
                  (labels.falco(*alerts), "the scraper asks the API server every round")]
        return {"incidents": [], "decoys": [place | {"why": why} for places, why in decoys for place in places]}

    return truth


def _prepare(stage):
    setup = stage.kubectl("setup-token", "127.0.0.1")
    stage.prepare(setup, "manifests/platform.yaml")
    for name, replicas, before, after, revision in RELEASES:
        stage.prepare(setup, f"manifests/{name}.yaml", change=lambda text: text.replace(f":{after}\n", f":{before}\n"))
        stage.setup.ask("POST", f"{EDITORIAL}/secrets", _kept(name, revision), expect=201)
        stage.nodes.wait_running("editorial", f"{name}-", replicas)
    stage.secrets("editorial", "mail-relay")
    stage.nodes.wait_running("delivery", "git-sync-")
    stage.nodes.wait_running("observability", "scraper-")


def _kept(name, revision):
    """The secret in which Helm keeps a release; its content matters to nobody here."""
    return {"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "stringData": {"release": "left out"},
            "metadata": {"name": f"sh.helm.release.v1.{name}.v{revision}",
                         "labels": {"name": name, "owner": "helm", "status": "deployed", "version": str(revision)}}}


def _release(stage, kubectl, helm, name, replicas, _before, after, revision):
    """One rollout, with the record that Helm keeps of it."""
    path = f"{EDITORIAL}/secrets"
    asked = [helm.ask("GET", f"{path}?labelSelector=name%3D{name}%2Cowner%3Dhelm%2Cstatus%3Ddeployed", expect=200),
             helm.ask("GET", f"{path}/sh.helm.release.v1.{name}.v{revision}", expect=200),
             helm.ask("POST", path, _kept(name, revision + 1), expect=201)]
    kubectl.apply(stage.manifest(f"manifests/{name}.yaml"))
    stage.nodes.wait_running("editorial", f"{name}-", replicas, image=f"ghcr.fennimore.example/site/{name}:{after}")
    past = _kept(name, revision)
    past["metadata"]["labels"]["status"] = "superseded"
    return [*asked, helm.ask("PUT", f"{path}/{past['metadata']['name']}", past, expect=200)]


def _sync_from_git(stage, pod):
    """The delivery controller compares the cluster with the repository: everywhere, then where it has work."""
    client = stage.client(pod.token, pod.address, "git-sync/v0.18.2 (linux/amd64) kubernetes/$Format")
    for path in ("/apis/apps/v1/deployments", "/api/v1/services"):
        client.ask("GET", f"{path}?limit=500&resourceVersion=0", expect=200)
    return [client.ask("GET", f"{path}?limit=500&resourceVersion=0", expect=200)
            for path in ("/api/v1/secrets", f"{EDITORIAL}/secrets")]


def _scrape(stage, pod):
    process = Process(pod, "/bin/scraper --config=/etc/scraper", "containerd-shim", "/bin/scraper", user=("scraper", 40120))
    line = stage.falco.contact_api_server(process, 30000 + randbelow(30000))
    client = stage.client(pod.token, pod.address, "scraper/3.4.0")
    for path in ("nodes", "pods", "services"):
        client.ask("GET", f"/api/v1/{path}?limit=500&resourceVersion=0", expect=200)
    return line


def _debug(stage):
    """A queue does not empty: the administrator on call looks, first at the wrong place, then inside."""
    ines = stage.client("ines-token", HOME, KUBECTL)
    pod, = stage.nodes.running("editorial", "newsletter-")
    denied = ines.ask("GET", "/api/v1/nodes?limit=500", expect=403)
    time.sleep(1)
    ines.ask("GET", f"{EDITORIAL}/pods?limit=500", expect=200)
    ines.ask("GET", f"{EDITORIAL}/pods/{pod.name}/log?container=newsletter&tailLines=200", expect=200)
    time.sleep(1)
    with ines.exec("editorial", pod.name, "newsletter", "sh") as session:
        time.sleep(0.4)
        line = stage.falco.alert("Terminal shell in container", Process(
            pod, "sh", "runc", "/bin/dash", "containerd-shim", ("newsletter", 40230), 34817))
        time.sleep(3)
    return denied, session, line
