//! A real control plane on loopback: etcd, API server, controllers and scheduler, on free ports, in a
//! folder of their own; killed when the handle is dropped.
//!
//! Owns the processes and their flags. Who may do what is `story`'s, nodes are `kubelet`'s.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::KeyPair;
use serde_json::Value;

use crate::api_client::ApiClient;
use crate::binaries::ControlPlaneBinaries;
use crate::kubectl::{Kubectl, write_kubeconfig};
use crate::process::Process;
use crate::{say, waiting};

/// How long the API server may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often a control plane is started anew when somebody else took one of the ports that were free.
const ATTEMPTS: usize = 3;
/// What an API server logs where a careful operator set it up: the recordings are made with it too.
const AUDIT_POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/recorder/audit-policy.yaml");
/// What the suite needs. Endpoints on loopback are refused, so the controllers that write them are off.
pub(crate) const CONTROLLERS: &str =
    "clusterrole-aggregation,deployment,job,replicaset,root-ca-cert-publisher,serviceaccount";

/// The same, with those that tidy up and those of the other workloads.
pub(crate) const ALL_CONTROLLERS: &str = "clusterrole-aggregation,daemonset,deployment,garbagecollector,job,namespace,replicaset,root-ca-cert-publisher,serviceaccount,statefulset";

/// Which stages of a request an API server logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stages {
    /// From the first answer on, as the policy that the recordings are made with says.
    Answered,
    /// That it was received, too: what the same policy logs where nothing is omitted.
    All,
}

impl Stages {
    /// The audit policy; in the folder where it is no file of the repository.
    fn policy(self, folder: &Path) -> PathBuf {
        if self == Self::Answered {
            return PathBuf::from(AUDIT_POLICY);
        }
        let policy = std::fs::read_to_string(AUDIT_POLICY).unwrap();
        let (omitting, rest): (Vec<_>, Vec<_>) =
            policy.lines().partition(|line| line.starts_with("omitStages:"));
        assert_eq!(omitting.len(), 1, "{AUDIT_POLICY} says which stages it omits");
        let path = folder.join("audit-policy.yaml");
        std::fs::write(&path, rest.join("\n")).unwrap();
        path
    }
}

/// Who authenticates by a static token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) user: &'static str,
    /// Its group; empty for none.
    pub(crate) group: &'static str,
    /// Where it speaks from.
    pub(crate) address: Ipv4Addr,
}

impl Caller {
    pub(crate) const fn new(user: &'static str, group: &'static str, address: [u8; 4]) -> Self {
        let [a, b, c, d] = address;
        Self { user, group, address: Ipv4Addr::new(a, b, c, d) }
    }

    pub(crate) fn token(&self) -> String {
        format!("token-of-{}", self.user.replace(':', "-"))
    }
}

/// Whoever sets the cluster up: may do everything.
pub(crate) const SETUP: Caller = Caller::new("setup", "system:masters", [127, 0, 0, 1]);
const CONTROLLER_MANAGER: Caller =
    Caller::new("system:kube-controller-manager", "", [127, 0, 0, 1]);
const SCHEDULER: Caller = Caller::new("system:kube-scheduler", "", [127, 0, 0, 1]);

/// A running control plane.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: PathBuf,
    ports: Ports,
    controllers: &'static str,
    audit_policy: PathBuf,
    processes: Vec<Process>,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    api_server: u16,
    etcd: u16,
    etcd_peer: u16,
    controller_manager: u16,
    scheduler: u16,
}

impl Ports {
    /// Ports that are free now. The programs cannot choose theirs, since each needs to know others'.
    fn free() -> Self {
        let listeners: [TcpListener; 5] =
            std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let [api_server, etcd, etcd_peer, controller_manager, scheduler] =
            listeners.map(|listener| listener.local_addr().unwrap().port());
        Self { api_server, etcd, etcd_peer, controller_manager, scheduler }
    }
}

impl Cluster {
    /// Starts a control plane whose API server sends its audit events as `audit_kubeconfig` says, or nowhere.
    pub(crate) async fn start(
        binaries: &ControlPlaneBinaries,
        folder: &Path,
        audit_kubeconfig: Option<&str>,
        callers: &[Caller],
    ) -> Self {
        let with = (callers, CONTROLLERS, Stages::Answered);
        Self::start_with(binaries, folder, audit_kubeconfig, with).await
    }

