//! Cloud regions that the scenario mentions, and residency classes over them.

use crate::catalog::{self, CloudRegion};
use crate::scenario::decode::{Cx, List};
use crate::scenario::diagnostic::At;
use crate::scenario::model::Residency;
use crate::scenario::raw::{RawResidency, RawScenario};
use crate::scenario::suggest::{did_you_mean, listed};
use crate::units::RegionIx;

/// The regions so far, in the order in which the file mentions them.
#[derive(Default, Debug)]
pub struct Places {
    /// Catalogue rows; [`RegionIx`] indexes it.
    pub list: Vec<&'static CloudRegion>,
}

/// Most regions of a scenario: links and egress prices grow with the square.
const MOST_PLACES: usize = 300;

/// Most residency classes.
const MOST_CLASSES: usize = 100;

/// The catalogue's region of that id, or an error.
pub fn known(id: &At<String>, cx: &mut Cx) -> Option<&'static CloudRegion> {
    let found = catalog::region(&id.value);
    if found.is_none() {
        let help = catalog::suggest_region(&id.value).map(|s| format!("did you mean `{s}`?"));
        cx.error(id.loc, format!("unknown region `{}`", id.value))
            .expected("a region of the catalogue, written `provider:region` (`geodes catalog regions` lists them)")
            .maybe_help(help);
    }
    found
}

impl Places {
    /// The index of a region, which is added if it is new; an error if the catalogue does not have it.
    pub fn add(&mut self, id: &At<String>, cx: &mut Cx) -> Option<RegionIx> {
        let region = known(id, cx)?;
        if let Some(ix) = self.find(&region.id) {
            return Some(ix);
        }
        if self.list.len() >= MOST_PLACES {
            cx.error(id.loc, format!("more than {MOST_PLACES} regions"));
            return None;
        }
        self.list.push(region);
        Some(RegionIx::new(self.list.len() - 1))
    }

    /// The index of a region that is in use.
    pub fn find(&self, id: &str) -> Option<RegionIx> {
        self.list.iter().position(|r| r.id == id).map(RegionIx::new)
    }

    /// The region of an index.
    pub fn get(&self, ix: RegionIx) -> &'static CloudRegion {
        self.list[ix.ix()]
    }

    /// A region that is known and in use; otherwise an error.
    pub fn used(&self, id: &At<String>, cx: &mut Cx) -> Option<RegionIx> {
        let region = known(id, cx)?;
        let ix = self.find(&region.id);
        if ix.is_none() {
            cx.error(id.loc, format!("no topology or deployment of this scenario uses `{}`", region.id))
                .expected(listed(self.list.iter().map(|r| r.id.as_str())));
        }
        ix
    }
}

/// Residency classes, with one flag per place.
pub fn residency(raw: &RawScenario, places: &Places, cx: &mut Cx) -> Vec<Residency> {
    let Some(classes) = &raw.residency else { return Vec::new() };
    if classes.entries.len() > MOST_CLASSES {
        cx.error(classes.loc, format!("{} residency classes", classes.entries.len()))
            .expected(format!("at most {MOST_CLASSES}"));
        return Vec::new();
    }
    let mut out = Vec::new();
    for (name, class) in &classes.entries {
        let legal = match class {
            Some(class) => {
                let before = cx.errors();
                let rule = Rule::new(name, class, cx);
                let wrong = cx.errors() > before || !class.bad.is_empty() || rule.incomplete;
                places.list.iter().map(|r| wrong || rule.permits(r)).collect()
            }
            // what is wrong permits everything, so that nothing else is complained about
            None => vec![true; places.list.len()],
        };
        out.push(Residency { name: name.value.clone(), legal });
    }
    out
}

struct Rule {
    regions: Vec<String>,
    countries: Vec<String>,
    continents: Vec<String>,
    /// Entries were wrong and left out.
    incomplete: bool,
}

fn items(list: &Option<List<At<String>>>) -> &[At<String>] {
    list.as_ref().map_or(&[], |l| &l.items)
}

impl Rule {
    fn new(name: &At<String>, class: &RawResidency, cx: &mut Cx) -> Rule {
        let (regions, countries, continents) =
            (items(&class.regions), items(&class.countries), items(&class.continents));
        for r in regions {
            known(r, cx);
        }
        for c in countries {
            super::users::country(c, cx);
        }
        let known_continents = continents_of_catalog();
        for c in continents {
            if !known_continents.contains(&c.value.as_str()) {
                let help = did_you_mean(&c.value, known_continents.iter().copied());
                cx.error(c.loc, format!("unknown continent `{}`", c.value))
                    .expected(listed(known_continents.iter().copied()))
                    .maybe_help(help);
            }
        }
        let anything =
            [&class.regions, &class.countries, &class.continents].into_iter().flatten().any(|l| l.written > 0);
        if !anything && class.bad.is_empty() {
            cx.error(name.loc, format!("residency class `{}` permits no place at all", name.value))
                .expected("at least one of `regions`, `countries`, `continents`");
        }
        let own = |list: &[At<String>]| list.iter().map(|a| a.value.clone()).collect();
        let incomplete = [&class.regions, &class.countries, &class.continents]
            .into_iter()
            .flatten()
            .any(|l| l.items.len() < l.written);
        Rule { regions: own(regions), countries: own(countries), continents: own(continents), incomplete }
    }

    fn permits(&self, r: &CloudRegion) -> bool {
        self.regions.contains(&r.id) || self.countries.contains(&r.country) || self.continents.contains(&r.continent)
    }
}

fn continents_of_catalog() -> Vec<&'static str> {
    let mut names: Vec<&'static str> =
        catalog::regions().iter().map(|r| r.continent.as_str()).filter(|c| !c.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
