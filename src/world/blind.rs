//! What is true although nobody who decides knows it: faults that are in force where turns are sent all the same, and
//! repairs that nobody has noticed. Only stories hear of it; no decision can.

use super::World;
use super::event::SessionKey;
use super::story::What;
use crate::scenario::model::FaultWhat;
use crate::units::{DeploymentIx, RegionIx, Time};

impl World<'_> {
    /// The first fault in force for which `hits` says yes: its position in the scenario, and when it began. A scenario may
    /// have a hundred thousand occurrences, so the list is only looked at while something is broken.
    fn fault_in_force(&self, now: Time, hits: impl Fn(&FaultWhat) -> bool) -> Option<(u16, Time)> {
        if self.damage.is_none() {
            return None;
        }
        let struck = self.occurrences.iter().take_while(|o| o.begins <= now);
        struck
            .filter(|o| now < o.ends)
            .find(|o| hits(&self.scenario.faults[usize::from(o.fault)].what))
            .map(|o| (o.fault, o.begins))
    }

    /// Notes what the gateway of the turn's region does not know of its deployments.
    pub(super) fn note_unseen_deployments(&mut self, session: SessionKey, now: Time) {
        if self.chronicle.story(session).is_none() {
            return;
        }
        let s = &self.sessions[session];
        let class = self.scenario.groups[s.group.ix()].residency;
        let region = usize::from(s.request.region);
        let mut seen: Vec<DeploymentIx> = Vec::new();
        for (deployment, _) in self.topology.chain.iter().flat_map(|pool| &pool.members) {
            let place = self.providers[deployment.ix()].place;
            if seen.contains(deployment) || class.is_some_and(|c| !self.scenario.residency[c].legal[place.ix()]) {
                continue;
            }
            seen.push(*deployment);
            if !self.providers[deployment.ix()].serves() {
                continue; // it has no replica, which is no fault's doing alone
            }
            let fault = self.fault_in_force(now, |what| breaks_deployment(what, *deployment, place));
            let what = match (self.regions[region].gateway.available(now, *deployment), fault) {
                (true, Some((fault, since))) => What::UnseenFault { deployment: *deployment, fault, since },
                (false, None) => What::UnseenRepair { deployment: *deployment },
                (true, None) | (false, Some(_)) => continue,
            };
            self.chronicle.note(session, now, || what);
        }
    }

    /// Notes what is wrong with the region that the turn is sent to, and which regions are left out without need.
    pub(super) fn note_unseen_regions(&mut self, session: SessionKey, now: Time) {
        if self.chronicle.story(session).is_none() {
            return;
        }
        let chosen = usize::from(self.sessions[session].request.region);
        let verdicts = self.topology.steering.policy.uses_verdicts();
        for i in 0..self.regions.len() {
            let place = self.regions[i].place;
            let healthy = !verdicts || self.regions[i].health.healthy();
            let checked = self.regions[i].check_began.iter().max().copied().filter(|t| verdicts && *t > Time::ZERO);
            let region = i as u8;
            let what = match self.fault_in_force(now, |what| breaks_region(what, place)) {
                Some((fault, since)) if i == chosen => {
                    What::UnseenRegionFault { region, fault, since, noticed: !healthy, checked }
                }
                None if !healthy => What::UnseenRegionRepair { region, checked },
                _ => continue,
            };
            self.chronicle.note(session, now, || what);
        }
    }
}

fn breaks_deployment(what: &FaultWhat, deployment: DeploymentIx, place: RegionIx) -> bool {
    match what {
        FaultWhat::RegionDown { region } => *region == place,
        FaultWhat::DependencyDown { .. } | FaultWhat::SpotWithdrawn { .. } => false,
        FaultWhat::ProviderDown { deployments, .. } | FaultWhat::ProviderBrownOut { deployments, .. } => {
            deployments.contains(&deployment)
        }
    }
}

fn breaks_region(what: &FaultWhat, place: RegionIx) -> bool {
    match what {
        FaultWhat::RegionDown { region } | FaultWhat::DependencyDown { region, .. } => *region == place,
        FaultWhat::ProviderDown { .. } | FaultWhat::ProviderBrownOut { .. } | FaultWhat::SpotWithdrawn { .. } => false,
    }
}
