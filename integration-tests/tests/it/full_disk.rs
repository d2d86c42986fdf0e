//! A disk without room: the program says so and ends, and goes on where it was when there is room again.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use airside::https::HttpsClient;
use http::StatusCode;

use crate::processes::{addresses, until};
use crate::program::airside_binary;

/// No file of a program may be larger, in blocks of 512 bytes. That it is not killed for it is asked for first.
const LIMITED: &str = r#"trap "" XFSZ; ulimit -f 12000; exec "$@""#;
const UNLIMITED: &str = r#"exec "$@""#;

fn up(data_dir: &Path, shell: &str) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", shell, "sh"]).arg(airside_binary()).arg("up");
    let data_dir = format!("node.data_dir={}", data_dir.display());
    for setting in [&*data_dir, "api.listen=127.0.0.1:0", "webhook.listen=127.0.0.1:0"] {
        command.args(["--set", setting]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

/// So many events that are told, all of them others than in other bodies.
fn events(body: usize) -> Vec<u8> {
    let event = |number: usize| {
        format!(
            r#"{{"auditID":"{body}-{number}","stage":"ResponseComplete","verb":"create","user":{{"username":"user-{number}"}},"objectRef":{{"resource":"pods","namespace":"shop","name":"pod-{body}-{number}"}},"responseStatus":{{"code":201}},"requestReceivedTimestamp":"2026-03-02T09:00:00Z"}}"#
        )
    };
    let items: Vec<_> = (0..2_000).map(event).collect();
    format!(r#"{{"kind":"EventList","items":[{}]}}"#, items.join(",")).into()
}

/// What the program answers, or nothing where it is gone.
async fn post(data_dir: &Path, body: usize) -> Option<StatusCode> {
    let (_, webhook) = addresses(data_dir).await;
    let ca = std::fs::read_to_string(data_dir.join("tls/ca.crt")).ok()?;
    let key = std::fs::read_to_string(data_dir.join("api-key")).ok()?;
    let mut client = HttpsClient::connect(webhook?, &ca).await.ok()?;
    let answer = client.post("/v1/audit/default", Some(key.trim()), None, events(body)).await;
    Some(answer.ok()?.0)
}

#[tokio::test]
async fn a_program_whose_disk_is_full_says_so_and_ends_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let program = up(&data_dir, LIMITED);
    let mut answers = Vec::new();
    // A disk that takes all of this is none that is full.
    for body in 0..100 {
        match post(&data_dir, body).await {
            Some(status) => answers.push(status),
            None => break,
        }
    }
    assert!(answers.contains(&StatusCode::OK), "{answers:?}");
    let allowed = [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE];
    assert!(answers.iter().all(|status| allowed.contains(status)), "{answers:?}");
    let ended = tokio::task::spawn_blocking(|| program.wait_with_output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    let last = said.lines().last().unwrap_or_default();
    assert!(last.contains("failed") && last.contains("see that its disk has room"), "{last}");

    std::fs::remove_file(data_dir.join("addresses.json")).unwrap();
    let mut program = up(&data_dir, UNLIMITED);
    until("it takes events again", async || {
        post(&data_dir, 1_000).await.filter(StatusCode::is_success)
    })
    .await;
    program.kill().unwrap();
    program.wait().unwrap();
}
