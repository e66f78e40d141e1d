//! Groups of users.

use crate::catalog;
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::At;
use crate::scenario::model::{Residency, UserGroup};
use crate::scenario::raw::{RawLocation, RawScenario, RawUsers};
use crate::scenario::suggest::did_you_mean;
use crate::units::LatLon;

/// Most groups: every group has its own resolvers and histograms.
const MOST_GROUPS: usize = 1000;

/// How far the shares may be from one before it counts as a mistake and not as rounding.
const SHARE_TOLERANCE: f64 = 1e-6;

/// The groups in file order; their shares add up to one.
pub fn groups(raw: &RawScenario, residency: &[Residency], cx: &mut Cx) -> Vec<UserGroup> {
    let Some(users) = &raw.users else { return Vec::new() };
    if users.entries.is_empty() {
        cx.error(users.loc, "no users").help("a group is a table: [users.berlin] with `city` and `share`");
        return Vec::new();
    }
    if users.entries.len() > MOST_GROUPS {
        cx.error(users.loc, format!("{} groups of users", users.entries.len()))
            .expected(format!("at most {MOST_GROUPS}"));
        return Vec::new();
    }
    let mut groups: Vec<UserGroup> = users.good().filter_map(|(name, group)| one(name, group, residency, cx)).collect();
    let shares: Option<Vec<f64>> =
        users.entries.iter().map(|(_, g)| g.as_ref().and_then(|g| g.share).map(|s| s.value.0)).collect();
    if let Some(shares) = shares {
        // in file order, so that the message is the same everywhere
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > SHARE_TOLERANCE {
            cx.error(users.loc, format!("the shares of the users add up to {}, not to 1", rounded(sum)))
                .maybe_help((sum > 0.0).then(|| scaled(&shares, sum, users.names())));
        } else {
            for g in &mut groups {
                g.share /= sum;
            }
        }
    }
    groups
}

fn rounded(x: f64) -> f64 {
    libm::round(x * 1e6) / 1e6
}

/// The shares in the same proportions with the right sum.
fn scaled<'a>(shares: &[f64], sum: f64, names: impl Iterator<Item = &'a str>) -> String {
    let list: Vec<String> =
        names.zip(shares).take(12).map(|(n, s)| format!("{n} {}", libm::round(s / sum * 1e4) / 1e4)).collect();
    let more = if shares.len() > 12 { ", ..." } else { "" };
    format!("in the same proportions: {}{more}", list.join(", "))
}

/// What reports call everybody together.
const EVERYBODY: &str = "all";

fn one(name: &At<String>, group: &RawUsers, residency: &[Residency], cx: &mut Cx) -> Option<UserGroup> {
    if name.value == EVERYBODY {
        cx.error(name.loc, "no group of users can be called `all`").help("reports mean everybody by it");
    }
    let class = group.residency.as_ref().and_then(|r| {
        let found = residency.iter().position(|c| c.name == r.value);
        if found.is_none() {
            cx.unknown_name("residency class", r, residency.iter().map(|c| c.name.as_str()))
                .help(format!("define it: [residency.{}] with `regions`, `countries` or `continents`", r.value));
        }
        found
    });
    let (city, zone, place, country) = match (&group.city, &group.location) {
        (Some(city), None) => {
            let found = match catalog::city(&city.value) {
                Ok(found) => found,
                Err(e) => {
                    let help = match e.suggestions.as_slice() {
                        [] => {
                            "give its place instead: `location = { lat = 50.11, lon = 8.68, zone = \"Europe/Berlin\" }`"
                                .to_owned()
                        }
                        names => format!(
                            "did you mean {}?",
                            names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or ")
                        ),
                    };
                    cx.error(city.loc, format!("unknown city `{}`", city.value))
                        .expected("a city of the catalogue (300,000 people or more), or `location`")
                        .help(help);
                    return None;
                }
            };
            (found.name.clone(), found.zone.to_owned(), found.place, Some(found.country.clone()))
        }
        (None, Some(location)) => {
            let (zone, place) = located(location, cx)?;
            let country = location.country.as_ref().and_then(|c| self::country(c, cx));
            (name.value.clone(), zone, place, country)
        }
        (Some(city), Some(location)) => {
            cx.error(location.loc, "both `city` and `location`").expected("one of them").note(city.loc, "the city");
            return None;
        }
        (None, None) => {
            if !group.bad.iter().any(|k| matches!(*k, "city" | "location")) {
                cx.error(name.loc, format!("users `{}` are nowhere", name.value)).expected(
                    "`city = \"Berlin\"`, or `location = { lat = 52.52, lon = 13.41, zone = \"Europe/Berlin\" }`",
                );
            }
            return None;
        }
    };
    let state = group.state.as_ref().and_then(|s| state_of(s, country.as_deref(), cx));
    Some(UserGroup {
        name: name.value.clone(),
        city,
        zone,
        place,
        location: super::steering::location(country.as_deref(), state),
        share: group.share.map_or(0.0, |s| s.value.0),
        residency: class,
    })
}

fn located(location: &RawLocation, cx: &mut Cx) -> Option<(String, LatLon)> {
    let lat = location.lat.map(|v| cx.within_range(v, "lat", -90.0..=90.0));
    let lon = location.lon.map(|v| cx.within_range(v, "lon", -180.0..=180.0));
    let zone = location.zone.as_ref()?;
    if jiff::tz::TimeZone::get(&zone.value).is_err() {
        let help = did_you_mean(&zone.value, catalog::zone_names());
        cx.error(zone.loc, format!("unknown time zone `{}`", zone.value))
            .expected("an IANA time zone such as `Europe/Berlin`")
            .maybe_help(help);
        return None;
    }
    Some((zone.value.clone(), LatLon { lat: lat?, lon: lon? }))
}

/// A country's ISO 3166 alpha-2 code; an error if there is no such country.
pub fn country(code: &At<String>, cx: &mut Cx) -> Option<String> {
    let known = catalog::countries().iter().filter_map(|c| c.iso2.as_deref()).find(|iso| *iso == code.value);
    if known.is_none() {
        let by_name = catalog::country(&code.value).and_then(|k| k.iso2.clone());
        cx.error(code.loc, format!("unknown country `{}`", code.value))
            .expected("an ISO 3166 alpha-2 code such as `DE`")
            .maybe_help(by_name.map(|iso| format!("did you mean `{iso}`?")));
    }
    known.map(str::to_owned)
}

/// The code of a state of the United States; an error if there is no such state.
pub fn state(code: &At<String>, cx: &mut Cx) -> Option<&'static str> {
    let found = catalog::us_state(&code.value);
    if found != Some(code.value.as_str()) {
        cx.error(code.loc, format!("unknown state `{}`", code.value))
            .expected("two letters of the United States Postal Service, such as `WA`")
            .maybe_help(found.map(|s| format!("did you mean `{s}`?")));
        return None;
    }
    found
}

/// The state of users who are in the United States.
fn state_of(code: &At<String>, country: Option<&str>, cx: &mut Cx) -> Option<&'static str> {
    let found = state(code, cx)?;
    if country != Some("US") {
        cx.error(code.loc, format!("state `{}` of users who are not in the United States", code.value))
            .expected("no `state`, or users in the country `US`");
        return None;
    }
    Some(found)
}
