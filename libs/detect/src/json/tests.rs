//! The walk over well-formed JSON equals serde_json's, and no other text makes it panic.

use proptest::prelude::*;
use serde_json::Value;

use super::{Break, Cursor, mend};

/// The value at the cursor as serde_json would have it, made by nothing but the cursor's own steps.
fn read(cursor: &mut Cursor<'_>) -> Value {
    match cursor.peek() {
        Some(b'{') => {
            let mut object = serde_json::Map::new();
            cursor.object();
            while let Some(key) = cursor.key() {
                let value = read(cursor);
                object.insert(key.into_owned(), value);
            }
            Value::Object(object)
        }
        Some(b'[') => {
            let mut list = Vec::new();
            cursor.list();
            while cursor.element() {
                list.push(read(cursor));
            }
            Value::Array(list)
        }
        Some(b'"') => Value::String(cursor.text().into_owned()),
        _ => cursor.raw().map_or(Value::Null, |raw| serde_json::from_str(raw.get()).unwrap()),
    }
}

/// Any JSON: nested, with every kind of letter.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        any::<String>().prop_map(Value::from),
        r#"[\\"\{\[\]\},:a]{0,12}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn well_formed_json_reads_as_serde_json_reads_it(value in json(), pretty: bool) {
        let print = if pretty { serde_json::to_string_pretty } else { serde_json::to_string };
        let object = serde_json::json!({ "value": value, "next": 1 });
        let text = print(&object).unwrap();
        let mut cursor = Cursor::new(&text);
        prop_assert_eq!(&read(&mut cursor), &object);
        prop_assert_eq!(cursor.broken(), None);
        let mut skipping = Cursor::new(&text);
        skipping.skip();
        prop_assert_eq!((skipping.broken(), skipping.at()), (None, text.len()));
    }

    #[test]
    fn of_every_prefix_valid_json_is_made_that_holds_what_was_whole(value in json()) {
        let text = serde_json::json!({ "first": "whole", "value": value }).to_string();
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let mended: Value = serde_json::from_str(&mend(text.get(..end).unwrap()).json).unwrap();
            if end > 16 {
                prop_assert_eq!(&mended["first"], "whole");
            }
            if end == text.len() {
                prop_assert_eq!(&mended["value"], &value);
            }
        }
    }

    #[test]
    fn any_text_is_walked_over(text in r#"([{}\[\],:"\\u0-9a-fntl.+-]|\PC){0,80}"#) {
        let mut cursor = Cursor::new(&text);
        cursor.skip();
        prop_assert!(cursor.at() <= text.len());
        let mended = mend(&text).json;
        prop_assert!(serde_json::from_str::<Value>(&mended).is_ok(), "{}", mended);
    }
}

#[test]
fn what_means_nothing_costs_only_itself() {
    let deep = |depth: usize| {
        format!(r#"{{"deep":{}1{},"after":true}}"#, "[".repeat(depth), "]".repeat(depth))
    };
    for (text, expected) in [
        (r#"{"a":"x\ud800y","b":1}"#, r#"{"a":"x\ufffdy","b":1}"#),
        (r#"{"a":"\ud83d\ude00\q","b":1}"#, r#"{"a":"\ud83d\ude00\ufffd","b":1}"#),
        (r#"{"a":1e999,"b":1}"#, r#"{"a":null,"b":1}"#),
        (r#"{"image":"shop/we"#, r#"{"image":"shop/we"}"#),
        (r#"{"user":10"#, r#"{"user":null}"#),
        (r#"{"a":{"b":true,"c"#, r#"{"a":{"b":true}}"#),
        (r#"{"a":[1,2}"#, r#"{"a":[1,2]}"#),
    ] {
        let mended: Value = serde_json::from_str(&mend(text).json).unwrap();
        assert_eq!(mended, serde_json::from_str::<Value>(expected).unwrap(), "{text}");
    }
    let mended: Value = serde_json::from_str(&mend(&deep(5_000)).json).unwrap();
    assert_eq!(mended["after"], true, "what is deep hides nothing beside it");
}

#[test]
fn breaks_are_told() {
    for (text, at, expected) in [
        (r#"{"a":[1,2]"#, 10, Some(Break::Cut)),
        (r#"{"a":[1,2}}"#, 9, Some(Break::Syntax(9))),
        (r#"{"a":"b"}"#, 9, None),
        (r#""a"#, 2, Some(Break::Cut)),
    ] {
        let mut cursor = Cursor::new(text);
        cursor.skip();
        assert_eq!((cursor.broken(), cursor.at()), (expected, at), "{text}");
    }
}
