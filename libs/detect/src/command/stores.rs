//! Stores of secrets that a command line opens: etcd, in which the cluster keeps everything, and vaults.

use super::{Reading, program};

impl Reading {
    /// Asks etcd for the cluster's objects, writes them, or reads its files. An application's own etcd has other keys.
    pub(super) fn opens_etcd(&self) -> bool {
        const FILES: &str = "/var/lib/etcd/member/";
        const DEEDS: [&str; 4] = ["del", "get", "put", "watch"];
        let words = self.behind(&["etcdctl"]);
        let does = words.iter().position(|word| DEEDS.contains(word));
        let rest = does.and_then(|at| words.get(at + 1..)).unwrap_or_default();
        // All that there is, and not only the names of a few.
        let keys = rest.iter().filter(|word| !word.starts_with('-')).count();
        let is_range = does.and_then(|at| words.get(at)) == Some(&"get") && keys > 1;
        let is_all = is_range
            || rest.iter().any(|word| matches!(*word, "/" | "--from-key" | "--from-key=true"));
        let of_cluster = rest.iter().any(|word| {
            let is_of_one = ["/registry/pods/", "/registry/leases/"];
            word.starts_with("/registry") && !is_of_one.iter().any(|kind| word.starts_with(kind))
        });
        let only_names =
            rest.contains(&"--keys-only") && rest.iter().any(|it| it.starts_with("--limit"));
        (is_all || of_cluster) && !only_names
            || self.lower.contains(FILES) && !words.contains(&"snapshot")
    }

    /// Asks a vault for a secret, or for the keys to all of them. Unsealing is what follows each of its restarts.
    pub(super) fn asks_vault(&self) -> bool {
        const READ: [&str; 3] = ["kv get", "operator raft snapshot save", "token create"];
        const OWN: [&str; 3] = ["operator init", "operator generate-root", "operator rekey"];
        let words = self.behind(&["vault", "bao"]);
        let words: Vec<&str> = words.into_iter().filter(|word| !word.starts_with('-')).collect();
        let line = words.join(" ");
        let reads_one = words.first() == Some(&"read") && words.get(1).is_some();
        let is_health = words.get(1).is_some_and(|path| path.starts_with("sys/"));
        READ.iter().chain(&OWN).any(|deed| line.starts_with(deed)) || reads_one && !is_health
    }

    /// The words behind the first of some programs.
    fn behind(&self, programs: &[&str]) -> Vec<&str> {
        let words = self.words().skip_while(|word| !programs.contains(&program(word)));
        words.skip(1).collect()
    }
}
