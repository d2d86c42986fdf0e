//! The copy of a crate with its switches: written and built once for all mutants.
//!
//! Code that does not compile with a switch is left as it is: the compiler says where, the switches there are
//! left out, and the copy is built again. What is left out is told in the report and is no mutant.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;
use toml::Table;

use crate::instrument::{Instrument, Tables};
use crate::mutant::Mutants;
use crate::subject::Subject;

/// How often the copy may be built: each time leaves out what did not compile.
const ATTEMPTS: usize = 12;

/// What was built.
#[derive(Debug)]
pub(crate) struct Built {
    /// The program that tries mutants.
    pub(crate) program: PathBuf,
    pub(crate) mutants: Mutants,
    /// The numbers of changes that the code cannot be built with.
    pub(crate) left_out: BTreeSet<u32>,
}

/// Writes and builds the copy in a folder.
///
/// # Errors
/// A file that cannot be read or written, and what the compiler says when leaving out does not help.
pub(crate) fn build(subject: Subject, workspace: &Path, folder: &Path) -> anyhow::Result<Built> {
    let sources = workspace.join(subject.folder()).join("src");
    prepare(subject, workspace, folder)?;
    let note = folder.join("left-out.txt");
    let mut left_out = remembered(&note, &sources)?;
    for _ in 0..ATTEMPTS {
        let mutants = write(subject, &sources, &folder.join("src"), &left_out)?;
        let complaints = compile(folder)?;
        if complaints.is_empty() {
            remember(&note, &sources, &left_out)?;
            let program = folder.join("target/debug/try-mutants");
            return Ok(Built { program, mutants, left_out });
        }
        let before = left_out.len();
        for complaint in &complaints {
            left_out.extend(complaint.numbers(folder));
        }
        if left_out.len() == before {
            let texts: Vec<&str> = complaints.iter().map(|it| it.text.as_str()).take(5).collect();
            bail!("the copy in {} does not compile:\n{}", folder.display(), texts.join("\n"));
        }
    }
    bail!("the copy in {} does not compile after {ATTEMPTS} attempts", folder.display())
}

/// What had to be left out at the last run, if the sources are the same: then nothing is built again.
fn remembered(note: &Path, sources: &Path) -> anyhow::Result<BTreeSet<u32>> {
    let text = std::fs::read_to_string(note).unwrap_or_default();
    let mut lines = text.lines();
    if lines.next() != Some(fingerprint(sources)?.as_str()) {
        return Ok(BTreeSet::new());
    }
    Ok(lines.filter_map(|line| line.parse().ok()).collect())
}

fn remember(note: &Path, sources: &Path, left_out: &BTreeSet<u32>) -> anyhow::Result<()> {
    let numbers: String = left_out.iter().map(|number| format!("{number}\n")).collect();
    put(note, &format!("{}\n{numbers}", fingerprint(sources)?))
}

/// Tells sources from others, between runs of one build of this program.
fn fingerprint(sources: &Path) -> anyhow::Result<String> {
    let mut files = Vec::new();
    list(sources, sources, &mut files)?;
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

fn prepare(subject: Subject, workspace: &Path, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let manifest = subject.manifest();
    put(&folder.join("Cargo.toml"), &format!("{manifest}\n{}", dependencies(subject, workspace)?))?;
    for beside in subject.beside() {
        let (taken, mut files) = (workspace.join(subject.folder()).join(beside), Vec::new());
        list(&taken, &taken, &mut files)?;
        for (name, text) in &files {
            put(&folder.join(beside).join(name), text)?;
        }
    }
    // The same versions of third parties as the workspace.
    put(&folder.join("Cargo.lock"), &std::fs::read_to_string(workspace.join("Cargo.lock"))?)
}

/// The dependencies of the crate, each as the workspace gives it.
fn dependencies(subject: Subject, workspace: &Path) -> anyhow::Result<String> {
    let read = |file: &str| -> anyhow::Result<Table> {
        let text = std::fs::read_to_string(workspace.join(file))
            .with_context(|| format!("cannot read {file}"))?;
        text.parse().with_context(|| format!("cannot parse {file}"))
    };
    let own = format!("{}/Cargo.toml", subject.folder());
    let (root, own) = (read("Cargo.toml")?, read(&own)?);
    let given = root.get("workspace").and_then(|it| it.get("dependencies"));
    let wanted = own.get("dependencies").and_then(toml::Value::as_table);
    let mut dependencies = Table::new();
    for name in wanted.into_iter().flat_map(Table::keys) {
        let mut given = given
            .and_then(|it| it.get(name))
            .with_context(|| format!("the workspace does not give {name}"))?
            .clone();
        if let Some(toml::Value::String(path)) = given.get_mut("path") {
            *path = workspace.join(&*path).to_string_lossy().into_owned();
        }
        dependencies.insert(name.clone(), given);
    }
    let section = Table::from_iter([("dependencies".to_owned(), dependencies.into())]);
    Ok(toml::to_string(&section)?)
}

/// Writes a file unless it says that already: what is unchanged is not built again.
fn put(file: &Path, text: &str) -> anyhow::Result<()> {
    if std::fs::read_to_string(file).is_ok_and(|old| old == text) {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn write(
    subject: Subject,
    sources: &Path,
    copy: &Path,
    left_out: &BTreeSet<u32>,
) -> anyhow::Result<Mutants> {
    let mut files = Vec::new();
    list(sources, sources, &mut files)?;
    let mut tables = Tables::default();
    for (name, text) in &files {
        let file = syn::parse_file(text).with_context(|| format!("cannot parse {name}"))?;
        if subject.is_in_scope(name) {
            tables.add(name, &file);
        } else {
            tables.add_lists(name, &file);
        }
    }
    let mut mutants = Mutants::default();
    for (name, text) in &files {
        let mut text = text.clone();
        if subject.is_in_scope(name) {
            let mut file = syn::parse_file(&text)?;
            let visible = BTreeSet::new();
            let mutants = &mut mutants;
            Instrument { file: name, tables: &tables, left_out, mutants, visible }.file(&mut file);
            text = prettyplease::unparse(&file);
        } else if name == "lib.rs" {
            text.push_str("\npub mod mutant;\n");
        }
        put(&copy.join(name), &text)?;
    }
    put(&copy.join("mutant.rs"), include_str!("../scratch/mutant.rs"))?;
    put(&copy.join("main.rs"), subject.program())?;
    Ok(mutants)
}

/// The sources below a folder, by their path from the root, sorted.
fn list(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) -> anyhow::Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|it| it.path())).collect())
        .with_context(|| format!("cannot list {}", folder.display()))?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            list(root, &entry, files)?;
        } else {
            let text = std::fs::read_to_string(&entry)
                .with_context(|| format!("cannot read {}", entry.display()))?;
            let name =
                entry.strip_prefix(root).unwrap_or(&entry).to_string_lossy().replace('\\', "/");
            files.push((name, text));
        }
    }
    Ok(())
}

