//! What providers let through: every limiter of a run, each deployment's own or one that several share, and where the provider
//! counts per source region one for each region that calls.
//!
//! A grant that was given comes back when its call is over, however it ended; at the end of the run none is out (INV-5).
//! What of a prompt is cached, the provider says when it asks (`prompt_cache.rs`).

use super::purpose::POOL_LOAD;
use super::run::epoch;
use crate::random::{Draws, EntityKey, sample};
use crate::routing::limits::{Ask, Grant, Limiter, Refusal, SharedPoolConfig, Usage};
use crate::scenario::model::{Quota, QuotaUse, Scenario, Variation};
use crate::units::{DeploymentIx, Span, Time};

/// The limiters of a run.
#[derive(Clone, Debug)]
pub struct Quotas {
    limiters: Vec<Limiter>,
    /// Per deployment: its quota.
    of: Vec<Option<Counts>>,
}

/// Where the counts of a quota are.
#[derive(Clone, Copy, Debug)]
struct Counts {
    /// Position of its limiter, or of the first.
    first: u32,
    /// There is one limiter per calling region, from there on.
    per_region: bool,
}

impl Counts {
    fn of(self, caller: u8) -> usize {
        self.first as usize + if self.per_region { usize::from(caller) } else { 0 }
    }
}

impl Quotas {
    /// Idle limiters at the origin of the run, for callers in so many regions.
    pub fn new(scenario: &Scenario, regions: usize, draws: &Draws) -> Quotas {
        let length = scenario.warmup + scenario.horizon;
        let epoch = epoch(scenario);
        let mut limiters: Vec<Limiter> = Vec::new();
        let mut counts = |name: &str, quota: &Quota| {
            let mut config = quota.limiter.clone();
            if let (Some(vary), Some(pool)) = (quota.others_vary, config.shared_pool_mut()) {
                *pool = varied(pool, vary, EntityKey::named(name), epoch, length, draws);
            }
            let first = limiters.len() as u32;
            let count = if quota.per_source_region { regions } else { 1 };
            limiters.extend((0..count).map(|_| Limiter::new(&config, Time::ZERO, epoch)));
            Counts { first, per_region: quota.per_source_region }
        };
        let shared: Vec<Counts> = scenario.quotas.iter().map(|q| counts(&q.name, &q.quota)).collect();
        let of = scenario.deployments.iter().map(|d| match d.quota.as_ref()? {
            QuotaUse::Shared(i) => Some(shared[*i]),
            QuotaUse::Own(quota) => Some(counts(&d.name, quota)),
        });
        Quotas { of: of.collect(), limiters }
    }

    /// A request from a gateway in the region `caller`, by its position in the topology, reaches a deployment. `None` is the
    /// grant of one without a quota.
    ///
    /// # Errors
    /// Its quota refuses.
    pub fn admit(
        &mut self,
        now: Time,
        deployment: DeploymentIx,
        caller: u8,
        ask: &Ask,
    ) -> Result<Option<Grant>, Refusal> {
        match self.of[deployment.ix()] {
            None => Ok(None),
            Some(counts) => self.limiters[counts.of(caller)].admit(now, ask).map(Some),
        }
    }

    /// A request of that caller that a deployment took in is over.
    pub fn settle(&mut self, now: Time, deployment: DeploymentIx, caller: u8, grant: Option<Grant>, usage: &Usage) {
        if let (Some(grant), Some(counts)) = (grant, self.of[deployment.ix()]) {
            self.limiters[counts.of(caller)].settle(now, grant, usage);
        }
    }

    /// Grants that have not come back.
    pub fn outstanding(&self) -> u64 {
        self.limiters.iter().map(Limiter::outstanding).sum()
    }
}

/// The pool with a load that is drawn anew every so often: the k-th draw is the same whatever happens in the run.
fn varied(
    pool: &SharedPoolConfig,
    vary: Variation,
    entity: EntityKey,
    epoch: Span,
    length: Span,
    draws: &Draws,
) -> SharedPoolConfig {
    // log-normal with mean 1 and this coefficient of variation
    let variance = libm::log1p(vary.by * vary.by);
    let (mu, sigma) = (-0.5 * variance, libm::sqrt(variance));
    let steps = length.nanos() / vary.every.nanos() + 1;
    let others = (0..steps).map(|k| {
        let begins = u128::from(epoch.nanos()) + u128::from(k) * u128::from(vary.every.nanos());
        let mean = pool.others[(begins / u128::from(pool.step.nanos()) % pool.others.len() as u128) as usize];
        let factor = sample::log_normal(mu, sigma, draws.uniform(POOL_LOAD, entity, k));
        (f64::from(mean) * factor + 0.5).min(1e6) as u32
    });
    SharedPoolConfig { others: others.collect(), step: vary.every, by_clock: false, ..pool.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::units::PerNanos;

    /// The factor has mean 1 and the stated variation, and each hour keeps its own mean.
    #[test]
    fn a_varied_load_keeps_its_mean() {
        let pool = SharedPoolConfig {
            rate: PerNanos { micro_count: 60_000_000_000_000, nanos: 60_000_000_000 },
            burst: Span::from_secs(1),
            others: (0..24).map(|h| if h < 12 { 200_000 } else { 400_000 }).collect(),
            step: Span::from_hours(1),
            by_clock: true,
        };
        let draws = Draws::new(Seed { seed: 1, replication: 0 });
        let vary = Variation { by: 0.2, every: Span::from_secs(2) };
        // noon UTC
        let epoch = Span::from_secs(1_767_225_600 + 12 * 3600);
        let v = varied(&pool, vary, EntityKey::named("pool"), epoch, Span::from_hours(24), &draws);
        assert_eq!((v.others.len(), v.by_clock), (43_201, false));
        for (steps, mean) in [(0..21_600, 400_000.0), (21_600..43_200, 200_000.0)] {
            let list: Vec<f64> = v.others[steps].iter().map(|&s| f64::from(s) / mean).collect();
            let n = list.len() as f64;
            let m = list.iter().sum::<f64>() / n;
            let cv = libm::sqrt(list.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / n) / m;
            assert!((m - 1.0).abs() < 0.006 && (cv - 0.2).abs() < 0.006, "{m} {cv}");
        }
    }
}
