//! What is written is read back the same.

use airside_types::{Id, Source, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::arbitrary::{self as any_of, Scale::Ordinary};
use crate::dead_letter::{decode_dead_letter, encode_dead_letter};
use crate::finding::{FindingQuery, decode_entry, encode_entry};
use crate::incident::{
    IncidentEvent, IncidentQuery, WatchItem, WatchQuery, WatchUpdate, decode_incident_event,
    decode_revision, encode_incident_event, encode_revision, watched,
};
use crate::ingest::Statement;
use crate::job::{decode_job, decode_scan_job, encode_job, encode_scan_job};
use crate::message::{Decoded, MessageType, decode_named};
use crate::page::Page;
use crate::record::{decode_record, decode_records, encode_batches, encode_record, encode_records};
use crate::scan::{Publication, ScanAnswer, ScanRequest};
use crate::sighting::{decode_sightings, encode_sightings};
use crate::v1;

proptest! {
    #[test]
    fn records(records in vec(any_of::record(Ordinary), 1..5)) {
        let payload = encode_records(&records).unwrap();
        prop_assert_eq!(&decode_records(&payload).unwrap(), &records);
        let name = MessageType::RecordBatch.as_str();
        prop_assert_eq!(decode_named(name, &payload).unwrap(), Decoded::Records(records.clone()));
        for record in &records {
            prop_assert_eq!(&decode_record(&encode_record(record).unwrap()).unwrap(), record);
        }
    }

    #[test]
    fn records_in_batches_keep_their_order_and_the_bound(
        records in vec(any_of::record(Ordinary), 0..8),
        most_bytes in 1..2000_usize,
    ) {
        let batches = encode_batches(&records, most_bytes).unwrap();
        let mut read = Vec::new();
        for batch in &batches {
            let part = decode_records(batch).unwrap();
            prop_assert!(batch.len() <= most_bytes || part.len() == 1);
            read.extend(part);
        }
        prop_assert_eq!(read, records);
    }

    #[test]
    fn incident_events(event in any_of::incident_event(Ordinary)) {
        let payload = encode_incident_event(&event).unwrap();
        prop_assert_eq!(&decode_incident_event(&payload).unwrap(), &event);
        let name = MessageType::IncidentEvent.as_str();
        prop_assert_eq!(decode_named(name, &payload).unwrap(), Decoded::IncidentEvent(event));
    }

    #[test]
    fn revisions(revision in any_of::revision(Ordinary)) {
        let payload = encode_revision(&revision).unwrap();
        prop_assert_eq!(decode_revision(&payload).unwrap(), revision);
    }

    #[test]
    fn watch_items(
        update in prop_oneof![
            any_of::revision(Ordinary).prop_map(|revision| WatchUpdate::Revision(Box::new(revision))),
            any_of::merge().prop_map(WatchUpdate::Merged),
            any::<bool>().prop_map(|caught_up| WatchUpdate::Heartbeat { caught_up }),
        ],
        resume_token in "[a-z]{0,9}",
    ) {
        let item = WatchItem { resume_token, update };
        let response = v1::WatchIncidentsResponse::from(&item);
        prop_assert_eq!(&WatchItem::try_from(response.clone()).unwrap(), &item);
        let event = match item.update {
            WatchUpdate::Revision(revision) => Some(IncidentEvent::Revision(revision)),
            WatchUpdate::Merged(merge) => Some(IncidentEvent::Merged(merge)),
            WatchUpdate::Heartbeat { .. } => None,
        };
        prop_assert_eq!(watched(response).unwrap(), event);
    }

    #[test]
    fn jobs(job in any_of::job(), scan in any_of::scan_job()) {
        prop_assert_eq!(decode_job(&encode_job(&job).unwrap()).unwrap(), job);
        let payload = encode_scan_job(&scan).unwrap();
        prop_assert_eq!(&decode_scan_job(&payload).unwrap(), &scan);
        let name = MessageType::ScanJob.as_str();
        prop_assert_eq!(decode_named(name, &payload).unwrap(), Decoded::ScanJob(scan));
    }

    #[test]
    fn sightings(batch in any_of::sighting_batch(Ordinary)) {
        let payload = encode_sightings(&batch).unwrap();
        prop_assert_eq!(&decode_sightings(&payload).unwrap(), &batch);
        let name = MessageType::SightingBatch.as_str();
        let decoded = Decoded::Sightings(Box::new(batch));
        prop_assert_eq!(decode_named(name, &payload).unwrap(), decoded);
    }

    #[test]
    fn dead_letters(letter in any_of::dead_letter(Ordinary)) {
        let payload = encode_dead_letter(&letter).unwrap();
        prop_assert_eq!(&decode_dead_letter(&payload).unwrap(), &letter);
        let name = MessageType::DeadLetter.as_str();
        prop_assert_eq!(decode_named(name, &payload).unwrap(), Decoded::DeadLetter(letter));
    }

    #[test]
    fn scans(
        request in any_of::scan_request(),
        answer in any_of::answer(),
        publication in any_of::publication(),
    ) {
        let read = ScanRequest::try_from(v1::ScanRequest::from(&request));
        prop_assert_eq!(read.unwrap(), request);
        let read = ScanAnswer::try_from(v1::ScanResponse::from(&answer));
        prop_assert_eq!(read.unwrap(), answer);
        let read = Publication::try_from(v1::PublishRequest::from(&publication));
        prop_assert_eq!(read.unwrap(), publication);
    }

    #[test]
    fn questions(
        min_severity in option::of(any_of::severity()),
        cluster in option::of(any_of::cluster()),
        since in option::of(any::<i64>().prop_map(Timestamp::from_nanos)),
        size in 0..2000_usize,
        token in option::of("[a-z]{0,5}"),
        entry in any_of::finding_entry(),
    ) {
        let page = Page::new(size, token.clone());
        let query = IncidentQuery { min_severity, cluster: cluster.clone(), since, page: page.clone() };
        let read = IncidentQuery::try_from(v1::ListIncidentsRequest::from(&query));
        prop_assert_eq!(read.unwrap(), query);

        let resume_token = token.filter(|token| !token.is_empty());
        let query = WatchQuery { resume_token: resume_token.clone(), min_severity, cluster: cluster.clone() };
        let read = WatchQuery::try_from(v1::WatchIncidentsRequest::from(&query));
        prop_assert_eq!(read.unwrap(), query);

        let (check, path) = (resume_token.clone(), resume_token);
        let reappeared = size % 2 == 0;
        let query = FindingQuery { state: None, min_severity, check, path, cluster, reappeared, page };
        let read = FindingQuery::try_from(v1::ListFindingsRequest::from(&query));
        prop_assert_eq!(read.unwrap(), query);

        prop_assert_eq!(decode_entry(&encode_entry(&entry).unwrap()).unwrap(), entry);
    }

    #[test]
    fn questions_by_id(bytes in any::<[u8; 16]>()) {
        let id = Id::from_bytes(bytes);
        prop_assert_eq!(Id::try_from(v1::GetIncidentRequest::from(id)).unwrap(), id);
        prop_assert_eq!(Id::try_from(v1::GetFindingRequest::from(id)).unwrap(), id);
        prop_assert_eq!(Id::try_from(v1::GetJobRequest::from(id)).unwrap(), id);
        prop_assert_eq!(Id::try_from(v1::CancelJobRequest::from(id)).unwrap(), id);
        prop_assert_eq!(Id::try_from(v1::SubmitResponse::from(id)).unwrap(), id);
        let error = Id::try_from(v1::GetJobRequest::default()).unwrap_err();
        prop_assert_eq!(error.to_string(), "job_id: has 0 bytes, an id has 16");
    }

    /// A partner says nothing of tenant, id, source or ingest time, and the same statement handed in
    /// twice is the same record, whenever it arrives.
    #[test]
    fn statements(
        record in any_of::record(Ordinary),
        tenant in any_of::tenant(),
        later in any::<i64>().prop_map(Timestamp::from_nanos),
    ) {
        let (cluster, event_time) = (record.cluster.clone(), record.event_time);
        let statement = Statement { cluster, event_time, payload: record.payload };
        if let Ok(read) = Statement::try_from(v1::IngestRecord::from(&statement)) {
            let first = read.clone().into_record(&tenant, record.ingest_time);
            let again = read.into_record(&tenant, later);
            prop_assert_eq!(first.id, again.id);
            prop_assert_eq!(first.source, Source::Partner);
            prop_assert_eq!(&first.tenant, &tenant);
            prop_assert_eq!((first.cluster, first.event_time), (statement.cluster, event_time));
        }
    }
}
