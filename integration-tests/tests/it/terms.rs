//! What people configured is what the scanner and the gate say: a project's settings, exceptions, own policies and
//! vulnerability data, for each tenant its own.

use airside::client::{ApiChannel, connect_with_key};
use airside::https::HttpsClient;
use airside_auth::{ApiKey, KeyRecord, KeyRing, Scope};
use airside_node::{assemble, load_settings};
use airside_types::Tenant;
use airside_wire::scan::{ScanReport, ScanRequest, SourceFile};
use airside_wire::v1::scan_service_client::ScanServiceClient;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::platform::TestPlatform;

const PROJECT: &str = "[scan]\nfail_on = \"critical\"\n\n[severity]\nhost-pid = \"info\"\n\n\
                       [checks]\ndisable = [\"privileged-container\"]\n";
const EXCEPTIONS: &str = "host-network name=web: the agent of the node\n";
/// What a file can tell, and what only the API server knows: who asks.
const POLICIES: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: team}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: ["v1"], operations: [CREATE], resources: [pods]}]
  validations:
  - {expression: "has(object.metadata.labels) && 'team' in object.metadata.labels", message: name a team}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: team}
spec: {policyName: team, validationActions: [Deny]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: robots}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: ["v1"], operations: [CREATE], resources: [pods]}]
  validations: [{expression: "request.userInfo.username != 'robot'", message: no robots}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: robots}
spec: {policyName: robots, validationActions: [Warn]}
"#;
const DATA: &str = r#"{"format": 1, "date": "2099-01-01", "note": "", "components": [
  {"name": "ingress-nginx", "title": "ingress-nginx", "images": ["ingress-nginx/controller"]}],
  "advisories": [{"id": "CVE-2099-0001", "summary": "Runs what it is sent.", "published": "2099-01-01",
  "source": "https://example.com", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
  "affected": [{"component": "ingress-nginx", "ranges": [{"introduced": "0", "fixed": "99.0.0"}]}]}]}"#;

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web", "namespace": "shop" },
        "spec": {
            "hostPID": true, "hostNetwork": true,
            "containers": [{
                "name": "web", "image": "registry.k8s.io/ingress-nginx/controller:v90.0.0",
                "securityContext": { "privileged": true },
            }],
        },
    })
}

/// A platform with two tenants, of whom `edge` has terms of its own.
struct TwoTenants {
    platform: TestPlatform,
    keys: [ApiKey; 2],
    _folder: TempDir,
}

const DEFAULT: usize = 0;
const EDGE: usize = 1;

impl TwoTenants {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(&path, text).expect("a file");
            path
        };
        let keys = [ApiKey::from_random([1; 5], [1; 32]), ApiKey::from_random([2; 5], [2; 32])];
        let mut ring = KeyRing::default();
        for (key, tenant) in keys.iter().zip(["default", "edge"]) {
            ring.add(KeyRecord::new(key, Tenant::new(tenant).expect("a name"), Scope::ALL));
        }
        write("policies/in/pods.yaml", POLICIES);
        write("policies/in/pods.test.yaml", "cases: are not policies\n");
        let edge = json!({
            "project": write("project.toml", PROJECT),
            "policies": [folder.path().join("policies")],
            "exceptions": write("exceptions", EXCEPTIONS),
            "vulnerability_data": write("data.json", DATA),
        });
        let platform = TestPlatform::start_with(json!({
            "node": { "store": "memory" },
            "auth": { "keys_file": write("keys.toml", &ring.to_toml()) },
            "admission": { "warn_from": "info" },
            "terms": { "tenants": { "edge": edge } },
        }));
        Self { platform: platform.await, keys, _folder: folder }
    }

    async fn api(&self, tenant: usize) -> ApiChannel {
        let url = self.platform.node.api_url();
        connect_with_key(&url, self.keys[tenant].expose(), None).await.expect("the API")
    }

    async fn scan(&self, tenant: usize) -> ScanReport {
        let file = SourceFile { path: "web.json".to_owned(), content: pod().to_string().into() };
        let request = ScanRequest {
            files: vec![file],
            cluster: Default::default(),
            publish: false,
            failing_severity: None,
        };
        let mut client = ScanServiceClient::new(self.api(tenant).await);
        let request = airside_wire::v1::ScanRequest::from(&request);
        let answer = client.scan(request).await.expect("an answer").into_inner();
        answer.report.expect("a report").try_into().expect("a valid report")
    }

    /// The warnings of the gate, and what it tells the audit log.
    async fn review(&self, tenant: usize, user: &str) -> (String, Value) {
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": format!("{tenant}-{user}"), "operation": "CREATE",
                "userInfo": { "username": user },
                "kind": { "group": "", "version": "v1", "kind": "Pod" },
                "resource": { "group": "", "version": "v1", "resource": "pods" },
                "namespace": "shop", "name": "web", "object": pod(),
            },
        });
        let mut webhook: HttpsClient = self.platform.webhook().await;
        let key = Some(self.keys[tenant].expose());
        let path = "/v1/admission/default";
        let sent = webhook.post(path, key, None, review.to_string().into_bytes()).await;
        let (status, answer) = sent.expect("an answer");
        assert!(status.is_success(), "{status}");
        let mut answer: Value = serde_json::from_slice(&answer).expect("JSON");
        (answer["response"]["warnings"].to_string(), answer["response"]["auditAnnotations"].take())
    }
}

