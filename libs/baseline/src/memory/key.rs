//! Keys: 64 bits for what was done, so that remembering it takes no text.

/// A digest of parts. Two of a cluster's few million different parts share one seldom enough: a shared key
/// makes something new look known, once in a thousand clusters.
pub(crate) type Key = u64;

/// The key of parts, under a name that tells different uses apart.
pub(crate) fn key(domain: &str, parts: &[&str]) -> Key {
    let all = std::iter::once(&domain).chain(parts);
    finish(all.fold(START, |hash, part| {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        let (words, rest) = part.as_bytes().as_chunks::<8>();
        let hash = words.iter().fold(mix(hash, length), |hash, word| {
            // Of a product the high bits know all of the factors: they are brought down for the next word.
            let hash = mix(hash, u64::from_le_bytes(*word));
            hash ^ (hash >> 32)
        });
        rest.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)))
    }))
}

/// The key of a number, under a name.
pub(crate) fn key_of_number(domain: &str, number: u128) -> Key {
    let halves = [number as u64, (number >> 64) as u64];
    finish(halves.into_iter().fold(key(domain, &[]), mix))
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, a byte (or a number) at a time: eight bytes at a time it takes an eighth of the time.
const fn mix(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(0x0000_0100_0000_01b3)
}

/// Spreads every bit over all.
const fn finish(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_be_cut_otherwise() {
        let keys = [
            key("a", &["b", "c"]),
            key("a", &["bc", ""]),
            key("a", &["", "bc"]),
            key("a", &["bc"]),
            key("ab", &["c"]),
        ];
        for (index, one) in keys.iter().enumerate() {
            assert!(keys.iter().skip(index + 1).all(|other| other != one));
        }
    }
}
