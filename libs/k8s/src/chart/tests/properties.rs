//! What holds for any template: an origin is a line that exists and can have written the text, and a value's
//! line holds its key. Templates are rendered here, by a model that knows which line wrote which.

use airside_types::FieldPath;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{RenderedTemplate, Values, ValuesFile};
use crate::yaml::{Limits, parse};

/// A line of a template at the top of a document.
#[derive(Debug, Clone)]
enum Entry {
    /// `key: text`
    Plain(&'static str, u8),
    /// `key: {{ .Values.vN }}`
    Value(&'static str, u8),
    /// `key:` and below it `{{- toYaml .Values.mN | nindent 2 }}`
    Block(&'static str, u8),
    /// An entry that may be rendered or not.
    Optional(Box<Self>, bool),
}

const KEYS: [&str; 6] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"];

fn entry() -> impl Strategy<Value = Entry> {
    let key = proptest::sample::select(&KEYS[..]);
    let simple = (key, 0..3_u8, 0..3_u8).prop_map(|(key, number, kind)| match kind {
        0 => Entry::Plain(key, number),
        1 => Entry::Value(key, number),
        _ => Entry::Block(key, number),
    });
    (simple, 0..3_u8).prop_map(|(entry, kind)| match kind {
        0 => entry,
        1 => Entry::Optional(Box::new(entry), true),
        _ => Entry::Optional(Box::new(entry), false),
    })
}

/// The template, what it renders, and which line wrote each line of that.
#[derive(Default)]
struct Model {
    template: String,
    lines: u32,
    rendered: String,
    origins: Vec<u32>,
}

impl Model {
    fn template(&mut self, line: &str) {
        self.template.push_str(line);
        self.template.push('\n');
        self.lines += 1;
    }

    fn render(&mut self, is_rendered: bool, line: &str) {
        if is_rendered {
            self.rendered.push_str(line);
            self.rendered.push('\n');
            self.origins.push(self.lines);
        }
    }

    fn add(&mut self, entry: &Entry, is_rendered: bool) {
        match entry {
            Entry::Plain(key, number) => {
                self.template(&format!("{key}: text{number}"));
                self.render(is_rendered, &format!("{key}: text{number}"));
            }
            Entry::Value(key, number) => {
                self.template(&format!("{key}: {{{{ .Values.v{number} }}}}"));
                self.render(is_rendered, &format!("{key}: {number}"));
            }
            Entry::Block(key, number) => {
                self.template(&format!("{key}:"));
                self.render(is_rendered, &format!("{key}:"));
                self.template(&format!("  {{{{- toYaml .Values.m{number} | nindent 2 }}}}"));
                for inner in ["one", "two"] {
                    self.render(is_rendered, &format!("  {inner}: {number}"));
                }
            }
            Entry::Optional(entry, is_there) => {
                self.template("{{- if .Values.flag }}");
                self.add(entry, is_rendered && *is_there);
                self.template("{{- end }}");
            }
        }
    }
}

const VALUES: &str =
    "v0: 0\nv1: 1\nv2: 2\nm0: {one: 0, two: 0}\nm1:\n  one: 1\n  two: 1\nm2:\n  two: 2\n  one: 2\n";

proptest! {
    #[test]
    fn an_origin_is_the_line_that_wrote_the_text(entries in vec(entry(), 1..12)) {
        let mut model = Model::default();
        entries.iter().for_each(|entry| model.add(entry, true));
        let values =
            Values::new(vec![ValuesFile::read("values.yaml", VALUES, 0)], Vec::new());
        let chart =
            RenderedTemplate::new("t.yaml", &model.template, &model.rendered, values).unwrap();
        let template: Vec<&str> = model.template.lines().collect();
        for (rendered, number) in model.rendered.lines().zip(1_u32..) {
            let Some(line) = chart.line(number) else { continue };
            let written = model.origins[number as usize - 1];
            // Lines that are the same in the template cannot be told apart, and are not.
            prop_assert_eq!(line, written, "`{}` of\n{}\n{}", rendered, &model.template, &model.rendered);
            prop_assert!((line as usize) <= template.len());
        }
        let documents = parse(&model.rendered, &Limits::default()).documents;
        let held: Vec<&str> = VALUES.lines().collect();
        for document in &documents {
            for key in KEYS {
                for field in [vec![key], vec![key, "one"], vec![key, "three"]] {
                    let source = chart.source(document.places.root(), &FieldPath::of(&field));
                    for value in source.iter().flat_map(|source| &source.values) {
                        let place = value.place.as_ref().unwrap();
                        let line = held[place.line as usize - 1];
                        let holds = value.key.split('.').any(|key| line.contains(&format!("{key}:")));
                        prop_assert!(holds, "`{}` is not on `{}`", value.key, line);
                    }
                }
            }
        }
    }

    #[test]
    fn no_text_makes_it_fail(template in "[a-z{}.:| \n\"-]{0,120}", rendered in "[a-z: \n-]{0,80}") {
        let chart = RenderedTemplate::new("t", &template, &rendered, Values::default());
        if let Some(chart) = chart {
            let lines = u32::try_from(template.lines().count()).unwrap();
            for number in 1..=u32::try_from(rendered.lines().count()).unwrap() {
                prop_assert!(chart.line(number).is_none_or(|line| line >= 1 && line <= lines));
            }
        }
    }
}
