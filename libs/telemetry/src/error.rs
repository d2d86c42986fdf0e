//! Why telemetry cannot be set up.

/// Telemetry cannot be set up as the options ask.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter cannot be read.
    #[error(
        "`log` is `{filter}`, which is no filter: write levels by target, such as \
         `warn,airside=info`"
    )]
    LogFilter {
        /// The filter as it was given.
        filter: String,
        /// What its reader says.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// The endpoint is no address that spans can be sent to.
    #[error(
        "`otlp_endpoint` is `{endpoint}`: give the address of a collector's gRPC port without TLS, \
         such as `http://127.0.0.1:4317`"
    )]
    Endpoint {
        /// The endpoint as it was given.
        endpoint: String,
    },
    /// The exporter cannot be built.
    #[error("cannot export spans to `{endpoint}`")]
    Exporter {
        /// The endpoint as it was given.
        endpoint: String,
        /// What the exporter says.
        #[source]
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// Exporting needs a runtime, and there is none: a mistake in the program.
    #[error("spans can be exported from within an async runtime only: call `init` on one")]
    NoRuntime,
    /// The process has a subscriber already: a mistake in the program.
    #[error("the process has a tracing subscriber already: `init` may be called once")]
    AlreadyInitialised,
}
