//! Whether the run could finish: turns, time and memory, estimated before anything starts.

use crate::catalog::LogNormal;
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::{Arrivals, DistSpec, Turns, Workload};
use crate::scenario::raw::{RawArrivals, RawScenario};
use crate::units::Span;

/// Turns per second on one core, the speed that the benchmark `hosted_day` asks for.
const TURNS_PER_SECOND: f64 = 500_000.0;
/// Memory of one live session with its turn, attempts and pending events.
/// ASSUMPTION: 500 bytes, about twice the sizes of the records involved.
const BYTES_PER_SESSION: f64 = 500.0;
/// Most sessions alive at once.
/// ASSUMPTION: 16 million of them are 8 GB, which a laptop still has.
const MOST_LIVE: f64 = 16e6;
/// Most intervals of a timeline; each keeps counters per region and group.
const MOST_INTERVALS: u64 = 100_000;

/// Most sessions of a workload, whatever `max_turns` says: arrivals are counted exactly up to nine billion.
const MOST_SESSIONS: f64 = 4e9;

/// What a scenario asks for.
pub struct Load {
    /// Horizon.
    pub horizon: Span,
    /// Warm-up.
    pub warmup: Span,
    /// Topologies to simulate.
    pub topologies: usize,
    /// Replications.
    pub replications: u32,
    /// Most turns over all runs.
    pub max_turns: u64,
    /// Length of an interval.
    pub interval: At<Span>,
}

/// Refuses what could not finish, with an estimate.
pub fn check(raw: &RawScenario, workloads: &[Workload], load: &Load, cx: &mut Cx) {
    let intervals = load.horizon.nanos() / load.interval.value.nanos().max(1);
    if intervals > MOST_INTERVALS {
        // the default interval has no place in the file
        let loc = if raw.interval.is_some() { load.interval.loc } else { raw.horizon.map_or(Loc::START, |h| h.loc) };
        cx.error(loc, format!("the horizon has {intervals} intervals of {}", load.interval.value))
            .expected(format!("at most {MOST_INTERVALS}"))
            .help(if raw.interval.is_some() {
                "a longer `interval`"
            } else {
                "state a longer `interval` than the default"
            });
    }
    let seconds = load.horizon.as_secs_f64() + load.warmup.as_secs_f64();
    let runs = load.topologies.max(1) as f64 * f64::from(load.replications.max(1));
    let (mut turns, mut live, mut sessions): (f64, f64, f64) = (0.0, 0.0, 0.0);
    let mut largest: Option<(f64, Loc)> = None;
    for w in workloads {
        let (own_turns, own_live) = demand(w, seconds, load.horizon);
        if let Arrivals::Poisson { rate, .. } = &w.arrivals {
            sessions = sessions.max(rate.per_sec_f64() * seconds);
        }
        turns += own_turns;
        live += own_live;
        if largest.is_none_or(|(t, _)| own_turns > t) {
            largest = Some((own_turns, rate_loc(raw, &w.name)));
        }
    }
    let total = turns * runs;
    let Some((_, loc)) = largest else { return };
    let estimate = format!(
        "about {} turns in {runs} runs: {} on one core and {} of memory",
        count(total),
        duration(total / TURNS_PER_SECOND),
        bytes(live * BYTES_PER_SESSION)
    );
    let help = "a shorter `horizon`, a lower rate, fewer topologies or replications";
    if sessions > MOST_SESSIONS {
        cx.error(loc, "the scenario is too large to finish")
            .expected(format!(
                "at most {} sessions of a workload; this is {}, {estimate}",
                count(MOST_SESSIONS),
                count(sessions)
            ))
            .help(help);
    } else if total > load.max_turns as f64 {
        cx.error(loc, "the scenario is too large to finish")
            .expected(format!("at most {} turns (`max_turns`); this is {estimate}", count(load.max_turns as f64)))
            .help(format!("{help}, or a larger `max_turns`"));
    } else if live > MOST_LIVE {
        cx.error(loc, "too many sessions at the same time")
            .expected(format!("at most {} alive at once; this is {}, {estimate}", count(MOST_LIVE), count(live)))
            .help("a lower rate, or shorter sessions");
    }
}

/// Expected turns of one run, and sessions alive at once (Little's law with the time limit as the length of a turn).
fn demand(w: &Workload, seconds: f64, horizon: Span) -> (f64, f64) {
    let turns = match w.turns {
        Turns::Fixed(n) => f64::from(n),
        Turns::Geometric { mean } => mean,
    };
    match &w.arrivals {
        Arrivals::Poisson { rate, .. } => {
            let rate = rate.per_sec_f64();
            let think = match w.think {
                DistSpec::Constant(x) => x,
                DistSpec::Uniform { min, max } => (min + max) / 2.0,
                DistSpec::Exponential { mean } => mean,
                DistSpec::LogNormal { p50, p95 } if p50 > 0.0 && p95 >= p50 => LogNormal::from_p50_p95(p50, p95).mean(),
                // refused elsewhere
                DistSpec::LogNormal { p95, .. } => p95,
            };
            let lasts = turns * (think + w.limit.as_secs_f64());
            (rate * seconds * turns, rate * lasts.min(seconds))
        }
        Arrivals::Replay { trace } => {
            let rows = trace.rows.iter().filter(|r| r.0 < horizon).count() as f64;
            (rows, rows)
        }
    }
}

/// Where the rate of a workload stands.
fn rate_loc(raw: &RawScenario, workload: &str) -> Loc {
    let found = raw.workload.iter().flat_map(|w| &w.entries).find(|(n, _)| n.value == workload);
    let Some((name, Some(w))) = found else { return Loc::START };
    match &w.arrivals {
        Some(RawArrivals::Poisson(p)) => p.rate.as_ref().map_or(p.loc, |r| r.loc),
        Some(RawArrivals::Replay(r)) => r.loc,
        None => name.loc,
    }
}

fn count(n: f64) -> String {
    let (scale, unit) = match n {
        n if n >= 1e12 => (1e12, " trillion"),
        n if n >= 1e9 => (1e9, " billion"),
        n if n >= 1e6 => (1e6, " million"),
        _ => (1.0, ""),
    };
    format!("{}{unit}", three(n / scale))
}

fn duration(seconds: f64) -> String {
    let (scale, unit) = match seconds {
        s if s >= 2.0 * 365.25 * 86_400.0 => (365.25 * 86_400.0, "years"),
        s if s >= 2.0 * 86_400.0 => (86_400.0, "days"),
        s if s >= 7200.0 => (3600.0, "hours"),
        s if s >= 120.0 => (60.0, "minutes"),
        _ => (1.0, "seconds"),
    };
    format!("{} {unit}", three(seconds / scale))
}

fn bytes(n: f64) -> String {
    let (scale, unit) = match n {
        n if n >= 1e12 => (1e12, "TB"),
        n if n >= 1e9 => (1e9, "GB"),
        n if n >= 1e6 => (1e6, "MB"),
        _ => (1e3, "kB"),
    };
    format!("{} {unit}", three(n / scale))
}

/// Up to three significant digits.
fn three(x: f64) -> String {
    let digits = if x >= 100.0 {
        0
    } else if x >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{x:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_readable() {
        assert_eq!(count(2_073_600.0), "2.07 million");
        assert_eq!(duration(4000.0), "66.7 minutes");
        assert_eq!(bytes(8e9), "8 GB");
        assert_eq!(count(100.0), "100");
    }
}
