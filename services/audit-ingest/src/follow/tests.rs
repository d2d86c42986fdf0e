//! What is told of a log that is written, rotated, emptied and left off.

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::time::{Duration, SystemTime};

use airside_types::{Source, Timestamp};

use super::*;

struct Log {
    folder: tempfile::TempDir,
    /// How often it was written: each time is a second later than the one before.
    writes: Cell<u64>,
}

/// How logs are rotated: by the hour in their names, and by numbers.
const ROTATORS: [fn(&Log, u32); 2] = [Log::rotate_by_time, Log::rotate_by_number];

impl Log {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), writes: Cell::new(0) }
    }

    fn path(&self) -> PathBuf {
        self.named("audit.log")
    }

    fn named(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, text: &str) {
        let file = fs::OpenOptions::new().create(true).append(true).open(self.path());
        let mut file = file.unwrap();
        file.write_all(text.as_bytes()).unwrap();
        self.writes.set(self.writes.get() + 1);
        let second = Duration::from_secs(self.writes.get());
        file.set_modified(SystemTime::UNIX_EPOCH + second).unwrap();
    }

    fn rotate(&self, to: &str) {
        fs::rename(self.path(), self.named(to)).unwrap();
    }

    fn rotate_by_time(&self, hour: u32) {
        self.rotate(&format!("audit-2026-11-27T{hour:02}-00-00.000.log"));
    }

    fn rotate_by_number(&self, _hour: u32) {
        for number in (1..9).rev() {
            let older = self.named(&format!("audit.log.{number}"));
            if older.try_exists().unwrap() {
                fs::rename(older, self.named(&format!("audit.log.{}", number + 1))).unwrap();
            }
        }
        self.rotate("audit.log.1");
    }

    fn follow(&self, start: Option<Position>) -> Follower {
        Follower::new(self.path(), 20, start)
    }

    /// The same, of lines that may be long.
    fn long(&self, start: Option<Position>) -> Follower {
        Follower::new(self.path(), 1 << 20, start)
    }
}

/// All that is there now, and how far it was read.
async fn read(follower: &mut Follower) -> (String, Option<Position>) {
    let (text, position, _) = read_with_gaps(follower).await;
    (text, position)
}

/// The same, and what was not read: from which second until which, and why.
async fn read_with_gaps(follower: &mut Follower) -> (String, Option<Position>, Vec<Told>) {
    let (mut text, mut position, mut gaps) = (String::new(), None, Vec::new());
    while let Some(lines) = follower.next().await.unwrap() {
        gaps.extend(lines.gap.map(Told::of));
        text.push_str(std::str::from_utf8(&lines.bytes).unwrap());
        if lines.is_cut {
            text.push_str("…\n");
        }
        position = Some(Position::decode(&lines.next.encode()).unwrap());
    }
    (text, position, gaps)
}

/// What a gap says.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    from: i64,
    until: i64,
    why: String,
}

impl Told {
    fn of(gap: Gap) -> Self {
        assert_eq!((gap.source, gap.lost), (Source::Audit, None));
        assert!(gap.origin.starts_with("the audit log /"), "{gap:?}");
        assert!(gap.origin.ends_with("/audit.log"), "{gap:?}");
        let second = |time: Timestamp| time.as_nanos() / 1_000_000_000;
        Self { from: second(gap.from), until: second(gap.until), why: gap.reason }
    }

    fn new(from: i64, until: i64, why: &str) -> Self {
        Self { from, until, why: why.to_owned() }
    }

    /// Of a file that is gone, of which so many bytes were read.
    fn gone(from: i64, until: i64, read: usize) -> Self {
        let why = format!(
            "the file that was read up to byte {read} is gone, or was emptied: what it held after that is not known"
        );
        Self { from, until, why }
    }
}

async fn told(follower: &mut Follower) -> String {
    read(follower).await.0
}

