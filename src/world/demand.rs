//! Users: when sessions start, how many turns they have, what is said, how long people think.

use super::event::{Event, TRAFFIC};
use super::purpose::{ARRIVAL, INPUT, OUTPUT, REPLAY_GROUP, RESOLVER, THINK, TURNS};
use super::sampler::Sampler;
use super::session::{Request, Session};
use super::{Cx, World};
use crate::random::{Arrivals as ArrivalStream, CumulativeRate, Draws, EntityKey, sample};
use crate::scenario::model::{Arrivals, Context, Scenario, Shape, Sizes, TraceRows, Turns, Workload};
use crate::units::{GroupIx, Span, Time};
use std::sync::Arc;

/// One arrival process.
#[derive(Debug)]
pub enum Source {
    /// Sessions of one group.
    Poisson {
        /// Position of the workload.
        workload: u16,
        /// Whose.
        group: GroupIx,
        /// Address of the sessions: child n is session n.
        key: EntityKey,
        /// Rate over the whole run.
        rate: CumulativeRate,
        /// Where the process stands.
        stream: ArrivalStream,
    },
    /// Rows of a trace.
    Replay {
        /// Position of the workload.
        workload: u16,
        /// Address of the rows.
        key: EntityKey,
        /// The rows.
        trace: Arc<TraceRows>,
        /// The next one.
        next: usize,
    },
}

/// A workload prepared for drawing.
#[derive(Debug)]
pub struct Demand {
    turns: Turns,
    think: Sampler,
    sizes: PreparedSizes,
    context: Context,
    /// The request's `max_tokens`.
    pub max_output: u32,
    /// Whether answers are streamed.
    pub streamed: bool,
    /// Time limit of a turn.
    pub limit: Span,
}

#[derive(Debug)]
enum PreparedSizes {
    Fixed(u32, u32),
    Independent(Sampler, Sampler),
    Rows(Arc<TraceRows>),
    Replayed(Arc<TraceRows>),
}

impl Demand {
    /// Prepares a workload.
    pub fn new(w: &Workload) -> Demand {
        let sizes = match (&w.arrivals, &w.sizes) {
            // a replayed row brings its own sizes
            (Arrivals::Replay { trace }, Sizes::Trace(rows)) if Arc::ptr_eq(trace, rows) => {
                PreparedSizes::Replayed(Arc::clone(rows))
            }
            (_, Sizes::Trace(rows)) => PreparedSizes::Rows(Arc::clone(rows)),
            (_, Sizes::Fixed { input, output }) => PreparedSizes::Fixed(*input, *output),
            (_, Sizes::Independent { input, output }) => {
                PreparedSizes::Independent(Sampler::new(*input), Sampler::new(*output))
            }
        };
        Demand {
            turns: w.turns,
            think: Sampler::new(w.think),
            sizes,
            context: w.context,
            max_output: w.max_output_tokens,
            streamed: w.streamed,
            limit: w.limit,
        }
    }

    fn turns(&self, draws: &Draws, session: EntityKey) -> u32 {
        match self.turns {
            Turns::Fixed(n) => n,
            Turns::Geometric { mean } => {
                u32::try_from(sample::geometric(mean, draws.uniform(TURNS, session, 0))).unwrap_or(u32::MAX)
            }
        }
    }

    /// Pause before turn `turn`.
    pub fn think(&self, draws: &Draws, session: EntityKey, turn: u32) -> Span {
        let u = if self.think.is_constant() { 0.5 } else { draws.uniform(THINK, session, u64::from(turn)) };
        self.think.span(u)
    }

    /// New input and output tokens of a turn; `row` is the replayed row.
    fn sizes(&self, draws: &Draws, session: EntityKey, turn: u32, row: usize) -> (u32, u32) {
        let n = u64::from(turn);
        let (input, output) = match &self.sizes {
            PreparedSizes::Fixed(input, output) => (*input, *output),
            PreparedSizes::Independent(input, output) => (
                (input.at(draws.uniform(INPUT, session, n)) + 0.5) as u32,
                (output.at(draws.uniform(OUTPUT, session, n)) + 0.5) as u32,
            ),
            PreparedSizes::Rows(t) => {
                let i = draws.below(INPUT, session, n, t.rows.len() as u64) as usize;
                (t.rows[i].1, t.rows[i].2)
            }
            PreparedSizes::Replayed(t) => (t.rows[row].1, t.rows[row].2),
        };
        (input.max(1), output.clamp(1, self.max_output.max(1)))
    }

    /// Tokens of the prompt that carries `input` new ones after `history` old ones.
    fn prompt(&self, input: u32, history: u32) -> u32 {
        match self.context {
            Context::Fresh => input,
            Context::Growing { system_tokens, max_tokens } => {
                system_tokens.saturating_add(history).saturating_add(input).min(max_tokens.max(input))
            }
        }
    }
}

