//! Identities of the cloud that service accounts stand for.
//!
//! The annotations by which the three large clouds' workload identity knows an account (EKS IRSA, GKE and
//! Azure workload identity). What the identity may do is the cloud's to say.

use std::fmt;

use crate::fields::text;
use crate::object::Object;

/// A cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cloud {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Google,
    /// Microsoft Azure.
    Azure,
}

/// An identity of a cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloudIdentity<'a> {
    /// Whose it is.
    pub cloud: Cloud,
    /// As the annotation names it: the role's ARN, the Google service account, the client's id.
    pub name: &'a str,
}

const ANNOTATIONS: [(&str, Cloud); 3] = [
    ("eks.amazonaws.com/role-arn", Cloud::Aws),
    ("iam.gke.io/gcp-service-account", Cloud::Google),
    ("azure.workload.identity/client-id", Cloud::Azure),
];

impl<'a> CloudIdentity<'a> {
    /// The identity that a service account stands for.
    pub fn of(account: &Object<'a>) -> Option<Self> {
        if (account.group(), account.kind()) != ("", "ServiceAccount") {
            return None;
        }
        let annotations = account.annotations()?;
        ANNOTATIONS.into_iter().find_map(|(key, cloud)| {
            let name = text(annotations, key).filter(|name| !name.is_empty())?;
            Some(Self { cloud, name })
        })
    }
}

impl fmt::Display for CloudIdentity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = match self.cloud {
            Cloud::Aws => "AWS role",
            Cloud::Google => "Google Cloud service account",
            Cloud::Azure => "Azure identity",
        };
        write!(f, "{of} {}", self.name)
    }
}
