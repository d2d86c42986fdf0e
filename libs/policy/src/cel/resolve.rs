//! From a syntax tree to a program: names get their roots and slots, calls their functions.
//!
//! Whatever does not exist here is refused with its place. `macros` owns the calls that are no functions:
//! `has`, `all`, `map` and their like.

mod macros;
mod namespace;
mod request;
mod types;

use airside_k8s::Position;
use airside_types::{FieldPath, Step as FieldStep};

use super::library::{self, Form, Function, compile_pattern};
use super::program::{Node, Root, Step};
use super::syntax::{Binary, Expression, Literal, Syntax, Unary};
use super::{Scope, SyntaxError};

/// A resolved expression, and the type of all its values where that is known.
type Resolved = Result<(Node, Option<&'static str>), SyntaxError>;

/// The types that have names.
const TYPES: [&str; 10] =
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// A whole expression, resolved.
pub(super) struct Whole {
    pub(super) root: Node,
    pub(super) gives: Option<&'static str>,
    /// The height of its tree together with those of the variables that it reads.
    pub(super) height: u16,
}

/// Resolves a whole expression.
pub(super) fn resolve(expression: &Expression, scope: &Scope<'_>) -> Result<Whole, SyntaxError> {
    let mut resolver = Resolver { scope, locals: Vec::new(), below: 0 };
    let (root, gives) = resolver.expression(expression)?;
    let height = expression.height.saturating_add(resolver.below);
    if height > MAX_HEIGHT {
        let problem = format!("with its variables the expression is more than {MAX_HEIGHT} deep");
        return Err(SyntaxError::new(expression.at, problem));
    }
    Ok(Whole { root, gives, height })
}

/// How deep an expression may be together with the variables that it reads, and those that they read.
const MAX_HEIGHT: u16 = 250;

struct Resolver<'r> {
    scope: &'r Scope<'r>,
    locals: Vec<String>,
    /// The greatest height of a variable that is read.
    below: u16,
}

