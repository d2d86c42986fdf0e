//! Tenants that add to one stream, whose reader takes so much away in each second.

use std::collections::VecDeque;

use airside_ports::Offset;

use super::*;

const LIMIT: u64 = 1 << 30;
/// In each second are so many steps; in each one every tenant sends its part.
const STEPS: u64 = 100;

/// A stream, processes that publish to it, and what became of what was sent.
struct World {
    /// The sizes of the entries.
    entries: VecDeque<u64>,
    held: u64,
    first: u64,
    taken_away: u64,
    /// What the reader may still take away.
    owed: u64,
    processes: Vec<Accounts>,
    now: Instant,
    senders: Vec<Sender>,
}

#[derive(Default)]
struct Sender {
    a_second: u64,
    body: u64,
    owed: u64,
    sent: u64,
    refused: u64,
    found_it_full: u64,
}

impl World {
    fn new(processes: usize, taken_away: u64) -> Self {
        let processes = (0..processes).map(|_| Accounts::default()).collect();
        let (entries, senders) = (VecDeque::new(), Vec::new());
        let now = Instant::now();
        Self { entries, held: 0, first: 1, taken_away, owed: 0, processes, now, senders }
    }

    /// A tenant sends so many bytes a second, in bodies of a size.
    fn sends(mut self, a_second: u64, body: u64) -> Self {
        self.senders.push(Sender { a_second, body, ..Sender::default() });
        self
    }

    fn seconds(mut self, seconds: u64) -> Self {
        for step in 0..seconds * STEPS {
            self.now += Duration::from_secs(1) / 100;
            self.take_away();
            for number in 0..self.senders.len() {
                self.send(number, usize::try_from(step).unwrap());
            }
        }
        self
    }

    fn take_away(&mut self) {
        self.owed += self.taken_away / STEPS;
        while let Some(entry) = self.entries.front().copied() {
            if entry > self.owed {
                return;
            }
            self.entries.pop_front();
            (self.owed, self.held, self.first) =
                (self.owed - entry, self.held - entry, self.first + 1);
        }
        self.owed = 0;
    }

    fn room(&self) -> StreamRoom {
        let next = Offset(self.first + self.entries.len() as u64);
        StreamRoom { held_bytes: self.held, limit_bytes: LIMIT, first: Offset(self.first), next }
    }

    fn send(&mut self, number: usize, step: usize) {
        let tenant = Tenant::new(&format!("tenant-{number}")).unwrap();
        let process = step % self.processes.len();
        let sender = &mut self.senders[number];
        sender.owed += sender.a_second / STEPS;
        let Sender { body, .. } = *sender;
        while self.senders[number].owed >= body {
            self.senders[number].owed -= body;
            if self.processes[process].tight().is_some() {
                self.look(process);
            }
            let admitted = self.processes[process].admit(&tenant, self.now).is_ok();
            let sender = &mut self.senders[number];
            if !admitted {
                sender.refused += 1;
            } else if self.held + body > LIMIT {
                sender.found_it_full += 1;
            } else {
                sender.sent += 1;
                self.held += body;
                self.entries.push_back(body);
                self.processes[process].charge(&tenant, body, self.now);
                self.look(process);
            }
        }
    }

    fn look(&mut self, process: usize) {
        if self.processes[process].begin_look(self.now) {
            let room = self.room();
            self.processes[process].see(room, self.now);
        }
    }

    /// The bytes of a tenant that were taken.
    fn taken(&self, number: usize) -> u64 {
        self.senders[number].sent * self.senders[number].body
    }

    /// How often each tenant was refused for its share, and because the stream was full.
    fn refused(&self) -> Vec<(u64, u64)> {
        self.senders.iter().map(|sender| (sender.refused, sender.found_it_full)).collect()
    }
}

#[test]
fn of_a_flood_others_notice_nothing() {
    for processes in [1, 3] {
        let world = World::new(processes, 10_000_000)
            .sends(80_000_000, 200_000)
            .sends(400_000, 4_000)
            .sends(2_000_000, 50_000)
            .seconds(300);
        let refused = world.refused();
        assert!(refused[0].0 > 0, "{refused:?}");
        assert_eq!(refused[0].1, 0, "the flood does not fill the stream");
        assert_eq!(refused[1..], [(0, 0), (0, 0)], "of {processes} processes");
        let taken = world.taken(0);
        assert!(taken > 7_000_000 * 300, "the flood has what others leave: {taken}");
    }
}

#[test]
fn who_sends_more_than_others_and_less_than_a_flood_is_not_held_up_by_many() {
    let mut world = World::new(1, 10_000_000).sends(80_000_000, 200_000).sends(3_000_000, 30_000);
    for _ in 0..200 {
        world = world.sends(10_000, 1_000);
    }
    let refused = world.seconds(60).refused();
    assert_eq!(refused[1], (0, 0));
    assert_eq!(refused[2..], vec![(0, 0); 200]);
}

#[test]
fn while_the_reader_keeps_up_nobody_is_refused() {
    let world =
        World::new(1, 20_000_000).sends(15_000_000, 1_000_000).sends(10_000, 500).seconds(60);
    assert_eq!(world.refused(), [(0, 0), (0, 0)]);
}

#[test]
fn two_floods_come_to_add_as_much() {
    let world = World::new(1, 10_000_000).sends(50_000_000, 100_000).sends(50_000_000, 100_000);
    let world = world.seconds(300);
    let (first, second) = (world.taken(0), world.taken(1));
    assert!(first.abs_diff(second) * 20 < first, "{first} and {second}");
    assert!(first + second > 9_000_000 * 300, "nothing of what is read stands idle");
}

