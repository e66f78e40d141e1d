//! `latency-based-routing`: the lowest mean of recent answers.
//!
//! Source: LiteLLM 1.106.2, `router_strategy/lowest_latency.py`. One map per model as asked for, with a time to live of
//! one hour from its first write: then the whole map is gone and everything is explored again. Per deployment the last
//! samples (10) of duration per completion token, or of duration where an answer has no tokens; for streams also of time
//! to first token; and tokens and requests per minute of local time.
//!
//! * A success appends a sample. A time-out appends 1000 s; other failures leave no trace, so a best deployment that
//!   fails fast is chosen again and again until it cools down.
//! * A choice first enters every candidate that is missing with one sample of 0. If the map exists this stays: such a
//!   deployment averages its answers with that 0 until it drops out of the list. If not, it is lost.
//! * The whole map is shuffled, other entries than candidates included. Who is over its limits is skipped. The score is the
//!   mean of times to first token if the request streams and there are any (or their `ttft_percentile`), else the mean of
//!   the samples. One uniform draw among all with `score ≤ lowest · (1 + buffer)`, in the order of their scores.
//!
//! Samples are differences of clock readings in microseconds, as Python's `datetime` has them.

use super::cache::{Minute, Window};
use super::config::StrategyArgs;
use super::marks::Marks;
use super::select::Choice;
use super::why::{Explain, Why};
use crate::routing::entropy::Entropy;
use crate::routing::reason::Figure;
use crate::units::{DeploymentIx, Time};

/// What a time-out counts as, in seconds.
pub(super) const TIMEOUT_PENALTY_S: f64 = 1000.0;

/// Room that a list of samples takes at most before it is needed; LiteLLM's lists hold 10 unless told otherwise.
const RESERVED: usize = 64;

/// The last samples and their mean.
#[derive(Clone, Debug, Default)]
struct Samples {
    list: Vec<f64>,
    mean: f64,
    /// When the newest was added.
    newest: Time,
    /// The oldest is the 0 with which who is missing is entered.
    placeholder: bool,
}

impl Samples {
    fn push(&mut self, now: Time, sample: f64, most: usize) {
        if self.list.is_empty() {
            // the whole list at once, so that it does not grow in the middle of a run
            self.list.reserve(most.min(RESERVED));
        } else if self.list.len() >= most {
            self.list.remove(0);
            self.placeholder = false;
        }
        self.list.push(sample);
        self.newest = now;
        self.mean = self.list.iter().sum::<f64>() / self.list.len() as f64;
    }

    fn clear(&mut self) {
        self.list.clear();
        (self.mean, self.placeholder) = (0.0, false);
    }

    /// The value at the percentile's position among the sorted samples.
    fn percentile(&self, percentile: f64, scratch: &mut Vec<f64>) -> f64 {
        scratch.clear();
        scratch.extend_from_slice(&self.list);
        scratch.sort_by(f64::total_cmp);
        let rank = (scratch.len() as f64 * percentile).ceil() as usize;
        scratch[rank.saturating_sub(1).min(scratch.len() - 1)]
    }
}

#[derive(Clone, Debug, Default)]
struct Entry {
    listed: bool,
    latency: Samples,
    first_token: Samples,
    used: Minute,
}

impl Entry {
    /// What the score is made of, without its value, and what stands in the list that is no answer.
    fn why(&self, now: Time, streams: bool, percentile: bool) -> (Figure, [Option<Figure>; 2]) {
        let by_first_token = streams && !self.first_token.list.is_empty();
        let (samples, what) = match by_first_token {
            true if percentile => (&self.first_token, "percentile of times to first token in s"),
            true => (&self.first_token, "mean time to first token in s"),
            false => (&self.latency, "mean latency in s per token of the answer, in s where it had none"),
        };
        let n = samples.list.len();
        let answers = n > usize::from(samples.placeholder);
        let age = answers.then(|| now.since(samples.newest));
        let timeouts = samples.list.iter().filter(|s| **s == TIMEOUT_PENALTY_S).count();
        let figure = Figure { samples: Some(n as u32), age, ..Figure::new(what, 0.0) };
        let zero = samples.placeholder.then(|| Figure::new("of them the 0 of who is new", 1.0));
        let late = (timeouts > 0).then(|| Figure::new("of them time-outs, which count as 1000 s", timeouts as f64));
        (figure, [zero, late])
    }
}

