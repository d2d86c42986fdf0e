//! Client certificates on the webhook listener: which authorities are trusted, and whose a certificate is.
//!
//! An authority that an entry names for itself vouches for that entry alone. So clusters of different tenants can have
//! certificates of their own authorities, and none of these can make one that passes for another's. What the names of a
//! certificate mean is `airside-auth`'s.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use airside_auth::{
    AuthError, Authority, ClientIdentity, ClientTable, Fingerprint, Holder, Principal,
};
use airside_types::Timestamp;
use ring::digest;
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::tls::{TlsError, certificates};

/// The most names of a certificate that are looked at.
const MOST_NAMES: usize = 16;

/// An entry of the operator's table.
#[derive(Debug, Clone)]
pub struct ClientEntry {
    /// By what the certificate is known.
    pub identity: ClientIdentity,
    /// The PEM bundle of the authorities that vouch for it; the listener's own where there is none.
    pub ca: Option<PathBuf>,
    /// Whose it is.
    pub holder: Holder,
}

/// The clients that a listener knows by their certificates.
#[derive(Debug)]
pub struct ClientCertificates {
    table: ClientTable,
    /// In the order in which the table counts them.
    authorities: Vec<Arc<dyn ClientCertVerifier>>,
    /// The certificates of all of them.
    trusted: Vec<CertificateDer<'static>>,
    /// Whether a connection without a certificate is refused.
    required: bool,
}

impl ClientCertificates {
    /// Reads the authorities of a listener and of its entries.
    pub fn open(
        ca: Option<&Path>,
        entries: Vec<ClientEntry>,
        required: bool,
    ) -> Result<Self, TlsError> {
        let mut files: Vec<PathBuf> = ca.into_iter().map(Path::to_owned).collect();
        let mut rows = Vec::with_capacity(entries.len());
        for ClientEntry { identity, ca: own, holder } in entries {
            let Some(file) = own.as_deref().or(ca) else {
                return Err(TlsError::NoAuthority { identity });
            };
            let known = files.iter().position(|known| known == file);
            let authority: Authority = known.unwrap_or(files.len());
            if known.is_none() {
                files.push(file.to_owned());
            }
            rows.push((identity, authority, holder));
        }
        let (mut authorities, mut trusted) = (Vec::new(), Vec::new());
        for file in &files {
            let bundle = certificates(file)?;
            authorities.push(verifier(&bundle, file)?);
            trusted.extend(bundle);
        }
        Ok(Self { table: ClientTable::new(rows)?, authorities, trusted, required })
    }

    /// The certificates of all authorities.
    pub(crate) fn trusted(&self) -> &[CertificateDer<'static>] {
        &self.trusted
    }

    /// Whether a connection without a certificate is refused.
    pub(crate) const fn required(&self) -> bool {
        self.required
    }

    /// What a certificate chain proves that a connection has presented.
    pub(crate) fn presented(&self, chain: &[CertificateDer<'_>]) -> Option<ClientCertificate> {
        let (own, intermediates) = chain.split_first()?;
        let (names, expires) = names_of(own);
        let now = UnixTime::now();
        let is_signed_by = |authority: Authority| {
            self.authorities
                .get(authority)
                .is_some_and(|it| it.verify_client_cert(own, intermediates, now).is_ok())
        };
        let principal = self.table.authenticate(&names, is_signed_by);
        Some(ClientCertificate { known: Arc::new((principal, expires)) })
    }
}

/// The certificate with which a connection came: whose it is, found out once.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    known: Arc<(Result<Principal, AuthError>, Timestamp)>,
}

impl ClientCertificate {
    /// Who speaks at this moment: a connection may outlive its certificate.
    pub fn principal(&self, now: Timestamp) -> Result<Principal, AuthError> {
        let (principal, at) = &*self.known;
        if now >= *at {
            return Err(AuthError::CertificateExpired { at: *at });
        }
        principal.clone()
    }
}

