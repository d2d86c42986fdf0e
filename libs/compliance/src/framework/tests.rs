//! The data files: they can be read, name only what exists, and leave out nothing that checks name.

use std::collections::BTreeSet;

use airside_types::Technique;

use super::*;

fn files() -> Vec<File> {
    FILES
        .iter()
        .map(|text| serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")))
        .collect()
}

#[test]
fn every_file_can_be_read_and_found() {
    assert_eq!(Framework::all().len(), FILES.len());
    let ids: BTreeSet<_> = Framework::all().iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids.len(), FILES.len(), "an id stands twice");
    for id in ids {
        assert_eq!(Framework::find(id).map(|it| it.id.as_str()), Some(id));
    }
    assert_eq!(Framework::find("cis"), None);
}

#[test]
fn every_check_and_technique_that_a_file_names_exists() {
    let ids: BTreeSet<_> = catalogue::listed().map(|check| check.id).collect();
    for file in files() {
        for entry in &file.controls {
            let at = format!("{} {}", file.id, entry.id);
            for check in &entry.checks {
                assert!(ids.contains(check.as_str()), "{at}: no check {check}");
            }
            let own: BTreeSet<_> = entry.checks.iter().collect();
            assert_eq!(own.len(), entry.checks.len(), "{at}: a check stands twice");
            if let Some(technique) = &entry.technique {
                assert!(Technique::find(technique).is_some(), "{at}: no technique {technique}");
            }
        }
    }
}

#[test]
fn every_control_that_a_check_or_a_file_names_exists() {
    let exists = |name: &str| {
        let (framework, control) = name.split_once(':').unwrap_or((name, ""));
        let controls = Framework::find(framework).map(|it| it.controls.as_slice());
        controls.unwrap_or_default().iter().any(|it| it.id == control)
    };
    for file in files() {
        for same_as in file.controls.iter().filter_map(|entry| entry.same_as.as_ref()) {
            assert!(exists(same_as), "{}: no control {same_as}", file.id);
        }
    }
    for check in catalogue::listed() {
        for name in check.controls.iter().filter(|name| !name.starts_with(LEVEL)) {
            assert!(exists(name), "{}: no control {name}", check.id);
        }
    }
}

/// Checks name a level of the Pod Security Standards only; its file says which of its controls they mean.
const LEVEL: &str = "pod-security-standards:";

#[test]
fn the_levels_of_the_pod_security_standards_have_the_checks_that_name_them() {
    for level in ["baseline", "restricted"] {
        let named = catalogue::all()
            .filter(|check| check.controls.contains(&format!("{LEVEL}{level}").as_str()))
            .map(|check| check.id);
        let framework = Framework::find(&format!("pod-security-{level}")).unwrap();
        let own = framework.controls.iter().filter(|it| it.id.starts_with(level));
        let listed = own.flat_map(|it| &it.checks).map(|check| check.id);
        assert_eq!(listed.collect::<BTreeSet<_>>(), named.collect::<BTreeSet<_>>(), "{level}");
    }
}

#[test]
fn a_control_has_checks_or_says_why_not() {
    for framework in Framework::all() {
        let mut ids = BTreeSet::new();
        for control in &framework.controls {
            let at = format!("{} {}", framework.id, control.id);
            assert!(ids.insert(&control.id), "{at} stands twice");
            assert!(!control.checks.is_empty() || control.manual.is_some(), "{at} is never judged");
            let title = &control.title;
            let is_name = Technique::find(&control.id).is_some_and(|it| it.name() == title);
            assert!(!title.is_empty() && !title.ends_with('.'), "{at}: {title}");
            assert!(title.len() <= 80 || is_name, "{at}: {title}");
            if let Some(why) = &control.manual {
                assert!(!why.is_empty() && !why.ends_with('.'), "{at}: {why}");
            }
        }
    }
}

#[test]
fn controls_stand_in_their_order() {
    assert_eq!(order("1.2.9", "1.2.10"), Ordering::Less);
    assert_eq!(order("CC6.8", "CC7.1"), Ordering::Less);
    assert_eq!(order("T1036.005", "T1046"), Ordering::Less);
    assert_eq!(order("2.1", "2.1"), Ordering::Equal);
    // The Pod Security Standards have names, in the order of their documentation.
    let numbered = Framework::all().iter().filter(|it| !it.id.starts_with("pod-security"));
    for framework in numbered {
        assert!(
            framework.controls.is_sorted_by(|one, other| order(&one.id, &other.id).is_lt()),
            "{}",
            framework.id
        );
    }
}

#[test]
fn techniques_bear_their_names() {
    let framework = Framework::find("mitre-attack-containers").unwrap();
    for control in &framework.controls {
        if let Some(technique) = Technique::find(&control.id) {
            assert_eq!(control.title, technique.name());
        }
    }
}

#[test]
fn a_control_means_the_checks_that_name_it_or_its_like() {
    let checks = |framework: &str, control: &str| -> Vec<&str> {
        let framework = Framework::find(framework).unwrap();
        let control = framework.controls.iter().find(|it| it.id == control).unwrap();
        control.checks.iter().map(|check| check.id).collect()
    };
    assert_eq!(checks("cis-v1.12.0", "5.2.4"), ["host-ipc"]);
    assert_eq!(checks("cis-v1.10.0", "5.2.4"), ["host-ipc"]);
    assert_eq!(checks("cis-aks-t1.8.0", "4.2.3"), ["host-ipc"]);
    assert_eq!(checks("cis-v1.12.0", "5.3.1"), [""; 0]);
    let admins = checks("mitre-attack-containers", "T1078");
    assert!(admins.contains(&"impersonate"), "{admins:?}");
    // Default accounts are a technique below it.
    assert!(admins.contains(&"default-service-account-binding"), "{admins:?}");
}
