//! What the world writes into its record, and when. Only turns sent between the end of the warm-up and the horizon count.

use super::World;
use super::event::SessionKey;
use super::failure::Failure;
use super::session::Call;
use super::story::Tokens;
use super::watch::{Ends, Watch};
use crate::routing::outcome::{ErrorClass, Outcome};
use crate::scenario::model::FaultWhat;
use crate::units::{DeploymentIx, GroupIx, Span, Time};

/// Bytes that one streamed output token puts on the way to the user.
/// ASSUMPTION: one server-sent event per token with a JSON envelope of about 200 bytes, as chat-completion streams
/// have it; uncompressed.
pub const STREAM_BYTES_PER_TOKEN: u64 = 200;

/// Bytes of text per token, of prompts on the way to a provider and of answers that are not streamed: about four characters per token of English text is the
/// providers' own rule of thumb (OpenAI help centre, "What are tokens and how to count them?", 2024).
pub const TEXT_BYTES_PER_TOKEN: u64 = 4;

/// What a fault takes out of service, as far as traffic can be moved away from it.
#[derive(Clone, PartialEq, Debug)]
pub enum Target {
    /// An application region of the topology, by position.
    Region(usize),
    /// Deployments, one flag each.
    Deployments(Vec<bool>),
    /// Some replicas of a deployment; others go on, so nobody moves away.
    Replicas(DeploymentIx),
    /// Nothing that this topology uses.
    Nothing,
}

impl Target {
    /// What a fault means for a topology.
    pub fn of(what: &FaultWhat, regions: &[crate::units::RegionIx], providers: &[crate::units::RegionIx]) -> Target {
        let flags = |hit: &dyn Fn(usize) -> bool| {
            let flags: Vec<bool> = (0..providers.len()).map(hit).collect();
            if flags.contains(&true) { Target::Deployments(flags) } else { Target::Nothing }
        };
        match what {
            FaultWhat::RegionDown { region } => match regions.iter().position(|r| r == region) {
                Some(i) => Target::Region(i),
                None => flags(&|d| providers[d] == *region),
            },
            FaultWhat::DependencyDown { region, .. } => {
                regions.iter().position(|r| r == region).map_or(Target::Nothing, Target::Region)
            }
            FaultWhat::ProviderDown { deployments, .. } | FaultWhat::ProviderBrownOut { deployments, .. } => {
                flags(&|d| deployments.contains(&DeploymentIx::new(d)))
            }
            FaultWhat::SpotWithdrawn { deployment, .. } => Target::Replicas(*deployment),
        }
    }
}

