//! Whether the run could finish: turns, time and memory, estimated before anything starts.

use crate::catalog::LogNormal;
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::{Arrivals, DistSpec, Scenario, Turns, Workload};
use crate::scenario::raw::{RawArrivals, RawScenario};
use crate::units::Span;
use std::fmt;

/// Turns per second on one core, the speed that the benchmark `hosted_day` asks for.
const TURNS_PER_SECOND: f64 = 500_000.0;
/// Memory of one live session with its turn, attempts and pending events.
/// ASSUMPTION: 500 bytes, about twice the sizes of the records involved.
const BYTES_PER_SESSION: f64 = 500.0;
/// Memory that a finished run leaves behind.
/// ASSUMPTION: the numbers behind the intervals of some hundred metrics, eight bytes each.
const BYTES_PER_RUN: f64 = 800.0;
/// Most sessions alive at once.
/// ASSUMPTION: 16 million of them are 8 GB, which a laptop still has.
const MOST_LIVE: f64 = 16e6;
/// Most intervals of a timeline; each keeps counters per region and group.
const MOST_INTERVALS: u64 = 100_000;

/// Most sessions of a workload, whatever `max_turns` says: arrivals are counted exactly up to nine billion.
const MOST_SESSIONS: f64 = 4e9;

/// Most replications, whatever they simulate: each leaves some hundred numbers behind.
pub const MOST_REPLICATIONS: u32 = 1_000_000;

/// What a scenario asks for.
pub struct Load<'a> {
    /// Workloads.
    pub workloads: &'a [Workload],
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
}

impl Load<'_> {
    fn seconds(&self) -> f64 {
        self.horizon.as_secs_f64() + self.warmup.as_secs_f64()
    }

    fn runs(&self) -> f64 {
        self.topologies.max(1) as f64 * f64::from(self.replications.max(1))
    }

    /// Turns of one run, and sessions alive at once.
    fn of_one_run(&self) -> (f64, f64) {
        let parts = self.workloads.iter().map(|w| demand(w, self.seconds(), self.horizon));
        parts.fold((0.0, 0.0), |(turns, live), (t, l)| (turns + t, live + l))
    }

    /// Most replications that keep the bound on turns.
    fn replications_that_fit(&self) -> u32 {
        let (turns, _) = self.of_one_run();
        let fit = self.max_turns as f64 / (turns * self.topologies.max(1) as f64);
        fit.clamp(0.0, f64::from(MOST_REPLICATIONS)) as u32
    }

    /// All of it in words.
    fn estimate(&self) -> String {
        let (turns, live) = self.of_one_run();
        let total = turns * self.runs();
        format!(
            "about {} in {}: {} on one core and {} of memory",
            counted(total, "turn"),
            counted(self.runs(), "run"),
            duration(total / TURNS_PER_SECOND),
            bytes(live * BYTES_PER_SESSION + self.runs() * BYTES_PER_RUN)
        )
    }

    /// What is wrong with the number of turns over all runs, what is allowed, and what to do about it.
    fn too_many_turns(&self) -> Option<TooLarge> {
        let (turns, _) = self.of_one_run();
        if turns * self.runs() <= self.max_turns as f64 {
            return None;
        }
        let expected =
            format!("at most {} (`max_turns`); this is {}", counted(self.max_turns as f64, "turn"), self.estimate());
        let fit = self.replications_that_fit();
        let replications = self.replications > 1 && fit > 0;
        let (message, first) = if replications {
            (
                format!("{} replications are too many to finish", self.replications),
                format!("at most {}", counted(fit.into(), "replication")),
            )
        } else {
            ("the scenario is too large to finish".to_owned(), "fewer replications".to_owned())
        };
        let help = format!("{first}, a shorter `horizon`, a lower rate or fewer topologies, or a larger `max_turns`");
        Some(TooLarge { message, expected, help, replications })
    }
}

