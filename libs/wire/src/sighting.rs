//! Batches of sightings on the wire.

use airside_types::sighting::SeenRequest;
use airside_types::{CorrelationCandidate, Id, Quiet, Record, Sighting, SightingBatch, TextRef};
use bytes::Bytes;

use crate::closed_list::ClosedList;
use crate::invalid::{InvalidField, Problem};
use crate::limits::{MAX_RECORDS, MAX_SIGHTING_TEXTS, MAX_SIGHTINGS, MAX_TEXTS_OF_REQUEST};
use crate::message::{self, DecodeError, EncodeError};
use crate::{bounded, field, v1};

const WHAT: &str = "batch of sightings";

/// Encodes a batch into one message of type [`crate::MessageType::SightingBatch`].
pub fn encode_sightings(batch: &SightingBatch) -> Result<Bytes, EncodeError> {
    message::encode(WHAT, &v1::SightingBatch::from(batch))
}

/// Decodes what [`encode_sightings`] wrote.
pub fn decode_sightings(payload: &[u8]) -> Result<SightingBatch, DecodeError> {
    message::decode::<v1::SightingBatch, _>(WHAT, payload)
}

impl From<&SightingBatch> for v1::SightingBatch {
    fn from(batch: &SightingBatch) -> Self {
        Self {
            tenant: batch.tenant.as_str().to_owned(),
            cluster: batch.cluster.as_str().to_owned(),
            ingest_time_unix_nanos: batch.ingest_time.as_nanos(),
            texts: batch.texts.iter().skip(1).map(bounded::identity).collect(),
            sightings: batch.sightings.iter().map(Into::into).collect(),
            quiet: batch.quiet.iter().map(Into::into).collect(),
            quiet_reasons: batch.quiet_reasons.iter().map(|text| text.0).collect(),
        }
    }
}

impl TryFrom<v1::SightingBatch> for SightingBatch {
    type Error = InvalidField;

    fn try_from(batch: v1::SightingBatch) -> Result<Self, Self::Error> {
        let tenant = field::tenant("tenant", &batch.tenant)?;
        let cluster = field::cluster("cluster", &batch.cluster)?;
        let mut read = Self::new(tenant, cluster, field::moment(batch.ingest_time_unix_nanos));
        let texts =
            field::each("texts", batch.texts, MAX_SIGHTING_TEXTS, |it| field::identity("", it))?;
        // A text that was shortened may be one that is there already.
        let places: Vec<_> = std::iter::once(TextRef::default())
            .chain(texts.iter().map(|text| read.texts.add(text)))
            .collect();
        let sightings =
            field::each("sightings", batch.sightings, MAX_SIGHTINGS, |it| sighting(it, &places))?;
        sightings.into_iter().for_each(|sighting| read.push(sighting));
        let quiet: Vec<Quiet> = field::list("quiet", batch.quiet, MAX_SIGHTINGS)?;
        quiet.into_iter().for_each(|quiet| read.push_quiet(quiet));
        let reasons = field::each("quiet_reasons", batch.quiet_reasons, MAX_SIGHTINGS, |place| {
            text_at("", place, &places)
        })?;
        reasons.into_iter().for_each(|reason| read.push_quiet_reason(reason));
        Ok(read)
    }
}

impl From<&Sighting> for v1::Sighting {
    fn from(sighting: &Sighting) -> Self {
        let request = &sighting.request;
        let all = |texts: &[TextRef]| {
            texts.iter().take(MAX_TEXTS_OF_REQUEST).map(|text| text.0).collect::<Vec<_>>()
        };
        Self {
            event_id: bounded::id(sighting.event),
            time_unix_nanos: sighting.time.as_nanos(),
            event_bytes: sighting.bytes,
            origin: sighting.origin.as_ref().map(Into::into),
            records: sighting.records.iter().map(Into::into).collect(),
            audit_id: request.audit_id.0,
            stage: request.stage.0,
            verb: request.verb.0,
            path: request.path.0,
            username: request.username.0,
            user_uid: request.user_uid.0,
            groups: all(&request.groups),
            credential: request.credential.0,
            pod_name: request.pod_name.0,
            pod_uid: request.pod_uid.0,
            node_name: request.node_name.0,
            node_uid: request.node_uid.0,
            impersonated: request.impersonated.0,
            address: request.address.0,
            user_agent: request.user_agent.0,
            group: request.group.0,
            resource: request.resource.0,
            subresource: request.subresource.0,
            namespace: request.namespace.0,
            name: request.name.0,
            uid: request.uid.0,
            code: request.code.into(),
            status: request.status.0,
            decision: request.decision.0,
            reason: request.reason.0,
            issued_credential: request.issued_credential.0,
            decision_ids: all(&request.decision_ids),
            dry_run: request.dry_run,
            authorised: request.authorised.0,
            images: all(&request.images),
            secrets: all(&request.secrets),
            runs_as: request.runs_as.0,
            parameters: all(&request.parameters),
            candidates: sighting.candidates.iter().map(Into::into).collect(),
        }
    }
}

/// The text of a place, where the texts have these places in the batch that is read.
fn text_at(field: &'static str, place: u32, places: &[TextRef]) -> Result<TextRef, InvalidField> {
    let own = usize::try_from(place).ok().and_then(|at| places.get(at));
    own.copied().ok_or_else(|| {
        let most = (places.len() as u64).saturating_sub(1);
        InvalidField::new(field, Problem::TooLarge { value: place.into(), most })
    })
}

