//! Active health checks of the gateways towards the deployments they may call.
//!
//! A check asks whether the endpoint answers: it finds a region that is down (no connection) and a provider that is down
//! (5xx) or has no replica that serves, and neither slowness nor quotas, nor that requests are refused for their key or their
//! model (4xx): it carries neither. It costs its round trip and nothing else.

use super::event::{Event, HEALTH};
use super::purpose::{ENDPOINT_CHECK_PHASE, ENDPOINT_CHECK_RTT};
use super::{Cx, World};
use crate::random::EntityKey;
use crate::routing::guard::{ActiveHealthConfig, GuardConfig, Probed};
use crate::units::{DeploymentIx, Span, Time};

impl World<'_> {
    fn endpoint_checks(&self) -> Option<ActiveHealthConfig> {
        self.topology.guards.iter().find_map(|g| match g {
            GuardConfig::ActiveHealth(config) => Some(*config),
            _ => None,
        })
    }

    /// Schedules the first check of every deployment of the chain by every gateway: each at its own phase.
    pub(super) fn start_endpoint_checks(&mut self, cx: &mut Cx) {
        let Some(config) = self.endpoint_checks() else { return };
        let mut deployments: Vec<DeploymentIx> =
            self.topology.chain.iter().flat_map(|p| p.members.iter().map(|m| m.0)).collect();
        deployments.sort_unstable_by_key(|d| d.ix());
        deployments.dedup();
        for region in 0..self.regions.len() {
            for deployment in &deployments {
                let key = self.endpoint_key(region, *deployment);
                let phase = config.interval.mul_f64(self.draws.uniform(ENDPOINT_CHECK_PHASE, key, 0));
                let first = Event::EndpointCheckBegins { region: region as u16, deployment: *deployment };
                cx.schedule_in(phase, HEALTH, first);
            }
        }
    }

    /// Address of what is drawn for the way between a gateway and a deployment.
    fn endpoint_key(&self, region: usize, deployment: DeploymentIx) -> EntityKey {
        let region = EntityKey::named(&self.scenario.places[self.regions[region].place.ix()].id);
        region.child_named(&self.scenario.deployments[deployment.ix()].name)
    }

    /// A gateway asks a deployment. The gateway of a region that is down asks nobody.
    pub(super) fn endpoint_check_begins(&mut self, region: u16, deployment: DeploymentIx, cx: &mut Cx) {
        let Some(config) = self.endpoint_checks() else { return };
        let (now, index) = (cx.now(), usize::from(region));
        if !self.damage.region_down(self.regions[index].place) {
            let key = self.endpoint_key(index, deployment);
            let link = &self.model_links[index * self.providers.len() + deployment.ix()];
            let rtt = link.half(self.draws.uniform(ENDPOINT_CHECK_RTT, key, now.nanos())).times(2);
            let silent = self.damage.region_down(self.providers[deployment.ix()].place) || rtt > config.timeout;
            let refuses = self.damage.endpoint_broken(deployment) || !self.providers[deployment.ix()].serves();
            let (probed, took) = match (silent, refuses) {
                (true, _) => (Probed::Silent, config.timeout),
                (false, true) => (Probed::Refused, rtt),
                (false, false) => (Probed::Passed, rtt),
            };
            let took_us = took.nanos().div_ceil(1000).min(u64::from(u32::MAX)) as u32;
            let end = Event::EndpointCheckEnds { region, deployment, probed, took_us };
            cx.schedule_in(Span::from_micros(u64::from(took_us)), HEALTH, end);
        }
        if now < self.end {
            cx.schedule_in(config.interval, HEALTH, Event::EndpointCheckBegins { region, deployment });
        }
    }

    /// A gateway has the result of a check.
    pub(super) fn endpoint_check_ends(
        &mut self,
        region: u16,
        deployment: DeploymentIx,
        probed: Probed,
        took: Span,
        cx: &mut Cx,
    ) {
        let (now, region) = (cx.now(), &mut self.regions[usize::from(region)]);
        if self.damage.region_down(region.place) {
            return; // the gateway that asked is gone
        }
        if region.gateway.on_probe(now, deployment, probed) {
            self.watch_taken_out(Time(now.nanos().saturating_sub(took.nanos())), now, deployment);
        }
    }
}
