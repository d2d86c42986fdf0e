//! How rules say in words what a request asks for, and what was done.

use super::super::request::Request;

/// What was asked for, as it follows "asked to": `list nodes`, `create jobs in namespace shop`, `get /metrics`.
pub(super) fn asked(request: &Request<'_>) -> String {
    let verb = match request.verb() {
        "deletecollection" => "delete",
        verb => verb,
    };
    with_object(verb, request)
}

/// The same of what was done: `deleted networkpolicies deny-all in namespace shop`.
pub(super) fn did(request: &Request<'_>) -> String {
    let verb = match request.verb() {
        "create" => "created",
        "update" => "updated",
        "patch" => "patched",
        "delete" | "deletecollection" => "deleted",
        "get" => "read",
        "list" => "listed",
        "watch" => "watched",
        // Verbs of RBAC that no request has, and those of other paths.
        _ => return format!("asked to {}", asked(request)),
    };
    with_object(verb, request)
}

fn with_object(verb: &str, request: &Request<'_>) -> String {
    let Some(target) = request.target() else {
        return format!("{verb} {}", request.path());
    };
    let mut text = format!("{verb} {}", target.resource);
    if !target.subresource.is_empty() {
        text.push('/');
        text.push_str(&target.subresource);
    }
    if !target.name.is_empty() {
        text.push(' ');
        text.push_str(&target.name);
    }
    if !target.namespace.is_empty() {
        text.push_str(" in namespace ");
        text.push_str(&target.namespace);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{asked, did};
    use crate::ClusterProfile;
    use crate::audit::{Event, Request};

    #[test]
    fn requests_read_as_sentences() {
        let of = |verb: &str, rest: &str| {
            let event = format!(r#"{{"verb":"{verb}","user":{{"username":"dana"}},{rest}}}"#);
            let event = Event::parse(&event).unwrap();
            let request = Request::new(&event, ClusterProfile::unknown());
            (asked(&request), did(&request))
        };
        let one = r#""objectRef":{"resource":"pods","namespace":"shop","name":"web","subresource":"exec"}"#;
        let all = r#""objectRef":{"resource":"nodes"}"#;
        for (verb, rest, asks, does) in [
            (
                "get",
                one,
                "get pods/exec web in namespace shop",
                "read pods/exec web in namespace shop",
            ),
            ("deletecollection", all, "delete nodes", "deleted nodes"),
            ("delete", all, "delete nodes", "deleted nodes"),
            ("create", all, "create nodes", "created nodes"),
            ("update", all, "update nodes", "updated nodes"),
            ("patch", all, "patch nodes", "patched nodes"),
            ("list", all, "list nodes", "listed nodes"),
            ("watch", all, "watch nodes", "watched nodes"),
            ("post", r#""requestURI":"/logs?x=1""#, "post /logs", "asked to post /logs"),
        ] {
            assert_eq!(of(verb, rest), (asks.to_owned(), does.to_owned()));
        }
    }
}
