//! How weaknesses are attacked in a cluster: a sentence or two for each technique that a check names.

use airside_types::Technique;

use crate::check::{Category, Check};

/// How a check's weakness is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attack {
    /// The technique; none for what only makes other attacks easier, and for what is no attack.
    pub technique: Option<Technique>,
    /// How it is done, in our words.
    pub how: &'static str,
}

/// How the weakness of a check is used; never empty.
pub(super) fn attacks(check: &Check) -> Vec<Attack> {
    let of_technique = |technique: &Technique| {
        let (_, how) = HOW.iter().find(|(id, _)| *id == technique.id())?;
        Some(Attack { technique: Some(*technique), how })
    };
    let attacks: Vec<_> = check.techniques.iter().filter_map(of_technique).collect();
    if attacks.is_empty() {
        vec![Attack { technique: None, how: without(check.category) }]
    } else {
        attacks
    }
}

/// What to say where no technique is named.
const fn without(category: Category) -> &'static str {
    match category {
        Category::WorkloadHardening => {
            "No way in by itself. It widens what an intruder can do once a process of the container is theirs."
        }
        Category::Secrets => {
            "No way in by itself. It makes a credential easier to find, or harder to change once it is known."
        }
        Category::AccessControl => {
            "No way in by itself. Whoever takes over an identity that holds the right gains more than the work needs."
        }
        Category::Network => {
            "No way in by itself. It leaves a path open, or hides that it is, along which an intruder moves on."
        }
        Category::ServiceMesh => {
            "No way in by itself. The mesh does not do what its configuration seems to say, and its protection is missing unnoticed."
        }
        Category::Ingress => {
            "No way in by itself. Traffic takes another way than its owners think, or meets less protection than they think."
        }
        Category::ControlPlane => {
            "No way in by itself. It takes away a barrier, or a trace, that another attack would meet."
        }
        Category::Operators => {
            "No way in by itself. An operator acts for whoever can steer it, with all the rights that it has."
        }
        Category::SupplyChain => {
            "No way in by itself. What runs is not surely what was built and looked at."
        }
        Category::Reliability => {
            "No attack: it is about staying up. An attacker who wants to do damage finds it easier to do."
        }
        Category::Conformance => {
            "No attack: it is about order, by which people see at once what is not as it should be."
        }
    }
}

