//! M/M/c with c = 100 servers at load 0.9, first come first served: the engine against hand-written loops with the same
//! samplers and the same recording. `cargo bench --bench mmc`; target: at least half the speed of the next-event loop.

mod contest;
#[path = "contest/customers.rs"]
mod customers;

use contest::{Contestant, compete};
use criterion::Criterion;
use customers::Common;
use geodes::kernel::{Class, Context, Engine, World};
use geodes::units::{Span, Time};
use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, VecDeque};
use std::hint::black_box;
use std::time::Duration;

const SERVERS: u32 = 100;
/// Customers per mean service time.
const LOAD: f64 = 90.0;

#[derive(Clone, Copy)]
enum Event {
    Arrive,
    /// Carries when its customer came.
    Depart(Time),
}

const DEPART: Class = Class::new(0);
const ARRIVE: Class = Class::new(1);

struct Mmc {
    common: Common,
    waiting: VecDeque<Time>,
    busy: u32,
    left: u64,
}

impl World for Mmc {
    type Event = Event;
    #[inline]
    fn handle(&mut self, event: Event, cx: &mut Context<Event>) {
        match event {
            Event::Arrive => {
                if self.busy < SERVERS {
                    self.busy += 1;
                    cx.schedule_in(Span(self.common.service()), DEPART, Event::Depart(cx.now()));
                } else {
                    self.waiting.push_back(cx.now());
                }
                cx.schedule_in(Span(self.common.gap()), ARRIVE, Event::Arrive);
            }
            Event::Depart(arrived) => {
                self.common.sojourn.record(cx.now().since(arrived).nanos());
                match self.waiting.pop_front() {
                    Some(next) => cx.schedule_in(Span(self.common.service()), DEPART, Event::Depart(next)),
                    None => self.busy -= 1,
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
    let mut engine = Engine::new(Mmc { common: Common::new(LOAD), waiting: VecDeque::new(), busy: 0, left: 0 });
    engine.schedule(Time::ZERO, ARRIVE, Event::Arrive);
    move |customers| {
        engine.world_mut().left = customers;
        black_box(engine.run_to_end());
    }
}

/// The same system with the next arrival in a variable and the departures in the standard binary heap.
fn next_event_loop() -> impl FnMut(u64) {
    let mut c = Common::new(LOAD);
    let mut waiting = VecDeque::new();
    let mut departures: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
    let mut arrival = 0u64;
    move |customers| {
        let mut left = customers;
        while left > 0 {
            if departures.peek().is_some_and(|first| first.0.0 <= arrival) {
                let Some(mut first) = departures.peek_mut() else { unreachable!("peeked just now") };
                let Reverse((now, arrived)) = *first;
                c.sojourn.record(now - arrived);
                match waiting.pop_front() {
                    Some(next) => *first = Reverse((now + c.service(), next)),
                    None => drop(PeekMut::pop(first)),
                }
                left -= 1;
            } else {
                let now = arrival;
                if departures.len() < SERVERS as usize {
                    departures.push(Reverse((now + c.service(), now)));
                } else {
                    waiting.push_back(now);
                }
                arrival = now + c.gap();
            }
        }
        black_box(&c.sojourn);
    }
}

/// The recursion of Kiefer and Wolfowitz: a heap of the instants at which servers become free, no events at all, only
/// possible because this one system allows it. For orientation.
fn recursion() -> impl FnMut(u64) {
    let mut c = Common::new(LOAD);
    let mut free: BinaryHeap<Reverse<u64>> = (0..SERVERS).map(|_| Reverse(0)).collect();
    let mut arrival = 0u64;
    move |customers| {
        for _ in 0..customers {
            let mut first = free.peek_mut().expect("there are servers");
            let done = first.0.max(arrival) + c.service();
            *first = Reverse(done);
            c.sojourn.record(done - arrival);
            arrival += c.gap();
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
    let mut group = criterion.benchmark_group("mmc");
    group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(500));
    compete(&mut group, &mut contestants, 15, 2_000_000);
    group.finish();
    criterion.final_summary();
    if contest::only_testing() {
        return;
    }
    println!("\nM/M/100, load 0.9, medians of interleaved rounds");
    println!("{:<18} {:>12} {:>22} {:>20}", "", "ns/customer", "million customers/s", "speed of the engine");
    let engine = contestants[0].median();
    for c in &contestants {
        let m = c.median();
        println!("{:<18} {m:>12.1} {:>22.1} {:>20.2}", c.name, 1e3 / m, m / engine);
    }
}
