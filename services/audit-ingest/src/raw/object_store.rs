//! The settings of the object store in which raw events are kept, and who we are to it.
//!
//! What the settings leave out the environment may say, by the variables that every program for such stores
//! reads (`AWS_ROLE_ARN` and the like): they come in as the section `aws`.

use std::path::PathBuf;

use airside_archive::{AccessKey, Credentials, ObjectStore};
use airside_config::{ByteSize, Secret};
use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::aws::AwsOptions;

/// The settings of the section `audit-ingest.archive.object_store`: a bucket that all intakes of a deployment
/// share, so that each of them finds what all of them have sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectStoreOptions {
    /// Where files are kept: `s3://BUCKET/PREFIX`. Default: none, they stay in the folder.
    pub url: Option<String>,
    /// Where a store that speaks S3's protocol answers, such as `https://minio.example:9000`. Default: what
    /// `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` says, else Amazon's own.
    pub endpoint: Option<String>,
    /// The region that requests are signed for. Default: what `AWS_REGION` or `AWS_DEFAULT_REGION` says, else
    /// us-east-1.
    pub region: Option<String>,
    /// Who we are to the store. Default: `auto`.
    pub credentials: CredentialsKind,
    /// The id of the key. Default: none.
    pub access_key_id: Option<String>,
    /// The key. It may list, read, write and remove below the prefix.
    pub secret_access_key: Option<Secret>,
    /// What comes with temporary credentials. Default: none.
    pub session_token: Option<Secret>,
    /// The authority to trust for the certificates of the store and of whoever gives credentials, a file in
    /// PEM. Default: what `AWS_CA_BUNDLE` says, else those that the machine trusts.
    pub ca: Option<PathBuf>,
    /// Whether requests name the bucket in their path and not in the host's name. Default: with an endpoint
    /// only.
    pub path_style: Option<bool>,
    /// Whether an endpoint beyond this machine may be asked without TLS. Default: false.
    pub allow_http: bool,
    /// Whose files these are, among those of other intakes: another name for each, and the same after a
    /// restart. Default: airside.
    pub instance: String,
    /// How large the files may be that wait on the disk for the store. Beyond, segments wait, and then senders
    /// are asked to come again. Default: 2GiB.
    pub max_waiting: ByteSize,
    /// How much of what was read is kept in memory. Default: 256MiB.
    pub cache: ByteSize,
    /// How many parts of files are fetched at a time. Default: 16.
    pub max_requests: u16,
    /// What the environment says.
    pub aws: AwsOptions,
}

/// Who we are to an object store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialsKind {
    /// The key of the settings, else the first that the environment offers: a key, a web identity, a pod
    /// identity, and then the machine's own role.
    #[default]
    Auto,
    /// A key, of the settings or of the environment.
    Key,
    /// A token in a file, exchanged for the keys of a role (EKS: IAM roles for service accounts).
    WebIdentity,
    /// The agent of the node that a pod runs on (EKS Pod Identity).
    PodIdentity,
    /// The role of the machine, told by its metadata service.
    InstanceMetadata,
}

impl Default for ObjectStoreOptions {
    fn default() -> Self {
        Self {
            url: None,
            endpoint: None,
            region: None,
            credentials: CredentialsKind::Auto,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            ca: None,
            path_style: None,
            allow_http: false,
            instance: "airside".to_owned(),
            max_waiting: ByteSize::mib(2 << 10),
            cache: ByteSize::mib(256),
            max_requests: 16,
            aws: AwsOptions::default(),
        }
    }
}

impl ObjectStoreOptions {
    /// The archive's own settings; none without a bucket.
    pub(super) fn settings(&self) -> anyhow::Result<Option<ObjectStore>> {
        let Some(url) = &self.url else {
            let is_named = self.endpoint.is_some() || self.access_key_id.is_some();
            anyhow::ensure!(!is_named, "`url` is missing: write `url = \"s3://BUCKET/PREFIX\"`");
            return Ok(None);
        };
        self.settings_at(url).map(Some)
    }

