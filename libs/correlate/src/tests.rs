//! What incidents are, as specifications: golden scenes, and properties over random sets of records.

mod bounds;
mod golden;
mod metamorphic;
mod oracle;
mod random;
mod scene;
