//! Programs that take a password after a flag whose name does not say so.

/// A program, under all of its names, and its flags.
#[derive(Debug)]
pub(super) struct Program {
    names: &'static [&'static str],
    flags: &'static [(&'static str, Takes)],
}

/// How a flag takes a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// As part of the same word. The next word is something else.
    Attached,
    /// As the next word.
    Next,
    /// As part of the word, or as the next one.
    Either,
    /// Behind a name and a colon, as part of the word or as the next one.
    BehindColon,
}

/// What a word is to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    /// No flag with a password.
    None,
    /// The next word is one.
    BeforeHidden,
    /// The next word is a name, a colon and one.
    BeforeHiddenBehindColon,
    /// One follows the flag in the same word.
    WithHidden(&'static str),
    /// A name, a colon and one follow the flag in the same word.
    WithHiddenBehindColon,
}

const PROGRAMS: &[Program] = &[
    Program {
        names: &[
            "mysql",
            "mysqladmin",
            "mysqlcheck",
            "mysqldump",
            "mysqlimport",
            "mysqlsh",
            "mysqlshow",
            "mariadb",
            "mariadb-admin",
            "mariadb-dump",
            "xtrabackup",
        ],
        flags: &[("-p", Takes::Attached)],
    },
    Program { names: &["sshpass"], flags: &[("-p", Takes::Either)] },
    Program {
        names: &["redis-cli", "valkey-cli", "keydb-cli"],
        flags: &[("-a", Takes::Next), ("--pass", Takes::Next)],
    },
    Program {
        names: &["mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport"],
        flags: &[("-p", Takes::Either)],
    },
    Program {
        names: &["ldapsearch", "ldapmodify", "ldapadd", "ldapdelete", "ldapwhoami"],
        flags: &[("-w", Takes::Either)],
    },
    Program {
        names: &["curl"],
        flags: &[
            ("--user", Takes::BehindColon),
            ("--proxy-user", Takes::BehindColon),
            ("-u", Takes::BehindColon),
            ("-U", Takes::BehindColon),
        ],
    },
    Program {
        names: &["skopeo", "buildah"],
        flags: &[
            ("--creds", Takes::BehindColon),
            ("--src-creds", Takes::BehindColon),
            ("--dest-creds", Takes::BehindColon),
        ],
    },
    // Of docker, helm, az and their kin.
    Program { names: &["login"], flags: &[("-p", Takes::Either)] },
];

/// The names of all of them.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PROGRAMS.iter().flat_map(|program| program.names).copied()
}

/// The program whose words a word is among, where those before it were another's.
pub(super) fn at(word: &str, before: Option<&'static Program>) -> Option<&'static Program> {
    const ENDS: [&str; 5] = ["|", "||", "&&", ";", "&"];
    // An address or a path may end like a program.
    if word.contains("://") || word.starts_with('-') || word.ends_with("/login") {
        return before;
    }
    let bare = word.trim_matches(['"', '\'', '(', ')', '`']);
    // A path's last part; or what stands behind the end of another command.
    let name = bare.rsplit(['/', ';', '|', '&', '(', '`', '"', '\'']).next().unwrap_or(bare);
    let found = PROGRAMS.iter().find(|program| program.names.contains(&name));
    let ends = ENDS.contains(&word) || word.ends_with(';');
    found.or_else(|| before.filter(|_| !ends))
}

impl Program {
    /// What a word is to it.
    pub(super) fn flag(&self, word: &str) -> Flag {
        let bare = word.trim_start_matches(['"', '\'']);
        if let Some(bundled) = self.bundled(bare) {
            return bundled;
        }
        let found = self.flags.iter().find_map(|(flag, takes)| {
            let rest = bare.strip_prefix(flag)?;
            // `--user=a:b` is a long flag's only way to have it in the same word.
            let is_long = flag.starts_with("--");
            (rest.is_empty() || !is_long || rest.starts_with('=')).then_some((*flag, rest, *takes))
        });
        match found {
            None | Some((_, "", Takes::Attached)) => Flag::None,
            Some((_, "", Takes::BehindColon)) => Flag::BeforeHiddenBehindColon,
            Some((_, "", Takes::Next | Takes::Either)) => Flag::BeforeHidden,
            Some((_, _, Takes::BehindColon)) => Flag::WithHiddenBehindColon,
            Some((flag, _, Takes::Attached | Takes::Either)) => Flag::WithHidden(flag),
            Some((_, _, Takes::Next)) => Flag::None,
        }
    }

    /// Short flags in one word, of which the last one takes a name and a password: `curl -sSu`.
    fn bundled(&self, word: &str) -> Option<Flag> {
        let short = self.flags.iter().filter(|(_, takes)| *takes == Takes::BehindColon);
        let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'))?;
        let mut short = short.filter_map(|(flag, _)| flag.strip_prefix('-')?.chars().next());
        let is_bundle = |letters: &str| letters.chars().all(|letter| letter.is_ascii_alphabetic());
        short.find_map(|flag| {
            let (before, rest) = letters.split_once(flag)?;
            match (is_bundle(before) && !before.is_empty(), rest) {
                (false, _) => None,
                (true, "") => Some(Flag::BeforeHiddenBehindColon),
                (true, rest) => rest.contains(':').then_some(Flag::WithHiddenBehindColon),
            }
        })
    }
}
