//! Which kinds an API server serves, and which of them are read.
//!
//! Each group is asked for by itself: one aggregated API that is down must not hide the others.

use std::collections::BTreeMap;

use airside_ports::{ClusterError, ListScope, ObjectKind};
use futures::StreamExt;
use futures::stream;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIResource, APIResourceList};
use kube::core::ApiResource;

use crate::connect::Connection;

/// How many groups are asked for at a time.
const AT_A_TIME: usize = 8;

/// Kinds that are not read: they tell what happens, change all the time, and configure nothing.
const LEFT_OUT: [(&str, &str); 4] = [
    ("", "Event"),
    ("events.k8s.io", "Event"),
    ("coordination.k8s.io", "Lease"),
    ("coordination.k8s.io", "LeaseCandidate"),
];
/// The group from which all others came: what it still serves, others serve too.
const OLD_GROUP: &str = "extensions";

/// A list that is read.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) resource: ApiResource,
    pub(crate) scope: ListScope,
}

/// What is read, in the order of kinds and namespaces.
pub(crate) async fn sources(
    connection: &Connection,
    versions_wanted: &[ObjectKind],
    namespaces: &[String],
) -> Result<Vec<Source>, ClusterError> {
    let groups = connection.client.list_api_groups().await.map_err(|error| {
        ClusterError::Unreachable { server: connection.server.clone(), source: error.into() }
    })?;
    let mut versions: Vec<(usize, String)> = vec![(0, "v1".to_owned())];
    for group in groups.groups.into_iter().filter(|group| group.name != OLD_GROUP) {
        let preferred = group.preferred_version.map(|it| it.group_version);
        let others = group.versions.into_iter().map(|it| it.group_version);
        let others = others.filter(|version| Some(version) != preferred.as_ref());
        let all: Vec<String> = preferred.clone().into_iter().chain(others).collect();
        versions.extend(all.into_iter().enumerate());
    }
    let answers = stream::iter(versions)
        .map(|(rank, version)| async move { (rank, resources(connection, &version).await) })
        .buffered(AT_A_TIME)
        .collect::<Vec<_>>()
        .await;
    Ok(chosen(answers, versions_wanted, namespaces))
}

/// The resources of a group and version; none where it does not answer, as an aggregated API may.
async fn resources(connection: &Connection, version: &str) -> Option<APIResourceList> {
    let client = &connection.client;
    let answer = match version {
        "v1" => client.list_core_api_resources(version).await,
        version => client.list_api_group_resources(version).await,
    };
    answer
        .inspect_err(|error| {
            tracing::warn!(version, error = %error, "an API does not say what it serves, left out");
        })
        .ok()
}

/// Of each kind the version that is wanted, else the preferred one that serves it.
fn chosen(
    mut answers: Vec<(usize, Option<APIResourceList>)>,
    wanted: &[ObjectKind],
    namespaces: &[String],
) -> Vec<Source> {
    answers.sort_by_key(|(rank, _)| *rank);
    let mut kinds: BTreeMap<(String, String), (ApiResource, bool)> = BTreeMap::new();
    for list in answers.into_iter().filter_map(|(_, list)| list) {
        let (group, version) = match list.group_version.split_once('/') {
            Some((group, version)) => (group, version),
            None => ("", list.group_version.as_str()),
        };
        for resource in list.resources.iter().filter(|resource| is_read(group, resource)) {
            let is_wanted = wanted.iter().any(|it| {
                (it.group.as_str(), it.version.as_str(), &it.kind)
                    == (group, version, &resource.kind)
            });
            let key = (group.to_owned(), resource.kind.clone());
            if kinds.contains_key(&key) && !is_wanted {
                continue;
            }
            let of_kind = ApiResource {
                group: group.to_owned(),
                version: version.to_owned(),
                api_version: list.group_version.clone(),
                kind: resource.kind.clone(),
                plural: resource.name.clone(),
            };
            kinds.insert(key, (of_kind, resource.namespaced));
        }
    }
    let mut sources: Vec<Source> = kinds
        .into_values()
        .flat_map(|(resource, namespaced)| within(&resource, namespaced, namespaces))
        .collect();
    sources.sort_by(|left, right| left.scope.cmp(&right.scope));
    sources
}

