//! Origins on the wire: repositories, commits, charts, kustomizations, and the lines that were rendered.

use airside_types::{
    ChartRendering, ChartValue, KustomizationRendering, Origin, Rendering, Revision, SourceLine,
};

use crate::invalid::InvalidField;
use crate::limits::{MAX_CHART_VALUES, MAX_VALUES_FILES};
use crate::{bounded, field, v1};

impl From<&Origin> for v1::Origin {
    fn from(origin: &Origin) -> Self {
        use v1::origin::Rendering as Wire;
        Self {
            revision: origin.revision.as_ref().map(Into::into),
            rendering: origin.rendering.as_ref().map(|rendering| match rendering {
                Rendering::Chart(chart) => Wire::Chart(chart.into()),
                Rendering::Kustomization(from) => Wire::Kustomization(from.into()),
            }),
        }
    }
}

impl TryFrom<v1::Origin> for Origin {
    type Error = InvalidField;

    fn try_from(origin: v1::Origin) -> Result<Self, Self::Error> {
        use v1::origin::Rendering as Wire;
        let rendering = match origin.rendering {
            None => None,
            Some(Wire::Chart(chart)) => {
                Some(Rendering::Chart(field::required("chart", Some(chart))?))
            }
            Some(Wire::Kustomization(from)) => {
                Some(Rendering::Kustomization(field::required("kustomization", Some(from))?))
            }
        };
        Ok(Self { revision: field::optional("revision", origin.revision)?, rendering })
    }
}

impl From<&Revision> for v1::Revision {
    fn from(revision: &Revision) -> Self {
        Self {
            repository: revision.repository.as_deref().map(bounded::file_path),
            commit: bounded::identity(&revision.commit),
            path: bounded::file_path(&revision.path),
            is_dirty: revision.is_dirty,
        }
    }
}

impl TryFrom<v1::Revision> for Revision {
    type Error = InvalidField;

    fn try_from(revision: v1::Revision) -> Result<Self, Self::Error> {
        Ok(Self {
            repository: optional_path("repository", revision.repository)?,
            commit: field::identity("commit", revision.commit)?,
            path: field::file_path("path", revision.path)?,
            is_dirty: revision.is_dirty,
        })
    }
}

impl From<&ChartRendering> for v1::ChartRendering {
    fn from(chart: &ChartRendering) -> Self {
        let values = chart.values.iter().take(MAX_VALUES_FILES);
        Self {
            name: bounded::identity(&chart.name),
            version: bounded::identity(&chart.version),
            template: bounded::file_path(&chart.template),
            line: chart.line,
            values: values.map(|path| bounded::file_path(path)).collect(),
        }
    }
}

impl TryFrom<v1::ChartRendering> for ChartRendering {
    type Error = InvalidField;

    fn try_from(chart: v1::ChartRendering) -> Result<Self, Self::Error> {
        Ok(Self {
            name: field::identity("name", chart.name)?,
            version: field::identity("version", chart.version)?,
            template: field::file_path("template", chart.template)?,
            line: chart.line,
            values: field::each("values", chart.values, MAX_VALUES_FILES, |path| {
                field::file_path("", path)
            })?,
        })
    }
}

impl From<&KustomizationRendering> for v1::KustomizationRendering {
    fn from(from: &KustomizationRendering) -> Self {
        Self {
            folder: bounded::file_path(&from.folder),
            file: from.file.as_deref().map(bounded::file_path),
            line: from.line,
            repository: from.repository.as_deref().map(bounded::file_path),
            reference: from.reference.as_deref().map(bounded::identity),
        }
    }
}

impl TryFrom<v1::KustomizationRendering> for KustomizationRendering {
    type Error = InvalidField;

    fn try_from(from: v1::KustomizationRendering) -> Result<Self, Self::Error> {
        Ok(Self {
            folder: field::file_path("folder", from.folder)?,
            file: optional_path("file", from.file)?,
            line: from.line,
            repository: optional_path("repository", from.repository)?,
            reference: from.reference.map(|it| field::identity("reference", it)).transpose()?,
        })
    }
}

impl From<&SourceLine> for v1::SourceLine {
    fn from(line: &SourceLine) -> Self {
        Self {
            place: Some((&line.place).into()),
            values: bounded::list(&line.values, MAX_CHART_VALUES),
        }
    }
}

impl TryFrom<v1::SourceLine> for SourceLine {
    type Error = InvalidField;

    fn try_from(line: v1::SourceLine) -> Result<Self, Self::Error> {
        Ok(Self {
            place: field::required("place", line.place)?,
            values: field::list("values", line.values, MAX_CHART_VALUES)?,
        })
    }
}

impl From<&ChartValue> for v1::ChartValue {
    fn from(value: &ChartValue) -> Self {
        Self { key: bounded::identity(&value.key), place: value.place.as_ref().map(Into::into) }
    }
}

impl TryFrom<v1::ChartValue> for ChartValue {
    type Error = InvalidField;

    fn try_from(value: v1::ChartValue) -> Result<Self, Self::Error> {
        Ok(Self {
            key: field::identity("key", value.key)?,
            place: field::optional("place", value.place)?,
        })
    }
}

fn optional_path(name: &str, path: Option<String>) -> Result<Option<String>, InvalidField> {
    path.map(|path| field::file_path(name, path)).transpose()
}
