//! Which fields make two digests of one object different.

use std::collections::BTreeMap;

use airside_types::{FieldDigest, FieldPath};

/// The fields that one of two contents has and the other has not, or has with another value; in the order of
/// the fields. None where the digests of both contents are the same.
pub fn changed(signed: &[FieldDigest], now: &[FieldDigest]) -> Vec<FieldPath> {
    let mut fields: BTreeMap<&FieldPath, [Option<u64>; 2]> = BTreeMap::new();
    for it in signed {
        fields.entry(&it.field).or_default()[0] = Some(it.digest);
    }
    for it in now {
        fields.entry(&it.field).or_default()[1] = Some(it.digest);
    }
    let differs = |(field, [signed, now]): (&FieldPath, [Option<u64>; 2])| {
        (signed != now).then(|| field.clone())
    };
    fields.into_iter().filter_map(differs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(digests: &[(&str, u64)]) -> Vec<FieldDigest> {
        let field = |text: &str| FieldPath::parse(text).unwrap();
        digests
            .iter()
            .map(|(text, digest)| FieldDigest { field: field(text), digest: *digest })
            .collect()
    }

    #[test]
    fn what_is_added_removed_or_another_value_is_changed() {
        let signed = fields(&[("spec.a", 1), ("spec.b", 2), ("spec.c[0]", 3)]);
        assert!(changed(&signed, &signed).is_empty());
        let now = fields(&[("spec.a", 1), ("spec.b", 9), ("spec.d", 4)]);
        let paths: Vec<_> = changed(&signed, &now).iter().map(ToString::to_string).collect();
        assert_eq!(paths, ["spec.b", "spec.c[0]", "spec.d"]);
    }
}
