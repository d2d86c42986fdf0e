//! A view of a value as a Kubernetes object, and the objects that a document holds.
//!
//! Nothing is copied: a view borrows the value. What is no object is reported, never fatal: folders of
//! manifests hold Helm values, kustomizations and other YAML as well.

use std::fmt;

use airside_types::{FieldPath, ObjectRef, Step, Timestamp, shown_name};

use crate::fields::at;
use crate::places::{PlacesView, Position};
use crate::value::{Map, Value};
use crate::yaml::Document;

/// A value that has an API version and a kind.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    value: &'a Value,
    fields: &'a Map,
    group: &'a str,
    version: &'a str,
    kind: &'a str,
    // Asked for again and again by whoever looks for what belongs together.
    namespace: Option<&'a str>,
    name: &'a str,
}

/// Why a value is no Kubernetes object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnObject {
    /// A scalar or a list.
    #[error("not a map, so no Kubernetes object")]
    NotAMap,
    /// A text, a number: nothing that holds anything.
    #[error("a single value, which is no manifest: correct or remove it")]
    SingleValue,
    /// A list in which objects lie.
    #[error(
        "a list of objects, which kubectl does not take: part them by `---`, or make them the items of a `kind: List`"
    )]
    BareList,
    /// Like an object, without the version.
    #[error("`kind` and `metadata` without `apiVersion`: add it, as a text such as `v1`")]
    LacksApiVersion,
    /// Like an object, without the kind.
    #[error("`apiVersion` and `metadata` without `kind`: add it, as a text such as `Pod`")]
    LacksKind,
    /// No `apiVersion`, or one that is no text.
    #[error("no `apiVersion`, so no Kubernetes object")]
    NoApiVersion,
    /// No `kind`, or one that is no text.
    #[error("no `kind`, so no Kubernetes object")]
    NoKind,
    /// A `kind: List` whose items are something else than a list.
    #[error("the `items` of a `kind: List` are no list, so nothing of them was checked")]
    ItemsAreNoList,
}

impl<'a> Object<'a> {
    /// Sees a value as an object.
    pub fn new(value: &'a Value) -> Result<Self, NotAnObject> {
        let fields = value.as_object().ok_or(NotAnObject::NotAMap)?;
        let api_version = text(fields, "apiVersion").ok_or(NotAnObject::NoApiVersion)?;
        let kind = text(fields, "kind").ok_or(NotAnObject::NoKind)?;
        Ok(Self::of_kind(value, fields, api_version, kind))
    }

    /// Sees a map as an object of a kind, whatever it says itself: a part of one, or what a request writes to a
    /// resource, does not always say it. The group is empty for the core group.
    pub fn as_kind(
        value: &'a Value,
        group: &'a str,
        version: &'a str,
        kind: &'a str,
    ) -> Option<Self> {
        Some(Self::seen(value, value.as_object()?, group, version, kind))
    }

    fn of_kind(value: &'a Value, fields: &'a Map, api_version: &'a str, kind: &'a str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self::seen(value, fields, group, version, kind)
    }

    /// Sees a map as an object of a kind, whatever it says itself.
    pub(crate) fn seen(
        value: &'a Value,
        fields: &'a Map,
        group: &'a str,
        version: &'a str,
        kind: &'a str,
    ) -> Self {
        let metadata = fields.get("metadata").and_then(Value::as_object);
        let of_metadata = |name| metadata.and_then(|metadata| text(metadata, name));
        let (namespace, name) = (of_metadata("namespace"), of_metadata("name").unwrap_or_default());
        Self { value, fields, group, version, kind, namespace, name }
    }

    /// The whole value.
    pub const fn value(&self) -> &'a Value {
        self.value
    }

    /// The value's fields.
    pub const fn fields(&self) -> &'a Map {
        self.fields
    }

    /// The API group; empty for the core group.
    pub const fn group(&self) -> &'a str {
        self.group
    }

    /// The API version without the group, such as `v1`.
    pub const fn version(&self) -> &'a str {
        self.version
    }

    /// The API version as written, such as `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The kind, such as `Deployment`.
    pub const fn kind(&self) -> &'a str {
        self.kind
    }

    /// The object's metadata, where it is a map.
    pub fn metadata(&self) -> Option<&'a Map> {
        self.fields.get("metadata").and_then(Value::as_object)
    }

    /// The name; empty where there is none yet (`generateName`).
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The namespace as written; none where the manifest leaves it to the one who applies it.
    pub const fn namespace(&self) -> Option<&'a str> {
        self.namespace
    }

    /// When it was made, for an object that an API server has.
    pub fn created(&self) -> Option<Timestamp> {
        let text = self.metadata()?.get("creationTimestamp")?.as_str()?;
        Timestamp::parse_rfc3339(text).ok()
    }

    /// The labels, where there are any.
    pub fn labels(&self) -> Option<&'a Map> {
        self.metadata().and_then(|metadata| metadata.get("labels")).and_then(Value::as_object)
    }

    /// The annotations, where there are any.
    pub fn annotations(&self) -> Option<&'a Map> {
        self.metadata().and_then(|metadata| metadata.get("annotations")).and_then(Value::as_object)
    }

    /// The uid, for an object that an API server has accepted.
    pub fn uid(&self) -> Option<&'a str> {
        self.metadata().and_then(|metadata| text(metadata, "uid"))
    }

    /// The object as an entity.
    pub fn object_ref(&self) -> ObjectRef {
        ObjectRef::named(self.group, self.kind, self.namespace(), self.name()).with_uid(self.uid())
    }

    /// The value at a path.
    pub fn at(&self, path: &FieldPath) -> Option<&'a Value> {
        at(self.value, path)
    }
}

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = shown_name(self.name);
        match self.namespace() {
            Some(namespace) => write!(f, "{} {namespace}/{name}", self.kind),
            None => write!(f, "{} {name}", self.kind),
        }
    }
}

