//! MITRE ATT&CK: the tactics, and the techniques that Airside's checks and rules name.
//!
//! The table is the only place that knows a technique; [`technique`] looks one up while the program is
//! compiled, so that a rule cannot name one that does not exist. Ids and names: ATT&CK for Enterprise,
//! version 17 (attack.mitre.org, used by permission of The MITRE Corporation).

use std::fmt;

use crate::detection::UnknownName;

/// An attacker's goal, in the order of a typical attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tactic {
    /// Gathering information from outside.
    Reconnaissance,
    /// Getting in.
    InitialAccess,
    /// Running code.
    Execution,
    /// Staying.
    Persistence,
    /// Gaining rights.
    PrivilegeEscalation,
    /// Not being seen.
    DefenseEvasion,
    /// Stealing credentials.
    CredentialAccess,
    /// Looking around.
    Discovery,
    /// Moving on.
    LateralMovement,
    /// Gathering data.
    Collection,
    /// Being steered from outside.
    CommandAndControl,
    /// Taking data out.
    Exfiltration,
    /// Doing damage.
    Impact,
}

impl Tactic {
    /// All tactics, in the order of a typical attack.
    pub const ALL: [Self; 13] = [
        Self::Reconnaissance,
        Self::InitialAccess,
        Self::Execution,
        Self::Persistence,
        Self::PrivilegeEscalation,
        Self::DefenseEvasion,
        Self::CredentialAccess,
        Self::Discovery,
        Self::LateralMovement,
        Self::Collection,
        Self::CommandAndControl,
        Self::Exfiltration,
        Self::Impact,
    ];

    /// ATT&CK's short name, such as `credential-access`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reconnaissance => "reconnaissance",
            Self::InitialAccess => "initial-access",
            Self::Execution => "execution",
            Self::Persistence => "persistence",
            Self::PrivilegeEscalation => "privilege-escalation",
            Self::DefenseEvasion => "defense-evasion",
            Self::CredentialAccess => "credential-access",
            Self::Discovery => "discovery",
            Self::LateralMovement => "lateral-movement",
            Self::Collection => "collection",
            Self::CommandAndControl => "command-and-control",
            Self::Exfiltration => "exfiltration",
            Self::Impact => "impact",
        }
    }
}

impl fmt::Display for Tactic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Tactic {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|tactic| tactic.as_str() == text)
            .ok_or_else(|| UnknownName::new("ATT&CK tactic", text))
    }
}

/// A technique or sub-technique of the table.
#[derive(Clone, Copy)]
pub struct Technique(&'static Row);

#[derive(Debug)]
struct Row {
    id: &'static str,
    name: &'static str,
    tactics: &'static [Tactic],
}

impl Technique {
    /// The technique with this id, if the table has it.
    pub fn find(id: &str) -> Option<Self> {
        TABLE.binary_search_by(|row| row.id.cmp(id)).ok().and_then(|at| TABLE.get(at)).map(Self)
    }

    /// All techniques of the table, in the order of their ids.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(Self)
    }

    /// The id, such as `T1552.007`.
    pub const fn id(self) -> &'static str {
        self.0.id
    }

    /// The id of the technique above a sub-technique; its own id for a technique.
    pub fn base_id(self) -> &'static str {
        self.0.id.split('.').next().unwrap_or(self.0.id)
    }

    /// The name as ATT&CK gives it, with the parent's name before a sub-technique's.
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// The tactics that it can serve.
    pub const fn tactics(self) -> &'static [Tactic] {
        self.0.tactics
    }
}

impl PartialEq for Technique {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Technique {}

impl PartialOrd for Technique {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Technique {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.id().cmp(other.id())
    }
}

impl std::hash::Hash for Technique {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl fmt::Display for Technique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl fmt::Debug for Technique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The technique with this id, for constants: an id that the table does not have stops the compiler.
#[expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "evaluated by the compiler in constants"
)]
pub const fn technique(id: &str) -> Technique {
    let mut at = 0;
    while at < TABLE.len() {
        if same(TABLE[at].id.as_bytes(), id.as_bytes()) {
            return Technique(&TABLE[at]);
        }
        at += 1;
    }
    panic!("no such technique in the table of airside-types")
}

