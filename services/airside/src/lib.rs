//! The binary `airside`: all services in one list, and the command line.
//!
//! Owns the list from which every node is assembled and what people see on a terminal. What services do
//! is theirs; how a node is put together is `airside-node`'s.

pub mod cli;
pub mod client;
pub mod command;
pub mod delivery;
pub mod https;
pub mod recording;
pub mod show;

use airside_service::ServiceEntry;

/// All services, in the order in which they start: those that answer questions before those that ask.
pub const SERVICES: [ServiceEntry; 6] = [
    ServiceEntry::of::<airside_correlation::Correlation>(),
    ServiceEntry::of::<airside_scanner::Scanner>(),
    ServiceEntry::of::<airside_admission::Admission>(),
    ServiceEntry::of::<airside_audit_ingest::AuditIngest>(),
    ServiceEntry::of::<airside_runtime_collector::RuntimeCollector>(),
    ServiceEntry::of::<airside_gateway::Gateway>(),
];

/// The services with these names, in starting order.
pub fn services_named(names: &[String]) -> anyhow::Result<Vec<ServiceEntry>> {
    for name in names {
        anyhow::ensure!(
            SERVICES.iter().any(|entry| entry.name == name),
            "there is no service `{name}`: choose from {}",
            SERVICES.map(|entry| entry.name).join(", ")
        );
    }
    Ok(SERVICES.into_iter().filter(|entry| names.iter().any(|name| name == entry.name)).collect())
}
