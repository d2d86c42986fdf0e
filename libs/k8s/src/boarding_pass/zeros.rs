//! Values that say the same as nothing at all.

use crate::value::Value;

/// Booleans and numbers that Kubernetes drops when they are false or 0, because absence means the same.
/// Others (`allowPrivilegeEscalation: false`) are kept, so their absence is drift.
const DROPPED_WHEN_ZERO: [&str; 18] = [
    "allowVolumeExpansion",
    "globalDefault",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostPort",
    "initialDelaySeconds",
    "minReadySeconds",
    "nodePort",
    "paused",
    "preserveUnknownFields",
    "publishNotReadyAddresses",
    "readOnly",
    "setHostnameAsFQDN",
    "stdin",
    "stdinOnce",
    "tty",
    "weight",
];

/// The values that a key can as well not have.
pub(super) fn zeros(key: &str) -> Vec<Value> {
    let is_dropped = DROPPED_WHEN_ZERO.contains(&key);
    if is_dropped { vec![Value::Bool(false), Value::from(0)] } else { Vec::new() }
}
