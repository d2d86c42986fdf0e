//! Containers that run a component: which, and with which flags.

use airside_types::FieldPath;

use super::{Component, Configuration, Source, shell};
use crate::fields::{maps, texts};
use crate::value::{Map, Value};
use crate::workload::{Container, PodSpec};

/// A word of a command line, with its place.
struct Word {
    text: String,
    path: FieldPath,
}

/// Programs that run what their arguments say.
const WRAPPERS: [&str; 8] =
    ["catatonit", "dumb-init", "env", "exec", "go-runner", "nice", "nohup", "tini"];
const SHELLS: [&str; 5] = ["ash", "bash", "busybox", "dash", "sh"];

/// Flags without a value of their own: the word after them belongs to nobody.
const BOOLEANS: [&str; 16] = [
    "allow-privileged",
    "anonymous-auth",
    "auto-tls",
    "client-cert-auth",
    "kubelet-https",
    "leader-elect",
    "make-iptables-util-chains",
    "peer-auto-tls",
    "peer-client-cert-auth",
    "profiling",
    "protect-kernel-defaults",
    "rotate-certificates",
    "rotate-server-certificates",
    "seccomp-default",
    "service-account-lookup",
    "use-service-account-credentials",
];

/// The components that a container runs; a script may run several.
pub(super) fn configurations(pod: &PodSpec<'_>, container: &Container<'_>) -> Vec<Configuration> {
    let by_label = component_of_labels(pod);
    if by_label.is_none() && !is_mentioned(container) {
        return Vec::new();
    }
    let command = words(container, "command");
    let arguments = words(container, "args");
    let anchor = container.path.key(if arguments.is_empty() { "command" } else { "args" });
    let has_command = !command.is_empty();
    let line: Vec<Word> = command.into_iter().chain(arguments).collect();

    let is_flags_only = line.first().is_none_or(|word| word.text.starts_with('-'));
    let mut found = if is_flags_only {
        of_entrypoint(container, by_label, &line, has_command)
    } else {
        of_line(&line)
    };
    for configuration in &mut found {
        if configuration.anchor == FieldPath::root() {
            configuration.anchor = anchor.clone();
        }
        if configuration.component == Component::Etcd {
            add_environment(configuration, container);
        }
    }
    found
}

fn words(container: &Container<'_>, field: &str) -> Vec<Word> {
    let path = container.path.key(field);
    texts(container.fields, field)
        .map(|(index, text)| Word { text: text.to_owned(), path: path.index(index) })
        .collect()
}

/// The name of a program without its folders.
fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// The component that a word runs; flags (`--log=/var/log/kubelet`) and settings run none.
fn component(word: &str) -> Option<Component> {
    let is_program = !word.starts_with('-') && !word.contains('=');
    is_program.then(|| Component::of_program(program(word)))?
}

/// Whether a container names a component at all. Almost none does, and this is asked of every container.
fn is_mentioned(container: &Container<'_>) -> bool {
    let names = |text: &str| text.contains("kube") || text.contains("etcd");
    let listed = |field| texts(container.fields, field).any(|(_, text)| names(text));
    container.image().is_some_and(names) || listed("command") || listed("args")
}

/// The component that a pod of the control plane is labelled with, when it has one container only.
fn component_of_labels(pod: &PodSpec<'_>) -> Option<Component> {
    let labels = pod.labels()?;
    let text = |name: &str| labels.get(name).and_then(Value::as_str);
    let is_alone = pod.containers.len() == 1 && text("tier") == Some("control-plane");
    Component::of_program(text("component")?).filter(|_| is_alone)
}

