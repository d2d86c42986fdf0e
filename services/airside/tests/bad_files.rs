//! What file systems hold besides manifests: links that lead nowhere or in circles, pipes, what may not be
//! read, and files of any size. Each is told with what to do, nothing hangs, and the rest is scanned.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "harness/folder.rs"]
mod folder;

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use folder::Folder;

const GOOD: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]
";
const FOUND: &str = "good.yaml:4:39  Role shop/reader";

/// A folder with the good file, in which something else is made.
fn folder_with(make: impl FnOnce(&std::path::Path)) -> Folder {
    let folder = Folder::with(&[("good.yaml", GOOD)]);
    make(folder.0.path());
    folder
}

/// What is remarked, without what is said of vulnerabilities.
fn remarks(problems: &str) -> String {
    let lines = problems.lines().filter(|line| !line.contains("vulnerabilities"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_no_file_is_told_and_nothing_hangs() {
    let link = |to: &'static str| {
        move |folder: &std::path::Path| {
            symlink(to, folder.join("bad.yaml")).expect("a link");
        }
    };
    let cases = [
        ("a link that leads nowhere", folder_with(link("absent.yaml"))),
        ("a link to itself", folder_with(link("bad.yaml"))),
        ("a link to an endless device", folder_with(link("/dev/zero"))),
        (
            "a link to the folder above",
            folder_with(|folder| {
                std::fs::create_dir(folder.join("sub")).expect("a folder");
                symlink("..", folder.join("sub/up")).expect("a link");
            }),
        ),
        (
            "a pipe that nobody writes to",
            folder_with(|folder| {
                let made = Command::new("mkfifo").arg(folder.join("bad.yaml")).status();
                assert!(made.expect("mkfifo").success());
            }),
        ),
        (
            "a socket",
            folder_with(|folder| {
                // It stays after its listener is gone.
                drop(UnixListener::bind(folder.join("bad.yaml")).expect("a socket"));
            }),
        ),
    ];
    let mut all = String::new();
    for (what, folder) in &cases {
        let (status, text, problems) = folder.scan_within_bounds(&["."], None);
        assert_eq!(status, 2, "{what}: {text}{problems}");
        assert!(text.contains(FOUND), "{what}: {text}{problems}");
        let (status, ..) = folder.scan_within_bounds(&[".", "--exit-zero"], None);
        assert_eq!(status, 0, "{what}: something could be read");
        all += &format!("{what}\n{}\n", remarks(&problems));
    }
    insta::assert_snapshot!(all, @"
    a link that leads nowhere
    error: `bad.yaml` is a link to `absent.yaml`, which cannot be read: No such file or directory (os error 2); mend the link or remove it
    a link to itself
    error: `bad.yaml` is a link to `bad.yaml`, which cannot be read: Too many levels of symbolic links (os error 40); mend the link or remove it
    a link to an endless device
    error: `bad.yaml` is a pipe, a socket or a device and was not read: take it out of the folder, or name it as a PATH if it is meant
    a link to the folder above
    error: `sub/up` is a link to a folder that it lies in, a circle that is not followed: remove the link
    a pipe that nobody writes to
    error: `bad.yaml` is a pipe, a socket or a device and was not read: take it out of the folder, or name it as a PATH if it is meant
    a socket
    error: `bad.yaml` is a pipe, a socket or a device and was not read: take it out of the folder, or name it as a PATH if it is meant
    ");
}

#[test]
fn a_link_to_a_file_is_followed_and_one_to_a_folder_elsewhere_is_named() {
    let elsewhere = Folder::with(&[("role.yaml", &GOOD.replace("reader", "elsewhere"))]);
    let folder = folder_with(|folder| {
        symlink(elsewhere.0.path().join("role.yaml"), folder.join("role.yaml")).expect("a link");
        symlink(elsewhere.0.path(), folder.join("folder")).expect("a link");
        std::fs::create_dir(folder.join("own")).expect("a folder");
        symlink("own", folder.join("again")).expect("a link");
    });
    let (status, text, problems) = folder.scan_within_bounds(&["."], None);
    assert_eq!(status, 1, "{text}{problems}");
    assert!(text.contains("role.yaml:4:39  Role shop/elsewhere"), "{text}");
    let target = elsewhere.0.path().canonicalize().expect("a folder");
    let target = target.to_string_lossy();
    insta::assert_snapshot!(remarks(&problems).replace(&*target, "ELSEWHERE"), @"
    not scanned: `folder`, a link to the folder `ELSEWHERE`; name it as a PATH to have it scanned
    ");
}

/// Whoever may read everything, such as root, sees a file that nobody may read.
#[test]
fn what_may_not_be_read_is_told() {
    let folder = Folder::with(&[("good.yaml", GOOD), ("bad.yaml", GOOD), ("sub/role.yaml", GOOD)]);
    let close = |name: &str, mode| {
        let closed = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.0.path().join(name), closed).expect("a mode");
    };
    close("bad.yaml", 0o000);
    close("sub", 0o000);
    let may_read_everything = std::fs::read(folder.0.path().join("bad.yaml")).is_ok();
    let (status, text, problems) = folder.scan_within_bounds(&["."], None);
    close("sub", 0o755);
    assert!(text.contains(FOUND), "{text}{problems}");
    if may_read_everything {
        assert_eq!(status, 1, "{text}{problems}");
        return;
    }
    assert_eq!(status, 2, "{text}{problems}");
    insta::assert_snapshot!(remarks(&problems), @"
    error: `bad.yaml` cannot be read: Permission denied (os error 13)
    error: `sub` cannot be read: Permission denied (os error 13)
    ");
}

#[test]
fn names_of_files_do_not_steer_the_terminal() {
    let folder = folder_with(|folder| {
        std::fs::write(folder.join("a\n\u{1b}[31m.yaml"), "a: [\n").expect("written");
    });
    let (status, text, _) = folder.scan_within_bounds(&["."], None);
    assert_eq!(status, 2);
    assert!(text.contains("a  [31m.yaml:1:4  not valid YAML"), "{text}");
}

#[test]
fn a_file_of_any_size_is_read_or_refused_by_the_limit_that_it_exceeds() {
    const MEGABYTES: usize = 50_000_000;
    let config_map =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: big, namespace: shop}\ndata:\n";
    let line = format!("    {}\n", "x".repeat(95));
    let values = format!("{config_map}  a:\n{}", "  - 1\n".repeat(MEGABYTES / 6));
    let cases = [
        ("one value", format!("{config_map}  a: |\n{}", line.repeat(MEGABYTES / 100)), 1),
        ("one line", format!("{config_map}  a: {}\n", "x".repeat(10_000_000)), 1),
        ("eight million values", values, 2),
        ("a million documents", "---\na: 1\n".repeat(1_000_000), 2),
        ("a million empty documents", "---\n".repeat(1_000_000), 1),
        ("a million broken documents", "---\na: [\n".repeat(1_000_000), 2),
    ];
    let mut all = String::new();
    for (what, text, expected) in cases {
        let folder = Folder::with(&[("good.yaml", GOOD), ("bad.yaml", &text)]);
        let (status, text, problems) = folder.scan_within_bounds(&["."], None);
        assert_eq!(status, expected, "{what}: {problems}");
        assert!(text.contains(FOUND), "{what}: {text}{problems}");
        let told =
            text.lines().filter(|line| line.starts_with("bad.yaml") || line.starts_with('…'));
        let told: Vec<_> = told.collect();
        let (first, last) = (told.first().unwrap_or(&"read"), told.last().unwrap_or(&""));
        all += &format!("{what}: {} lines\n{first}\n{last}\n", told.len());
    }
    insta::assert_snapshot!(all, @"
    one value: 0 lines
    read

    one line: 0 lines
    read

    eight million values: 1 lines
    bad.yaml:999998:5  more than 1000000 values, what an alias repeats counted each time: split the file, or raise max_file_size (--max-file-size)
    bad.yaml:999998:5  more than 1000000 values, what an alias repeats counted each time: split the file, or raise max_file_size (--max-file-size)
    a million documents: 1 lines
    bad.yaml:40001:1  more than 20000 documents: split the file, or raise max_file_size (--max-file-size)
    bad.yaml:40001:1  more than 20000 documents: split the file, or raise max_file_size (--max-file-size)
    a million empty documents: 0 lines
    read

    a million broken documents: 13 lines
    bad.yaml:2:4  not valid YAML (unclosed bracket '['): correct the syntax here or just above
    … and 19989 more in this file; --output json has all
    ");
}

#[test]
fn the_limit_on_the_size_of_files_can_be_set() {
    let folder = Folder::with(&[("good.yaml", GOOD), ("big.yaml", &"# much\n".repeat(1000))]);
    for (arguments, settings, expected) in [
        (vec!["."], "", 1),
        (vec![".", "--max-file-size", "4KiB"], "", 2),
        (vec!["."], "[scan]\nmax_file_size = \"4KiB\"\n", 2),
        (vec![".", "--max-file-size", "8KiB"], "[scan]\nmax_file_size = \"4KiB\"\n", 1),
    ] {
        folder.write(".airside.toml", settings);
        let (status, text, problems) = folder.scan_within_bounds(&arguments, None);
        assert_eq!(status, expected, "{arguments:?} {settings}: {text}{problems}");
        let told = "big.yaml:1:1  more than 4096 bytes: split the file, or raise max_file_size (--max-file-size)";
        assert_eq!(text.contains(told), expected == 2, "{text}");
        assert!(text.contains(FOUND), "{text}");
    }
}

#[test]
fn standard_input_is_told_as_a_file_is() {
    let folder = Folder::with(&[
        ("good.yaml", GOOD),
        ("broken.yaml", &format!("a: [\n---\n{GOOD}")),
        ("binary", "a\0b"),
        ("empty", ""),
    ]);
    for (input, expected, told) in [
        ("good.yaml", 1, "-:4:39  Role shop/reader"),
        ("broken.yaml", 2, "-:1:4  not valid YAML"),
        ("broken.yaml", 2, "-:6:39  Role shop/reader"),
        ("binary", 2, "-:1:2  not UTF-8 text"),
        ("empty", 2, "standard input is empty: did the program before this one fail?"),
    ] {
        let (status, text, problems) = folder.scan_within_bounds(&["-"], Some(input));
        assert_eq!(status, expected, "{input}: {text}{problems}");
        let all = text + &problems;
        assert!(all.contains(told), "{input}: {all}");
    }
    for (input, expected) in [("broken.yaml", 0), ("binary", 2), ("empty", 2)] {
        let (status, ..) = folder.scan_within_bounds(&["-", "--exit-zero"], Some(input));
        assert_eq!(status, expected, "{input}: 2 only when nothing could be read");
    }
    let (status, text, _) = folder.scan_within_bounds(&["/dev/zero"], None);
    assert_eq!(status, 2, "what never ends is read up to the limit");
    assert!(text.contains("/dev/zero:1:1  more than 67108864 bytes"), "{text}");
}
