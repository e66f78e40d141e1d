//! What one run of one topology leaves behind: integer counts and histograms that merge exactly.

use super::failure::Failure;
use super::watch::Watch;
use crate::measure::{CoarseHistogram, Histogram, Merge, Timeline};
use crate::units::{Span, Time};

/// Everything measured. Latencies are in nanoseconds. Only turns sent between the end of the warm-up and the horizon
/// count; tokens and bytes count when their turn does.
#[derive(Clone, Debug)]
pub struct Record {
    /// Per user group.
    pub groups: Vec<GroupRecord>,
    /// Per application region of the topology.
    pub regions: Vec<RegionRecord>,
    /// Per deployment.
    pub deployments: Vec<DeploymentRecord>,
    /// Per fleet of the topology.
    pub fleets: Vec<FleetRecord>,
    /// Failed turns by class.
    pub failures: [u64; Failure::COUNT],
    /// Tokens and bytes to be paid for.
    pub usage: Usage,
    /// Per region, per interval.
    pub timeline: Vec<Timeline<Cell>>,
    /// Detailed records around faults; one per occurrence. Merging keeps them side by side, replication by replication.
    pub watches: Vec<Watch>,
    /// Per fault of the scenario: occurrences within the counted time that got no detailed record, because a run keeps
    /// only so many.
    pub unwatched: Vec<u64>,
    /// Model calls over all counted turns.
    pub attempts: u64,
    /// Acknowledged writes that no surviving region had when their region failed, whole run.
    pub writes_lost: u64,
    /// Model calls and admissions that took data of a residency class to a place that is not legal for it, whole run.
    /// INV-6: zero, or the run ends with a panic.
    pub residency_violations: u64,
    /// Turns sent, warm-up included.
    pub turns: u64,
    /// Sessions started, warm-up included.
    pub sessions: u64,
    /// Events handled.
    pub events: u64,
    /// Replications in this record.
    pub replications: u32,
}

/// One user group.
#[derive(Clone, Debug)]
pub struct GroupRecord {
    /// Turns.
    pub requests: u64,
    /// Turns not served within their limit.
    pub failed: u64,
    /// Those by class, indexed by [`Failure`].
    pub failures: [u64; Failure::COUNT],
    /// Served turns whose answer came from another deployment than the policy's first choice.
    pub fallback: u64,
    /// Served turns answered by a degraded pool.
    pub degraded: u64,
    /// Turns served outside the nearest region (see the metric's definition).
    pub cross_region: u64,
    /// Served turns over the slow limit.
    pub slow: u64,
    /// Turns that read a stale state.
    pub stale: u64,
    /// Turns by region that they were last sent to.
    pub by_region: Vec<u64>,
    /// Time to first token of served turns.
    pub ttft: Histogram,
    /// Total latency of served turns.
    pub e2e: Histogram,
}

/// One application region.
#[derive(Clone, Debug)]
pub struct RegionRecord {
    /// Turns that were last sent to it; who was sent nowhere counts where it was before, or else in the nearest region.
    pub requests: u64,
    /// Of those, failed.
    pub failed: u64,
    /// Time to first token of served turns.
    pub ttft: Histogram,
    /// Total latency of served turns.
    pub e2e: Histogram,
    /// Slot-nanoseconds in use between the end of the warm-up and the horizon.
    pub busy_slot_ns: u128,
}

/// One deployment.
#[derive(Clone, Debug)]
pub struct DeploymentRecord {
    /// Attempts of counted turns.
    pub attempts: u64,
    /// Attempts answered.
    pub ok: u64,
    /// Attempts refused with 429.
    pub rate_limited: u64,
    /// Attempts that failed otherwise.
    pub failed: u64,
    /// Attempts that were given up before they ended: the other call of a race had won, or the gateway died.
    pub abandoned: u64,
    /// Attempts that it refused and another deployment served, or refused, in its place.
    pub spilled: u64,
    /// Time from the gateway's call to the first token back at the gateway, answered attempts.
    pub ttft: Histogram,
}

