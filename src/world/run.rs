//! Building a world and running it from the origin to its end.

use super::chronicle::{Chronicle, Follow};
use super::counting::Target;
use super::demand::{Demand, sources};
use super::faults::{Damage, Occurrence, schedule};
use super::fleet::Fleet;
use super::gateway::Gateway;
use super::knowledge::Knowledge;
use super::log::Entry;
use super::provider::Provider;
use super::quota::Quotas;
use super::record::{FleetRecord, Record};
use super::region::Region;
use super::sampler::{LinkSampler, Sampler};
use super::steering::Steering;
use super::store::Store;
use super::story::Story;
use super::watch::{MOST, Watch};
use super::{Cx, World};
use crate::kernel::trace::{Divergence, first_divergence};
use crate::kernel::{Class, Engine, EventNo, MAX_TIME, RunEnd, Slab};
use crate::random::{Draws, EntityKey, Seed};
use crate::scenario::model::{Deployment, FaultWhat, FaultWhen, Scenario, Topology};
use crate::units::{DeploymentIx, GroupIx, RegionIx, Span, Time};
use std::ops::ControlFlow;

/// The run was stopped from outside before its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupted;

/// One run, ready to start.
pub struct Run<'a> {
    engine: Engine<World<'a>>,
    end: Time,
    name: Name<'a>,
}

/// What has to be said to repeat a run.
#[derive(Clone, Copy)]
struct Name<'a> {
    scenario: &'a str,
    topology: &'a str,
    seed: Seed,
}

/// Says how to repeat a run if it ends in a panic, that is, in a bug.
struct Witness<'a, 'b> {
    name: Name<'a>,
    engine: &'b mut Engine<World<'a>>,
}

impl Drop for Witness<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Name { scenario, topology, seed } = self.name;
            eprintln!(
                "while simulating scenario \"{scenario}\", topology {topology}, seed {}, replication {}: event no. {} at {:?}",
                seed.seed,
                seed.replication,
                self.engine.events_handled(),
                self.engine.now()
            );
        }
    }
}

/// Runs one topology of a scenario in one replication.
///
/// # Panics
/// When an invariant is broken: a bug, reported with its number.
pub fn run(scenario: &Scenario, topology: usize, replication: u32) -> Record {
    let mut run = Run::new(scenario, topology, Seed { seed: scenario.seed, replication });
    let done = run.advance(&mut |_| ControlFlow::Continue(()));
    debug_assert!(done.is_ok());
    run.finish()
}

