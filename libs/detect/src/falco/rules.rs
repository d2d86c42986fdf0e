//! What Falco's rules mean: title, severity and ATT&CK mapping of our own for each rule that Falco ships.
//!
//! Falco's own tags are incomplete and partly wrong (contacting the API server is tagged as data
//! manipulation, installing packages as a server component); its priorities say how urgent an alert is for
//! Falco, ours how bad the event is by itself. Names: falcosecurity/rules, June 2026.

use airside_types::attack::technique;
use airside_types::{Confidence, Severity, Source, Tactic};

use crate::rule::{LIKELY, PLAUSIBLE, Rule, WEAK};

/// The most quiet severities are of alerts that mean something only together with others.
const fn confidence(severity: Severity) -> Confidence {
    match severity {
        Severity::Info => WEAK,
        Severity::Low => PLAUSIBLE,
        Severity::Medium | Severity::High | Severity::Critical => LIKELY,
    }
}

/// One of Falco's rules: its name, our id's end, severity, tactic, techniques, and why it matters.
macro_rules! alert {
    ($name:literal, $slug:literal, $severity:ident, $tactic:ident, [$($technique:literal),+], $why:literal) => {
        Rule {
            id: concat!("FALCO-", $slug),
            version: 1,
            title: $name,
            why: $why,
            next: "",
            severity: Severity::$severity,
            confidence: confidence(Severity::$severity),
            tactic: Tactic::$tactic,
            techniques: &[$(technique($technique)),+],
            equivalents: &[concat!("falco:", $name)],
            source: Source::Falco,
            examples: None,
        }
    };
}

