//! Operators: their webhooks, rights, CRDs and custom resources, and the controllers of GitOps.

pub(super) mod argo_cd;
pub(super) mod certificates;
pub(super) mod crds;
pub(super) mod exceptions;
pub(super) mod flux;
pub(super) mod monitoring;
pub(super) mod olm;
pub(super) mod openshift;
pub(super) mod openshift_cluster;
pub(super) mod rights;
pub(super) mod stores;
pub(super) mod webhook_reach;
pub(super) mod webhooks;
pub(super) mod workflows;

use airside_k8s::Map;
use airside_k8s::fields::maps;
use airside_types::FieldPath;

use crate::subject::Whole;

/// The configurations of admission webhooks.
const WEBHOOKS: &[(&str, &str)] = &[
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
];

/// The webhooks of a configuration with their index.
fn webhooks<'a>(configuration: &Whole<'a>) -> impl Iterator<Item = (usize, &'a Map)> + use<'a> {
    maps(configuration.object.fields(), "webhooks")
}

/// The path to a field of a webhook.
fn webhook_path(index: usize, fields: &[&str]) -> FieldPath {
    FieldPath::of(&["webhooks"]).index(index).keys(fields)
}
