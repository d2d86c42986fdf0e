//! People: sessions in office hours, with kubectl or k9s; and whoever is on call, at night.

use serde_json::json;

use crate::cluster::{NEW, OLD, Person, Pod};
use crate::event::{Asked, DAY, MINUTE, Micros, SECOND, Who, of, path};
use crate::machinery::is_platform;
use crate::week::Week;
use crate::workloads::{self, deployment, roll_out};

pub(crate) fn begin(week: &mut Week) {
    for index in 0..week.cluster.people.len() {
        for day in 0..week.plan.days.min(5) {
            let sessions = week.cluster.chance.between(2, 6);
            for _ in 0..sessions {
                let hour = u32::try_from(week.cluster.chance.between(7, 16)).unwrap_or(9);
                let minute = u32::try_from(week.cluster.chance.below(60)).unwrap_or(0);
                week.on(day, (hour, minute), move |week, at| session(week, at, index));
            }
        }
    }
    // Who is on call is called four times.
    for (day, time) in [(0, (2, 10)), (2, (1, 40)), (4, (23, 5)), (5, (14, 0)), (6, (3, 20))] {
        if day < week.plan.days {
            week.on(day, time, called);
        }
    }
    // Somebody whose login ran out.
    week.every(7 * 60 * MINUTE, |week, at| {
        let nobody = Who { address: "10.8.0.14".to_owned(), agent: kubectl(OLD), ..Who::default() };
        week.ask(
            at,
            &Asked::new(&nobody, "list", of("pods", "search", "").query("limit=500")).code(401),
        );
    });
}

fn kubectl((version, commit): (&str, &str)) -> String {
    format!("kubectl/{version} (linux/amd64) kubernetes/{commit}")
}

/// Some minutes of somebody who works.
pub(crate) fn session(week: &mut Week, at: Micros, index: usize) {
    let Some(person) = week.cluster.people.get(index).cloned() else { return };
    let mut who = person.who.clone();
    // Whoever updates their tools does so when the cluster is.
    if at > week.start + 3 * DAY + 10 * 60 * MINUTE && index.is_multiple_of(3) {
        who.agent = kubectl(NEW);
    }
    if person.tool == "k9s" {
        who = who.with("k9s/v0.50.9 (linux/amd64) kubernetes/$Format");
        return browse(week, at, &person, &who);
    }
    let mut at = at;
    for discovered in ["/api", "/apis"] {
        at = week.ask(at, &Asked::new(&who, "get", path(discovered)));
    }
    let commands = week.cluster.chance.between(5, 26);
    for _ in 0..commands {
        at += 3 * SECOND + week.chance_micros(70 * SECOND);
        at = command(week, at, &person, &who);
    }
}

/// The namespace that somebody looks at now.
fn place(week: &mut Week, person: &Person) -> String {
    if !person.namespace.is_empty() {
        return person.namespace.clone();
    }
    let namespaces: Vec<String> = week.cluster.apps.iter().map(|it| it.namespace.clone()).collect();
    week.cluster.chance.one(&namespaces).cloned().unwrap_or_default()
}

fn some_pod(week: &mut Week, namespace: &str) -> Option<Pod> {
    let pods: Vec<_> =
        week.cluster.pods.iter().filter(|it| it.namespace == namespace).cloned().collect();
    week.cluster.chance.one(&pods).cloned()
}

