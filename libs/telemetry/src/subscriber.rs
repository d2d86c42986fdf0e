//! Sets the process's tracing subscriber: log lines to standard error, spans to OpenTelemetry.
//!
//! The two have filters of their own. What is logged is the operator's choice; Airside's own spans always
//! exist, so that every record has a trace id whatever the log level is.

use std::io::IsTerminal as _;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, fmt};

use crate::error::TelemetryError;
use crate::options::{LogFormat, Options};

/// How long a collector may take to accept a batch of spans.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long [`Handle::shutdown`] waits for the last spans to go out.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// The beginning of the targets of Airside's own crates.
const OWN_TARGETS: &str = "airside";

/// Sets the process's subscriber. Call it once, from `main`, on the async runtime if spans are exported.
///
/// # Errors
/// What is wrong with the options; [`TelemetryError::AlreadyInitialised`] on a second call.
pub fn init(options: &Options, version: &str) -> Result<Handle, TelemetryError> {
    let provider = tracer_provider(options, version)?;
    let log = EnvFilter::try_new(&options.log)
        .map_err(|source| TelemetryError::LogFilter { filter: options.log.clone(), source })?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match options.log_format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(log))
        .with(spans(&provider))
        .try_init()
        .map_err(|_| TelemetryError::AlreadyInitialised)?;
    Ok(Handle { provider })
}

/// Keeps what has to be flushed when the process ends.
#[derive(Debug)]
#[must_use = "the last spans are lost without `shutdown`"]
pub struct Handle {
    provider: SdkTracerProvider,
}

impl Handle {
    /// Sends the last spans, for at most five seconds, and stops. It blocks: call it with `spawn_blocking`,
    /// and never from the only thread of a runtime, which would wait for itself.
    pub fn shutdown(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(SHUTDOWN_TIMEOUT) {
            tracing::warn!(%error, "some spans were not sent");
        }
    }
}

/// Makes spans, and exports them in batches from a thread of its own if there is an endpoint. Without one
/// spans still have ids, and end nowhere.
fn tracer_provider(options: &Options, version: &str) -> Result<SdkTracerProvider, TelemetryError> {
    let resource = Resource::builder_empty()
        .with_service_name(options.service_name.clone())
        .with_attribute(KeyValue::new("service.version", version.to_owned()))
        .build();
    let builder = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
    Ok(match &options.otlp_endpoint {
        Some(endpoint) => builder.with_batch_exporter(exporter(endpoint)?).build(),
        None => builder.build(),
    })
}

fn exporter(endpoint: &str) -> Result<SpanExporter, TelemetryError> {
    let named = || endpoint.to_owned();
    if !endpoint.starts_with("http://") {
        return Err(TelemetryError::Endpoint { endpoint: named() });
    }
    tokio::runtime::Handle::try_current().map_err(|_| TelemetryError::NoRuntime)?;
    SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|source| TelemetryError::Exporter { endpoint: named(), source })
}

/// The layer that gives Airside's own spans their ids.
pub(crate) fn spans<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(OWN_TARGETS))
        .with_filter(filter_fn(is_traced).with_max_level_hint(LevelFilter::INFO))
}

/// Airside's own spans from `info`, with the events of `warn` and worse that happen in them.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    let enough = if metadata.is_span() { LevelFilter::INFO } else { LevelFilter::WARN };
    metadata.target().starts_with(OWN_TARGETS) && *metadata.level() <= enough
}

#[cfg(test)]
mod tests;