impl World<'_> {
    /// Whether a turn sent at this time counts.
    #[inline]
    pub(super) fn counted(&self, sent: Time) -> bool {
        sent >= self.start && sent < self.end
    }

    /// A call leaves a gateway.
    pub(super) fn count_call(&mut self, sent: Time, region: usize, deployment: DeploymentIx, prompt: u32) {
        if !self.counted(sent) {
            return;
        }
        self.record.attempts += 1;
        self.record.deployments[deployment.ix()].attempts += 1;
        let place = self.providers[deployment.ix()].place;
        if place != self.regions[region].place {
            self.count_bytes_between(sent, region, place.ix(), u64::from(prompt) * TEXT_BYTES_PER_TOKEN);
        }
    }

    fn count_bytes_between(&mut self, sent: Time, region: usize, place: usize, bytes: u64) {
        let places = self.scenario.places.len();
        self.record.usage.bytes_between[region * places + place] += bytes;
        if let Some(cell) = self.record.timeline[region].cell_mut(sent) {
            if cell.bytes_between.is_empty() {
                cell.bytes_between.resize(places, 0);
            }
            cell.bytes_between[place] += bytes;
        }
    }

    /// An attempt has ended: how, and the output that is billed.
    pub(super) fn count_attempt(&mut self, session: SessionKey, call: &Call, output: u32) {
        let s = &self.sessions[session];
        let sent = s.request.sent;
        if !self.counted(sent) {
            return;
        }
        let d = call.deployment.ix();
        let row = &mut self.record.deployments[d];
        match call.outcome {
            Outcome::Ok => {
                row.ok += 1;
                row.ttft.record_span(call.first_byte().since(call.sent));
            }
            Outcome::Failed { class: ErrorClass::RateLimited | ErrorClass::QuotaExhausted, .. } => {
                row.rate_limited += 1
            }
            Outcome::Failed { .. } => row.failed += 1,
        }
        self.count_tokens_of(session, call, output);
    }

    /// An attempt was passed on from the deployment that it went to.
    pub(super) fn count_spilled(&mut self, sent: Time, deployment: DeploymentIx) {
        if self.counted(sent) {
            self.record.deployments[deployment.ix()].spilled += 1;
        }
    }

    /// An attempt was given up before it ended.
    pub(super) fn count_abandoned(&mut self, session: SessionKey, call: &Call, output: u32) {
        if self.counted(self.sessions[session].request.sent) {
            self.record.deployments[call.deployment.ix()].abandoned += 1;
            self.count_tokens_of(session, call, output);
        }
    }

    fn count_tokens_of(&mut self, session: SessionKey, call: &Call, output: u32) {
        let s = &self.sessions[session];
        let (sent, group, region, prompt) = (s.request.sent, s.group, usize::from(s.request.region), s.request.prompt);
        if call.accepted {
            self.count_tokens(sent, group, region, call.billed(prompt, output));
        }
    }

    /// Tokens that a provider bills to a region's gateway for a turn sent at `sent`.
    pub(super) fn count_tokens(&mut self, sent: Time, group: GroupIx, region: usize, tokens: Tokens) {
        if !self.counted(sent) {
            return;
        }
        let (n, d, group) = (self.providers.len(), tokens.deployment.ix(), group.ix());
        let [input, cached, written, output] =
            [tokens.input, tokens.cached, tokens.written, tokens.output].map(u64::from);
        let usage = &mut self.record.usage;
        usage.input_tokens[group * n + d] += input;
        usage.cached_tokens[group * n + d] += cached;
        usage.written_tokens[group * n + d] += written;
        usage.output_tokens[group * n + d] += output;
        if let Some(cell) = self.record.timeline[region].cell_mut(sent) {
            if cell.tokens.is_empty() {
                // what no cache can fill takes no room
                cell.tokens.resize(if self.workload_keys.is_empty() { 2 * n } else { 4 * n }, 0);
            }
            cell.tokens[d] += input;
            cell.tokens[n + d] += output;
            if cell.tokens.len() > 2 * n {
                cell.tokens[2 * n + d] += cached;
                cell.tokens[3 * n + d] += written;
            }
        }
    }

    /// A turn was served.
    pub(super) fn count_served(&mut self, session: SessionKey, ttft: Span, e2e: Span, now: Time) {
        let s = &self.sessions[session];
        let (sent, group, region) = (s.request.sent, s.group.ix(), usize::from(s.request.region));
        let (call, stale) = (s.request.call, s.request.stale);
        let new_tokens = u64::from(s.request.input) + u64::from(call.output);
        let slow = ttft > self.scenario.slow_over;
        let end =
            Ends { requests: 1, failed: 0, slow: slow.into(), degraded: call.degraded.into(), stale: stale.into() };
        self.watch_end(sent, now, &end);
        if !self.counted(sent) {
            return;
        }
        let home = self.nearest_region[group] == Some(region as u8)
            && self.nearest_member[region * self.providers.len() + call.deployment.ix()];
        let g = &mut self.record.groups[group];
        g.by_region[region] += 1;
        g.fallback += u64::from(call.fallback);
        g.degraded += u64::from(call.degraded);
        g.cross_region += u64::from(!home);
        g.slow += u64::from(slow);
        g.stale += u64::from(stale);
        g.ttft.record_span(ttft);
        g.e2e.record_span(e2e);
        let r = &mut self.record.regions[region];
        r.requests += 1;
        r.ttft.record_span(ttft);
        r.e2e.record_span(e2e);
        let per_token = if call.streamed { STREAM_BYTES_PER_TOKEN } else { TEXT_BYTES_PER_TOKEN };
        let to_user = u64::from(call.output) * per_token;
        self.record.usage.bytes_to_users[group * self.regions.len() + region] += to_user;
        if let Some(cell) = self.record.timeline[region].cell_mut(sent) {
            cell.requests += 1;
            cell.degraded += u64::from(call.degraded);
            cell.slow += u64::from(slow);
            cell.ttft.record_span(ttft);
            cell.e2e.record_span(e2e);
            cell.bytes_to_users += to_user;
        }
        let class = self.scenario.groups[group].residency;
        let replicated = new_tokens * u64::from(self.topology.state.bytes_per_token);
        for other in 0..self.regions.len() {
            if other != region && self.store.may_hold(class, other) {
                self.count_bytes_between(sent, region, self.regions[other].place.ix(), replicated);
            }
        }
    }

    /// A turn has failed.
    pub(super) fn count_failed(&mut self, session: SessionKey, why: Failure, now: Time) {
        let s = &self.sessions[session];
        let (sent, group, region) = (s.request.sent, s.group.ix(), usize::from(s.request.region));
        let stale = s.request.stale;
        self.watch_end(sent, now, &Ends { requests: 1, failed: 1, stale: stale.into(), ..Ends::default() });
        if !self.counted(sent) {
            return;
        }
        self.record.failures[why as usize] += 1;
        let g = &mut self.record.groups[group];
        g.failed += 1;
        g.failures[why as usize] += 1;
        g.stale += u64::from(stale);
        if why == Failure::Residency {
            return; // it was never sent anywhere
        }
        g.by_region[region] += 1;
        self.record.regions[region].requests += 1;
        self.record.regions[region].failed += 1;
        if let Some(cell) = self.record.timeline[region].cell_mut(sent) {
            cell.requests += 1;
            cell.failed += 1;
        }
    }

    /// A turn has ended.
    fn watch_end(&mut self, sent: Time, now: Time, end: &Ends) {
        for &w in &self.open_watches {
            self.record.watches[w].ended(self.start, sent, now, end);
        }
    }

    /// A user's try is sent to a region.
    pub(super) fn watch_region_choice(&mut self, now: Time, region: usize) {
        for &w in &self.open_watches {
            let watch = &mut self.record.watches[w];
            if let Target::Region(target) = self.targets[usize::from(watch.occurrence.fault)] {
                watch.decided(now, target == region);
            }
        }
    }

    /// A gateway's call is sent to a deployment.
    pub(super) fn watch_call(&mut self, now: Time, deployment: DeploymentIx) {
        for &w in &self.open_watches {
            let watch = &mut self.record.watches[w];
            if let Target::Deployments(flags) = &self.targets[usize::from(watch.occurrence.fault)] {
                watch.decided(now, flags[deployment.ix()]);
            }
        }
    }

    /// A gateway stops calling a deployment, after a call sent at `asked`.
    pub(super) fn watch_taken_out(&mut self, asked: Time, now: Time, deployment: DeploymentIx) {
        let targets = &self.targets;
        for &w in &self.open_watches {
            let watch = &mut self.record.watches[w];
            let hit =
                matches!(&targets[usize::from(watch.occurrence.fault)], Target::Deployments(f) if f[deployment.ix()]);
            if hit {
                note_detection(watch, asked, now);
            }
        }
    }

    /// The name service takes a region out of service, after a check that began at `asked`.
    pub(super) fn watch_unhealthy(&mut self, asked: Time, now: Time, region: usize) {
        let targets = &self.targets;
        for &w in &self.open_watches {
            let watch = &mut self.record.watches[w];
            if targets[usize::from(watch.occurrence.fault)] == Target::Region(region) {
                note_detection(watch, asked, now);
            }
        }
    }
}

/// What was asked while the fault lasted may be answered, or time out, after the repair.
fn note_detection(watch: &mut Watch, asked: Time, now: Time) {
    if watch.detected.is_none() && now >= watch.occurrence.begins && asked < watch.occurrence.ends {
        watch.detected = Some(now);
    }
}
