//! Records on their way into one file, column by column.
//!
//! Batches have them row by row: each row is taken apart once, in the order in which it was appended, and no column goes
//! through the bytes of the others. The rows are put in order by their numbers, not moved. What the columns of a file
//! are is `file.rs`'.

use airside_types::{Cluster, Timestamp};
use bytes::Bytes;

use crate::query::Key;
use crate::record::{Head, Row, TEXTS};

/// Rows of one file, in the order in which they were appended.
#[derive(Debug, Default)]
pub(crate) struct Table<'s> {
    keys: Vec<Key>,
    taken: Vec<Timestamp>,
    clusters: Vec<Cluster>,
    codes: Vec<u16>,
    raws: Vec<&'s [u8]>,
    texts: [Texts; TEXTS],
}

/// The texts of one column, one after the other.
#[derive(Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends.
    ends: Vec<usize>,
}

impl<'s> Table<'s> {
    /// Makes room for so many rows more.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.keys.reserve(rows);
        self.taken.reserve(rows);
        self.clusters.reserve(rows);
        self.codes.reserve(rows);
        self.raws.reserve(rows);
        self.texts.iter_mut().for_each(|column| column.ends.reserve(rows));
    }

    /// Adds a row of a batch with this head.
    pub(crate) fn add(&mut self, row: &Row<'s>, head: &Head) {
        self.keys.push(Key::of(row));
        self.taken.push(head.taken);
        self.clusters.push(head.cluster.clone());
        self.codes.push(row.code);
        self.raws.push(row.raw);
        for (column, text) in self.texts.iter_mut().zip(row.texts.each()) {
            column.bytes.extend_from_slice(text.as_bytes());
            column.ends.push(column.bytes.len());
        }
    }

    /// The rows in their order; what a cluster sent twice is there once.
    pub(crate) fn in_order(self) -> Ordered<'s> {
        let Self { keys, taken, clusters, codes, raws, texts } = self;
        let key = |row: usize| keys.get(row);
        let mut order: Vec<usize> = (0..keys.len()).collect();
        if !keys.is_sorted() {
            order.sort_by_key(|row| key(*row));
        }
        let whole = |row: usize| (key(row), clusters.get(row), raws.get(row));
        order.dedup_by(|a, b| whole(*a) == whole(*b));
        let texts = texts.map(|Texts { bytes, ends }| TextColumn { bytes: bytes.into(), ends });
        Ordered { order, keys, taken, clusters, codes, raws, texts }
    }
}

/// Rows of one file, in the order in which they lie there.
#[derive(Debug)]
pub(crate) struct Ordered<'s> {
    /// The numbers of the rows, by which the columns have them.
    order: Vec<usize>,
    keys: Vec<Key>,
    taken: Vec<Timestamp>,
    clusters: Vec<Cluster>,
    codes: Vec<u16>,
    raws: Vec<&'s [u8]>,
    texts: [TextColumn; TEXTS],
}

/// The texts of one column, to be shared.
#[derive(Debug)]
struct TextColumn {
    bytes: Bytes,
    ends: Vec<usize>,
}

impl TextColumn {
    fn text(&self, row: usize) -> Option<Bytes> {
        let begin = match row.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        Some(self.bytes.slice(begin..*self.ends.get(row)?))
    }
}

impl<'s> Ordered<'s> {
    /// All rows.
    pub(crate) fn rows(&self) -> Rows<'_, 's> {
        Rows { of: self, numbers: &self.order }
    }
}

/// Rows that follow each other in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'t, 's> {
    of: &'t Ordered<'s>,
    numbers: &'t [usize],
}

impl<'t, 's> Rows<'t, 's> {
    /// How many they are.
    pub(crate) const fn len(self) -> usize {
        self.numbers.len()
    }

    /// So many at a time.
    pub(crate) fn chunks(self, rows: usize) -> impl Iterator<Item = Self> {
        self.numbers.chunks(rows).map(move |numbers| Self { numbers, ..self })
    }

    /// Where each lies in the order of answers.
    pub(crate) fn keys(self) -> impl Iterator<Item = Key> {
        self.column(&self.of.keys)
    }

    /// When each was taken in.
    pub(crate) fn taken(self) -> impl Iterator<Item = Timestamp> {
        self.column(&self.of.taken)
    }

    /// The cluster that each is of.
    pub(crate) fn clusters(self) -> impl Iterator<Item = &'t Cluster> {
        self.numbers.iter().filter_map(move |row| self.of.clusters.get(*row))
    }

    /// The HTTP status of each.
    pub(crate) fn codes(self) -> impl Iterator<Item = u16> {
        self.column(&self.of.codes)
    }

    /// The bytes of each as they came.
    pub(crate) fn raws(self) -> impl Iterator<Item = &'s [u8]> {
        self.column(&self.of.raws)
    }

    /// The text of each in one of the columns of texts.
    pub(crate) fn texts(self, column: usize) -> impl Iterator<Item = Bytes> {
        let column = self.of.texts.get(column);
        self.numbers.iter().filter_map(move |row| column?.text(*row))
    }

    fn column<T: Copy>(self, column: &'t [T]) -> impl Iterator<Item = T> + use<'t, T> {
        self.numbers.iter().filter_map(move |row| column.get(*row).copied())
    }
}
