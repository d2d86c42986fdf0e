//! How far reading is, on a terminal only.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// After how many events the bar moves.
const STEP: u64 = 1_000;

/// A bar on standard error, or nothing where that is no terminal.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    taken: Arc<AtomicU64>,
    events: u64,
}

impl Progress {
    /// Of so many bytes, where that is known. Results that go to the same terminal line by line leave no room for it.
    pub(super) fn new(bytes: Option<u64>, taken: Arc<AtomicU64>, prints_lines: bool) -> Self {
        let is_seen = std::io::stderr().is_terminal();
        let is_shared = prints_lines && std::io::stdout().is_terminal();
        let bar = if is_seen && !is_shared {
            ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr_with_hz(10))
        } else {
            ProgressBar::hidden()
        };
        let form = match bytes {
            Some(_) => "{bar:30} {bytes} of {total_bytes}, {msg}, {eta} left",
            None => "{spinner} {bytes}, {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, taken, events: 0 }
    }

    /// Another event was looked at.
    pub(super) fn took_one(&mut self) {
        self.events += 1;
        if !self.events.is_multiple_of(STEP) || self.bar.is_hidden() {
            return;
        }
        self.bar.set_position(self.taken.load(Ordering::Relaxed));
        let seconds = self.bar.elapsed().as_secs().max(1);
        self.bar.set_message(format!("{} events, {}/s", self.events, self.events / seconds));
    }

    /// Events so far.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Says something above the bar.
    pub(super) fn aside(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
