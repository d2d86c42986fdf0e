//! Where in a file something stands.

use std::fmt;
use std::sync::Arc;

/// A place in an input: what a person opens in an editor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The file as it was given, with `/` between folders; of a live object, what stands for a file. Places in
    /// one file share it.
    pub path: Arc<str>,
    /// The line, from 1; 0 for what stands in no text.
    pub line: u32,
    /// The column in characters, from 1; 0 where only the line is known.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        for number in [self.line, self.column].into_iter().take_while(|number| *number > 0) {
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}
