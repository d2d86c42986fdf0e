//! A remark on exceptions that are written for other tools: they hold there, and here are written otherwise.

use airside_checks::catalogue::{is_meant, named_by_peers};
use airside_checks::exception::peer_exceptions;

use super::inputs::Inputs;
use crate::show::{self, FAINT, RESET};

/// One remark for all that was read, with the first place and how it is written here.
pub(super) fn remark(inputs: &Inputs) {
    let texts = inputs.files.iter().filter_map(|file| {
        let text = std::str::from_utf8(&file.content).ok()?;
        Some((&file.path, text))
    });
    let mut found = texts.flat_map(|(path, text)| peer_exceptions(text).map(move |it| (path, it)));
    let Some((path, first)) = found.next() else { return };
    let more = match found.count() {
        0 => String::new(),
        count => format!(" (and {count} more)"),
    };
    let names = named_by_peers(first.check);
    let of_tool = names.iter().filter(|(name, _)| {
        name.split_once(':').is_some_and(|(tool, _)| tool == first.tool)
            && is_meant(name, first.check)
    });
    let checks: Vec<&str> = of_tool.flat_map(|(_, checks)| checks).map(|check| check.id).collect();
    let check = checks.first().copied().unwrap_or("CHECK");
    let (tool, line) = (first.tool, first.line);
    show::remark(&format!(
        "{FAINT}{}:{line}: an exception for {tool}{more} does not hold here; write `# airside:ignore {check}: REASON` \
         on the line, or the annotation `airside.dev/ignore: \"{check}: REASON\"`{RESET}",
        show::clean(path)
    ));
}
