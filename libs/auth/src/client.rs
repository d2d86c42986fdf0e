//! Client certificates: the names that one carries, and whose it is by a table of the operator's.
//!
//! Whether a certificate is valid, and who signed it, is found out where TLS is; here it is only looked up. A name
//! holds for one authority: what one tenant's authority signs says nothing about another tenant's names.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use airside_types::{Cluster, Tenant};

use crate::error::AuthError;
use crate::principal::Principal;

/// Something by which a certificate is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientIdentity {
    /// The common name of its subject.
    CommonName(String),
    /// A URI of its subject's alternative names, such as a SPIFFE id.
    Uri(String),
    /// The SHA-256 of the whole certificate.
    Fingerprint(Fingerprint),
}

impl fmt::Display for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // As debugging shows them: names come from outside, and may hold line breaks.
            Self::CommonName(name) => write!(f, "common name {name:?}"),
            Self::Uri(uri) => write!(f, "URI {uri:?}"),
            Self::Fingerprint(fingerprint) => write!(f, "fingerprint {fingerprint}"),
        }
    }
}

/// The SHA-256 of a certificate in its binary form (DER).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no SHA-256 fingerprint: 64 hexadecimal digits are, with or without colons, as printed by \
     `openssl x509 -noout -fingerprint -sha256`"
)]
pub struct ParseFingerprintError;

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
        // The same 64 digits as those of a hash of BLAKE3.
        blake3::Hash::from_hex(&digits)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|_| ParseFingerprintError)
    }
}

/// Whose a certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// For which tenant it speaks.
    pub tenant: Tenant,
    /// For which cluster; for each of the tenant's, if none is named.
    pub cluster: Option<Cluster>,
}

/// Which of the trusted authorities signed a certificate: its number, as whoever reads them counts.
pub type Authority = usize;

/// Whose certificates are, by authority and name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientTable {
    holders: BTreeMap<(ClientIdentity, Authority), Holder>,
}

/// Two entries of a table would hold for the same certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{identity} is there twice under the same authority; remove one of the two")]
pub struct DuplicateClientError {
    /// The name that is there twice.
    pub identity: ClientIdentity,
}

impl ClientTable {
    /// A table of entries.
    pub fn new(
        entries: impl IntoIterator<Item = (ClientIdentity, Authority, Holder)>,
    ) -> Result<Self, DuplicateClientError> {
        let mut holders = BTreeMap::new();
        for (identity, authority, holder) in entries {
            if holders.insert((identity.clone(), authority), holder).is_some() {
                return Err(DuplicateClientError { identity });
            }
        }
        Ok(Self { holders })
    }

    /// Who presents a certificate that carries these names, and that this authority signed or did not.
    ///
    /// # Errors
    /// [`AuthError::UnknownCertificate`] where no entry holds for it, and [`AuthError::AmbiguousCertificate`] where
    /// entries do that lead to different tenants or clusters.
    pub fn authenticate(
        &self,
        names: &[ClientIdentity],
        is_signed_by: impl Fn(Authority) -> bool,
    ) -> Result<Principal, AuthError> {
        let mut found: Option<(&ClientIdentity, &Holder)> = None;
        for ((identity, authority), holder) in &self.holders {
            if !names.contains(identity) || !is_signed_by(*authority) {
                continue;
            }
            match found {
                Some((other, held)) if held != holder => {
                    let names = [other, identity].map(ToString::to_string).join(" and ");
                    return Err(AuthError::AmbiguousCertificate { names });
                }
                Some(_) => {}
                None => found = Some((identity, holder)),
            }
        }
        let Some((identity, holder)) = found else {
            let names = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(AuthError::UnknownCertificate { names });
        };
        let Holder { tenant, cluster } = holder.clone();
        Ok(Principal::certificate(identity, tenant, cluster))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::Scope;

    fn named(name: &str) -> ClientIdentity {
        ClientIdentity::CommonName(name.to_owned())
    }

    fn holder(tenant: &str, cluster: Option<&str>) -> Holder {
        let cluster = cluster.map(|name| Cluster::new(name).unwrap());
        Holder { tenant: Tenant::new(tenant).unwrap(), cluster }
    }

    #[test]
    fn a_certificate_speaks_for_its_tenant_and_cluster_and_may_only_send() {
        let table = ClientTable::new([
            (named("api"), 0, holder("shop", Some("production"))),
            (named("api"), 1, holder("bank", None)),
        ])
        .unwrap();
        let of = |authority| table.authenticate(&[named("api")], |it| it == authority).unwrap();
        let (shop, bank) = (of(0), of(1));
        assert_eq!((shop.tenant.as_str(), bank.tenant.as_str()), ("shop", "bank"));
        assert_eq!(shop.scopes().collect::<Vec<_>>(), [Scope::Ingest]);
        assert_eq!(shop.subject(), r#"certificate with common name "api""#);
        let (production, test) =
            (Cluster::new("production").unwrap(), Cluster::new("test").unwrap());
        assert_eq!(shop.require_cluster(&production), Ok(()));
        let refused = shop.require_cluster(&test).unwrap_err();
        assert!(refused.is_forbidden());
        insta::assert_snapshot!(refused, @r#"certificate with common name "api" speaks for the cluster `production`, and not for `test`: end the URL with `production`"#);
        assert_eq!(bank.require_cluster(&test), Ok(()));
    }

    #[test]
    fn who_is_in_no_entry_or_in_two_that_differ_is_refused() {
        let uri = ClientIdentity::Uri("spiffe://shop/api".to_owned());
        let table = ClientTable::new([
            (named("api"), 0, holder("shop", None)),
            (uri.clone(), 0, holder("bank", None)),
            (named("same"), 0, holder("bank", None)),
        ])
        .unwrap();
        let refused = |names: &[ClientIdentity], signed| {
            let error = table.authenticate(names, |_| signed).unwrap_err();
            assert!(error.is_forbidden());
            error.to_string()
        };
        insta::assert_snapshot!(refused(&[named("web\n")], true), @r#"the client certificate (common name "web\n") is valid and belongs to nobody here: name it in `webhook.clients`"#);
        insta::assert_snapshot!(refused(&[named("api")], false), @r#"the client certificate (common name "api") is valid and belongs to nobody here: name it in `webhook.clients`"#);
        insta::assert_snapshot!(refused(&[named("api"), uri.clone()], true), @r#"the client certificate belongs to different tenants or clusters by its common name "api" and URI "spiffe://shop/api": leave one of them in `webhook.clients`"#);
        assert!(table.authenticate(&[uri, named("same")], |_| true).is_ok());
    }

    #[test]
    fn a_name_stands_once_under_an_authority() {
        let twice =
            [(named("api"), 0, holder("shop", None)), (named("api"), 0, holder("bank", None))];
        let error = ClientTable::new(twice).unwrap_err();
        insta::assert_snapshot!(error, @r#"common name "api" is there twice under the same authority; remove one of the two"#);
    }

    #[test]
    fn fingerprints_are_read_as_openssl_prints_them() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(plain.parse::<Fingerprint>(), colons.parse());
        assert_eq!(plain.parse::<Fingerprint>().unwrap().to_string(), plain);
        for wrong in ["", "ab", "sha1", &"zz".repeat(32)] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(ParseFingerprintError));
        }
    }
}
