//! The command of an exec request, which only its URI tells.

use percent_encoding::percent_decode_str;

use super::request::Request;
use crate::command::Command;

/// How many words of a command are read.
const MAX_WORDS: usize = 64;
/// The longest command line that is put together, in bytes.
const MAX_BYTES: usize = 8192;

/// The command line that a request asks a container to run; empty where the event does not tell (a GKE log
/// entry has no query).
pub(super) fn command_line(request: &Request<'_>) -> String {
    let mut line = String::new();
    for word in parameters(request, "command").take(MAX_WORDS) {
        if line.len() + word.len() > MAX_BYTES {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    line
}

/// The same, ready to be asked what it does.
pub(super) fn command(request: &Request<'_>) -> Command {
    Command::new(&command_line(request))
}

/// The container that the request names; empty for the pod's default.
pub(super) fn container(request: &Request<'_>) -> String {
    parameters(request, "container").next().unwrap_or_default()
}

fn parameters<'e>(request: &Request<'e>, name: &'static str) -> impl Iterator<Item = String> + 'e {
    request.query().split('&').filter_map(move |pair| {
        let value = pair.strip_prefix(name)?.strip_prefix('=')?.replace('+', " ");
        Some(percent_decode_str(&value).decode_utf8_lossy().into_owned())
    })
}
