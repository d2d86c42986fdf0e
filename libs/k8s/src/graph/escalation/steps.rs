//! The words of a way: where somebody stands, how far a right reaches, and how a step is taken.

use std::fmt;

use super::clouds::CloudIdentity;
use crate::object::Object;
use crate::rbac::Bearer;

/// What somebody is on his way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Goal {
    /// To be administrator of the cluster.
    Administrator,
    /// To have an identity of the cloud.
    Cloud,
}

impl Goal {
    /// All goals.
    pub const ALL: [Self; 2] = [Self::Administrator, Self::Cloud];
}

/// Where somebody stands on his way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing<'a> {
    /// A user, everybody of a group, or a service account.
    Bearer(Bearer<'a>),
    /// Any service account of a place.
    AccountsOf(Reach<'a>),
    /// The service accounts of the pods that run in a place.
    PodsOf(Reach<'a>),
    /// What the containers of the pods in a place have logged, as the kubelet hands it out.
    LogsOf(Reach<'a>),
    /// Root on the nodes of the cluster.
    Nodes,
    /// Root on a node that the control plane runs on.
    ControlPlane,
    /// Who may do everything in the cluster.
    Administrator,
    /// An identity of the cloud.
    Cloud(CloudIdentity<'a>),
}

/// How far a right reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach<'a> {
    /// The whole cluster.
    Cluster,
    /// A namespace; none where the manifest leaves it to the one who applies it.
    Namespace(Option<&'a str>),
}

impl fmt::Display for Reach<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("the cluster"),
            Self::Namespace(Some(namespace)) => write!(f, "namespace {namespace}"),
            Self::Namespace(None) => f.write_str("the same namespace"),
        }
    }
}

/// One step of a way.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Who takes it.
    pub from: Standing<'a>,
    /// How.
    pub how: How,
    /// What he is then.
    pub to: Standing<'a>,
    /// The binding that lets him, where it is a right that does.
    pub binding: Option<Object<'a>>,
}

impl Step<'_> {
    /// Whether it is a right over objects that the rule names. A check on that right alone takes such a rule as
    /// limited.
    pub fn is_by_name(&self) -> bool {
        match self.how {
            How::BindsNamed | How::EscalatesOwn => true,
            How::RequestsToken | How::Impersonates => {
                matches!(self.to, Standing::Bearer(Bearer::ServiceAccount(..)))
            }
            _ => false,
        }
    }
}

/// How a step is taken. In brackets the edges of KubeHound and IceKube that it is. The others of theirs are no
/// steps here: who belongs to which account, binding and role the graph knows, the containers of one pod share
/// its account (CONTAINER_ATTACH, SHARE_PS_NAMESPACE), and what can be reached from outside
/// (ENDPOINT_EXPLOIT) is `exposure.rs`'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A binding gives every right.
    HasAllRights,
    /// He creates or changes pods, or what starts pods, that run with the account.
    /// (KubeHound POD_CREATE; IceKube CREATE_POD_WITH_SA, UPDATE_WORKLOAD_WITH_SA.)
    StartsPods,
    /// He runs commands in pods and takes their token.
    /// (KubeHound POD_EXEC; IceKube EXEC_INTO, DEBUG_POD.)
    EntersPods,
    /// He puts an image of his own into a container of pods that run, and takes their token.
    /// (KubeHound POD_PATCH; IceKube REPLACE_IMAGE.)
    ReplacesImage,
    /// He reads the logs of pods.
    ReadsLogs,
    /// A pod has the Secret with the account's token.
    /// (KubeHound TOKEN_STEAL; IceKube MOUNTS_SECRET.)
    HasToken,
    /// He reads the account's token from its Secret.
    /// (KubeHound TOKEN_LIST, TOKEN_BRUTEFORCE; IceKube ACCESS_SECRET, GET_AUTHENTICATION_TOKEN_FOR.)
    ReadsToken,
    /// He writes a Secret that Kubernetes puts the account's token into, and reads it.
    /// (IceKube CREATE_SECRET_WITH_TOKEN.)
    MakesToken,
    /// He has a token issued.
    /// (IceKube GENERATE_TOKEN.)
    RequestsToken,
    /// He acts as somebody else.
    /// (KubeHound IDENTITY_IMPERSONATE; IceKube CAN_IMPERSONATE.)
    Impersonates,
    /// He gives himself any role.
    /// (KubeHound ROLE_BIND.)
    Binds,
    /// He gives himself a role that he may bind by its name, and that has all rights.
    BindsNamed,
    /// He adds rights to a role.
    /// (IceKube RBAC_ESCALATE_TO.)
    Escalates,
    /// He adds rights to a role that he has, and that he may change by its name.
    EscalatesOwn,
    /// He reaches the kubelets through the API server.
    /// (IceKube CAN_EXEC_THROUGH_KUBELET.)
    ProxiesToNodes,
    /// He starts a pod that shares its node's files or processes, where nothing forbids that.
    /// (KubeHound POD_CREATE; IceKube CREATE_PRIVILEGED_WORKLOAD.)
    StartsPrivileged,
    /// He takes the Pod Security Standard from the namespace first.
    /// (IceKube PATCH_NAMESPACE_TO_BYPASS_PSA.)
    LiftsStandard,
    /// He makes a PersistentVolume of a node's files, and a pod that mounts it.
    /// (IceKube PERSISTENT_VOLUME_CREATION.)
    MountsNode,
    /// A pod shares its node's files or processes.
    /// (KubeHound CE_*, EXPLOIT_*; IceKube IS_PRIVILEGED, CAN_*.)
    BreaksOut,
    /// Root in a pod that writes the logs of its node links other files there, and the account of the pod reads
    /// them as logs.
    /// (KubeHound CE_VAR_LOG_SYMLINK.)
    LinksLogs,
    /// Root on a node of the control plane reads the keys that the API server trusts.
    /// (IceKube IS_CLUSTER_ADMIN.)
    HoldsKeys,
    /// Root on a node reads the tokens of the pods there.
    /// (KubeHound POD_ATTACH, EXPLOIT_HOST_TRAVERSE; IceKube ACCESS_POD.)
    ReadsTokensOfNode,
    /// He has a certificate signed for any user.
    /// (IceKube GENERATE_CLIENT_CERTIFICATE.)
    SignsCertificates,
    /// He changes what others create, by a webhook of his own.
    ChangesRequests,
    /// He maps an identity of the cloud to the administrators, in EKS' ConfigMap `aws-auth`.
    /// (IceKube UPDATE_AWS_AUTH.)
    MapsIdentity,
    /// He has pods that Azure's pod identity lets ask for the identity of their node, which is an administrator
    /// of AKS.
    /// (IceKube AZURE_POD_IDENTITY_EXCEPTION.)
    AsksForNodeIdentity,
    /// The account is in the group.
    BelongsTo,
    /// It is one of those.
    Is,
    /// Controllers of the control plane run with accounts of kube-system, which may do everything.
    TakesController,
    /// The cloud trusts tokens that are issued to the account's pods.
    Assumes,
}

