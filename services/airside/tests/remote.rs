//! `airside scan --remote` beside a scan here: the same inputs, the same outputs, the same exit codes.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "harness/folder.rs"]
mod folder;

use airside_node::{Node, assemble, load_settings};
use folder::Folder;
use serde_json::json;

const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {team: payments}}
spec:
  hostPID: true # airside:ignore host-pid: reads the processes of the node
  hostNetwork: true # airside:ignore host-ipc: covers nothing
  containers: [{name: web, image: 'registry.example/web:1.2.3', securityContext: {privileged: true}}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
";
const ROLE: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]
";
const PROJECT: &str = "[scan]\nprofile = \"security\"\nfail_on = \"critical\"\n\n\
                       [severity]\nread-secrets = \"critical\"\n";

/// A folder with manifests, and a platform in this process that may judge them.
struct Scene {
    folder: Folder,
    node: Node,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn new(project: Option<&str>) -> Self {
        let folder = Folder::with(&[
            ("deploy/pod.yaml", POD),
            ("deploy/role.yaml", ROLE),
            ("deploy/values.yaml", "replicas: 3\n"),
            (".github/CODEOWNERS", "/deploy/ @org/platform\n"),
        ]);
        folder.git(&["init", "--quiet"]);
        folder.git(&["add", "."]);
        folder.git(&["commit", "--quiet", "--message", "first"]);
        let terms = project.map(|text| folder.write("terms/project.toml", text));
        let terms = terms.map(|()| folder.0.path().join("terms/project.toml"));
        let settings = json!({
            "node": { "data_dir": folder.0.path().join("data"), "store": "memory" },
            "api": { "listen": "127.0.0.1:0" },
            "terms": { "project": terms },
        });
        let runtime = airside_node::runtime().expect("a runtime");
        let node = runtime.block_on(async {
            let services = airside::services_named(&["scanner".to_owned()]).expect("the scanner");
            let settings = load_settings(&services, None, Vec::new(), settings).expect("settings");
            let node = assemble(&services, &settings).await.expect("a node");
            node.health.all_ready().await;
            node
        });
        Self { folder, node, runtime }
    }

    fn here(&self, arguments: &[&str]) -> (i32, String, String) {
        self.folder.scan(arguments)
    }

    fn remote(&self, arguments: &[&str]) -> (i32, String, String) {
        let url = self.node.api_url();
        let platform = ["--remote", "--server", &url, "--api-key-file", "data/api-key"];
        self.folder.scan(&[arguments, &platform].concat())
    }

    fn stop(self) {
        self.runtime.block_on(self.node.stop()).expect("the node stops");
    }
}

#[test]
fn a_platform_says_in_every_form_what_a_scan_here_says() {
    let scene = Scene::new(None);
    let json = ["deploy", "--output", "json"];
    let (here, remote) = (scene.here(&json), scene.remote(&json));
    assert_eq!((here.0, &here.1), (1, &remote.1), "{}", remote.2);
    assert_eq!(remote.0, 1);
    for part in
        ["@org/platform", "payments", "reads the processes", "covers nothing that fails", "commit"]
    {
        assert!(remote.1.contains(part), "{part}: {}", remote.1);
    }
    let report: serde_json::Value = serde_json::from_str(&here.1).expect("JSON");
    let findings = report["findings"].as_array().expect("findings").iter();
    let checks: Vec<_> = findings.map(|it| it["check"].as_str().expect("a check")).collect();
    for form in ["text", "sarif", "junit", "markdown", "html"] {
        let arguments = ["deploy", "--output", form];
        let (here, remote) = (scene.here(&arguments), scene.remote(&arguments));
        assert_eq!((here.0, remote.0), (1, 1), "{form}: {}", remote.2);
        // The one difference is who has judged, which is told once.
        for check in &checks {
            let count = |text: &str| text.matches(check).count();
            assert_eq!(count(&here.1), count(&remote.1), "{form}, {check}: {}", remote.1);
        }
        assert!(remote.1.contains("judged by the platform at"), "{form}: {}", remote.1);
    }
    scene.stop();
}

#[test]
fn exit_codes_are_those_of_a_scan_here() {
    let scene = Scene::new(None);
    scene.folder.write("broken/a.yaml", "a: [\n");
    scene.folder.write("good/a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n");
    std::fs::create_dir(scene.folder.0.path().join("empty")).expect("a folder");
    for (arguments, status) in [
        (&["deploy"][..], 1),
        (&["deploy", "--exit-zero"], 0),
        (&["deploy", "--fail-on", "critical"], 0),
        (&["deploy", "--owner", "nobody"], 0),
        (&["broken", "deploy"], 2),
        (&["missing.yaml"], 2),
        (&["good", "--fail-on", "critical"], 0),
        (&["empty"], 0),
    ] {
        let (here, remote) = (scene.here(arguments), scene.remote(arguments));
        assert_eq!((here.0, remote.0), (status, status), "{arguments:?}: {}", remote.2);
    }
    scene.stop();
}

#[test]
fn the_platforms_terms_hold_and_what_is_not_read_here_is_told() {
    let scene = Scene::new(Some(PROJECT));
    scene.folder.write("own.toml", PROJECT);
    let here = scene.here(&["deploy", "--output", "json", "--config", "own.toml"]);
    scene.folder.write(".airside.toml", "[checks]\ndisable = [\"read-secrets\"]\n");
    let remote = scene.remote(&["deploy", "--output", "json"]);
    assert_eq!((here.0, &here.1), (1, &remote.1), "{}", remote.2);
    assert_eq!(remote.0, 1);
    assert!(
        remote.2.contains(".airside.toml` is not read: with --remote the platform's terms hold"),
        "{}",
        remote.2
    );
    let (status, _, problem) = scene.remote(&["deploy", "--profile", "strict"]);
    assert_eq!(status, 2);
    assert!(problem.contains("cannot be used with"), "{problem}");
    scene.stop();
}

#[test]
fn what_a_platform_judged_is_published_as_what_was_judged_here() {
    let scene = Scene::new(None);
    let (_, _, remark) = scene.remote(&["deploy", "--publish"]);
    assert!(
        remark.contains(" opened, 0 fixed, 0 gone, 0 unchanged; 3 boarding passes"),
        "{remark}"
    );
    let url = scene.node.api_url();
    let publish = ["deploy", "--publish", "--server", &url, "--api-key-file", "data/api-key"];
    let (_, _, remark) = scene.here(&publish);
    assert!(remark.contains("published: 0 opened, 0 fixed, 0 gone, "), "{remark}");
    let listed = [
        "findings",
        "list",
        "--server",
        &url,
        "--api-key-file",
        "data/api-key",
        "--output",
        "json",
    ];
    let (_, listed, problem) = scene.folder.run(&listed);
    assert!(listed.contains("@org/platform") && listed.contains("payments"), "{problem}: {listed}");
    scene.stop();
}

#[test]
fn a_platform_that_is_not_there_is_told_with_what_to_do() {
    let folder = Folder::with(&[("pod.yaml", POD), ("key", "none")]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let arguments = ["pod.yaml", "--remote", "--server", &url, "--api-key-file", "key"];
    let (status, text, problem) = folder.scan(&arguments);
    assert_eq!((status, text.as_str()), (2, ""));
    assert!(problem.contains("no platform answers at"), "{problem}");
}
