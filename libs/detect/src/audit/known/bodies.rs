//! Bodies that come again, byte for byte: what follows from one alone is worked out once.
//!
//! A controller that scales makes a thousand pods of one body, a deployment tool applies the same objects every few minutes,
//! and what is refused is tried again. Only what a body and the kind of its object say may be kept here: who sent it, and
//! what was answered, differ.

use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, OnceLock};

use airside_checks::Failure;
use airside_k8s::Value;
use airside_types::FieldPath;
use foldhash::quality::RandomState;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::super::change::{Form, Why};
use super::super::pod_spec::Program;
use super::super::request::Request;
use super::CameOnce;

/// The longest body that is kept, in bytes; shorter where there is little room.
const MAX_BYTES: usize = 16 << 10;
/// How many bytes a body has in memory, for each one of its text, with what is said of it: a guess.
const BYTES_FOR_ONE: usize = 12;
/// What an entry has beside.
const ENTRY_BYTES: usize = 1_024;
/// What is worked out of a body may have as many bytes for each one of its text; what has more is not kept.
const WORKED_OUT_FOR_ONE: usize = 8;
/// Resources whose bodies are nobody's to keep.
pub(super) const SECRET: [&str; 3] = ["secrets", "tokenreviews", "serviceaccounts"];

/// What is known of bodies that came more than once.
#[derive(Debug)]
pub(in crate::audit) struct Bodies {
    known: Cache<Kept, Arc<Written>, Weight>,
    /// The longest body that there is room for.
    longest: usize,
    once: CameOnce,
    hashes: RandomState,
}

impl Bodies {
    /// As many as fit into about so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let known = Cache::with_weighter(bytes / (ENTRY_BYTES * 4), bytes as u64, Weight);
        // A part of the cache takes nothing that would fill nearly all of it.
        let part = usize::try_from(known.shard_capacity()).unwrap_or(bytes) / 10 * 9;
        let longest = (part.saturating_sub(ENTRY_BYTES) / BYTES_FOR_ONE).min(MAX_BYTES);
        Self { known, longest, once: CameOnce::new(), hashes: RandomState::default() }
    }

    /// How many are known.
    pub(super) fn known(&self) -> usize {
        self.known.len()
    }

    /// What a body says, as it was read before, or as it is read now.
    pub(in crate::audit) fn read(
        &self,
        body: &Body<'_>,
        read: impl FnOnce() -> Written,
    ) -> Arc<Written> {
        if body.text.len() > self.longest || SECRET.contains(&body.resource) {
            return Arc::new(read());
        }
        if let Some(written) = self.known.get(body) {
            return written;
        }
        let written = Arc::new(read());
        if self.once.came_before(self.hashes.hash_one(body)) && written.is_small(body.text) {
            self.known.insert(body.to_kept(), Arc::clone(&written));
        }
        written
    }
}

/// A body, with all that decides what follows from it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::audit) struct Body<'b> {
    pub(in crate::audit) form: Form,
    pub(in crate::audit) group: &'b str,
    pub(in crate::audit) resource: &'b str,
    pub(in crate::audit) subresource: &'b str,
    pub(in crate::audit) text: &'b str,
}

/// The same, as it is kept. The fields stand in the same order: both have the same hash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kept {
    form: Form,
    group: Box<str>,
    resource: Box<str>,
    subresource: Box<str>,
    text: Box<str>,
}

impl Body<'_> {
    fn to_kept(&self) -> Kept {
        Kept {
            form: self.form,
            group: self.group.into(),
            resource: self.resource.into(),
            subresource: self.subresource.into(),
            text: self.text.into(),
        }
    }
}

impl Equivalent<Kept> for Body<'_> {
    fn equivalent(&self, kept: &Kept) -> bool {
        let Kept { form, group, resource, subresource, text } = kept;
        self.form == *form
            && *self.group == **group
            && *self.resource == **resource
            && *self.subresource == **subresource
            && *self.text == **text
    }
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Kept, Arc<Written>> for Weight {
    fn weight(&self, body: &Kept, _: &Arc<Written>) -> u64 {
        (ENTRY_BYTES + body.text.len() * BYTES_FOR_ONE) as u64
    }
}

