//! TLS: the deployment's own certificate authority, made at the first start, and server and client
//! configurations from files. rustls with ring everywhere.
//!
//! The authority's folder holds `ca.crt`, `ca.key`, `server.crt` and `server.key`. Nodes that share the
//! folder trust each other: a certificate of the authority is what makes a caller a peer.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::clients::ClientCertificates;

/// Why certificates cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("`{path}` cannot be {action}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file holds no certificate or key.
    #[error("`{path}` holds no usable {what}: {reason}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was expected.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A certificate cannot be made.
    #[error("a certificate cannot be made")]
    Make(#[from] rcgen::Error),
    /// Certificate and key do not fit, or TLS cannot be configured with them.
    #[error("TLS cannot be configured")]
    Configure(#[from] rustls::Error),
    /// Two entries would hold for the same client certificate.
    #[error("`webhook.clients` is not usable")]
    Clients(#[from] airside_auth::DuplicateClientError),
    /// Nobody vouches for the certificate of an entry.
    #[error(
        "`webhook.clients` names {identity} and nobody who vouches for it: give its authority in \
         `webhook.client_ca`, or in `ca` beside it"
    )]
    NoAuthority {
        /// What the entry names.
        identity: airside_auth::ClientIdentity,
    },
    /// The deployment's own authority would vouch for clients.
    #[error(
        "`webhook.client_ca` is this deployment's own authority: whoever has a certificate of it is a node, and may \
         do everything for every tenant; sign clients' certificates with another one"
    )]
    OwnAuthority,
    /// The client verifier cannot be built.
    #[error("client certificates cannot be verified")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// A certificate chain with its key, and the authority that peers' certificates must come from.
#[derive(Debug)]
pub struct Identity {
    /// PEM of the certificate that callers have to trust: what goes into `caBundle`.
    pub ca_pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// Whose certificates make a caller a peer; none where people have an authority of their own.
    peer_authority: Vec<CertificateDer<'static>>,
}

impl Identity {
    /// Opens the authority in `folder`, or makes one, and issues a server certificate for `names` (DNS
    /// names and IP addresses) when there is none for all of them yet.
    pub fn own(folder: &Path, names: &[String]) -> Result<Self, TlsError> {
        create_private_folder(folder)?;
        let (ca_crt, ca_key) = (folder.join("ca.crt"), folder.join("ca.key"));
        if !is_file(&ca_crt)? || !is_file(&ca_key)? {
            let (certificate, key) = make_authority()?;
            write_private(&ca_key, &key)?;
            write_private(&ca_crt, &certificate)?;
        }
        let server_names = folder.join("server.names");
        let (server_crt, server_key) = (folder.join("server.crt"), folder.join("server.key"));
        let wanted = names.join("\n");
        let covered = is_file(&server_names)? && read(&server_names)? == wanted;
        if !covered || !is_file(&server_crt)? || !is_file(&server_key)? {
            let key = KeyPair::from_pem(&read(&ca_key)?)?;
            let issuer = Issuer::from_ca_cert_pem(&read(&ca_crt)?, key)?;
            let (certificate, key) = issue(&issuer, names)?;
            write_private(&server_key, &key)?;
            write_private(&server_crt, &certificate)?;
            write_private(&server_names, &wanted)?;
        }
        let mut identity = Self::from_files(&server_crt, &server_key)?;
        identity.ca_pem = read(&ca_crt)?;
        identity.peer_authority = certificates(&ca_crt)?;
        Ok(identity)
    }

