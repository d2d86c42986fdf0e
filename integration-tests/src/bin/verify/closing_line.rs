//! The closing line of a test runner, found in its output as it passes by.
//!
//! Owns the two forms: cargo-nextest's one `Summary`, and libtest's `test result`, which comes once
//! for each test binary and is added up here.

/// Who runs the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    /// `cargo nextest run`.
    Nextest,
    /// `cargo test`.
    Libtest,
}

/// Reads a runner's lines and keeps what its closing line says.
#[derive(Debug)]
pub(crate) struct Watch {
    runner: Runner,
    summary: Option<String>,
    totals: Totals,
}

/// Sums over libtest's closing lines.
#[derive(Debug, Default)]
struct Totals {
    binaries: u64,
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Watch {
    pub(crate) fn new(runner: Runner) -> Self {
        Self { runner, summary: None, totals: Totals::default() }
    }

    /// Takes one line, colours and all.
    pub(crate) fn see(&mut self, line: &str) {
        let line = without_colours(line);
        let line = line.trim();
        match self.runner {
            Runner::Nextest => {
                if let Some((_, counts)) =
                    line.strip_prefix("Summary [").and_then(|rest| rest.split_once("] "))
                {
                    self.summary = Some(counts.trim().to_owned());
                }
            }
            Runner::Libtest => {
                if let Some(counts) = line.strip_prefix("test result: ") {
                    self.totals.add(counts);
                }
            }
        }
    }

    /// What the runner said in the end; `None` when no test binary came to its end.
    pub(crate) fn finish(self) -> Option<String> {
        let Totals { binaries, passed, failed, ignored } = self.totals;
        match self.runner {
            Runner::Nextest => self.summary,
            Runner::Libtest => (binaries > 0).then(|| {
                format!(
                    "{passed} passed, {failed} failed, {ignored} ignored in {binaries} binaries"
                )
            }),
        }
    }
}

impl Totals {
    /// Adds `ok. 3 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, counts: &str) {
        self.binaries += 1;
        let words: Vec<&str> = counts.split_whitespace().collect();
        for pair in words.windows(2) {
            let [number, word] = pair else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match word.trim_end_matches(';') {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// The text without terminal escapes of the form `ESC [ … letter`.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char == '\u{1b}' {
            chars.find(char::is_ascii_alphabetic);
        } else {
            plain.push(char);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closing(runner: Runner, output: &str) -> Option<String> {
        let mut watch = Watch::new(runner);
        output.lines().for_each(|line| watch.see(line));
        watch.finish()
    }

    #[test]
    fn nextest_says_it_itself() {
        let output = "        PASS [   0.004s] a-crate tests::one\n\
                      \u{1b}[32;1m     Summary\u{1b}[0m [   0.005s] \u{1b}[1m3\u{1b}[0m tests run: 2 passed, 1 failed, 0 skipped\n\
                      \x20       FAIL [   0.004s] a-crate tests::two\n";
        assert_eq!(
            closing(Runner::Nextest, output).as_deref(),
            Some("3 tests run: 2 passed, 1 failed, 0 skipped")
        );
    }

    #[test]
    fn libtest_is_added_up_over_the_binaries() {
        let output = "test one ... ok\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: \u{1b}[31mFAILED\u{1b}[0m. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";
        assert_eq!(
            closing(Runner::Libtest, output).as_deref(),
            Some("7 passed, 2 failed, 1 ignored in 2 binaries")
        );
    }

    #[test]
    fn a_build_that_failed_has_no_closing_line() {
        let output = "error: could not compile `a-crate` (lib test) due to 1 previous error\n";
        assert_eq!(closing(Runner::Nextest, output), None);
        assert_eq!(closing(Runner::Libtest, output), None);
    }
}
