//! Everything that can happen, and the order of what happens at the same nanosecond.

use super::provider::InService;
use super::race::Stray;
use super::replica::ReplicaId;
use super::session::{Leg, Session};
use crate::kernel::{Class, slab::Key};
use crate::routing::guard::Probed;
use crate::units::{DeploymentIx, GroupIx};

/// A session that an event concerns.
pub type SessionKey = Key<Session>;

/// Faults come first: what breaks at an instant is broken for everything that happens at that instant.
pub const FAULTS: Class = Class::new(0);
/// Health checks come before traffic: a check at an instant sees the faults of that instant, and the traffic of the
/// instant sees its verdict. So do those who start and stop replicas.
pub const HEALTH: Class = Class::new(1);
/// All traffic shares one class, so that it happens in the order in which it was caused.
pub const TRAFFIC: Class = Class::new(2);

/// An event. `epoch` names the step of the session that the event belongs to: if the session has moved on (its region
/// died, its attempt was abandoned), the event finds another epoch and does nothing.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Event {
    /// The next session of an arrival process starts.
    SessionStarts {
        /// Position in the world's list of arrival processes.
        source: u16,
    },
    /// A user sends the next turn.
    TurnBegins {
        /// Whose.
        session: SessionKey,
    },
    /// The turn arrives at the application region (or would, if that were up).
    ReachesRegion {
        /// Whose turn.
        session: SessionKey,
        /// Step it belongs to.
        epoch: u16,
    },
    /// State is read and the gateway decides whom to call.
    CallsModel {
        /// Whose turn.
        session: SessionKey,
        /// Step it belongs to.
        epoch: u16,
    },
    /// The call arrives at the provider.
    ReachesProvider {
        /// Whose turn.
        session: SessionKey,
        /// Which of its calls.
        leg: Leg,
        /// Number of the call.
        serial: u16,
    },
    /// The first token of a call that may be in a race is at the gateway.
    FirstToken {
        /// Whose turn.
        session: SessionKey,
        /// Which of its calls.
        leg: Leg,
        /// Number of the call.
        serial: u16,
    },
    /// A call that was given up on its way arrives at the provider all the same.
    StrayArrives {
        /// Which.
        stray: Key<Stray>,
    },
    /// The gateway sees how the attempt ended.
    AttemptEnds {
        /// Whose turn.
        session: SessionKey,
        /// Which of its calls.
        leg: Leg,
        /// Number of the call.
        serial: u16,
    },
    /// Calls have been out for long enough that another one may race them.
    HedgeDue {
        /// Whose turn.
        session: SessionKey,
        /// Step it belongs to.
        epoch: u16,
    },
    /// The gateway's pause before another attempt is over.
    BackoffOver {
        /// Whose turn.
        session: SessionKey,
        /// Step it belongs to.
        epoch: u16,
    },
    /// The user's program gives up waiting for a connection.
    ClientGivesUp {
        /// Whose turn.
        session: SessionKey,
        /// Step it belongs to.
        epoch: u16,
    },
    /// A deployment with bounded concurrency finishes (or drops) a request.
    ProviderFrees {
        /// Which.
        deployment: DeploymentIx,
        /// The request; stale when it has left service before, by a fault or because it was given up.
        place: Key<InService>,
    },
    /// A health check of a region begins.
    CheckBegins {
        /// Position in the topology's list.
        region: u16,
        /// Which checker.
        checker: u16,
    },
    /// A health check of a region has its result.
    CheckEnds {
        /// Position in the topology's list.
        region: u16,
        /// Which checker.
        checker: u16,
        /// Whether everything answered.
        passed: bool,
    },
    /// An edge probes a region.
    ProbeBegins {
        /// Whose edge.
        group: GroupIx,
        /// Position in the topology's list.
        region: u16,
    },
    /// A probe has its result.
    ProbeEnds {
        /// Whose edge.
        group: GroupIx,
        /// Position in the topology's list.
        region: u16,
        /// Whether it was answered.
        answered: bool,
        /// Microseconds that it took.
        took_us: u32,
    },
    /// A gateway asks a deployment whether it is there.
    EndpointCheckBegins {
        /// Position of the gateway's region in the topology's list.
        region: u16,
        /// Whom it asks.
        deployment: DeploymentIx,
    },
    /// A gateway's check of a deployment has its result.
    EndpointCheckEnds {
        /// Position of the gateway's region in the topology's list.
        region: u16,
        /// Whom it asked.
        deployment: DeploymentIx,
        /// The result.
        probed: Probed,
        /// Microseconds that it took.
        took_us: u32,
    },
    /// A fleet's controller looks at its replicas.
    FleetLooks {
        /// Position in the topology's list.
        fleet: u16,
    },
    /// A replica has started.
    ReplicaServes {
        /// Of which fleet.
        fleet: u16,
        /// Which.
        replica: ReplicaId,
    },
    /// A spot replica is reclaimed: its notice is over.
    ReplicaGone {
        /// Of which fleet.
        fleet: u16,
        /// Which.
        replica: ReplicaId,
    },
    /// The steering system has something to do.
    SteeringWakes,
    /// A fault begins.
    FaultBegins {
        /// Position in the world's list of fault occurrences.
        occurrence: u32,
    },
    /// A fault is repaired.
    FaultEnds {
        /// Position in the world's list of fault occurrences.
        occurrence: u32,
    },
    /// The detailed record around a fault begins.
    WatchOpens {
        /// Position in the record's list of watches.
        watch: u32,
    },
    /// The detailed record around a fault ends.
    WatchCloses {
        /// Position in the record's list of watches.
        watch: u32,
    },
}
