//! Which change wins, by table, and what a check-in then tells.

use super::*;

fn names(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn groups() -> Vec<Group> {
    let checks = ["host-path", "host-pid"].map(|id| catalogue::find(id).unwrap());
    vec![Group { name: "nodes".to_owned(), checks: checks.to_vec() }]
}

fn selection(profile: &str, enable: &str, disable: &str) -> Selection {
    let (enable, disable) = (names(enable), names(disable));
    let changes = Changes { enable: &enable, disable: &disable, severity: &[] };
    Selection::new(Profile::find(profile).unwrap(), &changes, &groups()).unwrap()
}

#[test]
fn the_narrower_name_wins_and_enable_wins_over_disable() {
    for (profile, enable, disable, check, counts) in [
        ("default", "", "", "host-path", true),
        ("default", "", "host-path", "host-path", false),
        ("default", "", "trivy:KSV-0017", "privileged-container", false),
        ("default", "", "KSV017", "privileged-container", false),
        ("default", "", "CKV_K8S_16", "privileged-container", false),
        ("default", "", "workload-hardening", "privileged-container", false),
        ("default", "", "nodes", "host-pid", false),
        ("default", "host-pid", "nodes", "host-pid", true),
        ("default", "nodes", "host-pid", "host-pid", false),
        ("default", "nodes", "nodes", "host-pid", true),
        ("default", "host-pid", "host-pid", "host-pid", true),
        ("security", "", "", "memory-limit-missing", false),
        ("security", "reliability", "", "memory-limit-missing", true),
        ("baseline", "", "", "privileged-container", true),
        ("baseline", "", "", "run-as-non-root", false),
        ("restricted", "", "", "run-as-non-root", true),
        ("restricted", "", "", "read-secrets", false),
        ("strict", "", "", "image-vulnerability", true),
    ] {
        let found = selection(profile, enable, disable).takes(catalogue::find(check).unwrap());
        assert_eq!(found, counts, "{profile}, enable {enable:?}, disable {disable:?}: {check}");
    }
}

#[test]
fn severities_are_the_projects_the_narrower_name_last() {
    let severity =
        [("host-pid".to_owned(), Severity::Low), ("nodes".to_owned(), Severity::Critical)];
    let changes = Changes { severity: &severity, ..Changes::default() };
    let selection = Selection::new(Profile::default(), &changes, &groups()).unwrap();
    let of = |id: &str| selection.severity(catalogue::find(id).unwrap());
    assert_eq!(of("host-pid"), Some(Severity::Low));
    assert_eq!(of("host-path"), Some(Severity::Critical));
    assert_eq!(of("host-ipc"), None);
    let remark = "profile default: 2 have a severity of this project";
    assert_eq!(selection.remark().as_deref(), Some(remark));
}

#[test]
fn a_name_without_a_meaning_is_refused() {
    let disable = names("host-path hots-path");
    let changes = Changes { disable: &disable, ..Changes::default() };
    let refused = Selection::new(Profile::default(), &changes, &[]);
    assert_eq!(refused, Err(UnknownName("hots-path".to_owned())));
}

#[test]
fn nothing_is_left_out_without_a_remark() {
    assert_eq!(Selection::EVERYTHING.remark(), None);
    let remark = selection("default", "", "nodes").remark().unwrap();
    assert!(remark.starts_with("profile default: 2 of "), "{remark}");
    for profile in Profile::ALL {
        assert!(catalogue::listed().any(|check| profile.takes(check)), "{}", profile.id);
    }
}
