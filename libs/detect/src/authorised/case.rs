//! Cases beside what is authorised: a deed, and what is expected of it.
//!
//! ```yaml
//! cases:
//! - name: at night nobody restarts
//!   deed: {user: oncall-ada, groups: [platform], verb: patch, resource: deployments.apps, namespace: shop,
//!          name: web, address: 10.1.2.3, time: "2026-11-26T23:00:00Z", annotations: {example.com/change: CHG-1}}
//!   expect: outside         # or authorised, unknown
//!   rule: on-call restarts  # the one that authorises, or comes nearest
//! ```

use airside_k8s::{Document, Map, Value};
use airside_types::{FieldPath, Place, Timestamp};

use super::read::Reader;
use super::{Authorised, Deed, Problem, Standing};

/// A case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Where it is written.
    pub place: Place,
    deed: Map,
    time: Timestamp,
    expect: String,
    rule: Option<String>,
}

/// How a case went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// As expected.
    AsExpected,
    /// Otherwise: what the declaration says.
    Otherwise(String),
}

const EXPECTED: [&str; 3] = ["authorised", "outside", "unknown"];

/// Reads the cases of a file.
pub fn read_cases(path: &str, documents: &[Document]) -> (Vec<Case>, Vec<Problem>) {
    let (mut cases, mut problems) = (Vec::new(), Vec::new());
    for document in documents {
        let at = FieldPath::default().key("cases");
        let number = document.value.get("cases").and_then(Value::as_array).map_or(0, <[_]>::len);
        let mut reader = Reader { path, document, problems: &mut problems };
        cases.extend((0..number).filter_map(|index| reader.case(&at.index(index))));
    }
    (cases, problems)
}

impl Reader<'_> {
    fn case(&mut self, at: &FieldPath) -> Option<Case> {
        const OF_DEED: [&str; 9] = [
            "address",
            "annotations",
            "groups",
            "name",
            "namespace",
            "resource",
            "time",
            "user",
            "verb",
        ];
        let fields = self.map(at, &["deed", "expect", "name", "rule"])?;
        let of = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let expect = of("expect").to_owned();
        if !EXPECTED.contains(&expect.as_str()) {
            self.problem(at, format!("a case needs `expect`: {}", EXPECTED.join(", ")));
            return None;
        }
        let deed = self.map(&at.key("deed"), &OF_DEED)?;
        let time = deed.get("time").and_then(Value::as_str).unwrap_or("1970-01-01T00:00:00Z");
        let Ok(time) = Timestamp::parse_rfc3339(time) else {
            self.problem(&at.key("deed").key("time"), "a time is written as 2026-11-26T23:00:00Z");
            return None;
        };
        let rule = Some(of("rule")).filter(|rule| !rule.is_empty()).map(str::to_owned);
        Some(Case { name: of("name").to_owned(), place: self.place(at), deed, time, expect, rule })
    }
}

impl Case {
    /// What it expects: `authorised`, `outside` or `unknown`.
    pub fn expected(&self) -> &str {
        &self.expect
    }

    /// The rule that it names.
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// Asks what is authorised.
    pub fn run(&self, authorised: &Authorised) -> Ending {
        let of = |name: &str| self.deed.get(name).and_then(Value::as_str).unwrap_or_default();
        let groups: Vec<&str> = self
            .deed
            .get("groups")
            .and_then(Value::as_array)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let annotations = self.deed.get("annotations").and_then(Value::as_object);
        let annotations: Vec<(&str, &str)> = annotations
            .into_iter()
            .flat_map(Map::iter)
            .filter_map(|(key, value)| Some((key, value.as_str()?)))
            .collect();
        let (resource, subresource) =
            of("resource").split_once('/').unwrap_or_else(|| (of("resource"), ""));
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        let deed = Deed {
            user: of("user"),
            groups: &groups,
            verb: of("verb"),
            group,
            resource,
            subresource,
            namespace: of("namespace"),
            name: of("name"),
            address: of("address").parse().ok(),
            time: self.time,
            annotations: &annotations,
        };
        let (said, rule, but) = match authorised.of(&deed) {
            Standing::Authorised { rule, .. } => ("authorised", Some(rule), None),
            Standing::Outside { nearest } => {
                ("outside", nearest.map(|it| it.rule), nearest.map(|it| it.but))
            }
            Standing::Unknown => ("unknown", None, None),
        };
        let is_rule = self.rule.is_none() || self.rule.as_deref() == rule;
        if said == self.expect && is_rule {
            return Ending::AsExpected;
        }
        let rule = rule.map(|rule| format!(" by `{rule}`")).unwrap_or_default();
        let but = but.map(|but| format!(": {but}")).unwrap_or_default();
        Ending::Otherwise(format!("it is {said}{rule}{but}"))
    }
}