/// What a body writes, and what is said of that.
#[derive(Debug, Default)]
pub(in crate::audit) struct Written {
    /// What is set, as a part of the object.
    pub(in crate::audit) set: Value,
    /// What is removed.
    pub(in crate::audit) removed: Vec<FieldPath>,
    /// Why it, or a part of it, is not known.
    pub(in crate::audit) unread: Option<Why>,
    /// How long its text is.
    pub(in crate::audit) bytes: usize,
    failures: OnceLock<Option<Vec<Failure>>>,
    programs: OnceLock<Option<Vec<Program>>>,
    named: OnceLock<Option<Named>>,
}

/// What checks say of an object that has a name beside its body.
#[derive(Debug)]
struct Named {
    /// Which checks.
    by: &'static str,
    namespace: String,
    name: String,
    failures: Arc<[Failure]>,
}

impl Written {
    /// What the checks on pods say of it, if that is little.
    pub(in crate::audit) fn failures(
        &self,
        judge: impl FnOnce() -> Vec<Failure>,
    ) -> Option<&[Failure]> {
        self.failures.get_or_init(|| self.if_little(judge(), weight_of)).as_deref()
    }

    /// What the containers in it run, if that is little.
    pub(in crate::audit) fn programs(
        &self,
        look: impl FnOnce() -> Vec<Program>,
    ) -> Option<&[Program]> {
        // A line is kept as it is written and as it is read.
        let bytes = |it: &Program| 128 + it.image.len() + it.line.len() * 5;
        self.programs.get_or_init(|| self.if_little(look(), bytes)).as_deref()
    }

    fn if_little<T>(&self, all: Vec<T>, bytes: impl Fn(&T) -> usize) -> Option<Vec<T>> {
        let bytes: usize = all.iter().map(bytes).sum();
        (bytes <= ENTRY_BYTES + self.bytes * WORKED_OUT_FOR_ONE).then_some(all)
    }

    /// Whether what it removes takes about as much room as its text lets one think.
    fn is_small(&self, text: &str) -> bool {
        let removed: usize = self.removed.iter().map(|field| 32 + field.as_str().len()).sum();
        removed <= text.len() * WORKED_OUT_FOR_ONE
    }

    /// What some checks say of it under the request's name.
    pub(in crate::audit) fn named(
        &self,
        by: &'static str,
        request: &Request<'_>,
        judge: impl Fn() -> Vec<Failure>,
    ) -> Arc<[Failure]> {
        let (namespace, name) = (request.namespace(), request.name());
        let named = self.named.get_or_init(|| {
            let failures = self.if_little(judge(), weight_of)?.into();
            Some(Named { by, namespace: namespace.to_owned(), name: name.to_owned(), failures })
        });
        let is_same = |it: &&Named| it.by == by && it.namespace == namespace && it.name == name;
        match named.as_ref().filter(is_same) {
            Some(named) => Arc::clone(&named.failures),
            None => judge().into(),
        }
    }
}

/// About how many bytes a failure has.
fn weight_of(failure: &Failure) -> usize {
    64 + failure.message.len() + failure.field.as_str().len()
}

#[cfg(test)]
mod tests {
    use super::super::super::event::Event;
    use super::super::Known;
    use super::super::tests::told;
    use super::*;
    use crate::profile::ClusterProfile;