/// A sighting whose texts have these places in the batch that is read.
fn sighting(sighting: v1::Sighting, places: &[TextRef]) -> Result<Sighting, InvalidField> {
    let text = |field: &'static str, place: u32| text_at(field, place, places);
    let all = |field: &'static str, places: Vec<u32>| {
        field::each(field, places, MAX_TEXTS_OF_REQUEST, |place| text("", place))
    };
    let request = SeenRequest {
        audit_id: text("audit_id", sighting.audit_id)?,
        stage: text("stage", sighting.stage)?,
        verb: text("verb", sighting.verb)?,
        path: text("path", sighting.path)?,
        username: text("username", sighting.username)?,
        user_uid: text("user_uid", sighting.user_uid)?,
        groups: all("groups", sighting.groups)?,
        credential: text("credential", sighting.credential)?,
        pod_name: text("pod_name", sighting.pod_name)?,
        pod_uid: text("pod_uid", sighting.pod_uid)?,
        node_name: text("node_name", sighting.node_name)?,
        node_uid: text("node_uid", sighting.node_uid)?,
        impersonated: text("impersonated", sighting.impersonated)?,
        address: text("address", sighting.address)?,
        user_agent: text("user_agent", sighting.user_agent)?,
        group: text("group", sighting.group)?,
        resource: text("resource", sighting.resource)?,
        subresource: text("subresource", sighting.subresource)?,
        namespace: text("namespace", sighting.namespace)?,
        name: text("name", sighting.name)?,
        uid: text("uid", sighting.uid)?,
        code: u16::try_from(sighting.code).unwrap_or(u16::MAX),
        status: text("status", sighting.status)?,
        decision: text("decision", sighting.decision)?,
        reason: text("reason", sighting.reason)?,
        issued_credential: text("issued_credential", sighting.issued_credential)?,
        decision_ids: all("decision_ids", sighting.decision_ids)?,
        dry_run: sighting.dry_run,
        authorised: text("authorised", sighting.authorised)?,
        images: all("images", sighting.images)?,
        secrets: all("secrets", sighting.secrets)?,
        runs_as: text("runs_as", sighting.runs_as)?,
        parameters: all("parameters", sighting.parameters)?,
    };
    Ok(Sighting {
        event: field::id("event_id", &sighting.event_id)?,
        time: field::moment(sighting.time_unix_nanos),
        bytes: sighting.event_bytes,
        origin: field::optional("origin", sighting.origin)?,
        records: field::list::<_, Record>("records", sighting.records, MAX_RECORDS)?,
        candidates: field::list("candidates", sighting.candidates, MAX_RECORDS)?,
        request,
    })
}

impl From<&CorrelationCandidate> for v1::CorrelationCandidate {
    fn from(candidate: &CorrelationCandidate) -> Self {
        Self {
            rule_key: bounded::id(candidate.rule),
            group_id: bounded::id(candidate.group),
            value_id: candidate.value.map(bounded::id),
            places: candidate.places.iter().take(MAX_TEXTS_OF_REQUEST).copied().collect(),
            time_unix_nanos: candidate.time.as_nanos(),
            record: Some((&*candidate.record).into()),
        }
    }
}

impl TryFrom<v1::CorrelationCandidate> for CorrelationCandidate {
    type Error = InvalidField;

    fn try_from(candidate: v1::CorrelationCandidate) -> Result<Self, Self::Error> {
        let places = candidate.places;
        Ok(Self {
            rule: field::id("rule_key", &candidate.rule_key)?,
            group: field::id("group_id", &candidate.group_id)?,
            value: field::optional_id("value_id", candidate.value_id)?,
            places: field::each("places", places, MAX_TEXTS_OF_REQUEST, Ok)?,
            time: field::moment(candidate.time_unix_nanos),
            record: Box::new(field::required("record", candidate.record)?),
        })
    }
}

impl From<&Quiet> for v1::QuietEvents {
    fn from(quiet: &Quiet) -> Self {
        let ids: Vec<u8> = quiet.events.iter().flat_map(|id| *id.as_bytes()).collect();
        Self {
            kind: quiet.kind.to_wire(),
            first_unix_nanos: quiet.first.as_nanos(),
            last_unix_nanos: quiet.last.as_nanos(),
            event_ids: ids.into(),
        }
    }
}

impl TryFrom<v1::QuietEvents> for Quiet {
    type Error = InvalidField;

    fn try_from(quiet: v1::QuietEvents) -> Result<Self, Self::Error> {
        let (ids, rest) = quiet.event_ids.as_chunks::<16>();
        if !rest.is_empty() {
            let problem = Problem::NotAnId { bytes: rest.len() };
            return Err(InvalidField::new("event_ids", problem));
        }
        if ids.len() > MAX_SIGHTINGS {
            let problem = Problem::TooMany { entries: ids.len(), most: MAX_SIGHTINGS };
            return Err(InvalidField::new("event_ids", problem));
        }
        Ok(Self {
            kind: field::listed("kind", quiet.kind)?,
            first: field::moment(quiet.first_unix_nanos),
            last: field::moment(quiet.last_unix_nanos),
            events: ids.iter().copied().map(Id::from_bytes).collect(),
        })
    }
}
