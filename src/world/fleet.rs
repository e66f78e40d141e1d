//! Fleets: controllers that start and stop replicas of self-hosted models, on spot instances that can be reclaimed and on
//! on-demand instances that cannot.
//!
//! A controller looks at its replicas every so often and does what its [`Placer`] says. A spot instance is refused where a
//! fault has withdrawn them, where the zone has no more of them, and in a region that is down; the controller hears that at
//! once and tries again at its next look. Replicas that nobody can reach (their region or their deployment is down) are kept,
//! and on-demand ones stand in for them where the policy has such. ASSUMPTIONS: on-demand instances are always to be had where
//! the region is up; a refusal takes no time, and a start takes the same time on spot and on demand; a replica that is gone is
//! known to be gone by everybody at once (SkyServe probes every 10 s); it is paid from the decision to start it until it is
//! gone; the run begins in the midst of operation, so the first replicas serve from the start; a controller runs outside the
//! regions and outlasts all faults.

use super::event::{Event, HEALTH};
use super::faults::Damage;
use super::provider::Provider;
use super::record::FleetRecord;
use super::replica::ReplicaId;
use super::{Cx, World};
use crate::routing::outcome::ErrorClass;
use crate::routing::placement::{Placer, Plan, Seen};
use crate::scenario::model::{self, Scenario};
use crate::units::{DeploymentIx, Time};
use std::mem::take;

/// What has become of a replica.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Starting,
    Serving,
    /// A spot replica that was given notice, or an on-demand one that is not needed any more.
    Leaving,
}

#[derive(Clone, Copy, Debug)]
struct Replica {
    id: ReplicaId,
    deployment: DeploymentIx,
    /// Among the fleet's zones; `None` on demand.
    zone: Option<usize>,
    state: State,
    since: Time,
}

/// One fleet.
#[derive(Debug)]
pub struct Fleet {
    placer: Placer,
    target: u32,
    /// Deployment, and position among its zones.
    zones: Vec<(DeploymentIx, usize)>,
    /// Spot replicas that can be had in each zone.
    capacity: Vec<Option<u32>>,
    /// The cheapest first.
    on_demand: Vec<DeploymentIx>,
    replicas: Vec<Replica>,
    /// How many serve, and since when.
    serving: (u32, Time),
    /// Per zone, as of the last look: spot replicas that count, and all that hold an instance. Kept from look to look, like
    /// what follows.
    spot: Vec<u32>,
    occupied: Vec<u32>,
    plan: Plan,
    /// On-demand replicas in the order in which they stay: whether one still starts, and which.
    stay: Vec<(bool, ReplicaId)>,
}

impl Fleet {
    /// A fleet without replicas.
    pub fn new(scenario: &Scenario, spec: &model::Fleet) -> Fleet {
        let zones = spec.zones(&scenario.deployments);
        let zone =
            |(d, z): &(DeploymentIx, usize)| scenario.deployments[d.ix()].replicas.as_ref().map(|r| &r.zones[*z]);
        Fleet {
            placer: Placer::new(spec.placement, &spec.spot_prices(&scenario.deployments))
                .expect("validation refuses what can never do anything"),
            target: spec.placement.target,
            capacity: zones.iter().map(|z| zone(z)?.capacity).collect(),
            on_demand: spec.by_on_demand_price(scenario),
            replicas: Vec::new(),
            serving: (0, Time::ZERO),
            spot: vec![0; zones.len()],
            occupied: vec![0; zones.len()],
            plan: Plan::default(),
            stay: Vec::new(),
            zones,
        }
    }

    fn position(&self, id: ReplicaId) -> Option<usize> {
        self.replicas.iter().position(|r| r.id == id)
    }
}

