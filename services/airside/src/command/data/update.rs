//! `airside data update`: OSV records into the file of users.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use airside_vulnerability::Components;
use airside_vulnerability::component::osv;
use anyhow::Context;

use super::{InForce, affected, file};
use crate::cli::DataFileArguments;
use crate::command::Outcome;
use crate::command::replay::read;
use crate::show::{self, RESET, STRONG};

/// How many files are read at most: OSV has fewer of all Go modules.
const MAX_FILES: usize = 200_000;
/// Records of one file, in bytes: an archive of all of them is unpacked first.
const MAX_BYTES: u64 = 64 << 20;

/// Writes the file, and tells what is newly affected. Exits with 1 where something is.
pub(super) fn run(
    from: &[PathBuf],
    against: &[PathBuf],
    arguments: &DataFileArguments,
) -> anyhow::Result<Outcome> {
    let before = InForce::load_if_there(arguments)?;
    let target =
        file(arguments).context("there is no home folder: name a file with --data-file")?;
    let records = records(from, &before.components)?;
    let texts: Vec<&str> = records.texts.iter().map(String::as_str).collect();
    let updated = osv::update(&before.components, &texts)?;
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
    if against.is_empty() {
        return Ok(Outcome::Good);
    }
    affected::run(against, &before.components, &updated.components)
}

/// The files that speak of our components.
struct Records {
    texts: Vec<String>,
    /// How many files do not.
    others: usize,
}

fn records(from: &[PathBuf], base: &Components) -> anyhow::Result<Records> {
    let mut paths = Vec::new();
    from.iter().try_for_each(|path| list(path, &mut paths))?;
    anyhow::ensure!(!paths.is_empty(), "there is no JSON in what --from names");
    let names: Vec<String> =
        base.components().iter().flat_map(|it| &it.osv).map(|name| format!("\"{name}\"")).collect();
    let mut records = Records { texts: Vec::new(), others: 0 };
    for path in paths {
        let size = std::fs::metadata(&path).map(|it| it.len()).unwrap_or_default();
        anyhow::ensure!(size <= MAX_BYTES, "`{}` has more than {MAX_BYTES} bytes", path.display());
        let text = String::from_utf8(read(&path)?)
            .with_context(|| format!("`{}` is no UTF-8", path.display()))?;
        if names.iter().any(|name| text.contains(name)) {
            records.texts.push(text);
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
        let is_json = path.extension().is_some_and(|ending| ending == "json");
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
