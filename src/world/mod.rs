//! One run: a validated scenario, one of its topologies and a seed become a [`Record`].
//!
//! The dispatch table in [`World::handle`](struct@World) is the table of contents of the simulation: one line per event, one named method
//! each. A request flows through the files as it flows through the product: [`demand`] creates it, [`steering`] sends it
//! to a region, [`region`] admits it, [`store`] reads its conversation, the gateway asks [`crate::routing`] whom to
//! call, [`provider`] serves it (with replicas that a `fleet` keeps running), and [`record`] keeps what happened, [`chronicle`] to whom. [`faults`] break things, `outage` says what that
//! does to what is under way, `health` and `probing` notice.

mod blind;
mod call;
pub mod chronicle;
mod counting;
pub mod demand;
pub mod endpoint_checks;
mod event;
pub mod failure;
pub mod faults;
mod fleet;
pub mod gateway;
mod health;
mod knowledge;
pub mod line;
pub mod log;
mod outage;
mod past;
mod probing;
mod prompt;
pub mod prompt_cache;
pub mod provider;
pub mod purpose;
pub mod quota;
pub mod race;
pub mod record;
pub mod region;
pub mod replica;
pub mod resolver;
mod run;
pub mod sampler;
pub mod session;
pub mod steering;
pub mod store;
pub mod story;
mod turn;
pub mod watch;

pub use counting::{STREAM_BYTES_PER_TOKEN, TEXT_BYTES_PER_TOKEN, Target};
pub use gateway::router_config;
pub use record::Record;
pub use run::{Interrupted, Run, run};

use crate::kernel::{Context, Slab, World as Simulated};
use crate::random::{Draws, EntityKey};
use crate::scenario::model::{Scenario, Topology};
use crate::units::{Span, Time};
use chronicle::Chronicle;
use demand::{Demand, Source};
use event::Event;
use faults::{Damage, Occurrence};
use fleet::Fleet;
use knowledge::Knowledge;
use provider::Provider;
use quota::Quotas;
use race::{Racer, Stray};
use region::Region;
use sampler::{LinkSampler, Sampler};
use session::Session;
use steering::Steering;
use store::Store;

/// Clock and pending events, as the world's methods see them.
type Cx = Context<Event>;

/// One topology of one scenario in one replication.
pub struct World<'a> {
    scenario: &'a Scenario,
    topology: &'a Topology,
    draws: Draws,
    /// End of the warm-up.
    start: Time,
    /// Horizon: arrivals stop.
    end: Time,
    sources: Vec<Source>,
    demand: Vec<Demand>,
    sessions: Slab<Session>,
    /// Calls that race the first one of their turn.
    races: Slab<Racer>,
    /// Calls that were given up before they arrived.
    strays: Slab<Stray>,
    steering: Steering,
    regions: Vec<Region>,
    providers: Vec<Provider>,
    quotas: Quotas,
    fleets: Vec<Fleet>,
    /// The name of the next replica.
    next_replica: replica::ReplicaId,
    damage: Damage,
    store: Store,
    occurrences: Vec<Occurrence>,
    /// What each fault of the scenario hits in this topology.
    targets: Vec<Target>,
    /// Watches that are recording.
    open_watches: Vec<usize>,
    /// `group * regions + region`.
    user_links: Vec<LinkSampler>,
    /// `region * deployments + deployment`.
    model_links: Vec<LinkSampler>,
    /// Per group: its nearest legal region.
    nearest_region: Vec<Option<u8>>,
    /// `region * deployments + deployment`: no member of the same pool is nearer.
    nearest_member: Vec<bool>,
    /// By workload: its address; empty when no deployment has a prompt cache.
    workload_keys: Vec<EntityKey>,
    /// What gateways ask of deployments and prompts.
    knowledge: Knowledge,
    overheads: Vec<Sampler>,
    state_read: Sampler,
    state_write: Sampler,
    record: Record,
    /// Kept on demand only.
    log: Option<Vec<log::Entry>>,
    /// Stories of chosen turns.
    chronicle: Chronicle,
    /// Turns that have reached a terminal state.
    ended: u64,
}

impl Simulated for World<'_> {
    type Event = Event;

    fn handle(&mut self, event: Event, cx: &mut Cx) {
        match event {
            Event::SessionStarts { source } => self.session_starts(source, cx),
            Event::TurnBegins { session } => self.turn_begins(session, cx),
            Event::ReachesRegion { session, epoch } => self.reaches_region(session, epoch, cx),
            Event::CallsModel { session, epoch } => self.calls_model(session, epoch, cx),
            Event::ReachesProvider { session, leg, serial } => self.reaches_provider(session, leg, serial, cx),
            Event::FirstToken { session, leg, serial } => self.first_token(session, leg, serial, cx),
            Event::StrayArrives { stray } => self.stray_arrives(stray, cx),
            Event::AttemptEnds { session, leg, serial } => self.attempt_ends(session, leg, serial, cx),
            Event::HedgeDue { session, epoch } => self.hedge_due(session, epoch, cx),
            Event::BackoffOver { session, epoch } => self.backoff_over(session, epoch, cx),
            Event::ClientGivesUp { session, epoch } => self.client_gives_up(session, epoch, cx),
            Event::ProviderFrees { deployment, place } => self.providers[deployment.ix()].free(cx.now(), place),
            Event::CheckBegins { region, checker } => self.check_begins(region, checker, cx),
            Event::CheckEnds { region, checker, passed } => self.check_ends(region, checker, passed, cx),
            Event::ProbeBegins { group, region } => self.probe_begins(group, region, cx),
            Event::ProbeEnds { group, region, answered, took_us } => {
                self.probe_ends(group, region, answered, Span::from_micros(u64::from(took_us)), cx);
            }
            Event::EndpointCheckBegins { region, deployment } => self.endpoint_check_begins(region, deployment, cx),
            Event::EndpointCheckEnds { region, deployment, probed, took_us } => {
                let took = Span::from_micros(u64::from(took_us));
                self.endpoint_check_ends(region, deployment, probed, took, cx);
            }
            Event::FleetLooks { fleet } => self.fleet_looks(fleet, cx),
            Event::ReplicaServes { fleet, replica } => self.replica_serves(fleet, replica, cx.now()),
            Event::ReplicaGone { fleet, replica } => self.replica_gone(fleet, replica, cx),
            Event::SteeringWakes => self.steering_wakes(cx),
            Event::FaultBegins { occurrence } => self.fault_begins(occurrence, cx),
            Event::FaultEnds { occurrence } => self.fault_ends(occurrence, cx.now()),
            Event::WatchOpens { watch } => self.open_watches.push(watch as usize),
            Event::WatchCloses { watch } => self.open_watches.retain(|w| *w != watch as usize),
        }
    }
}
