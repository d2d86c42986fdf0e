//! A change as values of a Helm chart, where charts have a usual name for it.
//!
//! The names are those that `helm create` writes and most public charts follow. A chart may name them
//! otherwise, and a chart of several components has them below each; so the form says "usually".

use std::borrow::Cow;

use airside_k8s::fields::down;
use airside_k8s::workload::pod_specs;
use airside_k8s::yaml::to_yaml;
use airside_k8s::{Map, Object, Value, json};
use airside_types::{FieldPath, Step};

use super::Form;
use super::applied;
use super::change::{Change, FieldChange, Pair, text};
use crate::check::Category;

/// A field below some place, and the key of the values that it usually comes from.
type Row = (&'static str, &'static [&'static str]);

/// Fields of a container.
const OF_CONTAINER: &[Row] = &[
    ("securityContext", &["securityContext"]),
    ("resources", &["resources"]),
    ("imagePullPolicy", &["image", "pullPolicy"]),
    ("livenessProbe", &["livenessProbe"]),
    ("readinessProbe", &["readinessProbe"]),
    ("startupProbe", &["startupProbe"]),
    ("lifecycle", &["lifecycle"]),
    ("env", &["env"]),
    ("envFrom", &["envFrom"]),
    ("command", &["command"]),
    ("args", &["args"]),
    ("volumeMounts", &["volumeMounts"]),
];

/// Fields of a pod.
const OF_POD: &[Row] = &[
    ("securityContext", &["podSecurityContext"]),
    ("serviceAccountName", &["serviceAccount", "name"]),
    ("automountServiceAccountToken", &["automountServiceAccountToken"]),
    ("hostNetwork", &["hostNetwork"]),
    ("hostPID", &["hostPID"]),
    ("hostIPC", &["hostIPC"]),
    ("hostAliases", &["hostAliases"]),
    ("nodeSelector", &["nodeSelector"]),
    ("nodeName", &["nodeName"]),
    ("tolerations", &["tolerations"]),
    ("affinity", &["affinity"]),
    ("topologySpreadConstraints", &["topologySpreadConstraints"]),
    ("priorityClassName", &["priorityClassName"]),
    ("runtimeClassName", &["runtimeClassName"]),
    ("terminationGracePeriodSeconds", &["terminationGracePeriodSeconds"]),
    ("dnsPolicy", &["dnsPolicy"]),
    ("volumes", &["volumes"]),
    ("initContainers", &["initContainers"]),
    ("imagePullSecrets", &["imagePullSecrets"]),
    ("shareProcessNamespace", &["shareProcessNamespace"]),
];

/// Metadata of a pod's template.
const OF_TEMPLATE: &[Row] = &[("labels", &["podLabels"]), ("annotations", &["podAnnotations"])];

/// Fields of whole objects, by kind.
const OF_OBJECT: &[(&str, &str, &[&str])] = &[
    ("Deployment", "spec.replicas", &["replicaCount"]),
    ("StatefulSet", "spec.replicas", &["replicaCount"]),
    ("Deployment", "spec.strategy", &["strategy"]),
    ("StatefulSet", "spec.updateStrategy", &["updateStrategy"]),
    ("DaemonSet", "spec.updateStrategy", &["updateStrategy"]),
    ("Deployment", "spec.revisionHistoryLimit", &["revisionHistoryLimit"]),
    ("Service", "spec.type", &["service", "type"]),
    ("Service", "spec.externalIPs", &["service", "externalIPs"]),
    ("Service", "spec.externalTrafficPolicy", &["service", "externalTrafficPolicy"]),
    ("Service", "spec.loadBalancerSourceRanges", &["service", "loadBalancerSourceRanges"]),
    ("Service", "metadata.annotations", &["service", "annotations"]),
    ("Ingress", "metadata.annotations", &["ingress", "annotations"]),
    ("Ingress", "spec.ingressClassName", &["ingress", "className"]),
    ("Ingress", "spec.tls", &["ingress", "tls"]),
    // A chart makes the backends: its hosts have paths, and nothing else.
    ("Ingress", "spec.rules", &["ingress", "hosts"]),
    ("ServiceAccount", "automountServiceAccountToken", &["serviceAccount", "automount"]),
    ("ServiceAccount", "metadata.annotations", &["serviceAccount", "annotations"]),
    ("ServiceAccount", "imagePullSecrets", &["imagePullSecrets"]),
    ("HorizontalPodAutoscaler", "spec.minReplicas", &["autoscaling", "minReplicas"]),
    ("HorizontalPodAutoscaler", "spec.maxReplicas", &["autoscaling", "maxReplicas"]),
    ("PodDisruptionBudget", "spec.minAvailable", &["podDisruptionBudget", "minAvailable"]),
    ("PodDisruptionBudget", "spec.maxUnavailable", &["podDisruptionBudget", "maxUnavailable"]),
];

/// Objects that charts make when asked to.
const SWITCHES: &[(&str, &[&str])] = &[
    ("NetworkPolicy", &["networkPolicy", "enabled"]),
    ("PodDisruptionBudget", &["podDisruptionBudget", "enabled"]),
    ("HorizontalPodAutoscaler", &["autoscaling", "enabled"]),
    ("ServiceMonitor", &["metrics", "serviceMonitor", "enabled"]),
    ("ServiceAccount", &["serviceAccount", "create"]),
    ("Ingress", &["ingress", "enabled"]),
];

/// The change as the text of a values file, or why there is none.
pub(super) fn values(category: Category, change: &Change) -> Form<String> {
    if change.touched().any(|object| text(object, &["metadata", "name"]).is_empty()) {
        return Err(
            "Charts install objects of a cluster, and this is read from a file of a node or has no name: \
             change it where it is written.",
        );
    }
    if applied::is_reported(change) {
        return Err(applied::REPORTED);
    }
    if category == Category::ControlPlane {
        return Err(
            "No chart installs the control plane. kubeadm takes the change in its configuration, or as a patch \
             like that for kustomize from a folder: `kubeadm init --patches`, `kubeadm upgrade apply --patches`.",
        );
    }
    let mut values = Value::Object(Map::new());
    let usual = change.changed.iter().try_for_each(|pair| of_pair(pair, &mut values));
    let switches = change.added.iter().map(|object| (object, true));
    let switches = switches.chain(change.removed.iter().map(|object| (object, false)));
    let usual = usual.and_then(|()| {
        switches.into_iter().try_for_each(|(object, on)| {
            let kind = text(object, &["kind"]);
            let (_, key) = SWITCHES.iter().find(|(of, _)| *of == kind)?;
            set(&mut values, key, json!(on))
        })
    });
    match usual {
        Some(()) if has_list(&values) => Ok(format!("{LISTS_ARE_WHOLE}{}", to_yaml(&values))),
        Some(()) => Ok(to_yaml(&values)),
        None => Err(
            "Charts have no usual value for this. Look for one with `helm show values CHART`; where there is \
             none, send what the chart renders through the kustomization, as Helm's post-renderer.",
        ),
    }
}

/// Above values with a list.
const LISTS_ARE_WHOLE: &str =
    "# Helm replaces lists: what else is in yours has to stand here too.\n";

fn has_list(value: &Value) -> bool {
    value.is_array() || value.as_object().is_some_and(|map| map.values().any(has_list))
}

fn of_pair(pair: &Pair, values: &mut Value) -> Option<()> {
    if pair.changes_identity() {
        return None;
    }
    let before = Object::new(&pair.before).ok()?;
    // Kubernetes makes it, and no chart.
    if before.kind() == "ServiceAccount" && before.name() == "default" {
        return None;
    }
    pair.fields().iter().try_for_each(|field| {
        let (key, below) = key_of(&before, field)?;
        // Helm replaces lists, so that one is given whole; and removes what is null.
        let place = field.path.steps().count() - below.steps().count();
        let names = keys_of(&below);
        let path = field.path.steps().take(place + names.len()).collect();
        let names = names.iter().map(AsRef::as_ref);
        let keys: Vec<&str> = key.iter().copied().chain(names).collect();
        let after = Object::new(&pair.after).ok()?.at(&path).cloned().unwrap_or_default();
        match key {
            ["image"] => image(values, after.as_str()?),
            // Where the count is the autoscaler's, the chart leaves it out.
            ["replicaCount"] if after.is_null() => {
                set(values, &["autoscaling", "enabled"], json!(true))
            }
            ["ingress", "hosts"] => set(values, key, hosts(before.at(&path)?, &after)?),
            _ => set(values, &keys, after),
        }
    })
}

/// The key that a field's value usually comes from, and the way to the field below it.
fn key_of(
    object: &Object<'_>,
    field: &FieldChange,
) -> Option<(&'static [&'static str], FieldPath)> {
    for pod in pod_specs(object) {
        for container in &pod.containers {
            if let Some(below) = field.path.below(&container.path) {
                // The mesh's injector makes it, and no chart.
                if container.name() == "istio-proxy" {
                    return None;
                }
                let (name, rest) = first_key(&below)?;
                if name == "image" {
                    return Some((&["image"], rest));
                }
                return row(OF_CONTAINER, &name).map(|key| (key, rest));
            }
        }
        if let Some(below) = field.path.below(&pod.path) {
            let (name, rest) = first_key(&below)?;
            return row(OF_POD, &name).map(|key| (key, rest));
        }
        let template = pod.path.parent().filter(|parent| *parent != FieldPath::root());
        for (name, key) in OF_TEMPLATE {
            let metadata = template.as_ref().map(|path| path.keys(&["metadata", name]));
            if let Some(below) = metadata.and_then(|path| field.path.below(&path)) {
                return Some((key, below));
            }
        }
    }
    OF_OBJECT.iter().find_map(|(kind, path, key)| {
        let path = FieldPath::parse(path).filter(|_| *kind == object.kind())?;
        Some((*key, field.path.below(&path)?))
    })
}

fn row(rows: &[Row], name: &str) -> Option<&'static [&'static str]> {
    rows.iter().find(|(field, _)| *field == name).map(|(_, key)| *key)
}

