//! Checks on credentials in what containers run: command lines, hooks, probes.

use airside_k8s::Value;
use airside_k8s::fields::{down, elements, maps, text};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::described;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::secrets::{Style, search, search_arguments};
use crate::subject::ContainerOf;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "credential-in-arguments",
        title: "Command line of a container holds a credential",
        why: "Command lines stand in the workload, in its repository, in the list of processes of the node and in logs of whatever watches processes.",
        fix: "Let the program read the credential from a file that a Secret provides; replace the credential: it has been in the open.",
        severity: Severity::High,
        category: Category::Secrets,
        techniques: &[technique("T1552.001"), technique("T1552.007")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Container(arguments),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    args: [--listen=:8080, --admin-password, sunflower]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    args: [--listen=:8080, --admin-password, $(ADMIN_WORD)]
",
    },
    Check {
        id: "credential-in-probe",
        title: "Probe holds a credential",
        why: "A probe is part of the workload and of its repository, and the kubelet and proxies on the way log the requests that it sends.",
        fix: "Probe an address that needs no credential; replace the credential: it has been in the open.",
        severity: Severity::High,
        category: Category::Secrets,
        techniques: &[technique("T1552.001"), technique("T1552.007")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Container(probes),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    livenessProbe:
      httpGet:
        port: 8080
        path: /health
        httpHeaders:
        - {name: Authorization, value: Basic c2hvcDptWHE3LWR1bmU=}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    livenessProbe:
      httpGet:
        port: 8080
        path: /health
",
    },
];

fn arguments(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let mut words = words(&container.path("command"), container.field("command"));
    words.extend(self::words(&container.path("args"), container.field("args")));
    judge_words(&words, &format!("the command line of {}", container.label()), report);
    for hook in ["postStart", "preStop"] {
        let command = container.field("lifecycle").and_then(|hooks| down(hooks, &[hook, "exec"]));
        let path = container.path("lifecycle").keys(&[hook, "exec", "command"]);
        let words = self::words(&path, command.and_then(|exec| exec.get("command")));
        judge_words(&words, &format!("the {hook} hook of {}", container.label()), report);
    }
}

fn probes(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(fields) = container.field(probe) else { continue };
        let where_ = format!("the {probe} of {}", container.label());
        let path = container.path(probe);
        let command = words(&path.keys(&["exec", "command"]), down(fields, &["exec", "command"]));
        judge_words(&command, &where_, report);
        let Some(request) = fields.get("httpGet").and_then(Value::as_object) else { continue };
        let path = path.key("httpGet");
        let address = text(request, "path").unwrap_or_default();
        if let Some(what) = described(search("", address, Style::Values).found.iter()) {
            report.fail(path.key("path"), format!("the path of {where_} holds {what}"));
        }
        for (index, header) in maps(request, "httpHeaders") {
            let (Some(name), Some(value)) = (text(header, "name"), text(header, "value")) else {
                continue;
            };
            if let Some(what) = described(search(name, value, Style::Values).found.iter()) {
                let path = path.key("httpHeaders").index(index).key("value");
                report.fail(path, format!("header `{name}` of {where_} holds {what}"));
            }
        }
    }
}

/// The texts of a list with their places.
fn words<'a>(path: &FieldPath, list: Option<&'a Value>) -> Vec<(FieldPath, &'a str)> {
    let listed = elements(list).iter().enumerate();
    listed.filter_map(|(index, word)| Some((path.index(index), word.as_str()?))).collect()
}

fn judge_words(words: &[(FieldPath, &str)], where_: &str, report: &mut Report<'_>) {
    let texts: Vec<&str> = words.iter().map(|(_, word)| *word).collect();
    for (index, search) in search_arguments(&texts) {
        let Some((path, _)) = words.get(index) else { continue };
        if let Some(what) = described(search.found.iter()) {
            report.fail(path.clone(), format!("{where_} holds {what}"));
        }
    }
}
