//! Tables for looking things up by key.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

/// A table that is only ever looked into, never walked through, so that its order reaches no output.
/// Its keys are digests; the hasher has no secret, so that two runs do the same.
pub(crate) type Table<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;
