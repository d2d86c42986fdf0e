//! From a YAML file to what is authorised, with every mistake at its line.

use std::net::IpAddr;

use airside_k8s::fields::at as value_at;
use airside_k8s::{Document, Map, Position, Value};
use airside_types::{FieldPath, Place};

use super::when::{When, weekday, zone};
use super::{Authorised, Network, Pattern, Rule, Ticket, Who};
use crate::audit::{CORE_RESOURCES as CORE, VERBS};

/// Something in a file that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What is wrong, and what to write.
    pub problem: String,
}

/// Reads the documents of a file. A rule with a mistake authorises nothing, the others do.
pub fn read(path: &str, documents: &[Document]) -> (Authorised, Vec<Problem>) {
    let mut all = Authorised::default();
    let mut problems = Vec::new();
    for document in documents {
        let mut reader = Reader { path, document, problems: &mut problems };
        reader.document(&mut all);
    }
    (all, problems)
}

pub(super) struct Reader<'r> {
    pub(super) path: &'r str,
    pub(super) document: &'r Document,
    pub(super) problems: &'r mut Vec<Problem>,
}

impl Reader<'_> {
    pub(super) fn place(&self, at: &FieldPath) -> Place {
        let Position { line, column } = self.document.places.root().resolve(at);
        Place { path: self.path.into(), line, column }
    }

    pub(super) fn problem(&mut self, at: &FieldPath, problem: impl Into<String>) {
        let place = self.place(at);
        self.problems.push(Problem { place, problem: problem.into() });
    }

    /// The map at a place, whose keys are among those that are known.
    pub(super) fn map(&mut self, at: &FieldPath, known: &[&str]) -> Option<Map> {
        let Some(fields) = value_at(&self.document.value, at).and_then(Value::as_object) else {
            self.problem(at, "a map belongs here");
            return None;
        };
        let fields = fields.clone();
        for key in fields.keys().filter(|key| !known.contains(key)) {
            let known = known.join(", ");
            self.problem(&at.key(key), format!("`{key}` is not known here: write {known}"));
        }
        Some(fields)
    }

    fn document(&mut self, all: &mut Authorised) {
        let root = FieldPath::default();
        let Some(fields) = self.map(&root, &["administrators", "authorised", "cases"]) else {
            return;
        };
        if fields.contains_key("administrators") {
            let who = self.who(&root.key("administrators"));
            all.administrators.users.extend(who.users);
            all.administrators.groups.extend(who.groups);
            all.administrators.accounts.extend(who.accounts);
        }
        let at = root.key("authorised");
        match fields.get("authorised") {
            None => {}
            Some(Value::Array(rules)) => {
                for index in 0..rules.len() {
                    let before = self.problems.len();
                    let rule = self.rule(&at.index(index));
                    all.rules.extend(rule.filter(|_| self.problems.len() == before));
                }
            }
            Some(_) => self.problem(&at, "a list of rules belongs here"),
        }
    }

    fn rule(&mut self, at: &FieldPath) -> Option<Rule> {
        const KNOWN: [&str; 7] = ["does", "from", "name", "ticket", "when", "where", "who"];
        let fields = self.map(at, &KNOWN)?;
        let name = fields.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if name.is_empty() {
            self.problem(at, "a rule needs a `name`: it is told with what it authorises");
        }
        let who = self.who(&at.key("who"));
        if who.is_empty() {
            self.problem(at, "a rule needs `who`: users, groups or serviceAccounts");
        }
        let mut rule = Rule {
            name,
            place: self.place(at),
            who,
            verbs: Vec::new(),
            resources: Vec::new(),
            namespaces: Vec::new(),
            names: Vec::new(),
            from: self.networks(&at.key("from")),
            when: None,
            ticket: None,
        };
        if fields.contains_key("does") {
            let at = at.key("does");
            self.map(&at, &["resources", "verbs"]);
            rule.verbs = self.known(&at.key("verbs"), verb_problem);
            rule.resources = self.known(&at.key("resources"), resource_problem);
        }
        if rule.resources.is_empty() {
            self.problem(at, "a rule needs `does.resources`, such as `[deployments.apps]`; `[\"*\"]` is everything");
        }
        if fields.contains_key("where") {
            let at = at.key("where");
            self.map(&at, &["names", "namespaces"]);
            rule.namespaces = self.patterns(&at.key("namespaces"));
            rule.names = self.patterns(&at.key("names"));
        }
        if fields.contains_key("when") {
            rule.when = self.when(&at.key("when"));
        }
        if fields.contains_key("ticket") {
            rule.ticket = self.ticket(&at.key("ticket"));
        }
        Some(rule)
    }

    fn who(&mut self, at: &FieldPath) -> Who {
        if value_at(&self.document.value, at).is_none() {
            return Who::default();
        }
        self.map(at, &["groups", "serviceAccounts", "users"]);
        let accounts = self.patterns(&at.key("serviceAccounts"));
        for (index, account) in accounts.iter().enumerate() {
            if !account.0.contains('/') {
                let at = at.key("serviceAccounts").index(index);
                self.problem(
                    &at,
                    format!("`{}` is no service account: write NAMESPACE/NAME", account.0),
                );
            }
        }
        Who {
            users: self.patterns(&at.key("users")),
            groups: self.patterns(&at.key("groups")),
            accounts,
        }
    }

    fn ticket(&mut self, at: &FieldPath) -> Option<Ticket> {
        let fields = self.map(at, &["annotation", "like"])?;
        let of = |name: &str| fields.get(name).and_then(Value::as_str);
        let Some(annotation) = of("annotation") else {
            self.problem(at, "a ticket needs `annotation`: the key under which objects name it");
            return None;
        };
        let like = Pattern(of("like").unwrap_or("*").to_owned());
        Some(Ticket { annotation: annotation.to_owned(), like })
    }

    fn when(&mut self, at: &FieldPath) -> Option<When> {
        let fields = self.map(at, &["days", "hours", "until", "zone"])?;
        let of = |name: &str| fields.get(name).and_then(Value::as_str);
        let zone_name = of("zone").unwrap_or("UTC");
        let zone = zone(zone_name);
        if zone.is_none() {
            self.problem(
                &at.key("zone"),
                format!(
                    "`{zone_name}` is no time zone: write one as `Europe/Berlin`, `UTC` or `+02:00`"
                ),
            );
        }
        let hours = of("hours").map(hours);
        if hours == Some(None) {
            self.problem(&at.key("hours"), "hours are written as \"08:00-18:00\"");
        }
        let until = of("until").map(|text| text.parse().ok());
        if until == Some(None) {
            self.problem(&at.key("until"), "the last day is written as 2027-01-31");
        }
        let mut days = Vec::new();
        for (index, text) in self.texts(&at.key("days")).into_iter().enumerate() {
            let (from, to) = text.split_once('-').unwrap_or((&text, &text));
            match (weekday(from), weekday(to)) {
                (Some(from), Some(to)) => days.push((from, to)),
                _ => self.problem(
                    &at.key("days").index(index),
                    format!(
                        "`{text}` is no day: write Mon, Tue, Wed, Thu, Fri, Sat, Sun or Mon-Fri"
                    ),
                ),
            }
        }
        Some(When { zone: zone?, days, hours: hours.flatten(), until: until.flatten() })
    }

    fn networks(&mut self, at: &FieldPath) -> Vec<Network> {
        let mut networks = Vec::new();
        for (index, text) in self.texts(at).into_iter().enumerate() {
            match network(&text) {
                Some(network) => networks.push(network),
                None => self.problem(
                    &at.index(index),
                    format!("`{text}` is no network: write one as 10.0.0.0/8 or 2001:db8::/32"),
                ),
            }
        }
        networks
    }

    fn patterns(&mut self, at: &FieldPath) -> Vec<Pattern> {
        self.texts(at).into_iter().map(Pattern).collect()
    }

    /// Patterns, each with what is wrong with it: one that can match nothing authorises nothing, and nobody would notice.
    fn known(&mut self, at: &FieldPath, wrong: fn(&str) -> Option<String>) -> Vec<Pattern> {
        let patterns = self.patterns(at);
        for (index, pattern) in patterns.iter().enumerate() {
            if let Some(problem) = wrong(&pattern.0) {
                self.problem(&at.index(index), problem);
            }
        }
        patterns
    }

    /// The texts of a list; none where there is no list.
    pub(super) fn texts(&mut self, at: &FieldPath) -> Vec<String> {
        let list = match value_at(&self.document.value, at) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list.clone(),
            Some(_) => {
                self.problem(at, "a list belongs here");
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for (index, value) in list.iter().enumerate() {
            match value.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => self.problem(&at.index(index), "a text belongs here"),
            }
        }
        texts
    }
}

