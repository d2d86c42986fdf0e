//! The annotations that Istio reads: where they belong, what they hold, how settled they are.

use crate::template::is_filled_in_later;

/// What an annotation belongs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Anything.
    Any,
    /// Pods, so in a workload its pod template.
    Pod,
    /// One kind.
    Kind(&'static str),
}

/// How settled an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maturity {
    Settled,
    Alpha,
    Deprecated,
}

/// What an annotation holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Integer,
    Boolean,
    Ports,
}

/// An annotation that Istio reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) maturity: Maturity,
    pub(super) form: Form,
}

impl Known {
    const fn new(name: &'static str, place: Place, maturity: Maturity, form: Form) -> Self {
        Self { name, place, maturity, form }
    }

    /// The annotation of a name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        KNOWN.iter().find(|known| known.name == name)
    }

    /// Whether a value has the form that the annotation asks for.
    pub(super) fn accepts(&self, value: &str) -> bool {
        if is_filled_in_later(value) {
            return true;
        }
        match self.form {
            Text => true,
            Integer => value.parse::<u32>().is_ok(),
            Boolean => matches!(
                value,
                "true" | "false" | "True" | "False" | "TRUE" | "FALSE" | "1" | "0" | "t" | "f"
            ),
            Ports => {
                value.is_empty()
                    || value == "*"
                    || value.split(',').all(|port| port.trim().parse::<u16>().is_ok())
            }
        }
    }
}

/// Domains in which Istio reads no other annotations than these.
pub(super) const OWN_DOMAINS: [&str; 6] = [
    "inject.istio.io",
    "networking.istio.io",
    "proxy.istio.io",
    "readiness.status.sidecar.istio.io",
    "sidecar.istio.io",
    "traffic.sidecar.istio.io",
];

use Form::{Boolean, Integer, Ports, Text};
use Maturity::{Alpha, Deprecated, Settled};
use Place::{Any, Kind, Pod};

const KNOWN: &[Known] = &[
    Known::new("ambient.istio.io/redirection", Any, Settled, Text),
    Known::new("inject.istio.io/templates", Pod, Alpha, Text),
    Known::new("istio.io/dry-run", Kind("AuthorizationPolicy"), Alpha, Boolean),
    Known::new("kubernetes.io/ingress.class", Kind("Ingress"), Settled, Text),
    Known::new("networking.istio.io/address-type", Kind("Gateway"), Alpha, Text),
    Known::new("networking.istio.io/exportTo", Kind("Service"), Alpha, Text),
    Known::new("networking.istio.io/service-type", Kind("Gateway"), Alpha, Text),
    Known::new("networking.istio.io/traffic-distribution", Any, Alpha, Text),
    Known::new("prometheus.istio.io/merge-metrics", Pod, Alpha, Boolean),
    Known::new("proxy.istio.io/config", Pod, Settled, Text),
    Known::new("proxy.istio.io/overrides", Pod, Alpha, Text),
    Known::new("readiness.status.sidecar.istio.io/applicationPorts", Pod, Alpha, Ports),
    Known::new("readiness.status.sidecar.istio.io/failureThreshold", Pod, Alpha, Integer),
    Known::new("readiness.status.sidecar.istio.io/initialDelaySeconds", Pod, Alpha, Integer),
    Known::new("readiness.status.sidecar.istio.io/periodSeconds", Pod, Alpha, Integer),
    Known::new("sidecar.istio.io/agentLogLevel", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/bootstrapOverride", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/componentLogLevel", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/controlPlaneAuthPolicy", Pod, Deprecated, Text),
    Known::new("sidecar.istio.io/discoveryAddress", Pod, Deprecated, Text),
    Known::new("sidecar.istio.io/enableCoreDump", Pod, Alpha, Boolean),
    Known::new("sidecar.istio.io/extraStatTags", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/inject", Pod, Settled, Boolean),
    Known::new("sidecar.istio.io/interceptionMode", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/logLevel", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/nativeSidecar", Pod, Settled, Boolean),
    Known::new("sidecar.istio.io/proxyCPU", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/proxyCPULimit", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/proxyImage", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/proxyImageType", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/proxyMemory", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/proxyMemoryLimit", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/rewriteAppHTTPProbers", Pod, Alpha, Boolean),
    Known::new("sidecar.istio.io/statsCompression", Pod, Alpha, Boolean),
    Known::new("sidecar.istio.io/statsHistogramBuckets", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/statsInclusionPrefixes", Pod, Deprecated, Text),
    Known::new("sidecar.istio.io/statsInclusionRegexps", Pod, Deprecated, Text),
    Known::new("sidecar.istio.io/statsInclusionSuffixes", Pod, Deprecated, Text),
    Known::new("sidecar.istio.io/status", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/userVolume", Pod, Alpha, Text),
    Known::new("sidecar.istio.io/userVolumeMount", Pod, Alpha, Text),
    Known::new("status.sidecar.istio.io/port", Pod, Alpha, Integer),
    Known::new("traffic.sidecar.istio.io/excludeInboundPorts", Pod, Alpha, Ports),
    Known::new("traffic.sidecar.istio.io/excludeInterfaces", Pod, Alpha, Text),
    Known::new("traffic.sidecar.istio.io/excludeOutboundIPRanges", Pod, Alpha, Text),
    Known::new("traffic.sidecar.istio.io/excludeOutboundPorts", Pod, Alpha, Ports),
    Known::new("traffic.sidecar.istio.io/includeInboundPorts", Pod, Alpha, Ports),
    Known::new("traffic.sidecar.istio.io/includeOutboundIPRanges", Pod, Alpha, Text),
    Known::new("traffic.sidecar.istio.io/includeOutboundPorts", Pod, Alpha, Ports),
    Known::new("traffic.sidecar.istio.io/kubevirtInterfaces", Pod, Deprecated, Text),
];
