//! Many equal queues, each customer joining the shorter of two drawn at random, as a world on the kernel.

use super::purpose::{FIRST_CHOICE, GAP, SECOND_CHOICE, SERVICE, START_QUEUE};
use super::theory::two_choices_tail;
use crate::kernel::{Class, Context, Engine, World};
use crate::random::{Draws, EntityKey, Seed, sample};
use crate::units::{Span, Time};

const ANY: Class = Class::FIRST;

/// Levels that are observed: queues with at least 1 to `LEVELS` customers.
pub const LEVELS: usize = 8;

/// Queues to simulate. One mean service lasts one simulated second.
#[derive(Clone, Copy, Debug)]
pub struct ChoicesSpec {
    /// Queues, each with one server and exponential service.
    pub queues: u32,
    /// Arrivals per queue and mean service.
    pub load: f64,
    /// Simulated time before the observation.
    pub warmup: Span,
    /// Observed time.
    pub observed: Span,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Arrives,
    Departs { queue: u32 },
}

struct Choices {
    spec: ChoicesSpec,
    draws: Draws,
    key: EntityKey,
    mean_gap: f64,
    length: Vec<u32>,
    /// Services begun per queue: index of the draw.
    served: Vec<u64>,
    /// `at_least[k - 1]`: queues with at least k customers.
    at_least: [u32; LEVELS],
    /// Since when, and the integral over the observed time.
    since: [Time; LEVELS],
    area: [u128; LEVELS],
    arrived: u64,
    from: Time,
    until: Time,
}

impl World for Choices {
    type Event = Event;

    #[inline]
    fn handle(&mut self, event: Event, cx: &mut Context<Event>) {
        match event {
            Event::Arrives => self.arrives(cx),
            Event::Departs { queue } => self.departs(queue, cx),
        }
    }
}

impl Choices {
    /// Brings the integral of one level up to now, before its count changes. Level 0 holds always and is not kept.
    fn account(&mut self, level: usize, now: Time) {
        let span = now.min(self.until).since(self.since[level].max(self.from));
        self.area[level] += u128::from(self.at_least[level]) * u128::from(span.nanos());
        self.since[level] = now;
    }

    fn begins_service(&mut self, queue: u32, cx: &mut Context<Event>) {
        let q = queue as usize;
        let n = self.served[q];
        self.served[q] += 1;
        let service = sample::exponential(1.0, self.draws.uniform(SERVICE, self.key.child(u64::from(queue)), n));
        cx.schedule_in(Span::from_secs_f64(service), ANY, Event::Departs { queue });
    }

    fn joins(&mut self, queue: u32, cx: &mut Context<Event>) {
        let level = self.length[queue as usize] as usize;
        if level < LEVELS {
            self.account(level, cx.now());
            self.at_least[level] += 1;
        }
        self.length[queue as usize] += 1;
        if level == 0 {
            self.begins_service(queue, cx);
        }
    }

    fn next_arrival(&mut self, cx: &mut Context<Event>) {
        let gap = sample::exponential(self.mean_gap, self.draws.uniform(GAP, self.key, self.arrived));
        cx.schedule_in(Span::from_secs_f64(gap), ANY, Event::Arrives);
    }

    fn arrives(&mut self, cx: &mut Context<Event>) {
        let n = u64::from(self.spec.queues);
        let a = self.draws.below(FIRST_CHOICE, self.key, self.arrived, n) as u32;
        let b = self.draws.below(SECOND_CHOICE, self.key, self.arrived, n) as u32;
        // both independently, as in the analysis; a tie goes to the first drawn, which is itself random
        let queue = if self.length[b as usize] < self.length[a as usize] { b } else { a };
        self.arrived += 1;
        self.joins(queue, cx);
        self.next_arrival(cx);
    }

    fn departs(&mut self, queue: u32, cx: &mut Context<Event>) {
        self.length[queue as usize] -= 1;
        let level = self.length[queue as usize] as usize;
        if level < LEVELS {
            self.account(level, cx.now());
            self.at_least[level] -= 1;
        }
        if level > 0 {
            self.begins_service(queue, cx);
        }
    }

    /// Every queue starts with a length drawn from the limit law.
    fn begin(&mut self, cx: &mut Context<Event>) {
        for queue in 0..self.spec.queues {
            let u = self.draws.uniform(START_QUEUE, self.key, u64::from(queue));
            for k in 1..=LEVELS as u32 {
                if u < two_choices_tail(self.spec.load, k) {
                    self.joins(queue, cx);
                }
            }
        }
        self.next_arrival(cx);
    }
}

/// The limit of infinitely many queues from `spec.queues` and twice as many: the law of n queues is off by c/n + O(1/n^2)
/// (Gast 2017), so `2 s(2n) - s(n)` is off by O(1/n^2) only (Richardson extrapolation).
pub fn extrapolated_tails(spec: ChoicesSpec, seed: Seed) -> [f64; LEVELS] {
    let half = tails(spec, seed);
    let full = tails(ChoicesSpec { queues: 2 * spec.queues, ..spec }, seed);
    std::array::from_fn(|level| 2.0 * full[level] - half[level])
}

/// Simulates one replication: the mean share of queues with at least 1, 2, ... customers over the observed time.
pub fn tails(spec: ChoicesSpec, seed: Seed) -> [f64; LEVELS] {
    let n = spec.queues as usize;
    let from = Time::ZERO + spec.warmup;
    let until = from + spec.observed;
    let world = Choices {
        spec,
        draws: Draws::new(seed),
        key: EntityKey::named("two choices").child(u64::from(spec.queues)),
        mean_gap: 1.0 / (spec.load * f64::from(spec.queues)),
        length: vec![0; n],
        served: vec![0; n],
        at_least: [0; LEVELS],
        since: [Time::ZERO; LEVELS],
        area: [0; LEVELS],
        arrived: 0,
        from,
        until,
    };
    let mut engine = Engine::new(world);
    engine.with(|world, cx| world.begin(cx));
    engine.run_until(until);
    let mut world = engine.into_world();
    (0..LEVELS).for_each(|level| world.account(level, until));
    let all = spec.observed.nanos() as f64 * n as f64;
    world.area.map(|area| area as f64 / all)
}
