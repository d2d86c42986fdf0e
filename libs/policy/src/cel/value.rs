//! Values of expressions. What comes from an object is borrowed from it: nothing is converted before an
//! expression asks for it.
//!
//! Owns what values are, and how JSON reads as values. Equality and order are `compare`'s.

use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;
use std::rc::Rc;

use airside_k8s::Value as Json;
use airside_k8s::quantity::Quantity;
use time::{Duration, OffsetDateTime};

use super::collection::{List, Map};
use super::library::cidr::Cidr;
use super::library::named_formats::Named;
use super::library::url::Url;
use super::syntax::Literal;

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Text<'a>),
    Bytes(Rc<[u8]>),
    List(List<'a>),
    Map(Map<'a>),
    Duration(Duration),
    Timestamp(OffsetDateTime),
    Type(&'static str),
    Optional(Option<Rc<Self>>),
    Quantity(Quantity),
    Ip(IpAddr),
    Cidr(Cidr),
    Url(Rc<Url>),
    Semver(Rc<semver::Version>),
    Format(&'static Named),
}

impl<'a> Value<'a> {
    /// A text that an expression made.
    pub(crate) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(Text::Shared(text.into()))
    }

    /// A list that an expression made.
    pub(crate) fn list(values: Vec<Self>) -> Self {
        Self::List(List::Own(values.into()))
    }

    /// An optional: with a value, or empty.
    pub(crate) fn optional(value: Option<Self>) -> Self {
        Self::Optional(value.map(Rc::new))
    }

    /// JSON as a value. Whole numbers that fit into 64 bits are ints, as for Kubernetes.
    pub(crate) fn of_json(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Int(whole),
                (None, Some(double)) => Self::Double(double),
                (None, None) => Self::Null,
            },
            Json::String(text) => Self::Text(Text::Borrowed(text)),
            Json::Array(values) => Self::List(List::Json(values)),
            Json::Object(fields) => Self::Map(Map::Json(fields)),
        }
    }

    /// A literal as a value.
    pub(crate) fn of_literal(literal: &'a Literal) -> Self {
        match literal {
            Literal::Null => Self::Null,
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Int(value) => Self::Int(*value),
            Literal::Uint(value) => Self::Uint(*value),
            Literal::Double(value) => Self::Double(*value),
            Literal::Text(text) => Self::Text(Text::Borrowed(text)),
            Literal::Bytes(bytes) => Self::Bytes(bytes.as_slice().into()),
        }
    }

    /// The name of the value's type, as `type()` and errors give it.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Type(_) => "type",
            Self::Optional(_) => "optional_type",
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Ip(_) => "net.IP",
            Self::Cidr(_) => "net.CIDR",
            Self::Url(_) => "kubernetes.URL",
            Self::Semver(_) => "kubernetes.Semver",
            Self::Format(_) => "kubernetes.NamedFormat",
        }
    }

    /// The size by which operations on the value cost: letters, elements, entries.
    pub(crate) fn extent(&self) -> u64 {
        let extent = match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(list) => list.len(),
            Self::Map(map) => map.len(),
            _ => 1,
        };
        u64::try_from(extent).unwrap_or(u64::MAX)
    }
}

/// Text, borrowed from an object or a literal, or shared.
#[derive(Debug, Clone)]
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    Shared(Rc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}
