//! A line of a file of sequences: events one after the other, and what rules over several requests have to say of them.
//!
//! A file for each family, a line for each sequence: `{"fires": [rules], "quiet": [rules], "says": {rule: words},
//! "weighs": {rule: severity}, "why": "…", "events": […]}`. An event may have `"at"`, the second at which it is received
//! (a second after the one before, if it is left out), and `"times"`, how often it comes, with `{n}` in it replaced by the
//! number, a second apart or as many as `"every"` says.
//!
//! The program of `cargo mutation rules` takes this file in as well, so that both read the same.

use std::collections::BTreeMap;

use airside_types::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sequence {
    #[serde(default)]
    pub(super) fires: Vec<String>,
    #[serde(default)]
    pub(super) quiet: Vec<String>,
    #[serde(default)]
    pub(super) says: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) weighs: BTreeMap<String, String>,
    pub(super) why: String,
    pub(super) events: Vec<Map<String, Value>>,
}

impl Sequence {
    /// The events as an API server writes them.
    pub(super) fn events(&self) -> Vec<String> {
        let start = Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").unwrap();
        let (mut all, mut second) = (Vec::new(), 0);
        for event in &self.events {
            let mut event = event.clone();
            let at = event.remove("at").and_then(|at| at.as_u64());
            let times = event.remove("times").and_then(|times| times.as_u64()).unwrap_or(1);
            second = at.unwrap_or(second);
            let every = event.remove("every").and_then(|every| every.as_u64()).unwrap_or(1);
            let text = Value::Object(event).to_string();
            for n in 0..times {
                let mut event: Map<String, Value> =
                    serde_json::from_str(&text.replace("{n}", &n.to_string())).unwrap();
                let time = start.plus(std::time::Duration::from_secs(second));
                event.entry("auditID").or_insert_with(|| json!(format!("event-{}", all.len())));
                event.entry("stage").or_insert_with(|| json!("ResponseComplete"));
                event.insert("requestReceivedTimestamp".to_owned(), json!(time.to_string()));
                all.push(Value::Object(event).to_string());
                second += every;
            }
        }
        all
    }
}
