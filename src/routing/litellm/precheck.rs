//! `enable_pre_call_checks`: what a prompt, a request's region or its format rules out.
//!
//! Source: LiteLLM 1.106.2, `router.py: _pre_call_checks`. For each candidate, the first that applies drops it:
//!
//! 1. context: the deployment declares `max_input_tokens` and the prompt is longer;
//! 2. requests per minute (not when the router's strategy is usage-based v2): the larger of the router's own count of picks
//!    of this deployment (a window of 60 s from its first pick) and the count of usage-based v1 has reached
//!    `litellm_params.rpm`;
//! 3. region: the request allows one, and `region_name` is not exactly it (an unknown region is not);
//! 4. `response_format` is asked for and not supported.
//!
//! If nothing is left the failure is that of the requests per minute if there was one, else that of the context if there
//! was one, else the general one.

use super::cache::Window;
use super::failure::Cause;
use super::why::{Explain, Filter, Why};
use crate::routing::reason::Figure;
use crate::units::{DeploymentIx, Span, Time};

/// Window of the count of picks.
pub(super) const PICKS_TTL: Span = Span::from_secs(60);

/// What one deployment looks like to the checks.
pub(super) struct Facts {
    /// `u64::MAX` for none, as of the requests per minute.
    pub max_input_tokens: u64,
    pub rpm: u64,
    /// Requests of this minute by usage-based v1.
    pub counted: u64,
    pub region_fits: bool,
    pub format_fits: bool,
}

/// Leaves the candidates that pass.
pub(super) fn filter<S: Explain>(
    now: Time,
    input_tokens: u64,
    check_rpm: bool,
    candidates: &mut Vec<u16>,
    picks: impl Fn(u16) -> Window<u64>,
    mut facts: impl FnMut(u16) -> Facts,
    reasons: &mut S,
) -> Result<(), Cause> {
    let (mut by_rpm, mut by_context) = (false, false);
    let mut kept = 0;
    for i in 0..candidates.len() {
        let c = candidates[i];
        let f = facts(c);
        let by = if input_tokens > f.max_input_tokens {
            by_context = true;
            Filter::ContextWindow
        } else if check_rpm && f.rpm <= f.counted.max(picks(c).get(now).unwrap_or(0)) {
            by_rpm = true;
            Filter::Rpm
        } else if !f.region_fits {
            Filter::Region
        } else if !f.format_fits {
            Filter::ResponseFormat
        } else {
            candidates[kept] = c;
            kept += 1;
            continue;
        };
        reasons.why_if(|| Why::Excluded { deployment: DeploymentIx(c), by });
        match by {
            Filter::ContextWindow => reasons
                .known(c, || Figure::new("tokens of the prompt", input_tokens as f64).of(f.max_input_tokens as f64)),
            Filter::Rpm => reasons.known(c, || {
                let counted = f.counted.max(picks(c).get(now).unwrap_or(0));
                Figure::new("requests of this minute", counted as f64).of(f.rpm as f64)
            }),
            _ => {}
        }
    }
    candidates.truncate(kept);
    match () {
        () if !candidates.is_empty() => Ok(()),
        () if by_rpm => Err(Cause::NoDeploymentWithinRpm),
        () if by_context => Err(Cause::PromptTooLong),
        () => Ok(()),
    }
}
