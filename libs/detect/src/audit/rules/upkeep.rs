//! What kubelets, controllers and drivers keep in order, and people hardly ever write: revisions, addresses and certificates
//! of pods, claims and attachments of volumes, ranges of addresses.

use airside_k8s::Value;
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::actor::Actor;
use super::super::body::{at, items, text, texts};
use super::super::request::Request;
use super::hands::Hands;
use super::judged::wrote;
use super::{CREATE, Definition, Ended, Firing, MODIFY, On, WRITE};
use crate::rule::{Examples, LIKELY, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R22-pod",
            version: 1,
            title: "Certificate of a pod requested by somebody else than its kubelet",
            why: "A PodCertificateRequest that is signed is the pod's identity; kubelets alone make them, each for the pods of its node.",
            next: "Which signer answered and what the certificate was used for; who may create podcertificaterequests.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1552.004"), technique("T1078")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.36.0","objectRef":{"resource":"podcertificaterequests","apiGroup":"certificates.k8s.io","namespace":"shop","name":"c"},"requestObject":{"spec":{"signerName":"kubernetes.io/kube-apiserver-client-pod","podName":"web"}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:node:n1","groups":["system:nodes"]},"userAgent":"kubelet/v1.36.0","objectRef":{"resource":"podcertificaterequests","apiGroup":"certificates.k8s.io","namespace":"shop","name":"c"},"requestObject":{"spec":{"signerName":"kubernetes.io/kube-apiserver-client-pod","podName":"web"}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["podcertificaterequests.certificates.k8s.io"]),
        ended: Ended::Done,
        when: |request| {
            let is_kubelet = matches!(request.actor(), Actor::Node(_));
            let signer = text(at(request.body(), &["spec"]), "signerName");
            (!is_kubelet)
                .then(|| Firing::new(wrote(request)).with("requestObject.spec.signerName", signer))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R52-revision",
            version: 1,
            title: "Revision of a workload written by hand",
            why: "A rollback takes its pods from a ControllerRevision: whoever writes one waits until somebody rolls back, and has no right to write the workload.",
            next: "Compare the revision with the workload's template; whether it was rolled back to since, and who may write controllerrevisions.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::Persistence,
            techniques: &[technique("T1546")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"controllerrevisions","apiGroup":"apps","namespace":"shop","name":"agent-6d4c"},"requestObject":{"data":{"spec":{"template":{"spec":{"hostPID":true}}}}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:daemon-set-controller"},"userAgent":"kube-controller-manager/v1.33.1","objectRef":{"resource":"controllerrevisions","apiGroup":"apps","namespace":"shop","name":"agent-6d4c"},"requestObject":{"data":{"spec":{}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["controllerrevisions.apps"]),
        ended: Ended::Done,
        // Controllers of their own make revisions of machines and workloads all day.
        when: |request| Some(Firing::new(wrote(request)).at(by_hand(request, Severity::Medium)?)),
    },
    Definition {
        rule: Rule {
            id: "AUD-R77-range",
            version: 1,
            title: "Range of service addresses added or changed",
            why: "Services get their addresses from these ranges: in one that lies outside of the cluster, a service takes over the traffic that pods send there.",
            next: "Whose addresses these are and which services have some of them; who may write servicecidrs.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1557")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"servicecidrs","apiGroup":"networking.k8s.io","name":"more"},"requestObject":{"spec":{"cidrs":["198.51.100.0/24"]}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:apiserver"},"userAgent":"kube-apiserver/v1.33.1","objectRef":{"resource":"servicecidrs","apiGroup":"networking.k8s.io","name":"kubernetes"},"requestObject":{"spec":{"cidrs":["10.96.0.0/12"]}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, &["servicecidrs.networking.k8s.io"]),
        ended: Ended::Done,
        when: |request| {
            let ranges: Vec<_> = texts(at(request.body(), &["spec"]), "cidrs").collect();
            let ranges = Some(ranges.join(", ")).filter(|ranges| !ranges.is_empty())?;
            let severity = by_hand(request, Severity::Medium)?;
            Some(Firing::new(wrote(request)).at(severity).with("requestObject.spec.cidrs", &ranges))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R79-pod",
            version: 1,
            title: "Address of a pod set by somebody else than its kubelet",
            why: "Services send their clients where the status of their pods says: whoever sets the address gets what is meant for the pod.",
            next: "Whose address it is and which services select the pod; take away the right to write pods/status.",
            severity: Severity::High,
            confidence: LIKELY,
            tactic: Tactic::CredentialAccess,
            techniques: &[technique("T1557")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"pods","subresource":"status","namespace":"shop","name":"web-0"},"requestObject":{"status":{"podIP":"192.0.2.7"}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"pods","subresource":"status","namespace":"shop","name":"web-0"},"requestObject":{"status":{"conditions":[{"type":"example.net/ready","status":"True"}]}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(MODIFY, &["pods/status"]),
        ended: Ended::Done,
        when: |request| {
            // Kubelets do it all day, and a body is long to read.
            if matches!(request.actor(), Actor::Node(_)) {
                return None;
            }
            let severity = by_hand(request, Severity::High)?;
            let status = at(request.body(), &["status"]);
            let first = items(status, "podIPs").first().map(|it| text(it, "ip"));
            let address = [text(status, "podIP"), first.unwrap_or_default()];
            let address = address.into_iter().find(|address| !address.is_empty())?;
            Some(
                Firing::new(wrote(request))
                    .at(severity)
                    .with("requestObject.status.podIP", address),
            )
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R92-attached",
            version: 1,
            title: "Volume attached to a node by hand",
            why: "An attachment puts the disk of any pod into a node's hands, without a pod that mounts it.",
            next: "Which volume it is and who can enter that node; who may write volumeattachments.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::Collection,
            techniques: &[technique("T1005")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"volumeattachments","apiGroup":"storage.k8s.io","name":"a"},"requestObject":{"spec":{"nodeName":"n3","source":{"persistentVolumeName":"db"}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:attachdetach-controller"},"userAgent":"kube-controller-manager/v1.33.1","objectRef":{"resource":"volumeattachments","apiGroup":"storage.k8s.io","name":"a"},"requestObject":{"spec":{"nodeName":"n3","source":{"persistentVolumeName":"db"}}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(CREATE, &["volumeattachments.storage.k8s.io"]),
        ended: Ended::Done,
        when: |request| {
            let volume = text(at(request.body(), &["spec", "source"]), "persistentVolumeName");
            let severity = by_hand(request, Severity::Medium)?;
            let firing = Firing::new(wrote(request)).at(severity);
            Some(firing.with("requestObject.spec.source.persistentVolumeName", volume))
        },
    },
    Definition {
        rule: Rule {
            id: "AUD-R92-claim",
            version: 1,
            title: "Volume promised to another claim by hand",
            why: "A volume whose claim is taken away or exchanged is bound by the next one, in whatever namespace, with the data that is on it.",
            next: "Who had the volume before and which claim has it now; whether it was to be given back.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::Collection,
            techniques: &[technique("T1005")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"persistentvolumes","name":"db"},"requestObject":{"spec":{"claimRef":{"namespace":"shop","name":"mine"}}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"persistentvolumes","name":"db"},"requestObject":{"spec":{"persistentVolumeReclaimPolicy":"Retain"}},"responseStatus":{"code":200}}"#,
            }),
        },
        // A whole volume has its claim in it, changed or not.
        on: On::Resources(&["patch"], &["persistentvolumes"]),
        ended: Ended::Done,
        when: |request| {
            let change = request.change();
            let claim = at(change.set(), &["spec", "claimRef"]);
            let is_removed =
                change.removed().iter().any(|it| it.as_str().starts_with("spec.claimRef"));
            let name = [text(claim, "namespace"), text(claim, "name")].join("/");
            let value = match claim {
                Value::Object(_) => name.as_str(),
                _ if is_removed => "removed",
                _ => return None,
            };
            let severity = by_hand(request, Severity::Low)?;
            let counts = !request.applies_whole();
            counts.then(|| {
                Firing::new(wrote(request)).at(severity).with("requestObject.spec.claimRef", value)
            })
        },
    },
];

/// How much it weighs where a person does it. Of a platform it is no news; who only says to be a program is told.
fn by_hand(request: &Request<'_>, person: Severity) -> Option<Severity> {
    Hands { person, program: Severity::Info }.unless_usual(request)
}
