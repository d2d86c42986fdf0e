//! Resource quantities: `1000m`, `1` and `1.0` are the same amount of CPU.
//!
//! The grammar is apimachinery's `resource.Quantity`: a signed decimal with a binary suffix (`Ki` … `Ei`),
//! a decimal one (`n` … `E`) or an exponent (`1e3`).

use std::cmp::Ordering;
use std::fmt;

/// An amount in one canonical form: equal amounts are equal values, whatever they were written as.
/// Exact: no rounding, unlike apimachinery, which rounds below a nano-unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quantity {
    /// Without trailing decimal zeros.
    mantissa: i128,
    /// The power of ten to multiply with; 0 for zero.
    exponent: i32,
}

impl Quantity {
    /// Reads a quantity; none for text that is no quantity, or that has more than 30 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let number_end = text
            .char_indices()
            .find(|(at, c)| {
                !(c.is_ascii_digit() || *c == '.' || (*at == 0 && matches!(c, '+' | '-')))
            })
            .map_or(text.len(), |(at, _)| at);
        let (number, suffix) = text.split_at_checked(number_end)?;
        let (mantissa, scale) = decimal(number)?;
        let (factor, power) = suffix_value(suffix)?;
        Self::canonical(mantissa.checked_mul(factor)?, power.checked_sub(scale)?)
    }

    /// The sum; none where it has more digits than fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        let scaled = |it: Self| {
            let shift = u32::try_from(it.exponent.checked_sub(exponent)?).ok()?;
            10_i128.checked_pow(shift)?.checked_mul(it.mantissa)
        };
        // Zero has no digits to line up.
        match (self.mantissa, other.mantissa) {
            (0, _) => Some(other),
            (_, 0) => Some(self),
            _ => Self::canonical(scaled(self)?.checked_add(scaled(other)?)?, exponent),
        }
    }

    /// The difference; none where it has more digits than fit.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(Self { mantissa: other.mantissa.checked_neg()?, ..other })
    }

    /// The amount as a whole number; none where it is none, or has more than 64 bits.
    pub fn to_integer(self) -> Option<i64> {
        let power = 10_i128.checked_pow(u32::try_from(self.exponent).ok()?)?;
        i64::try_from(self.mantissa.checked_mul(power)?).ok()
    }

    /// The nearest floating-point number.
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// -1, 0 or 1.
    pub fn signum(self) -> i64 {
        self.mantissa.cmp(&0) as i64
    }

    fn canonical(mut mantissa: i128, mut exponent: i32) -> Option<Self> {
        if mantissa == 0 {
            return Some(Self { mantissa: 0, exponent: 0 });
        }
        while mantissa % 10 == 0 {
            mantissa /= 10;
            exponent = exponent.checked_add(1)?;
        }
        Some(Self { mantissa, exponent })
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.exponent < other.exponent {
            return other.cmp(self).reverse();
        }
        let shift = self.exponent.abs_diff(other.exponent);
        let scaled = 10_i128.checked_pow(shift).and_then(|power| self.mantissa.checked_mul(power));
        // What is too large to be scaled is further from zero than whatever the other one is.
        scaled.map_or_else(|| self.mantissa.cmp(&0), |scaled| scaled.cmp(&other.mantissa))
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Quantity {
    /// A canonical text, such as `15e-1`; for digests and messages, not for manifests.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}e{}", self.mantissa, self.exponent)
    }
}

/// The digits as a whole number, and how many of them stand after the point.
fn decimal(number: &str) -> Option<(i128, i32)> {
    const MAX_DIGITS: usize = 30;
    let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.len() + fraction.len() > MAX_DIGITS || fraction.contains('.') {
        return None;
    }
    let magnitude: i128 = format!("{whole}{fraction}").parse().ok()?;
    let sign = if number.starts_with('-') { -1 } else { 1 };
    Some((sign * magnitude, i32::try_from(fraction.len()).ok()?))
}

/// What a suffix multiplies with: a factor and a power of ten.
fn suffix_value(suffix: &str) -> Option<(i128, i32)> {
    Some(match suffix {
        "" => (1, 0),
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        _ => (1, suffix.strip_prefix(['e', 'E'])?.parse::<i16>().ok()?.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_amounts_are_equal() {
        for (left, right) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1.0", "1"),
            ("1e3", "1k"),
            ("1E3", "1000"),
            ("1024Mi", "1Gi"),
            ("0.5Gi", "512Mi"),
            ("1000Ki", "1024000"),
            ("-1", "-1000m"),
            ("+2", "2"),
            ("0", "0m"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1Ei", "1152921504606846976"),
        ] {
            assert_eq!(Quantity::parse(left), Quantity::parse(right), "{left} and {right}");
            assert!(Quantity::parse(left).is_some(), "{left}");
        }
    }

    #[test]
    fn amounts_are_ordered_however_they_are_written() {
        let ascending =
            ["-1Ei", "-1", "0", "1n", "999m", "1", "1001m", "1k", "1Ki", "1Gi", "1e300"];
        let amounts: Vec<_> = ascending.iter().map(|text| Quantity::parse(text).unwrap()).collect();
        assert!(amounts.is_sorted_by(|left, right| left < right), "{amounts:?}");
        assert_eq!(amounts[5].cmp(&Quantity::parse("1000m").unwrap()), Ordering::Equal);
    }

    #[test]
    fn amounts_are_added_and_converted() {
        let quantity = |text| Quantity::parse(text).unwrap();
        assert_eq!(quantity("500m").checked_add(quantity("1500m")), Some(quantity("2")));
        assert_eq!(quantity("1Gi").checked_sub(quantity("1Gi")), Some(quantity("0")));
        assert_eq!(quantity("0").checked_sub(quantity("1")), Some(quantity("-1")));
        assert_eq!(quantity("1E").checked_add(quantity("1e300")), None);
        let converted = |text| (quantity(text).to_integer(), quantity(text).to_f64());
        assert_eq!(converted("1Ki"), (Some(1024), 1024.0));
        assert_eq!(converted("500m"), (None, 0.5));
        assert_eq!(converted("1e30"), (None, 1e30));
        assert_eq!(["-1", "0", "1n"].map(|text| quantity(text).signum()), [-1, 0, 1]);
    }

    #[test]
    fn different_amounts_and_other_texts_differ() {
        assert_ne!(Quantity::parse("1G"), Quantity::parse("1Gi"));
        assert_ne!(Quantity::parse("1"), Quantity::parse("-1"));
        let long = "9".repeat(40);
        for text in ["", "m", "1 Gi", "one", "1.2.3", "1K", "1e", "--1", "1_0", "٣", &long] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }
}
