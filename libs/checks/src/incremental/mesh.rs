//! What the configuration of the mesh comes to: kept, since thousands rest on it, and only they are touched who
//! rest on a setting that changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_k8s::Object;
use airside_k8s::graph::MeshSettings;

use super::objects::Identity;
use super::table::Table;
use super::touched::Touched;

/// What each object says that configures the mesh, in the order of the objects, and what it comes to.
#[derive(Debug, Default)]
pub(super) struct Mesh {
    said: BTreeMap<Arc<Identity>, MeshSettings>,
    settings: MeshSettings,
    is_stale: bool,
}

impl Mesh {
    pub(super) const fn settings(&self) -> &MeshSettings {
        &self.settings
    }

    pub(super) fn add(&mut self, identity: &Arc<Identity>, object: &Object<'_>) {
        if let Some(settings) = MeshSettings::of(object) {
            self.said.insert(Arc::clone(identity), settings);
            self.is_stale = true;
        }
    }

    pub(super) fn remove(&mut self, identity: &Identity) {
        self.is_stale |= self.said.remove(identity).is_some();
    }

    /// Touches whoever rests on a setting that is another one now.
    pub(super) fn refresh(&mut self, table: &Table, touched: &mut Touched) {
        if std::mem::take(&mut self.is_stale) {
            let settings = MeshSettings::of_all(self.said.values());
            let before = std::mem::replace(&mut self.settings, settings);
            let differing = self.settings.differing(&before);
            differing.into_iter().for_each(|key| touched.readers(table, key));
        }
    }
}
