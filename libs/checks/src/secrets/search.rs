//! Looks through one text: by shape, then in its own format by name, then in what it encodes.

use std::borrow::Cow;

use airside_k8s::Value;
use airside_types::Step;

use super::assignments::{Assignment, assignments, directives, elements, flags, logins, words};
use super::fingerprint::fingerprint;
use super::formats::{Item, documents, place, private_members, registry_auths, sort_of, visit};
use super::shapes::{Token, Tokens, decoded, is_literal, pair_of, tokens};
use super::statements::statements;
use super::values::{by_name, is_indirect, unquoted};
use super::{Confidence, Hit, Sort, Style, Verdict};

/// A credential within a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) hit: Hit,
    /// Where in the text, when the text has more than one place.
    pub(crate) inside: Option<String>,
}

/// What a text holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Search {
    /// The credentials, at most [`MAX_FOUND`].
    pub(crate) found: Vec<Found>,
    /// Whether a literal stands for a credential.
    pub(crate) has_placeholder: bool,
}

/// More in one text are not told.
const MAX_FOUND: usize = 64;
/// Base64 in base64 is opened so often.
const MAX_DEPTH: usize = 2;
/// Longer texts are read up to here; a field of an object cannot be that long.
const MAX_TEXT: usize = 4 * 1024 * 1024;

/// Searches a text that stands under a name.
pub(crate) fn search(name: &str, text: &str, style: Style) -> Search {
    let mut found = Search::default();
    found.look(name, text, style, 0);
    if holds_wording(name) {
        found.found.retain(|found| found.hit.confidence > Confidence::Named);
    }
    found
}

/// Whether a name is that of a file with the words of a user interface, where `password` is a label.
fn holds_wording(name: &str) -> bool {
    const FILES: [&str; 8] =
        ["i18n", "l10n", "labels", "locale", "locales", "messages", "strings", "translations"];
    let name = name.to_ascii_lowercase();
    let mut parts = name.split(['.', '-', '_', '/']);
    parts.any(|part| FILES.contains(&part))
}

/// Judges a number by its name.
pub(crate) fn search_number(name: &str, number: &serde_json::Number, style: Style) -> Search {
    let mut found = Search::default();
    found.judge(by_name(name, &number.to_string(), style), None);
    found
}

/// Searches the words of a command, and says which word holds what.
pub(crate) fn search_arguments(arguments: &[&str]) -> Vec<(usize, Search)> {
    let mut found: Vec<(usize, Search)> = arguments
        .iter()
        .enumerate()
        .map(|(index, argument)| (index, search("", argument, Style::Values)))
        .collect();
    let listed: Vec<(usize, &str)> = arguments.iter().copied().enumerate().collect();
    for flag in flags(&listed).into_iter().filter(|flag| !is_expanded(flag.value)) {
        let index = flag.at;
        // The value may be the next word, and that is where it stands.
        let at = match arguments.get(index) {
            Some(argument) if argument.ends_with(flag.value) => index,
            _ => index + 1,
        };
        if let Some((_, search)) = found.get_mut(at)
            && search.found.is_empty()
        {
            search.judge(by_name(flag.name, flag.value, style_of(flag.name)), None);
        }
    }
    found.retain(|(_, search)| !search.found.is_empty());
    found
}

impl Search {
    fn look(&mut self, name: &str, text: &str, style: Style, depth: usize) {
        let text = text.get(..MAX_TEXT).unwrap_or(text);
        let tokens = tokens(text);
        self.take_tokens(text, &tokens, style);
        let is_line = !text.trim().contains('\n');
        if is_line && !is_told(&tokens, text) {
            self.judge(by_name(name, text, style), None);
        }
        match documents(text) {
            Some(documents) => documents.iter().for_each(|document| {
                self.look_into_document(document, &tokens, style, depth);
            }),
            None => self.look_into_text(name, text, &tokens),
        }
        self.open(text, style, depth);
    }

