//! Identities and rights of the cloud that are given through the cluster: its own log shows a controller as the one who
//! gave them.

use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, text};
use super::super::request::Request;
use super::hands::{Hands, writes_content};
use super::policy::changed;
use super::{Definition, Ended, Firing, On, WRITE};
use crate::rule::{Examples, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[
    Definition {
        rule: Rule {
            id: "AUD-R71-cloud",
            version: 1,
            title: "Service account given a role of the cloud",
            why: "Every pod that runs as the account gets the cloud's credentials of that role: rights that no role of the cluster shows.",
            next: "What the role may do in the cloud, and which pods run as the account; the cloud's own log tells what was done with it.",
            severity: Severity::Low,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.003"), technique("T1078.004")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"serviceaccounts","namespace":"shop","name":"web"},"requestObject":{"metadata":{"annotations":{"eks.amazonaws.com/role-arn":"arn:aws:iam::111122223333:role/admin"}}},"responseStatus":{"code":200}}"#,
                quiet: r#"{"verb":"patch","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"serviceaccounts","namespace":"shop","name":"web"},"requestObject":{"metadata":{"annotations":{"example.net/owner":"shop"}}},"responseStatus":{"code":200}}"#,
            }),
        },
        on: On::Resources(WRITE, &["serviceaccounts"]),
        ended: Ended::Done,
        when: given_a_role,
    },
    Definition {
        rule: Rule {
            id: "AUD-R71-iam",
            version: 1,
            title: "Identity or right of the cloud made through the cluster",
            why: "A controller makes it in the cloud with its own rights; a key that it makes ends as a secret in the namespace.",
            next: "What the role, policy or key opens in the cloud, and who can read the secret that came of it; delete it there too, not only here.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.003")],
            equivalents: &[],
            source: Source::Audit,
            examples: Some(Examples {
                fires: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"accesskeys","apiGroup":"iam.aws.upbound.io","name":"k"},"requestObject":{"spec":{"forProvider":{"user":"root"}}},"responseStatus":{"code":201}}"#,
                quiet: r#"{"verb":"create","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"buckets","apiGroup":"s3.aws.upbound.io","name":"b"},"requestObject":{"spec":{}},"responseStatus":{"code":201}}"#,
            }),
        },
        on: On::Resources(WRITE, IDENTITIES),
        ended: Ended::Done,
        when: made_in_the_cloud,
    },
];

/// What the controllers of clouds make identities and rights from: AWS's own (ACK), Google's (Config Connector), Azure's
/// (Service Operator), and Crossplane's for all three.
const IDENTITIES: &[&str] = &[
    "accessentries.eks.services.k8s.aws",
    "accesskeys.iam.aws.m.upbound.io",
    "accesskeys.iam.aws.upbound.io",
    "accesspolicyassociations.eks.aws.upbound.io",
    "federatedidentitycredentials.managedidentity.azure.com",
    "groups.iam.services.k8s.aws",
    "iamaccessboundarypolicies.iam.cnrm.cloud.google.com",
    "iampartialpolicies.iam.cnrm.cloud.google.com",
    "iampolicies.iam.cnrm.cloud.google.com",
    "iampolicymembers.iam.cnrm.cloud.google.com",
    "iamserviceaccountkeys.iam.cnrm.cloud.google.com",
    "iamserviceaccounts.iam.cnrm.cloud.google.com",
    "instanceprofiles.iam.services.k8s.aws",
    "podidentityassociations.eks.services.k8s.aws",
    "policies.iam.aws.upbound.io",
    "policies.iam.services.k8s.aws",
    "projectiammembers.cloudplatform.gcp.upbound.io",
    "roleassignments.authorization.azure.com",
    "roleassignments.authorization.azure.upbound.io",
    "rolepolicies.iam.aws.upbound.io",
    "rolepolicyattachments.iam.aws.m.upbound.io",
    "rolepolicyattachments.iam.aws.upbound.io",
    "roles.iam.aws.upbound.io",
    "roles.iam.services.k8s.aws",
    "serviceaccountkeys.cloudplatform.gcp.upbound.io",
    "userassignedidentities.managedidentity.azure.com",
    "userpolicyattachments.iam.aws.upbound.io",
    "users.iam.aws.upbound.io",
    "users.iam.services.k8s.aws",
];

fn made_in_the_cloud(request: &Request<'_>) -> Option<Firing> {
    // A key is somebody's at once, and so are the rights of an owner.
    const OF_ALL: [&str; 5] = [
        "AdministratorAccess",
        "PowerUserAccess",
        "roles/owner",
        "roles/editor",
        "AmazonEKSClusterAdminPolicy",
    ];
    let body = request.event().request_object.map_or("", |body| body.get());
    let given = OF_ALL.into_iter().find(|it| body.contains(it));
    let is_rare = given.is_some() || request.resource().ends_with("keys");
    let hands = if is_rare { Hands::RARE } else { Hands::for_new_or_changed(request) };
    let counts = request.subresource().is_empty()
        && writes_content(request)
        && !request.is_by_trusted_system();
    counts.then(|| {
        let firing = changed(request).at(hands.weigh(request));
        match given {
            Some(given) => firing.with("requestObject.spec", given),
            None => firing.with("objectRef.apiGroup", request.group()),
        }
    })
}

/// The annotations by which clouds give their roles to accounts.
const ROLES: [&str; 4] = [
    "eks.amazonaws.com/role-arn",
    "iam.gke.io/gcp-service-account",
    "azure.workload.identity/client-id",
    "pod-identity.alibabacloud.com/role-name",
];

/// A new account comes with its role; one that is there and gets another is what escalation looks like.
fn given_a_role(request: &Request<'_>) -> Option<Firing> {
    let annotations = at(request.body(), &["metadata", "annotations"]);
    let name = ROLES.into_iter().find(|name| !text(annotations, name).is_empty())?;
    let severity = Hands::for_new_or_changed(request).weigh(request);
    let field = format!("requestObject.metadata.annotations.{name}");
    let firing = changed(request).at(severity).with(&field, text(annotations, name));
    (!request.is_by_trusted_system()).then_some(firing)
}
