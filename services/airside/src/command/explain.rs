//! `airside explain`: why a check or a detection rule matters, how it is attacked, and the fix in three forms.

use std::collections::BTreeSet;
use std::fmt::Write;

use airside_checks::{Check, catalogue};
use airside_detect::Rule;
use airside_report::lesson::text::{Part, styled, write_list};
use airside_terms::nearest;
use airside_types::{Severity, Technique};

use super::catalogue::{check_json, print_json, rule_json};
use crate::cli::OutputFormat;
use crate::command::Outcome;
use crate::show::{self, FAINT, RESET, STRONG};

/// The styles of a terminal.
fn paint(part: Part, text: &str) -> String {
    let style = match part {
        Part::Heading => STRONG,
        Part::Aside => FAINT,
        Part::Severity(severity) => show::severity(severity),
        Part::Added => show::GOOD,
        Part::Removed => show::severity(Severity::High),
    };
    format!("{style}{text}{RESET}")
}

pub(super) fn run(name: &str, output: OutputFormat) -> anyhow::Result<Outcome> {
    let own = name.to_ascii_lowercase();
    let mut checks: Vec<_> = catalogue::find_all(name).collect();
    if checks.is_empty() {
        checks = catalogue::find_all(&own).collect();
    }
    let mut rules: Vec<_> = airside_detect::rules()
        .into_iter()
        .filter(|rule| rule.id.eq_ignore_ascii_case(name) || rule.equivalents.contains(&name))
        .collect();
    if checks.is_empty() && rules.is_empty() {
        checks = catalogue::meant(name);
        let is_named = |peer: &&str| catalogue::is_meant(peer, name);
        rules = airside_detect::rules();
        rules.retain(|rule| rule.equivalents.iter().any(is_named));
        if checks.is_empty() && rules.is_empty() {
            anyhow::bail!("there is no check or rule `{name}`{}", suggestion(name));
        }
        tell_whose(name, &checks, &rules);
    }
    if output == OutputFormat::Json {
        let checks = checks.into_iter().map(check_json);
        print_json(checks.chain(rules.into_iter().map(rule_json)))?;
        return Ok(Outcome::Good);
    }
    let mut text = String::new();
    for check in checks {
        text.push_str(&styled(check, &paint));
    }
    for rule in rules {
        of_rule(&mut text, rule)?;
    }
    show::print(&text)?;
    Ok(Outcome::Good)
}

/// Says which tools have the name, and what answers it here.
fn tell_whose(name: &str, checks: &[&'static Check], rules: &[&'static Rule]) {
    let peers = checks.iter().flat_map(|check| check.equivalents);
    let peers = peers.chain(rules.iter().flat_map(|rule| rule.equivalents));
    let peers: BTreeSet<&str> =
        peers.copied().filter(|peer| catalogue::is_meant(peer, name)).collect();
    let peers: Vec<&str> = peers.into_iter().collect();
    let ours = checks.iter().map(|check| check.id).chain(rules.iter().map(|rule| rule.id));
    let ours: Vec<&str> = ours.collect();
    show::remark(&format!("{FAINT}{} is here: {}{RESET}", peers.join(", "), ours.join(", ")));
}

fn of_rule(out: &mut String, rule: &Rule) -> std::fmt::Result {
    let style = show::severity(rule.severity);
    writeln!(out, "{STRONG}{}{RESET}  {style}{}{RESET}", rule.title, rule.severity)?;
    writeln!(out, "{FAINT}{}, {}, seen by: {}{RESET}", rule.id, rule.tactic.as_str(), rule.source)?;
    writeln!(out, "\n{}", rule.why)?;
    if !rule.next.is_empty() {
        writeln!(out, "\n{STRONG}Look at next{RESET}\n  {}", rule.next)?;
    }
    write_techniques(out, rule.techniques)?;
    writeln!(out)?;
    write_list(out, "Known elsewhere as", rule.equivalents.iter().copied(), &paint)
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

/// The names that are most like one that does not exist.
fn suggestion(name: &str) -> String {
    let checks = catalogue::listed().map(|check| check.id);
    let hint = nearest(name, checks.chain(airside_detect::rules().into_iter().map(|rule| rule.id)));
    let list = "`airside checks` lists them";
    if hint.is_empty() { format!("; {list}") } else { format!("{hint} {list}") }
}
