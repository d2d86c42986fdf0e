//! Runs only the correlation service, over NATS JetStream with the others.

fn main() -> std::process::ExitCode {
    airside_node::main_one::<airside_correlation::Correlation>(env!("CARGO_PKG_VERSION"))
}
