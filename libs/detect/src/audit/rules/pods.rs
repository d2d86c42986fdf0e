//! Pods and templates that reach for their node: privileged, in its namespaces, with its capabilities.
//!
//! Which checks of the scanner a rule stands for is `judged.rs`'; the node's files are `host_paths.rs`'.

use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::pod_spec::{POD_WRITERS, TEMPLATES};
use super::judged::{
    BEYOND_BASELINE, CAPABILITIES, HOST_IPC, HOST_NETWORK, HOST_PID, HOST_PORT, PRIVILEGED, judged,
};
use super::{Definition, Ended, On, WRITE};
use crate::rule::{Examples, Rule, SURE};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R37",
            version: 2,
            title: "Privileged pod created",
            why: "A privileged container owns its node: every device, every file, every other container. So does a host process on Windows.",
            next: "Who wrote it and whether it belongs to a known node agent; what ran in its containers and on their nodes since (runtime detections), and what else the same identity did.",
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
                "sigma:Privileged Container Deployed",
                "splunk:Kubernetes Create or Update Privileged Pod",
                "guardduty:PrivilegeEscalation:Kubernetes/PrivilegedContainer",
                "stratus:k8s.privilege-escalation.privileged-pod",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a"}],"initContainers":[{"name":"b","securityContext":{"privileged":true}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","securityContext":{"privileged":false}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["pods", "pods/ephemeralcontainers"]),
        ended: Ended::Done,
        when: |request| judged(request, PRIVILEGED, Severity::High),
    },
    Definition {
        rule: Rule {
            id: "AUD-R38",
            version: 2,
            title: "Privileged workload template written",
            why: "The controller will make privileged pods in its own name: this request is where a person stands behind them.",
            next: "Who wrote it and whether it belongs to a known node agent; what ran in its containers and on their nodes since (runtime detections), and what else the same identity did.",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611"), technique("T1610")],
            equivalents: &[
                "guardduty:PrivilegeEscalation:Kubernetes/AnomalousBehavior.WorkloadDeployed!PrivilegedContainer",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":[{"op":"add","path":"/spec/template/spec/containers/0/securityContext","value":{"privileged":true}}],"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"shop/web:2"}]}}}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Workloads(WRITE, TEMPLATES),
        ended: Ended::Done,
        when: |request| judged(request, PRIVILEGED, Severity::High),
    },
    Definition {
        rule: Rule {
            id: "AUD-R39",
            version: 2,
            title: "Pod shares the host's processes",
            why: "It sees every process of the node, their environments and files, and can end them.",
            next: "Which program asked for it and on which nodes its pods run; whether the identity that wrote it deploys node agents at all.",
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
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"daemonsets","apiGroup":"apps","namespace":"shop","name":"agent"},"requestObject":{"spec":{"template":{"spec":{"hostPID":true}}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"hostPID":false}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| judged(request, HOST_PID, Severity::Medium),
    },
    Definition {
        rule: Rule {
            id: "AUD-R40",
            version: 2,
            title: "Pod shares the host's inter-process communication",
            why: "It can read and write the shared memory of the node's processes.",
            next: "Which program asked for it and on which nodes its pods run; whether the identity that wrote it deploys node agents at all.",
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
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| judged(request, HOST_IPC, Severity::Medium),
    },
    Definition {
        rule: Rule {
            id: "AUD-R41",
            version: 2,
            title: "Pod shares the host's network",
            why: "It speaks with the node's address, past network policies, and reaches what listens on the node only.",
            next: "Which program asked for it and on which nodes its pods run; whether the identity that wrote it deploys node agents at all. From its node's address it may also have asked the cloud's metadata service.",
            severity: Severity::Medium,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[
                "falco:Create HostNetwork Pod",
                "elastic:Kubernetes Pod Created With HostNetwork",
                "splunk:Kubernetes Pod With Host Network Attachment",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"hostNetwork":true}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"dnsPolicy":"ClusterFirst"}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| judged(request, HOST_NETWORK, Severity::Medium),
    },
    Definition {
        rule: Rule {
            id: "AUD-R41-port",
            version: 1,
            title: "Port of the node opened by a pod",
            why: "The port is open on the node's addresses, past Services and often past network policies.",
            next: "What listens there, who can reach the node's addresses, and whether the port belongs to a known agent.",
            severity: Severity::Info,
            confidence: SURE,
            tactic: Tactic::CommandAndControl,
            techniques: &[technique("T1571")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"hostPort":8080}]}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","ports":[{"containerPort":80}]}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| judged(request, HOST_PORT, Severity::Info),
    },
    Definition {
        rule: Rule {
            id: "AUD-R44",
            version: 2,
            title: "Dangerous capabilities added",
            why: "These Linux capabilities lead out of a container, or into the traffic and memory of others.",
            next: "Which program needs the capability, and what it did with it on its node: modules, mounts, traces, raw packets.",
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
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| judged(request, CAPABILITIES, Severity::Medium),
    },
    Definition {
        rule: Rule {
            id: "AUD-R44-baseline",
            version: 1,
            title: "Capabilities added that runtimes withhold",
            why: "Runtimes withhold these capabilities because they act beyond the container: on clocks, memory, audit, or the traffic of neighbours.",
            next: "Which program needs the capability; whether it reads or forges traffic that is not its own.",
            severity: Severity::Info,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","securityContext":{"capabilities":{"add":["NET_RAW"]}}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","securityContext":{"capabilities":{"add":["SYS_ADMIN","CHOWN"]}}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| judged(request, BEYOND_BASELINE, Severity::Info),
    },
];
