//! Raw records, kept and found: what a service took in, byte for byte, for as long as a setting says.
//!
//! Appended records are durable in a segment, a file to which is only appended; segments are sealed into
//! Parquet files that any engine reads, by tenant, cluster and day, on this machine's disk or in an object
//! store that several archives share; the oldest files go by age and by size. A query is over one tenant's
//! records by time, event, actor, object, verb and address, over segments and files alike. This is the only
//! crate that names `parquet` and `object_store`. What a record is found by is decided by who
//! appends it, and what of it is shown to whom by who asks.

mod archive;
mod background;
mod bucket_reader;
mod error;
mod file;
mod folders;
mod housekeeping;
mod instance;
mod merge;
mod owners;
mod query;
mod record;
mod seal;
mod search;
mod segment;
mod shelf;
mod storage;
mod table;
mod tending;
mod writer;

pub use archive::{Archive, Settings};
pub use bucket_reader::BucketReader;
pub use error::ArchiveError;
pub use folders::page_of_folder;
pub use housekeeping::Housekeeping;
pub use instance::{Instance, NoInstance};
pub use query::{Cursor, Field, MAX_PAGE, NoCursor, Page, Query};
pub use record::{Batch, MAX_TEXT_BYTES, RawRecord, Row, Texts};
pub use search::MAX_PAGE_BYTES;
pub use storage::{
    AccessKey, Announced, Credentials, Disk, ObjectStorage, ObjectStore, Ranges, WebIdentity,
};

#[cfg(test)]
mod tests;