    fn take_tokens(&mut self, text: &str, tokens: &Tokens<'_>, style: Style) {
        self.has_placeholder |= tokens.has_placeholder;
        let has_lines = text.trim().contains('\n');
        // Where things are named, the id of a key is one more name.
        let is_told =
            |token: &&Token<'_>| style == Style::Values || token.confidence > Confidence::Named;
        for token in tokens.found.iter().filter(is_told) {
            let hit = Hit {
                what: token.what,
                sort: token.sort,
                confidence: token.confidence,
                fingerprint: fingerprint(&compact(token)),
            };
            let line = text.get(..token.at).map(line_of);
            self.push(hit, line.filter(|_| has_lines));
        }
    }

    fn look_into_document(
        &mut self,
        document: &Value,
        tokens: &Tokens<'_>,
        style: Style,
        depth: usize,
    ) {
        let sort = sort_of(document);
        let before = self.found.len();
        let pairs = registry_auths(document);
        for (host, auth) in &pairs {
            if pair_of(auth).is_some_and(|(_, password)| is_literal(&password)) {
                let what = "a registry's credential";
                let confidence = Confidence::Proven;
                let place = (host.len() <= 64).then(|| format!("registry {host}"));
                self.push(Hit { what, sort, confidence, fingerprint: None }, place);
            }
        }
        for place in private_members(document) {
            let (what, confidence) = ("a private JSON Web Key", Confidence::Proven);
            let hit = Hit { what, sort: Sort::PrivateKey, confidence, fingerprint: None };
            self.push(hit, Some(place));
        }
        visit(document, &mut Vec::new(), &mut |_| true, &mut |steps, item| match item {
            Item::Text(name, text) => {
                if !is_told(tokens, text) {
                    self.look_into_field(name, text, style, depth, steps);
                }
            }
            Item::Number(name, number) => {
                self.judge(by_name(name, &number.to_string(), style), place(steps));
            }
            Item::List(name, list) => {
                let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
                // The texts as a whole have been searched already.
                let by_flag = if has_flag(&texts) { search_arguments(&texts) } else { Vec::new() };
                let untold = texts.iter().filter(|text| !is_told(tokens, text));
                let by_name = untold.map(|text| by_name_of_list(name, text, texts.len()));
                by_name.for_each(|verdict| self.judge(verdict, place(steps)));
                for (_, search) in by_flag {
                    self.join(search, place(steps).as_deref());
                }
            }
        });
        for found in self.found.iter_mut().skip(before) {
            if sort != Sort::Credential {
                found.hit.sort = sort;
            }
        }
    }

    /// A field of a document: by its name, or a text in a format of its own.
    fn look_into_field(
        &mut self,
        name: &str,
        text: &str,
        style: Style,
        depth: usize,
        steps: &[Step<'_>],
    ) {
        let mut below = Self::default();
        below.judge(by_name(name, text, style), None);
        let has_more = text.contains('=') || text.trim().contains('\n');
        if below.found.is_empty() && depth < MAX_DEPTH && has_more {
            below.look("", text, style, depth + 1);
        } else if below.found.is_empty() {
            below.open(text, style, depth);
        }
        self.join(below, place(steps).as_deref());
    }

    fn look_into_text(&mut self, file: &str, text: &str, tokens: &Tokens<'_>) {
        let mut named: Vec<Assignment<'_>> = assignments(text);
        named.extend(logins(file, text));
        named.extend(flags(&words(text)));
        named.extend(directives(text));
        named.extend(statements(text));
        if text.contains("</") {
            named.extend(elements(text));
        }
        named.sort_by_key(|assignment| assignment.at);
        let has_lines = text.trim().contains('\n');
        for assignment in named {
            // Most names are no credential's: they are asked first.
            let verdict = by_name(assignment.name, assignment.value, style_of(assignment.name));
            let is_known = || is_told(tokens, assignment.value) || is_expanded(assignment.value);
            if verdict.is_none() || is_known() {
                continue;
            }
            let is_credential = match &verdict {
                Some(Verdict::Credential(hit)) => {
                    assignment.is_literal || hit.confidence > Confidence::Named
                }
                Some(Verdict::Placeholder) => assignment.is_literal,
                None => false,
            };
            if is_credential {
                let line = text.get(..assignment.at).map(line_of).filter(|_| has_lines);
                self.judge(verdict, line);
            }
        }
    }

    /// Opens base64 and looks at what it holds.
    fn open(&mut self, text: &str, style: Style, depth: usize) {
        const LEAST: usize = 24;
        let text = unquoted(text.trim());
        let is_encoded = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-' | b'\n')
        };
        if depth >= MAX_DEPTH || text.len() < LEAST || !text.bytes().all(is_encoded) {
            return;
        }
        let Some(inner) = decoded(text) else { return };
        let mut below = Self::default();
        below.look("", &inner, style, depth + 1);
        // A text in base64 is no placeholder by what a part of it says.
        below.has_placeholder = false;
        self.join(below, Some("base64"));
    }

