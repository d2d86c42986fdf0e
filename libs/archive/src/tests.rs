//! What an archive promises, by a whole one in a folder of its own.

mod clusters;
mod cold;
mod crash;
mod identity;
mod oracle;
mod promises;
mod reads;
mod shared;
mod storage;

use std::path::Path;

use airside_types::{Cluster, Id, Tenant, Timestamp};

use crate::{Archive, Batch, Field, Housekeeping, Page, Query, RawRecord, Row, Settings, Texts};

/// A row of a few small values, so that many rows have something in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Small {
    tenant: usize,
    cluster: usize,
    time: i64,
    number: u8,
    actor: usize,
    verb: usize,
    name: u8,
}

const TENANTS: [&str; 2] = ["default", "other"];
const CLUSTERS: [&str; 2] = ["prod", "stage"];
const ACTORS: [&str; 3] = ["ada", "bob", "system:serviceaccount:shop:web"];
const VERBS: [&str; 3] = ["get", "create", "delete"];

impl Small {
    fn id(&self) -> Id {
        let place = format!("{}/{}", self.tenant, self.cluster);
        Id::builder("test").text(&place).number(self.time).number(self.number.into()).finish()
    }

    fn raw(&self) -> String {
        format!("{{\"time\":{},\"number\":{},\"name\":{}}}", self.time, self.number, self.name)
    }

    fn tenant(&self) -> Tenant {
        Tenant::new(TENANTS[self.tenant]).unwrap()
    }

    fn batch_of(rows: &[Self]) -> Vec<Batch> {
        rows.iter().map(Self::batch).collect()
    }

    fn batch(&self) -> Batch {
        let cluster = Cluster::new(CLUSTERS[self.cluster]).unwrap();
        let taken = Timestamp::from_nanos(self.time);
        let mut batch = Batch::new(&self.tenant(), &cluster, taken);
        self.push(&mut batch);
        batch
    }

    fn push(&self, batch: &mut Batch) {
        let name = format!("web-{}", self.name);
        let texts = Texts {
            stage: "ResponseComplete",
            actor: ACTORS[self.actor],
            verb: VERBS[self.verb],
            resource: "pods",
            name: &name,
            ..Texts::default()
        };
        let time = Timestamp::from_nanos(self.time);
        let raw = self.raw();
        batch.push(&Row { event: self.id(), time, code: 200, texts, raw: raw.as_bytes() });
    }
}

/// An archive whose segments never grow full and never age.
async fn open(folder: &Path) -> (Archive, Housekeeping) {
    Archive::open(Settings::new(folder.to_owned())).await.unwrap()
}

async fn close(work: Housekeeping) {
    work.run(|| Timestamp::EPOCH, std::future::ready(())).await;
}

/// Closes the segment that is filled, and seals it.
async fn seal(archive: &Archive, work: &Housekeeping) {
    archive.close_segment().await;
    // Orders are obeyed one after the other: what follows the append has seen the segment closed.
    archive.append(Small::last().batch()).await.unwrap();
    work.seal_all().await;
}

impl Small {
    /// A row of a tenant that no test asks for.
    fn last() -> Self {
        Self { tenant: 1, cluster: 1, time: -1, number: 0, actor: 0, verb: 0, name: 0 }
    }
}

async fn all_pages(archive: &Archive, query: Query) -> Vec<RawRecord> {
    let (mut records, mut query) = (Vec::new(), query);
    loop {
        let Page { records: page, next } = archive.query(query.clone()).await.unwrap();
        records.extend(page);
        match next {
            Some(cursor) => query = query.after(cursor),
            None => return records,
        }
    }
}

fn raws(records: &[RawRecord]) -> Vec<String> {
    records.iter().map(|it| String::from_utf8(it.raw.to_vec()).unwrap()).collect()
}
