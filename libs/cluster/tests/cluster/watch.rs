//! Following changes, through everything that breaks a watch off.

use airside_k8s::{Value, json};
use airside_ports::{ClusterChange, ClusterFeed, ClusterWatch};

use crate::api_server::{ApiServer, CONFIG_MAPS, SECRETS, config_map, failure};

/// The next change, in a form that is easily compared.
async fn told(watch: &mut dyn ClusterWatch) -> String {
    let named = |object: &Value| {
        format!("{}={}", object["metadata"]["name"].as_str().unwrap(), object["data"]["mode"])
    };
    match watch.next().await.expect("the watch goes on") {
        ClusterChange::Listed { scope, objects } => {
            let objects: Vec<String> = objects.iter().map(named).collect();
            format!("listed {}: {}", scope.kind.kind, objects.join(" "))
        }
        ClusterChange::Changed(object) => format!("changed {}", named(&object)),
        ClusterChange::Removed(object) => format!("removed {}", named(&object)),
        ClusterChange::Unlisted(unlisted) => format!("unlisted {}", unlisted.reason),
        ClusterChange::Complete => "complete".to_owned(),
    }
}

async fn started(server: &ApiServer) -> Box<dyn ClusterWatch> {
    let mut watch = server.cluster().watch().await.unwrap();
    assert_eq!(told(watch.as_mut()).await, "listed ConfigMap: a=\"one\"");
    assert_eq!(told(watch.as_mut()).await, "complete");
    watch
}

async fn config_maps() -> ApiServer {
    let server = ApiServer::serving(&[("configmaps", "ConfigMap")]).await;
    server.list(CONFIG_MAPS, "10", "", &[config_map("a", "1", "one")]);
    server
}

#[tokio::test]
async fn changes_follow_the_list() {
    let server = config_maps().await;
    let lines = server.watch(CONFIG_MAPS);
    let mut watch = started(&server).await;
    lines.send("ADDED", &config_map("b", "11", "one"));
    lines.send("MODIFIED", &config_map("a", "12", "two"));
    lines.send("DELETED", &config_map("b", "13", "one"));
    assert_eq!(told(watch.as_mut()).await, "changed b=\"one\"");
    assert_eq!(told(watch.as_mut()).await, "changed a=\"two\"");
    assert_eq!(told(watch.as_mut()).await, "removed b=\"one\"");
    let asked = &server.asked(CONFIG_MAPS, true)[0].query;
    assert!(asked.contains("resourceVersion=10"), "{asked}");
    assert!(asked.contains("allowWatchBookmarks=true"), "{asked}");
}

#[tokio::test]
async fn a_watch_that_ends_goes_on_from_its_last_bookmark() {
    let server = config_maps().await;
    let first = server.watch(CONFIG_MAPS);
    let second = server.watch(CONFIG_MAPS);
    let mut watch = started(&server).await;
    let bookmark = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "resourceVersion": "50" },
    });
    first.send("BOOKMARK", &bookmark);
    drop(first);
    second.send("MODIFIED", &config_map("a", "51", "two"));
    assert_eq!(told(watch.as_mut()).await, "changed a=\"two\"");
    let asked = &server.asked(CONFIG_MAPS, true)[1].query;
    assert!(asked.contains("resourceVersion=50"), "{asked}");
    assert_eq!(server.asked(CONFIG_MAPS, false).len(), 1, "nothing is listed again");
}

#[tokio::test]
async fn a_watch_that_is_too_old_lists_anew() {
    let server = ApiServer::serving(&[("configmaps", "ConfigMap")]).await;
    server.list(CONFIG_MAPS, "10", "", &[config_map("a", "1", "one")]);
    server.list(CONFIG_MAPS, "90", "", &[config_map("c", "80", "new")]);
    let first = server.watch(CONFIG_MAPS);
    let second = server.watch(CONFIG_MAPS);
    let mut watch = started(&server).await;
    first.send("ERROR", &failure(410, "too old resource version"));
    assert_eq!(told(watch.as_mut()).await, "listed ConfigMap: c=\"new\"");
    second.send("MODIFIED", &config_map("c", "91", "newer"));
    assert_eq!(told(watch.as_mut()).await, "changed c=\"newer\"");
    let asked = &server.asked(CONFIG_MAPS, true)[1].query;
    assert!(asked.contains("resourceVersion=90"), "{asked}");
}

#[tokio::test]
async fn a_server_that_fails_for_a_while_is_asked_again() {
    let server = config_maps().await;
    server.refuse_watch(CONFIG_MAPS, 500, "etcd has no leader");
    server.refuse_watch(CONFIG_MAPS, 500, "etcd has no leader");
    let lines = server.watch(CONFIG_MAPS);
    let mut watch = started(&server).await;
    lines.send("MODIFIED", &config_map("a", "11", "two"));
    assert_eq!(told(watch.as_mut()).await, "changed a=\"two\"");
    assert_eq!(server.asked(CONFIG_MAPS, true).len(), 3);
}

#[tokio::test]
async fn a_kind_that_is_refused_does_not_hold_up_the_others() {
    let server = ApiServer::serving(&[("configmaps", "ConfigMap"), ("secrets", "Secret")]).await;
    server.list(CONFIG_MAPS, "10", "", &[config_map("a", "1", "one")]);
    server.answer(SECRETS, 403, failure(403, "secrets is forbidden"));
    let lines = server.watch(CONFIG_MAPS);
    let mut watch = server.cluster().watch().await.unwrap();
    let mut first = vec![told(watch.as_mut()).await, told(watch.as_mut()).await];
    first.sort();
    assert_eq!(first, ["listed ConfigMap: a=\"one\"", "unlisted secrets is forbidden"]);
    assert_eq!(told(watch.as_mut()).await, "complete");
    lines.send("MODIFIED", &config_map("a", "11", "two"));
    assert_eq!(told(watch.as_mut()).await, "changed a=\"two\"");
}

fn definition(name: &str, established: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": name, "resourceVersion": "11" },
        "status": { "conditions": [{ "type": "Established", "status": established }] },
    })
}

#[tokio::test]
async fn a_watch_ends_when_other_kinds_are_served_so_that_they_are_read_too() {
    const DEFINITIONS: &str = "/api/v1/customresourcedefinitions";
    let server =
        ApiServer::serving(&[("customresourcedefinitions", "CustomResourceDefinition")]).await;
    server.list(DEFINITIONS, "10", "", &[definition("old", "True")]);
    let lines = server.watch(DEFINITIONS);
    let mut watch = server.cluster().watch().await.unwrap();
    assert_eq!(told(watch.as_mut()).await, "listed CustomResourceDefinition: old=null");
    assert_eq!(told(watch.as_mut()).await, "complete");
    lines.send("MODIFIED", &definition("old", "True"));
    lines.send("ADDED", &definition("new", "False"));
    lines.send("MODIFIED", &definition("new", "True"));
    for change in ["changed old=null", "changed new=null", "changed new=null"] {
        assert_eq!(told(watch.as_mut()).await, change);
    }
    assert_eq!(watch.next().await, None);
}
