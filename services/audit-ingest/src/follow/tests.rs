//! What is told of a log that is written, rotated, emptied and left off.

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::time::{Duration, SystemTime};

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
}

/// All that is there now, and how far it was read.
async fn read(follower: &mut Follower) -> (String, Option<Position>) {
    let (mut text, mut position) = (String::new(), None);
    while let Some(lines) = follower.next().await.unwrap() {
        text.push_str(std::str::from_utf8(&lines.bytes).unwrap());
        if lines.is_cut {
            text.push_str("…\n");
        }
        position = Some(Position::decode(&lines.next.encode()).unwrap());
    }
    (text, position)
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
        let lines = log.follow(position).next().await.unwrap().unwrap();
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
        assert_eq!(told(&mut log.follow(position)).await, "two\nthree\nfour\n");
        let untimed = position.map(|position| Position { modified: None, ..position });
        assert_eq!(told(&mut log.follow(untimed)).await, "four\n", "nothing tells what was read");
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
    assert_eq!(told(&mut log.follow(position)).await, "two\nfour\nfive\n");
}

#[test]
fn positions_without_a_time_are_read_as_they_were_kept() {
    let position = Position { device: 1, inode: 2, offset: 3, modified: None };
    assert_eq!(position.encode().len(), 24);
    assert_eq!(Position::decode(&position.encode()), Some(position));
    let timed = Position { modified: Some(Timestamp::from_nanos(-4)), ..position };
    assert_eq!(Position::decode(&timed.encode()), Some(timed));
    assert_eq!(Position::decode(b"short"), None);
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
