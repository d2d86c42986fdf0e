//! Which fields of the built-in kinds are of which type, as the API reference of Kubernetes says: the metadata of all
//! kinds, pods, and what Services, policies, Ingresses, roles and bindings say.
//!
//! What is not listed is passed over. Labels have a check of their own.

use airside_k8s::{Object, Value};

/// What a field takes.
#[derive(Debug)]
pub(super) enum Type {
    /// A text.
    Text,
    /// True or false.
    Truth,
    /// An integer.
    Integer,
    /// An integer or a text: a port or its name, a count or a share.
    IntegerOrText,
    /// An amount: a number or a text such as `500m`.
    Quantity,
    /// A list of one type.
    ListOf(&'static Self),
    /// A map with keys of one's own.
    MapOf(&'static Self),
    /// A map with these fields, and others.
    Fields(Fields),
}

/// Fields and what they take.
pub(super) type Fields = &'static [(&'static str, Type)];

impl Type {
    /// Whether it takes a value; of lists and maps only what they are.
    pub(super) fn takes(&self, value: &Value) -> bool {
        let is_integer = || {
            let is_whole = |number: f64| number.fract() == 0.0;
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(is_whole)
        };
        match self {
            Self::Text => value.is_string(),
            Self::Truth => value.is_boolean(),
            Self::Integer => is_integer(),
            Self::IntegerOrText => value.is_string() || is_integer(),
            Self::Quantity => value.is_string() || value.is_number(),
            Self::ListOf(_) => value.is_array(),
            Self::MapOf(_) | Self::Fields(_) => value.is_object(),
        }
    }

    /// Whether a text would do.
    pub(super) const fn takes_text(&self) -> bool {
        matches!(self, Self::Text | Self::IntegerOrText | Self::Quantity)
    }

    /// Whether the text says, in quotes, what is expected.
    pub(super) fn is_meant_by(&self, text: &str) -> bool {
        match self {
            Self::Truth => matches!(text, "true" | "false"),
            Self::Integer => text.parse::<i64>().is_ok(),
            _ => false,
        }
    }

    /// The type in words.
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Truth => "true or false",
            Self::Integer => "an integer",
            Self::IntegerOrText => "an integer or a text",
            Self::Quantity => "an amount",
            Self::ListOf(_) => "a list",
            Self::MapOf(_) | Self::Fields(_) => "a map",
        }
    }
}

use Type::{Fields as F, Integer, IntegerOrText, ListOf, MapOf, Quantity, Text, Truth};

