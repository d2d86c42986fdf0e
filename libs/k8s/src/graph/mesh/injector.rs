//! What the sidecar injector of a control plane adds, by its ConfigMap.

use crate::fields::down;
use crate::graph::Graph;
use crate::graph::part::{Key, Place, Topic};
use crate::object::Object;
use crate::value::Value;
use crate::yaml::{self, Limits};

const NAME: &str = "istio-sidecar-injector";

/// The settings of a sidecar injector.
#[derive(Debug, Clone)]
pub struct Injector<'a> {
    /// The revision of its control plane; none for the default one.
    revision: Option<&'a str>,
    values: Value,
}

impl<'a> Injector<'a> {
    /// Reads the ConfigMap of an injector.
    pub(super) fn read(object: &Object<'a>) -> Option<Self> {
        let rest = object.name().strip_prefix(NAME)?;
        let revision = rest.strip_prefix('-');
        let is_it = (object.group(), object.kind()) == ("", "ConfigMap")
            && (rest.is_empty() || revision.is_some());
        let text = object.fields().get("data").filter(|_| is_it)?.get("values")?.as_str()?;
        let parsed = yaml::parse(text, &Limits::default());
        let values = parsed.documents.into_iter().next()?.value;
        Some(Self { revision, values })
    }

    /// Whether it injects into namespaces that say nothing.
    pub(super) fn injects_by_default(&self) -> bool {
        let keys = ["sidecarInjectorWebhook", "enableNamespacesByDefault"];
        down(&self.values, &keys) == Some(&Value::Bool(true))
    }

    /// The image of the proxy that it adds.
    pub fn proxy_image(&self) -> Option<String> {
        let text = |keys: &[&str]| down(&self.values, keys).and_then(Value::as_str);
        let image = text(&["global", "proxy", "image"])?;
        if image.contains('/') {
            return Some(image.to_owned());
        }
        let hub = text(&["global", "hub"])?;
        Some(format!("{hub}/{image}:{}", text(&["global", "tag"])?))
    }
}

impl<'a> Graph<'a> {
    /// The injector of a revision, or the default one.
    pub fn injector(&self, revision: Option<&str>) -> Option<&Injector<'a>> {
        self.note_of_mesh(|| vec![Key::of(Topic::Injector, Place::Anywhere, &[])]);
        self.mesh.injectors.iter().find(|injector| injector.revision == revision)
    }
}
