//! `cascades`: how many of a log's events belong to what somebody did in one go, with what controllers did to carry it out.
//!
//! With a corpus it is a real cluster on which releases were installed, each into a namespace of its own; without one, some
//! hours of the simulated week. An action is right where its events are in one namespace: of other labels nothing is
//! known. It fails where too few are. The floor is the reading of the events.

use std::collections::BTreeMap;

use airside_detect::audit::Event;
use airside_types::Id;
use airside_week::grouping::Grouping;
use airside_week::{Plan, Week};
use serde_json::json;

use super::Run;
use crate::corpus;
use crate::measure::{Process, measured};
use crate::report::{Report, rounded};

/// How many of the grouped events have to be in their action's namespace.
const RIGHT_AT_LEAST: f64 = 0.95;
/// Namespaces that no action has for itself.
const SHARED: [&str; 4] = ["", "default", "kube-node-lease", "kube-system"];

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let lines = match run.corpus() {
        Some(folder) => corpus::benign_trace(folder)?,
        None => some_hours(),
    };
    let (_, reading) = measured(|| Ok(lines.iter().filter(|it| Event::parse(it).is_ok()).count()))?;
    let (found, span) = measured(|| Ok(Found::of(&lines)))?;
    let (judged, right) = found.right();
    let precision = right as f64 / judged.max(1) as f64;
    let mut report = Report::of("cascades")
        .took(Process::This, "events", found.events, span)?
        .with("about_no_object_or_only_counted", found.quiet)
        .with("grouped", found.grouped())
        .with("grouped_of_the_others", share(found.grouped(), found.events - found.quiet))
        .with("of_controllers", found.of_controllers)
        .with("of_controllers_grouped", found.of_controllers_grouped)
        .with("actions", found.actions.len())
        .with("actions_that_controllers_carried_out", found.carried_out())
        .with("largest_actions", json!(found.largest()))
        .with("in_their_actions_namespace", rounded(precision, 1e3))
        .with("in_their_actions_namespace_at_least", RIGHT_AT_LEAST);
    if precision < RIGHT_AT_LEAST {
        report.failed = Some(format!(
            "{right} of {judged} grouped events are in the namespace of their action"
        ));
    }
    Ok(report.above("reading the events", found.events, reading))
}

fn share(part: u64, of: u64) -> f64 {
    rounded(part as f64 / of.max(1) as f64, 1e3)
}

fn some_hours() -> Vec<String> {
    let mut week = Week::new(Plan { seed: 11, days: 1, workers: 3, seldom: 30, ..Plan::WEEK });
    std::iter::from_fn(|| week.next_hour()).flatten().collect()
}

/// What belongs together.
#[derive(Debug, Default)]
struct Found {
    events: u64,
    /// Discovery, health, leases, and stages before the answer.
    quiet: u64,
    of_controllers: u64,
    of_controllers_grouped: u64,
    actions: BTreeMap<Id, Action>,
}

#[derive(Debug, Default)]
struct Action {
    events: u64,
    by_controllers: u64,
    namespaces: BTreeMap<String, u64>,
}

impl Found {
    fn of(lines: &[String]) -> Self {
        let (mut found, mut grouping) = (Self::default(), Grouping::default());
        for line in lines {
            let namespace = Event::parse(line).ok().and_then(|event| {
                let namespace = event.object_ref.as_ref()?.namespace.to_string();
                Some((namespace, event.user.username.to_string()))
            });
            let (namespace, user) = namespace.unwrap_or_default();
            let controls = user.starts_with("system:serviceaccount:kube-system:")
                || user.starts_with("system:kube-")
                || user.starts_with("system:node:");
            for grouped in grouping.take(line) {
                found.events += 1;
                found.quiet += u64::from(grouped.event.is_none());
                let controls = u64::from(controls && grouped.event.is_some());
                found.of_controllers += controls;
                let Some(action) = grouped.action else { continue };
                found.of_controllers_grouped += controls;
                let action = found.actions.entry(action).or_default();
                action.events += 1;
                action.by_controllers += controls;
                *action.namespaces.entry(namespace.clone()).or_default() += 1;
            }
        }
        found
    }

    fn grouped(&self) -> u64 {
        self.actions.values().map(|it| it.events).sum()
    }

    fn carried_out(&self) -> usize {
        self.actions.values().filter(|it| it.by_controllers > 0).count()
    }

    /// The events that are in a namespace of somebody's own, and those that are in their action's.
    fn right(&self) -> (u64, u64) {
        let own = |action: &Action| -> Vec<u64> {
            let all = action.namespaces.iter().filter(|(name, _)| !SHARED.contains(&name.as_str()));
            all.map(|(_, count)| *count).collect()
        };
        self.actions.values().map(own).fold((0, 0), |(judged, right), counts| {
            (judged + counts.iter().sum::<u64>(), right + counts.iter().max().copied().unwrap_or(0))
        })
    }

    /// The largest actions: in which namespaces, and how many events.
    fn largest(&self) -> Vec<String> {
        let mut all: Vec<_> = self.actions.values().collect();
        all.sort_by_key(|it| std::cmp::Reverse(it.events));
        let told = all.into_iter().take(12).map(|it| {
            let namespaces: Vec<_> =
                it.namespaces.iter().map(|(name, count)| format!("{count} in `{name}`")).collect();
            format!("{} events: {}", it.events, namespaces.join(", "))
        });
        told.collect()
    }
}