fn verifier(
    bundle: &[CertificateDer<'static>],
    file: &Path,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in bundle {
        roots.add(certificate.clone()).map_err(|error| TlsError::Pem {
            path: file.to_owned(),
            what: "authority",
            reason: error.to_string(),
        })?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?)
}

/// By what a certificate may be known, and until when it is valid. One that cannot be taken apart has its fingerprint.
fn names_of(certificate: &CertificateDer<'_>) -> (Vec<ClientIdentity>, Timestamp) {
    let sha256 = digest::digest(&digest::SHA256, certificate);
    let fingerprint = <[u8; 32]>::try_from(sha256.as_ref()).unwrap_or_default();
    let mut names = vec![ClientIdentity::Fingerprint(Fingerprint(fingerprint))];
    let Ok((_, read)) = X509Certificate::from_der(certificate) else {
        return (names, Timestamp::from_nanos(i64::MAX));
    };
    let common = read.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    names.extend(common.map(|name| ClientIdentity::CommonName(name.to_owned())));
    if let Ok(Some(alternative)) = read.subject_alternative_name() {
        names.extend(alternative.value.general_names.iter().filter_map(|name| match name {
            GeneralName::URI(uri) => Some(ClientIdentity::Uri((*uri).to_owned())),
            _ => None,
        }));
    }
    names.truncate(MOST_NAMES);
    let seconds = read.validity().not_after.timestamp();
    (names, Timestamp::from_nanos(seconds.saturating_mul(1_000_000_000)))
}

#[cfg(test)]
mod tests {
    use airside_types::Tenant;
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    };

    use super::*;
    use crate::tls::Identity;

    /// A folder with an authority's certificate, and a client's certificate of it.
    fn signed() -> (tempfile::TempDir, CertificateDer<'static>) {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().unwrap();
        std::fs::write(folder.path().join("ca.crt"), params.self_signed(&key).unwrap().pem())
            .unwrap();
        let issuer = Issuer::new(params, key);
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "api");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = rcgen::date_time_ymd(2100, 1, 1);
        let client = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        (folder, client.der().clone())
    }

    fn entry(name: &str) -> ClientEntry {
        let holder = Holder { tenant: Tenant::default(), cluster: None };
        ClientEntry { identity: ClientIdentity::CommonName(name.to_owned()), ca: None, holder }
    }

    #[test]
    fn a_connection_that_outlives_its_certificate_is_refused() {
        let (folder, client) = signed();
        let ca = folder.path().join("ca.crt");
        let clients = ClientCertificates::open(Some(&ca), vec![entry("api")], false).unwrap();
        let presented = clients.presented(&[client]).unwrap();
        let at = |time| presented.principal(Timestamp::parse_rfc3339(time).unwrap());
        assert!(at("2099-12-31T23:59:59Z").is_ok());
        let error = at("2100-01-01T00:00:00Z").unwrap_err();
        assert!(!error.is_forbidden());
        assert_eq!(
            error.to_string(),
            "the client certificate expired at 2100-01-01T00:00:00Z: connect with a new one"
        );
        assert!(clients.presented(&[]).is_none());
    }

    #[test]
    fn what_nobody_can_mean_is_refused_at_the_start() {
        let (folder, _) = signed();
        let ca = folder.path().join("ca.crt");
        let twice = ClientCertificates::open(Some(&ca), vec![entry("api"), entry("api")], false);
        assert!(matches!(twice, Err(TlsError::Clients(_))), "{twice:?}");
        std::fs::write(folder.path().join("no.crt"), "nothing").unwrap();
        let none = ClientCertificates::open(Some(&folder.path().join("no.crt")), vec![], false);
        assert!(none.unwrap_err().to_string().contains("no.crt"));
        // Whoever has a certificate of the deployment's own authority is a node.
        let own = folder.path().join("own");
        let identity = Identity::own(&own, &["localhost".to_owned()]).unwrap();
        let clients = ClientCertificates::open(Some(&own.join("ca.crt")), vec![], false).unwrap();
        let refused = identity.server_for(&clients).unwrap_err();
        assert!(matches!(refused, TlsError::OwnAuthority), "{refused}");
    }
}
