//! The command of an exec request, which only its URI tells.

use super::request::Request;
use crate::command::Command;

/// The longest query that is read, in bytes. Linux runs no longer command line, and an API server takes no URL of
/// half the length.
const MAX_BYTES: usize = 2 << 20;

/// Whether the request asks for a command, and the command is too long to be read.
pub(super) fn is_too_long(request: &Request<'_>) -> bool {
    request.subresource() == "exec" && request.query().len() > MAX_BYTES
}

/// The command line that a request asks a container to run; empty where the event does not tell (a GKE log
/// entry has no query).
pub(super) fn command_line(request: &Request<'_>) -> String {
    if is_too_long(request) {
        return String::new();
    }
    request.parameters("command").collect::<Vec<_>>().join(" ")
}

/// The same, ready to be asked what it does.
pub(super) fn command(request: &Request<'_>) -> Command {
    Command::new(&command_line(request))
}

/// The container that the request names; empty for the pod's default.
pub(super) fn container(request: &Request<'_>) -> String {
    request.parameters("container").next().unwrap_or_default()
}
