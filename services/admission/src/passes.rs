//! The boarding passes that the gate knows, by the object that they are for, and whether it trusts them.
//!
//! Where keys are trusted, a pass counts that one of them has signed, as a whole: a statement about another
//! content, cluster or verdict vouches for nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use airside_auth::signature::{STATEMENT_TYPE, SignatureError, TrustedKeys};
use airside_k8s::boarding_pass::is_for;
use airside_k8s::boarding_pass::statement::vouches;
use airside_types::{BoardingPass, Cluster, Id, ObjectRef, Payload, Record, Tenant};

/// A read model of the log's boarding passes, bounded: beyond the bound the oldest are forgotten.
#[derive(Debug)]
pub struct Passes {
    most: usize,
    /// Without any, every pass is trusted.
    keys: TrustedKeys,
    known: RwLock<Known>,
}

/// A pass that is known.
#[derive(Debug, Clone)]
pub struct KnownPass {
    /// Its id.
    pub id: Id,
    /// The pass.
    pub pass: Arc<BoardingPass>,
    /// Why it is not trusted; none where it is.
    pub distrust: Option<Arc<str>>,
}

/// Tenant, cluster, group, kind and name. Not the namespace: a manifest may leave it to the deployer.
type Key = (Tenant, Cluster, String, String, String);

#[derive(Debug, Default)]
struct Known {
    by_object: BTreeMap<Key, BTreeMap<Id, KnownPass>>,
    in_order: VecDeque<(Key, Id)>,
}

impl Passes {
    /// An empty model that keeps at most so many passes. With keys, it trusts what they have signed; without
    /// any, everything.
    pub fn new(most: usize, keys: TrustedKeys) -> Self {
        Self { most: most.max(1), keys, known: RwLock::default() }
    }

    /// Takes the passes among some records.
    pub fn learn(&self, records: &[Record]) {
        // Signatures take their time, and reviews must not wait for it.
        let passes: Vec<_> = records
            .iter()
            .filter_map(|record| match &record.payload {
                Payload::BoardingPass(pass) => Some((record, self.known_pass(record, pass))),
                _ => None,
            })
            .collect();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for (record, pass) in passes {
            let key = key(&record.tenant, &record.cluster, &pass.pass.object);
            let passes = known.by_object.entry(key.clone()).or_default();
            let before = passes.get(&pass.id);
            // Whoever publishes without a key must not take away what somebody vouched for.
            if pass.distrust.is_some() && before.is_some_and(|before| before.distrust.is_none()) {
                continue;
            }
            if passes.insert(record.id, pass).is_none() {
                known.in_order.push_back((key, record.id));
            }
            while known.in_order.len() > self.most {
                known.forget_oldest();
            }
        }
    }

    fn known_pass(&self, record: &Record, pass: &BoardingPass) -> KnownPass {
        let distrust = self.distrust(pass, &record.cluster).map(Arc::from);
        KnownPass { id: record.id, pass: Arc::new(pass.clone()), distrust }
    }

    /// Why a pass is not trusted.
    fn distrust(&self, pass: &BoardingPass, cluster: &Cluster) -> Option<String> {
        if self.keys.is_empty() {
            return None;
        }
        let Some(signed) = &pass.attestation else {
            return Some(SignatureError::Missing.to_string());
        };
        let verified =
            self.keys.verify(&signed.key, STATEMENT_TYPE, &signed.statement, &signed.signature);
        match verified {
            Err(error) => Some(error.to_string()),
            Ok(()) => vouches(&signed.statement, pass, cluster).err().map(|it| it.to_string()),
        }
    }

    /// The passes for an object, as the manifests had it: those of another namespace are not among them.
    pub fn of(&self, tenant: &Tenant, cluster: &Cluster, object: &ObjectRef) -> Vec<KnownPass> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let passes = known.by_object.get(&key(tenant, cluster, object));
        passes
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter(|known| is_for(&known.pass.object, object.namespace.as_deref()))
            .cloned()
            .collect()
    }
}

impl Known {
    fn forget_oldest(&mut self) {
        let Some((key, id)) = self.in_order.pop_front() else { return };
        if let Some(passes) = self.by_object.get_mut(&key) {
            passes.remove(&id);
            if passes.is_empty() {
                self.by_object.remove(&key);
            }
        }
    }
}

fn key(tenant: &Tenant, cluster: &Cluster, object: &ObjectRef) -> Key {
    let text = |text: &String| text.clone();
    (tenant.clone(), cluster.clone(), text(&object.group), text(&object.kind), text(&object.name))
}

#[cfg(test)]
mod tests;
