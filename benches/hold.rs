//! The hold model: take out the earliest event, put it back a random time later, with a constant number pending.
//!
//! `cargo bench --bench hold`; the table at the end has medians of interleaved rounds. Targets: the engine within 1.3
//! times its bare pending-event set, at least 5 times the binary heap at a million pending, and nearly flat in between.

mod contest;

use contest::{Contestant, compete};
use criterion::Criterion;
use geodes::kernel::queue::{Adaptive, Binary, PendingSet, Radix};
use geodes::kernel::{Class, Context, Engine, Key, World};
use geodes::random::{Stream, mix, sample};
use geodes::units::{Span, Time};
use std::hint::black_box;
use std::time::Duration;

/// As large as the events of the product's world: 24 bytes.
#[derive(Clone, Copy)]
struct Payload {
    _id: u64,
    _key: u64,
    _kind: u32,
    class: u8,
}

const PAYLOAD: () = assert!(size_of::<Payload>() == 24);

/// Exponential distances of mean one second, drawn beforehand so that the sampler is not measured.
struct Distances(Vec<u64>);

impl Distances {
    fn new() -> Distances {
        let mut s = Stream::new(1);
        Distances((0..1 << 16).map(|_| (sample::exponential(1e9, s.uniform())) as u64).collect())
    }
    #[inline]
    fn at(&self, i: u64) -> u64 {
        self.0[i as usize & 0xffff]
    }
}

fn initial(n: u64, d: &Distances) -> impl Iterator<Item = (Time, Payload)> {
    (0..n).map(|i| {
        let class = (i % 5) as u8;
        // Spread more finely than the table, or a million events would tie.
        (Time(d.at(i * 31) + mix::moremur(i) % 1024), Payload { _id: i, _key: i, _kind: 1, class })
    })
}

struct Hold<'a> {
    distances: &'a Distances,
    i: u64,
    left: u64,
}

impl World for Hold<'_> {
    type Event = Payload;
    #[inline]
    fn handle(&mut self, event: Payload, cx: &mut Context<Payload>) {
        self.i += 1;
        cx.schedule_in(Span(self.distances.at(self.i)), Class::new(event.class), event);
        self.left -= 1;
        if self.left == 0 {
            cx.stop();
        }
    }
}

fn engine(n: u64, distances: &Distances) -> impl FnMut(u64) {
    let mut engine = Engine::new(Hold { distances, i: 0, left: 0 });
    for (at, p) in initial(n, distances) {
        engine.schedule(at, Class::new(p.class), p);
    }
    move |ops| {
        engine.world_mut().left = ops;
        black_box(engine.run_to_end());
    }
}

fn bare(n: u64, distances: &Distances, mut set: impl PendingSet<Payload>) -> impl FnMut(u64) {
    for (at, p) in initial(n, distances) {
        set.push(Key::new(at, Class::new(p.class)).bits(), p);
    }
    let mut i = 0;
    move |ops| {
        for _ in 0..ops {
            let (key, p) = set.pop().expect("the number pending is constant");
            i += 1;
            set.push(key + (distances.at(i) << 4), p);
        }
        black_box(set.len());
    }
}

fn main() {
    let () = PAYLOAD;
    let mut criterion = Criterion::default().configure_from_args();
    let distances = Distances::new();
    let mut table = Vec::new();
    let populations = [2, 30, 100, 1_000, 10_000, 100_000, 1_000_000];
    for n in populations {
        let mut contestants = [
            Contestant::new(format!("engine/{n}"), engine(n, &distances)),
            Contestant::new(format!("adaptive/{n}"), bare(n, &distances, Adaptive::new())),
            Contestant::new(format!("radix/{n}"), bare(n, &distances, Radix::default())),
            Contestant::new(format!("binary/{n}"), bare(n, &distances, Binary::default())),
        ];
        let mut group = criterion.benchmark_group("hold");
        group.sample_size(10).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(300));
        compete(&mut group, &mut contestants, 9, 1_000_000.max(n));
        group.finish();
        table.push((n, contestants.map(|c| c.median())));
    }
    criterion.final_summary();
    if contest::only_testing() {
        return;
    }
    println!("\nhold model, nanoseconds per event (pop and push), medians of interleaved rounds");
    println!(
        "{:>9} {:>8} {:>9} {:>7} {:>8} {:>16} {:>14}",
        "pending", "engine", "adaptive", "radix", "binary", "engine/adaptive", "binary/engine"
    );
    for (n, [e, a, r, b]) in &table {
        println!("{n:>9} {e:>8.1} {a:>9.1} {r:>7.1} {b:>8.1} {:>16.2} {:>14.2}", e / a, b / e);
    }
    let flat = |i: usize| table[6].1[i] / table[3].1[i];
    println!(
        "1M against 1k pending: engine {:.2}, adaptive {:.2}, radix {:.2}, binary {:.2}",
        flat(0),
        flat(1),
        flat(2),
        flat(3)
    );
}