/// Every arrival process of a scenario, from the origin of the run to `end`.
pub fn sources(scenario: &Scenario, start: Time, end: Time) -> Vec<Source> {
    let mut list = Vec::new();
    for (w, workload) in scenario.workloads.iter().enumerate() {
        let key = EntityKey::named(&workload.name);
        match &workload.arrivals {
            Arrivals::Poisson { rate, shape } => {
                for (g, group) in scenario.groups.iter().enumerate() {
                    let mean = rate.per_sec_f64() * group.share;
                    let steps = rate_steps(mean, shape.as_deref(), &group.zone, scenario.start_unix_s, start, end);
                    let rate = CumulativeRate::new(&steps, end).expect("validation bounds rates and horizon");
                    let key = key.child_named(&group.name);
                    let stream = ArrivalStream::new(ARRIVAL, key);
                    list.push(Source::Poisson { workload: w as u16, group: GroupIx::new(g), key, rate, stream });
                }
            }
            Arrivals::Replay { trace } => {
                list.push(Source::Replay { workload: w as u16, key, trace: Arc::clone(trace), next: 0 });
            }
        }
    }
    list
}

/// (start of step, sessions per second) from the origin of the run to `end`, following local time.
fn rate_steps(
    mean: f64,
    shape: Option<&Shape>,
    zone: &str,
    start_unix_s: i64,
    start: Time,
    end: Time,
) -> Vec<(Time, f64)> {
    let Some(shape) = shape else {
        return vec![(Time::ZERO, mean)];
    };
    let zone = jiff::tz::TimeZone::get(zone).expect("validation resolves time zones");
    let origin_ns = i128::from(start_unix_s) * 1_000_000_000 - i128::from(start.nanos());
    let step_ns = i128::from(shape.step.nanos());
    let period_ns = step_ns * shape.weights.len() as i128;
    // 1970-01-01 was a Thursday: Monday 1969-12-29 is the reference from which periods of weeks count
    let monday_ns = -3i128 * 86_400_000_000_000;
    let mut steps: Vec<(Time, f64)> = Vec::new();
    let mut t_ns = origin_ns;
    let end_ns = origin_ns + i128::from(end.nanos());
    while t_ns < end_ns {
        let instant = jiff::Timestamp::from_nanosecond(t_ns).expect("validation bounds the calendar");
        let offset_ns = i128::from(zone.to_offset(instant).seconds()) * 1_000_000_000;
        let local = (t_ns + offset_ns - monday_ns).rem_euclid(period_ns);
        let weight = shape.weights[(local / step_ns) as usize];
        steps.push((Time((t_ns - origin_ns) as u64), mean * weight));
        let to_next_step = step_ns - local % step_ns;
        // offsets change on whole minutes: a step that contains a change is cut there
        let next_change = zone.following(instant).next().map_or(i128::MAX, |change| change.timestamp().as_nanosecond());
        t_ns = (t_ns + to_next_step).min(next_change);
    }
    steps
}

impl World<'_> {
    /// Schedules the first session of every process.
    pub(super) fn start_demand(&mut self, cx: &mut Cx) {
        for source in 0..self.sources.len() {
            self.schedule_next_session(source as u16, cx);
        }
    }

    fn schedule_next_session(&mut self, source: u16, cx: &mut Cx) {
        let at = match &mut self.sources[usize::from(source)] {
            Source::Poisson { rate, stream, .. } => stream.next_poisson(&self.draws, rate).map(|(_, at)| at),
            Source::Replay { trace, next, .. } => {
                trace.rows.get(*next).map(|row| self.start + row.0).filter(|at| *at < self.end)
            }
        };
        if let Some(at) = at {
            cx.schedule(at, TRAFFIC, Event::SessionStarts { source });
        }
    }

    /// A session starts: its user, its length, its first turn.
    pub(super) fn session_starts(&mut self, source: u16, cx: &mut Cx) {
        let (workload, group, key, row) = match &mut self.sources[usize::from(source)] {
            Source::Poisson { workload, group, key, stream, .. } => {
                (*workload, *group, key.child(stream.number() - 1), 0)
            }
            Source::Replay { workload, key, next, .. } => {
                let row = *next;
                *next += 1;
                let u = self.draws.uniform(REPLAY_GROUP, *key, row as u64);
                (*workload, group_at(&self.scenario.groups, u), key.child(row as u64), row)
            }
        };
        self.schedule_next_session(source, cx);
        let demand = &self.demand[usize::from(workload)];
        let unit = self.draws.below(RESOLVER, key, 0, u64::from(self.steering.units())) as u32;
        let session = Session {
            key,
            group,
            workload,
            turns: demand.turns(&self.draws, key),
            turn: 0,
            row: row as u32,
            history: 0,
            failed: 0,
            unit,
            connected_to: 0,
            connected_until: Time::ZERO,
            last_write: None,
            request: Request::idle(),
        };
        self.record.sessions += 1;
        let session = self.sessions.insert(session);
        self.turn_begins(session, cx);
    }

    /// Draws what is said in the present turn.
    pub(super) fn compose(&mut self, session: super::event::SessionKey) {
        let s = &mut self.sessions[session];
        let demand = &self.demand[usize::from(s.workload)];
        let (input, output) = demand.sizes(&self.draws, s.key, s.turn, s.row as usize);
        s.request.input = input;
        s.request.output = output;
        s.request.prompt = demand.prompt(input, s.history);
    }
}

/// The group at a uniform number of the cumulative shares.
fn group_at(groups: &[crate::scenario::model::UserGroup], u: f64) -> GroupIx {
    let mut left = u;
    for (i, g) in groups.iter().enumerate() {
        if left < g.share {
            return GroupIx::new(i);
        }
        left -= g.share;
    }
    GroupIx::new(groups.len() - 1)
}
