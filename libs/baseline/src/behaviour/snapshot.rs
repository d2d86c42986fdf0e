//! What is known, as bytes for a store, and back.
//!
//! An actor is one value, the cluster as a whole another, so that a commit writes what has changed. The bytes are of
//! this version of the program: what another version wrote is learnt anew.

use airside_types::Id;

use super::{ActorMemory, ClusterBehaviour, Shared};

/// Under which key a part of what is known is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateKey {
    /// The cluster as a whole.
    Cluster,
    /// One actor.
    Actor(u64),
}

/// The form of the bytes. Raised whenever what is remembered changes.
const FORM: u8 = 1;

/// Why bytes are not what was kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the state of {key:?} is not of this version: {reason}; it is learnt anew")]
pub struct Unreadable {
    key: StateKey,
    reason: String,
}

impl ClusterBehaviour {
    /// What has changed since the last call: bytes to keep, or none for what is to be forgotten.
    pub fn take_changed(&mut self) -> Vec<(StateKey, Option<Vec<u8>>)> {
        let gone = std::mem::take(&mut self.gone);
        let changed = std::mem::take(&mut self.changed);
        let mut all: Vec<_> = gone
            .into_iter()
            .filter(|key| !self.actors.contains_key(key))
            .map(|key| (StateKey::Actor(key), None))
            .collect();
        if !changed.is_empty() {
            all.push((StateKey::Cluster, kept(&self.shared)));
        }
        let actors = changed.into_iter().filter_map(|key| Some((key, self.actors.get(&key)?)));
        all.extend(actors.map(|(key, actor)| (StateKey::Actor(key), kept(actor))));
        all
    }

    /// Takes back what was kept.
    pub fn restore(&mut self, key: StateKey, bytes: &[u8]) -> Result<(), Unreadable> {
        let error = |reason: String| Unreadable { key, reason };
        let Some((&FORM, bytes)) = bytes.split_first() else {
            return Err(error("it has another form".to_owned()));
        };
        match key {
            StateKey::Cluster => {
                let shared: Shared =
                    postcard::from_bytes(bytes).map_err(|it| error(it.to_string()))?;
                self.shared = shared;
            }
            StateKey::Actor(key) => {
                let actor: ActorMemory =
                    postcard::from_bytes(bytes).map_err(|it| error(it.to_string()))?;
                self.actors.insert(key, actor);
            }
        }
        Ok(())
    }
}

/// The bytes of a part. What cannot be written is forgotten.
fn kept(part: &impl serde::Serialize) -> Option<Vec<u8>> {
    postcard::to_extend(part, vec![FORM]).ok()
}

/// The id under which a cluster's parts lie together.
impl From<StateKey> for Id {
    fn from(key: StateKey) -> Self {
        match key {
            StateKey::Cluster => Self::builder("behaviour").finish(),
            StateKey::Actor(key) => Self::builder("behaviour").bytes(&key.to_be_bytes()).finish(),
        }
    }
}
