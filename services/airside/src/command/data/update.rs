//! `airside data update`: OSV records into the file of users, and what they newly say of manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use airside_checks::owner::FileOwners;
use airside_checks::{Terms, catalogue};
use airside_scanner::check_files;
use airside_types::{Cluster, Finding, Id, Severity, Tenant};
use airside_vulnerability::Components;
use airside_vulnerability::component::osv;
use anyhow::Context;

use super::{InForce, file, read};
use crate::cli::DataFileArguments;
use crate::command::Outcome;
use crate::command::scan::{Inputs, Rendering, of_files};
use crate::show::{self, FAINT, PLACE, RESET, STRONG};

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
    let before = InForce::load(arguments)?;
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
    affected(against, &before.components, &updated.components)
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

/// What the new data says of manifests and the old did not, by owner.
fn affected(paths: &[PathBuf], old: &Components, new: &Components) -> anyhow::Result<Outcome> {
    let inputs = Inputs::read(paths, &Rendering::default());
    for problem in &inputs.problems {
        show::remark(&format!("{}error:{RESET} {problem}", show::ERROR));
    }
    let first = paths.first().map_or_else(|| Path::new("."), PathBuf::as_path);
    let owners = of_files(&inputs, first)?;
    let known: BTreeSet<(Id, String)> = told(&inputs, &owners, old).into_iter().map(key).collect();
    let mut by_owner: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for finding in told(&inputs, &owners, new) {
        if !known.contains(&key(finding.clone())) {
            let owner = finding.owner.clone().unwrap_or_else(|| "nobody's".to_owned());
            by_owner.entry(owner).or_default().push(finding);
        }
    }
    let mut out = String::new();
    for (owner, findings) in &by_owner {
        out.push_str(&format!("\n{STRONG}{owner}{RESET}\n"));
        for it in findings {
            let style = show::severity(it.severity);
            out.push_str(&format!(
                "  {PLACE}{}{RESET}  {FAINT}{}{RESET}\n    {style}{}{RESET}: {}\n",
                it.place, it.object, it.severity, it.message
            ));
        }
    }
    if by_owner.is_empty() {
        out.push_str("nothing in the manifests is newly affected\n");
    }
    show::print(&out)?;
    Ok(match (inputs.problems.is_empty(), by_owner.is_empty()) {
        (false, _) => Outcome::Unreadable,
        (true, false) => Outcome::Findings,
        (true, true) => Outcome::Good,
    })
}

/// The findings on components and their versions.
fn told(inputs: &Inputs, owners: &FileOwners, components: &Components) -> Vec<Finding> {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let terms = Terms { owners, components, ..Terms::new(&tenant, &cluster, Severity::High) };
    let mut findings = check_files(&inputs.files, &terms).findings;
    findings.retain(|it| catalogue::reads_vulnerabilities(&it.check));
    findings
}

/// A vulnerability more makes another message of the same finding.
fn key(finding: Finding) -> (Id, String) {
    (finding.id(&Tenant::default(), &Cluster::default()), finding.message)
}