impl World<'_> {
    /// Every fleet's first replicas serve at once; then it looks every so often.
    pub(super) fn start_fleets(&mut self, cx: &mut Cx) {
        for fleet in 0..self.fleets.len() {
            // twice: what is on demand depends on how many spot replicas serve
            for on_demand in [false, true] {
                self.look(fleet, on_demand, cx);
                let ids: Vec<ReplicaId> = self.fleets[fleet].replicas.iter().map(|r| r.id).collect();
                ids.into_iter().for_each(|id| self.replica_serves(fleet as u16, id, cx.now()));
            }
            // what was there before the run is no start
            (self.record.fleets[fleet].started, self.record.fleets[fleet].refused) = (0, 0);
            self.schedule_look(fleet, cx);
        }
    }

    fn schedule_look(&self, fleet: usize, cx: &mut Cx) {
        let at = self.fleets[fleet].placer.next_timeout();
        if at < self.end {
            cx.schedule(at, HEALTH, Event::FleetLooks { fleet: fleet as u16 });
        }
    }

    /// A controller looks at its replicas.
    pub(super) fn fleet_looks(&mut self, fleet: u16, cx: &mut Cx) {
        let fleet = usize::from(fleet);
        self.stop_the_idle(fleet, cx.now());
        self.look(fleet, true, cx);
        self.schedule_look(fleet, cx);
    }

    fn look(&mut self, fleet: usize, on_demand: bool, cx: &mut Cx) {
        let now = cx.now();
        let f = &mut self.fleets[fleet];
        f.spot.fill(0);
        f.occupied.fill(0);
        let mut ready = 0;
        for r in &f.replicas {
            let Some(zone) = r.zone else { continue };
            f.occupied[zone] += 1;
            if r.state == State::Leaving {
                continue;
            }
            f.spot[zone] += 1;
            let serves = r.state == State::Serving && answers(&self.damage, &self.providers, r.deployment);
            ready += u32::from(serves);
        }
        let mut plan = take(&mut f.plan);
        f.placer.on_timeout(now, Seen { spot: &f.spot, ready }, &mut plan);
        for zone in &plan.start {
            self.start_spot(fleet, *zone, cx);
        }
        if on_demand {
            self.set_on_demand(fleet, plan.on_demand, cx);
        }
        self.fleets[fleet].plan = plan;
    }

    /// A spot replica is asked for.
    fn start_spot(&mut self, fleet: usize, zone: usize, cx: &mut Cx) {
        let f = &mut self.fleets[fleet];
        let (deployment, of_deployment) = f.zones[zone];
        let full = f.capacity[zone].is_some_and(|c| f.occupied[zone] >= c);
        let place = self.providers[deployment.ix()].place;
        if full || self.damage.spot_withdrawn(deployment, of_deployment) || self.damage.region_down(place) {
            f.placer.on_preempted(zone);
            self.count_of_fleet(fleet, cx.now(), |r| r.refused += 1);
        } else {
            f.occupied[zone] += 1;
            self.start_replica(fleet, deployment, Some(zone), cx);
        }
    }

    fn start_replica(&mut self, fleet: usize, deployment: DeploymentIx, zone: Option<usize>, cx: &mut Cx) {
        let id = self.next_replica;
        self.next_replica += 1;
        let now = cx.now();
        self.fleets[fleet].replicas.push(Replica { id, deployment, zone, state: State::Starting, since: now });
        let start_up = self.replicas_of(deployment).start_up;
        cx.schedule_in(start_up, HEALTH, Event::ReplicaServes { fleet: fleet as u16, replica: id });
        self.count_of_fleet(fleet, now, |r| r.started += 1);
    }

    fn replicas_of(&self, deployment: DeploymentIx) -> &model::Replicas {
        self.scenario.deployments[deployment.ix()].replicas.as_ref().expect("fleets are of deployments with replicas")
    }

    /// Starts on-demand replicas that are missing, and stops those that are too many. Those that do not answer are of no use
    /// now: they neither count nor are they stopped.
    fn set_on_demand(&mut self, fleet: usize, wanted: u32, cx: &mut Cx) {
        let (damage, providers) = (&self.damage, &self.providers);
        let up = |d: DeploymentIx| answers(damage, providers, d);
        let f = &mut self.fleets[fleet];
        let counts = |r: &&Replica| r.zone.is_none() && r.state != State::Leaving && up(r.deployment);
        let mut there = take(&mut f.stay);
        there.clear();
        there.extend(f.replicas.iter().filter(counts).map(|r| (r.state == State::Starting, r.id)));
        let cheapest = f.on_demand.iter().copied().find(|d| up(*d));
        for _ in there.len()..wanted as usize {
            match cheapest {
                Some(deployment) => self.start_replica(fleet, deployment, None, cx),
                None => self.count_of_fleet(fleet, cx.now(), |r| r.refused += 1),
            }
        }
        // those that do not serve yet go first, and of these the newest
        there.sort_unstable();
        for (_, id) in there.iter().skip(wanted as usize) {
            self.leaves(fleet, *id, cx.now());
        }
        self.fleets[fleet].stay = there;
        self.stop_the_idle(fleet, cx.now());
    }

    /// A replica takes nothing new; one that does not serve yet is gone at once.
    fn leaves(&mut self, fleet: usize, id: ReplicaId, now: Time) {
        let Some(i) = self.fleets[fleet].position(id) else { return };
        let Replica { deployment, state, .. } = self.fleets[fleet].replicas[i];
        match state {
            State::Starting => self.ends(fleet, i, now),
            State::Serving => {
                self.fleets[fleet].replicas[i].state = State::Leaving;
                self.note_serving(fleet, now);
                self.providers[deployment.ix()].drain(id);
            }
            State::Leaving => {}
        }
    }

    /// On-demand replicas that have answered their last request are given back.
    fn stop_the_idle(&mut self, fleet: usize, now: Time) {
        let mut i = 0;
        while let Some(r) = self.fleets[fleet].replicas.get(i).copied() {
            let provider = &mut self.providers[r.deployment.ix()];
            if r.state == State::Leaving && r.zone.is_none() && provider.busy(r.id) == 0 {
                provider.remove_replica(now, r.id);
                self.ends(fleet, i, now);
            } else {
                i += 1;
            }
        }
    }

    /// A replica has started.
    pub(super) fn replica_serves(&mut self, fleet: u16, id: ReplicaId, now: Time) {
        let index = usize::from(fleet);
        let Some(i) = self.fleets[index].position(id) else { return };
        let replica = &mut self.fleets[index].replicas[i];
        if replica.state != State::Starting {
            return; // it served from the start
        }
        replica.state = State::Serving;
        let Replica { deployment, zone, .. } = *replica;
        self.providers[deployment.ix()].add_replica(id);
        if let Some(zone) = zone {
            self.fleets[index].placer.on_started(zone);
        }
        self.note_serving(index, now);
    }

    /// Spot instances are withdrawn from zones of a deployment.
    pub(super) fn spot_withdrawn(&mut self, deployment: DeploymentIx, zones: &[usize], cx: &mut Cx) {
        let now = cx.now();
        for fleet in 0..self.fleets.len() {
            let f = &self.fleets[fleet];
            let hit = |r: &&Replica| {
                let zone = r.zone.map(|z| f.zones[z]);
                zone.is_some_and(|(d, z)| d == deployment && zones.contains(&z)) && r.state != State::Leaving
            };
            let hit: Vec<Replica> = f.replicas.iter().filter(hit).copied().collect();
            let notice = self.replicas_of(deployment).notice;
            for r in hit {
                if let Some(zone) = r.zone {
                    self.fleets[fleet].placer.on_preempted(zone);
                }
                self.count_of_fleet(fleet, now, |r| r.reclaimed += 1);
                self.leaves(fleet, r.id, now);
                cx.schedule_in(notice, HEALTH, Event::ReplicaGone { fleet: fleet as u16, replica: r.id });
            }
        }
    }

    /// The notice of a spot replica is over: its calls break.
    pub(super) fn replica_gone(&mut self, fleet: u16, id: ReplicaId, cx: &mut Cx) {
        let index = usize::from(fleet);
        let Some(i) = self.fleets[index].position(id) else { return };
        let deployment = self.fleets[index].replicas[i].deployment;
        let broken = self.providers[deployment.ix()].remove_replica(cx.now(), id);
        self.ends(index, i, cx.now());
        if !broken.is_empty() {
            let hit = |call: &super::session::Call| call.served_by == deployment && broken.contains(&call.place);
            self.break_calls(hit, ErrorClass::ConnectionFailed, cx);
        }
    }

    /// A replica is paid for and forgotten.
    fn ends(&mut self, fleet: usize, index: usize, now: Time) {
        let replica = self.fleets[fleet].replicas.remove(index);
        self.pay(fleet, &replica, now);
    }

    fn pay(&mut self, fleet: usize, r: &Replica, now: Time) {
        let f = &self.fleets[fleet];
        let of = |d: &DeploymentIx| *d == r.deployment;
        let on_demand = || f.zones.len() + self.topology.fleets[fleet].deployments.iter().position(of).unwrap_or(0);
        let line = r.zone.unwrap_or_else(on_demand);
        self.record.fleets[fleet].pay(line, r.since, now.min(self.end));
    }

    /// How many replicas are in service may have changed: the time since the last change is counted.
    fn note_serving(&mut self, fleet: usize, now: Time) {
        let (serving, since) = self.fleets[fleet].serving;
        let (from, until) = (since.max(self.start), now.min(self.end));
        if serving < self.fleets[fleet].target && from < until {
            self.record.fleets[fleet].short_ns += u128::from(until.since(from).nanos());
        }
        let (damage, providers) = (&self.damage, &self.providers);
        let counts = |r: &&Replica| r.state == State::Serving && answers(damage, providers, r.deployment);
        let serving = self.fleets[fleet].replicas.iter().filter(counts).count() as u32;
        self.fleets[fleet].serving = (serving, now);
    }

    /// A fault has begun or ended: replicas may answer no more, or again.
    pub(super) fn note_who_serves(&mut self, now: Time) {
        (0..self.fleets.len()).for_each(|fleet| self.note_serving(fleet, now));
    }

    fn count_of_fleet(&mut self, fleet: usize, now: Time, count: impl FnOnce(&mut FleetRecord)) {
        if self.counted(now) {
            count(&mut self.record.fleets[fleet]);
        }
    }

    /// At the end of the run what is still there is paid for.
    pub(super) fn close_fleets(&mut self) {
        for fleet in 0..self.fleets.len() {
            self.note_serving(fleet, self.end);
            for r in take(&mut self.fleets[fleet].replicas) {
                self.pay(fleet, &r, self.end);
            }
        }
    }
}

/// Whether anybody can reach the replicas of a deployment.
fn answers(damage: &Damage, providers: &[Provider], d: DeploymentIx) -> bool {
    !damage.region_down(providers[d.ix()].place) && !damage.endpoint_broken(d)
}
