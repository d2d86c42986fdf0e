//! A process works through the embedded log and store, and is killed at random points again and again.
//!
//! The process is this test binary, started for [`a_worker_computes_what_a_plain_fold_does`] alone. It tells
//! over a pipe what was acknowledged to it; the next one is told that, and has to find it.

mod worker;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use self::worker::{Acknowledged, Life, VARIABLE};

const KILLS: usize = 200;
/// How long a life may be silent: it bounds a failing test.
const PATIENCE: Duration = Duration::from_secs(60);

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[test]
fn nothing_acknowledged_is_lost_over_two_hundred_kills() {
    // What a killed process leaves behind is the same in memory, where syncing takes no time.
    let memory = Path::new("/dev/shm");
    let folder =
        if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut acknowledged = Acknowledged::default();
    let mut killed_at_work = 0;
    for _ in 0..KILLS {
        let (mut child, lines) = start(folder.path(), acknowledged, None);
        // One in five dies while it opens, the others at work.
        if dice.below(5) > 0 {
            hear(&lines, &mut acknowledged, PATIENCE, |line| line == "up");
            killed_at_work += 1;
        }
        let lifetime = Duration::from_micros(dice.below(40_000));
        hear(&lines, &mut acknowledged, lifetime, |_| false);
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), None, "it ended by itself: {status}");
        // What it said before it died counts.
        hear(&lines, &mut acknowledged, PATIENCE, |_| false);
    }
    assert!(killed_at_work > KILLS / 2);
    let Acknowledged { appended, folded } = acknowledged;
    println!(
        "{KILLS} kills, {killed_at_work} at work: {appended} inputs appended, {folded} folded"
    );
    assert!(appended > 500 && folded > 500, "hardly anything was done");

    // The last life is left to finish, and says what it computed.
    let inputs = appended + 100;
    let (mut child, lines) = start(folder.path(), acknowledged, Some(inputs));
    let result = hear(&lines, &mut acknowledged, PATIENCE, |line| line.starts_with("result "));
    assert!(child.wait().unwrap().success());
    assert_eq!(result.unwrap().trim_start_matches("result "), worker::plain_fold(inputs));
}

#[tokio::test]
async fn a_worker_computes_what_a_plain_fold_does() {
    #[expect(clippy::disallowed_methods, reason = "how the test above tells its child what to do")]
    let told = std::env::var(VARIABLE);
    if let Ok(told) = told {
        Life::parse(&told).live().await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, acknowledged) = (folder.path().to_owned(), Acknowledged::default());
    let life = Life { folder: path, acknowledged, inputs: Some(300) };
    assert_eq!(life.live().await, worker::plain_fold(300));
}

fn start(
    folder: &Path,
    acknowledged: Acknowledged,
    inputs: Option<u64>,
) -> (Child, Receiver<String>) {
    let life = Life { folder: folder.to_owned(), acknowledged, inputs };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "crash::a_worker_computes_what_a_plain_fold_does"])
        .env(VARIABLE, life.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    (child, lines)
}

/// Takes in what a life says, until a line that is waited for, its end, or the end of the wait.
fn hear(
    lines: &Receiver<String>,
    acknowledged: &mut Acknowledged,
    wait: Duration,
    awaited: impl Fn(&str) -> bool,
) -> Option<String> {
    let ends = std::time::Instant::now() + wait;
    loop {
        let left = ends.saturating_duration_since(std::time::Instant::now());
        match lines.recv_timeout(left) {
            Ok(line) if awaited(&line) => return Some(line),
            Ok(line) => acknowledged.hear(&line),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        }
    }
}
