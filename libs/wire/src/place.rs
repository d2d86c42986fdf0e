//! Places on the wire.

use airside_types::Place;

use crate::invalid::InvalidField;
use crate::{bounded, field, v1};

impl From<&Place> for v1::Place {
    fn from(place: &Place) -> Self {
        Self { path: bounded::file_path(&place.path), line: place.line, column: place.column }
    }
}

impl TryFrom<v1::Place> for Place {
    type Error = InvalidField;

    fn try_from(place: v1::Place) -> Result<Self, Self::Error> {
        Ok(Self {
            path: field::file_path("path", place.path)?.into(),
            line: place.line,
            column: place.column,
        })
    }
}
