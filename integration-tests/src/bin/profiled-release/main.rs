//! `cargo profiled-release`: the release program as the compiler lays it out when it has seen it work.
//!
//! Builds the load tests with counters, lets them run over the project's own recordings, and builds the program by what
//! was counted: which branches are taken, and which functions call each other. Takes two release builds. Uses the standard
//! library only, as `cargo verify` does.
//! What it does: <https://doc.rust-lang.org/rustc/profile-guided-optimization.html>.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program")]

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What is counted: what a deployment does all day, each for some seconds.
const AREAS: [&str; 6] = ["audit", "webhook", "runtime", "correlate", "scan", "admission"];

const HELP: &str = "\
cargo profiled-release: builds `airside` by what it does in the load tests: about 15 % fewer instructions for
an audit event than `cargo build --release`. Takes two release builds, and 4 GB of disk.

The program is target/profiled/HOST/release/airside, and beside it airside-loadtest, built alike.
Needs llvm-profdata: rustup component add llvm-tools
";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        None => {}
        Some(asked) if asked == "--help" || asked == "-h" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some(unknown) => {
            eprintln!("profiled-release: {} is no option\n\n{HELP}", unknown.display());
            return ExitCode::from(2);
        }
    }
    match Bench::found().and_then(|bench| bench.build()) {
        Ok(program) => {
            println!("profiled-release: {}", program.display());
            ExitCode::SUCCESS
        }
        Err(complaint) => {
            eprintln!("profiled-release: {complaint}");
            ExitCode::FAILURE
        }
    }
}

/// What a build works with.
struct Bench {
    cargo: OsString,
    /// What the caller wants of the compiler besides.
    flags: OsString,
    workspace: PathBuf,
    /// The machine's target: named, so that build scripts are built as ever.
    host: String,
    profdata: PathBuf,
}

impl Bench {
    /// This is the one place of the program that reads the environment.
    #[expect(
        clippy::disallowed_methods,
        reason = "the main file of a program reads its environment"
    )]
    fn found() -> Result<Self, String> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let rustc = set("RUSTC").unwrap_or_else(|| "rustc".into());
        let about = answer(Command::new(&rustc).arg("-vV"))?;
        let host = about.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.ok_or("`rustc -vV` names no host")?.to_owned();
        let sysroot = answer(Command::new(&rustc).args(["--print", "sysroot"]))?;
        let tools = Path::new(sysroot.trim()).join("lib/rustlib").join(&host).join("bin");
        let profdata = tools.join(format!("llvm-profdata{}", std::env::consts::EXE_SUFFIX));
        if !profdata.is_file() {
            let missing = profdata.display();
            return Err(format!("there is no {missing}: run `rustup component add llvm-tools`"));
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let workspace = workspace.canonicalize().map_err(|error| {
            format!("the workspace {} is not there: {error}", workspace.display())
        })?;
        let plain = || {
            let flags = set("RUSTFLAGS")?.into_string().ok()?;
            Some(flags.split_whitespace().collect::<Vec<_>>().join("\u{1f}").into())
        };
        Ok(Self {
            cargo: set("CARGO").unwrap_or_else(|| "cargo".into()),
            flags: set("CARGO_ENCODED_RUSTFLAGS").or_else(plain).unwrap_or_default(),
            workspace,
            host,
            profdata,
        })
    }

    /// Builds, counts, and builds again; where the program is.
    fn build(&self) -> Result<PathBuf, String> {
        let folder = self.workspace.join("target/profiled");
        let (counts, merged) = (folder.join("counts"), folder.join("merged.profdata"));
        // What another version of the program counted tells nothing.
        match std::fs::remove_dir_all(&counts) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(format!("{} stays: {error}", counts.display()));
            }
            _ => {}
        }
        let counting = flag("-Cprofile-generate=", &counts);
        self.cargo(&folder.join("counting"), &counting, &["airside-loadtest"])?;
        let built = |folder: PathBuf, name: &str| {
            let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
            folder.join(&self.host).join("release").join(name)
        };
        let load_test = built(folder.join("counting"), "airside-loadtest");
        for area in AREAS {
            println!("\n==> counting: {area}");
            let mut counting = Command::new(&load_test);
            run(counting.args([area, "--quick"]).env_remove("LLVM_PROFILE_FILE"))?;
        }
        println!("\n==> merging what was counted");
        run(Command::new(&self.profdata).args(["merge", "--output"]).arg(&merged).arg(&counts))?;
        let using = flag("-Cprofile-use=", &merged);
        self.cargo(&folder, &using, &["airside", "airside-loadtest"])?;
        Ok(built(folder, "airside"))
    }

    fn cargo(&self, folder: &Path, flag: &OsStr, packages: &[&str]) -> Result<(), String> {
        println!("\n==> {} with {}", packages.join(", "), flag.display());
        // By this variable a flag may have spaces; it wins over all others.
        let mut flags = self.flags.clone();
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push(flag);
        let mut command = Command::new(&self.cargo);
        command.current_dir(&self.workspace).args(["build", "--release", "--target", &self.host]);
        command.arg("--target-dir").arg(folder).env("CARGO_ENCODED_RUSTFLAGS", flags);
        command.args(packages.iter().flat_map(|name| ["--package", name]));
        run(&mut command)
    }
}

fn flag(name: &str, file: &Path) -> OsString {
    let mut flag = OsString::from(name);
    flag.push(file);
    flag
}

/// Runs a program to its end.
fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| not_run(command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed: {status}", name_of(command))) }
}

/// What a program says.
fn answer(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| not_run(command, &error))?;
    if !output.status.success() {
        return Err(format!("{} failed: {}", name_of(command), output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{} says no text", name_of(command)))
}

fn not_run(command: &Command, error: &std::io::Error) -> String {
    format!("{} cannot be run: {error}", name_of(command))
}

fn name_of(command: &Command) -> String {
    command.get_program().display().to_string()
}
