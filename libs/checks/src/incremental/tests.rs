//! What an incremental run says is what a run over all objects says, after every change.

mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_k8s::{Completeness, Document, Object, Places};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::evaluate;

fn living(value: Value) -> Living {
    let document = Document { value, places: Places::default(), line: 1, template: None };
    Living { document: Arc::new(document), item: None, path: "cluster".into() }
}

/// A run over all objects in the order of their identities.
fn full(objects: &BTreeMap<Identity, Living>) -> Evaluation {
    let objects: Vec<Object<'_>> =
        objects.values().map(|living| living.located().unwrap().object).collect();
    evaluate(&objects, Completeness::WholeInput)
}

/// One change of a small world: what the bytes make of a kind is put, or removed.
fn any_change() -> impl Strategy<Value = (bool, u8, [u8; 12])> {
    let bytes = prop::array::uniform12(any::<u8>());
    (prop::bool::weighted(0.8), 0..world::KINDS, bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn after_every_change_it_says_what_a_full_run_says(
        batches in prop::collection::vec(prop::collection::vec(any_change(), 1..6), 1..12),
    ) {
        let mut incremental = Incremental::new();
        let mut objects = BTreeMap::new();
        let mut told: BTreeMap<(Identity, &str, String, String), ()> = BTreeMap::new();
        for batch in batches {
            let changes = batch.into_iter().map(|(is_put, kind, bytes)| {
                let (value, source) = world::object(kind, &bytes);
                let identity = Identity::of(&Object::new(&value).unwrap(), source);
                if is_put {
                    let living = living(value);
                    objects.insert(identity, living.clone());
                    Change::Put(living, source.to_owned())
                } else {
                    objects.remove(&identity);
                    Change::Remove(identity)
                }
            });
            let delta = incremental.apply(changes.collect());
            let expected = full(&objects);
            prop_assert_eq!(&incremental.evaluation(), &expected);
            // The deltas add up to the same.
            for altered in delta.altered {
                let key = |failure: Failure| {
                    let Failure { check, field, message, .. } = failure;
                    (Identity::clone(&altered.object), check.id, field.to_string(), message)
                };
                for failure in altered.gone.clone() {
                    prop_assert!(told.remove(&key(failure)).is_some());
                }
                for failure in altered.new.clone() {
                    told.insert(key(failure), ());
                }
            }
            prop_assert_eq!(told.len(), expected.failures.len());
        }
    }
}
