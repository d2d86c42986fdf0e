//! The value behaves as serde_json's own, of which it is a smaller form.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::{Index as _, Map, Value};
use crate::json;

/// Any value of serde_json, a few levels deep, with maps small and large.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        (-1e9..1e9).prop_map(|float: f64| float.into()),
        "[a-z/~ü]{0,5}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 80, 20, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Into::into),
            btree_map("[a-z/~]{0,3}", inner, 0..24)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// Every pointer into a value, itself included.
fn pointers(value: &serde_json::Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        serde_json::Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                pointers(element, &format!("{at}/{index}"), found);
            }
        }
        serde_json::Value::Object(map) => {
            for (key, element) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(element, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn the_way_there_and_back_changes_nothing(json in any_json()) {
        let value = Value::from(json.clone());
        prop_assert_eq!(serde_json::Value::from(value), json);
    }

    #[test]
    fn it_is_written_and_read_as_the_same_text(json in any_json()) {
        let text = serde_json::to_string(&json).unwrap();
        let theirs: serde_json::Value = serde_json::from_str(&text).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(value.to_string(), theirs.to_string());
        prop_assert_eq!(value, Value::from(theirs));
    }

    #[test]
    fn a_pointer_finds_the_same(json in any_json()) {
        let value = Value::from(json.clone());
        let mut found = Vec::new();
        pointers(&json, "", &mut found);
        for pointer in found {
            let theirs = json.pointer(&pointer).cloned().map(Value::from);
            prop_assert_eq!(value.pointer(&pointer), theirs.as_ref());
            prop_assert_eq!(value.clone().pointer_mut(&pointer).map(Value::take), theirs);
        }
    }

    /// Whatever is inserted and removed, a map holds what an ordered map of the standard library holds.
    #[test]
    fn a_map_is_an_ordered_map(changes in vec(("[a-c]{0,3}", any::<Option<u8>>()), 0..60)) {
        let (mut map, mut model) = (Map::new(), std::collections::BTreeMap::new());
        for (key, change) in &changes {
            let (before, expected) = match change {
                Some(value) => (map.insert(key.as_str(), (*value).into()), model.insert(key, *value)),
                None => (map.remove(key), model.remove(key)),
            };
            prop_assert_eq!(before, expected.map(Value::from));
            let held: Vec<_> = map.iter().map(|(key, value)| (key, value.as_u64())).collect();
            let kept: Vec<_> = model.iter().map(|(key, value)| (key.as_str(), Some(u64::from(*value)))).collect();
            prop_assert_eq!(held, kept);
            prop_assert_eq!(map.contains_key(key), change.is_some());
        }
        let set = changes.iter().filter_map(|(key, change)| change.map(|value| (key.as_str(), value)));
        let collected: Map = set.clone().collect();
        let last_of_each: std::collections::BTreeMap<_, _> = set.collect();
        prop_assert_eq!(collected, last_of_each.into_iter().collect::<Map>());
    }
}

#[test]
fn what_is_not_there_is_null_when_asked_by_brackets() {
    let value = json!({ "spec": { "containers": [{ "name": "web" }] } });
    assert_eq!(value["spec"]["containers"][0]["name"], "web");
    assert!(value["spec"]["containers"][1]["name"].is_null());
    assert!(value[3].is_null());
    assert_eq!("spec".within(&value[0]), None);
}

#[test]
fn a_value_takes_no_more_room_than_three_words() {
    assert_eq!(size_of::<Value>(), 24);
    assert_eq!(size_of::<Map>(), 16);
}
