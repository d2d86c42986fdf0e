//! Properties of the reader over generated texts.

use airside_types::{FieldPath, Step};
use proptest::prelude::*;

use super::super::{Limits, Parsed, parse, to_yaml};
use crate::json;
use crate::value::{Map, Value};

/// Any JSON value, but for floats, whose texts differ between writers, and characters that JSON allows
/// unescaped and YAML does not.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        "[ -~äß€😀\n\t\r]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z./ \"é]{0,8}", inner, 0..5)
                .prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

/// Pieces of YAML's syntax in any order: what breaks readers.
fn any_yaml_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b: ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "---\n",
        "...",
        "[",
        "]",
        "{",
        "}",
        ",",
        ": ",
        "? ",
        "&x ",
        "*x",
        "<<: ",
        "!!int ",
        "!t ",
        "|\n",
        ">-\n",
        "'",
        "\"",
        "\\",
        "#",
        " # c\n",
        "{{ .V }}",
        "0644",
        "~",
        "\t",
        "\r\n",
        "%YAML 1.2\n",
        "\u{feff}",
        "é",
        "@",
        "`",
        "\0",
        "\u{85}",
        "\u{2028}",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// All paths of a value.
fn paths<'v>(value: &'v Value, steps: &mut Vec<Step<'v>>, found: &mut Vec<FieldPath>) {
    found.push(FieldPath::from(steps.as_slice()));
    match value {
        Value::Object(map) => map.iter().for_each(|(key, below)| {
            steps.push(Step::key(key));
            paths(below, steps, found);
            steps.pop();
        }),
        Value::Array(list) => list.iter().enumerate().for_each(|(index, below)| {
            steps.push(Step::Index(index));
            paths(below, steps, found);
            steps.pop();
        }),
        _ => {}
    }
}

/// Every value has a node, with a place within the text.
fn assert_placed(text: &str, parsed: &Parsed) {
    let lines: Vec<&str> = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).collect();
    for document in &parsed.documents {
        let mut all = Vec::new();
        paths(&document.value, &mut Vec::new(), &mut all);
        for path in all {
            let mut view = document.places.root();
            for step in path.steps() {
                let below = view.child(&step);
                assert!(below.is_some(), "{path} has no place in {text:?}");
                view = below.unwrap_or_default();
            }
            let (key, value) = (view.key_position(), view.value_position());
            for position in [key, value] {
                let line = position.line as usize;
                assert!((1..=lines.len()).contains(&line), "{path} at {position} in {text:?}");
                assert!(position.column >= 1, "{path} at {position} in {text:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn json_reads_as_serde_reads_it(value in any_value(), pretty in any::<bool>()) {
        let root = json!({ "root": value });
        let text = if pretty { serde_json::to_string_pretty(&root) } else { serde_json::to_string(&root) };
        let text = text.unwrap();
        let parsed = parse(&text, &Limits::default());
        prop_assert_eq!(&parsed.errors, &[]);
        prop_assert_eq!(&parsed.documents[0].value, &root);
        assert_placed(&text, &parsed);
    }

    #[test]
    fn json_is_yaml(value in any_value()) {
        // The same text behind a separator takes the way of YAML.
        let root = json!({ "root": value });
        let text = format!("--- {root}\n");
        let parsed = parse(&text, &Limits::default());
        prop_assert_eq!(&parsed.errors, &[]);
        prop_assert_eq!(&parsed.documents[0].value, &root);
        assert_placed(&text, &parsed);
    }

    #[test]
    fn a_written_value_is_read_as_the_same(value in any_value()) {
        let text = to_yaml(&value);
        let parsed = parse(&text, &Limits::default());
        prop_assert_eq!(&parsed.errors, &[], "{}", text);
        // A document that is null is none.
        let read: Vec<_> = parsed.documents.iter().map(|document| &document.value).collect();
        let expected: Vec<_> = std::iter::once(&value).filter(|value| !value.is_null()).collect();
        prop_assert_eq!(read, expected, "{}", text);
    }

    #[test]
    fn no_text_breaks_the_reader(text in any_yaml_like()) {
        let parsed = parse(&text, &Limits::default());
        assert_placed(&text, &parsed);
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        super::super::parse_bytes(&bytes, &Limits::default());
    }

    #[test]
    fn documents_do_not_see_each_other(texts in prop::collection::vec(any_yaml_like(), 1..4)) {
        // What ends a document or belongs to the whole text.
        let own = |text: &String| ["---", "...", "\u{feff}", "%"].iter().fold(text.clone(), |text, mark| text.replace(mark, ""));
        let texts: Vec<String> = texts.iter().map(own).collect();
        let together = parse(&format!("---\n{}\n", texts.join("\n---\n")), &Limits::default());
        let apart: Vec<Value> = texts
            .iter()
            .flat_map(|text| parse(&format!("---\n{text}\n"), &Limits::default()).documents)
            .map(|document| document.value)
            .collect();
        let together: Vec<Value> = together.documents.into_iter().map(|document| document.value).collect();
        prop_assert_eq!(together, apart);
    }
}
