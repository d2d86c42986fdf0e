//! Audit logs as people look through them: `detect` over files and folders, its summary and timelines, and
//! `authorised`.
#![allow(clippy::expect_used, reason = "a test fails by panicking, in its harness too")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use insta::assert_snapshot;

/// Somebody reads a few secrets, goes into a pod, and is refused a node; a controller does what it always does.
fn event(time: &str, user: &str, verb: &str, object: &str, code: u16) -> String {
    format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{verb} {time}","stage":"ResponseComplete","requestURI":"/x","verb":"{verb}","user":{{"username":"{user}","groups":["staff"]}},"sourceIPs":["10.0.0.9"],"userAgent":"kubectl/v1.33.1 (linux/amd64)","objectRef":{{{object}}},"responseStatus":{{"code":{code}}},"requestReceivedTimestamp":"2026-11-26T{time}Z","stageTimestamp":"2026-11-26T{time}Z"}}"#
    )
}

const EXEC: &str = r#""resource":"pods","subresource":"exec","namespace":"shop","name":"web-0""#;
const POD: &str = r#""resource":"pods","namespace":"shop","name":"web-0""#;

fn secret(name: &str) -> String {
    format!(r#""resource":"secrets","namespace":"shop","name":"{name}""#)
}

fn morning() -> String {
    let mut lines = vec![event("08:00:00", "dana", "get", POD, 200)];
    for (minute, name) in ["a", "b", "c", "d", "e"].iter().enumerate() {
        lines.push(event(&format!("08:1{minute}:00"), "dana", "get", &secret(name), 200));
    }
    lines.push("no event".to_owned());
    lines.join("\n") + "\n"
}

fn noon() -> String {
    let polls = (0..50).map(|second| event(&format!("12:00:{second:02}"), "dana", "get", POD, 200));
    let exec = event("12:00:30", "dana", "create", EXEC, 101);
    let other = event("12:30:00", "erin", "delete", POD, 200);
    polls.chain([exec, other]).collect::<Vec<_>>().join("\n") + "\n"
}

const DECLARED: &str = r#"
administrators: {groups: [staff]}
authorised:
- name: support
  who: {users: [dana]}
  does: {resources: [pods/exec, secrets]}
  where: {namespaces: [shop]}
"#;

const CASES: &str = r#"
cases:
- name: support goes into pods of the shop
  deed: {user: dana, verb: create, resource: pods/exec, namespace: shop, name: web-0}
  expect: authorised
  rule: support
- name: nobody is unknown
  deed: {user: erin, groups: [staff], verb: delete, resource: pods, namespace: shop, name: web-0}
  expect: unknown
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let packed = |text: &str| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).expect("packed");
        packed.finish().expect("packed")
    };
    let list = format!(
        "{{\n \"kind\": \"EventList\",\n \"items\": [\n{}\n ]\n}}\n",
        noon().trim_end().replace('\n', ",\n")
    );
    for (name, content) in [
        // By their names they come the other way round.
        ("log/audit.log", noon().into_bytes()),
        ("log/audit-2026-11-26T08-30-00.000.log.gz", packed(&morning())),
        ("log/notes.txt", b"no log".to_vec()),
        ("list.json", list.into_bytes()),
        ("own/authorised.yaml", DECLARED.into()),
        ("own/authorised.test.yaml", CASES.into()),
        ("broken/authorised.yaml", DECLARED.replace("resources", "resource").into_bytes()),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, content).expect("written");
    }
    folder
}

/// Runs the program in such a folder: its exit status, what it printed, what it remarked.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = folder();
    let output = airside(folder.path(), arguments).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn airside(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airside"));
    command.args(arguments).current_dir(folder);
    command
}

