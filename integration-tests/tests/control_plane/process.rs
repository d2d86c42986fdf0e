//! A program that runs in the background: its output goes to a file, and it ends with its handle.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// How much of the end of its output is told when a program fails.
const TOLD_BYTES: usize = 2_000;

/// A running program. Dropped, it is killed and waited for.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program whose output goes to `FOLDER/NAME.log`.
    pub(crate) fn start(
        name: &'static str,
        program: &Path,
        flags: &[String],
        folder: &Path,
    ) -> Self {
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log).unwrap();
        let child = Command::new(program)
            .args(flags)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        Self { name, child, log }
    }

    /// Why the program is no longer running; none while it is.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().unwrap()?;
        Some(format!("{} ended with {status}; it said last:\n{}", self.name, self.last_words()))
    }

    /// The end of its output.
    fn last_words(&self) -> String {
        let output = std::fs::read(&self.log).unwrap_or_default();
        let from = output.len().saturating_sub(TOLD_BYTES);
        String::from_utf8_lossy(&output[from..]).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
