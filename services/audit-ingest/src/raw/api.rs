//! Questions about raw events, over gRPC: for the caller's tenant, and without what looks like a credential.

use std::pin::Pin;

use airside_archive::{Archive, ArchiveError, Cursor, RawRecord};
use airside_auth::Scope;
use airside_service::Caller;
use airside_types::Id;
use airside_wire::limits::PART_BYTES;
use airside_wire::raw::{RawEntry, RawQuery, Shown, parts};
use airside_wire::v1::raw_records_service_server::RawRecordsService;
use airside_wire::{ApiError, ErrorCode, v1};
use futures::{StreamExt, TryStreamExt, stream};
use tonic::{Request, Response, Status};

use super::entry::{raw_entry, raw_query, shown_to_people};
use super::of_event::OfEvent;

/// How large a page becomes, in bytes: below the 4 MiB that gRPC clients take by default.
const PAGE_BYTES: usize = 3 << 20;

/// The gRPC service about raw events.
#[derive(Debug)]
pub(crate) struct RawRecordsApi {
    archive: Option<Archive>,
}

type Parts = Pin<Box<dyn futures::Stream<Item = Result<v1::GetRawRecordsResponse, Status>> + Send>>;

impl RawRecordsApi {
    pub(crate) const fn new(archive: Option<Archive>) -> Self {
        Self { archive }
    }

    fn archive(&self) -> Result<&Archive, ApiError> {
        self.archive.as_ref().ok_or_else(|| {
            let why = "this node keeps no raw records: see `audit-ingest.archive.enabled` and `node.store`";
            ApiError::new(ErrorCode::FailedPrecondition, why)
        })
    }
}

#[tonic::async_trait]
impl RawRecordsService for RawRecordsApi {
    type GetRawRecordsStream = Parts;

    async fn query_raw_records(
        &self,
        request: Request<v1::QueryRawRecordsRequest>,
    ) -> Result<Response<v1::QueryRawRecordsResponse>, Status> {
        let caller = Caller::of(&request, Scope::Read)?;
        let query = RawQuery::try_from(request.into_inner())?;
        let with_raw = query.with_raw;
        let mut asked = raw_query(&query, caller.tenant()).limit(query.page.size());
        if let Some(token) = query.page.token() {
            let cursor = token.parse().map_err(|_| {
                ApiError::new(ErrorCode::InvalidArgument, "page_token is not one of ours")
            })?;
            asked = asked.after(cursor);
        }
        let page = self.archive()?.query(asked).await.map_err(|error| unavailable(&error))?;
        let answer = off_the_async_threads(move || {
            let (mut records, mut bytes) = (Vec::new(), 0);
            let mut next = page.next;
            let mut last: Option<Cursor> = None;
            for record in page.records {
                let cursor = record.cursor();
                let entry = shown(&record, with_raw.then_some(PART_BYTES));
                bytes += weight(&entry);
                if bytes > PAGE_BYTES && last.is_some() {
                    next = last;
                    break;
                }
                last = Some(cursor);
                records.push(entry.into());
            }
            let next_page_token = next.map(|cursor| cursor.to_string()).unwrap_or_default();
            v1::QueryRawRecordsResponse { records, next_page_token }
        });
        Ok(Response::new(answer.await?))
    }

    async fn get_raw_records(
        &self,
        request: Request<v1::GetRawRecordsRequest>,
    ) -> Result<Response<Parts>, Status> {
        let caller = Caller::of(&request, Scope::Read)?;
        let event = Id::try_from(request.into_inner())?;
        let mut records = OfEvent::new(self.archive()?.clone(), caller.tenant(), event);
        let first =
            records.next().await.map_err(|error| unavailable(&error))?.ok_or_else(|| {
                ApiError::new(
                    ErrorCode::NotFound,
                    format!("no raw record of event {event} is kept"),
                )
            })?;
        let others = stream::try_unfold(records, async |mut records| {
            let next = records.next().await.map_err(|error| unavailable(&error))?;
            Ok(next.map(|record| (record, records)))
        });
        // One after the other: the next is read and shown when the parts of the one before were taken.
        let shown = stream::iter([Ok(first)]).chain(others).and_then(|record| {
            off_the_async_threads(move || parts(shown(&record, Some(usize::MAX))))
        });
        let parts = shown.map_ok(|parts| stream::iter(parts.map(Ok))).try_flatten();
        Ok(Response::new(parts.boxed()))
    }
}

