//! Whether a command line runs what it fetches from the network, and whether it sends out what is secret.

use super::{Reading, SHELLS, is_host, program, split};

/// What fetches.
const FETCHERS: [&str; 3] = ["curl", "wget", "aria2c"];

/// Which programs fetch by what is in their own language, and what runs it.
const INTERPRETED: [(&[&str], &[&str]); 5] = [
    (&["urlopen", "requests.get", "urlretrieve"], &["exec(", "eval(", "os.system", "subprocess"]),
    (&["fetch(", "http.get(", "https.get("], &["eval", "child_process", "new function"]),
    (&["lwp::"], &["eval", "system("]),
    (&["open-uri", "net::http"], &["eval", "system("]),
    (&["file_get_contents("], &["eval(", "system(", "shell_exec("]),
];

impl Reading {
    /// A program that fetches, with an address; those take it without a scheme as well.
    pub(super) fn downloads(&self) -> bool {
        let has_url = self.has_any(&["http://", "https://", "ftp://"]);
        let mut words = self.words();
        words.any(|word| FETCHERS.contains(&program(word))) && (has_url || words.any(is_host))
    }

    /// Runs what it fetches, or what it decodes.
    pub(super) fn runs_what_it_fetches(&self) -> bool {
        let decodes = self.has_any(&["base64 -d", "base64 --decode"]);
        let by_shell = || {
            self.puts_into_shell()
                || self.runs_what_it_puts_in()
                || self.runs_what_it_saves()
                || self.makes_executable()
        };
        decodes && self.puts_into_shell() || self.downloads() && by_shell() || self.interprets()
    }

    fn puts_into_shell(&self) -> bool {
        // What only hands its input on to another program.
        const BETWEEN: [&str; 4] = ["sudo", "xargs", "env", "exec"];
        self.lower.split('|').skip(1).any(|stage| {
            let mut words = stage
                .split_whitespace()
                .skip_while(|word| BETWEEN.contains(word) || word.starts_with('-'));
            let word = words.next().unwrap_or_default();
            SHELLS.contains(&program(word).trim_end_matches(['"', '\'', ';', ')']))
        })
    }

    fn makes_executable(&self) -> bool {
        let mut words = self.words().skip_while(|word| program(word) != "chmod").skip(1);
        let mode = words.next().unwrap_or_default();
        mode.contains("+x") || mode.contains("+rx") || mode.starts_with('7')
    }

    /// `sh -c "$(curl …)"`, `eval`, `source <(curl …)`; also by way of a variable.
    fn runs_what_it_puts_in(&self) -> bool {
        ["$(", "`", "<("].iter().any(|begin| {
            self.lower.match_indices(begin).any(|(at, _)| {
                let (before, rest) = self.lower.split_at_checked(at).unwrap_or_default();
                let inner = rest.get(begin.len()..).unwrap_or_default();
                let fetches =
                    split(inner).next().is_some_and(|word| FETCHERS.contains(&program(word)));
                fetches && (is_run_behind(before) || runs_variable(before, inner))
            })
        })
    }

    /// A file that it saves to and then has a shell run.
    fn runs_what_it_saves(&self) -> bool {
        let words: Vec<&str> = self.words().collect();
        words.windows(2).enumerate().any(|(index, pair)| {
            let [option, saved] = pair else { return false };
            let is_short = option.starts_with('-') && !option.starts_with("--");
            let saves = is_short && option.ends_with('o')
                || matches!(*option, "--output" | "--output-document" | "tee" | ">");
            let later = words.get(index + 2..).unwrap_or_default();
            saves
                && later.windows(2).any(|pair| {
                    matches!(pair, [by, file] if file == saved
                        && (SHELLS.contains(&program(by)) || matches!(*by, "source" | ".")))
                })
        })
    }

    fn interprets(&self) -> bool {
        self.has_any(&["http://", "https://"])
            && INTERPRETED.iter().any(|(fetch, run)| self.has_any(fetch) && self.has_any(run))
    }

    /// Has a program that sends what it is given.
    pub(super) fn sends(&self) -> bool {
        let words: Vec<&str> = split(&self.line).collect();
        let has = |names: &[&str]| words.iter().any(|word| names.contains(&program(word)));
        let option = |starts: &[&str]| {
            words.iter().any(|word| starts.iter().any(|start| word.starts_with(start)))
        };
        has(&["curl"]) && option(&["-d", "-F", "-T", "--data", "--form", "--upload-file"])
            || has(&["wget"]) && option(&["--post-file", "--post-data", "--body-"])
            || has(&["nc", "ncat", "netcat"]) && self.line.contains('|')
    }

    /// Hands all variables on.
    pub(super) fn tells_environment(&self) -> bool {
        let stages = self.lower.split('|').rev().skip(1);
        let mut last = stages.filter_map(|stage| split(stage).last());
        last.any(|word| matches!(program(word), "env" | "printenv"))
    }

    /// Whether it fetches once, without another server between, and only headers, or from nowhere but the machine itself and
    /// the cluster's services: each word with a host in it names one of these, with no more than a port and a path.
    pub(super) fn only_looks(&self) -> bool {
        let bare = |word: &str| {
            let word = word.trim_matches(['"', '\'', ';', ')']);
            let with_scheme =
                if word.contains("://") { word.to_owned() } else { format!("http://{word}") };
            is_within(&with_scheme)
        };
        // A name without a dot is no host that could be told from another word: who names one thing only names the machine.
        let fetches = self.words().filter(|word| FETCHERS.contains(&program(word))).count();
        let mut named = self.words().filter(|word| word.contains("://") || is_host(word));
        let has_proxy = self.words().any(|word| {
            matches!(word, "-x" | "--proxy" | "--preproxy" | "--resolve" | "--connect-to")
                || word.starts_with("--proxy=")
        });
        let asks_for_headers = || split(&self.line).any(|word| matches!(word, "-I" | "--head"));
        fetches == 1 && !has_proxy && (named.all(bare) || asks_for_headers())
    }
}

/// Whether what comes behind a text is run: as a command of its own, or as what a shell is given.
fn is_run_behind(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '"', '\'']);
    let last = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    before.is_empty()
        || before.ends_with([';', '&', '|', '{'])
        || matches!(last, "eval" | "exec" | "-c" | "-ec" | "-lc" | "source" | "." | "then" | "do")
        || SHELLS.contains(&program(last))
}

/// Whether what a variable is given is run later.
fn runs_variable(before: &str, behind: &str) -> bool {
    let is_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let Some(assigned) = before.trim_end_matches('"').strip_suffix('=') else { return false };
    let name = assigned.rsplit(|letter| !is_of_name(letter)).next().unwrap_or_default();
    !name.is_empty()
        && [format!("${name}"), format!("${{{name}}}")].iter().any(|used| {
            behind
                .match_indices(used.as_str())
                .any(|(at, _)| behind.get(..at).is_some_and(is_run_behind))
        })
}

/// Whether an address is the machine's own, or that of one of the cluster's services by its name. A number is no name.
fn is_within(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        let (host, port) = host.rsplit_once(':').unwrap_or((host, ""));
        let is_own = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        let is_name = host.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
        let is_service =
            !host.contains('.') || host.ends_with(".svc") || host.ends_with(".cluster.local");
        (is_own || is_name && is_service) && port.bytes().all(|byte| byte.is_ascii_digit())
    })
}
