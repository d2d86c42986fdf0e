//! The command line: what people can type, and its help.

mod access;
mod detect;
mod moment;
mod platform;
mod raw;
mod scan;
mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::access::AccessArguments;
pub use self::detect::{AuthorisedArguments, AuthorisedCommand, DetectArguments};
pub use self::moment::{Moment, span};
pub use self::platform::{
    FindingsArguments, FindingsCommand, FindingsListArguments, IncidentsArguments,
    IncidentsCommand, ListedState,
};
pub use self::raw::{
    ArchivePlace, RawArguments, RawCommand, RawQueryArguments, RawSourceArguments,
};
pub use self::scan::{AffectedArguments, ReportFormat, ScanArguments, ScanCommand};
pub use self::verify::VerifyArguments;

/// Secures Kubernetes deployments from runway to take-off: checks manifests, guards admission, watches the
/// audit log and the running workloads, and tells each attack as one incident.
#[derive(Debug, Parser)]
#[command(name = "airside", version, about, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole platform in this process, and print how to connect a cluster
    Up(UpArguments),
    /// Run one or several services, over NATS JetStream with the others
    Run(RunArguments),
    /// Watch a recorded attack become one incident
    Demo(DemoArguments),
    /// Check manifests: files, folders, or `-` for standard input
    Scan(Box<ScanArguments>),
    /// Verify boarding passes in files, and whether manifests still are what was signed. Exits with 1 where a
    /// pass does not verify or an object differs, with 2 where an input could not be read
    Verify(VerifyArguments),
    /// Check your own policies (ValidatingAdmissionPolicy), and run the cases beside them
    Policy(PolicyArguments),
    /// List the checks
    Checks(ChecksArguments),
    /// Show and update what is known of vulnerabilities
    Data(DataArguments),
    /// List the profiles: which checks of a scan count
    Profiles,
    /// Tell why a check matters, how it is attacked, and the fix as YAML, Helm values and kustomization;
    /// takes other tools' names as well
    Explain {
        /// The check or rule, such as privileged-container, trivy:KSV-0017 or CKV_K8S_16
        check: String,
        /// How to print it
        #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
    },
    /// List the detection rules; check your own (Sigma), and run the cases beside them
    Rules(RulesArguments),
    /// Check what is declared as authorised administration, and run the cases beside it
    Authorised(AuthorisedArguments),
    /// Run the detection rules over files of events: what was found, who did it, and how one actor or object fared
    Detect(Box<DetectArguments>),
    /// Tell the incidents of a recorded scenario
    Replay(ReplayArguments),
    /// List and show the findings that a running platform keeps
    Findings(FindingsArguments),
    /// List, show and watch the incidents of a running platform
    Incidents(IncidentsArguments),
    /// Find the raw audit events that a platform keeps, such as the one that a detection rests on
    Raw(RawArguments),
    /// List which rights (bindings of RBAC) were used in a cluster, and which were granted and never used
    Access(AccessArguments),
    /// Print the settings in force, and whether a platform could start with them
    Config(ConfigArguments),
    /// Print a completion script for your shell
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Where settings come from.
#[derive(Debug, Clone, Default, Args)]
pub struct SettingsArguments {
    /// Settings file (TOML)
    #[arg(long, value_name = "FILE", env = "AIRSIDE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Set one setting, such as `node.data_dir=/var/lib/airside`; may be given again
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Where a platform's API is that was started without further settings.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:7600";

/// How to reach a running platform.
#[derive(Debug, Clone, Args)]
pub struct ServerArguments {
    /// The platform's API
    #[arg(
        long,
        value_name = "URL",
        env = "AIRSIDE_SERVER",
        default_value = DEFAULT_SERVER
    )]
    pub server: String,
    /// File with the API key [default: airside-data/api-key]
    #[arg(long, value_name = "FILE", env = "AIRSIDE_API_KEY_FILE")]
    pub api_key_file: Option<PathBuf>,
    /// PEM certificate to trust, for an https server with an authority of its own
    #[arg(long, value_name = "FILE", env = "AIRSIDE_CA_FILE")]
    pub ca_file: Option<PathBuf>,
}

/// Arguments of `up`.
#[derive(Debug, Args)]
pub struct UpArguments {
    /// Where to keep everything [default: airside-data]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArguments,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// The services: scanner, admission, audit-ingest, runtime-collector, correlation, gateway
    #[arg(required = true, value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArguments,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Leave the platform running, and print its addresses
    #[arg(long)]
    pub keep: bool,
    /// Play a recording of your own: a folder as `replay` takes it
    #[arg(long, value_name = "DIR")]
    pub recording: Option<PathBuf>,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Arguments of `checks`.
#[derive(Debug, Args)]
pub struct ChecksArguments {
    /// How to print the list
    #[arg(long, short, value_enum, default_value_t = ChecksFormat::Text)]
    pub output: ChecksFormat,
}

/// How the catalogue of checks is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChecksFormat {
    /// A line for each
    Text,
    /// For programs, with attacks, fixes and references
    Json,
    /// A page with all that `explain` tells of each
    Markdown,
}

