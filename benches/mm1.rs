//! M/M/1, first come first served, load 0.8: the engine against hand-written loops with the same samplers and the same
//! recording. `cargo bench --bench mm1`; target: at least half the speed of the next-event loop.

mod contest;
#[path = "contest/customers.rs"]
mod customers;

use contest::{Contestant, compete};
use criterion::Criterion;
use customers::Common;
use geodes::kernel::{Class, Context, Engine, World};
use geodes::units::{Span, Time};
use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Duration;

/// Customers per mean service time.
const LOAD: f64 = 0.8;

#[derive(Clone, Copy)]
enum Event {
    Arrive,
    Depart,
}

const DEPART: Class = Class::new(0);
const ARRIVE: Class = Class::new(1);

struct Mm1 {
    common: Common,
    waiting: VecDeque<Time>,
    left: u64,
}

impl World for Mm1 {
    type Event = Event;
    #[inline]
    fn handle(&mut self, event: Event, cx: &mut Context<Event>) {
        match event {
            Event::Arrive => {
                self.waiting.push_back(cx.now());
                if self.waiting.len() == 1 {
                    cx.schedule_in(Span(self.common.service()), DEPART, Event::Depart);
                }
                cx.schedule_in(Span(self.common.gap()), ARRIVE, Event::Arrive);
            }
            Event::Depart => {
                if let Some(arrived) = self.waiting.pop_front() {
                    self.common.sojourn.record(cx.now().since(arrived).nanos());
                }
                if !self.waiting.is_empty() {
                    cx.schedule_in(Span(self.common.service()), DEPART, Event::Depart);
                }
                self.left -= 1;
                if self.left == 0 {
                    cx.stop();
                }
            }
        }
    }
}

fn engine() -> impl FnMut(u64) {
    let mut engine = Engine::new(Mm1 { common: Common::new(LOAD), waiting: VecDeque::new(), left: 0 });
    engine.schedule(Time::ZERO, ARRIVE, Event::Arrive);
    move |customers| {
        engine.world_mut().left = customers;
        black_box(engine.run_to_end());
    }
}

/// The same system with the pending events in two variables.
fn next_event_loop() -> impl FnMut(u64) {
    let mut c = Common::new(LOAD);
    let mut waiting = VecDeque::new();
    let (mut arrival, mut departure) = (0u64, u64::MAX);
    move |customers| {
        let mut left = customers;
        while left > 0 {
            if departure <= arrival {
                let now = departure;
                if let Some(arrived) = waiting.pop_front() {
                    c.sojourn.record(now - arrived);
                }
                departure = if waiting.is_empty() { u64::MAX } else { now + c.service() };
                left -= 1;
            } else {
                let now = arrival;
                waiting.push_back(now);
                if waiting.len() == 1 {
                    departure = now + c.service();
                }
                arrival = now + c.gap();
            }
        }
        black_box(&c.sojourn);
    }
}

/// Lindley's recursion: no events at all, only possible because this one system allows it. For orientation.
fn recursion() -> impl FnMut(u64) {
    let mut c = Common::new(LOAD);
    let mut wait = 0u64;
    move |customers| {
        for _ in 0..customers {
            let sojourn = wait + c.service();
            c.sojourn.record(sojourn);
            wait = sojourn.saturating_sub(c.gap());
        }
        black_box(&c.sojourn);
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut contestants = [
        Contestant::new("engine", engine()),
        Contestant::new("next-event loop", next_event_loop()),
        Contestant::new("recursion", recursion()),
    ];
    let mut group = criterion.benchmark_group("mm1");
    group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(500));
    compete(&mut group, &mut contestants, 15, 2_000_000);
    group.finish();
    criterion.final_summary();
    if contest::only_testing() {
        return;
    }
    println!("\nM/M/1, load 0.8, medians of interleaved rounds");
    println!("{:<18} {:>12} {:>22} {:>20}", "", "ns/customer", "million customers/s", "speed of the engine");
    let engine = contestants[0].median();
    for c in &contestants {
        let m = c.median();
        println!("{:<18} {m:>12.1} {:>22.1} {:>20.2}", c.name, 1e3 / m, m / engine);
    }
}
