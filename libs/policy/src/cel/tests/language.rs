//! The language: operators, numbers, texts, missing fields, and errors that another operand absorbs.

use super::{all_say, said};

#[test]
fn numbers() {
    all_say(
        "true",
        &[
            "1 + 2 * 3 - 4 / 2 == 5",
            "7 % 3 == 1 && -7 / 2 == -3 && -7 % 3 == -1",
            "0x1F == 31 && -0x10 == -16",
            "1.5 + 0.5 == 2.0 && .5 == 0.5 && 1e3 == 1000.0",
            "dyn(1) == 1.0 && dyn(1u) == 1 && 2 > 1.5 && 1u < 2",
            "-9223372036854775808 < 0",
            "9223372036854775807 < 9223372036854775808.0",
            "object.spec.replicas == 3 && type(object.spec.replicas) == int",
            "type(object.spec.ratio) == double && object.spec.ratio < 1",
            "1 / 2 == 0 && 1.0 / 2.0 == 0.5",
            "--1 == 1 && !!true && -(1) == -1",
            "1 - -1 == 2 && 1 -1 == 0",
        ],
    );
}

#[test]
fn texts_and_bytes() {
    all_say(
        "true",
        &[
            r#""a" + 'b' == "ab" && '''x"y''' == 'x\"y'"#,
            r#"'\x41\u00e4\101\n' == "AäA" + "\n""#,
            r#"r'\d' == "\\d" && b'\xff' == b"\377""#,
            "size('äö') == 2 && size(b'ä') == 2",
            "'a' < 'b' && 'B' < 'a'",
            "bytes('ab') == b'ab' && b'a' + b'b' == b'ab'",
            "// a comment\n1 == 1 // another",
        ],
    );
}

#[test]
fn lists_and_maps() {
    all_say(
        "true",
        &[
            "[1, 2] + [3] == [1, 2, 3] && size([]) == 0",
            "2 in [1, 2] && !('x' in {'y': 1}) && 'y' in {'y': 1}",
            "{'a': 1, 'b': 2}['b'] == 2 && {1: 'x'}[1] == 'x' && {1: 'x'}[1.0] == 'x'",
            "{'a': dyn(1), 'b': [2]} == {'b': [2], 'a': dyn(1)} && {'a': 1} != {'a': 2}",
            "[1, 2][1] == 2 && [[1], [2]][1][0] == 2",
            "object.metadata.labels['app.kubernetes.io/name'] == 'web'",
            "object.metadata.labels.`app.kubernetes.io/name` == 'web'",
            "object.spec.containers[1].name == 'b' && size(object.spec.containers) == 2",
            "'app' in object.metadata.labels && !('owner' in object.metadata.labels)",
            "[dyn(1), 'a', null] == [dyn(1), 'a', null] && [1] != ['1'] && null != 0",
            "object == object && object.spec != object.metadata",
            "[1, 2,] == [1, 2]",
        ],
    );
}

#[test]
fn presence_and_absence() {
    all_say(
        "true",
        &[
            "has(object.spec) && !has(object.status) && has(object.spec.nothing)",
            "object.spec.nothing == null && oldObject == null",
            "has({'a': 1}.a) && !has({'a': 1}.b)",
            "!has(object.spec.template) || object.spec.template.x > 3",
            "object.?status.?phase == optional.none()",
            "object.?spec.?replicas.orValue(1) == 3 && object.?status.orValue('x') == 'x'",
            "object.spec[?'replicas'].hasValue() && ![1][?5].hasValue()",
            "object.?spec.replicas.value() == 3",
            "optional.of(2).optMap(x, x * 2).value() == 4",
            "optional.of(1).orValue(1 / 0) == 1 && optional.of(1).or(optional.of(1 / 0)).hasValue()",
            "optional.of(2).optFlatMap(x, optional.none()).hasValue() == false",
            "optional.ofNonZeroValue('').or(optional.of('b')).value() == 'b'",
            "[?optional.none(), 1, ?optional.of(2)] == [1, 2]",
            "{?'a': optional.none(), ?'b': optional.of(1)} == {'b': 1}",
        ],
    );
    assert_eq!(said("object.status.phase == 'x'"), "error: no such key: status");
    assert_eq!(said("object.metadata.labels['owner'] == 'x'"), "error: no such key: owner");
    assert_eq!(said("[1][1] == 1"), "error: index out of bounds: 1");
    assert_eq!(said("object.spec.replicas.x == 1"), "error: no such overload: field `x` of int");
    assert_eq!(
        said("object.spec.nothing.x == 1"),
        "error: no such overload: field `x` of null_type"
    );
}

