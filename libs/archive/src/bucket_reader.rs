//! Reading what archives keep in an object store, without being one of them: nothing is written, and what they
//! have not sealed yet is not seen.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::archive::relist;
use crate::error::ArchiveError;
use crate::folders::files_of;
use crate::query::{Page, Query};
use crate::search;
use crate::shelf::{Known, Shelf};
use crate::storage::{Bucket, ObjectStorage, ObjectStore};

/// The files in a bucket, to be asked. What was read of them is kept, as settings say, for the next page.
#[derive(Debug, Clone)]
pub struct BucketReader {
    shelf: Arc<Shelf>,
    bucket: Arc<Bucket>,
}

impl BucketReader {
    /// Learns which files lie in a bucket.
    ///
    /// # Errors
    ///
    /// The settings cannot be used, or the store refuses to list the bucket or does not answer.
    pub async fn open(settings: &ObjectStore) -> Result<Self, ArchiveError> {
        let bucket = Arc::new(Bucket::new(settings, Handle::current())?);
        let shelf = Arc::new(Shelf::default());
        let reader = Self { shelf, bucket };
        let listing = reader.clone();
        let listing = tokio::task::spawn_blocking(move || {
            let files = listing.bucket.list()?;
            listing.shelf.relist(&Known::default(), files_of(files));
            Ok(())
        });
        let listed = listing.await.map_err(|_| ArchiveError::Closed)?;
        listed.map_err(|error: std::io::Error| ArchiveError::Unlisted {
            url: settings.url.clone(),
            who: settings.credentials.to_string(),
            source: error.into(),
        })?;
        Ok(reader)
    }

    /// Answers a page of a query.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub async fn query(&self, query: Query) -> Result<Page, ArchiveError> {
        let Self { shelf, bucket } = self.clone();
        let search = tokio::task::spawn_blocking(move || {
            search::until_whole(|attempt| {
                if attempt > 0 {
                    relist(&shelf, &*bucket)?;
                }
                search::page(&query, &shelf, &*bucket)
            })
        });
        search.await.map_err(|_| ArchiveError::Closed)?
    }
}
