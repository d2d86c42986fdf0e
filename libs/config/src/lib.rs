//! Settings in layers: defaults, then a TOML file, then `AIRSIDE_…__…` environment variables, then the
//! command line.
//!
//! Owns the merging, the refusal of unknown keys with the place they come from, and the value types that
//! settings share ([`ByteSize`], [`Interval`], [`Secret`]). It knows no service: each hands in a [`Section`].
//! It reads one file and nothing else of its surroundings: `main` collects the environment and the flags.

mod byte_size;
mod error;
mod interval;
mod layer;
mod nearest;
mod origin;
mod problem;
mod secret;
mod section;
mod settings;
mod show;

pub use byte_size::{ByteSize, ParseByteSizeError};
pub use error::ConfigError;
pub use interval::{Interval, ParseIntervalError};
pub use layer::{ENVIRONMENT_PREFIX, MAX_FILE_BYTES};
pub use origin::Origin;
pub use secret::Secret;
pub use section::Section;
pub use settings::{Settings, Sources, load};
