//! Runs only the scanner service, over NATS JetStream with the others.

fn main() -> std::process::ExitCode {
    airside_node::main_one::<airside_scanner::Scanner>(env!("CARGO_PKG_VERSION"))
}
