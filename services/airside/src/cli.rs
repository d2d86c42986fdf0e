//! The command line: what people can type, and its help.

use std::path::PathBuf;

use crate::command::parse_report;
use airside_types::Severity;
use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Check your own policies (ValidatingAdmissionPolicy), and run the cases beside them
    Policy(PolicyArguments),
    /// List the checks
    Checks(ChecksArguments),
    /// Tell why a check matters, how it is attacked, and the fix as YAML, Helm values and kustomization;
    /// takes other tools' names as well
    Explain {
        /// The check, such as privileged-container or trivy:KSV-0017
        check: String,
    },
    /// List the detection rules
    Rules(CatalogueArguments),
    /// Run the detection rules over a file of events
    Detect(DetectArguments),
    /// Tell the incidents of a recorded scenario
    Replay(ReplayArguments),
    /// List and show the findings that a running platform keeps
    Findings(FindingsArguments),
    /// List, show and watch the incidents of a running platform
    Incidents(IncidentsArguments),
    /// Print the settings in force
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

/// How to reach a running platform.
#[derive(Debug, Clone, Args)]
pub struct ServerArguments {
    /// The platform's API
    #[arg(
        long,
        value_name = "URL",
        env = "AIRSIDE_SERVER",
        default_value = "http://127.0.0.1:7600"
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

/// What else `scan` does.
#[derive(Debug, Subcommand)]
pub enum ScanCommand {
    /// List what a vulnerability affects, by versions of components and by reports about images
    Affected(AffectedArguments),
}

/// Arguments of `scan affected`.
#[derive(Debug, Args)]
pub struct AffectedArguments {
    /// The vulnerability, such as CVE-2025-1974
    #[arg(long, value_name = "ID")]
    pub cve: String,
    /// Files and folders; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Report, SBOM or VEX about images; may be given again
    #[arg(long, value_name = "FILE")]
    pub vulnerabilities: Vec<PathBuf>,
    /// How to print the list
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
}

/// Arguments of `scan`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ScanArguments {
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<ScanCommand>,
    /// Files and folders; `-` is standard input. Charts and kustomizations are rendered where helm,
    /// kustomize or kubectl is installed
    #[arg(required_unless_present = "live", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Read a live cluster. Without PATH: check its objects as manifests are checked. With PATH: say of
    /// each live object which commit of these manifests authorises it, in which fields it has drifted
    /// from them, or that it was never checked in. The values of Secrets are not read
    #[arg(long, conflicts_with_all = ["fix", "since"])]
    pub live: bool,
    /// With --live: the kubeconfig [default: what KUBECONFIG names, or ~/.kube/config, or the service
    /// account of the pod]
    #[arg(long, value_name = "FILE", requires = "live")]
    pub kubeconfig: Option<PathBuf>,
    /// With --live: the context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME", requires = "live")]
    pub context: Option<String>,
    /// File of values for charts; may be given again
    #[arg(long, short = 'f', value_name = "FILE")]
    pub values: Vec<PathBuf>,
    /// The namespace that charts are installed into; with --live: read this namespace only, may be given
    /// again
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Vec<String>,
    /// Report, SBOM or VEX about the images: CycloneDX, SPDX, Trivy, Grype, OpenVEX or CSAF in JSON; may
    /// be given again
    #[arg(long, value_name = "FILE")]
    pub vulnerabilities: Vec<PathBuf>,
    /// Your own policies: file or folder with ValidatingAdmissionPolicies, their bindings and parameters;
    /// may be given again. What they do not accept is a finding
    #[arg(long, value_name = "FILE|DIR")]
    pub policies: Vec<PathBuf>,
    /// How to print the findings
    #[arg(long, short, value_enum, default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,
    /// Write the findings to a file as well, in any form; may be given again
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = parse_report)]
    pub reports: Vec<(ReportFormat, PathBuf)>,
    /// Show findings from this severity on; the others are counted. Only for people: programs get all
    #[arg(long, value_name = "SEVERITY", default_value = "low")]
    pub min_severity: Severity,
    /// Exit with 1 when a finding is at least this severe
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    pub fail_on: Severity,
    /// Exit with 0 even when findings reach the failing severity
    #[arg(long)]
    pub exit_zero: bool,
    /// Only findings that this earlier report (--report json=FILE) has not are new, and fail
    #[arg(long, value_name = "FILE", conflicts_with = "since")]
    pub baseline: Option<PathBuf>,
    /// Only findings that the same paths had not at this git revision are new, and fail
    #[arg(long, value_name = "REVISION")]
    pub since: Option<String>,
    /// File of exceptions, a line each: `CHECK [KEY=VALUE]…: REASON` [default: .airside-exceptions, if
    /// it exists]
    #[arg(long, value_name = "FILE")]
    pub exceptions: Option<PathBuf>,
    /// Instead of findings: the report on a benchmark or standard, such as cis-v1.12.0, nsa-cisa,
    /// pod-security-restricted or pci-dss-4.0; `list` names all. Text, JSON or HTML
    #[arg(long, value_name = "FRAMEWORK")]
    pub compliance: Option<String>,
    /// Change the manifests so that they pass, as far as there is one right change that breaks nothing;
    /// comments and layout stay
    #[arg(long)]
    pub fix: bool,
    /// With --fix: print the changes and write nothing
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    /// With --fix: make changes too that a program may not bear, such as a read-only root filesystem
    #[arg(long, requires = "fix")]
    pub may_break: bool,
    /// Instead of checking: can FROM connect to TO, by all network policies (Kubernetes', Cilium's,
    /// Calico's, the administrator's)? An end is `[NAMESPACE/][KIND/]NAME`; FROM may be internet or
    /// node, TO an address, and TO may end in `:PORT[/PROTOCOL]`. Exits with 0 for no, 1 for yes, 2 for
    /// not known
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"])]
    pub reach: Vec<String>,
    /// Send findings and boarding passes to a running platform; manifests stay here
    #[arg(long)]
    pub publish: bool,
    /// With --publish: what the platform knows at or below the PATHs (`.` is everything) and this scan did
    /// not find is gone, so that deleted files are noticed. Without it only files that were read count
    #[arg(long, requires = "publish")]
    pub complete: bool,
    /// Sign the boarding passes with this private key: PEM, as `openssl genpkey -algorithm ed25519` makes it
    #[arg(long, value_name = "FILE", env = "AIRSIDE_SIGN_KEY_FILE")]
    pub sign_key: Option<PathBuf>,
    /// The cluster that the manifests are meant for
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub cluster: String,
    /// The platform.
    #[command(flatten)]
    pub server: ServerArguments,
}

