//! Times in any order: two API servers' clocks differ, files are read in any order, and anybody may write a time.

use super::*;

/// Days and hours around a midnight, and what else somebody may write.
fn time() -> impl Strategy<Value = i64> {
    const HOUR: i64 = 3_600 * SECOND;
    let midnight = Timestamp::parse_rfc3339("2026-03-02T00:00:00Z").unwrap().as_nanos();
    prop_oneof![
        6 => (-3 * 24..3 * 24_i64).prop_map(move |hours| midnight + hours * HOUR),
        3 => (-5..5_i64).prop_map(move |tenths| midnight + tenths * SECOND / 10),
        1 => prop::sample::select(vec![i64::MIN, -1, 0, i64::MAX]),
        1 => any::<i64>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn times_in_any_order_break_nothing(
        choices in prop::collection::vec((any::<[u8; 3]>(), time()), 1..60),
    ) {
        let mut state = Sift::new(Limits { seen_for: Duration::from_mins(10), ..Limits::default() });
        let mut events = Events::new();
        for ([user, deed, name], time) in choices {
            let (verb, resource) = DEEDS[usize::from(deed) % DEEDS.len()];
            let name = ["a", "b", "c", "d", "e", "f"][usize::from(name) % 6];
            events.now = time;
            events.add(0, USERS[usize::from(user) % USERS.len()], verb, resource, name);
            sift(&std::mem::replace(&mut events.batch, Events::new().batch), &mut state);
        }
        state.finish();
    }
}
