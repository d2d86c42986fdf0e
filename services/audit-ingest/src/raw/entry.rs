//! Questions to the archive as they travel from whoever asks, and its records as they travel back.

use std::borrow::Cow;

use airside_archive::{Field, Query, RawRecord};
use airside_detect::audit::redacted;
use airside_types::Tenant;
use airside_wire::raw::{RawEntry, RawQuery, Shown};
use bytes::Bytes;

/// A record, with what is shown of its bytes.
pub fn raw_entry(record: &RawRecord, raw: Shown) -> RawEntry {
    let texts = record.texts();
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

/// What people see of the bytes that came: nothing that looks like a credential.
pub fn shown_to_people(raw: &Bytes) -> Shown {
    match redacted(raw) {
        Some(Cow::Borrowed(_)) => Shown::AsItCame(raw.clone()),
        Some(Cow::Owned(bytes)) => Shown::Redacted(bytes.into()),
        None => Shown::Unreadable,
    }
}

/// What a tenant asks for, the page aside.
pub fn raw_query(asked: &RawQuery, tenant: &Tenant) -> Query {
    let mut query = Query::of(tenant);
    if !asked.with_raw {
        query = query.without_raw();
    }
    for (field, text) in [
        (Field::AuditId, &asked.audit_id),
        (Field::Actor, &asked.actor),
        (Field::Impersonated, &asked.impersonated),
        (Field::Verb, &asked.verb),
        (Field::Group, &asked.group),
        (Field::Resource, &asked.resource),
        (Field::Subresource, &asked.subresource),
        (Field::Namespace, &asked.namespace),
        (Field::Name, &asked.name),
        (Field::Address, &asked.address),
    ] {
        query = text.iter().fold(query, |query, text| query.text(field, text));
    }
    query = asked.cluster.iter().cloned().fold(query, Query::cluster);
    query = asked.from.into_iter().fold(query, Query::from);
    query = asked.until.into_iter().fold(query, Query::until);
    asked.code.into_iter().fold(query, Query::code)
}
