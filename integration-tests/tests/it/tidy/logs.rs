//! The form of log messages: lowercase, no full stop, so that they read as one voice and can be
//! searched for.

use super::holds;
use super::rust::{Kind, Token};
use super::tree::Tree;

const MACROS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "event"];

/// The messages of tracing's macros: the first text that is an argument of its own, neither a
/// field's value nor a setting such as `target: "…"`.
fn messages<'a>(code: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut found = Vec::new();
    for at in 0..code.len().saturating_sub(2) {
        let opens = MACROS.iter().any(|name| code[at].is_word(name))
            && code[at + 1].is_mark("!")
            && ["(", "[", "{"].iter().any(|mark| code[at + 2].is_mark(mark));
        if opens {
            found.extend(message(&code[at + 2..]));
        }
    }
    found
}

fn message<'a>(arguments: &[Token<'a>]) -> Option<Token<'a>> {
    let mut depth = 0_usize;
    for (at, token) in arguments.iter().enumerate() {
        if token.kind == Kind::Mark {
            match token.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return None;
            }
        }
        let starts =
            at > 0 && ["(", "[", "{", ","].iter().any(|mark| arguments[at - 1].is_mark(mark));
        let is_field = arguments.get(at + 1).is_some_and(|next| next.is_mark("="));
        if token.kind == Kind::Text && depth == 1 && starts && !is_field {
            return Some(*token);
        }
    }
    None
}

/// What is wrong with a message. A first word in capitals is a name: `TLS`, `NATS`.
fn fault(message: &str) -> Option<&'static str> {
    let mut letters = message.chars();
    let (first, second) = (letters.next(), letters.next());
    if first.is_some_and(char::is_uppercase) && !second.is_some_and(char::is_uppercase) {
        Some("starts with a capital letter")
    } else if message.trim_end().ends_with(['.', '!']) {
        Some("ends like a sentence")
    } else {
        None
    }
}

fn ill_formed(tree: &Tree) -> Vec<String> {
    let mut offences = Vec::new();
    for file in tree.rust().filter(|file| !file.is_generated()) {
        for message in messages(&file.shipped_code()) {
            if let Some(fault) = fault(message.text) {
                offences.push(format!("{}: {:?} {fault}", file.at(message.line), message.text));
            }
        }
    }
    offences
}

#[test]
fn log_messages_are_lowercase_without_a_full_stop() {
    holds("log messages are lowercase, without a full stop", &ill_formed(&Tree::of_workspace()));
}

#[test]
fn the_rule_finds_the_message_among_the_fields() {
    let tree = Tree::of(&[(
        "libs/a/src/lib.rs",
        r#"//! x
        fn f() {
            tracing::info!("Started");
            warn!(path = "Some Path", error = %format!("Nested."), "cannot read it.");
            tracing::error!(target: "Audit", { a = 1 }, "event refused");
            event!(Level::INFO, "Odd", a);
            debug!("TLS handshake failed");
            tracing::trace!(?value);
            info!("{n} records are {}", "Here.");
            println!("Not a log message.");
            compile_error!("Nor this.");
        }
        #[cfg(test)] mod tests { fn g() { info!("Free."); } }
        "#,
    )]);
    assert_eq!(
        ill_formed(&tree),
        [
            "libs/a/src/lib.rs:3: \"Started\" starts with a capital letter",
            "libs/a/src/lib.rs:4: \"cannot read it.\" ends like a sentence",
            "libs/a/src/lib.rs:6: \"Odd\" starts with a capital letter",
        ]
    );
}
