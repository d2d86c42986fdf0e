//! What a check teaches, as Markdown: for the help of SARIF, for documentation. As plain text it is `text`'s.

pub mod text;

use std::fmt::Write;

use airside_checks::Check;
use airside_checks::teach::{Attack, Lesson, Line, Reference, lesson};

use crate::markdown::escaped;

/// All that a check teaches, without its title; headings are bold lines.
pub fn markdown(check: &'static Check) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _written = write(&mut text, check).is_ok();
    text
}

/// A page on the whole catalogue.
pub fn page(checks: impl Iterator<Item = &'static Check>) -> String {
    let mut text =
        "# Checks of Airside\n\nWritten by `airside checks --output markdown`.\n".to_owned();
    for check in checks {
        let head = format!(
            "\n## {}\n\n`{}`, {}, {}, looks at: {}\n\n",
            escaped(check.title),
            check.id,
            check.severity,
            check.category.as_str(),
            escaped(&check.applies_to())
        );
        text.push_str(&head);
        text.push_str(&markdown(check));
    }
    text
}

fn write(out: &mut String, check: &'static Check) -> std::fmt::Result {
    let Lesson { attacks, yaml, applied, helm, kustomize, references } = lesson(check);
    writeln!(out, "{}\n\n**How it is attacked.**\n", escaped(check.why))?;
    attacks.iter().try_for_each(|it| writeln!(out, "- {}", escaped(&attack(it))))?;
    writeln!(out, "\n**Fix.** {}\n", escaped(check.fix))?;
    write_block(out, "diff", &diff(&yaml))?;
    match helm {
        Ok(values) => {
            writeln!(out, "**As Helm values**, as charts usually name them:\n")?;
            write_block(out, "yaml", &values)?;
        }
        Err(reason) => writeln!(out, "**As Helm values.** {}\n", escaped(reason))?,
    }
    match kustomize {
        Ok(kustomization) => {
            writeln!(out, "**As a kustomization**:\n")?;
            write_block(out, "yaml", &kustomization.text())?;
        }
        Err(reason) => writeln!(out, "**As a kustomization.** {}\n", escaped(reason))?,
    }
    if !applied.is_empty() {
        writeln!(out, "**When you apply it.** {}\n", escaped(&applied.join(" ")))?;
    }
    writeln!(out, "**Read on.**\n")?;
    references
        .iter()
        .try_for_each(|it| writeln!(out, "- {}", link(it).unwrap_or_else(|| escaped(&it.title))))
}

fn write_block(out: &mut String, language: &str, text: &str) -> std::fmt::Result {
    writeln!(out, "```{language}\n{}\n```\n", text.trim_end())
}

/// An attack in one line, with its technique behind it where it has one.
pub fn attack(attack: &Attack) -> String {
    match attack.technique {
        Some(technique) => format!("{} ({} {})", attack.how, technique.id(), technique.name()),
        None => attack.how.to_owned(),
    }
}

/// The fix as the text of a diff.
pub fn diff(lines: &[Line]) -> String {
    lines.iter().map(|line| line.marked() + "\n").collect()
}

/// A link; none for what has no address.
pub(crate) fn link(reference: &Reference) -> Option<String> {
    let url = reference.url.as_ref()?;
    Some(format!("[{}]({url})", escaped(&reference.title)))
}