#[test]
fn a_stream_that_nobody_reads_has_room_for_others_beside_a_flood() {
    let world = World::new(1, 0).sends(80_000_000, 100_000).seconds(600);
    assert_eq!(world.refused()[0].1, 0);
    let world = world.sends(40_000, 1_000).seconds(300);
    assert_eq!(world.refused()[1], (0, 0), "it came late, and sends for two minutes");
}

#[test]
fn what_is_larger_than_a_share_is_taken_and_paid_for() {
    let start = Instant::now();
    let seconds = |seconds| start + Duration::from_secs(seconds);
    let (one, other) = (Tenant::new("one").unwrap(), Tenant::new("other").unwrap());
    let room = |held_bytes, first| {
        let (first, next) = (Offset(first), Offset(100));
        StreamRoom { held_bytes, limit_bytes: 100, first, next }
    };
    let mut accounts = Accounts::default();
    accounts.begin_look(start);
    accounts.see(room(60, 40), start);
    assert_eq!(accounts.admit(&one, start), Ok(()));
    accounts.charge(&one, 22, start);
    assert_eq!(accounts.admit(&one, start), Err(60), "its share was 10 of the 40 that are free");
    assert_eq!(accounts.admit(&other, start), Ok(()));
    accounts.charge(&other, 2, start);
    accounts.see(room(74, 50), seconds(1));
    assert_eq!(accounts.admit(&one, seconds(1)), Err(74), "it has earned 8 of the 10 that went");
    assert_eq!(accounts.admit(&other, seconds(1)), Ok(()));
    accounts.see(room(66, 55), seconds(2));
    assert_eq!(accounts.admit(&one, seconds(2)), Ok(()), "and 8 more, since the other had enough");
    accounts.see(room(40, 60), seconds(3));
    accounts.charge(&one, 1_000, seconds(3));
    assert_eq!(accounts.admit(&one, seconds(3)), Ok(()), "there is room for everybody");
    accounts.see(room(60, 60), seconds(4));
    assert_eq!(accounts.admit(&one, seconds(4)), Ok(()), "what was free was nobody's");
}

#[test]
fn an_append_that_is_noted_late_earns_nothing() {
    let now = Instant::now();
    let (first, next) = (Offset(1), Offset(100));
    let room = |held_bytes| StreamRoom { held_bytes, limit_bytes: 1_000, first, next };
    let tenant = Tenant::default();
    let mut accounts = Accounts::default();
    let look = |accounts: &mut Accounts, held, second| {
        let now = now + Duration::from_secs(second);
        assert!(accounts.begin_look(now));
        accounts.see(room(held), now);
    };
    look(&mut accounts, 600, 0);
    accounts.charge(&tenant, 200, now);
    look(&mut accounts, 800, 1);
    assert_eq!(accounts.admit(&tenant, now), Err(80), "it has added twice its share");
    // 100 more are in the stream before they are noted.
    look(&mut accounts, 900, 2);
    accounts.charge(&tenant, 100, now);
    look(&mut accounts, 900, 3);
    look(&mut accounts, 900, 4);
    assert_eq!(accounts.of[&tenant].left, -200, "nothing was taken away");
    look(&mut accounts, 850, 5);
    assert_eq!(accounts.of[&tenant].left, -150);
}

#[test]
fn who_is_not_heard_of_is_forgotten_and_who_waits_is_not() {
    let now = Instant::now();
    let (one, other) = (Tenant::new("one").unwrap(), Tenant::new("other").unwrap());
    let (first, next) = (Offset(1), Offset(100));
    let room = |held_bytes| StreamRoom { held_bytes, limit_bytes: 1_000, first, next };
    let mut accounts = Accounts::default();
    accounts.see(room(600), now);
    for tenant in [&one, &other] {
        accounts.charge(tenant, 100, now);
        assert_eq!(accounts.admit(tenant, now), Err(60));
    }
    let later = now + Duration::from_secs(50);
    accounts.see(room(800), later);
    assert_eq!(accounts.admit(&one, later), Err(80), "nothing was taken away");
    accounts.see(room(800), now + HEARD_FOR);
    assert_eq!(accounts.of.keys().collect::<Vec<_>>(), [&one]);
}

#[test]
fn the_stream_is_looked_at_each_second_and_where_much_was_added() {
    let now = Instant::now();
    let tenant = Tenant::default();
    let after = |milliseconds| now + Duration::from_millis(milliseconds);
    let mut accounts = Accounts::default();
    assert!(accounts.begin_look(now));
    assert!(!accounts.begin_look(after(999)), "somebody looks");
    assert!(accounts.begin_look(after(1_000)));
    let (first, next) = (Offset(1), Offset(100));
    let room = StreamRoom { held_bytes: 600, limit_bytes: 1_000, first, next };
    accounts.see(room, after(1_000));
    accounts.charge(&tenant, 100, after(1_100));
    assert!(!accounts.begin_look(after(1_100)));
    accounts.charge(&tenant, 1, after(1_100));
    assert!(accounts.begin_look(after(1_100)));
    assert!(!accounts.begin_look(after(1_149)), "a log that does not answer is not asked at once");
    assert!(accounts.begin_look(after(1_150)));
}

#[test]
fn who_wants_less_than_its_part_leaves_it_to_others() {
    let of = |bytes, wanted: &[Option<u64>]| fair_part(bytes, wanted);
    assert_eq!(of(90, &[None, None, None]), 30);
    assert_eq!(of(90, &[Some(10), None, None]), 40);
    assert_eq!(of(90, &[Some(10), Some(35), None]), 45);
    assert_eq!(of(90, &[Some(10), Some(60), None]), 40, "the second one wants more than its part");
    assert_eq!(of(0, &[Some(10), None]), 0);
    assert_eq!(of(90, &[Some(0), Some(20)]), 70, "what is left is nobody's");
    assert_eq!(of(90, &[]), 90);
}