/// A path's first step, which must be a key, and the way on.
fn first_key(path: &FieldPath) -> Option<(Cow<'_, str>, FieldPath)> {
    let mut steps = path.steps();
    let Step::Key(name) = steps.next()? else { return None };
    Some((name, steps.collect()))
}

/// The keys up to the first list.
fn keys_of(path: &FieldPath) -> Vec<Cow<'_, str>> {
    let keys = path.steps().map_while(|step| match step {
        Step::Key(key) => Some(key),
        Step::Index(_) => None,
    });
    keys.collect()
}

/// `repository`, with `tag` and `digest` where there are.
fn image(values: &mut Value, image: &str) -> Option<()> {
    let (image, digest) =
        image.split_once('@').map_or((image, None), |(it, digest)| (it, Some(digest)));
    if let Some(digest) = digest {
        set(values, &["image", "digest"], json!(digest))?;
    }
    let name = image.rfind('/').map_or(0, |slash| slash + 1);
    let colon = image.get(name..)?.rfind(':').map(|at| name + at);
    let repository = colon.map_or(image, |at| image.get(..at).unwrap_or_default());
    set(values, &["image", "repository"], json!(repository))?;
    match colon.and_then(|at| image.get(at + 1..)) {
        Some(tag) => set(values, &["image", "tag"], json!(tag)),
        None => Some(()),
    }
}

