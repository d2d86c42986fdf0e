//! What is refused when an expression is read, with its place.

use insta::assert_snapshot;

use super::super::{Program, Scope};
use super::{SCOPE, said};

#[test]
fn what_is_no_expression_is_refused_where_it_breaks() {
    for (expression, refusal) in [
        ("", "line 1, column 1: an expression is expected, and the end is here"),
        ("1 +", "line 1, column 4: an expression is expected, and the end is here"),
        ("object.spec.", "line 1, column 13: the name of a field is expected, and the end is here"),
        ("a b", "line 1, column 3: an operator or the end is expected, and `b` is here"),
        ("1 == 1 &&\n  (2", "line 2, column 5: `)` is expected, and the end is here"),
        ("'abc", "line 1, column 1: the text has no end: `'` is missing"),
        (
            "'a\\q'",
            "line 1, column 1: `\\q` is no escape: write `\\\\` for a backslash, or a raw text r'…'",
        ),
        ("1 & 2", "line 1, column 3: `&` has no meaning here"),
        (
            "99999999999999999999",
            "line 1, column 1: `99999999999999999999` does not fit into 64 bits",
        ),
        ("1x", "line 1, column 2: a number ends here, and a name begins"),
        ("namespace == 'x'", "line 1, column 1: `namespace` is a reserved word"),
        (
            "Object{spec: 1}",
            "line 1, column 7: messages such as `Object{…}` are not for validation: use a map",
        ),
        ("[1, 2", "line 1, column 6: `]` is expected, and the end is here"),
    ] {
        assert_eq!(said(expression), format!("refused at {refusal}"), "{expression}");
    }
}

#[test]
fn what_no_object_makes_right_is_refused() {
    for (expression, refusal) in [
        ("1 == 'a'", "line 1, column 3: `==` is not for int and string"),
        ("1 == 1.0", "line 1, column 3: `==` is not for int and double"),
        ("1 + 1u == 2", "line 1, column 3: `+` is not for int and uint"),
        ("'a' < 1", "line 1, column 5: `<` is not for string and int"),
        (
            "quantity('1') == '1'",
            "line 1, column 15: `==` is not for kubernetes.Quantity and string",
        ),
        ("object.a in 'ab'", "line 1, column 10: `in` is not for anything and string"),
        ("!1", "line 1, column 1: `!` is not for int"),
        ("-'a' == ''", "line 1, column 1: `-` is not for string"),
        ("object.a && 1", "line 1, column 13: `&&` is not for int"),
        ("1 ? true : false", "line 1, column 3: `?` is not for int"),
        (
            "(true ? 1 : 'a') == object.a",
            "line 1, column 7: the branches of `? :` are of one type in Kubernetes, and these are int and string",
        ),
        (
            "[1, 'a'] == []",
            "line 1, column 1: the elements of a list are of one type in Kubernetes, and these are int and string",
        ),
        (
            "{'a': 1, 'b': 'c'} == {}",
            "line 1, column 1: the values of a map are of one type in Kubernetes, and these are int and string",
        ),
        ("size(1) == 1", "line 1, column 1: `size()` is not for int"),
        ("'a'.contains(1)", "line 1, column 5: `contains()` is not for string and int"),
        (
            "request.userInfo.groups.contains('x')",
            "line 1, column 25: `contains()` is not for list and string",
        ),
        ("request.name == 1", "line 1, column 14: `==` is not for string and int"),
        (
            "namespaceObject.metadata.label == 'x'",
            "line 1, column 26: a namespace has no field `metadata.label` here",
        ),
        (
            "has(namespaceObject.metadata.label)",
            "line 1, column 30: a namespace has no field `metadata.label` here",
        ),
        (
            "has(namespaceObject.metadata.label.team) || true",
            "line 1, column 36: a namespace has no field `metadata.label.team` here",
        ),
        (
            "has(namespaceObject.spec.replicas)",
            "line 1, column 26: a namespace has no field `spec.replicas` here",
        ),
        ("has(request.user)", "line 1, column 13: a request has no field `user`"),
        (
            "namespaceObject.metadata.labels['a'] == 1 || namespaceObject.metadata.name == 1",
            "line 1, column 76: `==` is not for string and int",
        ),
    ] {
        assert_eq!(said(expression), format!("refused at {refusal}"), "{expression}");
    }
    // What is not known may be anything.
    for expression in [
        "object.a == 1 || object.a == 'a'",
        "[object.a, 1, 'a'].size() >= 0 || true",
        "(object.a ? object.b : 1) == 'x' || true",
        "object.a + 'x' == 'yx' || true",
        "1 < 1.5 && 2u > 1",
        "object.a.contains(1) || true",
        "null == 'a' || 'a' != null",
        "namespaceObject.metadata.labels.team == 'a' || true",
        "has(namespaceObject.metadata.labels.team) || true",
        "namespaceObject.metadata.?labels.?team.orValue('') == 'a' || true",
        "request.userInfo.?extra.?team.hasValue() || true",
    ] {
        let answer = said(expression);
        assert!(!answer.starts_with("refused"), "{expression}: {answer}");
    }
}

