//! `airside scan --since REVISION`: what was there at a revision does not fail, wherever manifests come from.
//!
//! `helm` and `kustomize` are stood in for by programs that print files of the folder.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "harness/folder.rs"]
mod folder;

use folder::Folder;

const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostPID: true
  containers: [{name: web, image: web}]
";

/// What `--since HEAD` tells of paths: the exit status, and findings of severity high and above.
fn since_head(folder: &Folder, paths: &[&str]) -> (i32, String, String) {
    folder.scan(&[paths, &["--since", "HEAD", "--min-severity", "high"]].concat())
}

fn committed(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::with(files);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "."]);
    folder.git(&["commit", "-qm", "first"]);
    folder
}

/// A chart whose templates take a file of another folder, as dependencies by path do.
fn chart() -> Folder {
    let folder = committed(&[
        ("charts/shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3\n"),
        ("charts/shop/values.yaml", "a: b\n"),
        ("charts/shop/templates/pod.yaml", POD),
        ("charts/common/more.yaml", ""),
        ("plain/pod.yaml", &POD.replace("name: web}\nspec", "name: plain}\nspec")),
    ]);
    folder.program(
        "helm",
        "set -e; printf -- '---\n# Source: shop/templates/pod.yaml\n'
         cat \"$4/templates/pod.yaml\" \"$4/../common/more.yaml\"; test ! -e \"$4/broken\"",
    );
    folder
}

#[test]
fn a_chart_is_rendered_as_it_was() {
    let folder = chart();
    let (status, text, problem) = since_head(&folder, &["."]);
    assert_eq!(status, 0, "nothing is new: {text}{problem}");
    assert!(text.contains("no new findings") && text.contains("known before"), "{text}");
    folder.write("charts/common/more.yaml", "---\n# Source: shop/templates/more.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: more}\nspec: {hostPID: true, containers: [{name: web, image: web}]}\n");
    for paths in [&["."][..], &["charts/shop"], &["./charts", "plain/pod.yaml"]] {
        let (status, text, problem) = since_head(&folder, paths);
        assert_eq!(status, 1, "{paths:?}: {text}{problem}");
        assert!(text.contains("Pod more") && !text.contains("Pod web"), "{paths:?}: {text}");
    }
}

#[test]
fn a_chart_that_could_not_be_rendered_then_is_told() {
    let folder = chart();
    folder.write("charts/shop/broken", "");
    folder.git(&["add", "."]);
    folder.git(&["commit", "-qm", "second"]);
    std::fs::remove_file(folder.path().join("charts/shop/broken")).expect("removed");
    let (status, text, problem) = since_head(&folder, &["charts/shop"]);
    assert_eq!(status, 1, "all counts as new: {text}");
    assert!(problem.contains("as it was at HEAD: the chart `charts/shop`"), "{problem}");
}

#[test]
fn a_kustomization_is_rendered_as_it_was() {
    let folder = committed(&[
        ("base/pod.yaml", POD),
        ("over/kustomization.yaml", "resources: [../base/pod.yaml]\n"),
    ]);
    folder.program("kustomize", "cat \"$2/../base/pod.yaml\"");
    let (status, text, problem) = since_head(&folder, &["over"]);
    assert_eq!(status, 0, "{text}{problem}");
    folder.write("base/pod.yaml", &POD.replace("hostPID", "hostNetwork: true\n  hostPID"));
    let (status, text, _) = since_head(&folder, &["over"]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("host-network") && !text.contains("(host-pid)"), "{text}");
}

#[test]
fn a_file_that_was_moved_is_known() {
    let folder = committed(&[("a/pod.yaml", POD), ("a/other.yaml", "")]);
    folder.git(&["mv", "a/pod.yaml", "a/web.yaml"]);
    let (status, text, problem) = since_head(&folder, &["a"]);
    assert_eq!(status, 0, "{text}{problem}");
    assert!(text.contains("known before"), "{text}");
}

