//! Which deployments a request could be sent to at all: for checks of a configuration, not for decisions.

use super::chains::{Chains, FallbackSet};
use super::plan::{ModelIx, Plan};
use super::resolve::Resolution;
use super::router::{Router, Target};

impl Router {
    /// By position in `model_list`: whether some sequence of failures could send a request of this kind there. Tags, budgets
    /// and limits are not considered, because they depend on what happens; the region that a request allows is.
    pub fn reachable(&self, target: Target) -> Vec<bool> {
        let plan = &self.plan;
        let options = &plan.options[target.options.ix()];
        let mut seen = vec![false; plan.models.len()];
        let mut reached = vec![false; plan.config.deployments.len()];
        let mut open = vec![target.model];
        while let Some(model) = open.pop() {
            if std::mem::replace(&mut seen[model.ix()], true) {
                continue;
            }
            let m = &plan.models[model.ix()];
            // a deployment asked for by its id passes no filter
            let (by_id, found) = match &m.resolution[options.team_slot.min(m.resolution.len() - 1)] {
                Resolution::One(d) => (Some(*d), [].iter()),
                other => (None, other.candidates().iter()),
            };
            let of_region = |d: &u16| {
                let filters = plan.config.pre_call_checks && !plan.sync;
                let fits = options.region.is_none_or(|r| plan.deps[usize::from(*d)].region == Some(r));
                !filters || fits && !options.unknown_region
            };
            let listed = found.chain(&m.listed).map(|c| c.deployment).filter(of_region);
            for d in listed.chain(by_id) {
                reached[usize::from(d)] = true;
            }
            if !options.given.disable_fallbacks {
                open.extend(next(plan, &options.fallbacks, model));
            }
        }
        reached
    }
}

/// Where the three lists of fallbacks lead from a model.
fn next<'a>(plan: &'a Plan, lists: &'a FallbackSet, model: ModelIx) -> impl Iterator<Item = ModelIx> + 'a {
    let chain = move |list: &Chains| match list {
        Chains::Plain(chain) => Some(*chain),
        Chains::ByModel(by_model) => by_model.get(model.ix()).copied().flatten().map(|l| l.chain),
    };
    let lists = [&lists.general, &lists.context, &lists.content];
    lists.into_iter().flatten().filter_map(chain).flat_map(|c| &plan.chains[usize::from(c)]).filter_map(|hop| hop.model)
}
