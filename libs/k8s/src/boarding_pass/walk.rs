//! The walk over the scanned fields and a live object, side by side.
//!
//! Owns what counts as changed. What the live object has beside the scanned fields is judged by `additions`.

use std::collections::BTreeSet;

use airside_types::{FieldDigest, FieldPath, Step};

use super::additions::Additions;
use super::compare::{Comparison, Drift};
use super::leaf::{self, Context};
use super::scanned::Scanned;
use super::zeros::zeros;
use super::{is_secret, tell_of_credentials};
use crate::object::Object;
use crate::value::{Map, Value};

/// Compares scanned fields with a live object.
pub(super) fn beside(fields: &[FieldDigest], live: &Object<'_>) -> Comparison {
    let scanned = Scanned::of(fields);
    let tells_of_credentials = tell_of_credentials(fields);
    let mut walk = Walk {
        additions: Additions::of(live, &scanned, tells_of_credentials),
        tells_of_credentials,
        found: Comparison::default(),
        scanned_at: Vec::new(),
        live_at: Vec::new(),
    };
    walk.object(&scanned, live);
    walk.found
}

struct Walk<'p, 'v> {
    additions: Additions<'v>,
    tells_of_credentials: bool,
    found: Comparison,
    /// Where the walk is in the scanned object.
    scanned_at: Vec<Step<'p>>,
    /// Where it is in the live one: a list may have other elements first.
    live_at: Vec<Step<'v>>,
}

impl<'p, 'v> Walk<'p, 'v> {
    /// The object itself, some of whose fields are not configuration.
    fn object(&mut self, scanned: &Scanned<'p>, live: &Object<'v>) {
        let without_values = is_secret_without_values(live);
        self.found.not_compared.content = without_values;
        let has_kind = self.tells_of_credentials;
        let is_compared = |key: &str| match key {
            "apiVersion" | "status" => false,
            "kind" => has_kind,
            "metadata" => true,
            "data" | "stringData" if is_secret(live) => false,
            _ => !without_values,
        };
        self.map(scanned, live.fields(), Context::default(), &is_compared);
        if is_secret(live) && !without_values {
            self.secret(scanned, live.fields());
        }
    }

    /// The keys of a Secret. What a manifest gives as `stringData` is stored as `data`.
    fn secret(&mut self, scanned: &Scanned<'p>, live: &'v Map) {
        const FIELDS: [&str; 2] = ["data", "stringData"];
        let values = |field: &str| live.get(field).and_then(Value::as_object);
        for field in FIELDS {
            for key in scanned.key(field).into_iter().flat_map(|node| node.keys.keys()) {
                let is_live = |field| values(field).is_some_and(|it| it.contains_key(key));
                if !FIELDS.into_iter().any(is_live) {
                    let field = FieldPath::of(&[field, key]);
                    self.found.drifts.push(Drift::Changed { field, live: None });
                }
            }
            for (key, value) in values(field).into_iter().flatten() {
                let is_scanned = FIELDS.into_iter().any(|it| scanned.at(&[it, key]).is_some());
                if is_scanned || !self.tells_of_credentials {
                    self.found.not_compared.credentials += 1;
                } else {
                    self.live_at = vec![Step::key(field), Step::key(key)];
                    self.added("", value);
                    self.live_at.clear();
                }
            }
        }
    }

    fn node(&mut self, scanned: &Scanned<'p>, name: &str, live: &'v Value, context: Context) {
        match (scanned.digest, live) {
            (Some(digest), _) if !self.is_same(digest, name, live, context) => {
                let live = FieldPath::from(self.live_at.as_slice());
                self.changed(Some(live));
            }
            (_, Value::Object(map)) => self.map(scanned, map, context, &|_| true),
            (_, Value::Array(list)) => self.list(scanned, name, list, context),
            (Some(_), _) => {}
            (None, _) => self.gone(scanned, name, context),
        }
    }

