//! Blocks of addresses (CIDR), and which addresses lie on the internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    first: u128,
    /// How many addresses follow the first.
    size: u128,
    is_v4: bool,
}

impl Block {
    /// Reads `10.0.0.0/8`; an address alone is a block of one.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let (bits, width) = bits(address);
        let length = length.unwrap_or(width);
        let free = width.checked_sub(length)?;
        let size = if free == 128 { u128::MAX } else { (1_u128 << free) - 1 };
        Some(Self { first: bits & !size, size, is_v4: width == 32 })
    }

    /// Whether it holds an address.
    pub fn contains(self, address: IpAddr) -> bool {
        let (bits, width) = bits(address);
        let is_same_family = self.is_v4 == (width == 32);
        is_same_family && bits >= self.first && bits - self.first <= self.size
    }

    /// Whether it holds all addresses of its family.
    pub const fn is_all(self) -> bool {
        self.size == if self.is_v4 { u32::MAX as u128 } else { u128::MAX }
    }

    /// Whether none of its addresses lies on the internet.
    pub fn is_private(self) -> bool {
        not_public().any(|other| other.holds(self))
    }

    /// Whether it holds all addresses of another.
    fn holds(self, other: Self) -> bool {
        self.contains(other.address(other.first))
            && self.contains(other.address(other.first.saturating_add(other.size)))
    }

    /// Whether no pod can have an address of it: loopback, link-local, multicast.
    pub fn is_never_a_pods(self) -> bool {
        const NEVER: [&str; 6] =
            ["127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "::1/128", "fe80::/10", "ff00::/8"];
        NEVER.iter().filter_map(|block| Self::parse(block)).any(|other| other.holds(self))
    }

    /// Its first address, and the first one behind it: where what it holds begins and ends.
    pub(in crate::graph) fn bounds(self) -> impl Iterator<Item = IpAddr> {
        let last = self.first.saturating_add(self.size);
        let behind =
            last.checked_add(1).filter(|bits| !self.is_v4 || *bits <= u128::from(u32::MAX));
        std::iter::once(self.first).chain(behind).map(move |bits| self.address(bits))
    }

    fn address(self, bits: u128) -> IpAddr {
        match u32::try_from(bits) {
            Ok(bits) if self.is_v4 => IpAddr::V4(Ipv4Addr::from(bits)),
            _ => IpAddr::V6(Ipv6Addr::from(bits)),
        }
    }
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

/// The blocks that are not the internet's: private use, the node's own link, clouds' pods (RFC 6598), what
/// has no sender or many receivers.
const NOT_PUBLIC: [&str; 13] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "::/16",
    "64:ff9b:1::/48",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

/// Whether an address lies on the internet.
pub fn is_public(address: IpAddr) -> bool {
    !not_public().any(|block| block.contains(address))
}

/// Whether blocks hold, together, every address of the internet of one family.
pub(super) fn hold_internet(blocks: &[Block]) -> bool {
    [true, false].into_iter().any(|is_v4| {
        let last = if is_v4 { u128::from(u32::MAX) } else { u128::MAX };
        let mut held: Vec<Block> = blocks.iter().copied().chain(not_public()).collect();
        held.retain(|block| block.is_v4 == is_v4);
        held.sort_unstable_by_key(|block| block.first);
        // The first address that none of those so far holds; none where they hold all.
        let mut open = Some(0_u128);
        for block in held {
            open = open.and_then(|open| match block.first.saturating_add(block.size) {
                end if block.first > open || end < open => Some(open),
                end => end.checked_add(1).filter(|next| *next <= last),
            });
        }
        open.is_none()
    })
}

/// The blocks that are not the internet's.
pub(in crate::graph) fn not_public() -> impl Iterator<Item = Block> {
    NOT_PUBLIC.iter().filter_map(|block| Block::parse(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_their_addresses() {
        for (block, address, holds) in [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.1.2.3/8", "10.0.0.0", true),
            ("169.254.169.254", "169.254.169.254", true),
            ("169.254.169.254", "169.254.169.253", false),
            ("0.0.0.0/0", "1.1.1.1", true),
            ("0.0.0.0/0", "2606:4700::1", false),
            ("::/0", "2606:4700::1", true),
            ("fd00::/8", "fd12::1", true),
            ("255.255.255.255/32", "255.255.255.255", true),
        ] {
            let block = Block::parse(block).unwrap();
            assert_eq!(block.contains(address.parse().unwrap()), holds, "{block:?} {address}");
        }
        for text in ["10.0.0.0/33", "::/129", "10.0.0/8", "", "10.0.0.0/x"] {
            assert_eq!(Block::parse(text), None, "{text}");
        }
        let bounds = |text| -> Vec<String> {
            Block::parse(text).unwrap().bounds().map(|address| address.to_string()).collect()
        };
        assert_eq!(bounds("10.0.0.0/8"), ["10.0.0.0", "11.0.0.0"]);
        assert_eq!(bounds("128.0.0.0/1"), ["128.0.0.0"]);
        assert_eq!(bounds("::/0"), ["::"]);
    }

    #[test]
    fn blocks_hold_the_internet_together() {
        for (blocks, expected) in [
            (vec![], false),
            (vec!["0.0.0.0/0"], true),
            (vec!["::/0"], true),
            (vec!["0.0.0.0/1"], false),
            (vec!["0.0.0.0/1", "128.0.0.0/1"], true),
            (vec!["128.0.0.0/1", "0.0.0.0/1"], true),
            (vec!["0.0.0.0/1", "128.0.0.0/2"], false),
            (vec!["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"], true),
            (vec!["1.0.0.0/8", "0.0.0.0/1", "2.0.0.0/8", "128.0.0.0/1"], true),
            (vec!["::/1", "8000::/1"], true),
            (vec!["0.0.0.0/1", "8000::/1"], false),
            (vec!["10.0.0.0/8"], false),
        ] {
            let blocks: Vec<_> = blocks.into_iter().map(|it| Block::parse(it).unwrap()).collect();
            assert_eq!(hold_internet(&blocks), expected, "{blocks:?}");
        }
    }

    #[test]
    fn the_internet_is_what_is_not_set_aside() {
        for (address, expected) in [
            ("8.8.8.8", true),
            ("10.0.0.1", false),
            ("172.31.0.1", false),
            ("172.32.0.1", true),
            ("100.64.0.1", false),
            ("169.254.169.254", false),
            ("2606:4700::1111", true),
            ("fd00::1", false),
            ("::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
        assert!(Block::parse("169.254.169.254/32").unwrap().is_never_a_pods());
        assert!(!Block::parse("0.0.0.0/0").unwrap().is_never_a_pods());
        for (block, expected) in [
            ("10.0.0.0/8", true),
            ("10.0.0.0/7", false),
            ("192.168.4.0/24", true),
            ("192.0.2.1", false),
            ("0.0.0.0/0", false),
            ("::/0", false),
            ("fd00::/8", true),
        ] {
            assert_eq!(Block::parse(block).unwrap().is_private(), expected, "{block}");
        }
    }
}
