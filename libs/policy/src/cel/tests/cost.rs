//! The cost limit: what would take for ever ends soon, and nothing absorbs that.

use airside_k8s::json;

use super::{said, said_of};

const EXCEEDED: &str = "cost limit exceeded: evaluation costs more than 1000000";

#[test]
fn nested_walks_end_at_the_limit() {
    let list = format!("[{}]", (0..100).map(|it| it.to_string()).collect::<Vec<_>>().join(","));
    let walk = |body: &str| {
        format!("{list}.all(a, {list}.all(b, {list}.all(c, {list}.all(d, {list}.all(e, {body})))))")
    };
    // Ten thousand million turns.
    assert_eq!(said(&walk("a + b + c + d + e >= 0")), EXCEEDED);
    assert_eq!(said(&format!("true || {}", walk("true"))), "true");
    assert_eq!(said(&format!("{} || true", walk("true"))), EXCEEDED);
}

#[test]
fn what_grows_ends_at_the_limit() {
    let doubled = |seed: &str, step: &str| {
        // Each round takes the value of the one before, twice over.
        (0..40).fold(seed.to_owned(), |inner, _| format!("[{inner}].map(x, {step})[0]"))
    };
    assert_eq!(said(&format!("size({}) > 0", doubled("'abcdefgh'", "x + x"))), EXCEEDED);
    assert_eq!(said(&format!("size({}) > 0", doubled("[1, 2, 3]", "x + x"))), EXCEEDED);
    assert_eq!(
        said(&format!("size({}) > 0", doubled("'aaaa'", "x.replace('a', 'aaaa')"))),
        EXCEEDED
    );
    assert_eq!(said(&format!("size({}) > 0", doubled("'aaaa'", "[x, x, x].join(x)"))), EXCEEDED);
    assert_eq!(
        said(&format!("size({}) > 0", doubled("'aaaa'", "'%s%s'.format([x, x])"))),
        EXCEEDED
    );
}

#[test]
fn comparisons_of_large_objects_are_paid_for() {
    let items: Vec<_> =
        (0..2_000).map(|it| json!({"name": it, "value": "x".repeat(100)})).collect();
    let object = json!({ "items": items });
    assert_eq!(said_of(&object, "object == object"), "true");
    assert_eq!(said_of(&object, "object.items.all(i, i in object.items)"), EXCEEDED);
    assert_eq!(said_of(&object, "sets.equivalent(object.items, object.items)"), EXCEEDED);
    assert_eq!(said_of(&object, "object.items.all(i, object.items.indexOf(i) >= 0)"), EXCEEDED);
}

#[test]
fn patterns_that_an_expression_makes_are_paid_for() {
    let items: Vec<_> = (0..3_000).map(|it| format!("x{it}")).collect();
    let object = json!({ "items": items });
    assert_eq!(said_of(&object, "object.items.all(i, i.matches('^x[0-9]+$'))"), "true");
    assert_eq!(said_of(&object, "object.items.all(i, i.matches('^' + i + '$'))"), EXCEEDED);
}
