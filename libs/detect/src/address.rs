//! Addresses: which belong to the public internet, and sets of them. Own tests of IP ranges, as the standard
//! library's are not stable yet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network in CIDR notation, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: u128,
    last: u128,
}

/// A text that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network: write an address, or a network such as 10.0.0.0/8")]
pub struct NoNetwork(pub String);

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let wrong = || NoNetwork(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let ip: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let width = if ip.is_ipv4() { 32 } else { 128 };
        let bits: u32 = bits.map_or(Ok(width), |bits| bits.trim().parse().map_err(|_| wrong()))?;
        let free = width.checked_sub(bits).ok_or_else(wrong)?;
        // All bits that are free; a shift by the whole width is none.
        let mask = u128::MAX.checked_shr(128 - free).unwrap_or(0);
        let number = number(ip);
        Ok(Self { first: number & !mask, last: number | mask })
    }
}

/// An address of either family as a number, so that they can be compared.
fn number(ip: IpAddr) -> u128 {
    match ip.to_canonical() {
        IpAddr::V4(ip) => u128::from(ip.to_ipv6_mapped()),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

/// A set of addresses, of any size: looking one up takes a binary search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressSet {
    /// Networks without overlaps, in order.
    networks: Vec<Network>,
}

impl AddressSet {
    /// The set of no address.
    pub const EMPTY: Self = Self { networks: Vec::new() };

    /// Whether no address is in the set.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// Whether an address is in the set.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let number = number(ip);
        let after = self.networks.partition_point(|network| network.first <= number);
        let before = after.checked_sub(1).and_then(|at| self.networks.get(at));
        before.is_some_and(|network| network.last >= number)
    }

    /// Whether half of the internet or more is in the set, of either family: as many addresses are no network of anybody's.
    pub(crate) fn is_most_of_internet(&self) -> bool {
        // 0.0.0.0/0, and of the newer addresses those that are given out: 2000::/3.
        const FAMILIES: [Network; 2] = [
            Network { first: 0xffff_0000_0000, last: 0xffff_ffff_ffff },
            Network { first: 0x2000 << 112, last: (0x4000 << 112) - 1 },
        ];
        FAMILIES.iter().any(|family| {
            let within = self.networks.iter().map(|network| {
                let end = network.last.min(family.last).saturating_add(1);
                end.saturating_sub(network.first.max(family.first))
            });
            within.sum::<u128>() > (family.last - family.first) / 2
        })
    }
}

impl FromIterator<Network> for AddressSet {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        let mut all: Vec<Network> = networks.into_iter().collect();
        all.sort_by_key(|network| network.first);
        let mut networks: Vec<Network> = Vec::new();
        for network in all {
            match networks.last_mut() {
                Some(last) if network.first <= last.last => last.last = last.last.max(network.last),
                _ => networks.push(network),
            }
        }
        Self { networks }
    }
}

/// Whether an address can only be reached over the internet: not private, shared, local or reserved
/// for use on a host or link. Sources: RFC 1918, 6598, 3927, 4193, 4291. Documentation ranges count as
/// public, as nothing may use them inside.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || is_shared
        || first == 0
        || first >= 240)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, ..] = ip.segments();
    let is_unique_local = first & 0xfe00 == 0xfc00;
    let is_link_local = first & 0xffc0 == 0xfe80;
    !(ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || is_unique_local
        || is_link_local)
}

/// The IP address that a URL's host is, if it is one and public.
pub(crate) fn public_host_of(url: &str) -> Option<IpAddr> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let ip = match host.strip_prefix('[') {
        Some(v6) => v6.split_once(']')?.0.parse().ok()?,
        None => host.split(':').next()?.parse().ok()?,
    };
    is_public(ip).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_and_private_addresses_are_told_apart() {
        for public in ["8.8.8.8", "203.0.113.9", "172.32.0.1", "100.128.0.1", "2001:4860::1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn sets_of_addresses_hold_their_networks() {
        let set: AddressSet =
            ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "fd00::/8", "192.0.2.9/32"]
                .iter()
                .map(|text| text.parse::<Network>().unwrap())
                .collect();
        for (ip, held) in [
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("9.255.255.255", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::ffff:10.2.3.4", true),
            ("fd12::1", true),
            ("fe00::1", false),
        ] {
            assert_eq!(set.contains(ip.parse().unwrap()), held, "{ip}");
        }
        assert!(!AddressSet::EMPTY.contains("10.0.0.1".parse().unwrap()));
        let all: AddressSet = ["0.0.0.0/0".parse().unwrap()].into_iter().collect();
        assert!(all.contains("203.0.113.1".parse().unwrap()));
        assert!(!all.contains("2001:db8::1".parse().unwrap()));
        let all: AddressSet = ["::/0".parse().unwrap()].into_iter().collect();
        assert!(all.contains("2001:db8::1".parse().unwrap()));
        for text in ["10.0.0.0/33", "10.0.0.0/-1", "ten", "10.0.0.0/", "::/129"] {
            assert_eq!(text.parse::<Network>(), Err(NoNetwork(text.to_owned())));
        }
    }

    #[test]
    fn half_of_a_familys_addresses_are_most_of_the_internet() {
        for (networks, most) in [
            (&["0.0.0.0/0"][..], true),
            (&["0.0.0.0/1"], true),
            (&["0.0.0.0/2", "128.0.0.0/2"], true),
            (&["0.0.0.0/2"], false),
            (&["0.0.0.0/2", "0.0.0.0/2", "10.0.0.0/8"], false),
            (&["::/0"], true),
            (&["::/1"], true),
            (&["2000::/3"], true),
            (&["2000::/4"], true),
            (&["2000::/5"], false),
            (&["fd00::/8", "fe80::/10"], false),
            (&[], false),
        ] {
            let set: AddressSet =
                networks.iter().map(|it| it.parse::<Network>().unwrap()).collect();
            assert_eq!(set.is_most_of_internet(), most, "{networks:?}");
        }
    }

    #[test]
    fn hosts_of_urls_are_found() {
        for (url, public) in [
            ("http://203.0.113.61:8080/charge", true),
            ("https://user:pw@203.0.113.61/", true),
            ("http://[2001:db8::1]:80/", true),
            ("http://10.0.0.1/", false),
            ("http://api.payments:8080/", false),
            ("203.0.113.61:8080", false),
            ("http://", false),
        ] {
            assert_eq!(public_host_of(url).is_some(), public, "{url}");
        }
    }
}
