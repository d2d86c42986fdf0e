//! What the policies of one end say to a connection: layer after layer, rule after rule.
//!
//! What may be the case is carried along: a rule that may fit may decide, and what follows may too. So an
//! answer is known exactly where all that may be the case agrees.

use super::reasons::Reason;
use super::{Answer, Port};
use crate::graph::policies::{
    Action, Direction, Doubt, End, Held, Holds, Layer, Matching, Party, Rule, Span, Spans, View,
    spans,
};
use crate::graph::{Graph, PodNode};

/// A rule that fits, or may fit, on some ports.
#[derive(Debug)]
struct Fitting<'g, 'a> {
    rule: &'g Rule<'a>,
    fits: Holds,
    spans: Spans,
}

/// The rules of a policy that fit, in their order.
type OfPolicy<'g, 'a> = (&'g Held<'a>, Vec<Fitting<'g, 'a>>);

#[derive(Debug)]
struct FittingLayer<'g, 'a> {
    groups: Vec<Vec<OfPolicy<'g, 'a>>>,
    ends: Vec<End<'g, 'a>>,
}

/// What the policies of one end say to the other end, port by port.
#[derive(Debug)]
pub(super) struct Ruling<'g, 'a> {
    graph: &'g Graph<'a>,
    direction: Direction,
    stacks: Vec<Vec<FittingLayer<'g, 'a>>>,
    has_unread: bool,
}

/// Whether a port is let through, and why.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) answer: Answer,
    pub(super) reasons: Vec<Reason>,
}

impl<'g, 'a> Ruling<'g, 'a> {
    /// What the policies that are for a pod say; names of ports are the target's.
    pub(super) fn new(
        graph: &'g Graph<'a>,
        direction: Direction,
        selected: &'g PodNode<'a>,
        other: Party<'g, 'a>,
        target: Option<&PodNode<'a>>,
    ) -> Self {
        let view = View::of_pod(graph, selected);
        let others = Matching { graph, party: other };
        let itself = Matching { graph, party: Party::Pod(selected) };
        let fitting = |applies: Holds, rule: &'g Rule<'a>| {
            let own = rule.own.as_ref().map_or(Holds::YES, |own| itself.is(own));
            let source = match rule.ports.asks_for_source {
                true => Holds::unknown(Doubt::SourcePort),
                false => Holds::YES,
            };
            let fits = applies.and(others.is(&rule.peer)).and(own).and(source);
            let fits = Some(fits).filter(|fits| *fits != Holds::NO)?;
            Some(Fitting { rule, fits, spans: spans(&rule.ports, target) })
        };
        let layer = |layer: Layer<'g, 'a>| FittingLayer {
            groups: layer
                .groups
                .into_iter()
                .map(|group| {
                    let policies = group.into_iter().map(|asked| {
                        let rules = asked.rules.into_iter();
                        (asked.held, rules.filter_map(|it| fitting(asked.applies, it)).collect())
                    });
                    policies.collect()
                })
                .collect(),
            ends: layer.ends,
        };
        let stacks = graph.policies.stacks(direction, view).into_iter();
        let stacks = stacks.map(|stack| stack.into_iter().map(layer).collect()).collect();
        let has_unread = graph.has_unread_policy(view.namespace());
        Self { graph, direction, stacks, has_unread }
    }

    /// The stretches of ports that rules name.
    pub(super) fn spans(&self) -> impl Iterator<Item = &Span> {
        let groups = self.stacks.iter().flatten().flat_map(|layer| layer.groups.iter().flatten());
        groups
            .flat_map(|(_, rules)| rules)
            .flat_map(|fitting| fitting.spans.listed.iter().flatten().chain(&fitting.spans.except))
    }

    /// Whether a port is let through. It is named in the reasons where nobody asked for this one.
    pub(super) fn on(&self, port: Port<'_>, is_named: bool) -> Verdict {
        let mut verdicts = self.stacks.iter().map(|stack| {
            let mut walk = Walk {
                ruling: self,
                port,
                is_named,
                allows: false,
                denies: false,
                reasons: vec![],
            };
            walk.stack(stack);
            walk.verdict()
        });
        let first = verdicts.next();
        let mut verdict = first.unwrap_or(Verdict { answer: Answer::Yes, reasons: Vec::new() });
        for other in verdicts {
            if other.answer != verdict.answer {
                verdict.answer = Answer::Unknown;
                verdict.reasons.extend(other.reasons);
                verdict.reasons.push(Reason::doubt(self.direction, Doubt::Plugin));
            }
        }
        if self.has_unread && verdict.answer != Answer::Unknown {
            verdict.answer = Answer::Unknown;
            verdict.reasons.push(Reason::doubt(self.direction, Doubt::Unread));
        }
        verdict
    }
}

