//! `airside scan --reach FROM TO`: whether one thing can connect to another, and why.

mod target;

use std::net::IpAddr;

use airside_k8s::graph::{Answer, PodNode, Reachability, Reason, Source};
use airside_k8s::{Completeness, Graph, Located, Object};
use anyhow::Context;
use serde_json::{Value, json};

use self::target::{split_port, targets};
use super::inputs::Inputs;
use crate::cli::ReportFormat;
use crate::command::Outcome;
use crate::show::{self, ERROR, FAINT, GOOD, PLACE, RESET, STRONG};

/// An end of a connection, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End<'t> {
    /// `internet`.
    Internet,
    /// `node`.
    Node,
    /// An address outside the cluster.
    Address(IpAddr),
    /// `[NAMESPACE/][KIND/]NAME`.
    Workload { namespace: Option<&'t str>, kind: Option<&'t str>, name: &'t str },
}

/// One pair of ends, and the answer.
#[derive(PartialEq, Eq)]
struct Told {
    from: String,
    to: String,
    reachability: Reachability,
}

/// Prints the answer. The exit status says it as well: 0 no, 1 yes, 2 not known.
pub(super) fn run(
    ends: &[String],
    inputs: &Inputs,
    output: ReportFormat,
) -> anyhow::Result<Outcome> {
    let [from, to] = ends else { anyhow::bail!("--reach takes two values: FROM and TO") };
    let documents = inputs.documents();
    let located: Vec<(&str, Located<'_>)> = documents
        .iter()
        .flat_map(|(path, document)| {
            document.contents().objects.into_iter().map(move |it| (path.as_str(), it))
        })
        .collect();
    let objects: Vec<Object<'_>> = located.iter().map(|(_, it)| it.object).collect();
    let graph = Graph::new(&objects, Completeness::WholeInput);
    let told = answers(&graph, from, to)?;
    let whole = told.iter().fold(Answer::No, |whole, it| whole.or(it.reachability.answer));
    match output {
        ReportFormat::Json => {
            let pairs: Vec<_> = told.iter().map(|it| it.json(&located)).collect();
            let report = json!({ "answer": whole.to_string(), "pairs": pairs });
            show::print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
        }
        ReportFormat::Text => {
            show::print(&told.iter().map(|it| it.text(&located)).collect::<String>())?;
        }
        _ => anyhow::bail!("--reach prints text or JSON: give --output text or json"),
    }
    // What could not be read may have been a policy, or a way.
    if !inputs.problems.is_empty() {
        return Ok(Outcome::Unreadable);
    }
    Ok(match whole {
        Answer::No => Outcome::Good,
        Answer::Yes => Outcome::Findings,
        Answer::Unknown => Outcome::Unreadable,
    })
}

fn answers<'a>(graph: &Graph<'a>, from: &str, to: &str) -> anyhow::Result<Vec<Told>> {
    let (to, port) = split_port(to)?;
    let target = End::parse(to)?;
    anyhow::ensure!(
        matches!(target, End::Workload { .. } | End::Address(_)),
        "TO must be an address, or a workload or Service of the input: {TARGET}"
    );
    let source = End::parse(from)?;
    let mut told = Vec::new();
    if let End::Address(address) = target {
        let port = port.map(|port| port.number_only(to)).transpose()?;
        let sources = pods(graph, source).with_context(|| not_there(from))?;
        told.extend(sources.into_iter().map(|pod| Told {
            from: name(graph, pod),
            to: address.to_string(),
            reachability: graph.reach_address(pod, address, port),
        }));
        told.dedup();
        return Ok(told);
    }
    let sources = match source {
        End::Internet | End::Node => Vec::new(),
        _ => pods(graph, source).with_context(|| not_there(from))?,
    };
    for target in targets(graph, target, to, port)? {
        let to = target.shown(graph);
        let mut tell = |from: &str, reachability| {
            told.push(Told { from: from.to_owned(), to: to.clone(), reachability });
        };
        let ports = target.ports.as_deref();
        match (&target.closed, source) {
            (Some(reason), End::Internet | End::Node) => tell(from, closed(reason)),
            (None, End::Internet) => {
                tell(from, graph.reach_from_outside(target.pod, ports, target.service));
            }
            (None, End::Node) => tell(from, graph.reach_any(Source::Node, target.pod, ports)),
            (closed_by, _) => {
                for pod in &sources {
                    let reached = match closed_by {
                        Some(reason) => closed(reason),
                        None => graph.reach_any(Source::Pod(pod), target.pod, ports),
                    };
                    tell(&name(graph, pod), reached);
                }
            }
        }
    }
    // The same workload may stand in several files.
    told.dedup();
    Ok(told)
}

