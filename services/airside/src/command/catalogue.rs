//! `airside checks` and `airside rules`: what Airside looks for.

use airside_checks::teach::{Kustomization, Lesson, lesson};
use airside_checks::{Check, Profile, catalogue};
use airside_detect::Rule;
use airside_report::lesson::{attack, diff, page};
use serde_json::{Value, json};

use crate::cli::{ChecksArguments, ChecksFormat, OutputFormat};
use crate::command::Outcome;
use crate::show::{self, RESET, STRONG};

pub(super) fn checks(arguments: &ChecksArguments) -> anyhow::Result<Outcome> {
    let checks: Vec<&'static Check> = catalogue::listed().collect();
    match arguments.output {
        ChecksFormat::Json => print_json(checks.iter().map(|check| check_json(check)))?,
        ChecksFormat::Markdown => show::print_bytes(page(checks.into_iter()).as_bytes())?,
        ChecksFormat::Text => {
            let mut out = String::new();
            for check in checks {
                out.push_str(&line(check.severity, check.id, check.title));
            }
            show::print(&out)?;
        }
    }
    Ok(Outcome::Good)
}

pub(super) fn rules(output: OutputFormat) -> anyhow::Result<Outcome> {
    let rules = airside_detect::rules();
    match output {
        OutputFormat::Json => print_json(rules.iter().map(|rule| rule_json(rule)))?,
        OutputFormat::Text => {
            let mut out = String::new();
            for rule in rules {
                out.push_str(&line(rule.severity, rule.id, rule.title));
            }
            show::print(&out)?;
        }
    }
    Ok(Outcome::Good)
}

/// Prints the profiles, each with the number of checks that count.
pub(super) fn profiles() -> anyhow::Result<Outcome> {
    let line = |profile: &Profile| {
        let count = catalogue::listed().filter(|check| profile.takes(check)).count();
        let id = profile.id;
        format!("{STRONG}{id:<11}{RESET} {count:>4} checks  {}\n", profile.about)
    };
    let mut out: String = Profile::ALL.iter().map(line).collect();
    out.push_str("\nName one with `airside scan --profile NAME`, or in .airside.toml:\n\n");
    out.push_str(EXAMPLE);
    show::print(&out)?;
    Ok(Outcome::Good)
}

/// The settings of a project.
const EXAMPLE: &str = "\
  [scan]
  profile = \"security\"
  fail_on = \"medium\"

  [severity]           # of a check, by its name here or elsewhere, of a category or a framework
  host-path = \"critical\"

  [checks]             # the same names; a check's own weighs more than its group's
  enable = [\"reliability\"]
  disable = [\"cpu-limit-missing\"]
";

pub(super) fn line(severity: airside_types::Severity, id: &str, title: &str) -> String {
    let style = show::severity(severity);
    format!("{style}{severity:<8}{RESET}  {id:<34}  {title}\n")
}

pub(super) fn print_json(entries: impl Iterator<Item = Value>) -> anyhow::Result<()> {
    let all: Vec<_> = entries.collect();
    Ok(show::print_bytes(format!("{}\n", serde_json::to_string_pretty(&all)?).as_bytes())?)
}

pub(super) fn check_json(check: &'static Check) -> Value {
    let Lesson { attacks, yaml, applied, helm, kustomize, references } = lesson(check);
    let form = |form: Result<String, &str>| match form {
        Ok(text) => json!({ "text": text }),
        Err(reason) => json!({ "reason": reason }),
    };
    let techniques: Vec<_> = check.techniques.iter().map(|technique| technique.id()).collect();
    json!({
        "id": check.id,
        "title": check.title,
        "severity": check.severity.as_str(),
        "category": check.category.as_str(),
        "techniques": techniques,
        "controls": check.controls,
        "equivalents": check.equivalents,
        "applies_to": check.applies_to(),
        "why": check.why,
        "fix": check.fix,
        "attacks": attacks.iter().map(attack).collect::<Vec<_>>(),
        "fails": check.fails,
        "passes": check.passes,
        "yaml": diff(&yaml),
        "applied": applied,
        "helm": form(helm),
        "kustomize": form(kustomize.as_ref().map(Kustomization::text).map_err(|reason| *reason)),
        "references": references
            .iter()
            .map(|it| json!({ "title": it.title, "url": it.url }))
            .collect::<Vec<_>>(),
    })
}

pub(super) fn rule_json(rule: &Rule) -> Value {
    let techniques: Vec<_> = rule.techniques.iter().map(|technique| technique.id()).collect();
    json!({
        "id": rule.id,
        "title": rule.title,
        "severity": rule.severity.as_str(),
        "category": rule.tactic.as_str(),
        "techniques": techniques,
        "controls": [],
        "equivalents": rule.equivalents,
        "source": rule.source.as_str(),
        "why": rule.why,
        "next": rule.next,
    })
}