impl Resolver<'_> {
    fn expression(&mut self, expression: &Expression) -> Resolved {
        let at = expression.at;
        let (step, gives) = match &expression.syntax {
            Syntax::Literal(literal) => (Step::Literal(literal.clone()), Some(type_of(literal))),
            Syntax::Identifier(name) => return self.identifier(name, at),
            Syntax::Select { operand, field, is_optional } => {
                if let Some(special) = self.special(expression)? {
                    return Ok(special);
                }
                let known = self.known_field(expression);
                let operand = self.boxed(operand)?;
                let field = field.clone();
                match is_optional {
                    true => (Step::OptionalSelect { operand, field }, Some("optional_type")),
                    false => (Step::Select { operand, field }, known),
                }
            }
            Syntax::Index { operand, index, is_optional } => {
                let (operand, index) = (self.boxed(operand)?, self.boxed(index)?);
                match is_optional {
                    true => (Step::OptionalIndex { operand, index }, Some("optional_type")),
                    false => (Step::Index { operand, index }, None),
                }
            }
            Syntax::Call { target, name, arguments } => {
                if let Some(expanded) = self.expanded(expression)? {
                    return Ok(expanded);
                }
                return self.call(target.as_deref(), name, arguments, at);
            }
            Syntax::Unary { operator: Unary::Not, operand } => {
                let (operand, gives) = self.expression(operand)?;
                types::operand("!", gives, &["bool"], at)?;
                (Step::Not(Box::new(operand)), Some("bool"))
            }
            Syntax::Unary { operator: Unary::Negate, operand } => {
                let (operand, gives) = self.expression(operand)?;
                types::operand("-", gives, &["int", "double"], at)?;
                (Step::Negate(Box::new(operand)), gives)
            }
            Syntax::Binary { operator, left, right } => {
                return self.binary(*operator, left, right, at);
            }
            Syntax::And(operands) => (Step::And(self.all("&&", operands)?), Some("bool")),
            Syntax::Or(operands) => (Step::Or(self.all("||", operands)?), Some("bool")),
            Syntax::Conditional { condition, then, otherwise } => {
                let (condition, known) = self.expression(condition)?;
                types::operand("?", known, &["bool"], at)?;
                let condition = Box::new(condition);
                let (then, one) = self.expression(then)?;
                let (otherwise, other) = self.expression(otherwise)?;
                types::same("the branches of `? :`", &[one, other], at)?;
                let gives = one.filter(|_| one == other);
                let (then, otherwise) = (Box::new(then), Box::new(otherwise));
                (Step::Conditional { condition, then, otherwise }, gives)
            }
            Syntax::List(elements) => {
                let mut resolved = Vec::with_capacity(elements.len());
                let mut known = Vec::with_capacity(elements.len());
                for element in elements {
                    let (value, gives) = self.expression(&element.value)?;
                    resolved.push((value, element.is_optional));
                    known.push(gives.filter(|_| !element.is_optional));
                }
                types::same("the elements of a list", &known, at)?;
                (Step::List(resolved), Some("list"))
            }
            Syntax::Map(entries) => {
                let mut resolved = Vec::with_capacity(entries.len());
                let (mut keys, mut values) = (Vec::new(), Vec::new());
                for entry in entries {
                    let (key, of_key) = self.expression(&entry.key)?;
                    let (value, of_value) = self.expression(&entry.value)?;
                    resolved.push((key, value, entry.is_optional));
                    keys.push(of_key);
                    values.push(of_value.filter(|_| !entry.is_optional));
                }
                types::same("the keys of a map", &keys, at)?;
                types::same("the values of a map", &values, at)?;
                (Step::Map(resolved), Some("map"))
            }
        };
        Ok((Node { at, step }, gives))
    }

    fn boxed(&mut self, expression: &Expression) -> Result<Box<Node>, SyntaxError> {
        Ok(Box::new(self.expression(expression)?.0))
    }

    /// The operands of `&&` or `||`.
    fn all(&mut self, sign: &str, operands: &[Expression]) -> Result<Vec<Node>, SyntaxError> {
        let one = |operand: &Expression| {
            let (node, gives) = self.expression(operand)?;
            types::operand(sign, gives, &["bool"], operand.at)?;
            Ok(node)
        };
        operands.iter().map(one).collect()
    }

    /// The type of a field that the API server knows, of the request or the namespace.
    fn known_field(&self, expression: &Expression) -> types::Known {
        let path = names(expression).filter(|path| !self.is_local(path))?;
        match path.as_slice() {
            ["request", rest @ ..] => request::type_of(rest),
            ["namespaceObject", rest @ ..] => namespace::type_of(rest),
            _ => None,
        }
    }

    fn binary(
        &mut self,
        operator: Binary,
        left: &Expression,
        right: &Expression,
        at: Position,
    ) -> Resolved {
        let (left, one) = self.expression(left)?;
        let (right, other) = self.expression(right)?;
        types::binary(operator, one, other, at)?;
        let gives = match operator {
            Binary::Less
            | Binary::LessOrEqual
            | Binary::Greater
            | Binary::GreaterOrEqual
            | Binary::Equal
            | Binary::NotEqual
            | Binary::In => Some("bool"),
            // Of the same numbers or texts; times add up to other types.
            Binary::Add
            | Binary::Subtract
            | Binary::Multiply
            | Binary::Divide
            | Binary::Remainder => one.filter(|name| one == other && !name.contains('.')),
        };
        let (left, right) = (Box::new(left), Box::new(right));
        Ok((Node { at, step: Step::Binary { operator, left, right } }, gives))
    }

    fn identifier(&self, name: &str, at: Position) -> Resolved {
        if let Some(slot) = self.locals.iter().rposition(|local| local == name) {
            return Ok((Node { at, step: Step::Local(slot) }, None));
        }
        let root = match name {
            "object" => Root::Object,
            "oldObject" => Root::OldObject,
            "request" => Root::Request,
            "namespaceObject" => Root::NamespaceObject,
            "params" if self.scope.has_params => Root::Params,
            "params" => {
                let problem = "`params` needs a `spec.paramKind` in the policy";
                return Err(SyntaxError::new(at, problem.to_owned()));
            }
            "authorizer" if self.scope.has_authorizer => Root::Authorizer,
            "authorizer" => {
                let problem = "the authorizer cannot be asked here";
                return Err(SyntaxError::new(at, problem.to_owned()));
            }
            "variables" => {
                let problem = "`variables` is read field by field: `variables.NAME`";
                return Err(SyntaxError::new(at, problem.to_owned()));
            }
            _ => {
                if let Some(name) = TYPES.into_iter().find(|own| *own == name) {
                    return Ok((Node { at, step: Step::Type(name) }, Some("type")));
                }
                let problem = format!(
                    "there is no `{name}`: an expression has object, oldObject, request, params, \
                     namespaceObject, variables, authorizer and the variables of its macros"
                );
                return Err(SyntaxError::new(at, problem));
            }
        };
        Ok((Node { at, step: Step::Root(root) }, None))
    }

    /// Selections that are names: `variables.x`, `request.userInfo`, a qualified type.
    fn special(
        &mut self,
        expression: &Expression,
    ) -> Result<Option<(Node, Option<&'static str>)>, SyntaxError> {
        let at = expression.at;
        let Some(path) = names(expression).filter(|path| !self.is_local(path)) else {
            return Ok(None);
        };
        let mut gives = self.known_field(expression);
        let step = match path.as_slice() {
            ["variables", name] => {
                let own = self.scope.variables.iter().enumerate().find(|it| it.1.name == *name);
                let (index, own) = own.ok_or_else(|| {
                    let problem = format!("no variable `{name}` is defined before this expression");
                    SyntaxError::new(at, problem)
                })?;
                self.below = self.below.max(own.height);
                gives = own.gives;
                Step::Root(Root::Variable(index))
            }
            ["request", rest @ ..] => match request::field(rest) {
                request::Field::Top(name) => Step::Root(Root::RequestField(name)),
                request::Field::Below => return Ok(None),
                request::Field::None => {
                    let problem = format!("a request has no field `{}`", rest.join("."));
                    return Err(SyntaxError::new(at, problem));
                }
            },
            ["namespaceObject", rest @ ..] if !namespace::has(rest) => {
                let problem = format!("a namespace has no field `{}` here", rest.join("."));
                return Err(SyntaxError::new(at, problem));
            }
            ["google", "protobuf", "Timestamp"] => Step::Type("google.protobuf.Timestamp"),
            ["google", "protobuf", "Duration"] => Step::Type("google.protobuf.Duration"),
            ["net", "IP"] => Step::Type("net.IP"),
            ["net", "CIDR"] => Step::Type("net.CIDR"),
            _ => return Ok(None),
        };
        if matches!(step, Step::Type(_)) {
            gives = Some("type");
        }
        Ok(Some((Node { at, step }, gives)))
    }

    fn is_local(&self, path: &[&str]) -> bool {
        path.first().is_some_and(|name| self.locals.iter().any(|local| local == name))
    }

    fn call(
        &mut self,
        target: Option<&Expression>,
        name: &str,
        arguments: &[Expression],
        at: Position,
    ) -> Resolved {
        // `sets.contains(…)` is written like a member, and is none.
        let qualified = target
            .and_then(names)
            .filter(|path| !self.is_local(path))
            .map(|path| format!("{}.{name}", path.join(".")))
            .filter(|name| library::named(name, Form::Global).next().is_some());
        let (form, name, target) = match (&qualified, target) {
            (Some(qualified), _) => (Form::Global, qualified.as_str(), None),
            (None, Some(target)) => (Form::Member, name, Some(target)),
            (None, None) => (Form::Global, name, None),
        };
        let count = arguments.len() + usize::from(target.is_some());
        let written: Vec<&Expression> = target.into_iter().chain(arguments).collect();
        let mut resolved = Vec::with_capacity(count);
        let mut known = Vec::with_capacity(count);
        for argument in &written {
            let (argument, gives) = self.expression(argument)?;
            resolved.push(argument);
            known.push(gives);
        }
        let function = function(name, form, count, at)?;
        types::call(function, &known, at)?;
        let pattern = check_literals(function.name, &written)?;
        let step = Step::Call { function, arguments: resolved, pattern };
        Ok((Node { at, step }, function.gives))
    }
}

