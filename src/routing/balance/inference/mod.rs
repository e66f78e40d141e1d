//! Inference scheduling: how an endpoint picker of the Gateway API inference extension chooses a model server.
//!
//! Source: llm-d inference scheduler at 520af47, `pkg/epp` (the extension's own picker moved there; read 2026). A choice is
//! filters, then scorers, then a picker: the weighted sum of scores, each held between 0 and 1, and of the best one (at random
//! among equals), one at random, or one at random in proportion to the score.
//!
//! The saturation detector (utilisation) judges each endpoint by `max(waiting / 5, utilisation / 0.8)`; a report older than
//! 200 ms counts as full. As a filter it leaves out who is at 1 or above, and nobody if that were everybody. With
//! `refuse_when_saturated` a pool whose mean is 1 or above takes nothing (the picker answers 429 to requests that may be
//! shed): the gateway goes on to the next pool.
//!
//! What members report is old: by the interval at which they are asked and by its way. With `max_score` all choices of an
//! interval see the same numbers and herd.

pub mod prefix;
pub mod scorer;

use super::{Balance, LoadReport, View};
use crate::routing::entropy::Entropy;
use crate::routing::reason::{Figure, Reason, ReasonSink};
use crate::routing::request::Request;
use crate::units::{Span, Time};
use prefix::{LRU_BLOCKS, MOST_BLOCKS, PrefixIndex};
use scorer::{Range, Weights};

/// Parameters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct InferenceConfig {
    /// Weights of the scorers.
    pub weights: Weights,
    /// How one is taken by its score.
    pub picker: Picker,
    /// When a member counts as full; `None`: never.
    pub saturation: Option<Saturation>,
    /// How often members are asked for a report.
    pub refresh: Span,
    /// Blocks that the prefix index remembers per member; at least 1.
    pub lru_blocks: u32,
}

/// How one is taken by its score.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Picker {
    /// The highest score.
    MaxScore,
    /// Anybody.
    Random,
    /// At random in proportion to the scores (the A-Res scheme with one draw); evenly when all are 0.
    WeightedRandom,
}

/// The utilisation detector. [`Saturation::DEFAULT`] has its defaults.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Saturation {
    /// Waiting requests at which a member is full; positive.
    pub queue: f64,
    /// Utilisation at which it is full, above 0 to 1.
    pub utilisation: f64,
    /// A report older than this counts as full.
    pub stale_after: Span,
    /// Whether a full pool takes nothing.
    pub refuse: bool,
}

impl Saturation {
    /// The detector's defaults.
    pub const DEFAULT: Saturation =
        Saturation { queue: 5.0, utilisation: 0.8, stale_after: Span::from_millis(200), refuse: false };

    /// How full a member is; 1 is full. Who does not report is not judged.
    pub fn of(&self, now: Time, report: Option<&LoadReport>) -> f64 {
        match report {
            None => 0.0,
            Some(r) if now.since(r.at) > self.stale_after => 1.0,
            Some(r) => (f64::from(r.waiting) / self.queue).max(f64::from(r.utilisation) / 10_000.0 / self.utilisation),
        }
    }
}

impl InferenceConfig {
    /// The sample configuration.
    pub const SAMPLE: InferenceConfig = InferenceConfig {
        weights: Weights::SAMPLE,
        picker: Picker::MaxScore,
        saturation: Some(Saturation::DEFAULT),
        refresh: Span::from_millis(50),
        lru_blocks: LRU_BLOCKS,
    };
}

/// The picker of a pool.
#[derive(Clone, Debug)]
pub struct Inference {
    config: InferenceConfig,
    prefixes: Vec<PrefixIndex>,
    /// Scores of the candidates and their positions; kept only to be used again.
    scores: Vec<(f64, usize)>,
}

impl Inference {
    /// For a pool of so many members.
    pub fn new(config: InferenceConfig, members: usize) -> Inference {
        let indexes = if config.weights.prefix > 0.0 { members } else { 0 };
        Inference {
            config,
            prefixes: (0..indexes).map(|_| PrefixIndex::new(config.lru_blocks)).collect(),
            scores: Vec::with_capacity(members),
        }
    }

