//! What was granted and never used: an API server's events say which binding allowed each request, and `airside access`
//! holds that against the bindings that there are.

use std::io::Write;
use std::process::{Command, Stdio};

use airside_wire::used_grant::UsedGrants;
use airside_wire::v1::ListUsedGrantsRequest;
use airside_wire::v1::used_grants_service_client::UsedGrantsServiceClient;
use http::StatusCode;
use serde_json::{Value, json};

use crate::platform::TestPlatform;
use crate::processes::until;
use crate::program::airside_binary;

const BINDINGS: &str = r#"apiVersion: v1
kind: List
items:
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: { name: devs, namespace: shop }
  roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: dev }
  subjects: [{ kind: Group, name: devs }]
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRoleBinding
  metadata: { name: old-admin }
  roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin }
  subjects: [{ kind: ServiceAccount, name: deployer, namespace: ci }]
"#;

fn event() -> Value {
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "a-1",
        "stage": "ResponseComplete", "verb": "get", "requestURI": "/api/v1/namespaces/shop/pods/web-1",
        "user": { "username": "ada", "groups": ["devs", "system:authenticated"] },
        "sourceIPs": ["192.0.2.7"], "userAgent": "kubectl/v1.33.0",
        "objectRef": { "resource": "pods", "namespace": "shop", "name": "web-1", "apiVersion": "v1" },
        "responseStatus": { "code": 200 },
        "annotations": {
            "authorization.k8s.io/decision": "allow",
            "authorization.k8s.io/reason": r#"RBAC: allowed by RoleBinding "devs/shop" of Role "dev" to Group "devs""#,
        },
        "requestReceivedTimestamp": "2026-01-31T10:01:00.000000Z",
        "stageTimestamp": "2026-01-31T10:01:00.100000Z",
    })
}

async fn used(platform: &TestPlatform) -> UsedGrants {
    let mut client = UsedGrantsServiceClient::new(platform.api().await);
    let request = ListUsedGrantsRequest { cluster: "prod".to_owned() };
    let answer = client.list_used_grants(request).await.expect("an answer");
    answer.into_inner().try_into().expect("used grants")
}

