//! What nobody wrote on purpose: each is told with path, line, column and what to do, what lies beside it is
//! scanned nonetheless, and the exit status is 2. Links, pipes and sizes are in `bad_files.rs`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "harness/folder.rs"]
mod folder;

use std::fmt::Write as _;

use folder::Folder;

/// The file beside the bad one, and the line of its finding.
const GOOD: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]
";
const FOUND: &str = "good.yaml:4:39  Role shop/reader";

fn pod(more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n  - name: web\n    image: web\n{more}"
    )
}

/// What is told of the bad files of a folder, in which the good one is scanned.
fn told_beside_good(name: &str, content: &[u8]) -> String {
    let folder = Folder::with(&[("good.yaml", GOOD)]);
    folder.write_bytes(name, content);
    let (status, text, problems) = folder.scan_within_bounds(&["."], None);
    assert_eq!(status, 2, "{name}: {text}{problems}");
    assert!(text.contains(FOUND), "{name}: what lies beside is not scanned: {text}{problems}");
    let (status, ..) = folder.scan_within_bounds(&[".", "--exit-zero"], None);
    assert_eq!(status, 0, "{name}: something could be read");
    let start = format!("{name}:");
    text.lines().filter(|line| line.starts_with(&start)).fold(String::new(), |mut told, line| {
        writeln!(told, "{line}").expect("a text");
        told
    })
}

/// All cases of a table, as they are told.
fn told(name: &str, table: &[(&str, Vec<u8>)]) -> String {
    table.iter().fold(String::new(), |mut all, (what, content)| {
        let told = told_beside_good(name, content);
        write!(all, "{what}\n{told}").expect("a text");
        all
    })
}

