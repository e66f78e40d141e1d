//! What a fault does to what is under way when it strikes.

use super::event::{Event, SessionKey};
use super::gateway::Gateway;
use super::provider::Provider;
use super::session::{Phase, Session};
use super::store::Death;
use super::story::What;
use super::watch::AWAIT;
use super::{Cx, World};
use crate::routing::outcome::ErrorClass;
use crate::scenario::model::FaultWhat;
use crate::units::{DeploymentIx, RegionIx, Time};

impl World<'_> {
    /// Schedules every occurrence of every fault, and the close look around it.
    pub(super) fn start_faults(&mut self, cx: &mut Cx) {
        for (i, o) in self.occurrences.iter().enumerate() {
            let occurrence = i as u32;
            cx.schedule(o.begins, super::event::FAULTS, Event::FaultBegins { occurrence });
            cx.schedule(o.ends.min(crate::kernel::MAX_TIME), super::event::FAULTS, Event::FaultEnds { occurrence });
        }
        for (i, watch) in self.record.watches.iter().enumerate() {
            let watch_ix = i as u32;
            cx.schedule(watch.from, super::event::FAULTS, Event::WatchOpens { watch: watch_ix });
            let closes = watch.until.max(watch.from) + AWAIT;
            cx.schedule(closes, super::event::FAULTS, Event::WatchCloses { watch: watch_ix });
        }
    }

    /// A fault strikes.
    pub(super) fn fault_begins(&mut self, occurrence: u32, cx: &mut Cx) {
        let o = self.occurrences[occurrence as usize];
        let scenario = self.scenario;
        let what = &scenario.faults[usize::from(o.fault)].what;
        let was_down = |w: &World<'_>, region: RegionIx| w.damage.region_down(region);
        match what {
            FaultWhat::RegionDown { region } => {
                let already = was_down(self, *region);
                self.damage.begin(o.fault, what);
                if !already {
                    self.region_dies(*region, occurrence, cx);
                }
            }
            FaultWhat::ProviderDown { deployments, error } => {
                self.damage.begin(o.fault, what);
                // who refuses requests for their key or their model goes on with those it has taken
                if error.is_of_the_endpoint() {
                    self.break_deployments(|d| deployments.contains(&d), *error, cx);
                }
            }
            FaultWhat::SpotWithdrawn { deployment, zones } => {
                self.damage.begin(o.fault, what);
                self.spot_withdrawn(*deployment, zones, cx);
            }
            FaultWhat::DependencyDown { .. } | FaultWhat::ProviderBrownOut { .. } => self.damage.begin(o.fault, what),
        }
        self.note_who_reports(cx.now());
    }

    /// A fault is repaired.
    pub(super) fn fault_ends(&mut self, occurrence: u32, now: Time) {
        let o = self.occurrences[occurrence as usize];
        let scenario = self.scenario;
        self.damage.end(o.fault, &scenario.faults[usize::from(o.fault)].what);
        self.note_who_reports(now);
    }

    /// Who is down answers no questions about its load, and its replicas are of no use.
    fn note_who_reports(&mut self, now: Time) {
        self.note_who_serves(now);
        for (d, provider) in self.providers.iter_mut().enumerate() {
            let down = self.damage.region_down(provider.place) || self.damage.endpoint_broken(DeploymentIx::new(d));
            provider.silent(now, down);
        }
    }

    /// Everything in a place stops: turns in its application, calls to its deployments, writes not yet replicated.
    fn region_dies(&mut self, place: RegionIx, occurrence: u32, cx: &mut Cx) {
        let now = cx.now();
        if let Some(index) = self.regions.iter().position(|r| r.place == place) {
            self.lose_writes(index, occurrence, now);
            let inside: Vec<SessionKey> = self
                .sessions
                .iter()
                .filter(|(_, s)| usize::from(s.request.region) == index && is_inside(s))
                .map(|(k, _)| k)
                .collect();
            for session in inside {
                self.chronicle.note(session, now, || What::RegionDied);
                self.give_up_calls(session, cx);
                let r = &mut self.sessions[session].request;
                r.holds_slot = false;
                r.try_began = now; // the client notices after a time-out of silence
                self.client_waits_in_vain(session, cx);
            }
            let region = &mut self.regions[index];
            region.clear(now);
            // the gateway's process dies with its memory
            region.gateway = Gateway::new(self.scenario, self.topology, place);
        }
        let placed: Vec<RegionIx> = self.providers.iter().map(|p| p.place).collect();
        self.break_deployments(|d| placed[d.ix()] == place, ErrorClass::ConnectionFailed, cx);
        self.providers.iter_mut().filter(|p| p.place == place).for_each(Provider::lose_memory);
    }

    fn lose_writes(&mut self, index: usize, occurrence: u32, now: crate::units::Time) {
        let up: Vec<bool> = self.regions.iter().map(|r| !self.damage.region_down(r.place)).collect();
        let death = Death { draws: &self.draws, at: now, region: index, up: &up };
        let lost = self.store.lose(&death);
        if now >= self.start && now < self.end {
            self.record.writes_lost += lost.unwrap_or(0);
        }
        let struck = self.occurrences[occurrence as usize];
        if let Some(watch) = self.record.watches.iter_mut().find(|w| w.occurrence == struck) {
            watch.writes_lost = lost;
        }
        let (store, scenario) = (&self.store, self.scenario);
        for (_, s) in self.sessions.iter_mut() {
            if let Some(w) = &mut s.last_write
                && usize::from(w.region) == index
                && store.is_lost(&death, s.key, w.turn, w.at, scenario.groups[s.group.ix()].residency)
            {
                w.lost = true;
            }
        }
    }
}

/// Whether a turn is in its region's hands.
pub(super) fn is_inside(s: &Session) -> bool {
    matches!(s.request.phase, Phase::Queued | Phase::InApplication | Phase::Calling | Phase::BackingOff)
}
