//! A tenant that sends more than the owners of clusters fold, beside others.

use std::sync::Arc;

use airside_auth::{ApiKey, KeyRecord, KeyRing, Scope};
use airside_ports::Stream;
use airside_ports::testsuite::TakingLog;
use airside_service::{Credentials, HttpError};
use airside_types::Tenant;
use axum::http::{HeaderMap, HeaderValue, header};

use super::anonymous_with;
use crate::testing::{deps, webhook_with};
use crate::{Sender, Webhook};

/// Keys of tenants that may send, and the ring that knows them.
fn keys<const TENANTS: usize>(names: [&str; TENANTS]) -> (KeyRing, [ApiKey; TENANTS]) {
    let mut ring = KeyRing::default();
    let mut number = 0;
    let keys = names.map(|name| {
        number += 1;
        let key = ApiKey::from_random([number; 5], [number; 32]);
        ring.add(KeyRecord::new(&key, Tenant::new(name).unwrap(), [Scope::Ingest]));
        key
    });
    (ring, keys)
}

async fn send(webhook: &Webhook, key: &ApiKey, body: &str) -> Result<(), HttpError> {
    let credentials = Credentials::default().with_key(key.expose());
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
    let body = body.to_owned().into();
    webhook.take(Sender::ApiServer, "default", &credentials, &headers, body).await
}

#[tokio::test]
async fn a_tenant_that_fills_the_log_is_refused_and_others_are_not() {
    const LIMIT: u64 = 2_000_000;
    let log = Arc::new(TakingLog::limited(LIMIT));
    let mut deps = deps(&log, None).await;
    let (ring, [loud, quiet]) = keys(["loud", "quiet"]);
    deps.keys = Arc::new(ring);
    let webhook = webhook_with(&deps).await.0;
    // Nobody reads what they send.
    let held = || {
        let appends = log.appends_to(Stream::Sightings).into_iter().flatten();
        appends.map(|entry| entry.payload.len() as u64).sum::<u64>()
    };
    let mut number = 0;
    let refused = loop {
        number += 1;
        let body =
            anonymous_with(50, 100).replace("auditID\":\"", &format!("auditID\":\"{number}-"));
        if let Err(refused) = send(&webhook, &loud, &body).await {
            break refused;
        }
        assert!(held() < LIMIT, "it fills the log");
    };
    assert!(held() > LIMIT / 2, "it has half of it beside nobody: {}", held());
    assert_eq!((refused.status.as_u16(), refused.retry_after), (429, Some(2)));
    let told = "and this tenant has added its share of what is free";
    assert!(refused.message.contains(told), "{refused}");
    for _ in 0..20 {
        send(&webhook, &quiet, &anonymous_with(1, 0)).await.unwrap();
        send(&webhook, &loud, &anonymous_with(1, 0)).await.unwrap_err();
    }
}
