//! From documents to cases.

use airside_k8s::fields::at as value_at;
use airside_k8s::{Document, Map, Position, Value as Json, json};
use airside_types::{FieldPath, Place};

use super::{Case, Said};
use crate::request::Operation;

/// Something in a file of cases that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseProblem {
    /// Where.
    pub place: Place,
    /// What is wrong, and what to write.
    pub problem: String,
}

/// Gives the document of a file that a case names, by the name as written.
pub(super) type Load<'l> = dyn FnMut(&str) -> Result<Json, String> + 'l;

const OF_DOCUMENT: [&str; 3] = ["binding", "cases", "policy"];
const OF_CASE: [&str; 13] = [
    "binding",
    "expect",
    "message",
    "name",
    "namespace",
    "object",
    "objectFile",
    "oldObject",
    "oldObjectFile",
    "params",
    "paramsFile",
    "policy",
    "request",
];
const OF_REQUEST: [&str; 4] = ["operation", "options", "subResource", "userInfo"];

/// Reads the cases of a file.
pub fn read(
    path: &str,
    documents: &[Document],
    load: &mut Load<'_>,
) -> (Vec<Case>, Vec<CaseProblem>) {
    let mut reader = Reader { path, load, problems: Vec::new() };
    let cases = documents.iter().flat_map(|document| reader.document(document)).collect();
    (cases, reader.problems)
}

struct Reader<'r, 'l> {
    path: &'r str,
    load: &'r mut Load<'l>,
    problems: Vec<CaseProblem>,
}

/// A map of a document, with its path.
#[derive(Clone)]
struct Fields<'d> {
    document: &'d Document,
    at: FieldPath,
    fields: &'d Map,
}

impl Reader<'_, '_> {
    fn problem(&mut self, document: &Document, at: &FieldPath, problem: impl Into<String>) {
        let Position { line, column } = document.places.root().resolve(at);
        let place = Place { path: self.path.into(), line, column };
        self.problems.push(CaseProblem { place, problem: problem.into() });
    }

