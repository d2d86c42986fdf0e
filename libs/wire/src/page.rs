//! Pages of long answers.

use crate::field;
use crate::invalid::InvalidField;
use crate::limits::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, MAX_TOKEN_BYTES};

/// Which part of a long answer is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    size: usize,
    token: Option<String>,
}

impl Page {
    /// A page of `size` entries: 0 means [`DEFAULT_PAGE_SIZE`], more than [`MAX_PAGE_SIZE`] counts as
    /// that. The token is the one that the page before gave.
    pub fn new(size: usize, token: Option<String>) -> Self {
        let size = if size == 0 { DEFAULT_PAGE_SIZE } else { size.min(MAX_PAGE_SIZE) };
        Self { size, token: token.filter(|token| !token.is_empty()) }
    }

    /// How many entries at most, from 1 to [`MAX_PAGE_SIZE`].
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Where the page begins; none for the first one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub(crate) fn read(size: u32, token: String) -> Result<Self, InvalidField> {
        let token = field::bounded("page_token", token, MAX_TOKEN_BYTES)?;
        Ok(Self::new(usize::try_from(size).unwrap_or(usize::MAX), Some(token)))
    }

    pub(crate) fn wire_size(&self) -> u32 {
        u32::try_from(self.size).unwrap_or(u32::MAX)
    }

    pub(crate) fn wire_token(&self) -> String {
        self.token.clone().unwrap_or_default()
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::new(0, None)
    }
}
