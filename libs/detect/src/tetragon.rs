//! Tetragon's JSON export: the programs that were started.
//!
//! Owns the form of `process_exec` events and which of them are detections, by rules of our own, as the
//! export holds every start and judges none. Other kinds of events are not understood yet. A process's
//! identity is its `exec_id`: node, start time and process id.

use airside_types::{Detection, Gap, Id, NamedValue, Phase, Record, Source, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::command::{self, Command};
use crate::intake::Intake;
use crate::rule::Rule;
use crate::runtime::Unreadable;

mod links;
mod rules;

/// The rules for started programs.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    rules::RULES.iter().map(|definition| &definition.rule)
}

/// One line of the export.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    process_exec: Option<Exec>,
    rate_limit_info: Option<Value>,
    node_name: String,
    time: Option<String>,
    /// Other kinds of events, by which the line is named when it is not understood.
    #[serde(flatten)]
    rest: std::collections::BTreeMap<String, Value>,
}

/// A program was started.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Exec {
    process: Process,
    parent: Process,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Process {
    exec_id: String,
    uid: Option<u32>,
    cwd: String,
    binary: String,
    arguments: String,
    start_time: Option<String>,
    pod: Option<Pod>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pod {
    namespace: String,
    name: String,
    uid: String,
    container: Container,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    id: String,
    name: String,
    image: Image,
    start_time: Option<String>,
    /// The process id within the container: 1 for the program that it was started with.
    pid: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Image {
    id: String,
    name: String,
}

impl Process {
    /// The program's name without its path.
    fn program(&self) -> &str {
        self.binary.rsplit('/').next().unwrap_or(&self.binary)
    }

    /// Program and arguments as one line.
    fn line(&self) -> String {
        format!("{} {}", self.binary, self.arguments).trim_end().to_owned()
    }
}

impl Exec {
    fn in_container(&self) -> bool {
        self.process.pod.is_some()
    }

    /// The program that a container was made for.
    fn is_first_of_container(&self) -> bool {
        self.process.pod.as_ref().is_some_and(|pod| pod.container.pid == Some(1))
    }
}

/// Reads one line of the export.
pub(crate) fn read(record: &[u8], intake: &Intake<'_>) -> Result<Vec<Record>, Unreadable> {
    let line: Line = serde_json::from_slice(record).map_err(|error| Unreadable::Malformed {
        source_name: "tetragon",
        reason: error.to_string(),
    })?;
    match (&line.process_exec, &line.rate_limit_info) {
        (Some(exec), _) => Ok(line.records(exec, intake)),
        (None, Some(info)) => Ok(line.gap(info).map(|gap| intake.gap(gap)).into_iter().collect()),
        (None, None) => Err(line.not_understood()),
    }
}

impl Line {
    fn not_understood(&self) -> Unreadable {
        match self.rest.keys().find(|key| key.starts_with("process_")) {
            Some(kind) => Unreadable::NotUnderstood { source_name: "tetragon", kind: kind.clone() },
            None => Unreadable::Malformed {
                source_name: "tetragon",
                reason: "it has no `process_exec`".to_owned(),
            },
        }
    }

    /// When the program started: the event's time, else the process's.
    fn time_of(&self, exec: &Exec) -> Option<Timestamp> {
        [&self.time, &exec.process.start_time]
            .into_iter()
            .find_map(|text| Timestamp::parse_rfc3339(text.as_deref()?).ok())
    }

    fn event_id(&self, exec: &Exec, intake: &Intake<'_>) -> Id {
        intake
            .event_id(Source::Tetragon)
            .text(&self.node_name)
            .text(&exec.process.exec_id)
            .text(&exec.process.binary)
            .text(&exec.process.arguments)
            .optional(exec.process.start_time.as_deref())
            .finish()
    }

    fn records(&self, exec: &Exec, intake: &Intake<'_>) -> Vec<Record> {
        let time = self.time_of(exec);
        let command = Command::new(&exec.process.line());
        let mut records: Vec<Record> = rules::RULES
            .iter()
            .filter(|definition| (definition.when)(exec, &command))
            .map(|definition| {
                let detection = self.detection(&definition.rule, exec, intake);
                let event = self.event_id(exec, intake);
                intake.detection(Source::Tetragon, event, time, detection)
            })
            .collect();
        // What is known of a container is told when it starts, and with whatever happens in it.
        if !records.is_empty() || exec.is_first_of_container() {
            let facts = links::facts(self, exec, time);
            records.extend(facts.into_iter().map(|fact| intake.fact(Source::Tetragon, fact)));
        }
        records
    }

    fn detection(&self, rule: &Rule, exec: &Exec, intake: &Intake<'_>) -> Detection {
        let line = command::shown(&exec.process.line(), 160);
        let parent = exec.parent.program();
        let by = if parent.is_empty() { String::new() } else { format!(", started by {parent}") };
        let message = format!("{}: `{line}` in {}{by}.", rule.title, links::place(self, exec));
        Detection {
            rule: rule.id.to_owned(),
            rule_version: rule.version,
            title: rule.title.to_owned(),
            message,
            severity: rule.severity,
            confidence: rule.confidence,
            tactic: rule.tactic,
            techniques: rule.techniques.to_vec(),
            phase: Phase::Runtime,
            links: links::of(self, exec).into(),
            values: values(exec).into(),
            native_id: exec.process.exec_id.clone(),
            origin: intake.place(),
            event: None,
            repeats: None,
        }
    }

    /// Tetragon limits how fast it exports, and tells how many events that cost.
    fn gap(&self, info: &Value) -> Option<Gap> {
        let until = Timestamp::parse_rfc3339(self.time.as_deref()?).ok()?;
        let lost = info
            .get("number_of_dropped_process_events")
            .and_then(|count| count.as_u64().or_else(|| count.as_str()?.parse().ok()));
        Some(Gap {
            source: Source::Tetragon,
            origin: self.node_name.clone(),
            // It tells once a minute.
            from: until.minus(std::time::Duration::from_mins(1)),
            until,
            lost,
            reason: "Tetragon's export is limited in rate and left events out".to_owned(),
        })
    }
}

fn values(exec: &Exec) -> Vec<NamedValue> {
    let uid = exec.process.uid.map(|uid| uid.to_string()).unwrap_or_default();
    [
        ("process.binary", exec.process.binary.as_str()),
        ("process.arguments", exec.process.arguments.as_str()),
        ("process.cwd", exec.process.cwd.as_str()),
        ("process.uid", uid.as_str()),
        ("parent.binary", exec.parent.binary.as_str()),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| NamedValue { name: name.to_owned(), value: command::shown(value, 400) })
    .collect()
}

#[cfg(test)]
mod tests;