    fn is_same(&mut self, digest: u64, name: &str, live: &Value, context: Context) -> bool {
        if digest == leaf::credential() {
            self.found.not_compared.credentials += 1;
            leaf::digest(name, live, context) == Some(digest)
        } else if digest == leaf::empty() {
            live.is_object() || live.is_array()
        } else {
            leaf::digest("", live, context) == Some(digest)
        }
    }

    fn map(
        &mut self,
        scanned: &Scanned<'p>,
        live: &'v Map,
        context: Context,
        is_compared: &dyn Fn(&str) -> bool,
    ) {
        for (key, node) in &scanned.keys {
            if is_compared(key) && live.get(key).is_none_or(Value::is_null) {
                self.scanned_at.push(Step::Key(key.clone()));
                self.gone(node, key, context.below(key));
                self.scanned_at.pop();
            }
        }
        let named = live.get("name").and_then(Value::as_str);
        for (key, value) in live {
            if value.is_null() || !is_compared(key) {
                continue;
            }
            let name = named.filter(|_| key == "value").unwrap_or(key);
            self.live_at.push(Step::key(key));
            match scanned.keys.get_key_value(key) {
                Some((step, node)) => {
                    self.scanned_at.push(Step::Key(step.clone()));
                    self.node(node, name, value, context.below(key));
                    self.scanned_at.pop();
                }
                None => self.added(name, value),
            }
            self.live_at.pop();
        }
    }

    fn list(&mut self, scanned: &Scanned<'p>, name: &str, live: &'v [Value], context: Context) {
        let pairs = scanned.paired(live);
        let met: BTreeSet<usize> = pairs.iter().flatten().copied().collect();
        for (index, node) in &scanned.elements {
            if !met.contains(index) {
                self.scanned_at.push(Step::Index(*index));
                self.gone(node, name, context);
                self.scanned_at.pop();
            }
        }
        for (at, (element, pair)) in live.iter().zip(&pairs).enumerate() {
            self.live_at.push(Step::Index(at));
            match pair.and_then(|index| Some((index, scanned.elements.get(&index)?))) {
                Some((index, node)) => {
                    self.scanned_at.push(Step::Index(index));
                    self.node(node, name, element, context);
                    self.scanned_at.pop();
                }
                None => {
                    let added = self.additions.element(&mut self.live_at, element);
                    self.found.drifts.extend(added);
                }
            }
            self.live_at.pop();
        }
    }

    /// A field that the scanned object does not have.
    fn added(&mut self, name: &str, value: &'v Value) {
        let added = self.additions.below(&mut self.live_at, name, value);
        if self.additions.are_judged() {
            self.found.drifts.extend(added);
        } else {
            self.found.not_compared.additions |= !added.is_empty();
        }
    }

    /// Scanned leaves that are not there, unless that means what was scanned: an empty text, or a zero that
    /// Kubernetes drops.
    fn gone(&mut self, scanned: &Scanned<'p>, key: &str, context: Context) {
        let is = |value: &Value| leaf::digest("", value, context) == scanned.digest;
        let is_dropped = is(&Value::from("")) || zeros(key).iter().any(is);
        if scanned.digest.is_some() && !is_dropped {
            self.changed(None);
        }
        for (key, node) in &scanned.keys {
            self.scanned_at.push(Step::Key(key.clone()));
            self.gone(node, key, context.below(key));
            self.scanned_at.pop();
        }
        for (index, node) in &scanned.elements {
            self.scanned_at.push(Step::Index(*index));
            self.gone(node, "", context);
            self.scanned_at.pop();
        }
    }

    fn changed(&mut self, live: Option<FieldPath>) {
        let field = FieldPath::from(self.scanned_at.as_slice());
        self.found.drifts.push(Drift::Changed { field, live });
    }
}

/// An API server gives every Secret a type, so one without was read by its metadata alone.
fn is_secret_without_values(live: &Object<'_>) -> bool {
    is_secret(live) && !live.fields().contains_key("type")
}
