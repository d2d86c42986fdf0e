//! Which requests a policy or a binding is for: rules about resources, and selectors of namespaces and objects.

use airside_k8s::graph::selects;
use airside_k8s::{Map, Value as Json, json};

use crate::request::{Operation, Request, Surroundings};

/// What a policy is for (`matchConstraints`), or what a binding limits it to (`matchResources`).
#[derive(Debug, Clone, Default)]
pub struct Constraints {
    /// For a binding, none means all.
    pub(crate) rules: Vec<Rule>,
    pub(crate) excluded: Vec<Rule>,
    pub(crate) namespace_selector: Option<Json>,
    pub(crate) object_selector: Option<Json>,
    /// Whether a rule is only for the versions that it names, and not for others of the same resource.
    pub(crate) is_exact: bool,
}

/// A rule about resources.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rule {
    pub(crate) groups: Vec<String>,
    pub(crate) versions: Vec<String>,
    pub(crate) operations: Vec<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) names: Vec<String>,
    pub(crate) scope: Scope,
}

/// Whether objects have a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Scope {
    #[default]
    Any,
    Cluster,
    Namespaced,
}

/// Whether a request is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Matching {
    Yes,
    /// It is not, and why.
    No(String),
    /// It cannot be said, and why.
    Unknown(String),
}

/// How well a rule fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    None,
    /// But for the version.
    Resource,
    Whole,
}

impl Constraints {
    /// Whether a request is met.
    pub(crate) fn matching(&self, request: &Request<'_>, around: &Surroundings<'_>) -> Matching {
        let parts = [
            Self::resource as fn(&Self, &Request<'_>, &Surroundings<'_>) -> Matching,
            Self::namespace,
            Self::object,
        ];
        let mut matchings = parts.into_iter().map(|part| part(self, request, around));
        matchings.find(|it| *it != Matching::Yes).unwrap_or(Matching::Yes)
    }

    fn resource(&self, request: &Request<'_>, _: &Surroundings<'_>) -> Matching {
        let resource = &request.resource;
        let other_version = |what: &str| {
            Matching::Unknown(format!(
                "{what} is for another version of {} than {}, and nothing is converted here",
                resource.resource, resource.version
            ))
        };
        let fit = if self.rules.is_empty() { Fit::Whole } else { best_fit(&self.rules, request) };
        match fit {
            Fit::Whole => {}
            Fit::Resource if !self.is_exact => return other_version("its rule"),
            Fit::Resource | Fit::None => {
                let slash = if resource.subresource.is_empty() { "" } else { "/" };
                return Matching::No(format!(
                    "its rules are not for {} of {}{slash}{}",
                    request.operation.as_str(),
                    resource.resource,
                    resource.subresource,
                ));
            }
        }
        match best_fit(&self.excluded, request) {
            Fit::Whole => Matching::No("its rules exclude the request".to_owned()),
            Fit::Resource if !self.is_exact => other_version("a rule that excludes"),
            Fit::Resource | Fit::None => Matching::Yes,
        }
    }

    fn object(&self, request: &Request<'_>, _: &Surroundings<'_>) -> Matching {
        let selector = self.object_selector.as_ref().filter(|it| !is_empty(it));
        let is_selected = |selector: &Json| {
            let labels = request.labels().into_iter().zip([request.object, request.old_object]);
            labels.filter(|it| it.1.is_some()).any(|(labels, _)| selects(selector, labels))
        };
        if selector.is_none_or(is_selected) {
            Matching::Yes
        } else {
            Matching::No("its objectSelector does not select the object".to_owned())
        }
    }

    fn namespace(&self, request: &Request<'_>, around: &Surroundings<'_>) -> Matching {
        let Some(selector) = self.namespace_selector.as_ref().filter(|it| !is_empty(it)) else {
            return Matching::Yes;
        };
        let chosen = |is_selected: bool, name: &str| {
            if is_selected {
                Matching::Yes
            } else {
                Matching::No(format!("its namespaceSelector does not select the namespace {name}"))
            }
        };
        let kind = (request.resource.group.as_str(), request.resource.resource.as_str());
        let (name, namespace) = match &request.namespace {
            Some(name) => (name.as_str(), around.namespaces.get(name.as_str()).copied()),
            // A namespace is met by its own labels; other objects without one always are.
            None if kind == ("", "namespaces") => {
                (request.name.as_str(), request.object.or(request.old_object))
            }
            None => return Matching::Yes,
        };
        let labels = labels_of_namespace(name, namespace);
        if namespace.is_some() || names_only_what_all_have(selector) {
            return chosen(selects(selector, Some(&labels)), name);
        }
        Matching::Unknown(format!(
            "its namespaceSelector asks for labels of the namespace {name}, which is not given"
        ))
    }
}

/// The label that every namespace has.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

fn labels_of_namespace(name: &str, namespace: Option<&Json>) -> Map {
    let own = namespace.and_then(|it| it.get("metadata")?.get("labels")?.as_object());
    let mut labels = own.cloned().unwrap_or_default();
    labels.insert(NAME_LABEL.to_owned(), json!(name));
    labels
}

fn is_empty(selector: &Json) -> bool {
    selector.is_null() || selector.as_object().is_some_and(Map::is_empty)
}

fn names_only_what_all_have(selector: &Json) -> bool {
    let labels = selector.get("matchLabels").and_then(Json::as_object);
    let expressions = selector.get("matchExpressions").and_then(Json::as_array);
    labels.into_iter().flat_map(Map::keys).all(|name| name == NAME_LABEL)
        && expressions
            .into_iter()
            .flatten()
            .all(|it| it.get("key").and_then(Json::as_str) == Some(NAME_LABEL))
}

fn best_fit(rules: &[Rule], request: &Request<'_>) -> Fit {
    rules.iter().map(|rule| rule.fit(request)).max().unwrap_or(Fit::None)
}

impl Rule {
    fn fit(&self, request: &Request<'_>) -> Fit {
        let resource = &request.resource;
        let is_for =
            |list: &[String], wanted: &str| list.iter().any(|it| it == "*" || it == wanted);
        let fits = is_for(&self.operations, request.operation.as_str())
            && is_for(&self.groups, &resource.group)
            && self.resources.iter().any(|it| {
                let (name, subresource) = it.split_once('/').unwrap_or((it, ""));
                (name == "*" || name == resource.resource)
                    && (subresource == "*" || subresource == resource.subresource)
            })
            && (self.names.is_empty() || self.names.contains(&request.name))
            && match self.scope {
                Scope::Any => true,
                Scope::Cluster => request.namespace.is_none(),
                Scope::Namespaced => request.namespace.is_some(),
            };
        match (fits, is_for(&self.versions, &resource.version)) {
            (true, true) => Fit::Whole,
            (true, false) => Fit::Resource,
            (false, _) => Fit::None,
        }
    }

    /// Whether an operation is written as the API has it.
    pub(crate) fn is_operation(text: &str) -> bool {
        text == "*" || Operation::ALL.iter().any(|operation| operation.as_str() == text)
    }
}
