//! No allocation per event once the buffers have grown: counted by the allocator itself.
#![allow(unsafe_code, reason = "a global allocator can only be written with unsafe; it forwards to the system's")]

#[path = "alloc/routers.rs"]
mod routers;
#[path = "alloc/worlds.rs"]
mod worlds;

use geodes::kernel::{Class, Context, Engine, Slab, World, slab};
use geodes::random::{Draws, EntityKey, ExpZiggurat, Purpose, Seed};
use geodes::routing::litellm::config::Strategy;
use geodes::scenario::model::{DistSpec, Fault, FaultWhat, FaultWhen};
use geodes::study::replicate;
use geodes::units::{RegionIx, Span, Time};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    /// Per thread, so that tests that run at the same time do not count each other's. `const`, so that it needs no
    /// allocation itself.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Bytes that are allocated at present, and the most there were.
    static BYTES: Cell<(i64, i64)> = const { Cell::new((0, 0)) };
}

fn count(allocations: u64, bytes: i64) {
    let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + allocations));
    let _ = BYTES.try_with(|b| {
        let now = b.get().0 + bytes;
        b.set((now, b.get().1.max(now)));
    });
}

// SAFETY: every method forwards to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(0, -(layout.size() as i64));
        // SAFETY: the caller's contract is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(1, new_size as i64 - layout.size() as i64);
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

/// Takes an event out and puts it back an exponential time of a thousand seconds later.
struct Hold {
    draws: Draws,
    zig: ExpZiggurat,
}

impl World for Hold {
    type Event = [u64; 3];
    fn handle(&mut self, event: [u64; 3], cx: &mut Context<[u64; 3]>) {
        let gap = self.zig.at(&self.draws, GAP, EntityKey(event[0]), cx.events_handled()) * 1e12;
        cx.schedule_in(Span(gap as u64), Class::new(7), event);
    }
}

#[test]
fn the_memory_of_pending_events_is_that_of_the_population_however_long_the_run() {
    const PENDING: u64 = 20_000;
    let before = BYTES.with(Cell::get).0;
    let world = Hold { draws: Draws::new(Seed { seed: 6, replication: 0 }), zig: ExpZiggurat::new() };
    let mut engine = Engine::new(world);
    for i in 0..PENDING {
        engine.schedule(Time(i), Class::FIRST, [i; 3]);
    }
    // Two days: the clock's highest bits change eight times while everything is pending.
    engine.run_until(Time(2 * 86_400_000_000_000));
    assert_eq!(engine.pending() as u64, PENDING);
    assert!(engine.events_handled() > 3_000_000);
    let bytes = BYTES.with(Cell::get).1 - before;
    // Key and payload take 32 bytes. The pool doubles when it grows, old and new exist side by side then: three times.
    // The table of buckets, the ziggurat and blocks that are not full come on top.
    let limit = 3 * PENDING as i64 * 32 + 300_000;
    assert!(bytes < limit, "{bytes} bytes for {PENDING} pending events, limit {limit}");
}

/// The most memory that a study of so many replications takes at a time, in bytes, on one thread.
fn peak_of_a_study(replications: u32) -> i64 {
    let mut s = geodes::scenario::plain(2);
    s.horizon = Span::from_hours(2);
    s.interval = Span::from_mins(1);
    s.replications = replications;
    for d in &mut s.deployments {
        d.ttft = DistSpec::LogNormal { p50: 0.5, p95: 1.5 };
    }
    s.faults.push(Fault {
        name: "down".to_owned(),
        when: FaultWhen::At { at: Span::from_mins(30), lasts: Span::from_mins(20) },
        what: FaultWhat::RegionDown { region: RegionIx(0) },
    });
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let before = BYTES.with(Cell::get).0;
        let records = replicate::records(&s, &replicate::Unobserved).unwrap();
        let one = &records.topologies[0];
        assert_eq!((records.finished, one.record.replications), (replications, replications));
        assert_eq!((one.incidents.len(), one.samples.values("ttft_ms.p95").len()), (1, replications as usize));
        BYTES.with(Cell::get).1 - before
    })
}

#[test]
fn the_memory_of_a_study_does_not_grow_with_its_replications() {
    let (few, many) = (peak_of_a_study(4), peak_of_a_study(32));
    // some hundred numbers for each replication, and merged histograms are a little wider
    let numbers = 28 * 8 * 200;
    assert!(many < few + few / 10 + numbers, "{many} bytes for 32 replications, {few} for 4");
}

const STRATEGIES: [Strategy; 6] = [
    Strategy::SimpleShuffle,
    Strategy::LeastBusy,
    Strategy::UsageV1,
    Strategy::UsageV2,
    Strategy::Latency,
    Strategy::Cost,
];