/// Flags alone: the image's own program takes them. The image's name tells it, or labels of the control
/// plane do. Nothing at all is believed of etcd only, which runs without flags.
fn of_entrypoint(
    container: &Container<'_>,
    by_label: Option<Component>,
    line: &[Word],
    has_command: bool,
) -> Vec<Configuration> {
    let by_image = container.image().map(image_name).and_then(component);
    let found = by_image.filter(|_| !has_command).or(by_label);
    let is_silent = line.is_empty() && found != Some(Component::Etcd);
    match found {
        Some(component) if !is_silent => of_flags(component, line).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// `kube-apiserver` of `registry.k8s.io/kube-apiserver-amd64:v1.30.0`.
fn image_name(image: &str) -> &str {
    let name = program(image.split('@').next().unwrap_or(image));
    let name = name.split(':').next().unwrap_or(name);
    let architectures = ["-amd64", "-arm64", "-arm", "-ppc64le", "-s390x"];
    architectures.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

fn of_line(line: &[Word]) -> Vec<Configuration> {
    let Some((first, rest)) = line.split_first() else { return Vec::new() };
    let name = program(&first.text);
    if let Some(component) = component(name) {
        return of_flags(component, rest).into_iter().collect();
    }
    if SHELLS.contains(&name) {
        return of_shell(rest);
    }
    if name == "hyperkube" {
        let inner = rest.split_first().and_then(|(word, rest)| {
            let name = word.text.as_str();
            let component = component(name).or_else(|| component(&format!("kube-{name}")))?;
            of_flags(component, rest)
        });
        return inner.into_iter().collect();
    }
    if WRAPPERS.contains(&name) {
        let inner = rest.iter().position(|word| {
            component(&word.text).is_some() || SHELLS.contains(&program(&word.text))
        });
        return inner.and_then(|at| rest.get(at..)).map(of_line).unwrap_or_default();
    }
    Vec::new()
}

/// The script of `sh -c` and the components that it runs.
fn of_shell(rest: &[Word]) -> Vec<Configuration> {
    let is_option = |word: &Word| {
        let letters = word.text.strip_prefix('-').unwrap_or_default();
        !letters.starts_with('-') && letters.ends_with('c')
    };
    let script = rest.iter().position(is_option).and_then(|at| rest.get(at + 1));
    let Some(script) = script else { return Vec::new() };
    let mut found = Vec::new();
    for command in shell::commands(&script.text) {
        let is_before = |word: &String| {
            let is_assignment = word.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            });
            is_assignment || matches!(word.as_str(), "do" | "else" | "if" | "then" | "while" | "!")
        };
        let line: Vec<Word> = command
            .into_iter()
            .skip_while(is_before)
            .map(|text| Word { text, path: script.path.clone() })
            .collect();
        // A shell within a shell is left alone.
        let is_shell = line.first().is_some_and(|word| SHELLS.contains(&program(&word.text)));
        if !is_shell {
            found.extend(of_line(&line).into_iter().map(|mut configuration| {
                configuration.anchor = script.path.clone();
                configuration
            }));
        }
    }
    found
}

/// The flags `--a=b`, `--a b` and `--a`; none where the program is only asked for its version or its help.
fn of_flags(component: Component, line: &[Word]) -> Option<Configuration> {
    let mut configuration = Configuration::new(component, Source::CommandLine, FieldPath::root());
    let mut words = line.iter().peekable();
    while let Some(word) = words.next() {
        let Some(flag) = flag(component, &word.text) else {
            // `$FLAGS` may be any.
            configuration.is_open |= word.text.starts_with('$');
            continue;
        };
        if matches!(flag, "cleanup" | "help" | "version") {
            return None;
        }
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, unquoted(value)),
            None if BOOLEANS.contains(&flag) => (flag, "true"),
            None => match words.next_if(|next| !next.text.starts_with('-')) {
                Some(next) => (flag, next.text.as_str()),
                None => (flag, "true"),
            },
        };
        configuration.give(name, value.to_owned(), word.path.clone());
    }
    Some(configuration)
}

/// The word without the dashes of a flag. etcd takes one dash as well.
fn flag(component: Component, word: &str) -> Option<&str> {
    let long = word.strip_prefix("--");
    let flag = match component {
        Component::Etcd => long.or_else(|| word.strip_prefix('-')),
        _ => long,
    };
    flag.filter(|flag| !flag.is_empty())
}

fn unquoted(value: &str) -> &str {
    let within = |quote| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

/// etcd takes each flag from the environment as well: `ETCD_CERT_FILE` is `--cert-file`. Flags win.
fn add_environment(configuration: &mut Configuration, container: &Container<'_>) {
    let path = container.path.key("env");
    for (index, variable) in maps(container.fields, "env") {
        let name = variable.get("name").and_then(Value::as_str).unwrap_or_default();
        let Some(name) = name.strip_prefix("ETCD_") else { continue };
        let flag = name.to_ascii_lowercase().replace('_', "-");
        if !configuration.is_given(&flag) {
            configuration.give(&flag, variable_text(variable), path.index(index).key("value"));
        }
    }
    configuration.is_open |= container.fields.contains_key("envFrom");
}

/// The value of a variable; what comes from elsewhere is shown as the variable that it is.
fn variable_text(variable: &Map) -> String {
    match variable.get("value").and_then(Value::as_str) {
        Some(value) => value.to_owned(),
        None => "$(valueFrom)".to_owned(),
    }
}