    fn map<'d>(
        &mut self,
        document: &'d Document,
        at: FieldPath,
        names: &[&str],
    ) -> Option<Fields<'d>> {
        let Some(fields) = value_at(&document.value, &at).and_then(Json::as_object) else {
            self.problem(document, &at, "a map belongs here");
            return None;
        };
        for name in fields.keys().filter(|name| !names.contains(name)) {
            let problem =
                format!("there is no field `{name}` here; there are {}", names.join(", "));
            self.problem(document, &at.key(name), problem);
        }
        Some(Fields { document, at, fields })
    }

    fn text(&mut self, of: &Fields<'_>, name: &str) -> Option<String> {
        match of.fields.get(name)? {
            Json::String(text) => Some(text.to_string()),
            Json::Null => None,
            _ => {
                let at = of.at.key(name);
                self.problem(of.document, &at, format!("`{name}` is a text"));
                None
            }
        }
    }

    fn document(&mut self, document: &Document) -> Vec<Case> {
        let Some(whole) = self.map(document, FieldPath::root(), &OF_DOCUMENT) else {
            return Vec::new();
        };
        let count = match whole.fields.get("cases") {
            Some(Json::Array(cases)) if !cases.is_empty() => cases.len(),
            _ => {
                self.problem(document, &FieldPath::of(&["cases"]), "it has no list `cases`");
                return Vec::new();
            }
        };
        let (policy, binding) = (self.text(&whole, "policy"), self.text(&whole, "binding"));
        let mut cases = Vec::new();
        for index in 0..count {
            let at = FieldPath::of(&["cases"]).index(index);
            let before = self.problems.len();
            let fields = self.map(document, at, &OF_CASE);
            let case = fields.and_then(|it| self.case(&it, policy.clone(), binding.clone()));
            cases.extend(case.filter(|_| self.problems.len() == before));
        }
        cases
    }

    fn case(
        &mut self,
        of: &Fields<'_>,
        policy: Option<String>,
        binding: Option<String>,
    ) -> Option<Case> {
        let Position { line, column } = of.document.places.root().resolve(&of.at);
        let place = Place { path: self.path.into(), line, column };
        let Some(policy) = self.text(of, "policy").or(policy) else {
            self.problem(of.document, &of.at, "neither the case nor its document names a `policy`");
            return None;
        };
        let expected = self.expected(of)?;
        let name = self.text(of, "name").unwrap_or_else(|| format!("case at line {line}"));
        let (object, old_object) =
            (self.given(of, "object", "objectFile"), self.given(of, "oldObject", "oldObjectFile"));
        let parameters = self.given(of, "params", "paramsFile").map(|value| match value {
            Json::Array(values) => values.into_vec(),
            one => vec![one],
        });
        let request = self.request(of);
        Some(Case {
            name,
            place,
            policy,
            binding: self.text(of, "binding").or(binding),
            expected,
            message: self.text(of, "message"),
            namespace: self.namespace(of, object.as_ref().or(old_object.as_ref())),
            object,
            old_object,
            parameters,
            user: request.user,
            options: request.options,
            operation: request.operation,
            subresource: request.subresource,
        })
    }

    fn expected(&mut self, of: &Fields<'_>) -> Option<Said> {
        let names = Said::EXPECTED.map(Said::as_str).join(", ");
        let Some(text) = self.text(of, "expect") else {
            self.problem(of.document, &of.at, format!("`expect` is missing: one of {names}"));
            return None;
        };
        let said = Said::EXPECTED.into_iter().find(|it| it.as_str() == text);
        if said.is_none() {
            let at = of.at.key("expect");
            self.problem(of.document, &at, format!("`{text}` is none of {names}"));
        }
        said
    }

    /// A value that is written in the case, or in a file that it names.
    fn given(&mut self, of: &Fields<'_>, name: &str, file: &str) -> Option<Json> {
        if let Some(value) = of.fields.get(name) {
            return Some(value.clone()).filter(|value| !value.is_null());
        }
        let path = self.text(of, file)?;
        match (self.load)(&path) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problem(of.document, &of.at.key(file), problem);
                None
            }
        }
    }

    /// `namespace: {labels: …}` is the namespace of the object, with these labels.
    fn namespace(&mut self, of: &Fields<'_>, object: Option<&Json>) -> Option<Json> {
        of.fields.get("namespace")?;
        let names = ["annotations", "labels"];
        let given = self.map(of.document, of.at.key("namespace"), &names)?;
        let own = object.and_then(|it| it.get("metadata")?.get("namespace")?.as_str());
        let mut metadata = given.fields.clone();
        metadata.insert("name".to_owned(), json!(own.unwrap_or("default")));
        Some(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }))
    }

    fn request(&mut self, of: &Fields<'_>) -> RequestFields {
        let mut read = RequestFields::default();
        if !of.fields.contains_key("request") {
            return read;
        }
        let Some(request) = self.map(of.document, of.at.key("request"), &OF_REQUEST) else {
            return read;
        };
        if let Some(text) = self.text(&request, "operation") {
            read.operation = Operation::ALL.into_iter().find(|it| it.as_str() == text);
            if read.operation.is_none() {
                let problem = format!("`{text}` is none of CREATE, UPDATE, DELETE, CONNECT");
                self.problem(of.document, &request.at.key("operation"), problem);
            }
        }
        read.subresource = self.text(&request, "subResource").unwrap_or_default();
        read.user = request.fields.get("userInfo").cloned();
        read.options = request.fields.get("options").cloned();
        read
    }
}

/// What a case says of its request.
#[derive(Default)]
struct RequestFields {
    operation: Option<Operation>,
    subresource: String,
    user: Option<Json>,
    options: Option<Json>,
}
