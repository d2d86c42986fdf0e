//! Boarding passes as files: written by a scan, verified by whoever has the public key.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "harness/folder.rs"]
mod folder;

use airside_auth::signature::SigningKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use folder::Folder;
use serde_json::{Value, json};

/// Keys as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` print them, each made of one byte again
/// and again.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH
-----END PRIVATE KEY-----
";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=
-----END PUBLIC KEY-----
";
const OTHER_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI
-----END PRIVATE KEY-----
";
const KEY_ID: &str = "324be2dea8bc44461b0233e51fa48902ed6b1cc671e7739af2551e0bfe68f54e";

const MANIFESTS: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  hostNetwork: true # airside:ignore host-network: it is a node agent
  containers: [{name: web, image: 'web:1'}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {colour: blue, size: small}
";

/// A folder with signed passes of its manifests.
fn signed() -> Folder {
    let folder = Folder::with(&[
        ("a.yaml", MANIFESTS),
        ("key.pem", KEY),
        ("other.pem", OTHER_KEY),
        ("public.pem", PUBLIC),
    ]);
    write_bundles(&folder, "key.pem", "passes.jsonl");
    folder
}

fn write_bundles(folder: &Folder, key: &str, file: &str) {
    let arguments = ["a.yaml", "--sign-key", key, "--bundles", file, "--exit-zero"];
    let (status, _, problem) = folder.scan(&arguments);
    assert_eq!(status, 0, "{problem}");
}

fn verify(folder: &Folder, arguments: &[&str]) -> (i32, String, String) {
    folder.run(&[&["verify", "--key", "public.pem"], arguments].concat())
}

fn verify_json(folder: &Folder, arguments: &[&str]) -> (i32, Value) {
    let (status, text, problem) = verify(folder, &[arguments, &["--output", "json"]].concat());
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{problem}")))
}

/// The first of the bundles in a file.
fn first(folder: &Folder, file: &str) -> Value {
    let text = folder.read(file);
    serde_json::from_str(text.lines().next().expect("a line")).expect("JSON")
}

#[test]
fn what_a_scan_has_signed_is_verified_and_told() {
    let folder = signed();
    folder.git(&["init", "-q"]);
    folder.git(&["remote", "add", "origin", "https://user:secret@example.com/shop.git"]);
    folder.git(&["add", "a.yaml"]);
    folder.git(&["commit", "-qm", "first"]);
    write_bundles(&folder, "key.pem", "passes.jsonl");
    let (status, report) = verify_json(&folder, &["passes.jsonl", "--against", "a.yaml"]);
    assert_eq!(status, 0, "{report}");
    let passes = report["verified"].as_array().expect("passes");
    assert_eq!(passes.len(), 2);
    let pod = &passes[0];
    assert_eq!((&pod["file"], &pod["line"]), (&json!("passes.jsonl"), &json!(1)));
    assert_eq!(pod["key"], KEY_ID);
    assert_eq!(
        pod["resource"],
        json!({ "group": "", "kind": "Pod", "namespace": "shop", "name": "web" })
    );
    assert_eq!(pod["location"], json!({ "path": "a.yaml", "line": 1 }));
    assert_eq!(pod["origin"]["revision"]["repository"], "https://example.com/shop.git");
    assert_eq!(pod["origin"]["revision"]["commit"].as_str().map(str::len), Some(40));
    assert_eq!(pod["accepted"][0]["check"], "host-network");
    assert!(pod["findings"].as_array().is_some_and(|findings| findings.len() > 3));
    let same = |line: u32| json!({ "state": "same", "location": { "path": "a.yaml", "line": line }, "fields": null, "credentials_not_compared": 0 });
    assert_eq!((&pod["against"], &passes[1]["against"]), (&same(1), &same(8)));
    assert!(!report.to_string().contains("secret"));
}

#[test]
fn people_are_told_each_pass_and_how_many_there_are() {
    let folder = signed();
    let arguments = ["passes.jsonl", "--against", "a.yaml"];
    let (_, report) = verify_json(&folder, &arguments);
    let (status, mut text, problem) = verify(&folder, &arguments);
    assert_eq!((status, problem.as_str()), (0, ""));
    // How many there are is the catalogue's.
    for pass in report["verified"].as_array().into_iter().flatten() {
        let count = pass["findings"].as_array().map_or(0, Vec::len);
        let ending = if count == 1 { "" } else { "s" };
        text = text.replacen(&format!("{count} finding{ending} open"), "N findings open", 1);
    }
    insta::assert_snapshot!(text, @r"
    verified  Pod shop/web  a.yaml:1  flagged: N findings open, 1 accepted
      of no commit that is known
      same at a.yaml:1
      passes.jsonl:1, signed by 324be2dea8bc44461b0233e51fa48902ed6b1cc671e7739af2551e0bfe68f54e
    verified  ConfigMap shop/settings  a.yaml:8  clean: N findings open, 0 accepted
      of no commit that is known
      same at a.yaml:8
      passes.jsonl:2, signed by 324be2dea8bc44461b0233e51fa48902ed6b1cc671e7739af2551e0bfe68f54e
    2 boarding passes verified; 0 not verified; objects: 2 same, 0 changed, 0 not there; 0 not signed
    ");
}

#[test]
fn a_bundle_has_the_form_that_other_tools_read() {
    let bundle = first(&signed(), "passes.jsonl");
    assert_eq!(bundle["mediaType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
    assert_eq!(bundle["verificationMaterial"], json!({ "publicKey": { "hint": KEY_ID } }));
    let envelope = &bundle["dsseEnvelope"];
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    // Tools that name keys in another way pass over a signature that names ours.
    assert_eq!(
        envelope["signatures"][0].as_object().map(|it| it.keys().collect::<Vec<_>>()),
        Some(vec![&"sig".to_owned()])
    );
}

#[test]
fn an_envelope_of_a_report_and_a_bundle_over_several_lines_are_read_too() {
    let folder = signed();
    let report = ["a.yaml", "--sign-key", "key.pem", "--output", "json", "--exit-zero"];
    let (_, report, _) = folder.scan(&report);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    folder.write("envelope.json", &report["boarding_passes"][0]["envelope"].to_string());
    folder.write("pretty.json", &format!("\n{:#}\n", first(&folder, "passes.jsonl")));
    let (status, report) = verify_json(&folder, &["envelope.json", "pretty.json"]);
    assert_eq!(status, 0, "{report}");
    let lines: Vec<_> = report["verified"].as_array().into_iter().flatten().collect();
    let places: Vec<_> =
        lines.iter().map(|it| (it["file"].as_str(), it["line"].as_u64())).collect();
    assert_eq!(places, [(Some("envelope.json"), Some(1)), (Some("pretty.json"), Some(2))]);
    // The platform's statements are without the fields.
    folder.write("a.yaml", &MANIFESTS.replace("web:1", "web:2"));
    let (status, text, _) = verify(&folder, &["envelope.json", "--against", "a.yaml"]);
    assert_eq!(status, 1);
    assert!(
        text.contains("changed at a.yaml:1; in which fields this pass does not tell"),
        "{text}"
    );
}

#[test]
fn what_was_tampered_with_does_not_verify() {
    type Change = fn(&Folder) -> String;
    fn changed(folder: &Folder, change: impl Fn(&mut Value)) -> String {
        let mut bundle = first(folder, "passes.jsonl");
        change(&mut bundle);
        bundle.to_string()
    }
    let cases: [(&str, Change, i32, &str); 11] = [
        ("nothing", |it| changed(it, |_| {}), 0, "1 boarding pass verified"),
        (
            "the payload",
            |it| {
                changed(it, |bundle| {
                    let payload = &mut bundle["dsseEnvelope"]["payload"];
                    let text = STANDARD.decode(payload.as_str().expect("text")).expect("base64");
                    let text = String::from_utf8(text).expect("UTF-8");
                    assert!(text.contains("\"verdict\":\"flagged\""), "{text}");
                    *payload = STANDARD.encode(text.replace("flagged", "clean")).into();
                })
            },
            1,
            "its signature does not verify",
        ),
        (
            "another key",
            |it| {
                write_bundles(it, "other.pem", "others.jsonl");
                first(it, "others.jsonl").to_string()
            },
            1,
            "it is not signed by a trusted key, but by",
        ),
        (
            "another key that says it is ours",
            |it| {
                write_bundles(it, "other.pem", "others.jsonl");
                let mut bundle = first(it, "others.jsonl");
                bundle["verificationMaterial"]["publicKey"]["hint"] = KEY_ID.into();
                bundle.to_string()
            },
            1,
            "its signature does not verify",
        ),
        (
            "the payload's type",
            |it| changed(it, |bundle| bundle["dsseEnvelope"]["payloadType"] = "text/plain".into()),
            1,
            "its signature does not verify",
        ),
        (
            "a certificate",
            |it| {
                changed(it, |bundle| {
                    bundle["verificationMaterial"] = json!({ "certificate": { "rawBytes": "" } });
                })
            },
            1,
            "with a certificate (keyless), which Airside does not verify: verify it with `cosign",
        ),
        (
            "cut off",
            |it| it.read("passes.jsonl").chars().take(300).collect(),
            2,
            "case.json:1:300: the JSON document is cut off",
        ),
        ("no JSON", |_| "kind: Pod\n".to_owned(), 2, "case.json:1:1: this is no JSON"),
        ("nothing", |_| " \n".to_owned(), 2, "case.json: nothing is in it"),
        (
            "the media type",
            |it| changed(it, |bundle| bundle["mediaType"] = "application/json".into()),
            2,
            "case.json:1: its media type is `application/json`",
        ),
        (
            "a later version",
            |it| {
                changed(it, |bundle| {
                    bundle["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.4+json".into();
                })
            },
            2,
            "this Airside reads Sigstore bundles up to",
        ),
    ];
    let folder = signed();
    for (case, change, expected, told) in cases {
        let bundle = change(&folder);
        folder.write("case.json", &bundle);
        let (status, text, problem) = verify(&folder, &["case.json"]);
        assert_eq!(status, expected, "{case}: {text}{problem}");
        assert!(format!("{text}{problem}").contains(told), "{case}: {text}{problem}");
    }
}

#[test]
fn what_a_trusted_key_signed_of_something_else_is_no_boarding_pass() {
    let statement = |predicate: &str| {
        let subject = json!([{ "name": "it", "digest": { "sha256": "00" } }]);
        let kind = "https://in-toto.io/Statement/v1";
        json!({ "_type": kind, "subject": subject, "predicateType": predicate, "predicate": {} })
            .to_string()
    };
    let in_toto = "application/vnd.in-toto+json";
    let cases = [
        ("text/plain", "anything".to_owned(), "what was signed is no in-toto statement"),
        (in_toto, "[]".to_owned(), "what was signed is no in-toto statement"),
        (
            in_toto,
            statement("https://slsa.dev/provenance/v1"),
            "what was signed is no boarding pass",
        ),
        (
            in_toto,
            statement("https://airside.dev/boarding-pass/v2"),
            "a boarding pass of another version (`https://airside.dev/boarding-pass/v2`;",
        ),
        (
            in_toto,
            statement("https://airside.dev/boarding-pass/v1"),
            "a boarding pass that cannot be read: missing field",
        ),
    ];
    let (folder, key) = (signed(), SigningKey::from_pem(KEY.as_bytes()).expect("a key"));
    for (payload_type, payload, told) in cases {
        let mut bundle = first(&folder, "passes.jsonl");
        let signature = key.sign(payload_type, payload.as_bytes());
        bundle["dsseEnvelope"] = json!({
            "payloadType": payload_type, "payload": STANDARD.encode(&payload),
            "signatures": [{ "sig": STANDARD.encode(signature) }],
        });
        folder.write("case.json", &bundle.to_string());
        let (status, text, problem) = verify(&folder, &["case.json"]);
        assert_eq!(status, 1, "{told}: {text}{problem}");
        assert!(text.contains(told), "{told}: {text}{problem}");
    }
}

#[test]
fn a_bad_line_hides_no_other() {
    let folder = signed();
    let passes = folder.read("passes.jsonl");
    folder.write("passes.jsonl", &passes.replacen('\n', "\n{\"cut\n\n[]\n", 1));
    let (status, text, problem) = verify(&folder, &["passes.jsonl", "none.jsonl"]);
    assert_eq!(status, 2);
    assert!(
        text.ends_with("2 boarding passes verified; 0 not verified; 3 inputs not readable\n"),
        "{text}"
    );
    for told in
        ["passes.jsonl:2:5: ", "passes.jsonl:4: it is neither", "`none.jsonl` cannot be read"]
    {
        assert!(problem.contains(told), "{told}: {problem}");
    }
}

#[test]
fn a_line_beyond_all_bounds_is_refused_and_the_others_are_read() {
    let folder = signed();
    let long = format!("{{\"a\":\"{}\"}}\n", "x".repeat(8 << 20));
    folder.write("passes.jsonl", &(long + &folder.read("passes.jsonl")));
    let (status, text, problem) = verify(&folder, &["passes.jsonl"]);
    assert_eq!(status, 2);
    assert!(text.contains("2 boarding passes verified"), "{text}");
    assert!(problem.contains("passes.jsonl:1: more than 8 MiB in a line"), "{problem}");
    folder.write("passes.jsonl", &"{}\n".repeat(300_000));
    let (status, text, problem) = verify(&folder, &["passes.jsonl"]);
    assert_eq!((status, problem.lines().count()), (2, 13), "{problem}");
    assert!(text.starts_with("0 boarding passes verified"), "{text}");
    for told in
        ["passes.jsonl:200001: from here on, nothing was read", ": and 199989 more that cannot"]
    {
        assert!(problem.contains(told), "{told}: {problem}");
    }
}

#[test]
fn what_differs_from_what_was_signed_is_told_by_its_fields() {
    let folder = signed();
    let changed =
        MANIFESTS.replace("web:1", "web:2").replace("size: small", "shape: round").replace(
            "name: settings, namespace: shop",
            "name: settings, namespace: shop, labels: {a: b}",
        );
    let added = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: more}\nspec: {containers: [{name: a, image: a}]}\n";
    let second = "---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: job-}\nspec: {containers: [{name: a, image: a}]}\n";
    folder.write("a.yaml", &format!("{changed}{added}{second}"));
    let (status, text, problem) = verify(&folder, &["passes.jsonl", "--against", "a.yaml"]);
    assert_eq!((status, problem.as_str()), (1, ""));
    for told in [
        "changed at a.yaml:1: spec.containers[0].image\n",
        "changed at a.yaml:8: data.shape, data.size, metadata.labels.a\n",
        "not signed  Pod more at a.yaml:13: no verified pass is for it as it is\n",
        "not signed  Pod without a name at a.yaml:18: passes are for names\n",
        "; objects: 0 same, 2 changed, 0 not there; 2 not signed\n",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn a_second_object_of_a_signed_name_is_not_covered_and_one_that_is_gone_is_missed() {
    let folder = signed();
    let pod = MANIFESTS.split("---\n").next().expect("a pod");
    folder.write("b.yaml", &format!("{pod}---\n{}", pod.replace("web:1", "web:2")));
    let (status, report) = verify_json(&folder, &["passes.jsonl", "--against", "b.yaml"]);
    assert_eq!(status, 1);
    let states: Vec<_> = report["verified"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|pass| pass["against"]["state"].as_str())
        .collect();
    assert_eq!(states, [Some("same"), Some("absent")]);
    assert_eq!(report["not_signed"][0]["location"], json!({ "path": "b.yaml", "line": 8 }));
}

#[test]
fn what_does_not_verify_vouches_for_nothing() {
    let folder = signed();
    write_bundles(&folder, "other.pem", "others.jsonl");
    let (status, report) = verify_json(&folder, &["others.jsonl", "--against", "a.yaml"]);
    assert_eq!(status, 1);
    assert_eq!(report["verified"], json!([]));
    let count = |key: &str| report[key].as_array().map(Vec::len);
    assert_eq!((count("not_verified"), count("not_signed")), (Some(2), Some(2)));
}

#[test]
fn manifests_that_cannot_be_read_are_told_and_keys_have_to_be_keys() {
    let folder = signed();
    folder.write("broken.yaml", "a: [\n");
    let (status, _, problem) = verify(&folder, &["passes.jsonl", "--against", "broken.yaml"]);
    assert_eq!(status, 2);
    assert!(problem.contains("broken.yaml:"), "{problem}");
    let (status, _, problem) = folder.run(&["verify", "passes.jsonl", "--key", "key.pem"]);
    assert_eq!(status, 2);
    assert!(
        problem.contains("--key: `key.pem` cannot verify: no public key of Ed25519"),
        "{problem}"
    );
    assert!(!problem.contains(KEY.lines().nth(1).expect("a key")));
}

#[test]
fn bundles_need_a_key_and_say_how_to_make_one() {
    let folder = signed();
    let (status, _, problem) = folder.scan(&["a.yaml", "--bundles", "new.jsonl"]);
    assert_eq!(status, 2);
    assert!(problem.contains("openssl genpkey -algorithm ed25519 -out key.pem"), "{problem}");
    assert!(problem.contains("--sign-key key.pem"), "{problem}");
    assert!(!folder.0.path().join("new.jsonl").try_exists().expect("a folder"));
    let path = "none/new.jsonl";
    let (status, _, problem) = folder.scan(&["a.yaml", "--sign-key", "key.pem", "--bundles", path]);
    assert_eq!(status, 2);
    assert!(problem.contains("`none/new.jsonl` cannot be written"), "{problem}");
}

#[test]
fn help_and_completions_know_it() {
    let folder = signed();
    let (status, help, _) = folder.run(&["verify", "--help"]);
    assert_eq!(status, 0);
    for option in ["--key <FILE>", "--against <PATH>", "airside scan --bundles"] {
        assert!(help.contains(option), "{option}: {help}");
    }
    let (status, script, _) = folder.run(&["completions", "bash"]);
    assert_eq!(status, 0);
    assert!(script.contains("airside__verify") || script.contains("airside__subcmd__verify"));
    assert!(script.contains("--bundles"));
}

#[test]
fn credentials_are_told_to_be_there_and_their_values_not_to_be_compared() {
    let secret = |keys: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: door, namespace: shop}}\ntype: Opaque\nstringData: {keys}\n"
        )
    };
    let folder = Folder::with(&[
        ("a.yaml", secret("{pin: '1234', code: '5678'}").as_str()),
        ("other.yaml", &secret("{pin: '4321', code: '5678'}")),
        ("more.yaml", &secret("{pin: '1234', code: '5678', key: '9'}")),
        ("less.yaml", &secret("{pin: '1234'}")),
        ("key.pem", KEY),
        ("public.pem", PUBLIC),
    ]);
    write_bundles(&folder, "key.pem", "passes.jsonl");
    let bundle = STANDARD.decode(
        first(&folder, "passes.jsonl")["dsseEnvelope"]["payload"].as_str().expect("a payload"),
    );
    assert!(!String::from_utf8_lossy(&bundle.expect("base64")).contains("1234"));
    let (status, text, _) = verify(&folder, &["passes.jsonl", "--against", "other.yaml"]);
    assert_eq!(status, 0, "{text}");
    assert!(
        text.contains("same at other.yaml:1; not compared: the values of 2 credentials"),
        "{text}"
    );
    let (_, report) = verify_json(&folder, &["passes.jsonl", "--against", "other.yaml"]);
    assert_eq!(report["verified"][0]["against"]["credentials_not_compared"], 2);
    for (file, field) in [("more.yaml", "stringData.key"), ("less.yaml", "stringData.code")] {
        let (status, report) = verify_json(&folder, &["passes.jsonl", "--against", file]);
        assert_eq!((status, &report["verified"][0]["against"]["fields"]), (1, &json!([field])));
    }
}