/// More than could finish.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TooLarge {
    message: String,
    expected: String,
    help: String,
    /// A smaller number of replications would do.
    replications: bool,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooLarge { message, expected, help, .. } = self;
        writeln!(f, "error: {message}\n  = expected: {expected}\n  = help: {help}")
    }
}

impl std::error::Error for TooLarge {}

/// Whether a scenario that a program has changed could still finish: more replications, say, than its file asks for.
///
/// # Errors
/// What is too large, with an estimate.
pub fn check_size(s: &Scenario) -> Result<(), TooLarge> {
    let load = Load {
        workloads: &s.workloads,
        horizon: s.horizon,
        warmup: s.warmup,
        topologies: s.topologies.len(),
        replications: s.replications,
        max_turns: s.max_turns,
    };
    if s.replications > MOST_REPLICATIONS {
        return Err(TooLarge {
            message: format!("{} replications are too many to finish", s.replications),
            expected: format!("at most {MOST_REPLICATIONS}; this is {}", load.estimate()),
            help: "fewer replications".to_owned(),
            replications: true,
        });
    }
    load.too_many_turns().map_or(Ok(()), Err)
}

/// Refuses what could not finish, with an estimate.
pub fn check(raw: &RawScenario, load: &Load<'_>, interval: At<Span>, cx: &mut Cx) {
    let intervals = load.horizon.nanos() / interval.value.nanos().max(1);
    if intervals > MOST_INTERVALS {
        // the default interval has no place in the file
        let loc = if raw.interval.is_some() { interval.loc } else { raw.horizon.map_or(Loc::START, |h| h.loc) };
        cx.error(loc, format!("the horizon has {intervals} intervals of {}", interval.value))
            .expected(format!("at most {MOST_INTERVALS}"))
            .help(if raw.interval.is_some() {
                "a longer `interval`"
            } else {
                "state a longer `interval` than the default"
            });
    }
    let (mut sessions, mut largest): (f64, Option<(f64, Loc)>) = (0.0, None);
    for w in load.workloads {
        let (turns, _) = demand(w, load.seconds(), load.horizon);
        if let Arrivals::Poisson { rate, .. } = &w.arrivals {
            sessions = sessions.max(rate.per_sec_f64() * load.seconds());
        }
        if largest.is_none_or(|(t, _)| turns > t) {
            largest = Some((turns, rate_loc(raw, &w.name)));
        }
    }
    let Some((_, loc)) = largest else { return };
    let (_, live) = load.of_one_run();
    if sessions > MOST_SESSIONS {
        cx.error(loc, "the scenario is too large to finish")
            .expected(format!(
                "at most {} sessions of a workload; this is {}, {}",
                count(MOST_SESSIONS),
                count(sessions),
                load.estimate()
            ))
            .help("a shorter `horizon` or a lower rate");
    } else if let Some(too_large) = load.too_many_turns() {
        let loc = raw.replications.filter(|_| too_large.replications).map_or(loc, |r| r.loc);
        cx.error(loc, too_large.message).expected(too_large.expected).help(too_large.help);
    } else if live > MOST_LIVE {
        cx.error(loc, "too many sessions at the same time")
            .expected(format!(
                "at most {} alive at once; this is {}, {}",
                count(MOST_LIVE),
                count(live),
                load.estimate()
            ))
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
pub fn rate_loc(raw: &RawScenario, workload: &str) -> Loc {
    let found = raw.workload.iter().flat_map(|w| &w.entries).find(|(n, _)| n.value == workload);
    let Some((name, Some(w))) = found else { return Loc::START };
    match &w.arrivals {
        Some(RawArrivals::Poisson(p)) => p.rate.as_ref().map_or(p.loc, |r| r.loc),
        Some(RawArrivals::Replay(r)) => r.loc,
        None => name.loc,
    }
}

fn counted(n: f64, what: &str) -> String {
    format!("{} {what}{}", count(n), if n == 1.0 { "" } else { "s" })
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
