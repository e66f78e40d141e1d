//! How users find a region: from raw to valid.

mod balancers;
mod dns;
mod load;

pub use dns::{check, location};
pub use load::finishes;

use crate::routing::steering::Policy;
use crate::scenario::decode::{Cx, Leaf, Named};
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::{Access, Steering};
use crate::scenario::raw::{RawSteering, RawTopology};
use crate::scenario::suggest::listed;
use crate::units::Span;
use balancers::{accelerator, anycast, client_probing, fallback, front_door, outstanding, waterfall};
use dns::{records, weights};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// The regions of a topology, by id, for tables that name them.
struct Regions<'a> {
    topology: &'a str,
    ids: Vec<&'a str>,
}

impl Regions<'_> {
    /// Position of a region; an error if the topology does not have it.
    fn position(&self, id: &At<String>, cx: &mut Cx) -> Option<usize> {
        super::places::known(id, cx)?;
        let found = self.ids.iter().position(|r| *r == id.value);
        if found.is_none() {
            let message = format!("topology `{}` has no application in `{}`", self.topology, id.value);
            cx.error(id.loc, message).expected(listed(self.ids.iter().copied()));
        }
        found
    }

    /// One value per region, where the table has one.
    fn values<T: Leaf + Copy + PartialOrd + Display>(
        &self,
        table: Option<&Named<At<T>>>,
        what: &str,
        range: RangeInclusive<T>,
        cx: &mut Cx,
    ) -> Option<Vec<Option<T>>> {
        let mut out = vec![None; self.ids.len()];
        let before = cx.errors();
        for (id, value) in table.iter().flat_map(|t| &t.entries) {
            let position = self.position(id, cx);
            let value = value.map(|v| cx.within_range(v, what, range.clone()));
            if let Some(i) = position {
                out[i] = value;
            }
        }
        let complete = table.is_none_or(|t| t.entries.iter().all(|(_, v)| v.is_some()));
        (cx.errors() == before && complete).then_some(out)
    }
}

/// A topology's steering; `None` if it is wrong.
pub fn steering(name: &At<String>, t: &RawTopology, cx: &mut Cx) -> Option<Steering> {
    let raw = cx.or(&t.steering, &d::STEERING);
    let list = t.regions.as_ref()?;
    if list.items.len() < list.written {
        return None; // a region is wrong, so it is not known which the table may name
    }
    let regions = Regions { topology: &name.value, ids: list.items.iter().map(|r| r.value.as_str()).collect() };
    let (key, own_loc) = place_of(&raw);
    // a default has no place in the file
    let loc = if t.steering.is_some() { own_loc } else { name.loc };
    if list.written == 1 && !matches!(raw, RawSteering::Latency(_)) {
        cx.warning(loc, format!("topology `{}` has one region, so `{key}` has nowhere to go", name.value));
    }
    unused_health(t, &raw, key, cx);
    let by_name = |policy: Option<Policy>, own: &Option<At<Span>>, cx: &mut Cx| {
        let ttl = ttl(own, loc, cx);
        Some(Steering::dns(policy?, ttl?))
    };
    let edge = |policy: Option<Policy>, own: &Option<At<Span>>, cx: &mut Cx| {
        let edge_rtt = cx.or_at(own, &d::EDGE_RTT, loc).value;
        Some(Steering { policy: policy?, access: Access::Edge { edge_rtt } })
    };
    match &raw {
        RawSteering::Latency(r) => by_name(Some(Policy::Latency), &r.ttl, cx),
        RawSteering::Failover(r) => by_name(Some(Policy::Failover), &r.ttl, cx),
        RawSteering::Multivalue(r) => by_name(Some(Policy::Multivalue), &r.ttl, cx),
        RawSteering::Weighted(r) => {
            let policy = weights(r.weights.as_ref(), &regions, cx);
            by_name(policy, &r.ttl, cx)
        }
        RawSteering::Geolocation(r) => {
            let policy = records(r, &regions, loc, cx);
            by_name(policy, &r.ttl, cx)
        }
        RawSteering::Geoproximity(r) => {
            let biases = regions.values(r.bias.as_ref(), "bias", -99..=99, cx);
            let policy =
                biases.map(|list| Policy::Geoproximity(list.into_iter().map(|b| b.unwrap_or(0) as i8).collect()));
            by_name(policy, &r.ttl, cx)
        }
        RawSteering::Anycast(r) => anycast(r, loc, cx),
        RawSteering::GlobalAccelerator(r) => {
            let policy = accelerator(r, &regions, loc, cx);
            let edge_rtt = cx.or_at(&r.edge_rtt, &d::EDGE_RTT, loc).value;
            Some(Steering { policy: policy?, access: Access::Accelerator { edge_rtt } })
        }
        RawSteering::CloudflareDynamic(r) => {
            let policy = fallback(&r.fallback, &regions, cx).map(|fallback| Policy::CloudflareDynamic { fallback });
            edge(policy, &r.edge_rtt, cx)
        }
        RawSteering::CloudflareProximity(r) => {
            let policy = fallback(&r.fallback, &regions, cx).map(|fallback| Policy::CloudflareProximity { fallback });
            edge(policy, &r.edge_rtt, cx)
        }
        RawSteering::CloudflareLeastOutstanding(r) => {
            let policy = outstanding(r, &regions, cx);
            edge(policy, &r.edge_rtt, cx)
        }
        RawSteering::GoogleWaterfall(r) => {
            let policy = waterfall(r, &regions, loc, cx);
            edge(policy, &r.edge_rtt, cx)
        }
        RawSteering::AzureFrontDoor(r) => {
            let policy = front_door(r, &regions, loc, cx);
            edge(policy, &r.edge_rtt, cx)
        }
        RawSteering::ClientProbing(r) => client_probing(r, loc, cx),
    }
}