impl NotAnObject {
    /// The reason for a value that stands alone, told apart further where an object was meant.
    fn standing_alone(self, value: &Value) -> Self {
        let is_meant = || value.get("metadata").is_some_and(Value::is_object);
        match (self, value) {
            (Self::NotAMap, Value::Array(items)) => {
                let is_object = |item| Object::new(item).is_ok();
                if items.iter().any(is_object) { Self::BareList } else { self }
            }
            (Self::NotAMap, _) => Self::SingleValue,
            (Self::NoApiVersion, _) if value.get("kind").is_some() && is_meant() => {
                Self::LacksApiVersion
            }
            (Self::NoKind, _) if is_meant() => Self::LacksKind,
            _ => self,
        }
    }
}

/// A text field that is not empty.
fn text<'a>(fields: &'a Map, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// An object with the places of its fields.
#[derive(Debug, Clone, Copy)]
pub struct Located<'a> {
    /// The object.
    pub object: Object<'a>,
    /// The places, seen from the object.
    pub places: PlacesView<'a>,
    /// Its index in `items`, where the document is a list of objects.
    pub item: Option<usize>,
}

impl Located<'_> {
    /// The path from the document's root to the object.
    pub fn path(&self) -> FieldPath {
        self.item.map_or_else(FieldPath::root, |index| FieldPath::of(&["items"]).index(index))
    }
}

/// A document, or an item of a list, that is no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign {
    /// Where it starts.
    pub position: Position,
    /// What it lacks.
    pub reason: NotAnObject,
}

/// What a document holds.
#[derive(Debug, Clone, Default)]
pub struct Contents<'a> {
    /// The objects, in order.
    pub objects: Vec<Located<'a>>,
    /// What is no object.
    pub foreign: Vec<Foreign>,
}

impl Document {
    /// The objects of the document: itself, or the items of a `List`, `PodList` and so on.
    pub fn contents(&self) -> Contents<'_> {
        let mut contents = Contents::default();
        let places = self.places.root();
        match Object::new(&self.value) {
            Err(reason) => {
                let reason = reason.standing_alone(&self.value);
                contents.foreign.push(Foreign { position: places.value_position(), reason });
            }
            Ok(object) if is_list_of_nothing(&object) => {
                let place = places.child(&Step::key("items")).unwrap_or_default();
                let reason = NotAnObject::ItemsAreNoList;
                contents.foreign.push(Foreign { position: place.value_position(), reason });
            }
            Ok(object) => match list_of(&object) {
                None => contents.objects.push(Located { object, places, item: None }),
                Some((item_kind, items)) => {
                    let places = places.child(&Step::key("items")).unwrap_or_default();
                    for (index, item) in items.iter().enumerate() {
                        let places = places.child(&Step::Index(index)).unwrap_or_default();
                        match item_of(&object, item_kind, item) {
                            Ok(object) => {
                                contents.objects.push(Located {
                                    object,
                                    places,
                                    item: Some(index),
                                });
                            }
                            Err(reason) => contents.foreign.push(Foreign {
                                position: places.value_position(),
                                reason: reason.standing_alone(item),
                            }),
                        }
                    }
                }
            },
        }
        contents
    }
}

impl Document {
    /// The object itself, or the item of a list at an index.
    pub fn object(&self, item: Option<usize>) -> Option<Located<'_>> {
        let (object, places) = (Object::new(&self.value).ok()?, self.places.root());
        let Some(index) = item else { return Some(Located { object, places, item }) };
        let (item_kind, items) = list_of(&object)?;
        let places = places.child(&Step::key("items")).unwrap_or_default();
        let places = places.child(&Step::Index(index)).unwrap_or_default();
        let object = item_of(&object, item_kind, items.get(index)?).ok()?;
        Some(Located { object, places, item })
    }
}

/// The items of a list object, and the kind that they have where they do not say.
fn list_of<'a>(object: &Object<'a>) -> Option<(Option<&'a str>, &'a [Value])> {
    let item_kind = object.kind.strip_suffix("List")?;
    let items = object.fields.get("items")?.as_array()?;
    Some(((!item_kind.is_empty()).then_some(item_kind), items))
}

/// Whether an object is Kubernetes' own `List` and holds no list, though it holds something.
fn is_list_of_nothing(object: &Object<'_>) -> bool {
    let items = object.fields.get("items").filter(|items| !items.is_null());
    let is_list = object.group.is_empty() && object.kind == "List";
    is_list && items.is_some_and(|items| !items.is_array())
}

/// An item of a typed list leaves out the kind and API version that the list gives.
fn item_of<'a>(
    list: &Object<'a>,
    item_kind: Option<&'a str>,
    item: &'a Value,
) -> Result<Object<'a>, NotAnObject> {
    match (Object::new(item), item_kind) {
        (Err(NotAnObject::NoApiVersion | NotAnObject::NoKind), Some(kind)) => {
            let fields = item.as_object().ok_or(NotAnObject::NotAMap)?;
            Ok(Object::seen(item, fields, list.group, list.version, kind))
        }
        (result, _) => result,
    }
}

#[cfg(test)]
mod tests;
