//! Pods and templates that reach for their node: privileged, in its namespaces, with its files.

use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{text, texts};
use super::super::pod_spec::{
    Container, POD_WRITERS, PodSpec, TEMPLATES, is_runtime_socket, is_sensitive_path,
};
use super::super::request::Request;
use super::{CREATE, Definition, Ended, Firing, On, WRITE};
use crate::rule::{Examples, Rule, SURE};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R37",
            version: 1,
            title: "Privileged pod created",
            why: "A privileged container owns its node: every device, every file, every other container.",
            next: "",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611"), technique("T1610")],
            equivalents: &[
                "falco:Create Privileged Pod",
                "panther:Kubernetes.Pod.Privileged.Created",
                "panther:GCP.K8S.Privileged.Pod.Created",
                "elastic:Kubernetes Privileged Pod Created",
                "crowdsec:crowdsecurity/k8s-audit-privileged-pod-creation",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a"}],"initContainers":[{"name":"b","securityContext":{"privileged":true}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","securityContext":{"privileged":false}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["pods", "pods/ephemeralcontainers"]),
        ended: Ended::Done,
        when: privileged,
    },
    Definition {
        rule: Rule {
            id: "AUD-R38",
            version: 1,
            title: "Privileged workload template written",
            why: "The controller will make privileged pods in its own name: this request is where a person stands behind them.",
            next: "",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611"), technique("T1610")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"deployments","namespace":"shop","name":"web"},"requestObject":[{"op":"add","path":"/spec/template/spec/containers/0/securityContext","value":{"privileged":true}}],"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"deployments","namespace":"shop","name":"web"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"shop/web:2"}]}}}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(WRITE, TEMPLATES),
        ended: Ended::Done,
        when: privileged,
    },
    Definition {
        rule: Rule {
            id: "AUD-R39",
            version: 1,
            title: "Pod shares the host's processes",
            why: "It sees every process of the node, their environments and files, and can end them.",
            next: "",
            severity: Severity::Medium,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[
                "panther:Kubernetes.Pod.Host.PID",
                "panther:GCP.K8s.Pod.Using.Host.PID.Namespace",
                "elastic:Kubernetes Pod Created With HostPID",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"daemonsets","namespace":"shop","name":"agent"},"requestObject":{"spec":{"template":{"spec":{"hostPID":true}}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"hostPID":false}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| flag(request, "hostPID", "processes"),
    },
    Definition {
        rule: Rule {
            id: "AUD-R40",
            version: 1,
            title: "Pod shares the host's inter-process communication",
            why: "It can read and write the shared memory of the node's processes.",
            next: "",
            severity: Severity::Medium,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[
                "panther:Kubernetes.Pod.Host.IPC",
                "elastic:Kubernetes Pod Created With HostIPC",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"hostIPC":true}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"hostIPC":true}},"responseStatus":{"code":403}}"#,
            }),
        },
        on: On::Resources(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| flag(request, "hostIPC", "inter-process communication"),
    },
    Definition {
        rule: Rule {
            id: "AUD-R41",
            version: 1,
            title: "Pod shares the host's network",
            why: "It speaks with the node's address, past network policies, and reaches what listens on the node only.",
            next: "",
            severity: Severity::Medium,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[
                "falco:Create HostNetwork Pod",
                "elastic:Kubernetes Pod Created With HostNetwork",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"hostNetwork":true}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"dnsPolicy":"ClusterFirst"}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| flag(request, "hostNetwork", "network"),
    },
    Definition {
        rule: Rule {
            id: "AUD-R42",
            version: 1,
            title: "Sensitive path of the host mounted",
            why: "Whoever writes these paths owns the node; whoever reads them has its keys.",
            next: "",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[
                "falco:Create Sensitive Mount Pod",
                "elastic:Kubernetes Pod created with a Sensitive hostPath Volume",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/var/../etc"}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/mnt/data"}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| {
            host_paths(request, |path| is_sensitive_path(path) && !is_runtime_socket(path))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R43",
            version: 1,
            title: "Container runtime's socket mounted",
            why: "The runtime starts any container, privileged too, for whoever speaks to its socket.",
            next: "",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &["falco:Create Sensitive Mount Pod"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/var/run/docker.sock"}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/run/app.sock"}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| host_paths(request, is_runtime_socket),
    },
    Definition {
        rule: Rule {
            id: "AUD-R44",
            version: 1,
            title: "Dangerous capabilities added",
            why: "These Linux capabilities lead out of a container, or into the traffic and memory of others.",
            next: "",
            severity: Severity::Medium,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[
                "panther:Kubernetes.Pod.Dangerous.Capabilities",
                "elastic:Kubernetes Container Created with Excessive Linux Capabilities",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","securityContext":{"capabilities":{"add":["SYS_ADMIN"]}}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","securityContext":{"capabilities":{"add":["NET_BIND_SERVICE"]}}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: capabilities,
    },
    Definition {
        rule: Rule {
            id: "AUD-R45",
            version: 1,
            title: "Container's confinement switched off",
            why: "Without seccomp, AppArmor or a masked /proc the kernel is open to the container.",
            next: "",
            severity: Severity::Low,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","securityContext":{"seccompProfile":{"type":"Unconfined"}}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","securityContext":{"seccompProfile":{"type":"RuntimeDefault"}}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| {
            containers(request, "switched the confinement off", |container| {
                let context = container.security_context();
                let unconfined = |profile| {
                    context.get(profile).is_some_and(|value| text(value, "type") == "Unconfined")
                };
                if unconfined("seccompProfile") {
                    Some(("seccompProfile.type", "Unconfined".to_owned()))
                } else if unconfined("appArmorProfile") {
                    Some(("appArmorProfile.type", "Unconfined".to_owned()))
                } else if text(context, "procMount") == "Unmasked" {
                    Some(("procMount", "Unmasked".to_owned()))
                } else {
                    None
                }
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R45-root",
            version: 1,
            title: "Pod asks to run as root",
            why: "Root in the container is root for every hole in the wall to the host.",
            next: "",
            severity: Severity::Info,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[
                "panther:Kubernetes.Pod.Privileged.Created",
                "panther:GCP.K8S.Privileged.Pod.Created",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","securityContext":{"runAsUser":0}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","securityContext":{"runAsUser":1000}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["pods"]),
        ended: Ended::Done,
        when: |request| {
            containers(request, "asked for root", |container| {
                let context = container.security_context();
                if context.get("runAsUser").and_then(airside_k8s::Value::as_i64) == Some(0) {
                    Some(("runAsUser", "0".to_owned()))
                } else {
                    let refused = context.get("runAsNonRoot").and_then(airside_k8s::Value::as_bool);
                    (refused == Some(false)).then(|| ("runAsNonRoot", "false".to_owned()))
                }
            })
        },
    },
];

/// Whether the request is the machinery's own business: in the cluster's namespaces, by its own hands.
fn is_own_business(request: &Request<'_>) -> bool {
    request.is_in_system_namespace() && request.is_by_trusted_system()
}

/// A firing about what a pod specification asks for. What a controller makes of a template was told when
/// the template was written, so it weighs less.
fn pod_firing(request: &Request<'_>, deed: &str) -> Firing {
    let name = match request.name() {
        "" => String::new(),
        name => format!(" {}/{name}", request.namespace()),
    };
    let kind = super::super::kind::of(request.resource());
    let firing = Firing::new(format!("{deed} of {kind}{name}"));
    if request.actor().is_workload_controller() { firing.at(Severity::Low) } else { firing }
}

/// Fires for containers of which a question has an answer: the field below the security context, and its
/// value.
fn containers(
    request: &Request<'_>,
    deed: &str,
    question: impl Fn(&Container<'_>) -> Option<(&'static str, String)>,
) -> Option<Firing> {
    let spec = PodSpec::of(request).filter(|_| !is_own_business(request))?;
    let mut names = Vec::new();
    let mut values = Vec::new();
    for container in spec.containers() {
        if let Some((field, value)) = question(&container) {
            names.push(text(container.value, "name"));
            values.push((
                format!("requestObject.{}.securityContext.{field}", container.field),
                value,
            ));
        }
    }
    let first = names.first()?;
    let firing = pod_firing(request, &format!("{deed} for container {first}"));
    Some(values.iter().fold(firing, |firing, (field, value)| firing.with(field, value)))
}

fn privileged(request: &Request<'_>) -> Option<Firing> {
    containers(request, "asked for privileges", |container| {
        container.is_privileged().then(|| ("privileged", "true".to_owned()))
    })
}

fn capabilities(request: &Request<'_>) -> Option<Firing> {
    const DANGEROUS: [&str; 12] = [
        "ALL",
        "BPF",
        "DAC_OVERRIDE",
        "DAC_READ_SEARCH",
        "NET_ADMIN",
        "PERFMON",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_MODULE",
        "SYS_PTRACE",
        "SYS_RAWIO",
        "SYSLOG",
    ];
    containers(request, "added capabilities", |container| {
        let added = container.security_context().get("capabilities").map(|capabilities| {
            texts(capabilities, "add")
                .filter(|name| DANGEROUS.contains(&name.trim_start_matches("CAP_")))
                .collect::<Vec<_>>()
                .join(", ")
        });
        added.filter(|added| !added.is_empty()).map(|added| ("capabilities.add", added))
    })
}

fn flag(request: &Request<'_>, name: &str, what: &str) -> Option<Firing> {
    let spec = PodSpec::of(request).filter(|_| !is_own_business(request))?;
    spec.has(name).then(|| {
        pod_firing(request, &format!("shared the host's {what} with the pods"))
            .with(&format!("requestObject.{}", spec.field(name)), "true")
    })
}

fn host_paths(request: &Request<'_>, counts: impl Fn(&str) -> bool) -> Option<Firing> {
    let spec = PodSpec::of(request).filter(|_| !is_own_business(request))?;
    let paths: Vec<_> = spec.host_paths().into_iter().filter(|(_, path)| counts(path)).collect();
    let (_, first) = paths.first()?;
    let firing = pod_firing(request, &format!("mounted {first} of the host into the pods"));
    Some(
        paths.iter().fold(firing, |firing, (field, path)| {
            firing.with(&format!("requestObject.{field}"), path)
        }),
    )
}
