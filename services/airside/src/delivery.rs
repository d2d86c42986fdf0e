//! Sending a recording to a running platform, as its sources would: over HTTPS and gRPC, in the order of
//! time, with times moved so that it happens now.

use std::net::SocketAddr;
use std::time::Duration;

use airside_checks::Terms;
use airside_types::{Cluster, Severity, Tenant, Timestamp};
use airside_wire::scan::{Publication, PublishOutcome, SourceFile};
use anyhow::Context;
use serde_json::{Value, json};

use crate::client::{ApiChannel, publish};
use crate::command::connect::Connection;
use crate::https::HttpsClient;
use crate::recording::{RecordedFile, Recording, lines};

/// How many audit events go into one request, as an API server batches them.
const AUDIT_BATCH: usize = 16;

/// A request that one source sends.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// When what it tells happened.
    pub time: Timestamp,
    /// Who sends it.
    pub source: Source,
    /// The body.
    pub body: Value,
}

/// A source of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An API server that asks for admission.
    Admission,
    /// An API server's audit webhook.
    Audit,
    /// A sensor, by the name of its source.
    Runtime(&'static str),
}

/// The requests that tell a recording, in the order of time, moved so that the last one happens at `end`.
pub fn deliveries(recording: &Recording, end: Timestamp) -> anyhow::Result<Vec<Delivery>> {
    let mut all = recorded(recording)?;
    all.sort_by_key(|delivery| delivery.time);
    let last = all.last().map_or(end, |delivery| delivery.time);
    let later = end.as_nanos().saturating_sub(last.as_nanos());
    for delivery in &mut all {
        delivery.time = moved(delivery.time, later);
        move_times(&mut delivery.body, later);
    }
    Ok(batched(all))
}

/// Audit events that follow each other, put together as an API server does.
fn batched(all: Vec<Delivery>) -> Vec<Delivery> {
    let mut requests: Vec<Delivery> = Vec::new();
    let mut events: Vec<Value> = Vec::new();
    let mut time = Timestamp::EPOCH;
    let flush = |events: &mut Vec<Value>, time, requests: &mut Vec<Delivery>| {
        if !events.is_empty() {
            let body = event_list(&std::mem::take(events));
            requests.push(Delivery { time, source: Source::Audit, body });
        }
    };
    for delivery in all {
        if delivery.source != Source::Audit || events.len() >= AUDIT_BATCH {
            flush(&mut events, time, &mut requests);
        }
        time = delivery.time;
        if delivery.source == Source::Audit {
            events.push(delivery.body);
        } else {
            requests.push(delivery);
        }
    }
    flush(&mut events, time, &mut requests);
    requests
}

/// One delivery for each line of the recording.
fn recorded(recording: &Recording) -> anyhow::Result<Vec<Delivery>> {
    let mut all = Vec::new();
    for (file, source, field) in sources(recording) {
        for (line, text) in lines(&file.content) {
            let place = || format!("{}:{line}", file.path);
            let body: Value = serde_json::from_slice(text).with_context(place)?;
            let time = body
                .get(field)
                .and_then(Value::as_str)
                .with_context(|| format!("{}: `{field}` is missing", place()))?;
            let time = Timestamp::parse_rfc3339(time).with_context(place)?;
            all.push(Delivery { time, source, body });
        }
    }
    Ok(all)
}

fn sources(recording: &Recording) -> Vec<(&RecordedFile, Source, &'static str)> {
    let mut sources = Vec::new();
    sources.extend(recording.admission.iter().map(|it| (it, Source::Admission, "receivedAt")));
    sources.extend(recording.audit.iter().map(|it| (it, Source::Audit, "stageTimestamp")));
    for (sensor, file) in &recording.runtime {
        sources.push((file, Source::Runtime(sensor.source().as_str()), "time"));
    }
    sources
}

