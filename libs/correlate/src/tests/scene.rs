//! A small language for scenes: what happened in a cluster, written as records.

use airside_types::attack::technique;
use airside_types::{
    Authorisation, BoardingPass, Cluster, Confidence, Decision, Detection, Entity, Fact, FieldPath,
    Finding, FindingState, Gap, Id, Link, LinkRole, NamedValue, ObjectRef, Operation, PassVerdict,
    Payload, Phase, Place, Record, Relation, Severity, Source, Tactic, Technique, Tenant,
    Timestamp, Verdict,
};

/// Noon of some day; scenes count seconds from here.
const NOON: i64 = 1_700_000_000;

/// A moment of a scene, in seconds.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_nanos((NOON + seconds) * 1_000_000_000)
}

/// Records of one cluster, in the order in which they were written down.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) tenant: Tenant,
    pub(super) cluster: Cluster,
    pub(super) records: Vec<Record>,
}

/// A rule, as scenes need it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) severity: Severity,
    pub(super) tactic: Tactic,
    pub(super) technique: Technique,
    pub(super) source: Source,
}

const fn rule(
    (id, title): (&'static str, &'static str),
    severity: Severity,
    tactic: Tactic,
    technique: Technique,
    source: Source,
) -> Rule {
    Rule { id, title, severity, tactic, technique, source }
}

use Severity::{Critical, High, Info, Low, Medium};
use Source::{Audit, Falco};

pub(super) const EXEC: Rule =
    rule(("exec", "Exec into a pod"), Low, Tactic::Execution, technique("T1609"), Audit);
pub(super) const READ_SECRET: Rule = rule(
    ("secret", "Secret read"),
    Medium,
    Tactic::CredentialAccess,
    technique("T1552.007"),
    Audit,
);
pub(super) const LIST_PODS: Rule =
    rule(("pods", "Pods listed"), Info, Tactic::Discovery, technique("T1613"), Audit);
pub(super) const ASK_RIGHTS: Rule =
    rule(("rights", "Own rights listed"), Low, Tactic::Discovery, technique("T1069.003"), Audit);
pub(super) const CRONJOB: Rule = rule(
    ("cronjob", "Cron job created"),
    Medium,
    Tactic::Persistence,
    technique("T1053.007"),
    Audit,
);
pub(super) const TOKEN: Rule =
    rule(("token", "Token requested"), Medium, Tactic::CredentialAccess, technique("T1528"), Audit);
pub(super) const REFUSED: Rule = rule(
    ("refused", "Invalid credential"),
    Low,
    Tactic::CredentialAccess,
    technique("T1110"),
    Audit,
);
pub(super) const SHELL: Rule =
    rule(("shell", "Shell in a container"), Low, Tactic::Execution, technique("T1059.004"), Falco);
pub(super) const TOKEN_FILE: Rule = rule(
    ("token-file", "Token file read"),
    Medium,
    Tactic::CredentialAccess,
    technique("T1552.001"),
    Falco,
);
pub(super) const ESCAPE: Rule = rule(
    ("escape", "Host device mounted"),
    Critical,
    Tactic::PrivilegeEscalation,
    technique("T1611"),
    Falco,
);
pub(super) const MINER: Rule =
    rule(("miner", "Miner started"), Critical, Tactic::Impact, technique("T1496"), Falco);
pub(super) const SSH_KEY: Rule = rule(
    ("ssh-key", "Key for SSH added"),
    High,
    Tactic::Persistence,
    technique("T1098.004"),
    Falco,
);

pub(super) const RISKY_WORKLOAD: Rule = rule(
    ("risky", "Privileged workload deployed"),
    High,
    Tactic::PrivilegeEscalation,
    technique("T1610"),
    Audit,
);

pub(super) const ALL_RULES: [Rule; 13] = [
    EXEC,
    READ_SECRET,
    LIST_PODS,
    ASK_RIGHTS,
    CRONJOB,
    TOKEN,
    REFUSED,
    SHELL,
    TOKEN_FILE,
    ESCAPE,
    MINER,
    SSH_KEY,
    RISKY_WORKLOAD,
];

