//! `airside completions SHELL`: the script, which also knows the names that options and commands take.
//!
//! Only the script has them as a closed list: what is typed is judged by the commands, which suggest what
//! was meant.

use airside_checks::{Profile, catalogue};
use airside_compliance::Framework;
use clap::CommandFactory;
use clap::builder::PossibleValuesParser;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::command::Outcome;
use crate::show;

pub(super) fn run(shell: Shell) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut described(), "airside", &mut script);
    show::print_bytes(&script)?;
    Ok(Outcome::Good)
}

/// The command line with the names that are known.
fn described() -> clap::Command {
    let profiles = Profile::ALL.iter().map(|profile| profile.id);
    let frameworks = Framework::all().iter().map(|framework| framework.id.as_str());
    let checks = catalogue::listed().map(|check| check.id);
    let rules = airside_detect::rules().into_iter().map(|rule| rule.id);
    let profiles = PossibleValuesParser::new(profiles);
    let frameworks = PossibleValuesParser::new(frameworks.chain(["list"]));
    let told = PossibleValuesParser::new(rules.clone());
    let explained = PossibleValuesParser::new(checks.chain(rules));
    Cli::command()
        .mut_subcommand("scan", |scan| {
            scan.mut_arg("profile", |it| it.value_parser(profiles))
                .mut_arg("compliance", |it| it.value_parser(frameworks))
        })
        .mut_subcommand("detect", |detect| detect.mut_arg("rule", |it| it.value_parser(told)))
        .mut_subcommand("explain", |explain| {
            explain.mut_arg("check", |it| it.value_parser(explained))
        })
}
