//! The arguments of `airside scan`.

use std::path::PathBuf;

use airside_config::ByteSize;
use airside_types::Severity;
use clap::{Args, Subcommand, ValueEnum};

use super::{DataFileArguments, OutputFormat, ServerArguments};
use crate::command::parse_report;

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
    /// What is known of vulnerabilities.
    #[command(flatten)]
    pub data: DataFileArguments,
}

/// Arguments of `scan`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ScanArguments {
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<ScanCommand>,
    /// Files and folders; `-` is standard input. Charts, and a kustomization that is named here, are rendered
    /// where helm, kustomize or kubectl is installed
    #[arg(required_unless_present_any = ["live", "compliance"], value_name = "PATH")]
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
    /// What `airside access --export` wrote: which bindings of RBAC the cluster needed. Those that no request needed for
    /// 30 days are findings. It names its cluster: with --live or --publish that has to be the one of --cluster
    #[arg(long, value_name = "FILE", conflicts_with = "remote")]
    pub used_grants: Option<PathBuf>,
    /// How to print the findings
    #[arg(long, short, value_enum, default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,
    /// Write the findings to a file as well, in any form; may be given again
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = parse_report)]
    pub reports: Vec<(ReportFormat, PathBuf)>,
    /// Show findings from this severity on; the others are counted. Only for people: programs get all
    /// [default: the profile's, low]
    #[arg(long, value_name = "SEVERITY")]
    pub min_severity: Option<Severity>,
    /// Exit with 1 when a finding is at least this severe [default: the profile's, high]
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<Severity>,
    /// Which checks count: default, security, baseline, restricted or strict; `airside profiles` explains
    /// them. Whatever is left out is counted in the report
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Tell only findings of this owner, who is named by the annotation or label airside.dev/owner, owner or
    /// team of the object or its namespace, or by the repository's CODEOWNERS
    #[arg(long, value_name = "TEAM")]
    pub owner: Option<String>,
    /// Settings of the project: profile, severities, checks [default: .airside.toml of the first path's
    /// folder or of one above it, up to the repository's]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The largest file that is read, such as 256MiB; a larger one may hold more documents and values, in
    /// proportion [default: 64MiB]
    #[arg(long, value_name = "SIZE")]
    pub max_file_size: Option<ByteSize>,
    /// Files and folders that are not read, as patterns: `node_modules` and `*.test.yaml` at any depth,
    /// `deploy/old` where it is. Beside `exclude` of .airside.toml. Several are all in force
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,
    /// Exit with 0 even when findings reach the failing severity
    #[arg(long)]
    pub exit_zero: bool,
    /// Only findings that this earlier report (--report json=FILE) has not are new, and fail
    #[arg(long, value_name = "FILE", conflicts_with = "since")]
    pub baseline: Option<PathBuf>,
    /// Only findings that the same paths had not at this git revision are new, and fail. Charts and
    /// kustomizations are rendered as they were
    #[arg(long, value_name = "REVISION")]
    pub since: Option<String>,
    /// File of exceptions, a line each: `CHECK [KEY=VALUE]…: REASON` [default: .airside-exceptions of the
    /// first PATH's folder, or of the nearest above it]. A path in it starts in the file's folder
    #[arg(long, value_name = "FILE")]
    pub exceptions: Option<PathBuf>,
    /// Instead of findings: the report on a benchmark or standard, such as cis-v1.12.0, nsa-cisa,
    /// pod-security-restricted or pci-dss-4.0; `list` names all. Text, JSON or HTML. It is about all checks and
    /// owners, and fails where a control does
    #[arg(
        long,
        value_name = "FRAMEWORK",
        conflicts_with_all = [
            "fix", "since", "baseline", "fail_on", "min_severity", "owner", "profile", "publish", "reach",
        ]
    )]
    pub compliance: Option<String>,
    /// Change the manifests so that they pass, as far as there is one right change that takes away nothing
    /// that a manifest asks for and next to no program notices: the runtime's filter of system calls, no
    /// privileges gained by a program, what has no effect as it is. Comments and layout stay. Tells text or JSON
    #[arg(long)]
    pub fix: bool,
    /// With --fix: print the changes and write nothing
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    /// With --fix: make changes too that a program may not bear, such as to take privileges, capabilities,
    /// the node's namespaces or a writable root filesystem from it
    #[arg(long, requires = "fix")]
    pub may_break: bool,
    /// Instead of checking: can FROM connect to TO, by all network policies (Kubernetes', Cilium's,
    /// Calico's, the administrator's)? An end is `[NAMESPACE/][KIND/]NAME`; FROM may be internet or
    /// node, TO an address or a Service, and TO may end in `:PORT[/PROTOCOL]` with the port's number or
    /// name. From the internet a way in must lead to the port. Exits with 0 for no, 1 for yes, 2 for not
    /// known
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"])]
    pub reach: Vec<String>,
    /// What is known of vulnerabilities.
    #[command(flatten)]
    pub data: DataFileArguments,
    /// Let a running platform judge the manifests, by its terms: which checks count, its exceptions, policies and
    /// vulnerability data. They are sent there, and not kept; what is told, and how, is as without
    #[arg(
        long,
        conflicts_with_all = [
            "live", "fix", "since", "compliance", "reach", "policies", "vulnerabilities", "exceptions",
            "profile", "config",
        ]
    )]
    pub remote: bool,
    /// Send findings and boarding passes to a running platform; manifests stay here, without --remote
    #[arg(long)]
    pub publish: bool,
    /// With --publish: what the platform knows at or below the PATHs (`.` is everything) and this scan did
    /// not find is gone, so that deleted files are noticed. Without it only files that were read count
    #[arg(long, requires = "publish")]
    pub complete: bool,
    /// Sign the boarding passes with this private key: PEM, as `openssl genpkey -algorithm ed25519` makes it
    #[arg(long, value_name = "FILE", env = "AIRSIDE_SIGN_KEY_FILE")]
    pub sign_key: Option<PathBuf>,
    /// With --sign-key: write the signed boarding passes to a file, a Sigstore bundle a line. `airside verify`
    /// and `cosign verify-blob-attestation` verify them with the public key
    #[arg(long, value_name = "FILE", conflicts_with_all = ["live", "reach", "compliance", "fix"])]
    pub bundles: Option<PathBuf>,
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
