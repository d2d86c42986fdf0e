//! What a service is: a name, options, a way to build it and a way to run it.

use std::fmt;

use airside_config::Section;
use airside_types::TermFilesOfTenants;
use anyhow::Context;
use async_trait::async_trait;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::deps::Deps;
use crate::health::ReadySignal;
use crate::mounts::Mounts;

/// What a running service is told by its node.
#[derive(Debug, Clone)]
pub struct ServiceContext {
    /// Cancelled when the service has to drain and end: nothing new arrives from then on.
    pub shutdown: CancellationToken,
    /// Called once the service can do its work.
    pub ready: ReadySignal,
}

/// A service of Airside.
#[async_trait]
pub trait Service: Send + Sized + 'static {
    /// The name in commands, settings, metrics and logs.
    const NAME: &'static str;
    /// What the service does, in one line for `--help`.
    const ABOUT: &'static str;
    /// The service's settings, each with a default.
    type Options: DeserializeOwned + Serialize + Default + Send;

    /// Whether the service could be built of its settings and of what people have declared, as far as that shows without the
    /// rest of a node.
    ///
    /// # Errors
    ///
    /// Which setting, or which file that one names, is not usable.
    fn check(_options: &Self::Options, _terms: &TermFilesOfTenants) -> anyhow::Result<()> {
        Ok(())
    }

    /// Builds the service and mounts its routes. It does no work yet.
    async fn build(options: Self::Options, deps: Deps, mounts: &mut Mounts)
    -> anyhow::Result<Self>;

    /// Works until the shutdown token is cancelled, then finishes what it began.
    async fn run(self, context: ServiceContext) -> anyhow::Result<()>;
}

type Run = Box<dyn FnOnce(ServiceContext) -> BoxFuture<'static, anyhow::Result<()>> + Send>;
type Check = fn(serde_json::Value, &TermFilesOfTenants) -> anyhow::Result<()>;
type Build =
    for<'a> fn(serde_json::Value, Deps, &'a mut Mounts) -> BoxFuture<'a, anyhow::Result<Run>>;

/// A service that was built and waits to be run.
pub struct BuiltService {
    /// The service's name.
    pub name: &'static str,
    run: Run,
}

impl BuiltService {
    /// Runs the service to its end.
    pub async fn run(self, context: ServiceContext) -> anyhow::Result<()> {
        (self.run)(context).await
    }
}

impl fmt::Debug for BuiltService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuiltService").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An entry of the list from which a node is assembled: a service without its type.
#[derive(Clone, Copy)]
pub struct ServiceEntry {
    /// The service's name.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    section: fn() -> Section,
    check: Check,
    build: Build,
}

impl fmt::Debug for ServiceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceEntry").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ServiceEntry {
    /// The entry of a service.
    pub const fn of<S: Service>() -> Self {
        Self {
            name: S::NAME,
            about: S::ABOUT,
            section: || Section::of::<S::Options>(S::NAME),
            check: |section, terms| S::check(&options_of::<S>(section)?, terms),
            build: build::<S>,
        }
    }

    /// The service's section of the settings.
    pub fn section(&self) -> Section {
        (self.section)()
    }

    /// Whether the service could be built of its section of the settings.
    pub fn check(
        &self,
        section: serde_json::Value,
        terms: &TermFilesOfTenants,
    ) -> anyhow::Result<()> {
        (self.check)(section, terms).with_context(|| format!("service `{}`", self.name))
    }

    /// Builds the service from its section of the settings.
    pub async fn build(
        &self,
        options: serde_json::Value,
        deps: Deps,
        mounts: &mut Mounts,
    ) -> anyhow::Result<BuiltService> {
        let run = (self.build)(options, deps, mounts)
            .await
            .with_context(|| format!("service `{}` cannot start", self.name))?;
        Ok(BuiltService { name: self.name, run })
    }
}

fn options_of<S: Service>(section: serde_json::Value) -> anyhow::Result<S::Options> {
    serde_json::from_value(section)
        .with_context(|| format!("the settings of `{}` are not usable", S::NAME))
}

fn build<S: Service>(
    options: serde_json::Value,
    deps: Deps,
    mounts: &mut Mounts,
) -> BoxFuture<'_, anyhow::Result<Run>> {
    Box::pin(async move {
        let service = S::build(options_of::<S>(options)?, deps, mounts).await?;
        let run: Run = Box::new(move |context| Box::pin(service.run(context)));
        Ok(run)
    })
}
