//! Questions about raw events, over gRPC: for the caller's tenant, and without what looks like a credential.

use std::pin::Pin;

use airside_archive::{Archive, ArchiveError, Cursor, Field, Query, RawRecord};
use airside_auth::Scope;
use airside_detect::audit::redacted;
use airside_service::Caller;
use airside_types::Id;
use airside_wire::limits::PART_BYTES;
use airside_wire::raw::{RawEntry, RawQuery, Shown, parts};
use airside_wire::v1::raw_records_service_server::RawRecordsService;
use airside_wire::{ApiError, ErrorCode, v1};
use futures::StreamExt;
use tonic::{Request, Response, Status};

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
        let query = asked(query, Query::of(caller.tenant()))?;
        let page = self.archive()?.query(query).await.map_err(unavailable)?;
        let answer = off_the_async_threads(move || {
            let (mut records, mut bytes) = (Vec::new(), 0);
            let mut next = page.next;
            let mut last: Option<Cursor> = None;
            for record in page.records {
                let cursor = record.cursor();
                let entry = entry(record, with_raw.then_some(PART_BYTES));
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
        let mut page = archive.query(query.clone()).await.map_err(unavailable)?;
        let mut records = page.records;
        while let Some(cursor) = page.next.filter(|_| records.len() < MOST_OF_EVENT) {
            page = archive.query(query.clone().after(cursor)).await.map_err(unavailable)?;
            records.extend(page.records);
        }
        if records.is_empty() {
            let why = format!("no raw record of event {event} is kept");
            return Err(ApiError::new(ErrorCode::NotFound, why).into());
        }
        let shown = off_the_async_threads(move || {
            let all = records.into_iter().map(|record| entry(record, Some(usize::MAX)));
            all.collect::<Vec<_>>()
        });
        let parts = shown.await?.into_iter().flat_map(parts).map(Ok);
        Ok(Response::new(futures::stream::iter(parts).boxed()))
    }
}

fn unavailable(error: ArchiveError) -> ApiError {
    ApiError::new(ErrorCode::Unavailable, format!("raw records cannot be read: {error}"))
}

async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Status::internal("showing raw records ended unexpectedly"))
}

/// The query of a tenant that a request asks for.
fn asked(asked: RawQuery, of_tenant: Query) -> Result<Query, ApiError> {
    let mut query = of_tenant.limit(asked.page.size());
    if let Some(token) = asked.page.token() {
        let cursor = token.parse().map_err(|_| {
            ApiError::new(ErrorCode::InvalidArgument, "page_token is not one of ours")
        })?;
        query = query.after(cursor);
    }
    query = match asked.with_raw {
        true => query,
        false => query.without_raw(),
    };
    for (field, text) in [
        (Field::AuditId, asked.audit_id),
        (Field::Actor, asked.actor),
        (Field::Impersonated, asked.impersonated),
        (Field::Verb, asked.verb),
        (Field::Group, asked.group),
        (Field::Resource, asked.resource),
        (Field::Subresource, asked.subresource),
        (Field::Namespace, asked.namespace),
        (Field::Name, asked.name),
        (Field::Address, asked.address),
    ] {
        query = text.iter().fold(query, |query, text| query.text(field, text));
    }
    query = asked.cluster.into_iter().fold(query, Query::cluster);
    query = asked.from.into_iter().fold(query, Query::from);
    query = asked.until.into_iter().fold(query, Query::until);
    Ok(asked.code.into_iter().fold(query, Query::code))
}

/// A record as people see it; its bytes where they are wanted and not more than that.
fn entry(record: RawRecord, most: Option<usize>) -> RawEntry {
    let texts = record.texts();
    let raw = match most {
        Some(most) if record.raw.len() <= most => shown(&record),
        _ => Shown::LeftOut,
    };
    RawEntry {
        event: record.event,
        cluster: record.cluster.clone(),
        time: record.time,
        taken: record.taken,
        code: record.code,
        audit_id: texts.audit_id.to_owned(),
        stage: texts.stage.to_owned(),
        actor: texts.actor.to_owned(),
        impersonated: texts.impersonated.to_owned(),
        verb: texts.verb.to_owned(),
        group: texts.group.to_owned(),
        resource: texts.resource.to_owned(),
        subresource: texts.subresource.to_owned(),
        namespace: texts.namespace.to_owned(),
        name: texts.name.to_owned(),
        address: texts.address.to_owned(),
        user_agent: texts.user_agent.to_owned(),
        raw_bytes: record.bytes,
        raw,
    }
}

fn shown(record: &RawRecord) -> Shown {
    use std::borrow::Cow;
    match redacted(&record.raw) {
        Some(Cow::Borrowed(_)) => Shown::AsItCame(record.raw.clone()),
        Some(Cow::Owned(bytes)) => Shown::Redacted(bytes.into()),
        None => Shown::Unreadable,
    }
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
