//! Airside is killed three times while an API server posts: every event of the API server's own audit log is accounted
//! for, none counts twice, and each is found again as it was sent. The API server is known by its certificate alone.
//!
//! Owns the load, the kills and the sum. The API server sends a batch again for some seconds; Airside has to be back
//! by then.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use airside::client::{ApiChannel, connect_with_key};
use airside::command::connect::Connection;
use airside_wire::limits::MAX_PAGE_SIZE;
use airside_wire::page::Page;
use airside_wire::raw::RawQuery;
use airside_wire::v1::raw_records_service_client::RawRecordsServiceClient;
use airside_wire::v1::suppressions_service_client::SuppressionsServiceClient;
use airside_wire::v1::{ListSuppressionsRequest, QueryRawRecordsRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::binaries::ControlPlaneBinaries;
use crate::cluster::{Cluster, SETUP};
use crate::platform::Airside;
use crate::process::Process;
use crate::program::airside_binary;
use crate::{say, waiting};

/// The common name of the API server's certificate.
const API_SERVER: &str = "kube-apiserver";
/// How often Airside is killed.
const KILLS: usize = 3;
/// How many requests are made between two kills at least.
const BETWEEN: usize = 300;
/// How many clients make requests at a time.
const CLIENTS: usize = 4;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Loads a cluster, kills, and counts.
pub(crate) async fn play(binaries: &ControlPlaneBinaries) {
    let folder = tempfile::tempdir().unwrap();
    // A first start makes keys and certificates, and takes the ports that the program is given then.
    let first = Airside::start(folder.path()).await;
    let connection = first.connection.clone();
    first.stop().await;
    let certificate = ClientCertificate::new();
    std::fs::write(folder.path().join("clients.crt"), &certificate.authority).unwrap();
    let mut airside = Program::start(folder.path(), &connection);
    airside.answers().await;
    let kubeconfig = certificate.kubeconfig(&connection);
    let cluster = Cluster::start(binaries, folder.path(), Some(&kubeconfig), &[]).await;
    let load = Load::start(&cluster).await;
    for kill in 1..=KILLS {
        load.made(BETWEEN * kill).await;
        let made = load.made.load(Ordering::Relaxed);
        // Under load, in the middle of whatever it does.
        drop(airside);
        airside = Program::start(folder.path(), &connection);
        airside.answers().await;
        say(&format!("killed {kill} times, after {made} requests"));
    }
    load.made(BETWEEN * (KILLS + 1)).await;
    let made = load.stop().await;

    let told = sums_agree(&cluster, async || airside.counted().await).await;
    say(&format!("{made} requests: {told}"));
    let counted = airside.counted().await;
    assert!(counted.folded > made as u64, "what was asked is folded: {counted:?}");
    assert_eq!(airside.dead_letters(), 0);

    let logged: Vec<_> = cluster.audit_log().iter().map(event_of_log).collect();
    let mut kept = airside.kept().await;
    kept.sort();
    let twice = kept.windows(2).filter(|pair| pair.first() == pair.last()).count();
    let (logged, kept) = (BTreeSet::from_iter(logged), BTreeSet::from_iter(kept));
    let lost: Vec<_> = logged.difference(&kept).take(3).collect();
    let foreign: Vec<_> = kept.difference(&logged).take(3).collect();
    assert!(lost.is_empty() && foreign.is_empty(), "lost {lost:?}, foreign {foreign:?}");
    say(&format!("each of {} logged events is kept raw, {twice} of them twice", logged.len()));
    assert_eq!(twice, 0, "what the API server sent again is kept once");
}

/// Waits until as many events are counted as the API server has logged, and tells how many.
pub(crate) async fn sums_agree(
    cluster: &Cluster,
    mut count: impl AsyncFnMut() -> Counted,
) -> String {
    let mut before = String::new();
    waiting::eventually("the sums agree", PATIENCE, async || {
        let counted = count().await;
        let logged = identities(&cluster.audit_log()).len() as u64;
        let told = format!("{logged} events logged, {counted:?} counted");
        // Twice the same: nothing is on its way.
        let is_settled = std::mem::replace(&mut before, told.clone()) == told;
        if counted.events() == logged && is_settled { Ok(told) } else { Err(told) }
    })
    .await
}

/// An event by the id that the API server gave it, and its stage.
type Stage = (String, String);

fn event_of_log(event: &Value) -> Stage {
    let text = |field: &str| event.get(field).and_then(Value::as_str).unwrap_or_default();
    (text("auditID").to_owned(), text("stage").to_owned())
}

/// The API server's certificate for the webhook, and who signed it.
struct ClientCertificate {
    authority: String,
    certificate: String,
    key: String,
}

impl ClientCertificate {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, API_SERVER);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap().pem();
        Self { authority, certificate, key: key.serialize_pem() }
    }

    /// The kubeconfig that `airside up` prints, with the certificate instead of the key.
    fn kubeconfig(&self, connection: &Connection) -> String {
        let token = format!("token: {}", connection.api_key);
        let with_key = connection.audit_kubeconfig();
        assert!(with_key.contains(&token), "{with_key}");
        let [certificate, key] = [&self.certificate, &self.key].map(|pem| STANDARD.encode(pem));
        let instead = format!("client-certificate-data: {certificate}\n    client-key-data: {key}");
        with_key.replace(&token, &instead)
    }
}

/// The program `airside up`, killed when it is dropped.
struct Program {
    process: Process,
    connection: Connection,
    folder: std::path::PathBuf,
}

/// What Airside counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    folded: u64,
    /// Events of which nothing but their number is kept.
    quiet: u64,
    seen_before: u64,
}

impl Counted {
    const fn events(self) -> u64 {
        self.folded + self.quiet
    }

