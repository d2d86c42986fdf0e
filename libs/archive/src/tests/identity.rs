//! Who an archive is to an object store, and whom it trusts: against servers that give temporary keys as clouds do,
//! and over TLS.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use airside_testkit::{Authority, CredentialsServer, ObjectStoreServer};
use tokio::runtime::Handle;

use super::storage::store_at;
use crate::storage::{Bucket, Credentials, ObjectStorage, ObjectStore, WebIdentity};

/// What listing a bucket gives.
async fn listed(settings: &ObjectStore) -> Result<usize, (ErrorKind, String)> {
    let bucket = Bucket::new(settings, Handle::current()).unwrap();
    let listing = tokio::task::spawn_blocking(move || bucket.list()).await.unwrap();
    listing.map(|files| files.len()).map_err(|error| (error.kind(), error.to_string()))
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn web_identity(token_file: PathBuf, endpoint: String) -> Credentials {
    Credentials::WebIdentity(WebIdentity {
        token_file,
        role_arn: CredentialsServer::ROLE.to_owned(),
        session_name: None,
        endpoint: Some(endpoint),
    })
}

#[tokio::test]
async fn the_token_of_a_service_account_is_exchanged_for_keys_over_tls() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new().unwrap());
    let store = ObjectStoreServer::start_over_tls(&authority).unwrap();
    let exchange = CredentialsServer::start(Some(&authority)).unwrap();
    let token_file = file(folder.path(), "token", CredentialsServer::TOKEN);
    let settings = ObjectStore {
        credentials: web_identity(token_file.clone(), exchange.url()),
        ca: Some(file(folder.path(), "ca.pem", &authority.pem())),
        ..store_at(&store, "one")
    };
    assert_eq!(listed(&settings).await, Ok(0));
    assert_eq!(exchange.asked(), ["exchange"]);
    // It is read when it is used: another one is refused.
    std::fs::write(token_file, "another").unwrap();
    let (kind, text) = listed(&settings).await.unwrap_err();
    assert_eq!(kind, ErrorKind::PermissionDenied, "{text}");
    assert!(!text.contains("another"), "{text}");
}

#[tokio::test]
async fn the_agent_of_a_pods_node_gives_keys_for_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let store = ObjectStoreServer::start().unwrap();
    let agent = CredentialsServer::start(None).unwrap();
    let at = |path: &str, token: &str| ObjectStore {
        credentials: Credentials::PodIdentity {
            url: agent.url() + path,
            token_file: file(folder.path(), "token", token),
        },
        ..store_at(&store, "one")
    };
    assert_eq!(listed(&at("/agent", CredentialsServer::TOKEN)).await, Ok(0));
    assert_eq!(agent.asked(), ["agent"]);
    let (kind, text) = listed(&at("/agent", "another")).await.unwrap_err();
    assert_eq!(kind, ErrorKind::PermissionDenied, "{text}");
}

#[tokio::test]
async fn the_metadata_of_a_machine_give_keys_to_who_asks_as_version_two_wants_it() {
    let store = ObjectStoreServer::start().unwrap();
    let metadata = CredentialsServer::start(None).unwrap();
    let settings = ObjectStore {
        credentials: Credentials::InstanceMetadata { endpoint: Some(metadata.url() + "/") },
        ..store_at(&store, "one")
    };
    assert_eq!(listed(&settings).await, Ok(0));
    assert_eq!(metadata.asked(), ["metadata token", "metadata role", "metadata keys"]);
}

#[tokio::test]
async fn a_store_is_trusted_by_its_authority_and_another_one_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let [ours, another] = [(); 2].map(|()| Authority::new().unwrap());
    let store = ObjectStoreServer::start_over_tls(&ours).unwrap();
    let trusting = |ca: Option<PathBuf>| ObjectStore { ca, ..store_at(&store, "one") };
    let pem = |name: &str, authority: &Authority| file(folder.path(), name, &authority.pem());
    assert_eq!(listed(&trusting(Some(pem("ours.pem", &ours)))).await, Ok(0));
    let asked = store.requests();
    let (kind, text) = listed(&trusting(Some(pem("another.pem", &another)))).await.unwrap_err();
    assert_eq!(kind, ErrorKind::PermissionDenied, "{text}");
    assert!(text.contains("certificate of `127.0.0.1` is not to be trusted"), "{text}");
    assert!(text.contains("as `ca`"), "{text}");
    assert_eq!(store.requests(), asked, "nothing was said to it");
    // Who exchanges tokens is held to the same.
    let exchange = CredentialsServer::start(Some(&another)).unwrap();
    let token = file(folder.path(), "token", CredentialsServer::TOKEN);
    let settings = ObjectStore {
        credentials: web_identity(token, exchange.url()),
        ..trusting(Some(pem("ours.pem", &ours)))
    };
    let (kind, text) = listed(&settings).await.unwrap_err();
    assert_eq!(kind, ErrorKind::PermissionDenied, "{text}");
    assert_eq!(exchange.asked(), [""; 0]);
}

#[tokio::test]
async fn a_file_that_has_no_authority_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = ObjectStoreServer::start().unwrap();
    for ca in [folder.path().join("missing.pem"), file(folder.path(), "empty.pem", "no PEM")] {
        let settings = ObjectStore { ca: Some(ca.clone()), ..store_at(&store, "one") };
        let error = Bucket::new(&settings, Handle::current()).unwrap_err().to_string();
        assert!(error.contains("`ca`") && error.contains(ca.to_str().unwrap()), "{error}");
    }
}