/// The map of one model.
#[derive(Clone, Debug, Default)]
pub(super) struct LowestLatency {
    map: Window<()>,
    order: Vec<u16>,
    /// By deployment.
    entries: Vec<Entry>,
}

/// Memory that a choice needs for its duration.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    shuffled: Vec<u16>,
    potential: Vec<(f64, u32, u16)>,
    sorted: Vec<f64>,
}

/// One answer, as it enters the map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub sent: Time,
    pub first_token: Option<Time>,
    pub streamed: bool,
    pub input_tokens: u32,
    pub output_tokens: u32,
}

/// Seconds between two readings of a clock that shows microseconds.
fn seconds(from: Time, to: Time) -> f64 {
    let micros = (to.nanos() / 1_000).saturating_sub(from.nanos() / 1_000);
    micros as f64 / 1e6
}

impl LowestLatency {
    fn forget(&mut self) {
        self.order.clear();
        for e in &mut self.entries {
            e.listed = false;
            e.latency.clear();
            e.first_token.clear();
            e.used = Minute::default();
        }
    }

    /// The entry, made if need be.
    fn list(&mut self, deployment: u16) -> &mut Entry {
        let ix = usize::from(deployment);
        if ix >= self.entries.len() {
            self.entries.resize_with(ix + 1, Entry::default);
        }
        let entry = &mut self.entries[ix];
        if !entry.listed {
            entry.listed = true;
            self.order.push(deployment);
        }
        entry
    }

    fn forget_if_expired(&mut self, now: Time) {
        if self.map.get(now).is_none() {
            self.forget();
        }
    }

    /// An answer came.
    pub fn succeeded(&mut self, now: Time, minute: u64, args: &StrategyArgs, deployment: u16, sample: Sample) {
        self.forget_if_expired(now);
        let duration = seconds(sample.sent, now);
        let tokens = sample.output_tokens;
        let value = if tokens > 0 { duration / f64::from(tokens) } else { duration };
        let entry = self.list(deployment);
        entry.latency.push(now, value, args.max_latency_list_size);
        if sample.streamed {
            let first = seconds(sample.sent, sample.first_token.unwrap_or(now));
            entry.first_token.push(now, first, args.max_latency_list_size);
        }
        entry.used.add_tpm(minute, u64::from(sample.input_tokens) + u64::from(tokens));
        entry.used.add_rpm(minute, 1);
        self.map.set(now, (), args.ttl);
    }

    /// A call timed out.
    pub fn timed_out(&mut self, now: Time, args: &StrategyArgs, deployment: u16) {
        self.forget_if_expired(now);
        self.list(deployment).latency.push(now, TIMEOUT_PENALTY_S, args.max_latency_list_size);
        self.map.set(now, (), args.ttl);
    }

