//! The file that tells a scan which bindings of a cluster are needed: `airside access --export` writes it,
//! `airside scan --used-grants` reads it.
//!
//! It holds all that was used, whatever was asked for, and since when the cluster's own bindings are granted, which
//! manifests do not say. What follows for a binding is `airside-checks`'.

use std::io::Write;
use std::path::{Path, PathBuf};

use airside_checks::GrantUse;
use airside_types::{Cluster, ObjectRef, Timestamp, UsedGrant};
use airside_wire::used_grant::UsedGrants;
use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

/// The form of the file.
const FORM: u32 = 1;
/// The largest file, in bytes: some hundred thousand bindings.
const MAX_BYTES: u64 = 64 << 20;
const GROUP: &str = "rbac.authorization.k8s.io";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exported {
    form: u32,
    cluster: String,
    since: String,
    incomplete: bool,
    used: Vec<Binding>,
    granted: Vec<Binding>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Binding {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
    /// Of what was used its last use, of what is granted since when it is.
    time: String,
}

impl Binding {
    fn new(binding: &ObjectRef, time: Timestamp) -> Self {
        Self {
            kind: binding.kind.clone(),
            namespace: binding.namespace.clone(),
            name: binding.name.clone(),
            time: time.to_string(),
        }
    }

    fn read(&self) -> anyhow::Result<(ObjectRef, Timestamp)> {
        let binding = ObjectRef::named(GROUP, &self.kind, self.namespace.as_deref(), &self.name);
        let time = Timestamp::parse_rfc3339(&self.time);
        Ok((binding, time.with_context(|| format!("the time of {} `{}`", self.kind, self.name))?))
    }
}

/// Writes what was used in a cluster, and since when bindings are granted.
pub(super) fn export(
    path: &Path,
    cluster: &str,
    known: &UsedGrants,
    granted: impl Iterator<Item = (ObjectRef, Timestamp)>,
) -> anyhow::Result<()> {
    let since = known.since.with_context(|| {
        format!(
            "nothing is known of cluster `{cluster}` that could be exported to {}",
            path.display()
        )
    })?;
    let exported = Exported {
        form: FORM,
        cluster: cluster.to_owned(),
        since: since.to_string(),
        incomplete: known.incomplete,
        used: known.grants.iter().map(|it| Binding::new(&it.binding, it.last)).collect(),
        granted: granted.map(|(binding, since)| Binding::new(&binding, since)).collect(),
    };
    let mut text = serde_json::to_vec_pretty(&exported)?;
    text.push(b'\n');
    let written = std::fs::File::create(path).and_then(|mut file| file.write_all(&text));
    written.with_context(|| format!("`{}` cannot be written", path.display()))
}

/// What was exported, and of which cluster.
#[derive(Debug)]
pub(super) struct UsedIn {
    /// The name by which events of the cluster arrive: the platform knows a cluster by nothing else.
    pub(super) cluster: Cluster,
    /// What is known of it.
    pub(super) known: GrantUse,
    /// The file.
    path: PathBuf,
}

impl UsedIn {
    /// Refuses what is known of a cluster where another one is judged. Only names can be compared: neither audit events
    /// nor what was exported tell a cluster from another of its name.
    pub(super) fn ensure_is_of(&self, scanned: &Cluster) -> anyhow::Result<()> {
        let (cluster, file) = (&self.cluster, self.path.display());
        ensure!(
            cluster == scanned,
            "`{file}` tells which bindings cluster `{cluster}` needed, and this scan is of cluster `{scanned}`: give \
             `--cluster {cluster}` if that is its name, or write the file anew with \
             `airside access --cluster {scanned} --export {file}`"
        );
        Ok(())
    }

    /// Says whose use it is, for how long it was looked at, and by what that is the cluster of the scan.
    pub(super) fn remark(&self) -> String {
        let days = self.known.looked_at().as_secs() / (24 * 3_600);
        format!(
            "use of bindings: cluster `{}` as {} names it, {days} days of its audit log",
            self.cluster,
            self.path.display()
        )
    }
}

/// Reads what was exported.
pub(super) fn read(path: &Path) -> anyhow::Result<UsedIn> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("`{shown}` cannot be read"))?.len();
    ensure!(size <= MAX_BYTES, "`{shown}` has {size} bytes, and may have {MAX_BYTES}");
    let text = std::fs::read(path).with_context(|| format!("`{shown}` cannot be read"))?;
    let read = || -> anyhow::Result<UsedIn> {
        let exported: Exported = serde_json::from_slice(&text)?;
        ensure!(exported.form == FORM, "it has form {}, and {FORM} is known", exported.form);
        let since = Timestamp::parse_rfc3339(&exported.since).context("`since`")?;
        let used = exported.used.iter().map(|it| {
            let (binding, last) = it.read()?;
            let (role, subject_kind, subject) = Default::default();
            Ok(UsedGrant { binding, role, subject_kind, subject, first: since, last })
        });
        let used: Vec<_> = used.collect::<anyhow::Result<_>>()?;
        let cluster = Cluster::new(&exported.cluster).context("`cluster`")?;
        let known = GrantUse::new(since, &used, exported.incomplete);
        let mut known = known.of_cluster(cluster.clone());
        for it in &exported.granted {
            let (binding, since) = it.read()?;
            known.note_granted(&binding, since);
        }
        Ok(UsedIn { cluster, known, path: path.to_owned() })
    };
    read().with_context(|| {
        format!("`{shown}` is not usable: write it with `airside access --export {shown}`")
    })
}