#[test]
fn what_was_moved_is_known_when_only_the_new_place_is_scanned() {
    let folder = committed(&[("old/pod.yaml", POD), ("new/other.yaml", "")]);
    folder.git(&["mv", "old/pod.yaml", "new/web.yaml"]);
    for path in ["new", "new/web.yaml", "."] {
        let (status, text, problem) = since_head(&folder, &[path]);
        assert_eq!(status, 0, "{path}: {text}{problem}");
        assert!(text.contains("known before"), "{path}: {text}");
    }
    folder.write("new/web.yaml", &POD.replace("hostPID", "hostNetwork: true\n  hostPID"));
    let (status, text, _) = since_head(&folder, &["new/web.yaml"]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("(host-network)") && !text.contains("(host-pid)"), "{text}");
}

#[test]
fn a_chart_that_was_moved_and_a_template_that_was_renamed_are_known() {
    let folder = chart();
    folder.git(&["mv", "charts/shop/templates/pod.yaml", "charts/shop/templates/web.yaml"]);
    folder.program(
        "helm",
        "set -e; cd \"$4/templates\"; for it in *; do printf -- '---\\n# Source: shop/templates/%s\\n' $it; cat $it; done",
    );
    let (status, text, problem) = since_head(&folder, &["."]);
    assert_eq!(status, 0, "{text}{problem}");
    folder.git(&["mv", "charts/shop", "moved"]);
    for path in [".", "moved"] {
        let (status, text, problem) = since_head(&folder, &[path]);
        assert_eq!(status, 0, "{path}: {text}{problem}");
        assert!(text.contains("known before"), "{path}: {text}");
    }
}

#[test]
fn a_report_knows_a_file_by_another_name_and_from_another_folder() {
    let folder = Folder::with(&[("deploy/pod.yaml", POD)]);
    folder.scan(&["deploy", "--report", "json=was.json"]);
    let baseline = folder.read("was.json");
    let compared = |files: &[(&str, &str)], path: &str| {
        let folder = Folder::with(&[files, &[("was.json", &baseline)]].concat());
        folder.scan(&[path, "--baseline", "was.json", "--min-severity", "high"])
    };
    for name in ["deploy/web.yaml", "pod.yaml", "all/deploy/pod.yaml"] {
        let (status, text, _) = compared(&[(name, POD)], name);
        assert_eq!(status, 0, "{name}: {text}");
    }
    let other = POD.replace("web}\nspec", "other}\nspec");
    let moved = [("deploy/web.yaml", POD), ("deploy/other.yaml", &*other)];
    let (status, text, _) = compared(&moved, "deploy");
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("Pod other") && !text.contains("Pod web"), "{text}");
    // A second one of the same name is a new one where the first is still there.
    let (status, text, _) = compared(&[("deploy/pod.yaml", POD), ("b.yaml", POD)], ".");
    assert_eq!(status, 1, "{text}");
    // What was mended in one file and comes in another is new.
    let mended = POD.replace("hostPID: true", "hostPID: false");
    let (status, text, _) = compared(&[("deploy/pod.yaml", &mended), ("b.yaml", POD)], ".");
    assert_eq!(status, 1, "{text}");
}

#[test]
fn a_path_that_is_new_and_one_outside_of_git_have_no_earlier_state() {
    let folder = committed(&[("a/pod.yaml", POD)]);
    folder.write("b/pod.yaml", &POD.replace("web}\nspec", "new}\nspec"));
    let (status, text, _) = since_head(&folder, &["a", "b"]);
    assert_eq!(status, 1);
    assert!(text.contains("Pod new") && !text.contains("Pod web"), "{text}");
    let outside = Folder::with(&[("pod.yaml", POD)]);
    let (status, _, problem) = since_head(&outside, &["pod.yaml"]);
    assert_eq!(status, 2);
    assert!(problem.contains("not a git repository"), "{problem}");
}