    /// The choice, if any candidate is within its limits.
    pub fn pick<E: Entropy, S: Explain>(
        &mut self,
        Ask { choice: Choice { now, minute, deps, input_tokens, candidates }, args, streams }: Ask<'_>,
        marks: &Marks,
        scratch: &mut Scratch,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Option<u16> {
        self.forget_if_expired(now);
        for c in candidates {
            if self.entries.get(usize::from(*c)).is_none_or(|e| !e.listed) {
                let entry = self.list(*c);
                entry.latency.push(now, 0.0, args.max_latency_list_size);
                entry.latency.placeholder = true;
            }
        }
        for d in &self.order {
            reasons.why_if(|| Why::Shuffled { deployment: DeploymentIx(*d) });
        }
        scratch.shuffled.clear();
        scratch.shuffled.extend_from_slice(&self.order);
        entropy.permute(&mut scratch.shuffled);
        let Scratch { shuffled, potential, sorted } = scratch;
        let mut score = |d: u16| {
            let (entry, dep) = (&self.entries[usize::from(d)], &deps[usize::from(d)]);
            let (tokens, requests) = entry.used.counted(minute);
            if tokens + input_tokens > dep.tpm_or_none || requests + 1 > dep.rpm_or_none {
                return None;
            }
            let by_first_token = streams && !entry.first_token.list.is_empty();
            Some(match args.ttft_percentile {
                Some(p) if by_first_token => entry.first_token.percentile(p, sorted),
                _ if by_first_token => entry.first_token.mean,
                _ => entry.latency.mean,
            })
        };
        let candidates = shuffled.iter().copied().filter(|d| marks.has(*d));
        let clear =
            if reasons.on() { None } else { fastest(candidates.clone(), &mut score, args.lowest_latency_buffer) };
        let picked = if clear.is_some() {
            entropy.pick(1);
            clear
        } else {
            potential.clear();
            for d in candidates {
                match score(d) {
                    Some(score) => potential.push((score, potential.len() as u32, d)),
                    None if reasons.on() => {
                        let ((tokens, requests), dep) =
                            (self.entries[usize::from(d)].used.counted(minute), &deps[usize::from(d)]);
                        reasons.why(Why::AtLimit { deployment: DeploymentIx(d) });
                        reasons.usage(d, (tokens + input_tokens, dep.tpm_or_none), (requests + 1, dep.rpm_or_none));
                    }
                    None => {}
                }
            }
            if reasons.on() {
                say(args.lowest_latency_buffer, potential, reasons, |d| {
                    self.entries[usize::from(d)].why(now, streams, args.ttft_percentile.is_some())
                });
            }
            choose(args.lowest_latency_buffer, potential, entropy)
        };
        if self.map.get(now).is_none() {
            self.forget();
        }
        picked
    }
}

/// What a choice is asked for.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub choice: Choice<'a>,
    pub args: &'a StrategyArgs,
    pub streams: bool,
}

/// The one with the lowest score, if nobody else is near it.
fn fastest(
    candidates: impl Iterator<Item = u16>,
    mut score: impl FnMut(u16) -> Option<f64>,
    buffer: f64,
) -> Option<u16> {
    let (mut lowest, mut next, mut fastest) = (f64::INFINITY, f64::INFINITY, 0);
    for d in candidates {
        let Some(score) = score(d) else { continue };
        // without a branch, because in a shuffled list nobody can foresee it
        let faster = score < lowest;
        let slower = if faster { lowest } else { score };
        next = if slower < next { slower } else { next };
        lowest = if faster { score } else { lowest };
        fastest = if faster { d } else { fastest };
    }
    (next > lowest + buffer * lowest).then_some(fastest)
}

/// A uniform draw among those near the lowest, counted in the order of their scores and, where these are equal, of the
/// shuffled list.
fn choose<E: Entropy>(buffer: f64, potential: &mut Vec<(f64, u32, u16)>, entropy: &mut E) -> Option<u16> {
    let bound = bound(buffer, potential)?;
    potential.retain(|p| p.0 <= bound);
    let k = entropy.pick(potential.len());
    Some(potential.select_nth_unstable_by(k, order).1.2)
}

/// The highest score that is near the lowest.
fn bound(buffer: f64, potential: &[(f64, u32, u16)]) -> Option<f64> {
    let lowest = potential.iter().map(|p| p.0).min_by(f64::total_cmp)?;
    Some(lowest + buffer * lowest)
}

