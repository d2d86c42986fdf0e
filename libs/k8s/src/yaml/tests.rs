//! What the reader promises, in tables. The meaning of scalars was taken from kubectl 1.32.

mod properties;

use airside_types::FieldPath;

use super::*;
use crate::json;
use crate::value::Value;

fn read(text: &str) -> Parsed {
    parse(text, &Limits::default())
}

/// The one document of a text without errors.
fn only(text: &str) -> Document {
    let mut parsed = read(text);
    assert_eq!(parsed.errors, [], "{text}");
    assert_eq!(parsed.documents.len(), 1, "{text}");
    parsed.documents.remove(0)
}

fn place(document: &Document, path: &str) -> (u32, u32) {
    let position = document.places.root().resolve(&FieldPath::parse(path).unwrap());
    (position.line, position.column)
}

fn first_error(text: &str) -> String {
    read(text).errors.first().map(ToString::to_string).unwrap_or_default()
}

#[test]
fn plain_scalars_mean_what_kubernetes_takes_them_for() {
    let table: [(&str, Value); 52] = [
        ("y", json!(true)),
        ("n", json!(false)),
        ("Yes", json!(true)),
        ("OFF", json!(false)),
        ("tRue", json!("tRue")),
        ("~", json!(null)),
        ("Null", json!(null)),
        ("0644", json!(420)),
        ("0o644", json!(420)),
        ("089", json!(89)),
        ("0x1F", json!(31)),
        ("-0x1F", json!(-31)),
        ("0b101", json!(5)),
        ("0b12", json!("0b12")),
        ("-012", json!(-10)),
        ("1_000", json!(1000)),
        ("_1", json!("_1")),
        ("+5", json!(5)),
        ("+", json!("+")),
        ("1e3", json!(1000)),
        ("1e", json!("1e")),
        (".e3", json!(".e3")),
        ("1.", json!(1)),
        (".5", json!(0.5)),
        ("-.5", json!(-0.5)),
        ("1.e+3", json!(1000)),
        ("1.0", json!(1)),
        ("-0.0", json!(0)),
        ("1e400", json!("1e400")),
        ("1.2.3", json!("1.2.3")),
        ("0.30000000000000004", json!(0.300_000_000_000_000_04)),
        ("9223372036854775807", json!(i64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("18446744073709551615", json!(u64::MAX)),
        ("18446744073709551616", json!(18_446_744_073_709_551_616.0)),
        ("0x1FFFFFFFFFFFFFFFF", json!("0x1FFFFFFFFFFFFFFFF")),
        ("12:30:45", json!("12:30:45")),
        ("2001-01-01", json!("2001-01-01")),
        ("2001-01-01T00:00:00Z", json!("2001-01-01T00:00:00Z")),
        ("Infinity", json!("Infinity")),
        ("nan", json!("nan")),
        ("'0644'", json!("0644")),
        ("\"yes\"", json!("yes")),
        ("!!str 5", json!("5")),
        ("!!str null", json!("null")),
        ("!!int \"5\"", json!(5)),
        ("!!float 5", json!(5)),
        ("!!bool \"true\"", json!(true)),
        ("!!binary aGVsbG8=", json!("hello")),
        ("! 12", json!("12")),
        ("!custom 12", json!("12")),
        ("[1, 0644, yes, \"yes\"]", json!([1, 420, true, "yes"])),
    ];
    for (text, meaning) in table {
        assert_eq!(only(&format!("v: {text}\n")).value, json!({ "v": meaning }), "{text}");
    }
}

#[test]
fn keys_become_texts_as_in_json() {
    let text = "y: 1\n1: 2\n0644: 3\n1.5: 4\n1e3: 5\n'no': 6\n";
    let keys = json!({ "true": 1, "1": 2, "420": 3, "1.5": 4, "1000": 5, "no": 6 });
    assert_eq!(only(text).value, keys);
}

#[test]
fn every_key_and_value_has_its_place() {
    let document = only(
        "# a comment\n\
         kind: Pod\n\
         spec:\n\
         \x20 containers:\n\
         \x20 - name: \"ünï\"   # another\n\
         \x20   securityContext: {privileged: true, 'runAs': 5}\n\
         \x20   args: [ä, b]\n\
         \x20 volumes:\n\
         \x20   - hostPath:\n\
         \x20       path: /\n",
    );
    assert_eq!(document.line, 2);
    for (path, expected) in [
        ("kind", (2, 1)),
        ("spec.containers", (4, 3)),
        ("spec.containers[0]", (5, 5)),
        ("spec.containers[0].name", (5, 5)),
        ("spec.containers[0].securityContext.privileged", (6, 23)),
        ("spec.containers[0].securityContext.runAs", (6, 41)),
        ("spec.containers[0].args[1]", (7, 15)),
        ("spec.volumes[0].hostPath", (9, 7)),
        ("spec.volumes[0].hostPath.path", (10, 9)),
        // What is missing leads to the deepest step that exists.
        ("spec.containers[0].securityContext.allowPrivilegeEscalation", (6, 5)),
        ("spec.containers[0].resources.limits.cpu", (5, 5)),
        ("spec.containers[7].name", (4, 3)),
        ("spec.hostPID", (3, 1)),
        ("metadata.name", (2, 1)),
    ] {
        assert_eq!(place(&document, path), expected, "{path}");
    }
    let value = document.places.root().descend(&FieldPath::of(&["kind"])).value_position();
    assert_eq!((value.line, value.column), (2, 7));
}

#[test]
fn a_text_holds_any_number_of_documents() {
    let parsed = read(
        "%YAML 1.1\n---\na: 1\n--- # b\nb: 2\n---\n# only a comment\n---\n\n--- {c: 3}\n...\n---\nd: |\n  ---x\n  ----\n",
    );
    let values: Vec<&Value> = parsed.documents.iter().map(|document| &document.value).collect();
    let expected = [
        &json!({ "a": 1 }),
        &json!({ "b": 2 }),
        &json!({ "c": 3 }),
        &json!({ "d": "---x\n----\n" }),
    ];
    assert_eq!((values.as_slice(), parsed.errors.len()), (expected.as_slice(), 0));
    let lines: Vec<u32> = parsed.documents.iter().map(|document| document.line).collect();
    assert_eq!(lines, [3, 5, 10, 13]);
    for empty in ["", "\n\n", "# nothing\n", "---\n---\n", "---", "\u{feff}", "null\n", "~"] {
        assert_eq!(read(empty), Parsed::default(), "{empty:?}");
    }
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let unix = "a: 1\nb:\n  - x\n  - |\n    t\n---\nc: 2\n";
    let windows = format!("\u{feff}{}", unix.replace('\n', "\r\n"));
    assert_eq!(read(unix), read(&windows));
}

#[test]
fn helms_source_comments_name_the_template() {
    let parsed = read(
        "---\n# Source: shop/templates/web.yaml\nkind: A\n---\n# not a source\nkind: B\n---\nkind: C\n# Source: too/late.yaml\n",
    );
    let templates: Vec<Option<&str>> =
        parsed.documents.iter().map(|document| document.template.as_deref()).collect();
    assert_eq!(templates, [Some("shop/templates/web.yaml"), None, None]);
}

#[test]
fn a_broken_document_costs_only_itself() {
    let parsed = read("a: 1\n---\nb: [\n---\nc: 3\n---\nd: 1\nd: 2\n");
    let values: Vec<&Value> = parsed.documents.iter().map(|document| &document.value).collect();
    assert_eq!(values, [&json!({ "a": 1 }), &json!({ "c": 3 }), &json!({ "d": 2 })]);
    let lines: Vec<u32> = parsed.errors.iter().map(|error| error.position.line).collect();
    assert_eq!(lines, [3, 8]);
}

#[test]
fn a_key_given_twice_is_told_and_has_its_last_value_as_in_kubernetes() {
    for (text, value, told) in [
        ("a: 1\nb: 2\na: 3\n", json!({ "a": 3, "b": 2 }), vec![(3, 1)]),
        ("a: {x: 1}\na: {z: 2}\n", json!({ "a": { "z": 2 } }), vec![(2, 1)]),
        ("m: [{x: 1, x: 2, x: 3}]\n", json!({ "m": [{ "x": 3 }] }), vec![(1, 12), (1, 18)]),
        ("a: &a 1\na: 2\nb: *a\n", json!({ "a": 2, "b": 1 }), vec![(2, 1)]),
        ("{\"a\": 1,\n \"a\": 2}", json!({ "a": 2 }), vec![(2, 2)]),
    ] {
        let parsed = read(text);
        let [document] = parsed.documents.as_slice() else { panic!("{text}: {parsed:?}") };
        assert_eq!(document.value, value, "{text}");
        let places: Vec<_> =
            parsed.errors.iter().map(|it| (it.position.line, it.position.column)).collect();
        assert_eq!(places, told, "{text}");
        assert!(parsed.is_whole());
    }
    assert_eq!(place(&read("a: {x: 1}\na: {x: 2}\n").documents[0], "a.x"), (2, 5));
    assert!(!read("a: 1\na: 2\nb: [\n").is_whole(), "what breaks off later is lost as a whole");
}

#[test]
fn errors_say_where_and_what_to_do() {
    for (text, expected) in [
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1: the key `a` is given twice in this map"),
        ("m: {x: 1, x: 2}\n", "line 1, column 11: the key `x` is given twice"),
        ("a:\n\tb: 1\n", "line 2, column 2: not valid YAML (a tab"),
        ("a: 'b\n", "line 1, column 4: not valid YAML (unclosed quote)"),
        ("? [a]\n: 1\n", "line 1, column 3: a key must be a text"),
        ("null: 1\n", "line 1, column 1: a key must be a text"),
        ("a: *b\n", "line 1, column 4: this alias has no anchor"),
        ("a: &a [*a]\n", "line 1, column 8: this alias has no anchor"),
        ("a: &x 1\n---\nb: *x\n", "line 3, column 4: this alias has no anchor"),
        ("a:\n  <<: 1\n", "line 2, column 3: `<<` needs a map"),
        ("a: !!int yes\n", "line 1, column 10: `yes` is no !!int"),
        ("a: .inf\n", "line 1, column 4: infinity and NaN do not exist"),
        ("name: {{ .Values.name }}\n", "line 1, column 7: this is a template"),
        ("a: b\n{{- if .Values.x }}\nc: d\n", "line 2, column 1: this is a template"),
        ("{{ include \"x\" . }}\n", "line 1, column 1: this is a template"),
        ("args: [a, {{ .Values.b }}]\n", "line 1, column 11: this is a template"),
        ("image: web:{{ .Values.tag }}\n", "line 1, column 8: this is a template"),
        ("name: {{- include \"x\" . }}\n", "line 1, column 7: this is a template"),
        ("a: 1\n<<<<<<< HEAD\nb: 2\n", "line 2, column 1: a merge was left half-way here"),
        ("a: b\0c\n", "line 1, column 5: not UTF-8 text"),
        ("{\"a\": 1,\n \"a\": 2}", "line 2, column 2: the key `a` is given twice"),
        ("{\"a\": \"b}", "line 1, column 7: not valid JSON (a text is not closed"),
        ("{\"a\" 1}", "line 1, column 6: not valid JSON (expected `:`"),
        ("{\"a\": [1}", "line 1, column 9: not valid JSON (expected `,` or `]`)"),
        ("{\"a\": 1} x", "line 1, column 10: not valid JSON (expected a value)"),
    ] {
        let error = first_error(text);
        assert!(error.starts_with(expected), "{text:?}\n  gives    {error}\n  expected {expected}");
    }
    // Engines that fill in objects of the cluster, and texts that are made to hold templates.
    let kept =
        "a: \"{{workflow.name}}\"\nb: echo {{x}}\nc: '{{ .Values.x }}'\nd: |\n  {{ .Values.x }}\n";
    let kept = only(kept).value;
    assert_eq!(
        kept,
        json!({ "a": "{{workflow.name}}", "b": "echo {{x}}", "c": "{{ .Values.x }}", "d": "{{ .Values.x }}\n" })
    );
}

#[test]
fn bytes_that_are_no_utf8_are_refused_with_their_place() {
    let parsed = parse_bytes(b"a: 1\nb\xc3\xa4: \xff", &Limits::default());
    let shown = parsed.errors.first().map(ToString::to_string).unwrap_or_default();
    assert!(shown.starts_with("line 2, column 5: not UTF-8"), "{shown}");
    assert!(parsed.documents.is_empty());
}

#[test]
fn anchors_and_merge_keys_resolve_as_in_kubernetes() {
    let document = only(
        "base: &base {cpu: 1, memory: 2}\n\
         other: &other {cpu: 9, disk: 3}\n\
         copy: *base\n\
         plain: {<<: *base, cpu: 5}\n\
         late: {cpu: 5, <<: *base}\n\
         list: {<<: [*base, *other], x: 1}\n\
         inline: {<<: {q: 1}, r: 2}\n\
         quoted: {\"<<\": 1}\n",
    );
    let expected = json!({
        "base": { "cpu": 1, "memory": 2 },
        "other": { "cpu": 9, "disk": 3 },
        "copy": { "cpu": 1, "memory": 2 },
        "plain": { "cpu": 5, "memory": 2 },
        // go-yaml v2: the merge overrides what stands before it.
        "late": { "cpu": 1, "memory": 2 },
        "list": { "cpu": 1, "memory": 2, "disk": 3, "x": 1 },
        "inline": { "q": 1, "r": 2 },
        "quoted": { "<<": 1 },
    });
    assert_eq!(document.value, expected);
    for (path, expected) in [
        ("copy", (3, 1)),
        ("copy.cpu", (1, 14)),
        ("plain.cpu", (4, 20)),
        ("plain.memory", (1, 22)),
        ("list.disk", (2, 24)),
        ("inline.q", (7, 15)),
        ("inline.r", (7, 22)),
    ] {
        assert_eq!(place(&document, path), expected, "{path}");
    }
}

#[test]
fn json_is_read_with_places_and_several_values() {
    let parsed = read(
        "{\n\t\"a\": \"\\ud83d\\ude00\\n\",\n\t\"ö\": [1, -2.5e1, true, null, {}]\n}\n{\"b\": 2}\n",
    );
    assert_eq!(parsed.errors, []);
    let [first, second] = parsed.documents.as_slice() else { panic!("{parsed:?}") };
    assert_eq!(first.value, json!({ "a": "😀\n", "ö": [1, -25, true, null, {}] }));
    assert_eq!((second.line, &second.value), (5, &json!({ "b": 2 })));
    assert_eq!(place(first, "ö[3]"), (3, 25));
    assert_eq!(place(first, "a"), (2, 2));
    assert_eq!(only("{a: 1, \"b\": 2}").value, json!({ "a": 1, "b": 2 }), "flow style is no JSON");
}

#[test]
fn what_is_too_much_is_refused_by_name() {
    let limits = Limits { max_bytes: 1000, max_documents: 3, max_nodes: 100, max_depth: 5 };
    let nested = format!("a: {}{}\n", "[".repeat(5), "]".repeat(5));
    let json_nested = format!("{{\"a\": {}{}}}", "[".repeat(5), "]".repeat(5));
    let tall = "a: &a [[x]]\nb: &b [*a]\nc: [[*b]]\n".to_owned();
    let bomb = "a: &a [x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b]\n";
    let wide = format!("a: [{}]", "1,".repeat(101));
    for (text, expected) in [
        ("x".repeat(1001), Problem::TooLarge(1000)),
        ("a: 1\n---\n".repeat(4), Problem::TooManyDocuments(3)),
        ("{\"a\":1}".repeat(4), Problem::TooManyDocuments(3)),
        (nested, Problem::TooDeep(5)),
        (json_nested, Problem::TooDeep(5)),
        (tall, Problem::TooDeep(5)),
        (bomb.to_owned(), Problem::TooManyNodes(100)),
        (wide, Problem::TooManyNodes(100)),
    ] {
        let problems: Vec<Problem> =
            parse(&text, &limits).errors.into_iter().map(|error| error.problem).collect();
        assert_eq!(problems, [expected], "{text}");
    }
    let broken = parse(&"a: [\n---\n".repeat(4), &limits).errors;
    assert_eq!(broken.len(), 4, "broken documents count as well");
    let larger = Limits::of_file_size(128 * 1024 * 1024);
    assert_eq!((larger.max_documents, larger.max_nodes), (40_000, 2_000_000));
    let smaller = Limits { max_bytes: 1, ..Limits::default() };
    assert_eq!(Limits::of_file_size(1), smaller, "a smaller file may be as dense");
    let allowed = format!("a: {}1{}\n", "[".repeat(4), "]".repeat(4));
    assert_eq!(parse(&allowed, &limits).errors, []);
}

#[test]
fn the_default_limits_stop_an_alias_bomb() {
    let mut bomb = "a0: &a0 [x]\n".to_owned();
    for level in 1..30 {
        let below = level - 1;
        bomb += &format!("a{level}: &a{level} [*a{below}, *a{below}, *a{below}, *a{below}]\n");
    }
    let parsed = read(&bomb);
    assert_eq!(parsed.documents.len(), 0);
    assert!(matches!(
        parsed.errors.as_slice(),
        [YamlError { problem: Problem::TooManyNodes(_), .. }]
    ));
}
