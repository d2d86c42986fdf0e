//! Clients of the webhook listener that are known by their certificates, as settings name them.

use std::path::PathBuf;

use airside_auth::{ClientIdentity, Holder};
use airside_service::clients::{ClientCertificates, ClientEntry};
use airside_types::{Cluster, Tenant};
use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::WebhookOptions;

/// A certificate, by one of its names, and whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientOptions {
    /// The common name of its subject. An entry has one of these three.
    pub common_name: Option<String>,
    /// A URI of its alternative names, such as a SPIFFE id.
    pub uri: Option<String>,
    /// The SHA-256 of the certificate, in hexadecimal digits.
    pub fingerprint: Option<String>,
    /// A PEM bundle of the only authorities that vouch for this entry. Default: `webhook.client_ca`.
    pub ca: Option<PathBuf>,
    /// The tenant for which it speaks. Default: `default`.
    pub tenant: Option<String>,
    /// The only cluster for which it speaks. Default: each of the tenant's.
    pub cluster: Option<String>,
}

impl ClientOptions {
    fn entry(&self) -> anyhow::Result<ClientEntry> {
        let identity = match (&self.common_name, &self.uri, &self.fingerprint) {
            (Some(name), None, None) => ClientIdentity::CommonName(name.clone()),
            (None, Some(uri), None) => ClientIdentity::Uri(uri.clone()),
            (None, None, Some(digits)) => {
                ClientIdentity::Fingerprint(digits.parse().context("`fingerprint`")?)
            }
            _ => anyhow::bail!("give one of `common_name`, `uri` and `fingerprint`"),
        };
        let is_empty = |text: &Option<String>| text.as_ref().is_some_and(String::is_empty);
        anyhow::ensure!(
            !is_empty(&self.common_name) && !is_empty(&self.uri),
            "an empty name would hold for certificates that nobody means"
        );
        let tenant = self.tenant.as_deref().map_or_else(|| Ok(Tenant::default()), Tenant::new)?;
        let cluster = self.cluster.as_deref().map(Cluster::new).transpose()?;
        Ok(ClientEntry { identity, ca: self.ca.clone(), holder: Holder { tenant, cluster } })
    }
}

impl WebhookOptions {
    /// The clients that the listener knows by their certificates; none where it knows nobody so.
    pub(crate) fn client_certificates(&self) -> anyhow::Result<Option<ClientCertificates>> {
        let numbered = self.clients.iter().zip(1..);
        let entries = numbered.map(|(client, number)| {
            client.entry().with_context(|| format!("`webhook.clients`, number {number}"))
        });
        let entries = entries.collect::<anyhow::Result<Vec<_>>>()?;
        if self.client_ca.is_none() && entries.is_empty() {
            anyhow::ensure!(
                !self.require_client_certificate,
                "`webhook.require_client_certificate` needs `webhook.client_ca`: nobody vouches for any certificate"
            );
            return Ok(None);
        }
        let required = self.require_client_certificate;
        Ok(Some(ClientCertificates::open(self.client_ca.as_deref(), entries, required)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a node says that is started with these clients.
    fn refused(toml: &str) -> String {
        let clients: Vec<ClientOptions> = toml
            .split("---")
            .map(|client| serde_json::from_str(client).expect("an entry"))
            .collect();
        let options = WebhookOptions { clients, ..WebhookOptions::default() };
        format!("{:#}", options.client_certificates().unwrap_err())
    }

    #[test]
    fn an_entry_that_cannot_be_meant_so_stops_the_node_and_says_which() {
        for (clients, says) in [
            ("{}", "`webhook.clients`, number 1: give one of"),
            (r#"{"common_name":"a","uri":"b"}"#, "give one of"),
            (r#"{"common_name":""}"#, "an empty name"),
            (r#"{"common_name":"a","ca":"x"}---{"fingerprint":"12"}"#, "number 2: `fingerprint`"),
            (r#"{"common_name":"a","tenant":"A B"}"#, "number 1: "),
            (r#"{"common_name":"a"}"#, "nobody who vouches for it"),
            (r#"{"common_name":"a","ca":"/no/such.crt"}"#, "`/no/such.crt` holds no usable"),
        ] {
            let error = refused(clients);
            assert!(error.contains(says), "{clients}: {error}");
        }
    }

    #[test]
    fn certificates_are_not_required_where_nobody_vouches_for_any() {
        let options =
            WebhookOptions { require_client_certificate: true, ..WebhookOptions::default() };
        let error = options.client_certificates().unwrap_err().to_string();
        assert!(error.contains("`webhook.client_ca`"), "{error}");
        assert!(WebhookOptions::default().client_certificates().unwrap().is_none());
    }
}