fn function(
    name: &str,
    form: Form,
    count: usize,
    at: Position,
) -> Result<&'static Function, SyntaxError> {
    let mut least = None;
    for function in library::named(name, form) {
        let (from, to) = function.arguments;
        if (from..=to).contains(&count) {
            return Ok(function);
        }
        least = Some(from - usize::from(form == Form::Member));
    }
    let given = count - usize::from(form == Form::Member);
    let other = if form == Form::Member { Form::Global } else { Form::Member };
    let problem = match least {
        Some(least) => format!("`{name}` is not for {given} arguments: it takes {least} or more"),
        None if library::named(name, other).next().is_some() && form == Form::Global => {
            format!("`{name}` is called on a value: `value.{name}(…)`")
        }
        None => format!("there is no function `{name}` here"),
    };
    Err(SyntaxError::new(at, problem))
}

/// Literal patterns, durations and moments are checked when they are read, as the API server does.
fn check_literals(
    name: &str,
    arguments: &[&Expression],
) -> Result<Option<regex::Regex>, SyntaxError> {
    let text = |index: usize| match arguments.get(index).map(|it| (it.at, &it.syntax)) {
        Some((at, Syntax::Literal(Literal::Text(text)))) => Some((at, text.as_str())),
        _ => None,
    };
    match (name, text(0), text(1)) {
        ("matches" | "find" | "findAll", _, Some((at, pattern))) => {
            compile_pattern(pattern).map(Some).map_err(|problem| SyntaxError::new(at, problem))
        }
        ("duration", Some((at, text)), _) if library::duration(text).is_none() => {
            Err(SyntaxError::new(at, format!("`{text}` is no duration, such as 1h30m or 90s")))
        }
        ("timestamp", Some((at, text)), _) if library::timestamp(text).is_none() => {
            let problem = format!("`{text}` is no moment, such as 2027-01-31T00:00:00Z");
            Err(SyntaxError::new(at, problem))
        }
        _ => Ok(None),
    }
}

