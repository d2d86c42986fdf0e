//! `airside authorised`: what people declare as authorised administration, read from files, judged and tested.

use std::path::Path;

use airside_detect::authorised::{Authorised, Case, Ending, Problem, read, read_cases};
use airside_k8s::Document;
use airside_k8s::yaml::{Limits, parse_bytes};
use airside_ports::Clock;
use airside_report::cases::Subject;
use airside_service::SystemClock;
use airside_terms::policies::has_cases;

use super::cases::{self, Told};
use super::policy::test::with_neighbours;
use super::scan::inputs::Inputs;
use super::scan::render::Rendering;
use crate::cli::{AuthorisedCommand, TestFormat};
use crate::command::Outcome;
use crate::show::{self, RESET};

pub(super) fn run(command: &AuthorisedCommand) -> anyhow::Result<Outcome> {
    match command {
        AuthorisedCommand::Check { paths } => check(&Declarations::read(paths)),
        AuthorisedCommand::Test { paths, output } => {
            test(&Declarations::read(&with_neighbours(paths)), *output)
        }
    }
}

/// What is declared as authorised, and what was wrong with its files.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    /// What is in force, all files together.
    pub(super) authorised: Authorised,
    /// The files that declare something.
    files: Vec<String>,
    problems: Vec<String>,
    cases: Vec<Case>,
}

impl Declarations {
    /// Reads declarations from files and folders. Without any nothing is authorised.
    pub(super) fn read<P: AsRef<Path>>(paths: &[P]) -> Self {
        if paths.is_empty() {
            return Self::default();
        }
        let inputs = Inputs::read(paths, &Rendering::default());
        let mut all = Self { problems: inputs.problems, ..Self::default() };
        let mut documents = Vec::new();
        for file in &inputs.files {
            let parsed = parse_bytes(&file.content, &Limits::default());
            let wrong = parsed.errors.iter();
            all.problems.extend(
                wrong.map(|it| format!("{}:{}: {}", file.path, it.position.line, it.problem)),
            );
            let declared: Vec<_> = parsed.documents.into_iter().filter(is_declaration).collect();
            if declared.is_empty() {
                continue;
            }
            if has_cases(&file.path) {
                let (cases, problems) = read_cases(&file.path, &declared);
                all.cases.extend(cases);
                all.tell(&problems);
            } else {
                all.files.push(file.path.clone());
                documents.push((file.path.clone(), declared));
            }
        }
        for (path, documents) in documents {
            let (authorised, problems) = read(&path, &documents);
            all.authorised.extend(authorised);
            all.tell(&problems);
        }
        all
    }

    fn tell(&mut self, problems: &[Problem]) {
        self.problems.extend(problems.iter().map(|it| format!("{}: {}", it.place, it.problem)));
    }

    /// Says what keeps rules out of force.
    pub(super) fn tell_problems(&self) {
        self.problems.iter().for_each(|problem| show::error(problem));
    }

    /// How a command that used them ends.
    pub(super) fn outcome(&self) -> Outcome {
        if self.problems.is_empty() { Outcome::Good } else { Outcome::Unreadable }
    }
}

/// Whether a document is one of ours: folders hold other YAML as well.
fn is_declaration(document: &Document) -> bool {
    ["administrators", "authorised", "cases"].iter().any(|key| document.value.get(*key).is_some())
}

const HINT: &str = "write one such as\n\
     \n  administrators: {groups: [platform]}\n  authorised:\n  - name: on-call\n    who: {users: [\"oncall-*\"]}\n    \
     does: {verbs: [patch], resources: [deployments.apps]}\n";

/// Says what is wrong with declarations, and which rules are in force.
fn check(all: &Declarations) -> anyhow::Result<Outcome> {
    anyhow::ensure!(
        !all.files.is_empty() || !all.problems.is_empty(),
        "nothing is declared as authorised: {HINT}"
    );
    all.tell_problems();
    let mut out = String::new();
    let over: Vec<_> = all.authorised.over(SystemClock.now()).collect();
    for (name, place) in all.authorised.rules() {
        let (good, faint) = (show::GOOD, show::FAINT);
        let told = match over.iter().find(|(at, _)| *at == place) {
            Some((_, last)) => {
                format!("over    {name}  {faint}{place}  its last day was {last}{RESET}\n")
            }
            None => format!("{good}ok{RESET}      {name}  {faint}{place}{RESET}\n"),
        };
        out.push_str(&told);
    }
    show::print(&out)?;
    Ok(all.outcome())
}

fn test(all: &Declarations, output: TestFormat) -> anyhow::Result<Outcome> {
    anyhow::ensure!(
        !all.cases.is_empty() || !all.problems.is_empty(),
        "there are no cases: put them beside the declaration, in a file such as authorised.test.yaml:\n\
         \n  cases:\n  - name: what it shows\n    deed: {{user: …, verb: …, resource: …}}\n    expect: authorised\n"
    );
    let told: Vec<Told> = all
        .cases
        .iter()
        .map(|case| Told {
            place: case.place.clone(),
            subject: case.rule().unwrap_or_default().to_owned(),
            name: case.name.clone(),
            expected: case.expected().to_owned(),
            ending: match case.run(&all.authorised) {
                Ending::AsExpected => Ok(String::new()),
                Ending::Otherwise(said) => Err(said),
            },
        })
        .collect();
    let tested: Vec<&str> = told.iter().map(|it| it.subject.as_str()).collect();
    let names = all.authorised.rules().map(|(name, _)| name);
    let untested: Vec<&str> = names.filter(|name| !tested.contains(name)).collect();
    cases::tell(Subject::Authorised, &told, &all.problems, &untested, output)
}
