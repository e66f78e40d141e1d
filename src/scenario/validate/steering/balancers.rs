//! Anycast, load balancers and clients that choose for themselves.

use super::{Regions, span_within};
use crate::routing::steering::{
    Capacity, ClientProbingConfig, EndpointGroup, MOST_SAMPLES, Origin, OriginGroup, Policy, WaterfallConfig,
};
use crate::scenario::decode::Cx;
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::{Access, Steering};
use crate::scenario::raw::{
    RawAccelerator, RawAnycast, RawCapacity, RawClientProbing, RawCloudflareOutstanding, RawFrontDoor, RawWaterfall,
};
use crate::scenario::suggest::listed;
use crate::scenario::validate::dist::durations;
use crate::units::Span;

pub(super) fn anycast(r: &RawAnycast, loc: Loc, cx: &mut Cx) -> Option<Steering> {
    let networks = cx.or_at(&r.networks_per_group, &d::ANYCAST_NETWORKS, loc);
    let inflated = cx.or_at(&r.inflated_share, &d::ANYCAST_INFLATED, loc);
    let convergence = durations(&cx.or(&r.convergence, &d::ANYCAST_CONVERGENCE), cx);
    let access = Access::Network {
        networks_per_group: cx.count(networks, "networks_per_group", 1..=10_000),
        inflated_share: inflated.value.0,
        convergence: convergence?,
    };
    Some(Steering { policy: Policy::Anycast, access })
}

pub(super) fn accelerator(r: &RawAccelerator, regions: &Regions<'_>, loc: Loc, cx: &mut Cx) -> Option<Policy> {
    let dials = regions.values(r.dials.as_ref(), "dial", 0..=100, cx);
    let weights = regions.values(r.weights.as_ref(), "weight", 0..=255, cx);
    let (dials, weights) = (dials?, weights?);
    let groups: Vec<EndpointGroup> = dials
        .iter()
        .zip(&weights)
        .enumerate()
        .map(|(i, (dial, weight))| EndpointGroup {
            dial: dial.unwrap_or(100) as u8,
            members: vec![(i as u8, weight.unwrap_or(128) as u8)],
        })
        .collect();
    for (what, table, all_zero) in [
        ("dials", &r.dials, groups.iter().all(|g| g.dial == 0)),
        ("weights", &r.weights, groups.iter().all(|g| g.members[0].1 == 0)),
    ] {
        if let (Some(table), true) = (table, all_zero) {
            cx.error(table.loc, format!("all {what} are 0, so no region is ever meant to be used"))
                .expected("at least one above 0");
            return None;
        }
    }
    if groups.iter().all(|g| g.dial == 0 || g.members[0].1 == 0) {
        cx.error(loc, "every region has a dial or a weight of 0, so none is ever meant to be used")
            .expected("at least one region with both above 0");
        return None;
    }
    Some(Policy::Accelerator(groups))
}

/// Position of the fallback pool.
pub(super) fn fallback(own: &Option<At<String>>, regions: &Regions<'_>, cx: &mut Cx) -> Option<u8> {
    match own {
        Some(id) => regions.position(id, cx).map(|i| i as u8),
        None => Some((regions.ids.len() - 1) as u8),
    }
}

pub(super) fn outstanding(r: &RawCloudflareOutstanding, regions: &Regions<'_>, cx: &mut Cx) -> Option<Policy> {
    let weights = regions.values(r.weights.as_ref(), "weight", 0.0..=1.0, cx);
    let fallback = fallback(&r.fallback, regions, cx);
    let weights: Vec<f64> = weights?.into_iter().map(|w| w.unwrap_or(1.0)).collect();
    if let (Some(table), true) = (&r.weights, weights.iter().all(|w| *w == 0.0)) {
        cx.error(table.loc, "all weights are 0, so everything goes to the fallback pool")
            .expected("at least one above 0");
        return None;
    }
    Some(Policy::CloudflareOutstanding { weights, fallback: fallback? })
}

pub(super) fn waterfall(r: &RawWaterfall, regions: &Regions<'_>, loc: Loc, cx: &mut Cx) -> Option<Policy> {
    let interval = cx.or_at(&r.interval, &d::WATERFALL_INTERVAL, loc);
    let interval = span_within(interval, "interval", Span::from_millis(100)..=Span::from_hours(1), "100 ms to 1 h", cx);
    let lag = cx.or_at(&r.lag, &d::WATERFALL_LAG, loc);
    let lag = span_within(lag, "lag", Span::ZERO..=Span::from_hours(1), "0 to 1 h", cx);
    let capacity = match cx.or(&r.capacity, &d::WATERFALL_CAPACITY) {
        RawCapacity::Utilization(share) => {
            if share.value.0 == 0.0 {
                cx.error(share.loc, "a target utilisation of 0: no region is ever meant to be used")
                    .expected("a share above 0");
                return None;
            }
            Capacity::Utilization(share.value.0)
        }
        RawCapacity::Rate(table) => {
            let before = cx.errors();
            let mut rates: Vec<Option<f64>> = vec![None; regions.ids.len()];
            for (id, rate) in &table.entries {
                if let (Some(i), Some(rate)) = (regions.position(id, cx), rate) {
                    rates[i] = Some(rate.value.0.per_sec_f64());
                }
            }
            if cx.errors() > before || table.entries.iter().any(|(_, r)| r.is_none()) {
                return None;
            }
            let missing: Vec<&str> =
                regions.ids.iter().zip(&rates).filter(|(_, r)| r.is_none()).map(|(id, _)| *id).collect();
            if !missing.is_empty() {
                cx.error(table.loc, format!("no rate for {}", listed(missing)))
                    .expected("a rate for every region of the topology");
                return None;
            }
            let rates: Vec<f64> = rates.into_iter().flatten().collect();
            if rates.iter().all(|r| *r == 0.0) {
                cx.error(table.loc, "all rates are 0, so no region is ever meant to be used")
                    .expected("at least one above 0");
                return None;
            }
            Capacity::Rate(rates)
        }
    };
    Some(Policy::Waterfall(WaterfallConfig { capacity, interval: interval?, lag: lag? }))
}

