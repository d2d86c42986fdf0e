//! The file CODEOWNERS as GitHub and GitLab read it.
//!
//! Each line has a pattern and owners; of the lines that match a file, the last counts, also when it names
//! nobody. GitLab's sections (`[Name] @default`) count each by itself, and a file then has the owners of all.

use globset::{GlobBuilder, GlobMatcher};

use super::MAX_OWNER;

/// Files beyond this many lines are cut off, as code hosts refuse them.
const MAX_LINES: usize = 20_000;

/// A file CODEOWNERS, read.
#[derive(Debug, Clone, Default)]
pub struct CodeOwners {
    /// By section; those before the first header are a section, too.
    sections: Vec<Vec<Rule>>,
}

#[derive(Debug, Clone)]
struct Rule {
    /// What the pattern means: the files, or folders with all below them.
    globs: Vec<GlobMatcher>,
    owners: Vec<String>,
}

impl CodeOwners {
    /// Where code hosts look for the file, from the repository's folder.
    pub const PLACES: [&'static str; 4] =
        ["CODEOWNERS", ".github/CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS"];

    /// Reads the file. A line that means nothing is left out, as code hosts do.
    pub fn parse(text: &str) -> Self {
        let mut sections = vec![Vec::new()];
        let mut default = Vec::new();
        for line in text.lines().take(MAX_LINES).map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(owners) = header(line) {
                default = owners;
                sections.push(Vec::new());
                continue;
            }
            let (pattern, rest) = split(line);
            let owners = owners(rest);
            let owners = if owners.is_empty() { default.clone() } else { owners };
            if let (Some(globs), Some(section)) = (globs(&pattern), sections.last_mut()) {
                section.push(Rule { globs, owners });
            }
        }
        Self { sections }
    }

    /// Whose a file is, by its path from the repository's folder with `/` between folders; names stand
    /// beside each other with blanks.
    pub fn of(&self, path: &str) -> Option<String> {
        let rule = |section: &'_ Vec<Rule>| {
            let found =
                section.iter().rev().find(|rule| rule.globs.iter().any(|it| it.is_match(path)));
            found.map(|rule| rule.owners.clone())
        };
        let mut owners: Vec<String> = Vec::new();
        for owner in self.sections.iter().filter_map(rule).flatten() {
            if !owners.contains(&owner) {
                owners.push(owner);
            }
        }
        let owners = owners.join(" ");
        (!owners.is_empty() && owners.len() <= MAX_OWNER).then_some(owners)
    }
}

/// The default owners of a section, where a line begins one: `[Name]`, `^[Name]`, `[Name][2] @owner`.
fn header(line: &str) -> Option<Vec<String>> {
    let (_, mut rest) =
        line.strip_prefix('^').unwrap_or(line).strip_prefix('[')?.split_once(']')?;
    if let Some((_, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        rest = after;
    }
    Some(owners(rest))
}

fn owners(text: &str) -> Vec<String> {
    let names = text.split_whitespace().take_while(|name| !name.starts_with('#'));
    names.filter(|name| !name.contains(char::is_control)).map(str::to_owned).collect()
}

/// The pattern, in which a backslash stands before a blank or a `#`, and what follows it.
fn split(line: &str) -> (String, &str) {
    let mut pattern = String::new();
    let mut letters = line.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => pattern.extend(letters.next().map(|(_, letter)| letter)),
            letter if letter.is_whitespace() => {
                return (pattern, line.get(at..).unwrap_or_default());
            }
            letter => pattern.push(letter),
        }
    }
    (pattern, "")
}

/// What a pattern matches. One without a slash but at its end matches at any depth; one that names a folder
/// matches all below it; `folder/*` matches only what lies directly in it.
fn globs(pattern: &str) -> Option<Vec<GlobMatcher>> {
    let is_folder = pattern.ends_with('/');
    let path = pattern.trim_matches('/');
    if path.is_empty() {
        return if pattern == "/" { compiled(&["**"]) } else { None };
    }
    let is_anchored = pattern.starts_with('/') || path.contains('/');
    let path = escaped(path);
    let path = if is_anchored { path } else { format!("**/{path}") };
    let below = format!("{path}/**");
    match (is_folder, path.ends_with("/*") && is_anchored) {
        (true, _) => compiled(&[&below]),
        (false, true) => compiled(&[&path]),
        (false, false) => compiled(&[&path, &below]),
    }
}

/// Brackets and braces have no meaning here.
fn escaped(pattern: &str) -> String {
    let mut escaped = String::new();
    for letter in pattern.chars() {
        if matches!(letter, '[' | ']' | '{' | '}' | '!' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn compiled(globs: &[&str]) -> Option<Vec<GlobMatcher>> {
    let compile = |glob: &&str| {
        let built = GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build();
        built.ok().map(|glob| glob.compile_matcher())
    };
    globs.iter().map(compile).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_matches_names_the_owners() {
        let github = "# everything\n*  @org/all\n*.yaml @org/yaml # by ending\n/charts/ @org/charts\ndeploy/ @org/deploy\n\
            docs/* @org/docs\n/apps/*/base @org/base\n**/secrets @org/secrets @bob\n/charts/free\n/a\\ b.txt mail@example.com\n";
        let gitlab = "[Platform] @platform\ncharts/\n*.md @writers\n^[Security][2] @sec\n/charts/db @dba\n/charts/\n";
        for (file, path, owner) in [
            (github, "README", Some("@org/all")),
            (github, "x/y/pod.yaml", Some("@org/yaml")),
            (github, "charts/web/pod.yaml", Some("@org/charts")),
            (github, "x/charts/pod.yaml", Some("@org/yaml")),
            (github, "x/deploy/a/b", Some("@org/deploy")),
            (github, "deploy", Some("@org/all")),
            (github, "docs/a.md", Some("@org/docs")),
            (github, "docs/a/b.md", Some("@org/all")),
            (github, "apps/shop/base/pod.yaml", Some("@org/base")),
            (github, "apps/base", Some("@org/all")),
            (github, "apps/x/secrets/a.yaml", Some("@org/secrets @bob")),
            (github, "charts/free/x", None),
            (github, "a b.txt", Some("mail@example.com")),
            (gitlab, "charts/web/x", Some("@platform @sec")),
            (gitlab, "charts/db/x", Some("@platform @sec")),
            (gitlab, "x/README.md", Some("@writers")),
            (gitlab, "other", None),
            ("[x]y* @a", "xy", None),
            ("*.{yaml,yml} @a", "x.yaml", None),
            ("/ @a", "x/y", Some("@a")),
            ("", "x", None),
        ] {
            assert_eq!(CodeOwners::parse(file).of(path).as_deref(), owner, "{path} in {file}");
        }
    }
}