    /// The candidates; `None` when the pool is full and takes nothing.
    fn filter(&mut self, view: &View<'_>) -> Option<()> {
        self.scores.clear();
        let all = view.usable().map(|i| (0.0, i));
        let Some(s) = self.config.saturation else {
            self.scores.extend(all);
            return Some(());
        };
        let full = |i: usize| s.of(view.now, view.states[i].report.as_ref());
        if s.refuse {
            let (n, sum) = view.usable().fold((0, 0.0), |(n, sum), i| (n + 1, sum + full(i)));
            if n > 0 && sum / f64::from(n) >= 1.0 {
                return None;
            }
        }
        self.scores.extend(all.clone().filter(|(_, i)| full(*i) < 1.0));
        if self.scores.is_empty() {
            self.scores.extend(all); // fails open
        }
        Some(())
    }

    /// How full each member is, where that counts: from 1 on it is left out, unless that were everybody.
    fn say_how_full<S: ReasonSink>(&self, view: &View<'_>, reasons: &mut S) {
        let Some(s) = self.config.saturation else { return };
        let full = |i: usize| s.of(view.now, view.states[i].report.as_ref());
        for i in view.usable() {
            let (deployment, report) = (view.members[i].deployment, view.states[i].report);
            let figure = Figure::new("how full it is, out from 1 on", full(i)).aged(age(view, report));
            reasons.push(Reason::Scored { deployment, figure });
        }
        let n = view.count();
        if s.refuse && n > 0 {
            let mean = view.usable().map(full).sum::<f64>() / n as f64;
            let figure = Figure::new("how full the pool is, it takes nothing from 1 on", mean);
            reasons.push(Reason::Known { figure });
        }
    }

    /// The sum of each candidate, and what each scorer adds to it of the most that it could (its weight), with what it saw.
    fn say_scores<S: ReasonSink>(&self, view: &View<'_>, reasons: &mut S) {
        let w = self.config.weights;
        let scale = Scale::of(&w, view, &self.scores);
        for (score, i) in &self.scores {
            let (deployment, report) = (view.members[*i].deployment, view.states[*i].report);
            let mut say = |figure| reasons.push(Reason::Scored { deployment, figure });
            let old = age(view, report);
            say(Figure::new("sum of weighted scores", *score).aged(old));
            let part = |weight: f64, what, score| say(Figure::new(what, weight * score).of(weight));
            scale.each(view, &self.prefixes, *i, part);
            if let Some(r) = report {
                let reported = [
                    (w.queue + w.load_aware, "requests that wait there as reported", f64::from(r.waiting)),
                    (w.running, "requests that run there as reported", f64::from(r.running)),
                    (w.utilisation, "utilisation as reported in %", f64::from(r.utilisation) / 100.0),
                ];
                let used = reported.into_iter().filter(|(weight, ..)| *weight > 0.0);
                used.for_each(|(_, what, value)| say(Figure::new(what, value).aged(old)));
            }
            if w.prefix > 0.0 {
                say(prefix::figure(&self.prefixes[*i], view.request.blocks));
            }
        }
    }

    fn score(&mut self, view: &View<'_>) {
        let scale = Scale::of(&self.config.weights, view, &self.scores);
        for (score, i) in &mut self.scores {
            let mut sum = 0.0;
            scale.each(view, &self.prefixes, *i, |weight, _, score| sum += weight * score);
            *score = sum;
        }
    }
}

/// What the candidates' scores are relative to.
struct Scale {
    weights: Weights,
    queue: Range,
    runs: Range,
    busiest: u32,
    blocks: usize,
}

impl Scale {
    fn of(weights: &Weights, view: &View<'_>, candidates: &[(f64, usize)]) -> Scale {
        let report = |c: &(f64, usize)| view.states[c.1].report;
        Scale {
            weights: *weights,
            queue: Range::of(candidates.iter().map(|c| report(c).map_or(0, |r| r.waiting))),
            runs: Range::of(candidates.iter().map(|c| report(c).map_or(0, |r| r.running))),
            busiest: candidates.iter().map(|c| view.states[c.1].in_flight).max().unwrap_or(0),
            blocks: view.request.blocks.len().min(MOST_BLOCKS),
        }
    }

