//! Files out of git's store, each as it is there.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::Context;

use crate::command::scan::work_tree::command;

/// A file in git's store.
pub(super) struct Entry {
    is_link: bool,
    object: String,
    path: PathBuf,
}

impl Entry {
    /// Reads `MODE TYPE OBJECT\tPATH`; none for what is no file, and for a path that leads elsewhere.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let line = String::from_utf8_lossy(line);
        let (what, path) = line.split_once('\t')?;
        let mut what = what.split(' ');
        let (mode, kind, object) = (what.next()?, what.next()?, what.next()?);
        let path = PathBuf::from(path);
        let stays = path.components().all(|part| matches!(part, Component::Normal(_)));
        (kind == "blob" && stays).then(|| Self {
            is_link: mode == "120000",
            object: object.to_owned(),
            path,
        })
    }
}

/// Writes files, then links: nothing is written through a link.
pub(super) fn write_out(root: &Path, entries: &[Entry], folder: &Path) -> anyhow::Result<()> {
    let mut store = Store::open(root)?;
    for entry in entries.iter().filter(|entry| !entry.is_link) {
        let path = folder.join(&entry.path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        store.copy(&entry.object, &mut File::create(path)?)?;
    }
    for entry in entries.iter().filter(|entry| entry.is_link) {
        let path = folder.join(&entry.path);
        let mut target = Vec::new();
        store.copy(&entry.object, &mut target)?;
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        #[cfg(unix)]
        std::os::unix::fs::symlink(String::from_utf8_lossy(&target).as_ref(), path)?;
    }
    Ok(())
}

/// git, which prints objects that it is asked for.
struct Store {
    git: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Store {
    fn open(root: &Path) -> anyhow::Result<Self> {
        let mut command = command(root);
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut git = command.stderr(Stdio::null()).spawn().context("git cannot be run")?;
        let asks = git.stdin.take().context("git takes no input")?;
        let answers = BufReader::new(git.stdout.take().context("git prints nothing")?);
        Ok(Self { git, asks, answers })
    }

    /// Copies the content of an object.
    fn copy(&mut self, object: &str, to: &mut dyn Write) -> anyhow::Result<()> {
        writeln!(self.asks, "{object}")?;
        self.asks.flush()?;
        let mut head = String::new();
        self.answers.read_line(&mut head)?;
        let size = head.trim_end().rsplit(' ').next().and_then(|size| size.parse::<u64>().ok());
        let size = size.with_context(|| format!("git has no object {object}: {head}"))?;
        let copied = io::copy(&mut self.answers.by_ref().take(size), to)?;
        anyhow::ensure!(copied == size, "git ended within object {object}");
        // A line break ends each answer.
        self.answers.read_exact(&mut [0])?;
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // It ends by itself when nobody asks any more; what it says then is of no use.
        let _gone = self.git.kill().and_then(|()| self.git.wait());
    }
}
