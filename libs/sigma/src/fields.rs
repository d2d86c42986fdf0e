//! The fields that an audit event has, and what a rule's author probably means by another name.
//!
//! Source: the type `Event` of `audit.k8s.io/v1`. What the reader does not keep of an event is named here too, so that
//! no rule waits for it in vain.

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text, or a list of texts.
    Text,
    /// A number.
    Number,
    /// Fields: nothing that a value equals.
    Object,
    /// Whatever a body has there.
    InBody,
}

const TEXTS: [&str; 25] = [
    "annotations.authentication.kubernetes.io/issued-credential-id",
    "annotations.authorization.k8s.io/decision",
    "annotations.authorization.k8s.io/reason",
    "annotations.pod-security.kubernetes.io/audit-violations",
    "apiVersion",
    "auditID",
    "kind",
    "level",
    "objectRef.apiGroup",
    "objectRef.apiVersion",
    "objectRef.name",
    "objectRef.namespace",
    "objectRef.resource",
    "objectRef.subresource",
    "objectRef.uid",
    "requestReceivedTimestamp",
    "requestURI",
    "responseStatus.reason",
    "responseStatus.status",
    "sourceIPs",
    "stage",
    "stageTimestamp",
    "userAgent",
    "verb",
    "user.username",
];
/// Of the user and of whom it acts as.
const OF_USERS: [&str; 8] = [
    "username",
    "uid",
    "groups",
    "extra.authentication.kubernetes.io/credential-id",
    "extra.authentication.kubernetes.io/node-name",
    "extra.authentication.kubernetes.io/node-uid",
    "extra.authentication.kubernetes.io/pod-name",
    "extra.authentication.kubernetes.io/pod-uid",
];
const OBJECTS: [&str; 4] = ["objectRef", "user", "impersonatedUser", "annotations"];

/// Parts of manifests that are maps or lists of maps wherever they stand.
const OBJECTS_IN_BODIES: [&str; 18] = [
    "affinity",
    "annotations",
    "capabilities",
    "containers",
    "emptyDir",
    "env",
    "envFrom",
    "ephemeralContainers",
    "hostPath",
    "initContainers",
    "labels",
    "metadata",
    "ownerReferences",
    "roleRef",
    "securityContext",
    "subjects",
    "tolerations",
    "volumes",
];
/// Maps whose keys are people's own.
const FREE_MAPS: [&str; 6] =
    ["annotations", "data", "labels", "matchLabels", "nodeSelector", "stringData"];

/// A name that is no field, or its last step, and the field that is meant.
const MEANT: [(&str, &str); 38] = [
    ("user.name", "user.username"),
    ("impersonateduser.name", "impersonatedUser.username"),
    ("apigroup", "objectRef.apiGroup"),
    ("resource", "objectRef.resource"),
    ("subresource", "objectRef.subresource"),
    ("namespace", "objectRef.namespace"),
    ("name", "objectRef.name"),
    ("username", "user.username"),
    ("user", "user.username"),
    ("groups", "user.groups"),
    ("group", "user.groups"),
    ("sourceip", "sourceIPs"),
    ("sourceips", "sourceIPs"),
    ("src_ip", "sourceIPs"),
    ("clientip", "sourceIPs"),
    ("useragent", "userAgent"),
    ("user_agent", "userAgent"),
    ("requesturi", "requestURI"),
    ("uri", "requestURI"),
    ("auditid", "auditID"),
    ("code", "responseStatus.code"),
    ("reason", "responseStatus.reason"),
    ("message", "responseStatus.reason"),
    ("decision", "annotations.authorization.k8s.io/decision"),
    ("hostpath", "requestObject.spec.volumes.hostPath.path"),
    ("capabilities", "requestObject.spec.containers.securityContext.capabilities.add"),
    ("privileged", "requestObject.spec.containers.securityContext.privileged"),
    ("runasuser", "requestObject.spec.containers.securityContext.runAsUser"),
    ("image", "requestObject.spec.containers.image"),
    ("command", "requestObject.spec.containers.command"),
    ("hostpid", "requestObject.spec.hostPID"),
    ("hostipc", "requestObject.spec.hostIPC"),
    ("hostnetwork", "requestObject.spec.hostNetwork"),
    ("serviceaccountname", "requestObject.spec.serviceAccountName"),
    ("roleref", "requestObject.roleRef.name"),
    ("subjects", "requestObject.subjects.name"),
    ("eventtime", "stageTimestamp"),
    ("timestamp", "stageTimestamp"),
];

