//! Load balancing of a cluster as Envoy does it, in three steps: a priority level, a locality, a host. One file per step.
//!
//! Sources stand in the files ([`priority`], [`locality`], [`zone`], [`slow_start`]). Members of a pool are the hosts, their
//! `priority` and `locality` place them. A level's or locality's hosts in service are those that the gateway's guards admit.
//!
//! A retry goes to a host that has not failed this request while there is one (Envoy's `previous_hosts`; Envoy gives up
//! the search after `host_selection_retry_max_attempts`). With `attempts_per_priority`, a level that was called so often for
//! a request gets no further retry of it until all levels were (Envoy Gateway's `numAttemptsPerPriority`, with which Envoy AI
//! Gateway falls back from provider to provider; the extension `previous_priorities` behind it counts attempts of all
//! levels together, which is the same when one level at a time has load).

pub mod locality;
pub mod priority;
pub mod slow_start;
pub mod zone;

use super::edf::Edf;
use super::hash::mixed;
use super::maglev::{MAGLEV_TABLE, Maglev};
use super::{
    Balance, LeastRequest, LeastRequestConfig, MemberState, Random, RingHash, Standing, View, WeightedRoundRobin,
};
use crate::routing::balance::{Locality, Member};
use crate::routing::entropy::Entropy;
use crate::routing::reason::{Figure, Reason, ReasonSink};
use crate::routing::request::Request;
use crate::units::Time;
use priority::Level;
use slow_start::{SlowStart, Warming};

/// Parameters. [`EnvoyConfig::DEFAULT`] has Envoy's defaults.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct EnvoyConfig {
    /// How a host is chosen.
    pub hosts: HostPolicy,
    /// How a locality is chosen.
    pub localities: LocalityPolicy,
    /// Percent of available hosts below which a level may panic; 0: never.
    pub panic_threshold: u32,
    /// Whether a level in panic fails what is sent to it, rather than using all its hosts.
    pub fail_traffic_on_panic: bool,
    /// Percent; at least 100.
    pub overprovisioning_factor: u32,
    /// Calls for one request after which a level is left out; `None`: never. At least 1, and at most the hosts of the
    /// smallest level: a host that has failed a request counts once until it may be called again.
    pub attempts_per_priority: Option<u32>,
    /// Little traffic at first for who comes back; for hosts by turns and by least request.
    pub slow_start: Option<SlowStart>,
}

impl EnvoyConfig {
    /// Envoy's defaults.
    pub const DEFAULT: EnvoyConfig = EnvoyConfig {
        hosts: HostPolicy::RoundRobin,
        localities: LocalityPolicy::Ignored,
        panic_threshold: 50,
        fail_traffic_on_panic: false,
        overprovisioning_factor: 140,
        attempts_per_priority: None,
        slow_start: None,
    };
}

/// How a host is chosen within level and locality.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum HostPolicy {
    /// [`Random`].
    Random,
    /// [`WeightedRoundRobin`].
    RoundRobin,
    /// [`LeastRequest`].
    LeastRequest(LeastRequestConfig),
    /// [`RingHash`] with at least so many points; the level is chosen by the hash too.
    RingHash(u32),
    /// [`Maglev`] with so many entries; the level is chosen by the hash too.
    Maglev(u32),
}

impl HostPolicy {
    /// Whether a request's key decides.
    pub const fn hashes(self) -> bool {
        matches!(self, HostPolicy::RingHash(_) | HostPolicy::Maglev(_))
    }

    /// Maglev with Envoy's table.
    pub const MAGLEV: HostPolicy = HostPolicy::Maglev(MAGLEV_TABLE);
}

/// How a locality is chosen within a level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LocalityPolicy {
    /// Not at all: all hosts of the level alike.
    Ignored,
    /// By the localities' weights.
    Weighted,
    /// The caller's own as far as that is fair, in the first level.
    ZoneAware {
        /// Fewest available hosts in the level.
        min_cluster_size: u32,
    },
}