/// The techniques by id.
#[rustfmt::skip]
static HOW: &[(&str, &str)] = &[
    ("T1005", "The intruder reads files of the node or of a mounted volume: keys, tokens of other pods, databases."),
    ("T1021.004", "With a key or password that was found, the intruder logs on over SSH, to a container or to the node, as a user would."),
    ("T1036", "The intruder gives what they start a name or label that everybody expects, so that nobody looks twice."),
    ("T1036.005", "The intruder names an object like one of the platform's own, so that people, and rules that go by names, pass it over."),
    ("T1040", "From a pod or node on the way the intruder reads traffic that is not encrypted: session cookies, tokens, data."),
    ("T1041", "What was collected leaves by a connection that the workload may make anyway, to a server of the intruder."),
    ("T1046", "From a pod that is taken over, the intruder tries addresses and ports to learn what else answers in the cluster."),
    ("T1053.007", "The intruder creates a CronJob, which starts their container again and again, also after the first foothold is gone."),
    ("T1059", "The intruder makes the program start a shell or an interpreter and runs commands of their choice with its rights."),
    ("T1068", "From within the container the intruder uses a flaw of the kernel or of a privileged program to become root on the node."),
    ("T1070", "The intruder removes what would tell of them: events, logs, finished pods."),
    ("T1071", "Programs of the intruder receive their commands over HTTP or DNS, which looks like what the workload does anyway."),
    ("T1072", "The intruder steers the deployment tool: it applies their manifests everywhere, with the rights that it needs for its work."),
    ("T1078", "The intruder comes with a genuine credential, stolen, left behind or guessed; nothing about the request is unusual."),
    ("T1078.001", "The intruder uses an account or password that everybody knows because it comes with the product."),
    ("T1078.004", "With the cloud role of the workload or node the intruder goes on in the cloud account, outside the cluster."),
    ("T1082", "The intruder asks for versions, addresses and settings, to choose the attack that fits."),
    ("T1090", "The intruder sends traffic through a component of the cluster, which reaches what they cannot reach themselves."),
    ("T1098", "The intruder changes an account or its rights, so that they keep access that nobody granted."),
    ("T1098.006", "The intruder binds a stronger role to an identity of theirs and is administrator from then on."),
    ("T1105", "The intruder downloads tools into the container: a scanner, a miner, an exploit."),
    ("T1110", "The intruder tries passwords or tokens until one fits; nothing slows them down."),
    ("T1133", "The intruder finds the service from outside, by scanning addresses or by certificate logs, and uses it like its owners."),
    ("T1134", "The intruder lets the API server treat their requests as those of somebody with more rights (impersonation)."),
    ("T1190", "The intruder sends a crafted request to a program that answers to the network, and runs code or reads data through its flaw."),
    ("T1195.002", "The intruder replaces an image, chart or dependency at its source; the cluster fetches and runs it by itself."),
    ("T1210", "From one pod the intruder attacks the flaw of a service that only answers inside, and thereby owns a second one."),
    ("T1222.002", "Files are writable for more users than need it: the intruder changes configuration or keys, or opens them for later."),
    ("T1485", "The intruder deletes objects, volumes or backups, to do damage or to force a ransom."),
    ("T1489", "The intruder stops or deletes what others depend on."),
    ("T1499", "A flood of requests, or one process that takes all memory, keeps the program or its node from working."),
    ("T1525", "The intruder puts an image of theirs where the cluster pulls from; the next rollout starts it."),
    ("T1528", "The intruder takes a service account's token, from a file in the pod or through the API, and is that account from wherever they are."),
    ("T1543", "The intruder adds or changes a service of the node, so that their program starts with it."),
    ("T1543.005", "The intruder starts containers that come back by themselves: a DaemonSet on each node, or a static pod."),
    ("T1546", "The intruder registers something that runs at every event, such as a webhook that sees and changes what is created."),
    ("T1548.001", "A program with the setuid bit in the image makes the intruder's process root in the container."),
    ("T1548.003", "The process becomes root by sudo, which asks for no password or for one that is known."),
    ("T1550.001", "The intruder presents a token that was made for another purpose; whoever checks it does not look for whom it was made."),
    ("T1552.001", "The intruder reads the credential where it is written: in the manifest's repository, in a ConfigMap, in an environment variable."),
    ("T1552.004", "The intruder finds a private key in a file or an object, and signs, decrypts or logs on with it."),
    ("T1552.005", "From a pod the intruder asks the cloud's metadata address and receives the credentials of the node's role."),
    ("T1552.007", "The intruder asks the Kubernetes API, the kubelet or the container runtime for secrets and environment variables of others."),
    ("T1555", "The intruder reads the store in which all credentials lie, instead of looking for one."),
    ("T1556", "The intruder changes how identities are proved, so that their own proof is accepted, or none is asked for."),
    ("T1557", "The intruder sits between two programs, by a name, route or address that leads to them, reads what passes and changes it."),
    ("T1557.002", "A pod with raw sockets answers ARP requests in place of its neighbours, and their traffic passes through it."),
    ("T1562.001", "The intruder turns off or weakens what would stop or notice them: a policy, an admission webhook, a sensor."),
    ("T1562.004", "The intruder opens or deletes rules of the network, and reaches what they forbade."),
    ("T1562.008", "What the intruder does is in no audit log, because it is not written, not kept, or can be switched off."),
    ("T1609", "The intruder runs commands in running containers through the API (exec, attach) or the kubelet."),
    ("T1610", "The intruder starts a pod of their choice: privileged, on a node of their choice, with another's service account."),
    ("T1611", "From the container the intruder reaches the node (its devices, files, processes or runtime) and with it every pod on it."),
    ("T1613", "The intruder lists pods, services, nodes and rights, and knows where to go next."),
    ("T1649", "The intruder steals or has signed a client certificate, which holds until it expires: Kubernetes cannot revoke it."),
];
