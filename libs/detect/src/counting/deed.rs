//! A request as rules over several requests see it: its words, its marks, and what it told by itself.

use airside_types::{Detection, Payload, Record, Severity, Sighting, SightingBatch};

use super::Answered;
use crate::audit::{Actor, Outcome, Request, kind};

/// A request that was answered.
#[derive(Debug)]
pub(super) struct Deed<'d, 'e> {
    pub(super) request: &'d Request<'e>,
    pub(super) sighting: &'d Sighting,
    records: &'d [Record],
    batch: &'d SightingBatch,
    marks: Marks,
}

/// What a request is by its verb, resource and answer, so that a rule passes over most requests at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks(u32);

impl Marks {
    pub(super) const READS: Self = Self(1);
    pub(super) const CREATES: Self = Self(1 << 1);
    pub(super) const CHANGES: Self = Self(1 << 2);
    pub(super) const DELETES: Self = Self(1 << 3);
    /// It was done.
    pub(super) const DONE: Self = Self(1 << 4);
    /// Authentication or authorization refused it.
    pub(super) const REFUSED: Self = Self(1 << 5);
    /// Secrets.
    pub(super) const SECRETS: Self = Self(1 << 6);
    /// Roles and bindings.
    pub(super) const RIGHTS: Self = Self(1 << 7);
    /// Pods, and what has them made.
    pub(super) const WORKLOADS: Self = Self(1 << 8);
    pub(super) const PODS: Self = Self(1 << 9);
    pub(super) const NODES: Self = Self(1 << 10);
    /// Certificate signing requests.
    pub(super) const CERTIFICATES: Self = Self(1 << 11);
    /// Reviews of what the client itself may do.
    pub(super) const OWN_RIGHTS: Self = Self(1 << 12);
    /// Kinds by which somebody learns how a cluster is laid out.
    pub(super) const LAYOUT: Self = Self(1 << 13);
    /// What does not come back by itself when it is deleted.
    pub(super) const LASTING: Self = Self(1 << 14);
    /// Volumes and copies of them.
    pub(super) const DATA: Self = Self(1 << 15);

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of the other's marks are there.
    pub(super) const fn has(self, needed: Self) -> bool {
        self.0 & needed.0 == needed.0
    }

    fn of(request: &Request<'_>) -> Self {
        let verb = match request.verb() {
            "get" | "list" | "watch" => Self::READS,
            "create" => Self::CREATES,
            "update" | "patch" => Self::CHANGES,
            "delete" | "deletecollection" => Self::DELETES,
            _ => Self(0),
        };
        let outcome = match request.outcome() {
            Outcome::Done => Self::DONE,
            Outcome::Unauthenticated | Outcome::Forbidden => Self::REFUSED,
            Outcome::Failed | Outcome::DryRun => Self(0),
        };
        verb.and(outcome).and(Self::of_resource(request))
    }

    fn of_resource(request: &Request<'_>) -> Self {
        let (group, resource) = (request.group(), request.resource());
        match (group, resource, request.subresource()) {
            ("", "pods", "") => Self::PODS.and(Self::WORKLOADS).and(Self::LAYOUT),
            ("", "secrets", "") => Self::SECRETS.and(Self::LASTING),
            ("", "nodes", "") => Self::NODES.and(Self::LAYOUT),
            ("", "namespaces", "") => Self::LAYOUT.and(Self::LASTING),
            ("", "configmaps" | "serviceaccounts", "") => Self::LAYOUT.and(Self::LASTING),
            ("", "persistentvolumes" | "persistentvolumeclaims", "") => {
                Self::DATA.and(Self::LASTING)
            }
            ("", "services", "") | ("networking.k8s.io", _, "") => Self::LASTING,
            ("snapshot.storage.k8s.io", _, "") | ("velero.io", "backups", "") => {
                Self::DATA.and(Self::LASTING)
            }
            ("rbac.authorization.k8s.io", _, "") => {
                Self::RIGHTS.and(Self::LAYOUT).and(Self::LASTING)
            }
            ("apps", "deployments" | "daemonsets" | "statefulsets", "")
            | ("batch", "cronjobs", "") => Self::WORKLOADS.and(Self::LASTING),
            ("apps", "replicasets", "") | ("batch", "jobs", "") => Self::WORKLOADS,
            ("certificates.k8s.io", "certificatesigningrequests", "" | "approval") => {
                Self::CERTIFICATES
            }
            (
                "authorization.k8s.io",
                "selfsubjectrulesreviews" | "selfsubjectaccessreviews",
                "",
            ) => Self::OWN_RIGHTS,
            _ => Self(0),
        }
    }
}

