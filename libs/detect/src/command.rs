//! What a command line gives away, whichever source saw it: an exec request, a container's command, a
//! process.
//!
//! Patterns are of what a command does, not of a tool's name where many tools do the same. They are meant
//! for command lines that somebody sent on purpose, so they may be broad.

use std::net::Ipv4Addr;

use airside_types::redact;

mod fetching;
mod readings;
mod stores;

/// The longest part of a command line that is looked at, in bytes: Linux runs no longer one.
const MAX_BYTES: usize = 2 << 20;

/// A command line, ready to be asked.
#[derive(Debug)]
pub(crate) struct Command {
    /// As it is written, as a shell reads it, and what is decoded in it.
    readings: Vec<Reading>,
}

/// One way to read a command line.
#[derive(Debug)]
struct Reading {
    line: String,
    lower: String,
}

/// Where a container's credentials lie: its service account, its environment, its host's keys.
const CREDENTIALS: [&str; 14] = [
    "serviceaccount/token",
    "secrets/kubernetes.io",
    "secrets/eks.amazonaws.com",
    "azure-identity-token",
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

/// Files of credentials, for words that name them by wildcards.
const CREDENTIAL_FILES: [&str; 10] = [
    "/etc/kubernetes/admin.conf",
    "/etc/shadow",
    "/proc/1/environ",
    "/proc/self/environ",
    "/root/.aws/credentials",
    "/root/.docker/config.json",
    "/root/.kube/config",
    "/root/.ssh/id_rsa",
    "/run/secrets/kubernetes.io/serviceaccount/token",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
];

/// The metadata services of AWS, Azure, Oracle and Google clouds, and of Alibaba's; those of ECS and EKS that give out the
/// credentials of a task or pod.
const METADATA: [&str; 5] =
    ["fd00:ec2::254", "fd00:ec2::23", "metadata.goog", "::ffff:a9fe:a9fe", "::ffff:a9fe:aa02"];

/// Their addresses, which may be written in several ways.
const METADATA_ADDRESSES: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
];

const REVERSE_SHELL: [&str; 15] = [
    "/inet/tcp/",
    "/inet/udp/",
    "zsh/net/tcp",
    "ztcp ",
    "tcpsocket.new",
    "tcpsocket.open",
    "/dev/tcp/",
    "/dev/udp/",
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
        // Most containers run what their image says.
        if line.is_empty() {
            return Self { readings: Vec::new() };
        }
        let cut = line.char_indices().map(|(at, _)| at).find(|at| *at >= MAX_BYTES);
        let kept = cut.and_then(|at| line.get(..at)).unwrap_or(line);
        let reading = |line: String| Reading { lower: line.to_ascii_lowercase(), line };
        Self { readings: readings::readings(kept).into_iter().map(reading).collect() }
    }

    fn any(&self, question: impl Fn(&Reading) -> bool) -> bool {
        self.readings.iter().any(question)
    }

    /// Reads a token, key or environment.
    pub(crate) fn reads_credentials(&self) -> bool {
        self.any(|it| {
            let of_process = it.lower.contains("/proc/") && it.lower.contains("/environ");
            it.has_any(&CREDENTIALS)
                || of_process
                || it.asks_vault()
                || it.words().any(is_pattern_of_credentials)
        })
    }

    /// Asks a cloud's metadata service.
    pub(crate) fn reaches_metadata(&self) -> bool {
        let names_it = |address| METADATA_ADDRESSES.contains(&address);
        self.any(|it| it.has_any(&METADATA) || it.addresses().any(names_it))
    }

    /// Hands a shell to a network connection.
    pub(crate) fn is_reverse_shell(&self) -> bool {
        self.any(Reading::is_reverse_shell)
    }

    /// Mines, by the protocol or the programs of miners.
    pub(crate) fn is_miner(&self) -> bool {
        self.any(|it| it.has_any(&MINER))
    }

    /// Brings something in from the network.
    pub(crate) fn downloads(&self) -> bool {
        self.any(Reading::downloads)
    }

    /// Fetches from the container that it runs in, from a service of the cluster, or nothing but headers: as who looks
    /// whether a server is well.
    pub(crate) fn only_looks(&self) -> bool {
        self.downloads() && self.readings.iter().all(Reading::only_looks)
    }

    /// Sends credentials to another machine, or what a metadata service gives. Where they log in with them, they belong
    /// there.
    pub(crate) fn sends_credentials_out(&self) -> bool {
        let is_secret = self.reads_credentials()
            || self.reaches_metadata()
            || self.any(Reading::tells_environment);
        is_secret
            && self.any(|it| it.sends() && !it.has_any(&["/login", "oauth/token", "oauth2/token"]))
    }

    /// Goes on as a process of the node: in the namespaces of its first one, or below its root.
    pub(crate) fn enters_node(&self) -> bool {
        self.any(Reading::enters_node)
    }

    /// Runs what it fetches, or what it decodes.
    pub(crate) fn runs_what_it_fetches(&self) -> bool {
        self.any(Reading::runs_what_it_fetches)
    }

    /// Reads or writes etcd past the API server.
    pub(crate) fn opens_etcd(&self) -> bool {
        self.any(Reading::opens_etcd)
    }

    /// Writes an archive to standard output: how `kubectl cp` takes files out.
    pub(crate) fn archives_to_stdout(&self) -> bool {
        self.any(Reading::archives_to_stdout)
    }
}