/// What the findings of a report say, a line each.
fn told(report: &ScanReport) -> String {
    let line =
        |it: &airside_types::Finding| format!("{} {}: {}\n", it.check, it.severity, it.message);
    report.findings.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scanner_judges_each_tenant_by_its_own_terms() {
    let both = TwoTenants::start().await;
    let (all, own) = (both.scan(DEFAULT).await, both.scan(EDGE).await);
    for (expected, report, is_there) in [
        ("privileged-container high", &all, true),
        ("privileged-container", &own, false),
        ("host-pid high", &all, true),
        ("host-pid info", &own, true),
        ("host-network", &all, true),
        ("host-network", &own, false),
        ("CVE-2099-0001", &all, false),
        ("CVE-2099-0001", &own, true),
        ("policy/team/1 high: team: name a team", &all, false),
        ("policy/team/1 high: team: name a team", &own, true),
    ] {
        assert_eq!(told(report).contains(expected), is_there, "{expected}: {}", told(report));
    }
    // Who asks is not known of a file, and that is told.
    assert!(own.not_evaluated.iter().any(|it| it.check == "policy/robots"), "{own:#?}");
    // From when on an object fails is the project's word, too.
    let rules = own.passes[0].rules.as_ref().expect("rules");
    assert_eq!(rules.failing, airside_types::Severity::Critical);
    both.platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_judges_each_tenant_by_its_own_terms_and_policies_by_who_asks() {
    let both = TwoTenants::start().await;
    let (all, _) = both.review(DEFAULT, "robot").await;
    let (own, annotations) = both.review(EDGE, "robot").await;
    for (expected, warnings, is_there) in [
        ("(privileged-container)", &all, true),
        ("(privileged-container)", &own, false),
        ("(host-pid)", &own, true),
        ("(host-network)", &all, true),
        ("(host-network)", &own, false),
        ("CVE-2099-0001", &all, false),
        ("CVE-2099-0001", &own, true),
        ("name a team (policy/team/1)", &all, false),
        ("name a team (policy/team/1)", &own, true),
        ("no robots (policy/robots/1)", &own, true),
    ] {
        assert_eq!(warnings.contains(expected), is_there, "{expected}: {warnings}");
    }
    assert_eq!(annotations.get("policies-not-evaluated"), None);
    let (human, _) = both.review(EDGE, "ada").await;
    assert!(!human.contains("no robots"), "{human}");
    both.platform.stop().await;
}

#[tokio::test]
async fn terms_that_cannot_be_used_keep_a_node_from_starting_and_say_where_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("empty")).expect("a folder");
    let broken = POLICIES.replace("'team' in", "'team' inside");
    for (name, text) in [
        ("project.toml", "[checks]\ndisable = [\"host-pidd\"]\n"),
        ("broken.yaml", broken.as_str()),
        ("exceptions", "\nhost-pid:\n"),
        ("data.json", "{}"),
    ] {
        std::fs::write(path(name), text).expect("a file");
    }
    for (terms, expected) in [
        (
            json!({ "project": path("project.toml") }),
            "project.toml, line 2: `checks.disable`: there is no check, category or framework \
             `host-pidd`; did you mean host-pid",
        ),
        (json!({ "project": path("none.toml") }), "cannot read the settings file"),
        (json!({ "policies": [path("broken.yaml")] }), "broken.yaml:9:"),
        (json!({ "policies": [path("empty")] }), "holds no ValidatingAdmissionPolicy"),
        (
            json!({ "exceptions": path("exceptions") }),
            "exceptions:2:1: an exception needs a reason",
        ),
        (
            json!({ "vulnerability_data": path("data.json") }),
            "data.json` cannot be used: delete it, and make it anew with `airside data update`",
        ),
        (json!({ "vulnerability_data": path("none.json") }), "none.json` cannot be read"),
        (json!({ "tenants": { "Edge": {} } }), "`Edge` is no tenant name"),
        (
            json!({ "tenants": { "edge": { "projekt": "x" } } }),
            "command line: unknown key `terms.tenants.edge.projekt`; did you mean `project`?",
        ),
    ] {
        for service in ["scanner", "admission"] {
            let services = airside::services_named(&[service.to_owned()]).expect("the service");
            let settings = json!({
                "node": { "data_dir": path("data"), "store": "memory" },
                "api": { "listen": "127.0.0.1:0" }, "webhook": { "listen": "127.0.0.1:0" },
                "terms": terms,
            });
            let started = match load_settings(&services, None, Vec::new(), settings) {
                Ok(settings) => assemble(&services, &settings).await.map(drop),
                Err(error) => Err(error),
            };
            let error = format!("{:#}", started.expect_err("the node does not start"));
            assert!(error.contains(expected), "{service}, {terms}: {error}");
        }
    }
}
