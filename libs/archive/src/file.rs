//! One Parquet file: its columns, and its name, which says what a query has to know before it is opened.
//!
//! A file has the records of one cluster that were taken in on one day, in the order of their time; clusters of
//! which little came share one (`seal.rs`). Any engine that reads Parquet reads it: the file itself says whose
//! records it has.

use std::sync::Arc;

use airside_types::{Cluster, Id, Tenant, Timestamp};
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::errors::ParquetError;
use parquet::schema::types::{PrimitiveTypeBuilder, Type, TypePtr};

use crate::instance::Instance;
use crate::record::TEXTS;

mod read;
mod write;

pub(crate) use read::{ArchiveFile, Group, Moment, Place};
pub(crate) use write::write;

/// Rows of a row group at most: what is decoded together, and what one bloom filter tells of.
const GROUP_ROWS: usize = 32_768;

/// The columns by number; the texts lie from [`FIRST_TEXT`] on.
const EVENT: usize = 0;
const TIME: usize = 1;
const TAKEN: usize = 2;
const TENANT: usize = 3;
const CLUSTER: usize = 4;
const CODE: usize = 5;
const BYTES: usize = 6;
const FIRST_TEXT: usize = 7;
const RAW: usize = FIRST_TEXT + TEXTS;

/// The names of the columns of texts, in their order.
const TEXT_NAMES: [&str; TEXTS] = [
    "audit_id",
    "stage",
    "actor",
    "impersonated",
    "verb",
    "group",
    "resource",
    "subresource",
    "namespace",
    "name",
    "address",
    "user_agent",
];

/// The columns of texts that have a bloom filter: each record may have another one.
const SELECTIVE: [&str; 4] = ["audit_id", "actor", "name", "address"];

/// The columns of every file.
fn schema() -> Result<TypePtr, ParquetError> {
    fn column(name: &str, physical: Physical) -> PrimitiveTypeBuilder<'_> {
        Type::primitive_type_builder(name, physical).with_repetition(Repetition::REQUIRED)
    }
    let time = |name| {
        let utc_nanos = LogicalType::timestamp(true, TimeUnit::NANOS);
        column(name, Physical::INT64).with_logical_type(Some(utc_nanos)).build()
    };
    let text = |name| {
        column(name, Physical::BYTE_ARRAY).with_logical_type(Some(LogicalType::String)).build()
    };
    let mut columns = vec![
        column("event", Physical::FIXED_LEN_BYTE_ARRAY).with_length(16).build()?,
        time("time")?,
        time("taken")?,
        text("tenant")?,
        text("cluster")?,
        column("code", Physical::INT32).build()?,
        column("bytes", Physical::INT32).build()?,
    ];
    for name in TEXT_NAMES {
        columns.push(text(name)?);
    }
    columns.push(column("raw", Physical::BYTE_ARRAY).build()?);
    let columns = columns.into_iter().map(Arc::new).collect();
    Ok(Arc::new(Type::group_type_builder("records").with_fields(columns).build()?))
}

/// Stands in a path in place of a cluster's name where several share the file; no cluster has such a name.
const SEVERAL: &str = "several_clusters";

/// What is known of a file by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileName {
    pub(crate) tenant: Tenant,
    /// The cluster of all its records; none where several share the file.
    pub(crate) cluster: Option<Cluster>,
    /// The earliest and the latest time of its records.
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    /// When the latest of them was taken in.
    pub(crate) taken: Timestamp,
    /// What tells it from others: derived from its records, so that a segment which is sealed again after a
    /// crash gives the same files.
    pub(crate) digest: Id,
    /// Whose file it is, where several archives have theirs in one place.
    pub(crate) instance: Option<Instance>,
}

impl FileName {
    /// The path, below the archive's folder.
    pub(crate) fn path(&self) -> String {
        let Self { tenant, cluster, first, last, taken, digest, instance } = self;
        let day = day(*taken);
        let [first, last, taken] = [first, last, taken].map(|time| time.as_nanos());
        let cluster = cluster.as_ref().map_or(SEVERAL, Cluster::as_str);
        let whose = instance.as_ref().map(|it| format!("_{it}")).unwrap_or_default();
        format!("{tenant}/{cluster}/{day}/{first}_{last}_{taken}_{digest}{whose}.parquet")
    }

    /// Whether it may have records of a cluster.
    pub(crate) fn may_have(&self, cluster: &Cluster) -> bool {
        self.cluster.as_ref().is_none_or(|of| of == cluster)
    }

    /// Whether a file is one's own: not another's, in a place that several share.
    pub(crate) fn is_own(&self, own: Option<&Instance>) -> bool {
        own.is_none() || self.instance.as_ref() == own
    }

    /// Reads a path. None for a file that is not of this archive.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut folders = path.split('/');
        let tenant = Tenant::new(folders.next()?).ok()?;
        let cluster = match folders.next()? {
            SEVERAL => None,
            name => Some(Cluster::new(name).ok()?),
        };
        let (_day, name) = (folders.next()?, folders.next()?.strip_suffix(".parquet")?);
        let mut parts = name.split('_');
        let mut time = || parts.next()?.parse().ok().map(Timestamp::from_nanos);
        let (first, last, taken) = (time()?, time()?, time()?);
        let digest = parts.next()?.parse().ok()?;
        let instance = parts.next().map(str::parse).transpose().ok()?;
        let name = Self { tenant, cluster, first, last, taken, digest, instance };
        (folders.next().is_none() && parts.next().is_none()).then_some(name)
    }
}

/// The day of a time, such as `2026-11-26`.
pub(crate) fn day(time: Timestamp) -> String {
    let text = time.to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_its_path() {
        let name = FileName {
            tenant: Tenant::default(),
            cluster: Some(Cluster::new("prod-1").unwrap()),
            first: Timestamp::from_nanos(-1),
            last: Timestamp::from_nanos(5),
            taken: Timestamp::parse_rfc3339("2026-11-26T11:00:00Z").unwrap(),
            digest: Id::from_bytes([9; 16]),
            instance: None,
        };
        let path = name.path();
        assert!(path.starts_with("default/prod-1/2026-11-26/-1_5_"), "{path}");
        assert_eq!(FileName::parse(&path), Some(name.clone()));
        for foreign in ["", "a/b/c/d.parquet", "README.md", "a/b/c/1_2_3_x.parquet"] {
            assert_eq!(FileName::parse(foreign), None, "{foreign}");
        }
        let shared = FileName { cluster: None, ..name.clone() };
        let path = shared.path();
        assert!(path.starts_with("default/several_clusters/2026-11-26/-1_5_"), "{path}");
        assert_eq!(FileName::parse(&path), Some(shared));
        let name = FileName { instance: Some("intake-1".parse().unwrap()), ..name };
        let path = name.path();
        assert_eq!(FileName::parse(&path), Some(name));
        for foreign in
            [path.replace("-1.parquet", "_1.parquet"), path.clone() + "/x", "x/".to_owned() + &path]
        {
            assert_eq!(FileName::parse(&foreign), None, "{foreign}");
        }
    }
}