    /// Calls `f` with weight, name and score of every scorer that has a weight.
    fn each(&self, view: &View<'_>, prefixes: &[PrefixIndex], i: usize, mut f: impl FnMut(f64, &'static str, f64)) {
        let (w, state) = (&self.weights, &view.states[i]);
        let report = state.report;
        let (waiting, running) = (report.map_or(0, |r| r.waiting), report.map_or(0, |r| r.running));
        let mut add = |weight: f64, what, score: &dyn Fn() -> f64| {
            if weight > 0.0 {
                f(weight, what, score().clamp(0.0, 1.0));
            }
        };
        add(w.queue, "from the queue", &|| self.queue.score(waiting));
        add(w.running, "from requests that run", &|| self.runs.score(running));
        add(w.utilisation, "from utilisation", &|| 1.0 - report.map_or(0.0, |r| f64::from(r.utilisation) / 10_000.0));
        add(w.prefix, "from the prefix", &|| scorer::prefix(prefixes[i].matched(view.request.blocks), self.blocks));
        add(w.load_aware, "from load awareness", &|| scorer::load_aware(waiting));
        add(w.active_requests, "from calls in flight", &|| scorer::active_requests(state.in_flight, self.busiest));
    }
}

fn age(view: &View<'_>, report: Option<LoadReport>) -> Option<Span> {
    report.map(|r| view.now.since(r.at))
}

