//! What holds for the whole mesh, by its configuration and that of its injectors.
//!
//! Thousands ask for a few of these settings and seldom does one change, so the owner of a part knows what they
//! come to ([`MeshSettings`]): who rests on a setting is not touched by a configuration that leaves it as it is.

use super::Injector;
use crate::fields::{down, field};
use crate::graph::Graph;
use crate::graph::part::{Key, Place, Read, Topic};
use crate::object::Object;
use crate::value::Value;
use crate::yaml::{self, Limits};

/// The namespace whose policies hold in the whole mesh, unless the mesh says another.
const ROOT_NAMESPACE: &str = "istio-system";

/// Mesh-wide configuration: the `istio` ConfigMap, or an IstioOperator.
#[derive(Debug, Clone)]
pub struct MeshConfig {
    /// The index of the object that holds it.
    pub object: usize,
    /// The content of `meshConfig`.
    pub value: Value,
}

impl MeshConfig {
    pub(super) fn read(index: usize, object: &Object<'_>) -> Option<Self> {
        mesh_config(object).map(|value| Self { object: index, value })
    }

    fn root_namespace(&self) -> Option<&str> {
        self.value.get("rootNamespace")?.as_str().filter(|name| !name.is_empty())
    }

    fn allocates_addresses(&self) -> bool {
        const KEYS: [&str; 3] = ["defaultConfig", "proxyMetadata", "ISTIO_META_DNS_AUTO_ALLOCATE"];
        let value = down(&self.value, &KEYS);
        value.is_some_and(|value| value.as_str() == Some("true") || value.as_bool() == Some(true))
    }
}

/// What the configuration of the mesh comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MeshSettings {
    root_namespace: Option<Box<str>>,
    injects_by_default: bool,
    allocates_addresses: bool,
}

impl MeshSettings {
    /// What an object says; none for one that configures neither a mesh nor an injector.
    pub fn of(object: &Object<'_>) -> Option<Self> {
        let (config, injector) = (MeshConfig::read(0, object), Injector::read(object));
        let says_something = config.is_some() || injector.is_some();
        says_something.then(|| Self::joined(config.iter(), injector.iter()))
    }

    /// What objects say together, in the order of all.
    pub fn of_all<'s>(all: impl Iterator<Item = &'s Self>) -> Self {
        all.fold(Self::default(), |before, own| Self {
            root_namespace: before.root_namespace.or_else(|| own.root_namespace.clone()),
            injects_by_default: before.injects_by_default || own.injects_by_default,
            allocates_addresses: before.allocates_addresses || own.allocates_addresses,
        })
    }

    pub(super) fn joined<'s, 'i: 's>(
        mut configs: impl Iterator<Item = &'s MeshConfig> + Clone,
        mut injectors: impl Iterator<Item = &'s Injector<'i>>,
    ) -> Self {
        Self {
            root_namespace: configs.clone().find_map(MeshConfig::root_namespace).map(Box::from),
            injects_by_default: injectors.any(Injector::injects_by_default),
            allocates_addresses: configs.any(MeshConfig::allocates_addresses),
        }
    }

    /// The keys of the settings that are others than before.
    pub fn differing(&self, before: &Self) -> Vec<Key> {
        let settings = [
            (Setting::RootNamespace, self.root_namespace != before.root_namespace),
            (Setting::InjectsByDefault, self.injects_by_default != before.injects_by_default),
            (Setting::AllocatesAddresses, self.allocates_addresses != before.allocates_addresses),
        ];
        settings.iter().filter(|(_, differs)| *differs).map(|(setting, _)| setting.key()).collect()
    }
}

#[derive(Debug, Clone, Copy)]
enum Setting {
    RootNamespace,
    InjectsByDefault,
    AllocatesAddresses,
}

impl Setting {
    fn key(self) -> Key {
        Key::of(Topic::MeshSetting, Place::Anywhere, &[&format!("{self:?}")])
    }
}

/// The keys of what configures the mesh or an injector.
pub(super) fn keys(object: &Object<'_>) -> Vec<Key> {
    let config = mesh_config(object).is_some().then_some(Topic::MeshConfig);
    let injector = Injector::read(object).is_some().then_some(Topic::Injector);
    let topics = config.into_iter().chain(injector);
    topics.map(|topic| Key::of(topic, Place::Anywhere, &[])).collect()
}

impl<'a> Graph<'a> {
    fn setting(&self, setting: Setting) -> &MeshSettings {
        let Some(whole) = self.whole.filter(|_| self.has_mesh()) else {
            return &self.mesh.settings;
        };
        whole.note(Read::Fact(vec![setting.key()]));
        whole.mesh_settings()
    }

    /// The namespace whose policies hold in the whole mesh.
    pub fn root_namespace(&self) -> &str {
        self.setting(Setting::RootNamespace).root_namespace.as_deref().unwrap_or(ROOT_NAMESPACE)
    }

    /// Whether sidecars are injected into namespaces that say nothing.
    pub fn injects_by_default(&self) -> bool {
        self.setting(Setting::InjectsByDefault).injects_by_default
    }

    /// Whether proxies allocate an address to each ServiceEntry that has none.
    pub fn allocates_addresses(&self) -> bool {
        self.setting(Setting::AllocatesAddresses).allocates_addresses
    }

    /// The mesh-wide configurations of the input.
    pub fn mesh_configs(&self) -> &[MeshConfig] {
        self.note_of_mesh(|| vec![Key::of(Topic::MeshConfig, Place::Anywhere, &[])]);
        &self.mesh.configs
    }

    /// The mesh-wide configuration that an object holds.
    pub fn mesh_config_of(&self, object: &Object<'a>) -> Option<&MeshConfig> {
        // No note: whoever asks rests on the object.
        self.mesh.configs.iter().find(|config| {
            let holder = self.objects.get(config.object);
            holder.is_some_and(|holder| std::ptr::eq(holder.value(), object.value()))
        })
    }
}

/// Istio names its ConfigMap `istio`, and `istio-<revision>` for a revision of the control plane.
pub(super) fn mesh_config_text<'a>(object: &Object<'a>) -> Option<&'a str> {
    let is_it = (object.group(), object.kind()) == ("", "ConfigMap")
        && (object.name() == "istio" || object.name().starts_with("istio-"));
    object.fields().get("data").filter(|_| is_it)?.get("mesh")?.as_str()
}

fn mesh_config(object: &Object<'_>) -> Option<Value> {
    if let Some(text) = mesh_config_text(object) {
        let parsed = yaml::parse(text, &Limits::default());
        return parsed.documents.into_iter().next().map(|document| document.value);
    }
    if !matches!(object.kind(), "IstioOperator" | "Istio" | "IstioRevision") {
        return None;
    }
    let spec = object.fields().get("spec")?;
    let config =
        field(spec.as_object()?, "meshConfig").or_else(|| down(spec, &["values", "meshConfig"]));
    Some(config?.clone())
}
