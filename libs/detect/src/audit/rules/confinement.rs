//! Containers whose confinement is loosened: system call filters, kernel modules of security, users.

use airside_types::attack::technique;
use airside_types::{FieldPath, Severity, Source, Step, Tactic};

use super::super::pod_spec::{POD_WRITERS, TEMPLATES};
use super::super::request::Request;
use super::judged::{CONFINEMENT, ESCALATION, INJECTION, ROOT, judged, wrote};
use super::{CREATE, Definition, Ended, Firing, MODIFY, On, WRITE};
use crate::rule::{Examples, PLAUSIBLE, Rule, SURE};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R45",
            version: 2,
            title: "Container's confinement switched off",
            why: "Without seccomp, AppArmor, SELinux or a masked /proc the kernel is open to the container.",
            next: "Which program needs the kernel open; its system calls and crashes on the node since.",
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
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| judged(request, CONFINEMENT, Severity::Low),
    },
    Definition {
        rule: Rule {
            id: "AUD-R45-sysctl",
            version: 1,
            title: "Kernel parameter smuggled into a pod",
            why: "Some versions of CRI-O read what follows a + in a parameter's value as further parameters, such as a program that the node's kernel runs as root.",
            next: "Whether the nodes run such a version of CRI-O; then what kernel.core_pattern says on them, and which programs crashed.",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"securityContext":{"sysctls":[{"name":"kernel.shm_rmid_forced","value":"1+kernel.core_pattern=|/tmp/x"}]}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"securityContext":{"sysctls":[{"name":"kernel.shm_rmid_forced","value":"1"}]}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| judged(request, INJECTION, Severity::High),
    },
    Definition {
        rule: Rule {
            id: "AUD-R45-root",
            version: 2,
            title: "Pod asks to run as root",
            why: "Root in the container is root for every hole in the wall to the host.",
            next: "Whether the program needs root; what else the pod asks for.",
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
        on: On::Workloads(CREATE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| judged(request, ROOT, Severity::Info),
    },
    Definition {
        rule: Rule {
            id: "AUD-R45-escalation",
            version: 1,
            title: "Pod keeps the ways to more privileges",
            why: "The pod says itself that its programs may gain privileges, or that its users are the node's.",
            next: "Whether the image holds programs that need it (setuid), and who added the line.",
            severity: Severity::Info,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1548.001"), technique("T1611")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","securityContext":{"allowPrivilegeEscalation":true}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","securityContext":{"runAsNonRoot":true}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: |request| judged(request, ESCALATION, Severity::Info),
    },
    Definition {
        rule: Rule {
            id: "AUD-R45-removed",
            version: 1,
            title: "Protection of a workload taken away",
            why: "What kept the container small goes without anything else being said: no field asks for more, and yet it may do more.",
            next: "What the workload looked like before, who took the protection away and whether it was exploited since.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562"), technique("T1548")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":[{"op":"remove","path":"/spec/template/spec/containers/0/securityContext"}],"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":[{"op":"remove","path":"/spec/template/spec/containers/0/securityContext/privileged"}],"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Workloads(MODIFY, TEMPLATES),
        ended: Ended::Done,
        when: taken_away,
    },
];

/// Fields that only ever keep a container from something.
const PROTECTIONS: [&str; 8] = [
    "allowPrivilegeEscalation",
    "appArmorProfile",
    "drop",
    "readOnlyRootFilesystem",
    "runAsNonRoot",
    "seLinuxOptions",
    "seccompProfile",
    "securityContext",
];

fn taken_away(request: &Request<'_>) -> Option<Firing> {
    if request.is_by_trusted_system() {
        return None;
    }
    let change = request.change();
    let is_protection = |path: &FieldPath| {
        let key = path.steps().filter_map(|step| match step {
            Step::Key(key) => Some(key),
            Step::Index(_) => None,
        });
        key.last().is_some_and(|key| PROTECTIONS.contains(&&*key))
    };
    let mut removed = change.removed().iter();
    let field = removed.find(|path| is_protection(path) && change.removes_field(path))?;
    let firing = Firing::new(format!("{}: {field} taken away", wrote(request)));
    Some(firing.with("removed", field.as_str()))
}
