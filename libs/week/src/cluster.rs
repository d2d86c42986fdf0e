//! The cluster: nodes, teams and their programs, pods, people, and the identities of all of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::event::{HOUR, Micros, Who};

/// The versions before and after the week's upgrade.
pub(crate) const OLD: (&str, &str) = ("v1.33.5", "4a1cbd2");
pub(crate) const NEW: (&str, &str) = ("v1.34.2", "8cc511e");

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) address: String,
    pub(crate) version: (&'static str, &'static str),
    pub(crate) credential: String,
    pub(crate) is_control_plane: bool,
}

/// A program that a team, or the platform, runs.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) account: String,
    pub(crate) image: String,
    pub(crate) release: u64,
    pub(crate) replicas: usize,
    pub(crate) set: String,
    pub(crate) is_autoscaled: bool,
    pub(crate) is_by_gitops: bool,
    /// Whether its program talks to the API server.
    pub(crate) asks: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) namespace: String,
    pub(crate) app: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) account: String,
    pub(crate) node: String,
    pub(crate) address: String,
    pub(crate) credential: String,
    pub(crate) image: String,
    pub(crate) owner: (&'static str, String, String),
}

#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) who: Who,
    /// The namespace that they work in; empty for the platform's people, who work in all.
    pub(crate) namespace: String,
    pub(crate) tool: &'static str,
}

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) chance: Chance,
    pub(crate) nodes: Vec<Node>,
    pub(crate) apps: Vec<App>,
    pub(crate) pods: Vec<Pod>,
    pub(crate) people: Vec<Person>,
    pub(crate) version: (&'static str, &'static str),
    uids: BTreeMap<String, String>,
    next_address: u32,
}

const TEAMS: &[(&str, &[&str])] = &[
    ("checkout", &["cart", "pricing", "vouchers", "receipts"]),
    ("catalog", &["products", "stock", "reviews", "importer"]),
    ("search", &["query", "indexer", "suggest"]),
    ("payments", &["gateway", "ledger", "refunds", "fraud"]),
    ("identity", &["login", "sessions", "profiles"]),
    ("media", &["thumbs", "encoder", "uploads"]),
    ("fulfil", &["orders", "shipping", "labels"]),
    ("insights", &["events", "reports", "exports"]),
];

/// The platform's own programs, and whether they talk to the API server.
const PLATFORM: &[(&str, &str, usize)] = &[
    ("kube-system", "coredns", 2),
    ("kube-system", "metrics-server", 2),
    ("kube-system", "cluster-autoscaler", 1),
    ("monitoring", "prometheus", 1),
    ("monitoring", "kube-state-metrics", 1),
    ("cert-manager", "cert-manager", 1),
    ("ingress", "ingress-nginx", 2),
    ("argocd", "argocd-application-controller", 1),
    ("backup", "velero", 1),
    ("ci", "runner", 3),
    ("security", "image-scanner", 1),
];

const PEOPLE: &[(&str, &str, &str)] = &[
    ("ada.lindqvist", "checkout", "kubectl"),
    ("bram.okafor", "checkout", "k9s"),
    ("chiara.novak", "catalog", "kubectl"),
    ("dmitri.haas", "search", "kubectl"),
    ("esra.moreau", "payments", "kubectl"),
    ("farid.jonsson", "payments", "k9s"),
    ("greta.silva", "identity", "kubectl"),
    ("hugo.tanaka", "media", "kubectl"),
    ("ines.petrov", "fulfil", "kubectl"),
    ("jonas.adeyemi", "insights", "kubectl"),
    ("katya.brandt", "", "kubectl"),
    ("liam.ferrari", "", "k9s"),
    ("mina.kowalski", "", "kubectl"),
    ("noor.vega", "", "kubectl"),
];

