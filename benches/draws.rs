//! What a draw costs: nanoseconds per variate of each sampler, with its addressed draw.
//!
//! `cargo bench --bench draws`. Independent draws overlap in the processor, as they do in a world that asks for several.

mod contest;

use contest::{Contestant, compete};
use criterion::Criterion;
use geodes::random::pick::{Alias, Cumulative};
use geodes::random::{Arrivals, CumulativeRate, Dist, Draws, Empirical, EntityKey, ExpZiggurat, Purpose, Seed, gamma};
use geodes::units::Time;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const P: Purpose = Purpose(1);

/// A contestant that sums a sampler over changing entities and indices.
fn sum(name: &str, f: impl Fn(EntityKey, u64) -> f64 + 'static) -> Contestant<'static> {
    let mut at = 0;
    Contestant::new(name, move |ops| {
        let mut total = 0.0;
        for i in at..at + ops {
            total += f(EntityKey(i.rotate_left(20)), i & 7);
        }
        at += ops;
        black_box(total);
    })
}

/// Like [`sum`], but each draw's index hangs on the draw before: the latency rather than the throughput.
fn chained(name: &str, draws: Draws) -> Contestant<'static> {
    Contestant::new(name, move |ops| {
        let mut x = 0;
        for _ in 0..ops {
            x = draws.bits(P, EntityKey(x), 1);
        }
        black_box(x);
    })
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let d = Draws::new(Seed { seed: 1, replication: 0 });
    let zig = ExpZiggurat::new();
    let dist = |dist: Dist| move |e: EntityKey, i: u64| dist.sample(d.uniform(P, e, i));
    let values = (0..10_000).map(|i| d.uniform(P, EntityKey(i), 0)).collect();
    let empirical = Dist::Empirical(Arc::new(Empirical::new(values, true).expect("values are finite")));
    let weights: Vec<u64> = (1..=200).collect();
    let cumulative = Cumulative::new(&weights).expect("weights are positive");
    let alias = Alias::new(&weights).expect("weights are positive");
    let end = Time(1 << 59);
    let rate = CumulativeRate::new(&(0..2016).map(|i| (Time(i << 40), 1e-3)).collect::<Vec<_>>(), end).expect("rising");
    let mut arrivals = Arrivals::new(P, EntityKey(7));
    let mut contestants = vec![
        chained("bits, one after the other", d),
        sum("bits", move |e, i| d.bits(P, e, i) as f64),
        sum("uniform", move |e, i| d.uniform(P, e, i)),
        sum("exponential, inversion", dist(Dist::Exponential { mean: 1.0 })),
        sum("exponential, ziggurat", move |e, i| zig.at(&d, P, e, i)),
        sum("normal", dist(Dist::Normal { mean: 0.0, sd: 1.0 })),
        sum("log-normal", dist(Dist::LogNormal { mu: 0.0, sigma: 1.0 })),
        sum("geometric", dist(Dist::Geometric { mean: 4.0 })),
        sum("Weibull", dist(Dist::Weibull { shape: 0.7, scale: 1.0 })),
        sum("Pareto, bounded", dist(Dist::Pareto { alpha: 1.2, lo: 1.0, hi: 1e3 })),
        sum("empirical, 10,000 values", dist(empirical)),
        sum("gamma, inversion", dist(Dist::Gamma { shape: 2.5, scale: 1.0 })),
        sum("gamma, stream", move |e, i| gamma::from_stream(2.5, &mut d.stream(P, e, i))),
        sum("one of 200, cumulative", move |e, i| cumulative.pick(d.bits(P, e, i)) as f64),
        sum("one of 200, alias", move |e, i| alias.pick(d.bits(P, e, i)) as f64),
        Contestant::new("Poisson arrival, 2016 steps", |ops| {
            for _ in 0..ops {
                if arrivals.next_poisson(&d, &rate).is_none() {
                    arrivals = Arrivals::new(P, EntityKey(7));
                }
            }
            black_box(&arrivals);
        }),
    ];
    let mut group = criterion.benchmark_group("draws");
    group.sample_size(10).warm_up_time(Duration::from_millis(50)).measurement_time(Duration::from_millis(200));
    compete(&mut group, &mut contestants, 9, 1_000_000);
    group.finish();
    criterion.final_summary();
    if contest::only_testing() {
        return;
    }
    println!("\nnanoseconds per variate, medians of interleaved rounds");
    for c in &contestants {
        println!("{:<28} {:>8.2}", c.name, c.median());
    }
}
