//! From documents to cases.

use airside_k8s::fields::at as value_at;
use airside_k8s::{Document, Map, Position, Value};
use airside_types::{FieldPath, Place};

use super::{Case, Expected};

/// Something in a file of cases that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseProblem {
    /// Where.
    pub place: Place,
    /// What is wrong, and what to write.
    pub problem: String,
}

/// Gives the content of a file that a case names, by the name as written.
type Load<'l> = dyn FnMut(&str) -> Result<String, String> + 'l;

const OF_DOCUMENT: [&str; 2] = ["cases", "rule"];
const OF_CASE: [&str; 8] =
    ["event", "events", "eventsFile", "expect", "message", "name", "rule", "times"];

/// Reads the cases of a file. `load` gives the text of a file of events, one a line.
pub fn read(
    path: &str,
    documents: &[Document],
    load: &mut Load<'_>,
) -> (Vec<Case>, Vec<CaseProblem>) {
    let mut reader = Reader { path, load, problems: Vec::new() };
    let cases = documents.iter().flat_map(|document| reader.document(document)).collect();
    (cases, reader.problems)
}

struct Reader<'r, 'l> {
    path: &'r str,
    load: &'r mut Load<'l>,
    problems: Vec<CaseProblem>,
}

/// A map of a document, with its path.
#[derive(Clone)]
struct Fields<'d> {
    document: &'d Document,
    at: FieldPath,
    fields: &'d Map,
}

impl Reader<'_, '_> {
    fn place(&self, document: &Document, at: &FieldPath) -> Place {
        let Position { line, column } = document.places.root().resolve(at);
        Place { path: self.path.into(), line, column }
    }

    fn problem(&mut self, document: &Document, at: &FieldPath, problem: impl Into<String>) {
        let place = self.place(document, at);
        self.problems.push(CaseProblem { place, problem: problem.into() });
    }

    fn map<'d>(
        &mut self,
        document: &'d Document,
        at: FieldPath,
        names: &[&str],
    ) -> Option<Fields<'d>> {
        let Some(fields) = value_at(&document.value, &at).and_then(Value::as_object) else {
            self.problem(document, &at, "a map belongs here");
            return None;
        };
        for name in fields.keys().filter(|name| !names.contains(name)) {
            let problem =
                format!("there is no field `{name}` here; there are {}", names.join(", "));
            self.problem(document, &at.key(name), problem);
        }
        Some(Fields { document, at, fields })
    }

    fn text(&mut self, of: &Fields<'_>, name: &str) -> Option<String> {
        match of.fields.get(name)? {
            Value::String(text) => Some(text.to_string()),
            Value::Null => None,
            _ => {
                let at = of.at.key(name);
                self.problem(of.document, &at, format!("`{name}` is a text"));
                None
            }
        }
    }

    fn document(&mut self, document: &Document) -> Vec<Case> {
        let Some(whole) = self.map(document, FieldPath::root(), &OF_DOCUMENT) else {
            return Vec::new();
        };
        let count = match whole.fields.get("cases") {
            Some(Value::Array(cases)) if !cases.is_empty() => cases.len(),
            _ => {
                self.problem(document, &FieldPath::of(&["cases"]), "it has no list `cases`");
                return Vec::new();
            }
        };
        let rule = self.text(&whole, "rule");
        let mut cases = Vec::new();
        for index in 0..count {
            let at = FieldPath::of(&["cases"]).index(index);
            let before = self.problems.len();
            let fields = self.map(document, at, &OF_CASE);
            let case = fields.and_then(|it| self.case(&it, rule.clone()));
            cases.extend(case.filter(|_| self.problems.len() == before));
        }
        cases
    }

    fn case(&mut self, of: &Fields<'_>, rule: Option<String>) -> Option<Case> {
        let place = self.place(of.document, &of.at);
        let Some(rule) = self.text(of, "rule").or(rule) else {
            self.problem(of.document, &of.at, "neither the case nor its document names a `rule`");
            return None;
        };
        let expected = self.expected(of)?;
        let name = self.text(of, "name").unwrap_or_else(|| format!("case at line {}", place.line));
        let events = self.events(of)?;
        let times = match of.fields.get("times") {
            Some(times) => {
                let number = times.as_u64().and_then(|it| usize::try_from(it).ok());
                if number.is_none() {
                    self.problem(of.document, &of.at.key("times"), "`times` is a number");
                }
                number
            }
            None => None,
        };
        let message = self.text(of, "message");
        Some(Case { name, place, rule, expected, times, message, events })
    }

    fn expected(&mut self, of: &Fields<'_>) -> Option<Expected> {
        let names = Expected::ALL.map(Expected::as_str).join(", ");
        let Some(text) = self.text(of, "expect") else {
            self.problem(of.document, &of.at, format!("`expect` is missing: one of {names}"));
            return None;
        };
        let expected = Expected::ALL.into_iter().find(|it| it.as_str() == text);
        if expected.is_none() {
            let at = of.at.key("expect");
            self.problem(of.document, &at, format!("`{text}` is none of {names}"));
        }
        expected
    }

    fn events(&mut self, of: &Fields<'_>) -> Option<Vec<String>> {
        let given: Vec<_> = ["event", "events", "eventsFile"]
            .into_iter()
            .filter(|it| of.fields.contains_key(it))
            .collect();
        let [given] = given.as_slice() else {
            self.problem(of.document, &of.at, "it gives one of `event`, `events` and `eventsFile`");
            return None;
        };
        let at = of.at.key(given);
        match (*given, of.fields.get(given)?) {
            ("event", event @ Value::Object(_)) => Some(vec![event.to_string()]),
            ("events", Value::Array(events)) => {
                Some(events.iter().map(ToString::to_string).collect())
            }
            ("eventsFile", Value::String(name)) => match (self.load)(name) {
                Ok(text) => {
                    let lines = text.lines().filter(|line| !line.trim().is_empty());
                    Some(lines.map(str::to_owned).collect())
                }
                Err(problem) => {
                    self.problem(of.document, &at, problem);
                    None
                }
            },
            (given, _) => {
                let is = match given {
                    "event" => "an audit event",
                    "events" => "a list of audit events",
                    _ => "the name of a file with audit events, one a line",
                };
                self.problem(of.document, &at, format!("`{given}` is {is}"));
                None
            }
        }
    }
}