    /// The archive's own settings for another bucket or prefix of the same store.
    ///
    /// # Errors
    ///
    /// Settings do not fit together, or say too little.
    pub fn settings_at(&self, url: &str) -> anyhow::Result<ObjectStore> {
        let aws = &self.aws;
        let endpoint = self.endpoint.as_ref().or(aws.endpoint_url_s3.as_ref());
        let region = self.region.as_ref().or(aws.region.as_ref()).or(aws.default_region.as_ref());
        Ok(ObjectStore {
            endpoint: endpoint.or(aws.endpoint_url.as_ref()).cloned(),
            region: region.cloned(),
            credentials: self.credentials()?,
            ca: self.ca.as_ref().or(aws.ca_bundle.as_ref()).cloned(),
            path_style: self.path_style,
            allow_http: self.allow_http,
            max_waiting_bytes: self.max_waiting.as_u64(),
            cache_bytes: self.cache.as_u64(),
            max_requests: usize::from(self.max_requests.max(1)),
            ..ObjectStore::new(url, self.instance.parse().context("`instance`")?)
        })
    }

    fn credentials(&self) -> anyhow::Result<Credentials> {
        let aws = &self.aws;
        // Looked at in any case: half a key in the settings is a mistake, whoever we are.
        let own = key(&self.access_key_id, &self.secret_access_key, &self.session_token)
            .context("`access_key_id` and `secret_access_key` belong together: give both")?;
        let theirs = || {
            key(&aws.access_key_id, &aws.secret_access_key, &aws.session_token).context(
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together: set both or none",
            )
        };
        match self.credentials {
            CredentialsKind::Auto => {
                if let Some(credentials) = own.map_or_else(theirs, |own| Ok(Some(own)))? {
                    return Ok(credentials);
                }
                if aws.web_identity_token_file.is_some() {
                    return aws.web_identity();
                }
                if aws.container_credentials_full_uri.is_some() {
                    return aws.pod_identity();
                }
                Ok(aws.instance_metadata())
            }
            CredentialsKind::Key => own.map_or_else(theirs, |own| Ok(Some(own)))?.context(
                "`credentials = \"key\"` wants `access_key_id` and `secret_access_key`, or \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            ),
            CredentialsKind::WebIdentity => aws.web_identity(),
            CredentialsKind::PodIdentity => aws.pod_identity(),
            CredentialsKind::InstanceMetadata => Ok(aws.instance_metadata()),
        }
    }
}

/// A key, if one is given; none in place of half a key.
fn key(
    id: &Option<String>,
    secret: &Option<Secret>,
    token: &Option<Secret>,
) -> Option<Option<Credentials>> {
    match (id, secret) {
        (Some(id), Some(secret)) => Some(Some(Credentials::Key(AccessKey {
            access_key_id: id.clone(),
            secret_access_key: secret.expose().to_owned(),
            session_token: token.as_ref().map(|token| token.expose().to_owned()),
        }))),
        (None, None) => Some(None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(json: Value) -> anyhow::Result<Option<ObjectStore>> {
        serde_json::from_value::<ObjectStoreOptions>(json)?.settings()
    }

    #[test]
    fn a_bucket_and_its_credentials_come_from_settings_and_no_secret_is_shown() {
        let json = json!({
            "url": "s3://raw/airside", "access_key_id": "id", "secret_access_key": "hunter2",
            "session_token": "hunter3", "instance": "intake-1", "max_waiting": "1GiB",
        });
        let options: ObjectStoreOptions = serde_json::from_value(json).unwrap();
        let store = options.settings().unwrap().unwrap();
        let Credentials::Key(key) = &store.credentials else { panic!("{store:?}") };
        assert_eq!(key.secret_access_key, "hunter2");
        assert_eq!(key.session_token.as_deref(), Some("hunter3"));
        assert_eq!((store.max_waiting_bytes, store.instance.as_str()), (1 << 30, "intake-1"));
        let shown = serde_json::to_string(&options).unwrap();
        assert!(!format!("{shown}{options:?}{store:?}").contains("hunter"), "{shown}");
    }

    #[test]
    fn what_does_not_fit_together_is_refused_with_what_to_write() {
        assert!(read(json!({})).unwrap().is_none());
        assert!(read(json!({ "url": "s3://raw" })).unwrap().is_some());
        let at = |json: Value| {
            let mut at = json!({ "url": "s3://raw" });
            at.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
            at
        };
        for (json, says) in [
            (json!({ "endpoint": "https://minio" }), "url = \"s3://"),
            (at(json!({ "access_key_id": "id" })), "give both"),
            (at(json!({ "secret_access_key": "k" })), "give both"),
            (at(json!({ "instance": "Intake 1" })), "intake-1"),
            (at(json!({ "aws": { "access_key_id": "id" } })), "set both or none"),
            (at(json!({ "credentials": "key" })), "AWS_ACCESS_KEY_ID"),
            (at(json!({ "credentials": "web-identity" })), "eks.amazonaws.com/role-arn"),
            (at(json!({ "credentials": "pod-identity" })), "pod identity association"),
            (at(json!({ "aws": { "web_identity_token_file": "/t" } })), "AWS_ROLE_ARN"),
            (at(json!({ "aws": { "container_credentials_full_uri": "https://a" } })), "set both"),
            (at(json!({ "credentials": "sso" })), "instance-metadata"),
        ] {
            let error = format!("{:#}", read(json.clone()).unwrap_err());
            assert!(error.contains(says), "{json}: {error}");
        }
    }

    #[test]
    fn settings_go_before_the_environment_and_the_environment_in_the_order_that_people_expect() {
        let who = |options: &Value| {
            let options: ObjectStoreOptions = serde_json::from_value(options.clone()).unwrap();
            let store = options.settings_at("s3://raw").unwrap();
            let place = format!("{:?} {:?} {:?}", store.endpoint, store.region, store.ca);
            (store.credentials.to_string(), place)
        };
        let mut options = json!({
            "endpoint": "https://own", "region": "own", "ca": "/own", "access_key_id": "own",
            "secret_access_key": "k",
            "aws": {
                "access_key_id": "theirs", "secret_access_key": "k", "region": "first",
                "default_region": "last", "endpoint_url_s3": "https://s3", "endpoint_url": "https://all",
                "web_identity_token_file": "/token", "role_arn": "role", "ca_bundle": "/bundle",
                "container_credentials_full_uri": "https://agent",
                "container_authorization_token_file": "/pod",
                "ec2_metadata_service_endpoint": "https://metadata",
            },
        });
        let drop_all = |options: &mut Value, keys: &[&str]| {
            let (path, keys) = keys.split_first().unwrap();
            let at = options.pointer_mut(path).unwrap().as_object_mut().unwrap();
            keys.iter().for_each(|key| drop(at.remove(*key)));
        };
        let (credentials, place) = who(&options);
        assert_eq!(credentials, "the key `own`");
        assert_eq!(place, r#"Some("https://own") Some("own") Some("/own")"#);
        drop_all(
            &mut options,
            &["", "endpoint", "region", "ca", "access_key_id", "secret_access_key"],
        );
        let (credentials, place) = who(&options);
        assert_eq!(credentials, "the key `theirs`");
        assert_eq!(place, r#"Some("https://s3") Some("first") Some("/bundle")"#);
        let named = |kind: &str| {
            let mut options = options.clone();
            options["credentials"] = json!(kind);
            who(&options).0
        };
        assert!(named("web-identity").contains("/token") && named("key").contains("theirs"));
        assert!(named("pod-identity").contains("/pod"));
        assert!(named("instance-metadata").contains("https://metadata"));
        let gone = [
            "/aws",
            "access_key_id",
            "secret_access_key",
            "region",
            "endpoint_url_s3",
            "ca_bundle",
        ];
        drop_all(&mut options, &gone);
        let (credentials, place) = who(&options);
        assert_eq!(credentials, "the role `role`, for the token in `/token`");
        assert_eq!(place, r#"Some("https://all") Some("last") None"#);
        drop_all(&mut options, &["/aws", "web_identity_token_file"]);
        assert_eq!(who(&options).0, "what `https://agent` gives for the token in `/pod`");
        drop_all(&mut options, &["/aws", "container_credentials_full_uri"]);
        assert_eq!(who(&options).0, "the machine's role, told by `https://metadata`");
    }
}