/// What is known of the fields of an object.
pub(super) fn types_of(object: &Object<'_>) -> Vec<&'static Fields> {
    static METADATA: Fields = &[("metadata", F(OBJECT_META))];
    let kind = KINDS
        .iter()
        .find(|(groups, kind, _)| *kind == object.kind() && groups.contains(&object.group()));
    std::iter::once(&METADATA).chain(kind.map(|(_, _, fields)| fields)).collect()
}

/// By API groups and kind.
static KINDS: &[(&[&str], &str, Fields)] = &[
    (&[""], "Pod", &[("spec", F(POD))]),
    (&[""], "PodTemplate", &[("template", F(TEMPLATE))]),
    (&[""], "ReplicationController", &[("spec", F(REPLICATED_BY_MAP))]),
    (&["apps", "extensions"], "Deployment", &[("spec", F(REPLICATED))]),
    (&["apps", "extensions"], "DaemonSet", &[("spec", F(REPLICATED))]),
    (&["apps", "extensions"], "ReplicaSet", &[("spec", F(REPLICATED))]),
    (&["apps"], "StatefulSet", &[("spec", F(REPLICATED))]),
    (&["batch"], "Job", &[("spec", F(JOB))]),
    (&["batch"], "CronJob", &[("spec", F(CRON_JOB))]),
    (&[""], "Service", &[("spec", F(SERVICE))]),
    (&[""], "ServiceAccount", SERVICE_ACCOUNT),
    (&[""], "ConfigMap", &[("data", TEXTS), ("binaryData", TEXTS), ("immutable", Truth)]),
    (
        &[""],
        "Secret",
        &[("data", TEXTS), ("stringData", TEXTS), ("type", Text), ("immutable", Truth)],
    ),
    (&["networking.k8s.io", "extensions"], "NetworkPolicy", &[("spec", F(NETWORK_POLICY))]),
    (&["networking.k8s.io", "extensions"], "Ingress", &[("spec", F(INGRESS))]),
    (&[RBAC], "Role", &[("rules", RULES)]),
    (&[RBAC], "ClusterRole", &[("rules", RULES)]),
    (&[RBAC], "RoleBinding", BINDING),
    (&[RBAC], "ClusterRoleBinding", BINDING),
    (
        &["policy"],
        "PodDisruptionBudget",
        &[(
            "spec",
            F(&[
                ("minAvailable", IntegerOrText),
                ("maxUnavailable", IntegerOrText),
                ("selector", SELECTOR),
            ]),
        )],
    ),
];

const RBAC: &str = airside_k8s::rbac::GROUP;

const TEXTS: Type = MapOf(&Text);
const LIST: Type = ListOf(&Text);

static OBJECT_META: Fields = &[
    ("name", Text),
    ("generateName", Text),
    ("namespace", Text),
    // What their values may be is the check's on labels.
    ("labels", F(&[])),
    ("annotations", TEXTS),
    ("finalizers", LIST),
    ("ownerReferences", ListOf(&F(&[("kind", Text), ("name", Text), ("controller", Truth)]))),
];

const SELECTOR: Type = F(&[
    ("matchLabels", TEXTS),
    ("matchExpressions", ListOf(&F(&[("key", Text), ("operator", Text), ("values", LIST)]))),
]);

static TEMPLATE: Fields = &[("metadata", F(OBJECT_META)), ("spec", F(POD))];

static REPLICATED_BY_MAP: Fields =
    &[("replicas", Integer), ("selector", TEXTS), ("template", F(TEMPLATE))];

static REPLICATED: Fields = &[
    ("replicas", Integer),
    ("minReadySeconds", Integer),
    ("revisionHistoryLimit", Integer),
    ("progressDeadlineSeconds", Integer),
    ("paused", Truth),
    ("serviceName", Text),
    ("podManagementPolicy", Text),
    ("selector", SELECTOR),
    ("template", F(TEMPLATE)),
    ("strategy", F(STRATEGY)),
    ("volumeClaimTemplates", ListOf(&F(&[("metadata", F(OBJECT_META))]))),
];

static STRATEGY: Fields = &[
    ("type", Text),
    ("rollingUpdate", F(&[("maxSurge", IntegerOrText), ("maxUnavailable", IntegerOrText)])),
];

static JOB: Fields = &[
    ("parallelism", Integer),
    ("completions", Integer),
    ("backoffLimit", Integer),
    ("activeDeadlineSeconds", Integer),
    ("ttlSecondsAfterFinished", Integer),
    ("suspend", Truth),
    ("template", F(TEMPLATE)),
];

static CRON_JOB: Fields = &[
    ("schedule", Text),
    ("concurrencyPolicy", Text),
    ("suspend", Truth),
    ("startingDeadlineSeconds", Integer),
    ("successfulJobsHistoryLimit", Integer),
    ("failedJobsHistoryLimit", Integer),
    ("jobTemplate", F(&[("metadata", F(OBJECT_META)), ("spec", F(JOB))])),
];

static POD: Fields = &[
    ("containers", ListOf(&F(CONTAINER))),
    ("initContainers", ListOf(&F(CONTAINER))),
    ("ephemeralContainers", ListOf(&F(CONTAINER))),
    ("volumes", ListOf(&F(VOLUME))),
    ("securityContext", F(POD_SECURITY)),
    ("hostNetwork", Truth),
    ("hostPID", Truth),
    ("hostIPC", Truth),
    ("hostUsers", Truth),
    ("shareProcessNamespace", Truth),
    ("automountServiceAccountToken", Truth),
    ("enableServiceLinks", Truth),
    ("setHostnameAsFQDN", Truth),
    ("serviceAccountName", Text),
    ("serviceAccount", Text),
    ("nodeName", Text),
    ("nodeSelector", TEXTS),
    ("hostname", Text),
    ("restartPolicy", Text),
    ("dnsPolicy", Text),
    ("schedulerName", Text),
    ("priorityClassName", Text),
    ("runtimeClassName", Text),
    ("priority", Integer),
    ("terminationGracePeriodSeconds", Integer),
    ("activeDeadlineSeconds", Integer),
    ("imagePullSecrets", ListOf(&F(&[("name", Text)]))),
    ("hostAliases", ListOf(&F(&[("ip", Text), ("hostnames", LIST)]))),
    (
        "tolerations",
        ListOf(&F(&[
            ("key", Text),
            ("operator", Text),
            ("value", Text),
            ("effect", Text),
            ("tolerationSeconds", Integer),
        ])),
    ),
    ("topologySpreadConstraints", ListOf(&F(&[("maxSkew", Integer), ("topologyKey", Text)]))),
];

static POD_SECURITY: Fields = &[
    ("runAsUser", Integer),
    ("runAsGroup", Integer),
    ("runAsNonRoot", Truth),
    ("fsGroup", Integer),
    ("fsGroupChangePolicy", Text),
    ("supplementalGroups", ListOf(&Integer)),
    ("seccompProfile", F(PROFILE)),
    ("appArmorProfile", F(PROFILE)),
    ("seLinuxOptions", F(SE_LINUX)),
    ("windowsOptions", F(WINDOWS)),
    ("sysctls", ListOf(&F(&[("name", Text), ("value", Text)]))),
];

static SECURITY: Fields = &[
    ("privileged", Truth),
    ("allowPrivilegeEscalation", Truth),
    ("readOnlyRootFilesystem", Truth),
    ("runAsNonRoot", Truth),
    ("runAsUser", Integer),
    ("runAsGroup", Integer),
    ("procMount", Text),
    ("capabilities", F(&[("add", LIST), ("drop", LIST)])),
    ("seccompProfile", F(PROFILE)),
    ("appArmorProfile", F(PROFILE)),
    ("seLinuxOptions", F(SE_LINUX)),
    ("windowsOptions", F(WINDOWS)),
];

static PROFILE: Fields = &[("type", Text), ("localhostProfile", Text)];
static SE_LINUX: Fields = &[("user", Text), ("role", Text), ("type", Text), ("level", Text)];
static WINDOWS: Fields = &[("hostProcess", Truth), ("runAsUserName", Text)];

static CONTAINER: Fields = &[
    ("name", Text),
    ("image", Text),
    ("imagePullPolicy", Text),
    ("command", LIST),
    ("args", LIST),
    ("workingDir", Text),
    ("restartPolicy", Text),
    ("stdin", Truth),
    ("tty", Truth),
    ("env", ListOf(&F(&[("name", Text), ("value", Text), ("valueFrom", F(VALUE_FROM))]))),
    (
        "envFrom",
        ListOf(&F(&[("prefix", Text), ("secretRef", F(BY_NAME)), ("configMapRef", F(BY_NAME))])),
    ),
    (
        "ports",
        ListOf(&F(&[
            ("name", Text),
            ("containerPort", Integer),
            ("hostPort", Integer),
            ("hostIP", Text),
            ("protocol", Text),
        ])),
    ),
    ("resources", F(&[("limits", MapOf(&Quantity)), ("requests", MapOf(&Quantity))])),
    (
        "volumeMounts",
        ListOf(&F(&[
            ("name", Text),
            ("mountPath", Text),
            ("subPath", Text),
            ("readOnly", Truth),
            ("mountPropagation", Text),
        ])),
    ),
    ("securityContext", F(SECURITY)),
    ("livenessProbe", F(PROBE)),
    ("readinessProbe", F(PROBE)),
    ("startupProbe", F(PROBE)),
    ("lifecycle", F(&[("postStart", F(HANDLER)), ("preStop", F(HANDLER))])),
];

static BY_NAME: Fields = &[("name", Text), ("optional", Truth)];
static BY_KEY: Fields = &[("name", Text), ("key", Text), ("optional", Truth)];
static VALUE_FROM: Fields = &[
    ("secretKeyRef", F(BY_KEY)),
    ("configMapKeyRef", F(BY_KEY)),
    ("fieldRef", F(&[("fieldPath", Text)])),
];

const EXEC: Type = F(&[("command", LIST)]);
const HTTP_GET: Type =
    F(&[("path", Text), ("port", IntegerOrText), ("host", Text), ("scheme", Text)]);
const TCP_SOCKET: Type = F(&[("port", IntegerOrText), ("host", Text)]);

static HANDLER: Fields = &[("exec", EXEC), ("httpGet", HTTP_GET), ("tcpSocket", TCP_SOCKET)];

static PROBE: Fields = &[
    ("exec", EXEC),
    ("httpGet", HTTP_GET),
    ("tcpSocket", TCP_SOCKET),
    ("grpc", F(&[("port", Integer), ("service", Text)])),
    ("initialDelaySeconds", Integer),
    ("periodSeconds", Integer),
    ("timeoutSeconds", Integer),
    ("successThreshold", Integer),
    ("failureThreshold", Integer),
];

static VOLUME: Fields = &[
    ("name", Text),
    ("hostPath", F(&[("path", Text), ("type", Text)])),
    ("emptyDir", F(&[("medium", Text), ("sizeLimit", Quantity)])),
    ("secret", F(&[("secretName", Text), ("optional", Truth), ("defaultMode", Integer)])),
    ("configMap", F(&[("name", Text), ("optional", Truth), ("defaultMode", Integer)])),
    ("persistentVolumeClaim", F(&[("claimName", Text), ("readOnly", Truth)])),
    ("projected", F(&[("sources", ListOf(&F(&[]))), ("defaultMode", Integer)])),
];

static SERVICE: Fields = &[
    ("type", Text),
    ("selector", TEXTS),
    ("clusterIP", Text),
    ("externalName", Text),
    ("externalIPs", LIST),
    ("externalTrafficPolicy", Text),
    ("loadBalancerIP", Text),
    ("loadBalancerClass", Text),
    ("loadBalancerSourceRanges", LIST),
    ("publishNotReadyAddresses", Truth),
    ("sessionAffinity", Text),
    (
        "ports",
        ListOf(&F(&[
            ("name", Text),
            ("port", Integer),
            ("targetPort", IntegerOrText),
            ("nodePort", Integer),
            ("protocol", Text),
            ("appProtocol", Text),
        ])),
    ),
];

static SERVICE_ACCOUNT: Fields = &[
    ("automountServiceAccountToken", Truth),
    ("secrets", ListOf(&F(&[("name", Text)]))),
    ("imagePullSecrets", ListOf(&F(&[("name", Text)]))),
];

static NETWORK_POLICY: Fields = &[
    ("podSelector", SELECTOR),
    ("policyTypes", LIST),
    ("ingress", ListOf(&F(&[("from", PEERS), ("ports", POLICY_PORTS)]))),
    ("egress", ListOf(&F(&[("to", PEERS), ("ports", POLICY_PORTS)]))),
];

const PEERS: Type = ListOf(&F(&[
    ("podSelector", SELECTOR),
    ("namespaceSelector", SELECTOR),
    ("ipBlock", F(&[("cidr", Text), ("except", LIST)])),
]));

const POLICY_PORTS: Type =
    ListOf(&F(&[("port", IntegerOrText), ("endPort", Integer), ("protocol", Text)]));

static INGRESS: Fields = &[
    ("ingressClassName", Text),
    ("defaultBackend", F(BACKEND)),
    ("tls", ListOf(&F(&[("hosts", LIST), ("secretName", Text)]))),
    (
        "rules",
        ListOf(&F(&[
            ("host", Text),
            (
                "http",
                F(&[(
                    "paths",
                    ListOf(&F(&[("path", Text), ("pathType", Text), ("backend", F(BACKEND))])),
                )]),
            ),
        ])),
    ),
];

static BACKEND: Fields = &[
    ("service", F(&[("name", Text), ("port", F(&[("name", Text), ("number", Integer)]))])),
    ("serviceName", Text),
    ("servicePort", IntegerOrText),
];

const RULES: Type = ListOf(&F(&[
    ("apiGroups", LIST),
    ("resources", LIST),
    ("resourceNames", LIST),
    ("verbs", LIST),
    ("nonResourceURLs", LIST),
]));

static BINDING: Fields = &[
    ("roleRef", F(&[("apiGroup", Text), ("kind", Text), ("name", Text)])),
    (
        "subjects",
        ListOf(&F(&[("apiGroup", Text), ("kind", Text), ("name", Text), ("namespace", Text)])),
    ),
];
