//! Finds credentials in texts: by their shape, and by the name that a value stands under.
//!
//! Owns what counts as a credential, what only looks like one (placeholders, templates, references,
//! identifiers), and the formats that texts are written in. Where in an object to look is the catalogue's.
//! A value that was found is never kept and never shown: what leaves is its sort, its place and, where the
//! value cannot be guessed, a fingerprint. Every scan is linear in the text, and bounded.

mod assignments;
mod checksum;
mod fingerprint;
mod formats;
mod marked;
mod names;
mod providers;
mod search;
mod shapes;
mod statements;
mod urls;
mod values;

use airside_types::FieldPath;

pub(crate) use formats::{Item, visit};
pub(crate) use search::{Found, Search, search, search_arguments, search_list, search_number};
pub(crate) use values::{is_ciphertext, is_indirect, is_placeholder, is_setting};

/// What a field of an object holds.
#[derive(Debug, Clone)]
pub(crate) struct Searched {
    pub(crate) path: FieldPath,
    pub(crate) search: Search,
}

/// What a credential is to those who find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A password, a token, a key of an API.
    Credential,
    /// A private key.
    PrivateKey,
    /// A kubeconfig that holds a credential.
    Kubeconfig,
    /// A Docker configuration that holds a registry's credential.
    DockerConfig,
}

/// How sure it is that a value is a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Confidence {
    /// Only its name says so, or it is half of a credential.
    Named,
    /// Its shape does, or its name and its shape together.
    Shaped,
    /// A checksum or a decoded content proves it.
    Proven,
}

/// How names are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// What stands under a name is its value: environment variables, configuration files.
    Values,
    /// What stands under `secret`, `token` or `key` may as well be the name of another object: fields of
    /// custom resources, annotations.
    References,
}

/// A credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    /// What it is, for people: `a GitHub token`.
    pub(crate) what: &'static str,
    pub(crate) sort: Sort,
    pub(crate) confidence: Confidence,
    /// Equal for equal values; none for a value that its fingerprint would help to guess.
    pub(crate) fingerprint: Option<String>,
}

/// What a value is, when it is not plainly harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A credential.
    Credential(Hit),
    /// A literal that stands for a credential: `changeme`, `xxxx`.
    Placeholder,
}

#[cfg(test)]
mod tests;
