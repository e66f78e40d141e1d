//! Which algorithm steers, with its parameters; lists have one entry per endpoint.

use super::{
    Capacity, ClientProbingConfig, EndpointGroup, GeoRecords, MOST_ENDPOINTS, MOST_SAMPLES, OriginGroup,
    WaterfallConfig,
};
use crate::units::Span;
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
    /// [`super::Anycast`].
    Anycast,
    /// [`super::accelerator`].
    Accelerator(Vec<EndpointGroup>),
    /// [`super::RttProfiles`], with monitor requests as probes.
    CloudflareDynamic {
        /// The fallback pool.
        fallback: u8,
    },
    /// [`super::nearest_on_the_map`].
    CloudflareProximity {
        /// The fallback pool.
        fallback: u8,
    },
    /// [`super::Outstanding`].
    CloudflareOutstanding {
        /// 0 to 1, not all 0.
        weights: Vec<f64>,
        /// The fallback pool.
        fallback: u8,
    },
    /// [`super::Waterfall`].
    Waterfall(WaterfallConfig),
    /// [`super::FrontDoor`].
    FrontDoor(OriginGroup),
    /// [`super::ClientProbing`].
    ClientProbing(ClientProbingConfig),
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
    /// Nothing would ever be chosen by weight, dial or capacity.
    AllZero,
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
            BadPolicy::AllZero => write!(f, "all weights, dials or capacities are 0"),
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
            Policy::Latency | Policy::Failover | Policy::Multivalue | Policy::Anycast => Ok(()),
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
            Policy::Accelerator(groups) => {
                let members = || groups.iter().flat_map(|g| &g.members);
                sound(members().all(|(e, _)| usize::from(*e) < endpoints), BadPolicy::BadRecords)?;
                sound(groups.iter().all(|g| g.dial <= 100), BadPolicy::OutOfRange("dial"))?;
                let some = groups.iter().any(|g| g.dial > 0) && members().any(|(_, weight)| *weight > 0);
                sound(some && groups.iter().all(|g| !g.members.is_empty()), BadPolicy::AllZero)
            }
            Policy::CloudflareDynamic { fallback } | Policy::CloudflareProximity { fallback } => {
                sound(usize::from(*fallback) < endpoints, BadPolicy::BadRecords)
            }
            Policy::CloudflareOutstanding { weights, fallback } => {
                one_each(weights.len())?;
                sound(usize::from(*fallback) < endpoints, BadPolicy::BadRecords)?;
                sound(weights.iter().all(|w| (0.0..=1.0).contains(w)), BadPolicy::OutOfRange("weight"))?;
                sound(weights.iter().any(|w| *w > 0.0), BadPolicy::AllZero)
            }
            Policy::Waterfall(config) => {
                sound(config.interval > Span::ZERO, BadPolicy::OutOfRange("interval"))?;
                match &config.capacity {
                    Capacity::Utilization(target) => {
                        sound(*target > 0.0 && *target <= 1.0, BadPolicy::OutOfRange("utilisation"))
                    }
                    Capacity::Rate(list) => {
                        one_each(list.len())?;
                        sound(list.iter().all(|r| *r >= 0.0), BadPolicy::OutOfRange("rate"))?;
                        sound(list.iter().any(|r| *r > 0.0), BadPolicy::AllZero)
                    }
                }
            }
            Policy::FrontDoor(group) => {
                one_each(group.origins.len())?;
                let origins =
                    group.origins.iter().all(|o| (1..=5).contains(&o.priority) && (1..=1000).contains(&o.weight));
                sound(origins, BadPolicy::OutOfRange("priority or weight"))?;
                let samples =
                    (1..=MOST_SAMPLES).contains(&group.samples) && (1..=group.samples).contains(&group.successes);
                sound(samples, BadPolicy::OutOfRange("samples"))?;
                sound(group.interval > Span::ZERO, BadPolicy::OutOfRange("interval"))
            }
            Policy::ClientProbing(config) => {
                sound(config.explore > 0.0 && config.explore < 1.0, BadPolicy::OutOfRange("share of exploration"))?;
                sound(config.window > 0, BadPolicy::OutOfRange("window"))
            }
        }
    }
}

impl Policy {
    /// Whether the policy looks at the verdicts of health checks. The others know what they find out themselves.
    pub fn uses_verdicts(&self) -> bool {
        !matches!(self, Policy::FrontDoor(_) | Policy::ClientProbing(_))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Area, Origin};
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

    #[test]
    fn and_so_are_those_of_accelerators_balancers_and_clients() {
        let group = |dial, weight| EndpointGroup { dial, members: vec![(0, weight)] };
        assert_eq!(Policy::Accelerator(vec![group(0, 128)]).check(1), Err(BadPolicy::AllZero));
        assert_eq!(Policy::Accelerator(vec![group(100, 0)]).check(1), Err(BadPolicy::AllZero));
        assert_eq!(Policy::Accelerator(vec![group(101, 1)]).check(1), Err(BadPolicy::OutOfRange("dial")));
        assert_eq!(Policy::CloudflareProximity { fallback: 2 }.check(2), Err(BadPolicy::BadRecords));
        let outstanding = |weights| Policy::CloudflareOutstanding { weights, fallback: 0 }.check(2);
        assert_eq!(outstanding(vec![0.0, 0.0]), Err(BadPolicy::AllZero));
        assert_eq!(outstanding(vec![0.0, 1.5]), Err(BadPolicy::OutOfRange("weight")));
        let waterfall =
            |capacity| Policy::Waterfall(WaterfallConfig { capacity, interval: Span(1), lag: Span::ZERO }).check(2);
        assert_eq!(waterfall(Capacity::Utilization(0.0)), Err(BadPolicy::OutOfRange("utilisation")));
        assert_eq!(waterfall(Capacity::Rate(vec![0.0, 0.0])), Err(BadPolicy::AllZero));
        assert_eq!(waterfall(Capacity::Rate(vec![0.0, 1.0])), Ok(()));
        let door = |priority, weight, samples, successes| {
            let origins = vec![Origin { priority, weight }];
            Policy::FrontDoor(OriginGroup { origins, band: Span::ZERO, samples, successes, interval: Span(1) }).check(1)
        };
        assert_eq!(door(1, 50, 4, 5), Err(BadPolicy::OutOfRange("samples")));
        assert_eq!(door(6, 50, 4, 2), Err(BadPolicy::OutOfRange("priority or weight")));
        assert_eq!(door(5, 1000, 4, 4), Ok(()));
        let client = |explore| Policy::ClientProbing(ClientProbingConfig { explore, window: 1, penalty: Span(1) });
        assert_eq!(client(0.0).check(2), Err(BadPolicy::OutOfRange("share of exploration")));
        assert_eq!(client(0.1).check(2), Ok(()));
    }
}