#[test]
fn walks() {
    all_say(
        "true",
        &[
            "object.spec.containers.all(c, c.image.startsWith('registry.test/'))",
            "object.spec.containers.exists(c, c.privileged)",
            "object.spec.containers.exists_one(c, c.name == 'a') && [1, 1].exists_one(x, x == 1) == false",
            "object.spec.containers.map(c, c.name) == ['a', 'b']",
            "[1, 2, 3].map(x, x > 1, x * 10) == [20, 30] && [1, 2, 3].filter(x, x != 2) == [1, 3]",
            "object.metadata.labels.all(k, object.metadata.labels[k] == 'web')",
            "[].all(x, false) && ![].exists(x, true)",
            "[[1, 2], [3]].all(l, l.all(x, x > 0)) && [1].all(x, [2].all(x, x == 2) && x == 1)",
            "[5, 6].all(i, v, i + 5 == v) && {'a': 1}.exists(k, v, k == 'a' && v == 1)",
            "[1, 2].transformList(i, v, i * v) == [0, 2] && [1, 2].transformList(i, v, i > 0, v) == [2]",
            "{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 2) == {'b': 4}",
            "['a', 'b'].transformMapEntry(i, v, {v: i}) == {'a': 0, 'b': 1}",
            "[1, 2].existsOne(i, v, i == 1)",
        ],
    );
    assert_eq!(
        said("['a', 'a'].transformMapEntry(i, v, {v: i}) == {}"),
        "error: a map has the same key twice"
    );
    assert_eq!(said("object.spec.replicas.all(x, true)"), "error: no such overload: a walk of int");
}

#[test]
fn operands_absorb_errors_from_either_side() {
    all_say(
        "true",
        &[
            "true || object.status.x == 1",
            "object.status.x == 1 || true",
            "!(object.status.x == 1 && false)",
            "!(false && 1 / 0 == 1)",
            "[1, 2].exists(x, x == 2 || 1 / 0 == 1) ",
            "[dyn('x'), 2].exists(x, x > 1)",
            "![0, 1].all(x, 1 / x == 2)",
            "true ? true : object.status.x",
            "request.userInfo.username == 'x' || true",
        ],
    );
    assert_eq!(said("false || object.status.x == 1"), "error: no such key: status");
    assert_eq!(said("[0, 1].all(x, 1 / x == 1)"), "error: division by zero");
    // What is not known might have decided, so that the error does not.
    assert_eq!(said("1 / 0 == 1 || request.userInfo.username == 'x'"), "unknown: not known here");
    assert_eq!(said("request.userInfo.username == 'x' || 1 / 0 == 1"), "unknown: not known here");
    assert_eq!(said("dyn('x') || true"), "true");
    assert_eq!(said("dyn('x') || false"), "error: no such overload: _||_ of string");
}

#[test]
fn errors() {
    for (expression, error) in [
        ("9223372036854775807 + 1 == 0", "the number does not fit into 64 bits"),
        ("-(-9223372036854775807 - 1) == 0", "the number does not fit into 64 bits"),
        ("1 / 0 == 1", "division by zero"),
        ("1u - 2u == 0u", "the number does not fit into 64 bits"),
        ("1 + dyn(1u) == 2", "no such overload: _+_ of int, uint"),
        ("dyn(1) + 'a' == 2", "no such overload: _+_ of int, string"),
        ("1 < dyn('a')", "no such overload: _<_ of int, string"),
        ("dyn(null) < 1", "no such overload: _<_ of null_type, int"),
        ("{'a': 1, 'a': 2} == {}", "a map has the same key twice"),
        ("{[1]: 1} == {}", "a list is no key of a map"),
        ("dyn('a').value() == 'a'", "no such overload: value of string"),
        ("dyn(1) ? true : false", "no such overload: _?_:_ of int"),
        ("!dyn(1)", "no such overload: !_ of int"),
        ("int('x') == 1", "int: `x` is no whole number"),
    ] {
        assert_eq!(said(expression), format!("error: {error}"), "{expression}");
    }
    assert_eq!(said("0.0 / 0.0 == 0.0 / 0.0 || 0.0 / 0.0 < 1"), "false");
}

#[test]
fn conversions_and_types() {
    all_say(
        "true",
        &[
            "int('42') == 42 && int(3.9) == 3 && int(-3.9) == -3 && int(5u) == 5",
            "uint('42') == 42u && double('1.5') == 1.5 && double(1) == 1.0",
            "string(1) == '1' && string(1.0) == '1' && string(true) == 'true' && string(b'a') == 'a'",
            "string(1e21) == '1e+21' && string(1e6) == '1e+06' && string(0.00001) == '1e-05' && string(999999.5) == '999999.5'",
            "bool('true') && !bool('0')",
            "type(1) == int && type('') == string && type([]) == list && type({}) == map",
            "type(null) == null_type && type(type(1)) == type && type(1u) == uint",
            "type(dyn(1)) == int && dyn(1) == 1",
            "int(timestamp('1970-01-01T00:01:00Z')) == 60",
        ],
    );
}
