//! Runs only the gateway service, over NATS JetStream with the others.

fn main() -> std::process::ExitCode {
    airside_node::main_one::<airside_gateway::Gateway>(env!("CARGO_PKG_VERSION"))
}