#[test]
fn a_folder_of_rotated_logs_is_summed_up_by_rule_actor_and_technique() {
    let (status, told, remarks) = run(&["detect", "log"]);
    assert_snapshot!(told, @r"
    medium        5 ×  Secrets read one after the other  log/audit-2026-11-26T08-30-00.000.log.gz:2 (AUD-R14)
              User dana read secret shop/a, from 10.0.0.9 with kubectl/v1.33.1. This is one of at least 5 within 10 minutes.
              2026-11-26T08:10:00Z to 08:14:00Z
    low           1 ×  Command run in a pod through the API server  log/audit.log:51 (AUD-R24)
              User dana ran a command in pod shop/web-0, from 10.0.0.9 with kubectl/v1.33.1.
    info          5 ×  Secret read by name  log/audit-2026-11-26T08-30-00.000.log.gz:2 (AUD-R14-read)
              User dana read secret shop/a, from 10.0.0.9 with kubectl/v1.33.1.
              2026-11-26T08:10:00Z to 08:14:00Z

    By actor
      User dana  5 medium, 1 low, 5 info  2026-11-26T08:10:00Z to 12:00:30Z  T1552.007 T1609

    By technique
      execution                   1 ×  T1609      Container Administration Command  up to low
      credential-access           5 ×  T1552.007  Unsecured Credentials: Container API  up to medium
    ");
    assert_snapshot!(remarks, @r"
    not read: 1 file without the name of a log
    log/audit-2026-11-26T08-30-00.000.log.gz:7: this is no JSON: expected ident at line 1 column 2; each line must be one whole JSON value
    1 record could not be understood
    ");
    assert_eq!(status, Some(0));
}

#[test]
fn each_detection_is_a_line_and_only_what_is_asked_for_is_told() {
    let (status, all, _) = run(&["detect", "log", "--output", "json"]);
    assert_eq!(status, Some(0));
    let rules = |told: &str| -> Vec<String> {
        let lines = told.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            format!("{} {} {}", line["rule"], line["input"]["path"], line["input"]["line"])
        });
        lines.map(|line| line.replace('"', "")).collect()
    };
    let (_, again, _) =
        run(&["detect", "log/audit-2026-11-26T08-30-00.000.log.gz", "log/audit.log", "-o", "json"]);
    assert_eq!(all, again);
    let (_, list, _) = run(&["detect", "list.json", "-o", "json"]);
    assert_eq!(rules(&list).iter().filter(|it| it.ends_with("list.json 51")).count(), 1, "{list}");
    let (_, named, _) = run(&["detect", "log", "-o", "json", "--rule", "aud-r24"]);
    assert_eq!(rules(&named), ["AUD-R24 log/audit.log 51"]);
    let (_, severe, _) = run(&[
        "detect",
        "log",
        "-o",
        "json",
        "--min-severity",
        "medium",
        "--until",
        "2026-11-26T09:00:00Z",
    ]);
    assert!(rules(&severe).iter().all(|it| it.starts_with("AUD-R14")), "{severe}");
    assert_eq!(rules(&severe).len(), 5);
    let (status, _, remarks) = run(&["detect", "log", "--rule", "AUD-R2x"]);
    assert_eq!(status, Some(2));
    assert!(remarks.contains("there is no rule `AUD-R2x`"), "{remarks}");
}

#[test]
fn a_shell_that_was_opened_and_closed_is_one_deed_in_a_timeline() {
    let folder = folder();
    let whole = event("08:00:00", "dana", "create", EXEC, 101);
    let start = whole.replace("ResponseComplete", "ResponseStarted");
    let end = whole.replace(
        r#""stageTimestamp":"2026-11-26T08:00:00Z""#,
        r#""stageTimestamp":"2026-11-26T09:00:00Z""#,
    );
    for lines in [vec![&start, &end], vec![&end, &start], vec![&end], vec![&start]] {
        let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        std::fs::write(folder.path().join("shell.log"), text).expect("written");
        let arguments = ["detect", "shell.log", "--timeline", "dana", "-o", "json"];
        let output = airside(folder.path(), &arguments).output().expect("it runs");
        let told = String::from_utf8_lossy(&output.stdout);
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.contains("AUD-R24"), "{told}");
    }
}

