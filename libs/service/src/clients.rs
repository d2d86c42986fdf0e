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
