//! Questions about raw events, over gRPC: for the caller's tenant, and without what looks like a credential.

use std::pin::Pin;

use airside_archive::{Archive, ArchiveError, Cursor, Query, RawRecord};
use airside_auth::Scope;
use airside_service::Caller;
use airside_types::Id;
use airside_wire::limits::PART_BYTES;
use airside_wire::raw::{RawEntry, RawQuery, Shown, parts};
use airside_wire::v1::raw_records_service_server::RawRecordsService;
use airside_wire::{ApiError, ErrorCode, v1};
use futures::StreamExt;
use tonic::{Request, Response, Status};

use super::entry::{raw_entry, raw_query, shown_to_people};

/// How large a page becomes, in bytes: below the 4 MiB that gRPC clients take by default.
const PAGE_BYTES: usize = 3 << 20;
/// How many records an event has at most: one for each stage, and a few that somebody made up.
const MOST_OF_EVENT: usize = 16;

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
        let archive = self.archive()?;
        let query = Query::of(caller.tenant()).event(event).limit(MOST_OF_EVENT);
        let mut page = archive.query(query.clone()).await.map_err(|error| unavailable(&error))?;
        let mut records = page.records;
        while let Some(cursor) = page.next.filter(|_| records.len() < MOST_OF_EVENT) {
            page = archive
                .query(query.clone().after(cursor))
                .await
                .map_err(|error| unavailable(&error))?;
            records.extend(page.records);
        }
        if records.is_empty() {
            let why = format!("no raw record of event {event} is kept");
            return Err(ApiError::new(ErrorCode::NotFound, why).into());
        }
        let shown = off_the_async_threads(move || {
            let all = records.into_iter().map(|record| shown(&record, Some(usize::MAX)));
            all.collect::<Vec<_>>()
        });
        let parts = shown.await?.into_iter().flat_map(parts).map(Ok);
        Ok(Response::new(futures::stream::iter(parts).boxed()))
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
