//! Which addresses belong to the public internet. Own tests of IP ranges, as the standard library's are
//! not stable yet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