/// Hosts among which a choice is made: a level, or a locality of one.
#[derive(Clone, Debug)]
struct Group {
    /// Positions in the pool.
    positions: Vec<u16>,
    /// As the host policy sees them: weights change in a slow start.
    members: Vec<Member>,
    states: Vec<MemberState>,
    hosts: Hosts,
    /// Weight of the locality.
    weight: f64,
}

#[derive(Clone, Debug)]
enum Hosts {
    Random(Random),
    RoundRobin(WeightedRoundRobin),
    LeastRequest(LeastRequest),
    RingHash(RingHash),
    Maglev(Maglev),
}

/// A level's groups: all of it, and its localities when those matter.
#[derive(Clone, Debug)]
struct Groups {
    all: Group,
    localities: Vec<Group>,
    turns: Edf,
}

/// The balancer of a cluster.
#[derive(Clone, Debug)]
pub struct Envoy {
    config: EnvoyConfig,
    groups: Vec<Groups>,
    /// Per level.
    levels: Vec<Level>,
    /// Per member: its level.
    level_of: Vec<u16>,
    warming: Vec<Warming>,
    /// Per locality of the pool, for the first level.
    zones: Vec<zone::Zone>,
    local: usize,
    last: Last,
}

/// Whose turns the last choice takes when it is sent.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    /// The level whose localities were asked for one.
    turns: Option<usize>,
    /// Level, and the locality or all of it, to which the host belongs.
    group: Option<(usize, Option<usize>)>,
}

impl Group {
    fn new(hosts: HostPolicy, positions: Vec<u16>, pool: &[Member], weight: f64) -> Group {
        let members: Vec<Member> = positions.iter().map(|p| pool[usize::from(*p)]).collect();
        let n = members.len();
        let hosts = match hosts {
            HostPolicy::Random => Hosts::Random(Random),
            HostPolicy::RoundRobin => Hosts::RoundRobin(WeightedRoundRobin::new(n)),
            HostPolicy::LeastRequest(c) => Hosts::LeastRequest(LeastRequest::new(c, n)),
            HostPolicy::RingHash(points) => Hosts::RingHash(RingHash::new(points, &members)),
            HostPolicy::Maglev(size) => Hosts::Maglev(Maglev::new(size, &members)),
        };
        Group { positions, members, states: Vec::with_capacity(n), hosts, weight }
    }

    /// Hosts that the request may go to, and those of them that are in service.
    fn count(&self, states: &[MemberState]) -> (u32, u32) {
        self.positions.iter().map(|p| &states[usize::from(*p)]).fold((0, 0), |(total, available), s| {
            let counts = s.standing != Standing::Illegal;
            (total + u32::from(counts), available + u32::from(counts && s.standing != Standing::Out))
        })
    }