impl How {
    /// Whether somebody may then act as the account at the API server, and no more: he has no pod of it, and
    /// no token that is made for others than the API server.
    pub(super) const fn is_for_api_only(self) -> bool {
        matches!(self, Self::Impersonates | Self::ReadsToken | Self::MakesToken | Self::HasToken)
    }

    /// The step as a verb, with who he is then as object.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::HasAllRights => "may do everything, as",
            Self::StartsPods => "starts pods that run as",
            Self::EntersPods => "runs commands in pods, and takes the token of",
            Self::ReplacesImage => {
                "puts an image of its own into pods that run, and takes the token of"
            }
            Self::ReadsLogs => "reads",
            Self::HasToken => "has a Secret with the token of",
            Self::ReadsToken => "reads the token Secret of",
            Self::MakesToken => "has a token put into a Secret of its own, of",
            Self::RequestsToken => "requests a token of",
            Self::Impersonates => "impersonates",
            Self::Binds => "binds any role to itself, and is",
            Self::BindsNamed => "binds a role with all rights to itself, and is",
            Self::Escalates => "adds rights to a role, and is",
            Self::EscalatesOwn => "adds rights to a role that it has, and is",
            Self::ProxiesToNodes => {
                "reaches the kubelets through nodes/proxy, and takes the token of"
            }
            Self::StartsPrivileged => "starts a privileged pod, and is",
            Self::LiftsStandard => {
                "takes the Pod Security Standard from the namespace, starts a privileged pod, and is"
            }
            Self::MountsNode => "mounts files of a node by a PersistentVolume of its own, and is",
            Self::BreaksOut => "breaks out to its node, and is",
            Self::LinksLogs => {
                "links files of its node among the logs that its account may read, and is"
            }
            Self::HoldsKeys => "holds the keys of the API server, and is",
            Self::ReadsTokensOfNode => "reads there the token of",
            Self::SignsCertificates => "has a certificate signed as",
            Self::ChangesRequests => "changes new pods by a webhook, and takes the token of",
            Self::MapsIdentity => "maps a cloud identity of its own in aws-auth, and is",
            Self::AsksForNodeIdentity => {
                "starts or enters pods that may ask for their node's Azure identity, and is"
            }
            Self::BelongsTo => "belongs to",
            Self::Is => "such as",
            Self::TakesController => "takes the account of a controller, and is",
            Self::Assumes => "is trusted by the cloud as",
        }
    }
}

impl fmt::Display for Standing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bearer(Bearer::User(name)) => write!(f, "user {name}"),
            Self::Bearer(Bearer::Group(name)) => write!(f, "group {name}"),
            Self::Bearer(Bearer::ServiceAccount(Some(namespace), name)) => {
                write!(f, "service account {namespace}/{name}")
            }
            Self::Bearer(Bearer::ServiceAccount(None, name)) => write!(f, "service account {name}"),
            Self::AccountsOf(reach) => write!(f, "any service account of {reach}"),
            Self::PodsOf(reach) => write!(f, "any pod of {reach}"),
            Self::LogsOf(reach) => write!(f, "the logs of any pod of {reach}"),
            Self::Nodes => f.write_str("root on nodes of the cluster"),
            Self::ControlPlane => f.write_str("root on a node of the control plane"),
            Self::Administrator => f.write_str("administrator of the cluster"),
            Self::Cloud(identity) => write!(f, "{identity}"),
        }
    }
}

/// Whether a standing is on a way to the cloud because pods run as its account, of which the rest of the way
/// takes a token. Nothing else than a pod, or a token that is issued for it, gives the cloud's trust.
pub(super) fn needs_pod<'a>(
    standing: Standing<'a>,
    how_on: impl Fn(&Standing<'a>) -> Option<(How, Standing<'a>)>,
) -> bool {
    let mut at = standing;
    // A place, the account, the cloud.
    for _ in 0..2 {
        match how_on(&at) {
            Some((How::Assumes, _)) => return true,
            Some((How::Is, to)) => at = to,
            _ => return false,
        }
    }
    false
}
