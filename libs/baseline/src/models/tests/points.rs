//! Several things that are unusual at once, each of which has its place in an actor's life.

use super::*;

const DAY: i64 = 24 * HOUR;
const PIPELINE: Actor<'_> =
    Actor { name: "system:serviceaccount:ci:deployer", class: Class::Account };
const KINDS: [&str; 8] =
    ["pods", "services", "configmaps", "jobs", "ingresses", "events", "nodes", "roles"];

/// A pipeline of many habits: it deploys from nine to five whatever there is to deploy, now and then reads a Secret, is
/// refused, has a busy hour, or works late.
struct Pipeline {
    world: World,
    chance: u64,
    namespaces: Vec<String>,
}

impl Pipeline {
    fn new() -> Self {
        let namespaces = (0..600).map(|number| format!("team-{number}")).collect();
        Self { world: World::new(), chance: 7, namespaces }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.chance >> 33).unwrap() % bound
    }

    /// It asks for something, in one of its namespaces; what it is refused it is refused always in the same one.
    fn ask(&mut self, verb: &'static str, what: &'static str, outcome: Outcome) {
        let is_done = outcome == Outcome::Done;
        let namespace = if is_done { self.below(self.namespaces.len()) } else { 0 };
        let request =
            Request { namespace: &self.namespaces[namespace], ..request(verb, what, "", "x") };
        let observation = Observation { actor: PIPELINE, request, outcome, ..usual() };
        self.world.after(3 * SECOND, observation);
    }

    /// Ten minutes of its work.
    fn work(&mut self) {
        for _ in 0..3 + self.below(4) {
            let kind = KINDS[self.below(3)];
            self.ask("get", kind, Outcome::Done);
        }
        match self.below(60) {
            0 => self.ask("get", "secrets", Outcome::Done),
            1 => self.ask("delete", "jobs", Outcome::Refused),
            2 => (0..20).for_each(|_| self.ask("get", "pods", Outcome::Done)),
            _ => self.ask("patch", "configmaps", Outcome::Done),
        }
    }

    /// So many days of it.
    fn days(&mut self, number: i64) {
        for _ in 0..number {
            let midnight = (self.world.now - START) / DAY * DAY + DAY + START;
            for spell in 0..48 {
                self.world.now = midnight + 9 * HOUR + spell * 10 * MINUTE;
                self.work();
            }
        }
    }

    /// The beginning of ten minutes of the night after the last day.
    fn at_night(&mut self) {
        self.world.now = (self.world.now - START) / DAY * DAY + DAY + 2 * HOUR + START;
    }
}

/// One thing out of the ordinary.
type Deed = fn(&mut Pipeline);

const REFUSED: Deed = |it| {
    ["roles", "nodes", "events", "ingresses"]
        .into_iter()
        .for_each(|kind| it.ask("list", kind, Outcome::Refused));
};
const SECRETS: Deed = |it| (0..3).for_each(|_| it.ask("get", "secrets", Outcome::Done));
const BUSY: Deed = |it| (0..20).for_each(|_| it.ask("get", "services", Outcome::Done));

#[test]
fn what_is_unusual_in_several_ways_at_once_is_told_with_each_of_them() {
    let mut pipeline = Pipeline::new();
    pipeline.days(40);
    assert_eq!(pipeline.world.told(), "", "it never does the same, and that is usual");
    pipeline.at_night();
    [REFUSED, SECRETS, BUSY].into_iter().for_each(|deed| deed(&mut pipeline));
    insta::assert_snapshot!(pipeline.world.told(), @"AUD-B15 low: was unusual in 3 ways at once within ten minutes: 4 requests in vain (never before), 2:00 UTC, which is not its hour (never before), 1 dangerous deed (in 31 of them); in 1920 such times it never was so unusual, and in 1820 of its kind 0 were (520 of a million)");
    for again in [1, 0] {
        [REFUSED, SECRETS, BUSY].into_iter().for_each(|deed| deed(&mut pipeline));
        pipeline.world.told.retain(|it| it.rule == "AUD-B15");
        assert_eq!(
            pipeline.world.told.drain(..).count(),
            again,
            "what gets worse is told once more"
        );
    }
}

