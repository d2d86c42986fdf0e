//! Addresses: `ip('10.0.0.1')`. As for Kubernetes, one of IPv6 holds none of IPv4, and no zone.

use std::net::IpAddr;

use super::super::budget::Budget;
use super::super::value::Value;
use super::cidr::Cidr;
use super::{Call, Form, Function, Outcome, failed, global, member};

pub(super) const FUNCTIONS: &[Function] = &[
    global("ip", "net.IP", |call, budget| match read(call, budget)? {
        None => Ok(None),
        Some(Some(address)) => Ok(Some(Value::Ip(address))),
        Some(None) => failed("ip: the text is no address"),
    }),
    global("isIP", "bool", |call, budget| {
        Ok(read(call, budget)?.map(|address| Value::Bool(address.is_some())))
    }),
    Function {
        name: "ip.isCanonical",
        form: Form::Global,
        arguments: (1, 1),
        gives: Some("bool"),
        body: is_canonical,
    },
    member("family", (1, 1), "int", |call, _| of_address(call, |it| Value::Int(family(it)))),
    member("isUnspecified", (1, 1), "bool", |call, _| {
        of_address(call, |it| Value::Bool(it.is_unspecified()))
    }),
    member("isLoopback", (1, 1), "bool", |call, _| {
        of_address(call, |it| Value::Bool(it.is_loopback()))
    }),
    member("isLinkLocalMulticast", (1, 1), "bool", |call, _| {
        of_address(call, |it| Value::Bool(is_link_local_multicast(it)))
    }),
    member("isLinkLocalUnicast", (1, 1), "bool", |call, _| {
        of_address(call, |it| Value::Bool(is_link_local_unicast(it)))
    }),
    member("isGlobalUnicast", (1, 1), "bool", |call, _| {
        of_address(call, |it| Value::Bool(is_global_unicast(it)))
    }),
];

/// An address as Kubernetes reads it.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    match address {
        IpAddr::V6(six) if six.to_ipv4_mapped().is_some() => None,
        _ => Some(address),
    }
}

/// 4 or 6.
pub(super) const fn family(address: IpAddr) -> i64 {
    if address.is_ipv4() { 4 } else { 6 }
}

/// The address; none outside where the argument has another type.
fn read(call: Call<'_, '_>, budget: &mut Budget) -> Result<Option<Option<IpAddr>>, super::Failure> {
    let Some(text) = call.text(0) else { return Ok(None) };
    budget.charge_letters(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
    Ok(Some(address(text)))
}

fn is_canonical<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let Some(text) = call.text(0) else { return Ok(None) };
    match read(call, budget)? {
        Some(Some(address)) => Ok(Some(Value::Bool(address.to_string() == **text))),
        _ => failed("ip.isCanonical: the text is no address"),
    }
}

fn of_address<'a>(call: Call<'_, 'a>, make: fn(IpAddr) -> Value<'static>) -> Outcome<'a> {
    match call.arguments.first() {
        Some(Value::Ip(address)) => Ok(Some(make(*address))),
        _ => Ok(None),
    }
}

fn is_link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => matches!(four.octets(), [224, 0, 0, _]),
        IpAddr::V6(six) => six.segments().first().is_some_and(|it| it & 0xff0f == 0xff02),
    }
}

const fn is_link_local_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.is_link_local(),
        IpAddr::V6(six) => six.is_unicast_link_local(),
    }
}

fn is_global_unicast(address: IpAddr) -> bool {
    let is_broadcast = matches!(address, IpAddr::V4(four) if four.is_broadcast());
    !(is_broadcast
        || address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || is_link_local_unicast(address))
}

/// What an argument that may be an address or its text says.
pub(super) fn argument(value: Option<&Value<'_>>) -> Option<Result<IpAddr, super::Failure>> {
    match value? {
        Value::Ip(address) => Some(Ok(*address)),
        Value::Text(text) => {
            Some(address(text).map_or_else(|| failed(format!("`{}` is no address", &**text)), Ok))
        }
        _ => None,
    }
}

/// The mask of a prefix over an address.
pub(super) fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(four) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length.into())).unwrap_or(0);
            IpAddr::V4((u32::from(four) & mask).into())
        }
        IpAddr::V6(six) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length.into())).unwrap_or(0);
            IpAddr::V6((u128::from(six) & mask).into())
        }
    }
}

/// Whether a range holds an address.
pub(super) fn holds(range: Cidr, address: IpAddr) -> bool {
    range.address.is_ipv4() == address.is_ipv4()
        && masked(address, range.length) == masked(range.address, range.length)
}
