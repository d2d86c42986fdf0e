//! What counts as an object, and which objects a document holds.

use airside_types::{FieldPath, ObjectRef};

use super::*;
use crate::yaml::{Limits, parse};

fn documents(text: &str) -> Vec<Document> {
    let parsed = parse(text, &Limits::default());
    assert_eq!(parsed.errors, []);
    parsed.documents
}

#[test]
fn an_object_shows_what_identifies_it() {
    let document = &documents(
        "apiVersion: apps/v1\nkind: Deployment\n\
         metadata: {name: web, namespace: shop, uid: u1, labels: {a: b}}\n",
    )[0];
    let object = Object::new(&document.value).unwrap();
    assert_eq!((object.group(), object.version(), object.kind()), ("apps", "v1", "Deployment"));
    assert_eq!(object.api_version(), "apps/v1");
    assert_eq!(object.to_string(), "Deployment shop/web");
    let named = ObjectRef::named("apps", "Deployment", Some("shop"), "web");
    assert_eq!(object.object_ref(), named.with_uid(Some("u1")));
    assert_eq!(object.labels().and_then(|labels| labels.get("a")).unwrap(), "b");
    let label = FieldPath::of(&["metadata", "labels", "a"]);
    assert_eq!(object.at(&label).unwrap(), "b");
    assert_eq!(object.at(&label.index(0)), None);
}

#[test]
fn a_core_object_without_namespace_or_name() {
    let document = &documents("apiVersion: v1\nkind: Pod\nmetadata: {generateName: job-}\n")[0];
    let object = Object::new(&document.value).unwrap();
    assert_eq!((object.group(), object.api_version().as_str()), ("", "v1"));
    assert_eq!((object.name(), object.namespace(), object.uid()), ("", None, None));
}

#[test]
fn the_items_of_a_list_are_objects_with_their_own_places() {
    let documents = documents(
        "apiVersion: v1\nkind: List\nitems:\n\
         - apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n\
         - just: data\n\
         - apiVersion: v1\n  kind: Pod\n  metadata:\n    name: b\n\
         ---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleList\nitems:\n- metadata: {name: c}\n",
    );
    let contents = documents[0].contents();
    let shown: Vec<String> =
        contents.objects.iter().map(|located| located.object.to_string()).collect();
    assert_eq!(shown, ["Service a", "Pod b"]);
    let name = FieldPath::of(&["metadata", "name"]);
    assert_eq!(contents.objects[1].places.resolve(&name), Position { line: 11, column: 5 });
    let foreign =
        Foreign { position: Position { line: 7, column: 3 }, reason: NotAnObject::NoApiVersion };
    assert_eq!(contents.foreign, [foreign]);

    let typed = documents[1].contents();
    let role = ObjectRef::named("rbac.authorization.k8s.io", "Role", None, "c");
    assert_eq!(typed.objects[0].object.object_ref(), role);
}

#[test]
fn what_is_no_object_is_reported_with_what_it_lacks() {
    for (text, reason) in [
        ("- a\n", NotAnObject::NotAMap),
        ("text\n", NotAnObject::SingleValue),
        ("- {apiVersion: v1, kind: Pod}\n", NotAnObject::BareList),
        ("kind: Pod\nmetadata: {name: web}\n", NotAnObject::LacksApiVersion),
        ("apiVersion: v1\nmetadata: {name: web}\n", NotAnObject::LacksKind),
        ("kind: Pod\n", NotAnObject::NoApiVersion),
        ("apiVersion: 1\nkind: Pod\n", NotAnObject::NoApiVersion),
        ("apiVersion: v1\n", NotAnObject::NoKind),
        ("apiVersion: v1\nkind: [Pod]\n", NotAnObject::NoKind),
        ("apiVersion: v1\nkind: List\nitems: {kind: Pod}\n", NotAnObject::ItemsAreNoList),
    ] {
        let documents = documents(text);
        let contents = documents[0].contents();
        assert!(contents.objects.is_empty(), "{text}");
        let reasons: Vec<NotAnObject> = contents.foreign.iter().map(|f| f.reason).collect();
        assert_eq!(reasons, [reason], "{text}");
    }
}
