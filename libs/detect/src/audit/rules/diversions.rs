//! Workloads that go on under their name while their calls lead elsewhere: by a name that stands for another address, a proxy,
//! a library that is loaded before all others.

use airside_k8s::{PodSpec, Value};
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::pod_spec::{self, TEMPLATES};
use super::super::request::Request;
use super::judged::wrote;
use super::{Definition, Ended, Firing, Hands, MODIFY, On};
use crate::rule::{Examples, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[Definition {
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
}];

/// The variables by which programs and their runtimes are led, in upper case.
const VARIABLES: [&str; 13] = [
    "ALL_PROXY",
    "BASH_ENV",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "JAVA_TOOL_OPTIONS",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "NODE_OPTIONS",
    "PERL5OPT",
    "PYTHONSTARTUP",
    "RUBYOPT",
    "_JAVA_OPTIONS",
];

/// New workloads come with such settings; one that is there and gets them by hand is led.
fn led_elsewhere(request: &Request<'_>) -> Option<Firing> {
    if !request.client().is_by_hand() || request.is_by_trusted_system() {
        return None;
    }
    let pods = pod_spec::pods(request);
    let (field, value) = pods.iter().find_map(|pod| alias(pod).or_else(|| variable(pod)))?;
    let severity = Hands { person: Severity::Medium, program: Severity::Info }.weigh(request);
    let firing = Firing::new(format!("{}: led elsewhere by {value}", wrote(request)));
    Some(firing.at(severity).with(&format!("requestObject.{field}"), &value))
}

/// A name that stands for an address of the patch's own.
fn alias(pod: &PodSpec<'_>) -> Option<(String, String)> {
    let aliases = pod.fields.get("hostAliases").and_then(Value::as_array)?;
    let ip = aliases.iter().find_map(|alias| alias.get("ip").and_then(Value::as_str))?;
    Some((pod.path_of("hostAliases").to_string(), ip.to_owned()))
}

fn variable(pod: &PodSpec<'_>) -> Option<(String, String)> {
    pod.containers.iter().find_map(|container| {
        let env = container.fields.get("env").and_then(Value::as_array)?;
        env.iter().find_map(|variable| {
            let name = variable.get("name").and_then(Value::as_str)?;
            let value = variable.get("value").and_then(Value::as_str).unwrap_or_default();
            let leads = VARIABLES.iter().any(|it| it.eq_ignore_ascii_case(name));
            let field = format!("{}.env", container.path);
            (leads && !value.is_empty()).then(|| (field, format!("{name}={value}")))
        })
    })
}
