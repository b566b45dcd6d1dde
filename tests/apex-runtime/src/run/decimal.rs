//! Decimal: digits of any length with a scale, as Apex's Decimal keeps them (it is a Java BigDecimal underneath:
//! sums take the larger scale, products the sum of both).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use num_bigint::{BigInt, Sign};
use num_integer::Integer as _;
use num_traits::{Signed, ToPrimitive, Zero};

/// The digits that a division may give where it does not end.
const DIVISION_DIGITS: i64 = 34;

/// A Decimal.
#[derive(Debug, Clone)]
pub struct Decimal {
    unscaled: BigInt,
    scale: i64,
}

/// `System.RoundingMode`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// Toward positive infinity.
    Ceiling,
    /// Toward zero.
    Down,
    /// Toward negative infinity.
    Floor,
    /// To the nearest; halves toward zero.
    HalfDown,
    /// To the nearest; halves to the even neighbour.
    HalfEven,
    /// To the nearest; halves away from zero.
    HalfUp,
    /// Away from zero.
    Up,
    /// An error where digits would be lost.
    Unnecessary,
}

fn power_of_ten(exponent: i64) -> BigInt {
    BigInt::from(10u8).pow(u32::try_from(exponent).unwrap_or(0))
}

fn digits(value: &BigInt) -> i64 {
    if value.is_zero() {
        return 1;
    }
    i64::try_from(value.abs().to_string().len()).unwrap_or(i64::MAX)
}

impl Decimal {
    /// From digits and scale.
    pub fn new(unscaled: BigInt, scale: i64) -> Self {
        Self { unscaled, scale }
    }

    /// The number of digits behind the point.
    pub fn scale(&self) -> i64 {
        self.scale
    }

    /// The number of all digits.
    pub fn precision(&self) -> i64 {
        digits(&self.unscaled)
    }

    /// The nearest Double.
    pub fn to_f64(&self) -> f64 {
        format!("{}e{}", self.unscaled, -self.scale)
            .parse()
            .unwrap_or(f64::NAN)
    }

    /// From a Double, by its shortest text.
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let text = super::text::double(value);
        text.parse().ok()
    }

    /// Without fraction, cut toward zero.
    pub fn truncated(&self) -> BigInt {
        self.rescale(0, Rounding::Down)
            .map(|d| d.unscaled)
            .unwrap_or_default()
    }

    /// As an Integer, cut and wrapped as Java's `intValue` does.
    pub fn to_i32(&self) -> i32 {
        low_bits(&self.truncated(), 32)
            .to_i64()
            .and_then(|v| i32::try_from(v).ok())
            .unwrap_or_default()
    }

    /// As a Long, cut and wrapped.
    pub fn to_i64(&self) -> i64 {
        low_bits(&self.truncated(), 64).to_i64().unwrap_or_default()
    }

    /// The sign: -1, 0 or 1.
    pub fn signum(&self) -> i32 {
        match self.unscaled.sign() {
            Sign::Minus => -1,
            Sign::NoSign => 0,
            Sign::Plus => 1,
        }
    }

    /// Without sign.
    #[must_use]
    pub fn abs(&self) -> Self {
        Self::new(self.unscaled.abs(), self.scale)
    }

    /// With the other sign.
    #[must_use]
    pub fn negate(&self) -> Self {
        Self::new(-&self.unscaled, self.scale)
    }

    fn aligned(&self, other: &Self) -> (BigInt, BigInt, i64) {
        let scale = self.scale.max(other.scale);
        let raise = |d: &Self| &d.unscaled * power_of_ten(scale - d.scale);
        (raise(self), raise(other), scale)
    }

    /// The sum.
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        let (a, b, scale) = self.aligned(other);
        Self::new(a + b, scale)
    }

    /// The difference.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        self.add(&other.negate())
    }

    /// The product.
    #[must_use]
    pub fn multiply(&self, other: &Self) -> Self {
        Self::new(&self.unscaled * &other.unscaled, self.scale + other.scale)
    }

    /// The quotient: exact where it ends within 34 digits, else rounded to 34 (half even); none by zero.
    pub fn divide(&self, other: &Self) -> Option<Self> {
        if other.unscaled.is_zero() {
            return None;
        }
        let preferred = self.scale - other.scale;
        if self.unscaled.is_zero() {
            return Some(Self::new(BigInt::zero(), preferred.max(0)));
        }
        let scale =
            (DIVISION_DIGITS + digits(&other.unscaled) - digits(&self.unscaled) + preferred).max(preferred);
        let quotient = self.divide_to(other, scale, Rounding::HalfEven)?;
        let surplus = digits(&quotient.unscaled) - DIVISION_DIGITS;
        let rounded = if surplus > 0 {
            quotient.rescale(quotient.scale - surplus, Rounding::HalfEven)?
        } else {
            quotient
        };
        Some(rounded.strip_zeros_down_to(preferred.max(0)))
    }

    /// The quotient with a given scale; none by zero or where rounding was forbidden but needed.
    pub fn divide_to(&self, other: &Self, scale: i64, rounding: Rounding) -> Option<Self> {
        if other.unscaled.is_zero() {
            return None;
        }
        // unscaled1/10^s1 ÷ unscaled2/10^s2 × 10^scale
        let shift = scale - self.scale + other.scale;
        let (mut numerator, mut denominator) = (self.unscaled.clone(), other.unscaled.clone());
        if shift >= 0 {
            numerator *= power_of_ten(shift);
        } else {
            denominator *= power_of_ten(-shift);
        }
        Some(Self::new(
            divide_rounded(&numerator, &denominator, rounding)?,
            scale,
        ))
    }

    /// The same value with another scale; none where rounding was forbidden but needed.
    pub fn rescale(&self, scale: i64, rounding: Rounding) -> Option<Self> {
        if scale >= self.scale {
            return Some(Self::new(
                &self.unscaled * power_of_ten(scale - self.scale),
                scale,
            ));
        }
        let unit = power_of_ten(self.scale - scale);
        Some(Self::new(divide_rounded(&self.unscaled, &unit, rounding)?, scale))
    }

    /// Whole powers.
    #[must_use]
    pub fn pow(&self, exponent: u32) -> Self {
        Self::new(self.unscaled.pow(exponent), self.scale * i64::from(exponent))
    }

    /// Without zeros at the end.
    #[must_use]
    pub fn strip_trailing_zeros(&self) -> Self {
        if self.unscaled.is_zero() {
            return Self::new(BigInt::zero(), 0);
        }
        self.clone().strip_zeros_down_to(i64::MIN)
    }

    fn strip_zeros_down_to(mut self, least: i64) -> Self {
        let ten = BigInt::from(10u8);
        while self.scale > least && !self.unscaled.is_zero() {
            let (quotient, remainder) = self.unscaled.div_rem(&ten);
            if !remainder.is_zero() {
                break;
            }
            self.unscaled = quotient;
            self.scale -= 1;
        }
        self
    }

    /// Without exponent, all digits written out.
    pub fn to_plain_string(&self) -> String {
        if self.scale <= 0 {
            return (&self.unscaled * power_of_ten(-self.scale)).to_string();
        }
        let width = usize::try_from(self.scale).unwrap_or(0);
        let all = format!("{:0>width$}", self.unscaled.abs().to_string(), width = width + 1);
        let (whole, fraction) = all.split_at(all.len() - width);
        let sign = if self.unscaled.is_negative() { "-" } else { "" };
        format!("{sign}{whole}.{fraction}")
    }
}

