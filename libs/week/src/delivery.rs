//! Deliveries: pipelines with helm and kubectl, GitOps, now and then one that fails; storms before noon and in the
//! afternoon.

use crate::event::{Asked, MINUTE, Micros, SECOND, Who, of};
use crate::machinery::is_platform;
use crate::week::Week;
use crate::workloads::{deployment, roll_out};

pub(crate) fn begin(week: &mut Week) {
    for day in 0..week.plan.days {
        if day >= 5 {
            week.on(day, (11, 20), |week, at| deliver_some(week, at, 1, 20 * MINUTE));
            continue;
        }
        for hour in 7..17 {
            week.on(day, (hour, 0), |week, at| {
                let count = week.cluster.chance.between(2, 6);
                deliver_some(week, at, count, 55 * MINUTE);
            });
        }
        // Everybody merges before lunch and before going home.
        week.on(day, (10, 15), |week, at| deliver_some(week, at, 14, 10 * MINUTE));
        week.on(day, (15, 15), |week, at| deliver_some(week, at, 12, 10 * MINUTE));
    }
    // A job of the pipeline whose token ran out.
    week.every(5 * 60 * MINUTE, |week, at| {
        let nobody = Who {
            address: "10.244.3.40".to_owned(),
            agent: "Helm/3.18.4".to_owned(),
            ..Who::default()
        };
        for attempt in 0..3 {
            let secrets = of("secrets", "media", "").query("labelSelector=owner%3Dhelm");
            week.ask(at + attempt * 2 * SECOND, &Asked::new(&nobody, "list", secrets).code(401));
        }
    });
}

fn deliver_some(week: &mut Week, at: Micros, count: u64, within: Micros) {
    let apps: Vec<usize> = (0..week.cluster.apps.len())
        .filter(|index| week.cluster.apps.get(*index).is_some_and(|it| !is_platform(&it.namespace)))
        .collect();
    for _ in 0..count {
        let Some(index) = week.cluster.chance.one(&apps).copied() else { return };
        let wait = week.chance_micros(within);
        week.at(at + wait, move |week, at| {
            let is_by_gitops = week.cluster.apps.get(index).is_some_and(|it| it.is_by_gitops);
            if is_by_gitops { sync(week, at, index) } else { release(week, at, index) }
        });
    }
}

/// The runner of pipelines.
pub(crate) fn runner(week: &mut Week, agent: &str) -> Option<Who> {
    let runners: Vec<_> =
        week.cluster.pods.iter().filter(|it| it.app == "runner").cloned().collect();
    let pod = week.cluster.chance.one(&runners).cloned()?;
    let mut who = week.cluster.account(&pod, agent);
    who = who.allowed_by(r#"RBAC: allowed by ClusterRoleBinding "ci-deployer" of ClusterRole "ci-deployer" to ServiceAccount "runner/ci""#);
    Some(who)
}

/// A release by helm, and kubectl that waits for it.
fn release(week: &mut Week, at: Micros, index: usize) {
    let Some(app) = week.cluster.apps.get(index).cloned() else { return };
    let Some(helm) = runner(week, "Helm/3.18.4") else { return };
    let (namespace, name) = (app.namespace.as_str(), app.name.as_str());
    let secret =
        |release: u64| of("secrets", namespace, &format!("sh.helm.release.v1.{name}.v{release}"));
    let labels = format!("labelSelector=name%3D{name}%2Cowner%3Dhelm");
    let mut at =
        week.ask(at, &Asked::new(&helm, "list", of("secrets", namespace, "").query(&labels)));
    at = week.ask(at + 40_000, &Asked::new(&helm, "get", secret(app.release)));
    at = week.ask(at + 60_000, &Asked::new(&helm, "create", secret(app.release + 1)));
    for resource in ["serviceaccounts", "services", "configmaps"] {
        at = week.ask(at + 15_000, &Asked::new(&helm, "get", of(resource, namespace, name)));
    }
    if week.happens(120) {
        let hook = of("jobs.batch/v1", namespace, &format!("{name}-migrate"));
        at = week.ask(at + 15_000, &Asked::new(&helm, "get", hook).code(404));
    }
    let target = || of("deployments.apps/v1", namespace, name);
    at = week.ask(at + 15_000, &Asked::new(&helm, "get", target()));
    let mut next = app.clone();
    next.release += 1;
    at = week.ask(at + 20_000, &Asked::new(&helm, "patch", target()).keeps(deployment(&next)));
    roll_out(week, at, index);
    if let Some(kubectl) = runner(week, "kubectl/v1.33.4 (linux/amd64) kubernetes/6a2b0e1") {
        let kubectl = kubectl.from(&helm.address);
        let kubectl = Who { extra: helm.extra.clone(), ..kubectl };
        week.ask(at + SECOND, &Asked::new(&kubectl, "get", target()));
        let selector = format!("fieldSelector=metadata.name%3D{name}&watch=true");
        week.ask(
            at + 2 * SECOND,
            &Asked::new(
                &kubectl,
                "watch",
                of("deployments.apps/v1", namespace, "").query(&selector),
            ),
        );
    }
    let later = week.ask(at + 25 * SECOND, &Asked::new(&helm, "update", secret(app.release)));
    week.ask(later + 20_000, &Asked::new(&helm, "update", secret(app.release + 1)));
    week.ask(later + 60_000, &Asked::new(&helm, "delete", secret(app.release.saturating_sub(9))));
}

/// What is in git is made so.
fn sync(week: &mut Week, at: Micros, index: usize) {
    let agent = "argocd-application-controller/v3.1.0";
    let Some(who) = week.cluster.platform("argocd-application-controller", agent) else { return };
    let Some(app) = week.cluster.apps.get(index).cloned() else { return };
    let applied = "fieldManager=argocd-controller&force=true";
    for resource in ["serviceaccounts", "services", "configmaps"] {
        let target = of(resource, &app.namespace, &app.name).query(applied);
        week.ask(at, &Asked::new(&who, "patch", target));
    }
    let mut next = app.clone();
    next.release += 1;
    let target = of("deployments.apps/v1", &app.namespace, &app.name).query(applied);
    let answered =
        week.ask(at + 80_000, &Asked::new(&who, "patch", target).keeps(deployment(&next)));
    roll_out(week, answered, index);
}
