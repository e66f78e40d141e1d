//! No allocation per event once the buffers have grown: counted by the allocator itself.
#![allow(unsafe_code, reason = "a global allocator can only be written with unsafe; it forwards to the system's")]

use geodes::kernel::{Class, Context, Engine, Slab, World, slab};
use geodes::random::{Draws, EntityKey, ExpZiggurat, Purpose, Seed};
use geodes::units::{Span, Time};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    /// Per thread, so that tests that run at the same time do not count each other's. `const`, so that it needs no
    /// allocation itself.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
}

// SAFETY: every method forwards to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's contract is passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

const GAP: Purpose = Purpose(1);
const LIFE: Purpose = Purpose(2);
const FIRST: Class = Class::new(0);
const LAST: Class = Class::new(15);

/// Customers come, live for a while with a timer running, and end before it or by it: slab, cancellation by stale keys,
/// draws, many ties (times are rounded to a coarse grid), a population that rises and falls.
struct Crowd {
    draws: Draws,
    zig: ExpZiggurat,
    alive: Slab<Customer>,
    born: u64,
    timed_out: u64,
}

struct Customer {
    /// Only there to make a customer a realistic size.
    _state: [u64; 6],
}

#[derive(Clone, Copy)]
enum Event {
    Arrive,
    Leave(slab::Key<Customer>),
    Timeout(slab::Key<Customer>),
}

const MEAN_LIFE_NS: f64 = 1e9;

impl World for Crowd {
    type Event = Event;
    fn handle(&mut self, event: Event, cx: &mut Context<Event>) {
        match event {
            Event::Arrive => {
                self.born += 1;
                let key = self.alive.insert(Customer { _state: [self.born; 6] });
                let entity = EntityKey(self.born);
                let life = self.zig.at(&self.draws, LIFE, entity, 0) * MEAN_LIFE_NS;
                cx.schedule_in(Span(life as u64 / 1_000_000 * 1_000_000), FIRST, Event::Leave(key));
                cx.schedule_in(Span(2_000_000_000), LAST, Event::Timeout(key));
                // A slow wave: between 0.3 and 1.7 times the mean rate.
                let wave = 1.0 + 0.7 * libm::sin(cx.now().as_secs_f64() / 20.0);
                let gap = self.zig.at(&self.draws, GAP, EntityKey(0), self.born) * 100_000.0 / wave;
                cx.schedule_in(Span(gap as u64 / 1_000 * 1_000), FIRST, Event::Arrive);
            }
            Event::Leave(key) => drop(self.alive.remove(key)),
            Event::Timeout(key) => self.timed_out += u64::from(self.alive.remove(key).is_some()),
        }
    }
}

#[test]
fn after_warm_up_no_event_allocates() {
    let draws = Draws::new(Seed { seed: 5, replication: 0 });
    let world = Crowd { draws, zig: ExpZiggurat::new(), alive: Slab::new(), born: 0, timed_out: 0 };
    let mut engine = Engine::new(world);
    engine.schedule(Time::ZERO, FIRST, Event::Arrive);
    engine.run_until(Time(400_000_000_000));
    let (warm, handled) = (allocations(), engine.events_handled());
    assert!(warm > 0, "the counter counts");

    engine.run_until(Time(600_000_000_000));
    let events = engine.events_handled() - handled;
    let figures = (events, engine.pending(), engine.world().timed_out);
    assert!(events > 4_000_000 && engine.pending() > 5_000 && engine.world().timed_out > 100_000, "{figures:?}");
    assert_eq!(allocations() - warm, 0, "allocations during {events} events");
}
