//! What a client calls itself. It is the client's own word: it may raise suspicion, and never lowers the
//! worth of an event below what the event is for an ordinary program.

/// The kind of client that a user agent names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// The event has no user agent.
    Unknown,
    /// A person's tool: kubectl, k9s, Lens and their kin.
    Kubectl,
    /// An HTTP client of scripts and shells: curl, wget, python-requests.
    Script,
    /// A tool that is made for attacking clusters.
    AttackTool,
    /// The node agent.
    Kubelet,
    /// Any other program.
    Program,
}

const KUBECTL: [&str; 7] = ["kubectl", "oc", "k9s", "lens", "freelens", "headlamp", "kubectl.exe"];

const SCRIPT: [&str; 14] = [
    "curl",
    "wget",
    "python-requests",
    "python-urllib",
    "python-httpx",
    "python",
    "aiohttp",
    "go-http-client",
    "httpie",
    "libwww-perl",
    "ruby",
    "node-fetch",
    "postmanruntime",
    "powershell",
];

const ATTACK_TOOL: [&str; 7] =
    ["kdigger", "peirates", "kubeletctl", "kube-hunter", "rakkess", "access_matrix", "cdk"];

impl Client {
    /// The kind that a user agent's first product names.
    pub(crate) fn of(user_agent: &str) -> Self {
        let product = user_agent.split(['/', ' ']).next().unwrap_or_default();
        let is_one_of =
            |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(product));
        if product.is_empty() {
            Self::Unknown
        } else if product == "kubelet" {
            Self::Kubelet
        } else if is_one_of(&KUBECTL) {
            Self::Kubectl
        } else if is_one_of(&SCRIPT) {
            Self::Script
        } else if is_one_of(&ATTACK_TOOL) {
            Self::AttackTool
        } else {
            Self::Program
        }
    }

    /// Whether somebody sits at it, or wrote a script: not a controller's client library.
    pub(crate) fn is_by_hand(self) -> bool {
        matches!(self, Self::Kubectl | Self::Script | Self::AttackTool)
    }

    /// Whether it is a bare HTTP client, or worse.
    pub(crate) fn is_script(self) -> bool {
        matches!(self, Self::Script | Self::AttackTool)
    }
}