impl Balance for Inference {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, entropy: &mut E, reasons: &mut S) -> Option<usize> {
        if reasons.on() {
            self.say_how_full(view, reasons);
        }
        self.filter(view)?;
        self.score(view);
        if reasons.on() {
            self.say_scores(view, reasons);
        }
        let scores = &self.scores;
        if scores.is_empty() {
            return None;
        }
        let chosen = match self.config.picker {
            Picker::Random => entropy.pick(scores.len()),
            Picker::WeightedRandom if scores.iter().any(|s| s.0 > 0.0) => entropy.weighted(scores.iter().map(|s| s.0)),
            Picker::WeightedRandom => entropy.pick(scores.len()),
            Picker::MaxScore => {
                let best = scores.iter().map(|s| s.0).fold(f64::MIN, f64::max);
                let equals = || scores.iter().enumerate().filter(|(_, s)| s.0 == best).map(|(k, _)| k);
                let n = equals().count();
                let which = if n > 1 { entropy.pick(n) } else { 0 };
                equals().nth(which).unwrap_or(0)
            }
        };
        Some(scores[chosen].1)
    }

    fn on_sent(&mut self, _: Time, position: usize, request: &Request<'_>) {
        if let Some(index) = self.prefixes.get_mut(position) {
            index.enter(request.blocks);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{REQUEST, Tape, member, state};
    use super::*;
    use crate::routing::balance::Member;
    use crate::routing::balance::MemberState;
    use crate::routing::balance::Standing::{Out, Usable};
    use crate::routing::reason::Silent;

    fn reported(waiting: u32, running: u32, percent: u16) -> MemberState {
        let report = LoadReport { at: Time::ZERO, waiting, running, utilisation: 100 * percent };
        MemberState { report: Some(report), ..state(Usable, running) }
    }

    fn with(weights: Weights) -> InferenceConfig {
        InferenceConfig { weights, saturation: None, ..InferenceConfig::SAMPLE }
    }

    fn pick(b: &mut Inference, states: &[MemberState], blocks: &[u64], tape: &[f64]) -> Option<usize> {
        let members: Vec<Member> = (0..states.len()).map(|i| member(i as u16, 1.0, 1)).collect();
        let request = Request { blocks, ..REQUEST };
        let view = View { now: Time::ZERO + Span::from_millis(100), request: &request, members: &members, states };
        b.pick(&view, &mut Tape(tape.to_vec()), &mut Silent)
    }

    #[test]
    fn llm_d_each_scorer_prefers_what_it_is_for() {
        let states = [reported(9, 1, 90), reported(3, 9, 50), reported(6, 5, 10)];
        let cases = [
            (Weights { queue: 1.0, ..Weights::default() }, 1),
            (Weights { running: 1.0, ..Weights::default() }, 0),
            (Weights { utilisation: 1.0, ..Weights::default() }, 2),
            (Weights { load_aware: 1.0, ..Weights::default() }, 1),
            (Weights { active_requests: 1.0, ..Weights::default() }, 0),
        ];
        for (weights, expected) in cases {
            let chosen = pick(&mut Inference::new(with(weights), 3), &states, &[], &[]);
            assert_eq!(chosen, Some(expected), "{weights:?}");
        }
        // running 1.0 for member 0 and 0.5 for 2; utilisation 0.1 and 0.9: together 2 wins
        let both = Weights { running: 1.0, utilisation: 1.0, ..Weights::default() };
        assert_eq!(pick(&mut Inference::new(with(both), 3), &states, &[], &[]), Some(2));
    }

    #[test]
    fn llm_d_a_conversation_goes_where_its_prefix_is_until_load_outweighs_it() {
        let weights = Weights { prefix: 1.0, queue: 1.0, ..Weights::default() };
        let mut b = Inference::new(with(weights), 2);
        b.on_sent(Time::ZERO, 1, &Request { blocks: &[1, 2, 3, 4], ..REQUEST });
        let idle = [reported(0, 0, 0), reported(0, 0, 0)];
        assert_eq!(pick(&mut b, &idle, &[1, 2, 3, 4, 5], &[]), Some(1));
        assert_eq!(pick(&mut b, &idle, &[7, 8], &[0.0]), Some(0), "nobody has it: at random");
        let busy = [reported(0, 0, 0), reported(4, 0, 0)];
        assert_eq!(pick(&mut b, &busy, &[1, 2, 3, 4, 5], &[]), Some(0), "0.8 of the prompt against all of the queue");
    }

    #[test]
    fn llm_d_pickers() {
        let weights = Weights { utilisation: 1.0, ..Weights::default() };
        let states = [reported(0, 0, 25), reported(0, 0, 75)];
        let of =
            |picker, u| pick(&mut Inference::new(InferenceConfig { picker, ..with(weights) }, 2), &states, &[], &[u]);
        assert_eq!(
            (of(Picker::MaxScore, 0.9), of(Picker::Random, 0.4), of(Picker::Random, 0.6)),
            (Some(0), Some(0), Some(1))
        );
        assert_eq!((of(Picker::WeightedRandom, 0.74), of(Picker::WeightedRandom, 0.76)), (Some(0), Some(1)));
        let full = [reported(0, 0, 100), reported(0, 0, 100)];
        let mut b = Inference::new(InferenceConfig { picker: Picker::WeightedRandom, ..with(weights) }, 2);
        assert_eq!(pick(&mut b, &full, &[], &[0.9]), Some(1), "all zero: evenly");
    }

    #[test]
    fn llm_d_saturation_detector() {
        let s = Saturation::DEFAULT;
        let at = |ms| Time::ZERO + Span::from_millis(ms);
        let of = |state: MemberState, ms| s.of(at(ms), state.report.as_ref());
        assert_eq!((of(reported(5, 0, 0), 0), of(reported(1, 0, 80), 0), of(reported(0, 0, 40), 0)), (1.0, 1.0, 0.5));
        assert_eq!((of(reported(0, 0, 0), 200), of(reported(0, 0, 0), 201)), (0.0, 1.0), "stale is full");
        let config = InferenceConfig {
            weights: Weights { active_requests: 1.0, ..Weights::default() },
            ..InferenceConfig::SAMPLE
        };
        // the idle one is full and left out; when all are full nobody is
        let mut b = Inference::new(config, 2);
        assert_eq!(pick(&mut b, &[reported(9, 0, 0), reported(0, 3, 0)], &[], &[]), Some(1));
        assert_eq!(pick(&mut b, &[reported(9, 0, 0), reported(9, 3, 0)], &[], &[]), Some(0));
        let refuse = Some(Saturation { refuse: true, ..s });
        let mut b = Inference::new(InferenceConfig { saturation: refuse, ..config }, 2);
        assert_eq!(pick(&mut b, &[reported(9, 0, 0), reported(9, 3, 0)], &[], &[]), None);
        assert_eq!(pick(&mut b, &[reported(5, 0, 0), reported(1, 3, 0)], &[], &[]), Some(1), "a mean of 0.6");
        assert_eq!(pick(&mut b, &[state(Out, 0); 2], &[], &[]), None);
    }
}
