//! The settings of a project for its scans, under what the command line says.
//!
//! The file's form and what it means are `airside-terms`'.

use std::path::{Path, PathBuf};

use airside_checks::Selection;
use airside_config::ByteSize;
use airside_terms::ProjectSettings;
use airside_terms::project::nearest_file;
use airside_types::Severity;

use super::paths::shown;
use crate::cli::ScanArguments;

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
    /// Which files and folders are not read.
    pub(super) exclude: Vec<String>,
    /// Whose findings are told; those of all where nobody is named.
    pub(super) owner: Option<String>,
    /// The settings file, where there is one.
    pub(super) file: Option<PathBuf>,
    /// The platform that judges, where it does not happen here.
    platform: Option<String>,
}

impl Project {
    /// The settings of the file, under what the command line says.
    pub(super) fn of(arguments: &ScanArguments) -> anyhow::Result<Self> {
        let first = arguments.paths.first().map_or_else(|| Path::new("."), PathBuf::as_path);
        let first = if first == Path::new("-") { Path::new(".") } else { first };
        let file = arguments
            .config
            .clone()
            .or_else(|| nearest_file(first).map(|path| PathBuf::from(shown(&path))));
        let profile = arguments.profile.as_deref();
        let settings = match &file {
            Some(path) => ProjectSettings::read(path, profile)?,
            None => ProjectSettings::of_profile(profile)?,
        };
        Ok(Self {
            selection: settings.selection,
            fail_on: arguments.fail_on.unwrap_or(settings.fail_on),
            min_severity: arguments.min_severity.unwrap_or(settings.min_severity),
            max_file_size: arguments.max_file_size.unwrap_or(settings.max_file_size),
            exclude: settings.exclude,
            owner: arguments.owner.clone(),
            file,
            platform: None,
        })
    }

    /// What a platform judges by, under what the command line says about telling it.
    pub(super) fn of_platform(
        arguments: &ScanArguments,
        selection: Selection,
        fail_on: Option<Severity>,
    ) -> anyhow::Result<Self> {
        let settings = ProjectSettings::of_profile(Some(selection.profile()))?;
        Ok(Self {
            selection,
            fail_on: arguments.fail_on.or(fail_on).unwrap_or(settings.fail_on),
            min_severity: arguments.min_severity.unwrap_or(settings.min_severity),
            max_file_size: arguments.max_file_size.unwrap_or(settings.max_file_size),
            exclude: settings.exclude,
            owner: arguments.owner.clone(),
            file: None,
            platform: Some(arguments.server.server.clone()),
        })
    }

    /// What is not as everywhere, for the report; nothing is left out in silence.
    pub(super) fn remark(&self) -> Option<String> {
        let owner = self.owner.as_ref().map(|owner| format!("only findings of {owner}"));
        let file = self.file.as_ref();
        let file = file.map(|path| format!("fails from {} on ({})", self.fail_on, path.display()));
        let platform = self.platform.as_ref();
        let platform = platform
            .map(|url| format!("fails from {} on, judged by the platform at {url}", self.fail_on));
        let parts = owner.into_iter().chain(self.selection.remark()).chain(file).chain(platform);
        let parts: Vec<_> = parts.collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}