#[tokio::test]
async fn whole_lines_are_told_as_they_come() {
    let log = Log::new();
    let mut follower = log.follow(None);
    assert_eq!(told(&mut follower).await, "", "there is no file yet");
    log.write("one\ntw");
    assert_eq!(told(&mut follower).await, "one\n");
    assert_eq!(told(&mut follower).await, "");
    log.write("o\nthree\n");
    assert_eq!(told(&mut follower).await, "two\nthree\n");
}

#[tokio::test]
async fn a_file_that_is_renamed_is_read_to_its_end_first() {
    let log = Log::new();
    let mut follower = log.follow(None);
    log.write("one\n");
    assert_eq!(told(&mut follower).await, "one\n");
    log.write("two\nlast");
    log.rotate("audit-1.log");
    assert_eq!(told(&mut follower).await, "two\n", "the new file is not there yet");
    log.write("three\n");
    assert_eq!(told(&mut follower).await, "lastthree\n");
}

#[tokio::test]
async fn a_file_that_is_emptied_is_begun_anew() {
    let log = Log::new();
    let mut follower = log.follow(None);
    log.write("a longer line\n");
    assert_eq!(told(&mut follower).await, "a longer line\n");
    fs::write(log.path(), "new\n").unwrap();
    assert_eq!(told(&mut follower).await, "new\n");
}

#[tokio::test]
async fn it_goes_on_where_it_was_left_whatever_happened_meanwhile() {
    let log = Log::new();
    log.write("one\ntwo");
    let (text, position) = read(&mut log.follow(None)).await;
    assert_eq!(text, "one\n");
    log.write("\nthree\n");
    assert_eq!(told(&mut log.follow(position)).await, "two\nthree\n");
    log.rotate("audit-1.log");
    log.write("four\n");
    assert_eq!(told(&mut log.follow(position)).await, "two\nthree\nfour\n");
    fs::remove_file(log.folder.path().join("audit-1.log")).unwrap();
    assert_eq!(told(&mut log.follow(position)).await, "four\n", "what was removed is gone");
}

#[tokio::test]
async fn what_was_rotated_while_nobody_followed_is_read_once_and_in_order() {
    for rotate in ROTATORS {
        for rotations in 1..=3 {
            let log = Log::new();
            log.write("older\n");
            rotate(&log, 0);
            log.write("read\n");
            let (_, position) = read(&mut log.follow(None)).await;
            let mut expected = String::new();
            for hour in 1..=rotations {
                let lines = format!("{hour}\nlast of {hour}\n");
                log.write(&lines);
                rotate(&log, hour);
                expected.push_str(&lines);
            }
            log.write("newest\n");
            expected.push_str("newest\n");
            let mut follower = log.follow(position);
            assert_eq!(told(&mut follower).await, expected);
            log.write("as it comes\n");
            assert_eq!(told(&mut follower).await, "as it comes\n");
        }
    }
}

#[tokio::test]
async fn what_is_rotated_twice_between_two_looks_is_read_in_order() {
    for rotate in ROTATORS {
        let log = Log::new();
        log.write("one\n");
        let mut follower = log.follow(None);
        assert_eq!(told(&mut follower).await, "one\n");
        log.write("two\n");
        rotate(&log, 1);
        log.write("three\nhalf");
        rotate(&log, 2);
        log.write("four\n");
        assert_eq!(told(&mut follower).await, "two\nthree\nhalffour\n");
    }
}

#[tokio::test]
async fn it_goes_on_in_the_middle_of_a_rotated_file() {
    for rotate in ROTATORS {
        let log = Log::new();
        log.write("one\n");
        let (_, position) = read(&mut log.follow(None)).await;
        rotate(&log, 1);
        log.write("two\nthree\n");
        rotate(&log, 2);
        log.write("four\n");
        let mut follower = log.follow(position);
        let begun = follower.next().await.unwrap().unwrap();
        assert_eq!((begun.bytes, begun.gap), (Bytes::new(), None));
        let lines = follower.next().await.unwrap().unwrap();
        assert_eq!(lines.bytes, "two\nthree\n");
        rotate(&log, 3);
        log.write("five\n");
        assert_eq!(told(&mut log.follow(Some(lines.next))).await, "four\nfive\n");
        let middle = Position { offset: 4, ..lines.next };
        assert_eq!(told(&mut log.follow(Some(middle))).await, "three\nfour\nfive\n");
    }
}

