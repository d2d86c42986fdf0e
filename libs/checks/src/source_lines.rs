//! Lines of manifests as people may be shown them: the values of credentials in them are hidden.
//!
//! Owns how much of a line is hidden. What a credential is, is `crate::secrets`' to say; here the mere name
//! suffices, and all that a Secret holds is hidden: a value too many costs nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use airside_k8s::{Document, Limits, Position, Value, yaml};
use airside_types::redact::{REDACTED, is_redacted};
use airside_types::{FieldPath, Step};

use crate::secrets::{Item, Style, search, search_arguments, search_number, visit};

/// The lines of a file.
#[derive(Debug, Default)]
pub struct SourceLines<'t> {
    lines: Vec<&'t str>,
    /// What is hidden of a line, by its number from 1.
    hidden: BTreeMap<u32, Hidden>,
}

/// Columns of a line, from 1: from the first on, and up to the second where the line goes on.
type Hidden = Vec<(u32, Option<u32>)>;

impl<'t> SourceLines<'t> {
    /// The lines of a text. What cannot be read as a manifest is shown as it is: no finding stands there.
    pub fn of(text: &'t str, limits: &Limits) -> Self {
        let mut lines = Self { lines: text.lines().collect(), hidden: BTreeMap::new() };
        for document in yaml::parse(text, limits).documents {
            lines.hide_credentials(&document);
        }
        lines
    }

    /// A line by its number, which counts from 1, without spaces at its end.
    pub fn line(&self, number: u32) -> Option<Cow<'t, str>> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let line = self.lines.get(index)?.trim_end();
        match self.hidden.get(&number) {
            Some(hidden) => Some(Cow::Owned(without(line, hidden))),
            None => Some(Cow::Borrowed(line)),
        }
    }

    fn hide_credentials(&mut self, document: &Document) {
        let credentials = credentials(document);
        if credentials.is_empty() {
            return;
        }
        let places = document.places.root();
        let starts: BTreeSet<Position> = places.positions().collect();
        for path in credentials {
            let start = places.descend(&path).value_position();
            let after = Position { column: start.column.saturating_add(1), ..start };
            self.hide(start, starts.range(after..).next().copied());
        }
    }

    /// Hides what starts at a place and ends before the next key or element.
    fn hide(&mut self, start: Position, end: Option<Position>) {
        let (last, up_to) = match end {
            Some(end) if end.line == start.line => (start.line, Some(end.column)),
            // What stands before a key on its own line are spaces and a dash.
            Some(end) => (end.line.saturating_sub(1), None),
            None => (self.end_of_document(start.line), None),
        };
        self.hidden.entry(start.line).or_default().push((start.column, up_to));
        for line in start.line.saturating_add(1)..=last {
            let text = usize::try_from(line).ok().and_then(|line| self.lines.get(line - 1));
            let indent = text.map_or(0, |text| text.chars().take_while(|it| *it == ' ').count());
            let column = u32::try_from(indent).unwrap_or(u32::MAX).saturating_add(1);
            self.hidden.entry(line).or_default().push((column, None));
        }
    }

    /// The last line of the document that a line belongs to.
    fn end_of_document(&self, line: u32) -> u32 {
        let after = usize::try_from(line).unwrap_or(usize::MAX);
        let is_end = |line: &&str| line.starts_with("---") || line.starts_with("...");
        let more = self.lines.iter().skip(after).take_while(|line| !is_end(line)).count();
        line.saturating_add(u32::try_from(more).unwrap_or(u32::MAX))
    }
}

/// A line without what is hidden of it. What closes a list or a map around a value stays.
fn without(line: &str, hidden: &Hidden) -> String {
    let mut shown: Vec<char> = line.chars().collect();
    let mut hidden = hidden.clone();
    hidden.sort_unstable();
    for (from, to) in hidden.into_iter().rev() {
        let (from, to) = (index_of(from), to.map_or(shown.len(), index_of).min(shown.len()));
        let Some(value) = shown.get(from..to) else { continue };
        // A value that starts its line is text of many lines.
        let is_inline = shown.iter().take(from).any(|letter| *letter != ' ');
        let is_around = |letter: &&char| is_inline && matches!(letter, ' ' | ',' | '}' | ']');
        let around = value.iter().rev().take_while(is_around).count();
        if value.len() > around {
            shown.splice(from..to - around, REDACTED.chars());
        }
    }
    shown.into_iter().collect()
}

fn index_of(column: u32) -> usize {
    usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1)
}

