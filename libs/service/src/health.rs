//! Liveness and readiness of a node and its services.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::watch;

/// Which services of a node are ready. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Health {
    states: Arc<Mutex<BTreeMap<&'static str, bool>>>,
    all_ready: watch::Sender<bool>,
}

impl Default for Health {
    fn default() -> Self {
        Self { states: Arc::default(), all_ready: watch::Sender::new(false) }
    }
}

impl Health {
    /// Adds a service, not ready yet, and returns its switch.
    pub fn register(&self, service: &'static str) -> ReadySignal {
        self.set(service, false);
        ReadySignal { service, health: self.clone() }
    }

    /// Waits until every registered service is ready.
    pub async fn all_ready(&self) {
        // The sender lives in self, so waiting cannot fail.
        let _closed = self.all_ready.subscribe().wait_for(|ready| *ready).await.is_err();
    }

    /// Whether every registered service is ready.
    pub fn is_ready(&self) -> bool {
        *self.all_ready.borrow()
    }

    fn set(&self, service: &'static str, ready: bool) {
        let all = {
            let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
            states.insert(service, ready);
            states.values().all(|state| *state)
        };
        self.all_ready.send_replace(all);
    }

    /// `GET /livez`: the process answers.
    pub async fn live() -> &'static str {
        "ok\n"
    }

    /// `GET /readyz`: 200 when every service is ready, 503 with the waiting ones otherwise.
    pub fn ready_response(&self) -> Response {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ready = states.values().all(|state| *state);
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, Json(json!({ "ready": ready, "services": states }))).into_response()
    }
}

/// A service's switch between ready and not ready.
#[derive(Debug, Clone)]
pub struct ReadySignal {
    service: &'static str,
    health: Health,
}

impl ReadySignal {
    /// The service can do its work.
    pub fn ready(&self) {
        tracing::debug!(service = self.service, "service is ready");
        self.health.set(self.service, true);
    }

    /// The service cannot do its work for the present.
    pub fn not_ready(&self) {
        self.health.set(self.service, false);
    }
}