#[tokio::test]
async fn where_the_file_is_gone_it_goes_on_with_what_was_written_later() {
    for rotate in ROTATORS {
        let log = Log::new();
        log.write("older\n");
        rotate(&log, 0);
        log.write("one\n");
        let (_, position) = read(&mut log.follow(None)).await;
        log.rotate("gone");
        log.write("two\n");
        rotate(&log, 2);
        log.write("three\n");
        rotate(&log, 3);
        log.write("four\n");
        // Last, so that none of the new files gets its inode.
        fs::remove_file(log.named("gone")).unwrap();
        let (text, _, gaps) = read_with_gaps(&mut log.follow(position)).await;
        assert_eq!(text, "two\nthree\nfour\n");
        assert_eq!(gaps, [Told::gone(2, 3, 4)], "until the next one was written at most");
        let untimed = position.map(|position| Position { modified: None, ..position });
        let (text, _, gaps) = read_with_gaps(&mut log.follow(untimed)).await;
        assert_eq!(text, "four\n", "nothing tells what was read");
        assert_eq!(gaps, [Told::gone(5, 5, 4)], "nor since when");
    }
}

#[tokio::test]
async fn a_compressed_file_is_left_out_and_the_rest_is_read() {
    let log = Log::new();
    log.write("one\n");
    let (_, position) = read(&mut log.follow(None)).await;
    log.write("two\n");
    log.rotate_by_time(1);
    log.write("packed\n");
    log.rotate("audit-2026-11-27T02-00-00.000.log.gz");
    log.write("four\n");
    log.rotate_by_time(3);
    log.write("five\n");
    let (text, _, gaps) = read_with_gaps(&mut log.follow(position)).await;
    assert_eq!(text, "two\nfour\nfive\n");
    let why = "compressed before they were read: audit-2026-11-27T02-00-00.000.log.gz";
    assert_eq!(gaps, [Told::new(2, 4, why)]);
}

/// The end of a compressed file tells the length of what it holds.
fn packed(length: u32) -> Vec<u8> {
    [b"packed".as_slice(), &length.to_le_bytes()].concat()
}

#[tokio::test]
async fn a_file_that_was_compressed_while_nobody_read_is_a_gap_unless_it_was_read_to_its_end() {
    for (length, is_lost) in [(4, false), (8, true)] {
        let log = Log::new();
        log.write("one\n");
        let (_, position) = read(&mut log.follow(None)).await;
        log.rotate("gone");
        log.write("two\n");
        fs::write(log.named("audit.log.1.gz"), packed(length)).unwrap();
        fs::remove_file(log.named("gone")).unwrap();
        let (text, position, gaps) = read_with_gaps(&mut log.follow(position)).await;
        assert_eq!(text, "two\n");
        let why = Told::gone(1, 2, 4).why + "; compressed before they were read: audit.log.1.gz";
        let expected = is_lost.then(|| Told::new(1, 2, &why));
        assert_eq!(gaps, Vec::from_iter(expected), "{length}");
        log.write("three\n");
        let again = read_with_gaps(&mut log.follow(position)).await;
        assert_eq!((again.0.as_str(), again.2), ("three\n", vec![]), "it is told once");
    }
}

#[tokio::test]
async fn a_file_that_is_removed_while_it_is_followed_is_read_to_its_end() {
    let log = Log::new();
    log.write("one\n");
    let mut follower = log.follow(None);
    assert_eq!(told(&mut follower).await, "one\n");
    log.write("two\n");
    fs::remove_file(log.path()).unwrap();
    log.write("three\n");
    let (text, _, gaps) = read_with_gaps(&mut follower).await;
    assert_eq!((text.as_str(), gaps), ("two\nthree\n", vec![]));
}

#[tokio::test]
async fn a_line_that_is_too_long_is_cut_and_the_next_one_is_whole() {
    let log = Log::new();
    let mut follower = log.follow(None);
    log.write("0123456789012345678901234567890123456789");
    assert_eq!(told(&mut follower).await, "01234567890123456789…\n");
    log.write("rest\nnext\n");
    assert_eq!(told(&mut follower).await, "next\n");
}

