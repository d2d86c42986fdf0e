//! Generators for origins and for what a pass says of its terms.

use airside_types::{
    AcceptedFinding, Attestation, ChartRendering, ChartValue, Knowledge, KustomizationRendering,
    Origin, Rendering, Revision, Rules, SourceLine,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{Scale, id, list, place, severity, text, time};

pub(super) fn origin(scale: Scale) -> impl Strategy<Value = Box<Origin>> + Clone {
    let revision = (option::of(text(scale)), text(scale), text(scale), any::<bool>()).prop_map(
        |(repository, commit, path, is_dirty)| Revision { repository, commit, path, is_dirty },
    );
    let chart = (
        (text(scale), text(scale), text(scale)),
        (option::of(any::<u32>()), list(scale, text(scale))),
    )
        .prop_map(|((name, version, template), (line, values))| {
            Rendering::Chart(ChartRendering { name, version, template, line, values })
        });
    let kustomization = (
        (text(scale), option::of(text(scale)), option::of(any::<u32>())),
        (option::of(text(scale)), option::of(text(scale))),
    )
        .prop_map(|((folder, file, line), (repository, reference))| {
            let from = KustomizationRendering { folder, file, line, repository, reference };
            Rendering::Kustomization(from)
        });
    let rendering = option::of(prop_oneof![chart, kustomization]).boxed();
    (option::of(revision), rendering)
        .prop_map(|(revision, rendering)| Box::new(Origin { revision, rendering }))
        .boxed()
}

pub(super) fn source_line(scale: Scale) -> impl Strategy<Value = Box<SourceLine>> + Clone {
    let value = (text(scale), option::of(place(scale)))
        .prop_map(|(key, place)| ChartValue { key, place })
        .boxed();
    (place(scale), list(scale, value))
        .prop_map(|(place, values)| Box::new(SourceLine { place, values }))
        .boxed()
}

pub(super) fn rules(scale: Scale) -> impl Strategy<Value = Rules> + Clone {
    (text(scale), id(), severity(), data()).prop_map(
        |(version, digest, failing, vulnerability_data)| Rules {
            version,
            digest,
            failing,
            vulnerability_data,
        },
    )
}

pub(super) fn knowledge() -> impl Strategy<Value = Knowledge> + Clone {
    (text(Scale::Ordinary), id(), data()).prop_map(|(version, catalogue, vulnerability_data)| {
        Knowledge { version, catalogue, vulnerability_data }
    })
}

/// The date of vulnerability data.
fn data() -> impl Strategy<Value = Option<String>> + Clone {
    option::of("20[0-9]{2}-(0[1-9]|1[0-2])(-[0-2][0-9])?".boxed())
}

pub(super) fn accepted(scale: Scale) -> impl Strategy<Value = AcceptedFinding> + Clone {
    (id(), text(scale), text(scale), option::of(time())).prop_map(
        |(finding, check, reason, until)| AcceptedFinding { finding, check, reason, until },
    )
}

pub(super) fn attestation(scale: Scale) -> impl Strategy<Value = Attestation> + Clone {
    (vec(any::<u8>(), 0..40), text(scale), vec(any::<u8>(), 0..70))
        .prop_map(|(statement, key, signature)| Attestation { statement, key, signature })
}