/// The verb of acting as somebody else.
const IMPERSONATES: &str = "impersonate";

/// As whom somebody acts.
const IMPERSONATED: [&str; 4] = ["groups", "uids", "userextras", "users"];

/// The subresources of pods, which are what people mean most often.
const OF_PODS: [&str; 11] = [
    "attach",
    "binding",
    "ephemeralcontainers",
    "eviction",
    "exec",
    "log",
    "portforward",
    "proxy",
    "resize",
    "status",
    "*",
];

fn verb_problem(text: &str) -> Option<String> {
    let is_known = text.contains('*') || VERBS.contains(&text) || text == IMPERSONATES;
    (!is_known).then(|| {
        let verbs = VERBS.join(", ");
        format!("`{text}` is no verb of a request: write one of {verbs}, {IMPERSONATES}")
    })
}

fn resource_problem(text: &str) -> Option<String> {
    let (resource, below) = text.split_once('/').map_or((text, None), |(of, it)| (of, Some(it)));
    if text.contains(char::is_uppercase) {
        return Some(format!("`{text}` is no resource: they are written in small letters"));
    }
    let is_core = CORE.contains(&resource) || IMPERSONATED.contains(&resource);
    if !resource.contains(['*', '.']) && !is_core {
        return Some(format!(
            "`{resource}` is no resource of the core group: write the plural, and others with their group, such as \
             deployments.apps"
        ));
    }
    let below = below.filter(|below| resource == "pods" && !OF_PODS.contains(below))?;
    Some(format!("pods have no `{below}`: write one of {}", OF_PODS.join(", ")))
}

fn network(text: &str) -> Option<Network> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some(Network { address, bits })
}

fn hours(text: &str) -> Option<(jiff::civil::Time, jiff::civil::Time)> {
    let (from, to) = text.split_once('-')?;
    let time = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
        if (hour, minute) == (24, 0) {
            return Some(jiff::civil::Time::MAX);
        }
        jiff::civil::Time::new(hour, minute, 0, 0).ok()
    };
    Some((time(from)?, time(to)?))
}
