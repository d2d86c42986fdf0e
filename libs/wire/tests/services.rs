//! The generated clients and servers fit each other, and reflection knows every service.

use std::pin::Pin;

use airside_wire::incident::{Merge, WatchItem, WatchQuery, WatchUpdate};
use airside_wire::v1::incidents_service_client::IncidentsServiceClient;
use airside_wire::v1::incidents_service_server::{IncidentsService, IncidentsServiceServer};
use airside_wire::{ApiError, ErrorCode, FILE_DESCRIPTOR_SET, v1};
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::Type;
use protox::prost::Message as _;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

/// Knows no incident, and tells of one merge.
struct Scripted;

fn merge() -> WatchUpdate {
    let id = airside_types::Id::from_bytes;
    WatchUpdate::Merged(Merge { tenant: Default::default(), old: id([1; 16]), into: id([2; 16]) })
}

#[tonic::async_trait]
impl IncidentsService for Scripted {
    async fn list_incidents(
        &self,
        _: Request<v1::ListIncidentsRequest>,
    ) -> Result<Response<v1::ListIncidentsResponse>, Status> {
        Ok(Response::new(v1::ListIncidentsResponse::default()))
    }

    async fn get_incident(
        &self,
        _: Request<v1::GetIncidentRequest>,
    ) -> Result<Response<v1::GetIncidentResponse>, Status> {
        Err(ApiError::new(ErrorCode::NotFound, "no such incident").into())
    }

    type WatchIncidentsStream =
        Pin<Box<dyn Stream<Item = Result<v1::WatchIncidentsResponse, Status>> + Send>>;

    async fn watch_incidents(
        &self,
        request: Request<v1::WatchIncidentsRequest>,
    ) -> Result<Response<Self::WatchIncidentsStream>, Status> {
        let query = WatchQuery::try_from(request.into_inner())?;
        let mut updates = vec![merge(), WatchUpdate::Heartbeat { caught_up: true }];
        if query.resume_token.is_some() {
            updates.remove(0);
        }
        let items = updates
            .into_iter()
            .map(|update| Ok((&WatchItem { resume_token: "1".to_owned(), update }).into()));
        Ok(Response::new(Box::pin(tokio_stream::iter(items.collect::<Vec<_>>()))))
    }
}

async fn watch(query: &WatchQuery) -> Result<Vec<WatchItem>, ApiError> {
    // The client calls the server without a network in between.
    let mut client = IncidentsServiceClient::new(IncidentsServiceServer::new(Scripted));
    let stream = client.watch_incidents(v1::WatchIncidentsRequest::from(query)).await?.into_inner();
    let items: Result<Vec<_>, Status> = stream.collect().await;
    items?.into_iter().map(|item| WatchItem::try_from(item).map_err(ApiError::from)).collect()
}

#[tokio::test]
async fn a_client_streams_from_a_server_and_resumes() {
    let first = watch(&WatchQuery::default()).await.unwrap();
    let updates: Vec<&WatchUpdate> = first.iter().map(|item| &item.update).collect();
    assert_eq!(updates, [&merge(), &WatchUpdate::Heartbeat { caught_up: true }]);

    let resume_token = Some(first[0].resume_token.clone());
    let rest = watch(&WatchQuery { resume_token, ..WatchQuery::default() }).await.unwrap();
    assert_eq!(rest, first[1..]);
}

#[tokio::test]
async fn errors_reach_the_client_with_their_code_and_reason() {
    let mut client = IncidentsServiceClient::new(IncidentsServiceServer::new(Scripted));
    let status = client.get_incident(v1::GetIncidentRequest::default()).await.unwrap_err();
    assert_eq!(ApiError::from(status), ApiError::new(ErrorCode::NotFound, "no such incident"));

    let resume_token = Some("t".repeat(20_000));
    let error = watch(&WatchQuery { resume_token, ..WatchQuery::default() }).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert_eq!(error.message, "resume_token: has 20000 bytes, at most 16384 are allowed");
}

#[test]
fn reflection_knows_every_service_and_no_request_names_a_tenant() {
    let files = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap().file;
    let services: Vec<&str> =
        files.iter().flat_map(|file| &file.service).map(|service| service.name()).collect();
    assert_eq!(
        services,
        [
            "CatalogueService",
            "FindingsService",
            "IncidentsService",
            "IngestService",
            "RawRecordsService",
            "RulesService",
            "ScanService",
            "SuppressionsService",
        ]
    );

    let messages: Vec<_> = files.iter().flat_map(|file| &file.message_type).collect();
    let mut reached: Vec<String> = files
        .iter()
        .flat_map(|file| &file.service)
        .flat_map(|service| &service.method)
        .map(|method| method.input_type().to_owned())
        .collect();
    assert_eq!(reached.len(), 22);
    let mut at = 0;
    while let Some(name) = reached.get(at).cloned() {
        let message =
            messages.iter().find(|message| name.ends_with(&format!(".{}", message.name())));
        for field in message.iter().flat_map(|message| &message.field) {
            assert_ne!(field.name(), "tenant", "{name}: the tenant is the caller's");
            if field.r#type() == Type::Message && !reached.contains(&field.type_name().to_owned()) {
                reached.push(field.type_name().to_owned());
            }
        }
        at += 1;
    }
    assert!(reached.iter().any(|name| name.ends_with(".Link")), "the walk goes below requests");
}
