//! What the environment says of an object store: the variables that Amazon's own tools read.

use std::path::PathBuf;

use airside_archive::{Credentials, WebIdentity};
use airside_config::Secret;
use serde::{Deserialize, Serialize};

/// What the environment says: each key is the variable of that name behind `AWS_`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AwsOptions {
    /// The id of a key.
    pub access_key_id: Option<String>,
    /// The key.
    pub secret_access_key: Option<Secret>,
    /// What comes with temporary credentials.
    pub session_token: Option<Secret>,
    /// The region.
    pub region: Option<String>,
    /// The region where nothing else says one.
    pub default_region: Option<String>,
    /// Where the store answers.
    pub endpoint_url_s3: Option<String>,
    /// Where everything answers for which nothing else is said.
    pub endpoint_url: Option<String>,
    /// Where tokens are exchanged.
    pub endpoint_url_sts: Option<String>,
    /// The file with the token that is exchanged.
    pub web_identity_token_file: Option<PathBuf>,
    /// The role whose keys are given for it.
    pub role_arn: Option<String>,
    /// Under which name the role is taken on.
    pub role_session_name: Option<String>,
    /// Where the agent of the node answers.
    pub container_credentials_full_uri: Option<String>,
    /// The file with the token for that agent.
    pub container_authorization_token_file: Option<PathBuf>,
    /// Where the metadata service answers.
    pub ec2_metadata_service_endpoint: Option<String>,
    /// The file with the authorities to trust.
    pub ca_bundle: Option<PathBuf>,
}

impl AwsOptions {
    pub(super) fn web_identity(&self) -> anyhow::Result<Credentials> {
        let endpoint = self.endpoint_url_sts.as_ref().or(self.endpoint_url.as_ref());
        let (Some(token_file), Some(role_arn)) = (&self.web_identity_token_file, &self.role_arn)
        else {
            anyhow::bail!(
                "a web identity is AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN: set both (EKS does \
                 it for a service account with the annotation eks.amazonaws.com/role-arn)"
            );
        };
        Ok(Credentials::WebIdentity(WebIdentity {
            token_file: token_file.clone(),
            role_arn: role_arn.clone(),
            session_name: self.role_session_name.clone(),
            endpoint: endpoint.cloned(),
        }))
    }

    pub(super) fn pod_identity(&self) -> anyhow::Result<Credentials> {
        let url = &self.container_credentials_full_uri;
        let (Some(url), Some(token_file)) = (url, &self.container_authorization_token_file) else {
            anyhow::bail!(
                "a pod identity is AWS_CONTAINER_CREDENTIALS_FULL_URI and \
                 AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: set both (EKS does it for a service account \
                 with a pod identity association)"
            );
        };
        Ok(Credentials::PodIdentity { url: url.clone(), token_file: token_file.clone() })
    }

    pub(super) fn instance_metadata(&self) -> Credentials {
        Credentials::InstanceMetadata { endpoint: self.ec2_metadata_service_endpoint.clone() }
    }
}