/// The key of a choice and its place.
fn place_of(raw: &RawSteering) -> (&'static str, Loc) {
    match raw {
        RawSteering::Latency(r) => ("dns_latency", r.loc),
        RawSteering::Failover(r) => ("dns_failover", r.loc),
        RawSteering::Weighted(r) => ("dns_weighted", r.loc),
        RawSteering::Geolocation(r) => ("dns_geolocation", r.loc),
        RawSteering::Geoproximity(r) => ("dns_geoproximity", r.loc),
        RawSteering::Multivalue(r) => ("dns_multivalue", r.loc),
        RawSteering::Anycast(r) => ("anycast", r.loc),
        RawSteering::GlobalAccelerator(r) => ("global_accelerator", r.loc),
        RawSteering::CloudflareDynamic(r) => ("cloudflare_dynamic", r.loc),
        RawSteering::CloudflareProximity(r) => ("cloudflare_proximity", r.loc),
        RawSteering::CloudflareLeastOutstanding(r) => ("cloudflare_least_outstanding", r.loc),
        RawSteering::GoogleWaterfall(r) => ("google_waterfall", r.loc),
        RawSteering::AzureFrontDoor(r) => ("azure_front_door", r.loc),
        RawSteering::ClientProbing(r) => ("client_probing", r.loc),
    }
}

/// Health checks that the policy does not look at.
fn unused_health(t: &RawTopology, raw: &RawSteering, key: &str, cx: &mut Cx) {
    let Some(h) = &t.health else { return };
    let locs = [
        ("interval", h.interval.as_ref().map(|v| v.loc)),
        ("fail_after", h.fail_after.as_ref().map(|v| v.loc)),
        ("pass_after", h.pass_after.as_ref().map(|v| v.loc)),
        ("quorum", h.quorum.as_ref().map(|v| v.loc)),
    ];
    match raw {
        RawSteering::AzureFrontDoor(_) => {
            for (name, loc) in locs {
                if let Some(loc) = loc {
                    cx.warning(
                        loc,
                        format!("`{name}` says nothing with `{key}`, whose edges judge by their own probes"),
                    )
                    .help("`probe_interval`, `sample_size` and `successful_samples` of the steering");
                }
            }
        }
        RawSteering::ClientProbing(_) => {
            cx.warning(h.loc, format!("`health` says nothing with `{key}`: nobody checks anything"));
        }
        _ => {}
    }
}

fn ttl(own: &Option<At<Span>>, loc: Loc, cx: &mut Cx) -> Option<Span> {
    let ttl = cx.or_at(own, &d::TTL, loc);
    span_within(ttl, "ttl", Span::from_secs(1)..=Span::from_hours(24 * 7), "1 s to 7 d", cx)
}

fn span_within(value: At<Span>, key: &str, range: RangeInclusive<Span>, words: &str, cx: &mut Cx) -> Option<Span> {
    if !range.contains(&value.value) {
        cx.error(value.loc, format!("`{key}` is {}, which is out of range", value.value)).expected(words);
        return None;
    }
    Some(value.value)
}