/// Moves every time in a value: RFC 3339 texts, and the nanoseconds that Falco counts.
fn move_times(value: &mut Value, later: i64) {
    match value {
        Value::String(text) => {
            if looks_like_time(text)
                && let Ok(time) = Timestamp::parse_rfc3339(text)
            {
                *text = moved(time, later).to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| move_times(item, later)),
        Value::Object(fields) => {
            for (name, item) in fields.iter_mut() {
                match item.as_i64() {
                    Some(nanos) if name.starts_with("evt.time") => {
                        *item = json!(nanos.saturating_add(later));
                    }
                    _ => move_times(item, later),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn looks_like_time(text: &str) -> bool {
    text.len() >= 20 && text.as_bytes().get(10) == Some(&b'T')
}

fn moved(time: Timestamp, later: i64) -> Timestamp {
    Timestamp::from_nanos(time.as_nanos().saturating_add(later))
}

/// A platform that takes deliveries: a connection for each kind of source, as they are different programs.
#[derive(Debug)]
pub struct Platform {
    admission: HttpsClient,
    audit: HttpsClient,
    runtime: HttpsClient,
    api: ApiChannel,
    connection: Connection,
    answered: Vec<Answered>,
}

/// A review that was answered: an API server writes the answer's annotations into the request's audit event.
#[derive(Debug)]
struct Answered {
    object: String,
    decision: Value,
}

impl Platform {
    /// A platform in one process, which takes everything at one address.
    pub async fn connect(
        webhook: SocketAddr,
        api: ApiChannel,
        connection: Connection,
    ) -> anyhow::Result<Self> {
        Self::connect_apart([webhook; 3], api, connection).await
    }

    /// A platform that takes admission reviews, audit events and sensors' records at an address each.
    pub async fn connect_apart(
        [admission, audit, runtime]: [SocketAddr; 3],
        api: ApiChannel,
        connection: Connection,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            admission: HttpsClient::connect(admission, &connection.ca_pem).await?,
            audit: HttpsClient::connect(audit, &connection.ca_pem).await?,
            runtime: HttpsClient::connect(runtime, &connection.ca_pem).await?,
            api,
            connection,
            answered: Vec::new(),
        })
    }

    /// Checks manifests here and publishes findings and boarding passes, as `airside scan --publish` does.
    pub async fn check_in(
        &self,
        manifests: &[RecordedFile],
    ) -> anyhow::Result<(Publication, PublishOutcome)> {
        let files: Vec<_> = manifests
            .iter()
            .map(|file| SourceFile {
                path: file.path.clone(),
                content: file.content.clone().into(),
            })
            .collect();
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let scan =
            airside_scanner::scan_files(&files, &Terms::new(&tenant, &cluster, Severity::High));
        let publication = scan.publication(cluster);
        let outcome = publish(self.api.clone(), publication.clone()).await?;
        Ok((publication, outcome))
    }

    /// Sends a request, and returns the platform's answer: that to an API server for a review, nothing else
    /// otherwise.
    pub async fn send(&mut self, delivery: &Delivery) -> anyhow::Result<Value> {
        let body = match delivery.source {
            Source::Audit => self.annotated(&delivery.body).to_string(),
            Source::Admission | Source::Runtime(_) => delivery.body.to_string(),
        };
        let connection = &self.connection;
        let (client, url, key) = match delivery.source {
            Source::Admission => {
                (&mut self.admission, format!("{}?timeout=10s", connection.admission_url()), None)
            }
            Source::Audit => (&mut self.audit, connection.audit_url(), Some(&connection.api_key)),
            Source::Runtime(sensor) => {
                (&mut self.runtime, connection.runtime_url(sensor), Some(&connection.api_key))
            }
        };
        let path = path_of(&url);
        let sent = client.post(&path, key.map(String::as_str), None, body.into_bytes());
        let (status, answer) = tokio::time::timeout(Duration::from_secs(10), sent)
            .await
            .context("the platform did not answer within 10 s")??;
        anyhow::ensure!(
            status.is_success(),
            "the platform answered {status} to {path}: {}",
            String::from_utf8_lossy(&answer)
        );
        let answer = if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer)? };
        self.remember(delivery, &answer);
        Ok(answer)
    }

    /// Keeps what the answer to a review annotates.
    fn remember(&mut self, delivery: &Delivery, answer: &Value) {
        let object = delivery.body.pointer("/request/object/metadata/uid").and_then(Value::as_str);
        let decision = answer.pointer("/response/auditAnnotations/decision-id");
        if let (Source::Admission, Some(object), Some(decision)) =
            (delivery.source, object, decision)
        {
            self.answered.push(Answered { object: object.to_owned(), decision: decision.clone() });
        }
    }

    /// Audit events with the annotations of the reviews that were part of their requests.
    fn annotated(&mut self, list: &Value) -> Value {
        let mut list = list.clone();
        let events = list.get_mut("items").and_then(Value::as_array_mut);
        for event in events.into_iter().flatten() {
            let writes = event.get("verb").and_then(Value::as_str);
            let object = event.pointer("/responseObject/metadata/uid").and_then(Value::as_str);
            let known = object
                .filter(|_| matches!(writes, Some("create" | "update" | "patch")))
                .and_then(|uid| self.answered.iter().position(|it| it.object == uid));
            if let (Some(position), Some(fields)) = (known, event.as_object_mut()) {
                let annotations = fields.entry("annotations").or_insert_with(|| json!({}));
                if let Some(annotations) = annotations.as_object_mut() {
                    let Answered { decision, .. } = self.answered.remove(position);
                    annotations.insert("airside.airside.dev/decision-id".to_owned(), decision);
                }
            }
        }
        list
    }
}

/// Audit events in the form in which an API server sends them.
pub fn event_list(events: &[Value]) -> Value {
    json!({
        "kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": events,
    })
}

fn path_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_move_and_nothing_else_changes() {
        let mut event = json!({
            "stageTimestamp": "2026-01-01T00:00:00.5Z",
            "auditID": "2026-01-01", "code": 200,
            "output_fields": { "evt.time": 1_000, "proc.pid": 1_000 },
        });
        move_times(&mut event, 1_000_000_000);
        assert_eq!(
            event,
            json!({
                "stageTimestamp": "2026-01-01T00:00:01.5Z",
                "auditID": "2026-01-01", "code": 200,
                "output_fields": { "evt.time": 1_000_001_000, "proc.pid": 1_000 },
            })
        );
    }
}
