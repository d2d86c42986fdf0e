//! Tenants and clusters: every record, key, subject and call carries both.

use std::fmt;
use std::sync::Arc;

/// The longest name of a tenant or cluster, in bytes (a DNS label's).
pub const MAX_NAME_BYTES: usize = 63;

/// A name is no DNS label, so it cannot be part of a key or a subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is no {what} name: use 1 to {MAX_NAME_BYTES} lower-case letters, digits and `-`, \
     starting and ending with a letter or digit"
)]
pub struct InvalidName {
    what: &'static str,
    name: String,
}

fn validated(what: &'static str, name: &str) -> Result<Arc<str>, InvalidName> {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let valid = bytes.len() <= MAX_NAME_BYTES
        && bytes.first().is_some_and(|byte| alphanumeric(*byte))
        && bytes.last().is_some_and(|byte| alphanumeric(*byte))
        && bytes.iter().all(|byte| alphanumeric(*byte) || *byte == b'-');
    if valid {
        Ok(Arc::from(name))
    } else {
        Err(InvalidName { what, name: name.chars().take(80).collect() })
    }
}

macro_rules! name_type {
    ($(#[$meta:meta])* $name:ident, $what:literal) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes a name: a DNS label of at most 63 bytes.
            pub fn new(name: &str) -> Result<Self, InvalidName> {
                validated($what, name).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self(Arc::from("default"))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// Whose data a record is. The default tenant is `default`.
    Tenant,
    "tenant"
);
name_type!(
    /// The Kubernetes cluster that a record is about. The default cluster is `default`.
    Cluster,
    "cluster"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        for good in ["default", "a", "team-7", "0"] {
            assert!(Tenant::new(good).is_ok(), "{good}");
        }
        let long = "x".repeat(64);
        for bad in ["", "-a", "a-", "A", "a.b", "a b", "a*", "ä", long.as_str()] {
            assert!(Cluster::new(bad).is_err(), "{bad}");
        }
    }
}