fn unavailable(error: &ArchiveError) -> ApiError {
    ApiError::new(ErrorCode::Unavailable, format!("raw records cannot be read: {error}"))
}

async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Status::internal("showing raw records ended unexpectedly"))
}

/// A record as people see it; its bytes where they are wanted and not more than that.
fn shown(record: &RawRecord, most: Option<usize>) -> RawEntry {
    let raw = match most {
        Some(most) if record.raw.len() <= most => shown_to_people(&record.raw),
        _ => Shown::LeftOut,
    };
    raw_entry(record, raw)
}

/// How large an entry is on the wire, about.
fn weight(entry: &RawEntry) -> usize {
    let RawEntry { audit_id, stage, actor, impersonated, verb, group, resource, .. } = entry;
    let RawEntry { subresource, namespace, name, address, user_agent, raw, .. } = entry;
    let texts = [
        audit_id,
        stage,
        actor,
        impersonated,
        verb,
        group,
        resource,
        subresource,
        namespace,
        name,
        address,
        user_agent,
    ];
    texts.iter().map(|text| text.len() + 3).sum::<usize>() + raw.bytes().len() + 128
}

#[cfg(test)]
mod tests {
    use airside_archive::{Batch, Housekeeping, Row, Settings};
    use airside_types::{Cluster, Tenant, Timestamp};
    use airside_wire::raw::GatheredRecords;
    use tonic::Code;

    use super::*;

    const EVENT: Id = Id::from_bytes([7; 16]);

    async fn opened(folder: &std::path::Path) -> (RawRecordsApi, Archive, Housekeeping) {
        let (archive, work) = Archive::open(Settings::new(folder.to_owned())).await.unwrap();
        (RawRecordsApi::new(Some(archive.clone())), archive, work)
    }

    /// Keeps a record of the event with so many bytes.
    async fn keep(archive: &Archive, time: i64, bytes: usize) {
        let time = Timestamp::from_nanos(time);
        let mut batch = Batch::new(&Tenant::default(), &Cluster::default(), time);
        let raw = format!("{{\"verb\":\"{}\"}}", "x".repeat(bytes));
        batch.push(&Row { event: EVENT, time, raw: raw.as_bytes(), ..Row::default() });
        archive.append(batch).await.unwrap();
    }

    async fn get(api: &RawRecordsApi, event: Id) -> Result<Parts, Status> {
        let mut request = Request::new(v1::GetRawRecordsRequest::from(event));
        request.extensions_mut().insert(Caller::local(Tenant::default()));
        Ok(api.get_raw_records(request).await?.into_inner())
    }

    async fn times(mut parts: Parts) -> Vec<i64> {
        let mut gathered = GatheredRecords::default();
        while let Some(part) = parts.next().await {
            let part = part.unwrap();
            let raw = part.record.as_ref().map_or(0, |record| record.raw.len());
            assert!(raw.max(part.more.len()) <= PART_BYTES);
            gathered.take(part).unwrap();
        }
        let entries = gathered.finish();
        assert!(entries.iter().all(|entry| entry.raw.bytes().len() as u64 == entry.raw_bytes));
        entries.iter().map(|entry| entry.time.as_nanos()).collect()
    }

    #[tokio::test]
    async fn what_an_event_has_is_read_as_it_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (api, archive, _work) = opened(folder.path()).await;
        let missing = get(&api, EVENT).await.err().unwrap();
        assert_eq!(missing.code(), Code::NotFound);
        for time in 1..=3 {
            keep(&archive, time, 3 << 20).await;
        }
        let begun = get(&api, EVENT).await.unwrap();
        // Older than all that a page has: it is told, since its page is asked for when those before were taken.
        keep(&archive, 0, 1).await;
        assert_eq!(times(begun).await, [3, 2, 1, 0]);
    }

    #[tokio::test]
    async fn of_an_event_with_too_many_records_the_latest_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let (api, archive, _work) = opened(folder.path()).await;
        // A page has room for fifteen of these.
        for time in 0..40 {
            keep(&archive, time, 270 << 10).await;
        }
        let expected: Vec<_> = (24..40).rev().collect();
        assert_eq!(times(get(&api, EVENT).await.unwrap()).await, expected);
    }
}
