//! The catalogue over gRPC: by the terms of the caller's tenant, with the text that `airside explain` prints, also
//! through a gateway on another node.

use airside::client::{ApiChannel, connect_with_key};
use airside_wire::catalogue::{CheckQuery, severity_number};
use airside_wire::v1;
use airside_wire::v1::catalogue_service_client::CatalogueServiceClient;
use serde_json::{Value, json};
use tonic::Code;

use crate::platform::TestPlatform;
use crate::program::airside_binary;
use crate::streams::node;

const PROJECT: &str =
    "[severity]\nhost-pid = \"low\"\n\n[checks]\ndisable = [\"privileged-container\"]\n";

type Client = CatalogueServiceClient<ApiChannel>;

async fn listed(client: &mut Client, query: CheckQuery) -> Vec<v1::Check> {
    let request = v1::ListChecksRequest::from(&query);
    client.list_checks(request).await.expect("a list").into_inner().checks
}

async fn explained(client: &mut Client, check: &str) -> Result<Vec<v1::Lesson>, tonic::Status> {
    let request = v1::ExplainCheckRequest { check: check.to_owned() };
    Ok(client.explain_check(request).await?.into_inner().lessons)
}

fn printed(arguments: &[&str]) -> String {
    let mut program = std::process::Command::new(airside_binary());
    let output = program.args(arguments).output().expect("the program runs");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_what_the_command_line_tells_by_the_terms_of_the_tenant() {
    let folder = tempfile::tempdir().expect("a folder");
    let project = folder.path().join("project.toml");
    std::fs::write(&project, PROJECT).expect("a file");
    let settings = json!({ "node": { "store": "memory" }, "terms": { "project": project } });
    let platform = TestPlatform::start_with(settings).await;
    let mut client = CatalogueServiceClient::new(platform.api().await);

    let all: Value = serde_json::from_str(&printed(&["checks", "--output", "json"])).expect("JSON");
    let all = all.as_array().expect("checks");
    let checks = listed(&mut client, CheckQuery::default()).await;
    let ids: Vec<_> = checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!(ids, all.iter().map(|it| it["id"].as_str().expect("an id")).collect::<Vec<_>>());
    let of = |id: &str| checks.iter().find(|check| check.id == id).expect("the check");
    let low = severity_number(airside_types::Severity::Low);
    assert_eq!((of("host-pid").severity, of("host-pid").counts), (low, true));
    assert!(!of("privileged-container").counts);
    let counting = CheckQuery { counting: true, ..CheckQuery::default() };
    assert_eq!(listed(&mut client, counting).await.len(), checks.len() - 1);

    for (name, title) in [("host-pid", "host-pid"), ("trivy:KSV-0017", "privileged-container")] {
        let lessons = explained(&mut client, name).await.expect("lessons");
        let text: String = lessons.iter().map(|lesson| lesson.text.as_str()).collect();
        assert_eq!(text, printed(&["explain", name]));
        let [lesson] = lessons.as_slice() else { panic!("one lesson: {lessons:#?}") };
        let entry = all.iter().find(|it| it["id"] == title).expect("the check");
        assert_eq!((&json!(lesson.why), &json!(lesson.yaml)), (&entry["why"], &entry["yaml"]));
        assert!(printed(&["checks", "--output", "markdown"]).contains(&lesson.markdown), "{name}");
    }
    let error = explained(&mut client, "host-pidd").await.expect_err("no check");
    assert_eq!(error.code(), Code::NotFound);
    assert!(
        error.message().contains("there is no check `host-pidd`; did you mean host-pid"),
        "{error}"
    );
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_and_frameworks_choose_checks_and_a_gateway_passes_the_questions_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let scanner = node("scanner", folder.path(), json!({})).await;
    let keys = folder.path().join("scanner/keys.toml");
    let shared =
        json!({ "peers": { "scanner": scanner.api_url() }, "auth": { "keys_file": keys } });
    let gateway = node("gateway", folder.path(), shared).await;
    let key = std::fs::read_to_string(folder.path().join("scanner/api-key")).expect("a key");
    let ca = folder.path().join("tls/ca.crt");
    let api = connect_with_key(&gateway.api_url(), key.trim(), Some(&ca)).await.expect("the API");
    let mut client = CatalogueServiceClient::new(api);

    let profiles = client.list_profiles(v1::ListProfilesRequest {}).await.expect("a list");
    let profiles = profiles.into_inner().profiles;
    let names: Vec<_> = profiles.iter().map(|profile| profile.id.as_str()).collect();
    assert_eq!(names, ["default", "security", "baseline", "restricted", "strict"]);
    let baseline = CheckQuery { profile: Some("baseline".to_owned()), ..CheckQuery::default() };
    let of_baseline = listed(&mut client, baseline).await;
    let ids: Vec<_> = of_baseline.iter().map(|check| check.id.clone()).collect();
    assert_eq!(ids, profiles[2].checks);

    let name = || "nsa-cisa".to_owned();
    let request = v1::ListFrameworksRequest { framework: name() };
    let frameworks = client.list_frameworks(request).await.expect("a list").into_inner().frameworks;
    let [framework] = frameworks.as_slice() else { panic!("one framework: {frameworks:#?}") };
    let query = CheckQuery { framework: Some(name()), ..CheckQuery::default() };
    let of_framework = listed(&mut client, query).await;
    let speaks = |id: &String| framework.controls.iter().any(|it| it.checks.contains(id));
    assert!(!of_framework.is_empty() && of_framework.iter().all(|check| speaks(&check.id)));
    let all = client.list_frameworks(v1::ListFrameworksRequest::default()).await.expect("a list");
    assert!(all.into_inner().frameworks.len() > 10);

    for query in [
        CheckQuery { profile: Some("strickt".to_owned()), ..CheckQuery::default() },
        CheckQuery { framework: Some("nsa".to_owned()), ..CheckQuery::default() },
        CheckQuery { category: Some("networks".to_owned()), ..CheckQuery::default() },
    ] {
        let request = v1::ListChecksRequest::from(&query);
        let error = client.list_checks(request).await.expect_err("no such name");
        assert_eq!(error.code(), Code::NotFound, "{query:?}");
        assert!(error.message().contains("; did you mean "), "{query:?}: {error}");
    }
    gateway.stop().await.expect("the gateway stops");
    scanner.stop().await.expect("the scanner stops");
}
