//! How pools choose: the numbers of every balancer.

use crate::routing::balance::envoy::slow_start::SlowStart;
use crate::routing::balance::envoy::{EnvoyConfig, HostPolicy, LocalityPolicy};
use crate::routing::balance::inference::prefix::LRU_BLOCKS;
use crate::routing::balance::inference::scorer::Weights;
use crate::routing::balance::inference::{InferenceConfig, Picker, Saturation};
use crate::routing::balance::{
    Choose, LARGEST_RING, LeastRequestConfig, MAGLEV_TABLE, NetworkCostConfig, SelectivePushConfig, is_prime,
};
use crate::routing::router::MAX_POOL;
use crate::scenario::decode::Cx;
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::At;
use crate::scenario::raw::{
    RawChoose, RawEnvoy, RawHosts, RawInference, RawLeastRequest, RawLocalityChoice, RawMaglev, RawPicker, RawPool,
    RawRingHash, RawSaturation,
};
use crate::units::Span;

/// The balancer of a pool of so many members.
pub(super) fn choose(p: &RawPool, members: usize, cx: &mut Cx) -> Choose {
    match cx.or(&p.choose, &d::CHOOSE) {
        RawChoose::Nearest(_) => Choose::Nearest,
        RawChoose::InOrder(_) => Choose::InOrder,
        RawChoose::Weighted(_) => Choose::Weighted,
        RawChoose::RoundRobin(_) => Choose::RoundRobin,
        RawChoose::LeastBusy(_) => Choose::LeastBusy,
        RawChoose::LeastRequest(l) => Choose::LeastRequest(least_request(&l, cx)),
        RawChoose::RingHash(r) => Choose::RingHash(ring(&r, cx)),
        RawChoose::Reported(r) => {
            let every = cx.or_at(&r.every, &d::REPORTED_EVERY, r.loc);
            Choose::Reported(cx.within_range(every, "every", Span::from_millis(1)..=Span::from_hours(1)))
        }
        RawChoose::PeakEwma(p) => {
            let decay = cx.or_at(&p.decay, &d::EWMA_DECAY, p.loc);
            Choose::PeakEwma(cx.positive(decay, "decay"))
        }
        RawChoose::OpenRouter(_) => Choose::OpenRouter,
        RawChoose::WeightedRoundRobin(_) => Choose::WeightedRoundRobin,
        RawChoose::Maglev(m) => Choose::Maglev(maglev(&m, members, cx)),
        RawChoose::Envoy(e) => Choose::Envoy(envoy(&e, members, cx)),
        RawChoose::Inference(i) => Choose::Inference(inference(&i, cx)),
        RawChoose::SelectivePush(s) => {
            let refresh = cx.or_at(&s.refresh, &d::PUSH_REFRESH, s.loc);
            let wait = cx.or_at(&s.max_wait, &d::PUSH_WAIT, s.loc);
            Choose::SelectivePush(SelectivePushConfig {
                refresh: cx.within_range(refresh, "refresh", Span::from_millis(10)..=Span::from_mins(1)),
                max_wait: cx.within_range(wait, "max_wait", Span::ZERO..=Span::from_mins(10)),
                cross_region: cx.or(&s.cross_region, &d::PUSH_CROSS).value,
                lru_blocks: LRU_BLOCKS,
            })
        }
        RawChoose::NetworkCost(n) => {
            let prefill = cx.or_at(&n.prefill_per_token, &d::GORGO_PREFILL, n.loc);
            Choose::NetworkCost(NetworkCostConfig {
                prefill_per_token: prefill.value,
                per_call: n.per_call.map_or(Span::ZERO, |s| s.value),
                lru_blocks: LRU_BLOCKS,
            })
        }
    }
}

fn least_request(l: &RawLeastRequest, cx: &mut Cx) -> LeastRequestConfig {
    let count = cx.or_at(&l.choice_count, &d::LEAST_CHOICES, l.loc);
    let bias = cx.or_at(&l.active_request_bias, &d::LEAST_BIAS, l.loc);
    LeastRequestConfig {
        choice_count: cx.count(count, "choice_count", 1..=100),
        active_request_bias: cx.within_range(bias, "active_request_bias", 0.0..=10.0),
    }
}

fn ring(r: &RawRingHash, cx: &mut Cx) -> u32 {
    let size = cx.or_at(&r.minimum_ring_size, &d::RING_SIZE, r.loc);
    cx.count(size, "minimum_ring_size", 1..=LARGEST_RING)
}

fn maglev(m: &RawMaglev, members: usize, cx: &mut Cx) -> u32 {
    let at = cx.or_at(&m.table_size, &d::MAGLEV_SIZE, m.loc);
    let size = cx.count(at, "table_size", 2..=MAGLEV_TABLE);
    if !is_prime(size) {
        let next = (size..).find(|n| is_prime(*n)).unwrap_or(MAGLEV_TABLE);
        cx.error(at.loc, format!("a table of {size} entries: the size must be a prime number"))
            .help(format!("{next} is the next one"));
    } else if (size as usize) <= members {
        cx.error(at.loc, format!("a table of {size} entries is too small for {members} members"));
    }
    size
}

