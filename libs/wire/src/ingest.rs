//! What partners hand in: records without what is not theirs to say.
//!
//! The tenant is the caller's, the source is [`Source::Partner`], the id is derived from content, and the
//! ingest time is stamped at intake. Records are judged one by one.

use airside_types::{
    Cluster, Decision, Detection, Entity, Fact, Gap, Id, Link, Payload, Record, Source, Tenant,
    Timestamp,
};

use crate::invalid::{InvalidField, Problem};
use crate::limits::MAX_RECORDS;
use crate::v1::ingest_record::Payload as HandedIn;
use crate::v1::record::Payload as WirePayload;
use crate::{field, v1};

/// What a partner says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The cluster that it is about.
    pub cluster: Cluster,
    /// When it happened.
    pub event_time: Timestamp,
    /// What it says.
    pub payload: Payload,
}

/// A statement that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its position in the request, from 0.
    pub index: usize,
    /// Which field is wrong, and what is wrong with it.
    pub error: InvalidField,
}

impl From<&Rejected> for v1::RejectedRecord {
    fn from(rejected: &Rejected) -> Self {
        Self {
            index: u32::try_from(rejected.index).unwrap_or(u32::MAX),
            reason: rejected.error.to_string(),
        }
    }
}

/// Reads a request: the statements that are in order, and those that are not. Fails as a whole only if
/// there are none, or more than [`MAX_RECORDS`].
pub fn read_request(
    request: v1::IngestRequest,
) -> Result<(Vec<Statement>, Vec<Rejected>), InvalidField> {
    let entries = request.records.len();
    if entries == 0 {
        return Err(InvalidField::new("records", Problem::Missing));
    }
    if entries > MAX_RECORDS {
        let problem = Problem::TooMany { entries, most: MAX_RECORDS };
        return Err(InvalidField::new("records", problem));
    }
    let (mut statements, mut rejected) = (Vec::with_capacity(entries), Vec::new());
    for (index, record) in request.records.into_iter().enumerate() {
        match Statement::try_from(record) {
            Ok(statement) => statements.push(statement),
            Err(error) => {
                let error = error.within_entry(index).within("records");
                rejected.push(Rejected { index, error });
            }
        }
    }
    Ok((statements, rejected))
}

impl Statement {
    /// The record of a tenant that this statement makes.
    pub fn into_record(self, tenant: &Tenant, ingest_time: Timestamp) -> Record {
        let Self { cluster, event_time, payload } = self;
        let id = match &payload {
            Payload::Finding(finding) => finding.id(tenant, &cluster),
            Payload::BoardingPass(pass) => pass.id(tenant, &cluster),
            Payload::Decision(decision) => Decision::id(tenant, &cluster, &decision.request_uid),
            Payload::Detection(Detection { rule, native_id, .. }) => {
                let event = Id::builder("partner-event").text(native_id).finish();
                Record::detection_id(tenant, &cluster, Source::Partner, event, rule)
            }
            Payload::Fact(fact) => fact.id(tenant, &cluster),
            Payload::Gap(gap) => Record::gap_id(tenant, &cluster, gap),
        };
        Record {
            tenant: tenant.clone(),
            cluster,
            id,
            source: Source::Partner,
            event_time,
            ingest_time,
            payload,
        }
    }
}

impl From<&Statement> for v1::IngestRecord {
    fn from(statement: &Statement) -> Self {
        let payload = match WirePayload::from(&statement.payload) {
            WirePayload::Finding(finding) => HandedIn::Finding(finding),
            WirePayload::BoardingPass(pass) => HandedIn::BoardingPass(pass),
            WirePayload::Decision(decision) => HandedIn::Decision(decision),
            WirePayload::Detection(detection) => HandedIn::Detection(detection),
            WirePayload::Fact(fact) => HandedIn::Fact(fact),
            WirePayload::Gap(gap) => HandedIn::Gap(gap),
        };
        Self {
            cluster: statement.cluster.as_str().to_owned(),
            event_time_unix_nanos: statement.event_time.as_nanos(),
            payload: Some(payload),
        }
    }
}

impl TryFrom<v1::IngestRecord> for Statement {
    type Error = InvalidField;

    fn try_from(record: v1::IngestRecord) -> Result<Self, Self::Error> {
        let payload = match record.payload {
            None => return Err(InvalidField::new("payload", Problem::Missing)),
            Some(HandedIn::Finding(finding)) => WirePayload::Finding(finding),
            Some(HandedIn::BoardingPass(pass)) => WirePayload::BoardingPass(pass),
            Some(HandedIn::Decision(decision)) => WirePayload::Decision(decision),
            Some(HandedIn::Detection(detection)) => WirePayload::Detection(detection),
            Some(HandedIn::Fact(fact)) => WirePayload::Fact(fact),
            Some(HandedIn::Gap(mut gap)) => {
                gap.source = v1::Source::Partner.into();
                WirePayload::Gap(gap)
            }
        };
        let payload = Payload::try_from(payload)?;
        require_identities(&payload)?;
        Ok(Self {
            cluster: field::cluster_or_default("cluster", &record.cluster)?,
            event_time: field::moment(record.event_time_unix_nanos),
            payload,
        })
    }
}

/// Refuses what has an empty identity: all such things would count as one.
fn require_identities(payload: &Payload) -> Result<(), InvalidField> {
    match payload {
        Payload::Detection(detection) => named("native_id", &detection.native_id)
            .and_then(|()| named("rule", &detection.rule))
            .and_then(|()| named_links(&detection.links))
            .map_err(|error| error.within("detection")),
        Payload::Decision(decision) => named("request_uid", &decision.request_uid)
            .and_then(|()| named("object.kind", &decision.object.kind))
            .and_then(|()| named_links(&decision.links))
            .map_err(|error| error.within("decision")),
        Payload::Fact(Fact { subject, object, .. }) => named_entity("subject", subject)
            .and_then(|()| named_entity("object", object))
            .map_err(|error| error.within("fact")),
        Payload::Finding(finding) => named("check", &finding.check)
            .and_then(|()| named("object.kind", &finding.object.kind))
            .map_err(|error| error.within("finding")),
        Payload::BoardingPass(pass) => {
            named("object.kind", &pass.object.kind).map_err(|error| error.within("boarding_pass"))
        }
        Payload::Gap(Gap { .. }) => Ok(()),
    }
}

fn named_links(links: &[Link]) -> Result<(), InvalidField> {
    links.iter().enumerate().try_for_each(|(at, link)| {
        named_entity("entity", &link.entity).map_err(|error| error.within_entry(at).within("links"))
    })
}

/// An object may lack a name (before creation), never a kind; everything else is its name.
fn named_entity(field: &str, entity: &Entity) -> Result<(), InvalidField> {
    let identity = match entity {
        Entity::Object(object) => &object.kind,
        Entity::Container { id, .. } => id,
        Entity::User { name } | Entity::Domain { name } => name,
        Entity::Credential { id } => id,
        Entity::Address { ip } => ip,
        Entity::Image { reference, .. } => reference,
        Entity::FileHash { sha256 } => sha256,
    };
    named(field, identity)
}

fn named(field: &str, identity: &str) -> Result<(), InvalidField> {
    if identity.is_empty() { Err(InvalidField::new(field, Problem::Missing)) } else { Ok(()) }
}
