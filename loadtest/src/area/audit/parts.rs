//! What batches cost up to each step of understanding them, single-threaded: reading alone, all rules, the rules of which
//! correlation hears, and what is usual as well.

use airside_baseline::{ClusterBehaviour, Limits};
use airside_detect::audit::{self, Event, read};
use airside_detect::{Clock, ClusterProfile, Intake};
use airside_types::{Cluster, Payload, Record, Tenant, Timestamp};
use bytes::Bytes;

use crate::measure::{Span, measured};

/// The time of each step, of which each does again what the steps before it do.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) reading: Span,
    /// With every rule and all facts: what `airside detect` tells.
    pub(super) rules: Span,
    /// How many records that were.
    pub(super) told: usize,
    /// Without what is ordinary, which no correlation hears.
    pub(super) to_correlate: Span,
    /// With every rule, and what is usual for whom.
    pub(super) behaviour: Span,
}

impl Parts {
    /// Measures the same batches for each step.
    pub(super) fn of(batches: &[Bytes]) -> anyhow::Result<Self> {
        let (_, reading) = measured(|| each(batches, |event, _| usize::from(event.is_event())))?;
        let (told, rules) =
            measured(|| each(batches, |event, intake| kept(audit::records(event, intake))))?;
        let (_, to_correlate) = measured(|| {
            each(batches, |event, intake| kept(audit::records_to_correlate(event, intake)))
        })?;
        let mut usual = ClusterBehaviour::new(Limits::default());
        let (_, behaviour) =
            measured(|| each(batches, |event, intake| observed(&mut usual, event, intake)))?;
        Ok(Self { reading, rules, told, to_correlate, behaviour })
    }
}

/// How many records there are, of which the compiler leaves none out.
fn kept(records: Vec<Record>) -> usize {
    std::hint::black_box(records).len()
}

fn observed(usual: &mut ClusterBehaviour, event: &Event<'_>, intake: &Intake<'_>) -> usize {
    let records = audit::records(event, intake);
    for record in &records {
        if let Payload::Fact(fact) = &record.payload {
            usual.know(fact);
        }
    }
    let observation = audit::observation(event, 0, intake);
    kept(records) + observation.map_or(0, |observation| usual.observe(&observation).len())
}

/// Reads all batches as they come in, and takes each event.
fn each(
    batches: &[Bytes],
    mut take: impl FnMut(&Event<'_>, &Intake<'_>) -> usize,
) -> anyhow::Result<usize> {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let intake = Intake {
        tenant: &tenant,
        cluster: &cluster,
        clock: Clock::Live(Timestamp::EPOCH),
        profile: ClusterProfile::unknown(),
        origin: None,
    };
    let (mut taken, mut unreadable) = (0, 0);
    for body in batches {
        read::record(1, body, &mut |item| match item.event {
            Ok(event) => taken += take(event, &intake),
            Err(_) => unreadable += 1,
        });
    }
    anyhow::ensure!(unreadable == 0, "{unreadable} events cannot be read");
    Ok(taken)
}