/// The fields of a document that hold credentials, or may.
fn credentials(document: &Document) -> Vec<FieldPath> {
    let mut found = Vec::new();
    let secrets: Vec<FieldPath> = document
        .contents()
        .objects
        .iter()
        .filter(|it| it.object.group().is_empty() && it.object.kind() == "Secret")
        .map(|located| located.path())
        .collect();
    let is_of_secret = |steps: &[Step<'_>]| {
        secrets.iter().any(|secret| {
            let mut steps = steps.iter();
            let is_within = secret.steps().all(|step| steps.next() == Some(&step));
            let is_content = |step: &Step<'_>| matches!(step, Step::Key(key) if matches!(key.as_ref(), "data" | "stringData" | "annotations"));
            is_within && steps.any(is_content)
        })
    };
    visit(&document.value, &mut Vec::new(), &mut |_| true, &mut |steps, item| match item {
        _ if is_of_secret(steps) => found.push(FieldPath::from(steps)),
        Item::Text(name, text) => {
            if holds_any(name, text, style(steps)) {
                found.push(FieldPath::from(steps));
            }
        }
        Item::Number(name, number) => {
            if !search_number(name, number, style(steps)).found.is_empty() {
                found.push(FieldPath::from(steps));
            }
        }
        Item::List(name, list) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            let flags = search_arguments(&texts).into_iter().map(|(index, _)| index);
            let mut indices: BTreeSet<usize> = flags.collect();
            let mut before = "";
            for (index, text) in texts.into_iter().enumerate() {
                let is_flag = before.starts_with('-') && !text.starts_with('-');
                let name = if is_flag { before } else { name };
                if holds_any(name, text, Style::Values) {
                    indices.insert(index);
                }
                before = text;
            }
            found.extend(indices.into_iter().map(|index| FieldPath::from(steps).index(index)));
        }
    });
    found
}

fn holds_any(name: &str, text: &str, style: Style) -> bool {
    if style == Style::Values && is_redacted(name, text) {
        return true;
    }
    let search = search(name, text, style);
    !search.found.is_empty() || search.has_placeholder
}

/// What stands below these keys are values; elsewhere `secret` and `token` mostly name things.
fn style(steps: &[Step<'_>]) -> Style {
    let is_values = |step: &Step<'_>| {
        let Step::Key(key) = step else { return false };
        matches!(key.as_ref(), "data" | "env" | "envVars" | "extraEnv" | "extraEnvVars" | "values")
    };
    if steps.iter().any(is_values) { Style::Values } else { Style::References }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let lines = SourceLines::of(text, &Limits::default());
        (1..).map_while(|number| lines.line(number)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn values_of_credentials_are_hidden_and_their_names_are_not() {
        insta::assert_snapshot!(shown(r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  automountServiceAccountToken: true
  containers:
  - {name: a, env: [{name: API_TOKEN, value: "mXq7-dune-Lk2"}, {name: B, value: c}], image: web}
  - name: b
    env:
    - name: DATABASE_PASSWORD
      value: sunflower # of the test
    - {name: FROM, valueFrom: {secretKeyRef: {name: web, key: password}}}
    args: ["--password=mXq7-dune", --token, mXq7-dune]
    command: [sh, -c, "mysql -uroot -pmXq7Dune88 -h db"]
  hostname: b
  imagePullSecrets: [{name: registry-token}]
---
kind: Other
"#), @r#"
        apiVersion: v1
        kind: Pod
        metadata: {name: web}
        spec:
          automountServiceAccountToken: true
          containers:
          - {name: a, env: [{name: API_TOKEN, value: «redacted»}, {name: B, value: c}], image: web}
          - name: b
            env:
            - name: DATABASE_PASSWORD
              value: «redacted»
            - {name: FROM, valueFrom: {secretKeyRef: {name: web, key: password}}}
            args: [«redacted», --token, «redacted»]
            command: [sh, -c, «redacted»]
          hostname: b
          imagePullSecrets: [{name: registry-token}]
        ---
        kind: Other
        "#);
    }

    #[test]
    fn all_that_a_secret_holds_is_hidden() {
        insta::assert_snapshot!(shown(r#"apiVersion: v1
kind: List
items:
- kind: Secret
  apiVersion: v1
  metadata:
    name: web
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: |
        {"data":{"word":"c3VuZmxvd2Vy"}}
  stringData: {word: sunflower}
  data:
    other: >-
      c3VuZmxv
      d2Vy
  type: Opaque
---
kind: ConfigMap
apiVersion: v1
data:
  plain: "a: b"
  app.properties: |
    password=mXq7-dune

    name=shop
---
kind: Other
"#), @r#"
        apiVersion: v1
        kind: List
        items:
        - kind: Secret
          apiVersion: v1
          metadata:
            name: web
            annotations:
              kubectl.kubernetes.io/last-applied-configuration: |
                «redacted»
          stringData: {word: «redacted»}
          data:
            other: >-
              «redacted»
              «redacted»
          type: Opaque
        ---
        kind: ConfigMap
        apiVersion: v1
        data:
          plain: "a: b"
          app.properties: |
            «redacted»

            «redacted»
        ---
        kind: Other
        "#);
    }
}
