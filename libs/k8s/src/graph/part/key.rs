//! Keys: digests of what a query asks for and of what an object answers with.

/// What a query asks for, and what an object has to answer with, as a digest: two with the same key mean the
/// same. 128 bits of BLAKE3, so that no two meanings share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64, u64);

/// What a key is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Topic {
    /// An object by group, kind and name.
    Named,
    /// The objects of a group and kind.
    Kind,
    /// Istio's objects by kind.
    MeshKind,
    /// Objects that start pods.
    Pods,
    /// Objects whose pods bear a label.
    PodLabel,
    /// What selects by labels (Services, policies, budgets pods; ClusterRoles others), by a label that it asks
    /// for.
    Selects,
    /// What selects and asks for no label by its value.
    SelectsAny,
    /// Services by a label of their own.
    ServiceLabel,
    /// Services by each label that they ask for.
    ServiceAsks,
    /// What routes to a Service of a name.
    RoutesTo,
    /// A bearer of bindings, exactly as they write it.
    Bearer,
    /// A service account that bindings name.
    Account,
    /// A group that bindings name.
    Group,
    /// ClusterRoles by a label.
    RoleLabel,
    /// Autoscalers by kind and name of what they scale.
    Scales,
    /// Ingresses by host and path.
    Takes,
    /// Ingresses by host.
    Host,
    /// ServiceEntries by host.
    EntryHost,
    /// Istio's Gateways by host, port and whether it is plain HTTP.
    Claim,
    /// Istio's Gateways by the certificate that they present.
    Certificate,
    /// ReferenceGrants by the kind and namespace of the routes that they let refer.
    LetsRefer,
    /// VirtualServices by a gateway that they name.
    GatewayRoute,
    /// VirtualServices of the mesh by full host.
    RouteHost,
    /// Mesh-wide configurations.
    MeshConfig,
    /// Configurations of sidecar injectors.
    Injector,
    /// What the configuration of the mesh comes to, by what it says.
    MeshSetting,
    /// Secrets that hold a service account's token.
    TokenSecret,
    /// Network policies of other kinds than Kubernetes' own.
    OtherPolicy,
    /// Counted: policies of a network plug-in.
    PolicyOfPlugin,
    /// Counted: objects of a group and kind.
    AnyOfKind,
    /// Counted: objects of a namespace, which counts as one itself.
    Known,
    /// Counted: pods and service accounts.
    Inhabitant,
    /// Counted: objects with pods.
    HasPods,
    /// Counted: pods of a service account.
    RunsAs,
    /// Counted: custom resources that name a service account.
    NamesAccount,
    /// Counted: nodes of the control plane, all and each by its name.
    ControlPlaneNode,
    /// Counted: signs of a mesh.
    MeshSign,
    /// Counted: DestinationRules by full host and a subset that they define.
    Subset,
    /// Counted: policies that are not read.
    UnreadPolicy,
    /// Counted: bindings that give a role.
    Gives,
    /// Counted: objects that mention a word.
    Word,
    /// Counted: service accounts that read all objects of a kind.
    Reader,
    /// The next step of a standing towards a goal.
    Standing,
    /// The same of the accounts of a name.
    WayOfAccount,
}

/// Where something is, or may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Place<'p> {
    /// In a namespace, as written.
    In(&'p str),
    /// Nowhere as written: the manifest leaves the namespace open, or there is none.
    Open,
    /// Wherever it is.
    Anywhere,
}

/// The places where something of a namespace is sought: its own, and what is left open.
pub(in crate::graph) fn places_seen(namespace: Option<&str>) -> Vec<Place<'_>> {
    match namespace {
        Some(name) => vec![Place::In(name), Place::Open],
        None => vec![Place::Anywhere],
    }
}

/// The places where an object of a namespace is found.
pub(in crate::graph) fn own_places(namespace: Option<&str>) -> [Place<'_>; 2] {
    [namespace.map_or(Place::Open, Place::In), Place::Anywhere]
}

impl Key {
    pub(in crate::graph) fn of(topic: Topic, place: Place<'_>, parts: &[&str]) -> Self {
        let mut text = Vec::with_capacity(128);
        text.push(topic as u8);
        match place {
            Place::In(name) => {
                text.push(1);
                add(&mut text, name);
            }
            Place::Open => text.push(2),
            Place::Anywhere => text.push(3),
        }
        parts.iter().for_each(|part| add(&mut text, part));
        Self::digest(&text)
    }

    fn digest(text: &[u8]) -> Self {
        let digest = blake3::hash(text);
        let mut words = digest
            .as_bytes()
            .chunks_exact(8)
            .map(|bytes| bytes.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte)));
        Self(words.next().unwrap_or_default(), words.next().unwrap_or_default())
    }
}

/// A word that may be the name of a Secret or ConfigMap, as a number. Objects have hundreds, so it is one
/// that is quickly made (FNV-1a): that two of a million words share one happens once in ten million clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(u64);

impl Word {
    pub(in crate::graph) fn of(word: &str) -> Self {
        let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(hash)
    }

    /// The key of whoever asks whether it is mentioned.
    pub const fn key(self) -> Key {
        Key(Topic::Word as u64, self.0)
    }
}

/// The length goes first, so that parts cannot be cut otherwise.
fn add(text: &mut Vec<u8>, part: &str) {
    text.extend_from_slice(&part.len().to_le_bytes());
    text.extend_from_slice(part.as_bytes());
}
