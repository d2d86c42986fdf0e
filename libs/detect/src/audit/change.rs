//! What a request changes of an object, whichever way its body is written.
//!
//! A patch is not the object: a merge, strategic or apply patch is a part of it, a JSON patch a list of operations.
//! Here they all become the same: what is set, as a part of the object, and what is removed. What a patch leaves
//! alone is in neither, so that rules fire on changes only. What cannot be read is said ([`Why`]), never passed over:
//! a rule of its own fires for it.

use std::cell::OnceCell;
use std::sync::Arc;

use airside_k8s::{Value, fields};
use airside_types::FieldPath;

use super::event::Event;
use super::known::{Bodies, Body, Written};
use crate::json::{Defect, RawJson, mend};

mod decode;
mod json_patch;
mod merge;

/// What one request changes of its object.
#[derive(Debug)]
pub(super) struct Change<'e> {
    form: Form,
    written: Arc<Written>,
    /// The object before; a single event does not tell it.
    before: Option<Value>,
    response: Option<RawJson<'e>>,
    after: OnceCell<Option<Value>>,
}

const EPHEMERAL: &str = "ephemeralContainers";

/// What a body is of its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// There is none, or it is none of an object's.
    Other,
    /// The whole object: it is created or replaced.
    Whole,
    /// A part of it.
    Part,
}

/// Why a change, or a part of it, is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The body is no JSON.
    NotJson,
    /// The body, or a path in it, is nested deeper than any object of Kubernetes.
    Deep,
    /// The patch has more operations than an API server takes.
    Long,
    /// The patch moves or copies what the event does not show.
    Moved,
}

impl Why {
    /// What a body's defect hides; that one is cut, the event tells by itself.
    const fn of(defect: Defect) -> Option<Self> {
        match defect {
            Defect::Syntax => Some(Self::NotJson),
            Defect::TooDeep => Some(Self::Deep),
            Defect::Cut | Defect::Unmeaning => None,
        }
    }

    /// The reason, as the end of a sentence about the body.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "is no JSON",
            Self::Deep => "is nested deeper than any object",
            Self::Long => "has more operations than a patch may have",
            Self::Moved => "moves or copies what the event does not show",
        }
    }
}

impl<'e> Change<'e> {
    /// The change that an event's request asked for. What its body says is not read again where that is known.
    pub(super) fn of(event: &'e Event<'_>, known: Option<&Bodies>) -> Self {
        let form = match (&*event.verb, event.request_object) {
            ("create" | "update", _) => Form::Whole,
            ("patch", Some(_)) => Form::Part,
            _ => Form::Other,
        };
        let response = event.response_object;
        let (written, after) = (Arc::default(), OnceCell::new());
        let mut change = Self { form, written, before: None, response, after };
        if let Some(body) = event.request_object {
            let read = || Written::of(form, body, || change.after());
            let text = body.get();
            // What a list of operations comes to may depend on the answer.
            let stands_alone = body.is_whole() && text.starts_with('{');
            change.written = match known.filter(|_| stands_alone) {
                Some(known) => {
                    let target = event.object_ref.as_ref();
                    let body = Body {
                        form,
                        group: target.map_or("", |it| &it.api_group),
                        resource: target.map_or("", |it| &it.resource),
                        subresource: target.map_or("", |it| &it.subresource),
                        text,
                    };
                    known.read(&body, read)
                }
                None => Arc::new(read()),
            };
        }
        change
    }

    /// What the body writes, where that is all that is known of the object: what is said of it is said of the body.
    pub(super) fn of_body_alone(&self) -> Option<&Written> {
        let is_all = self.before.is_none() && self.is_set_known();
        is_all.then_some(&self.written)
    }

    fn is_set_known(&self) -> bool {
        self.form == Form::Other || self.written.set.is_object()
    }

    /// The part of the object that the request sets. Where its body is no JSON, what it sets is not known:
    /// then the object after it.
    pub(super) fn set(&self) -> &Value {
        let set = &self.written.set;
        if self.is_set_known() { set } else { self.after().unwrap_or(set) }
    }

