//! A small cluster that the tables of each kind of policy share, in YAML.

use super::*;
use crate::yaml::{Limits, parse};

/// `shop/web` bears `app: web` and is of the account `seller`; `data/db` bears `app: db`, listens on `pg`
/// (5432) and is of the account `keeper`. The namespace shop is labelled `team: a`, of data no labels are known.
const CLUSTER: &str = "apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: a}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {serviceAccountName: seller, containers: [{name: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: data, labels: {app: db}}
spec:
  serviceAccountName: keeper
  containers: [{name: c, ports: [{name: pg, containerPort: 5432}]}]
";

/// What is asked of the cluster.
#[derive(Debug, Clone, Copy)]
pub(super) enum Question {
    /// Whether `web` reaches `db` on a TCP port, or on any.
    ToDb(Option<u16>),
    /// Whether the internet reaches `db`, on any port.
    FromInternet,
    /// Whether `web` reaches an address on port 80.
    ToAddress(&'static str),
}

/// The answer with its reasons, when these policies are added to the cluster.
pub(super) fn reached(policies: &str, question: Question) -> Reachability {
    let parsed = parse(&format!("{CLUSTER}---\n{policies}"), &Limits::default());
    assert_eq!(parsed.errors, [], "{policies}");
    let contents: Vec<_> = parsed.documents.iter().map(|it| it.contents()).collect();
    let objects: Vec<_> =
        contents.iter().flat_map(|contents| &contents.objects).map(|it| it.object).collect();
    let graph = Graph::new(&objects, Completeness::WholeInput);
    let (web, db) = (&graph.pods()[0], &graph.pods()[1]);
    let tcp = |number| Port { number, protocol: "TCP" };
    match question {
        Question::ToDb(port) => graph.reach(Source::Pod(web), db, port.map(tcp)),
        Question::FromInternet => graph.reach(Source::Internet, db, None),
        Question::ToAddress(address) => {
            graph.reach_address(web, address.parse().unwrap(), Some(tcp(80)))
        }
    }
}

/// Whether the answers are the expected ones, each row with its name.
pub(super) fn expect(rows: &[(&str, String, Question, Answer)]) {
    for (name, policies, question, expected) in rows {
        let reached = reached(policies, *question);
        assert_eq!(reached.answer, *expected, "{name}: {question:?} {:#?}", reached.reasons);
    }
}