fn command(week: &mut Week, at: Micros, person: &Person, who: &Who) -> Micros {
    let namespace = place(week, person);
    let Some(pod) = some_pod(week, &namespace) else { return at };
    let is_own = !person.namespace.is_empty();
    match week.cluster.chance.below(1000) {
        0..300 => {
            week.ask(at, &Asked::new(who, "list", of("pods", &namespace, "").query("limit=500")))
        }
        300..430 => {
            let at = week.ask(at, &Asked::new(who, "get", of("pods", &namespace, &pod.name)));
            week.ask(
                at,
                &Asked::new(
                    who,
                    "list",
                    of("events", &namespace, "")
                        .query("fieldSelector=involvedObject.name%3Dx&limit=500"),
                ),
            )
        }
        430..620 => log(week, at, who, &pod),
        620..740 => {
            week.ask(at, &Asked::new(who, "get", of("deployments.apps/v1", &namespace, &pod.app)))
        }
        740..800 => week
            .ask(at, &Asked::new(who, "list", of("services", &namespace, "").query("limit=500"))),
        800..850 => week.ask(
            at,
            &Asked::new(who, "get", of("configmaps", &namespace, &format!("{}-settings", pod.app))),
        ),
        850..890 => week.ask(
            at,
            &Asked::new(
                who,
                "list",
                of("ingresses.networking.k8s.io/v1", &namespace, "").query("limit=500"),
            ),
        ),
        890..920 => {
            let code = if is_own { 403 } else { 200 };
            week.ask(
                at,
                &Asked::new(who, "list", of("nodes", "", "").query("limit=500")).code(code),
            )
        }
        920..935 => {
            week.ask(at, &Asked::new(who, "get", of("pods", &namespace, "web-0")).code(404))
        }
        935..950 if is_own => forward(week, at, who, &pod),
        950..962 if is_own => exec(week, at, who, &pod, &["sh"]),
        962..972 if is_own => {
            let name = format!("{}-settings", pod.app);
            let at = week.ask(at, &Asked::new(who, "get", of("configmaps", &namespace, &name)));
            week.ask(
                at + 40 * SECOND,
                &Asked::new(who, "patch", of("configmaps", &namespace, &name)),
            )
        }
        972..980 if is_own => restart(week, at, who, &namespace, &pod.app),
        980..986 if is_own => week.ask(
            at,
            &Asked::new(who, "get", of("secrets", &namespace, &format!("{}-database", pod.app))),
        ),
        986..992 => {
            week.ask(at, &Asked::new(who, "list", of("secrets", &namespace, "").query("limit=500")))
        }
        _ => week.ask(
            at,
            &Asked::new(who, "list", of("jobs.batch/v1", &namespace, "").query("limit=500")),
        ),
    }
}

fn log(week: &mut Week, at: Micros, who: &Who, pod: &Pod) -> Micros {
    let target = of("pods", &pod.namespace, &pod.name).sub("log");
    let query = format!("container={}&tailLines=200", pod.app);
    week.ask(at, &Asked::new(who, "get", target.query(&query)))
}

pub(crate) fn exec(week: &mut Week, at: Micros, who: &Who, pod: &Pod, command: &[&str]) -> Micros {
    let words: Vec<_> = command
        .iter()
        .map(|word| format!("command={}", word.replace(' ', "+").replace('/', "%2F")))
        .collect();
    let query =
        format!("{}&container={}&stdin=true&stdout=true&tty=true", words.join("&"), pod.app);
    let target = of("pods", &pod.namespace, &pod.name).sub("exec");
    week.ask(at, &Asked::new(who, "get", target.query(&query)))
}

fn forward(week: &mut Week, at: Micros, who: &Who, pod: &Pod) -> Micros {
    week.ask(
        at,
        &Asked::new(who, "create", of("pods", &pod.namespace, &pod.name).sub("portforward")),
    )
}

/// `kubectl rollout restart`.
fn restart(week: &mut Week, at: Micros, who: &Who, namespace: &str, name: &str) -> Micros {
    let Some(index) = workloads::app(week, namespace, name) else { return at };
    let Some(app) = week.cluster.apps.get(index).cloned() else { return at };
    let target = || of("deployments.apps/v1", namespace, name);
    let at = week.ask(at, &Asked::new(who, "get", target()));
    let body = json!({ "spec": { "template": { "metadata": { "annotations": { "kubectl.kubernetes.io/restartedAt": "now" } } } } });
    let asked = Asked::new(who, "patch", target().query("fieldManager=kubectl-rollout"));
    let at = week.ask(at, &asked.sends(body).answers(deployment(&app)));
    roll_out(week, at, index);
    at
}

