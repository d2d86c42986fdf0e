//! `airside scan --reach FROM TO`: whether one thing can connect to another, and why.

use std::net::IpAddr;

use airside_k8s::graph::{Answer, PodNode, Port, Reachability, Reason, Source};
use airside_k8s::{Completeness, Graph, Located, Object};
use anyhow::Context;
use serde_json::{Value, json};

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
        "TO must be an address, or a workload of the input: [NAMESPACE/][KIND/]NAME[:PORT]"
    );
    let source = End::parse(from)?;
    let mut told = Vec::new();
    if let End::Address(address) = target {
        let sources = pods(graph, source).with_context(|| not_there(from))?;
        told.extend(sources.into_iter().map(|pod| Told {
            from: name(graph, pod),
            to: address.to_string(),
            reachability: graph.reach_address(pod, address, port),
        }));
        told.dedup();
        return Ok(told);
    }
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
            End::Workload { .. } | End::Address(_) => {
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
        return Reachability { answer: Answer::No, reasons: vec![Reason::new(reason)] };
    }
    let mut reachability = graph.reach(Source::Internet, target, port);
    let mut shown: Vec<_> =
        ways.iter().map(|way| Reason::new(format!("a way in: {}", way.shown()))).collect();
    shown.dedup();
    reachability.reasons.splice(0..0, shown);
    // Behind an Ingress or a Gateway it is the controller's pods that connect.
    let is_direct = ways.iter().any(|way| way.chain.len() == 1);
    if !is_direct && reachability.answer == Answer::No {
        reachability.answer = Answer::Unknown;
        let reason = "the controller's pods connect, and whether policies let them in is not known";
        reachability.reasons.push(Reason::new(reason));
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

/// Splits `NAME:PORT` or `NAME:PORT/PROTOCOL`. An IPv6 address stands in brackets before a port.
fn split_port(text: &str) -> anyhow::Result<(&str, Option<Port<'_>>)> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok((text, None));
    }
    let Some((name, port)) = text.rsplit_once(':') else { return Ok((text, None)) };
    let name = name.trim_start_matches('[').trim_end_matches(']');
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
            _ => anyhow::bail!("`{text}` is none of internet, node, [NAMESPACE/][KIND/]NAME"),
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
        let (name, port) = split_port("shop/web:53/UDP").unwrap();
        assert_eq!((name, port), ("shop/web", Some(Port { number: 53, protocol: "UDP" })));
        assert_eq!(split_port("[fd00::1]:53/UDP").unwrap().0, "fd00::1");
        assert_eq!(split_port("fd00::1").unwrap(), ("fd00::1", None));
        assert!(split_port("web:x").is_err() && split_port("web:1/ICMP").is_err());
    }
}
