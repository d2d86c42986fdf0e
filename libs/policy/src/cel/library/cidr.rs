//! Ranges of addresses: `cidr('10.0.0.0/8')`.

use std::fmt;
use std::net::IpAddr;

use super::super::budget::Budget;
use super::super::value::Value;
use super::ip::{address, argument, family, holds, masked};
use super::{Call, Form, Function, Outcome, failed, global, member};

/// A range of addresses, as written: the bits behind the prefix may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    pub(super) address: IpAddr,
    pub(super) length: u8,
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    global("cidr", "net.CIDR", |call, budget| match read(call, budget)? {
        None => Ok(None),
        Some(Some(range)) => Ok(Some(Value::Cidr(range))),
        Some(None) => failed("cidr: the text is no range, such as 10.0.0.0/8"),
    }),
    global("isCIDR", "bool", |call, budget| {
        Ok(read(call, budget)?.map(|range| Value::Bool(range.is_some())))
    }),
    member("containsIP", (2, 2), "bool", |call, budget| {
        budget.charge(2)?;
        match (own(call), argument(call.arguments.get(1))) {
            (Some(range), Some(address)) => Ok(Some(Value::Bool(holds(range, address?)))),
            _ => Ok(None),
        }
    }),
    member("containsCIDR", (2, 2), "bool", contains_range),
    Function {
        name: "ip",
        form: Form::Member,
        arguments: (1, 1),
        gives: Some("net.IP"),
        body: |call, _| Ok(own(call).map(|range| Value::Ip(range.address))),
    },
    member("masked", (1, 1), "net.CIDR", |call, _| {
        Ok(own(call).map(|Cidr { address, length }| {
            Value::Cidr(Cidr { address: masked(address, length), length })
        }))
    }),
    member("prefixLength", (1, 1), "int", |call, _| {
        Ok(own(call).map(|range| Value::Int(range.length.into())))
    }),
];

fn own(call: Call<'_, '_>) -> Option<Cidr> {
    match call.arguments.first() {
        Some(Value::Cidr(range)) => Some(*range),
        _ => None,
    }
}

/// A range as Kubernetes reads it.
fn range(text: &str) -> Option<Cidr> {
    let (ip, length) = text.split_once('/')?;
    let address = address(ip)?;
    let is_canonical = length == "0" || !length.starts_with(['0', '+']);
    let length: u8 = length.parse().ok().filter(|_| is_canonical)?;
    let greatest = if family(address) == 4 { 32 } else { 128 };
    (length <= greatest).then_some(Cidr { address, length })
}

/// The range; none outside where the argument has another type.
fn read(call: Call<'_, '_>, budget: &mut Budget) -> Result<Option<Option<Cidr>>, super::Failure> {
    let Some(text) = call.text(0) else { return Ok(None) };
    budget.charge_letters(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
    Ok(Some(range(text)))
}

fn contains_range<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    budget.charge(3)?;
    let other = match call.arguments.get(1) {
        Some(Value::Cidr(other)) => *other,
        Some(Value::Text(text)) => match range(text) {
            Some(other) => other,
            None => return failed(format!("`{}` is no range", &**text)),
        },
        _ => return Ok(None),
    };
    let Some(own) = own(call) else { return Ok(None) };
    Ok(Some(Value::Bool(own.length <= other.length && holds(own, other.address))))
}