    /// The same body with another answer is another request.
    #[test]
    fn what_an_answer_says_is_not_taken_for_the_bodys() {
        const POD: &str = r#"{"metadata":{"resourceVersion":"7"},"spec":{"hostPID":true,"containers":[{"name":"a","image":"b"}]}}"#;
        const PART: &str = r#"{"rules":[{"verbs":["*"]}]}"#;
        const MOVE: &str = r#"[{"op":"move","from":"/spec/x","path":"/spec/hostPID"}]"#;
        let role = |verbs: &str| {
            format!(
                r#"{{"rules":[{{"apiGroups":[""],"resources":["secrets"],"verbs":["{verbs}"]}}]}}"#
            )
        };
        let cases = [
            ("update", "pods", POD, POD.to_owned()),
            ("update", "pods", POD, POD.replace('7', "8")),
            ("patch", "roles", PART, role("get")),
            ("patch", "roles", PART, role("*")),
            ("patch", "pods", MOVE, r#"{"spec":{"hostPID":true}}"#.to_owned()),
            ("patch", "pods", MOVE, r#"{"spec":{"hostPID":false}}"#.to_owned()),
            ("create", "pods", POD, "null".to_owned()),
        ];
        let known = Known::of_each(16 << 20, 0);
        let mut all = Vec::new();
        for _ in 0..3 {
            for (verb, resource, body, answer) in &cases {
                let group = if *resource == "roles" { "rbac.authorization.k8s.io" } else { "" };
                let text = format!(
                    r#"{{"verb":"{verb}","user":{{"username":"dana"}},"objectRef":{{"apiGroup":"{group}","resource":"{resource}","namespace":"shop","name":"a"}},"requestObject":{body},"responseObject":{answer},"responseStatus":{{"code":200}}}}"#
                );
                let of_known = told(&text, Some(&known));
                assert_eq!(of_known, told(&text, None), "{text}");
                all.push(of_known);
            }
        }
        for (first, second) in [(0, 1), (2, 3), (4, 5)] {
            assert_ne!(all[first], all[second], "the answer makes a difference");
        }
    }

    #[test]
    fn what_becomes_much_of_a_short_body_is_not_kept() {
        let image = "x".repeat(8_000);
        let env = r#"{"name":"a","value":"http"},"#.repeat(200);
        let body = format!(
            r#"{{"spec":{{"containers":[{{"name":"a","image":"{image}","env":[{}]}}]}}}}"#,
            env.trim_end_matches(',')
        );
        let text = format!(
            r#"{{"verb":"create","user":{{"username":"dana"}},"objectRef":{{"resource":"pods","namespace":"shop"}},"requestObject":{body},"responseStatus":{{"code":201}}}}"#
        );
        let known = Known::of_each(16 << 20, 0);
        let event = Event::parse(&text).unwrap();
        for _ in 0..3 {
            let request = Request::new(&event, ClusterProfile::unknown()).among(known.by(0));
            assert_eq!(request.programs().len(), 201);
            let written = request.change().of_body_alone().unwrap();
            assert!(written.programs(Vec::new).is_none(), "they are the request's alone");
        }
    }

    #[test]
    fn bodies_are_kept_once_they_come_again_as_far_as_there_is_room() {
        fn body(text: &str) -> Body<'_> {
            let (form, group, resource, subresource) = (Form::Whole, "", "pods", "");
            Body { form, group, resource, subresource, text }
        }
        let known = Bodies::new(1 << 20);
        let reads = |text: &str| {
            let mut is_read = false;
            known.read(&body(text), || {
                is_read = true;
                Written::default()
            });
            is_read
        };
        assert_eq!([reads("{}"), reads("{}"), reads("{}")], [true, true, false]);
        let longest = "y".repeat(known.longest);
        assert_eq!([reads(&longest), reads(&longest), reads(&longest)], [true, true, false]);
        let long = "x".repeat(known.longest + 1);
        assert_eq!([reads(&long), reads(&long), reads(&long)], [true, true, true]);
        for number in 0..20_000 {
            let text = number.to_string();
            assert!(reads(&text) && reads(&text));
        }
        assert!(known.known.weight() <= 1 << 20, "{}", known.known.weight());
        assert!(known.known.len() > 500, "{}", known.known.len());
    }
}
