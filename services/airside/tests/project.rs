//! The settings of a project, as scans with `.airside.toml` and `--profile` show them.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "harness/folder.rs"]
mod folder;

use folder::Folder;

const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  hostPID: true
  containers: [{name: web, image: 'registry.example/web:1.2.3', securityContext: {privileged: true}}]
";

/// The checks that a scan tells, each with its severity.
fn told(folder: &Folder, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["."], arguments, &["--output", "json"]].concat();
    let (_, text, problem) = folder.scan(&arguments);
    let report: serde_json::Value = serde_json::from_str(&text).expect(&problem);
    let findings = report["findings"].as_array().expect("findings").iter();
    let mut told: Vec<_> = findings
        .map(|it| {
            format!(
                "{} {}",
                it["check"].as_str().expect("id"),
                it["severity"].as_str().expect("level")
            )
        })
        .collect();
    told.sort();
    told.dedup();
    told
}

#[test]
fn a_settings_file_above_the_path_chooses_checks_and_severities() {
    let settings = "[scan]
profile = \"baseline\"
[severity]
host-pid = \"low\"
pod-security-baseline = \"critical\"
[checks]
enable = [\"cpu-limit-missing\"]
";
    let folder = Folder::with(&[("deploy/pod.yaml", POD), (".airside.toml", settings)]);
    let expected = ["cpu-limit-missing low", "host-pid low", "privileged-container critical"];
    assert_eq!(told(&folder, &[]), expected);
    let (status, text, problem) = folder.scan(&["deploy"]);
    assert_eq!(status, 1, "{problem}");
    assert!(
        text.contains("checks are left out, ")
            && text.contains("fails from info on (.airside.toml)"),
        "{text}"
    );
    for form in ["markdown", "html", "sarif", "junit"] {
        let (_, text, _) = folder.scan(&["deploy", "--output", form]);
        assert!(text.contains("profile baseline: "), "{form}: {text}");
    }
    // What the command line says comes first.
    let restricted = told(&folder, &["--profile", "restricted"]);
    assert!(restricted.contains(&"run-as-non-root medium".to_owned()), "{restricted:?}");
    let (status, ..) = folder.scan(&["deploy", "--profile", "security", "--fail-on", "critical"]);
    assert_eq!(status, 1);
}

#[test]
fn a_settings_file_above_the_repository_is_not_read() {
    let settings = "[checks]\ndisable = [\"privileged-container\"]\n";
    let folder = Folder::with(&[("repo/pod.yaml", POD), (".airside.toml", settings)]);
    let (_, before, _) = folder.scan(&["repo"]);
    assert!(!before.contains("privileged-container"), "{before}");
    folder.write("repo/.git/HEAD", "");
    let (_, after, _) = folder.scan(&["repo"]);
    assert!(after.contains("privileged-container") && !after.contains("left out"), "{after}");
}

#[test]
fn what_settings_do_not_mean_is_refused_with_its_line() {
    for (settings, expected) in [
        (
            "[checks]\n\ndisable = [\"host-pidd\"]\n",
            ".airside.toml, line 3: `checks.disable`: there is no check, category or framework `host-pidd`; did you mean host-pid",
        ),
        (
            "[scan]\nprofile = \"strickt\"\n",
            ".airside.toml, line 2: there is no profile `strickt`: choose from default,",
        ),
        ("[severity]\nhost-pid = \"huge\"\n", ".airside.toml, line 2: the severity of `host-pid`"),
        ("[check]\n", ".airside.toml, line 1: unknown key `check`"),
        ("[scan]\nprofil = \"strict\"\n", ".airside.toml, line 2: unknown key `scan.profil`"),
    ] {
        let folder = Folder::with(&[("pod.yaml", POD), (".airside.toml", settings)]);
        let (status, _, problem) = folder.scan(&["pod.yaml"]);
        assert_eq!(status, 2, "{settings}");
        assert!(problem.contains(expected), "{settings}: {problem}");
    }
}

#[test]
fn the_profiles_are_explained() {
    let (status, text, _) = Folder::with(&[]).run(&["profiles"]);
    assert_eq!(status, 0);
    for part in ["default ", "security ", "baseline ", "restricted ", "strict ", "[checks]"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_example_of_the_profiles_is_a_settings_file() {
    let (_, text, _) = Folder::with(&[]).run(&["profiles"]);
    let example: String = text
        .lines()
        .skip_while(|line| !line.contains("[scan]"))
        .map(|line| format!("{line}\n"))
        .collect();
    let folder = Folder::with(&[("pod.yaml", POD), ("own.toml", &example)]);
    let (status, text, problem) = folder.scan(&["pod.yaml", "--config", "own.toml"]);
    assert_eq!(status, 1, "{problem}");
    assert!(text.contains("(own.toml)"), "{text}");
}
