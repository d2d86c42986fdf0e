//! A folder in which tests run the program as its users do.
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::path::Path;
use std::process::{Command, Output};

/// Where programs lie that stand in for others; nothing is scanned there.
const PROGRAMS: &str = ".programs";

/// A folder with files, in which the program is run.
pub(crate) struct Folder(pub(crate) tempfile::TempDir);

impl Folder {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        self.write_bytes(name, text.as_bytes());
    }

    pub(crate) fn write_bytes(&self, name: &str, content: &[u8]) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, content).expect("written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).expect(name)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A program that stands in for another one of its name.
    #[cfg(unix)]
    pub(crate) fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let name = format!("{PROGRAMS}/{name}");
        self.write(&name, &format!("#!/bin/sh\n{script}\n"));
        let mode = PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(self.path().join(name), mode).expect("a program");
    }

    /// Runs `airside scan` in the folder: its exit status, what it printed, what it remarked.
    pub(crate) fn scan(&self, arguments: &[&str]) -> (i32, String, String) {
        self.run(&[&["scan"], arguments].concat())
    }

    /// Runs `airside scan` in the folder with a file as standard input, within bounds that it must not need:
    /// a minute and a gigabyte and a half.
    #[cfg(target_os = "linux")]
    pub(crate) fn scan_within_bounds(
        &self,
        arguments: &[&str],
        input: Option<&str>,
    ) -> (i32, String, String) {
        let bounds = "ulimit -v 1500000 && exec timeout 60 \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", bounds, "sh", env!("CARGO_BIN_EXE_airside"), "scan"]).args(arguments);
        command.env("HOME", self.0.path()).env_remove("AIRSIDE_DATA_FILE");
        if let Some(input) = input {
            command.stdin(std::fs::File::open(self.0.path().join(input)).expect("an input"));
        }
        told(command.current_dir(self.0.path()))
    }

    /// Runs the program in the folder: its exit status, what it printed, what it remarked.
    #[expect(
        clippy::disallowed_methods,
        reason = "programs that stand in for others go before them"
    )]
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_airside"));
        // Neither settings nor data of whoever runs the tests.
        command.env("HOME", self.0.path()).env_remove("AIRSIDE_DATA_FILE");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = std::iter::once(self.path().join(PROGRAMS));
        let path = std::env::join_paths(own.chain(std::env::split_paths(&path))).expect("a PATH");
        command.env("PATH", path);
        told(command.args(arguments).current_dir(self.0.path()))
    }

    /// Runs git in the folder: what it prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        let mut command = Command::new("git");
        let (status, text, problem) =
            told(command.args(identity).args(arguments).current_dir(self.0.path()));
        assert_eq!(status, 0, "{arguments:?}: {problem}");
        text.trim().to_owned()
    }
}

fn told(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("no signal"), text(stdout), text(stderr))
}
