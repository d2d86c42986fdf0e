//! Runs only the audit-ingest service, over NATS JetStream with the others.

fn main() -> std::process::ExitCode {
    airside_node::main_one::<airside_audit_ingest::AuditIngest>(env!("CARGO_PKG_VERSION"))
}
