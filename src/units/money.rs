//! Exact money: integer pico-dollars, decimal prices, one rounding (half to even) per priced quantity.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// Pico-dollars in one dollar.
const PICO: i128 = 1_000_000_000_000;

/// An amount of US dollars, exact to 10^-12.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i128);

/// A decimal price: so many dollars per so many base units (tokens, bytes, requests, nanoseconds).
/// `$3 / Mtok` is 3 dollars per 1,000,000 tokens; `$0.096 / h` is 0.096 dollars per 3.6e12 nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Price {
    /// Dollars, for `per` base units.
    pub amount: Money,
    /// How many base units the amount buys. Never zero.
    pub per: u64,
}

/// Why a text is not a decimal amount of money.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PriceError {
    /// Not a decimal number.
    NotDecimal,
    /// More than twelve digits after the point, so the amount could not be kept exactly.
    TooFine,
    /// Larger than can be represented.
    TooLarge,
}

impl Money {
    /// No money.
    pub const ZERO: Money = Money(0);

    /// From whole pico-dollars.
    pub const fn from_pico(p: i128) -> Money {
        Money(p)
    }
    /// Whole pico-dollars.
    pub const fn pico(self) -> i128 {
        self.0
    }
    /// From whole dollars.
    pub const fn from_dollars(d: i64) -> Money {
        Money(d as i128 * PICO)
    }

    /// Parses an exact decimal such as `0.0375`, `2.5e-06` or `120`.
    ///
    /// # Errors
    /// [`PriceError`] when the text is no decimal number or cannot be kept exactly.
    pub fn parse(text: &str) -> Result<Money, PriceError> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(i) => (&text[..i], text[i + 1..].parse::<i32>().map_err(|_| PriceError::NotDecimal)?),
            None => (text, 0),
        };
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if (whole.is_empty() && fraction.is_empty())
            || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
        {
            return Err(PriceError::NotDecimal);
        }
        let mut digits: i128 = 0;
        for b in whole.bytes().chain(fraction.bytes()) {
            digits =
                digits.checked_mul(10).and_then(|d| d.checked_add(i128::from(b - b'0'))).ok_or(PriceError::TooLarge)?;
        }
        if digits == 0 {
            return Ok(Money::ZERO); // whatever the exponent
        }
        // value = digits * 10^(exponent - len(fraction)); pico = value * 10^12
        let shift = 12 + i64::from(exponent) - fraction.len() as i64;
        let power = |n: u64| u32::try_from(n).ok().and_then(|n| 10i128.checked_pow(n));
        let pico = if shift >= 0 {
            let scale = power(shift.unsigned_abs()).ok_or(PriceError::TooLarge)?;
            digits.checked_mul(scale).ok_or(PriceError::TooLarge)?
        } else {
            let scale = power(shift.unsigned_abs()).ok_or(PriceError::TooFine)?;
            if digits % scale != 0 {
                return Err(PriceError::TooFine);
            }
            digits / scale
        };
        Ok(Money(if negative { -pico } else { pico }))
    }

    /// Dollars in floating point, for charts and ratios only; never added up again.
    pub fn as_dollars_f64(self) -> f64 {
        self.0 as f64 / PICO as f64
    }

    /// Rounded half to even to `decimals` digits and printed with thousands separators: `1,234.50`.
    pub fn to_dollars_string(self, decimals: u32) -> String {
        let scale = 10i128.pow(12 - decimals.min(12));
        let rounded = div_half_even(self.0, scale);
        let one = 10i128.pow(decimals.min(12));
        let (whole, fraction) =
            (rounded.unsigned_abs() / one.unsigned_abs(), rounded.unsigned_abs() % one.unsigned_abs());
        let mut digits = whole.to_string();
        let mut i = digits.len();
        while i > 3 {
            i -= 3;
            digits.insert(i, ',');
        }
        let sign = if rounded < 0 { "-" } else { "" };
        if decimals == 0 {
            format!("{sign}{digits}")
        } else {
            format!("{sign}{digits}.{fraction:0width$}", width = decimals as usize)
        }
    }

    /// Splits the amount over weights so that the parts add up to it to the last unit: largest remainder, ties to the
    /// earlier weight. With all weights zero the first part takes everything.
    pub fn split(self, weights: &[u64]) -> Vec<Money> {
        let total: u128 = weights.iter().map(|&w| u128::from(w)).sum();
        if weights.is_empty() {
            return Vec::new();
        }
        if total == 0 {
            let mut parts = vec![Money::ZERO; weights.len()];
            parts[0] = self;
            return parts;
        }
        let total = i128::try_from(total).expect("a sum of u64 weights fits");
        let (sign, amount) = (self.0.signum(), self.0.abs());
        let mut parts: Vec<i128> = Vec::with_capacity(weights.len());
        let mut remainders: Vec<(i128, usize)> = Vec::with_capacity(weights.len());
        for (i, &w) in weights.iter().enumerate() {
            // amount = q*total + r keeps the products inside i128
            let (q, r) = (amount / total, amount % total);
            let w = i128::from(w);
            let scaled = r * w;
            parts.push(q * w + scaled / total);
            remainders.push((scaled % total, i));
        }
        let mut left = amount - parts.iter().sum::<i128>();
        remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for &(_, i) in &remainders {
            if left == 0 {
                break;
            }
            parts[i] += 1;
            left -= 1;
        }
        parts.into_iter().map(|p| Money(p * sign)).collect()
    }
}

