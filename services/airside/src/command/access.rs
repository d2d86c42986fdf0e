//! `airside access`: which bindings of RBAC were used in a cluster, and which were granted and never used.

use std::collections::BTreeMap;
use std::path::PathBuf;

use airside_k8s::rbac::{Bearer, role_of, subjects};
use airside_k8s::yaml::{Limits, parse_bytes};
use airside_types::{Cluster, EntityKey, ObjectRef, Timestamp, UsedGrant};
use airside_wire::used_grant::UsedGrants;
use airside_wire::v1::ListUsedGrantsRequest;
use airside_wire::v1::used_grants_service_client::UsedGrantsServiceClient;
use anyhow::Context;
use serde_json::{Value, json};

use super::incidents::said;
use super::scan::inputs::Inputs;
use super::scan::render::Rendering;
use crate::cli::{AccessArguments, OutputFormat};
use crate::client::connect;
use crate::command::{Outcome, grant_use};
use crate::show::{self, FAINT, RESET, STRONG};

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn run(arguments: &AccessArguments) -> anyhow::Result<Outcome> {
    let cluster = Cluster::new(&arguments.cluster).context("--cluster")?;
    let used = airside_node::runtime()?.block_on(ask(&cluster, arguments))?;
    let granted = if arguments.paths.is_empty() { Vec::new() } else { granted(&arguments.paths)? };
    if let Some(path) = &arguments.export {
        let ages = granted.iter().filter_map(|it| Some((it.binding.clone(), it.created?)));
        grant_use::export(path, cluster.as_str(), &used, ages)?;
    }
    let mut rows = if arguments.paths.is_empty() {
        Row::of_used(&used)
    } else {
        Row::of_granted(&granted, &used)
    };
    if arguments.unused {
        rows.retain(|row| row.last.is_none());
    }
    let text = match arguments.output {
        OutputFormat::Json => {
            let all: Vec<_> = rows.iter().map(Row::json).collect();
            let since = used.since.map(|time| time.to_string());
            let all = json!({ "since": since, "incomplete": used.incomplete, "bindings": all });
            serde_json::to_string_pretty(&all)? + "\n"
        }
        OutputFormat::Text => rows.iter().map(Row::text).collect(),
    };
    show::print(&text)?;
    remark(&used, &cluster);
    Ok(Outcome::Good)
}

async fn ask(cluster: &Cluster, arguments: &AccessArguments) -> anyhow::Result<UsedGrants> {
    let mut client = UsedGrantsServiceClient::new(connect(&arguments.server).await?);
    let request = ListUsedGrantsRequest { cluster: cluster.as_str().to_owned() };
    Ok(client.list_used_grants(request).await.map_err(said)?.into_inner().try_into()?)
}

/// What the answer rests on.
fn remark(used: &UsedGrants, cluster: &Cluster) {
    match used.since {
        Some(since) => show::remark(&format!(
            "by the audit log of cluster {cluster} since {since}; what happens seldom may not have happened yet"
        )),
        None => show::remark(&format!(
            "no audit event of cluster {cluster} tells which binding allowed it: does its API server post events, and authorize by RBAC?"
        )),
    }
    if used.incomplete {
        show::remark(
            "there were more bindings and subjects than are remembered: some that are not here may have been used",
        );
    }
}

/// A binding of a file.
#[derive(Debug)]
struct Granted {
    binding: ObjectRef,
    /// When it was made, as a cluster's own objects say it.
    created: Option<Timestamp>,
    role: String,
    subjects: Vec<String>,
}

/// The bindings in files.
fn granted(paths: &[PathBuf]) -> anyhow::Result<Vec<Granted>> {
    let inputs = Inputs::read(paths, &Rendering::default());
    for problem in &inputs.problems {
        show::remark(problem);
    }
    let mut all = Vec::new();
    for file in &inputs.files {
        let parsed = parse_bytes(&file.content, &Limits::default());
        for document in &parsed.documents {
            for located in document.contents().objects {
                let object = &located.object;
                let is_binding = matches!(object.kind(), "ClusterRoleBinding" | "RoleBinding");
                if object.group() != GROUP || !is_binding {
                    continue;
                }
                let role = role_of(object).map(|(kind, name)| format!("{kind} {name}"));
                let subjects = subjects(object).map(|(_, bearer)| named(bearer));
                all.push(Granted {
                    binding: object.object_ref().without_uid(),
                    created: object.created(),
                    role: role.unwrap_or_default(),
                    subjects: subjects.collect(),
                });
            }
        }
    }
    anyhow::ensure!(
        !all.is_empty(),
        "there is no ClusterRoleBinding or RoleBinding in what was read"
    );
    Ok(all)
}

/// A subject as the audit log names it.
fn named(bearer: Bearer<'_>) -> String {
    match bearer {
        Bearer::User(name) => format!("User {name}"),
        Bearer::Group(name) => format!("Group {name}"),
        Bearer::ServiceAccount(namespace, name) => {
            format!("ServiceAccount {}/{name}", namespace.unwrap_or_default())
        }
    }
}

/// A line: a binding, and when it was used.
#[derive(Debug)]
struct Row {
    binding: ObjectRef,
    role: String,
    /// By whom it was used, or, where it never was, whom it is for.
    subjects: Vec<String>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Row {
    fn of_used(used: &UsedGrants) -> Vec<Self> {
        by_binding(used).into_values().map(|uses| Self::used(&uses)).collect()
    }

    fn of_granted(granted: &[Granted], used: &UsedGrants) -> Vec<Self> {
        let by_binding = by_binding(used);
        let row = |granted: &Granted| match by_binding.get(&key(&granted.binding)) {
            Some(uses) => Self::used(uses),
            None => Self {
                binding: granted.binding.clone(),
                role: granted.role.clone(),
                subjects: granted.subjects.clone(),
                first: None,
                last: None,
            },
        };
        granted.iter().map(row).collect()
    }

    /// All uses of one binding, of which there is one at least.
    fn used(uses: &[&UsedGrant]) -> Self {
        let binding = uses.first().map(|it| it.binding.clone()).unwrap_or_default();
        let role = uses.first().map(|it| format!("{} {}", it.role.kind, it.role.name));
        Self {
            binding,
            role: role.unwrap_or_default(),
            subjects: uses.iter().map(|it| format!("{} {}", it.subject_kind, it.subject)).collect(),
            first: uses.iter().map(|it| it.first).min(),
            last: uses.iter().map(|it| it.last).max(),
        }
    }

    fn text(&self) -> String {
        let (binding, subjects) = (self.binding.to_string(), self.subjects.join(", "));
        let [binding, role, subjects] = [&binding, &self.role, &subjects].map(|it| show::clean(it));
        let when = match (self.first, self.last) {
            (Some(first), Some(last)) => format!("used {first} to {last} by {subjects}"),
            _ => format!("never used; it is for {subjects}"),
        };
        format!("{STRONG}{binding}{RESET}  {role}\n    {FAINT}{when}{RESET}\n")
    }

    fn json(&self) -> Value {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        json!({
            "kind": self.binding.kind, "namespace": self.binding.namespace, "name": self.binding.name,
            "role": self.role, "subjects": self.subjects,
            "first_used": time(self.first), "last_used": time(self.last),
        })
    }
}

fn by_binding(used: &UsedGrants) -> BTreeMap<EntityKey, Vec<&UsedGrant>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for grant in &used.grants {
        all.entry(key(&grant.binding)).or_default().push(grant);
    }
    all
}

fn key(binding: &ObjectRef) -> EntityKey {
    airside_types::Entity::Object(binding.clone()).name_key()
}
