//! `airside policy`: people's own policies, read from files, judged and tested.

pub(super) mod test;

use std::path::Path;

use airside_terms::Policies;

use super::scan::inputs::Inputs;
use super::scan::render::Rendering;
use crate::cli::PolicyCommand;
use crate::command::Outcome;
use crate::show::{self, RESET};

pub(super) fn run(command: &PolicyCommand) -> anyhow::Result<Outcome> {
    match command {
        PolicyCommand::Test { paths, output } => test::run(paths, *output),
        PolicyCommand::Check { paths } => check(&read_policies(paths)),
    }
}

/// Reads policies from files and folders.
pub(super) fn read_policies<P: AsRef<Path>>(paths: &[P]) -> Policies {
    let inputs = Inputs::read(paths, &Rendering::default());
    let files = inputs.files.iter().map(|file| (file.path.as_str(), &file.content[..]));
    let mut policies = Policies::of_files(files);
    policies.problems.splice(0..0, inputs.problems);
    policies
}

/// Says what is wrong with policies, and what can be evaluated.
fn check(policies: &Policies) -> anyhow::Result<Outcome> {
    anyhow::ensure!(!policies.is_empty(), "there is no ValidatingAdmissionPolicy");
    for problem in &policies.problems {
        show::error(problem);
    }
    let set = &policies.set;
    for policy in &set.policies {
        let bindings: Vec<_> = set.bindings_of(policy).map(|it| it.name.as_str()).collect();
        let bound = match bindings.as_slice() {
            [] => "no binding: it has no effect".to_owned(),
            names => format!("bound by {}", names.join(", ")),
        };
        let count = policy.validations.len();
        let plural = if count == 1 { "" } else { "s" };
        show::print(&format!(
            "{}ok{RESET}      {} ({count} validation{plural}; {bound})\n",
            show::GOOD,
            policy.name
        ))?;
    }
    Ok(if policies.problems.is_empty() { Outcome::Good } else { Outcome::Unreadable })
}