impl<'d, 'e> Deed<'d, 'e> {
    pub(super) fn new(answered: &Answered<'d, 'e>) -> Self {
        let Answered { sighting, request, records, batch } = *answered;
        Self { request, sighting, records, batch, marks: Marks::of(request) }
    }

    /// Whether it has all of some marks.
    pub(super) fn is(&self, marks: Marks) -> bool {
        self.marks.has(marks)
    }

    /// Somebody's, by the means of people and scripts: a person's, or a workload's token in somebody's hands.
    pub(super) fn is_by_hand(&self) -> bool {
        self.request.client().is_by_hand()
            && matches!(self.request.actor(), Actor::User(_) | Actor::ServiceAccount { .. })
    }

    /// A service account's.
    pub(super) fn is_of_account(&self) -> bool {
        matches!(self.request.actor(), Actor::ServiceAccount { .. })
    }

    /// Who asked, by name.
    pub(super) fn user(&self) -> &str {
        &self.request.event().user.username
    }

    /// The client's address, as far as it is certain.
    pub(super) fn address(&self) -> Option<&str> {
        let address = self.batch.texts.get(self.sighting.request.address);
        Some(address).filter(|address| !address.is_empty())
    }

    /// The images of the pods that it writes.
    pub(super) fn images(&self) -> impl Iterator<Item = &'d str> {
        let batch = self.batch;
        self.sighting.request.images.iter().map(|image| batch.texts.get(*image))
    }

    /// The Secrets that those pods use.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &'d str> {
        let batch = self.batch;
        self.sighting.request.secrets.iter().map(|secret| batch.texts.get(*secret))
    }

    /// The service account that they run as.
    pub(super) fn runs_as(&self) -> Option<&'d str> {
        let account = self.batch.texts.get(self.sighting.request.runs_as);
        Some(account).filter(|account| !account.is_empty())
    }

    /// What it says of parameters of an admission policy, in the words of [`Sighting`].
    pub(super) fn parameters(&self) -> impl Iterator<Item = &'d str> {
        let batch = self.batch;
        self.sighting.request.parameters.iter().map(|text| batch.texts.get(*text))
    }

    /// The object, as people write it: `Deployment shop/web`.
    pub(super) fn object(&self) -> String {
        let request = self.request;
        let kind = kind::of(request.resource());
        match (request.namespace(), request.name()) {
            ("", "") => kind.to_owned(),
            (namespace, "") => format!("{kind} {namespace}/"),
            ("", name) => format!("{kind} {name}"),
            (namespace, name) => format!("{kind} {namespace}/{name}"),
        }
    }

    /// What was asked for, without the object's name: `list secrets of shop`, or a path.
    pub(super) fn asked(&self) -> String {
        let request = self.request;
        match (request.resource(), request.subresource(), request.namespace()) {
            ("", _, _) => format!("{} {}", request.verb(), request.path()),
            (resource, "", "") => format!("{} {resource}", request.verb()),
            (resource, "", namespace) => format!("{} {resource} of {namespace}", request.verb()),
            (resource, sub, "") => format!("{} {resource}/{sub}", request.verb()),
            (resource, sub, namespace) => {
                format!("{} {resource}/{sub} of {namespace}", request.verb())
            }
        }
    }

    /// The detections that it told by itself.
    pub(super) fn detections(&self) -> impl Iterator<Item = &'d Detection> {
        self.records.iter().filter_map(|record| match &record.payload {
            Payload::Detection(detection) => Some(detection),
            _ => None,
        })
    }

    /// How bad the worst of them is.
    pub(super) fn weight(&self) -> Severity {
        self.detections().map(|it| it.severity).max().unwrap_or_default()
    }
}