    /// Asks for it.
    pub(crate) async fn ask(api: ApiChannel) -> Result<Self, String> {
        let mut client = SuppressionsServiceClient::new(api);
        let asked = client.list_suppressions(ListSuppressionsRequest::default()).await;
        let answer = asked.map_err(|status| status.to_string())?.into_inner();
        let number = |wanted: fn(&str) -> bool| {
            let lines = answer.suppressions.iter().filter(|line| wanted(&line.reason));
            lines.map(|line| line.count).sum()
        };
        Ok(Self {
            folded: answer.clusters.iter().map(|cluster| cluster.folded).sum(),
            quiet: number(|it| ["unanswered", "discovery", "health", "lease"].contains(&it)),
            seen_before: number(|it| it == "seen-before"),
        })
    }
}

impl Program {
    fn start(folder: &Path, connection: &Connection) -> Self {
        let listen = |url: &str| {
            let address = url.split_once("://").map_or(url, |(_, address)| address);
            address.split('/').next().unwrap_or_default().to_owned()
        };
        let settings = format!(
            "[node]\ndata_dir = '{}'\n[api]\nlisten = '{}'\n[webhook]\nlisten = '{}'\n\
             client_ca = '{}'\nrequire_client_certificate = true\n\
             [[webhook.clients]]\ncommon_name = '{API_SERVER}'\ncluster = '{}'\n",
            folder.join("airside").display(),
            listen(&connection.api),
            connection.webhook,
            folder.join("clients.crt").display(),
            connection.cluster,
        );
        let file = folder.join("airside.toml");
        std::fs::write(&file, settings).unwrap();
        let flags = ["up".to_owned(), "--config".to_owned(), file.display().to_string()];
        let process = Process::start("airside", airside_binary(), &flags, folder);
        Self { process, connection: connection.clone(), folder: folder.to_owned() }
    }

    async fn api(&self) -> anyhow::Result<ApiChannel> {
        connect_with_key(&self.connection.api, &self.connection.api_key, None).await
    }

    /// Waits until it answers.
    async fn answers(&mut self) {
        waiting::eventually("airside answers", PATIENCE, async || {
            if let Some(why) = self.process.ended() {
                panic!("{why}");
            }
            self.ask().await
        })
        .await;
    }

    async fn counted(&self) -> Counted {
        waiting::eventually("airside counts", PATIENCE, async || self.ask().await).await
    }

    async fn ask(&self) -> Result<Counted, String> {
        let api = self.api().await.map_err(|error| format!("{error:#}"))?;
        Counted::ask(api).await
    }

    /// The events that are kept raw.
    async fn kept(&self) -> Vec<Stage> {
        let mut client = RawRecordsServiceClient::new(self.api().await.unwrap());
        let (mut kept, mut token) = (Vec::new(), None);
        loop {
            let page = Page::new(MAX_PAGE_SIZE, token);
            let asked = RawQuery { page, ..RawQuery::default() };
            let answer = client.query_raw_records(QueryRawRecordsRequest::from(&asked)).await;
            let answer = answer.unwrap().into_inner();
            kept.extend(answer.records.into_iter().map(|record| (record.audit_id, record.stage)));
            if answer.next_page_token.is_empty() {
                return kept;
            }
            token = Some(answer.next_page_token);
        }
    }

    /// How often its log says that something was set aside.
    fn dead_letters(&self) -> usize {
        let log = std::fs::read_to_string(self.folder.join("airside.log")).unwrap_or_default();
        log.lines().filter(|line| line.contains("set aside")).count()
    }
}

/// Clients that write and read ConfigMaps until they are stopped.
struct Load {
    made: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
    clients: JoinSet<()>,
}

impl Load {
    async fn start(cluster: &Cluster) -> Self {
        let (made, ended) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let mut client = cluster.api_client(&SETUP, "load/1.0").await;
            let (made, ended) = (Arc::clone(&made), Arc::clone(&ended));
            clients.spawn(async move {
                let folder = "/api/v1/namespaces/default/configmaps";
                for round in 0.. {
                    if ended.load(Ordering::Relaxed) {
                        return;
                    }
                    let name = format!("load-{number}-{round}");
                    let object = json!({"metadata": {"name": name}, "data": {"round": name}});
                    client.send(Method::POST, folder, &object).await.unwrap();
                    let path = format!("{folder}/{name}");
                    client.send(Method::GET, &path, &Value::Null).await.unwrap();
                    client.send(Method::DELETE, &path, &Value::Null).await.unwrap();
                    made.fetch_add(3, Ordering::Relaxed);
                }
            });
        }
        Self { made, ended, clients }
    }

    /// Waits until so many requests were made.
    async fn made(&self, wanted: usize) {
        waiting::eventually("the load goes on", PATIENCE, async || {
            let made = self.made.load(Ordering::Relaxed);
            if made >= wanted { Ok(()) } else { Err(format!("{made} of {wanted} requests")) }
        })
        .await;
    }

    async fn stop(mut self) -> usize {
        self.ended.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            ended.unwrap();
        }
        self.made.load(Ordering::Relaxed)
    }
}

/// The events of an audit log, each once; the start and the end of a request that stays open are one.
fn identities(events: &[Value]) -> BTreeSet<String> {
    let text = |event: &Value, pointer: &str| {
        event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let open = ["exec", "attach", "portforward", "proxy", "log"];
    let identity = |event: &Value| {
        let subresource = text(event, "/objectRef/subresource");
        let stage = text(event, "/stage");
        let stays_open = text(event, "/verb") == "watch" || open.contains(&&*subresource);
        let stage = if stays_open && stage != "RequestReceived" { "" } else { &stage };
        format!("{} {stage}", text(event, "/auditID"))
    };
    events.iter().map(identity).collect()
}