#[expect(clippy::indexing_slicing, reason = "both indices are below the common length")]
const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

const fn row(id: &'static str, name: &'static str, tactics: &'static [Tactic]) -> Row {
    Row { id, name, tactics }
}

use Tactic as T;

/// Sorted by id, for the binary search.
#[rustfmt::skip]
static TABLE: &[Row] = &[
    row("T1003", "OS Credential Dumping", &[T::CredentialAccess]),
    row("T1003.008", "OS Credential Dumping: /etc/passwd and /etc/shadow", &[T::CredentialAccess]),
    row("T1005", "Data from Local System", &[T::Collection]),
    row("T1014", "Rootkit", &[T::DefenseEvasion]),
    row("T1020", "Automated Exfiltration", &[T::Exfiltration]),
    row("T1021.004", "Remote Services: SSH", &[T::LateralMovement]),
    row("T1033", "System Owner/User Discovery", &[T::Discovery]),
    row("T1036", "Masquerading", &[T::DefenseEvasion]),
    row("T1036.005", "Masquerading: Match Legitimate Resource Name or Location", &[T::DefenseEvasion]),
    row("T1040", "Network Sniffing", &[T::CredentialAccess, T::Discovery]),
    row("T1041", "Exfiltration Over C2 Channel", &[T::Exfiltration]),
    row("T1046", "Network Service Discovery", &[T::Discovery]),
    row("T1048", "Exfiltration Over Alternative Protocol", &[T::Exfiltration]),
    row("T1053.003", "Scheduled Task/Job: Cron", &[T::Execution, T::Persistence, T::PrivilegeEscalation]),
    row("T1053.007", "Scheduled Task/Job: Container Orchestration Job", &[T::Execution, T::Persistence, T::PrivilegeEscalation]),
    row("T1055.008", "Process Injection: Ptrace System Calls", &[T::PrivilegeEscalation, T::DefenseEvasion]),
    row("T1059", "Command and Scripting Interpreter", &[T::Execution]),
    row("T1059.004", "Command and Scripting Interpreter: Unix Shell", &[T::Execution]),
    row("T1059.013", "Command and Scripting Interpreter: Container CLI/API", &[T::Execution]),
    row("T1068", "Exploitation for Privilege Escalation", &[T::PrivilegeEscalation]),
    row("T1069", "Permission Groups Discovery", &[T::Discovery]),
    row("T1069.003", "Permission Groups Discovery: Cloud Groups", &[T::Discovery]),
    row("T1070", "Indicator Removal", &[T::DefenseEvasion]),
    row("T1070.003", "Indicator Removal: Clear Command History", &[T::DefenseEvasion]),
    row("T1070.004", "Indicator Removal: File Deletion", &[T::DefenseEvasion]),
    row("T1071", "Application Layer Protocol", &[T::CommandAndControl]),
    row("T1072", "Software Deployment Tools", &[T::Execution, T::LateralMovement]),
    row("T1078", "Valid Accounts", &[T::InitialAccess, T::Persistence, T::PrivilegeEscalation, T::DefenseEvasion]),
    row("T1078.001", "Valid Accounts: Default Accounts", &[T::InitialAccess, T::Persistence, T::PrivilegeEscalation, T::DefenseEvasion]),
    row("T1078.004", "Valid Accounts: Cloud Accounts", &[T::InitialAccess, T::Persistence, T::PrivilegeEscalation, T::DefenseEvasion]),
    row("T1082", "System Information Discovery", &[T::Discovery]),
    row("T1083", "File and Directory Discovery", &[T::Discovery]),
    row("T1090", "Proxy", &[T::CommandAndControl]),
    row("T1090.003", "Proxy: Multi-hop Proxy", &[T::CommandAndControl]),
    row("T1095", "Non-Application Layer Protocol", &[T::CommandAndControl]),
    row("T1098", "Account Manipulation", &[T::Persistence, T::PrivilegeEscalation]),
    row("T1098.003", "Account Manipulation: Additional Cloud Roles", &[T::Persistence, T::PrivilegeEscalation]),
    row("T1098.004", "Account Manipulation: SSH Authorized Keys", &[T::Persistence, T::PrivilegeEscalation]),
    row("T1098.006", "Account Manipulation: Additional Container Cluster Roles", &[T::Persistence, T::PrivilegeEscalation]),
    row("T1105", "Ingress Tool Transfer", &[T::CommandAndControl]),
    row("T1110", "Brute Force", &[T::CredentialAccess]),
    row("T1119", "Automated Collection", &[T::Collection]),
    row("T1132", "Data Encoding", &[T::CommandAndControl]),
    row("T1133", "External Remote Services", &[T::InitialAccess, T::Persistence]),
    row("T1134", "Access Token Manipulation", &[T::PrivilegeEscalation, T::DefenseEvasion]),
    row("T1136", "Create Account", &[T::Persistence]),
    row("T1136.001", "Create Account: Local Account", &[T::Persistence]),
    row("T1190", "Exploit Public-Facing Application", &[T::InitialAccess]),
    row("T1195", "Supply Chain Compromise", &[T::InitialAccess]),
    row("T1195.002", "Supply Chain Compromise: Compromise Software Supply Chain", &[T::InitialAccess]),
    row("T1204", "User Execution", &[T::Execution]),
    row("T1204.003", "User Execution: Malicious Image", &[T::Execution]),
    row("T1205.001", "Traffic Signaling: Port Knocking", &[T::DefenseEvasion, T::Persistence, T::CommandAndControl]),
    row("T1210", "Exploitation of Remote Services", &[T::LateralMovement]),
    row("T1222.002", "File and Directory Permissions Modification: Linux and Mac File and Directory Permissions Modification", &[T::DefenseEvasion]),
    row("T1485", "Data Destruction", &[T::Impact]),
    row("T1489", "Service Stop", &[T::Impact]),
    row("T1496", "Resource Hijacking", &[T::Impact]),
    row("T1496.001", "Resource Hijacking: Compute Hijacking", &[T::Impact]),
    row("T1498", "Network Denial of Service", &[T::Impact]),
    row("T1499", "Endpoint Denial of Service", &[T::Impact]),
    row("T1505", "Server Software Component", &[T::Persistence]),
    row("T1505.003", "Server Software Component: Web Shell", &[T::Persistence]),
    row("T1518.001", "Software Discovery: Security Software Discovery", &[T::Discovery]),
    row("T1525", "Implant Internal Image", &[T::Persistence]),
    row("T1528", "Steal Application Access Token", &[T::CredentialAccess]),
    row("T1543", "Create or Modify System Process", &[T::Persistence, T::PrivilegeEscalation]),
    row("T1543.005", "Create or Modify System Process: Container Service", &[T::Persistence, T::PrivilegeEscalation]),
    row("T1546", "Event Triggered Execution", &[T::Persistence, T::PrivilegeEscalation]),
    row("T1546.004", "Event Triggered Execution: Unix Shell Configuration Modification", &[T::Persistence, T::PrivilegeEscalation]),
    row("T1547.006", "Boot or Logon Autostart Execution: Kernel Modules and Extensions", &[T::Persistence, T::PrivilegeEscalation]),
    row("T1548", "Abuse Elevation Control Mechanism", &[T::PrivilegeEscalation, T::DefenseEvasion]),
    row("T1548.001", "Abuse Elevation Control Mechanism: Setuid and Setgid", &[T::PrivilegeEscalation, T::DefenseEvasion]),
    row("T1548.003", "Abuse Elevation Control Mechanism: Sudo and Sudo Caching", &[T::PrivilegeEscalation, T::DefenseEvasion]),
    row("T1548.005", "Abuse Elevation Control Mechanism: Temporary Elevated Cloud Access", &[T::PrivilegeEscalation, T::DefenseEvasion]),
    row("T1550.001", "Use Alternate Authentication Material: Application Access Token", &[T::DefenseEvasion, T::LateralMovement]),
    row("T1552", "Unsecured Credentials", &[T::CredentialAccess]),
    row("T1552.001", "Unsecured Credentials: Credentials In Files", &[T::CredentialAccess]),
    row("T1552.004", "Unsecured Credentials: Private Keys", &[T::CredentialAccess]),
    row("T1552.005", "Unsecured Credentials: Cloud Instance Metadata API", &[T::CredentialAccess]),
    row("T1552.007", "Unsecured Credentials: Container API", &[T::CredentialAccess]),
    row("T1555", "Credentials from Password Stores", &[T::CredentialAccess]),
    row("T1556", "Modify Authentication Process", &[T::CredentialAccess, T::DefenseEvasion, T::Persistence]),
    row("T1557", "Adversary-in-the-Middle", &[T::CredentialAccess, T::Collection]),
    row("T1557.002", "Adversary-in-the-Middle: ARP Cache Poisoning", &[T::CredentialAccess, T::Collection]),
    row("T1562", "Impair Defenses", &[T::DefenseEvasion]),
    row("T1562.001", "Impair Defenses: Disable or Modify Tools", &[T::DefenseEvasion]),
    row("T1562.004", "Impair Defenses: Disable or Modify System Firewall", &[T::DefenseEvasion]),
    row("T1562.008", "Impair Defenses: Disable or Modify Cloud Logs", &[T::DefenseEvasion]),
    row("T1564.001", "Hide Artifacts: Hidden Files and Directories", &[T::DefenseEvasion]),
    row("T1565", "Data Manipulation", &[T::Impact]),
    row("T1567", "Exfiltration Over Web Service", &[T::Exfiltration]),
    row("T1570", "Lateral Tool Transfer", &[T::LateralMovement]),
    row("T1571", "Non-Standard Port", &[T::CommandAndControl]),
    row("T1572", "Protocol Tunneling", &[T::CommandAndControl]),
    row("T1574", "Hijack Execution Flow", &[T::Persistence, T::PrivilegeEscalation, T::DefenseEvasion]),
    row("T1574.006", "Hijack Execution Flow: Dynamic Linker Hijacking", &[T::Persistence, T::PrivilegeEscalation, T::DefenseEvasion]),
    row("T1595.003", "Active Scanning: Wordlist Scanning", &[T::Reconnaissance]),
    row("T1609", "Container Administration Command", &[T::Execution]),
    row("T1610", "Deploy Container", &[T::Execution, T::DefenseEvasion]),
    row("T1611", "Escape to Host", &[T::PrivilegeEscalation]),
    row("T1613", "Container and Resource Discovery", &[T::Discovery]),
    row("T1620", "Reflective Code Loading", &[T::DefenseEvasion]),
    row("T1622", "Debugger Evasion", &[T::DefenseEvasion, T::Discovery]),
    row("T1649", "Steal or Forge Authentication Certificates", &[T::CredentialAccess]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_row_is_whole() {
        assert!(TABLE.windows(2).all(|pair| pair[0].id < pair[1].id));
        for row in TABLE {
            assert!(!row.tactics.is_empty() && !row.name.is_empty(), "{}", row.id);
            let (base, sub) = row.id.split_once('.').unwrap_or((row.id, "001"));
            assert!(base.len() == 5 && base.starts_with('T') && sub.len() == 3, "{}", row.id);
            assert_eq!(row.id.contains('.'), row.name.contains(": "), "{}", row.id);
        }
    }

    #[test]
    fn constants_and_look_ups_agree() {
        static ESCAPE: Technique = technique("T1611");
        assert_eq!(Technique::find("T1611"), Some(ESCAPE));
        assert_eq!(Technique::find("T0000"), None);
        assert_eq!(technique("T1552.007").base_id(), "T1552");
    }
}
