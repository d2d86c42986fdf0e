//! Checks on credentials in environment variables: written out, and taken from a Secret.

use airside_k8s::fields::{maps, text};
use airside_k8s::graph::{Referent, references};
use airside_types::Severity;
use airside_types::attack::technique;

use super::{described, is_shaped};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::secrets::{Found, Style, search};
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "credential-in-env",
        title: "Environment variable holds a credential",
        why: "Whoever can read the workload, its repository or a backup of either has the credential, and so have all processes of the container and whatever logs its environment.",
        fix: "Put the value into a Secret, mount it as a file or refer to it with secretKeyRef, and replace the credential: it has been in the open.",
        severity: Severity::High,
        category: Category::Secrets,
        techniques: &[technique("T1552.001"), technique("T1552.007")],
        controls: &[],
        equivalents: &[
            "kube-linter:env-var-secret",
            "polaris:sensitiveContainerEnvVar",
            "kubescape:C-0012",
            "kubescape:C-0259",
        ],
        judge: Judge::Container(|container, report| literals(container, true, report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    env:
    - {name: DATABASE, value: 'postgres://shop:mXq7-dune@db:5432/shop'}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    env:
    - {name: DATABASE, value: 'postgres://shop:$(DATABASE_WORD)@db:5432/shop'}
",
    },
    Check {
        id: "literal-secret-in-env",
        title: "Environment variable with the name of a credential has a literal value",
        why: "The name says that the value is a password, a token or a key, and the value is written out: whoever can read the workload or its repository knows it.",
        fix: "Put the value into a Secret, and mount it as a file or refer to it with secretKeyRef; replace a value that was in use.",
        severity: Severity::Medium,
        category: Category::Secrets,
        techniques: &[technique("T1552.001"), technique("T1552.007")],
        controls: &[],
        equivalents: &[
            "kube-linter:env-var-secret",
            "polaris:sensitiveContainerEnvVar",
            "kubescape:C-0012",
            "kubescape:C-0259",
        ],
        judge: Judge::Container(|container, report| literals(container, false, report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    env:
    - {name: DATABASE_PASSWORD, value: sunflower}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    env:
    - {name: DATABASE_PASSWORD, value: $(FROM_ELSEWHERE)}
",
    },
    Check {
        id: "secret-in-env",
        title: "Secret is handed over as an environment variable",
        why: "Child processes inherit it, crash reports and debug pages print it, and it does not change in a running container when the Secret is rotated.",
        fix: "Mount the Secret as a volume, read-only, and let the program read the file.",
        severity: Severity::Low,
        category: Category::Secrets,
        techniques: &[technique("T1552.007")],
        controls: &[
            "cis-v1.12.0:5.4.1",
            "cis-aks-t1.8.0:4.5.1",
            "cis-eks-t1.8.0:4.4.1",
            "cis-gke-v1.9.0:4.4.1",
        ],
        equivalents: &[
            "kube-linter:read-secret-from-env-var",
            "kubescape:C-0207",
            "checkov:CKV_K8S_35",
            "kyverno:other/disallow-secrets-from-env-vars",
            "kubesec:SecretsAsEnvironmentVariables",
            "kyverno:other/secrets-not-from-env-vars",
            "kubescape:rule-credentials-in-env-var",
        ],
        judge: Judge::Pod(from_secrets),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    env:
    - name: DATABASE_PASSWORD
      valueFrom: {secretKeyRef: {name: database, key: password}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    volumeMounts:
    - {name: database, mountPath: /run/database, readOnly: true}
  volumes:
  - {name: database, secret: {secretName: database}}
",
    },
];

fn literals(container: &ContainerOf<'_>, shaped: bool, report: &mut Report<'_>) {
    for (index, variable) in maps(container.container.fields, "env") {
        let (Some(name), Some(value)) = (text(variable, "name"), text(variable, "value")) else {
            continue;
        };
        let search = search(name, value, Style::Values);
        // One that is known by its shape speaks for the whole variable.
        let has_shaped = search.found.iter().any(|found| is_shaped(&found));
        let wanted = |found: &&Found| is_shaped(found) == shaped;
        if has_shaped == shaped
            && let Some(what) = described(search.found.iter().filter(wanted))
        {
            let path = container.path("env").index(index).key("value");
            let label = container.label();
            report.fail(path, format!("variable `{name}` of {label} holds {what}"));
        }
    }
}

fn from_secrets(pod: &Pod<'_>, report: &mut Report<'_>) {
    for reference in references(pod.spec) {
        if reference.is_environment && reference.to == Referent::Secret {
            let name = reference.name;
            let message = match reference.key {
                Some(key) => {
                    format!("key `{key}` of Secret `{name}` becomes an environment variable")
                }
                None => format!("all keys of Secret `{name}` become environment variables"),
            };
            report.fail(reference.path, message);
        }
    }
}