/// An error of the compiler.
struct Complaint {
    text: String,
    /// File and lines.
    places: Vec<(String, usize, usize)>,
}

impl Complaint {
    fn read(message: &Value) -> Option<Self> {
        if message.get("level")?.as_str()? != "error" {
            return None;
        }
        let place = |span: &Value| {
            let line = |name| usize::try_from(span.get(name)?.as_u64()?).ok();
            let is_primary = span.get("is_primary")?.as_bool()?;
            let place = (
                span.get("file_name")?.as_str()?.to_owned(),
                line("line_start")?,
                line("line_end")?,
            );
            is_primary.then_some(place)
        };
        Some(Self {
            text: message.get("rendered")?.as_str()?.to_owned(),
            places: message.get("spans")?.as_array()?.iter().filter_map(place).collect(),
        })
    }

    /// The numbers of switches where the compiler complains, or just above.
    fn numbers(&self, folder: &Path) -> BTreeSet<u32> {
        const ABOVE: usize = 30;
        let mut found = BTreeSet::new();
        for (file, from, to) in &self.places {
            let Ok(text) = std::fs::read_to_string(folder.join(file)) else { continue };
            let lines: Vec<&str> = text.lines().collect();
            let within = lines.get(from - 1..*to).unwrap_or_default();
            let here: BTreeSet<u32> = within.iter().flat_map(|line| numbers_in(line)).collect();
            if here.is_empty() {
                let above = lines.get(..from - 1).unwrap_or_default().iter().rev().take(ABOVE);
                found.extend(
                    above
                        .map(|line| numbers_in(line))
                        .find(|it| !it.is_empty())
                        .into_iter()
                        .flatten(),
                );
            }
            found.extend(here);
        }
        found
    }
}

/// The numbers of the switches on a line: the first arguments of what `mutant` and a table offer.
fn numbers_in(line: &str) -> Vec<u32> {
    let mut found = Vec::new();
    let words = line.split(|c: char| !c.is_ascii_alphanumeric());
    for word in words {
        let number = word.strip_suffix("u32").and_then(|digits| digits.parse::<u32>().ok());
        found.extend(number.filter(|number| *number > 0));
    }
    found
}

fn compile(folder: &Path) -> anyhow::Result<Vec<Complaint>> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(cargo)
        .args(["build", "--message-format=json", "--target-dir"])
        .arg(folder.join("target"))
        .arg("--manifest-path")
        .arg(folder.join("Cargo.toml"))
        .current_dir(folder)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {cargo}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let complaints: Vec<Complaint> =
        messages.filter_map(|line| Complaint::read(line.get("message")?)).collect();
    if complaints.is_empty() && !output.status.success() {
        bail!("cargo build failed in {}; its message is above", folder.display());
    }
    Ok(complaints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_has_what_the_sources_take_in() {
        for subject in [Subject::Checks, Subject::Rules] {
            takes_in(subject);
        }
    }

    fn takes_in(subject: Subject) {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(subject.folder());
        let beside_it = subject.beside();
        let (sources, mut files) = (own.join("src"), Vec::new());
        list(&sources, &sources, &mut files).unwrap();
        let mut found = 0;
        for (name, text) in &files {
            for given in text.split("include_str!(\"").skip(1) {
                let given = given.split('"').next().unwrap_or_default();
                let folder = Path::new(name).parent();
                let depth = folder.map_or(0, |folder| folder.components().count());
                let upwards = given.matches("../").count();
                let beside = given.trim_start_matches("../").split('/').next();
                let is_within = upwards <= depth;
                assert!(
                    is_within || beside.is_some_and(|beside| beside_it.contains(&beside)),
                    "{name} takes in {given}, and the copy has no such folder: name it in `Subject::beside`"
                );
                found += 1;
            }
        }
        assert_eq!(found > 0, !beside_it.is_empty(), "what lies beside is what is taken in");
    }
}
