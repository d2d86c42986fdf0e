//! Raw events from the files of an archive, which lie in a folder or in a bucket: without a platform.
//!
//! Where a bucket's store answers and who we are there, the section of the intake says, or the environment: who
//! reads what an intake wrote mostly has its settings.

use airside_archive::{BucketReader, Cursor, Page, Query, page_of_folder};
use airside_audit_ingest::{Options, raw_entry, shown_to_people};
use airside_node::{environment, load_settings};
use airside_wire::limits::MAX_PAGE_SIZE;
use airside_wire::raw::{RawEntry, Shown};
use anyhow::Context;
use serde_json::json;

use crate::SERVICES;
use crate::cli::{ArchivePlace, RawSourceArguments};

/// Hands on each record that a query finds, the latest first, up to a limit.
pub(super) fn each_of_archive(
    place: &ArchivePlace,
    source: &RawSourceArguments,
    query: &Query,
    limit: usize,
    print: impl FnMut(RawEntry) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    match place {
        ArchivePlace::Folder(folder) => {
            let page = |query: Query| Ok(page_of_folder(folder, &query)?);
            each_of_pages(page, query, source.unredacted, limit, print)
        }
        ArchivePlace::Bucket(url) => {
            let runtime = airside_node::runtime()?;
            let reader = runtime.block_on(bucket(url, source))?;
            let page = |query: Query| Ok(runtime.block_on(reader.query(query))?);
            each_of_pages(page, query, source.unredacted, limit, print)
        }
    }
}

async fn bucket(url: &str, source: &RawSourceArguments) -> anyhow::Result<BucketReader> {
    let settings = load_settings(&SERVICES, source.config.clone(), environment(), json!({}))?;
    let options: Options = settings.section("audit-ingest")?;
    let store = options.archive.object_store.settings_at(url);
    let store = store.context("`audit-ingest.archive.object_store`")?;
    BucketReader::open(&store).await.context(
        "the bucket cannot be read: name a settings file with `--config` whose section \
         audit-ingest.archive.object_store says where its store answers and who we are there, or set \
         AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    )
}

fn each_of_pages(
    page_of: impl Fn(Query) -> anyhow::Result<Page>,
    query: &Query,
    unredacted: bool,
    limit: usize,
    mut print: impl FnMut(RawEntry) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut left, mut next): (usize, Option<Cursor>) = (limit, None);
    while left > 0 {
        let query = query.clone().limit(left.min(MAX_PAGE_SIZE));
        let page = page_of(next.into_iter().fold(query, Query::after))?;
        for record in page.records {
            left -= 1;
            let raw = match unredacted {
                true => Shown::AsItCame(record.raw.clone()),
                false => shown_to_people(&record.raw),
            };
            print(raw_entry(&record, raw))?;
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    Ok(())
}
