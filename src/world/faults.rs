//! When faults strike and what is broken at present.

use super::purpose::{FAULT_DOWN, FAULT_UP};
use crate::random::{Draws, EntityKey, sample};
use crate::routing::outcome::ErrorClass;
use crate::scenario::model::{Dependency, Fault, FaultWhat, FaultWhen};
use crate::units::{DeploymentIx, RegionIx, Span, Time};

/// One time that one fault strikes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Occurrence {
    /// Position of the fault in the scenario.
    pub fault: u16,
    /// How often it has struck before.
    pub number: u32,
    /// Start.
    pub begins: Time,
    /// Repair.
    pub ends: Time,
}

/// Every occurrence between the origin of the run and `end`, in order of time. `start` is the end of the warm-up, from
/// which the times of the scenario count.
pub fn schedule(faults: &[Fault], draws: &Draws, start: Time, end: Time) -> Vec<Occurrence> {
    let mut all = Vec::new();
    for (i, fault) in faults.iter().enumerate() {
        let fault_ix = i as u16;
        match fault.when {
            FaultWhen::At { at, lasts } => {
                let begins = start + at;
                all.push(Occurrence { fault: fault_ix, number: 0, begins, ends: begins.saturating_add(lasts) });
            }
            FaultWhen::Recurring { mean_up, mean_down } => {
                let key = EntityKey::named(&fault.name);
                let mut t = Time::ZERO;
                for number in 0.. {
                    let n = u64::from(number);
                    let span = |purpose, mean: Span| {
                        Span::from_secs_f64(sample::exponential(mean.as_secs_f64(), draws.uniform(purpose, key, n)))
                    };
                    let begins = t.saturating_add(span(FAULT_UP, mean_up));
                    if begins >= end {
                        break;
                    }
                    let ends = begins.saturating_add(span(FAULT_DOWN, mean_down).max(Span(1)));
                    all.push(Occurrence { fault: fault_ix, number, begins, ends });
                    t = ends;
                }
            }
        }
    }
    all.sort_by_key(|o| (o.begins, o.fault, o.number));
    all
}

/// A brown-out in force.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BrownOut {
    /// Position of the fault in the scenario.
    fault: u16,
    slower: f64,
    error_rate: f64,
    error: ErrorClass,
}

/// What is wrong with a deployment.
#[derive(Clone, Copy, Debug)]
pub struct Condition<'a> {
    /// It refuses everything with this.
    pub refuses: Option<ErrorClass>,
    /// Latencies are multiplied by this.
    pub slower: f64,
    /// Probability that a request fails, besides the deployment's own.
    pub error_rate: f64,
    /// Those that make it so, in order of the scenario.
    brown_outs: &'a [BrownOut],
}

impl Condition<'_> {
    /// Nothing is wrong.
    pub const FINE: Condition<'static> = Condition { refuses: None, slower: 1.0, error_rate: 0.0, brown_outs: &[] };

    /// What a request fails with that drew `u` below the probability of all failures together. Each cause makes it fail on its
    /// own, and the first that does is heard: the deployment's own (`rate`, `class`), then brown-outs in order of the scenario.
    pub fn class(&self, u: f64, rate: f64, class: ErrorClass) -> ErrorClass {
        let (mut served, mut answer) = (1.0 - rate, class);
        if u < 1.0 - served {
            return answer;
        }
        for b in self.brown_outs.iter().filter(|b| b.error_rate > 0.0) {
            answer = b.error;
            served *= 1.0 - b.error_rate;
            if u < 1.0 - served {
                break;
            }
        }
        answer
    }
}

/// What is broken at present. Faults may overlap: each kind of damage is counted.
#[derive(Clone, Debug)]
pub struct Damage {
    region_down: Vec<u32>,
    database_down: Vec<u32>,
    cache_down: Vec<u32>,
    /// Faults in force that refuse everything per deployment, in order of the scenario, and what they answer.
    deployment_down: Vec<Vec<(u16, ErrorClass)>>,
    /// Per deployment and zone.
    spot_withdrawn: Vec<Vec<u32>>,
    /// Brown-outs in force per deployment, in order of the scenario.
    brown_outs: Vec<Vec<BrownOut>>,
    /// The product of all of them: (slower, error rate), kept beside so that a request costs one look.
    brown: Vec<(f64, f64)>,
    /// How many faults.
    in_force: u32,
}

impl Damage {
    /// Nothing is broken. `zones`: how many each deployment has.
    pub fn none(places: usize, zones: &[usize]) -> Damage {
        let deployments = zones.len();
        Damage {
            region_down: vec![0; places],
            database_down: vec![0; places],
            cache_down: vec![0; places],
            deployment_down: vec![Vec::new(); deployments],
            spot_withdrawn: zones.iter().map(|n| vec![0; *n]).collect(),
            brown_outs: vec![Vec::new(); deployments],
            brown: vec![(1.0, 0.0); deployments],
            in_force: 0,
        }
    }