const fn type_of(literal: &Literal) -> &'static str {
    match literal {
        Literal::Null => "null_type",
        Literal::Bool(_) => "bool",
        Literal::Int(_) => "int",
        Literal::Uint(_) => "uint",
        Literal::Double(_) => "double",
        Literal::Text(_) => "string",
        Literal::Bytes(_) => "bytes",
    }
}

/// The names of `a.b.c`.
fn names(expression: &Expression) -> Option<Vec<&str>> {
    match &expression.syntax {
        Syntax::Identifier(name) => Some(vec![name]),
        Syntax::Select { operand, field, is_optional: false } => {
            let mut path = names(operand)?;
            path.push(field);
            Some(path)
        }
        _ => None,
    }
}

/// The field of the object that an expression is about: what all its looks at the object have in common.
pub(super) fn field_of(expression: &Expression) -> FieldPath {
    let mut fields = Vec::new();
    gather(expression, &mut fields);
    let common = fields.into_iter().reduce(|left: Vec<FieldStep<'_>>, right| {
        left.into_iter().zip(right).take_while(|(one, other)| one == other).map(|it| it.0).collect()
    });
    common.into_iter().flatten().collect()
}

fn gather<'e>(expression: &'e Expression, fields: &mut Vec<Vec<FieldStep<'e>>>) {
    match object_field(expression) {
        Some(field) => fields.push(field),
        None => expression.parts().into_iter().for_each(|part| gather(part, fields)),
    }
}

fn object_field(expression: &Expression) -> Option<Vec<FieldStep<'_>>> {
    let (operand, step) = match &expression.syntax {
        Syntax::Identifier(name) if name == "object" => return Some(Vec::new()),
        Syntax::Select { operand, field, .. } => (operand, FieldStep::key(field)),
        Syntax::Index { operand, index, .. } => match &index.syntax {
            Syntax::Literal(Literal::Text(key)) => (operand, FieldStep::key(key)),
            Syntax::Literal(Literal::Int(index)) => {
                (operand, FieldStep::Index(usize::try_from(*index).ok()?))
            }
            _ => return None,
        },
        _ => return None,
    };
    let mut field = object_field(operand)?;
    field.push(step);
    Some(field)
}
