//! Profiles: named choices of checks, and from which severity on findings are shown and fail.
//!
//! Few, and as data. What a project changes beside its profile is `selection.rs`'s.

use airside_types::Severity;

use crate::check::{Category, Check};

/// A named choice of checks.
#[derive(Debug)]
pub struct Profile {
    /// What people type.
    pub id: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// From this severity on findings fail a scan, where nothing else is said.
    pub fail_on: Severity,
    /// From this severity on findings are shown to people, where nothing else is said.
    pub shown_from: Severity,
    takes: fn(&Check) -> bool,
}

const DEFAULT: Profile = Profile {
    id: "default",
    about: "Every check; fails from high on, and shows what is more than advice.",
    fail_on: Severity::High,
    shown_from: Severity::Low,
    takes: |_| true,
};

impl Profile {
    /// All profiles; the first is in force where none is named.
    pub const ALL: &'static [Self] = &[
        DEFAULT,
        Self {
            id: "security",
            about: "What attackers can use: without checks on reliability and conventions.",
            fail_on: Severity::High,
            shown_from: Severity::Low,
            takes: |check| !matches!(check.category, Category::Reliability | Category::Conformance),
        },
        Self {
            id: "baseline",
            about: "Only what the Pod Security Standards' level baseline forbids; any of it fails.",
            fail_on: Severity::Info,
            shown_from: Severity::Info,
            takes: |check| is_required(check, &["pod-security-standards:baseline"]),
        },
        Self {
            id: "restricted",
            about: "Only what the Pod Security Standards' level restricted forbids; any of it fails.",
            fail_on: Severity::Info,
            shown_from: Severity::Info,
            takes: |check| {
                let levels =
                    ["pod-security-standards:baseline", "pod-security-standards:restricted"];
                is_required(check, &levels)
            },
        },
        Self {
            id: "strict",
            about: "Every check; fails from medium on, and shows advice as well.",
            fail_on: Severity::Medium,
            shown_from: Severity::Info,
            takes: |_| true,
        },
    ];

    /// The profile that is in force where none is named.
    pub const fn default() -> &'static Self {
        &DEFAULT
    }

    /// The profile with this id.
    pub fn find(id: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|profile| profile.id == id)
    }

    /// Whether a check is part of it.
    pub fn takes(&self, check: &Check) -> bool {
        (self.takes)(check)
    }
}

fn is_required(check: &Check, controls: &[&str]) -> bool {
    check.controls.iter().any(|control| controls.contains(control))
}
