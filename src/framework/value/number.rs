//! Exact numbers.

use std::fmt;
use std::str::FromStr;

use bigdecimal::{BigDecimal, FromPrimitive, ToPrimitive};

use super::CodecError;

/// A number as Terraform sees it: exact, of any size that a person could write. Equality is by value, so
/// `1.0` equals `1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(BigDecimal);

/// Most digits of a number written without an exponent. Terraform's own numbers hold 155 significant
/// digits; the bound keeps a hostile exponent from filling the memory.
const MAX_DIGITS: i64 = 4096;

impl Number {
    /// The value as a whole number that fits `i64`; `None` for a fraction or a larger number.
    pub fn to_i64(&self) -> Option<i64> {
        if self.0.is_integer() {
            self.0.to_i64()
        } else {
            None
        }
    }

    /// The value as a 64-bit float, if that float means exactly this number to every reader: those who
    /// take its exact binary value and those who take its shortest decimal text.
    pub(crate) fn to_exact_f64(&self) -> Option<f64> {
        let float = self.0.to_f64().filter(|float| float.is_finite())?;
        let exact = BigDecimal::from_f64(float)? == self.0;
        let shortest = Self::from_f64(float).ok()? == *self;
        (exact && shortest).then_some(float)
    }

    /// The number that a 64-bit float stands for. Whole numbers are taken exactly, others as the shortest
    /// decimal that rounds to the float, which is how Terraform compares them.
    pub(crate) fn from_f64(float: f64) -> Result<Self, CodecError> {
        if !float.is_finite() {
            return Err(CodecError(
                "expected a number, found an infinite one".to_owned(),
            ));
        }
        if float.fract() == 0.0 {
            format!("{float:.0}").parse()
        } else {
            format!("{float}").parse()
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(BigDecimal::from(value).normalized())
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(BigDecimal::from(value).normalized())
    }
}

impl FromStr for Number {
    type Err = CodecError;

    /// Reads a decimal number, with or without an exponent.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_a_number = || CodecError("expected a number, found other text".to_owned());
        let too_large = || {
            CodecError(format!(
                "the number has more than {MAX_DIGITS} digits, which is out of range"
            ))
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        };
        let unsigned = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) if all_digits(fraction) => (whole, fraction),
            Some(_) => return Err(not_a_number()),
            None => (unsigned, ""),
        };
        if !all_digits(whole) {
            return Err(not_a_number());
        }
        let exponent = match exponent {
            None => 0,
            Some(exponent) => {
                let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if !all_digits(digits) {
                    return Err(not_a_number());
                }
                // More digits than `i64` has are as far out of range as can be.
                exponent.parse::<i64>().map_err(|_| too_large())?
            }
        };
        let length = i64::try_from(whole.len() + fraction.len()).unwrap_or(i64::MAX);
        if length.saturating_add(exponent.saturating_abs()) > MAX_DIGITS {
            return Err(too_large());
        }
        BigDecimal::from_str(text)
            .map(|number| Self(number.normalized()))
            .map_err(|_| not_a_number())
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Number {
    /// Plain decimal text, without an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_plain_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn equality_is_by_value() {
        assert_eq!(number("1.0"), Number::from(1_i64));
        assert_eq!(number("1e3"), Number::from(1000_i64));
        assert_eq!(number("-0"), Number::from(0_i64));
        assert_ne!(number("0.1"), number("0.10000000000000000555"));
    }

    #[test]
    fn text_is_plain_decimal() {
        for (written, plain) in [
            ("1e3", "1000"),
            ("1.50", "1.5"),
            ("-2.5e-3", "-0.0025"),
            ("18446744073709551617", "18446744073709551617"),
        ] {
            assert_eq!(number(written).to_string(), plain);
        }
    }

    #[test]
    fn hostile_exponents_are_refused_before_they_cost_anything() {
        for text in [
            "1e999999999",
            "1e-999999999",
            "1e99999999999999999999999",
            &"9".repeat(10_000),
        ] {
            assert!(text.parse::<Number>().is_err(), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_number_is_refused() {
        for text in [
            "", "-", "1_000", "0x10", "1.", ".5", "1e", "NaN", "inf", " 1", "1e+-2",
        ] {
            assert!(text.parse::<Number>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_whole_numbers_in_range_become_integers() {
        assert_eq!(number("9223372036854775807").to_i64(), Some(i64::MAX));
        assert_eq!(number("9223372036854775808").to_i64(), None);
        assert_eq!(number("-9223372036854775808").to_i64(), Some(i64::MIN));
        assert_eq!(number("1.5").to_i64(), None);
        assert_eq!(number("1e3").to_i64(), Some(1000));
    }

    #[test]
    fn a_float_is_used_only_where_it_means_the_same_number() {
        assert_eq!(number("0.5").to_exact_f64(), Some(0.5));
        assert_eq!(number("0.1").to_exact_f64(), None);
        let exact_tenth = "0.1000000000000000055511151231257827021181583404541015625";
        assert_eq!(number(exact_tenth).to_exact_f64(), None);
    }

    #[test]
    fn floats_are_read_as_terraform_compares_them() {
        assert_eq!(Number::from_f64(0.1).unwrap(), number("0.1"));
        assert_eq!(
            Number::from_f64(18_446_744_073_709_551_616.0).unwrap(),
            number("18446744073709551616")
        );
        assert!(Number::from_f64(f64::INFINITY).is_err());
        assert!(Number::from_f64(f64::NAN).is_err());
    }
}
