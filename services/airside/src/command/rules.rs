//! `airside rules`: the built-in rules listed; people's own rules read from files, judged and tested.

mod remote;
mod test;

use std::path::Path;
use std::time::Duration;

use airside_k8s::Document;
use airside_k8s::yaml::{Limits as YamlLimits, parse_bytes};
use airside_sigma::{Limits, Problem, RuleSet};
use airside_terms::policies::has_cases;
use airside_types::{Place, RuleFile, Severity};

use super::catalogue;
use super::scan::inputs::Inputs;
use super::scan::render::Rendering;
use crate::cli::{RulesArguments, RulesCommand};
use crate::command::Outcome;
use crate::show::{self, FAINT, RESET};

pub(super) fn run(arguments: &RulesArguments) -> anyhow::Result<Outcome> {
    match &arguments.command {
        None => catalogue::rules(arguments.output),
        Some(RulesCommand::Check { paths }) => check(&OwnRules::read(paths)),
        Some(RulesCommand::Test { paths, output }) => test::run(paths, *output),
        Some(RulesCommand::Set { paths, dry_run, server }) => remote::set(paths, *dry_run, server),
        Some(RulesCommand::Get { output, server }) => remote::get(*output, server),
    }
}

/// People's own rules, and what was wrong with their files.
#[derive(Debug, Default)]
pub(crate) struct OwnRules {
    /// The rules in force.
    pub(crate) set: RuleSet,
    files: Vec<RuleFile>,
    problems: Vec<Problem>,
    /// What could not be read at all.
    unreadable: Vec<String>,
    /// The cases beside them.
    cases: Vec<CaseFile>,
}

/// A file of cases, and the documents that it holds.
#[derive(Debug)]
struct CaseFile {
    path: String,
    documents: Vec<Document>,
}

impl OwnRules {
    /// A file holds all its events: correlation rules wait longer for older ones than a service could.
    pub(crate) const LIMITS: Limits = Limits {
        lateness: Duration::from_hours(1),
        held: 200_000,
        groups: 100_000,
        counted: 2_000_000,
    };

    /// Reads rules from files and folders. Without any there are no rules.
    pub(crate) fn read<P: AsRef<Path>>(paths: &[P]) -> Self {
        if paths.is_empty() {
            return Self::default();
        }
        let inputs = Inputs::read(paths, &Rendering::default());
        let mut own = Self { unreadable: inputs.problems, ..Self::default() };
        for file in &inputs.files {
            if has_cases(&file.path) {
                own.take_cases(&file.path, &file.content);
                continue;
            }
            match std::str::from_utf8(&file.content) {
                Ok(text) => {
                    let (path, text) = (file.path.clone(), text.to_owned());
                    own.files.push(RuleFile { path, text });
                }
                Err(_) => own.unreadable.push(format!("{}: no UTF-8", file.path)),
            }
        }
        let texts = own.files.iter().map(|file| (&*file.path, &*file.text));
        (own.set, own.problems) = RuleSet::read(texts);
        own
    }

    fn take_cases(&mut self, path: &str, content: &[u8]) {
        let parsed = parse_bytes(content, &YamlLimits::default());
        let wrong = parsed.errors.iter();
        self.unreadable.extend(
            wrong.map(|error| format!("{path}:{}: {}", error.position.line, error.problem)),
        );
        self.cases.push(CaseFile { path: path.to_owned(), documents: parsed.documents });
    }

    /// What keeps rules out of force, each with its place.
    fn errors(&self) -> impl Iterator<Item = String> {
        let refused = self.problems.iter().filter(|it| it.is_error()).map(ToString::to_string);
        self.unreadable.iter().cloned().chain(refused)
    }

    fn warnings(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|it| !it.is_error())
    }

    /// Says what keeps rules out of force, and how many warnings there are.
    pub(crate) fn tell_problems(&self) {
        self.errors().for_each(|problem| show::error(&problem));
        match self.warnings().count() {
            0 => {}
            count => show::remark(&format!(
                "{count} warning{} about your own rules: `airside rules check` tells them",
                if count == 1 { "" } else { "s" }
            )),
        }
    }

    /// How a command that used them ends.
    pub(crate) fn outcome(&self) -> Outcome {
        if self.errors().next().is_none() { Outcome::Good } else { Outcome::Unreadable }
    }
}

/// Says what is wrong with rules, and which are in force.
fn check(own: &OwnRules) -> anyhow::Result<Outcome> {
    let is_empty = own.set.is_empty() && own.problems.is_empty() && own.unreadable.is_empty();
    anyhow::ensure!(!is_empty, "there is no Sigma rule: {HINT}");
    own.unreadable.iter().for_each(|problem| show::error(problem));
    own.problems.iter().for_each(|problem| tell(&problem.to_string(), problem.is_error()));
    let lines = own.set.listed().map(|(info, place)| {
        line(&info.id, (info.severity, own.set.only_correlates(&info.id)), place)
    });
    show::print(&lines.collect::<String>())?;
    Ok(own.outcome())
}

/// Says what is wrong with a rule.
fn tell(problem: &str, is_error: bool) {
    if is_error {
        show::error(problem);
    } else {
        let style = show::severity(Severity::Medium);
        show::remark(&format!("{style}warning:{RESET} {}", show::clean(problem)));
    }
}

/// The line of a rule that is in force.
fn line(id: &str, (severity, only_correlates): (Severity, bool), place: &Place) -> String {
    let serves = if only_correlates { "; for correlation only" } else { "" };
    let good = show::GOOD;
    format!("{good}ok{RESET}      {id} ({severity}{serves})  {FAINT}{place}{RESET}\n")
}

const HINT: &str = "one has a `title`, a `logsource` with `product: kubernetes` and `service: audit`, and a `detection`";