    /// Takes a certificate chain and key from files, for people who have an authority of their own.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain = certificates(certificate)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::Pem {
            path: key.to_owned(),
            what: "private key",
            reason: error.to_string(),
        })?;
        Ok(Self { ca_pem: read(certificate)?, chain, key, peer_authority: Vec::new() })
    }

    /// A server configuration: any client may connect; one with a certificate of the own authority is a
    /// peer, one with another certificate is refused.
    pub fn server(&self) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        self.configured(&self.peer_authority, false)
    }

    /// A server configuration for a listener that knows clients by their certificates. A certificate of another
    /// authority than theirs is refused, and so is none where one is required.
    pub fn server_for(
        &self,
        clients: &ClientCertificates,
    ) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        if clients.trusted().iter().any(|it| self.peer_authority.contains(it)) {
            return Err(TlsError::OwnAuthority);
        }
        self.configured(clients.trusted(), clients.required())
    }

    fn configured(
        &self,
        authorities: &[CertificateDer<'static>],
        required: bool,
    ) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = if authorities.is_empty() {
            builder.with_no_client_auth()
        } else {
            let mut roots = RootCertStore::empty();
            for certificate in authorities {
                roots.add(certificate.clone())?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if required { verifier } else { verifier.allow_unauthenticated() };
            builder.with_client_cert_verifier(verifier.build()?)
        };
        let mut config = builder.with_single_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// What a gRPC client of this node presents and trusts when it calls a peer.
    pub fn peer_client(
        &self,
        folder: &Path,
    ) -> Result<tonic::transport::ClientTlsConfig, TlsError> {
        let certificate = read(&folder.join("server.crt"))?;
        let key = read(&folder.join("server.key"))?;
        Ok(tonic::transport::ClientTlsConfig::new()
            .ca_certificate(tonic::transport::Certificate::from_pem(&self.ca_pem))
            .identity(tonic::transport::Identity::from_pem(certificate, key)))
    }
}

/// A self-signed authority: certificate and key as PEM.
fn make_authority() -> Result<(String, String), TlsError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Airside own authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// A certificate of the authority for these names, for serving and for calling peers.
fn issue(issuer: &Issuer<'_, KeyPair>, names: &[String]) -> Result<(String, String), TlsError> {
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name.push(DnType::CommonName, "Airside node");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// The names under which a node on this address can be reached; loopback always, so that probes work.
pub fn server_names(listen: IpAddr, advertised: &[String]) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    if !listen.is_unspecified() {
        names.push(listen.to_string());
    }
    names.extend(advertised.iter().cloned());
    names.sort();
    names.dedup();
    names
}

/// The certificates of a PEM file: at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unusable =
        |reason: String| TlsError::Pem { path: path.to_owned(), what: "certificate", reason };
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(error.to_string()))?;
    if chain.is_empty() { Err(unusable("no PEM block found".to_owned())) } else { Ok(chain) }
}

fn is_file(path: &Path) -> Result<bool, TlsError> {
    path.try_exists().map_err(|source| TlsError::File {
        path: path.to_owned(),
        action: "looked up",
        source,
    })
}

fn read(path: &Path) -> Result<String, TlsError> {
    fs::read_to_string(path).map_err(|source| TlsError::File {
        path: path.to_owned(),
        action: "read",
        source,
    })
}

/// Makes a folder that only its owner can enter.
pub fn create_private_folder(folder: &Path) -> Result<(), TlsError> {
    let error = |source| TlsError::File { path: folder.to_owned(), action: "created", source };
    fs::create_dir_all(folder).map_err(error)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(error)?;
    }
    Ok(())
}

/// Writes a file that only its owner can read, whole or not at all.
pub fn write_private(path: &Path, text: &str) -> Result<(), TlsError> {
    use std::io::Write;
    let error = |source| TlsError::File { path: path.to_owned(), action: "written", source };
    let partial = path.with_extension("partial");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&partial).map_err(error)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(error)?;
    fs::rename(&partial, path).map_err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_made_once_and_the_server_certificate_follows_the_names() {
        let folder = tempfile::tempdir().unwrap();
        let names = |extra: &[&str]| {
            let extra: Vec<String> = extra.iter().map(|name| (*name).to_owned()).collect();
            server_names("127.0.0.1".parse().unwrap(), &extra)
        };
        let first = Identity::own(folder.path(), &names(&[])).unwrap();
        first.server().unwrap();
        let again = Identity::own(folder.path(), &names(&[])).unwrap();
        assert_eq!((&first.ca_pem, &first.chain), (&again.ca_pem, &again.chain));
        let renamed = Identity::own(folder.path(), &names(&["airside.example"])).unwrap();
        assert_eq!(first.ca_pem, renamed.ca_pem);
        assert_ne!(first.chain, renamed.chain);
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_readable_by_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        Identity::own(folder.path(), &["localhost".to_owned()]).unwrap();
        for file in ["ca.key", "server.key"] {
            let mode = fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn a_file_without_a_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.crt");
        fs::write(&path, "nothing").unwrap();
        let error = Identity::from_files(&path, &path).unwrap_err().to_string();
        assert!(error.contains("x.crt") && error.contains("certificate"), "{error}");
    }
}