/// The forms of a scan's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people, in a terminal
    Text,
    /// For scripts; has everything
    Json,
    /// For code hosts and editors (SARIF 2.1.0)
    Sarif,
    /// For CI servers: a test for each object
    Junit,
    /// For pull requests
    Markdown,
    /// For keeping and sending: one page
    Html,
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
    Check {
        /// Files and folders
        #[arg(value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
    },
}

/// How the cases of policies are printed.
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
pub struct CatalogueArguments {
    /// How to print the list
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
}

/// Arguments of `detect`.
#[derive(Debug, Args)]
pub struct DetectArguments {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What wrote the file: audit, falco or tetragon
    #[arg(long, value_name = "SOURCE", default_value = "audit")]
    pub source: String,
    /// How to print the detections
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
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
}

/// Arguments of `findings`.
#[derive(Debug, Args)]
pub struct FindingsArguments {
    /// What to do with them.
    #[command(subcommand)]
    pub command: FindingsCommand,
}

/// The commands about findings.
#[derive(Debug, Subcommand)]
pub enum FindingsCommand {
    /// List findings, the most severe first
    List(Box<FindingsListArguments>),
    /// Show one finding with its history
    Show {
        /// The id, or its beginning
        id: String,
        /// How to print it
        #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
        /// The platform.
        #[command(flatten)]
        server: ServerArguments,
    },
}

/// Arguments of `findings list`.
#[derive(Debug, Args)]
pub struct FindingsListArguments {
    /// Only those in this state
    #[arg(long, value_enum, default_value_t = ListedState::Open)]
    pub state: ListedState,
    /// Only those at least this severe
    #[arg(long, value_name = "SEVERITY", default_value = "low")]
    pub min_severity: Severity,
    /// Only those of this check; takes other tools' names as well
    #[arg(long, value_name = "CHECK")]
    pub check: Option<String>,
    /// Only those in this file or below this folder
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// Only those of this cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// How to print them
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
    /// The platform.
    #[command(flatten)]
    pub server: ServerArguments,
}

/// Which findings are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListedState {
    /// The check fails
    Open,
    /// The check fails again, after the finding was fixed or gone
    Reappeared,
    /// The object is there and passes now
    Fixed,
    /// The object is no longer there
    Gone,
    /// Whatever the state
    All,
}

/// Arguments of `incidents`.
#[derive(Debug, Args)]
pub struct IncidentsArguments {
    /// What to do with them.
    #[command(subcommand)]
    pub command: IncidentsCommand,
}

/// The commands about incidents.
#[derive(Debug, Subcommand)]
pub enum IncidentsCommand {
    /// List incidents, the latest first
    List {
        /// Only those at least this severe
        #[arg(long, value_name = "SEVERITY", default_value = "medium")]
        min_severity: Severity,
        /// How to print them
        #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
        /// The platform.
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Show one incident, by any id that it ever had
    Show {
        /// The id
        id: String,
        /// How to print it
        #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
        /// The platform.
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Print incidents as they arrive and change
    Watch {
        /// Only those at least this severe
        #[arg(long, value_name = "SEVERITY", default_value = "medium")]
        min_severity: Severity,
        /// Go on where an earlier watch ended
        #[arg(long, value_name = "TOKEN")]
        resume: Option<String>,
        /// How to print them
        #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
        /// The platform.
        #[command(flatten)]
        server: ServerArguments,
    },
}

/// Arguments of `config`.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArguments,
}
