//! Random expressions, well formed and not: reading and evaluating never panics, and ends within the budget.

use proptest::prelude::*;

use super::super::{Budget, EXPRESSION_LIMIT, Program, evaluate};
use super::{Only, SCOPE, object, said};

/// Expressions that can be read, most of which fail somewhere when they are evaluated: nothing is known of their
/// types when they are read.
fn open_expressions() -> impl Strategy<Value = String> {
    let body = expressions(|text| format!("dyn({text})"));
    body.prop_map(|body| format!("[dyn(1), 'a', [2]].map(x, {body})"))
}

/// Expressions of which each part is written in some way.
fn expressions(written: fn(String) -> String) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("object".to_owned()),
        Just("object.spec".to_owned()),
        Just("object.spec.containers".to_owned()),
        Just("object.metadata.labels".to_owned()),
        Just("oldObject".to_owned()),
        Just("request.userInfo".to_owned()),
        Just("x".to_owned()),
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("9223372036854775807".to_owned()),
        Just("18446744073709551615u".to_owned()),
        Just("1e300".to_owned()),
        Just("''".to_owned()),
        Just("'ä%s%d'".to_owned()),
        Just("quantity('1Ei')".to_owned()),
        Just("ip('::1')".to_owned()),
        Just("cidr('10.0.0.0/8')".to_owned()),
        Just("url('https://a:1/b?c=d')".to_owned()),
        Just("semver('1.2.3')".to_owned()),
        Just("duration('1h')".to_owned()),
        Just("timestamp('9999-12-31T23:59:59Z')".to_owned()),
        (-3_i64..9).prop_map(|number| number.to_string()),
    ];
    leaf.prop_map(written).prop_recursive(5, 60, 4, move |inner| {
        let operators = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||",
        ]);
        let one = prop::sample::select(vec![
            "size",
            "trim",
            "isSorted",
            "sum",
            "min",
            "max",
            "hasValue",
            "value",
            "isInteger",
            "asInteger",
            "sign",
            "family",
            "masked",
            "prefixLength",
            "getHost",
            "getQuery",
            "major",
            "getFullYear",
            "getMilliseconds",
            "join",
            "upperAscii",
            "asApproximateFloat",
        ]);
        let two = prop::sample::select(vec![
            "contains",
            "indexOf",
            "lastIndexOf",
            "split",
            "substring",
            "charAt",
            "matches",
            "find",
            "findAll",
            "format",
            "add",
            "sub",
            "isLessThan",
            "compareTo",
            "containsIP",
            "containsCIDR",
            "orValue",
            "or",
            "join",
        ]);
        let walks =
            prop::sample::select(vec!["all", "exists", "exists_one", "map", "filter", "optMap"]);
        let globals = prop::sample::select(vec![
            "int",
            "uint",
            "double",
            "string",
            "bytes",
            "type",
            "dyn",
            "quantity",
            "ip",
            "url",
            "isURL",
            "semver",
            "optional.of",
            "optional.ofNonZeroValue",
            "duration",
            "timestamp",
            "strings.quote",
        ]);
        prop_oneof![
            (inner.clone(), operators, inner.clone())
                .prop_map(|(l, o, r)| format!("({l} {o} {r})")),
            (inner.clone(), one).prop_map(|(target, name)| format!("({target}).{name}()")),
            (inner.clone(), two, inner.clone())
                .prop_map(|(t, name, a)| format!("({t}).{name}({a})")),
            (inner.clone(), walks, inner.clone())
                .prop_map(|(t, name, b)| format!("({t}).{name}(x, {b})")),
            (globals, inner.clone()).prop_map(|(name, a)| format!("{name}({a})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{{a}: {b}}}")),
            inner.clone().prop_map(|a| format!("-({a})")),
            inner.prop_map(|a| format!("({a}).?spec")),
        ]
        .prop_map(written)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn evaluation_ends_within_its_budget(text in open_expressions()) {
        let program = Program::read(&text, &SCOPE);
        prop_assert!(program.is_ok() || text.contains("matches") || text.contains("duration(")
            || text.contains("timestamp(") || text.contains("find"), "{text}: {program:?}");
        if let Ok(program) = program {
            let object = object();
            let mut budget = Budget::of_policy();
            let _result = evaluate(&program, &Only(&object), &mut budget);
            prop_assert!(budget.spent() <= EXPRESSION_LIMIT);
            // A function of its input.
            prop_assert_eq!(said(&text), said(&text));
        }
    }

    #[test]
    fn a_value_is_of_the_type_that_was_known_before(text in expressions(|text| text)) {
        if let Ok(program) = Program::read(&text, &SCOPE)
            && let Some(known) = program.gives()
            && let Ok(value) = evaluate(&program, &Only(&object()), &mut Budget::of_policy())
        {
            prop_assert_eq!(value.type_name(), known, "{}", text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\PC\n]{0,60}") {
        let _said = said(&text);
    }

    #[test]
    fn words_in_any_order_are_read_or_refused(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "object", ".", "spec", "(", ")", "[", "]", "{", "}", ",", ":", "?", "'a'", "1", "-", "!",
                "&&", "||", "==", "in", "has", "all", "x", "true", "`a-b`", "1.5", "2u", "r'\\'", "b'a'", "+",
            ]),
            0..25,
        )
    ) {
        let _said = said(&words.join(" "));
    }
}
