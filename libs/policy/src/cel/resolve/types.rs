//! Which operators and functions are for which types, as far as the types are known when an expression is read.
//!
//! The API server refuses a policy whose expression cannot be right for any object. `object`, `oldObject` and
//! parameters may be anything; literals, `request`, the namespace and what functions give are known. An unknown
//! type fits everywhere.

use airside_k8s::Position;
use airside_k8s::quantity::Quantity;
use time::{Duration, OffsetDateTime};

use super::super::SyntaxError;
use super::super::budget::Budget;
use super::super::library::{Call, Function};
use super::super::syntax::Binary;
use super::super::value::Value;

/// The type of all values of an expression, where that is known.
pub(super) type Known = Option<&'static str>;

const TIMESTAMP: &str = "google.protobuf.Timestamp";
const DURATION: &str = "google.protobuf.Duration";

/// Refuses an operator whose operands no object makes right.
pub(super) fn binary(
    operator: Binary,
    left: Known,
    right: Known,
    at: Position,
) -> Result<(), SyntaxError> {
    let fits = match (operator, left, right) {
        (Binary::In, _, Some(right)) => matches!(right, "list" | "map"),
        (_, Some(left), Some(right)) => is_for(operator, left, right),
        _ => true,
    };
    let shown = |known: Known| known.unwrap_or("anything");
    if fits { Ok(()) } else { refuse(operator.as_str(), &[shown(left), shown(right)], at) }
}

fn is_for(operator: Binary, left: &str, right: &str) -> bool {
    let is_number = |name: &str| matches!(name, "int" | "uint" | "double");
    let is_same = left == right;
    match operator {
        // Numbers of different types are equal only where one of them is not known.
        Binary::Equal | Binary::NotEqual => is_same || left == "null_type" || right == "null_type",
        Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => {
            let is_ordered = matches!(left, "string" | "bytes" | "bool" | TIMESTAMP | DURATION);
            (is_number(left) && is_number(right)) || (is_same && is_ordered)
        }
        Binary::Add => {
            let adds = is_number(left) || matches!(left, "string" | "bytes" | "list" | DURATION);
            (is_same && adds)
                || matches!((left, right), (TIMESTAMP, DURATION) | (DURATION, TIMESTAMP))
        }
        Binary::Subtract => {
            let is_moment = matches!(left, TIMESTAMP | DURATION);
            (is_same && (is_number(left) || is_moment)) || (left, right) == (TIMESTAMP, DURATION)
        }
        Binary::Multiply | Binary::Divide => is_same && is_number(left),
        Binary::Remainder => is_same && matches!(left, "int" | "uint"),
        Binary::In => true,
    }
}

/// Refuses an operand of another type than these.
pub(super) fn operand(
    operator: &str,
    known: Known,
    types: &[&str],
    at: Position,
) -> Result<(), SyntaxError> {
    match known {
        Some(other) if !types.contains(&other) => refuse(operator, &[other], at),
        _ => Ok(()),
    }
}

/// Refuses values of several types where Kubernetes takes those of one: in lists, maps and branches. After one that
/// may be anything all are taken.
pub(super) fn same(what: &str, all: &[Known], at: Position) -> Result<(), SyntaxError> {
    let known = all.iter().map_while(|known| *known);
    let mut known = known.filter(|name| *name != "null_type");
    let Some(first) = known.next() else { return Ok(()) };
    match known.find(|name| *name != first) {
        Some(other) => {
            let problem =
                format!("{what} are of one type in Kubernetes, and these are {first} and {other}");
            Err(SyntaxError::new(at, problem))
        }
        None => Ok(()),
    }
}

/// Refuses a function that is for none of its arguments' types, where all are known.
pub(super) fn call(
    function: &'static Function,
    types: &[Known],
    at: Position,
) -> Result<(), SyntaxError> {
    let samples: Option<Vec<Value<'_>>> = types.iter().map(|name| sample((*name)?)).collect();
    let Some(samples) = samples else { return Ok(()) };
    let given =
        (function.body)(Call { arguments: &samples, pattern: None }, &mut Budget::of_policy());
    if matches!(given, Ok(None)) {
        let types: Vec<&str> = types.iter().copied().flatten().collect();
        return refuse(&format!("{}()", function.name), &types, at);
    }
    Ok(())
}

fn refuse(what: &str, types: &[&str], at: Position) -> Result<(), SyntaxError> {
    Err(SyntaxError::new(at, format!("`{what}` is not for {}", types.join(" and "))))
}

/// Some value of a type: functions say what types they are for by taking it.
fn sample(name: &str) -> Option<Value<'static>> {
    Some(match name {
        "null_type" => Value::Null,
        "bool" => Value::Bool(true),
        "int" => Value::Int(1),
        "uint" => Value::Uint(1),
        "double" => Value::Double(1.0),
        "string" => Value::text("1"),
        "bytes" => Value::Bytes([b'1'].into()),
        "list" => Value::list(Vec::new()),
        "type" => Value::Type("int"),
        "optional_type" => Value::optional(None),
        "kubernetes.Quantity" => Value::Quantity(Quantity::parse("1")?),
        DURATION => Value::Duration(Duration::ZERO),
        TIMESTAMP => Value::Timestamp(OffsetDateTime::UNIX_EPOCH),
        _ => return None,
    })
}
