//! Runs only the runtime-collector service, over NATS JetStream with the others.

fn main() -> std::process::ExitCode {
    airside_node::main_one::<airside_runtime_collector::RuntimeCollector>(env!("CARGO_PKG_VERSION"))
}
