//! What a correlation rule asks: which rules, of which events, within what time.

use std::time::Duration;

use airside_detect::RuleInfo;
use airside_types::{FieldPath, Id};
use rsigma_parser::{
    ConditionExpr, ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType,
    WindowMode,
};

use crate::fields::kind_of;
use crate::judge::Remark;

/// The longest time that a rule can span, and the most that it can count to: both bound what is kept.
const MAX_SPAN: Duration = Duration::from_hours(7 * 24);
const MAX_COUNT: u64 = 10_000;

/// A correlation rule, compiled.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) info: RuleInfo,
    /// Changes when the rule means something else: what was counted before is then of no use.
    pub(crate) key: Id,
    /// The rules that it refers to, by their ids, in its order.
    pub(crate) rules: Vec<String>,
    /// The fields that events are grouped by: for each, by the places of the rules.
    pub(crate) group_by: Vec<GroupField>,
    pub(crate) span: Duration,
    pub(crate) asks: Asks,
    /// Whether the rules that it refers to fire by themselves as well.
    pub(crate) generate: bool,
    /// What it asks, for people: `event_count gte 5 within 10m`.
    pub(crate) words: String,
}

/// A field that events are grouped by.
#[derive(Debug)]
pub(crate) struct GroupField {
    pub(crate) name: String,
    /// What the rules at these places call it, where not by its name.
    pub(crate) aliases: Vec<(usize, String)>,
}

impl GroupField {
    /// The field of an event that the rule at a place found.
    pub(crate) fn of_rule(&self, place: usize) -> &str {
        let alias = self.aliases.iter().find(|(rule, _)| *rule == place);
        alias.map_or(&self.name, |(_, field)| field)
    }
}

/// What has to hold within the span.
#[derive(Debug)]
pub(crate) enum Asks {
    /// So many events.
    Events(Bounds),
    /// So many different values of these fields together.
    Values(Vec<String>, Bounds),
    /// Of the rules, an event each, or those of an expression.
    Rules(Option<Together>),
    /// An event of each rule, in their order.
    InOrder,
}

/// How many.
#[derive(Debug, Clone)]
pub(crate) struct Bounds(Vec<(ConditionOperator, u64)>);

impl Bounds {
    pub(crate) fn hold(&self, count: usize) -> bool {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0.iter().all(|(operator, bound)| match operator {
            ConditionOperator::Lt => count < *bound,
            ConditionOperator::Lte => count <= *bound,
            ConditionOperator::Gt => count > *bound,
            ConditionOperator::Gte => count >= *bound,
            ConditionOperator::Eq => count == *bound,
            ConditionOperator::Neq => count != *bound,
        })
    }

    /// The number beyond which no bound tells numbers apart.
    pub(crate) fn enough(&self) -> usize {
        let most = self.0.iter().map(|(_, bound)| *bound).max().unwrap_or(0);
        usize::try_from(most).unwrap_or(usize::MAX).saturating_add(1)
    }
}

/// An expression over rules, by their places.
#[derive(Debug)]
pub(crate) enum Together {
    Rule(usize),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl Together {
    pub(crate) fn holds(&self, is_there: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Self::Rule(place) => is_there(*place),
            Self::Not(part) => !part.holds(is_there),
            Self::All(parts) => parts.iter().all(|it| it.holds(is_there)),
            Self::Any(parts) => parts.iter().any(|it| it.holds(is_there)),
        }
    }
}