/// In the order of Falco's own catalogue: stable, incubating, sandbox.
#[rustfmt::skip]
pub(super) static RULES: &[Rule] = &[
    alert!("Directory traversal monitored file read", "directory-traversal-monitored-file-read", Medium, CredentialAccess, ["T1552.001"], "A program was led along `..` to a file that it should not read."),
    alert!("Read sensitive file trusted after startup", "read-sensitive-file-trusted-after-startup", Medium, CredentialAccess, ["T1003.008", "T1552.001"], "A program that reads such files when it starts did so again later: somebody uses it for that."),
    alert!("Read sensitive file untrusted", "read-sensitive-file-untrusted", Medium, CredentialAccess, ["T1552.001", "T1003.008"], "A file with credentials was opened by a program that has no business with it."),
    alert!("Run shell untrusted", "run-shell-untrusted", Medium, Execution, ["T1059.004"], "A server program started a shell, as exploited ones do."),
    alert!("System user interactive", "system-user-interactive", Low, Execution, ["T1059.004"], "An account that no person logs in with ran a command interactively."),
    alert!("Terminal shell in container", "terminal-shell-in-container", Low, Execution, ["T1609", "T1059.004"], "Somebody has a terminal in a container, whether to debug or to attack."),
    alert!("Contact K8S API Server From Container", "contact-k8s-api-server-from-container", Info, Discovery, ["T1613", "T1552.007"], "Operators do it all day; an application that never did is being used to look around."),
    alert!("Netcat Remote Code Execution in Container", "netcat-remote-code-execution-in-container", High, Execution, ["T1059.004", "T1095"], "Netcat was told to run a program for whoever connects."),
    alert!("Search Private Keys or Passwords", "search-private-keys-or-passwords", Medium, CredentialAccess, ["T1552.001", "T1552.004"], "A search for keys and passwords in files."),
    alert!("Clear Log Activities", "clear-log-activities", Medium, DefenseEvasion, ["T1070"], "Logs were emptied, which hides what came before."),
    alert!("Remove Bulk Data from Disk", "remove-bulk-data-from-disk", High, Impact, ["T1485"], "A program that destroys data for good was run."),
    alert!("Create Symlink Over Sensitive Files", "create-symlink-over-sensitive-files", Medium, CredentialAccess, ["T1552.001"], "A link makes a file with credentials readable under another name."),
    alert!("Create Hardlink Over Sensitive Files", "create-hardlink-over-sensitive-files", Medium, CredentialAccess, ["T1552.001"], "A second name for a file with credentials outlives a change of the first."),
    alert!("Packet socket created in container", "packet-socket-created-in-container", Medium, CredentialAccess, ["T1040", "T1557.002"], "Such a socket reads and forges the traffic of neighbours."),
    alert!("Redirect STDOUT/STDIN to Network Connection in Container", "redirect-stdout-stdin-to-network-connection-in-container", High, Execution, ["T1059.004", "T1095"], "A program's input and output lead to the network: the sign of a reverse shell."),
    alert!("Linux Kernel Module Injection Detected", "linux-kernel-module-injection-detected", High, Persistence, ["T1547.006", "T1014"], "Code in the kernel sees and hides everything."),
    alert!("Debugfs Launched in Privileged Container", "debugfs-launched-in-privileged-container", High, PrivilegeEscalation, ["T1611"], "debugfs reads and writes the host's disks past all permissions."),
    alert!("Detect release_agent File Container Escapes", "detect-release-agent-file-container-escapes", Critical, PrivilegeEscalation, ["T1611"], "The host's kernel runs what this file names: a known way out of a container."),
    alert!("PTRACE attached to process", "ptrace-attached-to-process", Medium, PrivilegeEscalation, ["T1055.008"], "One process took control of another."),
    alert!("PTRACE anti-debug attempt", "ptrace-anti-debug-attempt", Low, DefenseEvasion, ["T1622"], "A program makes sure that nobody watches it."),
    alert!("Find AWS Credentials", "find-aws-credentials", Medium, CredentialAccess, ["T1552.001"], "A search for the keys of a cloud account."),
    alert!("Execution from /dev/shm", "execution-from-dev-shm", Medium, Execution, ["T1059.004"], "Memory that every process may write is where dropped tools are run from."),
    alert!("Drop and execute new binary in container", "drop-and-execute-new-binary-in-container", High, Execution, ["T1105", "T1059"], "The program is not part of the image: somebody brought it in after the start."),
    alert!("Disallowed SSH Connection Non Standard Port", "disallowed-ssh-connection-non-standard-port", Medium, CommandAndControl, ["T1571", "T1021.004"], "SSH to an unusual port is how tunnels and implants call home."),
    alert!("Fileless execution via memfd_create", "fileless-execution-via-memfd-create", High, DefenseEvasion, ["T1620"], "A program was run from memory, without ever being a file."),
    alert!("Modify Shell Configuration File", "modify-shell-configuration-file", Medium, Persistence, ["T1546.004"], "What stands there runs at every login."),
    alert!("Schedule Cron Jobs", "schedule-cron-jobs", Medium, Persistence, ["T1053.003"], "A scheduled command comes back by itself."),
    alert!("Read ssh information", "read-ssh-information", Medium, CredentialAccess, ["T1552.004"], "Keys and known hosts lead to other machines."),
    alert!("DB program spawned process", "db-program-spawned-process", Medium, InitialAccess, ["T1190", "T1059.004"], "A database started a program, as injected queries make it do."),
    alert!("Change thread namespace", "change-thread-namespace", Medium, PrivilegeEscalation, ["T1611"], "A process entered another namespace, such as the host's."),
    alert!("Change namespace privileges via unshare", "change-namespace-privileges-via-unshare", Medium, PrivilegeEscalation, ["T1611"], "New namespaces give capabilities that kernel bugs turn into root."),
    alert!("Launch Privileged Container", "launch-privileged-container", Low, PrivilegeEscalation, ["T1611", "T1610"], "The container owns its node."),
    alert!("Launch Excessively Capable Container", "launch-excessively-capable-container", Low, PrivilegeEscalation, ["T1611", "T1610"], "The container was given capabilities that lead out of it."),
    alert!("System procs network activity", "system-procs-network-activity", Medium, CommandAndControl, ["T1095", "T1071"], "A system program that never speaks on the network did."),
    alert!("Program run with disallowed http proxy env", "program-run-with-disallowed-http-proxy-env", Low, CommandAndControl, ["T1090"], "The program's traffic is led through somebody else's proxy."),
    alert!("Unexpected UDP Traffic", "unexpected-udp-traffic", Low, Exfiltration, ["T1048", "T1095"], "Data can leave, and orders come in, over ports that nobody watches."),
    alert!("Non sudo setuid", "non-sudo-setuid", Low, PrivilegeEscalation, ["T1548.001"], "A process changed its user by itself."),
    alert!("User mgmt binaries", "user-mgmt-binaries", Medium, Persistence, ["T1136.001", "T1098"], "Accounts were added or changed."),
    alert!("Create files below dev", "create-files-below-dev", Medium, DefenseEvasion, ["T1014", "T1564.001"], "Ordinary files among devices are hidden ones."),
    alert!("Contact EC2 Instance Metadata Service From Container", "contact-ec2-instance-metadata-service-from-container", Medium, CredentialAccess, ["T1552.005"], "The metadata service gives out the node's cloud credentials."),
    alert!("Contact cloud metadata service from container", "contact-cloud-metadata-service-from-container", Medium, CredentialAccess, ["T1552.005"], "The metadata service gives out the node's cloud credentials."),
    alert!("Launch Package Management Process in Container", "launch-package-management-process-in-container", Low, CommandAndControl, ["T1105"], "Tools that the image does not have were installed, by a debugging person or an intruder."),
    alert!("Launch Suspicious Network Tool in Container", "launch-suspicious-network-tool-in-container", Low, Discovery, ["T1046", "T1040"], "A tool for scanning or capturing was run."),
    alert!("Launch Suspicious Network Tool on Host", "launch-suspicious-network-tool-on-host", Medium, Discovery, ["T1046", "T1040"], "A tool for scanning or capturing was run on a node."),
    alert!("Delete or rename shell history", "delete-or-rename-shell-history", Medium, DefenseEvasion, ["T1070.003"], "Somebody does not want to be seen to have typed."),
    alert!("Set Setuid or Setgid bit", "set-setuid-or-setgid-bit", Medium, PrivilegeEscalation, ["T1548.001"], "Whoever runs the file gets its owner's rights."),
    alert!("Launch Remote File Copy Tools in Container", "launch-remote-file-copy-tools-in-container", Medium, Exfiltration, ["T1048", "T1020"], "A tool that copies files to other machines was run."),
    alert!("Network Connection outside Local Subnet", "network-connection-outside-local-subnet", Low, CommandAndControl, ["T1071"], "A workload that should stay inside connected outside."),
    alert!("Mount Launched in Privileged Container", "mount-launched-in-privileged-container", High, PrivilegeEscalation, ["T1611"], "Mounting the host's disk gives all its files."),
    alert!("Launch Ingress Remote File Copy Tools in Container", "launch-ingress-remote-file-copy-tools-in-container", Medium, CommandAndControl, ["T1105"], "A file was fetched from outside."),
    alert!("Read environment variable from /proc files", "read-environment-variable-from-proc-files", Low, CredentialAccess, ["T1552.001"], "Environments hold passwords; other processes' can be read here."),
    alert!("Exfiltrating Artifacts via Kubernetes Control Plane", "exfiltrating-artifacts-via-kubernetes-control-plane", Medium, Exfiltration, ["T1041", "T1048"], "Files left the container through the API server's own connection."),
    alert!("Adding ssh keys to authorized_keys", "adding-ssh-keys-to-authorized-keys", High, Persistence, ["T1098.004"], "Whoever holds the key can log in from now on."),
    alert!("Potential Local Privilege Escalation via Environment Variables Misuse", "potential-local-privilege-escalation-via-environment-variables-misuse", Medium, PrivilegeEscalation, ["T1068"], "An environment as exploits of the C library's loader need it (CVE-2023-4911)."),
    alert!("Backdoored library loaded into SSHD (CVE-2024-3094)", "backdoored-library-loaded-into-sshd-cve-2024-3094", Critical, InitialAccess, ["T1195.002", "T1556"], "The SSH server runs code that lets strangers in."),
    alert!("BPF Program Not Profiled", "bpf-program-not-profiled", Medium, DefenseEvasion, ["T1014"], "Code in the kernel can hide and change what others see."),
    alert!("Unexpected inbound connection source", "unexpected-inbound-connection-source", Low, InitialAccess, ["T1133"], "Somebody from outside the expected networks connected."),
    alert!("Read Shell Configuration File", "read-shell-configuration-file", Info, Discovery, ["T1083"], "Such files tell about people and programs."),
    alert!("Update Package Repository", "update-package-repository", Low, InitialAccess, ["T1195.002"], "From now on packages come from there."),
    alert!("Write below binary dir", "write-below-binary-dir", High, Persistence, ["T1574", "T1543"], "A program that others trust was put there or replaced."),
    alert!("Write below monitored dir", "write-below-monitored-dir", Medium, Persistence, ["T1574", "T1543"], "A directory that is watched because nothing should change there was changed."),
    alert!("Write below etc", "write-below-etc", Medium, Persistence, ["T1543", "T1098"], "The system's configuration was changed."),
    alert!("Write below root", "write-below-root", Medium, Persistence, ["T1543"], "A file appeared where no program keeps its own."),
    alert!("Write below rpm database", "write-below-rpm-database", Medium, DefenseEvasion, ["T1036"], "What the package manager believes to be installed was changed."),
    alert!("Modify binary dirs", "modify-binary-dirs", Medium, DefenseEvasion, ["T1036.005", "T1574"], "Programs were renamed or removed, as replacing or hiding one needs it."),
    alert!("Mkdir binary dirs", "mkdir-binary-dirs", Medium, DefenseEvasion, ["T1036.005"], "A directory among programs is a place to hide in."),
    alert!("Launch Sensitive Mount Container", "launch-sensitive-mount-container", Low, PrivilegeEscalation, ["T1611", "T1610"], "The container has a sensitive path of its node."),
    alert!("Launch Disallowed Container", "launch-disallowed-container", Low, Execution, ["T1610"], "An image that is not on the list was started."),
    alert!("Interpreted procs inbound network activity", "interpreted-procs-inbound-network-activity", Low, CommandAndControl, ["T1095"], "A script listens on the network."),
    alert!("Interpreted procs outbound network activity", "interpreted-procs-outbound-network-activity", Low, CommandAndControl, ["T1095"], "A script connects to the network."),
    alert!("Unexpected K8s NodePort Connection", "unexpected-k8s-nodeport-connection", Low, InitialAccess, ["T1133"], "Somebody came in through a port that is open on every node."),
    alert!("Create Hidden Files or Directories", "create-hidden-files-or-directories", Low, DefenseEvasion, ["T1564.001"], "Hidden files are where tools and loot are kept."),
    alert!("Detect outbound connections to common miner pool ports", "detect-outbound-connections-to-common-miner-pool-ports", High, Impact, ["T1496.001"], "Mining pools are reached over these ports."),
    alert!("Detect crypto miners using the Stratum protocol", "detect-crypto-miners-using-the-stratum-protocol", Critical, Impact, ["T1496.001"], "The command line speaks the protocol of mining pools."),
    alert!("Kubernetes Client Tool Launched in Container", "kubernetes-client-tool-launched-in-container", Medium, Execution, ["T1059.013", "T1613"], "The container's service account is being used by hand."),
    alert!("Container Drift Detected (chmod)", "container-drift-detected-chmod", Medium, Execution, ["T1059", "T1222.002"], "A file that is not part of the image was made executable."),
    alert!("Container Drift Detected (open+create)", "container-drift-detected-open-create", Medium, Execution, ["T1059", "T1105"], "An executable file that is not part of the image was written."),
    alert!("Container Run as Root User", "container-run-as-root-user", Info, PrivilegeEscalation, ["T1611"], "Root in the container is root for every hole in the wall to the host."),
    alert!("Sudo Potential Privilege Escalation", "sudo-potential-privilege-escalation", Critical, PrivilegeEscalation, ["T1068", "T1548.003"], "sudo was called as an exploit calls it (CVE-2021-3156)."),
    alert!("Unprivileged Delegation of Page Faults Handling to a Userspace Process", "unprivileged-delegation-of-page-faults-handling-to-a-userspace-process", High, PrivilegeEscalation, ["T1068"], "Exploits of the kernel win their races this way."),
    alert!("Polkit Local Privilege Escalation Vulnerability (CVE-2021-4034)", "polkit-local-privilege-escalation-vulnerability-cve-2021-4034", Critical, PrivilegeEscalation, ["T1068"], "pkexec was called as an exploit calls it."),
    alert!("Java Process Class File Download", "java-process-class-file-download", Critical, InitialAccess, ["T1190"], "A Java program fetched code from outside, as Log4Shell makes it do (CVE-2021-44228)."),
    alert!("Modify Container Entrypoint", "modify-container-entrypoint", High, PrivilegeEscalation, ["T1611"], "The container's entry was overwritten through /proc, as escapes through runc do (CVE-2019-5736)."),
    alert!("Decoding Payload in Container", "decoding-payload-in-container", Low, CommandAndControl, ["T1132"], "Something that came in encoded was decoded."),
    alert!("Basic Interactive Reconnaissance", "basic-interactive-reconnaissance", Low, Discovery, ["T1033", "T1082"], "Somebody at a terminal asks who and where they are."),
    alert!("Netcat/Socat Remote Code Execution on Host", "netcat-socat-remote-code-execution-on-host", High, Execution, ["T1059.004", "T1095"], "A node runs a program for whoever connects."),
    alert!("Network Tool Executed During NPM Package Install", "network-tool-executed-during-npm-package-install", High, Execution, ["T1195.002", "T1059"], "A package's install script went to the network."),
    alert!("Known Cryptominer Process Executed", "known-cryptominer-process-executed", Critical, Impact, ["T1496.001"], "A miner runs."),
    alert!("Web Server Spawned Shell", "web-server-spawned-shell", Critical, Execution, ["T1059.004", "T1505.003"], "A web server started a shell: a web shell or an exploit."),
    alert!("Web Server Spawned Suspicious Child Process", "web-server-spawned-suspicious-child-process", Medium, Execution, ["T1059", "T1190"], "A web server started a program that it has no use for."),
    alert!("Reverse Shell from Web Server", "reverse-shell-from-web-server", Critical, Execution, ["T1059.004", "T1095"], "A web server hands a shell to a machine outside."),
    alert!("Privileged Container Device Access", "privileged-container-device-access", High, PrivilegeEscalation, ["T1611"], "A container opened a disk of its node."),
    alert!("Container Access to Host Sensitive Paths", "container-access-to-host-sensitive-paths", High, PrivilegeEscalation, ["T1611"], "A container opened files of its node."),
];
