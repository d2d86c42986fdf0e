//! `airside data update`: OSV records into the file of users.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use airside_vulnerability::Components;
use airside_vulnerability::component::{DataError, osv};
use anyhow::Context;
use serde::de::IgnoredAny;

use super::{InForce, affected, file};
use crate::cli::DataFileArguments;
use crate::command::Outcome;
use crate::command::replay::read_text;
use crate::show::{self, RESET, STRONG};

/// How many files are read at most: OSV has fewer of all Go modules.
const MAX_FILES: usize = 200_000;
/// Records of one file, in bytes: an archive of all of them is unpacked first.
const MAX_BYTES: u64 = 64 << 20;

/// How many problems of records are told one by one.
const MAX_TOLD: usize = 50;

/// Writes the file, and tells what is newly affected. Exits with 1 where something is, and with 2 where a record
/// could not be used: the others are in the file all the same.
pub(super) fn run(
    from: &[PathBuf],
    against: &[PathBuf],
    arguments: &DataFileArguments,
) -> anyhow::Result<Outcome> {
    let before = InForce::load_if_there(arguments)?;
    let target =
        file(arguments).context("there is no home folder: name a file with --data-file")?;
    let mut records = records(from, &before.components)?;
    if records.texts.is_empty() && records.others == 0 {
        tell(&records.problems);
        return Ok(Outcome::Unreadable);
    }
    let texts: Vec<&str> = records.texts.iter().map(|(_, text)| text.as_str()).collect();
    let updated = osv::update(&before.components, &texts)?;
    for (file, problem) in &updated.broken {
        let path = records.texts.get(*file).map(|(path, _)| path.as_path());
        records.problems.push(told(path.unwrap_or_else(|| Path::new("-")), problem));
    }
    write(&target, &updated.components)?;
    let known: BTreeSet<&str> =
        before.components.advisories().iter().map(|it| it.id.as_str()).collect();
    let new = updated.components.advisories().iter().filter(|it| !known.contains(it.id.as_str()));
    show::print(&format!(
        "{STRONG}{} advisories, {} of them new{RESET}, as of {}: {}\n\
         {} records used, {} withdrawn, {} about other software\n",
        updated.components.advisories().len(),
        new.count(),
        updated.components.date().map(ToString::to_string).unwrap_or_default(),
        target.display(),
        updated.used,
        updated.withdrawn,
        updated.ignored + records.others,
    ))?;
    let outcome = match against {
        [] => Outcome::Good,
        against => affected::run(against, &before.components, &updated.components)?,
    };
    tell(&records.problems);
    Ok(if records.problems.is_empty() { outcome } else { Outcome::Unreadable })
}

fn tell(problems: &[String]) {
    problems.iter().take(MAX_TOLD).for_each(|problem| show::error(problem));
    if let Some(more @ 1..) = problems.len().checked_sub(MAX_TOLD) {
        show::error(&format!("and {more} more files or records that cannot be used"));
    }
}

/// A problem with its causes, and the file that it is in.
fn told(path: &Path, problem: &dyn std::error::Error) -> String {
    let cause = problem.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("`{}`: {problem}{cause}", path.display())
}

/// The files that speak of our components.
#[derive(Default)]
struct Records {
    texts: Vec<(PathBuf, String)>,
    /// How many files do not.
    others: usize,
    /// What could not be read, each with its file.
    problems: Vec<String>,
}

fn records(from: &[PathBuf], base: &Components) -> anyhow::Result<Records> {
    let mut paths = Vec::new();
    from.iter().try_for_each(|path| list(path, &mut paths))?;
    anyhow::ensure!(!paths.is_empty(), "there is no JSON in what --from names");
    let names: Vec<String> =
        base.components().iter().flat_map(|it| &it.osv).map(|name| format!("\"{name}\"")).collect();
    let mut records = Records::default();
    for path in paths {
        let size = std::fs::metadata(&path).map(|it| it.len()).unwrap_or_default();
        if size > MAX_BYTES {
            let problem = format!("`{}` has more than {MAX_BYTES} bytes", path.display());
            records.problems.push(problem);
            continue;
        }
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(problem) => {
                records.problems.push(format!("{problem:#}"));
                continue;
            }
        };
        if names.iter().any(|name| text.contains(name)) {
            records.texts.push((path, text));
        } else if let Err(error) = serde_json::from_str::<IgnoredAny>(&text) {
            records.problems.push(told(&path, &DataError::OsvNotJson(error)));
        } else {
            records.others += 1;
        }
    }
    Ok(records)
}

/// The JSON files of a folder and those below it, by name; a file stands for itself.
fn list(path: &Path, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    anyhow::ensure!(
        !path.to_string_lossy().starts_with("http"),
        "`{}` is an address: fetch it, unpack it, and name the file or folder",
        path.display()
    );
    if !path.is_dir() {
        paths.push(path.to_owned());
        return Ok(());
    }
    let entries =
        std::fs::read_dir(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let mut below: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    below.sort();
    for path in below {
        let is_json = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("json"));
        if (path.is_dir() && !path.is_symlink()) || is_json {
            list(&path, paths)?;
        }
        anyhow::ensure!(paths.len() <= MAX_FILES, "--from names more than {MAX_FILES} files");
    }
    Ok(())
}

/// Replaces the file as a whole, so that a scan beside it reads the old one or the new.
fn write(target: &Path, components: &Components) -> anyhow::Result<()> {
    let failed = || format!("`{}` cannot be written", target.display());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder).with_context(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    file.write_all(components.to_json()?.as_bytes()).with_context(failed)?;
    file.persist(target).with_context(failed)?;
    Ok(())
}
