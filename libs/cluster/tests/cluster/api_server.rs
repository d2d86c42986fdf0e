//! An API server that gives the answers that a test has prepared, and remembers what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use airside_cluster::{ClusterOptions, KubeCluster};
use airside_k8s::{Value, json};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::ACCEPT;
use axum::http::{Response, StatusCode};
use futures::stream;
use tokio::sync::mpsc;

/// The path of the objects that most tests are about.
pub(crate) const CONFIG_MAPS: &str = "/api/v1/configmaps";
pub(crate) const SECRETS: &str = "/api/v1/secrets";

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) accept: String,
}

impl Asked {
    fn is_watch(&self) -> bool {
        self.query.contains("watch=true")
    }
}

/// The lines of a watch. It ends when this is dropped.
pub(crate) struct WatchLines(mpsc::UnboundedSender<String>);

impl WatchLines {
    pub(crate) fn send(&self, kind: &str, object: &Value) {
        self.0.send(json!({ "type": kind, "object": object }).to_string() + "\n").unwrap();
    }
}

enum Answer {
    Json(u16, Value),
    Text(String),
    Lines(mpsc::UnboundedReceiver<String>),
}

#[derive(Default)]
struct Prepared {
    /// By path, `?watch` behind it for watches.
    answers: BTreeMap<String, VecDeque<Answer>>,
    asked: Vec<Asked>,
}

/// A running server; ends with the test's runtime.
pub(crate) struct ApiServer {
    prepared: Arc<Mutex<Prepared>>,
    folder: tempfile::TempDir,
}

impl ApiServer {
    /// A server of some core kinds: plural, kind.
    pub(crate) async fn serving(kinds: &[(&str, &str)]) -> Self {
        let prepared: Arc<Mutex<Prepared>> = Arc::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&prepared));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{ "name": "it", "cluster": { "server": format!("http://{address}") } }],
            "users": [{ "name": "it", "user": { "token": "t" } }],
            "contexts": [{ "name": "it", "context": { "cluster": "it", "user": "it" } }],
        });
        std::fs::write(folder.path().join("config"), kubeconfig.to_string()).unwrap();
        let server = Self { prepared, folder };
        server.answer("/apis", 200, json!({ "kind": "APIGroupList", "groups": [] }));
        let resource = |(plural, kind): &(&str, &str)| {
            json!({
                "name": plural, "singularName": "", "namespaced": true, "kind": kind,
                "verbs": ["get", "list", "watch"],
            })
        };
        let resources: Vec<Value> = kinds.iter().map(resource).collect();
        let list =
            json!({ "kind": "APIResourceList", "groupVersion": "v1", "resources": resources });
        server.answer("/api/v1", 200, list);
        server
    }

    /// The adapter, connected to this server.
    pub(crate) fn cluster(&self) -> KubeCluster {
        let kubeconfig: Option<PathBuf> = Some(self.folder.path().join("config"));
        KubeCluster::new(ClusterOptions { kubeconfig, ..ClusterOptions::default() })
    }

    /// Prepares an answer. Those of one path are given in order, the last one again and again.
    pub(crate) fn answer(&self, path: &str, status: u16, body: Value) {
        self.prepare(path.to_owned(), Answer::Json(status, body));
    }

    /// Prepares an answer that is no JSON.
    pub(crate) fn answer_text(&self, path: &str, text: &str) {
        self.prepare(path.to_owned(), Answer::Text(text.to_owned()));
    }

    /// Prepares an answer in place of those that were prepared before.
    pub(crate) fn answer_instead(&self, path: &str, status: u16, body: Value) {
        self.prepared.lock().unwrap().answers.remove(path);
        self.answer(path, status, body);
    }

    /// Prepares a list of ConfigMaps, or of what else the path says.
    pub(crate) fn list(&self, path: &str, version: &str, next: &str, items: &[Value]) {
        let metadata = json!({ "resourceVersion": version, "continue": next });
        let list =
            json!({ "kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items });
        self.answer(path, 200, list);
    }

    /// Prepares a watch.
    pub(crate) fn watch(&self, path: &str) -> WatchLines {
        let (sender, lines) = mpsc::unbounded_channel();
        self.prepare(format!("{path}?watch"), Answer::Lines(lines));
        WatchLines(sender)
    }

    /// Prepares an error as an answer to a watch.
    pub(crate) fn refuse_watch(&self, path: &str, status: u16, message: &str) {
        self.prepare(format!("{path}?watch"), Answer::Json(status, failure(status, message)));
    }

    fn prepare(&self, key: String, answer: Answer) {
        self.prepared.lock().unwrap().answers.entry(key).or_default().push_back(answer);
    }

    /// What was asked for at a path: lists, or watches.
    pub(crate) fn asked(&self, path: &str, watches: bool) -> Vec<Asked> {
        let asked = self.prepared.lock().unwrap().asked.clone();
        asked.into_iter().filter(|it| it.path == path && it.is_watch() == watches).collect()
    }
}

/// What an API server says when it does not do what it is asked.
pub(crate) fn failure(status: u16, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": "It", "code": status,
    })
}

/// A ConfigMap.
pub(crate) fn config_map(name: &str, version: &str, mode: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": "shop", "resourceVersion": version },
        "data": { "mode": mode },
    })
}

async fn answer(State(prepared): State<Arc<Mutex<Prepared>>>, request: Request) -> Response<Body> {
    let accept = request.headers().get(ACCEPT).map(|it| it.to_str().unwrap().to_owned());
    let asked = Asked {
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        accept: accept.unwrap_or_default(),
    };
    let mut prepared = prepared.lock().unwrap();
    let key = if asked.is_watch() { format!("{}?watch", asked.path) } else { asked.path.clone() };
    let is_watch = asked.is_watch();
    prepared.asked.push(asked);
    let answers = prepared.answers.entry(key).or_default();
    let next = match answers.front() {
        Some(Answer::Json(status, body)) if answers.len() == 1 && !is_watch => {
            Some(Answer::Json(*status, body.clone()))
        }
        _ => answers.pop_front(),
    };
    match next {
        Some(Answer::Json(status, body)) => Response::builder()
            .status(StatusCode::from_u16(status).unwrap())
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap(),
        Some(Answer::Text(text)) => Response::new(Body::from(text)),
        Some(Answer::Lines(lines)) => {
            let lines = stream::unfold(lines, |mut lines| async move {
                let line = lines.recv().await?;
                Some((Ok::<_, std::convert::Infallible>(Bytes::from(line)), lines))
            });
            Response::new(Body::from_stream(lines))
        }
        // A watch that nothing happens in; a path that the test knows nothing of.
        None if is_watch => {
            Response::new(Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()))
        }
        None => Response::builder()
            .status(404)
            .body(Body::from(failure(404, "no such path").to_string()))
            .unwrap(),
    }
}
