//! Making streams, and making sure that they are what they should be.

use std::error::Error;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{
    CreateStreamError, CreateStreamErrorKind, GetStreamErrorKind,
};
use async_nats::jetstream::stream::{Config, RetentionPolicy, StorageType, Stream};
use tokio::time::{Instant, sleep};

use super::connection::{Link, pause};
use super::options::{NatsError, Storage};

/// What a step of setting up came to.
enum Failure {
    /// JetStream is starting, or electing a leader: it will answer.
    Passing(Box<dyn Error + Send + Sync>),
    Final(NatsError),
}

pub(super) const fn storage_type(storage: Storage) -> StorageType {
    match storage {
        Storage::File => StorageType::File,
        Storage::Memory => StorageType::Memory,
    }
}

/// Gives the stream that the configuration describes: made if it is not there, changed where it differs and
/// can be changed. Several processes may do this at once.
pub(super) async fn ensure(link: &Link, wanted: Config) -> Result<Stream, NatsError> {
    let ends = Instant::now() + link.start_within;
    let mut attempt = 0;
    loop {
        let source = match try_ensure(link, &wanted).await {
            Ok(stream) => return Ok(stream),
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Passing(source)) => source,
        };
        if Instant::now() >= ends {
            let (action, stream) = ("set up the stream", wanted.name);
            return Err(NatsError::JetStream { action, stream, source });
        }
        sleep(pause(attempt)).await;
        attempt += 1;
    }
}

async fn try_ensure(link: &Link, wanted: &Config) -> Result<Stream, Failure> {
    let stream = match link.context.get_stream(&wanted.name).await {
        Ok(stream) => stream,
        Err(error) => {
            let kind = error.kind();
            let GetStreamErrorKind::JetStream(refusal) = &kind else {
                return Err(Failure::Passing(Box::new(error)));
            };
            if refusal.error_code() == ErrorCode::STREAM_NOT_FOUND {
                return create(link, wanted).await;
            }
            return Err(Failure::Passing(Box::new(error)));
        }
    };
    let found = &stream.cached_info().config;
    let mismatch = |what| Failure::Final(NatsError::Mismatch { stream: wanted.name.clone(), what });
    if found.storage != wanted.storage {
        return Err(mismatch("storage"));
    }
    if found.retention != RetentionPolicy::Limits {
        return Err(mismatch("retention"));
    }
    let Some(changed) = change(found, wanted) else { return Ok(stream) };
    tracing::info!(stream = wanted.name, "settings of jetstream stream differ and are changed");
    match link.context.update_stream(&changed).await {
        Ok(_info) => Ok(stream),
        Err(error) => match error.kind() {
            CreateStreamErrorKind::JetStream(refusal) if refusal.code() != 503 => {
                Err(Failure::Final(refused("change the stream", wanted, error)))
            }
            _ => Err(Failure::Passing(Box::new(error))),
        },
    }
}

async fn create(link: &Link, wanted: &Config) -> Result<Stream, Failure> {
    let error = match link.context.create_stream(wanted).await {
        Ok(stream) => return Ok(stream),
        Err(error) => error,
    };
    let passing = match error.kind() {
        // The servers of a cluster that has just started do not know all of each other yet. And where another
        // process made the stream in between, looking again is right.
        CreateStreamErrorKind::JetStream(refusal) => {
            refusal.code() == 503
                || [
                    ErrorCode::CLUSTER_NO_PEERS,
                    ErrorCode::CLUSTER_NOT_AVAILABLE,
                    ErrorCode::STREAM_NAME_EXIST,
                ]
                .contains(&refusal.error_code())
        }
        _ => true,
    };
    if passing {
        return Err(Failure::Passing(Box::new(error)));
    }
    Err(Failure::Final(refused("make the stream", wanted, error)))
}

/// What the servers mean by a refusal.
fn refused(action: &'static str, wanted: &Config, error: CreateStreamError) -> NatsError {
    let stream = wanted.name.clone();
    match error.kind() {
        CreateStreamErrorKind::JetStream(refusal)
            if refusal.error_code() == ErrorCode::STORAGE_RESOURCES_EXCEEDED =>
        {
            NatsError::NoRoom { stream, bytes: wanted.max_bytes }
        }
        _ => NatsError::JetStream { action, stream, source: Box::new(error) },
    }
}

/// The found configuration with the wanted settings; none when it has them. What else an operator set, such as
/// placement or compression, stays.
fn change(found: &Config, wanted: &Config) -> Option<Config> {
    // The server refuses a window of duplicates longer than the age; it filled the window in itself.
    let duplicate_window = if wanted.max_age.is_zero() {
        found.duplicate_window
    } else {
        found.duplicate_window.min(wanted.max_age)
    };
    let changed = Config {
        subjects: wanted.subjects.clone(),
        max_bytes: wanted.max_bytes,
        max_messages: wanted.max_messages,
        max_messages_per_subject: wanted.max_messages_per_subject,
        discard: wanted.discard,
        discard_new_per_subject: wanted.discard_new_per_subject,
        max_age: wanted.max_age,
        allow_rollup: wanted.allow_rollup,
        num_replicas: wanted.num_replicas,
        duplicate_window,
        ..found.clone()
    };
    (changed != *found).then_some(changed)
}