fn closed(reason: &str) -> Reachability {
    Reachability { answer: Answer::No, reasons: vec![Reason::new(reason)] }
}

fn not_there(text: &str) -> String {
    format!("the input has no pods of `{text}`: write [NAMESPACE/][KIND/]NAME, internet or node")
}

/// How a target with a port is typed.
const TARGET: &str = "write [NAMESPACE/][KIND/]NAME[:PORT[/PROTOCOL]], such as shop/web:8080, shop/web:http or \
     shop/Service/web:53/UDP";

/// The pods of a workload; none where the input has none.
fn pods<'g, 'a>(graph: &'g Graph<'a>, end: End<'_>) -> Option<Vec<&'g PodNode<'a>>> {
    let End::Workload { namespace, kind, name } = end else { return None };
    let is_meant = |owner: &Object<'_>| {
        owner.name() == name
            && kind.is_none_or(|kind| owner.kind().eq_ignore_ascii_case(kind))
            && namespace.is_none_or(|it| owner.namespace() == Some(it))
    };
    let pods = graph.pods().iter();
    let found: Vec<_> = pods.filter(|pod| graph.owner(pod).is_some_and(is_meant)).collect();
    (!found.is_empty()).then_some(found)
}

fn name(graph: &Graph<'_>, pod: &PodNode<'_>) -> String {
    graph.owner(pod).map(ToString::to_string).unwrap_or_default()
}

impl<'t> End<'t> {
    fn parse(text: &'t str) -> anyhow::Result<Self> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let parts: Vec<&str> = text.split('/').collect();
        Ok(match parts.as_slice() {
            ["internet"] => Self::Internet,
            ["node"] => Self::Node,
            [name] => Self::Workload { namespace: None, kind: None, name },
            [namespace, name] => Self::Workload { namespace: Some(namespace), kind: None, name },
            [namespace, kind, name] => {
                Self::Workload { namespace: Some(namespace), kind: Some(kind), name }
            }
            _ => anyhow::bail!(
                "`{text}` is none of internet, node, an address, [NAMESPACE/][KIND/]NAME"
            ),
        })
    }
}

impl Told {
    fn json(&self, located: &[(&str, Located<'_>)]) -> Value {
        let reasons = self
            .reachability
            .reasons
            .iter()
            .map(|reason| json!({ "text": reason.text, "place": place(reason, located) }));
        json!({
            "from": self.from, "to": self.to, "answer": self.reachability.answer.to_string(),
            "reasons": reasons.collect::<Vec<_>>(),
        })
    }

    fn text(&self, located: &[(&str, Located<'_>)]) -> String {
        let answer = match self.reachability.answer {
            Answer::No => format!("{GOOD}cannot connect{RESET}"),
            Answer::Yes => format!("{ERROR}can connect{RESET}"),
            Answer::Unknown => format!("{STRONG}not known{RESET}"),
        };
        let shown = |reason: &Reason| {
            let place = place(reason, located).map(|place| format!(" {PLACE}{place}{RESET}"));
            format!("  {FAINT}{reason}{RESET}{}\n", place.unwrap_or_default())
        };
        let reasons: String = self.reachability.reasons.iter().map(shown).collect();
        format!("{} → {}: {answer}\n{reasons}", self.from, self.to)
    }
}

/// Where a reason stands: the rule of the policy, as file, line and column.
fn place(reason: &Reason, located: &[(&str, Located<'_>)]) -> Option<String> {
    let (object, field) = reason.place.as_ref()?;
    let (path, located) = located.get(*object)?;
    let position = located.places.resolve(field);
    Some(format!("{path}:{}:{}", position.line, position.column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_as_they_are_typed() {
        for (text, end) in [
            ("internet", End::Internet),
            ("node", End::Node),
            ("web", End::Workload { namespace: None, kind: None, name: "web" }),
            ("shop/web", End::Workload { namespace: Some("shop"), kind: None, name: "web" }),
            ("10.0.0.1", End::Address(IpAddr::from([10, 0, 0, 1]))),
            (
                "shop/Deployment/web",
                End::Workload { namespace: Some("shop"), kind: Some("Deployment"), name: "web" },
            ),
        ] {
            assert_eq!(End::parse(text).unwrap(), end, "{text}");
        }
        assert!(End::parse("a/b/c/d").is_err());
    }
}