    fn judge(&mut self, verdict: Option<Verdict>, inside: Option<String>) {
        match verdict {
            Some(Verdict::Credential(hit)) => self.push(hit, inside),
            Some(Verdict::Placeholder) => self.has_placeholder = true,
            None => {}
        }
    }

    fn push(&mut self, hit: Hit, inside: Option<String>) {
        let found = Found { hit, inside };
        if self.found.len() < MAX_FOUND && !self.found.contains(&found) {
            self.found.push(found);
        }
    }

    fn join(&mut self, below: Self, place: Option<&str>) {
        self.has_placeholder |= below.has_placeholder;
        for found in below.found {
            let inside = match (place, found.inside) {
                (Some(outer), Some(inner)) => Some(format!("{outer}, {inner}")),
                (Some(outer), None) => Some(outer.to_owned()),
                (None, inner) => inner,
            };
            self.push(found.hit, inside);
        }
    }
}

fn has_flag(texts: &[&str]) -> bool {
    texts.iter().any(|text| text.starts_with('-'))
}

/// Searches a list of texts under a name: as the words of a command, and each as a value of the name.
pub(crate) fn search_list(name: &str, texts: &[&str]) -> Vec<(usize, Search)> {
    let mut found = search_arguments(texts);
    for (index, text) in texts.iter().enumerate() {
        let is_found = found.iter().any(|(at, _)| *at == index);
        let mut search = Search::default();
        let verdict = by_name_of_list(name, text, texts.len());
        search.judge(verdict.filter(|_| !is_found), None);
        if !search.found.is_empty() {
            found.push((index, search));
        }
    }
    found.sort_by_key(|(index, _)| *index);
    found
}

/// Judges a text of a list by the list's name. Several may be the parts of a path, as in `secret: [spec,
/// secretName]`: then each has to look like a credential.
fn by_name_of_list(name: &str, text: &str, count: usize) -> Option<Verdict> {
    let is_taken = |verdict: &Verdict| match verdict {
        Verdict::Credential(hit) => count == 1 || hit.confidence > Confidence::Named,
        Verdict::Placeholder => count == 1,
    };
    by_name(name, text, Style::References).filter(is_taken)
}

/// Whether a value holds, or is part of, a credential that was told by its shape.
fn is_told(tokens: &Tokens<'_>, value: &str) -> bool {
    tokens.found.iter().any(|token| value.contains(token.text) || token.text.contains(value))
}

/// `--secret` takes the name of a Secret with many programs.
fn style_of(name: &str) -> Style {
    let is_plain = matches!(name, "--secret" | "-secret" | "--secrets");
    if is_plain { Style::References } else { Style::Values }
}

/// Whether a shell puts something in: `$NAME` within a word, `$$NAME` where Kubernetes would.
fn is_expanded(value: &str) -> bool {
    let is_name =
        |rest: &str| rest.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    is_indirect(value) || value.split('$').skip(1).any(is_name)
}

/// The text of a credential whatever its line breaks.
fn compact<'t>(token: &Token<'t>) -> Cow<'t, str> {
    match token.sort {
        Sort::PrivateKey => {
            let lines = token.text.split("\\n").flat_map(str::split_ascii_whitespace);
            Cow::Owned(lines.filter(|line| !line.starts_with('-')).collect())
        }
        _ => Cow::Borrowed(token.text),
    }
}

fn line_of(before: &str) -> String {
    format!("line {}", memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1)
}
