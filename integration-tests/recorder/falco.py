"""Writes alerts in the shape in which Falco 0.40 and newer posts them to its HTTP output.

Owns: that shape, and for each rule that the stories need its priority, tags and output fields as Falco's own rule
files have them. The sentence in `output` is ours; everything that a program reads is Falco's.
Leaves to others: which alert is due when. Nothing is exploited: an alert is what the step would have caused.

The recorded Falco runs with the container plugin's fields and `append_output: [{extra_fields: [k8s.pod.uid]}]`.
"""
import time
from dataclasses import dataclass
from datetime import datetime, timezone

PROCESS = ("evt.type", "user.name", "user.uid", "user.loginuid", "proc.name", "proc.exepath", "proc.pname",
           "proc.cmdline", "proc.tty")
CONTAINER = ("container.id", "container.name", "container.image.repository", "container.image.tag", "k8s.pod.name",
             "k8s.ns.name")
SHOWN = {"evt.type": "evt_type", "user.name": "user", "user.uid": "user_uid", "user.loginuid": "user_loginuid",
         "proc.name": "process", "proc.exepath": "proc_exepath", "proc.pname": "parent", "proc.cmdline": "command",
         "proc.tty": "terminal", "evt.arg.flags": "exe_flags", "fd.name": "file", "fd.lport": "lport",
         "fd.rport": "rport", "fd.type": "fd_type", "fd.l4proto": "fd_proto", "proc.aname[2]": "gparent",
         "proc.exe": "proc_exe", "proc.cwd": "proc_cwd", "proc.pexe": "parent_exe", "proc.pexepath": "parent_exepath",
         "proc.pcmdline": "pcmdline", "container.id": "container_id", "container.name": "container_name",
         "container.image.repository": "container_image_repository", "container.image.tag": "container_image_tag",
         "k8s.pod.name": "k8s_pod_name", "k8s.ns.name": "k8s_ns_name"}


@dataclass(frozen=True)
class Rule:
    """A Falco rule: how it is reported. `event` is the syscall, `first` the fields before the process's own."""

    priority: str
    tags: tuple
    event: str
    sentence: str
    first: tuple = ()
    last: tuple = ()


FLAGS = ("evt.arg.flags",)
RULES = {
    "Run shell untrusted": Rule(
        "Notice", ("maturity_stable", "host", "container", "process", "shell", "mitre_execution", "T1059.004"), "execve",
        "A program that should not start shells started one",
        ("proc.pexe", "proc.pexepath", "proc.pcmdline", "proc.aname[2]"), FLAGS),
    "Web Server Spawned Shell": Rule(
        "Critical", ("maturity_sandbox", "host", "container", "process", "mitre_persistence", "mitre_execution",
                     "T1505.003"), "execve", "A web server started a shell", ("proc.aname[2]",), FLAGS),
    "Launch Ingress Remote File Copy Tools in Container": Rule(
        "Notice", ("maturity_incubating", "container", "network", "process", "mitre_command_and_control", "TA0011"),
        "execve", "A download tool started in a container", (), FLAGS),
    "Drop and execute new binary in container": Rule(
        "Critical", ("maturity_stable", "container", "process", "mitre_persistence", "TA0003", "PCI_DSS_11.5.1"),
        "execve", "A program ran that the image did not bring", ("proc.exe", "proc.aname[2]", "proc.cwd"), FLAGS),
    "Read sensitive file untrusted": Rule(
        "Warning", ("maturity_stable", "host", "container", "filesystem", "mitre_credential_access", "T1555"), "openat",
        "A sensitive file was opened by an unexpected program", ("fd.name", "proc.aname[2]")),
    "Read environment variable from /proc files": Rule(
        "Warning", ("maturity_incubating", "container", "filesystem", "process", "mitre_discovery", "T1083"), "openat",
        "The environment of a process was read from /proc", ("fd.name", "proc.aname[2]")),
    "Contact K8S API Server From Container": Rule(
        "Notice", ("maturity_stable", "container", "network", "k8s", "mitre_discovery", "T1565"), "connect",
        "A container connected to the API server", ("fd.name", "fd.lport", "fd.rport", "fd.type", "fd.l4proto")),
    "Mount Launched in Privileged Container": Rule(
        "Warning", ("maturity_incubating", "container", "cis", "filesystem", "mitre_privilege_escalation", "T1611"),
        "execve", "A privileged container ran mount", (), FLAGS),
    "Change thread namespace": Rule(
        "Notice", ("maturity_incubating", "host", "container", "process", "mitre_privilege_escalation", "T1611"), "setns",
        "A program entered another namespace"),
    "Container Access to Host Sensitive Paths": Rule(
        "Warning", ("maturity_sandbox", "container", "filesystem", "mitre_privilege_escalation", "T1611"), "openat",
        "A container opened a sensitive path of its host", ("fd.name",)),
    "Terminal shell in container": Rule(
        "Notice", ("maturity_stable", "container", "shell", "mitre_execution", "T1059"), "execve",
        "A shell with a terminal started in a container", (), FLAGS),
}