/// Asks until something was used: the owner folds a moment after the batch was answered.
async fn used_when_folded(platform: &TestPlatform) -> UsedGrants {
    until("the events are folded", async || {
        let used = used(platform).await;
        (!used.grants.is_empty()).then_some(used)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_that_no_request_needed_is_told_also_after_a_restart() {
    let settings = json!({ "node": { "store": "sled", "store_cache": "4MiB" } });
    let platform = TestPlatform::start_with(settings).await;
    let list = airside::delivery::event_list(&[event()]).to_string();
    let key = platform.connection.api_key.clone();
    let mut webhook = platform.webhook().await;
    let sent = webhook.post("/v1/audit/prod", Some(&key), None, list.into_bytes()).await;
    assert_eq!(sent.expect("an answer").0, StatusCode::OK);
    let before = used_when_folded(&platform).await;
    let platform = platform.restart().await;
    assert_eq!(used(&platform).await, before);

    let mut program = Command::new(airside_binary());
    program.args(["access", "-", "--unused", "--output", "json", "--cluster", "prod"]);
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    std::fs::write(&key, &platform.connection.api_key).expect("a file");
    program.args(["--server", &platform.connection.api, "--api-key-file"]).arg(&key);
    let asked = tokio::task::spawn_blocking(move || {
        let stdio = program.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = stdio.spawn().expect("the program runs");
        let mut input = child.stdin.take().expect("its input");
        input.write_all(BINDINGS.as_bytes()).expect("it reads");
        drop(input);
        child.wait_with_output().expect("it ends")
    });
    let output = asked.await.expect("it ends");
    assert!(output.status.success());
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        told["bindings"],
        json!([{
            "kind": "ClusterRoleBinding", "namespace": null, "name": "old-admin",
            "role": "ClusterRole cluster-admin", "subjects": ["ServiceAccount ci/deployer"],
            "first_used": null, "last_used": null,
        }])
    );
    platform.stop().await;
}

/// The bindings, as an API server lists them that has had them for long.
fn aged() -> String {
    BINDINGS.replace("{ name:", "{ creationTimestamp: '2025-01-01T00:00:00Z', name:")
}

/// Runs the program in a folder, with these arguments after `airside`.
fn run(folder: &std::path::Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut program = Command::new(airside_binary());
    let output = program.current_dir(folder).args(arguments).output().expect("the program runs");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_used_is_a_finding_at_the_line_of_its_manifest() {
    let platform = TestPlatform::start().await;
    let list = airside::delivery::event_list(&[event()]).to_string();
    let key = platform.connection.api_key.clone();
    let mut webhook = platform.webhook().await;
    let sent = webhook.post("/v1/audit/prod", Some(&key), None, list.into_bytes()).await;
    assert_eq!(sent.expect("an answer").0, StatusCode::OK);
    used_when_folded(&platform).await;

    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a file");
    };
    write("key", &key);
    write("cluster.yaml", &aged());
    write("rbac.yaml", BINDINGS);
    let (path, server) = (folder.path().to_owned(), platform.connection.api.clone());
    let told = tokio::task::spawn_blocking(move || {
        let access = ["access", "cluster.yaml", "--cluster", "prod", "--export", "grants.json"];
        let (status, _, problem) =
            run(&path, &[&access[..], &["--server", &server, "--api-key-file", "key"]].concat());
        assert_eq!(status, Some(0), "{problem}");
        let scan = ["scan", "rbac.yaml", "--exit-zero", "--output", "json"];
        let scan = [&scan[..], &["--used-grants", "grants.json"]].concat();
        let of_today = run(&path, &scan);
        // The same export of a cluster that was looked at for longer than a test lasts.
        let exported = std::fs::read_to_string(path.join("grants.json")).expect("the export");
        let mut exported: Value = serde_json::from_str(&exported).expect("JSON");
        exported["since"] = json!("2025-01-01T00:00:00Z");
        std::fs::write(path.join("grants.json"), exported.to_string()).expect("a file");
        // Of the cluster that is scanned it has to be; nobody is there to be asked in this test.
        let live = ["scan", "--live", "--kubeconfig", "none", "--used-grants", "grants.json"];
        let (status, _, problem) = run(&path, &live);
        assert_eq!(status, Some(2), "{problem}");
        let refused = "`grants.json` tells which bindings cluster `prod` needed, and this scan is of cluster `default`: give `--cluster prod`";
        assert!(problem.contains(refused), "{problem}");
        let (_, _, problem) = run(&path, &[&live[..], &["--cluster", "prod"]].concat());
        assert!(!problem.contains("this scan is of"), "{problem}");
        assert!(problem.contains("use of bindings: cluster `prod` as grants.json"), "{problem}");
        (of_today, run(&path, &scan))
    });
    let (of_today, later) = told.await.expect("it ends");
    let unused = |(_, text, problem): (Option<i32>, String, String)| {
        let told: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} {problem}"));
        let of_check = |list: &str| {
            let all = told[list].as_array().expect("a list").clone();
            all.into_iter().filter(|it| it["check"] == "unused-binding").collect::<Vec<_>>()
        };
        (of_check("findings"), of_check("not_evaluated"))
    };
    let (found, unknown) = unused(of_today);
    assert_eq!((found.len(), unknown.len()), (0, 1), "a day says nothing");
    let (found, unknown) = unused(later);
    let shown: Vec<_> = found.iter().map(|it| (&it["location"]["line"], &it["severity"])).collect();
    assert_eq!(shown, [(&json!(12), &json!("low"))], "{found:?} {unknown:?}");
    let message = found.first().and_then(|it| it["message"].as_str()).unwrap_or_default();
    let said = "binding `old-admin` grants ClusterRole `cluster-admin`, and no request in cluster `prod` needed it since 20";
    assert!(message.starts_with(said), "{message}");
    platform.stop().await;
}
