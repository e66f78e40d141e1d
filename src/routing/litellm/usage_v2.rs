//! `usage-based-routing-v2`: the fewest tokens this UTC minute.
//!
//! Source: LiteLLM 1.106.2, `router_strategy/lowest_tpm_rpm_v2.py`. Per deployment and UTC minute: requests, counted
//! before the call, and tokens, counted when the answer is there. A candidate is skipped when `tokens + input > limit`, or
//! when requests are known and `requests + 1 ≥ limit`: with a limit of N the choice stops at N − 1 once a count exists. A
//! uniform draw among those with the fewest tokens, also if there is one only. None left: 429 with Retry-After 60.
//!
//! Before the call ([`check`]) the deployment is refused if requests have reached the limit, or exceed it once this one is
//! counted: 429 with Retry-After 60, and the deployment may cool down for the router's default time.
//!
//! The counters are those of `enforce_model_rate_limits` too: where both are on, both count, and everything counts twice.

use super::cache::Minute;
use super::dep::Dep;
use super::select::Choice;
use super::why::{Explain, Why};
use crate::routing::entropy::Entropy;
use crate::routing::reason::Figure;
use crate::units::DeploymentIx;

/// Seconds of the Retry-After header of its refusals.
pub(super) const RETRY_AFTER_S: u64 = 60;

/// The choice among candidates, `None` when all are at their limits. `tied` is scratch space.
pub(super) fn pick<E: Entropy, S: Explain>(
    Choice { minute, deps, input_tokens, candidates, .. }: Choice<'_>,
    usage: impl Fn(u16) -> Minute,
    tied: &mut Vec<u16>,
    entropy: &mut E,
    reasons: &mut S,
) -> Option<u16> {
    tied.clear();
    let mut lowest = u64::MAX;
    for c in candidates {
        let (limits, used) = (&deps[usize::from(*c)], usage(*c));
        let tokens = used.tpm(minute).unwrap_or(0);
        let deployment = DeploymentIx(*c);
        let full = used.rpm(minute).is_some_and(|r| r + 1 >= limits.rpm);
        if tokens + input_tokens > limits.tpm || full {
            if reasons.on() {
                reasons.why(Why::AtLimit { deployment });
                let requests = used.rpm(minute).unwrap_or(0) + 1;
                reasons.usage(*c, (tokens + input_tokens, limits.tpm), (requests, limits.rpm));
            }
            continue;
        }
        reasons.why_if(|| Why::Usage { deployment, tokens });
        if tokens < lowest {
            lowest = tokens;
            tied.clear();
        }
        if tokens == lowest {
            tied.push(*c);
        }
    }
    if tied.is_empty() {
        return None;
    }
    for c in tied.iter() {
        let score = || Figure::new("tokens of this minute, the fewest", lowest as f64);
        reasons.why_if(|| Why::Candidate { deployment: DeploymentIx(*c), score: score() });
    }
    Some(tied[entropy.pick(tied.len())])
}

/// Counts a request before its call; false refuses it.
pub(super) fn check(minute: u64, dep: &Dep, usage: &mut Minute) -> bool {
    usage.rpm(minute).is_none_or(|r| r < dep.rpm) && usage.add_rpm(minute, 1) <= dep.rpm
}
