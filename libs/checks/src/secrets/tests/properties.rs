//! Properties of the search over generated texts.

use proptest::prelude::*;

use super::super::*;

/// Pieces that the scanners look for, and anything else between them.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "password",
            "=",
            ": ",
            "\n",
            "://",
            "@",
            "\"",
            "'",
            "{",
            "}",
            "eyJ",
            ".",
            "Basic ",
            "-----BEGIN PRIVATE KEY-----",
            "---END",
            "ghp_",
            "AKIA",
            "$2a$",
            "</",
            ">",
            "<name>",
            "--token ",
            "auths",
            "[",
            "]",
            "- ",
            "Zm9vOmJhcg==",
            "é",
            "\\n",
            "@tcp(",
            "clusters:",
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9+/]{1,40}",
        ".{0,8}",
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_searched_and_bounded(name in ".{0,12}", text in any_text()) {
        for style in [Style::Values, Style::References] {
            let search = search(&name, &text, style);
            prop_assert!(search.found.len() <= 64);
        }
        let words: Vec<&str> = text.split(' ').collect();
        prop_assert!(search_arguments(&words).len() <= words.len());
    }

    #[test]
    fn what_is_found_never_shows_the_value(value in "[a-z]{3}[A-Z0-9]{3}[a-z0-9]{4,30}") {
        for text in [
            value.clone(),
            format!("postgres://shop:{value}@db/shop"),
            format!("db:\n  password: {value}\n"),
            format!("a=1\npassword={value}\n"),
            format!("{{\"list\": [\"--password\", \"{value}\"], \"auths\": {{}}}}"),
            format!("<password>{value}</password>"),
        ] {
            let search = search("password", &text, Style::Values);
            let shown = format!("{search:?}");
            prop_assert!(!shown.contains(&value), "{}", shown);
        }
    }
}

/// A scan that is quadratic in the text takes minutes here.
#[test]
fn repeated_pieces_are_read_in_one_go() {
    for piece in [
        "=",
        ": ",
        "= ",
        "eyJ.",
        "://a:b@",
        "---BEGIN PRIVATE KEY---",
        "</a>",
        "a=b ",
        "AKIA",
        "Basic ",
        "@tcp(",
        "$2a$",
        "password=",
        "\"",
        "{",
        "- ",
        "--token ",
        "é:",
    ] {
        let search = search("password", &piece.repeat(4_000), Style::Values);
        assert!(search.found.len() <= 64, "{piece}");
    }
}
