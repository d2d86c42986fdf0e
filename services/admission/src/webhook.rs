//! The webhook: from a request over TLS to an answer within the caller's deadline.

use std::sync::Arc;
use std::time::Duration;

use airside_k8s::admission::Review;
use airside_ports::Clock;
use airside_service::body::{read_bounded, require_json};
use airside_service::{DeadLetters, Deps, HttpError};
use airside_telemetry::metrics::{CounterFamily, Histogram, LATENCY_SECONDS};
use airside_types::{Cluster, DeadLetter, Tenant};
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::time::Instant;

use crate::deadline::budget;
use crate::gate::{Policy, Seen, judge};
use crate::options::Options;
use crate::passes::Passes;
use crate::recorder::Recording;

/// What the webhook needs for every request.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    policy: Policy,
    passes: Arc<Passes>,
    recording: Recording,
    clock: Arc<dyn Clock>,
    tenants: Arc<[Tenant]>,
    dead_letters: DeadLetters,
    max_body: usize,
    deadline: Duration,
    record_wait: Duration,
    decisions: CounterFamily<1>,
    latency: Histogram,
}

impl Webhook {
    pub(crate) fn new(
        options: &Options,
        deps: &Deps,
        passes: Arc<Passes>,
        recording: Recording,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            policy: Policy::parse(&options.warn_from, &options.deny_from)?,
            passes,
            recording,
            clock: Arc::clone(&deps.clock),
            tenants: deps.keys.tenants().cloned().collect(),
            dead_letters: deps.dead_letters("admission"),
            max_body: usize::try_from(options.max_body.as_u64())?,
            deadline: options.deadline.as_duration(),
            record_wait: options.record_wait.as_duration(),
            decisions: deps.metrics.counter_by(
                "airside_admission_decisions_total",
                "Admission reviews that were answered, by verdict",
                &["verdict"],
            ),
            latency: deps.metrics.histogram(
                "airside_admission_latency_seconds",
                "From the request to the answer",
                LATENCY_SECONDS,
            ),
        })
    }

    pub(crate) fn routes(self) -> Router {
        Router::new().route("/v1/admission/{tenant}/{cluster}", post(review)).with_state(self)
    }

    /// The tenant and cluster of a path. API servers present no key to webhooks, so the path names them;
    /// only tenants that have a key are known.
    fn addressee(&self, tenant: &str, cluster: &str) -> Result<(Tenant, Cluster), HttpError> {
        let not_found = |message: String| HttpError::new(StatusCode::NOT_FOUND, message);
        let tenant = Tenant::new(tenant).map_err(|error| not_found(error.to_string()))?;
        let cluster = Cluster::new(cluster).map_err(|error| not_found(error.to_string()))?;
        if !self.tenants.contains(&tenant) {
            return Err(not_found(format!(
                "there is no tenant `{tenant}`: the URL is /v1/admission/TENANT/CLUSTER"
            )));
        }
        Ok((tenant, cluster))
    }

    /// Keeps what is no review. It is refused all the same: the API server follows its failure policy.
    async fn refuse(&self, error: &HttpError, body: &Bytes, whose: &(Tenant, Cluster)) {
        let letter = DeadLetter::new("admission", &error.message, body, self.clock.now());
        if let Err(error) = self.dead_letters.set_aside(&[letter.of(&whose.0, &whose.1)]).await {
            tracing::warn!(error = %error, "a dead letter cannot be kept");
        }
    }
}

async fn review(
    State(webhook): State<Webhook>,
    Path((tenant, cluster)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, HttpError> {
    let started = Instant::now();
    let budget = budget(query.as_deref(), webhook.deadline);
    let whose = webhook.addressee(&tenant, &cluster)?;
    require_json(&headers)?;
    let body = read_bounded(&headers, body, webhook.max_body, "admission.max_body").await?;
    let review = match Review::parse(&body) {
        Ok(review) => review,
        Err(error) => {
            let error = HttpError::bad_request(error.to_string());
            webhook.refuse(&error, &body, &whose).await;
            return Err(error);
        }
    };
    let (tenant, cluster) = whose;
    let seen = Seen { tenant, cluster, time: webhook.clock.now(), origin: None };
    let judgement = judge(&review, &webhook.passes, &webhook.policy, &seen);
    webhook.decisions.with(&[judgement.verdict.as_str()]).inc();
    // A dry run must leave no trace but its answer.
    if !review.dry_run {
        let wait = webhook.record_wait.min(budget.saturating_sub(started.elapsed()));
        webhook.recording.record(judgement.record, wait).await;
    }
    webhook.latency.observe(started.elapsed().as_secs_f64());
    Ok(Json(judgement.response.to_json(review.version)))
}