#[test]
fn what_does_not_exist_is_refused() {
    for (expression, refusal) in [
        ("true && image('a').tag() == 'x'", "line 1, column 9: there is no function `image` here"),
        ("'a'.reverse() == 'a'", "line 1, column 5: there is no function `reverse` here"),
        (
            "startsWith('a', 'b')",
            "line 1, column 1: `startsWith` is called on a value: `value.startsWith(…)`",
        ),
        ("size()", "line 1, column 1: `size` is not for 0 arguments: it takes 1 or more"),
        ("params.x == 1", "line 1, column 1: `params` needs a `spec.paramKind` in the policy"),
        ("variables.x", "line 1, column 11: no variable `x` is defined before this expression"),
        ("request.user == 'x'", "line 1, column 9: a request has no field `user`"),
        (
            "request.userInfo.name == 'x'",
            "line 1, column 18: a request has no field `userInfo.name`",
        ),
        ("'a'.matches('(')", "line 1, column 13: `(` is no pattern: unclosed group"),
        (
            "duration('1 day') == duration('1s')",
            "line 1, column 10: `1 day` is no duration, such as 1h30m or 90s",
        ),
        (
            "has(object['a'])",
            "line 1, column 11: has() takes a field: `has(object.spec.replicas)`; for a key write `'key' in map`",
        ),
        (
            "[1].all(1, true)",
            "line 1, column 9: the name of a variable is expected here, each its own",
        ),
        (
            "[1].all(x, x, true)",
            "line 1, column 12: the name of a variable is expected here, each its own",
        ),
    ] {
        assert_eq!(said(expression), format!("refused at {refusal}"), "{expression}");
    }
    assert!(said("pod.spec.x").starts_with("refused at line 1, column 1: there is no `pod`: "));
    assert!(
        said("[1].all(x, true) && x").starts_with("refused at line 1, column 21: there is no `x`")
    );
}

#[test]
fn deep_expressions_are_refused_and_do_not_overflow_the_stack() {
    for depth in [60, 1_000, 100_000] {
        for (open, inner, close) in [
            ("(", "1", ")"),
            ("[", "1", "]"),
            ("{1: ", "1", "}"),
            ("size(", "1", ")"),
            ("object[", "0", "]"),
            ("!", "true", ""),
            ("- ", "object", ""),
            ("true ? true : ", "false", ""),
            ("object.", "x", ""),
            ("1 + ", "1", ""),
        ] {
            let text = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            let said = said(&text);
            let is_refused = said.starts_with("refused");
            assert!(is_refused || depth == 60, "{open} {depth}: {said}");
        }
    }
    // What is just allowed is evaluated on a small stack.
    let nested = format!("{}1{}", "[".repeat(55), "]".repeat(55));
    assert_eq!(said(&format!("{nested} == {nested}")), "true");
    assert_eq!(said(&format!("{} == 150", ["1"; 150].join(" + "))), "true");
    let walks = (0..40).fold("true".to_owned(), |body, at| format!("[1].all(x{at}, {body})"));
    assert_eq!(said(&walks), "true");
    // Conditions in a row do not nest.
    assert_eq!(said(&vec!["true"; 5_000].join(" && ")), "true");
}

#[test]
fn a_refusal_shows_its_line() {
    let text = "object.spec.containers.all(c,\n  c.image.begins('x'))";
    let error = Program::read(text, &SCOPE).unwrap_err();
    assert_snapshot!(format!("{error}\n{}", error.excerpt(text)), @r"
    there is no function `begins` here
      c.image.begins('x'))
              ^
    ");
}

#[test]
fn a_message_may_not_ask_the_authorizer() {
    let scope = Scope { has_authorizer: false, ..SCOPE };
    let error = Program::read("authorizer.path('/').check('get').reason()", &scope).unwrap_err();
    assert_eq!(error.to_string(), "the authorizer cannot be asked here");
}

#[test]
fn an_expression_is_about_what_its_looks_at_the_object_share() {
    for (expression, field) in [
        ("object.spec.replicas <= 5", "spec.replicas"),
        ("!has(object.spec.template) || object.spec.template.spec.x", "spec.template"),
        ("object.spec.a == 1 && object.metadata.name == 'x'", ""),
        ("object.metadata.labels['a/b.c'] == 'x'", "metadata.labels[\"a/b.c\"]"),
        ("object.spec.containers.all(c, c.x) && object.spec.containers[0].x", "spec.containers"),
        ("request.name == 'x'", ""),
    ] {
        let program = Program::read(expression, &SCOPE).unwrap();
        assert_eq!(program.field().to_string(), field, "{expression}");
    }
}