    /// The same, with other controllers, or other stages in the audit log.
    pub(crate) async fn start_with(
        binaries: &ControlPlaneBinaries,
        folder: &Path,
        audit_kubeconfig: Option<&str>,
        (callers, controllers, stages): (&[Caller], &'static str, Stages),
    ) -> Self {
        for attempt in 1.. {
            let folder = folder.join(format!("control-plane-{attempt}"));
            std::fs::create_dir(&folder).unwrap();
            if let Some(audit_kubeconfig) = audit_kubeconfig {
                std::fs::write(folder.join("audit.kubeconfig"), audit_kubeconfig).unwrap();
            }
            write_credentials(&folder, callers);
            let (ports, audit_policy) = (Ports::free(), stages.policy(&folder));
            let processes = Vec::new();
            let mut cluster = Self { folder, ports, controllers, audit_policy, processes };
            match cluster.start_all(binaries).await {
                Ok(()) => return cluster,
                Err(why) if attempt < ATTEMPTS => say(&format!("starts again: {why}")),
                Err(why) => panic!("{why}"),
            }
        }
        unreachable!("the last attempt returns or panics")
    }

    /// kubectl as one of the callers.
    pub(crate) async fn kubectl(&self, caller: &Caller) -> Kubectl {
        self.kubectl_with(&caller.token(), caller.address).await
    }

    /// kubectl with any token, from any address.
    pub(crate) async fn kubectl_with(&self, token: &str, address: Ipv4Addr) -> Kubectl {
        Kubectl::new(self.server(), &self.folder, token, address).await
    }

    /// A client of the API for one of the callers, a program that calls itself `agent`.
    pub(crate) async fn api_client(&self, caller: &Caller, agent: &str) -> ApiClient {
        let certificate = std::fs::read_to_string(self.path("certs/apiserver.crt")).unwrap();
        let server = (self.server(), certificate.as_str());
        ApiClient::connect(server, &caller.token(), caller.address, agent).await
    }

    /// The kubeconfig of who holds a token.
    pub(crate) fn kubeconfig(&self, token: &str) -> PathBuf {
        write_kubeconfig(&self.folder, token, self.ports.api_server)
    }

    fn server(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.ports.api_server))
    }

    /// A folder for what belongs to the cluster.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The API server's own audit log so far, which Airside does not see.
    pub(crate) fn audit_log(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.folder.join("audit.log")).unwrap();
        // The last line may be half written.
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    async fn start_all(&mut self, binaries: &ControlPlaneBinaries) -> Result<(), String> {
        let flags = self.etcd_flags();
        self.run("etcd", Path::new("etcd"), &flags);
        let flags = self.api_server_flags(binaries);
        self.run("kube-apiserver", &binaries.program("kube-apiserver"), &flags);
        self.until_ready().await?;
        let flags = self.controller_manager_flags(binaries);
        self.run("kube-controller-manager", &binaries.program("kube-controller-manager"), &flags);
        let flags = self.scheduler_flags(binaries);
        self.run("kube-scheduler", &binaries.program("kube-scheduler"), &flags);
        Ok(())
    }

    fn run(&mut self, name: &'static str, program: &Path, flags: &[String]) {
        self.processes.push(Process::start(name, program, flags, &self.folder));
    }

    async fn until_ready(&mut self) -> Result<(), String> {
        let setup = self.kubectl(&SETUP).await;
        waiting::eventually("the API server is ready", READY_WITHIN, async || {
            if let Some(why) = self.processes.iter_mut().find_map(Process::ended) {
                return Ok(Err(why));
            }
            let answer = setup.run(&["get", "--raw", "/readyz"], "").await;
            if answer.succeeded { Ok(Ok(())) } else { Err(answer.stderr) }
        })
        .await
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn etcd_flags(&self) -> Vec<String> {
        let Ports { etcd, etcd_peer, .. } = self.ports;
        vec![
            format!("--data-dir={}", self.path("etcd")),
            format!("--listen-client-urls=http://127.0.0.1:{etcd}"),
            format!("--advertise-client-urls=http://127.0.0.1:{etcd}"),
            format!("--listen-peer-urls=http://127.0.0.1:{etcd_peer}"),
        ]
    }

    fn api_server_flags(&self, binaries: &ControlPlaneBinaries) -> Vec<String> {
        let Ports { api_server, etcd, .. } = self.ports;
        let mut flags = vec![
            format!("--etcd-servers=http://127.0.0.1:{etcd}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={api_server}"),
            format!("--cert-dir={}", self.path("certs")),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", self.path("service-accounts.pub")),
            format!("--service-account-signing-key-file={}", self.path("service-accounts.key")),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--enable-admission-plugins=NodeRestriction".to_owned(),
            "--allow-privileged=true".to_owned(),
            format!("--token-auth-file={}", self.path("tokens.csv")),
            format!("--audit-policy-file={}", self.audit_policy.display()),
            format!("--audit-log-path={}", self.path("audit.log")),
        ];
        let webhook = self.folder.join("audit.kubeconfig");
        if webhook.is_file() {
            flags.push(format!("--audit-webhook-config-file={}", webhook.display()));
            flags.push("--audit-webhook-batch-max-wait=1s".to_owned());
            // Tried again after 1, 1.5, 2.25 … seconds: long enough for whoever is started anew.
            flags.push("--audit-webhook-initial-backoff=1s".to_owned());
        }
        flags.extend(bound_tokens(&binaries.help("kube-apiserver")));
        flags
    }

    fn controller_manager_flags(&self, binaries: &ControlPlaneBinaries) -> Vec<String> {
        let help = binaries.help("kube-controller-manager");
        let key = self.path("service-accounts.key");
        let mut flags =
            self.component_flags(&CONTROLLER_MANAGER, self.ports.controller_manager, &help);
        flags.extend([
            format!("--service-account-private-key-file={key}"),
            format!("--root-ca-file={}", self.path("certs/apiserver.crt")),
            "--use-service-account-credentials=true".to_owned(),
            format!("--controllers={}", self.controllers),
        ]);
        flags.extend(bound_tokens(&help));
        flags
    }

    fn scheduler_flags(&self, binaries: &ControlPlaneBinaries) -> Vec<String> {
        let help = binaries.help("kube-scheduler");
        self.component_flags(&SCHEDULER, self.ports.scheduler, &help)
    }

    /// What controllers and scheduler have in common. Old ones also listen without TLS on a fixed port.
    fn component_flags(&self, caller: &Caller, port: u16, help: &str) -> Vec<String> {
        let own = self.folder.join(caller.user.replace(':', "-"));
        std::fs::create_dir_all(&own).unwrap();
        let config = write_kubeconfig(&own, &caller.token(), self.ports.api_server);
        let mut flags = vec![
            format!("--kubeconfig={}", config.display()),
            "--leader-elect=false".to_owned(),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
        ];
        if help.contains("--port ") {
            flags.push("--port=0".to_owned());
        }
        flags
    }
}

/// Tokens bound to their pods: a gate in 1.20, always so since 1.22.
fn bound_tokens(help: &str) -> Option<String> {
    const GATE: &str = "BoundServiceAccountTokenVolume=true";
    help.contains(GATE).then(|| format!("--feature-gates={GATE}"))
}

/// The static tokens, and the keys that sign service accounts' tokens.
fn write_credentials(folder: &Path, callers: &[Caller]) {
    let all = [SETUP, CONTROLLER_MANAGER, SCHEDULER];
    let line = |caller: &Caller| {
        format!("{},{},{},\"{}\"\n", caller.token(), caller.user, caller.user, caller.group)
    };
    let tokens: String = all.iter().chain(callers).map(line).collect();
    std::fs::write(folder.join("tokens.csv"), tokens).unwrap();
    let key = KeyPair::generate().unwrap();
    std::fs::write(folder.join("service-accounts.key"), key.serialize_pem()).unwrap();
    std::fs::write(folder.join("service-accounts.pub"), key.public_key_pem()).unwrap();
}
