//! `airside up` and `airside run`: a node from the settings, until a signal.

use airside_node::{assemble, environment, load_settings, run_until_signal, runtime};
use airside_service::ServiceEntry;
use anyhow::Context;
use serde_json::{Map, Value, json};

use crate::cli::{RunArguments, SettingsArguments, UpArguments};
use crate::command::Outcome;
use crate::command::connect::Connection;
use crate::{SERVICES, services_named, show};

/// Runs every service on the embedded bus and store, and prints how to connect a cluster.
pub(super) fn up(arguments: &UpArguments) -> anyhow::Result<Outcome> {
    let mut overrides = overrides(&arguments.settings.set)?;
    if let Some(folder) = &arguments.data_dir {
        set(&mut overrides, "node.data_dir", json!(folder))?;
    }
    serve(&SERVICES, &arguments.settings, overrides, true)
}

/// Runs the named services over NATS JetStream.
pub(super) fn run(arguments: &RunArguments) -> anyhow::Result<Outcome> {
    let services = services_named(&arguments.services)?;
    let mut overrides = json!({ "node": { "bus": "nats" } });
    for (key, value) in parsed(&arguments.settings.set)? {
        set(&mut overrides, &key, value)?;
    }
    serve(&services, &arguments.settings, overrides, false)
}

fn serve(
    services: &[ServiceEntry],
    arguments: &SettingsArguments,
    overrides: Value,
    explain: bool,
) -> anyhow::Result<Outcome> {
    let settings = load_settings(services, arguments.config.clone(), environment(), overrides)?;
    let telemetry =
        airside_telemetry::init(&settings.section("telemetry")?, env!("CARGO_PKG_VERSION"))?;
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let node = assemble(services, &settings).await?;
        if explain {
            show::print(&Connection::of(&node, &settings)?.to_string())?;
        } else {
            let names = services.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
            tracing::info!(services = names, api = %node.api, "node is running");
        }
        run_until_signal(node).await
    });
    runtime.block_on(async {
        if tokio::task::spawn_blocking(move || telemetry.shutdown()).await.is_err() {
            tracing::warn!("telemetry could not be flushed");
        }
    });
    result.map(|()| Outcome::Good)
}

/// The settings that `--set` gives, as a tree.
pub(super) fn overrides(assignments: &[String]) -> anyhow::Result<Value> {
    let mut tree = Value::Object(Map::new());
    for (key, value) in parsed(assignments)? {
        set(&mut tree, &key, value)?;
    }
    Ok(tree)
}

fn parsed(assignments: &[String]) -> anyhow::Result<Vec<(String, Value)>> {
    assignments
        .iter()
        .map(|assignment| {
            let (key, text) = assignment
                .split_once('=')
                .with_context(|| format!("`--set {assignment}` gives no value: write KEY=VALUE"))?;
            // Numbers, booleans and lists as in JSON; everything else is text.
            let value = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
            Ok((key.to_owned(), value))
        })
        .collect()
}

fn set(tree: &mut Value, key: &str, value: Value) -> anyhow::Result<()> {
    let mut at = tree;
    for part in key.split('.') {
        anyhow::ensure!(!part.is_empty(), "`{key}` is no setting: write section.key");
        let Value::Object(fields) = at else {
            anyhow::bail!("`{key}` is set twice, once as a value and once as a section");
        };
        at = fields.entry(part).or_insert_with(|| Value::Object(Map::new()));
    }
    *at = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_become_a_tree() {
        let given = ["node.partitions=8", "api.listen=127.0.0.1:0", "api.tls=true"];
        let given = given.map(str::to_owned);
        assert_eq!(
            overrides(&given).unwrap(),
            json!({ "node": { "partitions": 8 }, "api": { "listen": "127.0.0.1:0", "tls": true } })
        );
        assert!(overrides(&["node".to_owned()]).is_err());
        assert!(overrides(&["a=1".to_owned(), "a.b=2".to_owned()]).is_err());
    }
}
