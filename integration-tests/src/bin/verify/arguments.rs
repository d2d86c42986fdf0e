//! The command line of `cargo verify`: what was asked for, and the help text.
//!
//! Owns parsing; runs nothing.

use std::collections::BTreeSet;

use crate::step::Step;

/// What the caller asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Run these steps, in the order of `Step::ALL`, each once.
    Run(Vec<Step>),
    /// Name the steps.
    List,
    /// Print the help text.
    Help,
}

/// Reads the arguments that follow the program's name.
///
/// # Errors
/// A sentence that names the argument and what would be accepted.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Request, String> {
    let mut arguments = arguments;
    let mut only = None;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--help" | "-h" => return Ok(Request::Help),
            "--list" => return Ok(Request::List),
            "--only" => {
                let names =
                    arguments.next().ok_or("--only needs steps, as in --only fmt,clippy")?;
                only = Some(steps(&names)?);
            }
            other => match other.strip_prefix("--only=") {
                Some(names) => only = Some(steps(names)?),
                None => return Err(format!("unknown argument `{other}`")),
            },
        }
    }
    Ok(Request::Run(only.unwrap_or_else(|| Step::ALL.to_vec())))
}

/// The named steps and those that they need, in the order in which they run.
fn steps(names: &str) -> Result<Vec<Step>, String> {
    let mut chosen = BTreeSet::new();
    for name in names.split(',').map(str::trim) {
        let step = Step::ALL.into_iter().find(|step| step.name() == name).ok_or_else(|| {
            let known = Step::ALL.map(Step::name).join(", ");
            format!("no step is called `{name}`; the steps are {known}")
        })?;
        chosen.insert(step);
        chosen.extend(step.needs());
    }
    Ok(chosen.into_iter().collect())
}

/// The text of `--help`.
pub(crate) fn help() -> String {
    let steps: String =
        Step::ALL.map(|step| format!("  {:<7} {}\n", step.name(), step.about())).concat();
    format!(
        "Checks everything that has to hold before a change is proposed.\n\n\
         Usage: cargo verify [--only STEP,STEP...] [--list] [--help]\n\n\
         Steps, in this order; a failed one does not stop the others:\n{steps}\n\
         Exit code: 0 all passed, 1 a step failed, 2 the arguments were wrong.\n\
         Environment: {variable} names a nats-server to use instead of the pinned one.\n",
        variable = crate::nats_server::VARIABLE,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Request, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn without_arguments_every_step_runs_in_order() {
        assert_eq!(parsed(""), Ok(Request::Run(Step::ALL.to_vec())));
    }

    #[test]
    fn only_keeps_the_order_of_the_steps_and_drops_repeats() {
        let expected = Ok(Request::Run(vec![Step::Format, Step::Clippy]));
        assert_eq!(parsed("--only clippy,fmt,clippy"), expected);
        assert_eq!(parsed("--only=clippy,fmt"), expected);
    }

    #[test]
    fn tests_bring_the_tools_they_need() {
        assert_eq!(parsed("--only test"), Ok(Request::Run(vec![Step::Tools, Step::Tests])));
    }

    #[test]
    fn an_unknown_step_is_named_together_with_the_known_ones() {
        let complaint = parsed("--only fmt,lint").unwrap_err();
        assert_eq!(
            complaint,
            "no step is called `lint`; the steps are tools, fmt, clippy, test, doc"
        );
        assert_eq!(parsed("--fast").unwrap_err(), "unknown argument `--fast`");
        assert!(parsed("--only").unwrap_err().contains("--only fmt,clippy"));
    }

    #[test]
    fn help_and_list_win_over_the_rest() {
        assert_eq!(parsed("--only fmt --help"), Ok(Request::Help));
        assert_eq!(parsed("--list"), Ok(Request::List));
        for step in Step::ALL {
            assert!(help().contains(step.about()), "{} is missing", step.name());
        }
    }
}
