//! Records of a name service.

use super::Regions;
use crate::catalog;
use crate::routing::steering::{Area, GeoRecords, Location, Policy};
use crate::scenario::decode::{Cx, Named};
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::extends::Resolved;
use crate::scenario::model::{Residency, Topology, UserGroup};
use crate::scenario::raw::{RawGeolocation, RawScenario, RawSteering, RawTopology};
use crate::scenario::suggest::{did_you_mean, listed};
use crate::scenario::validate::users;
use crate::units::Continent;

pub(super) fn weights(table: Option<&Named<At<u64>>>, regions: &Regions<'_>, cx: &mut Cx) -> Option<Policy> {
    let table = table?;
    let list = regions.values(Some(table), "weight", 0..=255, cx)?;
    let missing: Vec<&str> = regions.ids.iter().zip(&list).filter(|(_, w)| w.is_none()).map(|(id, _)| *id).collect();
    if !missing.is_empty() {
        cx.error(table.loc, format!("no weight for {}", listed(missing)))
            .expected("a weight of 0 to 255 for every region of the topology");
        return None;
    }
    let list: Vec<u8> = list.into_iter().flatten().map(|w| w as u8).collect();
    if list.iter().all(|w| *w == 0) {
        cx.error(table.loc, "all weights are 0, so none says anything")
            .expected("a weight above 0")
            .help("Route 53 would treat all regions alike; if that is meant, give them equal weights");
        return None;
    }
    Some(Policy::Weighted(list))
}

/// The area that a key of a table names.
type ReadArea = fn(&At<String>, &mut Cx) -> Option<Area>;

pub(super) fn records(r: &RawGeolocation, regions: &Regions<'_>, loc: Loc, cx: &mut Cx) -> Option<Policy> {
    let before = cx.errors();
    let mut list: Vec<(Area, u8)> = Vec::new();
    let mut whole = r.bad.is_empty();
    let tables: [(_, ReadArea); 3] = [(&r.states, state), (&r.countries, country), (&r.continents, continent)];
    for (table, area) in tables {
        for (name, region) in table.iter().flat_map(|t| &t.entries) {
            whole &= region.is_some();
            let area = area(name, cx);
            let region = region.as_ref().and_then(|id| regions.position(id, cx));
            list.extend(area.zip(region.map(|i| i as u8)));
        }
    }
    if let Some(id) = &r.default {
        list.extend(regions.position(id, cx).map(|i| (Area::Default, i as u8)));
    }
    if cx.errors() > before || !whole {
        return None;
    }
    if list.is_empty() {
        cx.error(loc, "no records, so nobody gets an answer")
            .expected("at least one of `default`, `continents`, `countries`, `states`");
        return None;
    }
    Some(Policy::Geolocation(GeoRecords::new(list)))
}

fn continent(name: &At<String>, cx: &mut Cx) -> Option<Area> {
    let found = Continent::from_name(&name.value);
    if found.is_none() {
        let known = Continent::ALL.map(Continent::name);
        cx.error(name.loc, format!("unknown continent `{}`", name.value))
            .expected(listed(known))
            .maybe_help(did_you_mean(&name.value, known));
    }
    found.map(Area::Continent)
}

fn country(code: &At<String>, cx: &mut Cx) -> Option<Area> {
    users::country(code, cx).map(|c| Area::Country(two(&c)))
}

fn state(code: &At<String>, cx: &mut Cx) -> Option<Area> {
    users::state(code, cx).map(|s| Area::State(two(s)))
}

/// The two letters of a code.
pub fn two(code: &str) -> [u8; 2] {
    [code.as_bytes()[0], code.as_bytes()[1]]
}

/// What only users make right or wrong: everybody gets an answer, and each record has somebody to answer.
pub fn check(
    raw: &RawScenario,
    groups: &[UserGroup],
    residency: &[Residency],
    topologies: &[(At<String>, Option<Topology>)],
    resolved: &[Resolved<RawTopology>],
    cx: &mut Cx,
) {
    if raw.users.as_ref().is_none_or(|u| groups.len() < u.entries.len()) {
        return;
    }
    for (name, topology) in topologies {
        let Some(topology) = topology else { continue };
        let Policy::Geolocation(records) = &topology.steering.policy else { continue };
        let written = resolved.iter().find(|r| r.name.value == name.value).and_then(|r| r.value.as_ref());
        let Some(RawSteering::Geolocation(own)) = written.and_then(|t| t.steering.as_ref()) else { continue };
        for group in groups {
            let legal = |e: &usize| group.residency.is_none_or(|c| residency[c].legal[topology.regions[*e].place.ix()]);
            if records.of(&group.location).any(|(_, e)| legal(&e)) {
                continue;
            }
            let some = records.of(&group.location).next().is_some();
            let message = if some {
                format!("users `{}` get no answer: no record for their place leads to a legal region", group.name)
            } else {
                format!("users `{}` get no answer: no record is for their place", group.name)
            };
            let d = cx.error(own.loc, message);
            d.expected(format!("{}`default`", place(&group.location)));
            if group.location == Location::default() {
                d.help("a `location` without a `country` is on no continent");
            }
        }
        for (table, area) in [(&own.continents, continent as ReadArea), (&own.countries, country), (&own.states, state)]
        {
            for (key, _) in table.iter().flat_map(|t| &t.entries) {
                let Some(area) = area(key, cx) else { continue };
                if !groups.iter().any(|g| area.contains(&g.location)) {
                    cx.warning(key.loc, format!("no users are in `{}`", key.value));
                }
            }
        }
    }
}

/// The records that somebody there could have, as the beginning of a sentence.
fn place(location: &Location) -> String {
    let text = |code: [u8; 2]| String::from_utf8_lossy(&code).into_owned();
    let mut parts: Vec<String> = Vec::new();
    parts.extend(location.state.map(|s| format!("state `{}`", text(s))));
    parts.extend(location.country.map(|c| format!("country `{}`", text(c))));
    parts.extend(location.continent.map(|c| format!("continent `{}`", c.name())));
    if parts.is_empty() { String::new() } else { format!("a record for {}, or ", parts.join(", ")) }
}

/// Where users are, as a name service's table of addresses has it.
pub fn location(country: Option<&str>, state: Option<&str>) -> Location {
    Location {
        continent: country.and_then(catalog::country).and_then(|c| c.continent),
        country: country.map(two),
        state: state.map(two),
    }
}
