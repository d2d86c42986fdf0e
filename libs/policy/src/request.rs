//! What a policy is asked about: a request to the API server, and what is known around it.

use std::collections::BTreeMap;

use airside_k8s::resource::{Definition, is_cluster_scoped, plural};
use airside_k8s::{Map, Object, Value as Json, json};

/// What is done with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Operation {
    /// It is created.
    #[default]
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
    /// It is connected to, as by `kubectl exec`.
    Connect,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Connect];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// What is asked for, as a resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The API version, such as `v1`.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The plural name, such as `pods`.
    pub resource: String,
    /// The subresource, such as `scale`; empty for the object itself.
    pub subresource: String,
}

/// A request to the API server.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// The object; none where it is deleted.
    pub object: Option<&'a Json>,
    /// The object as it was; none where it is created.
    pub old_object: Option<&'a Json>,
    /// What is asked for.
    pub resource: Resource,
    /// The object's name; empty where it gets one at creation.
    pub name: String,
    /// The namespace; none for cluster-scoped objects.
    pub namespace: Option<String>,
    /// What is done.
    pub operation: Operation,
    /// Who asks, as `userInfo`; none where that is not known.
    pub user: Option<&'a Json>,
    /// Whether nothing is kept.
    pub is_dry_run: bool,
    /// The options of the operation; none where they are not known.
    pub options: Option<&'a Json>,
}

/// The namespace of an object that names none, as `kubectl` has it where nothing else is said.
const DEFAULT_NAMESPACE: &str = "default";

impl Resource {
    /// The resource of an object, by the definition of its kind where there is one.
    pub fn of(object: &Object<'_>, definitions: &[Definition<'_>]) -> Self {
        let defined = definition_of(object, definitions);
        Self {
            group: object.group().to_owned(),
            version: object.version().to_owned(),
            kind: object.kind().to_owned(),
            resource: defined.map_or_else(|| plural(object.kind()), |it| it.plural.to_owned()),
            subresource: String::new(),
        }
    }
}

fn definition_of<'d>(
    object: &Object<'_>,
    definitions: &'d [Definition<'d>],
) -> Option<&'d Definition<'d>> {
    definitions.iter().find(|it| it.group == object.group() && it.kind == object.kind())
}

impl<'a> Request<'a> {
    /// The creation of an object. One that names no namespace and has one goes to `default`.
    pub fn creation(object: &Object<'a>, definitions: &[Definition<'_>]) -> Self {
        let is_cluster_scoped = definition_of(object, definitions)
            .map_or_else(|| is_cluster_scoped(object.kind()), |it| it.is_cluster_scoped);
        let namespace = object.namespace().unwrap_or(DEFAULT_NAMESPACE);
        Self {
            object: Some(object.value()),
            resource: Resource::of(object, definitions),
            name: object.name().to_owned(),
            namespace: (!is_cluster_scoped).then(|| namespace.to_owned()),
            ..Self::default()
        }
    }

    /// The request as expressions see it, field by field; without what is not known.
    pub(crate) fn fields(&self) -> Map {
        let Resource { group, version, kind, resource, subresource } = &self.resource;
        let kind = json!({ "group": group, "version": version, "kind": kind });
        let resource = json!({ "group": group, "version": version, "resource": resource });
        let mut fields = Map::new();
        let mut add = |name: &str, value: Json| fields.insert(name.to_owned(), value);
        add("requestKind", kind.clone());
        add("kind", kind);
        add("requestResource", resource.clone());
        add("resource", resource);
        add("subResource", json!(subresource));
        add("requestSubResource", json!(subresource));
        add("name", json!(self.name));
        add("namespace", json!(self.namespace.as_deref().unwrap_or_default()));
        add("operation", json!(self.operation.as_str()));
        add("dryRun", json!(self.is_dry_run));
        self.user.into_iter().for_each(|user| _ = add("userInfo", user.clone()));
        self.options.into_iter().for_each(|options| _ = add("options", options.clone()));
        fields
    }

    /// Whether the object is a Secret: what it holds is never shown.
    pub(crate) fn is_about_a_secret(&self) -> bool {
        self.resource.group.is_empty() && self.resource.resource == "secrets"
    }

    /// The labels of the object, and of the object as it was.
    pub(crate) fn labels(&self) -> [Option<&'a Map>; 2] {
        [self.object, self.old_object]
            .map(|object| object?.get("metadata")?.get("labels")?.as_object())
    }
}

/// What is known around a request.
#[derive(Debug, Clone, Default)]
pub struct Surroundings<'a> {
    /// The namespaces that are known, by name.
    pub namespaces: BTreeMap<&'a str, &'a Json>,
    /// The objects that may be parameters, by kind and name.
    pub(crate) parameters: BTreeMap<&'a str, BTreeMap<&'a str, Vec<Object<'a>>>>,
    /// The parameters of every binding, whatever it refers to; for trying a policy out.
    pub given_parameters: Option<Vec<&'a Json>>,
    /// Whether parameters that are not among them do not exist.
    pub has_all_parameters: bool,
}

impl<'a> Surroundings<'a> {
    /// The objects of a kind, all or those of one name.
    pub(crate) fn objects(&self, kind: &str, name: Option<&str>) -> Vec<Object<'a>> {
        let of_kind = self.parameters.get(kind);
        match name {
            Some(name) => of_kind.and_then(|it| it.get(name)).cloned().unwrap_or_default(),
            None => of_kind.into_iter().flat_map(BTreeMap::values).flatten().copied().collect(),
        }
    }

    /// What a set of objects tells. Any object may be a parameter: which, a policy says.
    pub fn of(objects: &[Object<'a>]) -> Self {
        let namespaces = objects.iter().filter(|it| (it.group(), it.kind()) == ("", "Namespace"));
        let mut parameters: BTreeMap<_, BTreeMap<_, Vec<_>>> = BTreeMap::new();
        for object in objects {
            let of_kind = parameters.entry(object.kind()).or_default();
            of_kind.entry(object.name()).or_default().push(*object);
        }
        Self {
            namespaces: namespaces.map(|it| (it.name(), it.value())).collect(),
            parameters,
            given_parameters: None,
            has_all_parameters: false,
        }
    }
}
