//! Which detections are told: by severity, rule and time.

use std::cell::Cell;

use airside_detect::Rule;
use airside_ports::Clock;
use airside_service::SystemClock;
use airside_sigma::RuleSet;
use airside_terms::nearest;
use airside_types::{Detection, Severity, Timestamp};

use crate::cli::{DetectArguments, span};

/// What is asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    severity: Severity,
    /// Ids; all where it is empty.
    rules: Vec<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// How many detections were not asked for.
    passed_over: Cell<u64>,
}

impl Wanted {
    /// What arguments ask for. Rules are named by their ids, own ones by their titles as well.
    pub(super) fn of(arguments: &DetectArguments, own: &RuleSet) -> anyhow::Result<Self> {
        let (since, until) = span((arguments.since, arguments.until), SystemClock.now())?;
        let built_in = airside_detect::rules();
        let rules: anyhow::Result<Vec<_>> =
            arguments.rule.iter().map(|name| id_of(name, &built_in, own)).collect();
        Ok(Self {
            severity: arguments.min_severity.unwrap_or(Severity::Info),
            rules: rules?,
            since,
            until,
            passed_over: Cell::default(),
        })
    }

    /// Whether a detection of a time is told; it is counted where it is not.
    pub(super) fn takes(&self, detection: &Detection, time: Timestamp) -> bool {
        let is_named = self.rules.is_empty() || self.rules.contains(&detection.rule);
        let is_told = is_named && detection.severity >= self.severity && self.is_within(time);
        self.passed_over.set(self.passed_over.get() + u64::from(!is_told));
        is_told
    }

    /// How many detections were not asked for.
    pub(super) fn passed_over(&self) -> u64 {
        self.passed_over.get()
    }

    /// Whether a time is asked about.
    pub(super) fn is_within(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time <= until)
    }
}

fn id_of(name: &str, built_in: &[&Rule], own: &RuleSet) -> anyhow::Result<String> {
    if let Some(rule) = built_in.iter().find(|rule| rule.id.eq_ignore_ascii_case(name)) {
        return Ok(rule.id.to_owned());
    }
    if let Some(rule) = own.find(name) {
        return Ok(rule.id.clone());
    }
    let ids = built_in.iter().map(|rule| rule.id);
    let own = own.listed().map(|(rule, _)| rule.id.as_str());
    let hint = nearest(name, ids.chain(own));
    anyhow::bail!("--rule: there is no rule `{name}`{hint}; `airside rules` lists them")
}
