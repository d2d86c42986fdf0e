//! The gateway service: the one address for people and machines.
//!
//! Owns who may call which method, the intake of partners' records, and passing questions on to the
//! service that owns the answer. It keeps no truth and knows nothing of incidents or findings.

mod ingest;
mod pass_on;

use airside_auth::Scope;
use airside_service::{Deps, Mounts, Service, ServiceContext};
use airside_wire::v1::catalogue_service_server::SERVICE_NAME as CATALOGUE;
use airside_wire::v1::findings_service_server::SERVICE_NAME as FINDINGS;
use airside_wire::v1::incidents_service_server::SERVICE_NAME as INCIDENTS;
use airside_wire::v1::ingest_service_server::IngestServiceServer;
use airside_wire::v1::raw_records_service_server::SERVICE_NAME as RAW_RECORDS;
use airside_wire::v1::rules_service_server::SERVICE_NAME as RULES;
use airside_wire::v1::scan_service_server::SERVICE_NAME as SCAN;
use airside_wire::v1::suppressions_service_server::SERVICE_NAME as SUPPRESSIONS;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// The services that others own, and the scope that their callers need.
const OWNED_ELSEWHERE: [(&str, Scope); 7] = [
    (INCIDENTS, Scope::Read),
    (FINDINGS, Scope::Read),
    (CATALOGUE, Scope::Read),
    (SCAN, Scope::Scan),
    (SUPPRESSIONS, Scope::Read),
    (RAW_RECORDS, Scope::Read),
    // The owner asks for `configure` where rules are set.
    (RULES, Scope::Read),
];

/// The settings of the section `gateway`: none yet.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {}

/// The gateway service.
#[derive(Debug)]
pub struct Gateway;

#[async_trait]
impl Service for Gateway {
    const NAME: &'static str = "gateway";
    const ABOUT: &'static str = "answers people and machines";
    type Options = Options;

    async fn build(_options: Options, deps: Deps, mounts: &mut Mounts) -> anyhow::Result<Self> {
        mounts.grpc(&deps, IngestServiceServer::new(ingest::Ingest::new(&deps)));
        for (service, scope) in OWNED_ELSEWHERE {
            // A service of this node is on the API listener already.
            if !deps.peers.is_local(service) {
                mounts.api(pass_on::routes(service, scope, &deps));
            }
        }
        Ok(Self)
    }

    async fn run(self, context: ServiceContext) -> anyhow::Result<()> {
        context.ready.ready();
        context.shutdown.cancelled().await;
        Ok(())
    }
}
