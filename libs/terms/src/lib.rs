//! By which terms objects are judged, read from files: a project's settings ([`project`]), people's own policies
//! ([`policies`]), exceptions, vulnerability data ([`vulnerabilities`]); for audit events, people's own rules and what is
//! authorised ([`detections`]).
//!
//! Owns where these stand in files and what is said when they cannot be used. What they mean is `airside-checks`',
//! `airside-policy`'s and `airside-vulnerability`'s. The command line and the services read the same files by this
//! crate, so that they say the same; it reads files and nothing else of its surroundings.

pub mod detections;
mod error;
mod in_force;
pub mod policies;
pub mod project;
mod read;
mod suggest;
mod tenants;
pub mod vulnerabilities;

pub use detections::{DetectionTerms, DetectionTermsOfTenants};
pub use error::TermsError;
pub use in_force::TermsInForce;
pub use policies::Policies;
pub use project::ProjectSettings;
pub use read::{ENDINGS, is_manifest, read_exceptions};
pub use suggest::nearest;
pub use tenants::TermsOfTenants;
pub use vulnerabilities::VulnerabilityData;
