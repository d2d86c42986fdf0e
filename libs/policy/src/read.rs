//! From manifests to policies, bindings and parameters. What is wrong is told with its file and line, and for
//! an expression with the place in it; what is wrong is not used.

mod binding;
mod constraints;
mod fields;

use airside_k8s::{Document, Located, Object, Value as Json};
use airside_types::{FieldPath, Place};

use crate::cel::{Program, Scope, Variable};
use crate::policy::{
    Condition, FailurePolicy, ParameterKind, Policy, PolicySet, Problem, Validation,
};

use fields::Fields;

pub(crate) const GROUP: &str = "admissionregistration.k8s.io";
pub(crate) const POLICY: &str = "ValidatingAdmissionPolicy";
const BINDING: &str = "ValidatingAdmissionPolicyBinding";
/// The annotation of a policy that says how bad its findings are.
const SEVERITY: &str = "airside.dev/severity";

/// Whether an object is a policy or a binding.
fn is_policy(object: &Object<'_>) -> bool {
    object.group() == GROUP && matches!(object.kind(), POLICY | BINDING)
}

impl PolicySet {
    /// Reads the policies, bindings and parameters of files, each a path and its documents.
    pub fn read(files: &[(&str, &[Document])]) -> Self {
        let mut set = Self::default();
        let mut names = Vec::new();
        for (path, documents) in files {
            for document in *documents {
                for located in document.contents().objects {
                    if !is_policy(&located.object) {
                        set.parameters.push(located.object.value().clone());
                        continue;
                    }
                    if located.object.kind() == POLICY {
                        names.push(located.object.name().to_owned());
                    }
                    set.take(path, &located);
                }
            }
        }
        set.judge_bindings(&names);
        set
    }

    fn take(&mut self, path: &str, located: &Located<'_>) {
        let before = self.problems.len();
        let mut fields = Fields::of(path, located, &mut self.problems);
        if !matches!(located.object.version(), "v1" | "v1beta1") {
            let version = located.object.api_version();
            let problem = format!("`{version}` is not read: use {GROUP}/v1");
            fields.problem(FieldPath::of(&["apiVersion"]), problem);
            return;
        }
        if located.object.kind() == BINDING {
            let binding = binding::binding(&mut fields);
            if self.problems.len() == before {
                self.bindings.push(binding);
            }
            return;
        }
        let policy = policy(&mut fields);
        if self.problems.len() > before {
            return;
        }
        if self.policies.iter().any(|other| other.name == policy.name) {
            let name = &policy.name;
            let problem = format!("there are two policies `{name}`; the first one is used");
            self.problems.push(Problem {
                place: policy.place,
                object: format!("{POLICY} {name}"),
                field: FieldPath::of(&["metadata", "name"]),
                problem,
                excerpt: None,
            });
            return;
        }
        self.policies.push(policy);
    }

    /// A binding names a policy that is here, perhaps with a problem of its own, and fits to it.
    fn judge_bindings(&mut self, names: &[String]) {
        let mut problems = Vec::new();
        self.bindings.retain(|binding| {
            let policy = self.policies.iter().find(|policy| policy.name == binding.policy);
            let problem = match policy {
                None if names.contains(&binding.policy) => return false,
                None => format!("there is no policy `{}` beside it", binding.policy),
                Some(policy) if policy.parameter_kind.is_none() && binding.parameters.is_some() => {
                    format!("the policy `{}` has no `spec.paramKind`", policy.name)
                }
                Some(_) => return true,
            };
            problems.push(Problem {
                place: binding.place.clone(),
                object: format!("{BINDING} {}", binding.name),
                field: FieldPath::of(&["spec", "policyName"]),
                problem,
                excerpt: None,
            });
            false
        });
        self.problems.extend(problems);
    }
}

fn spec() -> FieldPath {
    FieldPath::of(&["spec"])
}

fn policy(fields: &mut Fields<'_>) -> Policy {
    fields.only(
        &spec(),
        &[
            "auditAnnotations",
            "failurePolicy",
            "matchConditions",
            "matchConstraints",
            "paramKind",
            "validations",
            "variables",
        ],
    );
    let parameter_kind = parameter_kind(fields);
    let has_params = parameter_kind.is_some();
    // Conditions are asked first, and read no variables.
    let scope = Scope { has_params, has_authorizer: true, variables: &[] };
    let conditions = named(fields, "matchConditions", ["name", "expression"], &scope, &["bool"]);
    let (variables, known) = variables(fields, has_params);
    let scope = Scope { variables: &known, ..scope };
    let validations = validations(fields, &scope);
    let of_audit = ["key", "valueExpression"];
    let audit_annotations =
        named(fields, "auditAnnotations", of_audit, &scope, &["string", "null_type"]);
    let is_empty = |list: &str| fields.is_empty_list(&spec().key(list));
    if is_empty("validations") && is_empty("auditAnnotations") {
        let problem = "a policy has validations or auditAnnotations".to_owned();
        fields.problem(spec().key("validations"), problem);
    }
    let constraints = spec().key("matchConstraints");
    Policy {
        name: fields.name(),
        place: fields.place(),
        severity: severity(fields),
        failure_policy: match fields.text(&spec().key("failurePolicy")).as_deref() {
            None | Some("Fail") => FailurePolicy::Fail,
            Some("Ignore") => FailurePolicy::Ignore,
            Some(other) => {
                let problem = format!("`{other}` is neither Fail nor Ignore");
                fields.problem(spec().key("failurePolicy"), problem);
                FailurePolicy::Fail
            }
        },
        parameter_kind,
        constraints: constraints::of_policy(fields, &constraints),
        conditions,
        variables,
        validations,
        audit_annotations,
    }
}

