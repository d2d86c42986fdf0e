//! From rules as they are written to rules in force: compiled, judged, and told apart by their ids.

use std::collections::{HashMap, HashSet};

use airside_detect::RuleInfo;
use airside_k8s::Document;
use airside_types::{FieldPath, Place};
use rsigma_eval::compiler::compile_detection;
use rsigma_eval::{CompiledRule, compile_rule};
use rsigma_parser::{CorrelationRule, Detection, SigmaRule};

use crate::budget::{self, Budget};
use crate::correlation::Definition;
use crate::demand::Demand;
use crate::found::copies;
use crate::judge::{Judgement, Keys, Remark, judge};
use crate::problem::{Gravity, Problem};
use crate::read::{Source, Written};
use crate::rule::Head;
use crate::whole::ask_for_whole;

/// A detection rule in force.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) info: RuleInfo,
    pub(crate) place: Place,
    pub(crate) compiled: CompiledRule,
    pub(crate) demand: Demand,
    /// It fires by itself, and is not only there for correlation rules.
    pub(crate) stands_alone: bool,
    /// What correlation rules and cases may call it.
    pub(crate) names: Vec<String>,
    /// How often values may be copied where it matches.
    pub(crate) copies: usize,
}

/// The rules in force.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    pub(crate) rules: Vec<Rule>,
    pub(crate) correlations: Vec<(Definition, Place)>,
    pub(crate) problems: Vec<Problem>,
    /// Where the rules in force stand, by their ids.
    ids: HashMap<String, Place>,
    /// The ids of detection rules in force, by their names; of several that are called alike the first.
    named: HashMap<String, String>,
    /// The names of the rules that are not in force.
    broken: HashSet<String>,
    /// What those in force cost.
    budget: Budget,
}

impl Compiled {
    pub(crate) fn of(sources: &[Source], problems: Vec<Problem>) -> Self {
        let mut compiled = Self { problems, ..Self::default() };
        for source in sources {
            if let Written::Rule(rule) = &source.written {
                compiled.take_rule(source, rule);
            }
        }
        for source in sources {
            if let Written::Correlation(rule) = &source.written {
                compiled.take_correlation(source, rule);
            }
        }
        // Whether a rule that correlation rules refer to fires by itself as well, for one of them.
        let mut generated: HashMap<&str, bool> = HashMap::new();
        for (definition, _) in &compiled.correlations {
            for rule in &definition.rules {
                *generated.entry(rule).or_default() |= definition.generate;
            }
        }
        for rule in &mut compiled.rules {
            rule.stands_alone = generated.get(rule.info.id.as_str()).copied().unwrap_or(true);
        }
        compiled.problems = bounded(compiled.problems);
        compiled
    }

    fn take_rule(&mut self, source: &Source, rule: &SigmaRule) {
        let names = names(rule.id.as_ref(), rule.name.as_ref(), &rule.title);
        let head = Head {
            title: &rule.title,
            name: rule.name.as_deref(),
            level: rule.level,
            has_level: source.document.value.get("level").is_some_and(|it| it.as_str().is_some()),
            status: rule.status,
            tags: &rule.tags,
            date: rule.modified.as_deref().or(rule.date.as_deref()),
        };
        let Some((info, place)) = self.head(source, &head) else {
            return self.broken.extend(names);
        };
        if let Err(remark) = self.budget.take(rule) {
            self.problems.push(source.problem(Gravity::Error, remark));
            return self.broken.extend(names);
        }
        let Judgement { demand, remarks } = judge(&rule.detection, &source.document);
        let is_dead = matches!(demand, Demand::Never);
        let gravity = if is_dead { Gravity::Error } else { Gravity::Warning };
        self.problems.extend(told_of_rule(remarks).map(|it| source.problem(gravity, it)));
        if is_dead {
            return self.broken.extend(names);
        }
        match compile_rule(rule) {
            Ok(mut compiled) => {
                ask_for_whole(&mut compiled);
                let copies = copies(&compiled);
                self.ids.insert(info.id.clone(), place.clone());
                for name in &names {
                    self.named.entry(name.clone()).or_insert_with(|| info.id.clone());
                }
                let rule =
                    Rule { info, place, compiled, demand, stands_alone: true, names, copies };
                self.rules.push(rule);
            }
            Err(error) => {
                let remark = culprit(rule, &source.document).unwrap_or_else(|| Remark {
                    at: FieldPath::of(&["detection"]),
                    text: last_line(&error.to_string()),
                });
                self.problems.push(source.problem(Gravity::Error, remark));
                self.broken.extend(names);
            }
        }
    }