/// The lists of a kind: one, or one for each namespace.
fn within(resource: &ApiResource, namespaced: bool, namespaces: &[String]) -> Vec<Source> {
    let namespaces: Vec<Option<String>> = match (namespaces, namespaced) {
        ([], _) => vec![None],
        (some, true) => some.iter().cloned().map(Some).collect(),
        (_, false) => Vec::new(),
    };
    let source = |namespace| {
        let ApiResource { group, version, kind, .. } = resource.clone();
        let kind = ObjectKind { group, version, kind };
        Source { resource: resource.clone(), scope: ListScope { kind, namespace } }
    };
    namespaces.into_iter().map(source).collect()
}

fn is_read(group: &str, resource: &APIResource) -> bool {
    let can = |verb: &str| resource.verbs.iter().any(|it| it == verb);
    !resource.name.contains('/')
        && can("list")
        && can("watch")
        && !LEFT_OUT.contains(&(group, resource.kind.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(version: &str, resources: &[(&str, &str, bool)]) -> APIResourceList {
        let resource = |(name, kind, namespaced): &(&str, &str, bool)| APIResource {
            name: (*name).to_owned(),
            kind: (*kind).to_owned(),
            namespaced: *namespaced,
            verbs: ["get", "list", "watch"].map(str::to_owned).to_vec(),
            ..Default::default()
        };
        APIResourceList {
            group_version: version.to_owned(),
            resources: resources.iter().map(resource).collect(),
        }
    }

    fn shown(sources: &[Source]) -> Vec<String> {
        sources.iter().map(|it| it.scope.to_string()).collect()
    }

    fn answers() -> Vec<(usize, Option<APIResourceList>)> {
        let mut bindings = list("v1", &[("bindings", "Binding", true)]);
        bindings.resources.iter_mut().for_each(|it| it.verbs = vec!["create".to_owned()]);
        vec![
            (
                0,
                Some(list(
                    "v1",
                    &[("pods", "Pod", true), ("pods/log", "Pod", true), ("events", "Event", true)],
                )),
            ),
            (0, Some(bindings)),
            (
                1,
                Some(list(
                    "batch/v1beta1",
                    &[("jobs", "Job", true), ("cronjobs", "CronJob", true)],
                )),
            ),
            (0, Some(list("batch/v1", &[("jobs", "Job", true)]))),
            (0, None),
            (0, Some(list("storage.k8s.io/v1", &[("storageclasses", "StorageClass", false)]))),
        ]
    }

    #[test]
    fn each_kind_is_read_once_in_the_preferred_version_that_has_it() {
        assert_eq!(
            shown(&chosen(answers(), &[], &[])),
            [
                "Pod (v1)",
                "Job (batch/v1)",
                "CronJob (batch/v1beta1)",
                "StorageClass (storage.k8s.io/v1)"
            ]
        );
    }

    #[test]
    fn a_version_that_is_wanted_goes_before_the_preferred_one() {
        let wanted = |version: &str| ObjectKind {
            group: "batch".to_owned(),
            version: version.to_owned(),
            kind: "Job".to_owned(),
        };
        let of = |version| shown(&chosen(answers(), &[wanted(version)], &[])).join(", ");
        assert!(of("v1beta1").contains("Job (batch/v1beta1)"));
        assert!(of("v2").contains("Job (batch/v1)"), "not served");
    }

    #[test]
    fn in_namespaces_only_what_lies_in_them_is_read() {
        let namespaces = ["shop".to_owned(), "till".to_owned()];
        assert_eq!(
            shown(&chosen(answers(), &[], &namespaces)),
            [
                "Pod (v1) in shop",
                "Pod (v1) in till",
                "Job (batch/v1) in shop",
                "Job (batch/v1) in till",
                "CronJob (batch/v1beta1) in shop",
                "CronJob (batch/v1beta1) in till",
            ]
        );
    }
}
