//! `airside detect`: the detection rules over a file of events.

use std::collections::BTreeMap;
use std::io::Read;

use airside_detect::audit::{self, Telling};
use airside_detect::intake::{Clock, Intake, Origin};
use airside_detect::profile::ClusterProfile;
use airside_detect::runtime::RuntimeSource;
use airside_sift::{Recorded, Sifted};
use airside_sigma::Correlating;
use airside_types::{Cluster, Detection, LinkRole, Payload, Record, Severity, Tenant};
use anyhow::Context;
use serde_json::{Value, json};

use crate::cli::{DetectArguments, OutputFormat};
use crate::command::Outcome;
use crate::command::replay::read;
use crate::command::rules::OwnRules;
use crate::recording::lines;
use crate::show;

pub(super) fn run(arguments: &DetectArguments) -> anyhow::Result<Outcome> {
    let sensor = RuntimeSource::ALL.into_iter().find(|it| it.source().as_str() == arguments.source);
    let path = arguments.file.display().to_string();
    let content = if path == "-" {
        let mut content = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut content)
            .context("standard input cannot be read")?;
        content
    } else {
        read(&arguments.file)?
    };
    let own = OwnRules::read(&arguments.rules);
    own.tell_problems();
    let found = match (arguments.source.as_str(), sensor) {
        ("audit", _) => audit_file(&path, &content, &own),
        (_, Some(sensor)) => sensor_file(sensor, &path, &content),
        ("hubble" | "kubearmor" | "tracee", None) => {
            show::remark(&format!("`{}` is not understood yet", arguments.source));
            Found::default()
        }
        (other, None) => {
            anyhow::bail!("there is no source `{other}`: use audit, falco or tetragon")
        }
    };
    if found.unreadable > 0 {
        show::remark(&format!("{} records could not be understood", found.unreadable));
    }
    match arguments.output {
        OutputFormat::Json => print_lines(&found.detections)?,
        OutputFormat::Text => print_summary(&found.detections)?,
    }
    Ok(own.outcome())
}

#[derive(Debug, Default)]
struct Found {
    detections: Vec<Detection>,
    unreadable: usize,
}

impl Found {
    fn take(&mut self, records: Vec<Record>) {
        for record in records {
            if let Payload::Detection(detection) = record.payload {
                self.detections.push(detection);
            }
        }
    }

    /// Takes what was told, each detection once: those that stand for others are followed by those.
    fn sift(&mut self, sifted: Sifted) {
        let is_again = |record: &Record| matches!(&record.payload, Payload::Detection(found) if found.repeats.is_some());
        let told = sifted.told.into_iter().filter(|record| !is_again(record));
        self.take(told.chain(sifted.rolled_up).collect());
    }

    fn refuse(&mut self, path: &str, line: u32, why: &dyn std::fmt::Display) {
        self.unreadable += 1;
        show::remark(&format!("{path}:{line}: {why}"));
    }
}

fn audit_file(path: &str, content: &[u8], own: &OwnRules) -> Found {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let mut found = Found::default();
    let mut correlating = Correlating::new(OwnRules::LIMITS);
    let mut recorded = Recorded::new(Telling::All);
    audit::read::input(content, &mut |item| match item.event {
        Ok(event) => {
            let origin = Some(Origin { path, line: item.line });
            let intake = Intake {
                tenant: &tenant,
                cluster: &cluster,
                clock: Clock::Recorded,
                profile: ClusterProfile::unknown(),
                origin,
            };
            found.sift(recorded.take(event, item.bytes.len(), &intake, Vec::new()));
            found.take(correlating.observe(&own.set, event, &intake));
        }
        Err(why) => found.refuse(path, item.line, why),
    });
    let (clock, profile) = (Clock::Recorded, ClusterProfile::unknown());
    let intake = Intake { tenant: &tenant, cluster: &cluster, clock, profile, origin: None };
    found.sift(recorded.finish(&intake));
    found.take(correlating.finish(&own.set));
    found
}

fn sensor_file(sensor: RuntimeSource, path: &str, content: &[u8]) -> Found {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let mut found = Found::default();
    for (line, text) in lines(content) {
        let origin = Some(Origin { path, line });
        let intake = Intake {
            tenant: &tenant,
            cluster: &cluster,
            clock: Clock::Recorded,
            profile: ClusterProfile::unknown(),
            origin,
        };
        match sensor.read(text, &intake) {
            Ok(records) => found.take(records),
            Err(why) => found.refuse(path, line, &why),
        }
    }
    found
}

fn print_lines(detections: &[Detection]) -> anyhow::Result<()> {
    let mut out = String::new();
    for detection in detections {
        out.push_str(&detection_json(detection).to_string());
        out.push('\n');
    }
    Ok(show::print_bytes(out.as_bytes())?)
}

fn detection_json(detection: &Detection) -> Value {
    let techniques: Vec<_> = detection.techniques.iter().map(|technique| technique.id()).collect();
    let values: serde_json::Map<_, _> =
        detection.values.iter().map(|value| (value.name.clone(), json!(value.value))).collect();
    // The actor is who did it; without one the target is what it is about.
    let entity = detection.linked(LinkRole::Actor).chain(detection.linked(LinkRole::Target)).next();
    let entity = entity.map(|entity| {
        let object = entity.as_object();
        json!({
            "kind": entity.kind(),
            "namespace": object.and_then(|object| object.namespace.as_deref()),
            "name": entity.name(),
            "uid": object.and_then(|object| object.uid.as_deref()),
        })
    });
    json!({
        "rule": detection.rule,
        "title": detection.title,
        "severity": detection.severity.as_str(),
        "tactic": detection.tactic.as_str(),
        "techniques": techniques,
        "input": detection.origin.as_ref().map(|at| json!({ "path": at.path, "line": at.line })),
        "entity": entity.unwrap_or_else(|| json!({})),
        "message": detection.message,
        "values": values,
    })
}

/// One line for each rule that fired, with how often, the most severe first, and one example.
fn print_summary(detections: &[Detection]) -> anyhow::Result<()> {
    let mut by_rule: BTreeMap<(std::cmp::Reverse<Severity>, &str), Vec<&Detection>> =
        BTreeMap::new();
    for detection in detections {
        let key = (std::cmp::Reverse(detection.severity), detection.rule.as_str());
        by_rule.entry(key).or_default().push(detection);
    }
    if by_rule.is_empty() {
        show::remark("no rule fired");
    }
    let mut out = String::new();
    for ((severity, rule), fired) in by_rule {
        let Some(first) = fired.first() else { continue };
        let style = show::severity(severity.0);
        out.push_str(&format!(
            "{style}{:<8}{}  {:>5} ×  {}{}{}  {} {}({rule}){}\n",
            severity.0,
            show::RESET,
            fired.len(),
            show::STRONG,
            first.title,
            show::RESET,
            first.origin.as_ref().map(ToString::to_string).unwrap_or_default(),
            show::FAINT,
            show::RESET,
        ));
        out.push_str(&format!("          {}\n", first.message));
    }
    Ok(show::print(&out)?)
}