#[test]
fn how_an_actors_times_go_is_known_after_a_restart() {
    let mut pipeline = Pipeline::new();
    pipeline.days(40);
    pipeline.world.moves();
    pipeline.at_night();
    REFUSED(&mut pipeline);
    pipeline.world.moves();
    [SECRETS, BUSY].into_iter().for_each(|deed| deed(&mut pipeline));
    assert!(pipeline.world.told().starts_with("AUD-B15 low: was unusual in 3 ways"));
}

#[test]
fn what_is_strongly_unusual_in_more_ways_is_worse_and_told_once_more() {
    let mut pipeline = Pipeline::new();
    pipeline.days(40);
    pipeline.at_night();
    let by_hand = Client { tool: "web", version: "1", is_by_hand: true };
    let read = request("get", "pods", "team-1", "x");
    [REFUSED, SECRETS].into_iter().for_each(|deed| deed(&mut pipeline));
    assert!(pipeline.world.told().starts_with("AUD-B15 low"));
    let read = Observation { actor: PIPELINE, request: read, client: by_hand, ..usual() };
    pipeline.world.after(SECOND, Observation { bytes: 40 << 10, ..read });
    SECRETS(&mut pipeline);
    insta::assert_snapshot!(pipeline.world.told(), @"AUD-B15 medium: was unusual in 5 ways at once within ten minutes: 3 dangerous deeds (never before), 4 requests in vain (never before), 2:00 UTC, which is not its hour (never before), an event of 40 KiB (never before), a tool that people type into (never before); in 1920 such times it never was so unusual, and in 1820 of its kind 0 were (520 of a million)");
}

#[test]
fn what_is_unusual_in_two_ways_is_no_attack() {
    for deeds in [[REFUSED, SECRETS], [SECRETS, BUSY], [REFUSED, BUSY]] {
        let mut pipeline = Pipeline::new();
        pipeline.days(40);
        pipeline.world.now += 10 * MINUTE;
        deeds.into_iter().for_each(|deed| deed(&mut pipeline));
        assert_eq!(pipeline.world.told(), "");
    }
}

#[test]
fn who_is_not_known_for_long_is_unusual_in_nothing() {
    let mut pipeline = Pipeline::new();
    pipeline.days(2);
    pipeline.at_night();
    [REFUSED, SECRETS, BUSY].into_iter().for_each(|deed| deed(&mut pipeline));
    assert!(!pipeline.world.told().contains("AUD-B15"));
}

#[test]
fn what_another_model_has_told_counts_no_more() {
    let mut pipeline = Pipeline::new();
    pipeline.days(40);
    pipeline.at_night();
    // A network of the internet is told by itself, and takes no part.
    let from = Some(IpAddr::from([203, 0, 113, 9]));
    let read = Observation { actor: PIPELINE, address: from, ..usual() };
    pipeline.world.after(SECOND, read);
    REFUSED(&mut pipeline);
    SECRETS(&mut pipeline);
    let told = pipeline.world.told();
    assert!(told.starts_with("AUD-B02 medium: came from 203.0.113.9"), "{told}");
    assert!(!told.contains("a network that is new for it"), "{told}");
}

#[test]
fn the_second_time_it_is_not_so_unusual() {
    let mut pipeline = Pipeline::new();
    pipeline.days(40);
    for is_told in [true, false] {
        pipeline.at_night();
        [REFUSED, SECRETS, BUSY].into_iter().for_each(|deed| deed(&mut pipeline));
        assert_eq!(pipeline.world.told().contains("AUD-B15"), is_told);
        pipeline.days(1);
    }
}
