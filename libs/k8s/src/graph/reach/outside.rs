//! Whether the internet can connect to a pod: a way in must lead to the port and be open to the internet, and
//! network policies must let through what comes by it.

use super::{Answer, Port, Reachability, Reason, Source, TARGET_ON_NODE, is_on_node_network};
use crate::graph::exposure::{Clients, Way, host_ways};
use crate::graph::{Graph, PodNode};
use crate::object::Object;

impl<'a> Graph<'a> {
    /// Whether something on the internet can connect to a pod, on one of these ports or on any; by whatever
    /// way, or through one Service only.
    pub fn reach_from_outside(
        &self,
        target: &PodNode<'a>,
        ports: Option<&[Port<'_>]>,
        service: Option<&Object<'a>>,
    ) -> Reachability {
        let Some(owner) = self.owner(target) else {
            return Reachability::of(Answer::No, NO_WAY);
        };
        let mut ways = self.ways_to_pod_of(owner, &target.spec);
        ways.extend(host_ways(owner, &target.spec));
        let is_through = |way: &Way<'a>| {
            let ends_in = way.chain.last();
            service.is_none_or(|service| ends_in.is_some_and(|it| is_same(it, service)))
        };
        ways.retain(is_through);
        let mut closed: Vec<Reason> = Vec::new();
        let mut best: Option<Reachability> = None;
        let mut open: Vec<Reason> = Vec::new();
        for way in &ways {
            match through(way, target, ports) {
                Err(reason) => closed.push(reason),
                Ok(ports) => {
                    open.push(Reason::new(format!("a way in: {}", way.shown())));
                    let reached = self.by_way(way, target, ports.as_deref());
                    if best.as_ref().is_none_or(|best| reached.answer > best.answer) {
                        best = Some(reached);
                    }
                }
            }
        }
        open.dedup();
        match best {
            Some(mut best) => {
                best.reasons.splice(0..0, open);
                best
            }
            None if closed.is_empty() => Reachability::of(Answer::No, NO_WAY),
            None => Reachability { answer: Answer::No, reasons: closed },
        }
    }

    fn by_way(
        &self,
        way: &Way<'a>,
        target: &PodNode<'a>,
        ports: Option<&[Port<'_>]>,
    ) -> Reachability {
        if is_on_node_network(target) {
            return Reachability::of(Answer::Yes, TARGET_ON_NODE);
        }
        // Behind an Ingress or a Gateway it is the controller's pods that connect.
        let is_direct = way.chain.len() == 1;
        let clients = if is_direct { &way.clients } else { &Clients::Anyone };
        let mut reached = match ports {
            None => self.by_internet(target, None, clients),
            Some(ports) => {
                let each = ports.iter().map(|port| self.by_internet(target, Some(*port), clients));
                let first = |best: Reachability, next: Reachability| {
                    if next.answer > best.answer { next } else { best }
                };
                each.reduce(first).unwrap_or_else(|| Reachability::of(Answer::No, NO_WAY))
            }
        };
        if !is_direct && reached.answer == Answer::No {
            reached.answer = Answer::Unknown;
            let reason =
                "the controller's pods connect, and whether policies let them in is not known";
            reached.reasons.push(Reason::new(reason));
        }
        reached
    }

    /// Whether a source can connect to a pod on one of several ports: the best answer of them.
    pub fn reach_any(
        &self,
        source: Source<'_, 'a>,
        target: &PodNode<'a>,
        ports: Option<&[Port<'_>]>,
    ) -> Reachability {
        let Some(ports) = ports else { return self.reach(source, target, None) };
        let each = ports.iter().map(|port| self.reach(source, target, Some(*port)));
        each.reduce(|best, next| if next.answer > best.answer { next } else { best })
            .unwrap_or_else(|| Reachability::of(Answer::No, "there is no such port"))
    }
}

const NO_WAY: &str =
    "no Service with a load balancer or node port, Ingress, Gateway or host port leads to it";

/// The asked ports that a way leads to, of those that it opens to the internet; none where it may be any. Else
/// why there are none.
fn through<'p>(
    way: &Way<'p>,
    target: &PodNode<'_>,
    asked: Option<&[Port<'p>]>,
) -> Result<Option<Vec<Port<'p>>>, Reason> {
    if !way.clients.are_on_the_internet() {
        return Err(Reason::new(format!("{} is open to private networks only", way.shown())));
    }
    let Some(led_to) = way.ports_of(&target.spec) else {
        return Ok(asked.map(<[_]>::to_vec));
    };
    let Some(asked) = asked else { return Ok(Some(led_to)) };
    let both: Vec<_> = asked.iter().filter(|port| led_to.contains(port)).copied().collect();
    if both.is_empty() {
        let mut led_to: Vec<String> = led_to.iter().map(ToString::to_string).collect();
        led_to.dedup();
        let led_to = led_to.join(", ");
        return Err(Reason::new(format!("{} leads to port {led_to} of it only", way.shown())));
    }
    Ok(Some(both))
}

/// Whether two objects are one of the input.
fn is_same(one: &Object<'_>, other: &Object<'_>) -> bool {
    std::ptr::eq(one.fields(), other.fields())
}
