//! Reading the objects of one kind: a list by pages, then changes; as values, without those of Secrets.

use std::borrow::Cow;
use std::time::Duration;

use airside_k8s::{Value, json, live};
use airside_ports::{ClusterSnapshot, ListScope, Unlisted};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ApiResource, DynamicResourceScope, PartialObjectMeta, Resource, Status};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client};
use serde::{Deserialize, Deserializer};

use crate::kinds::Source;

/// Objects on a page of a list: enough that round trips do not count, few enough for an API server at work.
const PAGE: u32 = 500;
/// How many kinds are listed at a time.
const AT_A_TIME: usize = 8;
/// How often a list is begun before it is given up, where trying again may help.
const ATTEMPTS: usize = 3;
/// The wait before the second attempt; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// An object as the API server sends it.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    metadata: ObjectMeta,
    value: Value,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = |name: &str| {
            let text = value.get("metadata").and_then(|metadata| metadata.get(name));
            text.and_then(Value::as_str).map(str::to_owned)
        };
        // What the watcher asks for.
        let metadata = ObjectMeta {
            name: text("name"),
            namespace: text("namespace"),
            resource_version: text("resourceVersion"),
            ..Default::default()
        };
        Ok(Self { metadata, value })
    }
}

impl Resource for Raw {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// What happens to the objects of a source, beginning with a list of them.
pub(crate) type Events = BoxStream<'static, watcher::Result<Event<Value>>>;

/// The events of a source. After an error the stream goes on where it was, or lists anew: it may be polled at
/// once, but should not be.
pub(crate) fn events(client: &Client, source: &Source) -> Events {
    let config = watcher::Config::default().page_size(PAGE);
    let resource = source.resource.clone();
    if resource.group.is_empty() && resource.kind == "Secret" {
        // The API server then sends names, labels and annotations, and no value.
        let events = watcher::watcher(api::<PartialObjectMeta<Raw>>(client, source), config);
        let value = move |secret| metadata_only(&secret, &resource);
        events.map_ok(move |event| mapped(event, &value)).boxed()
    } else {
        let events = watcher::watcher(api::<Raw>(client, source), config);
        let value = move |raw: Raw| typed(raw.value, &resource);
        events.map_ok(move |event| mapped(event, &value)).boxed()
    }
}

fn api<K>(client: &Client, Source { resource, scope }: &Source) -> Api<K>
where
    K: Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>,
{
    match &scope.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
        None => Api::all_with(client.clone(), resource),
    }
}

fn mapped<K>(event: Event<K>, value: &impl Fn(K) -> Value) -> Event<Value> {
    match event {
        Event::Apply(object) => Event::Apply(value(object)),
        Event::Delete(object) => Event::Delete(value(object)),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(value(object)),
        Event::InitDone => Event::InitDone,
    }
}

/// The items of a list do not say what they are.
fn typed(mut value: Value, resource: &ApiResource) -> Value {
    if let Some(fields) = value.as_object_mut() {
        for (name, text) in [("apiVersion", &resource.api_version), ("kind", &resource.kind)] {
            fields.or_insert_with(name, || text.as_str().into());
        }
    }
    live::trim(&mut value);
    value
}

fn metadata_only(secret: &PartialObjectMeta<Raw>, resource: &ApiResource) -> Value {
    // Metadata is maps, lists and texts: it always has a form in JSON.
    let metadata = serde_json::to_value(&secret.metadata).unwrap_or_default();
    let mut value =
        json!({ "apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata });
    live::trim(&mut value);
    value
}

/// All objects of all sources.
pub(crate) async fn snapshot(client: &Client, sources: Vec<Source>) -> ClusterSnapshot {
    let lists = stream::iter(sources)
        .map(|source| async move { (list(client, &source).await, source.scope) })
        .buffered(AT_A_TIME)
        .collect::<Vec<_>>()
        .await;
    let mut snapshot = ClusterSnapshot::default();
    for (listed, scope) in lists {
        match listed {
            Ok(objects) => {
                snapshot.objects.extend(objects);
                snapshot.listed.push(scope);
            }
            Err(error) => snapshot.unlisted.push(unlisted(scope, &error)),
        }
    }
    snapshot
}

/// The objects of a source, or why there are none.
async fn list(client: &Client, source: &Source) -> Result<Vec<Value>, watcher::Error> {
    let mut events = events(client, source);
    let (mut objects, mut failed, mut wait) = (Vec::new(), 0, FIRST_WAIT);
    loop {
        match events.next().await {
            Some(Ok(Event::Init)) => objects.clear(),
            Some(Ok(Event::InitApply(object))) => objects.push(object),
            Some(Ok(Event::InitDone)) | None => return Ok(objects),
            Some(Ok(Event::Apply(_) | Event::Delete(_))) => {}
            Some(Err(error)) => {
                failed += 1;
                if failed == ATTEMPTS || is_refusal(&error) {
                    return Err(error);
                }
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
        }
    }
}

/// What is told of a source that an error keeps from being read.
pub(crate) fn unlisted(scope: ListScope, error: &watcher::Error) -> Unlisted {
    Unlisted { scope, reason: told(error), is_refused: is_refusal(error) }
}

/// Whether the API server understood and said no: asking again in a moment will not help.
pub(crate) fn is_refusal(error: &watcher::Error) -> bool {
    status_code(error).is_some_and(|code| matches!(code, 401 | 403 | 404 | 405))
}

fn status_code(error: &watcher::Error) -> Option<u16> {
    answer(error).map(|status| status.code)
}

/// What the API server said, where it said something.
fn answer(error: &watcher::Error) -> Option<&Status> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status),
        _ => None,
    }
}

/// An error as people read it.
fn told(error: &watcher::Error) -> String {
    match answer(error) {
        Some(status) if !status.message.is_empty() => status.message.clone(),
        _ => error.to_string(),
    }
}