/// Lines that differ from the first one on, and are longer than what a file is told by.
fn lines(of: &str, count: usize) -> String {
    (0..count).map(|number| format!("{of} {number:0300}\n")).collect()
}

#[tokio::test]
async fn another_file_with_the_same_inode_is_begun_and_the_old_one_is_found_by_what_it_holds() {
    for count in [1, 3, 9] {
        let log = Log::new();
        log.write(&lines("old", 3));
        let (_, position) = read(&mut log.long(None)).await;
        log.write("last\n");
        fs::copy(log.path(), log.named("audit.log.1")).unwrap();
        fs::write(log.path(), lines("new", count)).unwrap();
        let expected = format!("last\n{}", lines("new", count));
        assert_eq!(told(&mut log.long(position)).await, expected, "{count}");
    }
}

#[tokio::test]
async fn a_file_that_is_emptied_and_has_grown_beyond_what_was_read_is_begun_anew() {
    let log = Log::new();
    let mut follower = log.long(None);
    log.write(&lines("old", 2));
    assert_eq!(told(&mut follower).await, lines("old", 2));
    fs::write(log.path(), "").unwrap();
    log.write(&lines("new", 5));
    let (text, _, gaps) = read_with_gaps(&mut follower).await;
    assert_eq!(text, lines("new", 5));
    assert_eq!(gaps, [Told::gone(1, 2, lines("old", 2).len())]);
}

#[tokio::test]
async fn whenever_it_dies_nothing_is_lost_of_a_file_of_which_a_line_was_told() {
    for rotate in ROTATORS {
        for kept in 0..3 {
            let log = Log::new();
            log.write("one\n");
            let (mut follower, mut stored, mut text) = (log.follow(None), None, String::new());
            for step in 0..=kept {
                let Some(lines) = follower.next().await.unwrap() else { break };
                text.push_str(std::str::from_utf8(&lines.bytes).unwrap());
                // It dies after the last lines are told, before their position is kept.
                stored = if step < kept { Some(lines.next) } else { stored };
                log.write(&format!("after {step}\n"));
            }
            rotate(&log, 1);
            log.write("last\n");
            let after = told(&mut log.follow(stored)).await;
            let is_lost = |line: &&str| !text.contains(line) && !after.contains(line);
            let lines = ["one\n", "after 0\n", "after 1\n", "last\n"];
            let lost: Vec<_> = lines.iter().take(kept + 2).filter(|it| is_lost(it)).collect();
            assert!(text.is_empty() || lost.is_empty(), "{kept}: {lost:?} of {text:?}, {after:?}");
        }
    }
}

#[tokio::test]
async fn a_copy_tells_what_was_not_read_of_a_file_that_is_emptied() {
    let log = Log::new();
    let mut follower = log.long(None);
    log.write(&lines("old", 2));
    assert_eq!(told(&mut follower).await, lines("old", 2));
    log.write("last\n");
    fs::copy(log.path(), log.named("audit.log.1")).unwrap();
    fs::write(log.path(), "").unwrap();
    log.write("new\n");
    let (text, _, gaps) = read_with_gaps(&mut follower).await;
    assert_eq!((text.as_str(), gaps), ("last\nnew\n", vec![]));
}

#[tokio::test]
async fn a_file_with_other_numbers_is_the_one_that_was_read_if_it_begins_as_that_did() {
    let log = Log::new();
    log.write("one\n");
    let (_, position) = read(&mut log.follow(None)).await;
    log.write("two\n");
    let moved = position.map(|position| Position { device: position.device + 1, ..position });
    let (text, _, gaps) = read_with_gaps(&mut log.follow(moved)).await;
    assert_eq!((text.as_str(), gaps), ("two\n", vec![]));
    let untold = moved.map(|position| Position { beginning: None, ..position });
    assert_eq!(told(&mut log.follow(untold)).await, "one\ntwo\n", "nothing tells that it is");
}