/// One way through a stack.
struct Walk<'r, 'g, 'a, 'p> {
    ruling: &'r Ruling<'g, 'a>,
    port: Port<'p>,
    is_named: bool,
    /// Whether it may get through, and whether it may be dropped.
    allows: bool,
    denies: bool,
    reasons: Vec<Reason>,
}

impl<'g, 'a> Walk<'_, 'g, 'a, '_> {
    fn stack(&mut self, stack: &[FittingLayer<'g, 'a>]) {
        for layer in stack {
            let (mut may_go_on, may_pass) = self.groups(layer);
            may_go_on = may_go_on && self.ends(layer);
            if !may_go_on && !may_pass {
                return;
            }
        }
        self.allows = true;
        if self.reasons.is_empty() {
            self.reasons.push(Reason::new(self.unrestricted(stack)));
        }
    }

    /// Whether the layer's rules may leave it undecided, and whether they may pass it on.
    fn groups(&mut self, layer: &FittingLayer<'g, 'a>) -> (bool, bool) {
        let mut may_pass = false;
        for group in &layer.groups {
            let mut is_open = true;
            for (held, rules) in group {
                let port = self.port;
                for fitting in rules.iter().filter(|it| it.spans.contains(port)) {
                    match fitting.rule.action {
                        Action::Allow => self.allows = true,
                        Action::Deny => self.denies = true,
                        Action::Pass => may_pass = true,
                    }
                    self.note(held, fitting);
                    if fitting.fits.answer == Answer::Yes {
                        is_open = false;
                        break;
                    }
                }
            }
            if !is_open {
                return (false, may_pass);
            }
        }
        (true, may_pass)
    }

    /// Whether what the layer's rules leave undecided may go on to the next layer.
    fn ends(&mut self, layer: &FittingLayer<'g, 'a>) -> bool {
        let mut may_go_on = true;
        for End { held, side, drops } in &layer.ends {
            self.denies = true;
            may_go_on = may_go_on && drops.answer != Answer::Yes;
            let is_told = self.reasons.iter().any(|reason| {
                reason.place.as_ref().is_some_and(|(object, _)| *object == held.object)
            });
            if !is_told {
                let (graph, direction) = (self.ruling.graph, self.ruling.direction);
                self.reasons.push(Reason::end(graph, direction, held, side, drops.doubt));
            }
        }
        may_go_on
    }

    fn note(&mut self, held: &Held<'a>, fitting: &Fitting<'_, '_>) {
        let port = (self.is_named && fitting.spans.listed.is_some()).then_some(self.port);
        let (graph, direction) = (self.ruling.graph, self.ruling.direction);
        let doubt = fitting.fits.doubt;
        self.reasons.push(Reason::rule(graph, direction, held, fitting.rule, doubt, port));
    }

    fn unrestricted(&self, stack: &[FittingLayer<'g, 'a>]) -> String {
        let (word, of) = match self.ruling.direction {
            Direction::Ingress => ("ingress", "target"),
            Direction::Egress => ("egress", "source"),
        };
        if stack.iter().all(|layer| layer.groups.iter().all(Vec::is_empty)) {
            format!("no NetworkPolicy for {word} selects the {of}")
        } else {
            format!("no policy decides about {word}, so it gets through")
        }
    }

    fn verdict(self) -> Verdict {
        let answer = match (self.allows, self.denies) {
            (true, true) => Answer::Unknown,
            (true, false) => Answer::Yes,
            (false, _) => Answer::No,
        };
        let mut reasons = self.reasons;
        if answer == Answer::Unknown && !reasons.iter().any(|it| it.text.starts_with("not known")) {
            reasons.push(Reason::doubt(self.ruling.direction, Doubt::Order));
        }
        Verdict { answer, reasons }
    }
}
