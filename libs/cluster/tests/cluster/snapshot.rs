//! One list of everything.

use airside_k8s::json;
use airside_ports::ClusterFeed;

use crate::api_server::{ApiServer, CONFIG_MAPS, SECRETS, config_map, failure};

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let server = ApiServer::serving(&[("configmaps", "ConfigMap")]).await;
    server.list(CONFIG_MAPS, "", "page-2", &[config_map("a", "1", "x"), config_map("b", "2", "x")]);
    server.list(CONFIG_MAPS, "7", "", &[config_map("c", "3", "x")]);
    let snapshot = server.cluster().snapshot(&[]).await.unwrap();
    let names: Vec<_> = snapshot.objects.iter().map(|it| &it["metadata"]["name"]).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let queries: Vec<String> =
        server.asked(CONFIG_MAPS, false).into_iter().map(|it| it.query).collect();
    assert_eq!(queries.len(), 2, "{queries:?}");
    assert!(queries.iter().all(|query| query.contains("limit=500")), "{queries:?}");
    assert!(queries[1].contains("continue=page-2"), "{queries:?}");
    assert_eq!(server.asked(CONFIG_MAPS, true).len(), 0, "nothing is watched");
}

#[tokio::test]
async fn a_list_whose_pages_are_too_old_is_begun_anew() {
    let server = ApiServer::serving(&[("configmaps", "ConfigMap")]).await;
    server.list(CONFIG_MAPS, "", "page-2", &[config_map("gone", "1", "x")]);
    server.answer(CONFIG_MAPS, 410, failure(410, "the continue parameter is too old"));
    server.list(CONFIG_MAPS, "9", "", &[config_map("new", "8", "x")]);
    let snapshot = server.cluster().snapshot(&[]).await.unwrap();
    let names: Vec<_> = snapshot.objects.iter().map(|it| &it["metadata"]["name"]).collect();
    assert_eq!(names, ["new"]);
}

#[tokio::test]
async fn of_secrets_only_the_metadata_is_asked_for_and_kept() {
    let server = ApiServer::serving(&[("secrets", "Secret")]).await;
    let last_applied = r#"{"stringData":{"password":"opensesame"}}"#;
    let secret = json!({
        "metadata": {
            "name": "door", "namespace": "shop", "resourceVersion": "3", "labels": { "app": "web" },
            "annotations": { "kubectl.kubernetes.io/last-applied-configuration": last_applied },
        },
        "data": { "password": "b3BlbnNlc2FtZQ==" },
    });
    server.list(SECRETS, "7", "", &[secret]);
    let snapshot = server.cluster().snapshot(&[]).await.unwrap();
    let asked = server.asked(SECRETS, false);
    assert!(asked[0].accept.contains("as=PartialObjectMetadata"), "{asked:?}");
    assert_eq!(
        snapshot.objects,
        [json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": "door", "namespace": "shop", "labels": { "app": "web" }, "annotations": {},
            },
        })]
    );
}

#[tokio::test]
async fn what_is_refused_is_told_and_the_rest_is_read() {
    let server = ApiServer::serving(&[("configmaps", "ConfigMap"), ("secrets", "Secret")]).await;
    server.list(CONFIG_MAPS, "7", "", &[config_map("a", "1", "x")]);
    server.answer(SECRETS, 403, failure(403, "secrets is forbidden: User \"it\" cannot list"));
    let snapshot = server.cluster().snapshot(&[]).await.unwrap();
    assert_eq!(snapshot.objects.len(), 1);
    let unlisted = &snapshot.unlisted[0];
    assert_eq!(unlisted.scope.to_string(), "Secret (v1)");
    assert_eq!(unlisted.reason, "secrets is forbidden: User \"it\" cannot list");
    assert!(unlisted.is_refused);
}

#[tokio::test]
async fn an_api_that_is_down_hides_no_other() {
    let server = ApiServer::serving(&[("configmaps", "ConfigMap")]).await;
    let group = json!({
        "name": "metrics.example", "versions": [{ "groupVersion": "metrics.example/v1", "version": "v1" }],
        "preferredVersion": { "groupVersion": "metrics.example/v1", "version": "v1" },
    });
    server.answer_instead("/apis", 200, json!({ "kind": "APIGroupList", "groups": [group] }));
    server.answer("/apis/metrics.example/v1", 503, failure(503, "no endpoints"));
    server.list(CONFIG_MAPS, "7", "", &[config_map("a", "1", "x")]);
    let snapshot = server.cluster().snapshot(&[]).await.unwrap();
    assert_eq!(snapshot.objects.len(), 1);
}

#[tokio::test]
async fn a_server_that_does_not_say_what_it_serves_is_named() {
    let server = ApiServer::serving(&[]).await;
    server.answer_instead("/apis", 401, failure(401, "Unauthorized"));
    let error = server.cluster().snapshot(&[]).await.unwrap_err().to_string();
    assert!(error.starts_with("the API server at http://127.0.0.1:"), "{error}");
}