fn order(a: &(f64, u32, u16), b: &(f64, u32, u16)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

/// Who is slower than those near the lowest, then those, in the order in which the draw counts them.
fn say<S: Explain>(
    buffer: f64,
    potential: &mut [(f64, u32, u16)],
    reasons: &mut S,
    figures: impl Fn(u16) -> (Figure, [Option<Figure>; 2]),
) {
    let Some(bound) = bound(buffer, potential) else { return };
    let tell = |reasons: &mut S, (value, _, d): (f64, u32, u16), slower: bool| {
        let (figure, more) = figures(d);
        let (deployment, score) = (DeploymentIx(d), Figure { value, ..figure });
        reasons.why(if slower { Why::Slower { deployment, score } } else { Why::Candidate { deployment, score } });
        more.into_iter().flatten().for_each(|figure| reasons.known(d, || figure));
    };
    potential.iter().filter(|p| p.0 > bound).for_each(|p| tell(reasons, *p, true));
    // the choice does not depend on how the list is sorted
    potential.sort_by(order);
    potential.iter().filter(|p| p.0 <= bound).for_each(|p| tell(reasons, *p, false));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::litellm::dep::Dep;
    use crate::routing::reason::{Reason, Silent};

    #[test]
    fn samples_roll_and_percentiles_round_up() {
        let mut s = Samples::default();
        for v in [5.0, 1.0, 2.0, 3.0] {
            s.push(Time::ZERO, v, 3);
        }
        assert_eq!((s.list.as_slice(), s.mean), (&[1.0, 2.0, 3.0][..], 2.0));
        let mut scratch = Vec::new();
        assert_eq!([0.1, 0.34, 0.67, 1.0].map(|p| s.percentile(p, &mut scratch)), [1.0, 2.0, 3.0, 3.0]);
    }

    #[derive(Clone, PartialEq, Debug)]
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % n
        }
    }

    impl Entropy for Numbers {
        fn uniform(&mut self) -> f64 {
            self.below(1 << 30) as f64 / f64::from(1 << 30)
        }
    }

    /// Who asks for reasons has the list put in order; who does not, gets the same choice from the same draws. Equal scores,
    /// buffers, limits that are reached and entries that are no candidates are there.
    #[test]
    fn the_choice_is_the_same_for_who_listens_and_who_does_not() {
        let mut numbers = Numbers(1);
        let at = |s: u64| Time(s * 1_000_000_000);
        let (mut alone, mut drawn, mut nobody) = (0, 0, 0);
        for _ in 0..3_000 {
            let n = 1 + numbers.below(6) as u16;
            let buffer = [0.0, 0.0, 0.5, 1.0][numbers.below(4) as usize];
            let args = StrategyArgs { lowest_latency_buffer: buffer, ..StrategyArgs::default() };
            let limit = [u64::MAX, u64::MAX, u64::MAX, 1];
            let dep = |numbers: &mut Numbers| Dep {
                tpm_or_none: u64::MAX,
                rpm_or_none: limit[numbers.below(4) as usize],
                ..Dep::default()
            };
            let deps: Vec<Dep> = (0..n).map(|_| dep(&mut numbers)).collect();
            let mut map = LowestLatency::default();
            for d in 0..n {
                for _ in 0..numbers.below(3) {
                    let sent = at(10 - numbers.below(4));
                    let sample = Sample { sent, first_token: None, streamed: false, input_tokens: 1, output_tokens: 0 };
                    map.succeeded(at(10), 0, &args, d, sample);
                }
            }
            let candidates: Vec<u16> = (0..n).filter(|_| numbers.below(5) > 0).collect();
            let mut marks = Marks::default();
            marks.set(&candidates);
            let choice = Choice { now: at(11), minute: 0, deps: &deps, input_tokens: 1, candidates: &candidates };
            let ask = Ask { choice, args: &args, streams: false };
            let (mut listened, mut told) = (map.clone(), numbers.clone());
            let mut reasons: Vec<Reason> = Vec::new();
            let heard = listened.pick(ask, &marks, &mut Scratch::default(), &mut told, &mut reasons);
            let silent = map.pick(ask, &marks, &mut Scratch::default(), &mut numbers, &mut Silent);
            assert_eq!((silent, &numbers), (heard, &told), "{reasons:?}");
            match reasons.iter().filter(|r| matches!(r, Reason::LiteLlm(Why::Candidate { .. }))).count() {
                0 => nobody += 1,
                1 => alone += 1,
                _ => drawn += 1,
            }
        }
        assert!(alone > 500 && drawn > 500 && nobody > 50, "all cases are there: {alone}, {drawn}, {nobody}");
    }
}