/// One fleet. Its lines are its zones, then its deployments (on demand), in their order.
#[derive(Clone, Default, Debug)]
pub struct FleetRecord {
    /// Replicas started.
    pub started: u64,
    /// Spot replicas reclaimed.
    pub reclaimed: u64,
    /// Starts that were refused.
    pub refused: u64,
    /// Time with fewer replicas in service and within reach than the target.
    pub short_ns: u128,
    /// Per line: time of replicas to be paid for.
    pub paid_ns: Vec<u128>,
    /// The same per interval: `interval * lines + line`; empty where nothing is paid.
    pub timeline: Vec<u128>,
    start: Time,
    interval: Span,
}

/// What has to be paid for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Input tokens, `group * deployments + deployment`.
    pub input_tokens: Vec<u64>,
    /// Of the input tokens, those read from the prompt cache of a deployment, in the same order.
    pub cached_tokens: Vec<u64>,
    /// Of the input tokens, those written to it.
    pub written_tokens: Vec<u64>,
    /// Output tokens, `group * deployments + deployment`.
    pub output_tokens: Vec<u64>,
    /// Bytes sent to users, `group * regions + region`.
    pub bytes_to_users: Vec<u64>,
    /// Bytes sent to other places, `region * places + place`.
    pub bytes_between: Vec<u64>,
}

/// One region in one interval.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// Turns sent.
    pub requests: u64,
    /// Of those, failed.
    pub failed: u64,
    /// Of those, served degraded.
    pub degraded: u64,
    /// Of those, served over the slow limit.
    pub slow: u64,
    /// Time to first token.
    pub ttft: CoarseHistogram,
    /// Total latency.
    pub e2e: CoarseHistogram,
    /// Input tokens per deployment, then output tokens per deployment; where deployments have prompt caches also those read and
    /// those written. Empty until first used.
    pub tokens: Vec<u64>,
    /// Bytes sent to users.
    pub bytes_to_users: u64,
    /// Bytes sent to each other place; empty until first used.
    pub bytes_between: Vec<u64>,
}

impl Record {
    /// An empty record.
    pub fn new(
        groups: usize,
        regions: usize,
        deployments: usize,
        places: usize,
        start: Time,
        interval: Span,
    ) -> Record {
        let group = || GroupRecord {
            requests: 0,
            failed: 0,
            failures: [0; Failure::COUNT],
            fallback: 0,
            degraded: 0,
            cross_region: 0,
            slow: 0,
            stale: 0,
            by_region: vec![0; regions],
            ttft: Histogram::new(),
            e2e: Histogram::new(),
        };
        let region =
            || RegionRecord { requests: 0, failed: 0, ttft: Histogram::new(), e2e: Histogram::new(), busy_slot_ns: 0 };
        let deployment = || DeploymentRecord {
            attempts: 0,
            ok: 0,
            rate_limited: 0,
            failed: 0,
            abandoned: 0,
            spilled: 0,
            ttft: Histogram::new(),
        };
        Record {
            groups: (0..groups).map(|_| group()).collect(),
            regions: (0..regions).map(|_| region()).collect(),
            deployments: (0..deployments).map(|_| deployment()).collect(),
            fleets: Vec::new(),
            failures: [0; Failure::COUNT],
            usage: Usage {
                input_tokens: vec![0; groups * deployments],
                cached_tokens: vec![0; groups * deployments],
                written_tokens: vec![0; groups * deployments],
                output_tokens: vec![0; groups * deployments],
                bytes_to_users: vec![0; groups * regions],
                bytes_between: vec![0; regions * places],
            },
            timeline: (0..regions).map(|_| Timeline::new(start, interval)).collect(),
            watches: Vec::new(),
            unwatched: Vec::new(),
            attempts: 0,
            writes_lost: 0,
            residency_violations: 0,
            turns: 0,
            sessions: 0,
            events: 0,
            replications: 1,
        }
    }

