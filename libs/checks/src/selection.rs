//! Which checks count in a project, and how severe their findings are: a profile, and changes to it.
//!
//! Owns what names mean (a check, another tool's name of it, a category, a group that the caller brings) and
//! which change wins. Reading settings is the caller's.

use std::collections::{BTreeMap, BTreeSet};

use airside_types::Severity;

use crate::catalogue;
use crate::check::{Category, Check};
use crate::profile::Profile;

/// The checks that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    profile: &'static str,
    left_out: BTreeSet<&'static str>,
    severities: BTreeMap<&'static str, Severity>,
}

/// What a project changes. Each name is a check, another tool's name of one, a category or a group. A
/// check's own name weighs more than that of a group, and `enable` more than `disable`.
#[derive(Debug, Clone, Default)]
pub struct Changes<'a> {
    /// Checks that count, though the profile leaves them out.
    pub enable: &'a [String],
    /// Checks that do not count.
    pub disable: &'a [String],
    /// Severities of findings, in place of the catalogue's.
    pub severity: &'a [(String, Severity)],
}

/// Checks with a common name, such as those of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// The checks.
    pub checks: Vec<&'static Check>,
}

/// A name that means no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no check, category or framework `{0}`")]
pub struct UnknownName(pub String);

impl Selection {
    /// Every check with the catalogue's severity.
    pub const EVERYTHING: &'static Self = &Self {
        profile: Profile::default().id,
        left_out: BTreeSet::new(),
        severities: BTreeMap::new(),
    };

    /// A profile with changes.
    ///
    /// # Errors
    /// The first name that means nothing.
    pub fn new(
        profile: &'static Profile,
        changes: &Changes<'_>,
        groups: &[Group],
    ) -> Result<Self, UnknownName> {
        let left_out = catalogue::listed().filter(|check| !profile.takes(check));
        let mut left_out: BTreeSet<_> = left_out.map(|check| check.id).collect();
        let disable = Meant::of_all(changes.disable, groups)?;
        let enable = Meant::of_all(changes.enable, groups)?;
        for is_single in [false, true] {
            let of = |all: &[Meant]| -> Vec<&'static str> {
                let meant = all.iter().filter(|meant| meant.is_single == is_single);
                meant.flat_map(|meant| meant.checks.iter().copied()).collect()
            };
            left_out.extend(of(&disable));
            of(&enable).iter().for_each(|check| _ = left_out.remove(check));
        }
        let mut severities = BTreeMap::new();
        let mut all = Vec::new();
        for (name, severity) in changes.severity {
            all.push((Meant::of(name, groups)?, *severity));
        }
        all.sort_by_key(|(meant, _)| meant.is_single);
        for (meant, severity) in all {
            severities.extend(meant.checks.into_iter().map(|check| (check, severity)));
        }
        Ok(Self { profile: profile.id, left_out, severities })
    }

    /// The checks of another program, which tells what it leaves out and which severities it gives.
    ///
    /// # Errors
    /// The first profile or check that this program has not.
    pub fn told(
        profile: &str,
        left_out: &[String],
        severities: &[(String, Severity)],
    ) -> Result<Self, UnknownName> {
        let unknown = |name: &str| UnknownName(name.to_owned());
        let profile = Profile::find(profile).ok_or_else(|| unknown(profile))?;
        let check = |name: &str| match catalogue::find(name) {
            Some(check) if check.id == name => Ok(check.id),
            _ => Err(unknown(name)),
        };
        let severity = |(name, severity): &(String, Severity)| Ok((check(name)?, *severity));
        Ok(Self {
            profile: profile.id,
            left_out: left_out.iter().map(|name| check(name)).collect::<Result<_, _>>()?,
            severities: severities.iter().map(severity).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a check counts.
    pub fn takes(&self, check: &Check) -> bool {
        !self.left_out.contains(check.id)
    }

    /// The severity of a check's findings where the project gives one.
    pub fn severity(&self, check: &Check) -> Option<Severity> {
        self.severities.get(check.id).copied()
    }

    /// The profile's id.
    pub const fn profile(&self) -> &'static str {
        self.profile
    }

    /// The checks that do not count, by id.
    pub const fn left_out(&self) -> &BTreeSet<&'static str> {
        &self.left_out
    }

    /// The severities that the project gives, by the check's id.
    pub const fn severities(&self) -> &BTreeMap<&'static str, Severity> {
        &self.severities
    }

    /// What is not as everywhere, in a sentence; none where every check counts as the catalogue has it.
    pub fn remark(&self) -> Option<String> {
        let left_out = (!self.left_out.is_empty()).then(|| {
            let all = catalogue::listed().count();
            format!("{} of {all} checks are left out", self.left_out.len())
        });
        let changed = (!self.severities.is_empty())
            .then(|| format!("{} have a severity of this project", self.severities.len()));
        let parts: Vec<_> = left_out.into_iter().chain(changed).collect();
        (!parts.is_empty()).then(|| format!("profile {}: {}", self.profile, parts.join(", ")))
    }
}

/// What a name means.
#[derive(Debug)]
struct Meant {
    checks: Vec<&'static str>,
    /// Whether it is a check's own name, here or in another tool.
    is_single: bool,
}

impl Meant {
    fn of_all(names: &[String], groups: &[Group]) -> Result<Vec<Self>, UnknownName> {
        names.iter().map(|name| Self::of(name, groups)).collect()
    }

    fn of(name: &str, groups: &[Group]) -> Result<Self, UnknownName> {
        let is_named = |check: &&Check| check.id == name || check.equivalents.contains(&name);
        let single: Vec<_> = catalogue::listed().filter(is_named).map(|check| check.id).collect();
        if !single.is_empty() {
            return Ok(Self { checks: single, is_single: true });
        }
        let checks = if let Some(group) = groups.iter().find(|group| group.name == name) {
            group.checks.iter().map(|check| check.id).collect()
        } else if Category::ALL.iter().any(|category| category.as_str() == name) {
            let of_category = catalogue::listed().filter(|it| it.category.as_str() == name);
            of_category.map(|check| check.id).collect()
        } else {
            // As another tool prints it, without the tool.
            let of_peers = catalogue::named_by_peers(name).into_values().flatten();
            let checks: BTreeSet<_> = of_peers.map(|check| check.id).collect();
            if checks.is_empty() {
                return Err(UnknownName(name.to_owned()));
            }
            return Ok(Self { checks: checks.into_iter().collect(), is_single: true });
        };
        Ok(Self { checks, is_single: false })
    }
}

#[cfg(test)]
mod tests;
