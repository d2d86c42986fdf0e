//! `airside explain`: why a check or a detection rule matters, how it is attacked, and the fix in three forms.

use std::fmt::Write;

use airside_checks::teach::{Form, Lesson, Line, Reference, lesson};
use airside_checks::{Check, catalogue};
use airside_detect::Rule;
use airside_report::lesson::attack;
use airside_terms::nearest;
use airside_types::{Severity, Technique};

use crate::command::Outcome;
use crate::show::{self, FAINT, RESET, STRONG};

pub(super) fn run(name: &str) -> anyhow::Result<Outcome> {
    let checks: Vec<_> = catalogue::find_all(name).collect();
    let rules: Vec<_> = airside_detect::rules()
        .into_iter()
        .filter(|rule| rule.id.eq_ignore_ascii_case(name) || rule.equivalents.contains(&name))
        .collect();
    if checks.is_empty() && rules.is_empty() {
        anyhow::bail!("there is no check or rule `{name}`{}", suggestion(name));
    }
    let mut text = String::new();
    for check in checks {
        of_check(&mut text, check)?;
    }
    for rule in rules {
        of_rule(&mut text, rule)?;
    }
    show::print(&text)?;
    Ok(Outcome::Good)
}

fn of_check(out: &mut String, check: &'static Check) -> std::fmt::Result {
    let Lesson { attacks, yaml, helm, kustomize, references } = lesson(check);
    let style = show::severity(check.severity);
    writeln!(out, "{STRONG}{}{RESET}  {style}{}{RESET}", check.title, check.severity)?;
    writeln!(
        out,
        "{FAINT}{}, {}, looks at: {}{RESET}",
        check.id,
        check.category.as_str(),
        check.applies_to()
    )?;
    writeln!(out, "\n{}", check.why)?;
    writeln!(out, "\n{STRONG}How it is attacked{RESET}")?;
    attacks.iter().try_for_each(|it| writeln!(out, "  {}", attack(it)))?;
    writeln!(out, "\n{STRONG}Fix{RESET}\n{}", check.fix)?;
    writeln!(out, "\n{STRONG}In YAML{RESET}")?;
    yaml.iter().try_for_each(|line| write_line(out, *line))?;
    write_form(out, "As Helm values, as charts usually name them", helm)?;
    write_form(out, "As a kustomization", kustomize.map(|it| it.text()))?;
    let references: Vec<_> = references.into_iter().map(reference).collect();
    writeln!(out)?;
    write_list(out, "Read on", references.iter().map(String::as_str))?;
    write_list(out, "Known elsewhere as", check.equivalents.iter().copied())?;
    writeln!(
        out,
        "{STRONG}To accept it{RESET}\n  in a comment on the line or above it: {FAINT}# airside:ignore {}: REASON{RESET}\n  \
         in an annotation: {FAINT}airside.dev/ignore: \"{} until=2027-01-31: REASON\"{RESET}\n",
        check.id, check.id
    )
}

/// A line of the change, as a diff shows it.
fn write_line(out: &mut String, line: Line) -> std::fmt::Result {
    let style = match line {
        Line::Kept(_) => FAINT,
        Line::Removed(_) => show::severity(Severity::High),
        Line::Added(_) => show::GOOD,
    };
    writeln!(out, "  {style}{}{RESET}", line.marked())
}

fn write_form(out: &mut String, heading: &str, form: Form<String>) -> std::fmt::Result {
    match form {
        Ok(text) => write!(out, "\n{STRONG}{heading}{RESET}\n{}", indented(&text)),
        Err(reason) => writeln!(out, "\n{STRONG}{heading}{RESET}\n  {FAINT}{reason}{RESET}"),
    }
}

fn reference(reference: Reference) -> String {
    match reference.url {
        Some(url) => format!("{}: {url}", reference.title),
        None => reference.title,
    }
}

fn of_rule(out: &mut String, rule: &Rule) -> std::fmt::Result {
    let style = show::severity(rule.severity);
    writeln!(out, "{STRONG}{}{RESET}  {style}{}{RESET}", rule.title, rule.severity)?;
    writeln!(out, "{FAINT}{}, {}, seen by: {}{RESET}", rule.id, rule.tactic.as_str(), rule.source)?;
    writeln!(out, "\n{}", rule.why)?;
    write_techniques(out, rule.techniques)?;
    writeln!(out)?;
    write_list(out, "Known elsewhere as", rule.equivalents.iter().copied())
}

fn write_techniques(out: &mut String, techniques: &[Technique]) -> std::fmt::Result {
    if !techniques.is_empty() {
        writeln!(out, "\n{STRONG}Attackers use it for{RESET}")?;
    }
    for technique in techniques {
        writeln!(out, "  {} {}", technique.id(), technique.name())?;
    }
    Ok(())
}

fn write_list<'t>(
    out: &mut String,
    heading: &str,
    entries: impl ExactSizeIterator<Item = &'t str>,
) -> std::fmt::Result {
    if entries.len() == 0 {
        return Ok(());
    }
    writeln!(out, "{STRONG}{heading}{RESET}")?;
    let mut entries = entries;
    entries.try_for_each(|entry| writeln!(out, "  {entry}"))?;
    writeln!(out)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// The names that are most like one that does not exist.
fn suggestion(name: &str) -> String {
    let checks = catalogue::listed().map(|check| check.id);
    let hint = nearest(name, checks.chain(airside_detect::rules().into_iter().map(|rule| rule.id)));
    let list = "`airside checks` lists them";
    if hint.is_empty() { format!("; {list}") } else { format!("{hint} {list}") }
}
