//! Clusters known by their certificates: each speaks for its tenant and cluster, beside those that send API keys, and
//! none for another.

use std::path::Path;

use airside::client::connect_with_key;
use airside::https::HttpsClient;
use airside_auth::{ApiKey, KeyRecord, KeyRing, Scope};
use airside_types::Tenant;
use airside_wire::raw::RawQuery;
use airside_wire::v1::QueryRawRecordsRequest;
use airside_wire::v1::raw_records_service_client::RawRecordsServiceClient;
use http::StatusCode;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType,
};
use serde_json::{Value, json};

use crate::platform::TestPlatform;

const SHOP_URI: &str = "spiffe://shop.example/kube-apiserver";

/// An authority that signs clients' certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
struct Credential(String, String);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "clients");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("an authority").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn sign(&self, name: &str, uri: Option<&str>) -> Credential {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let uri = uri.map(|uri| SanType::URI(uri.try_into().expect("a URI")));
        params.subject_alt_names.extend(uri);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Credential(certificate.pem(), key.serialize_pem())
    }
}

/// A platform with the tenants shop and bank, an authority for both, and one that bank has for itself.
struct Scene {
    platform: TestPlatform,
    shared: Authority,
    of_bank: Authority,
    shop_key: ApiKey,
    bank_key: ApiKey,
}

impl Scene {
    async fn start(folder: &Path, more: Value) -> Self {
        let (shared, of_bank) = (Authority::new(), Authority::new());
        let (shop_key, bank_key) =
            (ApiKey::from_random([1; 5], [1; 32]), ApiKey::from_random([2; 5], [2; 32]));
        let mut ring = KeyRing::default();
        for (key, tenant) in [(&shop_key, "shop"), (&bank_key, "bank")] {
            ring.add(KeyRecord::new(key, Tenant::new(tenant).expect("a name"), Scope::ALL));
        }
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let mut webhook = json!({
            "client_ca": write("clients.crt", &shared.pem),
            "clients": [
                { "uri": SHOP_URI, "tenant": "shop", "cluster": "production" },
                { "common_name": "bank-api", "tenant": "bank" },
                { "common_name": "own-api", "tenant": "bank", "ca": write("bank.crt", &of_bank.pem) },
                { "common_name": "both", "tenant": "shop" },
                { "uri": "spiffe://both", "tenant": "bank" },
            ],
        });
        webhook.as_object_mut().expect("settings").extend(more.as_object().expect("more").clone());
        let platform = TestPlatform::start_with(json!({
            "node": { "store": "sled", "store_cache": "4MiB" },
            "auth": { "keys_file": write("keys.toml", &ring.to_toml()) },
            "webhook": webhook,
        }))
        .await;
        Self { platform, shared, of_bank, shop_key, bank_key }
    }

    /// Posts an event about a cluster, and returns the answer; an error where there is no connection.
    async fn post(
        &self,
        who: Option<&Credential>,
        key: Option<&ApiKey>,
        cluster: &str,
    ) -> anyhow::Result<(StatusCode, String)> {
        let address = self.platform.node.webhook.expect("a webhook listener");
        let ca = &self.platform.connection.ca_pem;
        let identity = who.map(|Credential(chain, key)| (chain.as_str(), key.as_str()));
        let mut client = HttpsClient::connect_as(address, ca, identity).await?;
        let path = format!("/v1/audit/{cluster}");
        let body = event(cluster).to_string().into_bytes();
        let (status, said) = client.post(&path, key.map(ApiKey::expose), None, body).await?;
        Ok((status, String::from_utf8_lossy(&said).into_owned()))
    }

    /// The clusters of which a tenant has events.
    async fn clusters_of(&self, key: &ApiKey) -> Vec<String> {
        let api = connect_with_key(&self.platform.connection.api, key.expose(), None).await;
        let mut client = RawRecordsServiceClient::new(api.expect("the API"));
        let all = QueryRawRecordsRequest::from(&RawQuery::default());
        let answer = client.query_raw_records(all).await.expect("an answer").into_inner();
        let mut clusters: Vec<_> = answer.records.into_iter().map(|it| it.cluster).collect();
        clusters.sort();
        clusters
    }
}

