//! Runs only the admission service, over NATS JetStream with the others.

fn main() -> std::process::ExitCode {
    airside_node::main_one::<airside_admission::Admission>(env!("CARGO_PKG_VERSION"))
}