#[test]
fn broken_yaml_is_told_where_it_breaks() {
    let text = |text: &str| text.as_bytes().to_vec();
    let table = [
        ("a key given twice", pod("    image: db\n").into_bytes()),
        ("a bracket that is open", text("a: [1,\n")),
        ("a quote that is open", pod("  nodeName: \"a\n").into_bytes()),
        ("a tab for indentation", text("kind: Pod\nmetadata:\n\tname: web\n")),
        ("a line too far right", text("metadata:\n  name: web\n   labels: {}\n")),
        ("a colon too many", text("metadata:\n  name: web: 1\n")),
        ("a line that is no key", pod("  hostPID\n").into_bytes()),
        ("a key of a megabyte", pod(&format!("  {}: 1\n", "k".repeat(1 << 20))).into_bytes()),
        ("a key that is missing", pod("  : 1\n").into_bytes()),
        ("an alias without anchor", pod("  nodeName: *node\n").into_bytes()),
        (
            "a merge that git left half-way",
            text("kind: Pod\n<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> b\n"),
        ),
        ("a version of YAML to come", text("%YAML 9.9\n---\nkind: Pod\n")),
        ("a number that is none", pod("  priority: .nan\n").into_bytes()),
        ("a terminal's control character", pod("  nodeName: a\u{1b}[31m\n").into_bytes()),
        ("ten thousand levels", format!("a: {}", "[".repeat(10_000)).into_bytes()),
        ("ten thousand levels of a block", format!("{}a\n", "- ".repeat(10_000)).into_bytes()),
        ("aliases of aliases", bomb().into_bytes()),
        ("a page of the web", text("<html>\n<body>404: gone</body>\n</html>\n")),
    ];
    insta::assert_snapshot!(told("bad.yaml", &table), @r#"
    a key given twice
    bad.yaml:8:5  the key `image` is given twice in this map: keep one (Kubernetes takes the last, and so does this scan)
    a bracket that is open
    bad.yaml:1:4  not valid YAML (unclosed bracket '['): correct the syntax here or just above
    a quote that is open
    bad.yaml:8:13  not valid YAML (unclosed quote): correct the syntax here or just above
    a tab for indentation
    bad.yaml:3:2  not valid YAML (a tab, which YAML does not take for indentation): correct the syntax here or just above
    a line too far right
    bad.yaml:3:10  not valid YAML (a `:` where no key can be; quote the text that holds it, or move the line): correct the syntax here or just above
    a colon too many
    bad.yaml:2:12  not valid YAML (a `:` where no key can be; quote the text that holds it, or move the line): correct the syntax here or just above
    a line that is no key
    bad.yaml:8:3  not valid YAML (no `:` after this key, or one of more than 1,024 characters): correct the syntax here or just above
    a key of a megabyte
    bad.yaml:8:3  not valid YAML (no `:` after this key, or one of more than 1,024 characters): correct the syntax here or just above
    a key that is missing
    bad.yaml:8:3  a key must be a text: quote it, or add the value that is missing
    an alias without anchor
    bad.yaml:8:13  this alias has no anchor before it in the same document: define `&name` above `*name`
    a merge that git left half-way
    bad.yaml:2:1  a merge was left half-way here (`<<<<<<<`): resolve the conflict
    a version of YAML to come
    bad.yaml:1:1  not valid YAML (unsupported YAML major version): correct the syntax here or just above
    a number that is none
    bad.yaml:8:13  infinity and NaN do not exist in Kubernetes: quote the value if it is a text
    a terminal's control character
    bad.yaml:8:13  not valid YAML (`\u{1b}` is not expected): correct the syntax here or just above
    ten thousand levels
    bad.yaml:1:133  more than 128 levels deep, which no object needs: flatten it
    ten thousand levels of a block
    bad.yaml:1:257  more than 128 levels deep, which no object needs: flatten it
    aliases of aliases
    bad.yaml:10:25  more than 1000000 values, what an alias repeats counted each time: split the file, or raise max_file_size (--max-file-size)
    a page of the web
    bad.yaml:2:10  not valid YAML (a `:` where no key can be; quote the text that holds it, or move the line): correct the syntax here or just above
    "#);
}

/// A text that expands to 4^30 values.
fn bomb() -> String {
    (1..30).fold("a0: &a0 [x]\n".to_owned(), |mut text, level| {
        let below = format!("*a{}", level - 1);
        writeln!(text, "a{level}: &a{level} [{below}, {below}, {below}, {below}]").expect("a text");
        text
    })
}

#[test]
fn broken_json_is_told_where_it_breaks() {
    const POD: &str =
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\",\n \"metadata\": {\"name\": \"web\"";
    let table = [
        ("cut off within a text", POD.strip_suffix('"').unwrap_or(POD)),
        ("cut off within a map", POD),
        ("a key given twice", &format!("{POD}}}, \"kind\": \"Node\"}}")),
        (
            "a key given twice, with an escape",
            &format!("{POD}}}, \"\\u001b\": 1, \"\\u001b\": 2}}"),
        ),
        ("a colon that is missing in the second", &format!("{POD}}}}}\n{{\"a\" 1}}\n")),
        ("ten thousand levels", &format!("{POD}}}, \"a\": {}", "[".repeat(10_000))),
        ("a list of objects", &format!("[{POD}}}}}]")),
        ("a comment", &format!("// {POD}}}}}")),
    ];
    let table = table.map(|(what, text)| (what, text.as_bytes().to_vec()));
    insta::assert_snapshot!(told("bad.json", &table), @"
    cut off within a text
    bad.json:2:23  not valid JSON (a text is not closed or not valid): correct the syntax here
    cut off within a map
    bad.json:2:28  not valid JSON (expected `,` or `}`): correct the syntax here
    a key given twice
    bad.json:2:31  the key `kind` is given twice in this map: keep one (Kubernetes takes the last, and so does this scan)
    a key given twice, with an escape
    bad.json:2:44  the key ` ` is given twice in this map: keep one (Kubernetes takes the last, and so does this scan)
    a colon that is missing in the second
    bad.json:3:6  not valid JSON (expected `:` after the key): correct the syntax here
    ten thousand levels
    bad.json:2:163  more than 128 levels deep, which no object needs: flatten it
    a list of objects
    bad.json:1:1  a list of objects, which kubectl does not take: part them by `---`, or make them the items of a `kind: List`
    a comment
    bad.json:1:23  not valid YAML (invalid trailing content after double-quoted scalar): correct the syntax here or just above
    ");
}

#[test]
fn what_is_no_text_is_told() {
    let utf16: Vec<u8> = pod("").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let table = [
        ("Latin-1", b"kind: Pod\nmetadata: {name: M\xfcller}\n".to_vec()),
        ("UTF-16 that does not say so", utf16),
        ("a zero byte", pod("  nodeName: a\0b\n").into_bytes()),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\xca".to_vec()),
        ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
    ];
    insta::assert_snapshot!(told("bad.yaml", &table), @"
    Latin-1
    bad.yaml:2:19  not UTF-8 text: save the file as UTF-8 (this looks like another encoding or a binary)
    UTF-16 that does not say so
    bad.yaml:1:2  not UTF-8 text: save the file as UTF-8 (this looks like another encoding or a binary)
    a zero byte
    bad.yaml:8:14  not UTF-8 text: save the file as UTF-8 (this looks like another encoding or a binary)
    gzip
    bad.yaml:1:2  not UTF-8 text: save the file as UTF-8 (this looks like another encoding or a binary)
    a picture
    bad.yaml:1:1  not UTF-8 text: save the file as UTF-8 (this looks like another encoding or a binary)
    ");
}

#[test]
fn a_template_is_told_from_a_manifest() {
    let table = [
        ("around lines", pod("{{- if .Values.debug }}\n  hostPID: true\n{{- end }}\n")),
        ("half-written", pod("  {{ if .Values.debug }\n  hostPID: true\n")),
        ("a value", pod("  nodeName: {{ .Values.node }}\n")),
        ("a part of a value", pod("  nodeName: node-{{ .Values.node }}\n")),
        ("a key", pod("  {{ .Values.key }}: 1\n")),
        ("in a list", pod("    args: [{{ .Values.verbose }}, all]\n")),
        ("later in a list", pod("    args: [all, {{ .Values.verbose }}]\n")),
        ("after a text that holds braces", pod("    args: ['{{x}}', {{ .Values.verbose }}]\n")),
    ];
    let table = table.map(|(what, text)| (what, text.into_bytes()));
    insta::assert_snapshot!(told("bad.yaml", &table), @"
    around lines
    bad.yaml:8:1  this is a template, not a manifest: render it first, for example with `helm template`, and scan what that prints
    half-written
    bad.yaml:8:3  this is a template, not a manifest: render it first, for example with `helm template`, and scan what that prints
    a value
    bad.yaml:8:13  this is a template, not a manifest: render it first, for example with `helm template`, and scan what that prints
    a part of a value
    bad.yaml:8:13  this is a template, not a manifest: render it first, for example with `helm template`, and scan what that prints
    a key
    bad.yaml:8:3  this is a template, not a manifest: render it first, for example with `helm template`, and scan what that prints
    in a list
    bad.yaml:8:12  this is a template, not a manifest: render it first, for example with `helm template`, and scan what that prints
    later in a list
    bad.yaml:8:17  this is a template, not a manifest: render it first, for example with `helm template`, and scan what that prints
    after a text that holds braces
    bad.yaml:8:21  this is a template, not a manifest: render it first, for example with `helm template`, and scan what that prints
    ");
}

#[test]
fn what_is_nearly_an_object_is_told() {
    let table = [
        (
            "a kind that is misspelt",
            "apiVersion: apps/v1\nkind: Deploymnt\nmetadata: {name: web}\n",
        ),
        ("a kind in small letters", "apiVersion: v1\nkind: pod\nmetadata: {name: web}\n"),
        ("a kind of nobody", "apiVersion: batch/v1\nkind: Cake\nmetadata: {name: web}\n"),
        ("no API version", "kind: Pod\nmetadata: {name: web}\n"),
        ("a number for an API version", "apiVersion: 1\nkind: Pod\nmetadata: {name: web}\n"),
        ("no kind", "apiVersion: v1\nmetadata: {name: web}\n"),
        (
            "a pointer of Git LFS",
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n",
        ),
        (
            "a list with what is no object",
            "apiVersion: v1\nkind: List\nitems: [null, {kind: Pod, metadata: {}}]\n",
        ),
        (
            "a list whose items are none",
            "apiVersion: v1\nkind: List\nitems: {apiVersion: v1, kind: Pod}\n",
        ),
    ];
    let table = table.map(|(what, text)| (what, text.as_bytes().to_vec()));
    insta::assert_snapshot!(told("bad.yaml", &table), @"
    a kind that is misspelt
    bad.yaml:2:1  apps/v1 has no kind `Deploymnt`: did you mean `Deployment`? Only what goes for every kind was checked
    a kind in small letters
    bad.yaml:2:1  v1 has no kind `pod`: did you mean `Pod`? Only what goes for every kind was checked
    a kind of nobody
    bad.yaml:2:1  batch/v1 has no kind `Cake`: correct it, or its apiVersion. Only what goes for every kind was checked
    no API version
    bad.yaml:1:1  `kind` and `metadata` without `apiVersion`: add it, as a text such as `v1`
    a number for an API version
    bad.yaml:1:1  `kind` and `metadata` without `apiVersion`: add it, as a text such as `v1`
    no kind
    bad.yaml:1:1  `apiVersion` and `metadata` without `kind`: add it, as a text such as `Pod`
    a pointer of Git LFS
    bad.yaml:1:1  a single value, which is no manifest: correct or remove it
    a list with what is no object
    bad.yaml:3:9  a single value, which is no manifest: correct or remove it
    bad.yaml:3:15  `kind` and `metadata` without `apiVersion`: add it, as a text such as `v1`
    a list whose items are none
    bad.yaml:3:8  the `items` of a `kind: List` are no list, so nothing of them was checked
    ");
}

#[test]
fn the_documents_before_and_after_a_broken_one_are_scanned() {
    let stream = format!("{GOOD}---\nb: [\n---\n{}", GOOD.replace("reader", "last"));
    let folder = Folder::with(&[("good.yaml", GOOD), ("stream.yaml", &stream)]);
    let (status, text, _) = folder.scan_within_bounds(&["."], None);
    assert_eq!(status, 2);
    for told in [
        "stream.yaml:4:39  Role shop/reader",
        "stream.yaml:6:4",
        "stream.yaml:11:39  Role shop/last",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn whatever_is_asked_what_could_not_be_read_is_told() {
    let folder =
        Folder::with(&[("good.yaml", GOOD), ("pod.yaml", &pod("")), ("bad.yaml", "a: [\n")]);
    for question in [
        &[".", "--fix", "--dry-run"][..],
        &[".", "--compliance", "cis-v1.12.0"],
        &[".", "--reach", "internet", "web"],
        &["affected", "--cve", "CVE-2025-1974", "."],
    ] {
        let (status, text, problems) = folder.scan_within_bounds(question, None);
        assert_eq!(status, 2, "{question:?}: {text}{problems}");
        let told = "error: bad.yaml:1:4: not valid YAML (unclosed bracket '[')";
        assert!(problems.contains(told), "{question:?}: {problems}");
    }
}

#[test]
fn an_object_with_a_key_given_twice_is_judged_as_kubernetes_reads_it() {
    let twice = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  hostPID: false\n  hostPID: true\n  containers: []\n";
    let folder = Folder::with(&[("pod.yaml", twice)]);
    let (status, text, _) = folder.scan_within_bounds(&["."], None);
    assert_eq!(status, 2, "{text}");
    assert!(text.contains("(host-pid)\n  pod.yaml:6:3  Pod web"), "{text}");
    assert!(text.contains("pod.yaml:6:3  the key `hostPID` is given twice"), "{text}");
}

#[test]
fn what_only_looks_broken_is_read() {
    let pod =
        pod("  hostPID: yes\n  volumes: [{name: a, secret: {secretName: a, defaultMode: 0777}}]\n");
    let utf16 = |unit: fn(u16) -> [u8; 2]| {
        format!("\u{feff}{pod}").encode_utf16().flat_map(unit).collect::<Vec<u8>>()
    };
    for (what, content) in [
        ("booleans and octals of YAML 1.1", pod.clone().into_bytes()),
        ("a byte order mark", format!("\u{feff}{pod}").into_bytes()),
        ("line ends of Windows", pod.replace('\n', "\r\n").into_bytes()),
        ("line ends of old", pod.replace('\n', "\r").into_bytes()),
        ("UTF-16, as PowerShell writes it", utf16(u16::to_le_bytes)),
        ("UTF-16, the other way round", utf16(u16::to_be_bytes)),
        ("huge numbers", format!("{pod}  priority: 123456789012345678901234567890\n").into_bytes()),
        ("numbers beyond all", format!("{pod}  priority: 1e400\n").into_bytes()),
        ("a tag that nobody knows", format!("{pod}  nodeName: !python/object a\n").into_bytes()),
        (
            "a template of a workflow",
            format!("{pod}  nodeName: a-{{{{inputs.node}}}}\n").into_bytes(),
        ),
    ] {
        let folder = Folder::with(&[]);
        folder.write_bytes("pod.yaml", &content);
        let (status, text, problems) = folder.scan_within_bounds(&["."], None);
        assert_eq!(status, 1, "{what}: {text}{problems}");
        assert!(text.contains("(host-pid)\n  pod.yaml:8:3  Pod web"), "{what}: {text}");
    }
    for empty in ["", "\n", "# nothing\n", "---\n---\n", "\u{feff}"] {
        let folder = Folder::with(&[("empty.yaml", empty)]);
        let (status, text, _) = folder.scan_within_bounds(&["."], None);
        assert_eq!(status, 0, "{empty:?}: {text}");
    }
}
