//! How much a text may ask of the reader.

/// The bounds within which a text is read. What goes beyond is refused with an error that names the
/// bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The size of a text in bytes. Default: 64 MiB; the largest rendered charts have a tenth.
    pub max_bytes: usize,
    /// The number of documents in a text. Default: 20,000.
    pub max_documents: usize,
    /// The number of values in a text, with those that aliases and merge keys repeat: what stops a small
    /// text that expands to gigabytes. Default: 1,000,000; a bundle of all the definitions of a large
    /// operator has 80,000.
    pub max_nodes: usize,
    /// How deep lists and maps may lie in each other. Default: 128, where JSON readers stop as well.
    pub max_depth: usize,
}

impl Limits {
    const DEFAULT: Self = Self {
        max_bytes: 64 * 1024 * 1024,
        max_documents: 20_000,
        max_nodes: 1_000_000,
        max_depth: 128,
    };

    /// The limits for files of up to so many bytes. More than the default brings documents and values in
    /// proportion, so that one setting is enough.
    pub fn of_file_size(max_bytes: usize) -> Self {
        let default = Self::DEFAULT;
        let times = max_bytes.div_ceil(default.max_bytes).max(1);
        Self {
            max_bytes,
            max_documents: default.max_documents.saturating_mul(times),
            max_nodes: default.max_nodes.saturating_mul(times),
            ..default
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
