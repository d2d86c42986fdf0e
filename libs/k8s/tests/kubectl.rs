//! Our reading of manifests beside kubectl's own: every number, boolean and text, over a folder of manifests.
//!
//! `AIRSIDE_KUBECTL` names the program and `AIRSIDE_MANIFESTS` a folder of YAML files. Without them the test
//! passes and says that it did not run; what kubectl says of single values is a table in `src/yaml/tests.rs`.
//! No server is needed: `kubectl label --local` reads a file, adds a label and prints JSON.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use airside_k8s::{Limits, yaml};
use serde_json::{Map, Value};

/// The label that kubectl is told to add, so that it has something to do.
const LABEL: &str = "read-by";

/// Values that people write and that YAML's versions read differently.
const TRICKY: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: tricky}
data:
  octals: [0644, 0o14, 012, 08, 0_7, -012, +0644, 0o8, 0o, 0b11, 0b2, 0x1F, -0x1F, 0x, 0x_1]
  numbers: [1e3, .5, 1_000, 1__0, _1, 1.0, +1, -0, -0.0, 1., +.5, 1E5, 1e400, 12e03, 685_230.15]
  bounds: [9223372036854775807, 9223372036854775808, -9223372036854775808, 18446744073709551616]
  words: [yes, no, on, off, y, n, Y, N, TRUE, tRue, ~, null, Null, nUll, '1', \"yes\", =]
  times: [2001-01-01, 2001-01-01T00:00:00Z, 1:30, 190:20:30]
  y: key
  no: key
  1: key
  0o17: key
  1.50: key
";

#[expect(clippy::disallowed_methods, reason = "the caller names the counterpart and the folder")]
fn surroundings() -> Option<(OsString, PathBuf)> {
    Some((std::env::var_os("AIRSIDE_KUBECTL")?, std::env::var_os("AIRSIDE_MANIFESTS")?.into()))
}

#[test]
fn objects_are_read_as_kubectl_reads_them() {
    let mut say = std::io::stderr().lock();
    let Some((kubectl, folder)) = surroundings() else {
        writeln!(say, "DID NOT RUN: AIRSIDE_KUBECTL and AIRSIDE_MANIFESTS are not set")
            .expect("stderr is open");
        return;
    };
    let mut comparison = Comparison::default();
    let tricky = tempfile::NamedTempFile::with_suffix(".yaml").expect("a file");
    std::fs::write(tricky.path(), TRICKY).expect("a file");
    comparison.file(&kubectl, tricky.path());
    let mut files = Vec::new();
    list(&folder, &mut files);
    for file in &files {
        comparison.file(&kubectl, file);
    }
    let Comparison { objects, values, refused, .. } = &comparison;
    writeln!(say, "{} files, {objects} objects, {values} values", files.len() + 1)
        .and_then(|()| writeln!(say, "refused by one or both: {refused:?}"))
        .expect("stderr is open");
    assert_eq!(comparison.differences, Vec::<String>::new());
    assert!(*objects > 0, "nothing was compared");
}

#[derive(Default)]
struct Comparison {
    objects: usize,
    values: usize,
    /// Files that kubectl, we, or both do not take, by who.
    refused: BTreeMap<&'static str, Vec<String>>,
    differences: Vec<String>,
}

impl Comparison {
    fn file(&mut self, kubectl: &OsString, file: &Path) {
        let name = file.display();
        let text = std::fs::read(file).expect("a readable file");
        let parsed = yaml::parse_bytes(&text, &Limits::default());
        let contents: Vec<_> = parsed.documents.iter().map(yaml::Document::contents).collect();
        let is_whole = parsed.is_whole() && contents.iter().all(|it| it.foreign.is_empty());
        let objects = contents.iter().flat_map(|it| &it.objects);
        let ours: Vec<Value> = objects.map(|it| plain(&it.object.value().clone().into())).collect();
        let theirs = read_by(kubectl, file);
        match (is_whole, theirs) {
            (true, Some(theirs)) if ours.len() == theirs.len() => {
                self.objects += ours.len();
                for (index, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
                    self.compare(&format!("{name}[{index}]"), ours, theirs);
                }
            }
            (true, Some(theirs)) => {
                let (ours, theirs) = (ours.len(), theirs.len());
                self.differences.push(format!("{name}: {ours} objects, kubectl has {theirs}"));
            }
            (true, None) => self.refuse("kubectl", file),
            (false, Some(_)) => self.refuse("Airside", file),
            (false, None) => self.refuse("both", file),
        }
    }

    fn refuse(&mut self, who: &'static str, file: &Path) {
        self.refused.entry(who).or_default().push(file.display().to_string());
    }

    fn compare(&mut self, at: &str, ours: &Value, theirs: &Value) {
        match (ours, theirs) {
            (Value::Object(ours), Value::Object(theirs)) => {
                for key in ours.keys().chain(theirs.keys().filter(|key| !ours.contains_key(*key))) {
                    let value =
                        |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                    self.compare(&format!("{at}.{key}"), &value(ours), &value(theirs));
                }
            }
            (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
                for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                    self.compare(&format!("{at}[{index}]"), ours, theirs);
                }
            }
            _ => {
                self.values += 1;
                let are_numbers = ours.is_number() && theirs.is_number();
                let is_same = ours == theirs || (are_numbers && ours.as_f64() == theirs.as_f64());
                if !is_same {
                    self.differences.push(format!("{at}: {ours}, kubectl reads {theirs}"));
                }
            }
        }
    }
}

/// An object without what kubectl adds: its label, and the maps that are empty then.
fn plain(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(labels) = object.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(LABEL);
    }
    let is_empty = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
    for (map, key) in [("/metadata", "labels"), ("", "metadata")] {
        let map = object.pointer_mut(map).and_then(Value::as_object_mut);
        if let Some(map) = map.filter(|map| map.get(key).is_some_and(is_empty)) {
            map.remove(key);
        }
    }
    object
}

/// The objects of a file as kubectl prints them; none where it refuses the file.
fn read_by(kubectl: &OsString, file: &Path) -> Option<Vec<Value>> {
    let output = Command::new(kubectl)
        .args(["label", "--local", "--overwrite", "-o", "json", "-f"])
        .arg(file)
        .arg(format!("{LABEL}=kubectl"))
        .output()
        .expect("AIRSIDE_KUBECTL can be started");
    let objects: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_slice(&output.stdout).into_iter().collect();
    let objects = objects.expect("kubectl prints JSON");
    output.status.success().then(|| objects.iter().map(plain).collect())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("AIRSIDE_MANIFESTS is a folder");
    let mut entries: Vec<PathBuf> = entries.map(|it| it.expect("an entry").path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            list(&entry, files);
        } else if entry.extension().is_some_and(|it| it == "yaml" || it == "yml") {
            files.push(entry);
        }
    }
}
