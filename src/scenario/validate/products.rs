//! What turns can come to in a product's gateway, when the whole scenario is known: products know nothing of residency, and
//! conditions may fit nobody.

use super::Whole;
use crate::routing::{bifrost, portkey};
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::Loc;
use crate::scenario::model::{Gateway, Residency, Topology, Workload};
use crate::scenario::raw::RawGateway;
use crate::units::DeploymentIx;

/// Checks a scenario without errors of its parts.
pub fn check(whole: &Whole<'_>, cx: &mut Cx) {
    for topology in &whole.scenario.topologies {
        match &topology.gateway {
            Gateway::Portkey(gateway) => {
                let router = portkey::Router::new(&gateway.config).expect("accepted before");
                let reach = |turns: &Turns<'_>| {
                    let class = turns.class.map(|(c, r)| (c, r.name.as_str()));
                    let reach = router.reach(Some(&gateway.context(turns.workload, class, turns.region)));
                    match reach.unmatched {
                        Some(target) => Err(gateway.names[target.ix()].clone()),
                        None => Ok(reach.deployments),
                    }
                };
                let help = "a conditional strategy on `metadata.residency` with a target of legal deployments";
                reaches(whole, topology, reach, help, cx);
            }
            Gateway::Bifrost(gateway) => {
                let router = bifrost::Router::new(gateway.config.clone()).expect("accepted before");
                let reach = |turns: &Turns<'_>| {
                    Ok(router.reach(gateway.virtual_key(turns.workload.0, turns.class.map(|(c, _)| c))).0)
                };
                reaches(whole, topology, reach, "a `virtual_key` of the class with providers of legal deployments", cx);
            }
            Gateway::Own | Gateway::LiteLlm(_) => {}
        }
    }
}

/// Turns that are alike for a gateway.
struct Turns<'a> {
    workload: (usize, &'a Workload),
    class: Option<(usize, &'a Residency)>,
    region: &'a str,
}

/// Whatever turns bring must lead to somebody, and never to a place that is not legal for their data. `reach` says what they
/// can come to, or the name of the strategy that they fit no condition of.
fn reaches(
    whole: &Whole<'_>,
    topology: &Topology,
    reach: impl Fn(&Turns<'_>) -> Result<Vec<DeploymentIx>, String>,
    help: &str,
    cx: &mut Cx,
) {
    let s = whole.scenario;
    let raw = whole.topology(&topology.name);
    let loc = raw.and_then(|t| t.gateway.as_ref()).map_or(Loc::START, RawGateway::loc);
    let mut classes: Vec<Option<usize>> = s.groups.iter().map(|g| g.residency).collect();
    classes.sort_unstable();
    classes.dedup();
    for workload in s.workloads.iter().enumerate() {
        for class in classes.iter().map(|c| c.map(|c| (c, &s.residency[c]))) {
            let whose = || match class {
                Some((_, r)) => format!("turns of `{}` by users of residency class `{}`", workload.1.name, r.name),
                None => format!("turns of `{}`", workload.1.name),
            };
            for region in &topology.regions {
                if class.is_some_and(|(_, r)| !r.legal[region.place.ix()]) {
                    continue;
                }
                let region = s.places[region.place.ix()].id.as_str();
                let reached = match reach(&Turns { workload, class, region }) {
                    Ok(reached) => reached,
                    Err(strategy) => {
                        let topology = &topology.name;
                        let message = format!(
                            "{} in `{region}` fit no condition of {strategy} in topology `{topology}`",
                            whose()
                        );
                        cx.error(loc, message).help("a condition for them, or a `default`");
                        return;
                    }
                };
                let illegal =
                    |d: &&DeploymentIx| class.is_some_and(|(_, class)| !class.legal[s.deployments[d.ix()].place.ix()]);
                if let Some(d) = reached.iter().find(illegal) {
                    let message = format!(
                        "{} in `{region}` may be sent to the deployment `{}` by topology `{}`, and that is not legal for \
                         their data",
                        whose(),
                        s.deployments[d.ix()].name,
                        topology.name
                    );
                    cx.error(loc, message).help(help);
                    return;
                }
            }
        }
    }
}