/// The hosts and paths of an Ingress's rules; none where they stay as they are.
fn hosts(before: &Value, after: &Value) -> Option<Value> {
    let path = |path: &Value| {
        let kept = ["path", "pathType"].into_iter().filter_map(|key| Some((key, path.get(key)?)));
        Value::Object(kept.map(|(key, value)| (key, value.clone())).collect())
    };
    let host = |rule: &Value| {
        let paths = down(rule, &["http", "paths"]).and_then(Value::as_array).unwrap_or_default();
        let mut host = json!({ "host": rule.get("host").cloned().unwrap_or_default() });
        if let (false, Some(host)) = (paths.is_empty(), host.as_object_mut()) {
            host.insert("paths".to_owned(), paths.iter().map(path).collect::<Vec<_>>().into());
        }
        host
    };
    let hosts = |rules: &Value| Some(rules.as_array()?.iter().map(host).collect::<Vec<_>>());
    let after = hosts(after)?;
    (hosts(before)? != after).then(|| after.into())
}

fn set(values: &mut Value, keys: &[&str], value: Value) -> Option<()> {
    let (last, above) = keys.split_last()?;
    let mut place = values;
    for key in above {
        place = place.as_object_mut()?.or_insert_with(key, || json!({}));
    }
    place.as_object_mut()?.insert((*last).to_owned(), value);
    Some(())
}
