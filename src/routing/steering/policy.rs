//! Which algorithm steers, with its parameters; lists have one entry per endpoint.

use super::{GeoRecords, MOST_ENDPOINTS};
use std::fmt;

/// A steering policy.
#[derive(Clone, PartialEq, Debug)]
pub enum Policy {
    /// [`super::lowest_latency`].
    Latency,
    /// [`super::failover`].
    Failover,
    /// [`super::weighted`]; weights of 0 to 255.
    Weighted(Vec<u8>),
    /// [`super::geolocation`].
    Geolocation(GeoRecords),
    /// [`super::geoproximity`]; biases of -99 to 99.
    Geoproximity(Vec<i8>),
    /// [`super::multivalue`].
    Multivalue,
}

/// Why a policy cannot be used.
#[derive(Clone, PartialEq, Debug)]
pub enum BadPolicy {
    /// There is nothing to steer to.
    NoEndpoints,
    /// More than [`MOST_ENDPOINTS`].
    TooManyEndpoints(usize),
    /// A list has this many entries instead of one per endpoint.
    WrongLength(usize),
    /// A number is out of its range.
    OutOfRange(&'static str),
    /// A record names an endpoint that does not exist, or there is no record.
    BadRecords,
}

impl fmt::Display for BadPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadPolicy::NoEndpoints => write!(f, "there are no endpoints to steer to"),
            BadPolicy::TooManyEndpoints(n) => write!(f, "{n} endpoints; at most {MOST_ENDPOINTS}"),
            BadPolicy::WrongLength(n) => write!(f, "{n} entries instead of one per endpoint"),
            BadPolicy::OutOfRange(what) => write!(f, "{what} out of range"),
            BadPolicy::BadRecords => write!(f, "no records, or records of endpoints that do not exist"),
        }
    }
}

impl std::error::Error for BadPolicy {}

impl Policy {
    /// Whether the policy can work for `endpoints` endpoints.
    ///
    /// # Errors
    /// [`BadPolicy`] says why not.
    pub fn check(&self, endpoints: usize) -> Result<(), BadPolicy> {
        match endpoints {
            0 => return Err(BadPolicy::NoEndpoints),
            n if n > MOST_ENDPOINTS => return Err(BadPolicy::TooManyEndpoints(n)),
            _ => {}
        }
        let one_each = |n: usize| if n == endpoints { Ok(()) } else { Err(BadPolicy::WrongLength(n)) };
        let sound = |ok: bool, error: BadPolicy| if ok { Ok(()) } else { Err(error) };
        match self {
            Policy::Latency | Policy::Failover | Policy::Multivalue => Ok(()),
            // all weights 0 are as good as equal ones: Route 53
            Policy::Weighted(weights) => one_each(weights.len()),
            Policy::Geolocation(records) => {
                let known = records.all().all(|(_, e)| e < endpoints);
                sound(known && records.all().next().is_some(), BadPolicy::BadRecords)
            }
            Policy::Geoproximity(biases) => {
                one_each(biases.len())?;
                sound(biases.iter().all(|b| (-99..=99).contains(b)), BadPolicy::OutOfRange("bias"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Area;
    use super::*;

    #[test]
    fn policies_that_can_never_work_are_refused() {
        assert_eq!(Policy::Latency.check(0), Err(BadPolicy::NoEndpoints));
        assert_eq!(Policy::Latency.check(65), Err(BadPolicy::TooManyEndpoints(65)));
        assert_eq!(Policy::Weighted(vec![1]).check(2), Err(BadPolicy::WrongLength(1)));
        assert_eq!(Policy::Weighted(vec![0, 0]).check(2), Ok(()));
        assert_eq!(Policy::Geoproximity(vec![0, 100]).check(2), Err(BadPolicy::OutOfRange("bias")));
        assert_eq!(Policy::Geolocation(GeoRecords::new([])).check(2), Err(BadPolicy::BadRecords));
        assert_eq!(Policy::Geolocation(GeoRecords::new([(Area::Default, 2)])).check(2), Err(BadPolicy::BadRecords));
    }
}