    /// Whether nothing is broken.
    pub fn is_none(&self) -> bool {
        self.in_force == 0
    }

    /// A fault begins.
    pub fn begin(&mut self, number: u16, what: &FaultWhat) {
        self.in_force += 1;
        match what {
            FaultWhat::RegionDown { region } => self.region_down[region.ix()] += 1,
            FaultWhat::DependencyDown { region, dependency } => self.dependency(*dependency)[region.ix()] += 1,
            FaultWhat::ProviderDown { deployments, error } => {
                for d in deployments {
                    let list = &mut self.deployment_down[d.ix()];
                    list.push((number, *error));
                    list.sort_by_key(|f| f.0);
                }
            }
            FaultWhat::ProviderBrownOut { deployments, slower, error_rate, error } => {
                for d in deployments {
                    let list = &mut self.brown_outs[d.ix()];
                    list.push(BrownOut { fault: number, slower: *slower, error_rate: *error_rate, error: *error });
                    list.sort_by_key(|b| b.fault);
                    self.recompute(*d);
                }
            }
            FaultWhat::SpotWithdrawn { deployment, zones } => {
                zones.iter().for_each(|z| self.spot_withdrawn[deployment.ix()][*z] += 1);
            }
        }
    }

    /// A fault is repaired.
    pub fn end(&mut self, number: u16, what: &FaultWhat) {
        self.in_force -= 1;
        match what {
            FaultWhat::RegionDown { region } => self.region_down[region.ix()] -= 1,
            FaultWhat::DependencyDown { region, dependency } => self.dependency(*dependency)[region.ix()] -= 1,
            FaultWhat::ProviderDown { deployments, .. } => {
                deployments.iter().for_each(|d| self.deployment_down[d.ix()].retain(|f| f.0 != number));
            }
            FaultWhat::ProviderBrownOut { deployments, .. } => {
                for d in deployments {
                    let list = &mut self.brown_outs[d.ix()];
                    if let Some(i) = list.iter().position(|b| b.fault == number) {
                        list.remove(i);
                    }
                    self.recompute(*d);
                }
            }
            FaultWhat::SpotWithdrawn { deployment, zones } => {
                zones.iter().for_each(|z| self.spot_withdrawn[deployment.ix()][*z] -= 1);
            }
        }
    }

    fn dependency(&mut self, which: Dependency) -> &mut Vec<u32> {
        match which {
            Dependency::Database => &mut self.database_down,
            Dependency::Cache => &mut self.cache_down,
        }
    }

    fn recompute(&mut self, d: DeploymentIx) {
        // folded in the order of the scenario, whatever the order in which the faults struck
        let (slower, served) =
            self.brown_outs[d.ix()].iter().fold((1.0, 1.0), |(s, ok), b| (s * b.slower, ok * (1.0 - b.error_rate)));
        self.brown[d.ix()] = (slower, 1.0 - served);
    }

    /// Whether everything in a place is down.
    #[inline]
    pub fn region_down(&self, place: RegionIx) -> bool {
        self.region_down[place.ix()] > 0
    }
    /// Whether the conversation store of a place is down.
    #[inline]
    pub fn database_down(&self, place: RegionIx) -> bool {
        self.database_down[place.ix()] > 0
    }
    /// Whether the cache of a place is down.
    #[inline]
    pub fn cache_down(&self, place: RegionIx) -> bool {
        self.cache_down[place.ix()] > 0
    }
    /// What a deployment refuses everything with, if it does.
    #[inline]
    pub fn refuses(&self, d: DeploymentIx) -> Option<ErrorClass> {
        self.deployment_down[d.ix()].first().map(|f| f.1)
    }
    /// Whether the endpoint of a deployment is broken, so that checks of it fail and it reports nothing. One that refuses
    /// requests for their credentials, their model or their quota is not.
    pub fn endpoint_broken(&self, d: DeploymentIx) -> bool {
        self.refuses(d).is_some_and(ErrorClass::is_of_the_endpoint)
    }
    /// What is wrong with a deployment.
    #[inline]
    pub fn condition(&self, d: DeploymentIx) -> Condition<'_> {
        let (slower, error_rate) = self.brown[d.ix()];
        Condition { refuses: self.refuses(d), slower, error_rate, brown_outs: &self.brown_outs[d.ix()] }
    }
    /// Whether no spot instances are to be had in a zone of a deployment.
    pub fn spot_withdrawn(&self, d: DeploymentIx, zone: usize) -> bool {
        self.spot_withdrawn[d.ix()][zone] > 0
    }
}
