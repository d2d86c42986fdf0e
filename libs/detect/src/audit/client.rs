//! What a client calls itself. It is the client's own word: it may raise suspicion, and never lowers the
//! worth of an event below what the event is for an ordinary program.

use crate::split::split_once;

/// A user agent in the form that Kubernetes' own clients have:
/// `kubectl/v1.33.1 (linux/amd64) kubernetes/8adc0f0`. What other clients leave out is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserAgent<'a> {
    /// The program.
    pub tool: &'a str,
    /// Its version, as it is written.
    pub version: &'a str,
    /// Operating system and architecture, such as `linux/amd64`.
    pub platform: &'a str,
    /// The commit that the client library was built from.
    pub commit: &'a str,
}

impl<'a> UserAgent<'a> {
    /// Takes a user agent apart.
    pub fn parse(text: &'a str) -> Self {
        let (tool, version) = product(text);
        let comment = text.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        // Browsers and others write more between the brackets.
        let platform = comment.map_or("", |(inside, _)| inside);
        let is_platform = platform.split('/').count() == 2 && !platform.contains(' ');
        let commit = comment.and_then(|(_, rest)| rest.trim_start().strip_prefix("kubernetes/"));
        Self {
            tool,
            version,
            platform: if is_platform { platform } else { "" },
            commit: commit.map_or("", |rest| rest.split([' ', '/']).next().unwrap_or_default()),
        }
    }
}

/// Name and version of the first product of a user agent.
fn product(user_agent: &str) -> (&str, &str) {
    let (product, _) = split_once(user_agent, b' ').unwrap_or((user_agent, ""));
    split_once(product, b'/').unwrap_or((product, ""))
}

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

/// Tools by which people and pipelines put up what a repository declares, as their products begin.
const DEPLOYERS: [&str; 7] = [
    "argocd-application-controller",
    "hashicorp",
    "helm",
    "helm-controller",
    "kustomize-controller",
    "pulumi-kubernetes",
    "terraform",
];

/// Whether a user agent is of a tool that puts up what a repository declares.
pub(crate) fn is_deployer(user_agent: &str) -> bool {
    let (product, _) = product(user_agent);
    DEPLOYERS.iter().any(|name| name.eq_ignore_ascii_case(product))
}

impl Client {
    /// The kind that a user agent's first product names.
    pub(crate) fn of(user_agent: &str) -> Self {
        let (product, _) = product(user_agent);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_agents_are_taken_apart() {
        let parts = |text| {
            let UserAgent { tool, version, platform, commit } = UserAgent::parse(text);
            [tool, version, platform, commit]
        };
        assert_eq!(
            parts("kubectl/v1.33.1 (linux/amd64) kubernetes/8adc0f0"),
            ["kubectl", "v1.33.1", "linux/amd64", "8adc0f0"]
        );
        assert_eq!(
            parts(
                "kube-controller-manager/v1.36.2 (linux/arm64) kubernetes/4d1c0a7/leader-election"
            ),
            ["kube-controller-manager", "v1.36.2", "linux/arm64", "4d1c0a7"]
        );
        assert_eq!(parts("curl/8.5.0"), ["curl", "8.5.0", "", ""]);
        assert_eq!(parts("Mozilla/5.0 (X11; Linux x86_64) Gecko/2"), ["Mozilla", "5.0", "", ""]);
        assert_eq!(parts("python requests"), ["python", "", "", ""]);
        assert_eq!(parts(""), ["", "", "", ""]);
    }

    #[test]
    fn deployers_are_told_by_the_program() {
        for agent in ["Helm/3.16.2", "HashiCorp/1.0 Terraform/1.9.5", "pulumi-kubernetes/4.18"] {
            assert!(is_deployer(agent), "{agent}");
        }
        for agent in ["", "kubectl/v1.33.1", "helmsman/1", "flux/v2.4"] {
            assert!(!is_deployer(agent), "{agent}");
        }
    }

    #[test]
    fn kinds_of_clients_are_told_by_the_program() {
        for (agent, kind) in [
            ("", Client::Unknown),
            ("kubectl/v1.33.1", Client::Kubectl),
            ("KUBECTL/v1", Client::Kubectl),
            ("curl/8.5.0", Client::Script),
            ("kdigger", Client::AttackTool),
            ("kubelet/v1.36.2", Client::Kubelet),
            ("web/1", Client::Program),
        ] {
            assert_eq!(Client::of(agent), kind, "{agent}");
        }
    }
}
