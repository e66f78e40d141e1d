//! Whether every topology can serve the residency classes of the users.

use super::models::Deployments;
use super::places::Places;
use crate::routing::litellm::{Router, Target};
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::extends::Resolved;
use crate::scenario::model::{Deployment, Gateway, LiteLlmGateway, Residency, Topology};
use crate::scenario::raw::{RawGateway, RawScenario, RawTopology};
use crate::scenario::suggest::listed;

/// Refuses classes for which a topology has no legal application region, or its chain no legal deployment.
#[expect(clippy::too_many_arguments, reason = "one call; the arguments are the scenario's parts")]
pub fn check(
    raw: &RawScenario,
    residency: &[Residency],
    topologies: &[(At<String>, Option<Topology>)],
    resolved: &[Resolved<RawTopology>],
    good: &[&Deployment],
    deployments: &Deployments,
    places: &Places,
    cx: &mut Cx,
) {
    if good.len() < deployments.entries.len() {
        return;
    }
    let mut done: Vec<usize> = Vec::new();
    for (group, users) in raw.users.iter().flat_map(|u| u.good()) {
        let Some(name) = &users.residency else { continue };
        let Some(c) = residency.iter().position(|r| r.name == name.value) else { continue };
        if done.contains(&c) {
            continue;
        }
        done.push(c);
        let class = &residency[c];
        for (topology_name, topology) in topologies {
            let Some(topology) = topology else { continue };
            let find = |what: fn(&RawTopology) -> Option<Loc>| {
                resolved
                    .iter()
                    .find(|r| r.name.value == topology_name.value)
                    .and_then(|r| r.value.as_ref())
                    .and_then(what)
            };
            if !topology.regions.iter().any(|r| class.legal[r.place.ix()]) {
                let ids = listed(topology.regions.iter().map(|r| places.get(r.place).id.as_str()));
                let loc = find(|t| t.regions.as_ref().map(|r| r.loc)).unwrap_or(topology_name.loc);
                cx.error(
                    name.loc,
                    format!("no region of topology `{}` may serve residency class `{}`", topology.name, class.name),
                )
                .expected(format!("a legal region for users `{}` among {ids}", group.value))
                .note(loc, "the regions of the topology");
            }
            let members = || topology.chain.iter().flat_map(|p| &p.members).map(|(m, _)| good[m.ix()]);
            if let Gateway::Portkey(_) | Gateway::Bifrost(_) = &topology.gateway {
                // what turns bring is known when the whole scenario is: `products`
            } else if let Gateway::LiteLlm(gateway) = &topology.gateway {
                let loc = find(|t| t.gateway.as_ref().map(RawGateway::loc)).unwrap_or(topology_name.loc);
                litellm(gateway, c, class, &topology.name, good, raw, loc, cx);
            } else if !members().any(|d| class.legal[d.place.ix()]) {
                let mut names: Vec<&str> = members().map(|d| d.name.as_str()).collect();
                names.sort_unstable();
                names.dedup();
                let loc = find(|t| t.chain.as_ref().map(|r| r.loc)).unwrap_or(topology_name.loc);
                cx.error(
                    name.loc,
                    format!("no deployment of topology `{}` may serve residency class `{}`", topology.name, class.name),
                )
                .expected(format!("a deployment in a legal region among {}", listed(names)))
                .note(loc, "the fallback chain of the topology");
            }
        }
    }
}

/// LiteLLM knows nothing of residency: whatever turns of such users ask for must not lead, by any way of fallbacks, to a
/// place that is not legal for their data.
#[expect(clippy::too_many_arguments, reason = "one call; the arguments are the scenario's parts")]
fn litellm(
    gateway: &LiteLlmGateway,
    index: usize,
    class: &Residency,
    topology: &str,
    good: &[&Deployment],
    raw: &RawScenario,
    loc: Loc,
    cx: &mut Cx,
) {
    const ACCEPTED: &str = "accepted before";
    let mut router = Router::new(gateway.config.clone()).expect(ACCEPTED);
    let workloads = raw.workload.iter().flat_map(|w| w.names());
    for (w, workload) in workloads.enumerate() {
        let ask = gateway.ask(w, Some(index));
        let model = router.model(&ask.model).expect(ACCEPTED);
        let target = Target { model, options: router.options(&ask.options).expect(ACCEPTED) };
        let reached = router.reachable(target);
        let illegal = |(i, reached): (usize, bool)| {
            let d = good[gateway.entries[i].deployment.ix()];
            (reached && !class.legal[d.place.ix()]).then_some(d)
        };
        let Some(d) = reached.into_iter().enumerate().find_map(illegal) else { continue };
        let message = format!(
            "turns of `{workload}` by users of residency class `{}` ask topology `{topology}` for `{}`, which may lead to the \
             deployment `{}`, and that is not legal for their data",
            class.name, ask.model, d.name
        );
        cx.error(loc, message).help(format!(
            "a group of legal deployments for them: `request = [{{ residency = {:?}, model = \"...\" }}]`",
            class.name
        ));
        return;
    }
}
