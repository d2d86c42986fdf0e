//! The W3C trace context: `traceparent` as it travels in headers of HTTP, gRPC and the log.
//!
//! Form: `00-<32 hex: trace>-<16 hex: span>-<2 hex: flags>` (<https://www.w3.org/TR/trace-context/>).

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The length of a `traceparent` of version 00, in bytes.
const LENGTH: usize = 55;

/// The `traceparent` of the current span, to be sent with what it causes. Absent outside any span of
/// Airside, and where no subscriber makes trace ids.
pub fn parent_of_current() -> Option<String> {
    let shown = |context: &Context| {
        let span = context.span();
        let current = span.span_context();
        let flags = current.trace_flags() & TraceFlags::SAMPLED;
        current
            .is_valid()
            .then(|| format!("00-{}-{}-{flags:02x}", current.trace_id(), current.span_id()))
    };
    // The current span may be a dependency's that is logged but not traced: then the one around it counts.
    shown(&Span::current().context()).or_else(|| shown(&Context::current()))
}

/// Makes a span the continuation of the trace that a `traceparent` names, and says whether it is. An absent
/// or malformed one is ignored, as the standard demands: the span then begins a trace or stays in its own.
///
/// Call it right after the span was made: a span that was entered once keeps its parent. `#[instrument]`
/// enters at once, so a handler that continues a trace makes its span by hand.
pub fn continue_from(span: &Span, trace_parent: Option<&str>) -> bool {
    let Some(parent) = trace_parent.and_then(parse) else { return false };
    let remote = SpanContext::new(
        TraceId::from_bytes(parent.trace.to_be_bytes()),
        SpanId::from_bytes(parent.span.to_be_bytes()),
        TraceFlags::new(parent.flags) & TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    span.set_parent(Context::new().with_remote_span_context(remote)).is_ok()
}

/// The trace id of a `traceparent`, as 32 hexadecimal digits; nothing if it is malformed.
pub fn trace_id(trace_parent: &str) -> Option<&str> {
    parse(trace_parent)?;
    trace_parent.get(3..35)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TraceParent {
    trace: u128,
    span: u64,
    flags: u8,
}

/// Reads a `traceparent` strictly: lower-case digits, no zero ids. Later versions may have more parts.
fn parse(text: &str) -> Option<TraceParent> {
    let lower_hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let mut parts = text.split('-');
    let mut part = |length: usize| parts.next().filter(|p| p.len() == length && lower_hex(p));
    let version = part(2).filter(|version| *version != "ff")?;
    let trace = u128::from_str_radix(part(32)?, 16).ok().filter(|id| *id != 0)?;
    let span = u64::from_str_radix(part(16)?, 16).ok().filter(|id| *id != 0)?;
    let flags = u8::from_str_radix(part(2)?, 16).ok()?;
    (version != "00" || text.len() == LENGTH).then_some(TraceParent { trace, span, flags })
}

#[cfg(test)]
mod tests;
