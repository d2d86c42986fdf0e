//! What every `main` does: settings from file, environment and flags; telemetry; run until a signal.

use std::path::PathBuf;
use std::process::ExitCode;

use airside_config::{Section, Settings, Sources};
use airside_service::{Service, ServiceEntry};
use anyhow::Context;

use crate::assemble::{Node, assemble};
use crate::settings::sections;

/// The sections of the six services. One file may serve all processes of a deployment, so a section of a
/// service that runs elsewhere is no mistake.
const SERVICE_SECTIONS: [&str; 6] =
    ["scanner", "admission", "audit-ingest", "runtime-collector", "correlation", "gateway"];

/// Variables of the environment that programs for S3 read, and where they stand among the settings.
const AWS: &str = "AIRSIDE_AUDIT_INGEST__ARCHIVE__OBJECT_STORE__AWS__";
const AWS_VARIABLES: [&str; 15] = [
    "ACCESS_KEY_ID",
    "SECRET_ACCESS_KEY",
    "SESSION_TOKEN",
    "REGION",
    "DEFAULT_REGION",
    "ENDPOINT_URL_S3",
    "ENDPOINT_URL",
    "ENDPOINT_URL_STS",
    "WEB_IDENTITY_TOKEN_FILE",
    "ROLE_ARN",
    "ROLE_SESSION_NAME",
    "CONTAINER_CREDENTIALS_FULL_URI",
    "CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "EC2_METADATA_SERVICE_ENDPOINT",
    "CA_BUNDLE",
];

/// The environment variables that are settings. Only `main` functions ask for them.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars().filter_map(|(name, value)| Some((setting(&name, &value)?, value))).collect()
}

/// The variable of Airside that a variable stands for, if it is a setting.
fn setting(name: &str, value: &str) -> Option<String> {
    match name.strip_prefix("AWS_") {
        // Empty is how scripts take a variable back.
        Some(aws) => {
            let is_setting = AWS_VARIABLES.contains(&aws) && !value.is_empty();
            is_setting.then(|| format!("{AWS}{aws}"))
        }
        None => name.starts_with("AIRSIDE_").then(|| name.to_owned()),
    }
}

/// Loads the settings of a node with these services.
pub fn load_settings(
    services: &[ServiceEntry],
    file: Option<PathBuf>,
    environment: Vec<(String, String)>,
    overrides: serde_json::Value,
) -> anyhow::Result<Settings> {
    let mut all = sections();
    let here = |name: &&str| services.iter().any(|entry| entry.name == *name);
    all.extend(
        SERVICE_SECTIONS.iter().filter(|name| !here(name)).map(|name| Section::foreign(name)),
    );
    all.extend(services.iter().map(ServiceEntry::section));
    Ok(airside_config::load(&all, &Sources { file, environment, overrides })?)
}

/// The async runtime of a process: as many threads as there are processors.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("airside")
        .build()
        .context("the async runtime cannot be started")
}

/// Runs a node until it is told to stop or a service fails. A second signal ends the process at once.
pub async fn run_until_signal(mut node: Node) -> anyhow::Result<()> {
    let failure = tokio::select! {
        error = node.failed() => Some(error),
        signal = stop_signal() => { signal?; None }
    };
    tracing::info!("stopping");
    let stopped = tokio::select! {
        stopped = node.stop() => stopped,
        signal = stop_signal() => { signal?; Err(anyhow::anyhow!("a second signal cut the stop short")) }
    };
    failure.map_or(stopped, Err)
}

/// Waits for SIGINT or SIGTERM.
async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// The whole `main` of a service's own binary: it runs only that service. Takes `--config FILE`; everything
/// else comes from the environment.
pub fn main_one<S: Service>(version: &'static str) -> ExitCode {
    match run_one::<S>(version) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(S::NAME, &error);
            ExitCode::FAILURE
        }
    }
}

fn run_one<S: Service>(version: &'static str) -> anyhow::Result<()> {
    let mut file = None;
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--config") => file = arguments.next().map(PathBuf::from),
            Some("--version") => {
                say(&format!("airside-{} {version}", S::NAME));
                return Ok(());
            }
            _ => {
                say(&format!(
                    "airside-{}: {}\n\nusage: airside-{} [--config FILE]",
                    S::NAME,
                    S::ABOUT,
                    S::NAME
                ));
                anyhow::ensure!(argument == "--help" || argument == "-h", "unknown argument");
                return Ok(());
            }
        }
    }
    let services = [ServiceEntry::of::<S>()];
    let settings = load_settings(&services, file, environment(), serde_json::json!({}))?;
    let telemetry = airside_telemetry::init(&settings.section("telemetry")?, version)?;
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let node = assemble(&services, &settings).await?;
        tracing::info!(service = S::NAME, api = %node.api, "service is running");
        run_until_signal(node).await
    });
    // On a thread of its own: flushing spans needs the runtime's other threads.
    runtime.block_on(async {
        if tokio::task::spawn_blocking(move || telemetry.shutdown()).await.is_err() {
            tracing::warn!("telemetry could not be flushed");
        }
    });
    result
}

#[expect(clippy::print_stdout, reason = "help and version go to standard output")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "the last word of a failed process")]
fn report(name: &str, error: &anyhow::Error) {
    eprintln!("airside-{name}: error: {error:#}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_variables_of_a_cloud_are_settings_of_the_object_store() {
        let role = setting("AWS_ROLE_ARN", "arn");
        assert_eq!(role, Some(format!("{AWS}ROLE_ARN")));
        assert_eq!(setting("AIRSIDE_NODE__BUS", "nats").as_deref(), Some("AIRSIDE_NODE__BUS"));
        for (name, value) in [("AWS_ROLE_ARN", ""), ("AWS_PROFILE", "dev"), ("PATH", "/bin")] {
            assert_eq!(setting(name, value), None, "{name}");
        }
    }
}
