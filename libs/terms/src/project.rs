//! The settings of a project: the file `.airside.toml`, with its profile, severities and checks.
//!
//! Owns the file's form and where it is looked for. What the names mean is `airside-checks`'.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use airside_checks::selection::{Changes, Group, UnknownName};
use airside_checks::{Category, Check, Profile, Selection, catalogue};
use airside_compliance::Framework;
use airside_config::{ByteSize, Section, Settings, Sources, load};
use airside_types::Severity;
use serde::{Deserialize, Serialize};

use crate::error::TermsError;
use crate::suggest::nearest;

/// The file that is read where none is named.
pub const FILE: &str = ".airside.toml";

/// `[scan]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ScanSection {
    profile: Option<String>,
    fail_on: Option<String>,
    min_severity: Option<String>,
    max_file_size: Option<ByteSize>,
    exclude: Vec<String>,
}

/// `[checks]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ChecksSection {
    enable: Vec<String>,
    disable: Vec<String>,
}

/// How a project is judged.
#[derive(Debug, Clone)]
pub struct ProjectSettings {
    /// Which checks count, and how severe they are.
    pub selection: Selection,
    /// From which severity on a finding fails: the file's word, else the profile's.
    pub fail_on: Severity,
    /// From which severity on people see findings: the file's word, else the profile's.
    pub min_severity: Severity,
    /// The largest file that is read.
    pub max_file_size: ByteSize,
    /// Patterns of files and folders that are not read.
    pub exclude: Vec<String>,
}

/// The largest file that is read where nothing else is said.
const MAX_FILE_SIZE: ByteSize = ByteSize::mib(64);

impl ProjectSettings {
    /// The settings without a file: a profile as it is, the default one where none is named.
    ///
    /// # Errors
    /// There is no such profile.
    pub fn of_profile(name: Option<&str>) -> Result<Self, TermsError> {
        let profile = name.map_or(Ok(Profile::default()), |name| find(name, None))?;
        let selection = Selection::new(profile, &Changes::default(), &[])
            .unwrap_or_else(|_| Selection::EVERYTHING.clone());
        let (fail_on, min_severity) = (profile.fail_on, profile.shown_from);
        let (max_file_size, exclude) = (MAX_FILE_SIZE, Vec::new());
        Ok(Self { selection, fail_on, min_severity, max_file_size, exclude })
    }

    /// Reads the settings from a file. A profile that is given counts in place of the file's.
    ///
    /// # Errors
    /// The first thing that is wrong, with the file's line.
    pub fn read(path: &Path, profile: Option<&str>) -> Result<Self, TermsError> {
        let sections = [
            Section::of::<ScanSection>("scan"),
            Section::of::<BTreeMap<String, String>>("severity"),
            Section::of::<ChecksSection>("checks"),
        ];
        let sources = Sources { file: Some(path.to_owned()), ..Sources::default() };
        let settings = load(&sections, &sources)?;
        let scan: ScanSection = settings.section("scan")?;
        let profile = match (profile, &scan.profile) {
            (Some(name), _) => find(name, None)?,
            (None, Some(name)) => find(name, Some((&settings, "scan.profile")))?,
            (None, None) => Profile::default(),
        };
        let level = |given: &Option<String>, key: &str| {
            let read = |text: &String| severity(text, &settings, key, || format!("`{key}`"));
            given.as_ref().map(read).transpose()
        };
        Ok(Self {
            selection: selection(profile, &settings)?,
            fail_on: level(&scan.fail_on, "scan.fail_on")?.unwrap_or(profile.fail_on),
            min_severity: level(&scan.min_severity, "scan.min_severity")?
                .unwrap_or(profile.shown_from),
            max_file_size: scan.max_file_size.unwrap_or(MAX_FILE_SIZE),
            exclude: scan.exclude,
        })
    }
}

/// The settings file of a path's folder or of the nearest above it; a repository's folder is the last.
pub fn nearest_file(path: &Path) -> Option<PathBuf> {
    nearest_named(path, FILE)
}

/// The file of a name in a path's folder or in the nearest above it; a repository's folder is the last.
pub fn nearest_named(path: &Path, name: &str) -> Option<PathBuf> {
    let whole = path.canonicalize().ok()?;
    for folder in whole.ancestors().skip(usize::from(!whole.is_dir())) {
        let file = folder.join(name);
        if file.is_file() {
            return Some(file);
        }
        if folder.join(".git").try_exists().unwrap_or(false) {
            return None;
        }
    }
    None
}

fn find(name: &str, place: Option<(&Settings, &str)>) -> Result<&'static Profile, TermsError> {
    Profile::find(name).ok_or_else(|| {
        let known: Vec<_> = Profile::ALL.iter().map(|profile| profile.id).collect();
        TermsError::UnknownProfile {
            origin: place.map(|(settings, key)| settings.origin(key)),
            name: name.to_owned(),
            known: known.join(", "),
        }
    })
}

fn selection(profile: &'static Profile, settings: &Settings) -> Result<Selection, TermsError> {
    let checks: ChecksSection = settings.section("checks")?;
    let severities = severities(settings)?;
    let groups = groups();
    let build = |changes: &Changes<'_>, key: &str| {
        let built = Selection::new(profile, changes, &groups);
        built.map_err(|error| unknown(&error, settings, key))
    };
    // Each part by itself first, so that an error names the right key.
    build(&Changes { enable: &checks.enable, ..Changes::default() }, "checks.enable")?;
    build(&Changes { disable: &checks.disable, ..Changes::default() }, "checks.disable")?;
    let all = Changes { enable: &checks.enable, disable: &checks.disable, severity: &severities };
    build(&all, "severity")
}

fn severities(settings: &Settings) -> Result<Vec<(String, Severity)>, TermsError> {
    let section: BTreeMap<String, String> = settings.section("severity")?;
    let read = |(name, text): (String, String)| {
        // A name with dots is no key that could be looked up; its section is told.
        let key = format!("severity.{name}");
        let severity = severity(&text, settings, &key, || format!("the severity of `{name}`"))?;
        Ok((name, severity))
    };
    section.into_iter().map(read).collect()
}

fn severity(
    text: &str,
    settings: &Settings,
    key: &str,
    what: impl FnOnce() -> String,
) -> Result<Severity, TermsError> {
    text.parse().map_err(|error: <Severity as std::str::FromStr>::Err| TermsError::Severity {
        origin: settings.origin(key),
        what: what(),
        problem: error.to_string(),
    })
}

/// The frameworks, each with the checks that speak of its controls.
fn groups() -> Vec<Group> {
    let group = |framework: &Framework| {
        let checks = framework.controls.iter().flat_map(|control| &control.checks);
        Group { name: framework.id.clone(), checks: checks.copied().collect() }
    };
    Framework::all().iter().map(group).collect()
}

fn unknown(error: &UnknownName, settings: &Settings, key: &str) -> TermsError {
    let names = catalogue::listed().map(|check: &Check| check.id);
    let categories = Category::ALL.into_iter().map(|it| it.as_str());
    let frameworks = Framework::all().iter().map(|framework| framework.id.as_str());
    let hint = nearest(&error.0, names.chain(categories).chain(frameworks));
    let (origin, key) = (settings.origin(key), key.to_owned());
    TermsError::UnknownName { origin, key, problem: format!("{error}{hint}") }
}
