//! Principals: who is calling, for which tenant, and what they may do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use airside_types::detection::UnknownName;
use airside_types::{Cluster, Tenant};

use crate::client::ClientIdentity;
use crate::error::AuthError;
use crate::key::KeyId;

/// One kind of thing that a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Send events and alerts: audit webhook, Falco, the Ingest service.
    Ingest,
    /// Have manifests scanned and publish their boarding passes: the Scan service.
    Scan,
    /// Read incidents and findings.
    Read,
    /// Set the tenant's own rules: the Rules service.
    Configure,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Scan, Self::Read, Self::Configure];

    /// The scope's name, as in key files and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Scan => "scan",
            Self::Read => "read",
            Self::Configure => "configure",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| UnknownName::new("scope (ingest, scan, read, configure)", text))
    }
}

/// How a principal proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalKind {
    /// By an API key.
    Key {
        /// The public part of the key.
        id: KeyId,
    },
    /// By a client certificate, which an operator gave to a cluster.
    Certificate {
        /// By what it is known.
        identity: ClientIdentity,
    },
    /// Another service of this deployment, by mutual TLS.
    Peer {
        /// The service's name.
        name: String,
    },
    /// A service in the same process, or the person at the command line.
    Local,
}

/// Who is calling. A handler takes it by type: there is none without a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Whose data the call is about.
    pub tenant: Tenant,
    /// How the caller proved who it is.
    pub kind: PrincipalKind,
    scopes: BTreeSet<Scope>,
    /// The only cluster for which the caller speaks; none where it speaks for each.
    cluster: Option<Cluster>,
}

impl Principal {
    /// The same process, or the command line: everything is allowed.
    pub fn local(tenant: Tenant) -> Self {
        Self { tenant, kind: PrincipalKind::Local, scopes: Scope::ALL.into(), cluster: None }
    }

    /// Another service of this deployment, which acts for a tenant: everything is allowed.
    pub fn peer(name: &str, tenant: Tenant) -> Self {
        let kind = PrincipalKind::Peer { name: name.to_owned() };
        Self { tenant, kind, scopes: Scope::ALL.into(), cluster: None }
    }

    /// The bearer of a key.
    pub(crate) fn key(id: KeyId, tenant: Tenant, scopes: BTreeSet<Scope>) -> Self {
        Self { tenant, kind: PrincipalKind::Key { id }, scopes, cluster: None }
    }

    /// The holder of a client certificate, which may send and nothing else.
    pub(crate) fn certificate(
        identity: &ClientIdentity,
        tenant: Tenant,
        cluster: Option<Cluster>,
    ) -> Self {
        let kind = PrincipalKind::Certificate { identity: identity.clone() };
        Self { tenant, kind, scopes: [Scope::Ingest].into(), cluster }
    }

    /// The same caller, who has shown a second credential: nothing that one of the two does not allow is allowed.
    ///
    /// # Errors
    /// [`AuthError::OtherTenant`] where the two do not belong together.
    pub fn and(mut self, other: Self) -> Result<Self, AuthError> {
        if self.tenant != other.tenant {
            return Err(AuthError::OtherTenant);
        }
        self.scopes.retain(|scope| other.scopes.contains(scope));
        if let (Some(own), Some(asked)) = (&self.cluster, &other.cluster)
            && own != asked
        {
            let (own, asked) = (own.clone(), asked.clone());
            return Err(AuthError::OtherCluster { subject: self.subject(), own, asked });
        }
        self.cluster = self.cluster.or(other.cluster);
        Ok(self)
    }

    /// What the caller may do.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.scopes.iter().copied()
    }

    /// Refuses what the caller may not do, with [`AuthError::MissingScope`].
    pub fn require(&self, scope: Scope) -> Result<(), AuthError> {
        if self.scopes.contains(&scope) {
            Ok(())
        } else {
            let key = match &self.kind {
                PrincipalKind::Key { id } => Some(id.clone()),
                _ => None,
            };
            Err(AuthError::MissingScope { subject: self.subject(), key, scope })
        }
    }

    /// Refuses what is about another cluster than the caller's, with [`AuthError::OtherCluster`].
    pub fn require_cluster(&self, asked: &Cluster) -> Result<(), AuthError> {
        match &self.cluster {
            Some(own) if own != asked => Err(AuthError::OtherCluster {
                subject: self.subject(),
                own: own.clone(),
                asked: asked.clone(),
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Who is calling, for logs and audit: `key:abcd2345`, `peer:gateway` or `local`. Never a secret.
    pub fn subject(&self) -> String {
        match &self.kind {
            PrincipalKind::Key { id } => format!("key:{id}"),
            PrincipalKind::Certificate { identity } => format!("certificate with {identity}"),
            PrincipalKind::Peer { name } => format!("peer:{name}"),
            PrincipalKind::Local => "local".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_do_what_its_scopes_say_and_nothing_else() {
        let id = KeyId::from_bytes([7; 5]);
        for granted in Scope::ALL {
            let principal = Principal::key(id.clone(), Tenant::default(), [granted].into());
            for asked in Scope::ALL {
                let answer = principal.require(asked);
                assert_eq!(answer.is_ok(), asked == granted, "{granted} asks for {asked}");
                assert!(answer.err().is_none_or(|error| error.is_forbidden()));
            }
        }
    }

    #[test]
    fn who_lacks_a_scope_learns_how_the_key_gets_it() {
        let old = [Scope::Ingest, Scope::Scan, Scope::Read];
        let id = KeyId::from_bytes([0; 5]);
        let principal = Principal::key(id, Tenant::default(), old.into());
        let said = principal.require(Scope::Configure).unwrap_err().to_string();
        assert_eq!(
            said,
            "key:aaaaaaaa lacks the scope `configure`: use a key that has it, or add it to the `scopes` of the key \
             `aaaaaaaa` in the keys file (`auth.keys_file`; by default keys.toml in the node's data folder) and start \
             the nodes again"
        );
    }

    #[test]
    fn the_own_process_and_peers_may_do_everything_for_their_tenant() {
        let tenant = Tenant::new("team-7").unwrap();
        for principal in [Principal::local(tenant.clone()), Principal::peer("gateway", tenant)] {
            assert!(Scope::ALL.into_iter().all(|scope| principal.require(scope).is_ok()));
            assert_eq!(principal.tenant.as_str(), "team-7");
        }
    }

    #[test]
    fn subjects_name_the_caller() {
        let key = Principal::key(KeyId::from_bytes([0; 5]), Tenant::default(), BTreeSet::new());
        assert_eq!(key.subject(), "key:aaaaaaaa");
        assert_eq!(Principal::peer("gateway", Tenant::default()).subject(), "peer:gateway");
        assert_eq!(Principal::local(Tenant::default()).subject(), "local");
    }

    #[test]
    fn a_scope_survives_its_name() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse::<Scope>().unwrap(), scope);
        }
        assert!("admin".parse::<Scope>().is_err());
    }
}
