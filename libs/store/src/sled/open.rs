//! Opening a directory: the lock, the schema version, and what is done with a damaged one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::sled::{Config, Db, Error};
use tokio::task::spawn_blocking;

use super::encode::SCHEMA_KEY;
use super::options::{OnDamage, OpenError, SledOptions};

/// The version of how keys and values are laid out. A change of it is a change of the stored data.
const SCHEMA: u32 = 1;

/// How often an open that found the directory locked is tried again. The lock of a store that was closed in
/// this process goes with the last of sled's own threads that still writes for it, a moment later.
const LOCK_ATTEMPTS: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// How many quarantined directories may lie beside each other.
const MAX_QUARANTINED: u32 = 1000;

/// An open database, and where a damaged one was put.
pub(super) struct Opened {
    pub(super) db: Db,
    pub(super) quarantined: Option<PathBuf>,
}

/// Opens the directory, made if it is not there.
pub(super) async fn open(path: &Path, options: &SledOptions) -> Result<Opened, OpenError> {
    match open_sound(path, options.cache_bytes).await {
        Ok(db) => Ok(Opened { db, quarantined: None }),
        Err(OpenError::Damaged { source, .. }) if options.on_damage == OnDamage::Quarantine => {
            let aside = quarantine(path)?;
            tracing::error!(
                path = %path.display(),
                moved_to = %aside.display(),
                error = %source,
                "store was damaged, moved away and started empty: state is rebuilt from the log"
            );
            let db = open_sound(path, options.cache_bytes).await?;
            Ok(Opened { db, quarantined: Some(aside) })
        }
        Err(error) => Err(error),
    }
}

async fn open_sound(path: &Path, cache_bytes: u64) -> Result<Db, OpenError> {
    let mut attempts = 0;
    loop {
        let result = open_once(path.to_owned(), cache_bytes).await;
        attempts += 1;
        match result {
            Err(OpenError::InUse { .. }) if attempts < LOCK_ATTEMPTS => {
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            result => return result,
        }
    }
}

async fn open_once(path: PathBuf, cache_bytes: u64) -> Result<Db, OpenError> {
    let config = Config::new()
        .path(&path)
        .cache_capacity(cache_bytes)
        // Without sled's own flusher: the writer flushes before it acknowledges.
        .flush_every_ms(None);
    let folder = path.clone();
    // sled panics at some kinds of damage; the task catches that.
    match spawn_blocking(move || open_checked(&folder, &config)).await {
        Ok(result) => result,
        Err(panic) => Err(OpenError::Damaged { path, source: Box::new(panic) }),
    }
}

fn open_checked(path: &Path, config: &Config) -> Result<Db, OpenError> {
    discard_unfinished_snapshots(path).map_err(|source| OpenError::Io {
        action: "discard an unfinished snapshot in",
        path: path.to_owned(),
        source,
    })?;
    let db = config.open().map_err(|error| refused(path, error))?;
    check_schema(path, &db)?;
    Ok(db)
}

/// Removes what a process left that was killed while sled wrote a snapshot. sled 0.34 writes it beside the
/// others, renames it when it is whole, and forgets to pass over such a file when it opens: it would take
/// half a snapshot for the newest one, and the store for damaged. The log behind it has all that it has.
fn discard_unfinished_snapshots(path: &Path) -> io::Result<()> {
    let database = match File::open(path.join("db")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        database => database?,
    };
    // sled's own lock: whoever holds it may be writing a snapshot, and opening will say so.
    if database.try_lock().is_err() {
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            std::fs::remove_file(entry.path())?;
        }
    }
    database.unlock()
}

fn check_schema(path: &Path, db: &Db) -> Result<(), OpenError> {
    let failed = |error| refused(path, error);
    let stored = db.get(SCHEMA_KEY).map_err(failed)?;
    let found = stored.as_deref().and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    if found == Some(SCHEMA) {
        return Ok(());
    }
    if stored.is_some() || !db.is_empty() {
        return Err(OpenError::Schema { path: path.to_owned(), found, expected: SCHEMA });
    }
    db.insert(SCHEMA_KEY, &SCHEMA.to_be_bytes()).map_err(failed)?;
    db.flush().map_err(failed)?;
    Ok(())
}

fn refused(path: &Path, error: Error) -> OpenError {
    let path = path.to_owned();
    match error {
        // sled has no kind of its own for this.
        Error::Io(error) if error.to_string().contains("could not acquire lock") => {
            OpenError::InUse { path }
        }
        // A file that ends too early is damage; any other refusal of the file system is the operator's.
        Error::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            OpenError::Io { action: "open the store at", path, source: error }
        }
        error => OpenError::Damaged { path, source: Box::new(error) },
    }
}

/// Moves the directory beside itself, under the first free number.
fn quarantine(path: &Path) -> Result<PathBuf, OpenError> {
    let failed = |source| OpenError::Io { action: "move away", path: path.to_owned(), source };
    for number in 1..=MAX_QUARANTINED {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".damaged-{number}"));
        let aside = path.with_file_name(name);
        if !aside.try_exists().map_err(failed)? {
            std::fs::rename(path, &aside).map_err(failed)?;
            return Ok(aside);
        }
    }
    let message =
        format!("{MAX_QUARANTINED} damaged stores lie beside it: look at them and remove them");
    Err(failed(io::Error::other(message)))
}
