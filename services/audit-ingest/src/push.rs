//! What the clouds' services push: Amazon Data Firehose's HTTP endpoint delivery, and Google Pub/Sub's push.
//!
//! Owns the forms of these requests and answers. What their envelopes hold is read as from any other place
//! (`airside-detect`), and is answered when it is durable. Azure's Event Hubs push nothing over HTTP: whoever reads one
//! posts its records to the webhook.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use airside_service::{Credentials, HttpError};

use crate::{Sender, Webhook};

/// Firehose's name of a request, the same each time it is tried.
const REQUEST_ID: &str = "x-amz-firehose-request-id";
/// Where Firehose sends what its stream has as access key.
const ACCESS_KEY: &str = "x-amz-firehose-access-key";

pub(crate) fn routes() -> Router<Webhook> {
    Router::new()
        .route("/v1/audit/{cluster}/firehose", post(firehose))
        .route("/v1/audit/{cluster}/pubsub", post(pubsub))
}

/// A delivery of Firehose, version 1.0. Anything but an answer in its form counts as a failed delivery.
async fn firehose(
    State(webhook): State<Webhook>,
    Path(cluster): Path<String>,
    credentials: Credentials,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let request_id = text(REQUEST_ID).unwrap_or_default();
    let credentials = match text(ACCESS_KEY) {
        Some(key) => credentials.with_key(key),
        None => credentials,
    };
    let taken = async {
        if request_id.is_empty() {
            let message = format!("the header {REQUEST_ID} is missing: send what Firehose sends");
            return webhook.intake.counted(Err(HttpError::bad_request(message)));
        }
        webhook.take(Sender::Cloud, &cluster, &credentials, &headers, body).await
    };
    let taken = taken.await;
    // Milliseconds since 1970.
    let timestamp = webhook.clock.now().as_nanos() / 1_000_000;
    let mut answer = json!({ "requestId": request_id, "timestamp": timestamp });
    let Err(error) = taken else { return (StatusCode::OK, Json(answer)).into_response() };
    let HttpError { status, message, retry_after } = error;
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("errorMessage".to_owned(), message.into());
    }
    let mut response = (status, Json(answer)).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// The query of a push subscription's URL, in which Pub/Sub keeps a secret: it sends no header of one's own.
#[derive(Deserialize)]
struct PushQuery {
    /// An API key that is good for nothing but sending.
    key: Option<String>,
}

/// A message of a push subscription. What is answered with success is acknowledged; anything else comes again. Google's
/// own token in the header is not looked at where the URL has a key.
async fn pubsub(
    State(webhook): State<Webhook>,
    Path(cluster): Path<String>,
    Query(query): Query<PushQuery>,
    credentials: Credentials,
    headers: HeaderMap,
    body: Body,
) -> Result<(), HttpError> {
    let credentials = match &query.key {
        Some(key) => credentials.with_key_of_url(key),
        None => credentials,
    };
    webhook.take(Sender::Cloud, &cluster, &credentials, &headers, body).await
}