/// What the reader does not keep.
const NOT_KEPT: [&str; 5] = [
    "annotations.",
    "objectRef.resourceVersion",
    "responseStatus.",
    "user.extra.",
    "impersonatedUser.extra.",
];

/// What a field holds.
///
/// # Errors
/// There is no such field; with what to write instead.
pub(crate) fn kind_of(field: &str) -> Result<Kind, String> {
    let name = field.replace("\\.", ".");
    if let Some((_, below)) = in_body(&name) {
        if below.is_some_and(|below| below.contains("[*]") || below.contains(".*.")) {
            let without = name.replace("[*]", "").replace(".*.", ".");
            return Err(format!(
                "`{field}`: a path goes through lists by itself; write `{without}`"
            ));
        }
        return Ok(if is_object_in_body(below) { Kind::Object } else { Kind::InBody });
    }
    if name == "responseStatus.code" {
        return Ok(Kind::Number);
    }
    if OBJECTS.contains(&name.as_str()) {
        return Ok(Kind::Object);
    }
    let of_user = name.strip_prefix("user.").or_else(|| name.strip_prefix("impersonatedUser."));
    if TEXTS.contains(&name.as_str()) || of_user.is_some_and(|it| OF_USERS.contains(&it)) {
        return Ok(Kind::Text);
    }
    Err(no_such_field(&name))
}

/// The body that a field is in, and the path below it.
pub(crate) fn in_body(field: &str) -> Option<(&str, Option<&str>)> {
    let (root, below) = match field.split_once('.') {
        Some((root, below)) => (root, Some(below)),
        None => (field, None),
    };
    matches!(root, "requestObject" | "responseObject").then_some((root, below))
}

fn is_object_in_body(below: Option<&str>) -> bool {
    let Some(below) = below else { return true };
    let mut steps = below.rsplit('.');
    let last = steps.next().unwrap_or_default();
    let is_free = steps.next().is_some_and(|before| FREE_MAPS.contains(&before));
    OBJECTS_IN_BODIES.contains(&last) && !is_free
}

fn no_such_field(name: &str) -> String {
    if NOT_KEPT.iter().any(|start| name.starts_with(start)) {
        return format!("`{name}` is not kept of audit events; use {}", kept_beside(name));
    }
    let root = name.split('.').next().unwrap_or(name);
    if matches!(root, "spec" | "metadata" | "data" | "rules" | "webhooks") {
        return format!("audit events have no field `{name}`; write `requestObject.{name}`");
    }
    match meant_by(name) {
        Some(meant) => format!("audit events have no field `{name}`; write `{meant}`"),
        None => format!(
            "audit events have no field `{name}`; there are verb, objectRef.resource, objectRef.subresource, \
             objectRef.apiGroup, objectRef.namespace, objectRef.name, user.username, user.groups, sourceIPs, userAgent, \
             requestURI, responseStatus.code, requestObject.… and others of audit.k8s.io/v1"
        ),
    }
}

fn kept_beside(name: &str) -> String {
    let start = name.split('.').next().unwrap_or(name);
    let kept: Vec<_> = match start {
        "responseStatus" => {
            ["code", "reason", "status"].map(|it| format!("`responseStatus.{it}`")).to_vec()
        }
        "user" | "impersonatedUser" => {
            OF_USERS.iter().skip(3).map(|it| format!("`{start}.{it}`")).collect()
        }
        "annotations" => TEXTS
            .iter()
            .filter(|it| it.starts_with("annotations."))
            .map(|it| format!("`{it}`"))
            .collect(),
        _ => vec!["`requestObject.…`".to_owned()],
    };
    kept.join(", ")
}

fn meant_by(name: &str) -> Option<&'static str> {
    let all = || TEXTS.iter().copied().chain(["responseStatus.code", "user.groups"]);
    if let Some(field) = all().find(|it| it.eq_ignore_ascii_case(name)) {
        return Some(field);
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    let is = |text: &str| MEANT.iter().find(|(written, _)| text.eq_ignore_ascii_case(written));
    let meant = is(name).or_else(|| is(last));
    meant.map(|(_, field)| *field).or_else(|| {
        // Of what is so much longer or shorter the distance is more.
        let alike = all().filter(|field| field.len().abs_diff(name.len()) <= 2);
        let distance = |field: &&str| strsim::damerau_levenshtein(field, name);
        alike.min_by_key(distance).filter(|field| distance(field) <= 2)
    })
}
