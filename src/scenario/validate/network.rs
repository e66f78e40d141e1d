//! Round trips and egress prices for the places of the scenario.

use super::lookup;
use super::places::Places;
use crate::catalog::{self, UserRtt};
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::{Link, Place, UserGroup};
use crate::scenario::raw::{RawLink, RawScenario};
use crate::scenario::suggest::{did_you_mean, listed};
use crate::units::Span;

/// The places with their egress prices.
pub fn places(places: &Places) -> Vec<Place> {
    places
        .list
        .iter()
        .map(|&from| Place {
            id: from.id.clone(),
            place: from.place,
            country: from.country.clone(),
            egress_internet: lookup::egress(from, None),
            egress_to: places.list.iter().map(|&to| lookup::egress(from, Some(to))).collect(),
        })
        .collect()
}

/// Links between places, and from groups to places, row-major.
pub fn links(raw: &RawScenario, places: &Places, groups: &[UserGroup], cx: &mut Cx) -> (Vec<Link>, Vec<Link>) {
    let network = raw.network.as_ref();
    let mut jitter = |own: Option<At<f64>>, key: &str, value: f64, why: &str| match own {
        Some(own) => cx.within_range(own, "jitter", 0.0..=1.0),
        None => {
            cx.used(format!("network.{key}"), value.to_string(), why);
            value
        }
    };
    let region_jitter = jitter(
        network.and_then(|n| n.jitter),
        "jitter",
        catalog::REGION_JITTER,
        "median over 306 pairs of AWS regions, cloudping.co, 2024-04-19: standard deviation over mean",
    );
    let user_jitter = jitter(
        network.and_then(|n| n.user_jitter),
        "user_jitter",
        catalog::USER_JITTER,
        "upper quartile of WonderNetwork paths, November 2018; ASSUMPTION: consumer lines are like those",
    );
    let mut place_links = Vec::with_capacity(places.list.len() * places.list.len());
    for a in &places.list {
        for b in &places.list {
            let (rtt, estimated, origin) = lookup::region_rtt(a, b);
            place_links.push(Link { rtt, jitter: region_jitter, estimated, origin });
        }
    }
    let mut user_links = Vec::with_capacity(groups.len() * places.list.len());
    for g in groups {
        for p in &places.list {
            let r = catalog::user_rtt(g.place, p.place);
            user_links.push(Link {
                rtt: Span::from_millis_f64(r.ms),
                jitter: user_jitter,
                estimated: true,
                origin: UserRtt::ORIGIN.to_owned(),
            });
        }
    }
    let mut seen: Vec<(usize, usize, Loc)> = Vec::new();
    for link in network.and_then(|n| n.link.as_ref()).iter().flat_map(|l| &l.items) {
        let Some((a, b)) = ends(link, places, groups, cx) else { continue };
        if let Some((.., first)) = seen.iter().find(|(c, d, _)| (*c, *d) == (a.min(b), a.max(b))) {
            cx.error(link.loc, "this link is stated twice").note(*first, "first stated here");
        }
        seen.push((a.min(b), a.max(b), link.loc));
        let Some(rtt) = link.rtt else { continue };
        let rtt = cx.positive(rtt, "rtt");
        let own_jitter = link.jitter.map(|j| cx.within_range(j, "jitter", 0.0..=1.0));
        let n = places.list.len();
        let set = |l: &mut Link, usual: f64| {
            *l = Link { rtt, jitter: own_jitter.unwrap_or(usual), estimated: false, origin: "the scenario".to_owned() };
        };
        if a < n && b < n {
            set(&mut place_links[a * n + b], region_jitter);
            set(&mut place_links[b * n + a], region_jitter);
        } else {
            let (group, place) = (a.max(b) - n, a.min(b));
            set(&mut user_links[group * n + place], user_jitter);
        }
    }
    (place_links, user_links)
}

/// The two ends of a link: places by index, groups behind them.
fn ends(link: &RawLink, places: &Places, groups: &[UserGroup], cx: &mut Cx) -> Option<(usize, usize)> {
    let between = link.between.as_ref()?;
    let [a, b] = between.items.as_slice() else {
        if between.items.len() == between.written {
            cx.error(between.loc, format!("a link is between two places, not {}", between.written));
        }
        return None;
    };
    let mut end = |name: &At<String>| {
        let found = places
            .find(&name.value)
            .map(|p| p.ix())
            .or_else(|| groups.iter().position(|g| g.name == name.value).map(|g| places.list.len() + g));
        if found.is_none() {
            let names: Vec<&str> =
                places.list.iter().map(|r| r.id.as_str()).chain(groups.iter().map(|g| g.name.as_str())).collect();
            let help = did_you_mean(&name.value, names.iter().copied());
            cx.error(
                name.loc,
                format!("`{}` is neither a region that the scenario uses nor a group of users", name.value),
            )
            .expected(listed(names))
            .maybe_help(help);
        }
        found
    };
    let (first, second) = (end(a), end(b));
    let (first, second) = (first?, second?);
    if first >= places.list.len() && second >= places.list.len() {
        cx.error(b.loc, "a link between two groups of users: users talk to regions only")
            .note(a.loc, "the other group");
        return None;
    }
    Some((first, second))
}