fn severity(fields: &mut Fields<'_>) -> Option<airside_types::Severity> {
    let at = FieldPath::of(&["metadata", "annotations", SEVERITY]);
    let text = fields.text(&at)?;
    text.parse().map_err(|error| fields.problem(at, format!("{error}"))).ok()
}

fn parameter_kind(fields: &mut Fields<'_>) -> Option<ParameterKind> {
    let at = spec().key("paramKind");
    fields.value(&at)?;
    fields.only(&at, &["apiVersion", "kind"]);
    let api_version = fields.required_text(&at.key("apiVersion"))?;
    Some(ParameterKind { api_version, kind: fields.required_text(&at.key("kind"))? })
}

/// Expressions with a name: `[name, expression]` are the fields that hold them.
fn named(
    fields: &mut Fields<'_>,
    list: &str,
    of: [&str; 2],
    scope: &Scope<'_>,
    types: &[&str],
) -> Vec<Condition> {
    let mut read: Vec<Condition> = Vec::new();
    for at in fields.elements(&spec().key(list)) {
        fields.only(&at, &of);
        let [name, expression] = of.map(|field| at.key(field));
        let program = fields.expression(&expression, scope, types);
        let name = fields.required_text(&name);
        if let (Some(name), Some(program)) = (name, program) {
            if read.iter().any(|other| other.name == name) {
                fields.problem(at, format!("`{name}` is there twice"));
                continue;
            }
            read.push(Condition { name, program });
        }
    }
    read
}

/// Variables, each of which may read those before it.
fn variables(fields: &mut Fields<'_>, has_params: bool) -> (Vec<Condition>, Vec<Variable>) {
    let (mut read, mut known) = (Vec::new(), Vec::<Variable>::new());
    for at in fields.elements(&spec().key("variables")) {
        fields.only(&at, &["name", "expression"]);
        let Some(name) = fields.required_text(&at.key("name")) else { continue };
        if known.iter().any(|other| other.name == name) {
            fields.problem(at, format!("the variable `{name}` is defined twice"));
            continue;
        }
        let scope = Scope { has_params, has_authorizer: true, variables: &known };
        let program = fields.expression(&at.key("expression"), &scope, &[]);
        // One that cannot be read is known all the same: its readers are not to blame.
        let height = program.as_ref().map_or(0, Program::height);
        let gives = program.as_ref().and_then(Program::gives);
        known.push(Variable { name: name.clone(), height, gives });
        read.extend(program.map(|program| Condition { name, program }));
    }
    (read, known)
}

fn validations(fields: &mut Fields<'_>, scope: &Scope<'_>) -> Vec<Validation> {
    let mut read = Vec::new();
    for at in fields.elements(&spec().key("validations")) {
        fields.only(&at, &["expression", "message", "messageExpression", "reason"]);
        let message_at = at.key("messageExpression");
        let of_message = Scope { has_authorizer: false, ..*scope };
        let message_expression = fields
            .value(&message_at)
            .is_some()
            .then(|| fields.expression(&message_at, &of_message, &["string"]))
            .flatten();
        let message = fields.text(&at.key("message"));
        // The reason is the HTTP status of a refusal: it has no meaning here, and must be one.
        if let Some(reason) = fields.text(&at.key("reason"))
            && !["Unauthorized", "Forbidden", "Invalid", "RequestEntityTooLarge"]
                .contains(&reason.as_str())
        {
            fields.problem(at.key("reason"), format!("`{reason}` is no reason of a refusal"));
        }
        let Some(program) = fields.expression(&at.key("expression"), scope, &["bool"]) else {
            continue;
        };
        read.push(Validation {
            expression: fields.text(&at.key("expression")).unwrap_or_default(),
            field: program.field().clone(),
            program,
            message,
            message_expression,
        });
    }
    read
}

/// A place of a file.
fn place(path: &str, position: airside_k8s::Position) -> Place {
    Place { path: path.into(), line: position.line, column: position.column }
}

/// A value's type, as people call it.
const fn called(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    }
}
