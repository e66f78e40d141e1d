//! What gateways ask for beyond what they see of their own calls: reports of deployments on their load, and what prompts have
//! in common. Only where a pool of the topology wants to know.
//!
//! Every gateway asks at whole multiples of the interval, on a connection of its own. A report is of the moment at which the
//! question arrives, and known half a round trip later; who is down then does not report. ASSUMPTION: the questions of all
//! gateways are asked at the same moments, and their way takes the typical time; a provider that refuses all calls reports no
//! load either.

use super::World;
use super::event::SessionKey;
use super::prompt::{Prompt, blocks};
use crate::random::EntityKey;
use crate::scenario::model::{Scenario, Topology};
use crate::units::{DeploymentIx, RegionIx, Span, Time};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Knowledge {
    /// Deployments whose load is asked for, and how often.
    reporting: Vec<(DeploymentIx, Span)>,
    /// Half of the typical round trip, `region * deployments + deployment`.
    half_rtts: Vec<Span>,
    /// By workload: its address; empty when nobody looks into prompts.
    workloads: Vec<EntityKey>,
    /// Blocks of the prompt in question; kept only to be used again.
    blocks: Vec<u64>,
}

impl Knowledge {
    /// What the pools of a topology ask for.
    pub fn new(scenario: &Scenario, topology: &Topology, places: &[RegionIx]) -> Knowledge {
        let asking = topology.chain.iter().filter_map(|p| p.choose.asks_every().map(|every| (p, every)));
        let mut reporting: Vec<(DeploymentIx, Span)> =
            asking.flat_map(|(p, every)| p.members.iter().map(move |m| (m.0, every))).collect();
        // who is in several pools is asked as often as the most curious of them wants
        reporting.sort_unstable_by_key(|(d, every)| (d.ix(), *every));
        reporting.dedup_by_key(|(d, _)| *d);
        let half = |from: &RegionIx, to: RegionIx| Span(scenario.place_link(*from, to).rtt.nanos() / 2);
        let looks = topology.chain.iter().any(|p| p.choose.uses_blocks());
        let workloads = scenario.workloads.iter().filter(|_| looks).map(|w| EntityKey::named(&w.name));
        Knowledge {
            reporting,
            half_rtts: places.iter().flat_map(|p| scenario.deployments.iter().map(move |d| half(p, d.place))).collect(),
            workloads: workloads.collect(),
            blocks: Vec::new(),
        }
    }

    /// Deployments that report, and how far back anybody may ask.
    pub fn reporting(&self) -> impl Iterator<Item = (DeploymentIx, Span)> {
        let way = self.half_rtts.iter().copied().max().unwrap_or(Span::ZERO);
        self.reporting.iter().map(move |(d, every)| (*d, *every + way + way))
    }

    /// Blocks of the prompt that was looked into last.
    pub fn blocks(&self) -> &[u64] {
        &self.blocks
    }

    /// The moment of the last report that a gateway can have at `now`; `None` before the first.
    fn asked_at(
        &self,
        region: usize,
        (deployment, every): (DeploymentIx, Span),
        deployments: usize,
        now: Time,
    ) -> Option<Time> {
        let way = self.half_rtts[region * deployments + deployment.ix()].nanos();
        // asked at a multiple of the interval, of the moment half a round trip later, known another half later
        let asked = now.nanos().checked_sub(2 * way)? / every.nanos() * every.nanos();
        Some(Time(asked + way))
    }
}

impl World<'_> {
    /// The gateway of a region takes in what has been reported.
    pub(super) fn learn_loads(&mut self, region: usize, now: Time) {
        let (knowledge, deployments) = (&self.knowledge, self.providers.len());
        for &(d, every) in &knowledge.reporting {
            let Some(at) = knowledge.asked_at(region, (d, every), deployments, now) else { continue };
            let gateway = &mut self.regions[region].gateway;
            if gateway.reported_at(d) == Some(at) {
                continue;
            }
            if let Some(report) = self.providers[d.ix()].report(at) {
                gateway.on_report(d, report);
            }
        }
    }

    /// The gateway looks into the prompt of a turn.
    pub(super) fn look_into_prompt(&mut self, session: SessionKey) {
        let s = &self.sessions[session];
        let workload = usize::from(s.workload);
        if let Some(key) = self.knowledge.workloads.get(workload) {
            let prompt = Prompt {
                keys: [*key, s.key, s.key.child(u64::from(s.turn))],
                history: s.history,
                input: s.request.input,
                total: s.request.prompt,
            };
            blocks(&mut self.knowledge.blocks, &self.scenario.workloads[workload].context, &prompt);
        }
    }
}