impl Price {
    /// `amount` dollars for `per` base units.
    ///
    /// # Panics
    /// If `per` is zero.
    pub fn new(amount: Money, per: u64) -> Price {
        assert!(per > 0, "a price is for at least one unit");
        Price { amount, per }
    }

    /// What `quantity` base units cost, rounded half to even to a pico-dollar: the only rounding money ever sees before
    /// it is shown.
    ///
    /// # Panics
    /// If the amount overflows: validation refuses scenarios that large.
    pub fn cost(self, quantity: u128) -> Money {
        let g = gcd(self.amount.0.unsigned_abs(), u128::from(self.per));
        let (amount, per) = if g == 0 { (0, 1) } else { (self.amount.0 / g as i128, i128::from(self.per) / g as i128) };
        let q = i128::try_from(quantity).expect("quantity fits");
        // split the quantity so that the product stays far inside i128
        let (whole, rest) = (q / per, q % per);
        let exact = whole.checked_mul(amount).expect("cost fits");
        let part = rest.checked_mul(amount).expect("cost fits");
        Money(round_half_even(exact + part.div_euclid(per), part.rem_euclid(per), per))
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// `a / b` rounded half to even; `b` is positive.
fn div_half_even(a: i128, b: i128) -> i128 {
    round_half_even(a.div_euclid(b), a.rem_euclid(b), b)
}

/// `q + r/b` to the nearest whole, ties to the even one; `0 <= r < b`.
fn round_half_even(q: i128, r: i128, b: i128) -> i128 {
    match (2 * r).cmp(&b) {
        std::cmp::Ordering::Less => q,
        std::cmp::Ordering::Greater => q + 1,
        std::cmp::Ordering::Equal => q + (q & 1),
    }
}

impl Add for Money {
    type Output = Money;
    fn add(self, o: Money) -> Money {
        Money(self.0 + o.0)
    }
}
impl Sub for Money {
    type Output = Money;
    fn sub(self, o: Money) -> Money {
        Money(self.0 - o.0)
    }
}
impl AddAssign for Money {
    fn add_assign(&mut self, o: Money) {
        self.0 += o.0;
    }
}
impl Sum for Money {
    fn sum<I: Iterator<Item = Money>>(iter: I) -> Money {
        iter.fold(Money::ZERO, Add::add)
    }
}
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.to_dollars_string(2))
    }
}
impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.to_dollars_string(12))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_exact_decimals() {
        assert_eq!(Money::parse("2.5e-06").unwrap().pico(), 2_500_000);
        assert_eq!(Money::parse("0.0375").unwrap().pico(), 37_500_000_000);
        assert_eq!(Money::parse("120").unwrap(), Money::from_dollars(120));
        assert_eq!(Money::parse("1e-13"), Err(PriceError::TooFine));
        assert_eq!(Money::parse("1e2147483647"), Err(PriceError::TooLarge));
        assert_eq!(Money::parse("1e-2147483648"), Err(PriceError::TooFine));
        assert_eq!(Money::parse("0.00e2147483647"), Ok(Money::ZERO));
        assert_eq!(Money::parse("1.2.3"), Err(PriceError::NotDecimal));
        assert_eq!(Money::parse(""), Err(PriceError::NotDecimal));
    }

    #[test]
    fn a_price_multiplies_once_and_rounds_half_to_even() {
        let three_per_mtok = Price::new(Money::from_dollars(3), 1_000_000);
        assert_eq!(three_per_mtok.cost(2_000_000), Money::from_dollars(6));
        assert_eq!(three_per_mtok.cost(1).pico(), 3_000_000);
        let odd = Price::new(Money::from_pico(1), 2);
        assert_eq!(odd.cost(1).pico(), 0);
        assert_eq!(odd.cost(3).pico(), 2);
        let hourly = Price::new(Money::parse("0.096").unwrap(), 3_600_000_000_000);
        assert_eq!(hourly.cost(86_400_000_000_000 * 1000), Money::parse("2304").unwrap());
    }

    #[test]
    fn shares_add_up_to_the_last_unit() {
        let m = Money::from_pico(100);
        let parts = m.split(&[1, 1, 1]);
        assert_eq!(parts.iter().map(|p| p.pico()).collect::<Vec<_>>(), [34, 33, 33]);
        assert_eq!(m.split(&[0, 0]), [m, Money::ZERO]);
    }

    #[test]
    fn prints_with_separators() {
        assert_eq!(Money::parse("1234567.895").unwrap().to_string(), "$1,234,567.90");
        assert_eq!(Money::parse("0.125").unwrap().to_string(), "$0.12");
    }
}
