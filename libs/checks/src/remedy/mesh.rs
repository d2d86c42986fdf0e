//! Remedies for Istio's objects.

use airside_k8s::Value;

use super::{Answer, Risk, Row, Spot};

pub(super) static REMEDIES: &[Row] = &[
    ("authorization-policy-host-without-port", host),
    ("destination-rule-conflicts-with-strict", mode),
    ("mesh-gateway-old-tls", |spot| spot.remove(Risk::MayBreak)),
    ("peer-authentication-permissive", |spot| spot.set("STRICT", Risk::MayBreak)),
    ("peer-authentication-disabled", |spot| spot.set("STRICT", Risk::MayBreak)),
];

/// The same host on any port: what the rule was meant to cover.
fn host(spot: &Spot<'_>) -> Answer {
    const UNKNOWN: &str = "needs a decision: the host is not where it was found";
    let host = spot.at(spot.field).and_then(Value::as_str).ok_or(UNKNOWN)?;
    spot.append(&spot.field.parent().ok_or(UNKNOWN)?, format!("{host}:*"), Risk::Safe)
}

/// The connection fails as it is. Certificates beside the mode would have to go as well.
fn mode(spot: &Spot<'_>) -> Answer {
    let settings = spot.field.parent().and_then(|tls| spot.at(&tls)).and_then(Value::as_object);
    if settings.is_none_or(|settings| settings.len() != 1) {
        return Err("needs a decision: the settings beside the mode belong to the old one");
    }
    spot.set("ISTIO_MUTUAL", Risk::Safe)
}
