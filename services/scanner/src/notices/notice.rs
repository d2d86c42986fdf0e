//! What a notice says: JSON that programs read, with a sentence for people. Pure.

use std::cmp::Reverse;

use airside_k8s::{Value, json};
use airside_types::{Cluster, Id, Tenant};
use airside_wire::finding::FindingEntry;
use bytes::Bytes;

use super::News;

/// The most findings that one notice tells in full; the others are counted.
const MAX_FINDINGS: usize = 50;
/// How many of them the sentence for people names.
const MAX_NAMED: usize = 3;

/// What is told of the findings of one owner after one scan.
#[derive(Debug)]
pub(super) struct Notice<'e> {
    /// Of its content: the same news make the same notice.
    pub(super) id: Id,
    tenant: &'e Tenant,
    cluster: &'e Cluster,
    owner: Option<&'e str>,
    /// The most severe first.
    findings: Vec<(News, &'e FindingEntry)>,
}

impl<'e> Notice<'e> {
    pub(super) fn of(
        tenant: &'e Tenant,
        cluster: &'e Cluster,
        owner: Option<&'e str>,
        mut findings: Vec<(News, &'e FindingEntry)>,
    ) -> Self {
        findings.sort_by(|(_, left), (_, right)| {
            let key = |it: &'e FindingEntry| (Reverse(it.finding.severity), &it.finding.place.path);
            key(left).cmp(&key(right)).then_with(|| left.id.cmp(&right.id))
        });
        let id = Id::builder("notice").text(tenant.as_str()).text(cluster.as_str()).optional(owner);
        let id = findings.iter().fold(id, |id, (news, entry)| {
            let (since, message) = (entry.state_since.as_nanos(), &entry.finding.message);
            id.text(news.as_str()).id(entry.id).number(since).text(message)
        });
        Self { id: id.finish(), tenant, cluster, owner, findings }
    }

    /// The body as it is posted.
    pub(super) fn body(&self) -> Bytes {
        let count = |wanted: News| self.findings.iter().filter(|(news, _)| *news == wanted).count();
        let told: Vec<Value> = self.findings.iter().take(MAX_FINDINGS).map(finding).collect();
        let body = json!({
            "id": self.id.to_string(),
            "text": self.sentence(),
            "tenant": self.tenant.as_str(),
            "cluster": self.cluster.as_str(),
            "owner": self.owner,
            "opened": count(News::Opened),
            "reappeared": count(News::Reappeared),
            "changed": count(News::Changed),
            "findings": told,
            "left_out": self.findings.len().saturating_sub(MAX_FINDINGS),
        });
        Bytes::from(body.to_string())
    }

    /// What people read in a chat room.
    fn sentence(&self) -> String {
        let (cluster, owner) = (self.cluster, self.owner.unwrap_or("nobody in particular"));
        let findings = match self.findings.len() {
            1 => "1 finding".to_owned(),
            count => format!("{count} findings"),
        };
        let named = self.findings.iter().take(MAX_NAMED).map(|(news, entry)| {
            let it = &entry.finding;
            format!("{} {} {}: {}: {}", it.severity, news.as_str(), it.check, it.object, it.message)
        });
        let more = match self.findings.len().saturating_sub(MAX_NAMED) {
            0 => String::new(),
            more => format!("\nand {more} more"),
        };
        let named: Vec<_> = named.collect();
        format!("Cluster {cluster}, {findings} of {owner}\n{}{more}", named.join("\n"))
    }
}

fn finding((news, entry): &(News, &FindingEntry)) -> Value {
    let it = &entry.finding;
    json!({
        "fingerprint": entry.id.to_string(),
        "news": news.as_str(),
        "check": it.check,
        "severity": it.severity.as_str(),
        "resource": {
            "group": it.object.group, "kind": it.object.kind,
            "namespace": it.object.namespace, "name": it.object.name,
        },
        "field": it.field.to_string(),
        "message": it.message,
        "fix": it.fix,
        "place": it.source_place().to_string(),
        "owner": it.owner,
    })
}