    /// Position in the pool of a host that the request has not tried; in a panic whether it is in service or not.
    fn pick<E: Entropy, S: ReasonSink>(
        &mut self,
        view: &View<'_>,
        panic: bool,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Option<usize> {
        self.states.clear();
        self.states.extend(self.positions.iter().map(|p| {
            let mut s = view.states[usize::from(*p)];
            if panic && s.standing == Standing::Out && !s.tried {
                s.standing = Standing::Usable;
            }
            s
        }));
        let within = View { now: view.now, request: view.request, members: &self.members, states: &self.states };
        let chosen = match &mut self.hosts {
            Hosts::Random(h) => h.pick(&within, entropy, reasons),
            Hosts::RoundRobin(h) => h.pick(&within, entropy, reasons),
            Hosts::LeastRequest(h) => h.pick(&within, entropy, reasons),
            Hosts::RingHash(h) => h.pick(&within, entropy, reasons),
            Hosts::Maglev(h) => h.pick(&within, entropy, reasons),
        };
        chosen.map(|i| usize::from(self.positions[i]))
    }

    /// The last choice was sent: it has had its turn.
    fn on_sent(&mut self, now: Time, position: usize, request: &Request<'_>) {
        match &mut self.hosts {
            Hosts::Random(h) => h.on_sent(now, position, request),
            Hosts::RoundRobin(h) => h.on_sent(now, position, request),
            Hosts::LeastRequest(h) => h.on_sent(now, position, request),
            Hosts::RingHash(h) => h.on_sent(now, position, request),
            Hosts::Maglev(h) => h.on_sent(now, position, request),
        }
    }
}

impl Envoy {
    /// For a pool whose members stand in these localities.
    pub fn new(config: EnvoyConfig, members: &[Member], localities: &[Locality]) -> Envoy {
        let mut priorities: Vec<u8> = members.iter().map(|m| m.priority).collect();
        priorities.sort_unstable();
        priorities.dedup();
        let level = |m: &Member| priorities.partition_point(|p| *p < m.priority);
        let positions = |which: &dyn Fn(&Member) -> bool| -> Vec<u16> {
            members.iter().enumerate().filter(|(_, m)| which(m)).map(|(i, _)| i as u16).collect()
        };
        let groups = (0..priorities.len()).map(|l| {
            let group = |positions, weight| Group::new(config.hosts, positions, members, weight);
            let each = localities.iter().enumerate().filter(|_| config.localities != LocalityPolicy::Ignored);
            let localities: Vec<Group> = each
                .map(|(z, locality)| {
                    group(positions(&|m| level(m) == l && usize::from(m.locality) == z), locality.weight)
                })
                .collect();
            Groups { all: group(positions(&|m| level(m) == l), 1.0), turns: Edf::new(localities.len()), localities }
        });
        Envoy {
            config,
            groups: groups.collect(),
            levels: vec![Level::default(); priorities.len()],
            level_of: members.iter().map(|m| level(m) as u16).collect(),
            warming: vec![Warming::default(); members.len()],
            zones: localities.iter().map(|l| zone::Zone { callers: l.callers, available: 0 }).collect(),
            local: localities.iter().position(|l| l.local).unwrap_or(usize::MAX),
            last: Last::default(),
        }
    }

    /// Counts who is in service and works out the load of every level.
    fn look(&mut self, view: &View<'_>) {
        self.levels.fill(Level::default());
        for (state, level) in view.states.iter().zip(&self.level_of) {
            let l = &mut self.levels[usize::from(*level)];
            if state.standing != Standing::Illegal {
                l.total += 1;
                l.available += u32::from(state.standing != Standing::Out);
                // until all levels are counted, `load` counts the calls for this request
                l.load += u32::from(state.tried);
            }
        }
        for l in &mut self.levels {
            l.attempted = self.config.attempts_per_priority.is_some_and(|most| l.load >= most);
        }
        priority::distribute(&mut self.levels, self.config.overprovisioning_factor, self.config.panic_threshold);
        if let Some(slow) = &self.config.slow_start {
            for (w, s) in self.warming.iter_mut().zip(view.states) {
                w.look(view.now, s.standing != Standing::Out);
            }
            for group in self.groups.iter_mut().flat_map(|g| g.localities.iter_mut().chain([&mut g.all])) {
                for (m, p) in group.members.iter_mut().zip(&group.positions) {
                    let p = usize::from(*p);
                    m.weight = view.members[p].weight * self.warming[p].factor(slow, view.now);
                }
            }
        }
    }

