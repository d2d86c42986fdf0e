//! Any edit of any document is refused, or does exactly what it says.

use airside_types::Step;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::*;
use crate::json;
use crate::value::Map;

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (0..99_i64).prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "x",
            "two words",
            "- a",
            "no",
            "# c",
            "a: b",
            "ü",
            "l1\nl2\n"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

/// How a value is written, decided by chance.
#[derive(Debug, Clone)]
struct Hand {
    choices: Vec<u8>,
    next: usize,
    newline: &'static str,
}

impl Hand {
    fn choose(&mut self, below: u8) -> u8 {
        let choice = self.choices[self.next % self.choices.len()];
        self.next += 1;
        choice % below
    }

    fn tail(&mut self) -> String {
        let comment = match self.choose(6) {
            0 => " # note",
            1 => "   ",
            _ => "",
        };
        let blank = if self.choose(8) == 0 { self.newline } else { "" };
        format!("{comment}{}{blank}", self.newline)
    }

    /// What follows a colon or dash, with its line break.
    fn value(&mut self, value: &Value, column: usize, text: &mut String) {
        match value {
            Value::Object(map) if !map.is_empty() && self.choose(4) > 0 => {
                text.push_str(&self.tail());
                let column = column + 1 + self.choose(4) as usize;
                for (key, value) in map {
                    if self.choose(6) == 0 {
                        *text += &format!("{:column$}# about {key}{}", "", self.newline);
                    }
                    *text += &format!("{:column$}{key}:", "");
                    self.value(value, column, text);
                }
            }
            Value::Array(list) if !list.is_empty() && self.choose(4) > 0 => {
                text.push_str(&self.tail());
                let column = column + 1 + self.choose(3) as usize;
                for item in list {
                    *text += &format!("{:column$}-", "");
                    self.value(item, column, text);
                }
            }
            Value::String(block) if block.ends_with('\n') => {
                *text += &format!(" |{}", self.newline);
                for line in block.lines() {
                    *text += &format!("{:1$}{line}{2}", "", column + 2, self.newline);
                }
            }
            Value::Null if self.choose(2) == 0 => text.push_str(&self.tail()),
            other => *text += &format!(" {other}{}", self.tail()),
        }
    }
}

fn any_text() -> impl Strategy<Value = (String, Value)> {
    let map = prop::collection::btree_map("[a-d]", any_value(), 1..4);
    (map, prop::collection::vec(any::<u8>(), 12..60), any::<bool>()).prop_map(
        |(map, choices, windows)| {
            let newline = if windows { "\r\n" } else { "\n" };
            let mut hand = Hand { choices, next: 0, newline };
            let mut text = String::new();
            for (key, value) in &map {
                text += &format!("{key}:");
                hand.value(value, 0, &mut text);
            }
            (text, Value::Object(Map::from_iter(map)))
        },
    )
}

fn any_path() -> impl Strategy<Value = FieldPath> {
    let step = prop_oneof![
        3 => "[a-e]".prop_map(|key| Step::Key(key.into())),
        1 => (0..3_usize).prop_map(Step::Index),
    ];
    prop::collection::vec(step, 1..5).prop_map(FieldPath::from_iter)
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let new = prop::sample::select(vec![
        json!(true),
        json!(7),
        json!("RuntimeDefault"),
        json!("a: b"),
        json!(["ALL"]),
        json!({ "x": { "y": [{ "z": 1, "w": "v" }] } }),
        json!({}),
    ]);
    (any_path(), new, 0..3_u8).prop_map(|(path, value, kind)| match kind {
        0 => Edit::Set(path, value),
        1 => Edit::Append(path, value),
        _ => Edit::Remove(path),
    })
}

/// Whether the lines of one text are those of the other but for those between a common start and end.
fn changed_lines(old: &str, new: &str) -> (usize, usize) {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let start = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let end = old[start..].iter().rev().zip(new[start..].iter().rev());
    let end = end.take_while(|(one, other)| one == other).count();
    (old.len() - start - end, new.len() - start - end)
}

/// The document after the edit, as it must be; none where the edit must be refused.
fn check(text: &str, edit: &Edit) -> Result<bool, TestCaseError> {
    let limits = Limits::default();
    let whole = format!("first: 1 # c\n---\n{text}");
    let mut editor = Editor::new(&whole, &limits).unwrap();
    let before = editor.value(1).cloned().unwrap();
    let made = editor.apply(1, edit);
    let Ok(new) = change::applied(&before, edit) else {
        prop_assert!(made.is_err());
        return Ok(false);
    };
    let after = editor.finish();
    prop_assert!(after.is_some(), "{edit:?}\n{text}");
    let after = after.unwrap_or_default();
    if made.is_err() {
        prop_assert_eq!(after, whole);
        return Ok(false);
    }
    let read: Vec<Value> =
        parse(&after, &limits).documents.into_iter().map(|document| document.value).collect();
    prop_assert_eq!(&read, &[json!({ "first": 1 }), new]);
    if let Edit::Set(..) | Edit::Append(..) = edit {
        let (gone, _) = changed_lines(&whole, &after);
        // A flow collection over several lines or a block scalar is one value on several lines.
        prop_assert!(gone <= 3, "{edit:?}\n{whole}\nbecame\n{after}");
    }
    for comment in whole.lines().filter(|line| line.trim_start().starts_with('#')) {
        let is_kept = after.lines().any(|line| line == comment) || matches!(edit, Edit::Remove(_));
        prop_assert!(is_kept, "{comment:?} is gone: {edit:?}\n{whole}\nbecame\n{after}");
    }
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn an_edit_does_what_it_says_or_nothing((text, value) in any_text(), edit in any_edit()) {
        let parsed = parse(&text, &Limits::default());
        prop_assert_eq!(&parsed.errors, &[], "{}", text);
        prop_assert_eq!(&parsed.documents[0].value, &value, "{}", text);
        check(&text, &edit)?;
    }

    #[test]
    fn json_edits_do_what_they_say_or_nothing(value in any_value(), edit in any_edit(), pretty in any::<bool>()) {
        let root = json!({ "a": value });
        let text = if pretty { serde_json::to_string_pretty(&root) } else { serde_json::to_string(&root) };
        let text = text.unwrap();
        let limits = Limits::default();
        let mut editor = Editor::new(&text, &limits).unwrap();
        match (change::applied(&root, &edit), editor.apply(0, &edit)) {
            (Ok(new), Ok(())) => {
                let after = editor.finish().unwrap();
                let read: Value = serde_json::from_str(&after).unwrap();
                prop_assert_eq!(read, new);
            }
            (_, Err(refusal)) => {
                let is_known = !matches!(refusal, Refusal::Unsupported(_));
                prop_assert!(is_known, "{} in {}", refusal, text);
                prop_assert_eq!(editor.text(), text);
            }
            (Err(_), Ok(())) => prop_assert!(false, "made what has no meaning"),
        }
    }
}

/// Refusals are safe but useless: of edits that make sense, few may be refused.
#[test]
fn most_edits_are_made() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut made, mut refused) = (0, Vec::new());
    for _ in 0..500 {
        let ((text, value), edit) =
            (any_text(), any_edit()).new_tree(&mut runner).unwrap().current();
        if change::applied(&value, &edit).is_ok() {
            match check(&text, &edit) {
                Ok(true) => made += 1,
                Ok(false) => refused.push(format!("{edit:?}\n{text}")),
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(refused.len() * 20 < made, "{made} made, refused:\n{}", refused.join("\n---\n"));
}
