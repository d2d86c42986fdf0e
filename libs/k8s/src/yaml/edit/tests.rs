//! What edits do to texts, case by case.

mod properties;

use super::*;
use crate::json;

fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).unwrap()
}

fn set(field: &str, value: Value) -> Edit {
    Edit::Set(path(field), value)
}

/// The text after edits of its first document.
fn edited(text: &str, edits: &[Edit]) -> String {
    let limits = Limits::default();
    let mut editor = Editor::new(text, &limits).unwrap();
    for edit in edits {
        editor.apply(0, edit).unwrap_or_else(|refusal| panic!("{refusal}\n{text}"));
    }
    editor.finish().unwrap()
}

/// Why an edit of the first document is refused.
fn refused(text: &str, edit: &Edit) -> String {
    let limits = Limits::default();
    let mut editor = Editor::new(text, &limits).unwrap();
    let refusal = editor.apply(0, edit).unwrap_err();
    assert_eq!(editor.text(), text);
    refusal.to_string()
}

const POD: &str = "\
# A pod.
kind: Pod
spec:   # what it runs
  hostPID: true  # why?
  containers:
  # the first
  - name: web
    image: \"nginx\"
    securityContext:
      privileged: yes # really

    # the second
  - name: side
    args: [a, \"b\"]
    securityContext: {}   # none yet
  - name: last
    securityContext:
  # at the end
  volumes: []
";

#[test]
fn a_scalar_is_set_in_its_place() {
    let text = edited(
        POD,
        &[
            set("spec.containers[0].securityContext.privileged", json!(false)),
            set("spec.containers[0].image", json!("nginx:1.27")),
            set("spec.hostPID", json!(null)),
        ],
    );
    let expected = POD
        .replace("privileged: yes # really", "privileged: false # really")
        .replace("\"nginx\"", "\"nginx:1.27\"")
        .replace("hostPID: true", "hostPID: null");
    assert_eq!(text, expected);
}

#[test]
fn keys_come_to_the_end_of_their_map_with_the_parents_that_are_missing() {
    let text = edited(
        POD,
        &[
            set("spec.containers[0].securityContext.allowPrivilegeEscalation", json!(false)),
            set("spec.containers[0].resources.limits.cpu", json!("1")),
            set("spec.containers[1].securityContext.capabilities.drop", json!(["ALL"])),
            set("spec.containers[2].securityContext.runAsNonRoot", json!(true)),
            set("spec.securityContext.seccompProfile.type", json!("RuntimeDefault")),
        ],
    );
    insta::assert_snapshot!(text, @r#"
    # A pod.
    kind: Pod
    spec:   # what it runs
      hostPID: true  # why?
      containers:
      # the first
      - name: web
        image: "nginx"
        securityContext:
          privileged: yes # really
          allowPrivilegeEscalation: false
        resources:
          limits:
            cpu: "1"

        # the second
      - name: side
        args: [a, "b"]
        securityContext:   # none yet
          capabilities:
            drop:
            - ALL
      - name: last
        securityContext:
          runAsNonRoot: true
      # at the end
      volumes: []
      securityContext:
        seccompProfile:
          type: RuntimeDefault
    "#);
}

#[test]
fn lists_grow_at_their_end_as_they_are_written() {
    let text = "a:\n  - x # one\n  - y\nb:\n- k: 1\n  l: 2\nc: [p, 'q']\nd: []\ne:\n";
    let one = |field: &str, value| Edit::Append(path(field), value);
    let text = edited(
        text,
        &[
            one("a", json!("z")),
            one("b", json!({ "k": 3, "m": ["o"] })),
            one("c", json!("r: s")),
            one("d", json!("t")),
            one("e", json!({ "u": {} })),
            one("f.g", json!(5)),
        ],
    );
    insta::assert_snapshot!(text, @r#"
    a:
      - x # one
      - y
      - z
    b:
    - k: 1
      l: 2
    - k: 3
      m:
        - o
    c: [p, 'q', "r: s"]
    d:
      - t
    e:
      - u: {}
    f:
      g:
        - 5
    "#);
}

#[test]
fn removal_leaves_the_comments_around_it() {
    let text = "a: 1\n# above\nb:\n  # within\n  c: 1\n# below\nd: {x: 1, y: 2, z: 3}\ne: [1, 2]\nf:\n  g: 1\nh:\n- i: 1\n  j: 2\n- k\n";
    let gone = |field: &str| Edit::Remove(path(field));
    let text = edited(
        text,
        &[
            gone("b"),
            gone("d.z"),
            gone("d.x"),
            gone("e[0]"),
            gone("e[0]"),
            gone("f.g"),
            gone("h[0].i"),
            gone("h[1]"),
            gone("no.such[3].thing"),
        ],
    );
    insta::assert_snapshot!(text, @r"
    a: 1
    # above
    # below
    d: {y: 2}
    e: []
    f: {}
    h:
    - j: 2
    ");
    assert_eq!(edited("h:\n- j: 2\n", &[gone("h[0].j")]), "h:\n- {}\n");
    assert_eq!(edited("h: # c\n  - j\nk: 1", &[gone("h[0]")]), "h: [] # c\nk: 1");
}

#[test]
fn flow_style_stays_flow_style() {
    let one_line = "a: {b: {c: 1}, d: [x]}\n";
    let text = edited(
        one_line,
        &[
            set("a.b.e", json!(true)),
            set("a.f.g", json!({ "h": ["i"] })),
            Edit::Append(path("a.d"), json!("z")),
        ],
    );
    assert_eq!(text, "a: {b: {c: 1, e: true}, d: [x, z], f: {g: {h: [i]}}}\n");
    let lines = "a: {\n  b: 1, # one\n  c: 2 # two\n}\n";
    assert_eq!(
        edited(lines, &[set("a.d", json!(3))]),
        "a: {\n  b: 1, # one\n  c: 2, # two\n  d: 3\n}\n"
    );
    let trailing = "a: [\n  x,\n]\n";
    assert_eq!(edited(trailing, &[Edit::Append(path("a"), json!("z"))]), "a: [\n  x,\n  z,\n]\n");
}

#[test]
fn json_keeps_its_layout() {
    let pretty =
        "{\n    \"a\": {\n        \"b\": [\n            1\n        ]\n    },\n    \"c\": {}\n}\n";
    let text = edited(
        pretty,
        &[
            set("a.d", json!({ "e": ["f"] })),
            Edit::Append(path("a.b"), json!(2)),
            set("c.g", json!(true)),
        ],
    );
    let expected = json!({ "a": { "b": [1, 2], "d": { "e": ["f"] } }, "c": { "g": true } });
    insta::assert_snapshot!(text, @r#"
    {
        "a": {
            "b": [
                1,
                2
            ],
            "d": {
                "e": [
                    "f"
                ]
            }
        },
        "c": {
            "g": true
        }
    }
    "#);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    let compact = "{\"a\":{\"b\":[1]},\"c\":null}{\"second\":true}";
    let text = edited(
        compact,
        &[set("a.d", json!("e")), Edit::Append(path("a.b"), json!(2)), set("c", json!({}))],
    );
    assert_eq!(text, "{\"a\":{\"b\":[1, 2],\"d\":\"e\"},\"c\":{}}{\"second\":true}");
}

#[test]
fn other_documents_line_ends_and_marks_stay() {
    let text = "\u{feff}a: 1\r\nb:\r\n  c: 2\r\n---\r\nd: 3";
    let limits = Limits::default();
    let mut editor = Editor::new(text, &limits).unwrap();
    editor.apply(0, &set("b.e.f", json!(1))).unwrap();
    editor.apply(1, &set("g", json!(4))).unwrap();
    let expected = "\u{feff}a: 1\r\nb:\r\n  c: 2\r\n  e:\r\n    f: 1\r\n---\r\nd: 3\r\ng: 4";
    assert_eq!(editor.finish().unwrap(), expected);
    assert_eq!(editor.value(1), Some(&json!({ "d": 3, "g": 4 })));
}

#[test]
fn what_would_change_other_places_is_refused() {
    let text =
        "base: &base {cpu: 1}\ncopy: *base\nmerged: {<<: *base, own: 1}\nfree: &free {a: 1}\n";
    for (edit, reason) in [
        (
            set("base.cpu", json!(2)),
            "`base.cpu` is written once and repeated by an alias: changing it would change other places",
        ),
        (
            set("base.new", json!(2)),
            "`base.new` is written once and repeated by an alias: changing it would change other places",
        ),
        (
            set("copy.cpu", json!(2)),
            "`copy.cpu` is written once and repeated by an alias: changing it would change other places",
        ),
        (
            set("merged.cpu", json!(2)),
            "`merged.cpu` comes from a merge key (`<<`): changing it would change other places",
        ),
        (
            Edit::Remove(path("base")),
            "`base` is written once and repeated by an alias: changing it would change other places",
        ),
        (set("free", json!(1)), "`free` has content that would be lost"),
        (
            set("free.a.b", json!(1)),
            "`free.a.b` cannot be reached: what is above it is of another type",
        ),
    ] {
        assert_eq!(refused(text, &edit), reason);
    }
    let changed = edited(
        text,
        &[set("free.a", json!(2)), set("merged.own", json!(2)), set("merged.more", json!(3))],
    );
    assert_eq!(
        changed,
        "base: &base {cpu: 1}\ncopy: *base\nmerged: {<<: *base, own: 2, more: 3}\nfree: &free {a: 2}\n"
    );
}

#[test]
fn templates_tabs_and_broken_files_are_refused() {
    let template = "a: \"{{ .Values.a }}\"\nb: 1\n";
    assert_eq!(
        refused(template, &set("a", json!(1))),
        "line 1 has template braces: change the template where it is written"
    );
    assert_eq!(edited(template, &[set("b", json!(2))]), template.replace('1', "2"));
    let limits = Limits::default();
    let broken = Editor::new("a: 1\n---\nb: [\n", &limits).unwrap_err();
    assert!(matches!(broken, Refusal::Unreadable(_)), "{broken}");
}

#[test]
fn block_scalars_stay_whole() {
    let text = "a:\n  b: |\n    one\n\n    two\n\n# c\nd: >-\n  x\n";
    let text =
        edited(text, &[set("a.e", json!(1)), set("d", json!("z")), set("f", json!("two words"))]);
    assert_eq!(text, "a:\n  b: |\n    one\n\n    two\n  e: 1\n\n# c\nd: z\nf: \"two words\"\n");
    // What keeps its last blank lines has nothing put behind it.
    let kept = "a: 1\nb: |+\n  one\n\n";
    assert_eq!(edited(kept, &[set("c", json!(1))]), "a: 1\nc: 1\nb: |+\n  one\n\n");
    let items = "a:\n- | # c | d\n  one\n- x\n- >-\n  two\n\nb: 1\n";
    let text = edited(
        items,
        &[Edit::Append(path("a"), json!("z")), set("a[0]", json!("q")), Edit::Remove(path("a[1]"))],
    );
    assert_eq!(text, "a:\n- q\n- >-\n  two\n- z\n\nb: 1\n");
}

#[test]
fn a_comment_may_stand_between_a_dash_and_its_element() {
    let text = "a:\n  - # first\n    b: 1\n  -\n    # ---\n    c: 2\n";
    let added = edited(text, &[Edit::Append(path("a"), json!("z"))]);
    assert_eq!(added, format!("{text}  - z\n"));
    assert_eq!(edited(text, &[Edit::Remove(path("a[1]"))]), "a:\n  - # first\n    b: 1\n");
}
