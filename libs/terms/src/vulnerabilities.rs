//! What is known of vulnerabilities: the file that people keep, where it is newer than what is built in.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use airside_vulnerability::Components;

use crate::error::TermsError;
use crate::read::text;

/// The largest file, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// The data that is in force.
#[derive(Debug, Clone)]
pub struct VulnerabilityData {
    /// What it says.
    pub components: Cow<'static, Components>,
    /// The file that it comes from; none for what is built in.
    pub file: Option<PathBuf>,
}

impl VulnerabilityData {
    /// The data that is built in.
    pub fn built_in() -> Self {
        Self { components: Cow::Borrowed(Components::embedded()), file: None }
    }

    /// A file's data where it is newer than what is built in.
    ///
    /// # Errors
    /// The file cannot be read or used.
    pub fn of_file(path: &Path) -> Result<Self, TermsError> {
        let parsed = Components::parse(&text(path, MAX_BYTES)?);
        let components =
            parsed.map_err(|source| TermsError::Data { path: path.to_owned(), source })?;
        if components.date() > Components::embedded().date() {
            let (components, file) = (Cow::Owned(components), Some(path.to_owned()));
            return Ok(Self { components, file });
        }
        Ok(Self::built_in())
    }
}