    /// The object after the request, where the answer shows it.
    pub(super) fn after(&self) -> Option<&Value> {
        let read = || {
            let (value, _) = decode::decode(self.response?.get());
            let is_object = value.get("kind").is_none_or(|kind| *kind != "Status");
            (is_object && value.is_object()).then_some(value)
        };
        self.after.get_or_init(read).as_ref()
    }

    /// The object before the request, where that is known.
    pub(super) fn before(&self) -> Option<&Value> {
        self.before.as_ref()
    }

    /// The same change, of an object that is known.
    #[cfg(test)]
    pub(super) fn from(self, before: Value) -> Self {
        Self { before: Some(before), ..self }
    }

    /// Whether the request writes the whole object, so that what it does not set is not there.
    pub(super) fn is_whole(&self) -> bool {
        self.form == Form::Whole
    }

    /// Whether the answer shows the version of the object that the request names: then nothing was changed. A
    /// request that names another version than the current one is refused.
    pub(super) fn is_without_effect(&self) -> bool {
        let version = |of: &Value| {
            let version = fields::down(of, &["metadata", "resourceVersion"])?.as_str()?;
            (!version.is_empty()).then(|| version.to_owned())
        };
        let named = || version(&self.written.set);
        self.form == Form::Whole
            && named().is_some_and(|it| self.after().and_then(version) == Some(it))
    }

    /// Whether the request takes away the field, or the entry of a map, at these keys: by itself, or with what it
    /// lies in. What a replaced object no longer has is known only where the object before is.
    pub(super) fn removes(&self, keys: &[&str]) -> bool {
        self.removes_field(&FieldPath::of(keys))
    }

    /// The same of any field.
    pub(super) fn removes_field(&self, field: &FieldPath) -> bool {
        let is_in = |object: &Value| fields::at(object, field).is_some_and(|it| !it.is_null());
        let is_removed = self.written.removed.iter().any(|removed| removed.contains(field));
        let is_gone = self.is_whole() && self.before().is_some_and(is_in);
        !is_in(&self.written.set) && (is_removed || is_gone)
    }

    /// What the request removes.
    pub(super) fn removed(&self) -> &[FieldPath] {
        &self.written.removed
    }

    /// Why the change, or a part of it, is not known.
    pub(super) fn unread(&self) -> Option<Why> {
        self.written.unread
    }
}

impl Written {
    /// What a body writes. The object after the request is asked for where a patch moves what it does not show.
    fn of<'a>(form: Form, body: RawJson<'_>, after: impl Fn() -> Option<&'a Value>) -> Self {
        let mut written = Self::default();
        written.bytes = body.get().len();
        if body.is_whole() {
            written.read(form, body.get().trim_start(), &after);
        }
        // What can be made of the rest: what came before a cut, or around what nobody can read.
        if !body.is_whole() || written.unread == Some(Why::NotJson) {
            let mended = mend(body.get());
            let why = written.unread.or_else(|| Why::of(mended.defect));
            written.read(form, &mended.json, &after);
            written.unread = why;
        }
        // Before 1.22 the body of the pods' subresource was a list of its own kind.
        if written.set.get(EPHEMERAL).is_some() {
            let spec = std::mem::take(&mut written.set);
            written.set = Value::Object([("spec", spec)].into_iter().collect());
        }
        written
    }

    fn read<'a>(&mut self, form: Form, text: &str, after: &impl Fn() -> Option<&'a Value>) {
        let (value, why) = decode::decode(text);
        self.unread = why;
        // The API server takes YAML, which no event can hold but as a text.
        if form != Form::Other && !matches!(value, Value::Object(_) | Value::Array(_)) {
            self.unread = Some(Why::NotJson);
            return;
        }
        match value {
            Value::Array(operations) if form == Form::Part => {
                let patch = json_patch::Patch::of(&operations);
                let after = if patch.moves_unknown() { after() } else { None };
                let (set, why) = patch.settled(after);
                self.unread = self.unread.or(why);
                self.set = set;
                self.removed = patch.removed;
            }
            value if form == Form::Part && merge::may_hold_directives(text) => {
                (self.set, self.removed) = merge::taken_apart(value);
            }
            value => self.set = value,
        }
    }
}

#[cfg(test)]
mod tests;
