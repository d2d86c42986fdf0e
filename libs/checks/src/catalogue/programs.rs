//! Checks on how the program of a pod is started: with sudo, by a variable, and code of AI agents on which
//! kernel.

use airside_k8s::Value;
use airside_k8s::fields::{maps, text, texts};
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "sudo-in-command",
        title: "Container starts its program with sudo",
        why: "sudo needs a user that may become root and a container that lets it: an intruder in the program becomes root the same way.",
        fix: "Start the program as the user that it needs, and set allowPrivilegeEscalation to false.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1548.003")],
        controls: &[],
        equivalents: &["kubescape:C-0062", "kubescape:sudo-in-container-entrypoint"],
        judge: Judge::Container(sudo),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    command: [sh, -c, sudo /srv/web]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    command: [sh, -c, /srv/web]
",
    },
    Check {
        id: "git-sync-program",
        title: "git-sync runs whatever program a variable names",
        why: "git-sync starts what GITSYNC_GIT names in place of git: who may set variables of the pod runs a program of choice with its rights, past any check of commands.",
        fix: "Remove the variable GITSYNC_GIT; the image has git.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1059")],
        controls: &[],
        equivalents: &["checkov:CKV_K8S_159"],
        judge: Judge::Container(git_sync),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: pages}
spec:
  containers:
  - name: sync
    env: [{name: GITSYNC_GIT, value: /tmp/git}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: pages}
spec:
  containers:
  - name: sync
    env: [{name: GITSYNC_ROOT, value: /tmp/git}]
",
    },
    Check {
        id: "agent-sandbox-runtime",
        title: "Sandbox of an AI agent runs on the node's own kernel",
        why: "A sandbox runs code that nobody has read. Without a runtime with a kernel of its own (gVisor, Kata) one hole in the node's kernel lets it out.",
        fix: "Set runtimeClassName to a RuntimeClass of gVisor or Kata Containers.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &["kubescape:agent-sandbox-hardened-runtime-class"],
        judge: Judge::Pod(agent_sandbox),
        fails: r"apiVersion: extensions.agents.x-k8s.io/v1alpha1
kind: SandboxTemplate
metadata: {name: python}
spec:
  podTemplate:
    spec:
      containers:
      - {name: python, image: registry.example/python:3.14}
",
        passes: r"apiVersion: extensions.agents.x-k8s.io/v1alpha1
kind: SandboxTemplate
metadata: {name: python}
spec:
  podTemplate:
    spec:
      runtimeClassName: gvisor
      containers:
      - {name: python, image: registry.example/python:3.14}
",
    },
];

fn sudo(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let is_sudo = |text: &str| {
        let mut words = text.split(|char: char| char.is_whitespace() || ";&|()\"'".contains(char));
        words.any(|word| word.rsplit('/').next() == Some("sudo"))
    };
    for list in ["command", "args"] {
        let found = texts(container.container.fields, list).find(|(_, text)| is_sudo(text));
        if let Some((index, _)) = found {
            let path = container.path(list).index(index);
            return report.fail(path, format!("{} calls sudo", container.label()));
        }
    }
}

fn git_sync(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    const PROGRAM: &str = "GITSYNC_GIT";
    let mut variables = maps(container.container.fields, "env");
    if let Some((index, _)) = variables.find(|(_, env)| text(env, "name") == Some(PROGRAM)) {
        let path = container.path("env").index(index);
        report.fail(path, format!("{} sets {PROGRAM}", container.label()));
    }
}

/// Runtimes with a kernel of their own, by the names that their installers give.
fn is_hardened(runtime: &str) -> bool {
    const NAMES: [&str; 5] = ["gvisor", "runsc", "kata", "firecracker", "urunc"];
    NAMES.iter().any(|name| runtime.to_ascii_lowercase().contains(name))
}

fn agent_sandbox(pod: &Pod<'_>, report: &mut Report<'_>) {
    if !pod.object.group().ends_with("agents.x-k8s.io") {
        return;
    }
    let runtime = pod.field("runtimeClassName").and_then(Value::as_str).unwrap_or_default();
    if !is_hardened(runtime) {
        let how = match runtime {
            "" => "is not set".to_owned(),
            other => format!("`{other}` is none that is known to have a kernel of its own"),
        };
        report.fail(pod.path("runtimeClassName"), format!("runtimeClassName {how}"));
    }
}
