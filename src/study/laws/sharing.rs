//! M/G/1 processor sharing as a world on the kernel: everybody in the system is served at once, each with an equal part
//! of the server. It starts in its stationary distribution.

use super::purpose::{GAP, SERVICE, START_COUNT, START_LENGTH, START_RESIDUAL};
use super::station::Service;
use crate::kernel::{Class, Context, Engine, World};
use crate::random::{Draws, EntityKey, Seed, sample};
use crate::units::{Span, Time};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const ANY: Class = Class::FIRST;

/// Attained service is kept in 2^-20 nanoseconds, so that dividing a nanosecond among many customers loses nothing
/// that shows.
const FINE: u32 = 20;

/// A shared server to simulate. One mean service lasts one simulated second.
#[derive(Clone, Copy, Debug)]
pub struct SharingSpec {
    /// Whose draws.
    pub name: &'static str,
    /// Arrivals per mean service.
    pub load: f64,
    /// Service times.
    pub service: Service,
    /// Customers that arrive.
    pub customers: u64,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Arrives,
    /// The customer with the least left is done, unless somebody came or went since.
    Departs {
        change: u64,
    },
}

struct Shared {
    spec: SharingSpec,
    draws: Draws,
    key: EntityKey,
    /// Service that every customer present since the start would have attained.
    attained: u128,
    /// By attained service at departure: (that, number, arrival, counted).
    present: BinaryHeap<Reverse<(u128, u64, Time, bool)>>,
    last: Time,
    change: u64,
    arrived: u64,
    entered: u64,
    sojourn_ns: u128,
}

impl World for Shared {
    type Event = Event;

    fn handle(&mut self, event: Event, cx: &mut Context<Event>) {
        match event {
            Event::Arrives => self.arrives(cx),
            Event::Departs { change } if change == self.change => self.departs(cx),
            Event::Departs { .. } => (),
        }
    }
}

impl Shared {
    /// Everybody present has been served alike since the last change.
    fn serve_until(&mut self, now: Time) {
        let served = u128::from(now.since(self.last).nanos()) << FINE;
        self.attained += served.checked_div(self.present.len() as u128).unwrap_or(0);
        self.last = now;
    }

    fn enters(&mut self, now: Time, service: f64, counted: bool) {
        let at = self.attained + (u128::from(Span::from_secs_f64(service).nanos()) << FINE);
        self.entered += 1;
        self.present.push(Reverse((at, self.entered, now, counted)));
    }

    fn schedule_departure(&mut self, cx: &mut Context<Event>) {
        self.change += 1;
        if let Some(Reverse((at, ..))) = self.present.peek() {
            let left = at.saturating_sub(self.attained) * self.present.len() as u128;
            let after = Span((left >> FINE) as u64);
            cx.schedule_in(after, ANY, Event::Departs { change: self.change });
        }
    }

    fn next_arrival(&mut self, cx: &mut Context<Event>) {
        if self.arrived < self.spec.customers {
            let gap = sample::exponential(1.0 / self.spec.load, self.draws.uniform(GAP, self.key, self.arrived));
            cx.schedule_in(Span::from_secs_f64(gap), ANY, Event::Arrives);
        }
    }

    fn arrives(&mut self, cx: &mut Context<Event>) {
        let now = cx.now();
        self.serve_until(now);
        let service = self.spec.service.at(self.draws.uniform(SERVICE, self.key, self.arrived));
        self.arrived += 1;
        self.enters(now, service, true);
        self.next_arrival(cx);
        self.schedule_departure(cx);
    }

    fn departs(&mut self, cx: &mut Context<Event>) {
        let now = cx.now();
        self.serve_until(now);
        let Reverse((_, _, arrived, counted)) = self.present.pop().expect("somebody departs");
        if counted {
            self.sojourn_ns += u128::from(now.since(arrived).nanos());
        }
        self.schedule_departure(cx);
    }

    /// The stationary law: a geometric number of customers, each with an equilibrium residual service, whatever the
    /// distribution (Sakata, Noguchi, Oizumi 1971; Kelly 1979).
    fn begin(&mut self, cx: &mut Context<Event>) {
        let n = (libm::log(self.draws.uniform(START_COUNT, self.key, 0)) / libm::log(self.spec.load)) as u64;
        for i in 0..n {
            let u = self.draws.uniform(START_RESIDUAL, self.key, i);
            let v = self.draws.uniform(START_LENGTH, self.key, i);
            self.enters(Time::ZERO, self.spec.service.residual(u, v), false);
        }
        self.next_arrival(cx);
        self.schedule_departure(cx);
    }
}

/// Simulates one replication until its last customer has left: the mean time in the system, in mean services.
pub fn mean_sojourn(spec: SharingSpec, seed: Seed) -> f64 {
    let world = Shared {
        spec,
        draws: Draws::new(seed),
        key: EntityKey::named(spec.name).child_named(spec.service.name()).child((spec.load * 1000.0) as u64),
        attained: 0,
        present: BinaryHeap::new(),
        last: Time::ZERO,
        change: 0,
        arrived: 0,
        entered: 0,
        sojourn_ns: 0,
    };
    let mut engine = Engine::new(world);
    engine.with(|world, cx| world.begin(cx));
    engine.run_to_end();
    engine.into_world().sojourn_ns as f64 * 1e-9 / spec.customers as f64
}
