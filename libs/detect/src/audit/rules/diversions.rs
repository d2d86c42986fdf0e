//! Workloads that go on under their name while their calls lead elsewhere: by a name that stands for another address, a proxy,
//! a library that is loaded before all others.

use airside_k8s::{Container, PodSpec, Value};
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::at;
use super::super::pod_spec::{self, TEMPLATES};
use super::super::request::Request;
use super::hands::Hands;
use super::judged::wrote;
use super::{Definition, Ended, Firing, MODIFY, On, WRITE};
use crate::address::public_host_of;
use crate::rule::{Examples, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[WORKLOADS, SETTINGS];

const WORKLOADS: Definition = Definition {
    rule: Rule {
        id: "AUD-R50-led",
        version: 1,
        title: "Calls of a workload led elsewhere by hand",
        why: "The image is the reviewed one; what it connects to, or which code it loads first, is somebody else's.",
        next: "Where the address or file comes from, and whether the repository has it; what was sent there since, passwords and tokens first.",
        severity: Severity::Medium,
        confidence: PLAUSIBLE,
        tactic: Tactic::CredentialAccess,
        techniques: &[technique("T1557"), technique("T1574")],
        equivalents: &[],
        source: Source::Audit,
        examples: Some(Examples {
            fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"LD_PRELOAD","value":"/data/a.so"}]}]}}}},"responseStatus":{"code":200}}"#,
            quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"LOG_LEVEL","value":"debug"}]}]}}}},"responseStatus":{"code":200}}"#,
        }),
    },
    on: On::Workloads(MODIFY, TEMPLATES),
    ended: Ended::Done,
    when: led_elsewhere,
};

const SETTINGS: Definition = Definition {
    rule: Rule {
        id: "AUD-R50-settings",
        version: 1,
        title: "Variable that loads code put into a ConfigMap or secret by hand",
        why: "Workloads take their environment from ConfigMaps and secrets: what a linker or runtime loads first is then nowhere to be seen in the workload.",
        next: "Which workloads take their environment from it, which restarted since, and where the file that is loaded comes from.",
        severity: Severity::Medium,
        confidence: PLAUSIBLE,
        tactic: Tactic::Persistence,
        techniques: &[technique("T1574")],
        equivalents: &[],
        source: Source::Audit,
        examples: Some(Examples {
            fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"configmaps","namespace":"shop","name":"env"},"requestObject":{"data":{"LD_PRELOAD":"/data/a.so"}},"responseStatus":{"code":200}}"#,
            quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"configmaps","namespace":"shop","name":"env"},"requestObject":{"data":{"LOG_LEVEL":"debug"}},"responseStatus":{"code":200}}"#,
        }),
    },
    on: On::Resources(WRITE, &["configmaps", "secrets"]),
    ended: Ended::Done,
    when: loaded_from_settings,
};

/// What leads a workload elsewhere.
struct Lead {
    field: String,
    /// In words; its value may have a password in it.
    by: String,
    value: String,
    /// What it weighs by a person's hand.
    person: Severity,
}

impl Lead {
    fn new(field: impl Into<String>, by: &str, value: &str) -> Self {
        let (field, by, value) = (field.into(), by.to_owned(), value.to_owned());
        Self { field, by, value, person: Severity::Medium }
    }
}

/// Settings that workloads take into their environment. New ones come with options of runtimes, and hardly ever with code.
fn loaded_from_settings(request: &Request<'_>) -> Option<Firing> {
    let body = request.body();
    let is_encoded = request.resource() == "secrets";
    let is_new = request.is_of_new_object();
    let (field, name, value, person) = ["data", "stringData"].into_iter().find_map(|field| {
        at(body, &[field]).as_object()?.iter().find_map(|(name, value)| {
            let value = value.as_str()?;
            let person = match () {
                () if LOAD_CODE.contains(&name) => Severity::Medium,
                () if is_new => return None,
                // Tracing and profiling are switched on so.
                () if OPTIONS.contains(&name) && (is_encoded || loads(value)) => Severity::Low,
                () => return None,
            };
            Some((field, name, value, person))
        })
    })?;
    let person = if is_new || request.applies_whole() { Severity::Low } else { person };
    let severity = Hands { person, program: Severity::Info }.unless_usual(request)?;
    let firing = Firing::new(format!("{}: led elsewhere by {name}", wrote(request)));
    let shown = if is_encoded { name } else { value };
    Some(firing.at(severity).with(&format!("requestObject.{field}.{name}"), shown))
}

