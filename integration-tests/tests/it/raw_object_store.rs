//! Raw events in an object store: whichever intake of a deployment took one in and sealed it, each of them finds it.

use std::process::Command;

use airside_audit_ingest::AwsOptions;
use airside_testkit::ObjectStoreServer;
use airside_wire::raw::{RawQuery, Shown};
use http::StatusCode;
use serde_json::{Value, json};

use crate::platform::{PATIENCE, TestPlatform};
use crate::program::airside_binary;
use crate::raw_records::{event, query, send};

fn keeping_in(server: &ObjectStoreServer, instance: &str) -> Value {
    json!({ "audit-ingest": { "archive": { "seal_after": "1s", "object_store": {
        "url": "s3://raw/airside",
        "endpoint": server.endpoint(),
        "access_key_id": ObjectStoreServer::ACCESS_KEY_ID,
        "secret_access_key": ObjectStoreServer::SECRET_ACCESS_KEY,
        "instance": instance,
    } } } })
}

/// Waits until a cluster's events lie in the bucket.
async fn stored(server: &ObjectStoreServer, cluster: &str) {
    let folder = server.files().join("airside/default").join(cluster);
    let there = async {
        while !folder.try_exists().expect("a folder") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, there).await.expect("the events are brought to the store");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_intake_finds_what_all_of_them_have_sealed() {
    let server = ObjectStoreServer::start().expect("an object store");
    let first = TestPlatform::start_with(keeping_in(&server, "intake-1")).await;
    let exec = event("a-1", 1, |_| ()).to_string();
    assert_eq!(send(&first, "prod", exec.clone()).await, StatusCode::OK);
    stored(&server, "prod").await;

    let second = TestPlatform::start_with(keeping_in(&server, "intake-2")).await;
    let asked = RawQuery { actor: Some("ada".to_owned()), with_raw: true, ..RawQuery::default() };
    let found = query(&second, &asked).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].raw, Shown::AsItCame(exec.into()));
    first.stop().await;

    // What is sealed while the store is away is brought when it is back, also after a restart.
    server.set_away(true);
    let list = event("b-1", 2, |_| ()).to_string();
    assert_eq!(send(&second, "stage", list).await, StatusCode::OK);
    let second = second.restart_after(|| server.set_away(false)).await;
    stored(&server, "stage").await;
    let found = query(&second, &asked).await;
    let ids: Vec<_> = found.iter().map(|record| record.audit_id.as_str()).collect();
    assert_eq!(ids, ["b-1", "a-1"]);
    second.stop().await;
}

/// Runs `airside` with these variables and no others.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String, String) {
    let mut command = Command::new(airside_binary());
    command.args(arguments).env_clear().envs(variables.iter().copied());
    let ended = command.output().expect("the program runs");
    let [out, err] =
        [ended.stdout, ended.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    (ended.status.success(), out, err)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_reads_a_bucket_by_the_settings_or_by_the_usual_variables() {
    let server = ObjectStoreServer::start().expect("an object store");
    let platform = TestPlatform::start_with(keeping_in(&server, "intake-1")).await;
    let exec = event("a-1", 1, |_| ()).to_string();
    assert_eq!(send(&platform, "prod", exec).await, StatusCode::OK);
    stored(&server, "prod").await;
    platform.stop().await;

    let endpoint = server.endpoint();
    let asking = ["raw", "query", "--archive", "s3://raw/airside", "--output", "json"];
    let key = ("AWS_SECRET_ACCESS_KEY", ObjectStoreServer::SECRET_ACCESS_KEY);
    let place = ("AWS_ENDPOINT_URL_S3", endpoint.as_str());
    let variables = [("AWS_ACCESS_KEY_ID", ObjectStoreServer::ACCESS_KEY_ID), key, place];
    let (is_good, out, err) = run(&asking, &variables);
    assert!(is_good && out.contains(r#""a-1""#), "{out}{err}");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("airside.toml");
    let section = format!(
        "[audit-ingest.archive.object_store]\nendpoint = \"{endpoint}\"\naccess_key_id = \"{}\"\n\
         secret_access_key = \"{}\"\nurl = \"s3://raw/airside\"\n",
        ObjectStoreServer::ACCESS_KEY_ID,
        ObjectStoreServer::SECRET_ACCESS_KEY
    );
    std::fs::write(&file, section).expect("a file");
    let with_file = [&asking[..], &["--config", file.to_str().expect("a text")]].concat();
    let (is_good, out, err) = run(&with_file, &[]);
    assert!(is_good && out.contains(r#""a-1""#), "{out}{err}");

    // Who may not is told who it was, and what to do.
    let wrong = [variables[0], ("AWS_SECRET_ACCESS_KEY", "another"), place];
    let (is_good, _, err) = run(&asking, &wrong);
    assert!(!is_good && err.contains("the key `airside-test`"), "{err}");
    assert!(err.contains("`--config`") && err.contains("AWS_ACCESS_KEY_ID"), "{err}");
    let (is_good, _, err) = run(&asking, &[variables[0], place]);
    assert!(!is_good && err.contains("set both or none"), "{err}");
}

#[test]
fn each_variable_of_a_cloud_is_a_setting_that_can_be_seen() {
    let names: Vec<String> = serde_json::to_value(AwsOptions::default())
        .expect("options")
        .as_object()
        .expect("a section")
        .keys()
        .map(|key| format!("AWS_{}", key.to_ascii_uppercase()))
        .collect();
    let variables: Vec<_> = names.iter().map(|name| (name.as_str(), "shown-value")).collect();
    let (is_good, out, err) = run(&["config"], &variables);
    assert!(is_good, "{err}");
    let secrets = ["secret_access_key", "session_token"].len();
    assert_eq!(out.matches("shown-value").count(), names.len() - secrets, "{out}");
}