impl Cluster {
    pub(crate) fn new(seed: u64, workers: usize) -> Self {
        let mut cluster = Self {
            chance: Chance::new(seed),
            nodes: Vec::new(),
            apps: Vec::new(),
            pods: Vec::new(),
            people: Vec::new(),
            version: OLD,
            uids: BTreeMap::new(),
            next_address: 0,
        };
        for number in 1..=3 {
            cluster.add_node(&format!("control-{number}"), true);
        }
        for number in 1..=workers {
            cluster.add_node(&format!("worker-{number}"), false);
        }
        for (team, names) in TEAMS {
            for (index, name) in names.iter().enumerate() {
                let replicas = 2 + cluster.chance.index(2);
                cluster.add_app(team, name, replicas);
                if let Some(app) = cluster.apps.last_mut() {
                    app.is_autoscaled = index == 0;
                    app.asks = index == 1;
                }
            }
        }
        for (namespace, name, replicas) in PLATFORM {
            cluster.add_app(namespace, name, *replicas);
            if let Some(app) = cluster.apps.last_mut() {
                app.asks = true;
            }
        }
        for (index, (name, team, tool)) in PEOPLE.iter().enumerate() {
            let group =
                if team.is_empty() { "platform".to_owned() } else { format!("team-{team}") };
            let (kind, of) = if team.is_empty() {
                (
                    r#"ClusterRoleBinding "platform-admins" of ClusterRole "cluster-admin""#
                        .to_owned(),
                    &group,
                )
            } else {
                (format!(r#"RoleBinding "{group}/{team}" of ClusterRole "edit""#), &group)
            };
            let who = Who {
                name: format!("{name}@fernweh.example"),
                groups: vec![group.clone(), "staff".to_owned(), "system:authenticated".to_owned()],
                address: format!("10.8.0.{}", 11 + index),
                agent: format!("kubectl/{} (linux/amd64) kubernetes/{}", OLD.0, OLD.1),
                reason: format!(r#"RBAC: allowed by {kind} to Group "{of}""#),
                ..Who::default()
            };
            cluster.people.push(Person { who, namespace: (*team).to_owned(), tool });
        }
        cluster
    }

    pub(crate) fn add_node(&mut self, name: &str, is_control_plane: bool) {
        let number = self.nodes.len() + 10;
        let credential = format!(
            "X509SHA256={:016x}{:016x}{:016x}{:016x}",
            self.chance.next(),
            self.chance.next(),
            self.chance.next(),
            self.chance.next()
        );
        self.nodes.push(Node {
            name: name.to_owned(),
            uid: self.chance.uuid(),
            address: format!("10.20.{}.{}", number / 200, number % 200 + 1),
            version: self.version,
            credential,
            is_control_plane,
        });
    }

    /// An app whose pods run already.
    pub(crate) fn add_app(&mut self, namespace: &str, name: &str, replicas: usize) {
        let uid = self.chance.uuid();
        let set = format!("{}{}", self.chance.letters(5), self.chance.letters(5));
        self.apps.push(App {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid,
            account: name.to_owned(),
            image: format!("registry.fernweh.example/{namespace}/{name}"),
            release: 40,
            replicas,
            set,
            is_autoscaled: false,
            is_by_gitops: self.apps.len().is_multiple_of(2),
            asks: false,
        });
        let index = self.apps.len() - 1;
        for _ in 0..replicas {
            let pod = self.new_pod(index);
            self.pods.push(pod);
        }
    }

    /// A pod of an app, on some node; it is not among the pods yet.
    pub(crate) fn new_pod(&mut self, app: usize) -> Pod {
        let app = self.apps.get(app).cloned().unwrap_or_else(|| no_app(&mut self.chance));
        let set = format!("{}-{}", app.name, app.set);
        let suffix = self.chance.letters(5);
        let set_uid = self.uid(&format!("rs/{}/{set}", app.namespace));
        let image = format!("{}:2.{}.0", app.image, app.release);
        self.pod(
            &app.namespace,
            &app.name,
            &format!("{set}-{suffix}"),
            &app.account,
            &image,
            ("ReplicaSet", set, set_uid),
        )
    }

    pub(crate) fn pod(
        &mut self,
        namespace: &str,
        app: &str,
        name: &str,
        account: &str,
        image: &str,
        owner: (&'static str, String, String),
    ) -> Pod {
        let workers: Vec<String> =
            self.nodes.iter().filter(|it| !it.is_control_plane).map(|it| it.name.clone()).collect();
        self.next_address = (self.next_address + 1) % 60_000;
        let node = self.chance.one(&workers).cloned().unwrap_or_default();
        Pod {
            namespace: namespace.to_owned(),
            app: app.to_owned(),
            name: name.to_owned(),
            uid: self.chance.uuid(),
            account: account.to_owned(),
            node,
            address: format!("10.244.{}.{}", self.next_address / 250, self.next_address % 250 + 2),
            credential: format!("JTI={}", self.chance.uuid()),
            image: image.to_owned(),
            owner,
        }
    }

    /// The uid of something, the same whenever it is asked for.
    pub(crate) fn uid(&mut self, of: &str) -> String {
        let chance = &mut self.chance;
        self.uids.entry(of.to_owned()).or_insert_with(|| chance.uuid()).clone()
    }

    pub(crate) fn control_plane(&self, index: usize) -> String {
        let planes: Vec<&Node> = self.nodes.iter().filter(|it| it.is_control_plane).collect();
        planes.get(index % planes.len().max(1)).map(|it| it.address.clone()).unwrap_or_default()
    }

    /// A controller of kube-controller-manager.
    pub(crate) fn controller(&mut self, name: &str, at: Micros) -> Who {
        let (version, commit) = self.version;
        let account = format!("system:serviceaccount:kube-system:{name}");
        let binding = format!("system:controller:{name}");
        Who {
            uid: self.uid(&account),
            groups: account_groups("kube-system"),
            extra: vec![(
                "credential-id",
                format!("JTI={}", self.uid(&format!("{account}/{}", at / HOUR))),
            )],
            address: self.control_plane(0),
            agent: format!(
                "kube-controller-manager/{version} (linux/amd64) kubernetes/{commit}/{account}"
            ),
            reason: format!(
                r#"RBAC: allowed by ClusterRoleBinding "{binding}" of ClusterRole "{binding}" to ServiceAccount "{name}/kube-system""#
            ),
            name: account,
        }
    }

    /// A component of the control plane with a certificate.
    pub(crate) fn component(&mut self, name: &str) -> Who {
        let (version, commit) = self.version;
        let uid = self.uid(name).replace('-', "");
        Who {
            name: format!("system:{name}"),
            groups: vec!["system:authenticated".to_owned()],
            extra: vec![("credential-id", format!("X509SHA256={uid}{uid}"))],
            address: self.control_plane(0),
            agent: format!("{name}/{version} (linux/amd64) kubernetes/{commit}"),
            reason: format!(
                r#"RBAC: allowed by ClusterRoleBinding "system:{name}" of ClusterRole "system:{name}" to User "system:{name}""#
            ),
            ..Who::default()
        }
    }

    /// A pod's service account, by the token in the pod.
    pub(crate) fn account(&mut self, pod: &Pod, agent: &str) -> Who {
        let Pod { namespace, account, .. } = pod;
        let name = format!("system:serviceaccount:{namespace}:{account}");
        let node_uid = self.nodes.iter().find(|it| it.name == pod.node).map(|it| it.uid.clone());
        Who {
            uid: self.uid(&name),
            groups: account_groups(namespace),
            extra: vec![
                ("credential-id", pod.credential.clone()),
                ("node-name", pod.node.clone()),
                ("node-uid", node_uid.unwrap_or_default()),
                ("pod-name", pod.name.clone()),
                ("pod-uid", pod.uid.clone()),
            ],
            address: pod.address.clone(),
            agent: agent.to_owned(),
            reason: format!(
                r#"RBAC: allowed by ClusterRoleBinding "{account}" of ClusterRole "{account}" to ServiceAccount "{account}/{namespace}""#
            ),
            name,
        }
    }

    /// The service account of a platform's program, in its first pod.
    pub(crate) fn platform(&mut self, app: &str, agent: &str) -> Option<Who> {
        let pod = self.pods.iter().find(|pod| pod.app == app).cloned()?;
        Some(self.account(&pod, agent))
    }
}

/// What stands for an app that is not there.
fn no_app(chance: &mut Chance) -> App {
    App {
        namespace: "default".to_owned(),
        name: "none".to_owned(),
        uid: chance.uuid(),
        account: "default".to_owned(),
        image: "none".to_owned(),
        release: 0,
        replicas: 0,
        set: chance.letters(10),
        is_autoscaled: false,
        is_by_gitops: false,
        asks: false,
    }
}

pub(crate) fn account_groups(namespace: &str) -> Vec<String> {
    vec![
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
        "system:authenticated".to_owned(),
    ]
}

/// A node's kubelet.
pub(crate) fn kubelet(node: &Node) -> Who {
    let (version, commit) = node.version;
    Who {
        name: format!("system:node:{}", node.name),
        groups: vec!["system:nodes".to_owned(), "system:authenticated".to_owned()],
        extra: vec![("credential-id", node.credential.clone())],
        address: node.address.clone(),
        agent: format!("kubelet/{version} (linux/amd64) kubernetes/{commit}"),
        ..Who::default()
    }
}

/// What a pod is made from.
pub(crate) fn pod_spec(name: &str, account: &str, image: &str) -> Value {
    json!({
        "serviceAccountName": account,
        "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
        "containers": [{
            "name": name, "image": image, "ports": [{ "containerPort": 8080, "name": "http" }],
            "resources": { "limits": { "memory": "512Mi" }, "requests": { "cpu": "100m", "memory": "256Mi" } },
            "securityContext": {
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": { "drop": ["ALL"] },
            },
        }],
    })
}
