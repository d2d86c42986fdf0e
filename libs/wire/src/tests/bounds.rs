//! What is beyond a bound is refused where it is read, with its place, and never written.

use airside_types::{
    Attestation, BoardingPass, Entity, FieldDigest, FieldPath, Finding, Id, ObjectRef, Payload,
    Place, Record, Severity,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::arbitrary::{self as any_of, Scale};
use crate::dead_letter::{decode_dead_letter, encode_dead_letter};
use crate::incident::{decode_incident_event, encode_incident_event};
use crate::ingest;
use crate::limits::{
    MAX_FIELD_PATH_BYTES, MAX_IDENTITY_BYTES, MAX_LINKS, MAX_MESSAGE_BYTES, MAX_PASS_FIELDS,
    MAX_RECORDS, MAX_SIGNATURE_BYTES, MAX_STATEMENT_BYTES, MAX_TEXT_BYTES,
};
use crate::message::{DecodeError, EncodeError};
use crate::page::Page;
use crate::record::{decode_record, decode_records, encode_batches, encode_record, encode_records};
use crate::scan::ScanRequest;
use crate::v1::{self, record::Payload as Wire};

/// One fixed record with a payload that fits.
fn sample(fits: fn(&Payload) -> bool) -> Record {
    let mut runner = TestRunner::deterministic();
    let records = any_of::record(Scale::Ordinary);
    loop {
        let record = records.new_tree(&mut runner).unwrap().current();
        if fits(&record.payload) {
            return record;
        }
    }
}

fn detection() -> v1::Record {
    (&sample(|payload| matches!(payload, Payload::Detection(_)))).into()
}

/// A change that makes a good detection a bad record, and what is said of it.
type Case = (fn(&mut v1::Record, &mut v1::Detection), String);

#[test]
fn a_refusal_names_the_record_the_field_and_the_bound() {
    let cases: [Case; 14] = [
        (|record, _| record.tenant.clear(), "tenant: `` is no tenant name".to_owned()),
        (|record, _| record.cluster = "A".to_owned(), "cluster: `A` is no cluster name".to_owned()),
        (
            |record, _| record.id = b"short".as_slice().into(),
            "id: has 5 bytes, an id has 16".to_owned(),
        ),
        (|record, _| record.source = 0, "source: is missing".to_owned()),
        (
            |record, _| record.source = 99,
            "source: 99 is no source of records that this version knows".to_owned(),
        ),
        (
            |_, detection| detection.title = "t".repeat(MAX_TEXT_BYTES + 1),
            format!("detection.title: has {} bytes, at most {MAX_TEXT_BYTES}", MAX_TEXT_BYTES + 1),
        ),
        (
            |_, detection| detection.rule = "r".repeat(MAX_IDENTITY_BYTES + 1),
            format!("detection.rule: has 1025 bytes, at most {MAX_IDENTITY_BYTES} are allowed"),
        ),
        (
            |_, detection| detection.confidence_per_mille = 1001,
            "detection.confidence_per_mille: is 1001, at most 1000 is allowed".to_owned(),
        ),
        (
            |_, detection| detection.techniques = vec!["T1611".to_owned(), "T0".to_owned()],
            "detection.techniques[1]: `T0` is no ATT&CK technique".to_owned(),
        ),
        (
            |_, detection| detection.links = vec![v1::Link::default(); MAX_LINKS + 1],
            format!("detection.links: has 257 entries, at most {MAX_LINKS} are allowed"),
        ),
        (
            |_, detection| detection.links = vec![v1::Link { role: 1, entity: None }],
            "detection.links[0].entity: is missing".to_owned(),
        ),
        (
            |_, detection| {
                let entity = Some(v1::Entity { kind: None });
                detection.links = vec![v1::Link { role: 1, entity }];
            },
            "detection.links[0].entity.kind: is missing".to_owned(),
        ),
        (
            |_, detection| {
                let name = "u".repeat(MAX_IDENTITY_BYTES + 1);
                let kind = Some(v1::entity::Kind::User(v1::User { name }));
                detection.links = vec![v1::Link { role: 1, entity: Some(v1::Entity { kind }) }];
            },
            "detection.links[0].entity.user.name: has 1025 bytes".to_owned(),
        ),
        (
            |_, detection| {
                let path = "p".repeat(4097);
                detection.origin = Some(v1::Place { path, line: 1, column: 1 });
            },
            "detection.origin.path: has 4097 bytes, at most 4096 are allowed".to_owned(),
        ),
    ];
    for (spoil, said) in cases {
        let mut bad = detection();
        let Some(Wire::Detection(mut inner)) = bad.payload.take() else { unreachable!() };
        spoil(&mut bad, &mut inner);
        bad.payload = Some(Wire::Detection(inner));
        let batch = v1::RecordBatch { records: vec![detection(), bad] };
        let error = decode_records(&prost::Message::encode_to_vec(&batch)).unwrap_err();
        let expected = format!("invalid batch of records: records[1].{said}");
        assert!(error.to_string().starts_with(&expected), "{error}\nis not\n{expected}");
    }
}

#[test]
fn a_batch_has_a_size() {
    let record = sample(|payload| matches!(payload, Payload::Gap(_)));
    assert_eq!(encode_records(&[]), Err(EncodeError::NoRecords));
    assert!(decode_records(b"").unwrap_err().to_string().ends_with("records: is missing"));
    assert_eq!(encode_batches(&[], 100), Ok(Vec::new()));

    let many = vec![record; MAX_RECORDS + 1];
    let (records, most) = (MAX_RECORDS + 1, MAX_RECORDS);
    assert_eq!(encode_records(&many), Err(EncodeError::TooManyRecords { records, most }));
    assert_eq!(encode_batches(&many, usize::MAX).unwrap().len(), 2);
    assert!(decode_records(&encode_records(&many[1..]).unwrap()).is_ok());

    let bytes = MAX_MESSAGE_BYTES + 1;
    let error = decode_record(&vec![0; bytes]).unwrap_err();
    assert_eq!(error, DecodeError::TooLarge { what: "record", bytes, most: MAX_MESSAGE_BYTES });
}

#[test]
fn a_pass_is_never_cut() {
    let mut record = sample(|payload| matches!(payload, Payload::BoardingPass(_)));
    let Payload::BoardingPass(BoardingPass { fields, .. }) = &mut record.payload else {
        unreachable!()
    };
    *fields = vec![FieldDigest { field: FieldPath::root(), digest: 1 }; MAX_PASS_FIELDS];
    assert_eq!(decode_record(&encode_record(&record).unwrap()).unwrap(), record);

    let Payload::BoardingPass(BoardingPass { fields, .. }) = &mut record.payload else {
        unreachable!()
    };
    fields.push(FieldDigest { field: FieldPath::root(), digest: 1 });
    assert_eq!(
        encode_records(std::slice::from_ref(&record)).unwrap_err().to_string(),
        "cannot encode boarding pass: fields: has 131073 entries, at most 131072 are allowed"
    );
}

#[test]
fn what_was_signed_is_never_cut() {
    let mut record = sample(|payload| matches!(payload, Payload::BoardingPass(_)));
    let attestation = |statement: usize, signature: usize| Attestation {
        statement: vec![1; statement],
        key: "key".to_owned(),
        signature: vec![2; signature],
    };
    for (statement, signature, said) in [
        (MAX_STATEMENT_BYTES, MAX_SIGNATURE_BYTES, None),
        (MAX_STATEMENT_BYTES + 1, 64, Some("attestation.statement: has 262145 bytes")),
        (1, MAX_SIGNATURE_BYTES + 1, Some("attestation.signature: has 1025 bytes")),
    ] {
        if let Payload::BoardingPass(pass) = &mut record.payload {
            pass.attestation = Some(attestation(statement, signature));
        }
        let encoded = encode_record(&record);
        match said {
            None => assert_eq!(decode_record(&encoded.unwrap()).unwrap(), record),
            Some(said) => assert!(encoded.unwrap_err().to_string().contains(said), "{said}"),
        }
        let wire = v1::Attestation::from(&attestation(statement, signature));
        assert_eq!(Attestation::try_from(wire).is_ok(), said.is_none());
    }
}

#[test]
fn names_that_are_too_long_stay_distinct() {
    let user = |ending: &str| Entity::User { name: format!("{}{ending}", "u".repeat(5000)) };
    let through = |entity: &Entity| Entity::try_from(v1::Entity::from(entity)).unwrap();
    let (first, second) = (through(&user("a")), through(&user("b")));
    assert_ne!(first.key(), second.key());
    assert_eq!(first, through(&user("a")));
    assert_eq!(first, through(&first), "what was shortened once stays as it is");
    assert_eq!(first.name().len(), MAX_IDENTITY_BYTES);
}

#[test]
fn an_empty_uid_namespace_or_digest_is_none() {
    let empty = Some(String::new());
    let object =
        v1::ObjectRef { namespace: empty.clone(), uid: empty.clone(), ..Default::default() };
    assert_eq!(ObjectRef::try_from(object).unwrap(), ObjectRef::default());
    let image = v1::Image { reference: "app:1".to_owned(), digest: empty };
    let image = v1::Entity { kind: Some(v1::entity::Kind::Image(image)) };
    assert!(!Entity::try_from(image).unwrap().is_exact());

    let uid = Some("u".repeat(MAX_IDENTITY_BYTES + 1));
    let error = ObjectRef::try_from(v1::ObjectRef { uid, ..Default::default() }).unwrap_err();
    assert_eq!(error.path(), "uid");
}

#[test]
fn a_field_path_that_is_too_long_names_the_field_above() {
    let above = FieldPath::of(&["metadata", "annotations"]);
    let below = above.key(&"k".repeat(MAX_FIELD_PATH_BYTES)).key("x");
    let digest = FieldDigest { field: below, digest: 7 };
    let read = FieldDigest::try_from(v1::FieldDigest::from(&digest)).unwrap();
    assert_eq!(read, FieldDigest { field: above, digest: 7 });
}

#[test]
fn a_text_that_is_too_long_shows_that_it_was_cut() {
    let finding = Finding {
        check: "c".into(),
        severity: Severity::Low,
        state: Default::default(),
        object: Default::default(),
        field: FieldPath::root(),
        message: "ß".repeat(MAX_TEXT_BYTES),
        fix: "".into(),
        place: Place::default(),
        techniques: Vec::new(),
        origin: None,
        owner: None,
        named_field: None,
    };
    let read = Finding::try_from(v1::Finding::from(&finding)).unwrap();
    assert!(read.message.ends_with("ß…") && read.message.len() > MAX_TEXT_BYTES - 4);
}

#[test]
fn a_scan_has_at_least_one_file_and_a_bounded_size() {
    let file =
        |bytes: usize| v1::SourceFile { path: "a.yaml".to_owned(), content: vec![0; bytes].into() };
    let request = |files| v1::ScanRequest { files, ..Default::default() };
    for (files, said) in [
        (vec![], "files: is missing"),
        (
            vec![file(4 << 20), file(4 << 20)],
            "files: has 8388608 bytes, at most 6291456 are allowed",
        ),
        (vec![file(1), v1::SourceFile::default()], "files[1].path: is missing"),
    ] {
        assert_eq!(ScanRequest::try_from(request(files)).unwrap_err().to_string(), said);
    }
    let read = ScanRequest::try_from(request(vec![file(1)])).unwrap();
    assert_eq!((read.cluster.as_str(), read.failing_severity), ("default", None));
}

#[test]
fn pages_are_never_empty_and_never_huge() {
    for (asked, given) in [(0, 100), (1, 1), (1000, 1000), (1001, 1000), (usize::MAX, 1000)] {
        assert_eq!(Page::new(asked, None).size(), given);
    }
    assert_eq!(Page::new(1, Some(String::new())).token(), None);
}

#[test]
fn one_bad_statement_does_not_keep_the_others_out() {
    let good = v1::IngestRecord {
        payload: Some(v1::ingest_record::Payload::Fact(Box::new(v1::Fact {
            subject: Some((&Entity::pod("shop", "web-1", Some("u1"))).into()),
            relation: v1::Relation::RunsOn.into(),
            object: Some((&Entity::pod("", "node-1", None)).into()),
            ..Default::default()
        }))),
        ..Default::default()
    };
    let mut nameless = good.clone();
    if let Some(v1::ingest_record::Payload::Fact(fact)) = &mut nameless.payload {
        fact.subject = Some((&Entity::User { name: String::new() }).into());
    }
    let records = vec![nameless, good, v1::IngestRecord::default()];
    let (statements, rejected) = ingest::read_request(v1::IngestRequest { records }).unwrap();
    assert_eq!(statements.len(), 1);
    let said: Vec<(u32, String)> = rejected
        .iter()
        .map(v1::RejectedRecord::from)
        .map(|rejected| (rejected.index, rejected.reason))
        .collect();
    assert_eq!(
        said,
        [
            (0, "records[0].fact.subject: is missing".to_owned()),
            (2, "records[2].payload: is missing".to_owned()),
        ]
    );
    let none = ingest::read_request(v1::IngestRequest::default()).unwrap_err();
    assert_eq!(none.to_string(), "records: is missing");
}

#[test]
fn an_empty_record_in_a_hostile_message_costs_little_memory() {
    assert!(size_of::<v1::Record>() <= 128, "{}", size_of::<v1::Record>());
    assert!(size_of::<v1::IngestRecord>() <= 64, "{}", size_of::<v1::IngestRecord>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// An attacker who makes names, paths or lists long cannot keep a record off the log: it can always
    /// be written and read, and says the same when it is written again.
    #[test]
    fn what_is_written_can_be_read_however_large(record in any_of::record(Scale::Hostile)) {
        let payload = encode_record(&record).unwrap();
        let read = decode_record(&payload).unwrap();
        prop_assert_eq!(read.id, record.id);
        prop_assert_eq!(encode_record(&read).unwrap(), payload);
    }

    #[test]
    fn dead_letters_can_be_read_however_large(letter in any_of::dead_letter(Scale::Hostile)) {
        let payload = encode_dead_letter(&letter).unwrap();
        let read = decode_dead_letter(&payload).unwrap();
        prop_assert_eq!(encode_dead_letter(&read).unwrap(), payload);
    }

    #[test]
    fn incidents_can_be_read_or_are_refused_as_too_large(
        event in any_of::incident_event(Scale::Hostile),
    ) {
        match encode_incident_event(&event) {
            Ok(payload) => {
                let read = decode_incident_event(&payload).unwrap();
                prop_assert_eq!(encode_incident_event(&read).unwrap(), payload);
            }
            Err(error) => {
                prop_assert!(matches!(error, EncodeError::TooLarge { .. }), "{}", error);
            }
        }
    }

    #[test]
    fn ids_are_exactly_sixteen_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut record = detection();
        record.id = bytes.clone().into();
        let read = Record::try_from(record);
        let fits = <[u8; 16]>::try_from(bytes.as_slice()).ok().map(Id::from_bytes);
        prop_assert_eq!(read.ok().map(|record| record.id), fits);
    }
}
