//! What each random draw is for. A number is never reused and never changed: it is part of every result.

use crate::random::Purpose;

/// Gap before the n-th session of a group; entity: workload and group, index: n.
pub const ARRIVAL: Purpose = Purpose(1);
/// Group of a replayed row; entity: workload, index: row.
pub const REPLAY_GROUP: Purpose = Purpose(2);
/// Number of turns; entity: session.
pub const TURNS: Purpose = Purpose(3);
/// Pause before turn n; entity: session, index: n.
pub const THINK: Purpose = Purpose(4);
/// Input tokens of turn n (or the row of a trace); entity: session, index: n.
pub const INPUT: Purpose = Purpose(5);
/// Output tokens of turn n; entity: session, index: n.
pub const OUTPUT: Purpose = Purpose(6);
/// Which resolver, network or program is a user's; entity: session.
pub const RESOLVER: Purpose = Purpose(7);
/// How much is left of a resolver's first record; entity: group, index: resolver.
pub const RESOLVER_PHASE: Purpose = Purpose(22);
/// Whether a resolver keeps records too long; entity: group, index: resolver.
pub const RESOLVER_EXTENDS: Purpose = Purpose(8);
/// Round trip between user and region; entity: turn, index: try.
pub const USER_LINK: Purpose = Purpose(9);
/// Round trip between gateway and provider; entity: turn, index: attempt.
pub const MODEL_LINK: Purpose = Purpose(10);
/// Work of the application; entity: turn, index: try.
pub const OVERHEAD: Purpose = Purpose(11);
/// Read of the conversation; entity: turn, index: try.
pub const STATE_READ: Purpose = Purpose(12);
/// Write of the turn; entity: turn.
pub const STATE_WRITE: Purpose = Purpose(13);
/// Replication lag of a write; entity: turn, index: hash of the destination's name.
pub const STATE_LAG: Purpose = Purpose(14);
/// Time to first token; entity: turn, index: attempt.
pub const TTFT: Purpose = Purpose(15);
/// Decode speed; entity: turn, index: attempt.
pub const DECODE: Purpose = Purpose(16);
/// Whether an attempt fails at random; entity: turn, index: attempt.
pub const MODEL_ERROR: Purpose = Purpose(17);
/// Choices of the router; entity: turn, index: number of the choice.
pub const ROUTING: Purpose = Purpose(18);
/// Phase of the health checks; entity: region, index: checker.
pub const CHECK_PHASE: Purpose = Purpose(19);
/// Time to the next failure; entity: fault, index: occurrence.
pub const FAULT_UP: Purpose = Purpose(20);
/// Time to repair; entity: fault, index: occurrence.
pub const FAULT_DOWN: Purpose = Purpose(21);
/// Choices of a name service for a resolver; entity: group and resolver, index: question and number of the choice.
pub const STEERING: Purpose = Purpose(23);
/// Whether a check gets lost on the way; entity: region and checker, index: time in nanoseconds.
pub const CHECK_FAILS: Purpose = Purpose(24);
/// Which of several addresses the client takes; entity: turn, index: try.
pub const ADDRESS: Purpose = Purpose(25);
/// Choices of an edge, an accelerator or a program for a turn; entity: turn, index: try and number of the choice.
pub const STEERING_TRY: Purpose = Purpose(26);
/// Whether a network's routes lead past the nearest site; entity: group, index: network.
pub const INFLATED: Purpose = Purpose(27);
/// How long a network takes to follow a change of announcements; entity: group and network, index: time in nanoseconds.
pub const CONVERGENCE: Purpose = Purpose(28);
/// Whether a resolver stands elsewhere, and where; entity: group, index: twice the resolver, and one more.
pub const RESOLVER_PLACE: Purpose = Purpose(31);
/// Phase of the probes; entity: group and region.
pub const PROBE_PHASE: Purpose = Purpose(29);
/// Round trip of a probe; entity: group and region, index: time in nanoseconds.
pub const PROBE_RTT: Purpose = Purpose(30);
/// What other customers use of a pool shared with them; entity: quota or deployment, index: number of the change.
pub const POOL_LOAD: Purpose = Purpose(32);
/// Whether a turn is among those that are followed, which changes nothing; entity: turn.
pub const SAMPLED: Purpose = Purpose(48);
/// Phase of a gateway's checks of a deployment; entity: region and deployment.
pub const ENDPOINT_CHECK_PHASE: Purpose = Purpose(40);
/// Round trip of a gateway's check of a deployment; entity: region and deployment, index: time in nanoseconds.
pub const ENDPOINT_CHECK_RTT: Purpose = Purpose(41);
