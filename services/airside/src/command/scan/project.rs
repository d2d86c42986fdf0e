//! The settings of a project for its scans: the file `.airside.toml`, its profile, severities and checks.
//!
//! Owns the file's form and where it is looked for. What the names mean is `airside-checks`'.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use airside_checks::selection::{Changes, Group, UnknownName};
use airside_checks::{Check, Profile, Selection, catalogue};
use airside_compliance::Framework;
use airside_config::{ByteSize, Section, Settings, Sources, load};
use airside_types::Severity;
use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::cli::ScanArguments;
use crate::command::explain::nearest;

/// The file that is read where none is named.
const FILE: &str = ".airside.toml";

/// `[scan]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ScanSection {
    profile: Option<String>,
    fail_on: Option<String>,
    min_severity: Option<String>,
    max_file_size: Option<ByteSize>,
}

/// `[checks]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ChecksSection {
    enable: Vec<String>,
    disable: Vec<String>,
}

/// How a project is scanned.
#[derive(Debug)]
pub(super) struct Project {
    /// Which checks count.
    pub(super) selection: Selection,
    /// From which severity on a finding fails the scan.
    pub(super) fail_on: Severity,
    /// From which severity on people see findings.
    pub(super) min_severity: Severity,
    /// The largest file that is read.
    pub(super) max_file_size: ByteSize,
    /// Whose findings are told; those of all where nobody is named.
    pub(super) owner: Option<String>,
    /// The settings file, where there is one.
    pub(super) file: Option<PathBuf>,
}

impl Project {
    /// The settings of the file, under what the command line says.
    pub(super) fn of(arguments: &ScanArguments) -> anyhow::Result<Self> {
        let first = arguments.paths.first().map_or_else(|| Path::new("."), PathBuf::as_path);
        let file = arguments.config.clone().or_else(|| nearest_file(first));
        let Some(path) = &file else {
            return Self::with(
                arguments,
                &ScanSection::default(),
                Selection::EVERYTHING.clone(),
                None,
            );
        };
        let sections = [
            Section::of::<ScanSection>("scan"),
            Section::of::<BTreeMap<String, String>>("severity"),
            Section::of::<ChecksSection>("checks"),
        ];
        let settings =
            load(&sections, &Sources { file: Some(path.clone()), ..Sources::default() })?;
        let scan: ScanSection = settings.section("scan")?;
        let checks: ChecksSection = settings.section("checks")?;
        let severities = severities(&settings)?;
        let groups = groups();
        let profile = profile(arguments, &scan, &settings)?;
        let build = |changes: &Changes<'_>, key: &str| {
            Selection::new(profile, changes, &groups)
                .map_err(|error| unknown(&error, &settings, key))
        };
        // Each part by itself first, so that an error names the right key.
        build(&Changes { enable: &checks.enable, ..Changes::default() }, "checks.enable")?;
        build(&Changes { disable: &checks.disable, ..Changes::default() }, "checks.disable")?;
        let all =
            Changes { enable: &checks.enable, disable: &checks.disable, severity: &severities };
        let selection = build(&all, "severity")?;
        Self::with(arguments, &scan, selection, file.clone())
    }

    fn with(
        arguments: &ScanArguments,
        scan: &ScanSection,
        selection: Selection,
        file: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let selection = match (&arguments.profile, &file) {
            (Some(name), None) => Selection::new(find(name)?, &Changes::default(), &[])?,
            _ => selection,
        };
        let profile = find(selection.profile())?;
        let read = |given: &Option<String>, key: &str| {
            let read = given.as_ref().map(|text| text.parse::<Severity>());
            read.transpose().with_context(|| format!("`scan.{key}` of {FILE} is not usable"))
        };
        Ok(Self {
            fail_on: arguments
                .fail_on
                .or(read(&scan.fail_on, "fail_on")?)
                .unwrap_or(profile.fail_on),
            min_severity: arguments
                .min_severity
                .or(read(&scan.min_severity, "min_severity")?)
                .unwrap_or(profile.shown_from),
            max_file_size: arguments
                .max_file_size
                .or(scan.max_file_size)
                .unwrap_or(ByteSize::mib(64)),
            selection,
            owner: arguments.owner.clone(),
            file,
        })
    }

    /// What is not as everywhere, for the report; nothing is left out in silence.
    pub(super) fn remark(&self) -> Option<String> {
        let owner = self.owner.as_ref().map(|owner| format!("only findings of {owner}"));
        let file = self.file.as_ref();
        let file = file.map(|path| format!("fails from {} on ({})", self.fail_on, path.display()));
        let parts: Vec<_> = owner.into_iter().chain(self.selection.remark()).chain(file).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn profile(
    arguments: &ScanArguments,
    scan: &ScanSection,
    settings: &Settings,
) -> anyhow::Result<&'static Profile> {
    match (&arguments.profile, &scan.profile) {
        (Some(name), _) => find(name),
        (None, Some(name)) => {
            find(name).with_context(|| settings.origin("scan.profile").to_string())
        }
        (None, None) => Ok(Profile::default()),
    }
}

fn find(name: &str) -> anyhow::Result<&'static Profile> {
    Profile::find(name).with_context(|| {
        let all: Vec<_> = Profile::ALL.iter().map(|profile| profile.id).collect();
        format!("there is no profile `{name}`: choose from {}", all.join(", "))
    })
}

fn severities(settings: &Settings) -> anyhow::Result<Vec<(String, Severity)>> {
    let section: BTreeMap<String, String> = settings.section("severity")?;
    let read = |(name, text): (String, String)| {
        let severity = text.parse().with_context(|| {
            // A name with dots is no key that could be looked up; its section is told.
            format!("{}: the severity of `{name}`", settings.origin(&format!("severity.{name}")))
        })?;
        Ok((name, severity))
    };
    section.into_iter().map(read).collect()
}

/// The frameworks, each with the checks that speak of its controls.
fn groups() -> Vec<Group> {
    let group = |framework: &Framework| {
        let checks = framework.controls.iter().flat_map(|control| &control.checks);
        Group { name: framework.id.clone(), checks: checks.copied().collect() }
    };
    Framework::all().iter().map(group).collect()
}

fn unknown(error: &UnknownName, settings: &Settings, key: &str) -> anyhow::Error {
    let names = catalogue::listed().map(|check: &Check| check.id);
    let categories = airside_checks::Category::ALL.into_iter().map(|it| it.as_str());
    let frameworks = Framework::all().iter().map(|framework| framework.id.as_str());
    let hint = nearest(&error.0, names.chain(categories).chain(frameworks));
    anyhow::anyhow!("{}: `{key}`: {error}{hint}", settings.origin(key))
}

/// The file of the path's folder or of the nearest above it; a repository's folder is the last.
fn nearest_file(path: &Path) -> Option<PathBuf> {
    let path = if path == Path::new("-") { Path::new(".") } else { path };
    let whole = path.canonicalize().ok()?;
    for folder in whole.ancestors().skip(usize::from(!whole.is_dir())) {
        let file = folder.join(FILE);
        if file.is_file() {
            return Some(shortened(file));
        }
        if folder.join(".git").try_exists().unwrap_or(false) {
            return None;
        }
    }
    None
}

/// The path from where the program runs, if it is below.
fn shortened(file: PathBuf) -> PathBuf {
    let here = Path::new(".").canonicalize().unwrap_or_default();
    file.strip_prefix(here).map(Path::to_owned).unwrap_or(file)
}
