//! The node's files in pods: by a pod's own volumes, and by volumes and classes of the cluster.

use airside_k8s::{HostPath, PodSpec, Value, fields, workload};
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, text};
use super::super::pod_spec::{self, POD_WRITERS};
use super::super::request::Request;
use super::judged::{
    HOST_PATH, RUNTIME_SOCKET, SENSITIVE_PATH, failed, is_own_business, judged, of_failures,
    path_of, wrote,
};
use super::{CREATE, Definition, Ended, Firing, On, WRITE};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule, SURE, WEAK};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R42",
            version: 2,
            title: "Sensitive path of the host mounted",
            why: "Whoever writes these paths owns the node; whoever reads them has its keys.",
            next: "What the containers read and wrote there (runtime detections on file access), and whether keys, tokens or jobs that lie there were used since: then the node counts as taken.",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[
                "falco:Create Sensitive Mount Pod",
                "elastic:Kubernetes Pod created with a Sensitive hostPath Volume",
                "guardduty:Persistence:Kubernetes/ContainerWithSensitiveMount",
                "guardduty:Persistence:Kubernetes/AnomalousBehavior.WorkloadDeployed!ContainerWithSensitiveMount",
                "stratus:k8s.privilege-escalation.hostpath-volume",
            ],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/var/../etc"}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/mnt/data"}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: sensitive_path,
    },
    Definition {
        rule: Rule {
            id: "AUD-R42-path",
            version: 1,
            title: "Path of the host mounted",
            why: "Files of the node outlive the pod and are shared with whatever else mounts them; a link among the logs leads to any file.",
            next: "Which program needs the node's files; with its logs writable, which links lie there and who reads logs through the kubelet.",
            severity: Severity::Info,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &["sigma:Container With A hostPath Mount Created"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/mnt/data"}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: any_path,
    },
    Definition {
        rule: Rule {
            id: "AUD-R43",
            version: 2,
            title: "Container runtime's socket mounted",
            why: "The runtime starts any container, privileged too, for whoever speaks to its socket. A folder around the socket brings it along.",
            next: "Which containers were started on the pods' nodes that no pod explains; the images that were pulled there.",
            severity: Severity::High,
            confidence: SURE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &["falco:Create Sensitive Mount Pod"],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/var/run/docker.sock"}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/run/app.sock"}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: runtime_socket,
    },
    Definition {
        rule: Rule {
            id: "AUD-R42-volume",
            version: 2,
            title: "Volume of a sensitive path of the host created",
            why: "A claim on this volume brings the host's path into a pod that shows no hostPath.",
            next: "Which claim is bound to the volume, which pods mount the claim, and what they did with the node's files.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1611")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"persistentvolumes","name":"v"},"requestObject":{"spec":{"hostPath":{"path":"/"}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"persistentvolumes","name":"v"},"requestObject":{"spec":{"local":{"path":"/mnt/disks/1"}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["persistentvolumes"]),
        ended: Ended::Done,
        when: sensitive_volume,
    },
    Definition {
        rule: Rule {
            id: "AUD-R92",
            version: 1,
            title: "Volume bound to data of elsewhere",
            why: "A volume or snapshot content that somebody writes by hand names data by its handle: any disk of the account, another namespace's too.",
            next: "Whose data the handle names, which claim or snapshot is bound to it, and which pods read it.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Collection,
            techniques: &[technique("T1005")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"persistentvolumes","name":"v"},"requestObject":{"spec":{"csi":{"driver":"ebs.csi.aws.com","volumeHandle":"vol-1"}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:ebs-csi-controller-sa"},"userAgent":"csi-provisioner/v5","objectRef":{"resource":"persistentvolumes","name":"v"},"requestObject":{"spec":{"csi":{"driver":"ebs.csi.aws.com","volumeHandle":"vol-1"}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(
            CREATE,
            &["persistentvolumes", "volumesnapshotcontents.snapshot.storage.k8s.io"],
        ),
        ended: Ended::Done,
        when: foreign_data,
    },
    Definition {
        rule: Rule {
            id: "AUD-R92-snapshot",
            version: 1,
            title: "Snapshot of a volume taken by hand",
            why: "A snapshot is a copy of everything on a volume, and can be mounted elsewhere without the workload noticing.",
            next: "Whose claim was copied, whether a volume was made from the snapshot since, and in which namespace.",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::Collection,
            techniques: &[technique("T1005")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"volumesnapshots","apiGroup":"snapshot.storage.k8s.io","namespace":"shop","name":"s"},"requestObject":{"spec":{"source":{"persistentVolumeClaimName":"db"}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:serviceaccount:velero:velero"},"userAgent":"velero/1.15","objectRef":{"resource":"volumesnapshots","apiGroup":"snapshot.storage.k8s.io","namespace":"shop","name":"s"},"requestObject":{"spec":{"source":{"persistentVolumeClaimName":"db"}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["volumesnapshots.snapshot.storage.k8s.io"]),
        ended: Ended::Done,
        when: snapshot,
    },
    Definition {
        rule: Rule {
            id: "AUD-R92-class",
            version: 1,
            title: "Storage class written by hand",
            why: "Every claim that names the class, or none at all, gets its volumes from the program that the class names.",
            next: "Which provisioner and parameters the class names now, whether it is the default, and which claims were made with it since.",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::Collection,
            techniques: &[technique("T1005")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"storageclasses","apiGroup":"storage.k8s.io","name":"fast"},"requestObject":{"provisioner":"example.net/nfs"},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"ci"},"userAgent":"Helm/3.16.2","objectRef":{"resource":"storageclasses","apiGroup":"storage.k8s.io","name":"fast"},"requestObject":{"provisioner":"example.net/nfs"},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["storageclasses.storage.k8s.io"]),
        ended: Ended::Done,
        when: storage_class,
    },
    Definition {
        rule: Rule {
            id: "AUD-R92-inline",
            version: 1,
            title: "Storage mounted past the cluster's volumes",
            why: "A server of files or a driver that the pod names itself is outside of what claims and their quotas control.",
            next: "Who runs the server, what lies on it, and whether data of the cluster went there.",
            severity: Severity::Info,
            confidence: WEAK,
            tactic: Tactic::Collection,
            techniques: &[technique("T1005")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"volumes":[{"name":"v","nfs":{"server":"203.0.113.9","path":"/"}}]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"db"}}]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Workloads(WRITE, POD_WRITERS),
        ended: Ended::Done,
        when: inline_storage,
    },
];

/// What lies below a sensitive folder without being anybody's secret weighs less.
fn sensitive_path(request: &Request<'_>) -> Option<Firing> {
    let failures: Vec<_> = failed(request, SENSITIVE_PATH).collect();
    let is_everyday = |path: String| HostPath::is_everyday(&path);
    let harmless = failures.iter().all(|failure| is_everyday(path_of(request, failure)))
        || request.keeps_as_declared();
    of_failures(request, &failures, if harmless { Severity::Low } else { Severity::High })
}

/// The sockets, and folders in which they lie. Of the whole file system the rule on sensitive paths tells.
fn runtime_socket(request: &Request<'_>) -> Option<Firing> {
    let is_around = |failure: &&_| HostPath::holds_socket(&path_of(request, failure));
    let around = failed(request, SENSITIVE_PATH).filter(is_around);
    let failures: Vec<_> = failed(request, RUNTIME_SOCKET).chain(around).collect();
    of_failures(request, &failures, Severity::High)
}

fn any_path(request: &Request<'_>) -> Option<Firing> {
    let by_logs =
        |pod: &PodSpec<'_>| airside_k8s::Breakout::by_logs(pod, &workload::path_on_node).is_some();
    let leads_on = || pod_spec::pods(request).iter().any(by_logs);
    let firing = judged(request, HOST_PATH, Severity::Info)?;
    let counts = !request.actor().is_workload_controller() && leads_on();
    Some(if counts { firing.at(Severity::Low) } else { firing })
}

fn sensitive_volume(request: &Request<'_>) -> Option<Firing> {
    let spec = at(request.body(), &["spec"]);
    let kind = ["hostPath", "local"].into_iter().find(|kind| {
        let path = text(at(spec, &[kind]), "path");
        !path.is_empty() && HostPath::of(path) != HostPath::Other
    })?;
    let path = text(at(spec, &[kind]), "path");
    Some(
        Firing::new(format!("{} of the host's {path}", wrote(request)))
            .at(if HostPath::is_everyday(path) { Severity::Low } else { Severity::High })
            .with(&format!("requestObject.spec.{kind}.path"), path),
    )
}

/// Provisioners write such objects for claims; a person who does names the data.
fn foreign_data(request: &Request<'_>) -> Option<Firing> {
    const HANDLES: [&[&str]; 4] = [
        &["spec", "csi", "volumeHandle"],
        &["spec", "source", "snapshotHandle"],
        &["spec", "source", "volumeHandle"],
        &["spec", "nfs", "server"],
    ];
    let handle = HANDLES.iter().find_map(|path| {
        let handle = fields::down(request.body(), path)?.as_str()?;
        Some((path.join("."), handle))
    });
    let (field, handle) = handle.filter(|_| request.client().is_by_hand())?;
    let firing = Firing::new(format!("{} of {handle}", wrote(request)));
    Some(firing.with(&format!("requestObject.{field}"), handle))
}

fn snapshot(request: &Request<'_>) -> Option<Firing> {
    let source = at(request.body(), &["spec", "source"]);
    let source = ["persistentVolumeClaimName", "volumeSnapshotContentName"]
        .into_iter()
        .map(|key| text(source, key))
        .find(|source| !source.is_empty())
        .unwrap_or_default();
    request.client().is_by_hand().then(|| {
        let severity = if request.is_workload_by_hand() { Severity::Medium } else { Severity::Low };
        Firing::new(format!("{} of {source}", wrote(request)))
            .at(severity)
            .with("requestObject.spec.source", source)
    })
}

fn storage_class(request: &Request<'_>) -> Option<Firing> {
    let provisioner = text(request.body(), "provisioner");
    request
        .client()
        .is_by_hand()
        .then(|| Firing::new(wrote(request)).with("requestObject.provisioner", provisioner))
}

fn inline_storage(request: &Request<'_>) -> Option<Firing> {
    const SERVERS: [&[&str]; 6] = [
        &["nfs", "server"],
        &["csi", "driver"],
        &["glusterfs", "endpoints"],
        &["iscsi", "targetPortal"],
        &["flexVolume", "driver"],
        &["azureFile", "shareName"],
    ];
    let names_one =
        pod_spec::mentions(request, &SERVERS.map(|path| path.first().copied().unwrap_or_default()));
    if !names_one || is_own_business(request) || request.actor().is_workload_controller() {
        return None;
    }
    let pods = pod_spec::pods(request);
    let (field, server) = pods.iter().find_map(|pod| {
        let volumes = pod.field("volumes").and_then(Value::as_array).unwrap_or_default();
        volumes.iter().enumerate().find_map(|(index, volume)| {
            let path = SERVERS.iter().find(|path| fields::down(volume, path).is_some())?;
            let server = fields::down(volume, path)?.as_str()?.to_owned();
            Some((pod.path_of("volumes").index(index).keys(path), server))
        })
    })?;
    let firing = Firing::new(format!("{} with storage of {server}", wrote(request)));
    Some(firing.with(&format!("requestObject.{field}"), &server))
}
