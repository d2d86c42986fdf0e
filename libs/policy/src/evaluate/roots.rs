//! The names of a policy's expressions: where their values come from, and which are not known.

use std::cell::RefCell;

use airside_k8s::{Map, Value as Json};

use crate::cel::{Budget, Failure, Root, Roots, Value, evaluate};
use crate::policy::Policy;
use crate::request::{Request, Surroundings};

/// The values for one policy, one request and one object of parameters.
pub(super) struct RequestRoots<'a> {
    policy: &'a Policy,
    request: &'a Request<'a>,
    fields: &'a Map,
    params: Option<&'a Json>,
    around: &'a Surroundings<'a>,
    /// The variables that have been evaluated: each is once, and only where it is read.
    variables: RefCell<Vec<Option<Result<Value<'a>, Failure>>>>,
}

impl<'a> RequestRoots<'a> {
    pub(super) fn new(
        policy: &'a Policy,
        request: &'a Request<'a>,
        fields: &'a Map,
        params: Option<&'a Json>,
        around: &'a Surroundings<'a>,
    ) -> Self {
        let variables = RefCell::new(vec![None; policy.variables.len()]);
        Self { policy, request, fields, params, around, variables }
    }

    fn variable(&self, index: usize, budget: &mut Budget) -> Result<Value<'a>, Failure> {
        let known = self.variables.borrow().get(index).cloned().flatten();
        if let Some(known) = known {
            return known;
        }
        let Some(variable) = self.policy.variables.get(index) else {
            return Err(Failure::Error("there is no such variable".to_owned()));
        };
        let result = evaluate(&variable.program, self, budget).map_err(|failure| match failure {
            Failure::Error(error) => {
                Failure::Error(format!("variable `{}`: {error}", variable.name))
            }
            other => other,
        });
        if let Some(slot) = self.variables.borrow_mut().get_mut(index) {
            *slot = Some(result.clone());
        }
        result
    }

    fn namespace(&self) -> Result<Value<'a>, Failure> {
        let Some(name) = &self.request.namespace else { return Ok(Value::Null) };
        match self.around.namespaces.get(name.as_str()) {
            Some(namespace) => Ok(Value::of_json(namespace)),
            None => Err(Failure::Unknown(format!(
                "it asks for the namespace {name}, which is not given"
            ))),
        }
    }
}

fn or_null(object: Option<&Json>) -> Value<'_> {
    object.map_or(Value::Null, Value::of_json)
}

impl<'a> Roots<'a> for RequestRoots<'a> {
    fn root(&self, root: Root, budget: &mut Budget) -> Result<Value<'a>, Failure> {
        let unknown =
            |what: &str| Err(Failure::Unknown(format!("it asks {what}, which is not known here")));
        match root {
            Root::Object => Ok(or_null(self.request.object)),
            Root::OldObject => Ok(or_null(self.request.old_object)),
            Root::Params => Ok(or_null(self.params)),
            Root::NamespaceObject => self.namespace(),
            Root::RequestField(name) => match self.fields.get(name) {
                Some(value) => Ok(Value::of_json(value)),
                None if name == "userInfo" => unknown("who makes the request (request.userInfo)"),
                None => unknown("for the options of the request (request.options)"),
            },
            Root::Request => match self.fields.len() {
                // All that a request has.
                12 => Ok(Value::Map(crate::cel::map_of(self.fields))),
                _ => unknown("for the whole request"),
            },
            Root::Authorizer => unknown("the authorizer what somebody may do"),
            Root::Variable(index) => self.variable(index, budget),
        }
    }
}