impl<'a> Run<'a> {
    /// Builds the world and schedules its first events.
    pub fn new(scenario: &'a Scenario, topology: usize, seed: Seed) -> Run<'a> {
        Run::following(scenario, topology, seed, Follow::Nobody)
    }

    /// Like [`Run::new`], and collects the stories of the turns that it is to follow. Nothing else is different.
    pub fn following(scenario: &'a Scenario, topology: usize, seed: Seed, follow: Follow) -> Run<'a> {
        let world = World::new(scenario, &scenario.topologies[topology], Draws::new(seed), follow);
        let end = world.end;
        let mut engine = Engine::new(world);
        engine.with(|world, cx| world.begin(cx));
        let name = Name { scenario: &scenario.name, topology: &scenario.topologies[topology].name, seed };
        Run { engine, end, name }
    }

    /// Runs to the end; `progress` hears the share of simulated time that is done, about two hundred times, and may
    /// break the run off.
    ///
    /// # Errors
    /// [`Interrupted`] if it did.
    pub fn advance(&mut self, progress: &mut dyn FnMut(f64) -> ControlFlow<()>) -> Result<(), Interrupted> {
        const SLICES: u64 = 200;
        let witness = Witness { name: self.name, engine: &mut self.engine };
        for slice in 1..=SLICES {
            let until = Time((u128::from(self.end.nanos()) * u128::from(slice) / u128::from(SLICES)) as u64);
            witness.engine.run_until(until);
            if progress(slice as f64 / SLICES as f64).is_break() {
                return Err(Interrupted);
            }
        }
        // arrivals have stopped: what is in flight is finished
        let end = witness.engine.run_to_end();
        debug_assert_eq!(end, RunEnd::Exhausted);
        Ok(())
    }

    /// Runs until the clock shows that time; false if nothing can happen any more.
    pub fn advance_to(&mut self, until: Time) -> bool {
        let witness = Witness { name: self.name, engine: &mut self.engine };
        witness.engine.run_until(until) != RunEnd::Exhausted
    }

    /// Runs until nothing can happen any more.
    pub fn advance_to_end(&mut self) {
        self.advance_to(MAX_TIME);
    }

    /// Runs until a story is complete that was not taken before; `None` at the end of the run.
    pub fn next_story(&mut self) -> Option<Story> {
        let witness = Witness { name: self.name, engine: &mut self.engine };
        while !witness.engine.world().chronicle.has_complete() {
            witness.engine.step(MAX_TIME)?;
        }
        witness.engine.world_mut().chronicle.take_first()
    }

    /// Takes the stories that are complete, in the order in which they became complete.
    pub fn take_stories(&mut self) -> Vec<Story> {
        self.engine.world_mut().chronicle.take()
    }

    /// Turns that count and were sent so far, in a run that follows some.
    pub fn numbered(&self) -> u64 {
        self.engine.world().chronicle.numbered()
    }

    /// The present instant; the horizon begins after the warm-up.
    pub fn now(&self) -> Time {
        self.engine.now()
    }

    /// Runs to the end and shows every event to `observer` just before it is handled.
    pub fn advance_observed<F>(&mut self, observer: &mut F)
    where
        F: FnMut(EventNo, Time, Class, &super::event::Event),
    {
        self.engine.run_traced(MAX_TIME, observer);
    }

    /// Runs two worlds side by side to their ends; the number of events if all are the same.
    ///
    /// # Errors
    /// The first event that differs in time, class, content or in the state after it.
    pub fn first_divergence(mut self, mut other: Run<'a>) -> Result<EventNo, Box<Divergence>> {
        first_divergence(&mut self.engine, &mut other.engine, MAX_TIME, |w| w.digest())
    }

    /// Keeps a log of the gateways from now on; [`Run::finish_with_log`] hands it out.
    pub fn keep_log(&mut self) {
        self.engine.with(|world, _| world.log = Some(Vec::new()));
    }

    /// Like [`Run::finish`], with the log that was kept.
    pub fn finish_with_log(mut self) -> (Record, Vec<Entry>) {
        let log = self.engine.with(|world, _| world.log.take());
        (self.finish(), log.unwrap_or_default())
    }

    /// Checks the invariants of the whole run and hands out what was measured.
    pub fn finish(self) -> Record {
        let events = self.engine.events_handled();
        let now = self.engine.now();
        let world = self.engine.into_world();
        world.finish(events, now)
    }
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, topology: &'a Topology, draws: Draws, follow: Follow) -> World<'a> {
        let start = Time(scenario.warmup.nanos());
        let end = start + scenario.horizon;
        let places: Vec<RegionIx> = topology.regions.iter().map(|r| r.place).collect();
        let deployed = scenario.deployments.iter().enumerate();
        let knowledge = Knowledge::new(scenario, topology, &places);
        let mut providers: Vec<Provider> = deployed.map(|(i, d)| Provider::new(DeploymentIx::new(i), d)).collect();
        knowledge.reporting().for_each(|(d, past)| providers[d.ix()].remember(past));
        let provider_places: Vec<RegionIx> = providers.iter().map(|p| p.place).collect();
        let regions: Vec<Region> = topology
            .regions
            .iter()
            .map(|r| {
                Region::new(
                    r.place,
                    Gateway::new(scenario, topology, r.place),
                    &topology.health.quorum,
                    r.servers * r.slots_per_server,
                    r.queue,
                    start,
                    end,
                )
            })
            .collect();
        let steering = Steering::new(scenario, topology, &draws);
        let occurrences = schedule(&scenario.faults, &draws, start, end);
        let can_lose = scenario.faults.iter().any(|f| matches!(f.what, FaultWhat::RegionDown { .. }));
        let mut record = Record::new(
            scenario.groups.len(),
            regions.len(),
            providers.len(),
            scenario.places.len(),
            start,
            scenario.interval,
        );
        let zones_of = |d: &Deployment| d.replicas.as_ref().map_or(0, |r| r.zones.len());
        let zones: Vec<usize> = scenario.deployments.iter().map(zones_of).collect();
        let lines = topology.fleets.iter().map(|f| f.zones(&scenario.deployments).len() + f.deployments.len());
        record.fleets = lines.map(|lines| FleetRecord::new(lines, start, scenario.interval)).collect();
        let (watched, unwatched) = watched(scenario, &occurrences, start);
        record.watches = watched.into_iter().map(|o| Watch::new(o, start, end)).collect();
        record.unwatched = unwatched;
        let link = |l: &crate::scenario::model::Link| LinkSampler::new(l.rtt, l.jitter);
        let groups = 0..scenario.groups.len();
        World {
            scenario,
            topology,
            start,
            end,
            sources: sources(scenario, start, end),
            demand: scenario.workloads.iter().map(Demand::new).collect(),
            sessions: Slab::new(),
            races: Slab::new(),
            strays: Slab::new(),
            user_links: groups
                .clone()
                .flat_map(|g| places.iter().map(move |p| link(scenario.user_link(GroupIx::new(g), *p))))
                .collect(),
            model_links: places
                .iter()
                .flat_map(|p| provider_places.iter().map(|q| link(scenario.place_link(*p, *q))))
                .collect(),
            nearest_region: groups.map(|g| steering.nearest(GroupIx::new(g))).collect(),
            nearest_member: nearest_members(scenario, topology, &places),
            workload_keys: {
                let cached = scenario.has_prompt_caches();
                scenario.workloads.iter().filter(|_| cached).map(|w| EntityKey::named(&w.name)).collect()
            },
            knowledge,
            overheads: topology.regions.iter().map(|r| Sampler::new(r.overhead)).collect(),
            state_read: Sampler::new(topology.state.read),
            state_write: Sampler::new(topology.state.write),
            damage: Damage::none(scenario.places.len(), &zones),
            store: Store::new(scenario, topology, can_lose),
            targets: scenario.faults.iter().map(|f| Target::of(&f.what, &places, &provider_places)).collect(),
            open_watches: Vec::new(),
            occurrences,
            quotas: Quotas::new(scenario, topology.regions.len(), &draws),
            fleets: topology.fleets.iter().map(|f| Fleet::new(scenario, f)).collect(),
            next_replica: 0,
            steering,
            regions,
            providers,
            record,
            log: None,
            chronicle: Chronicle::new(follow, draws),
            draws,
            ended: 0,
        }
    }

    /// The first events.
    fn begin(&mut self, cx: &mut Cx) {
        self.start_fleets(cx);
        self.start_faults(cx);
        self.start_checks(cx);
        self.start_endpoint_checks(cx);
        self.start_steering(cx);
        self.start_demand(cx);
    }

    /// A few words of state that every kind of difference reaches within an event or two.
    fn digest(&self) -> u64 {
        let mix = |h: u64, v: u64| (h ^ v).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        let counts = [self.sessions.len() as u64, self.record.turns, self.ended, self.record.attempts];
        let slots = self.regions.iter().map(|r| u64::from(r.in_use()) << 32 | r.waiting() as u64);
        counts.into_iter().chain(slots).fold(0xcbf2_9ce4_8422_2325, mix)
    }

    fn finish(mut self, events: EventNo, now: Time) -> Record {
        self.close_fleets();
        let (turns, ended) = (self.record.turns, self.ended);
        assert!(turns == ended, "INV-1 broken: {turns} turns were sent and {ended} ended");
        assert!(self.sessions.is_empty(), "INV-1 broken: {} sessions never ended", self.sessions.len());
        let violations = self.record.residency_violations;
        assert!(violations == 0, "INV-6 broken: {violations} times data went to a place that is not legal for it");
        let outstanding = self.steering.outstanding();
        assert!(outstanding == 0, "INV-5 broken: {outstanding} turns are still on their way to a region");
        assert!(self.races.is_empty(), "INV-1 broken: {} calls never ended", self.races.len());
        assert!(self.strays.is_empty(), "INV-1 broken: {} calls never arrived", self.strays.len());
        for (d, p) in self.providers.iter().enumerate() {
            assert!(p.in_service() == 0, "INV-5 broken: deployment {d} still serves {} requests", p.in_service());
        }
        let calls = self.regions.iter().map(|r| r.gateway.outstanding()).sum::<u64>();
        assert!(calls == 0, "INV-5 broken: gateways count {calls} calls, retries or grants that are not out");
        let unfinished = self.chronicle.unfinished();
        assert!(unfinished == 0, "INV-1 broken: {unfinished} stories have no end");
        let grants = self.quotas.outstanding();
        assert!(grants == 0, "INV-5 broken: {grants} grants of quotas never came back");
        for (i, r) in self.regions.iter_mut().enumerate() {
            assert!(r.in_use() == 0 && r.waiting() == 0, "INV-5 broken: slots of region {i} are held by nobody");
            self.record.regions[i].busy_slot_ns = r.busy_slot_ns(now.max(self.end));
        }
        self.record.events = events;
        self.record
    }
}

/// The occurrences that get a close look: those that touch the counted time, faults at a fixed time before recurring ones,
/// [`MOST`] at most; in order of time. And how many of each fault are left over.
fn watched(scenario: &Scenario, occurrences: &[Occurrence], start: Time) -> (Vec<Occurrence>, Vec<u64>) {
    let mut list: Vec<Occurrence> = occurrences.iter().copied().filter(|o| o.ends > start).collect();
    let recurs = |o: &Occurrence| matches!(scenario.faults[usize::from(o.fault)].when, FaultWhen::Recurring { .. });
    list.sort_by_key(|o| (recurs(o), o.begins, o.fault, o.number));
    let mut left_over = vec![0; scenario.faults.len()];
    list.drain(MOST.min(list.len())..).for_each(|o| left_over[usize::from(o.fault)] += 1);
    list.sort_by_key(|o| (o.begins, o.fault, o.number));
    (list, left_over)
}

/// Unix time of the origin of a run: the start of the warm-up.
pub(super) fn epoch(scenario: &Scenario) -> Span {
    let start = Span::from_secs(u64::try_from(scenario.start_unix_s).unwrap_or(0));
    start.saturating_sub(scenario.warmup)
}

/// `region * deployments + deployment`: no member of the deployment's pool is nearer to the region.
fn nearest_members(scenario: &Scenario, topology: &Topology, places: &[RegionIx]) -> Vec<bool> {
    let n = scenario.deployments.len();
    let mut flags = vec![false; places.len() * n];
    for (r, from) in places.iter().enumerate() {
        for pool in &topology.chain {
            let away = |m: &(crate::units::DeploymentIx, f64)| {
                scenario.place_link(*from, scenario.deployments[m.0.ix()].place).rtt
            };
            let least = pool.members.iter().map(away).min();
            for m in &pool.members {
                flags[r * n + m.0.ix()] |= Some(away(m)) == least;
            }
        }
    }
    flags
}