    /// The locality of a level to send to; `None` for all of it.
    fn locality<E: Entropy, S: ReasonSink>(
        &mut self,
        level: usize,
        view: &View<'_>,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Option<usize> {
        let factor = self.config.overprovisioning_factor;
        let Groups { localities, turns, .. } = &mut self.groups[level];
        match self.config.localities {
            LocalityPolicy::Weighted => {
                let n = localities.len();
                let weight = |z: usize| {
                    let (total, available) = localities[z].count(view.states);
                    locality::effective_weight(localities[z].weight, factor, available, total)
                };
                if reasons.on() {
                    for (z, group) in localities.iter().enumerate() {
                        let (total, available) = group.count(view.states);
                        let mut say = |figure| reasons.push(Reason::Locality { locality: z as u16, figure });
                        say(Figure::new("weight", group.weight));
                        say(Figure::new("hosts in service", f64::from(available)).of(f64::from(total)));
                        say(Figure::new("weight times health in percent", weight(z)));
                    }
                }
                self.last.turns = Some(level);
                let chosen = turns.due(0..n, weight);
                if reasons.on() {
                    let locality = chosen.map(|z| z as u16);
                    reasons.push(Reason::LocalityChosen {
                        locality,
                        by: "by turns, in proportion to weight times health",
                    });
                }
                chosen
            }
            LocalityPolicy::ZoneAware { min_cluster_size } if level == 0 => {
                for (zone, group) in self.zones.iter_mut().zip(localities) {
                    zone.available = group.count(view.states).1;
                }
                zone::choose(&self.zones, self.local, min_cluster_size, entropy, reasons)
            }
            LocalityPolicy::ZoneAware { .. } | LocalityPolicy::Ignored => None,
        }
    }
}

impl Balance for Envoy {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, entropy: &mut E, reasons: &mut S) -> Option<usize> {
        self.look(view);
        self.last = Last::default();
        if self.levels.iter().all(|l| l.load == 0) {
            return None;
        }
        let u = if self.config.hosts.hashes() {
            (mixed(view.request.affinity, 1) % 100) as u32
        } else if self.levels.iter().any(|l| l.load == 100) {
            0
        } else {
            (entropy.uniform() * 100.0) as u32
        };
        let mut sum = 0;
        let level = self.levels.iter().position(|l| {
            sum += l.load;
            u < sum
        })?;
        let panic = self.levels[level].panic;
        if reasons.on() {
            for (i, l) in self.levels.iter().enumerate() {
                let health = priority::percent(self.config.overprovisioning_factor, l.available, l.total);
                reasons.push(Reason::Level {
                    level: i as u8,
                    load_percent: l.load as u8,
                    panic: l.panic,
                    health_percent: health as u8,
                    available: l.available as u16,
                    total: l.total as u16,
                    attempted: l.attempted,
                });
            }
            reasons.push(Reason::LevelChosen { level: level as u8 });
        }
        if panic && self.config.fail_traffic_on_panic {
            return None;
        }
        if !panic
            && let Some(z) = self.locality(level, view, entropy, reasons)
            && let Some(chosen) = self.groups[level].localities[z].pick(view, false, entropy, reasons)
        {
            self.last.group = Some((level, Some(z)));
            return Some(chosen);
        }
        if let Some(chosen) = self.groups[level].all.pick(view, panic, entropy, reasons) {
            self.last.group = Some((level, None));
            return Some(chosen);
        }
        // this request has tried all of the level: another one that has load, then any
        let (levels, fails) = (&self.levels, self.config.fail_traffic_on_panic);
        let loaded = (0..levels.len()).filter(|l| levels[*l].load > 0);
        let others = loaded.chain((0..levels.len()).filter(|l| levels[*l].load == 0)).filter(|l| *l != level);
        for l in others {
            let panic = levels[l].panic;
            if panic && fails {
                continue;
            }
            if let Some(chosen) = self.groups[l].all.pick(view, panic, entropy, reasons) {
                self.last.group = Some((l, None));
                return Some(chosen);
            }
        }
        None
    }

    fn has_panic_rule(&self) -> bool {
        true
    }

    fn on_sent(&mut self, now: Time, position: usize, request: &Request<'_>) {
        let last = std::mem::take(&mut self.last);
        if let Some(level) = last.turns {
            self.groups[level].turns.take();
        }
        if let Some((level, locality)) = last.group {
            let Groups { all, localities, .. } = &mut self.groups[level];
            let group = locality.map_or(all, |z| &mut localities[z]);
            group.on_sent(now, position, request);
        }
    }
}

#[cfg(test)]
mod tests;
