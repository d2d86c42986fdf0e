//! Kubernetes objects, as text and as values.
//!
//! Owns how YAML and JSON become objects with a line and a column for every key and value ([`yaml`],
//! [`places`], [`value`]), views over objects and over the pods that they would start ([`object`], [`workload`]),
//! what kinds are called as resources ([`resource`]), quantities ([`quantity`]), how objects hang together
//! ([`graph`], [`rbac`]), how Kubernetes' own components are configured ([`component`]), which objects lie within others
//! ([`embedded`]), the digests of a
//! boarding pass and their comparison with a live object ([`boarding_pass`]), which lines of a chart or
//! kustomization a rendered object comes from ([`chart`], [`kustomization`]), and the admission webhook's
//! messages ([`admission`]).
//! It judges nothing (`airside-checks` does) and reads no file, cluster or clock.

pub mod admission;
pub mod boarding_pass;
pub mod chart;
pub mod component;
pub mod embedded;
pub mod fields;
pub mod graph;
pub mod kustomization;
pub mod live;
pub mod object;
pub mod places;
pub mod quantity;
pub mod rbac;
pub mod resource;
pub mod value;
pub mod workload;
pub mod yaml;

pub use graph::{Completeness, Graph};
pub use object::{Located, Object};
pub use places::{Places, PlacesView, Position};
pub use value::{Map, Value};
pub use workload::{Breakout, Container, ContainerRole, HostPath, PodSpec};
pub use yaml::{Document, Limits, Parsed, YamlError};
