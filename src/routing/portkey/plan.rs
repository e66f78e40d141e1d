//! The tree as a list of nodes, each with the settings that hold for it, and what a request can reach in it.
//!
//! Source: Portkey-AI/gateway 669825c, `handlerUtils.ts: tryTargetsRecursively`: a target's own `retry` and `requestTimeout`
//! replace inherited ones as a whole. `cb_config` is inherited in the same way (documentation, "Circuit breaker", 2026), and
//! targets of conditional strategies have no circuits.

use super::circuit::CircuitConfig;
use super::config::{Config, Mode, Retry, Settings, Target, What};
use super::query::Context;
use crate::units::{DeploymentIx, Span};

/// A target, as a position in the router's list: the root first, every strategy before its targets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TargetIx(pub(super) u16);

impl TargetIx {
    /// Its position.
    pub const fn ix(self) -> usize {
        self.0 as usize
    }
}

/// A node of the tree.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub name: String,
    pub weight: f64,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Call(Call),
    Strategy { mode: Mode, targets: Vec<TargetIx> },
}

/// A leaf.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub deployment: DeploymentIx,
    pub degraded: bool,
    pub retry: Retry,
    pub request_timeout: Option<Span>,
    pub circuit: Option<CircuitConfig>,
}

/// What requests of a kind can reach.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reach {
    /// Deployments that may be called, in the order of the tree, without repetition.
    pub deployments: Vec<DeploymentIx>,
    /// Those of them that may be called first while no circuit is open.
    pub first: Vec<DeploymentIx>,
    /// A conditional strategy that such a request may come to and that has no target for it.
    pub unmatched: Option<TargetIx>,
}

/// The nodes of a tree that was accepted.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub nodes: Vec<Node>,
}

impl Plan {
    pub fn new(config: &Config) -> Plan {
        let mut plan = Plan { nodes: Vec::new() };
        plan.add(&config.root, &Settings::default(), false);
        plan
    }

    fn add(&mut self, target: &Target, above: &Settings, conditional: bool) -> TargetIx {
        let own = &target.settings;
        let settings = Settings {
            retry: own.retry.clone().or_else(|| above.retry.clone()),
            request_timeout: own.request_timeout.or(above.request_timeout),
            circuit: own.circuit.clone().or_else(|| above.circuit.clone()),
        };
        let ix = TargetIx(self.nodes.len() as u16);
        let node = |kind| Node { name: target.name.clone(), weight: target.weight, kind };
        match &target.what {
            What::Deployment { deployment, degraded } => {
                let Settings { retry, request_timeout, circuit } = settings;
                self.nodes.push(node(Kind::Call(Call {
                    deployment: *deployment,
                    degraded: *degraded,
                    retry: retry.unwrap_or_default(),
                    request_timeout,
                    circuit: circuit.filter(|_| !conditional),
                })));
            }
            What::Strategy(strategy) => {
                self.nodes.push(node(Kind::Strategy { mode: strategy.mode.clone(), targets: Vec::new() }));
                let conditional = matches!(strategy.mode, Mode::Conditional { .. });
                let below: Vec<TargetIx> =
                    strategy.targets.iter().map(|t| self.add(t, &settings, conditional)).collect();
                if let Kind::Strategy { targets, .. } = &mut self.nodes[ix.ix()].kind {
                    *targets = below;
                }
            }
        }
        ix
    }

    /// The leaf.
    pub fn call(&self, target: TargetIx) -> &Call {
        match &self.nodes[target.ix()].kind {
            Kind::Call(call) => call,
            Kind::Strategy { .. } => unreachable!("a request stops at leaves only"),
        }
    }

    /// Calls of the tree.
    pub fn calls(&self) -> impl Iterator<Item = (usize, &Call)> {
        self.nodes.iter().enumerate().filter_map(|(i, n)| match &n.kind {
            Kind::Call(call) => Some((i, call)),
            Kind::Strategy { .. } => None,
        })
    }

    /// What a request with these fields can reach; `None`: any request.
    pub fn reach(&self, context: Option<&Context>) -> Reach {
        let mut reach = Reach { deployments: Vec::new(), first: Vec::new(), unmatched: None };
        self.follow(TargetIx(0), context, true, &mut reach);
        reach
    }

    fn follow(&self, target: TargetIx, context: Option<&Context>, first: bool, reach: &mut Reach) {
        let note = |list: &mut Vec<DeploymentIx>, d| {
            if !list.contains(&d) {
                list.push(d);
            }
        };
        match &self.nodes[target.ix()].kind {
            Kind::Call(call) => {
                note(&mut reach.deployments, call.deployment);
                if first {
                    note(&mut reach.first, call.deployment);
                }
            }
            Kind::Strategy { mode, targets } => match mode {
                Mode::Conditional { conditions, default } => match context.map(|c| decide(conditions, *default, c)) {
                    Some(Some((then, _))) => self.follow(targets[then], context, first, reach),
                    Some(None) => {
                        reach.unmatched.get_or_insert(target);
                    }
                    None => targets.iter().for_each(|t| self.follow(*t, context, first, reach)),
                },
                Mode::LoadBalance => {
                    let weighted = targets.iter().filter(|t| self.nodes[t.ix()].weight > 0.0);
                    weighted.for_each(|t| self.follow(*t, context, first, reach));
                }
                // the others of `single` are for the time when the circuit of the first is open
                Mode::Single | Mode::Fallback { .. } => {
                    for (i, t) in targets.iter().enumerate() {
                        self.follow(*t, context, first && i == 0, reach);
                    }
                }
            },
        }
    }
}

/// The position of the target that the conditions lead to, and that of the condition (`None`: the default).
pub(super) fn decide(
    conditions: &[super::config::Condition],
    default: Option<usize>,
    context: &Context,
) -> Option<(usize, Option<usize>)> {
    match conditions.iter().position(|c| c.query.holds(context)) {
        Some(i) => Some((conditions[i].then, Some(i))),
        None => default.map(|d| (d, None)),
    }
}