@dataclass(frozen=True)
class Process:
    """A process in the first container of a pod."""

    pod: object
    command: str
    parent: str
    exe: str
    ancestor: str = "containerd-shim"
    user: tuple = ("root", 0)
    terminal: int = 0

    def fields(self):
        """What Falco says of any process: itself, its container, its pod."""
        container, container_id, image = self.pod.container()
        repository, tag = image.rsplit(":", 1)
        return {"user.name": self.user[0], "user.uid": self.user[1], "user.loginuid": -1,
                "proc.name": self.command.split()[0].rsplit("/", 1)[-1], "proc.exepath": self.exe,
                "proc.pname": self.parent, "proc.cmdline": self.command, "proc.tty": self.terminal,
                "proc.aname[2]": self.ancestor, "container.id": container_id[:12], "container.name": container,
                "container.image.repository": repository, "container.image.tag": tag,
                "k8s.pod.name": self.pod.name, "k8s.ns.name": self.pod.namespace}


class Falco:
    """The alerts of all nodes, in the order in which they are due."""

    def __init__(self):
        self.alerts = []

    def alert(self, rule, process, **fields):
        """Writes the alert of a rule about a process, now; returns its line. A `__` in a name of `fields` is a dot."""
        form, moment = RULES[rule], time.time_ns()
        known = process.fields() | {"evt.type": form.event, "evt.arg.flags": "EXE_WRITABLE|EXE_LOWER_LAYER"}
        known |= {key.replace("__", "."): value for key, value in fields.items()}
        shown = (*form.first, *PROCESS, *form.last, *CONTAINER)
        text = " ".join(f"{'connection' if key == 'fd.name' and 'fd.rport' in shown else SHOWN[key]}={known[key]}"
                        for key in shown)
        second, nanoseconds = datetime.fromtimestamp(moment // 10**9, timezone.utc), f"{moment % 10**9:09d}"
        values = {key: known[key] for key in shown} | {"evt.time": moment, "k8s.pod.uid": process.pod.uid}
        self.alerts.append({
            "hostname": process.pod.node,
            "output": f"{second:%H:%M:%S}.{nanoseconds}: {form.priority} {form.sentence} | {text}",
            "output_fields": dict(sorted(values.items())), "priority": form.priority, "rule": rule,
            "source": "syscall", "tags": sorted(form.tags), "time": f"{second:%Y-%m-%dT%H:%M:%S}.{nanoseconds}Z"})
        return len(self.alerts)

    def contact_api_server(self, process, local_port):
        """The alert that a connection from a pod to the API server's cluster address causes; returns its line."""
        return self.alert("Contact K8S API Server From Container", process, fd__lport=local_port, fd__rport=443,
                          fd__type="ipv4", fd__l4proto="tcp",
                          fd__name=f"{process.pod.address}:{local_port}->10.96.0.1:443")
