//! The engine against the oracle, after every record of a shuffled and repeated sequence.

use std::collections::BTreeMap;

use airside_types::{Id, Incident, Record, Tenant};
use proptest::prelude::*;

use super::random::{event, records};
use crate::{Change, Engine, Settings, incidents_of};

/// Settings with which a few dozen records reach every bound.
pub(super) fn tight() -> Settings {
    let mut settings = Settings::default();
    settings.caps.signals = 5;
    settings.caps.evidence = 6;
    settings.caps.illustrations = 2;
    settings.guards.objects_of_actor = 2;
    settings.guards.callers_of_address = 2;
    settings.retention.signals = std::time::Duration::from_secs(100_000);
    settings.retention.context = std::time::Duration::from_secs(150_000);
    settings.retention.max_signals = 20;
    settings
}

fn by_id<'a>(incidents: impl IntoIterator<Item = &'a Incident>) -> BTreeMap<Id, &'a Incident> {
    incidents.into_iter().map(|incident| (incident.id, incident)).collect()
}

/// What a reader of the changes knows.
#[derive(Default)]
struct Reader {
    current: BTreeMap<Id, Incident>,
}

impl Reader {
    fn read(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Revised(incident) => {
                    self.current.insert(incident.id, (*incident).clone());
                }
                Change::Merged { old, into, .. } => {
                    assert!(self.current.remove(&old).is_some(), "{old} was never current");
                    assert!(self.current.contains_key(&into), "{into} is not current");
                }
                Change::Withdrawn { id, .. } => {
                    assert!(self.current.remove(&id).is_some(), "{id} was never current");
                }
            }
        }
    }
}

fn assert_equal(
    engine: &Engine,
    known: &[Record],
    settings: &Settings,
) -> Result<(), TestCaseError> {
    let tenant = Tenant::default();
    let expected = incidents_of(known, settings);
    prop_assert_eq!(by_id(engine.incidents(&tenant)), by_id(&expected));
    for incident in &expected {
        for alias in &incident.aliases {
            prop_assert_eq!(
                engine.resolve(&tenant, *alias).map(|found| found.id),
                Some(incident.id)
            );
        }
    }
    Ok(())
}

/// Applies the records one by one; after each, engine, changes and oracle agree.
fn agree_after_every_record(arriving: &[Record], settings: &Settings) -> Result<(), TestCaseError> {
    let mut engine = Engine::new(settings.clone());
    let mut reader = Reader::default();
    for (position, record) in arriving.iter().enumerate() {
        engine.apply(record);
        reader.read(engine.take_changes());
        let known = arriving.get(..=position).unwrap();
        assert_equal(&engine, known, settings)?;
        prop_assert_eq!(
            by_id(reader.current.values()),
            by_id(engine.incidents(&Tenant::default()))
        );
    }
    Ok(())
}

/// A shuffled sequence of records in which some come twice.
pub(super) fn arriving(most: usize) -> impl Strategy<Value = Vec<Record>> {
    let events = prop::collection::vec(event(), 1..most);
    let repeats = prop::collection::vec(any::<prop::sample::Index>(), 0..6);
    (events, repeats).prop_flat_map(|(events, repeats)| {
        let mut records = records(&events);
        let repeated: Vec<Record> =
            repeats.iter().map(|index| index.get(&records).clone()).collect();
        records.extend(repeated);
        Just(records).prop_shuffle()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_equals_the_oracle_after_every_record(arriving in arriving(28)) {
        agree_after_every_record(&arriving, &Settings::default())?;
    }

    #[test]
    fn the_engine_equals_the_oracle_in_batches(
        arriving in arriving(60),
        batch in 1_usize..20,
    ) {
        let settings = Settings::default();
        let mut engine = Engine::new(settings.clone());
        for records in arriving.chunks(batch) {
            records.iter().for_each(|record| _ = engine.apply(record));
            engine.take_changes();
        }
        assert_equal(&engine, &arriving, &settings)?;
    }

    /// Every guard, cap and horizon is in reach. Records beyond the horizon are dropped for good, so
    /// arrival is in the order of ingest here; repeats and ties stay.
    #[test]
    fn the_engine_equals_the_oracle_at_every_bound(mut arriving in arriving(60)) {
        arriving.sort_by_key(|record| record.ingest_time);
        agree_after_every_record(&arriving, &tight())?;
    }
}