/// New workloads come with such settings; one that is there and gets them by hand is led.
fn led_elsewhere(request: &Request<'_>) -> Option<Firing> {
    if request.is_of_new_object() || request.is_by_trusted_system() {
        return None;
    }
    let pods = pod_spec::pods(request);
    let within = |pod: &PodSpec<'_>| {
        let mut containers = pod.containers.iter();
        containers.find_map(|it| variable(it).or_else(|| command(it)).or_else(|| preload(it)))
    };
    let lead = pods.iter().find_map(|pod| names(pod).or_else(|| within(pod)))?;
    let person = if request.applies_whole() { Severity::Low } else { lead.person };
    let severity = Hands { person, program: Severity::Info }.unless_usual(request)?;
    let firing = Firing::new(format!("{}: led elsewhere by {}", wrote(request), lead.by));
    Some(firing.at(severity).with(&format!("requestObject.{}", lead.field), &lead.value))
}

/// Names that stand for addresses of the patch's own, or a server of names of its own.
fn names(pod: &PodSpec<'_>) -> Option<Lead> {
    let lead = |field: &str, ip: &str| Lead::new(pod.path_of(field).to_string(), field, ip);
    let first = |list: &'_ Value| list.as_array()?.first().cloned();
    let alias = pod.fields.get("hostAliases").and_then(first);
    let server = pod.fields.get("dnsConfig").and_then(|it| it.get("nameservers")).and_then(first);
    let alias = alias.as_ref().and_then(|alias| alias.get("ip")?.as_str());
    let server = server.as_ref().and_then(Value::as_str);
    alias.map(|ip| lead("hostAliases", ip)).or_else(|| server.map(|ip| lead("dnsConfig", ip)))
}

fn variable(container: &Container<'_>) -> Option<Lead> {
    // What a secret or the pod itself says is not known.
    const ELSEWHERE: &str = "…";
    list(container, "env").find_map(|variable| {
        let name = variable.get("name").and_then(Value::as_str)?;
        let given = variable.get("value").and_then(Value::as_str);
        let value = given.or_else(|| variable.get("valueFrom").map(|_| ELSEWHERE))?;
        let person = weight(name, value)?;
        let field = format!("{}.env", container.path);
        Some(Lead { person, ..Lead::new(field, name, &format!("{name}={value}")) })
    })
}

/// A command that sets such a variable itself.
fn command(container: &Container<'_>) -> Option<Lead> {
    let mut words = ["command", "args"]
        .into_iter()
        .flat_map(|field| list(container, field).filter_map(Value::as_str))
        .flat_map(str::split_whitespace);
    let word = words.find(|word| word.starts_with("LD_PRELOAD="))?;
    Some(Lead::new(format!("{}.command", container.path), "LD_PRELOAD", word))
}

/// The list of the libraries that are loaded before all others.
fn preload(container: &Container<'_>) -> Option<Lead> {
    const FILE: &str = "/etc/ld.so.preload";
    let mut paths = list(container, "volumeMounts").filter_map(|it| it.get("mountPath")?.as_str());
    let path = paths.find(|path| *path == FILE)?;
    Some(Lead::new(format!("{}.volumeMounts", container.path), path, path))
}

fn list<'v>(container: &Container<'v>, field: &str) -> impl Iterator<Item = &'v Value> {
    container.fields.get(field).and_then(Value::as_array).into_iter().flatten()
}

/// Variables that name code to be loaded before all other.
const LOAD_CODE: [&str; 5] =
    ["BASH_ENV", "CORECLR_PROFILER_PATH", "DOTNET_STARTUP_HOOKS", "LD_AUDIT", "LD_PRELOAD"];

/// Variables that have options of a runtime, some of which load code.
const OPTIONS: [&str; 6] = [
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "NODE_OPTIONS",
    "PERL5OPT",
    "RUBYOPT",
    "_JAVA_OPTIONS",
];

/// Whether a runtime's options load code.
fn loads(options: &str) -> bool {
    const LOADING: [&str; 10] = [
        "--experimental-loader",
        "--import",
        "--loader",
        "--require",
        "-M",
        "-Xbootclasspath",
        "-agentlib",
        "-agentpath",
        "-javaagent",
        "-r",
    ];
    let mut options = options.split_whitespace();
    options.any(|option| LOADING.iter().any(|it| option.starts_with(it)))
}

/// What a variable weighs by its name and value; nothing for those that lead nowhere.
fn weight(name: &str, value: &str) -> Option<Severity> {
    const PATHS: [&str; 3] = ["LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONSTARTUP"];
    const PROXIES: [&str; 3] = ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"];
    let is_one_of = |names: &[&str]| names.iter().any(|it| it.eq_ignore_ascii_case(name));
    let is_server = name == "KUBERNETES_SERVICE_HOST" || name.starts_with("AWS_ENDPOINT_URL");
    match () {
        () if value.is_empty() => None,
        () if is_one_of(&LOAD_CODE) || is_server => Some(Severity::Medium),
        () if is_one_of(&OPTIONS) => loads(value).then_some(Severity::Medium),
        // Companies have proxies; an address of the internet is nobody's proxy.
        () if is_one_of(&PROXIES) && public_host_of(value).is_some() => Some(Severity::Medium),
        () if is_one_of(&PATHS) || is_one_of(&PROXIES) => Some(Severity::Low),
        () => None,
    }
}