    /// Adds another replication of the same topology. Exact, so the order does not show in any sum; watches are
    /// appended in the order of merging, which is the order of replications.
    pub fn merge(&mut self, other: &Record) {
        for (a, b) in self.groups.iter_mut().zip(&other.groups) {
            a.requests += b.requests;
            a.failed += b.failed;
            add(&mut a.failures, &b.failures);
            a.fallback += b.fallback;
            a.degraded += b.degraded;
            a.cross_region += b.cross_region;
            a.slow += b.slow;
            a.stale += b.stale;
            add(&mut a.by_region, &b.by_region);
            a.ttft.merge(&b.ttft);
            a.e2e.merge(&b.e2e);
        }
        for (a, b) in self.regions.iter_mut().zip(&other.regions) {
            a.requests += b.requests;
            a.failed += b.failed;
            a.ttft.merge(&b.ttft);
            a.e2e.merge(&b.e2e);
            a.busy_slot_ns += b.busy_slot_ns;
        }
        for (a, b) in self.deployments.iter_mut().zip(&other.deployments) {
            a.attempts += b.attempts;
            a.ok += b.ok;
            a.rate_limited += b.rate_limited;
            a.failed += b.failed;
            a.abandoned += b.abandoned;
            a.spilled += b.spilled;
            a.ttft.merge(&b.ttft);
        }
        for (a, b) in self.fleets.iter_mut().zip(&other.fleets) {
            a.merge(b);
        }
        add(&mut self.failures, &other.failures);
        self.usage.merge(&other.usage);
        for (a, b) in self.timeline.iter_mut().zip(&other.timeline) {
            a.merge(b);
        }
        self.watches.extend(other.watches.iter().cloned());
        add(&mut self.unwatched, &other.unwatched);
        self.attempts += other.attempts;
        self.writes_lost += other.writes_lost;
        self.residency_violations += other.residency_violations;
        self.turns += other.turns;
        self.sessions += other.sessions;
        self.events += other.events;
        self.replications += other.replications;
    }

    /// Counted turns.
    pub fn requests(&self) -> u64 {
        self.groups.iter().map(|g| g.requests).sum()
    }

    /// Counted turns that were not served.
    pub fn failed(&self) -> u64 {
        self.groups.iter().map(|g| g.failed).sum()
    }
}

impl FleetRecord {
    /// Of a fleet with so many lines, counted from `start` on.
    pub fn new(lines: usize, start: Time, interval: Span) -> FleetRecord {
        FleetRecord { paid_ns: vec![0; lines], start, interval, ..FleetRecord::default() }
    }

    /// A replica is paid for from one time to another, the warm-up left out.
    pub fn pay(&mut self, line: usize, from: Time, until: Time) {
        let lines = self.paid_ns.len();
        let mut from = from.max(self.start);
        while from < until {
            let interval = from.since(self.start).nanos() / self.interval.nanos();
            let ends = until.min(self.start.saturating_add(self.interval.times(interval + 1)));
            let span = u128::from(ends.since(from).nanos());
            let cell = interval as usize * lines + line;
            if self.timeline.len() <= cell {
                self.timeline.resize((interval as usize + 1) * lines, 0);
            }
            self.timeline[cell] += span;
            self.paid_ns[line] += span;
            from = ends;
        }
    }
}

impl Merge for FleetRecord {
    fn merge(&mut self, other: &FleetRecord) {
        self.started += other.started;
        self.reclaimed += other.reclaimed;
        self.refused += other.refused;
        self.short_ns += other.short_ns;
        for (a, b) in self.paid_ns.iter_mut().zip(&other.paid_ns) {
            *a += b;
        }
        self.timeline.resize(self.timeline.len().max(other.timeline.len()), 0);
        for (a, b) in self.timeline.iter_mut().zip(&other.timeline) {
            *a += b;
        }
    }
}

impl Merge for Usage {
    fn merge(&mut self, other: &Usage) {
        add(&mut self.input_tokens, &other.input_tokens);
        add(&mut self.cached_tokens, &other.cached_tokens);
        add(&mut self.written_tokens, &other.written_tokens);
        add(&mut self.output_tokens, &other.output_tokens);
        add(&mut self.bytes_to_users, &other.bytes_to_users);
        add(&mut self.bytes_between, &other.bytes_between);
    }
}

impl Merge for Cell {
    fn merge(&mut self, other: &Cell) {
        self.requests += other.requests;
        self.failed += other.failed;
        self.degraded += other.degraded;
        self.slow += other.slow;
        self.ttft.merge(&other.ttft);
        self.e2e.merge(&other.e2e);
        add_grown(&mut self.tokens, &other.tokens);
        self.bytes_to_users += other.bytes_to_users;
        add_grown(&mut self.bytes_between, &other.bytes_between);
    }
}

fn add(into: &mut [u64], from: &[u64]) {
    for (a, b) in into.iter_mut().zip(from) {
        *a += b;
    }
}

fn add_grown(into: &mut Vec<u64>, from: &[u64]) {
    if into.len() < from.len() {
        into.resize(from.len(), 0);
    }
    add(into, from);
}