pub(super) fn front_door(r: &RawFrontDoor, regions: &Regions<'_>, loc: Loc, cx: &mut Cx) -> Option<Policy> {
    let before = cx.errors();
    let mut origins: Vec<Option<Origin>> = vec![None; regions.ids.len()];
    let mut whole = true;
    for (id, own) in r.origins.iter().flat_map(|o| &o.entries) {
        let position = regions.position(id, cx);
        let Some(own) = own else {
            whole = false;
            continue;
        };
        let priority = cx.or_at(&own.priority, &d::ORIGIN_PRIORITY, own.loc);
        let weight = cx.or_at(&own.weight, &d::ORIGIN_WEIGHT, own.loc);
        let origin = Origin {
            priority: cx.count(priority, "priority", 1..=5) as u8,
            weight: cx.count(weight, "weight", 1..=1000) as u16,
        };
        whole &= own.bad.is_empty();
        if let Some(i) = position {
            origins[i] = Some(origin);
        }
    }
    let band = cx.or_at(&r.additional_latency, &d::FRONT_DOOR_BAND, loc);
    let band = span_within(band, "additional_latency", Span::ZERO..=Span::from_millis(1000), "0 to 1000 ms", cx);
    let interval = cx.or_at(&r.probe_interval, &d::FRONT_DOOR_INTERVAL, loc);
    let interval =
        span_within(interval, "probe_interval", Span::from_millis(100)..=Span::from_hours(1), "100 ms to 1 h", cx);
    let samples = cx.or_at(&r.sample_size, &d::FRONT_DOOR_SAMPLES, loc);
    let successes = cx.or_at(&r.successful_samples, &d::FRONT_DOOR_SUCCESSES, loc);
    let most = cx.count(samples, "sample_size", 1..=u32::from(MOST_SAMPLES)) as u8;
    if successes.value > samples.value {
        let at = if r.successful_samples.is_some() { successes.loc } else { samples.loc };
        cx.error(at, format!("{} of the last {} probes can never have been answered", successes.value, samples.value))
            .expected("`successful_samples` of at most `sample_size`");
    }
    let successes = cx.count(successes, "successful_samples", 1..=u32::from(MOST_SAMPLES)) as u8;
    if cx.errors() > before || !whole {
        return None;
    }
    let origins: Vec<Origin> = origins.into_iter().map(|o| o.unwrap_or_else(|| default_origin(cx))).collect();
    let band = band?;
    if band == Span::ZERO && origins.iter().any(|o| o.weight != origins[0].weight) {
        let at = r.origins.as_ref().map_or(loc, |o| o.loc);
        cx.warning(at, "weights say nothing while only the fastest origin is used")
            .help("an `additional_latency` above 0");
    }
    Some(Policy::FrontDoor(OriginGroup { origins, band, samples: most, successes, interval: interval? }))
}

fn default_origin(cx: &mut Cx) -> Origin {
    let priority: At<u64> = cx.or(&None, &d::ORIGIN_PRIORITY);
    let weight: At<u64> = cx.or(&None, &d::ORIGIN_WEIGHT);
    Origin { priority: priority.value as u8, weight: weight.value as u16 }
}

pub(super) fn client_probing(r: &RawClientProbing, loc: Loc, cx: &mut Cx) -> Option<Steering> {
    let explore = cx.or_at(&r.explore, &d::PROBING_EXPLORE, loc);
    let window = cx.or_at(&r.window, &d::PROBING_WINDOW, loc);
    let penalty = cx.or_at(&r.penalty, &d::PROBING_PENALTY, loc);
    let clients = cx.or_at(&r.clients_per_group, &d::PROBING_CLIENTS, loc);
    let config = ClientProbingConfig {
        explore: explore.value.0,
        window: cx.count(window, "window", 1..=1000),
        penalty: cx.positive(penalty, "penalty"),
    };
    let access = Access::Client { clients_per_group: cx.count(clients, "clients_per_group", 1..=10_000) };
    if config.explore == 0.0 {
        cx.error(explore.loc, "a program that never explores never finds out that another region has become better")
            .expected("a share above 0");
        return None;
    }
    if config.explore >= 1.0 {
        cx.error(explore.loc, "a program that always explores never uses what it has found out")
            .expected("a share below 1");
        return None;
    }
    Some(Steering { policy: Policy::ClientProbing(config), access })
}