fn low_bits(value: &BigInt, bits: u32) -> BigInt {
    let modulus = BigInt::from(1u8) << bits;
    let wrapped = value.mod_floor(&modulus);
    if wrapped >= (&modulus >> 1u8) {
        wrapped - modulus
    } else {
        wrapped
    }
}

fn divide_rounded(numerator: &BigInt, denominator: &BigInt, rounding: Rounding) -> Option<BigInt> {
    let (quotient, remainder) = numerator.div_rem(denominator);
    if remainder.is_zero() {
        return Some(quotient);
    }
    let negative = numerator.is_negative() != denominator.is_negative();
    let half = (remainder.abs() * 2u8).cmp(&denominator.abs());
    let away = match rounding {
        Rounding::Unnecessary => return None,
        Rounding::Up => true,
        Rounding::Down => false,
        Rounding::Ceiling => !negative,
        Rounding::Floor => negative,
        Rounding::HalfUp => half != Ordering::Less,
        Rounding::HalfDown => half == Ordering::Greater,
        Rounding::HalfEven => half == Ordering::Greater || (half == Ordering::Equal && quotient.is_odd()),
    };
    let step = BigInt::from(if negative { -1 } else { 1 });
    Some(if away { quotient + step } else { quotient })
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self::new(value.into(), 0)
    }
}

impl From<i32> for Decimal {
    fn from(value: i32) -> Self {
        Self::new(value.into(), 0)
    }
}

/// The text is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotADecimal;

impl FromStr for Decimal {
    type Err = NotADecimal;

    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (
                mantissa,
                exponent
                    .parse::<i32>()
                    .ok()
                    .filter(|e| e.abs() < 10_000)
                    .ok_or(NotADecimal)?,
            ),
            None => (text, 0),
        };
        let (sign, plain) = match mantissa.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotADecimal);
        }
        let unscaled = format!("{sign}{all}").parse().ok().ok_or(NotADecimal)?;
        let scale = i64::try_from(fraction.len()).ok().ok_or(NotADecimal)?;
        Ok(Self::new(unscaled, scale - i64::from(exponent)))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_plain_string())
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b, _) = self.aligned(other);
        a.cmp(&b)
    }
}