impl Reading {
    fn has_any(&self, patterns: &[&str]) -> bool {
        patterns.iter().any(|pattern| self.lower.contains(pattern))
    }

    fn is_reverse_shell(&self) -> bool {
        let both = |one: &[&str], other: &[&str]| self.has_any(one) && self.has_any(other);
        let pipe_shell = both(&["mkfifo"], &["nc ", "ncat ", "telnet ", "s_client"]);
        let python = both(&["socket.socket"], &["subprocess", "os.dup2", "pty."]);
        let perl = both(&["use socket"], &["exec"]);
        let node = both(&["net.connect", "net.socket", "net.createconnection"], &["child_process"]);
        let lua = both(
            &["socket.tcp", "require('socket')", "require(\"socket\")"],
            &["popen", "os.execute"],
        );
        let interpreted = python || perl || node || lua;
        self.has_any(&REVERSE_SHELL) || pipe_shell || interpreted || self.connects_a_shell()
    }

    /// `nc` and its kin with a shell to run, whichever options stand between, or with anything to run.
    fn connects_a_shell(&self) -> bool {
        const NETCATS: [&str; 4] = ["nc", "ncat", "netcat", "nc.traditional"];
        let words: Vec<&str> = self.words().collect();
        let from = words.iter().position(|word| NETCATS.contains(&program(word)));
        let rest = from.and_then(|from| words.get(from + 1..)).unwrap_or_default();
        let runs = |option: &str| {
            let is_short = option.starts_with('-') && !option.starts_with("--");
            option == "--exec" || is_short && option.ends_with(['e', 'c'])
        };
        // Right behind the name it runs whatever is there: no option of another program is meant.
        let at_once = from.is_some() && rest.first().is_some_and(|it| matches!(*it, "-e" | "-c"));
        let mut pairs = rest.windows(2).filter_map(|pair| Some((pair.first()?, pair.last()?)));
        at_once || pairs.any(|(option, word)| runs(option) && SHELLS.contains(&program(word)))
    }

    fn enters_node(&self) -> bool {
        let mut words =
            self.words().skip_while(|word| !matches!(program(word), "nsenter" | "chroot"));
        match words.next().map(program) {
            Some("nsenter") => enters_namespaces(words),
            Some("chroot") => {
                // The options of one that have a word of their own behind them.
                let is_value = |before: &str| matches!(before, "--userspec" | "--groups");
                let words: Vec<&str> = words.take(16).collect();
                let mut before = "";
                let root = words.iter().find(|word| {
                    let is_root = !word.starts_with('-') && !is_value(before);
                    before = word;
                    is_root
                });
                root.is_some_and(|root| is_root_of_node(root))
            }
            _ => false,
        }
    }

    /// `tar` that creates, to no file or to `-`. Its `-C` is another option than `-c`.
    fn archives_to_stdout(&self) -> bool {
        let words: Vec<&str> = split(&self.line).collect();
        words.iter().enumerate().filter(|(_, word)| program(word) == "tar").any(|(at, _)| {
            let rest = words.get(at + 1..).unwrap_or_default();
            let mut options = rest.iter().enumerate().filter(|(index, word)| {
                *index == 0 && !word.contains('/') || word.starts_with('-')
            });
            let has = |word: &str, letter| !word.starts_with("--") && word.contains(letter);
            let creates = options.clone().any(|(_, word)| has(word, 'c') || *word == "--create");
            let names_file =
                options.clone().any(|(_, word)| has(word, 'f') || word.starts_with("--file"));
            let is_dash = |word: &str| word == "-" || word == "--file=-";
            creates && (!names_file || options.any(|(_, word)| is_dash(word)))
        })
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        split(&self.lower)
    }

    /// The addresses that numbers in it stand for.
    fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        let is_part = |letter: char| letter.is_ascii_hexdigit() || matches!(letter, '.' | 'x');
        let numbers = self.lower.split(move |letter| !is_part(letter));
        numbers.filter_map(|text| address(text.trim_matches('.')))
    }
}

