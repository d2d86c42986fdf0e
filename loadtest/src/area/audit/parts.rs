//! What batches cost up to each step of understanding them, single-threaded: reading alone, all rules, what ingest publishes, and
//! what the owner of a cluster makes of that.

use airside_audit_ingest::Judging;
use airside_detect::audit::read::{self, Item};
use airside_detect::audit::{self, Event, Known, Request};
use airside_detect::{Clock, ClusterProfile, Intake};
use airside_service::intake::Understood;
use airside_sift::{Limits, Sift};
use airside_types::{Cluster, Tenant, Timestamp};
use bytes::Bytes;

use crate::measure::{Span, measured};
use crate::pipeline::received;

/// How many bytes what is known of bodies may have.
const BODIES: usize = 16 << 20;

/// The time of each step, of which each does again what the steps before it do.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) reading: Span,
    /// With every rule and all facts, knowing what came before: what `airside detect` tells of single events.
    pub(super) rules: Span,
    /// The same, where of what came before only bodies are known.
    pub(super) known_bodies: Span,
    /// The same, where nothing is known of what came before.
    pub(super) each_anew: Span,
    /// How many records that were.
    pub(super) records: usize,
    /// With what travels to the owner of the cluster, which is not what is ordinary.
    pub(super) sightings: Span,
    /// With what the owner makes of it: behaviour, counting, repeats.
    pub(super) sifting: Span,
    /// How many records the owner tells.
    pub(super) told: usize,
}

impl Parts {
    /// Measures the same batches for each step.
    pub(super) fn of(batches: &[Bytes]) -> anyhow::Result<Self> {
        let (_, reading) =
            measured(|| Ok(each(batches, None, |event, _| usize::from(event.is_event()))))?;
        let told = |request: &Request<'_>, intake: &Intake<'_>| {
            std::hint::black_box(audit::told_by(request, intake)).len()
        };
        let knowing = |known: &Known| {
            each(batches, Some(known), |event, intake| {
                told(&Request::new(event, intake.profile).among(known.by(0)), intake)
            })
        };
        let (records, rules) = measured(|| Ok(knowing(&Known::default())))?;
        let (_, known_bodies) = measured(|| Ok(knowing(&Known::of_each(BODIES, 0))))?;
        let (_, each_anew) = measured(|| {
            Ok(each(batches, None, |event, intake| {
                told(&Request::new(event, intake.profile), intake)
            }))
        })?;
        let (_, sightings) = measured(|| {
            let judging = Judging::default();
            let count = |body| Ok(understood(body, &judging)?.sightings.len());
            batches.iter().map(count).sum::<anyhow::Result<usize>>()
        })?;
        let mut sift = Sift::new(Limits::default());
        let (told, sifting) = measured(|| {
            let judging = Judging::default();
            let mut told = 0;
            for body in batches {
                for mut batch in understood(body, &judging)?.sightings {
                    told += sift.take(&mut batch, ClusterProfile::unknown()).told.len();
                }
                // The owner has kept them by then; what that costs is the pipeline's measure.
                sift.discard_changes();
            }
            Ok(told)
        })?;
        Ok(Self { reading, rules, known_bodies, each_anew, records, sightings, sifting, told })
    }

    /// The median of each step over several rounds; none of none.
    pub(super) fn median(rounds: Vec<Self>) -> Option<Self> {
        let of = |step: fn(&Self) -> Span| Span::median(rounds.iter().map(step).collect());
        let (reading, rules) = (of(|it| it.reading)?, of(|it| it.rules)?);
        let (known_bodies, each_anew) = (of(|it| it.known_bodies)?, of(|it| it.each_anew)?);
        let (sightings, sifting) = (of(|it| it.sightings)?, of(|it| it.sifting)?);
        let last = rounds.into_iter().last()?;
        Some(Self { reading, rules, known_bodies, each_anew, sightings, sifting, ..last })
    }
}

/// Whether the same is told of every event where what came before is known.
pub(super) fn are_the_same_where_known(batches: &[Bytes]) -> bool {
    let before = Known::default();
    let differ = |event: &Event<'_>, intake: &Intake<'_>| {
        let alone = audit::told_by(&Request::new(event, intake.profile), intake);
        let known = Request::new(event, intake.profile).among(before.by(0));
        usize::from(audit::told_by(&known, intake) != alone)
    };
    each(batches, Some(&before), differ) == 0
}

fn understood(body: &Bytes, judging: &Judging) -> anyhow::Result<Understood> {
    airside_audit_ingest::understand(&received(body.clone()), judging)
        .map_err(|error| anyhow::anyhow!("a batch was refused: {error}"))
}

/// Reads all batches as they come in, and takes each event.
fn each(
    batches: &[Bytes],
    known: Option<&Known>,
    mut take: impl FnMut(&Event<'_>, &Intake<'_>) -> usize,
) -> usize {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let intake = Intake {
        tenant: &tenant,
        cluster: &cluster,
        clock: Clock::Live(Timestamp::EPOCH),
        profile: ClusterProfile::unknown(),
        origin: None,
    };
    let mut taken = 0;
    for body in batches {
        let mut each = |item: Item<'_, '_>| {
            taken += item.event.map_or(0, |event| take(event, &intake));
        };
        match known {
            Some(known) => read::record_among(known, 1, body, &mut each),
            None => read::record(1, body, &mut each),
        }
    }
    taken
}
