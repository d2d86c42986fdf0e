//! People's own rules over gRPC: set for a tenant while the platform runs, and listed.
//!
//! What is set goes onto the log, so that every process of the deployment learns it ([`learn`]) and it survives all
//! of them. What a rule means and what is wrong with one is `airside-sigma`'s.

use std::sync::Arc;

use airside_auth::Scope;
use airside_ports::{PartitionSet, Stream};
use airside_service::follow::follow;
use airside_service::publisher::{PublishError, Publisher};
use airside_service::{Caller, CancellationToken, Deps};
use airside_sigma::RuleSet;
use airside_types::RuleFiles;
use airside_wire::rules::{OwnRule, RuleProblem, files_of};
use airside_wire::v1;
use airside_wire::v1::rules_service_server::RulesService;
use airside_wire::{ApiError, ErrorCode, decode_rule_files};
use tokio::sync::{Semaphore, watch};
use tonic::{Request, Response, Status};

use crate::judging::Judging;

/// Rules of the caller's tenant.
#[derive(Debug)]
pub(crate) struct RulesApi {
    judging: Arc<Judging>,
    publisher: Publisher,
    /// Rules of one tenant are compiled at a time, which may take all that their budget allows.
    compiling: Arc<Semaphore>,
}

impl RulesApi {
    pub(crate) fn new(judging: Arc<Judging>, publisher: Publisher) -> Self {
        Self { judging, publisher, compiling: Arc::new(Semaphore::new(1)) }
    }
}

#[tonic::async_trait]
impl RulesService for RulesApi {
    async fn set_rules(
        &self,
        request: Request<v1::SetRulesRequest>,
    ) -> Result<Response<v1::SetRulesResponse>, Status> {
        let caller = Caller::of(&request, Scope::Configure)?;
        let tenant = caller.tenant().clone();
        let request = request.into_inner();
        let dry_run = request.dry_run;
        let files = files_of(request).map_err(ApiError::from)?;
        let set = RuleFiles { tenant, files };
        let judging = Arc::clone(&self.judging);
        // Many rules take a while to compile, and nothing else shall wait for it.
        let turn = Arc::clone(&self.compiling).acquire_owned().await;
        let turn = turn.map_err(|error| Status::internal(error.to_string()))?;
        let compiling = move || {
            // Whoever sets them may go away meanwhile.
            let _turn = turn;
            (judging.with(&set.tenant, &set.files), set)
        };
        let compiled = tokio::task::spawn_blocking(compiling).await;
        let ((rules, problems), set) =
            compiled.map_err(|error| Status::internal(error.to_string()))?;
        let in_force = !dry_run && !problems.iter().any(airside_sigma::Problem::is_error);
        if in_force {
            self.publisher.publish_rules(&set).await.map_err(|error| not_published(&error))?;
            let judging = Arc::clone(&self.judging);
            let setting = tokio::task::spawn_blocking(move || judging.set(set));
            setting.await.map_err(|error| Status::internal(error.to_string()))?;
        }
        let problems = problems.into_iter().map(|it| {
            let is_error = it.is_error();
            (&RuleProblem { place: it.place, text: it.text, is_error }).into()
        });
        let problems = problems.collect();
        Ok(Response::new(v1::SetRulesResponse { in_force, problems, rules: listed(&rules) }))
    }

    async fn list_rules(
        &self,
        request: Request<v1::ListRulesRequest>,
    ) -> Result<Response<v1::ListRulesResponse>, Status> {
        let caller = Caller::of(&request, Scope::Read)?;
        let rules = listed(&self.judging.rules(caller.tenant()));
        let set = self.judging.set_by(caller.tenant());
        let files = set.iter().flat_map(|set| &set.files).map(Into::into).collect();
        Ok(Response::new(v1::ListRulesResponse { rules, files }))
    }
}

fn listed(rules: &RuleSet) -> Vec<v1::OwnRule> {
    let rule = |(info, place): (&airside_detect::RuleInfo, &airside_types::Place)| {
        let rule = OwnRule {
            id: info.id.clone(),
            title: info.title.clone(),
            severity: info.severity,
            place: place.clone(),
            only_correlates: rules.only_correlates(&info.id),
        };
        (&rule).into()
    };
    rules.listed().map(rule).collect()
}

fn not_published(error: &PublishError) -> Status {
    ApiError::new(
        ErrorCode::Unavailable,
        format!("the rules were not kept: {error}; set them again"),
    )
    .into()
}

/// Learns what tenants have set, until the token is cancelled; says so once all that was set before is known.
pub(crate) async fn learn(
    judging: &Judging,
    deps: &Deps,
    shutdown: &CancellationToken,
    known: watch::Sender<bool>,
) {
    let from = (Stream::Rules, PartitionSet::range(0, 1));
    let known = || {
        known.send_replace(true);
    };
    follow(deps.log.as_ref(), from, shutdown, known, |stored| {
        match decode_rule_files(&stored.entry.payload) {
            Ok(set) => judging.set(set),
            Err(error) => tracing::error!(error = %error, "rules that were set cannot be read"),
        }
    })
    .await;
}
