//! Scans and reports that are larger than any message, through a gateway that runs on another node than the
//! scanner.

use std::path::Path;

use airside::client::{ApiChannel, connect_with_key, publish};
use airside::services_named;
use airside_node::{Node, assemble, load_settings};
use airside_types::{Finding, FindingState, Place};
use airside_wire::finding::FindingQuery;
use airside_wire::page::Page;
use airside_wire::scan::stream::{GatheredAnswer, request_parts};
use airside_wire::scan::{Publication, ScanAnswer, ScanReport, ScanRequest, SourceFile};
use airside_wire::v1::findings_service_client::FindingsServiceClient;
use airside_wire::v1::scan_service_client::ScanServiceClient;
use airside_wire::v1::{ListFindingsRequest, ListFindingsResponse};
use serde_json::{Value, json};

use crate::platform::PATIENCE;

/// More than the largest message, and than what a gateway keeps of a request.
const LARGE: usize = 34 << 20;

pub(crate) async fn node(service: &str, folder: &Path, more: Value) -> Node {
    let mut settings = json!({
        "node": { "data_dir": folder.join(service), "store": "memory" },
        "api": { "listen": "127.0.0.1:0", "tls": true },
        "tls": { "folder": folder.join("tls") },
    });
    if let (Some(settings), Value::Object(more)) = (settings.as_object_mut(), more) {
        settings.extend(more);
    }
    let services = services_named(&[service.to_owned()]).expect("the service");
    let settings = load_settings(&services, None, Vec::new(), settings).expect("settings");
    let node = assemble(&services, &settings).await.expect("a node");
    tokio::time::timeout(PATIENCE, node.health.all_ready()).await.expect("a ready node");
    node
}

fn file(path: &str, content: impl Into<Vec<u8>>) -> SourceFile {
    SourceFile { path: path.to_owned(), content: content.into().into() }
}

async fn scan(api: ApiChannel, request: ScanRequest) -> ScanAnswer {
    let parts = futures::stream::iter(request_parts(request));
    let answer = ScanServiceClient::new(api).scan_stream(parts).await.expect("an answer");
    let (mut answer, mut gathered) = (answer.into_inner(), GatheredAnswer::default());
    while let Some(part) = answer.message().await.expect("a part") {
        gathered.take(part).expect("a valid part");
    }
    gathered.finish().expect("a whole answer")
}

async fn open_findings(api: ApiChannel) -> usize {
    let mut client = FindingsServiceClient::new(api);
    let (mut count, mut token) = (0, None);
    loop {
        let state = Some(FindingState::Open);
        let query = FindingQuery { state, page: Page::new(1000, token), ..FindingQuery::default() };
        let answer = client.list_findings(ListFindingsRequest::from(&query)).await;
        let ListFindingsResponse { findings, next_page_token } =
            answer.expect("a page").into_inner();
        count += findings.len();
        if next_page_token.is_empty() {
            return count;
        }
        token = Some(next_page_token);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_larger_than_a_message_passes_through_the_gateway() {
    let folder = tempfile::tempdir().expect("a folder");
    let scanner = node("scanner", folder.path(), json!({})).await;
    let keys = folder.path().join("scanner/keys.toml");
    let shared =
        json!({ "peers": { "scanner": scanner.api_url() }, "auth": { "keys_file": keys } });
    let gateway = node("gateway", folder.path(), shared).await;
    let key = std::fs::read_to_string(folder.path().join("scanner/api-key")).expect("a key");
    let ca = folder.path().join("tls/ca.crt");
    let api = connect_with_key(&gateway.api_url(), key.trim(), Some(&ca)).await.expect("the API");

    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  \
               - {name: web, image: web, securityContext: {privileged: true}}\n";
    let request = ScanRequest {
        files: vec![file("large.yaml", vec![b'#'; LARGE]), file("web.yaml", pod)],
        cluster: Default::default(),
        publish: true,
        failing_severity: None,
    };
    let answer = scan(api.clone(), request).await;
    let found = answer.report.findings.len();
    assert!(found > 0);
    assert_eq!(answer.published.expect("published").opened, found as u64);
    assert_eq!(open_findings(api.clone()).await, found);

    // A report of 5,000 findings that together are larger than a message.
    let finding = &answer.report.findings[0];
    let large = |number: usize| Finding {
        message: "m".repeat(LARGE / 5000),
        place: Place { path: format!("{number}.yaml").into(), ..finding.place.clone() },
        ..finding.clone()
    };
    let findings = (0..5000).map(large).collect();
    let report = ScanReport { findings, ..ScanReport::default() };
    let publication = Publication { report, ..Publication::default() };
    let outcome = publish(api.clone(), publication).await.expect("published");
    assert_eq!(outcome.opened, 5000);
    assert_eq!(open_findings(api).await, found + 5000);
    gateway.stop().await.expect("the gateway stops");
    scanner.stop().await.expect("the scanner stops");
}