fn event(cluster: &str) -> Value {
    json!({
        "kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [{
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata",
            "auditID": cluster, "stage": "ResponseComplete", "verb": "get",
            "requestURI": "/api/v1/namespaces/shop/secrets/token",
            "user": { "username": "ada" }, "sourceIPs": ["192.0.2.7"], "userAgent": "curl/8",
            "objectRef": { "resource": "secrets", "namespace": "shop", "name": "token" },
            "responseStatus": { "code": 200 },
            "requestReceivedTimestamp": "2026-01-31T10:00:00.000000Z",
        }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_speaks_for_its_tenant_and_cluster_beside_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = Scene::start(folder.path(), json!({})).await;
    let shop = scene.shared.sign("anything", Some(SHOP_URI));
    let bank = scene.shared.sign("bank-api", None);
    let own = scene.of_bank.sign("own-api", None);
    for (who, key, cluster, status, says) in [
        (Some(&shop), None, "production", 200, ""),
        (Some(&bank), None, "one", 200, ""),
        (Some(&own), None, "two", 200, ""),
        (None, Some(&scene.bank_key), "three", 200, ""),
        (Some(&bank), Some(&scene.bank_key), "four", 200, ""),
        // Another cluster, another tenant's key, another tenant's authority.
        (Some(&shop), None, "test", 403, "speaks for the cluster `production`"),
        (Some(&shop), Some(&scene.shop_key), "test", 403, "speaks for the cluster `production`"),
        (Some(&shop), Some(&scene.bank_key), "production", 403, "belong to different tenants"),
        (
            Some(&scene.of_bank.sign("x", Some(SHOP_URI))),
            None,
            "production",
            403,
            "belongs to nobody",
        ),
        (Some(&scene.shared.sign("own-api", None)), None, "two", 403, "belongs to nobody"),
        // Nobody, and two at once.
        (Some(&scene.shared.sign("web", None)), None, "one", 403, "webhook.clients"),
        (
            Some(&scene.shared.sign("both", Some("spiffe://both"))),
            None,
            "one",
            403,
            "different tenants",
        ),
        (None, None, "one", 401, "Authorization"),
        // Who belongs to nobody may still send a key, where both go side by side.
        (Some(&scene.shared.sign("web", None)), Some(&scene.bank_key), "five", 200, ""),
    ] {
        let (answer, said) = scene.post(who, key, cluster).await.expect("an answer");
        assert_eq!(answer.as_u16(), status, "{cluster}: {said}");
        assert!(said.contains(says), "{cluster}: {said}");
    }
    assert_eq!(scene.clusters_of(&scene.shop_key).await, ["production"]);
    assert_eq!(scene.clusters_of(&scene.bank_key).await, ["five", "four", "one", "three", "two"]);
    // An authority that nobody trusts here gets no connection.
    let stranger = Authority::new().sign("bank-api", Some(SHOP_URI));
    let refused = scene.post(Some(&stranger), Some(&scene.bank_key), "one").await;
    assert!(refused.is_err(), "{refused:?}");
    scene.platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_certificate_is_required_nothing_else_gets_a_connection() {
    let folder = tempfile::tempdir().expect("a folder");
    let required = json!({ "require_client_certificate": true });
    let scene = Scene::start(folder.path(), required).await;
    let refused = scene.post(None, Some(&scene.bank_key), "one").await;
    assert!(refused.is_err(), "{refused:?}");
    let bank = scene.shared.sign("bank-api", None);
    let (status, said) = scene.post(Some(&bank), None, "one").await.expect("an answer");
    assert_eq!(status, StatusCode::OK, "{said}");
    scene.platform.stop().await;
}
