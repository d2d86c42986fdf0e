//! Calls that are no functions: they take a name and an expression, or look whether a field is there.

use super::super::SyntaxError;
use super::super::program::{Comprehension, Kind, Node, Step};
use super::super::syntax::{Expression, Syntax};
use super::Resolver;

/// A macro, by its name and the number of its arguments.
enum Macro {
    /// A walk: how many variables, and what stands behind them.
    Walk(Kind, usize, Behind),
    Optional {
        is_flat: bool,
    },
    OptionalElse {
        is_value: bool,
    },
}

/// What stands behind the variables of a walk.
#[derive(Clone, Copy)]
enum Behind {
    Condition,
    Transform,
    ConditionAndTransform,
}

fn find(name: &str, count: usize) -> Option<Macro> {
    use Behind::{Condition, ConditionAndTransform, Transform};
    Some(match (name, count) {
        ("all", 2 | 3) => Macro::Walk(Kind::All, count - 1, Condition),
        ("exists", 2 | 3) => Macro::Walk(Kind::Exists, count - 1, Condition),
        ("exists_one" | "existsOne", 2 | 3) => Macro::Walk(Kind::ExistsOne, count - 1, Condition),
        ("filter", 2) => Macro::Walk(Kind::Filter, 1, Condition),
        ("map", 2) => Macro::Walk(Kind::List, 1, Transform),
        ("map", 3) => Macro::Walk(Kind::List, 1, ConditionAndTransform),
        ("transformList", 3) => Macro::Walk(Kind::List, 2, Transform),
        ("transformList", 4) => Macro::Walk(Kind::List, 2, ConditionAndTransform),
        ("transformMap", 3) => Macro::Walk(Kind::MapValues, 2, Transform),
        ("transformMap", 4) => Macro::Walk(Kind::MapValues, 2, ConditionAndTransform),
        ("transformMapEntry", 3) => Macro::Walk(Kind::MapEntries, 2, Transform),
        ("transformMapEntry", 4) => Macro::Walk(Kind::MapEntries, 2, ConditionAndTransform),
        ("optMap", 2) => Macro::Optional { is_flat: false },
        ("or", 1) => Macro::OptionalElse { is_value: false },
        ("orValue", 1) => Macro::OptionalElse { is_value: true },
        ("optFlatMap", 2) => Macro::Optional { is_flat: true },
        _ => return None,
    })
}

type Expanded = Result<Option<(Node, Option<&'static str>)>, SyntaxError>;

impl Resolver<'_> {
    /// A call that is a macro, expanded; none for a call that is none.
    pub(super) fn expanded(&mut self, expression: &Expression) -> Expanded {
        let at = expression.at;
        let Syntax::Call { target, name, arguments } = &expression.syntax else { return Ok(None) };
        let (step, gives) = match (target, name.as_str(), arguments.as_slice()) {
            (None, "has", [field]) => (self.presence(field)?, Some("bool")),
            (Some(target), _, _) => match find(name, arguments.len()) {
                None => return Ok(None),
                Some(Macro::Walk(kind, variables, behind)) => {
                    let range = self.expression(target)?.0;
                    (self.walk(kind, range, arguments, variables, behind)?, gives(kind))
                }
                Some(Macro::OptionalElse { is_value }) => {
                    let operand = self.boxed(target)?;
                    let other = Box::new(self.within(&[], arguments.first(), at)?);
                    let gives = (!is_value).then_some("optional_type");
                    (Step::OptionalElse { operand, other, is_value }, gives)
                }
                Some(Macro::Optional { is_flat }) => {
                    let operand = self.boxed(target)?;
                    let (names, rest) = arguments.split_at_checked(1).unwrap_or_default();
                    let names = self.names_of(names)?;
                    let body = self.within(&names, rest.first(), at)?;
                    let body = Box::new(body);
                    (Step::OptionalMap { operand, body, is_flat }, Some("optional_type"))
                }
            },
            (None, _, _) => return Ok(None),
        };
        Ok(Some((Node { at, step }, gives)))
    }

    fn presence(&mut self, field: &Expression) -> Result<Step, SyntaxError> {
        let Syntax::Select { operand, field: name, is_optional: false } = &field.syntax else {
            let problem = "has() takes a field: `has(object.spec.replicas)`; for a key write \
                           `'key' in map`";
            return Err(SyntaxError::new(field.at, problem.to_owned()));
        };
        // Names that are no fields must exist; asking for them then gives true or what is not known.
        if let Some((node, _)) = self.special(field)? {
            return Ok(Step::HasRoot(Box::new(node)));
        }
        Ok(Step::Has { operand: self.boxed(operand)?, field: name.clone() })
    }

    fn walk(
        &mut self,
        kind: Kind,
        range: Node,
        arguments: &[Expression],
        variables: usize,
        behind: Behind,
    ) -> Result<Step, SyntaxError> {
        let at = range.at;
        let (names, rest) = arguments.split_at_checked(variables).unwrap_or_default();
        let names = self.names_of(names)?;
        let (condition, transform) = match (behind, rest) {
            (Behind::Condition, [condition]) => (Some(condition), None),
            (Behind::Transform, [transform]) => (None, Some(transform)),
            (Behind::ConditionAndTransform, [condition, transform]) => {
                (Some(condition), Some(transform))
            }
            _ => (None, None),
        };
        let condition =
            condition.map(|condition| self.within(&names, Some(condition), at)).transpose()?;
        let transform =
            transform.map(|transform| self.within(&names, Some(transform), at)).transpose()?;
        let has_two_variables = variables == 2;
        let walk = Comprehension { kind, range, has_two_variables, condition, transform };
        Ok(Step::Comprehension(Box::new(walk)))
    }

    fn names_of(&self, arguments: &[Expression]) -> Result<Vec<String>, SyntaxError> {
        let mut names: Vec<String> = Vec::new();
        for argument in arguments {
            match &argument.syntax {
                Syntax::Identifier(name) if !names.contains(name) => names.push(name.clone()),
                _ => {
                    let problem = "the name of a variable is expected here, each its own";
                    return Err(SyntaxError::new(argument.at, problem.to_owned()));
                }
            }
        }
        Ok(names)
    }

    /// An expression in which names are variables.
    fn within(
        &mut self,
        names: &[String],
        expression: Option<&Expression>,
        at: airside_k8s::Position,
    ) -> Result<Node, SyntaxError> {
        let missing = || SyntaxError::new(at, "an expression is missing".to_owned());
        let depth = self.locals.len();
        self.locals.extend_from_slice(names);
        let resolved = expression.ok_or_else(missing).and_then(|it| self.expression(it));
        self.locals.truncate(depth);
        Ok(resolved?.0)
    }
}

const fn gives(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::All | Kind::Exists | Kind::ExistsOne => "bool",
        Kind::Filter | Kind::List => "list",
        Kind::MapValues | Kind::MapEntries => "map",
    })
}
