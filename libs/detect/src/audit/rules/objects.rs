//! Traces and damage: deleted events and namespaces, accounts and name service of the cluster itself.

use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::actor::Actor;
use super::super::request::Request;
use super::super::sign::Sign;
use super::guards::{is_definition_of_guard, watches};
use super::hands::Hands;
use super::{CREATE, DELETE, Definition, Ended, Firing, On};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R70",
            version: 1,
            title: "Service account created in a namespace of the cluster itself",
            why: "Among the cluster's own accounts a foreign one is hard to see.",
            next: "Look at the roles that it is bound to and the pods that use it.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1136.001")],
            equivalents: &["falco:Service Account Created in Kube Namespace"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"serviceaccounts","namespace":"kube-system","name":"s"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"serviceaccounts","namespace":"shop","name":"s"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["serviceaccounts"]),
        ended: Ended::Done,
        when: |request| {
            let counts = request.is_in_system_namespace() && !request.is_by_trusted_system();
            counts.then(|| fired(request))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R72",
            version: 1,
            title: "Name service of the cluster changed",
            why: "Whoever changes CoreDNS decides where every name in the cluster leads.",
            next: "Compare with the version in the repository: rewrites, hosts, forwarders. See which names were asked for since.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1557"), technique("T1565")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"kube-system","name":"coredns"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"coredns"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            &["create", "update", "patch", "delete"],
            &["configmaps", "services", "endpoints", "daemonsets.apps", "deployments.apps"],
        ),
        ended: Ended::Done,
        when: |request| {
            const NAMES: [&str; 4] = ["coredns", "coredns-custom", "kube-dns", "node-local-dns"];
            let counts = request.namespace() == "kube-system"
                && NAMES.contains(&request.name())
                && !request.is_by_trusted_system();
            counts.then(|| fired(request))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R74",
            version: 1,
            title: "Events deleted",
            why: "Events expire by themselves; whoever deletes them wants something not to be seen.",
            next: "Read the events from the audit log or an archive instead; look at what the actor did before.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1070")],
            equivalents: &["sigma:Kubernetes Events Deleted", "elastic:Kubernetes Events Deleted"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"deletecollection","user":{"username":"dana"},"objectRef":{"resource":"events","namespace":"shop"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"deletecollection","user":{"username":"system:serviceaccount:kube-system:namespace-controller"},"objectRef":{"resource":"events","namespace":"shop"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(DELETE, &["events"]),
        ended: Ended::Done,
        when: |request| (!request.is_by_trusted_system()).then(|| fired(request)),
    },
    Definition {
        rule: Rule {
            id: "AUD-R80",
            version: 2,
            title: "Whole namespace or collection deleted",
            why: "One request, and everything of a kind or a whole namespace is gone.",
            next: "Ask who ordered it; see whether backups are there and whether more is being deleted.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Impact,
            techniques: &[technique("T1485")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"web-0"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            DELETE,
            &[
                "namespaces",
                "persistentvolumes",
                "persistentvolumeclaims",
                "secrets",
                "configmaps",
                "deployments.apps",
                "statefulsets.apps",
                "daemonsets.apps",
                "jobs.batch",
                "cronjobs.batch",
                "networkpolicies.networking.k8s.io",
                "pods",
                "services",
                "volumesnapshots.snapshot.storage.k8s.io",
                "volumesnapshotcontents.snapshot.storage.k8s.io",
                "backups.velero.io",
            ],
        ),
        ended: Ended::Done,
        when: |request| {
            // What a copy is for is gone with the copy.
            const COPIES: [&str; 3] = ["volumesnapshots", "volumesnapshotcontents", "backups"];
            let whole = request.verb() == "deletecollection"
                || request.resource() == "namespaces"
                || COPIES.contains(&request.resource()) && request.client().is_by_hand();
            // Deployments are made anew from a repository, data is not. Operators take down what they put up.
            const DATA: [&str; 4] = [
                "persistentvolumeclaims",
                "persistentvolumes",
                "volumesnapshots",
                "volumesnapshotcontents",
            ];
            let is_data =
                request.verb() == "deletecollection" && DATA.contains(&request.resource());
            (whole && !request.is_by_trusted_system()).then(|| {
                let by_hand = request.is_workload_by_hand();
                let is_worse = by_hand || (is_data && !request.actor().is_workload());
                fired(request).at(if is_worse { Severity::High } else { Severity::Low })
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R81",
            version: 2,
            title: "Workload stopped, or let grow without bound",
            why: "Scaled to nothing, a service, or the guard that watches it, is gone without being deleted; an autoscaler with a high bound pays for somebody else's work.",
            next: "Ask who needed this; look whether the workload guards something (agents, policy engines, backups), and at what else the actor changed.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Impact,
            techniques: &[technique("T1489"), technique("T1496.001")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","subresource":"scale","namespace":"shop","name":"web"},"requestObject":{"spec":{"replicas":0}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","subresource":"scale","namespace":"shop","name":"web"},"requestObject":{"spec":{"replicas":3}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            &["update", "patch"],
            &[
                "deployments.apps",
                "deployments.apps/scale",
                "statefulsets.apps",
                "statefulsets.apps/scale",
                "replicasets.apps/scale",
                "replicationcontrollers/scale",
                "horizontalpodautoscalers.autoscaling",
            ],
        ),
        ended: Ended::Done,
        when: |request| {
            const MANY: u64 = 500;
            let spec = request.body().get("spec")?;
            let number = |field: &str| spec.get(field).and_then(airside_k8s::Value::as_u64);
            // A whole scale of none is written without the number.
            let is_left_out = request.verb() == "update"
                && request.subresource() == "scale"
                && spec.is_object()
                && number("replicas").is_none();
            let (field, value) = match (number("replicas"), number("maxReplicas")) {
                (Some(0), _) => ("replicas", 0),
                _ if is_left_out => ("replicas", 0),
                (_, Some(most)) if most >= MANY => ("maxReplicas", most),
                _ => return None,
            };
            // Autoscalers stop what is idle, and pipelines what they replace.
            let upkeep = !request.client().is_by_hand();
            let guards = request.profile().is_sensitive_namespace(request.namespace())
                || watches(request.namespace(), request.name());
            let severity = match () {
                () if request.is_workload_by_hand() || guards && !upkeep => Severity::Medium,
                () if upkeep && !guards => Severity::Info,
                () => Severity::Low,
            };
            (!request.is_by_trusted_system()).then(|| {
                fired(request)
                    .at(severity)
                    .with(&format!("requestObject.spec.{field}"), &value.to_string())
            })
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R80-kind",
            version: 1,
            title: "Kind of objects deleted",
            why: "With a definition all objects of its kind are gone in every namespace, and with an APIService what it served.",
            next: "Ask who ordered it; whether backups of the objects are there, and which controllers worked with them.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Impact,
            techniques: &[technique("T1485")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"delete","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"customresourcedefinitions","apiGroup":"apiextensions.k8s.io","name":"orders.shop.example.net"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"delete","user":{"username":"system:serviceaccount:argocd:argocd-application-controller"},"userAgent":"argocd-application-controller/v2.14","objectRef":{"resource":"customresourcedefinitions","apiGroup":"apiextensions.k8s.io","name":"orders.shop.example.net"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            DELETE,
            &[
                "apiservices.apiregistration.k8s.io",
                "customresourcedefinitions.apiextensions.k8s.io",
            ],
        ),
        ended: Ended::Done,
        when: |request| {
            let hands = Hands { person: Severity::Low, program: Severity::Info };
            let severity = hands.unless_usual(request)?;
            // What guards enforce has a rule of its own.
            (!is_definition_of_guard(request)).then(|| fired(request).at(severity))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R81-share",
            version: 1,
            title: "Who is served first by the API server changed by hand",
            why: "Flow schemas and priority levels keep one client from taking all of the API server: a client that is exempt can, and leaders without a share lose their leases.",
            next: "Which clients the schema matches and what they ask for since; compare with the ones that Kubernetes suggests.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Impact,
            techniques: &[technique("T1499")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"flowschemas","apiGroup":"flowcontrol.apiserver.k8s.io","name":"mine"},"requestObject":{"spec":{"priorityLevelConfiguration":{"name":"exempt"}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"update","user":{"username":"system:apiserver"},"userAgent":"kube-apiserver/v1.33.1","objectRef":{"resource":"flowschemas","apiGroup":"flowcontrol.apiserver.k8s.io","name":"probes"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(
            &["create", "update", "patch", "delete", "deletecollection"],
            &[
                "flowschemas.flowcontrol.apiserver.k8s.io",
                "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
            ],
        ),
        ended: Ended::Done,
        when: |request| {
            let hands = Hands { person: Severity::Low, program: Severity::Info };
            let severity = hands.unless_usual(request)?;
            Some(fired(request).at(severity))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R91-lease",
            version: 1,
            title: "Leadership of a component taken by somebody else",
            why: "Who holds the lease of a component is its leader: the real ones stand by and do nothing.",
            next: "See who holds the lease now and whether the component still works; ask who can write leases in the system namespaces.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1562.001"), technique("T1489")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"update","user":{"username":"dana"},"objectRef":{"resource":"leases","apiGroup":"coordination.k8s.io","namespace":"kube-system","name":"kube-scheduler"},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"update","user":{"username":"system:kube-scheduler"},"objectRef":{"resource":"leases","apiGroup":"coordination.k8s.io","namespace":"kube-system","name":"kube-scheduler"},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Signs(&[Sign::LeaderLease]),
        ended: Ended::Done,
        when: |request| {
            let counts = !matches!(request.actor(), Actor::Component(_)) && !is_own_lease(request);
            counts.then(|| fired(request))
        },
    },
];

/// Cloud controllers run as pods as well, with an account of the lease's name, or one that has their cloud's before it.
fn is_own_lease(request: &Request<'_>) -> bool {
    let Actor::ServiceAccount { namespace: "kube-system", name } = request.actor() else {
        return false;
    };
    let is_cloud = request.name() == "cloud-controller-manager" && !request.client().is_by_hand();
    name == request.name() || is_cloud && name.contains("cloud")
}

/// A firing that says what was asked for.
fn fired(request: &Request<'_>) -> Firing {
    let deed = match request.verb() {
        "create" => "created",
        "delete" | "deletecollection" => "deleted",
        _ => "changed",
    };
    let kind = super::super::kind::of(request.resource());
    let place = match (request.resource(), request.namespace()) {
        ("namespaces", _) | (_, "") => String::new(),
        (_, namespace) => format!(" of namespace {namespace}"),
    };
    let name = match request.name() {
        "" => "all objects of kind".to_owned(),
        name => name.to_owned(),
    };
    let deed = if request.name().is_empty() {
        format!("{deed} {name} {kind}{place}")
    } else {
        format!("{deed} {kind} {name}{place}")
    };
    Firing::new(deed).with("verb", request.verb())
}