pub(super) fn user(name: &str) -> Link {
    Link::new(LinkRole::Actor, Entity::User { name: name.to_owned() })
}

pub(super) fn from(ip: &str) -> Link {
    Link::new(LinkRole::Means, Entity::Address { ip: ip.to_owned() })
}

pub(super) fn with_credential(id: &str) -> Link {
    Link::new(LinkRole::Means, Entity::Credential { id: id.to_owned() })
}

pub(super) fn account(namespace: &str, name: &str) -> Link {
    Link::new(LinkRole::Actor, Entity::service_account(namespace, name))
}

pub(super) fn by_pod(pod: &Entity) -> Link {
    Link::new(LinkRole::Actor, pod.clone())
}

pub(super) fn to(entity: &Entity) -> Link {
    Link::new(LinkRole::Target, entity.clone())
}

pub(super) fn allowed_by(role: &Entity) -> Link {
    Link::new(LinkRole::Grant, role.clone())
}

pub(super) fn on_node(name: &str) -> Link {
    Link::new(LinkRole::Context, node(name))
}

pub(super) fn pod(namespace: &str, name: &str, uid: &str) -> Entity {
    Entity::pod(namespace, name, Some(uid))
}

pub(super) fn node(name: &str) -> Entity {
    object("", "Node", "", name)
}

pub(super) fn object(group: &str, kind: &str, namespace: &str, name: &str) -> Entity {
    Entity::Object(ObjectRef::named(group, kind, Some(namespace), name))
}

pub(super) fn secret(namespace: &str, name: &str) -> Entity {
    object("", "Secret", namespace, name)
}

pub(super) fn with_uid(entity: &Entity, uid: &str) -> Entity {
    match entity {
        Entity::Object(object) => Entity::Object(object.clone().with_uid(Some(uid))),
        other => other.clone(),
    }
}

pub(super) fn place(path: &str, line: u32) -> Place {
    Place { path: path.into(), line, column: 1 }
}

/// The id of the request that [`Scene::decides_by`] decides on.
fn request_uid(seconds: i64, object: &ObjectRef) -> String {
    format!("{seconds}/{object}")
}

impl Scene {
    /// The id of the decision on an object at a moment, as an audit event names it.
    pub(super) fn decision_id(&self, seconds: i64, object: &Entity) -> String {
        let request_uid = request_uid(seconds, object.as_object().unwrap());
        Decision::id(&self.tenant, &self.cluster, &request_uid).to_string()
    }

    pub(super) fn new() -> Self {
        Self::of(Tenant::default(), Cluster::default())
    }

    pub(super) fn of(tenant: Tenant, cluster: Cluster) -> Self {
        Self { tenant, cluster, records: Vec::new() }
    }

    fn push(&mut self, id: Id, source: Source, time: Timestamp, payload: Payload) -> &mut Self {
        self.records.push(Record {
            tenant: self.tenant.clone(),
            cluster: self.cluster.clone(),
            id,
            source,
            event_time: time,
            ingest_time: time,
            payload,
        });
        self
    }

    /// A rule fires. What differs in rule, time or links is another event.
    pub(super) fn fires(&mut self, seconds: i64, rule: Rule, links: &[Link]) -> &mut Self {
        self.fires_with(seconds, rule, links, &[])
    }