fn envoy(e: &RawEnvoy, members: usize, cx: &mut Cx) -> EnvoyConfig {
    let hosts = match cx.or(&e.hosts, &d::ENVOY_HOSTS) {
        RawHosts::RoundRobin(_) => HostPolicy::RoundRobin,
        RawHosts::Random(_) => HostPolicy::Random,
        RawHosts::LeastRequest(l) => HostPolicy::LeastRequest(least_request(&l, cx)),
        RawHosts::RingHash(r) => HostPolicy::RingHash(ring(&r, cx)),
        RawHosts::Maglev(m) => HostPolicy::Maglev(maglev(&m, members, cx)),
    };
    let localities = match &e.localities {
        None => LocalityPolicy::Ignored,
        Some(RawLocalityChoice::Weighted(_)) => LocalityPolicy::Weighted,
        Some(RawLocalityChoice::ZoneAware(z)) => {
            let least = cx.or_at(&z.min_cluster_size, &d::ENVOY_MIN_CLUSTER, z.loc);
            let min_cluster_size = cx.count(least, "min_cluster_size", 1..=MAX_POOL as u32);
            LocalityPolicy::ZoneAware { min_cluster_size }
        }
    };
    let panic = cx.or_at(&e.panic_threshold, &d::ENVOY_PANIC, e.loc);
    let fail = cx.or(&e.fail_traffic_on_panic, &d::ENVOY_FAIL_ON_PANIC);
    let factor = cx.or_at(&e.overprovisioning_factor, &d::ENVOY_OVERPROVISIONING, e.loc);
    let config = EnvoyConfig {
        hosts,
        localities,
        panic_threshold: cx.count(panic, "panic_threshold", 0..=100),
        fail_traffic_on_panic: fail.value,
        overprovisioning_factor: cx.count(factor, "overprovisioning_factor", 100..=1000),
        attempts_per_priority: e.attempts_per_priority.map(|n| cx.count(n, "attempts_per_priority", 1..=8)),
        slow_start: e.slow_start.as_ref().and_then(|s| {
            let aggression = cx.or_at(&s.aggression, &d::ENVOY_AGGRESSION, s.loc);
            let least = cx.or_at(&s.min_weight_percent, &d::ENVOY_MIN_WEIGHT, s.loc);
            let window = cx.positive(s.window?, "window");
            Some(SlowStart {
                window: window.max(Span(1)),
                aggression: cx.within_range(aggression, "aggression", 0.1..=10.0),
                min_weight_percent: cx.within_range(least, "min_weight_percent", 0.0..=100.0),
            })
        }),
    };
    if config.fail_traffic_on_panic && config.panic_threshold == 0 {
        cx.error(e.loc, "a level that never panics has no traffic to fail")
            .help("a `panic_threshold` above 0, or no `fail_traffic_on_panic`");
    }
    if let Some(s) = &e.slow_start
        && !matches!(hosts, HostPolicy::RoundRobin | HostPolicy::LeastRequest(_))
    {
        cx.error(s.loc, "slow start has no effect on hosts that are chosen at random or by hash")
            .expected("`hosts` of `round_robin` or `least_request`");
    }
    if config.localities != LocalityPolicy::Ignored && hosts.hashes() {
        cx.error(e.loc, "a host that is found by hash has no locality that could be chosen before")
            .expected("`hosts` of `round_robin`, `random` or `least_request`, or no `localities`");
    }
    config
}

fn inference(i: &RawInference, cx: &mut Cx) -> InferenceConfig {
    let mut weight = |w: Option<At<f64>>, key: &str| w.map_or(0.0, |w| cx.within_range(w, key, 0.0..=1000.0));
    let weights = i.scorers.as_ref().map_or(Weights::SAMPLE, |s| Weights {
        queue: weight(s.queue, "queue"),
        running: weight(s.running, "running"),
        utilisation: weight(s.utilisation, "utilisation"),
        prefix: weight(s.prefix, "prefix"),
        load_aware: weight(s.load_aware, "load_aware"),
        active_requests: weight(s.active_requests, "active_requests"),
    });
    let picker = match cx.or(&i.picker, &d::EPP_PICKER) {
        RawPicker::MaxScore(_) => Picker::MaxScore,
        RawPicker::Random(_) => Picker::Random,
        RawPicker::WeightedRandom(_) => Picker::WeightedRandom,
    };
    let refresh = cx.or_at(&i.refresh, &d::EPP_REFRESH, i.loc);
    let refresh = cx.within_range(refresh, "refresh", Span::from_millis(1)..=Span::from_mins(1));
    let lru = cx.or_at(&i.lru_blocks, &d::EPP_LRU, i.loc);
    let scored = i.scorers.as_ref().map_or(i.loc, |s| s.loc);
    if weights.is_zero() && picker != Picker::Random {
        cx.error(scored, "no scorer has a weight: all members would be alike").expected("at least one positive weight");
    }
    InferenceConfig {
        weights,
        picker,
        saturation: i.saturation.as_ref().map(|s| saturation(s, refresh, cx)),
        refresh,
        lru_blocks: cx.count(lru, "lru_blocks", 1..=1_000_000),
    }
}

fn saturation(s: &RawSaturation, refresh: Span, cx: &mut Cx) -> Saturation {
    let queue = cx.or_at(&s.queue, &d::EPP_QUEUE, s.loc);
    let utilisation = cx.or_at(&s.utilisation, &d::EPP_UTILISATION, s.loc);
    let stale = cx.or_at(&s.stale_after, &d::EPP_STALE, s.loc);
    if utilisation.value.0 <= 0.0 {
        cx.error(utilisation.loc, "a member that is full when it is idle is always full").expected("above 0");
    }
    if stale.value < refresh {
        cx.error(stale.loc, format!("reports come every {refresh}: most would be stale, and everybody full"))
            .expected("at least `refresh`");
    }
    Saturation {
        queue: cx.within_range(queue, "queue", 1.0..=1000.0),
        utilisation: utilisation.value.0.max(1e-6),
        stale_after: stale.value,
        refuse: cx.or(&s.refuse, &d::EPP_REFUSE).value,
    }
}
