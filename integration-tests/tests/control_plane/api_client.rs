//! Calls of the API server by a program that says who it is, as kubelets and operators do.
//!
//! Owns one kept connection. People and pipelines use `kubectl`.

use std::net::{Ipv4Addr, SocketAddr};

use airside::https::HttpsClient;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::relay::Relay;

/// A client with one token, from one address.
#[derive(Debug)]
pub(crate) struct ApiClient {
    https: HttpsClient,
    headers: HeaderMap,
    _relay: Relay,
}

impl ApiClient {
    /// The client of who holds `token` and speaks from `address`, a program that calls itself `agent`.
    pub(crate) async fn connect(
        (server, certificate): (SocketAddr, &str),
        token: &str,
        address: Ipv4Addr,
        agent: &str,
    ) -> Self {
        let relay = Relay::start(address, server).await;
        let https = HttpsClient::connect(relay.address(), certificate).await.unwrap();
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, format!("Bearer {token}").parse().unwrap()),
            (USER_AGENT, agent.parse().unwrap()),
        ]);
        Self { https, headers, _relay: relay }
    }

    /// Sends a request; `Null` is no body. Returns the answer, or why there is none.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, String> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let sent = self.https.request(method, path, self.headers.clone(), body).await;
        let (status, answer) = sent.map_err(|error| format!("{path}: {error:#}"))?;
        if !status.is_success() {
            return Err(format!("{path}: {status}: {}", String::from_utf8_lossy(&answer)));
        }
        serde_json::from_slice(&answer).map_err(|error| format!("{path}: {error}"))
    }
}