fn split(line: &str) -> impl Iterator<Item = &str> {
    let is_between = |letter: char| {
        letter.is_whitespace() || matches!(letter, ';' | '|' | '&' | '(' | ')' | '`' | '"' | '\'')
    };
    line.split(is_between).filter(|word| !word.is_empty())
}

/// A program without its folder.
fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Whether a word is a host, or an address, with or without a path: no option, and no path of a file.
fn is_host(word: &str) -> bool {
    let host = word.split('/').next().unwrap_or_default();
    !host.starts_with(['-', '.']) && host.contains(['.', ':'])
}

/// Whether `nsenter` goes on among the node's processes or files: its network alone is looked into by many.
fn enters_namespaces<'w>(words: impl Iterator<Item = &'w str>) -> bool {
    let mut before = "";
    words.take(32).any(|word| {
        let is_short = |text: &str| text.starts_with('-') && !text.starts_with("--");
        let targets_by_word =
            word == "1" && (before == "--target" || is_short(before) && before.ends_with('t'));
        before = word;
        targets_by_word
            || word == "--target=1"
            || is_short(word) && word.ends_with("t1")
            || ["mnt", "pid"].iter().any(|kind| word.ends_with(&format!("/proc/1/ns/{kind}")))
    })
}

/// Whether a folder is where the node's root is mounted, as people call it.
fn is_root_of_node(folder: &str) -> bool {
    const NAMES: [&str; 6] = ["host", "hostfs", "host-root", "rootfs", "node", "noderoot"];
    let mut parts = folder.trim_matches(['"', '\'', '/']).split('/').take(3);
    let is_mounted = |part: &str| NAMES.contains(&part);
    match (parts.next(), parts.next(), parts.next()) {
        (Some("mnt" | "media"), Some(name), _) => is_mounted(name),
        (Some("proc"), Some("1"), Some("root")) => true,
        (Some(name), ..) => is_mounted(name),
        _ => false,
    }
}

/// The address that a text is to `inet_aton`: one to four numbers, decimal, octal or hexadecimal, the last of which
/// fills what is left.
fn address(text: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| match (part.strip_prefix("0x"), part.strip_prefix('0')) {
        (Some(digits), _) => u32::from_str_radix(digits, 16).ok(),
        (None, Some(digits)) if !digits.is_empty() => u32::from_str_radix(digits, 8).ok(),
        _ => part.parse().ok(),
    };
    let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, bytes) = parts.split_last()?;
    let shift = 8 * u32::try_from(bytes.len()).ok().filter(|count| *count < 4)?;
    let is_small = u64::from(*last) < 1 << (32 - shift);
    let high = bytes
        .iter()
        .try_fold(0, |high, byte| (*byte < 256).then_some(high << 8 | u64::from(*byte)))?;
    let all = high << (32 - shift) | u64::from(*last);
    is_small.then(|| u32::try_from(all).ok().map(Ipv4Addr::from)).flatten()
}

/// Whether a word with wildcards means a file of credentials: one whose name it tells by more than wildcards.
fn is_pattern_of_credentials(word: &str) -> bool {
    if !word.contains(['?', '*']) {
        return false;
    }
    let told = program(word).chars().filter(|letter| letter.is_alphanumeric()).count();
    told >= 2
        && CREDENTIAL_FILES.iter().any(|file| {
            let (names, parts) = (file.split('/'), word.split('/'));
            file.split('/').count() == word.split('/').count()
                && names.zip(parts).all(|(name, part)| matches(part.as_bytes(), name.as_bytes()))
        })
}

/// Whether a name is one that a pattern with `?` and `*` means. Which ends of the name a pattern's beginning can
/// leave over is kept as a set, so that many stars cost no more than few.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let mut starts: Vec<bool> = (0..=name.len()).map(|at| at == 0).collect();
    for own in pattern {
        starts = if *own == b'*' {
            starts
                .iter()
                .scan(false, |seen, start| {
                    *seen |= start;
                    Some(*seen)
                })
                .collect()
        } else {
            let fits = |other: &u8| *own == b'?' || own == other;
            let moved = starts.iter().zip(name).map(|(start, other)| *start && fits(other));
            std::iter::once(false).chain(moved).collect()
        };
    }
    starts.last().copied().unwrap_or(false)
}

/// A command line as people may see it: credentials hidden, cut to `limit` characters.
pub(crate) fn shown(line: &str, limit: usize) -> String {
    let cut = cut(line, limit);
    let mut text = redact::redact(cut);
    if cut.len() < line.len() {
        text.push('…');
    }
    text
}

/// The first characters of a text.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    // Most texts have fewer bytes, each of which is at most a character.
    let end = if text.len() <= limit { None } else { text.char_indices().nth(limit) };
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests;
