//! What is broken: a crate whose entries have examples, with the files that decide.

use clap::ValueEnum;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// The catalogue of checks, by the checks' examples.
    Checks,
    /// The rules for audit events, by the rules' examples.
    Rules,
}

impl Subject {
    /// The crate's folder.
    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Self::Checks => "libs/checks",
            Self::Rules => "libs/detect",
        }
    }

    /// The folder of the copy, beside this program.
    pub(crate) const fn copy(self) -> &'static str {
        match self {
            Self::Checks => "mutation",
            Self::Rules => "mutation-rules",
        }
    }

    /// What an entry is called.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Checks => "check",
            Self::Rules => "rule",
        }
    }

    /// The manifest of the copy, without the dependencies.
    pub(crate) const fn manifest(self) -> &'static str {
        match self {
            Self::Checks => include_str!("../scratch/checks/manifest.toml"),
            Self::Rules => include_str!("../scratch/rules/manifest.toml"),
        }
    }

    /// The program that tries mutants.
    pub(crate) const fn program(self) -> &'static str {
        match self {
            Self::Checks => include_str!("../scratch/checks/main.rs"),
            Self::Rules => include_str!("../scratch/rules/main.rs"),
        }
    }

    /// What the sources take in beside themselves, by `include_str!`.
    pub(crate) const fn beside(self) -> &'static [&'static str] {
        match self {
            Self::Checks => &["lessons"],
            Self::Rules => &[],
        }
    }

    /// Whether a file holds conditions: entries, and the words in which they ask for fields, or for who asked, with
    /// what, from where and how it ended. What is remembered between requests is held by properties. Kubernetes' types of fields are a constant of data, in which no switch can
    /// stand, and no condition; which rules meet a request is a table that is made once, before any switch is turned.
    pub(crate) fn is_in_scope(self, file: &str) -> bool {
        let (scope, data): (&[&str], &[&str]) = match self {
            Self::Checks => {
                (&["catalogue/", "component.rs", "subject.rs"], &["catalogue/field_types/table.rs"])
            }
            Self::Rules => (
                &[
                    "audit/rules",
                    "audit/machinery",
                    "audit/actor.rs",
                    "audit/client.rs",
                    "audit/enrichment.rs",
                    "audit/exec.rs",
                    "audit/parameters.rs",
                    "audit/pod_spec.rs",
                    "audit/request.rs",
                    "audit/sign.rs",
                    "audit/uses.rs",
                    "address.rs",
                    "command",
                    "counting/deed.rs",
                    "counting/different.rs",
                    "counting/first_seen.rs",
                    "counting/in_order.rs",
                    "counting/pod_secrets.rs",
                    "counting/policy_parameters.rs",
                    "counting/rules",
                    "profile.rs",
                ],
                &[],
            ),
        };
        let is_scope = scope.iter().any(|scope| file.starts_with(scope));
        is_scope && !data.contains(&file) && !file.contains("tests")
    }
}