/// Arguments of `policy`.
#[derive(Debug, Args)]
pub struct PolicyArguments {
    /// What to do with them.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// The commands about people's own policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Run the cases beside policies: files named `*.test.yaml`, each with the policies of its folder
    Test {
        /// Files and folders
        #[arg(value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
        /// How to print what became of them
        #[arg(long, short, value_enum, default_value_t = TestFormat::Text)]
        output: TestFormat,
    },
    /// Read policies and bindings, and tell what is wrong with them
    ///
    /// An expression that no object makes right is refused, as the API server does. What `object` and `params` hold is
    /// not known here: write tests for that (`airside policy test`).
    Check {
        /// Files and folders
        #[arg(value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
    },
}

/// How the cases of policies and rules are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// For CI servers
    Junit,
}

/// Arguments of `rules`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RulesArguments {
    /// How to print the list
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
    /// What to do with people's own.
    #[command(subcommand)]
    pub command: Option<RulesCommand>,
}

/// The commands about people's own rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Read Sigma rules for Kubernetes audit events, and tell what is wrong with them
    ///
    /// A rule that no audit event can meet is refused, with what to write instead. Exits with 2 where a rule is refused;
    /// warnings keep no rule out of force.
    Check {
        /// Files and folders
        #[arg(value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
    },
    /// Run the cases beside rules: files named `*.test.yaml`, each with the rules of its folder
    Test {
        /// Files and folders
        #[arg(value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
        /// How to print what became of them
        #[arg(long, short, value_enum, default_value_t = TestFormat::Text)]
        output: TestFormat,
    },
    /// Set your rules on a running platform, for your tenant
    ///
    /// They replace those that were set before, and hold from the next event on. All of them come into force, or none
    /// where one is wrong: then the command exits with 2. An empty folder takes back what was set.
    Set {
        /// Files and folders
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// Only ask the platform what is wrong with them
        #[arg(long)]
        dry_run: bool,
        /// Where the platform is.
        #[command(flatten)]
        server: ServerArguments,
    },
    /// List your own rules that are in force on a running platform: those of its settings, and those that were set
    Get {
        /// How to print them
        #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
        /// Where the platform is.
        #[command(flatten)]
        server: ServerArguments,
    },
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The folder: manifests/, admission.jsonl, audit.jsonl, falco.jsonl, tetragon.jsonl, whichever exist
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// How to print the incidents
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
    /// Shuffle the records by this seed and repeat some of them; the incidents must not change
    #[arg(long, value_name = "SEED")]
    pub permute: Option<u64>,
    /// Your own rules (Sigma): a file or folder; may be given again
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
}

/// Arguments of `data`.
#[derive(Debug, Args)]
pub struct DataArguments {
    /// What to do with it.
    #[command(subcommand)]
    pub command: DataCommand,
}

/// Where what is known of vulnerabilities lies.
#[derive(Debug, Clone, Args)]
pub struct DataFileArguments {
    /// File with what is known of vulnerabilities; read in place of what is built in while it is newer
    /// [default: ~/.local/share/airside/components.json]
    #[arg(long, value_name = "FILE", env = "AIRSIDE_DATA_FILE")]
    pub data_file: Option<PathBuf>,
}

/// The commands about data.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Tell which data is in force, and how old it is
    Show {
        /// How to print it
        #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
        /// The file.
        #[command(flatten)]
        data: DataFileArguments,
    },
    /// Bring the data up to date from OSV records. osv.dev has them for the taking: fetch and unpack
    /// `https://osv-vulnerabilities.storage.googleapis.com/Go/all.zip`, then name the folder
    Update {
        /// OSV JSON: a file with a record or an array of records, or a folder of such files; may be given
        /// again
        #[arg(long, value_name = "FILE|DIR", required = true)]
        from: Vec<PathBuf>,
        /// Manifests of what is deployed: tell what the new data says of them and the old did not, by owner.
        /// Exits with 1 where there is something
        #[arg(long, value_name = "PATH")]
        against: Vec<PathBuf>,
        /// The file.
        #[command(flatten)]
        data: DataFileArguments,
    },
}

/// Arguments of `config`.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArguments,
}