    pub(super) fn fires_with(
        &mut self,
        seconds: i64,
        rule: Rule,
        links: &[Link],
        values: &[(&str, &str)],
    ) -> &mut Self {
        let native_id = format!("{seconds}/{links:?}");
        let event = Id::builder("test").text(&native_id).finish();
        let id = Record::detection_id(&self.tenant, &self.cluster, rule.source, event, rule.id);
        let named = |(name, value): &(&str, &str)| NamedValue {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        };
        let detection = Detection {
            rule: rule.id.to_owned(),
            rule_version: 1,
            title: rule.title.to_owned(),
            message: format!("{}.", rule.title),
            severity: rule.severity,
            confidence: Confidence::per_mille(900),
            tactic: rule.tactic,
            techniques: vec![rule.technique],
            phase: if rule.source == Audit { Phase::Audit } else { Phase::Runtime },
            links: links.to_vec().into(),
            values: values.iter().map(named).collect(),
            native_id,
            origin: None,
            event: None,
            repeats: None,
        };
        self.push(id, rule.source, at(seconds), Payload::Detection(detection))
    }

    pub(super) fn fact(
        &mut self,
        seconds: i64,
        subject: &Entity,
        relation: Relation,
        object: &Entity,
    ) -> &mut Self {
        let fact = Fact {
            subject: subject.clone(),
            relation,
            object: object.clone(),
            from: at(seconds),
            until: None,
        };
        let id = fact.id(&self.tenant, &self.cluster);
        self.push(id, Audit, at(seconds), Payload::Fact(fact))
    }

    pub(super) fn decides(
        &mut self,
        seconds: i64,
        verdict: Verdict,
        object: &Entity,
        links: &[Link],
    ) -> &mut Self {
        self.decides_by(seconds, verdict, object, links, Authorisation::Unknown)
    }

    pub(super) fn decides_by(
        &mut self,
        seconds: i64,
        verdict: Verdict,
        object: &Entity,
        links: &[Link],
        authorisation: Authorisation,
    ) -> &mut Self {
        let object = object.as_object().unwrap().clone();
        let request_uid = request_uid(seconds, &object);
        let id = Decision::id(&self.tenant, &self.cluster, &request_uid);
        let decision = Decision {
            request_uid,
            verdict,
            operation: Operation::Create,
            object,
            subresource: String::new(),
            dry_run: false,
            links: links.to_vec(),
            violations: Vec::new(),
            authorisation,
            origin: None,
        };
        self.push(id, Source::Admission, at(seconds), Payload::Decision(decision))
    }

    pub(super) fn finding(
        &mut self,
        check: &str,
        severity: Severity,
        enables: Technique,
        object: &Entity,
        stands: &Place,
    ) -> &mut Self {
        let finding = Finding {
            check: check.to_owned().into(),
            severity,
            state: FindingState::Open,
            object: object.as_object().unwrap().clone().into(),
            field: FieldPath::of(&["spec"]),
            message: format!("{check} is wrong."),
            fix: format!("Put {check} right.").into(),
            place: stands.clone(),
            techniques: vec![enables],
            origin: None,
            owner: None,
            named_field: None,
        };
        let id = finding.id(&self.tenant, &self.cluster);
        self.push(id, Source::Scan, at(-3_600), Payload::Finding(finding))
    }

    /// A boarding pass; returns its id.
    pub(super) fn pass(&mut self, object: &Entity, stands: &Place) -> Id {
        let pass = BoardingPass {
            object: object.as_object().unwrap().without_uid(),
            digest: Id::default(),
            place: stands.clone(),
            template: None,
            verdict: PassVerdict::Flagged,
            findings: Vec::new(),
            fields: Vec::new(),
            origin: None,
            rules: None,
            accepted: Vec::new(),
            attestation: None,
        };
        let id = pass.id(&self.tenant, &self.cluster);
        self.push(id, Source::Scan, at(-3_600), Payload::BoardingPass(pass));
        id
    }

    pub(super) fn gap(&mut self, from: i64, until: i64) -> &mut Self {
        let gap = Gap {
            source: Falco,
            origin: "node-1".to_owned(),
            from: at(from),
            until: at(until),
            lost: Some(7),
            reason: "the sensor's buffer was full".to_owned(),
        };
        let id = Record::gap_id(&self.tenant, &self.cluster, &gap);
        self.push(id, Falco, at(until), Payload::Gap(gap))
    }
}
