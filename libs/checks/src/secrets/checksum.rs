//! The checksums that some credentials carry.

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Whether the last six characters are the CRC-32 of those before, in base 62: tokens of GitHub.
pub(super) fn ends_in_crc32(body: &str) -> bool {
    let Some((random, checksum)) =
        body.len().checked_sub(6).and_then(|at| body.split_at_checked(at))
    else {
        return false;
    };
    let mut rest = crc32(random.as_bytes());
    let expected = checksum.bytes().rev().all(|given| {
        let digit = BASE62.get((rest % 62) as usize);
        rest /= 62;
        digit == Some(&given)
    });
    expected && rest == 0
}

/// CRC-32 as in zip files, without a table: tokens are short.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes
        .iter()
        .fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// Whether a text is bech32 with a right checksum (BIP 173), such as the secret keys of age.
pub(super) fn is_bech32(prefix: &str, data: &str) -> bool {
    let prefix = prefix.to_ascii_lowercase();
    let high = prefix.bytes().map(|byte| u32::from(byte >> 5));
    let low = prefix.bytes().map(|byte| u32::from(byte & 31));
    let mut values: Vec<u32> = high.chain([0]).chain(low).collect();
    for byte in data.bytes().map(|byte| byte.to_ascii_lowercase()) {
        let Some(value) = BECH32.iter().position(|known| *known == byte) else { return false };
        values.push(u32::try_from(value).unwrap_or_default());
    }
    polymod(&values) == 1
}

fn polymod(values: &[u32]) -> u32 {
    const GENERATORS: [u32; 5] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3];
    values.iter().fold(1, |checksum, value| {
        let top = checksum >> 25;
        let next = ((checksum & 0x01FF_FFFF) << 5) ^ value;
        let chosen = GENERATORS.iter().enumerate().filter(|(bit, _)| (top >> bit) & 1 == 1);
        chosen.fold(next, |next, (_, generator)| next ^ generator)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_right_or_wrong() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert!(ends_in_crc32("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"));
        assert!(!ends_in_crc32("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18"));
        assert!(!ends_in_crc32("short"));
        assert!(is_bech32("A", "2uel5l"));
        assert!(!is_bech32("A", "2uel5q"));
    }
}
