//! Compliance: benchmarks and standards as data, what a check-in says of their controls, and the report.
//!
//! Owns the frameworks (`data/*.json`) and the verdict on a control. What is wrong with objects is
//! `airside-checks`' to find; nothing is judged here a second time. A control that no manifest can show
//! says so and is never passed.

pub mod assess;
pub mod framework;
pub mod html;
pub mod json;
pub mod text;

pub use assess::{Assessment, ControlResult, Status, assess};
pub use framework::{Control, Framework};
