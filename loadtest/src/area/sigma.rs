//! `sigma`: people's own rules over audit events that are read already, in this process.
//!
//! Sixteen rules as people write them, of which one in six events meets one, and 3,000 of which none matches. The floor is
//! the reading of the events, without any rule.

use airside_detect::audit::Event;
use airside_detect::{Clock, ClusterProfile, Intake};
use airside_sigma::{Correlating, Limits, RuleSet};
use airside_types::{Cluster, Tenant};

use super::Run;
use crate::corpus;
use crate::measure::{Process, measured};
use crate::report::Report;

const SIXTEEN: &str = include_str!("sigma_rules.yaml");
const MANY: usize = 3_000;

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let input = corpus::audit_events(run.corpus(), run.amount(20_000, 100_000))?;
    let texts: Vec<&str> = input.items.iter().map(AsRef::as_ref).collect();
    let (events, reading) = measured(|| events(&texts))?;
    let count = events.len() as u64;
    let (sixteen, many) = (rules(SIXTEEN)?, rules(&generated(MANY))?);
    let (fired, span) = measured(|| Ok(ask(&sixteen, &events)))?;
    let (fired_of_many, span_of_many) = measured(|| Ok(ask(&many, &events)))?;
    anyhow::ensure!(fired_of_many == 0, "{fired_of_many} of the generated rules fired");
    let report = Report::of("sigma")
        .took(Process::This, "events", count, span)?
        .with("input", input.source)
        .with("rules", sixteen.listed().count())
        .with("fired", fired)
        .with("many_rules", MANY)
        .with("many_rules_events_per_cpu_second", span_of_many.rate(count).map(f64::round));
    Ok(report.above("reading the events", count, reading))
}

fn events<'t>(texts: &[&'t str]) -> anyhow::Result<Vec<Event<'t>>> {
    texts.iter().map(|text| Ok(Event::parse(text)?)).collect()
}

fn rules(text: &str) -> anyhow::Result<RuleSet> {
    let (rules, problems) = RuleSet::read([("rules.yaml", text)]);
    match problems.into_iter().find(airside_sigma::Problem::is_error) {
        Some(problem) => anyhow::bail!("{problem}"),
        None => Ok(rules),
    }
}

/// How many detections rules make of events.
fn ask(rules: &RuleSet, events: &[Event<'_>]) -> usize {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let intake = Intake {
        tenant: &tenant,
        cluster: &cluster,
        clock: Clock::Recorded,
        profile: ClusterProfile::unknown(),
        origin: None,
    };
    let mut correlating = Correlating::new(Limits::default());
    events.iter().map(|event| correlating.observe(rules, event, &intake).len()).sum()
}

/// So many rules that differ in what they ask for, and of which none matches.
fn generated(count: usize) -> String {
    let resources = ["pods", "secrets", "configmaps", "deployments", "leases", "nodes", "events"];
    let verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    let rule = |number: usize| {
        let resource = resources.get(number % resources.len()).copied().unwrap_or_default();
        let verb = verbs.get(number % verbs.len()).copied().unwrap_or_default();
        let demand = match number % 4 {
            0 => format!("objectRef.name: no-such-{number}"),
            1 => format!("user.username: nobody-{number}"),
            2 => format!("objectRef.namespace: nowhere-{number}"),
            _ => format!("objectRef.subresource: nothing-{number}"),
        };
        format!(
            "title: Rule {number}\nlogsource: {{product: kubernetes, service: audit}}\nlevel: low\n\
             tags: [attack.discovery]\ndetection:\n  a:\n    verb: {verb}\n    objectRef.resource: {resource}\n    \
             {demand}\n  condition: a\n"
        )
    };
    (0..count).map(rule).collect::<Vec<_>>().join("---\n")
}
