//! `airside scan --reach FROM TO`: whether one thing can connect to another, and why.

use airside_k8s::graph::{Answer, PodNode, Port, Reachability, Source};
use airside_k8s::{Completeness, Graph, Object};
use anyhow::Context;
use serde_json::{Value, json};

use super::inputs::Inputs;
use crate::cli::ReportFormat;
use crate::command::Outcome;
use crate::show::{self, ERROR, FAINT, GOOD, RESET, STRONG};

/// An end of a connection, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End<'t> {
    /// `internet`.
    Internet,
    /// `node`.
    Node,
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
    let contents: Vec<_> = documents.iter().map(|document| document.contents()).collect();
    let objects: Vec<Object<'_>> =
        contents.iter().flat_map(|contents| &contents.objects).map(|it| it.object).collect();
    let graph = Graph::new(&objects, Completeness::WholeInput);
    let told = answers(&graph, from, to)?;
    let whole = told.iter().fold(Answer::No, |whole, it| whole.or(it.reachability.answer));
    match output {
        ReportFormat::Json => {
            let pairs: Vec<_> = told.iter().map(Told::json).collect();
            let report = json!({ "answer": whole.to_string(), "pairs": pairs });
            show::print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
        }
        ReportFormat::Text => show::print(&told.iter().map(Told::text).collect::<String>())?,
        _ => anyhow::bail!("--reach prints text or JSON: give --output text or json"),
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
        matches!(target, End::Workload { .. }),
        "TO must be a workload of the input: [NAMESPACE/][KIND/]NAME[:PORT]"
    );
    let source = End::parse(from)?;
    let mut told = Vec::new();
    for target in pods(graph, target).with_context(|| not_there(to))? {
        let to = name(graph, target);
        match source {
            End::Internet => told.push(Told {
                from: "internet".to_owned(),
                to,
                reachability: from_internet(graph, target, port),
            }),
            End::Node => told.push(Told {
                from: "node".to_owned(),
                to,
                reachability: graph.reach(Source::Node, target, port),
            }),
            End::Workload { .. } => {
                for pod in pods(graph, source).with_context(|| not_there(from))? {
                    let reachability = graph.reach(Source::Pod(pod), target, port);
                    told.push(Told { from: name(graph, pod), to: to.clone(), reachability });
                }
            }
        }
    }
    // The same workload may stand in several files.
    told.dedup();
    Ok(told)
}

/// From the internet there must be a way in, and policies must let it through.
fn from_internet<'a>(
    graph: &Graph<'a>,
    target: &PodNode<'a>,
    port: Option<Port<'_>>,
) -> Reachability {
    let namespace = graph.owner(target).and_then(Object::namespace);
    let ways = graph.ways_to(namespace, target.spec.labels());
    if ways.is_empty() {
        let reason = "no Service with a load balancer or node port, Ingress or Gateway leads to it";
        return Reachability { answer: Answer::No, reasons: vec![reason.to_owned()] };
    }
    let mut reachability = graph.reach(Source::Internet, target, port);
    let mut shown: Vec<_> = ways.iter().map(|way| format!("a way in: {}", way.shown())).collect();
    shown.dedup();
    reachability.reasons.splice(0..0, shown);
    // Behind an Ingress or a Gateway it is the controller's pods that connect.
    let is_direct = ways.iter().any(|way| way.chain.len() == 1);
    if !is_direct && reachability.answer == Answer::No {
        reachability.answer = Answer::Unknown;
        let reason = "the controller's pods connect, and whether policies let them in is not known";
        reachability.reasons.push(reason.to_owned());
    }
    reachability
}

fn not_there(text: &str) -> String {
    format!("the input has no pods of `{text}`: write [NAMESPACE/][KIND/]NAME, internet or node")
}

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

/// Splits `NAME:PORT` or `NAME:PORT/PROTOCOL`.
fn split_port(text: &str) -> anyhow::Result<(&str, Option<Port<'_>>)> {
    let Some((name, port)) = text.rsplit_once(':') else { return Ok((text, None)) };
    let (number, protocol) = port.split_once('/').unwrap_or((port, "TCP"));
    let number = number.parse().with_context(|| format!("`{number}` is no port"))?;
    anyhow::ensure!(
        matches!(protocol, "TCP" | "UDP" | "SCTP"),
        "`{protocol}` is no protocol: TCP, UDP or SCTP"
    );
    Ok((name, Some(Port { number, protocol })))
}

impl<'t> End<'t> {
    fn parse(text: &'t str) -> anyhow::Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        Ok(match parts.as_slice() {
            ["internet"] => Self::Internet,
            ["node"] => Self::Node,
            [name] => Self::Workload { namespace: None, kind: None, name },
            [namespace, name] => Self::Workload { namespace: Some(namespace), kind: None, name },
            [namespace, kind, name] => {
                Self::Workload { namespace: Some(namespace), kind: Some(kind), name }
            }
            _ => anyhow::bail!("`{text}` is none of internet, node, [NAMESPACE/][KIND/]NAME"),
        })
    }
}

impl Told {
    fn json(&self) -> Value {
        json!({
            "from": self.from, "to": self.to, "answer": self.reachability.answer.to_string(),
            "reasons": self.reachability.reasons,
        })
    }

    fn text(&self) -> String {
        let answer = match self.reachability.answer {
            Answer::No => format!("{GOOD}cannot connect{RESET}"),
            Answer::Yes => format!("{ERROR}can connect{RESET}"),
            Answer::Unknown => format!("{STRONG}not known{RESET}"),
        };
        let reasons = self.reachability.reasons.iter();
        let reasons: String = reasons.map(|reason| format!("  {FAINT}{reason}{RESET}\n")).collect();
        format!("{} → {}: {answer}\n{reasons}", self.from, self.to)
    }
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
            (
                "shop/Deployment/web",
                End::Workload { namespace: Some("shop"), kind: Some("Deployment"), name: "web" },
            ),
        ] {
            assert_eq!(End::parse(text).unwrap(), end, "{text}");
        }
        assert!(End::parse("a/b/c/d").is_err());
        let (name, port) = split_port("shop/web:53/UDP").unwrap();
        assert_eq!((name, port), ("shop/web", Some(Port { number: 53, protocol: "UDP" })));
        assert!(split_port("web:x").is_err() && split_port("web:1/ICMP").is_err());
    }
}
