//! What turns can come to in a product's gateway, when the whole scenario is known: products know nothing of residency, and
//! conditions may fit nobody.

use super::Whole;
use crate::routing::portkey::Router;
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::Loc;
use crate::scenario::model::{Gateway, PortkeyGateway, Topology};
use crate::scenario::raw::RawGateway;

/// Checks a scenario without errors of its parts.
pub fn check(whole: &Whole<'_>, cx: &mut Cx) {
    for topology in &whole.scenario.topologies {
        if let Gateway::Portkey(gateway) = &topology.gateway {
            portkey(whole, topology, gateway, cx);
        }
    }
}

/// Whatever turns bring must lead to a target, and never to a place that is not legal for their data.
fn portkey(whole: &Whole<'_>, topology: &Topology, gateway: &PortkeyGateway, cx: &mut Cx) {
    let s = whole.scenario;
    let raw = whole.topology(&topology.name);
    let loc = raw.and_then(|t| t.gateway.as_ref()).map_or(Loc::START, RawGateway::loc);
    let router = Router::new(&gateway.config).expect("accepted before");
    let mut classes: Vec<Option<usize>> = s.groups.iter().map(|g| g.residency).collect();
    classes.sort_unstable();
    classes.dedup();
    for (w, workload) in s.workloads.iter().enumerate() {
        for class in classes.iter().copied() {
            let class = class.map(|c| (c, &s.residency[c]));
            let whose = || match class {
                Some((_, r)) => format!("turns of `{}` by users of residency class `{}`", workload.name, r.name),
                None => format!("turns of `{}`", workload.name),
            };
            for region in &topology.regions {
                let place = &s.places[region.place.ix()];
                if class.is_some_and(|(_, r)| !r.legal[region.place.ix()]) {
                    continue;
                }
                let class_name = class.map(|(c, r)| (c, r.name.as_str()));
                let reach = router.reach(Some(&gateway.context((w, workload), class_name, &place.id)));
                if let Some(target) = reach.unmatched {
                    let name = &gateway.names[target.ix()];
                    let message = format!(
                        "{} in `{}` fit no condition of {name} in topology `{}`",
                        whose(),
                        place.id,
                        topology.name
                    );
                    cx.error(loc, message).help("a condition for them, or a `default`");
                    return;
                }
                let illegal = |r: &&crate::units::DeploymentIx| {
                    class.is_some_and(|(_, class)| !class.legal[s.deployments[r.ix()].place.ix()])
                };
                if let Some(d) = reach.deployments.iter().find(illegal) {
                    let message = format!(
                        "{} in `{}` may be sent to the deployment `{}` by topology `{}`, and that is not legal for their data",
                        whose(),
                        place.id,
                        s.deployments[d.ix()].name,
                        topology.name
                    );
                    cx.error(loc, message)
                        .help("a conditional strategy on `metadata.residency` with a target of legal deployments");
                    return;
                }
            }
        }
    }
}
