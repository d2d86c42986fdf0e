//! The records of one event, read from the archive as they are taken: each may be as large as a body, and whoever
//! asks may take them slowly.

use airside_archive::{Archive, ArchiveError, Query, RawRecord};
use airside_types::{Id, Tenant};

/// How many records an event has at most: one for each stage, and a few that somebody made up.
const MOST_OF_EVENT: usize = 16;

/// The records of an event, the latest first.
#[derive(Debug)]
pub(super) struct OfEvent {
    archive: Archive,
    /// Of the page that was read last: a few megabytes, or one record that is larger.
    records: std::vec::IntoIter<RawRecord>,
    /// What asks for the next page; none after the last one.
    rest: Option<Query>,
    left: usize,
}

impl OfEvent {
    /// The records of a tenant's event, none of which is read yet.
    pub(super) fn new(archive: Archive, tenant: &Tenant, event: Id) -> Self {
        let rest = Some(Query::of(tenant).event(event));
        Self { archive, records: Vec::new().into_iter(), rest, left: MOST_OF_EVENT }
    }

    /// The next record. None after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<RawRecord>, ArchiveError> {
        while self.left > 0 {
            if let Some(record) = self.records.next() {
                self.left -= 1;
                return Ok(Some(record));
            }
            let Some(query) = self.rest.take() else { break };
            let page = self.archive.query(query.clone().limit(self.left)).await?;
            self.rest = page.next.map(|cursor| query.after(cursor));
            self.records = page.records.into_iter();
        }
        Ok(None)
    }
}