/// k9s asks what it may, and lists and watches what is looked at.
fn browse(week: &mut Week, at: Micros, person: &Person, who: &Who) {
    let mut at = at;
    for _ in 0..6 {
        let review = of("selfsubjectaccessreviews.authorization.k8s.io/v1", "", "");
        at = week.ask(at, &Asked::new(who, "create", review));
    }
    let views = week.cluster.chance.between(4, 14);
    for _ in 0..views {
        let namespace = place(week, person);
        let kinds = [
            "pods",
            "deployments.apps/v1",
            "services",
            "configmaps",
            "replicasets.apps/v1",
            "jobs.batch/v1",
        ];
        let Some(kind) = week.cluster.chance.one(&kinds).copied() else { return };
        at = week.ask(
            at + 2 * SECOND,
            &Asked::new(who, "list", of(kind, &namespace, "").query("limit=500")),
        );
        week.ask(at, &Asked::new(who, "watch", of(kind, &namespace, "").query("watch=true")));
        at += 5 * SECOND + week.chance_micros(60 * SECOND);
        if let Some(pod) = some_pod(week, &namespace).filter(|_| week.happens(400)) {
            at = log(week, at, who, &pod);
        }
        if let Some(pod) = some_pod(week, &namespace).filter(|it| !is_platform(&it.namespace))
            && week.happens(25)
        {
            at = exec(
                week,
                at,
                who,
                &pod,
                &["sh", "-c", "command -v bash >/dev/null && exec bash || exec sh"],
            );
        }
    }
}

/// Something is broken at night: looked at, gone into, its password looked up, restarted.
fn called(week: &mut Week, at: Micros) {
    let Some(person) =
        week.cluster.people.iter().find(|it| it.who.name.starts_with("mina")).cloned()
    else {
        return;
    };
    let who = person.who.from("10.8.0.201");
    let broken = [
        ("payments", "ledger"),
        ("identity", "sessions"),
        ("fulfil", "orders"),
        ("catalog", "stock"),
    ];
    let Some((namespace, name)) = week.cluster.chance.one(&broken).copied() else { return };
    let mut at = at;
    for target in [
        of("nodes", "", ""),
        of("pods", "", ""),
        of("pods", namespace, ""),
        of("events", namespace, ""),
    ] {
        at = week.ask(at + 8 * SECOND, &Asked::new(&who, "list", target.query("limit=500")));
    }
    let pods: Vec<_> = week
        .cluster
        .pods
        .iter()
        .filter(|it| it.namespace == namespace && it.app == name)
        .cloned()
        .collect();
    for pod in &pods {
        at = log(week, at + 20 * SECOND, &who, pod);
    }
    if let Some(pod) = pods.first() {
        at = exec(week, at + 40 * SECOND, &who, pod, &["sh"]);
        at = week.ask(
            at + 20 * SECOND,
            &Asked::new(&who, "get", of("secrets", namespace, &format!("{name}-database"))),
        );
        at = exec(
            week,
            at + 20 * SECOND,
            &who,
            pod,
            &["psql", "-c", "select count(*) from pg_stat_activity"],
        );
        let uid = pod.uid.clone();
        let by = who.clone();
        week.at(at + 30 * SECOND, move |week, at| {
            workloads::end(week, at, &uid, &by);
            if let Some(index) = workloads::app(week, namespace, name) {
                let next = week.cluster.new_pod(index);
                workloads::start(week, at + SECOND, &next, "replicaset-controller");
            }
        });
    }
    at = restart(week, at + 2 * MINUTE, &who, namespace, name);
    // The node was the reason.
    if week.happens(500) {
        let Some(node) =
            pods.first().map(|it| it.node.clone()).filter(|it| it.starts_with("worker"))
        else {
            return;
        };
        let cordoned = json!({ "spec": { "unschedulable": true } });
        at = week
            .ask(at + MINUTE, &Asked::new(&who, "patch", of("nodes", "", &node)).sends(cordoned));
        let by = who.clone();
        let drained = node.clone();
        week.at(at + 5 * SECOND, move |week, at| {
            crate::autoscaling::evict_all(week, at, &drained, &by)
        });
        let back = json!({ "spec": { "unschedulable": null } });
        week.ask(at + 25 * MINUTE, &Asked::new(&who, "patch", of("nodes", "", &node)).sends(back));
    }
}
