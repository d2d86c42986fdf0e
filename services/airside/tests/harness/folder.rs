//! A folder in which tests run the program as its users do.
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::process::{Command, Output};

/// A folder with files, in which the program is run.
pub(crate) struct Folder(pub(crate) tempfile::TempDir);

impl Folder {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).expect(name)
    }

    /// Runs `airside scan` in the folder: its exit status, what it printed, what it remarked.
    pub(crate) fn scan(&self, arguments: &[&str]) -> (i32, String, String) {
        self.run(&[&["scan"], arguments].concat())
    }

    /// Runs the program in the folder: its exit status, what it printed, what it remarked.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_airside"));
        // Neither settings nor data of whoever runs the tests.
        command.env("HOME", self.0.path()).env_remove("AIRSIDE_DATA_FILE");
        told(command.args(arguments).current_dir(self.0.path()))
    }

    pub(crate) fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        let mut command = Command::new("git");
        let (status, _, problem) =
            told(command.args(identity).args(arguments).current_dir(self.0.path()));
        assert_eq!(status, 0, "{arguments:?}: {problem}");
    }
}

fn told(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("no signal"), text(stdout), text(stderr))
}
