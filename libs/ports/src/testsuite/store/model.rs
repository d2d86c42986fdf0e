//! The store compared with an ordered map: random steps, and what must hold after each.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{A, B};
use crate::store::Pairs;
use crate::{Batch, KeyRange, Keyspace, Order, Store, StoreError};

/// Few keys, so that steps meet each other; bytes at both ends of the alphabet and keys that extend others.
const KEYS: [&[u8]; 8] = [b"", b"\0", b"a", b"a\0", b"aa", b"b", b"\xff", b"\xff\xff"];

/// One write of a batch: keyspace, key, and the value's size and filling or none to delete.
type Change = (bool, usize, Option<(usize, u8)>);

/// One step of a sequence.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Commit changes, under a condition that is made to hold or not.
    Commit { changes: Vec<Change>, condition: Option<(bool, usize, bool)> },
    /// Scan between two keys.
    Scan { second: bool, from: usize, until: Option<usize>, descending: bool, limit: usize },
    /// Scan a prefix.
    Prefix { second: bool, prefix: usize },
}

/// Sequences of steps.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..KEYS.len();
    let size = prop_oneof![4 => 0..40_usize, 1 => 3990..4010_usize, 1 => 8000..20_000_usize];
    let change = (any::<bool>(), key.clone(), option::of((size, any::<u8>())));
    let condition = option::of((any::<bool>(), key.clone(), any::<bool>()));
    let commit = (vec(change, 0..6), condition)
        .prop_map(|(changes, condition)| Step::Commit { changes, condition });
    let scan = (any::<bool>(), key.clone(), option::of(key.clone()), any::<bool>(), 0..10_usize)
        .prop_map(|(second, from, until, descending, limit)| Step::Scan {
            second,
            from,
            until,
            descending,
            limit,
        });
    let prefix = (any::<bool>(), key).prop_map(|(second, prefix)| Step::Prefix { second, prefix });
    vec(prop_oneof![3 => commit, 2 => scan, 1 => prefix], 1..25)
}

type Model = BTreeMap<(Keyspace, Vec<u8>), Bytes>;

const fn keyspace(second: bool) -> Keyspace {
    if second { B } else { A }
}

/// Empties the store, takes the steps and compares the answers.
pub(super) async fn check(store: &dyn Store, steps: Vec<Step>) {
    empty(store).await;
    let mut model = Model::new();
    for step in steps {
        let told = format!("{step:?}");
        match step {
            Step::Commit { changes, condition } => {
                commit(store, &mut model, changes, condition).await;
            }
            Step::Scan { second, from, until, descending, limit } => {
                let until = until.map(|until| KEYS[until].to_vec());
                let range = KeyRange { from: KEYS[from].to_vec(), until };
                let order = if descending { Order::Descending } else { Order::Ascending };
                let found = store.scan(keyspace(second), range.clone(), order, limit).await;
                let expected = expected(&model, keyspace(second), &range, order, limit);
                assert!(found.unwrap() == expected, "{told}");
            }
            Step::Prefix { second, prefix } => {
                let range = KeyRange::prefix(KEYS[prefix]);
                let found =
                    store.scan(keyspace(second), range, Order::Ascending, 99).await.unwrap();
                let mut expected =
                    expected(&model, keyspace(second), &KeyRange::all(), Order::Ascending, 99);
                expected.retain(|(key, _)| key.starts_with(KEYS[prefix]));
                assert!(found == expected, "{told}");
            }
        }
    }
    for keyspace in [A, B] {
        for key in KEYS {
            let expected = model.get(&(keyspace, key.to_vec())).cloned();
            assert!(store.get(keyspace, key).await.unwrap() == expected, "{keyspace:?} {key:?}");
        }
    }
}

async fn empty(store: &dyn Store) {
    let mut batch = Batch::new();
    for keyspace in [A, B] {
        for key in KEYS {
            batch.delete(keyspace, key);
        }
    }
    store.commit(batch).await.unwrap();
}

async fn commit(
    store: &dyn Store,
    model: &mut Model,
    changes: Vec<Change>,
    condition: Option<(bool, usize, bool)>,
) {
    let mut batch = Batch::new();
    let mut holds = true;
    if let Some((second, key, right)) = condition {
        let (keyspace, key) = (keyspace(second), KEYS[key]);
        let actual = model.get(&(keyspace, key.to_vec())).cloned();
        holds = right;
        let wrong = match &actual {
            Some(value) => (value.len() % 2 == 0).then(|| Bytes::from(vec![1; value.len() + 1])),
            None => Some(Bytes::new()),
        };
        batch.expect(keyspace, key, if right { actual } else { wrong });
    }
    let mut after = model.clone();
    for (second, key, value) in changes {
        let (keyspace, key) = (keyspace(second), KEYS[key].to_vec());
        if let Some((size, filling)) = value {
            let value = Bytes::from(vec![filling; size]);
            batch.put(keyspace, key.clone(), value.clone());
            after.insert((keyspace, key), value);
        } else {
            batch.delete(keyspace, key.clone());
            after.remove(&(keyspace, key));
        }
    }
    match store.commit(batch).await {
        Ok(()) => {
            assert!(holds, "a condition that does not hold was accepted");
            *model = after;
        }
        Err(StoreError::Conflict { .. }) => assert!(!holds, "a condition that holds was refused"),
        Err(error) => panic!("{error}"),
    }
}

fn expected(
    model: &Model,
    keyspace: Keyspace,
    range: &KeyRange,
    order: Order,
    limit: usize,
) -> Pairs {
    let mut pairs: Pairs = model
        .iter()
        .filter(|((space, key), _)| {
            *space == keyspace
                && *key >= range.from
                && range.until.as_ref().is_none_or(|until| key < until)
        })
        .map(|((_, key), value)| (Bytes::from(key.clone()), value.clone()))
        .collect();
    if order == Order::Descending {
        pairs.reverse();
    }
    pairs.truncate(limit);
    pairs
}
