//! What people see on a terminal: styles, and printing that notices a closed pipe.
//!
//! Colours appear on a terminal only, and never where `NO_COLOR` is set: `anstream` sees to it.

pub mod findings;
pub mod incident;
pub mod kept_finding;
pub mod raw_record;

use std::io::Write;

use airside_types::Severity;
use anstyle::{AnsiColor, Color, Reset, Style};

const fn coloured(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(colour)))
}

/// Headings and what matters most.
pub const STRONG: Style = Style::new().bold();
/// What matters least.
pub const FAINT: Style = Style::new().dimmed();
/// Errors.
pub const ERROR: Style = coloured(AnsiColor::Red).bold();
/// What went well.
pub const GOOD: Style = coloured(AnsiColor::Green);
/// Places in files.
pub const PLACE: Style = coloured(AnsiColor::Cyan);
/// The end of a style.
pub const RESET: Reset = Reset;

/// The style of a severity.
pub const fn severity(severity: Severity) -> Style {
    match severity {
        Severity::Critical => coloured(AnsiColor::Red).bold(),
        Severity::High => coloured(AnsiColor::Red),
        Severity::Medium => coloured(AnsiColor::Yellow),
        Severity::Low => coloured(AnsiColor::Blue),
        Severity::Info => Style::new().dimmed(),
    }
}

/// A text without what would steer a terminal: what manifests and names of files hold must not.
pub fn clean(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Prints text with styles to standard output.
pub fn print(text: &str) -> std::io::Result<()> {
    print_with(|out| out.write_all(text.as_bytes()))
}

/// Prints to standard output what is written in many pieces.
pub fn print_with(
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(anstream::stdout().lock());
    write(&mut out)?;
    out.flush()
}

/// Prints to standard output what is written in many pieces for programs: as it is, without styles.
pub fn print_unstyled_with(
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    write(&mut out)?;
    out.flush()
}

/// Prints bytes as they are to standard output.
pub fn print_bytes(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Says on standard error what is wrong.
pub fn error(problem: &str) {
    let lines: Vec<_> = problem.lines().map(clean).collect();
    remark(&format!("{ERROR}error:{RESET} {}", lines.join("\n")));
}

/// Says something on standard error: progress and remarks, which are no result.
pub fn remark(text: &str) {
    anstream::eprintln!("{text}");
}
