//! The webhook: from a request over TLS to an answer within the caller's deadline.

use std::sync::Arc;
use std::time::Duration;

use airside_auth::{AuthError, Principal, Scope};
use airside_k8s::Value;
use airside_k8s::admission::Review;
use airside_service::body::{Bounds, PATIENCE, read_bounded, require_json};
use airside_service::budget::{Budget, Held};
use airside_service::intake::refused_requests;
use airside_service::{Credentials, DeadLetters, Deps, HttpError};
use airside_telemetry::metrics::{Counter, CounterFamily, Histogram, LATENCY_SECONDS};
use airside_terms::TermsOfTenants;
use airside_types::{Cluster, DeadLetter, Timestamp};
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
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
    terms: TermsOfTenants,
    recording: Recording,
    deps: Deps,
    dead_letters: DeadLetters,
    refused: Counter,
    max_body: usize,
    /// The memory of the reviews that are under way.
    in_flight: Budget,
    deadline: Duration,
    record_wait: Duration,
    decisions: CounterFamily<1>,
    latency: Histogram,
}

/// How many reviews of the largest size may be in memory at a time. API servers send as many as they have
/// requests under way (400 and 200 by default), of some kilobytes each.
const REVIEWS_AT_A_TIME: usize = 16;

impl Webhook {
    pub(crate) fn new(
        options: &Options,
        deps: &Deps,
        passes: Arc<Passes>,
        terms: TermsOfTenants,
        recording: Recording,
    ) -> anyhow::Result<Self> {
        let max_body = usize::try_from(options.max_body.as_u64())?;
        Ok(Self {
            policy: Policy::parse(&options.warn_from, &options.deny_from)?,
            passes,
            terms,
            recording,
            deps: deps.clone(),
            dead_letters: deps.dead_letters("admission"),
            refused: refused_requests(&deps.metrics, "admission"),
            max_body,
            in_flight: Budget::new(max_body.saturating_mul(REVIEWS_AT_A_TIME)),
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
        Router::new()
            .route("/v1/admission/{cluster}", post(review_with_key))
            .route("/v1/admission/{cluster}/{token}", post(review_with_token))
            .with_state(self)
    }

    /// Answers a review of a cluster from who is behind the header's key, or the URL's token.
    async fn answer(
        &self,
        cluster: &str,
        principal: Result<Principal, AuthError>,
        RawQuery(query): RawQuery,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Json<Value>, HttpError> {
        let started = Instant::now();
        let budget = budget(query.as_deref(), self.deadline);
        let (review, seen, _held) = self
            .receive(cluster, principal, headers, body)
            .await
            .inspect_err(|_| self.refused.inc())?;
        let terms = self.terms.of(&seen.tenant);
        let judgement = judge(&review, &self.passes, &self.policy, terms, &seen);
        self.decisions.with(&[judgement.verdict.as_str()]).inc();
        // A dry run must leave no trace but its answer.
        if !review.dry_run {
            let wait = self.record_wait.min(budget.saturating_sub(started.elapsed()));
            self.recording.record(judgement.record, wait).await;
        }
        self.latency.observe(started.elapsed().as_secs_f64());
        Ok(Json(judgement.response.to_json(review.version)))
    }

    async fn receive(
        &self,
        cluster: &str,
        principal: Result<Principal, AuthError>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Review, Seen, Held), HttpError> {
        let principal = principal?;
        principal.require(Scope::Ingest)?;
        let cluster = Cluster::new(cluster)
            .map_err(|error| HttpError::new(StatusCode::NOT_FOUND, error.to_string()))?;
        principal.require_cluster(&cluster)?;
        require_json(headers)?;
        let bounds = Bounds {
            limit: self.max_body,
            setting: "admission.max_body",
            held: self.in_flight.hold_for(&principal.tenant),
            patience: PATIENCE,
        };
        let (body, held) = read_bounded(headers, body, bounds).await?;
        let seen = Seen { tenant: principal.tenant, cluster, time: self.now(), origin: None };
        match Review::parse(&body) {
            Ok(review) => Ok((review, seen, held)),
            Err(error) => {
                let error = HttpError::bad_request(error.to_string());
                self.set_aside(&error, &body, &seen).await;
                Err(error)
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.deps.clock.now()
    }

    /// Keeps what is no review. It is refused all the same: the API server follows its failure policy.
    async fn set_aside(&self, error: &HttpError, body: &Bytes, seen: &Seen) {
        let letter = DeadLetter::new("admission", &error.message, body, seen.time);
        let letter = letter.of(&seen.tenant, &seen.cluster);
        if let Err(error) = self.dead_letters.set_aside(&[letter]).await {
            tracing::warn!(error = %error, "a dead letter cannot be kept");
        }
    }
}

/// From an API server that was told the key (its AdmissionConfiguration names a kubeconfig).
async fn review_with_key(
    State(webhook): State<Webhook>,
    Path(cluster): Path<String>,
    query: RawQuery,
    credentials: Credentials,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, HttpError> {
    let principal = credentials.principal(&webhook.deps);
    webhook.answer(&cluster, principal, query, &headers, body).await
}

/// From an API server that knows the webhook configuration and nothing else.
async fn review_with_token(
    State(webhook): State<Webhook>,
    Path((cluster, token)): Path<(String, String)>,
    query: RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, HttpError> {
    let principal = webhook.deps.keys.authenticate_token(&token, webhook.now());
    webhook.answer(&cluster, principal, query, &headers, body).await
}
