//! The digest of all that an incident says.

use airside_types::{
    Evidence, Gap, Id, IdBuilder, Incident, Link, Place, Repeats, RootCause, ScoreTerm, Stage,
    Timestamp,
};

/// A digest of every field of an incident but itself: equal content has equal digests. Each field is
/// named below, so that a new one cannot be forgotten.
pub(super) fn content_hash(incident: &Incident) -> Id {
    let Incident {
        id,
        aliases,
        tenant,
        clusters,
        content_hash: _,
        severity,
        score,
        terms,
        title,
        first_seen,
        last_seen,
        stages,
        entities,
        evidence,
        root_causes,
        advice,
        gaps,
    } = incident;
    let mut digest = Id::builder("incident/content").id(*id).text(tenant.as_str());
    digest = each(digest, aliases, |digest, alias| digest.id(*alias));
    digest = each(digest, clusters, |digest, cluster| digest.text(cluster.as_str()));
    digest = digest.text(severity.as_str()).number(*score).text(title);
    digest = time(time(digest, *first_seen), *last_seen);
    digest = each(digest, terms, term);
    digest = each(digest, stages, stage);
    digest = each(digest, entities, link);
    digest = each(digest, evidence, piece);
    digest = each(digest, root_causes, cause);
    digest = each(digest, advice, |digest, line| digest.text(line));
    each(digest, gaps, gap).finish()
}

fn each<T>(digest: IdBuilder, items: &[T], add: impl Fn(IdBuilder, &T) -> IdBuilder) -> IdBuilder {
    let counted = digest.number(i64::try_from(items.len()).unwrap_or(i64::MAX));
    items.iter().fold(counted, add)
}

fn time(digest: IdBuilder, time: Timestamp) -> IdBuilder {
    digest.number(time.as_nanos())
}

fn term(digest: IdBuilder, ScoreTerm { reason, points }: &ScoreTerm) -> IdBuilder {
    digest.text(reason).number(*points)
}

fn stage(digest: IdBuilder, stage: &Stage) -> IdBuilder {
    let Stage { tactic, techniques, first, last } = stage;
    let digest = each(digest.text(tactic.as_str()), techniques, |digest, it| digest.text(it.id()));
    time(time(digest, *first), *last)
}

/// With the name as well as the identity: what people see is part of the content.
fn link(digest: IdBuilder, Link { role, entity }: &Link) -> IdBuilder {
    let namespace = entity.as_object().and_then(|object| object.namespace.as_deref());
    let uid = entity.as_object().and_then(|object| object.uid.as_deref());
    let digest = digest.text(role.as_str()).text(entity.kind()).text(entity.name());
    let digest = digest.optional(namespace).optional(uid);
    digest.text(entity.as_object().map_or("", |object| &object.group))
}

fn place(digest: IdBuilder, place: Option<&Place>) -> IdBuilder {
    let Some(Place { path, line, column }) = place else { return digest.optional(None) };
    digest.optional(Some(path)).number(i64::from(*line)).number(i64::from(*column))
}

fn piece(digest: IdBuilder, piece: &Evidence) -> IdBuilder {
    let Evidence {
        record,
        source,
        phase,
        time: moment,
        rule,
        summary,
        severity,
        native_id,
        origin,
        event,
        repeats,
    } = piece;
    let digest = digest.id(*record).text(source.as_str()).text(phase.as_str());
    let digest = time(digest, *moment).text(rule).text(summary).text(severity.as_str());
    let digest = place(digest.text(native_id), origin.as_ref());
    let digest = event.map_or(digest.clone(), |event| digest.id(event));
    let Some(Repeats { count, last, carried_out }) = repeats else { return digest };
    let digest = time(digest.text(&count.to_string()), *last);
    if *carried_out == 0 { digest } else { digest.text(&carried_out.to_string()) }
}

fn cause(digest: IdBuilder, cause: &RootCause) -> IdBuilder {
    let RootCause { check, severity, object, field, place: stands, message, fix, lineage } = cause;
    let digest = digest.text(check).text(severity.as_str()).text(&object.to_string());
    let digest = digest.text(&object.group).text(&field.to_string()).text(message).text(fix);
    each(place(digest, Some(stands)), lineage, |digest, step| digest.text(step))
}

fn gap(digest: IdBuilder, gap: &Gap) -> IdBuilder {
    let Gap { source, origin, from, until, lost, reason } = gap;
    let digest = time(time(digest.text(source.as_str()).text(origin), *from), *until);
    let lost = lost.map(|lost| lost.to_string());
    digest.optional(lost.as_deref()).text(reason)
}