impl Definition {
    /// Compiles a rule. `find` gives the id of the rule that a reference means.
    pub(crate) fn of(
        rule: &CorrelationRule,
        info: RuleInfo,
        find: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, Remark> {
        let refuse =
            |at: &str, text: String| Remark { at: FieldPath::of(&["correlation", at]), text };
        if rule.rules.is_empty() {
            return Err(refuse(
                "rules",
                "it refers to no rule: name some under `rules`".to_owned(),
            ));
        }
        let rules: Result<Vec<_>, _> = rule.rules.iter().map(|it| find(it)).collect();
        let rules = rules.map_err(|text| refuse("rules", text))?;
        if rule.window != WindowMode::Sliding {
            return Err(refuse("window", "only sliding windows are supported".to_owned()));
        }
        let span = Duration::from_secs(rule.timespan.seconds);
        if span.is_zero() || span > MAX_SPAN {
            return Err(refuse("timespan", "it spans from 1 second to 7 days".to_owned()));
        }
        let asks = asks(rule).map_err(|text| refuse("condition", text))?;
        let mut group_by = Vec::new();
        for name in &rule.group_by {
            group_by.push(group_field(rule, name).map_err(|text| refuse("group-by", text))?);
        }
        let words = words(rule);
        let key = key(&info, &rules, rule, &words);
        Ok(Self { info, key, rules, group_by, span, asks, generate: rule.generate, words })
    }

    /// The field of which values are counted.
    pub(crate) fn counted(&self) -> &[String] {
        match &self.asks {
            Asks::Values(fields, _) => fields,
            _ => &[],
        }
    }
}

fn asks(rule: &CorrelationRule) -> Result<Asks, String> {
    let kind = rule.correlation_type;
    match (&rule.condition, kind) {
        (CorrelationCondition::Threshold { predicates, .. }, CorrelationType::EventCount) => {
            Ok(Asks::Events(bounds(predicates)?))
        }
        (
            CorrelationCondition::Threshold { predicates, field, .. },
            CorrelationType::ValueCount,
        ) => {
            let fields = field.clone().unwrap_or_default();
            if fields.is_empty() {
                return Err("a value_count names the `field` whose values are counted".to_owned());
            }
            fields.iter().try_for_each(|field| kind_of(field).map(|_| ()))?;
            Ok(Asks::Values(fields, bounds(predicates)?))
        }
        // Without a condition all rules are meant; the parser says so by one that always holds.
        (CorrelationCondition::Threshold { predicates, .. }, _)
            if *predicates != [(ConditionOperator::Gte, 1)] =>
        {
            Err(format!("a {} counts nothing: leave the numbers out", kind.as_str()))
        }
        (CorrelationCondition::Threshold { .. }, CorrelationType::Temporal) => {
            Ok(Asks::Rules(None))
        }
        (CorrelationCondition::Threshold { .. }, CorrelationType::TemporalOrdered) => {
            Ok(Asks::InOrder)
        }
        (CorrelationCondition::Extended(expression), CorrelationType::Temporal) => {
            Ok(Asks::Rules(Some(together(expression, rule)?)))
        }
        (CorrelationCondition::Extended(_), CorrelationType::TemporalOrdered) => {
            Err("the order is that of `rules`: leave the condition out".to_owned())
        }
        _ => Err(format!(
            "`{}` is not supported: there are event_count, value_count, temporal and temporal_ordered",
            kind.as_str()
        )),
    }
}

fn bounds(predicates: &[(ConditionOperator, u64)]) -> Result<Bounds, String> {
    if predicates.iter().any(|(_, bound)| *bound > MAX_COUNT) {
        return Err(format!("it counts to {MAX_COUNT} at most"));
    }
    let bounds = Bounds(predicates.to_vec());
    // Between the bounds that it names nothing changes.
    let near =
        predicates.iter().flat_map(|(_, bound)| [bound.saturating_sub(1), *bound, bound + 1]);
    let mut counts = near.chain([1]).filter(|count| *count > 0);
    let reachable = counts.any(|count| usize::try_from(count).is_ok_and(|it| bounds.hold(it)));
    if reachable { Ok(bounds) } else { Err("no number of events meets this".to_owned()) }
}

fn together(expression: &ConditionExpr, rule: &CorrelationRule) -> Result<Together, String> {
    let all = |parts: &[ConditionExpr]| {
        parts.iter().map(|it| together(it, rule)).collect::<Result<Vec<_>, _>>()
    };
    match expression {
        ConditionExpr::And(parts) => Ok(Together::All(all(parts)?)),
        ConditionExpr::Or(parts) => Ok(Together::Any(all(parts)?)),
        ConditionExpr::Not(part) => Ok(Together::Not(Box::new(together(part, rule)?))),
        ConditionExpr::Identifier(name) => {
            let place = rule.rules.iter().position(|it| it == name);
            let text = || format!("`{name}` is not among its `rules`");
            Ok(Together::Rule(place.ok_or_else(text)?))
        }
        ConditionExpr::Selector { .. } => {
            Err("write the rules' names, with `and`, `or` and `not` between them".to_owned())
        }
    }
}

fn group_field(rule: &CorrelationRule, name: &str) -> Result<GroupField, String> {
    let Some(alias) = rule.aliases.iter().find(|it| it.alias == name) else {
        kind_of(name)?;
        return Ok(GroupField { name: name.to_owned(), aliases: Vec::new() });
    };
    let mut aliases = Vec::new();
    for (place, reference) in rule.rules.iter().enumerate() {
        let field = alias.mapping.get(reference);
        let field = field.ok_or_else(|| {
            format!("the alias `{name}` does not tell the field of `{reference}`")
        })?;
        kind_of(field)?;
        aliases.push((place, field.clone()));
    }
    Ok(GroupField { name: name.to_owned(), aliases })
}

fn words(rule: &CorrelationRule) -> String {
    let mut words = rule.correlation_type.as_str().to_owned();
    if let CorrelationCondition::Threshold { predicates, field, .. } = &rule.condition {
        let is_count = matches!(
            rule.correlation_type,
            CorrelationType::EventCount | CorrelationType::ValueCount
        );
        if let Some(field) = field {
            words.push_str(&format!(" of {}", field.join(", ")));
        }
        for (operator, bound) in predicates.iter().filter(|_| is_count) {
            words.push_str(&format!(" {} {bound}", format!("{operator:?}").to_lowercase()));
        }
    }
    words.push_str(&format!(" within {}", rule.timespan));
    words
}

fn key(info: &RuleInfo, rules: &[String], rule: &CorrelationRule, words: &str) -> Id {
    let mut key = Id::builder("sigma-correlation").text(&info.id).text(words);
    for (id, reference) in rules.iter().zip(&rule.rules) {
        key = key.text(id).text(reference);
    }
    for field in &rule.group_by {
        key = key.text(field);
    }
    if let CorrelationCondition::Extended(expression) = &rule.condition {
        key = key.text(&expression.to_string());
    }
    key.finish()
}
