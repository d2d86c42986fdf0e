//! What a check teaches, as text for people: on a terminal with styles, elsewhere without.

use std::fmt::Write;

use airside_checks::Check;
use airside_checks::teach::{Form, Lesson, Line, Reference, lesson};
use airside_types::Severity;

use super::attack;

/// What a part of the text is, for whoever gives it a style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A heading.
    Heading,
    /// What matters less.
    Aside,
    /// A severity.
    Severity(Severity),
    /// A line that comes.
    Added,
    /// A line that goes.
    Removed,
}

/// Gives a part its style.
pub type Paint<'p> = &'p dyn Fn(Part, &str) -> String;

/// All that a check teaches, without styles.
pub fn plain(check: &'static Check) -> String {
    styled(check, &|_, text| text.to_owned())
}

/// All that a check teaches.
pub fn styled(check: &'static Check, paint: Paint<'_>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _written = write(&mut text, check, paint).is_ok();
    text
}

fn write(out: &mut String, check: &'static Check, paint: Paint<'_>) -> std::fmt::Result {
    let Lesson { attacks, yaml, applied, helm, kustomize, references } = lesson(check);
    let heading = |text: &str| paint(Part::Heading, text);
    let severity = paint(Part::Severity(check.severity), check.severity.as_str());
    writeln!(out, "{}  {severity}", heading(check.title))?;
    let (category, looks_at) = (check.category.as_str(), check.applies_to());
    let about = format!("{}, {category}, looks at: {looks_at}", check.id);
    writeln!(out, "{}", paint(Part::Aside, &about))?;
    writeln!(out, "\n{}", check.why)?;
    writeln!(out, "\n{}", heading("How it is attacked"))?;
    attacks.iter().try_for_each(|it| writeln!(out, "  {}", attack(it)))?;
    writeln!(out, "\n{}\n{}", heading("Fix"), check.fix)?;
    writeln!(out, "\n{}", heading("In YAML"))?;
    yaml.iter().try_for_each(|line| writeln!(out, "  {}", diff_line(*line, paint)))?;
    write_form(out, "As Helm values, as charts usually name them", helm, paint)?;
    write_form(out, "As a kustomization", kustomize.map(|it| it.text()), paint)?;
    let references: Vec<_> = references.into_iter().map(reference).collect();
    writeln!(out)?;
    write_list(out, "When you apply it", applied.iter().map(String::as_str), paint)?;
    write_list(out, "Read on", references.iter().map(String::as_str), paint)?;
    write_list(out, "Known elsewhere as", check.equivalents.iter().copied(), paint)?;
    let comment = paint(Part::Aside, &format!("# airside:ignore {}: REASON", check.id));
    let annotation = format!("airside.dev/ignore: \"{} until=2027-01-31: REASON\"", check.id);
    let annotation = paint(Part::Aside, &annotation);
    writeln!(
        out,
        "{}\n  in a comment on the line or above it: {comment}\n  in an annotation: {annotation}\n",
        heading("To accept it")
    )
}

/// A line of the change, as a diff shows it.
fn diff_line(line: Line, paint: Paint<'_>) -> String {
    let part = match line {
        Line::Kept(_) => Part::Aside,
        Line::Removed(_) => Part::Removed,
        Line::Added(_) => Part::Added,
    };
    paint(part, &line.marked())
}

fn write_form(
    out: &mut String,
    heading: &str,
    form: Form<String>,
    paint: Paint<'_>,
) -> std::fmt::Result {
    writeln!(out, "\n{}", paint(Part::Heading, heading))?;
    match form {
        Ok(text) => text.lines().try_for_each(|line| writeln!(out, "  {line}")),
        Err(reason) => writeln!(out, "  {}", paint(Part::Aside, reason)),
    }
}

/// A heading and a line for each entry; nothing where there are none.
///
/// # Errors
/// Those of the writer.
pub fn write_list<'t>(
    out: &mut String,
    heading: &str,
    mut entries: impl ExactSizeIterator<Item = &'t str>,
    paint: Paint<'_>,
) -> std::fmt::Result {
    if entries.len() == 0 {
        return Ok(());
    }
    writeln!(out, "{}", paint(Part::Heading, heading))?;
    entries.try_for_each(|entry| writeln!(out, "  {entry}"))?;
    writeln!(out)
}

fn reference(reference: Reference) -> String {
    match reference.url {
        Some(url) => format!("{}: {url}", reference.title),
        None => reference.title,
    }
}