    fn take_correlation(&mut self, source: &Source, rule: &CorrelationRule) {
        let head = Head {
            title: &rule.title,
            name: rule.name.as_deref(),
            level: rule.level,
            has_level: source.document.value.get("level").is_some_and(|it| it.as_str().is_some()),
            status: rule.status,
            tags: &rule.tags,
            date: rule.modified.as_deref().or(rule.date.as_deref()),
        };
        let Some((info, place)) = self.head(source, &head) else { return };
        if let Err(remark) = budget::of_named(rule) {
            self.problems.push(source.problem(Gravity::Error, remark));
            return;
        }
        let find = |name: &str| {
            if let Some(id) = self.named.get(name) {
                return Ok(id.clone());
            }
            Err(if self.broken.contains(name) {
                format!("the rule `{name}` is not in force: put it right first")
            } else {
                format!(
                    "there is no detection rule `{name}` (by id, name or title) among the files"
                )
            })
        };
        let definition = Definition::of(rule, info, &find);
        let definition = definition.and_then(|it| self.budget.take_correlation(rule).map(|()| it));
        match definition {
            Ok(definition) => {
                self.ids.insert(definition.info.id.clone(), place.clone());
                self.correlations.push((definition, place));
            }
            Err(remark) => self.problems.push(source.problem(Gravity::Error, remark)),
        }
    }

    /// What a rule says of itself, unless another has its id.
    fn head(&mut self, source: &Source, head: &Head<'_>) -> Option<(RuleInfo, Place)> {
        let (info, remarks) = head.info();
        let title = || FieldPath::of(&["title"]);
        let place =
            source.problem(Gravity::Warning, Remark { at: title(), text: String::new() }).place;
        if head.title.len() > MAX_TITLE_BYTES {
            let text = format!("a title has {MAX_TITLE_BYTES} bytes at most");
            self.problems.push(source.problem(Gravity::Error, Remark { at: title(), text }));
            return None;
        }
        if let Some(other) = self.ids.get(&info.id) {
            let text = format!(
                "`{}` is the rule at {other} already: give one of them a `name` of its own",
                info.id
            );
            let remark = Remark { at: title(), text };
            self.problems.push(source.problem(Gravity::Error, remark));
            return None;
        }
        let remarks = told_of_rule(remarks).map(|it| source.problem(Gravity::Warning, it));
        self.problems.extend(remarks);
        Some((info, place))
    }
}

/// The longest title: it stands in each detection.
const MAX_TITLE_BYTES: usize = 1_000;
/// The most remarks that are told of one rule, with the number of the others: to find the place of one takes as long as the
/// rule has parts.
const MAX_REMARKS: usize = 1_000;

/// What is told of a rule about which much is to be said.
fn told_of_rule(mut remarks: Vec<Remark>) -> impl Iterator<Item = Remark> {
    let untold = remarks.split_off(remarks.len().min(MAX_REMARKS)).len();
    let text = format!("and {untold} more about this rule, which are not told");
    let rest = Remark { at: FieldPath::of(&["detection"]), text };
    remarks.into_iter().chain((untold > 0).then_some(rest))
}

/// The most problems that are told of rules at a time: errors before warnings.
const MAX_PROBLEMS: usize = 1_000;

/// Problems in the order of their places, as many as somebody may read.
fn bounded(mut problems: Vec<Problem>) -> Vec<Problem> {
    let by_place = |left: &Problem, right: &Problem| left.place.cmp(&right.place);
    problems.sort_by(by_place);
    if problems.len() <= MAX_PROBLEMS {
        return problems;
    }
    problems.sort_by_key(|problem| !problem.is_error());
    let untold = problems.split_off(MAX_PROBLEMS);
    problems.sort_by(by_place);
    let gravity = match untold.iter().any(Problem::is_error) {
        true => Gravity::Error,
        false => Gravity::Warning,
    };
    let text =
        format!("and {} more, which are not told: put right what is above first", untold.len());
    problems.extend(untold.into_iter().next().map(|first| Problem { gravity, text, ..first }));
    problems
}

/// The item of a selection that cannot be compiled.
fn culprit(rule: &SigmaRule, document: &Document) -> Option<Remark> {
    let mut selections: Vec<_> = rule.detection.named.iter().collect();
    selections.sort_by_key(|(name, _)| *name);
    selections.into_iter().find_map(|(name, detection)| {
        let at = FieldPath::of(&["detection", name]);
        if let Detection::AllOf(items) = detection {
            let keys = Keys::of(document, &at);
            let found = items.iter().find_map(|item| {
                let error = compile_detection(&Detection::AllOf(vec![item.clone()])).err()?;
                let at = keys.place(item.field.name.as_deref()?);
                Some(Remark { at, text: last_line(&error.to_string()) })
            });
            if found.is_some() {
                return found;
            }
        }
        let error = compile_detection(detection).err()?;
        Some(Remark { at, text: last_line(&error.to_string()) })
    })
}

/// What a message of several lines comes to; regular expressions are drawn with a pointer below.
fn last_line(said: &str) -> String {
    match (said.lines().next(), said.lines().last()) {
        (Some(first), Some(last)) if first != last => {
            let what = first.split(':').next().unwrap_or(first);
            format!("{what}: {}", last.trim().trim_start_matches("error: "))
        }
        _ => said.to_owned(),
    }
}

fn names(id: Option<&String>, name: Option<&String>, title: &str) -> Vec<String> {
    [id, name].into_iter().flatten().cloned().chain([title.to_owned()]).collect()
}