#[test]
fn the_last_line_of_a_log_that_is_being_written_is_no_attack() {
    let folder = folder();
    let whole = event("08:00:00", "dana", "create", EXEC, 101);
    let half = whole.get(..200).expect("a long line");
    for (rest, is_open) in [("", false), (half, true), (&*whole, false)] {
        std::fs::write(folder.path().join("live.log"), format!("{whole}\n{rest}"))
            .expect("written");
        let output = airside(folder.path(), &["detect", "live.log"]).output().expect("it runs");
        let told = String::from_utf8_lossy(&output.stdout);
        let remarks = String::from_utf8_lossy(&output.stderr);
        let open = "live.log:2: this last line is not whole yet, and is left out";
        assert_eq!(remarks.contains(open), is_open, "{remarks}");
        assert!(!told.contains("AUD-R86") && told.contains("AUD-R24"), "{told}");
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn who_did_it_is_told_where_it_was_more_than_one() {
    let folder = folder();
    let read = |time: &str, user: &str, name: &str| event(time, user, "get", &secret(name), 200);
    let text = [
        read("08:00:00", "erin", "a"),
        read("08:00:01", "dana", "b"),
        read("08:00:02", "dana", "c"),
    ];
    let text = text.join("\n") + "\n";
    std::fs::write(folder.path().join("two.log"), text).expect("written");
    let output = airside(folder.path(), &["detect", "two.log"]).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("User erin read secret shop/a"), "{told}");
    assert!(told.contains("          by User dana (2), User erin (1)\n"), "{told}");
}

#[test]
fn what_is_found_and_not_asked_for_is_counted_and_what_is_no_log_is_told() {
    let (status, told, remarks) = run(&["detect", "log/audit.log", "--min-severity", "critical"]);
    assert_eq!((status, told.as_str()), (Some(0), ""));
    assert_eq!(remarks, "not asked for, and left out: 1 detection\n");
    let (status, _, remarks) =
        run(&["detect", "log", "--since", "2026-12-02", "--until", "2026-12-01"]);
    assert_eq!(status, Some(2));
    assert!(remarks.contains("is later than --until"), "{remarks}");

    let folder = folder();
    for (name, content, problem) in [
        ("a.log.xz", &b"\xfd7zXZ\0\0"[..], "`xz -dc FILE | airside detect -`"),
        ("a.log.zst", b"\x28\xb5\x2f\xfd\0", "`zstd -dc FILE | airside detect -`"),
        ("a.log.bz2", b"BZh9", "`bzip2 -dc FILE | airside detect -`"),
        ("a.zip", b"PK\x03\x04", "`unzip -p FILE | airside detect -`"),
    ] {
        std::fs::create_dir_all(folder.path().join("packed")).expect("a folder");
        std::fs::write(folder.path().join("packed").join(name), content).expect("written");
        let path = format!("packed/{name}");
        // A folder's logs are read whatever they are packed by.
        let asked: &[&str] = if name == "a.zip" { &[&path] } else { &[&path, "packed"] };
        for asked in asked {
            let output = airside(folder.path(), &["detect", asked]).output().expect("it runs");
            let remarks = String::from_utf8_lossy(&output.stderr);
            assert!(remarks.contains(problem), "{asked}: {remarks}");
            assert_eq!(output.status.code(), Some(2), "{asked}");
        }
    }
    std::fs::write(folder.path().join("falco.log"), "{\"rule\":\"x\",\"output\":\"y\"}\n")
        .expect("written");
    let output = airside(folder.path(), &["detect", "falco.log"]).output().expect("it runs");
    let remarks = String::from_utf8_lossy(&output.stderr);
    assert!(remarks.contains("this is not an audit log: `--source` says what it is"), "{remarks}");
    assert!(!remarks.contains("no rule fired"), "{remarks}");
}

#[test]
fn a_timeline_tells_an_actor_or_an_object_in_the_order_of_time() {
    let (status, told, _) = run(&[
        "detect",
        "log/audit.log",
        "log/audit-2026-11-26T08-30-00.000.log.gz",
        "--timeline",
        "Pod shop/web-0",
    ]);
    assert_snapshot!(told, @r"
    Pod shop/web-0  53 events; from 10.0.0.9; with kubectl/v1.33.1

    2026-11-26T08:00:00Z  dana  get pods shop/web-0  200  from 10.0.0.9  with kubectl/v1.33.1  log/audit-2026-11-26T08-30-00.000.log.gz:1
    2026-11-26T12:00:00Z  dana  get pods shop/web-0  200  from 10.0.0.9  with kubectl/v1.33.1  ×50 until 12:00:49Z  log/audit.log:1
    2026-11-26T12:00:30Z  dana  create pods/exec shop/web-0  101  from 10.0.0.9  with kubectl/v1.33.1  log/audit.log:51
        low       Command run in a pod through the API server (AUD-R24)
                  User dana ran a command in pod shop/web-0, from 10.0.0.9 with kubectl/v1.33.1.
    2026-11-26T12:30:00Z  erin  delete pods shop/web-0  200  from 10.0.0.9  with kubectl/v1.33.1  log/audit.log:52
    ");
    assert_eq!(status, Some(0));
    let (_, told, _) = run(&[
        "detect",
        "log",
        "--timeline",
        "dana",
        "-o",
        "json",
        "--since",
        "2026-11-26T12:00:00Z",
    ]);
    assert_snapshot!(told, @r#"
    {"acting_as":null,"actor":"dana","address":"10.0.0.9","code":200,"count":50,"detections":[],"first":"2026-11-26T12:00:00Z","input":{"line":1,"path":"log/audit.log"},"last":"2026-11-26T12:00:49Z","object":"pods shop/web-0","program":"kubectl/v1.33.1","verb":"get"}
    {"acting_as":null,"actor":"dana","address":"10.0.0.9","code":101,"count":1,"detections":[{"message":"User dana ran a command in pod shop/web-0, from 10.0.0.9 with kubectl/v1.33.1.","rule":"AUD-R24","severity":"low","title":"Command run in a pod through the API server"}],"first":"2026-11-26T12:00:30Z","input":{"line":51,"path":"log/audit.log"},"last":"2026-11-26T12:00:30Z","object":"pods/exec shop/web-0","program":"kubectl/v1.33.1","verb":"create"}
    "#);
    let (status, told, remarks) = run(&["detect", "log", "--timeline", "nobody"]);
    assert_eq!((status, told.as_str()), (Some(0), ""));
    assert!(remarks.contains("no event is of `nobody`"), "{remarks}");
}

#[test]
fn what_is_authorised_is_told_as_such_and_the_rest_is_not() {
    let (status, told, _) = run(&["detect", "log", "--authorised", "own"]);
    assert_snapshot!(told, @r"
    medium        1 ×  Administration outside of what is authorised  log/audit.log:52 (AUD-R100)
              User erin did `delete pods shop/web-0`, which no declaration authorises, from 10.0.0.9 with kubectl/v1.33.1.
    info          5 ×  Secrets read one after the other  log/audit-2026-11-26T08-30-00.000.log.gz:2 (AUD-R14)
              User dana read secret shop/a, from 10.0.0.9 with kubectl/v1.33.1. This is one of at least 5 within 10 minutes.
              2026-11-26T08:10:00Z to 08:14:00Z
    info          5 ×  Secret read by name  log/audit-2026-11-26T08-30-00.000.log.gz:2 (AUD-R14-read)
              User dana read secret shop/a, from 10.0.0.9 with kubectl/v1.33.1.
              2026-11-26T08:10:00Z to 08:14:00Z
    info          1 ×  Command run in a pod through the API server  log/audit.log:51 (AUD-R24)
              User dana ran a command in pod shop/web-0, from 10.0.0.9 with kubectl/v1.33.1.

    By actor
      User erin  1 medium  2026-11-26T12:30:00Z  T1078
      1 with info only

    By technique
      privilege-escalation        1 ×  T1078      Valid Accounts  up to medium

    Authorised
           11 ×  support
    ");
    assert_eq!(status, Some(0));
    let (status, told, _) = run(&["authorised", "check", "own"]);
    assert_snapshot!(told, @r"
    ok      support  own/authorised.yaml:4:3
    ");
    assert_eq!(status, Some(0));
    let folder = folder();
    let over = DECLARED.replace("  where:", "  when: {until: \"2025-01-31\"}\n  where:");
    std::fs::write(folder.path().join("own/authorised.yaml"), over).expect("written");
    let checked =
        airside(folder.path(), &["authorised", "check", "own"]).output().expect("it runs");
    assert_snapshot!(String::from_utf8_lossy(&checked.stdout), @r"
    over    support  own/authorised.yaml:4:3  its last day was 2025-01-31
    ");
    assert_eq!(checked.status.code(), Some(0));
    let (status, told, _) = run(&["authorised", "test", "own"]);
    assert_snapshot!(told, @r"
    ok      support: support goes into pods of the shop (authorised)
    FAILED  nobody is unknown
            own/authorised.test.yaml:7:3  it is outside

    1 ok, 1 failed
    ");
    assert_eq!(status, Some(1));
    let (status, _, remarks) = run(&["authorised", "check", "broken"]);
    assert_snapshot!(remarks, @r#"
    error: broken/authorised.yaml:6:10: `resource` is not known here: write resources, verbs
    error: broken/authorised.yaml:4:3: a rule needs `does.resources`, such as `[deployments.apps]`; `["*"]` is everything
    "#);
    assert_eq!(status, Some(2));
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_read() {
    let (status, told, remarks) = run(&["detect", "missing.log", "log/audit.log", "-o", "json"]);
    assert_eq!(status, Some(2));
    assert!(told.contains("AUD-R24"), "{told}");
    assert!(remarks.contains("missing.log: No such file"), "{remarks}");
    let folder = folder();
    let path = folder.path().join("log/audit-2026-11-26T08-30-00.000.log.gz");
    let whole = std::fs::read(&path).expect("it is there");
    std::fs::write(&path, whole.get(..whole.len() - 12).expect("long enough")).expect("cut");
    let output =
        airside(folder.path(), &["detect", "log", "-o", "json"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let remarks = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(remarks.contains("it cannot be read further"), "{remarks}");
}

#[test]
fn an_interruption_ends_with_what_was_found_so_far() {
    let folder = folder();
    let mut child = airside(folder.path(), &["detect", "-", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("piped");
    input.write_all(noon().as_bytes()).expect("written");
    let mut told = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    // A stream is looked at while it comes.
    told.read_line(&mut line).expect("a line");
    assert!(line.contains("AUD-"), "{line}");
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("interrupted");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(2));
    let remarks = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(remarks.contains("interrupted"), "{remarks}");
    drop(input);
}
